/* What runs ended with, each as a point; and the solve that ended one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "drawing.h"

/* ---- several runs ---- */

/* The metric that counts: accuracy where there is one, else the loss. */
static const char *headline(const odeon_view_run *run)
{
    const char *metric = view_metric(run, 0);
    return metric != NULL && strcmp(metric, "accuracy") == 0 ? metric : "loss";
}

/* The last tests of a group's runs, into value, which has room for all; how many there are. */
static size_t read_results(drawing *d, const view_group *g, const char *column, double *value)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) {
        value[n] = view_last(view_series_of(&d->memory, g->run[i], "test", column));
        n += isfinite(value[n]) ? 1 : 0;
    }
    return n;
}

/* A row of points at height y, with their mean. */
static void add_results(chart_panel *p, size_t n, const double *value, double y, int color)
{
    double mean = view_mean(n, value);
    chart_line(p, 2, (double[]){mean, mean}, (double[]){y - .28, y + .28},
               &(chart_style){.color = color});
    for (size_t i = 0; i < n; i++) {
        chart_points(p, 1, value + i, &y,
                     &(chart_style){.color = color, .radius = 4, .opacity = .75});
    }
}

/* The first group stands at the top. */
static odeon_status draw_groups(drawing *d, size_t n, const view_group *g)
{
    const char **names = view_alloc(&d->memory, n, sizeof(char *));
    const char *column = headline(view_first(d->request));
    bool percent = strcmp(column, "loss") != 0;
    double *all = view_alloc(&d->memory, (size_t)d->request->n_runs, sizeof *all);
    size_t n_all = 0;
    if (all == NULL || names == NULL) {
        return ODEON_ERR_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        names[i] = g[n - 1 - i].name;
        n_all += read_results(d, &g[i], column, all + n_all);
    }
    chart_panel *p = chart_panel_add(
        d->chart, &(chart_axes){.x = {.log = !percent && view_wants_log(n_all, all, 10),
                                      .percent = percent,
                                      .label = percent ? "test accuracy" : "test loss"},
                                .y = {.names = names, .n_names = n}});
    for (size_t i = 0; i < n; i++) {
        size_t count = read_results(d, &g[i], column, all);
        add_results(p, count, all, (double)(n - 1 - i), 1 + (int)(i % CHART_SERIES));
    }
    return n_all > 0 ? ODEON_OK : drawing_nothing(d, "no run has been tested");
}

static odeon_status make_seeds(drawing *d)
{
    size_t n;
    if (d->request->n_runs < 2) {
        return drawing_nothing(d, "there is one run alone");
    }
    view_group *g = view_groups(&d->memory, d->request->n_runs, d->request->run, &n);
    if (g == NULL) {
        return ODEON_ERR_NOMEM;
    }
    n = n < 12 ? n : 12;
    drawing_begin(d, CHART_NARROW, fmax(230, 60 + 26 * (double)n), "Result of each run");
    chart_say(d->chart, CHART_MUTED, "last test; dot: a run, bar: mean");
    return draw_groups(d, n, g);
}

const drawing_kind draw_seeds = {.info = {.struct_size = sizeof(odeon_view_drawing),
                                          .name = "seeds",
                                          .summary = "the last test of each run, by kind",
                                          .part = "Results"},
                                 .make = make_seeds};

/* ---- the solve that failed ---- */

/* Columns of its steps, those of one outcome. */
typedef struct steps {
    size_t n;
    double *t, *h, *error;
} steps;

static steps steps_of(drawing *d, const odeon_view_table *table, double accepted)
{
    const odeon_view_column *t = view_column(table, "t"), *h = view_column(table, "h"),
                            *error = view_column(table, "error"),
                            *outcome = view_column(table, "accepted");
    steps s = {.n = 0};
    size_t rows = (size_t)table->n_rows;
    s.t = view_alloc(&d->memory, rows, sizeof(double));
    s.h = view_alloc(&d->memory, rows, sizeof(double));
    s.error = view_alloc(&d->memory, rows, sizeof(double));
    if (t == NULL || h == NULL || error == NULL || outcome == NULL || s.error == NULL) {
        return s;
    }
    for (size_t i = 0; i < rows; i++) {
        if (outcome->value[i] == accepted) {
            s.t[s.n] = t->value[i];
            s.h[s.n] = fabs(h->value[i]);
            s.error[s.n++] = error->value[i];
        }
    }
    return s;
}

