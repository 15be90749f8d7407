/* What a run was busy with, how wrong its gradients were, and how its parameters are spread. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "drawing.h"
#include "odeon/dataset.h"

/* ---- time by part ---- */

/* As the table has them, from above. */
static const char *part_words(const char *part)
{
    static const char *const words[][2] = {
        {"data", "waiting for data"},   {"forward", "forward"}, {"backward", "backward"},
        {"update", "optimizer"},        {"test", "tests"},      {"save", "checkpoints"},
        {"audit", "audit of gradients"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i][0], part) == 0) {
            return words[i][1];
        }
    }
    return part;
}

/* A bar lies from 0 to its share, at the height of its name. */
static void add_part(chart_panel *p, double share, double y, int color)
{
    double x[] = {0.0, share}, mid[] = {y, y};
    for (int i = -6; i <= 6; i++) { /* thirteen lines, of two pixels, are a bar */
        double at[] = {mid[0] + 0.025 * i, mid[1] + 0.025 * i};
        chart_line(p, 2, x, at, &(chart_style){.color = color});
    }
}

static odeon_status draw_parts(drawing *d, size_t n, const char *const *part, const double *seconds)
{
    const char **names = view_alloc(&d->memory, n, sizeof(char *));
    double all = 0.0, most = 0.0;
    size_t largest = 0;
    if (names == NULL) {
        return ODEON_ERR_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        names[n - 1 - i] = part_words(part[i]);
        all += seconds[i];
        largest = seconds[i] > most ? i : largest;
        most = fmax(most, seconds[i]);
    }
    if (!(all > 0.0)) {
        return drawing_nothing(d, "the run has taken no time");
    }
    drawing_begin(d, CHART_NARROW, 60 + 26 * (double)n, "Time by part");
    chart_panel *p = chart_panel_add(
        d->chart, &(chart_axes){.x = {.percent = true, .zero = true, .label = "share"},
                                .y = {.names = names, .n_names = n}});
    for (size_t i = 0; i < n; i++) {
        add_part(p, seconds[i] / all, (double)(n - 1 - i), CHART_BLUE);
    }
    drawing_caption(d, "%.3g s in all; most, %.1f %%, in %s", all, 100.0 * most / all,
                    part_words(part[largest]));
    chart_describe(d->chart, "of %.3g s, %.1f %% were spent in %s", all, 100.0 * most / all,
                   part_words(part[largest]));
    return ODEON_OK;
}

static odeon_status make_times(drawing *d)
{
    const odeon_view_table *table = view_table(d->request->run[0], "times");
    const odeon_view_column *part = table != NULL ? view_column(table, "part") : NULL,
                            *seconds = table != NULL ? view_column(table, "seconds") : NULL;
    if (part == NULL || seconds == NULL || table->n_rows == 0) {
        return drawing_nothing(d, "the run has no times.csv, which comes at its end");
    }
    size_t n = 0, rows = (size_t)table->n_rows;
    const char **parts = view_alloc(&d->memory, rows, sizeof(char *));
    double *value = view_alloc(&d->memory, rows, sizeof *value);
    if (parts == NULL || value == NULL) {
        return ODEON_ERR_NOMEM;
    }
    for (size_t i = 0; i < rows; i++) {
        if (seconds->value[i] > 0.0) { /* a part that a run has not is no bar */
            parts[n] = part->text[i];
            value[n++] = seconds->value[i];
        }
    }
    return n > 0 ? draw_parts(d, n, parts, value) : drawing_nothing(d, "the run has taken no time");
}

const drawing_kind draw_times = {.info = {.struct_size = sizeof(odeon_view_drawing),
                                          .flags = ODEON_VIEW_OF_ONE_RUN,
                                          .name = "times",
                                          .summary = "where the time of the run went",
                                          .part = "Time"},
                                 .make = make_times};

/* ---- errors of gradients ---- */

static odeon_status make_gradient_error(drawing *d)
{
    const odeon_view_run *run = view_first(d->request);
    view_series s = view_series_of(&d->memory, run, "train", "gradient_error");
    double lo, hi;
    if (s.n == 0) {
        return drawing_nothing(d, "the run has no [audit]");
    }
    view_range(s.n, s.value, &lo, &hi);
    drawing_begin(d, CHART_NARROW, 230, "Error of the gradient");
    chart_say(d->chart, CHART_MUTED, "|g − g exact| / |g exact|");
    chart_panel *p = chart_panel_add(
        d->chart, &(chart_axes){.x = {.label = "step"},
                                .y = {.log = view_wants_log(s.n, s.value, 10), .zero = true}});
    chart_line(p, s.n, s.step, s.value, &(chart_style){.color = CHART_BLUE});
    chart_points(p, s.n, s.step, s.value, &(chart_style){.color = CHART_BLUE});
    chart_describe(d->chart, "%zu audits, errors from %.2g to %.2g", s.n, lo, hi);
    return ODEON_OK;
}

const drawing_kind draw_gradient_error = {
    .info = {.struct_size = sizeof(odeon_view_drawing),
             .flags = ODEON_VIEW_OF_ONE_RUN,
             .name = "gradient_error",
             .summary = "how wrong the gradient was during training",
             .part = "The solver"},
    .make = make_gradient_error};

/* ---- histograms ---- */

