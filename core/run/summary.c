/* The model as people read it, on the screen and in what `odeon check` proves: two sessions are
 * taken to be the same model where their summaries are the same text. */
#include "run/summary.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/text.h"
#include "session/describe.h"
#include "session/placement.h"
#include "session/result.h"

enum { INDENT = 2, PARAMETERS_WIDTH = 10 };

typedef struct widths {
    int path, layer, output;
} widths;

/* Never narrower than the column's heading. */
static int wider(int width, size_t length)
{
    return (int)length > width ? (int)length : width;
}

/* Widths of the columns for all rows, so that the table is aligned whatever the names are; bodies
 * are indented within the first column. */
static widths measure(size_t n, const session_layer *layers)
{
    widths w = {(int)strlen("total"), (int)strlen("layer"), (int)strlen("output")};
    for (size_t i = 0; i < n; i++) {
        char shape[112];
        text_shape(layers[i].ndim, layers[i].dim, shape);
        w.path = wider(w.path, strlen(layers[i].path) + INDENT * (size_t)layers[i].depth);
        w.layer = wider(w.layer, strlen(layers[i].layer));
        w.output = wider(w.output, strlen(shape));
    }
    return w;
}

/* A layer without parameters has a dash, one that shares those of another says whose they are:
 * counted once they add up to the total. */
static void print_layer(FILE *out, const widths *w, const session_layer *layer)
{
    char shape[112], parameters[32] = "";
    text_shape(layer->ndim, layer->dim, shape);
    if (layer->parameters > 0) {
        text_grouped(layer->parameters, parameters);
    }
    int indent = INDENT * layer->depth;
    fprintf(out, "%*s%-*s  %-*s  %-*s", indent, "", w->path - indent, layer->path, w->layer,
            layer->layer, w->output, shape);
    if (layer->shared != NULL) {
        fprintf(out, "  those of %s\n", layer->shared);
    } else if (layer->parameters > 0) {
        fprintf(out, "  %*s\n", PARAMETERS_WIDTH, parameters);
    } else {
        fprintf(out, "  %*s\n", PARAMETERS_WIDTH, "-");
    }
}

void summary_table(FILE *out, size_t n, const session_layer *layers, int64_t total)
{
    widths w = measure(n, layers);
    fprintf(out, "%-*s  %-*s  %-*s  %*s\n", w.path, "path", w.layer, "layer", w.output, "output",
            PARAMETERS_WIDTH, "parameters");
    for (size_t i = 0; i < n; i++) {
        print_layer(out, &w, &layers[i]);
    }
    char number[32];
    text_grouped(total, number);
    fprintf(out, "%-*s  %-*s  %-*s  %*s\n", w.path, "total", w.layer, "", w.output, "",
            PARAMETERS_WIDTH, number);
}

/* The number of workers is that of a run, also of a session of shapes alone, which has one network.
 */
odeon_status summary_print(FILE *out, const session *s, uint32_t dtype)
{
    size_t n = session_layer_count(s);
    session_layer *layers = mem_zalloc(n, sizeof *layers);
    if (layers == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "summary of the model: no memory for %zu layers", n);
    }
    for (size_t i = 0; i < n; i++) {
        layers[i] = session_layer_at(s, i);
    }
    summary_table(out, n, layers, session_parameter_count(s));
    mem_free(layers);
    int workers = session_workers(s);
    fprintf(out, "%s on %s%s, %d worker%s\n", dtype == ODEON_DTYPE_F64 ? "float64" : "float32",
            session_device_text(s), session_device_is_auto(s) ? " (run.device = auto)" : "",
            workers, workers == 1 ? "" : "s");
    if (session_placed_bytes(s) > 0) {
        char bytes[32];
        text_grouped((int64_t)session_placed_bytes(s), bytes);
        fprintf(out, "samples on the device: %s bytes\n", bytes);
    }
    return ODEON_OK;
}

/* number_plain writes every NaN alike, whatever sign the machine gave it. */
void summary_result(FILE *out, const session *s, const session_result *r)
{
    fprintf(out, "loss %.9g\n", number_plain(r->loss));
    for (size_t i = 0; i < session_metric_count(s); i++) {
        fprintf(out, "%s %.9g\n", session_metric_names(s)[i], number_plain(r->metrics[i]));
    }
    for (size_t i = 0; i < r->n_blocks; i++) {
        const ode_counters *b = &r->blocks[i];
        char spread[COUNTERS_TEXT_BYTES];
        fprintf(out,
                "%s: evaluations %" PRId64 " forward %" PRId64 " backward, steps %" PRId64
                " accepted %" PRId64 " rejected%s\n",
                b->path, b->evals_forward, b->evals_backward, b->accepted, b->rejected,
                counters_spread_text(b, spread, sizeof spread));
    }
}

/* Whole numbers with all digits, as in the metrics. */
void summary_figures(FILE *out, const session *s)
{
    const figure_value *list;
    size_t n = session_figures(s, &list);
    for (size_t i = 0; i < n; i++) {
        const figure_value *f = &list[i];
        const char *colon = f->path[0] != '\0' ? ": " : "";
        if (f->is_whole) {
            fprintf(out, "%s%s%s %lld\n", f->path, colon, f->name, (long long)f->whole);
        } else if (!isnan(f->value)) {
            fprintf(out, "%s%s%s %.6g\n", f->path, colon, f->name, number_plain(f->value));
        }
    }
}
