/* Tables that commands print, work_precision, lr_find, and any other: its columns over one of them.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "drawing.h"

enum { MOST_LINES = 24, MOST_PANELS = 6 };

static const odeon_view_table *table_of(drawing *d)
{
    const odeon_view_table *t = view_table(d->request->run[0], "table");
    return t != NULL && t->n_rows > 0 ? t : NULL;
}

static odeon_status no_table(drawing *d, const char *columns, const char *command)
{
    return drawing_nothing(d,
                           "a file NAME.csv with the columns %s is drawn, as `odeon %s` prints it",
                           columns, command);
}

/* Rows of a table that a line is made of. */
typedef struct rows {
    const char *name; /* NULL: all of them */
    size_t n;
    double *x, *y; /* [n] */
} rows;

/* Those of that name in which both numbers are finite. */
static rows take_rows(drawing *d, const odeon_view_table *t, const odeon_view_column *names,
                      const char *name, const odeon_view_column *x, const odeon_view_column *y)
{
    size_t all = (size_t)t->n_rows;
    rows r = {.name = name};
    r.x = view_alloc(&d->memory, all, sizeof(double));
    r.y = view_alloc(&d->memory, all, sizeof(double));
    for (size_t i = 0; i < all && r.y != NULL; i++) {
        bool own = name == NULL || strcmp(names->text[i], name) == 0;
        if (own && isfinite(x->value[i]) && isfinite(y->value[i])) {
            r.x[r.n] = x->value[i];
            r.y[r.n++] = y->value[i];
        }
    }
    return r;
}

/* The different words of a column, in the order of the rows; at most MOST_LINES. */
static size_t list_names(const odeon_view_table *t, const odeon_view_column *c,
                         const char *out[MOST_LINES])
{
    size_t n = 0;
    for (int64_t i = 0; i < t->n_rows && n < MOST_LINES; i++) {
        size_t k = 0;
        while (k < n && strcmp(out[k], c->text[i]) != 0) {
            k++;
        }
        if (k == n) {
            out[n++] = c->text[i];
        }
    }
    return n;
}

/* Line i of many: colours come again, then with dashes and hollow points, then thin. */
static void add_rows(chart_panel *p, const rows *r, size_t i, bool points)
{
    size_t round = i / CHART_SERIES;
    chart_style style = {.color = 1 + (int)(i % CHART_SERIES),
                         .dashed = round % 2 == 1,
                         .hollow = round % 2 == 1,
                         .thin = round > 1,
                         .name = r->name};
    if (r->n == 0) {
        return;
    }
    chart_line(p, r->n, r->x, r->y, &style);
    style.name = NULL;
    if (points) {
        chart_points(p, r->n, r->x, r->y, &style);
    }
}

/* ---- work and precision ---- */

static odeon_status make_work_precision(drawing *d)
{
    const odeon_view_table *t = table_of(d);
    const odeon_view_column *names = view_column(t, "integrator"), *error = view_column(t, "error"),
                            *evals = view_column(t, "evals"), *ms = view_column(t, "ms");
    const char *list[MOST_LINES];
    if (names == NULL || error == NULL || evals == NULL) {
        return no_table(d, "integrator, error and evals", "compare --work-precision --csv");
    }
    size_t n = list_names(t, names, list), columns = ms != NULL ? 2 : 1;
    drawing_begin(d, columns > 1 ? 992 : CHART_WIDE, 480, "Work and precision");
    chart_say(d->chart, CHART_MUTED,
              "error: root mean square over all states, relative to a reference; lower left is "
              "better");
    chart_columns(d->chart, columns);
    for (size_t k = 0; k < columns; k++) {
        chart_panel *p = chart_panel_add(
            d->chart,
            &(chart_axes){
                .title = k == 0 ? "error against evaluations" : "error against time",
                .x = {.log = true, .label = k == 0 ? "evaluations of the field" : "milliseconds"},
                .y = {.log = true}});
        for (size_t i = 0; i < n; i++) {
            rows r = take_rows(d, t, names, list[i], k == 0 ? evals : ms, error);
            add_rows(p, &r, i, true);
        }
    }
    chart_describe(d->chart, "Error of %zu integrators against evaluations%s", n,
                   columns > 1 ? " and time" : "");
    return ODEON_OK;
}

/* ---- learning rates ---- */

enum { SETTLED = 5 }; /* rows before which the smooth loss says little */

/* Where the smooth loss falls most steeply over the logarithm of the rate; 0: nowhere. */
static size_t find_steepest(const rows *r)
{
    size_t found = 0;
    double least = 0;
    for (size_t i = SETTLED; i < r->n; i++) {
        double slope = (r->y[i] - r->y[i - 1]) / log(r->x[i] / r->x[i - 1]);
        found = slope < least ? i : found;
        least = fmin(least, slope);
    }
    return found;
}