enum { BINS = 40, MOST_PANELS = 8 };

/* Root mean square; 0 of nothing. */
static double size_of(int64_t n, const double *x)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sum += x[i] * x[i];
    }
    return n > 0 ? sqrt(sum / (double)n) : 0.0;
}

/* Counts as shares of all. Values that are not finite are none. */
static void fill_bins(int64_t n, const double *x, double lo, double hi, double *at, double *share)
{
    for (int i = 0; i < BINS; i++) {
        at[i] = lo + (hi - lo) * (i + 0.5) / BINS;
        share[i] = 0.0;
    }
    for (int64_t i = 0; i < n; i++) {
        if (isfinite(x[i])) {
            int bin = (int)(BINS * (x[i] - lo) / (hi - lo));
            share[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin] += 1.0 / (double)n;
        }
    }
}

static void add_histogram(drawing *d, const char *name, int64_t n, const double *x, int color)
{
    double at[BINS], share[BINS], lo = HUGE_VAL, hi = -HUGE_VAL;
    for (int64_t i = 0; i < n; i++) {
        lo = isfinite(x[i]) ? fmin(lo, x[i]) : lo;
        hi = isfinite(x[i]) ? fmax(hi, x[i]) : hi;
    }
    if (!(lo < hi)) { /* all are the same, as biases of before the first step */
        lo = isfinite(lo) ? lo - 0.5 : -0.5;
        hi = lo + 1.0;
    }
    fill_bins(n, x, lo, hi, at, share);
    chart_panel *p = chart_panel_add(d->chart, &(chart_axes){.title = name,
                                                             .x = {.lo = lo, .hi = hi},
                                                             .y = {.percent = true, .zero = true}});
    chart_bars(p, BINS, at, share, (hi - lo) / BINS, &(chart_style){.color = color});
}

static odeon_status read_tensors(drawing *d, int64_t *n, const odeon_view_tensor **list)
{
    const odeon_view_services *s = d->request->services;
    const odeon_view_ask ask = {.struct_size = sizeof ask, .split = ODEON_SPLIT_TRAIN};
    return s->parameters(s->self, &ask, n, list);
}

static bool has_gradient(int64_t n, const odeon_view_tensor *list)
{
    for (int64_t i = 0; i < n; i++) {
        if (list[i].gradient != NULL) {
            return true;
        }
    }
    return false;
}

/* Is it one of the largest tensors? Of equal ones the first counts. */
static bool is_shown(int64_t n, const odeon_view_tensor *list, int64_t index, bool gradients)
{
    int larger = 0;
    if (gradients && list[index].gradient == NULL) {
        return false;
    }
    for (int64_t i = 0; i < n; i++) {
        bool counts = !gradients || list[i].gradient != NULL;
        larger +=
            counts && (list[i].n > list[index].n || (list[i].n == list[index].n && i < index));
    }
    return larger < MOST_PANELS;
}

static odeon_status draw_tensors(drawing *d, bool gradients)
{
    int64_t n = 0, shown = 0;
    const odeon_view_tensor *list = NULL;
    if (d->request->run[0]->parameters == 0) {
        return drawing_nothing(d, "the run has no weights yet");
    }
    ODEON_TRY(read_tensors(d, &n, &list));
    if (gradients && !has_gradient(n, list)) {
        return drawing_nothing(d, "the run has no [data] to differentiate");
    }
    for (int64_t i = 0; i < n; i++) {
        shown += is_shown(n, list, i, gradients);
    }
    double rows = ceil((double)shown / 2.0);
    drawing_begin(d, CHART_WIDE, 50 + 135 * rows,
                  gradients ? "Gradients of one batch, by tensor" : "Weights, by tensor");
    chart_say(d->chart, CHART_MUTED, "share of its numbers");
    chart_columns(d->chart, 2);
    for (int64_t i = 0; i < n; i++) {
        const double *x = gradients ? list[i].gradient : list[i].value;
        if (is_shown(n, list, i, gradients)) {
            const char *name = view_print(&d->memory, "%s: %lld, rms %.2g", list[i].name,
                                          (long long)list[i].n, size_of(list[i].n, x));
            add_histogram(d, name, list[i].n, x, gradients ? CHART_PURPLE : CHART_BLUE);
        }
    }
    chart_describe(d->chart, "histograms of %lld tensors of %lld", (long long)shown, (long long)n);
    return ODEON_OK;
}

static odeon_status make_weights(drawing *d)
{
    return draw_tensors(d, false);
}

static odeon_status make_gradients(drawing *d)
{
    return draw_tensors(d, true);
}

const drawing_kind draw_weights = {.info = {.struct_size = sizeof(odeon_view_drawing),
                                            .flags = ODEON_VIEW_OF_ONE_RUN | ODEON_VIEW_WIDE,
                                            .name = "weights",
                                            .summary = "histograms of the parameters",
                                            .part = "Parameters"},
                                   .make = make_weights};

const drawing_kind draw_gradients = {.info = {.struct_size = sizeof(odeon_view_drawing),
                                              .flags = ODEON_VIEW_OF_ONE_RUN | ODEON_VIEW_WIDE,
                                              .name = "gradients",
                                              .summary = "histograms of a batch's gradients",
                                              .part = "Parameters"},
                                     .make = make_gradients};
