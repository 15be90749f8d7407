/* Density of the samples in the plane where a flow begins and where it ends: a Gaussian kernel on
 * each, as wide as Scott's rule says, deviation × n^(-1/6) (Scott, Multivariate Density Estimation,
 * 1992, section 6.3). Of a run that makes the likelihood large also the model's own density, which
 * needs the flow alone: the mass of a cell is that of what becomes of it, where it is normal. */
#include <math.h>
#include <string.h>

#include "asking.h"

enum { CELLS = 40, FINE = 80, CORNERS = FINE + 1 };

/* Points of the plane, every stride-th of a list of pairs. */
typedef struct points {
    size_t n, stride;
    const double *at;
} points;

static double coordinate(const points *p, size_t i, size_t k)
{
    return p->at[2 * i * p->stride + k];
}

/* The kernel's width along a coordinate, and the range of the points with two widths more. */
static double find_width(const points *p, size_t k, double *lo, double *hi)
{
    double sum = 0, square = 0, n = (double)p->n;
    *lo = HUGE_VAL;
    *hi = -HUGE_VAL;
    for (size_t i = 0; i < p->n; i++) {
        double v = coordinate(p, i, k);
        sum += v;
        square += v * v;
        *lo = fmin(*lo, v);
        *hi = fmax(*hi, v);
    }
    double variance = square / n - sum / n * (sum / n);
    double width = sqrt(fmax(variance, 0)) * pow(n, -1. / 6);
    width = width > 0 ? width : 1; /* all points are one */
    *lo -= 2 * width;
    *hi += 2 * width;
    return width;
}

/* Up to a factor: the largest is 1. */
static void find_density(const points *p, const double box[4], const double width[2], double *out)
{
    double most = 0;
    for (size_t c = 0; c < CELLS * CELLS; c++) {
        double x = box[0] + (box[1] - box[0]) * ((double)(c % CELLS) + .5) / CELLS;
        double y = box[2] + (box[3] - box[2]) * ((double)(c / CELLS) + .5) / CELLS;
        out[c] = 0;
        for (size_t i = 0; i < p->n; i++) {
            double u = (coordinate(p, i, 0) - x) / width[0];
            double v = (coordinate(p, i, 1) - y) / width[1];
            out[c] += exp(-.5 * (u * u + v * v));
        }
        most = fmax(most, out[c]);
    }
    for (size_t c = 0; c < CELLS * CELLS && most > 0; c++) {
        out[c] /= most;
    }
}

/* Twice the area of a quadrangle, and the normal density in its middle. */
static double mass_of(const double *a, const double *b, const double *c, const double *d)
{
    double area = (c[0] - a[0]) * (d[1] - b[1]) - (d[0] - b[0]) * (c[1] - a[1]);
    double x = (a[0] + b[0] + c[0] + d[0]) / 4, y = (a[1] + b[1] + c[1] + d[1]) / 4;
    return .5 * fabs(area) * exp(-.5 * (x * x + y * y)) / (2 * 3.141592653589793);
}

/* Where the corners of the cells come to, [CORNERS * CORNERS] states at the end of the flow. */
static odeon_status move_corners(drawing *d, const double box[4], double from, double to,
                                 odeon_view_answer *out)
{
    asking a;
    double *corner = view_alloc(&d->memory, (size_t)CORNERS * CORNERS * 2, sizeof *corner);
    for (size_t i = 0; i < CORNERS * CORNERS && corner != NULL; i++) {
        corner[2 * i] = box[0] + (box[1] - box[0]) * (double)(i % CORNERS) / FINE;
        corner[2 * i + 1] = box[2] + (box[3] - box[2]) * (double)(i / CORNERS) / FINE;
    }
    (void)asking_begin(&a, d);
    asking_path(&a, from, to, 2);
    a.ask.value = corner;
    a.ask.n = CORNERS * CORNERS;
    return corner != NULL ? asking_solve(&a, out) : ODEON_ERR_NOMEM;
}

static bool has_likelihood(const drawing *d)
{
    const char *loss = view_config(d->request->run[0], "train.loss");
    return loss != NULL && strstr(loss, "flow_nll") != NULL;
}

