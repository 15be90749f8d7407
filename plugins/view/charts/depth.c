/* A coordinate of the state over t, the depth of the network: paths of samples, where the field was
 * evaluated, and, of a state of one number, the field itself. Chen et al. 2018, figure 1. */
#include <math.h>
#include <string.h>

#include "asking.h"

enum {
    COLUMNS = 21,
    ROWS = 13,
    PATHS = 24,
    MARKED = 8,
    PATH_TIMES = 61,
    MOST_NUMBERS = 64,
    MOST_MARKS = 200
};

/* Arrows of one column, at time t, along (1, f) in the units of the axes, about equally long on the
 * page: flat is how much steeper a slope looks there. Of a sample the block's state is taken where
 * it starts, since layers may stand before the block. */
static odeon_status add_column(drawing *d, chart_panel *p, double t, double width, double flat,
                               const double *value)
{
    asking a;
    odeon_view_answer f;
    double x[ROWS], y[ROWS], u[ROWS], v[ROWS];
    (void)asking_begin(&a, d);
    asking_field(&a, t);
    a.ask.value = value;
    a.ask.n = ROWS;
    ODEON_TRY(asking_solve(&a, &f));
    if (f.size != 1 || f.n != ROWS || f.n_times != 2) {
        return ODEON_OK;
    }
    for (size_t i = 0; i < ROWS; i++) {
        double slope = f.value[2 * i + 1] - f.value[2 * i];
        double steep = slope * flat;
        u[i] = width / sqrt(1 + steep * steep);
        v[i] = u[i] * slope;
        x[i] = t - u[i] / 2;
        y[i] = f.value[2 * i] - v[i] / 2;
    }
    chart_arrows(p, ROWS, x, y, u, v, &(chart_style){.color = CHART_MUTED, .opacity = .6});
    return ODEON_OK;
}

/* Only where the model takes the state itself, one number. */
static odeon_status add_field(drawing *d, chart_panel *p, double from, double to, double lo,
                              double hi)
{
    double value[ROWS], step = (to - from) / COLUMNS, flat = .4 * (to - from) / (hi - lo);
    for (size_t i = 0; i < ROWS; i++) {
        value[i] = lo + (hi - lo) * ((double)i + .5) / ROWS;
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        ODEON_TRY(add_column(d, p, from + ((double)i + .5) * step, .8 * step, flat, value));
    }
    return ODEON_OK;
}

static void add_paths(drawing *d, chart_panel *p, const odeon_view_answer *x)
{
    size_t n = (size_t)x->n, times = (size_t)x->n_times, size = (size_t)x->size;
    for (size_t i = 0; i < n; i++) {
        double *y = view_alloc(&d->memory, times, sizeof *y);
        for (size_t k = 0; k < times && y != NULL; k++) {
            y[k] = x->value[(i * times + k) * size];
        }
        if (y != NULL) {
            chart_line(p, times, x->time + i * times, y,
                       &(chart_style){.color = drawing_color(x, i), .thin = true, .opacity = .7});
        }
    }
}

/* Of a few samples, evenly chosen. A solver may go beyond the end and interpolate: what it
 * evaluates there is not shown. */
static void add_points(drawing *d, chart_panel *p, const odeon_view_answer *x,
                       const odeon_view_answer *at, double to)
{
    size_t times = (size_t)at->n_times;
    size_t shown = times * MARKED > MOST_MARKS ? MOST_MARKS / times + 1 : MARKED;
    size_t every = ((size_t)at->n + shown - 1) / shown;
    for (size_t i = 0; i < (size_t)at->n; i += every) {
        double *y = view_alloc(&d->memory, times, sizeof *y);
        for (size_t k = 0; k < times && y != NULL; k++) {
            bool within = at->time[i * times + k] <= to;
            y[k] = within ? at->value[(i * times + k) * (size_t)at->size] : (double)NAN;
        }
        if (y != NULL) {
            chart_points(
                p, times, at->time + i * times, y,
                &(chart_style){.color = drawing_color(x, i), .hollow = true, .radius = 2.4});
        }
    }
}

static odeon_status draw_over_t(drawing *d, asking *a, double from, double to)
{
    odeon_view_answer x, at;
    double lo, hi;
    asking points = *a;
    asking_path(a, from, to, PATH_TIMES);
    ODEON_TRY(asking_solve_spread(a, PATHS, &x));
    if (x.size > MOST_NUMBERS) {
        return drawing_nothing(d, "its state has %lld numbers, of which one says little",
                               (long long)x.size);
    }
    ODEON_TRY(asking_evaluations_spread(&points, a, PATHS, &at));
    drawing_begin(d, CHART_WIDE, 330, "State over t, the depth of the network");
    bool one = x.size == 1 && (x.label_size == 1 || x.n_classes > 0);
    chart_say(d->chart, CHART_MUTED,
              view_print(&d->memory, "%s%lld samples, %s",
                         one ? "arrows: the field; lines: " : "lines: ", (long long)x.n,
                         x.size > 1 ? "their first coordinate" : "one number"));
    if (at.n > 0) {
        chart_say(d->chart, CHART_INK,
                  view_print(&d->memory, "○ %lld evaluations", (long long)at.n_times));
    }
    drawing_say_colors(d, &x);
    view_range((size_t)(x.n * x.n_times * x.size), x.value, &lo, &hi);
    chart_panel *p = chart_panel_add(
        d->chart, &(chart_axes){.x = {.lo = from, .hi = to, .label = "t"},
                                .y = {.label = x.size > 1 ? "first coordinate" : "y"}});
    if (x.size == 1) {
        ODEON_TRY(add_field(d, p, from, to, lo, hi));
    }
    add_paths(d, p, &x);
    add_points(d, p, &x, &at, to);
    chart_describe(d->chart, "Paths of %lld samples from t = %g to %g, %lld evaluations",
                   (long long)x.n, from, to, (long long)at.n_times);
    return ODEON_OK;
}

static odeon_status make_depth(drawing *d)
{
    asking a;
    double from = 0, to = 1;
    if (!asking_begin(&a, d) || !asking_span(&a, &from, &to)) {
        return drawing_nothing(d, "it has no ODE block over an interval");
    }
    return draw_over_t(d, &a, from, to);
}

const drawing_kind draw_depth = {.info = {.struct_size = sizeof(odeon_view_drawing),
                                          .flags = ODEON_VIEW_WIDE | ODEON_VIEW_OF_ONE_RUN,
                                          .name = "depth",
                                          .summary = "paths over t with evaluation points",
                                          .part = "What was learned"},
                                 .make = make_depth};
