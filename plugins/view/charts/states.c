/* States along the flow: a learned path beside the data, the field in the plane, how samples go
 * through the block. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "asking.h"
#include "state_names.h"

/* ---- observed paths ---- */

/* Of all samples of a split whose labels are states over time: numbers of the state by their time.
 */
typedef struct observed {
    size_t n, size;
    double *time;  /* [n] */
    double *value; /* [n, size] */
    double from, to;
} observed;

enum { SHOWN_POINTS = 150 };

static odeon_status no_paths(drawing *d)
{
    return drawing_nothing(d, "the labels of its samples are no states over time");
}

/* Windows of one path, each with times from its own start: a window that begins so many rows behind
 * the one before begins at the time that this one has there; beyond its end rows count as its mean
 * step. Where times are not relative nothing is added. NULL: no memory. */
static double *find_starts(drawing *d, const odeon_view_answer *x)
{
    double *start = view_alloc(&d->memory, (size_t)x->n, sizeof *start);
    int64_t last = x->n_times - 1;
    for (int64_t i = 1; i < x->n && x->row != NULL && start != NULL; i++) {
        const double *time = x->time + (i - 1) * x->n_times;
        int64_t rows = x->row[i] - x->row[i - 1];
        double step = (time[last] - time[0]) / (double)last;
        bool relative = x->time[i * x->n_times] == time[0] && rows > 0;
        start[i] = start[i - 1];
        if (relative) {
            start[i] += rows <= last ? time[rows] - time[0] : step * (double)rows;
        }
    }
    return start;
}

/* Every so many-th of them, so that points stay apart; where the answer holds none n is 0. */
static void read_observed(drawing *d, const odeon_view_answer *x, observed *out)
{
    size_t all = (size_t)(x->n * x->n_times), size = (size_t)x->size;
    bool are_states = x->label != NULL && x->n_classes == 0 && x->n_times > 1 &&
                      x->label_size == x->n_times * x->size;
    bool overlap = x->row != NULL && x->n > 1 && x->row[1] - x->row[0] == 1;
    size_t each = overlap ? (size_t)x->n_times : 1; /* then the first of each, and the last */
    size_t every = all / each > SHOWN_POINTS ? all / each / SHOWN_POINTS * each : each;
    *out = (observed){.size = size, .from = HUGE_VAL, .to = -HUGE_VAL};
    out->time = view_alloc(&d->memory, all, sizeof(double));
    out->value = view_alloc(&d->memory, all * size, sizeof(double));
    const double *start = are_states ? find_starts(d, x) : NULL;
    for (size_t i = 0; start != NULL && i < all && out->value != NULL; i++) {
        double t = start[i / (size_t)x->n_times] + x->time[i];
        out->from = fmin(out->from, t);
        out->to = fmax(out->to, t);
        if (i % every == 0 || (overlap && i + each >= all)) {
            out->time[out->n] = t;
            memcpy(out->value + out->n * size, x->label + i * size, size * sizeof(double));
            out->n++;
        }
    }
}

/* The state that is observed first of all. */
static const double *first_state(const observed *o)
{
    size_t first = 0;
    for (size_t i = 1; i < o->n; i++) {
        first = o->time[i] < o->time[first] ? i : first;
    }
    return o->value + first * o->size;
}

static const double *column(drawing *d, size_t n, const double *rows, size_t size, size_t k)
{
    double *out = view_alloc(&d->memory, n, sizeof *out);
    for (size_t i = 0; i < n && out != NULL; i++) {
        out[i] = rows[i * size + k];
    }
    return out;
}

/* The observed states, and the model's path from the first of them, in one go: as far as they were
 * observed and as long again. */
typedef struct learned {
    observed data;
    size_t per_sample; /* numbers that a sample's input holds */
    size_t n;
    const double *time, *value; /* [n], [n, size] */
} learned;

enum { PATH_TIMES = 1601, SHOWN_COORDINATES = 4 };

static odeon_status ask_path(drawing *d, asking *a, double forecast, learned *out)
{
    odeon_view_answer x;
    if (!asking_begin(a, d)) {
        return drawing_nothing(d, "the metrics have no ODE block");
    }
    if (!asking_starts_first(a)) {
        return drawing_nothing(d, "its block does not start from an observed state");
    }
    ODEON_TRY(asking_solve(a, &x));
    read_observed(d, &x, &out->data);
    if (out->data.n == 0 || d->memory.failed) {
        return no_paths(d);
    }
    out->per_sample = (size_t)x.label_size; /* the input is such a path, too */
    const observed *o = &out->data;
    const double *start = first_state(o);
    const char *text = "";
    for (size_t k = 0; k < o->size && text != NULL; k++) {
        text = view_print(&d->memory, "%s%s%.17g", text, k > 0 ? " " : "", start[k]);
    }
    asking_set(a, "initial", text != NULL ? text : "");
    asking_times(a, o->from, o->to + forecast * (o->to - o->from), PATH_TIMES);
    a->ask.n = 1;
    ODEON_TRY(asking_solve(a, &x));
    out->n = (size_t)x.n_times;
    out->time = x.time;
    out->value = x.value;
    return ODEON_OK;
}

