/* Columns of the metrics over the steps of training. Of one run each batch is a thin line and their
 * mean a thick one; of several each group of seeds is a line, their mean, with the range of all. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "drawing.h"

enum { MOST_CURVES = 4 };

/* A column, or that of each ODE block, and how it is shown. */
typedef struct curve {
    const char *column; /* ".drift": of every block */
    const char *split, *name;
    bool stepped, unless_zero; /* left out where all of it is 0 */
} curve;

typedef struct recipe {
    const char *title, *unit;
    curve curves[MOST_CURVES]; /* of several runs only the first is drawn */
    size_t n_curves;
    double log_ratio; /* of the largest to the least from where on the axis is logarithmic */
    bool zero, percent;
    double scale; /* of values; 0: 1 */
} recipe;

/* ---- panels ---- */

static const odeon_view_run *first_run(const drawing *d)
{
    return view_first(d->request);
}

/* The column's values, in the recipe's unit. */
static view_series series_of(drawing *d, const recipe *r, const curve *c, const char *column)
{
    view_series s = view_series_of(&d->memory, first_run(d), c->split, column);
    for (size_t i = 0; i < s.n && r->scale > 0; i++) {
        s.value[i] *= r->scale;
    }
    return s;
}

static const char *column_of(drawing *d, const curve *c, const char *block)
{
    return c->column[0] != '.' ? c->column : view_print(&d->memory, "%s%s", block, c->column);
}

/* What decides whether an axis is logarithmic: all that is above 0, and how far it reaches. */
typedef struct reach {
    bool some, positive;
    double least, most;
} reach;

static void cover(drawing *d, const odeon_view_run *run, const curve *c, const char *block,
                  reach *r)
{
    view_series s = view_series_of(&d->memory, run, c->split, column_of(d, c, block));
    double *smooth = view_smooth(&d->memory, s.n, s.value, view_window(s.n)), lo, hi;
    if (s.n == 0 || smooth == NULL) {
        return;
    }
    view_range(s.n, smooth, &lo, &hi);
    r->some = true;
    r->positive &= lo > 0;
    r->least = fmin(r->least, lo);
    r->most = fmax(r->most, hi);
}

/* All curves of one run, or the first one of several. */
static bool is_log(drawing *d, const recipe *r, const char *block)
{
    reach x = {.positive = true, .least = HUGE_VAL};
    bool several = d->request->n_runs > 1;
    if (r->log_ratio <= 0 || d->memory.failed) {
        return false;
    }
    for (int64_t i = 0; i < d->request->n_runs; i++) {
        for (size_t k = 0; k < (several ? 1 : r->n_curves); k++) {
            cover(d, d->request->run[i], &r->curves[k], block, &x);
        }
    }
    return x.some && x.positive && x.most / x.least > r->log_ratio;
}

/* Of a run that failed the axis goes as far as it was meant to. */
static chart_axis step_axis(const drawing *d)
{
    double planned = view_planned_steps(first_run(d));
    bool failed = d->request->n_runs == 1 && first_run(d)->state == ODEON_VIEW_FAILED;
    return failed && planned > 0
               ? (chart_axis){.lo = 0, .hi = planned, .label = "step, of those planned"}
               : (chart_axis){.label = "step"};
}

static void mark_failure(const drawing *d, chart_panel *p)
{
    const odeon_view_run *run = first_run(d);
    const odeon_view_column *step = view_column(view_table(run, "metrics"), "step");
    const odeon_view_table *t = view_table(run, "metrics");
    if (d->request->n_runs == 1 && run->state == ODEON_VIEW_FAILED && step != NULL &&
        t->n_rows > 0) {
        chart_rule_x(p, step->value[t->n_rows - 1], CHART_RED, "failed");
    }
}

/* The last value, behind the name of what has few values. */
static const char *name_with_last(drawing *d, const char *name, double last, bool percent)
{
    char number[CHART_NUMBER_BYTES];
    return view_print(&d->memory, "%s %s", name,
                      percent ? chart_percent(last, 1, number) : chart_number(last, number));
}

