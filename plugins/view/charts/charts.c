/* charts: the charts of a run or of several, each in every format. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "drawing.h"
#include "odeon/plugin.h"

typedef struct charts {
    ODEON_INSTANCE;
} charts;

chart *drawing_begin(drawing *d, double width, double height, const char *title)
{
    chart_destroy(d->chart);
    d->chart = chart_create(d->host, width, height, title);
    return d->chart;
}

odeon_status drawing_nothing(drawing *d, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(d->nothing, sizeof d->nothing, format, arguments);
    va_end(arguments);
    return ODEON_OK;
}

void drawing_caption(drawing *d, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(d->caption, sizeof d->caption, format, arguments);
    va_end(arguments);
}

/* ---- colours of samples ---- */

int drawing_color(const odeon_view_answer *x, size_t i)
{
    double label = x->label != NULL ? x->label[i * (size_t)x->label_size] : 0;
    return x->n_classes > 0     ? 1 + (int)label % CHART_SERIES
           : x->label_size == 1 ? (label > 0 ? CHART_BLUE : CHART_RED)
                                : CHART_BLUE;
}

void drawing_say_colors(drawing *d, const odeon_view_answer *x)
{
    if (x->label == NULL || (x->n_classes == 0 && x->label_size != 1)) {
        return;
    }
    if (x->n_classes == 0) {
        chart_say(d->chart, CHART_BLUE, "label above 0");
        chart_say(d->chart, CHART_RED, "not above 0");
    }
    for (int i = 0; i < x->n_classes && i < CHART_SERIES; i++) {
        chart_say(d->chart, 1 + i, view_print(&d->memory, "class %d", i));
    }
    if (x->n_classes > CHART_SERIES) {
        chart_say(d->chart, CHART_MUTED, "other classes are left out");
    }
}

/* In the order of a page: the two lists are one. */
#define DRAWINGS(X)                                                                                \
    X(loss)                                                                                        \
    X(metrics)                                                                                     \
    X(gradient_norm)                                                                               \
    X(learning_rate)                                                                               \
    X(evaluations)                                                                                 \
    X(attempts)                                                                                    \
    X(drift)                                                                                       \
    X(step_sizes)                                                                                  \
    X(memory)                                                                                      \
    X(share)                                                                                       \
    X(seeds)                                                                                       \
    X(sweep)                                                                                       \
    X(tests)                                                                                       \
    X(failed_solve)                                                                                \
    X(path)                                                                                        \
    X(phase)                                                                                       \
    X(depth)                                                                                       \
    X(flow)                                                                                        \
    X(density)                                                                                     \
    X(confusion)                                                                                   \
    X(wrong)                                                                                       \
    X(samples)                                                                                     \
    X(times)                                                                                       \
    X(gradient_error)                                                                              \
    X(weights)                                                                                     \
    X(gradients)                                                                                   \
    X(work_precision)                                                                              \
    X(lr_find)                                                                                     \
    X(curves)
#define KIND_OF(id) &draw_##id,
#define INFO_OF(id) &draw_##id.info,
static const drawing_kind *const kinds[] = {DRAWINGS(KIND_OF)};
static const odeon_view_drawing *const drawings[] = {DRAWINGS(INFO_OF) NULL};

/* ---- formats ---- */

static odeon_status convert(const drawing *d, const chart_text *svg, const odeon_view_out *out)
{
    double width, height;
    chart_size(d->chart, &width, &height);
    return convert_svg(d->host, svg->data, svg->length, d->request->format, width, height, out);
}

static odeon_status write_text(drawing *d, chart_text *text)
{
    switch (d->request->format) {
    case ODEON_VIEW_SVG:
    case ODEON_VIEW_PNG:
    case ODEON_VIEW_PDF:
        return chart_write_svg(d->chart, 1, true, text);
    case ODEON_VIEW_FRAGMENT:
        return chart_write_svg(d->chart, (int)d->request->number, false, text);
    case ODEON_VIEW_CSV:
        return chart_write_csv(d->chart, text);
    case ODEON_VIEW_PYTHON:
        return chart_write_python(d->chart, d->request->file, text);
    case ODEON_VIEW_VEGA:
        return chart_write_vega(d->chart, text);
    default:
        return ODEON_ERR_UNSUPPORTED;
    }
}

static odeon_status give(drawing *d, const odeon_view_out *out)
{
    chart_text text = {.host = d->host};
    int32_t format = d->request->format;
    odeon_status status = write_text(d, &text);
    if (status == ODEON_OK && (format == ODEON_VIEW_PNG || format == ODEON_VIEW_PDF)) {
        status = convert(d, &text, out);
    } else if (status == ODEON_OK) {
        out->put(out->self, text.data, text.length);
    }
    if (status == ODEON_OK && d->caption[0] != '\0') {
        out->caption(out->self, d->caption);
    }
    chart_text_fini(&text);
    return status;
}

static odeon_status draw(void *self, int64_t number, const odeon_view_request *request,
                         const odeon_view_out *out)
{
    charts *x = self;
    drawing d = {.host = x->host, .request = request, .memory = {.host = x->host}};
    odeon_status status = kinds[number]->make(&d);
    if (status == ODEON_OK && d.memory.failed) {
        status = ODEON_ERR_NOMEM;
    }
    if (status == ODEON_OK && d.nothing[0] != '\0') {
        out->nothing(out->self, d.nothing);
    } else if (status == ODEON_OK) {
        status = give(&d, out);
    }
    if (status == ODEON_ERR_UNSUPPORTED) { /* librsvg has said so already, where it is missing */
        status = odeon_fail(x->host, status, "this chart has no such format");
    }
    if (status == ODEON_ERR_NOMEM) {
        status = odeon_fail(x->host, status, "no memory to draw %s", drawings[number]->name);
    }
    chart_destroy(d.chart);
    view_free(&d.memory);
    return status;
}

static const odeon_view_ops ops = {.struct_size = sizeof ops, .drawings = drawings, .draw = draw};

ODEON_PLUGIN_OPTIONS(VIEW, "charts", &ops, "charts of runs", NULL, NULL, charts, NULL, NULL, NULL);