static void add_coordinate(drawing *d, const asking *a, const learned *l, size_t k, bool last)
{
    const observed *o = &l->data;
    chart_panel *p = chart_panel_add(d->chart, &(chart_axes){.title = state_name(a, k, o->size),
                                                             .x = {.label = last ? "t" : NULL}});
    const double *seen = column(d, o->n, o->value, o->size, k);
    const double *path = column(d, l->n, l->value, o->size, k);
    if (path == NULL || seen == NULL) {
        return;
    }
    chart_shade(p, o->to, l->time[l->n - 1]);
    chart_points(p, o->n, o->time, seen,
                 &(chart_style){.color = CHART_MUTED, .hollow = true, .radius = 1.8});
    chart_line(p, l->n, l->time, path, &(chart_style){.color = CHART_BLUE});
    if (k == 0) {
        double lo, hi;
        view_range(l->n, path, &lo, &hi);
        chart_note(p, o->to, hi, CHART_MUTED, false, "forecast: nothing was observed from here");
    }
}

static odeon_status make_path(drawing *d)
{
    asking a;
    learned l;
    ODEON_TRY(ask_path(d, &a, 1, &l));
    if (d->nothing[0] != '\0') {
        return ODEON_OK;
    }
    size_t n = l.data.size < SHOWN_COORDINATES ? l.data.size : SHOWN_COORDINATES;
    drawing_begin(d, CHART_WIDE, 60 + (n < 4 ? 170 : 135) * (double)n,
                  "Path of the model, and what was observed");
    chart_say(d->chart, CHART_BLUE, "model");
    chart_say(d->chart, CHART_MUTED,
              view_print(&d->memory, "from the first state on, in one solve; ○ observed%s",
                         l.data.size > n ? "; the first four of its numbers" : ""));
    for (size_t k = 0; k < n; k++) {
        add_coordinate(d, &a, &l, k, k + 1 == n);
    }
    chart_describe(d->chart, "The model's path from t = %g to %g beside %zu observed states",
                   l.time[0], l.time[l.n - 1], l.data.n);
    return ODEON_OK;
}

/* ---- the plane ---- */

enum { GRID_X = 17, GRID_Y = 14, GRID = GRID_X * GRID_Y };

/* Arrows at the places of a grid, no longer than to the next one; their lengths grow as the square
 * root of the field. */
static odeon_status add_field(drawing *d, asking *a, chart_panel *p, const double box[4],
                              size_t per_sample)
{
    double x[GRID], y[GRID], u[GRID], v[GRID], most = 0;
    double *value = view_alloc(&d->memory, GRID * per_sample, sizeof *value);
    odeon_view_answer f;
    for (size_t i = 0; i < GRID && value != NULL; i++) {
        value[i * per_sample] = x[i] =
            box[0] + (box[1] - box[0]) * (double)(i % GRID_X) / (GRID_X - 1);
        value[i * per_sample + 1] = y[i] =
            box[2] + (box[3] - box[2]) * (double)(i / GRID_X) / (GRID_Y - 1);
    }
    a->ask.value = value;
    a->ask.n = GRID;
    ODEON_TRY(asking_solve(a, &f));
    if (f.size != 2 || f.n != GRID || f.n_times != 2) {
        return ODEON_OK;
    }
    for (size_t i = 0; i < GRID; i++) {
        u[i] = f.value[4 * i + 2] - f.value[4 * i];
        v[i] = f.value[4 * i + 3] - f.value[4 * i + 1];
        most = fmax(most, hypot(u[i], v[i]));
    }
    double longest = .9 * fmin((box[1] - box[0]) / (GRID_X - 1), (box[3] - box[2]) / (GRID_Y - 1));
    for (size_t i = 0; i < GRID; i++) {
        double size = hypot(u[i], v[i]), scale = longest * sqrt(size / most) / size;
        u[i] = size > 0 ? u[i] * scale : 0;
        v[i] = size > 0 ? v[i] * scale : 0;
        x[i] -= u[i] / 2;
        y[i] -= v[i] / 2;
    }
    chart_arrows(p, GRID, x, y, u, v, &(chart_style){.color = CHART_MUTED, .opacity = .6});
    return ODEON_OK;
}

