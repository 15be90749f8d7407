/* Several runs: what came of each kind, and in what they differ. */
#include <math.h>
#include <string.h>

#include "page.h"

/* Kinds that have a column of their own where configurations differ. */
enum { MOST_KINDS = 24, COLUMNS = 7 };

/* A kind of runs with the results of those that were tested. */
typedef struct kind {
    const view_group *group;
    size_t n; /* tested */
    double *result, *evaluations, *seconds;
    double mean, lo, hi; /* of result */
} kind;

typedef struct comparison {
    bool accuracy; /* result is that, else the loss */
    size_t n;
    kind *kinds; /* [n] */
} comparison;

static bool has_accuracy(const odeon_view_run *run)
{
    const char *metric = view_metric(run, 0);
    return metric != NULL && strcmp(metric, "accuracy") == 0;
}

/* The mean of the last twentieth of training. */
static double last_evaluations(page *p, const odeon_view_run *run)
{
    const char *block = view_block(&p->memory, run, 0);
    const char *name = block != NULL ? view_print(&p->memory, "%s.evals_forward", block) : NULL;
    view_series s =
        name != NULL ? view_series_of(&p->memory, run, "train", name) : (view_series){.n = 0};
    size_t tail = s.n / 20 > 0 ? s.n / 20 : 1;
    return s.n > 0 ? view_mean(tail, s.value + s.n - tail) : (double)NAN;
}

static void read_kind(page *p, const view_group *g, bool accuracy, kind *out)
{
    *out = (kind){.group = g, .mean = (double)NAN};
    out->result = view_alloc(&p->memory, g->n, sizeof(double));
    out->evaluations = view_alloc(&p->memory, g->n, sizeof(double));
    out->seconds = view_alloc(&p->memory, g->n, sizeof(double));
    for (size_t i = 0; i < g->n && out->seconds != NULL; i++) {
        double r = view_last(
            view_series_of(&p->memory, g->run[i], "test", accuracy ? "accuracy" : "loss"));
        if (isfinite(r)) {
            out->evaluations[out->n] = last_evaluations(p, g->run[i]);
            out->seconds[out->n] =
                view_last(view_series_of(&p->memory, g->run[i], "train", "seconds"));
            out->result[out->n++] = r;
        }
    }
    if (out->n > 0) {
        out->mean = view_mean(out->n, out->result);
        view_range(out->n, out->result, &out->lo, &out->hi);
    }
}

/* Best first; those without a result last. */
static bool is_before(const comparison *c, const kind *a, const kind *b)
{
    return a->n == 0     ? false
           : b->n == 0   ? true
           : c->accuracy ? a->mean > b->mean
                         : a->mean < b->mean;
}

static void compare(page *p, comparison *c)
{
    size_t n;
    view_group *g = view_groups(&p->memory, p->request->n_runs, p->request->run, &n);
    *c = (comparison){.accuracy = has_accuracy(view_first(p->request))};
    c->kinds = g != NULL ? view_alloc(&p->memory, n, sizeof *c->kinds) : NULL;
    for (size_t i = 0; c->kinds != NULL && i < n; i++) {
        kind k;
        size_t at = c->n;
        read_kind(p, &g[i], c->accuracy, &k);
        for (; at > 0 && is_before(c, &k, &c->kinds[at - 1]); at--) {
            c->kinds[at] = c->kinds[at - 1];
        }
        c->kinds[at] = k;
        c->n++;
    }
}

static const char *say_number(page *p, const comparison *c, double x)
{
    char text[CHART_NUMBER_BYTES];
    return view_print(&p->memory, "%s",
                      c->accuracy ? chart_percent(x, 1, text) : chart_number(x, text));
}

/* "Better" is said only where no seed of one reaches into the other's range. */
static void say_best(page *p, const comparison *c)
{
    chart_text *t = &p->text;
    if (c->n < 2 || c->kinds[0].n == 0 || c->kinds[1].n == 0) {
        return;
    }
    const kind *a = &c->kinds[0], *b = &c->kinds[1];
    chart_put(
        t, "The ~s mean test ~s is that of <b>~e</b>, ~s (n = ~z); next is ~e with ~s (n = ~z). ",
        c->accuracy ? "largest" : "least", c->accuracy ? "accuracy" : "loss", a->group->name,
        say_number(p, c, a->mean), a->n, b->group->name, say_number(p, c, b->mean), b->n);
    bool apart = c->accuracy ? a->lo > b->hi : a->hi < b->lo;
    if (a->n + b->n > 2) {
        chart_put(t, "~s",
                  apart ? "Each of its runs is better than all of the next. "
                        : "Their ranges overlap. ");
    }
}

static void count_states(page *p)
{
    int64_t failed = 0, open = 0;
    for (int64_t i = 0; i < p->request->n_runs; i++) {
        failed += p->request->run[i]->state == ODEON_VIEW_FAILED;
        open += p->request->run[i]->state == ODEON_VIEW_OPEN;
    }
    if (failed + open == 0) {
        chart_put(&p->text, " · all finished");
    } else {
        chart_put(&p->text, " · ~d failed, ~d not finished", (int)failed, (int)open);
    }
}

