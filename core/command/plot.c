/* `odeon plot`: one chart as a file. The ending of the file's name is its format. */
#include "command/command.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/output_file.h"
#include "base/path.h"
#include "command/view_session.h"

typedef struct format {
    const char *ending;
    int32_t format; /* ODEON_VIEW_* */
} format;

static odeon_status find_format(const char *file, int32_t *out)
{
    static const format formats[] = {
        {".svg", ODEON_VIEW_SVG}, {".png", ODEON_VIEW_PNG},   {".pdf", ODEON_VIEW_PDF},
        {".csv", ODEON_VIEW_CSV}, {".py", ODEON_VIEW_PYTHON}, {".json", ODEON_VIEW_VEGA},
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (path_ends_with(file, formats[i].ending)) {
            *out = formats[i].format;
            return ODEON_OK;
        }
    }
    return diag_fail(ODEON_ERR_CONFIG,
                     "--out %s: must end in .svg, .png or .pdf, or, for the numbers, in .csv, .py "
                     "or .json",
                     file);
}

static odeon_status write_chart(view_session *s, int64_t chart, int32_t kind, const char *numbers,
                                const char *file)
{
    drawn d;
    const char *name = views_drawing(s->views, chart)->name;
    const char *beside = numbers != NULL ? strrchr(numbers, '/') : NULL;
    odeon_status status =
        view_session_draw(s, chart, kind, beside != NULL ? beside + 1 : numbers, &d);
    if (status == ODEON_OK && d.nothing != NULL) {
        status = diag_fail(ODEON_ERR_DATA, "%s: nothing to draw: %s", name, d.nothing);
    }
    if (status == ODEON_OK) {
        status = output_file_put(file, d.text.data, d.text.length);
    }
    drawn_fini(&d);
    return status;
}

/* x.py reads x.csv, which is written with it and may be no more a file of a run's than x.py. */
static odeon_status write_program(const command_line *a, view_session *s, int64_t chart,
                                  const char *file)
{
    char *numbers = mem_printf("%.*s.csv", (int)(strlen(file) - 3), file);
    if (numbers == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", file);
    }
    odeon_status status = view_session_spare(a->n_operands - 1, a->operands + 1, numbers);
    status = status == ODEON_OK ? write_chart(s, chart, ODEON_VIEW_CSV, NULL, numbers) : status;
    if (status == ODEON_OK) {
        status = write_chart(s, chart, ODEON_VIEW_PYTHON, numbers, file);
    }
    mem_free(numbers);
    return status;
}

static odeon_status plot(const command_line *a, view_session *s, int32_t kind)
{
    const char *file = a->value[ARGUMENT_OUT];
    int64_t chart;
    ODEON_TRY(views_find(s->views, a->operands[0], &chart));
    ODEON_TRY(kind == ODEON_VIEW_PYTHON ? write_program(a, s, chart, file)
                                        : write_chart(s, chart, kind, NULL, file));
    fprintf(a->out, "%s in %s\n", a->operands[0], file);
    return ODEON_OK;
}

static odeon_status run_plot(const command_line *a)
{
    const char *file = a->value[ARGUMENT_OUT];
    view_session s = {.registry = NULL};
    int32_t kind = ODEON_VIEW_SVG;
    if (file == NULL) {
        return diag_fail(ODEON_ERR_CONFIG, "plot: --out FILE must be given (odeon help plot)");
    }
    ODEON_TRY(find_format(file, &kind));
    ODEON_TRY(view_session_spare(a->n_operands - 1, a->operands + 1, file));
    odeon_status status = view_session_open(a, a->n_operands - 1, a->operands + 1, true, &s);
    if (status == ODEON_OK) {
        status = plot(a, &s, kind);
    }
    view_session_close(&s);
    return status;
}

const command command_plot = {
    .name = "plot",
    .operands = "CHART RUN [RUN ...] --out FILE",
    .summary = "draw one chart of runs",
    .help =
        "The charts are those of the page that `odeon report` makes, and of any other view on\n"
        "the plugin path; a name that is none lists them. Of several runs the curves stand\n"
        "together, with the range of those that differ in run.seed alone. A file NAME.csv in\n"
        "place of a run is a table to be drawn: work_precision and lr_find take what compare\n"
        "and lr-find print with --csv, curves any table, its columns over the first.\n\n"
        "  --out FILE          FILE.svg, or, where librsvg is installed, FILE.png and FILE.pdf;\n"
        "                      FILE.csv gets the numbers, FILE.json a Vega-Lite chart with the\n"
        "                      numbers in it, FILE.py a program of matplotlib, with FILE.csv\n",
    .options = 1u << ARGUMENT_OUT,
    .min_operands = 2,
    .max_operands = (size_t)-1,
    .run = run_plot,
};