/* What encloses n points of the plane and m others, and a little more. */
static void enclose(size_t n, const double *value, size_t m, const double *more, double box[4])
{
    for (size_t k = 0; k < 2; k++) {
        double lo = HUGE_VAL, hi = -HUGE_VAL;
        for (size_t i = 0; i < n + m; i++) {
            double v = i < n ? value[2 * i + k] : more[2 * (i - n) + k];
            lo = fmin(lo, v);
            hi = fmax(hi, v);
        }
        box[2 * k] = lo - .05 * (hi - lo);
        box[2 * k + 1] = hi + .05 * (hi - lo);
    }
}

/* Of a chart of that width whose panel shows the box with equal units. */
static double plane_height(const double box[4], double width)
{
    double high = (width - 60) * (box[3] - box[2]) / (box[1] - box[0]) + 90;
    return fmin(fmax(high, 200), 510);
}

static chart_panel *add_plane(drawing *d, const asking *a, const double box[4])
{
    return chart_panel_add(
        d->chart, &(chart_axes){.x = {.lo = box[0], .hi = box[1], .label = state_name(a, 0, 2)},
                                .y = {.lo = box[2], .hi = box[3], .label = state_name(a, 1, 2)},
                                .equal = true});
}

enum { SHOWN_EVALUATIONS = 400, MARKED = 12 };

/* Where the field was evaluated, as points of the plane; no more than so many. solved: for some of
 * the samples of that asking; NULL: for those of a. */
static odeon_status add_evaluations(drawing *d, asking *a, const asking *solved, chart_panel *p)
{
    odeon_view_answer at;
    char number[CHART_NUMBER_BYTES];
    ODEON_TRY(solved != NULL ? asking_evaluations_spread(a, solved, MARKED, &at)
                             : asking_evaluations(a, &at));
    size_t all = (size_t)(at.n * at.n_times);
    size_t every = (all + SHOWN_EVALUATIONS - 1) / SHOWN_EVALUATIONS, n = 0;
    if (at.size != 2 || all == 0) {
        return ODEON_OK;
    }
    double *x = view_alloc(&d->memory, all, sizeof *x), *y = view_alloc(&d->memory, all, sizeof *y);
    for (size_t i = 0; i < all && x != NULL && y != NULL; i += every) {
        x[n] = at.value[2 * i];
        y[n++] = at.value[2 * i + 1];
    }
    chart_say(d->chart, CHART_INK,
              view_print(&d->memory, "• %s evaluations of f%s",
                         chart_fixed((double)at.n_times, 0, number),
                         every > 1 ? view_print(&d->memory, ", one in %zu shown", every) : ""));
    chart_describe(d->chart, "Paths in the plane and the learned field, evaluated %lld times",
                   (long long)at.n_times);
    chart_points(p, n, x, y, &(chart_style){.color = CHART_INK, .radius = 1.3});
    return ODEON_OK;
}

/* Of a run that learns paths. */
static odeon_status draw_learned_plane(drawing *d)
{
    asking a;
    learned l;
    double box[4];
    ODEON_TRY(ask_path(d, &a, 0, &l));
    if (d->nothing[0] != '\0') {
        return ODEON_OK;
    }
    const observed *o = &l.data;
    asking path_ask = a; /* the solve of the path */
    if (o->size != 2) {
        return drawing_nothing(d, "its state has %zu numbers, not 2", o->size);
    }
    enclose(o->n, o->value, l.n, l.value, box);
    drawing_begin(d, CHART_WIDE, plane_height(box, CHART_WIDE),
                  "Phase portrait with the learned field");
    chart_say(d->chart, CHART_MUTED, "arrows: f(y), length ∝ √|f|; ○ observed");
    chart_say(d->chart, CHART_BLUE, "model, from the first state on, in one solve");
    chart_panel *p = add_plane(d, &a, box);
    const double *path = l.value, *x = column(d, l.n, path, 2, 0), *y = column(d, l.n, path, 2, 1);
    const double *seen_x = column(d, o->n, o->value, 2, 0),
                 *seen_y = column(d, o->n, o->value, 2, 1);
    asking_begin(&a, d);
    asking_field(&a, o->from);
    ODEON_TRY(add_field(d, &a, p, box, l.per_sample));
    if (seen_y == NULL) {
        return ODEON_ERR_NOMEM;
    }
    chart_points(p, o->n, seen_x, seen_y,
                 &(chart_style){.color = CHART_MUTED, .hollow = true, .radius = 1.8});
    chart_line(p, l.n, x, y, &(chart_style){.color = CHART_BLUE});
    return add_evaluations(d, &path_ask, NULL, p);
}