static size_t find_least(const rows *r)
{
    size_t least = 0;
    for (size_t i = 1; i < r->n; i++) {
        least = r->y[i] < r->y[least] ? i : least;
    }
    return least;
}

static void add_rates(drawing *d, const rows *raw, const rows *s)
{
    char number[CHART_NUMBER_BYTES];
    size_t steepest = find_steepest(s), least = find_least(s);
    double lo, hi;
    view_range(least + 1, s->y, &lo, &hi);
    chart_axis y = {.lo = lo - .2 * (hi - lo), .hi = hi + .3 * (hi - lo)}; /* not the explosion */
    chart_panel *p = chart_panel_add(
        d->chart, &(chart_axes){.x = {.log = true, .label = "learning rate"}, .y = y});
    chart_line(p, raw->n, raw->x, raw->y,
               &(chart_style){.color = CHART_BLUE, .thin = true, .opacity = .4});
    chart_line(p, s->n, s->x, s->y, &(chart_style){.color = CHART_BLUE});
    chart_points(p, 1, s->x + least, s->y + least, &(chart_style){.color = CHART_RED, .radius = 4});
    chart_say(d->chart, CHART_RED,
              view_print(&d->memory, "● least at %s", chart_number(s->x[least], number)));
    if (steepest > 0) {
        chart_rule_x(
            p, s->x[steepest], CHART_MUTED,
            view_print(&d->memory, "steepest fall: %s", chart_number(s->x[steepest], number)));
    }
    chart_describe(d->chart, "Loss of %zu learning rates, least at %g", s->n, s->x[least]);
}

static odeon_status make_lr_find(drawing *d)
{
    const odeon_view_table *t = table_of(d);
    const odeon_view_column *lr = view_column(t, "lr"), *loss = view_column(t, "loss"),
                            *smooth = view_column(t, "smooth");
    if (lr == NULL || loss == NULL || smooth == NULL) {
        return no_table(d, "lr, loss and smooth", "lr-find --csv");
    }
    rows raw = take_rows(d, t, NULL, NULL, lr, loss), s = take_rows(d, t, NULL, NULL, lr, smooth);
    if (s.n == 0) {
        return drawing_nothing(d, "no row of the table has a rate and a loss");
    }
    drawing_begin(d, CHART_WIDE, 330, "Loss by learning rate");
    chart_say(d->chart, CHART_MUTED, "a batch each; thin: its loss, thick: smoothed");
    add_rates(d, &raw, &s);
    return ODEON_OK;
}

/* ---- any table ---- */

/* A column "unit: name" is a line of that name in the panel "unit", any other one a panel. */
typedef struct heading {
    char panel[64];
    const char *name; /* NULL: the only line of its panel, or lines by the words of a column */
} heading;

static heading read_heading(const char *text)
{
    heading h = {.name = NULL};
    const char *colon = strstr(text, ": ");
    size_t n = colon != NULL ? (size_t)(colon - text) : strlen(text);
    (void)snprintf(h.panel, sizeof h.panel, "%.*s", (int)(n < 60 ? n : 60), text);
    h.name = colon != NULL ? colon + 2 : NULL;
    return h;
}

static bool has_words(const odeon_view_table *t, const odeon_view_column *c)
{
    for (int64_t i = 0; i < t->n_rows; i++) {
        if (c->text[i][0] != '\0' && isnan(c->value[i])) {
            return true;
        }
    }
    return false;
}

/* A table in which lines are told apart by a column of words, if its first one is that. */
typedef struct layout {
    const odeon_view_table *table;
    const odeon_view_column *names, *x;
    size_t n_names;
    const char *list[MOST_LINES];
    int64_t first; /* column of values */
} layout;

static bool lay_out(const odeon_view_table *t, layout *l)
{
    *l = (layout){.table = t};
    if (t == NULL || t->n_columns < 2) {
        return false;
    }
    bool words = has_words(t, &t->column[0]);
    if (words && t->n_columns < 3) {
        return false;
    }
    l->names = words ? &t->column[0] : NULL;
    l->n_names = words ? list_names(t, l->names, l->list) : 0;
    l->x = &t->column[words ? 1 : 0];
    l->first = words ? 2 : 1;
    return true;
}