/* The interval of a block, "model.PATH.span" of two numbers; else what the steps need. */
static chart_axis time_axis(const odeon_view_run *run, const char *table)
{
    char key[128];
    double from = 0, to = 0;
    (void)snprintf(key, sizeof key, "model.%s.span", table + strlen("failure/steps-"));
    const char *span = view_config(run, key);
    bool known = span != NULL && sscanf(span, "%lf %lf", &from, &to) == 2 && from < to;
    return known ? (chart_axis){.lo = from, .hi = to} : (chart_axis){.lo = 0};
}

static void add_steps(chart_panel *p, const steps *s, const double *value, bool accepted)
{
    int color = accepted ? CHART_BLUE : CHART_RED;
    for (size_t i = 0; i < s->n && s->n <= 200; i++) {
        chart_line(p, 2, (double[]){s->t[i], s->t[i] + s->h[i]}, (double[]){value[i], value[i]},
                   &(chart_style){.color = color, .thin = !accepted});
    }
    chart_points(p, s->n, s->t, value,
                 &(chart_style){.color = color, .radius = 3, .crossed = !accepted});
}

static const odeon_view_table *failure_table(const odeon_view_run *run)
{
    for (int64_t i = 0; i < run->n_tables; i++) {
        if (strncmp(run->table[i]->name, "failure/steps-", 14) == 0 && run->table[i]->n_rows > 0) {
            return run->table[i];
        }
    }
    return NULL;
}

static odeon_status make_failed_solve(drawing *d)
{
    const odeon_view_table *table = failure_table(d->request->run[0]);
    if (table == NULL) {
        return drawing_nothing(d, "the run did not fail in a solve");
    }
    steps yes = steps_of(d, table, 1), no = steps_of(d, table, 0);
    if (yes.n + no.n == 0) {
        return drawing_nothing(d, "the failed solve has made no step");
    }
    drawing_begin(d, CHART_WIDE, 330, "The solve that failed, step by step");
    chart_say(d->chart, CHART_BLUE, "● accepted");
    chart_say(d->chart, CHART_RED, "× rejected");
    chart_say(d->chart, CHART_MUTED, "a bar spans its step");
    chart_axes axes = {.title = "step size h",
                       .x = time_axis(d->request->run[0], table->name),
                       .y = {.log = view_wants_log(yes.n, yes.h, 30), .zero = true}};
    chart_panel *p = chart_panel_add(d->chart, &axes);
    add_steps(p, &yes, yes.h, true);
    add_steps(p, &no, no.h, false);
    axes.title = "error of the step, in tolerances";
    axes.x.label = "t";
    axes.y.log = view_wants_log(yes.n, yes.error, 300);
    p = chart_panel_add(d->chart, &axes);
    add_steps(p, &yes, yes.error, true);
    add_steps(p, &no, no.error, false);
    chart_rule_y(p, 1, CHART_MUTED, "limit");
    chart_describe(d->chart, "%zu steps accepted, %zu rejected, the last at t = %g", yes.n, no.n,
                   yes.n > 0 ? yes.t[yes.n - 1] : 0.);
    return ODEON_OK;
}

const drawing_kind draw_failed_solve = {.info = {.struct_size = sizeof(odeon_view_drawing),
                                                 .flags = ODEON_VIEW_WIDE | ODEON_VIEW_OF_ONE_RUN,
                                                 .name = "failed_solve",
                                                 .summary = "the steps of the solve that failed",
                                                 .part = "The failure"},
                                        .make = make_failed_solve};