/* Of a run whose samples are points of the plane that flow to others. */
static odeon_status draw_flowing_plane(drawing *d)
{
    asking a;
    double from = 0, to = 1, box[4];
    odeon_view_answer flow;
    if (!asking_begin(&a, d) || !asking_span(&a, &from, &to)) {
        return drawing_nothing(d, "it has no ODE block over an interval");
    }
    asking points = a;
    asking_path(&a, from, to, 21);
    ODEON_TRY(asking_solve_spread(&a, 60, &flow));
    if (flow.size != 2) {
        return drawing_nothing(d, "its state has %lld numbers, not 2", (long long)flow.size);
    }
    size_t n = (size_t)flow.n, times = (size_t)flow.n_times;
    enclose(n * times, flow.value, 0, NULL, box);
    drawing_begin(d, CHART_WIDE, plane_height(box, CHART_WIDE),
                  "Phase portrait with the learned field");
    chart_say(d->chart, CHART_MUTED,
              view_print(&d->memory,
                         "arrows: f(%g, y), length ∝ √|f|; paths of %zu test samples to t = %g, ○ "
                         "starts",
                         from, n, to));
    drawing_say_colors(d, &flow);
    chart_panel *p = add_plane(d, &a, box);
    const double *x = column(d, n * times, flow.value, 2, 0),
                 *y = column(d, n * times, flow.value, 2, 1);
    asking field;
    asking_begin(&field, d);
    asking_field(&field, from);
    ODEON_TRY(add_field(d, &field, p, box, 2));
    for (size_t i = 0; i < n && y != NULL; i++) {
        chart_line(p, times, x + i * times, y + i * times,
                   &(chart_style){.color = drawing_color(&flow, i), .thin = true, .opacity = .6});
        chart_points(p, 1, x + i * times, y + i * times,
                     &(chart_style){.color = drawing_color(&flow, i), .hollow = true, .radius = 2});
    }
    return add_evaluations(d, &points, &a, p);
}

static odeon_status make_phase(drawing *d)
{
    asking a;
    if (!asking_begin(&a, d)) {
        return drawing_nothing(d, "the metrics have no ODE block");
    }
    return asking_starts_first(&a) ? draw_learned_plane(d) : draw_flowing_plane(d);
}

/* ---- flows ---- */

/* Rows of numbers [n, size], of which every so many-th are looked at. */
typedef struct cloud {
    size_t n, size, every;
    const double *x;
    double *mean; /* [size] */
} cloud;

static void find_mean(cloud *c)
{
    double share = 1 / (double)(c->n / c->every);
    for (size_t i = 0; i + c->every <= c->n; i += c->every) {
        for (size_t k = 0; k < c->size; k++) {
            c->mean[k] += c->x[i * c->size + k] * share;
        }
    }
}

/* w = C v, up to a factor, by the covariance C of the rows. */
static void multiply(const cloud *c, const double *v, double *w)
{
    memset(w, 0, c->size * sizeof *w);
    for (size_t i = 0; i + c->every <= c->n; i += c->every) {
        const double *x = c->x + i * c->size;
        double dot = 0;
        for (size_t k = 0; k < c->size; k++) {
            dot += (x[k] - c->mean[k]) * v[k];
        }
        for (size_t k = 0; k < c->size; k++) {
            w[k] += dot * (x[k] - c->mean[k]);
        }
    }
}

/* Takes from v what lies along other, which is NULL or of length 1, and makes its length 1. */
static void normalize(size_t size, double *v, const double *other)
{
    double along = 0, square = 0;
    for (size_t k = 0; k < size && other != NULL; k++) {
        along += v[k] * other[k];
    }
    for (size_t k = 0; k < size; k++) {
        v[k] -= other != NULL ? along * other[k] : 0;
        square += v[k] * v[k];
    }
    for (size_t k = 0; k < size; k++) {
        v[k] = square > 0 ? v[k] / sqrt(square) : 0;
    }
}

/* The directions of largest variance [2, size], by power iteration. */
static void find_directions(const cloud *c, double *w, double *pca)
{
    for (size_t d = 0; d < 2; d++) {
        double *v = pca + d * c->size;
        for (size_t k = 0; k < c->size; k++) {
            v[k] = 1 + .1 * (double)((k * 7 + d) % 11); /* any start that is not across */
        }
        for (int round = 0; round < 40; round++) {
            normalize(c->size, v, d == 1 ? pca : NULL);
            multiply(c, v, w);
            memcpy(v, w, c->size * sizeof *v);
        }
        normalize(c->size, v, d == 1 ? pca : NULL);
    }
}

