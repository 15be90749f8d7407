/* terminal: the loss over the steps, drawn on the terminal while a run goes on: a curve of
 * training, a mark for each test, or, of a run that has a validation split, for each evaluation of
 * that. Only so many points are kept of a run of any length that nothing
 * has to be allocated, and the horizontal axis grows by halves of the run, so that the picture
 * stands still for long. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "odeon/observer.h"
#include "odeon/plugin.h"

#include "canvas.h"

enum { MOST_POINTS = 512, TEXT_BYTES = 8192, LABEL_COLUMNS = 10, DEFAULT_COLUMNS = 80 };

/* Means of `stride` values each; the newest values wait until they are as many. */
typedef struct curve {
    int n;
    int64_t stride, pending;
    double sum_step, sum_value, last;
    double step[MOST_POINTS], value[MOST_POINTS];
} curve;

typedef struct terminal {
    ODEON_INSTANCE;
    double every;
    int64_t force;
    int64_t height;
    double shown; /* by the run's clock */
    curve train, test, validation;
    canvas canvas;
    char text[TEXT_BYTES];
} terminal;

static const odeon_option *const options[] = {
    ODEON_OPTION(terminal, every, F64, .default_text = "1", .min_text = "0", .max_text = "86400",
                 .unit = "seconds", .help = "least time between two drawings",
                 .aliases = "interval|seconds"),
    ODEON_OPTION(terminal, height, I64, .default_text = "10", .min_text = "3", .max_text = "12",
                 .unit = "lines", .help = "height of the curve", .aliases = "rows|lines"),
    ODEON_OPTION(terminal, force, FLAG, .default_text = "no",
                 .help = "draw at the end of the run where standard output is no terminal, too",
                 .aliases = "always"),
    NULL};

static odeon_status init(void *self)
{
    terminal *x = self;
    x->train.stride = x->test.stride = x->validation.stride = 1;
    x->train.last = x->test.last = x->validation.last = (double)NAN;
    x->shown = -(double)INFINITY;
    return ODEON_OK;
}

/* ---- points ---- */

/* Every two points become one. */
static void thin_out(curve *c)
{
    for (int i = 0; i < c->n / 2; i++) {
        c->step[i] = 0.5 * (c->step[2 * i] + c->step[2 * i + 1]);
        c->value[i] = 0.5 * (c->value[2 * i] + c->value[2 * i + 1]);
    }
    c->n /= 2;
    c->stride *= 2;
}

static void add_point(curve *c, double step, double value)
{
    if (!isfinite(value)) {
        return;
    }
    c->last = value;
    c->sum_step += step;
    c->sum_value += value;
    if (++c->pending < c->stride) {
        return;
    }
    c->step[c->n] = c->sum_step / (double)c->pending;
    c->value[c->n++] = c->sum_value / (double)c->pending;
    c->sum_step = c->sum_value = 0.0;
    c->pending = 0;
    if (c->n == MOST_POINTS) {
        thin_out(c);
    }
}

static const odeon_cell *find(const odeon_event *event, const char *name)
{
    for (int64_t i = 0; i < event->n_cells; i++) {
        if (strcmp(event->cells[i].name, name) == 0) {
            return &event->cells[i];
        }
    }
    return NULL;
}

static curve *curve_of(terminal *x, const char *split)
{
    return strcmp(split, "test") == 0         ? &x->test
           : strcmp(split, "validation") == 0 ? &x->validation
                                              : &x->train;
}

/* The split that evaluations during training are of: its values are the marks. */
static const curve *marked(const terminal *x)
{
    return x->validation.n > 0 ? &x->validation : &x->test;
}

static void take_row(terminal *x, const odeon_event *event)
{
    const odeon_cell *split = find(event, "split"), *loss = find(event, "loss");
    if (split != NULL && loss != NULL) {
        add_point(curve_of(x, split->text), (double)event->step, loss->value);
    }
}

/* ---- axes ---- */

typedef struct frame {
    double steps, lo, hi;
    bool log;
} frame;

static void widen(const curve *c, frame *f)
{
    for (int i = 0; i < c->n; i++) {
        f->lo = fmin(f->lo, c->value[i]);
        f->hi = fmax(f->hi, c->value[i]);
    }
}

/* A logarithmic axis where the largest value is so many times the least. */
static frame find_frame(const terminal *x, const odeon_event *event)
{
    static const double log_ratio = 50.0;
    frame f = {.steps = (double)event->steps, .lo = (double)INFINITY, .hi = -(double)INFINITY};
    while (f.steps > 8.0 && 0.5 * f.steps >= (double)event->step) {
        f.steps *= 0.5;
    }
    widen(&x->train, &f);
    widen(marked(x), &f);
    f.log = f.lo > 0.0 && f.hi > log_ratio * f.lo;
    if (f.hi <= f.lo) {
        f.hi = f.lo + fmax(1e-12, 0.1 * fabs(f.lo));
    }
    return f;
}