/* All columns of the panel of column i, of which the first i have none. */
static void add_columns(drawing *d, const layout *l, int64_t i, chart_panel *p)
{
    heading own = read_heading(l->table->column[i].name);
    bool points = l->table->n_rows <= 40 * (int64_t)(l->n_names > 0 ? l->n_names : 1);
    size_t line = 0;
    for (int64_t k = i; k < l->table->n_columns; k++) {
        const odeon_view_column *c = &l->table->column[k];
        heading h = read_heading(c->name);
        if (strcmp(h.panel, own.panel) != 0) {
            continue;
        }
        for (size_t g = 0; g < (l->names != NULL ? l->n_names : 1); g++) {
            const char *name = l->names != NULL ? l->list[g] : NULL;
            rows r = take_rows(d, l->table, l->names, name, l->x, c);
            r.name = name == NULL ? h.name : name;
            add_rows(p, &r, line++, points);
        }
    }
}

static bool is_log(const layout *l, int64_t i, double ratio)
{
    double lo = HUGE_VAL, hi = -HUGE_VAL;
    heading own = read_heading(l->table->column[i].name);
    for (int64_t k = i; k < l->table->n_columns; k++) {
        const odeon_view_column *c = &l->table->column[k];
        for (int64_t row = 0; row < l->table->n_rows; row++) {
            bool counts = strcmp(read_heading(c->name).panel, own.panel) == 0;
            if (counts && isfinite(c->value[row])) {
                lo = fmin(lo, c->value[row]);
                hi = fmax(hi, c->value[row]);
            }
        }
    }
    return lo > 0 && hi / lo > ratio;
}

/* Do numbers go up by factors rather than by equal steps? A quarter of them lies in the lower half
 * of the logarithmic axis. */
static bool goes_by_factors(size_t n, const double *x)
{
    double lo, hi;
    size_t below = 0;
    view_range(n, x, &lo, &hi);
    for (size_t i = 0; i < n; i++) {
        below += x[i] < sqrt(lo * hi);
    }
    return view_wants_log(n, x, 50) && 4 * below >= n;
}

static bool is_begun(const layout *l, int64_t i)
{
    heading own = read_heading(l->table->column[i].name);
    for (int64_t k = l->first; k < i; k++) {
        if (strcmp(read_heading(l->table->column[k].name).panel, own.panel) == 0) {
            return true;
        }
    }
    return false;
}

/* "Lane_Emden" becomes "Lane Emden". */
static char *title_of(drawing *d)
{
    char *title = view_print(&d->memory, "%s", d->request->run[0]->name);
    for (char *p = title; p != NULL && *p != '\0'; p++) {
        *p = *p == '_' ? ' ' : *p;
    }
    return title;
}

static odeon_status make_curves(drawing *d)
{
    layout l;
    size_t panels = 0;
    if (!lay_out(table_of(d), &l)) {
        return drawing_nothing(d, "a file NAME.csv is drawn: numbers over those of its first "
                                  "column, or, behind a column of words, of its second");
    }
    for (int64_t i = l.first; i < l.table->n_columns; i++) {
        panels += !is_begun(&l, i) && panels < MOST_PANELS;
    }
    const char *title = title_of(d);
    double rows_of = ceil((double)panels / 2);
    drawing_begin(d, CHART_WIDE, panels > 1 ? 40 + 250 * rows_of : 330, title != NULL ? title : "");
    chart_columns(d->chart, panels > 1 ? 2 : 1);
    bool x_log = goes_by_factors((size_t)l.table->n_rows, l.x->value);
    for (int64_t i = l.first; i < l.table->n_columns && panels > 0; i++) {
        if (is_begun(&l, i)) {
            continue;
        }
        heading h = read_heading(l.table->column[i].name);
        chart_panel *p =
            chart_panel_add(d->chart, &(chart_axes){.title = h.panel,
                                                    .x = {.log = x_log, .label = l.x->name},
                                                    .y = {.log = is_log(&l, i, 100)}});
        add_columns(d, &l, i, p);
        panels--;
    }
    chart_describe(d->chart, "%lld rows over %s", (long long)l.table->n_rows, l.x->name);
    return ODEON_OK;
}

#define KIND(id, what)                                                                             \
    const drawing_kind draw_##id = {                                                               \
        .info = {.struct_size = sizeof(odeon_view_drawing),                                        \
                 .flags = ODEON_VIEW_WIDE | ODEON_VIEW_OF_ONE_RUN | ODEON_VIEW_OF_TABLE,           \
                 .name = #id,                                                                      \
                 .summary = what,                                                                  \
                 .part = "Tables"},                                                                \
        .make = make_##id}
KIND(work_precision, "error against work, of a table of `compare --work-precision --csv`");
KIND(lr_find, "loss by learning rate, of a table of `lr-find --csv`");
KIND(curves, "columns of any table over its first");