/* States as points of the plane: [n, 2]. A thousand of them are enough to find its directions. */
static double *to_plane(view_memory *m, size_t n, size_t size, const double *x)
{
    double *out = view_alloc(m, 2 * n, sizeof *out), *w = view_alloc(m, size, sizeof *w);
    double *pca = view_alloc(m, 2 * size, sizeof *pca);
    cloud c = {.n = n, .size = size, .every = n > 2000 ? n / 1000 : 1, .x = x};
    c.mean = view_alloc(m, size, sizeof *c.mean);
    if (m->failed) {
        return NULL;
    }
    if (size == 2) {
        memcpy(out, x, 2 * n * sizeof *out);
        return out;
    }
    find_mean(&c);
    find_directions(&c, w, pca);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < size; k++) {
            out[2 * i] += (x[i * size + k] - c.mean[k]) * pca[k];
            out[2 * i + 1] += (x[i * size + k] - c.mean[k]) * pca[size + k];
        }
    }
    return out;
}

/* More classes than colours: only those are drawn that have one. */
static bool is_drawn(const odeon_view_answer *x, size_t i)
{
    return x->n_classes <= CHART_SERIES || x->label == NULL || x->label[i] < CHART_SERIES;
}

static void add_flow(drawing *d, const asking *of, const odeon_view_answer *x, const double *plane)
{
    size_t n = (size_t)x->n, times = (size_t)x->n_times;
    bool pca = x->size > 2;
    chart_panel *p = chart_panel_add(
        d->chart, &(chart_axes){.x = {.label = pca ? "first direction" : state_name(of, 0, 2)},
                                .y = {.label = pca ? "second direction" : state_name(of, 1, 2)},
                                .equal = true});
    const double *a = column(d, n * times, plane, 2, 0), *b = column(d, n * times, plane, 2, 1);
    for (size_t i = 0; i < n && b != NULL; i++) {
        if (!is_drawn(x, i)) {
            continue;
        }
        chart_line(p, times, a + i * times, b + i * times,
                   &(chart_style){.color = drawing_color(x, i), .thin = true, .opacity = .4});
    }
    for (size_t i = 0; i < n && b != NULL; i++) {
        size_t last = i * times + times - 1;
        if (!is_drawn(x, i)) {
            continue;
        }
        chart_points(p, 1, a + last, b + last,
                     &(chart_style){.color = drawing_color(x, i), .radius = 2.2});
    }
}

static odeon_status make_flow(drawing *d)
{
    asking a;
    double from = 0, to = 1, box[4];
    odeon_view_answer x;
    if (!asking_begin(&a, d) || !asking_span(&a, &from, &to)) {
        return drawing_nothing(d, "it has no ODE block over an interval");
    }
    asking_path(&a, from, to, 21);
    ODEON_TRY(asking_solve_spread(&a, 120, &x));
    if (x.size < 2) {
        return drawing_nothing(d, "its state is a single number");
    }
    size_t states = (size_t)(x.n * x.n_times);
    const double *plane = to_plane(&d->memory, states, (size_t)x.size, x.value);
    if (plane == NULL) {
        return ODEON_ERR_NOMEM;
    }
    enclose(states, plane, 0, NULL, box);
    drawing_begin(d, CHART_WIDE, fmin(plane_height(box, CHART_WIDE), 430),
                  "Flow of test samples through the block");
    chart_say(d->chart, CHART_MUTED,
              view_print(&d->memory, "%lld samples from t = %g to %g, • at the end%s",
                         (long long)x.n, from, to,
                         x.size > 2 ? view_print(&d->memory,
                                                 "; two directions of largest variance of %lld",
                                                 (long long)x.size)
                                    : ""));
    drawing_say_colors(d, &x);
    add_flow(d, &a, &x, plane);
    chart_describe(d->chart, "Paths of %lld samples, a state of %lld numbers", (long long)x.n,
                   (long long)x.size);
    return ODEON_OK;
}

#define KIND(id, what)                                                                             \
    const drawing_kind draw_##id = {.info = {.struct_size = sizeof(odeon_view_drawing),            \
                                             .flags = ODEON_VIEW_WIDE | ODEON_VIEW_OF_ONE_RUN,     \
                                             .name = #id,                                          \
                                             .summary = what,                                      \
                                             .part = "What was learned"},                          \
                                    .make = make_##id}
KIND(path, "the model's path beside observed states");
KIND(phase, "the field in the plane, with paths");
KIND(flow, "paths of samples through the ODE block");
