/* Several runs over a key in which they differ, and their tests epoch by epoch: what kinds come to
 * as a mean, with the range of their seeds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drawing.h"

enum { MOST_KINDS = 64, MOST_SERIES = 12 };

/* Kinds of runs, and the key over which they are drawn. */
typedef struct sweep {
    size_t n;
    view_group *kind; /* [n] */
    const char *key;
    double x[MOST_KINDS];          /* its values */
    const char *label[MOST_KINDS]; /* which series a kind belongs to */
    bool integers;
} sweep;

/* False where the text is anything but a number. */
static bool read_number(const char *text, double *out)
{
    char *end;
    if (text == NULL || text[0] == '\0') {
        return false;
    }
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out);
}

/* How many values a key has, where all kinds have a number; else 0. */
static size_t count_values(const sweep *s, const char *key)
{
    double x[MOST_KINDS];
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        double v;
        size_t k = 0;
        if (!read_number(view_config(s->kind[i].run[0], key), &v)) {
            return 0;
        }
        while (k < n && x[k] != v) {
            k++;
        }
        x[k] = v;
        n += k == n;
    }
    return n;
}

/* Does the key have one value for each of x, as atol has where it goes with rtol? */
static bool follows(const sweep *s, const char *key)
{
    for (size_t i = 0; i < s->n; i++) {
        const char *a = view_config(s->kind[i].run[0], key);
        for (size_t k = 0; k < i; k++) {
            const char *b = view_config(s->kind[k].run[0], key);
            bool equal = a != NULL && b != NULL ? strcmp(a, b) == 0 : a == b;
            if (s->x[i] == s->x[k] && !equal) {
                return false;
            }
        }
    }
    return true;
}

static bool differs(const sweep *s, const char *key)
{
    const char *first = view_config(s->kind[0].run[0], key);
    for (size_t i = 1; i < s->n; i++) {
        const char *other = view_config(s->kind[i].run[0], key);
        if (first == NULL || other == NULL ? first != other : strcmp(first, other) != 0) {
            return true;
        }
    }
    return false;
}

/* A kind's values of keys that differ and do not follow x: "tsit5", "tsit5, direct". */
static void set_label(drawing *d, sweep *s, size_t i)
{
    const odeon_view_run *run = s->kind[i].run[0];
    const char *text = "";
    for (int64_t k = 0; k < run->n_config && text != NULL; k++) {
        const char *key = run->config[k].key, *end = strrchr(key, '.');
        bool counts = strcmp(key, "run.seed") != 0 && !view_is_incidental(key) && differs(s, key) &&
                      !follows(s, key);
        double number;
        if (counts) {
            bool bare = !read_number(run->config[k].value, &number);
            text = view_print(&d->memory, "%s%s%s%s%s", text, text[0] != '\0' ? ", " : "",
                              bare ? "" : end + 1, bare ? "" : " ", run->config[k].value);
        }
    }
    s->label[i] = text;
}

/* The numeric key of most values, of equal ones the first. */
static bool find_sweep(drawing *d, sweep *s)
{
    size_t most = 1;
    *s = (sweep){.n = 0};
    s->kind = view_groups(&d->memory, d->request->n_runs, d->request->run, &s->n);
    s->n = s->n < MOST_KINDS ? s->n : MOST_KINDS;
    const odeon_view_run *first = s->n > 1 ? s->kind[0].run[0] : NULL;
    for (int64_t i = 0; first != NULL && i < first->n_config; i++) {
        const char *key = first->config[i].key;
        bool counts = strcmp(key, "run.seed") != 0 && !view_is_incidental(key);
        size_t n = counts ? count_values(s, key) : 0;
        s->key = n > most ? key : s->key;
        most = n > most ? n : most;
    }
    for (size_t i = 0; i < s->n && s->key != NULL; i++) {
        (void)read_number(view_config(s->kind[i].run[0], s->key), &s->x[i]);
    }
    for (size_t i = 0; i < s->n && s->key != NULL; i++) {
        set_label(d, s, i);
    }
    return s->key != NULL;
}

/* ---- a column over the key ---- */

/* What of a run is drawn: the last test's, or the mean of the last twentieth of training. */
typedef struct figure {
    const char *column, *split, *title;
    double scale;
    bool percent, zero, test;
} figure;

static double value_of(drawing *d, const odeon_view_run *run, const figure *f)
{
    view_series s = view_series_of(&d->memory, run, f->split, f->column);
    size_t tail = s.n / 20 > 0 ? s.n / 20 : 1;
    return s.n == 0  ? (double)NAN
           : f->test ? f->scale * view_last(s)
                     : f->scale * view_mean(tail, s.value + s.n - tail);
}

typedef struct line {
    size_t n;
    double x[MOST_KINDS], mean[MOST_KINDS], lo[MOST_KINDS], hi[MOST_KINDS];
} line;