/* The deviation is that of the seeds, as chart_spread writes it. */
static const char *say_spread(page *p, const comparison *c, const kind *k)
{
    char text[CHART_NUMBER_BYTES];
    double *scaled = view_alloc(&p->memory, k->n, sizeof *scaled);
    for (size_t i = 0; i < k->n && scaled != NULL; i++) {
        scaled[i] = c->accuracy ? 100 * k->result[i] : k->result[i];
    }
    if (k->n == 0 || scaled == NULL) {
        return "–";
    }
    return view_print(&p->memory, "%s%s", chart_spread(k->n, scaled, text),
                      c->accuracy ? " %" : "");
}

static void put_kind(page *p, const comparison *c, size_t i)
{
    const kind *k = &c->kinds[i];
    char text[CHART_NUMBER_BYTES];
    double best = c->accuracy ? k->hi : k->lo;
    const char *cells[COLUMNS] = {k->group->name};
    cells[1] =
        view_print(&p->memory, "%s", chart_fixed((double)k->group->run[0]->parameters, 0, text));
    cells[2] = view_print(&p->memory, "%zu of %zu", k->n, k->group->n);
    cells[3] = say_spread(p, c, k);
    cells[4] = k->n > 0 ? say_number(p, c, best) : "–";
    cells[5] = k->n > 0 && isfinite(k->evaluations[0])
                   ? view_print(&p->memory, "%s", chart_spread(k->n, k->evaluations, text))
                   : "–";
    cells[6] =
        k->n > 0 ? view_print(&p->memory, "%s s", chart_spread(k->n, k->seconds, text)) : "–";
    page_row(p, COLUMNS, cells, true, i == 0 && c->n > 1);
}

void page_several(page *p)
{
    comparison c;
    compare(p, &c);
    chart_text *t = &p->text;
    const char *result = c.accuracy ? "test accuracy" : "test loss";
    chart_put(t, "<h1>~d runs</h1><div class=\"meta\">~z kind~s", (int)p->request->n_runs, c.n,
              c.n == 1 ? "" : "s");
    count_states(p);
    chart_put(t, "</div><p class=\"lead\">");
    say_best(p, &c);
    chart_put(t, "</p>");
    page_heading(p, "Results");
    page_table_begin(p,
                     "Mean ± standard deviation over the runs of a kind, best first; evaluations "
                     "forward in the last twentieth of training",
                     COLUMNS,
                     (const char *const[]){"kind", "parameters", "tested", result, "best run",
                                           "evaluations", "time"},
                     true);
    for (size_t i = 0; i < c.n; i++) {
        put_kind(p, &c, i);
    }
    page_table_end(p);
}

/* ---- differences ---- */

/* Has some kind another value of the key, or none? */
static bool differs(const comparison *c, const char *key)
{
    const char *first = view_config(c->kinds[0].group->run[0], key);
    for (size_t i = 1; i < c->n; i++) {
        const char *other = view_config(c->kinds[i].group->run[0], key);
        if ((first == NULL) != (other == NULL) ||
            (first != NULL && other != NULL && strcmp(first, other) != 0)) {
            return true;
        }
    }
    return false;
}

/* A key of a kind that no kind before it has. */
static bool is_new(const comparison *c, size_t kind_index, const char *key)
{
    for (size_t i = 0; i < kind_index; i++) {
        if (view_config(c->kinds[i].group->run[0], key) != NULL) {
            return false;
        }
    }
    return true;
}

static void put_key_row(page *p, const comparison *c, const char *key)
{
    const char *cells[1 + MOST_KINDS] = {key};
    for (size_t i = 0; i < c->n; i++) {
        cells[1 + i] = view_config(c->kinds[i].group->run[0], key);
    }
    page_row(p, 1 + c->n, cells, false, false);
}

void page_differences(page *p)
{
    comparison c;
    const char *names[1 + MOST_KINDS] = {"key"};
    compare(p, &c);
    if (c.n < 2) {
        return;
    }
    size_t all = c.n;
    c.n = all < MOST_KINDS ? all : MOST_KINDS;
    for (size_t i = 0; i < c.n; i++) {
        names[1 + i] = c.kinds[i].group->name;
    }
    page_heading(p, "What differs");
    page_table_begin(p,
                     c.n == all ? "Keys of the configuration that are not the same in all kinds"
                                : view_print(&p->memory,
                                             "Keys of the configuration that are not the same in "
                                             "the best %zu of %zu kinds",
                                             c.n, all),
                     1 + c.n, names, false);
    for (size_t k = 0; k < c.n; k++) {
        const odeon_view_run *run = c.kinds[k].group->run[0];
        for (int64_t i = 0; i < run->n_config; i++) {
            const char *key = run->config[i].key;
            if (!view_is_incidental(key) && is_new(&c, k, key) && differs(&c, key)) {
                put_key_row(p, &c, key);
            }
        }
    }
    page_table_end(p);
}