static bool add_one(drawing *d, chart_panel *p, const recipe *r, const curve *c, int color,
                    const char *block)
{
    view_series s = series_of(d, r, c, column_of(d, c, block));
    bool test = strcmp(c->split, "train") != 0;
    double lo, hi;
    view_range(s.n, s.value, &lo, &hi);
    if (s.n == 0 || (lo == 0 && hi == 0 && c->unless_zero)) {
        return false;
    }
    const char *name = test ? name_with_last(d, c->name, view_last(s), r->percent) : c->name;
    size_t window = test ? 1 : view_window(s.n);
    bool raw = window > 1;
    if (raw) {
        chart_line(
            p, s.n, s.step, s.value,
            &(chart_style){.color = color, .thin = true, .opacity = .3, .stepped = c->stepped});
    }
    double *smooth = view_smooth(&d->memory, s.n, s.value, window);
    if (smooth != NULL && s.n > 1) {
        chart_line(p, s.n, s.step, smooth,
                   &(chart_style){.color = color, .name = name, .stepped = c->stepped && !raw});
    }
    if (s.n == 1 || (test && s.n <= 20)) {
        chart_points(p, s.n, s.step, s.value,
                     &(chart_style){.color = color, .radius = 3.5, .name = s.n == 1 ? name : NULL});
    }
    return true;
}

static void scale_band(view_band *b, double scale)
{
    for (size_t i = 0; i < b->n && scale > 0; i++) {
        b->mean[i] *= scale;
        b->lo[i] *= scale;
        b->hi[i] *= scale;
    }
}

static bool add_groups(drawing *d, chart_panel *p, const recipe *r, const char *block, bool log)
{
    size_t n;
    bool some = false;
    view_group *g = view_groups(&d->memory, d->request->n_runs, d->request->run, &n);
    const curve *c = &r->curves[0];
    for (size_t i = 0; g != NULL && i < n && i < CHART_SERIES; i++) {
        int color = 1 + (int)i;
        view_band b = view_band_of(&d->memory, &g[i], c->split, column_of(d, c, block), log);
        if (b.n == 0) {
            continue;
        }
        some = true;
        scale_band(&b, r->scale);
        if (g[i].n > 1) {
            chart_band(p, b.n, b.step, b.lo, b.hi, color);
        }
        chart_line(p, b.n, b.step, b.mean,
                   &(chart_style){.color = color, .name = n > 1 ? g[i].name : NULL});
    }
    return some;
}

/* A panel of all curves; false, and an empty panel, where the runs have none of them. */
static bool add_panel(drawing *d, const recipe *r, const char *block, const char *title)
{
    bool log = is_log(d, r, block), some = false;
    chart_panel *p = chart_panel_add(
        d->chart, &(chart_axes){.title = title,
                                .x = step_axis(d),
                                .y = {.log = log, .zero = r->zero, .percent = r->percent}});
    if (d->request->n_runs > 1) {
        return add_groups(d, p, r, block, log);
    }
    for (size_t i = 0; i < r->n_curves; i++) {
        some |= add_one(d, p, r, &r->curves[i], 1 + (int)i, block);
    }
    mark_failure(d, p);
    return some;
}

/* ---- words ---- */

/* "in a batch; thin: each row, thick: mean of 25", in one piece, so that no line begins with a
 * semicolon. */
static void say_how(drawing *d, const recipe *r, const char *block)
{
    view_series s = view_series_of(&d->memory, first_run(d), r->curves[0].split,
                                   column_of(d, &r->curves[0], block));
    size_t window = view_window(s.n), n = 0, most = 0;
    const char *text = r->unit;
    if (d->request->n_runs == 1) {
        text = window > 1
                   ? view_print(&d->memory, "%s; thin: each row, thick: mean of %zu", text, window)
                   : text;
        chart_say(d->chart, CHART_MUTED, text != NULL ? text : "");
        return;
    }
    view_group *g = view_groups(&d->memory, d->request->n_runs, d->request->run, &n);
    for (size_t i = 0; g != NULL && i < n; i++) {
        most = g[i].n > most ? g[i].n : most;
    }
    const char *mean = window > 1 ? view_print(&d->memory, "; mean of %zu rows", window) : "";
    const char *seeds =
        most > 1 ? view_print(&d->memory, "; line: mean, band: range of up to %zu seeds", most)
                 : "";
    const char *kinds = n > CHART_SERIES ? view_print(&d->memory, "; the first %d of %zu kinds",
                                                      (int)CHART_SERIES, n)
                                         : "";
    text = d->memory.failed ? NULL : view_print(&d->memory, "%s%s%s%s", text, mean, seeds, kinds);
    chart_say(d->chart, CHART_MUTED, text != NULL ? text : "");
}