static double place(const frame *f, double value)
{
    return f->log ? log(value / f->lo) / log(f->hi / f->lo) : (value - f->lo) / (f->hi - f->lo);
}

static double label_at(const frame *f, double y)
{
    return f->log ? f->lo * pow(f->hi / f->lo, y) : f->lo + y * (f->hi - f->lo);
}

/* ---- the picture ---- */

__attribute__((format(printf, 3, 4))) static size_t add_text(terminal *x, size_t at,
                                                             const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(x->text + at, sizeof x->text - at, format, arguments);
    va_end(arguments);
    size_t end = n > 0 ? at + (size_t)n : at;
    return end < sizeof x->text ? end : sizeof x->text - 1;
}

static void draw_curves(terminal *x, const frame *f)
{
    const curve *c = &x->train, *marks = marked(x);
    for (int i = 0; i < c->n; i++) {
        int before = i > 0 ? i - 1 : 0;
        canvas_line(&x->canvas, c->step[before] / f->steps, place(f, c->value[before]),
                    c->step[i] / f->steps, place(f, c->value[i]));
    }
    for (int i = 0; i < marks->n; i++) {
        canvas_mark(&x->canvas, marks->step[i] / f->steps, place(f, marks->value[i]));
    }
}

static size_t add_split(terminal *x, size_t at, const curve *c, const char *name, const char *mark)
{
    return isnan(c->last)
               ? at
               : add_text(x, at, ", %s%s %.4g", name, marked(x) == c ? mark : "", c->last);
}

/* The heading names the curves, and serves as their legend. */
static size_t add_heading(terminal *x, bool utf8)
{
    const char *mark = utf8 ? " \u25cf" : " o";
    size_t at = add_text(x, 0, "%*s loss: train", LABEL_COLUMNS - 1, "");
    at = isnan(x->train.last) ? at : add_text(x, at, " %.4g", x->train.last);
    at = add_split(x, at, &x->validation, "validation", mark);
    at = add_split(x, at, &x->test, "test", mark);
    return add_text(x, at, "\n");
}

static void draw(terminal *x, const odeon_event *event, const odeon_terminal *t)
{
    int width = t->columns > 0 ? t->columns : DEFAULT_COLUMNS;
    int rows = t->rows > 0 && x->height > t->rows - 4 ? t->rows - 4 : (int)x->height;
    frame f = find_frame(x, event);
    if (rows < 3 || width < 2 * LABEL_COLUMNS || x->train.n + marked(x)->n == 0) {
        return;
    }
    canvas_clear(&x->canvas, width - LABEL_COLUMNS - 1, rows, t->utf8 != 0);
    draw_curves(x, &f);
    size_t at = add_heading(x, t->utf8 != 0);
    for (int row = 0; row < rows; row++) {
        char cells[3 * CANVAS_COLUMNS + 1];
        canvas_row(&x->canvas, row, cells);
        bool labelled = row == 0 || row == rows / 2 || row == rows - 1;
        at = labelled ? add_text(x, at, "%*.3g", LABEL_COLUMNS - 2,
                                 label_at(&f, 1.0 - (double)row / (rows - 1)))
                      : add_text(x, at, "%*s", LABEL_COLUMNS - 2, "");
        at = add_text(x, at, " %s%s\n", t->utf8 != 0 ? "\u2502" : "|", cells);
    }
    char steps[32];
    (void)snprintf(steps, sizeof steps, "%.0f", f.steps);
    (void)add_text(x, at, "%*s0%*s\n", LABEL_COLUMNS, "", x->canvas.columns - 1, steps);
    event->services->show(event->services->self, x->text);
}

static odeon_status see(void *self, const odeon_event *event, const odeon_line *line)
{
    terminal *x = self;
    const odeon_observer_services *s = event->services;
    odeon_terminal t = {.struct_size = sizeof t};
    bool last = event->type == ODEON_EVENT_END;
    (void)line;
    if (event->type == ODEON_EVENT_ROW) {
        take_row(x, event);
    }
    if (s == NULL || (!last && event->seconds - x->shown < x->every)) {
        return ODEON_OK;
    }
    s->terminal(s->self, &t);
    if (last ? t.columns > 0 || x->force : t.redraws != 0) {
        x->shown = event->seconds;
        draw(x, event, &t);
    }
    return ODEON_OK;
}

static const odeon_observer_ops ops = {
    .struct_size = sizeof ops, .wants = ODEON_EVENT_BIT(ROW) | ODEON_EVENT_BIT(END), .see = see};

ODEON_PLUGIN_OPTIONS(OBSERVER, "terminal", &ops, "the loss as a curve on the terminal", NULL, NULL,
                     terminal, options, init, NULL);