/* In the range of the samples p; its title has the mass that lies in there. */
static odeon_status add_model(drawing *d, const points *p, double from, double to)
{
    double box[4], most = 0, all = 0;
    odeon_view_answer x;
    double *value = view_alloc(&d->memory, (size_t)FINE * FINE, sizeof *value);
    (void)find_width(p, 0, &box[0], &box[1]);
    (void)find_width(p, 1, &box[2], &box[3]);
    ODEON_TRY(move_corners(d, box, from, to, &x));
    size_t stride = 2 * (size_t)x.n_times, row = CORNERS * stride;
    for (size_t c = 0; c < FINE * FINE && value != NULL; c++) {
        const double *a = x.value + 2 * (x.n_times - 1) + c / FINE * row + c % FINE * stride;
        value[c] = mass_of(a, a + stride, a + stride + row, a + row);
        most = fmax(most, value[c]);
        all += value[c];
    }
    for (size_t c = 0; c < FINE * FINE && value != NULL && most > 0; c++) {
        value[c] /= most;
    }
    const char *title = view_print(&d->memory, "the model's density: %.4f of it in here", all);
    chart_panel *panel =
        chart_panel_add(d->chart, &(chart_axes){.title = title,
                                                .x = {.lo = box[0], .hi = box[1], .label = "y₀"},
                                                .y = {.lo = box[2], .hi = box[3], .label = "y₁"},
                                                .equal = true});
    if (value != NULL) {
        chart_cells(panel, box, FINE, FINE, value, CHART_GREEN);
    }
    return value != NULL ? ODEON_OK : ODEON_ERR_NOMEM;
}

static void add_density(drawing *d, const points *p, const char *title)
{
    double box[4], width[2];
    double *value = view_alloc(&d->memory, (size_t)CELLS * CELLS, sizeof *value);
    width[0] = find_width(p, 0, &box[0], &box[1]);
    width[1] = find_width(p, 1, &box[2], &box[3]);
    chart_panel *panel =
        chart_panel_add(d->chart, &(chart_axes){.title = title,
                                                .x = {.lo = box[0], .hi = box[1], .label = "y₀"},
                                                .y = {.lo = box[2], .hi = box[3], .label = "y₁"},
                                                .equal = true});
    if (value != NULL) {
        find_density(p, box, width, value);
        chart_cells(panel, box, CELLS, CELLS, value, CHART_BLUE);
    }
}

static odeon_status make_density(drawing *d)
{
    asking a;
    double from = 0, to = 1;
    odeon_view_answer x;
    if (!asking_begin(&a, d) || !asking_span(&a, &from, &to)) {
        return drawing_nothing(d, "it has no ODE block over an interval");
    }
    asking_path(&a, from, to, 2);
    ODEON_TRY(asking_solve_spread(&a, 1000, &x));
    if (x.size != 2) {
        return drawing_nothing(d, "its state has %lld numbers, not 2", (long long)x.size);
    }
    size_t n = (size_t)x.n, times = (size_t)x.n_times;
    bool model = has_likelihood(d);
    drawing_begin(d, CHART_WIDE, model ? 290 : 350,
                  "Density of the samples before and behind the flow");
    chart_columns(d->chart, model ? 3 : 2);
    chart_say(d->chart, CHART_MUTED,
              view_print(&d->memory,
                         "%lld test samples, a Gaussian kernel on each; darkest: the largest",
                         (long long)x.n));
    const points begin = {.n = n, .stride = times, .at = x.value};
    const points end = {.n = n, .stride = times, .at = x.value + 2 * (times - 1)};
    add_density(d, &begin, view_print(&d->memory, "t = %g", from));
    add_density(d, &end, view_print(&d->memory, "t = %g", to));
    if (model) {
        ODEON_TRY(add_model(d, &begin, from, to));
    }
    chart_describe(d->chart, "Density of %lld samples at t = %g and at t = %g", (long long)x.n,
                   from, to);
    return ODEON_OK;
}

const drawing_kind draw_density = {.info = {.struct_size = sizeof(odeon_view_drawing),
                                            .flags = ODEON_VIEW_WIDE | ODEON_VIEW_OF_ONE_RUN,
                                            .name = "density",
                                            .summary = "density of samples before and behind a "
                                                       "flow in the plane",
                                            .part = "What was learned"},
                                   .make = make_density};