static void describe(drawing *d, const recipe *r, const char *block)
{
    char from[CHART_NUMBER_BYTES], to[CHART_NUMBER_BYTES];
    view_series s = series_of(d, r, &r->curves[0], column_of(d, &r->curves[0], block));
    if (s.n > 0) {
        chart_describe(d->chart, "%s: from %s to %s in %zu rows%s", r->title,
                       chart_number(s.value[0], from), chart_number(view_last(s), to), s.n,
                       d->request->n_runs > 1 ? ", first run" : "");
    }
}

/* A panel for each ODE block, or one, as the recipe says. */
static odeon_status draw_recipe(drawing *d, const recipe *r)
{
    bool by_block = r->curves[0].column[0] == '.', some = false;
    const char *block = by_block ? view_block(&d->memory, first_run(d), 0) : "";
    if (block == NULL) {
        return drawing_nothing(d, "the metrics have no ODE block");
    }
    bool more = by_block && view_block(&d->memory, first_run(d), 1) != NULL;
    drawing_begin(d, more ? CHART_WIDE : CHART_NARROW, more ? 250 : 230, r->title);
    say_how(d, r, block);
    for (size_t i = 0; i < (more ? 2u : 1u); i++) {
        block = by_block ? view_block(&d->memory, first_run(d), i) : "";
        some |= block != NULL && add_panel(d, r, block, more ? block : NULL);
    }
    chart_columns(d->chart, more ? 2 : 1);
    describe(d, r, block);
    return some || d->memory.failed ? ODEON_OK
                                    : drawing_nothing(d, "the metrics have no such numbers");
}

/* ---- the kinds ---- */

static odeon_status make_loss(drawing *d)
{
    static const recipe r = {.title = "Loss",
                             .curves = {{"loss", "train", "train", false, false},
                                        {"loss", "test", "test", false, false},
                                        {"loss", "validation", "validation", false, false}},
                             .n_curves = 3,
                             .log_ratio = 20};
    recipe own = r;
    const char *loss = view_config(first_run(d), "train.loss");
    own.unit = loss != NULL ? view_plain_words(&d->memory, loss) : "as the run trains";
    return draw_recipe(d, &own);
}

/* A metric that is the loss again, as the mean distance is of the loss l1. */
static bool is_loss(drawing *d, const char *name)
{
    view_series a = view_series_of(&d->memory, first_run(d), "train", name);
    view_series b = view_series_of(&d->memory, first_run(d), "train", "loss");
    bool equal = a.n > 0 && a.n == b.n;
    for (size_t i = 0; i < a.n && equal; i++) {
        equal = fabs(a.value[i] - b.value[i]) <= 1e-5 * fabs(b.value[i]); /* sums of float32 */
    }
    return equal;
}

static odeon_status make_metrics(drawing *d)
{
    const char *name = view_metric(first_run(d), 0);
    if (name == NULL) {
        return drawing_nothing(d, "the run has no metric beside its loss");
    }
    if (is_loss(d, name)) {
        return drawing_nothing(d, "the metric %s is the loss itself", name);
    }
    recipe r = {.title = "Accuracy",
                .unit = "share of samples whose class was found",
                .curves = {{name, "train", "train", false, false},
                           {name, "test", "test", false, false},
                           {name, "validation", "validation", false, false}},
                .n_curves = 3,
                .percent = strcmp(name, "accuracy") == 0};
    if (!r.percent) {
        r.title = name;
        r.unit = "metric beside the loss";
        r.log_ratio = 20;
    }
    return draw_recipe(d, &r);
}

static odeon_status make_gradient_norm(drawing *d)
{
    static const recipe r = {.title = "Gradient norm",
                             .unit = "2-norm over all parameters, before clipping",
                             .curves = {{"grad_norm", "train", NULL, false, false}},
                             .n_curves = 1,
                             .log_ratio = 4};
    return draw_recipe(d, &r);
}