static void add_kind(drawing *d, const view_group *g, double x, const figure *f, line *l)
{
    double sum = 0, lo = HUGE_VAL, hi = -HUGE_VAL;
    size_t n = 0, at = l->n;
    for (size_t i = 0; i < g->n; i++) {
        double v = value_of(d, g->run[i], f);
        if (isfinite(v)) {
            sum += v;
            lo = fmin(lo, v);
            hi = fmax(hi, v);
            n++;
        }
    }
    if (n == 0) {
        return;
    }
    for (; at > 0 && l->x[at - 1] > x; at--) {
        l->x[at] = l->x[at - 1];
        l->mean[at] = l->mean[at - 1];
        l->lo[at] = l->lo[at - 1];
        l->hi[at] = l->hi[at - 1];
    }
    l->x[at] = x;
    l->mean[at] = sum / (double)n;
    l->lo[at] = lo;
    l->hi[at] = hi;
    l->n++;
}

/* Kinds of one label. */
static line line_of(drawing *d, const sweep *s, const char *label, const figure *f)
{
    line l = {.n = 0};
    for (size_t i = 0; i < s->n; i++) {
        if (strcmp(s->label[i], label) == 0) {
            add_kind(d, &s->kind[i], s->x[i], f, &l);
        }
    }
    return l;
}

static bool is_first(const sweep *s, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(s->label[k], s->label[i]) == 0) {
            return false;
        }
    }
    return true;
}

/* False where no run has the figure. */
static bool has_figure(drawing *d, const sweep *s, const figure *f)
{
    for (size_t i = 0; i < s->n; i++) {
        if (line_of(d, s, s->label[i], f).n > 0) {
            return true;
        }
    }
    return false;
}

static bool wants_log(drawing *d, const sweep *s, const figure *f, double ratio)
{
    double lo = HUGE_VAL, hi = 0;
    for (size_t i = 0; i < s->n && !f->percent; i++) {
        line l = line_of(d, s, s->label[i], f);
        for (size_t k = 0; k < l.n; k++) {
            lo = fmin(lo, l.lo[k]);
            hi = fmax(hi, l.hi[k]);
        }
    }
    return lo > 0 && hi / lo > ratio;
}

/* "direct" for "direct(…)", unless that is another label's, too. */
static const char *name_of(drawing *d, const sweep *s, const char *label)
{
    const char *end = strchr(label, '(');
    size_t n = end != NULL ? (size_t)(end - label) : strlen(label);
    for (size_t i = 0; i < s->n; i++) {
        bool alike = strncmp(s->label[i], label, n) == 0 && strcmp(s->label[i], label) != 0;
        if (alike || n == 0) {
            return n == 0 ? NULL : label;
        }
    }
    return view_print(&d->memory, "%.*s", (int)n, label);
}

static void add_figure(drawing *d, const sweep *s, const figure *f)
{
    size_t color = 0;
    chart_axis x = {.log = view_wants_log(s->n, s->x, 30), .label = s->key};
    bool log = !f->zero && wants_log(d, s, f, 20);
    chart_panel *p = chart_panel_add(
        d->chart, &(chart_axes){.title = f->title,
                                .x = x,
                                .y = {.log = log, .percent = f->percent, .zero = f->zero}});
    for (size_t i = 0; i < s->n && color < MOST_SERIES; i++) {
        if (!is_first(s, i)) {
            continue;
        }
        line l = line_of(d, s, s->label[i], f);
        chart_style style = {.color = 1 + (int)(color % CHART_SERIES),
                             .dashed = color >= CHART_SERIES,
                             .radius = 3,
                             .hollow = color >= CHART_SERIES,
                             .name = name_of(d, s, s->label[i])};
        color++;
        chart_band(p, l.n, l.x, l.lo, l.hi, style.color);
        chart_line(p, l.n, l.x, l.mean, &style);
        style.name = NULL;
        chart_points(p, l.n, l.x, l.mean, &style);
    }
}

static void say_sweep(drawing *d, const sweep *s)
{
    size_t most = 0;
    for (size_t i = 0; i < s->n; i++) {
        most = s->kind[i].n > most ? s->kind[i].n : most;
    }
    const char *text =
        most > 1 ? view_print(&d->memory, "line: mean, band: range of up to %zu runs", most)
                 : "one run each";
    chart_say(d->chart, CHART_MUTED, text != NULL ? text : "");
    chart_describe(d->chart, "%zu kinds of runs over %s", s->n, s->key);
}