static odeon_status make_learning_rate(drawing *d)
{
    static const recipe r = {.title = "Learning rate",
                             .unit = "of the optimizer, by the schedule",
                             .curves = {{"lr", "train", NULL, true, false}},
                             .n_curves = 1,
                             .log_ratio = 20};
    double lo = HUGE_VAL, hi = -HUGE_VAL;
    for (int64_t i = 0; i < d->request->n_runs; i++) {
        view_series s = view_series_of(&d->memory, d->request->run[i], "train", "lr");
        double least, most;
        view_range(s.n, s.value, &least, &most);
        lo = fmin(lo, least);
        hi = fmax(hi, most);
    }
    if (lo == hi) {
        char number[CHART_NUMBER_BYTES];
        return drawing_nothing(d, "the learning rate is %s throughout", chart_number(lo, number));
    }
    return draw_recipe(d, &r);
}

static odeon_status make_evaluations(drawing *d)
{
    static const recipe r = {.title = "Evaluations of the field",
                             .unit = "in a batch",
                             .curves = {{".evals_forward", "train", "forward", true, false},
                                        {".evals_backward", "train", "backward", true, true}},
                             .n_curves = 2,
                             .zero = true};
    drawing_caption(d, "An evaluation is one call of the field f. What grows here is what a step "
                       "of training costs.");
    return draw_recipe(d, &r);
}

static odeon_status make_attempts(drawing *d)
{
    static const recipe r = {.title = "Steps of the solver",
                             .unit = "forward, in a batch",
                             .curves = {{".accepted", "train", "accepted", true, false},
                                        {".rejected", "train", "rejected", true, false}},
                             .n_curves = 2,
                             .zero = true};
    return draw_recipe(d, &r);
}

static odeon_status make_step_sizes(drawing *d)
{
    static const recipe r = {.title = "Step sizes of the solver",
                             .unit = "in t, of accepted steps forward",
                             .curves = {{".h_max", "train", "largest", false, false},
                                        {".h_min", "train", "smallest", false, false}},
                             .n_curves = 2,
                             .log_ratio = 4};
    return draw_recipe(d, &r);
}

static odeon_status make_drift(drawing *d)
{
    static const recipe r = {.title = "Drift of the adjoint",
                             .unit = "backward solve's distance from y(0), relative",
                             .curves = {{".drift", "train", NULL, false, false}},
                             .n_curves = 1,
                             .log_ratio = 4};
    drawing_caption(d, "The adjoint is exact only as far as this stays below what the gradient may "
                       "be off by.");
    return draw_recipe(d, &r);
}

static odeon_status make_memory(drawing *d)
{
    static const recipe r = {.title = "Memory of the block",
                             .unit = "MB at its peak, in a batch",
                             .curves = {{".bytes", "train", NULL, true, false}},
                             .n_curves = 1,
                             .scale = 1e-6,
                             .zero = true};
    return draw_recipe(d, &r);
}

static odeon_status make_share(drawing *d)
{
    static const recipe r = {.title = "Share of the block",
                             .unit = "how far it moves its state, of the state's norm",
                             .curves = {{".share", "test", "test", false, false}},
                             .n_curves = 1,
                             .zero = true,
                             .percent = true};
    view_series s = {.n = 0};
    const char *block = view_block(&d->memory, first_run(d), 0);
    if (block != NULL) {
        s = view_series_of(&d->memory, first_run(d), "test",
                           view_print(&d->memory, "%s.share", block));
    }
    return s.n < 2 ? drawing_nothing(d, "it was measured less than twice") : draw_recipe(d, &r);
}

#define KIND(id, what, where)                                                                      \
    const drawing_kind draw_##id = {.info = {.struct_size = sizeof(odeon_view_drawing),            \
                                             .name = #id,                                          \
                                             .summary = what,                                      \
                                             .part = where},                                       \
                                    .make = make_##id}
KIND(loss, "loss over training, and of the test samples", "Learning");
KIND(metrics, "accuracy, or the first metric beside the loss", "Learning");
KIND(gradient_norm, "norm of the gradient over training", "Learning");
KIND(learning_rate, "learning rate over training", "Learning");
KIND(evaluations, "evaluations of the field, forward and backward", "The solver");
KIND(attempts, "accepted and rejected steps of the solver", "The solver");
KIND(step_sizes, "smallest and largest step of each solve", "The solver");
KIND(drift, "how far the adjoint's backward solve misses y(0)", "The solver");
KIND(memory, "bytes of the ODE block over training", "The solver");
KIND(share, "how far the ODE block moves its state", "The solver");