/* The test's figure, evaluations forward and memory; how many. */
static size_t list_figures(drawing *d, figure out[3])
{
    const char *metric = view_metric(view_first(d->request), 0);
    const char *block = view_block(&d->memory, view_first(d->request), 0);
    bool accuracy = metric != NULL && strcmp(metric, "accuracy") == 0;
    out[0] = (figure){.column = accuracy ? metric : "loss",
                      .split = "test",
                      .title = accuracy ? "test accuracy" : "test loss",
                      .percent = accuracy,
                      .scale = 1,
                      .test = true};
    if (block == NULL) {
        return 1;
    }
    out[1] = (figure){.column = view_print(&d->memory, "%s.evals_forward", block),
                      .split = "train",
                      .title = "evaluations forward, a batch",
                      .zero = true,
                      .scale = 1};
    out[2] = (figure){.column = view_print(&d->memory, "%s.bytes", block),
                      .split = "train",
                      .title = "memory of the block, MB",
                      .zero = true,
                      .scale = 1e-6};
    return d->memory.failed ? 1 : 3;
}

/* As far as the runs have them. */
static odeon_status make_sweep(drawing *d)
{
    sweep s;
    figure all[3];
    const figure *shown[3];
    size_t panels = 0;
    if (!find_sweep(d, &s)) {
        return drawing_nothing(d, "the runs do not differ in a key that is a number");
    }
    size_t n = list_figures(d, all);
    for (size_t i = 0; i < n && !d->memory.failed; i++) {
        if (has_figure(d, &s, &all[i])) {
            shown[panels++] = &all[i];
        }
    }
    double width = panels > 2 ? 992 : panels > 1 ? CHART_WIDE : CHART_NARROW;
    drawing_begin(d, width, 270, "Results over a key");
    chart_columns(d->chart, panels > 0 ? panels : 1);
    say_sweep(d, &s);
    for (size_t i = 0; i < panels; i++) {
        add_figure(d, &s, shown[i]);
    }
    return panels > 0 ? ODEON_OK : drawing_nothing(d, "no run has a result");
}

/* ---- tests, epoch by epoch ---- */

static bool spans_decades(drawing *d, const char *column)
{
    double least = HUGE_VAL, most = 0;
    for (int64_t i = 0; i < d->request->n_runs; i++) {
        view_series t = view_series_of(&d->memory, d->request->run[i], "test", column);
        double lo, hi;
        view_range(t.n, t.value, &lo, &hi);
        least = fmin(least, lo);
        most = fmax(most, hi);
    }
    return least > 0 && most / least > 20;
}

static void add_group(chart_panel *p, const view_group *g, view_band b, chart_style style)
{
    if (g->n > 1) {
        chart_band(p, b.n, b.step, b.lo, b.hi, style.color);
    }
    chart_line(p, b.n, b.step, b.mean, &style);
    style.name = NULL;
    if (b.n <= 30) {
        chart_points(p, b.n, b.step, b.mean, &style);
    }
}

static bool add_tests(drawing *d, const char *column, bool percent, const char *title)
{
    size_t n;
    bool some = false, log = !percent && spans_decades(d, column);
    view_group *g = view_groups(&d->memory, d->request->n_runs, d->request->run, &n);
    double epoch = view_epoch_steps(view_first(d->request));
    chart_panel *p =
        chart_panel_add(d->chart, &(chart_axes){.title = title,
                                                .x = {.label = epoch > 0 ? "epoch" : "step"},
                                                .y = {.percent = percent, .log = log}});
    for (size_t i = 0; g != NULL && i < n && i < CHART_SERIES; i++) {
        view_band b = view_band_of(&d->memory, &g[i], "test", column, log);
        for (size_t k = 0; k < b.n && epoch > 0; k++) {
            b.step[k] /= epoch;
        }
        some |= b.n > 0;
        add_group(p, &g[i], b,
                  (chart_style){.color = 1 + (int)i, .name = n > 1 ? g[i].name : NULL});
    }
    return some;
}

static odeon_status make_tests(drawing *d)
{
    const char *metric = view_metric(view_first(d->request), 0);
    bool accuracy = metric != NULL && strcmp(metric, "accuracy") == 0, some = false;
    if (d->request->n_runs < 2) {
        return drawing_nothing(d, "there is one run alone, whose tests are among its curves");
    }
    drawing_begin(d, accuracy ? CHART_WIDE : CHART_NARROW, 270, "Tests by epoch");
    chart_columns(d->chart, accuracy ? 2 : 1);
    chart_say(d->chart, CHART_MUTED, "line: mean of the runs of a kind, band: their range");
    some |= accuracy && add_tests(d, metric, true, "test accuracy");
    some |= add_tests(d, "loss", false, "test loss");
    chart_describe(d->chart, "Tests of %lld runs", (long long)d->request->n_runs);
    return some ? ODEON_OK : drawing_nothing(d, "no run has been tested");
}

#define KIND(id, what)                                                                             \
    const drawing_kind draw_##id = {.info = {.struct_size = sizeof(odeon_view_drawing),            \
                                             .flags = ODEON_VIEW_WIDE,                             \
                                             .name = #id,                                          \
                                             .summary = what,                                      \
                                             .part = "Results"},                                   \
                                    .make = make_##id}
KIND(sweep, "results and evaluations over a key in which runs differ");
KIND(tests, "tests of several runs, epoch by epoch");
