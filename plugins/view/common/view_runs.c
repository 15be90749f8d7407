#include "view_runs.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

/* Blocks in a list; what follows the head is aligned for doubles. */
typedef struct head {
    void *before;
    double reserved;
} head;

void *view_alloc(view_memory *m, size_t count, size_t size)
{
    bool fits = size == 0 || count <= (SIZE_MAX >> 1) / size;
    head *h = !m->failed && fits ? m->host->alloc(m->host, sizeof *h + count * size) : NULL;
    if (h == NULL) {
        m->failed = true;
        return NULL;
    }
    memset(h, 0, sizeof *h + count * size);
    h->before = m->last;
    m->last = h;
    return h + 1;
}

char *view_print(view_memory *m, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int n = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = n >= 0 ? view_alloc(m, (size_t)n + 1, 1) : NULL;
    if (text != NULL) {
        (void)vsnprintf(text, (size_t)n + 1, format, again);
    }
    va_end(again);
    return text;
}

void view_free(view_memory *m)
{
    while (m->last != NULL) {
        head *h = m->last;
        m->last = h->before;
        m->host->free(m->host, h);
    }
}

const char *view_plain_words(view_memory *m, const char *expression)
{
    char *text = view_print(m, "%.*s", (int)strcspn(expression, "("), expression);
    for (char *p = text; p != NULL && *p != '\0'; p++) {
        *p = *p == '_' ? ' ' : *p;
    }
    return text != NULL ? text : "";
}

/* ---- one run ---- */

static const char *find(int64_t n, const odeon_view_pair *pairs, const char *key)
{
    for (int64_t i = 0; i < n; i++) {
        if (strcmp(pairs[i].key, key) == 0) {
            return pairs[i].value;
        }
    }
    return NULL;
}

const char *view_config(const odeon_view_run *run, const char *key)
{
    return find(run->n_config, run->config, key);
}

const char *view_manifest(const odeon_view_run *run, const char *key)
{
    return find(run->n_manifest, run->manifest, key);
}

/* The manifest's numbers are whole, so that no locale has a say in how they read. */
double view_manifest_number(const odeon_view_run *run, const char *key)
{
    const char *text = view_manifest(run, key);
    return text != NULL && text[0] >= '0' && text[0] <= '9' ? (double)strtoll(text, NULL, 10)
                                                            : (double)NAN;
}

const odeon_view_table *view_table(const odeon_view_run *run, const char *name)
{
    for (int64_t i = 0; i < run->n_tables; i++) {
        if (strcmp(run->table[i]->name, name) == 0) {
            return run->table[i];
        }
    }
    return NULL;
}

const odeon_view_column *view_column(const odeon_view_table *table, const char *name)
{
    for (int64_t i = 0; table != NULL && name != NULL && i < table->n_columns; i++) {
        if (strcmp(table->column[i].name, name) == 0) {
            return &table->column[i];
        }
    }
    return NULL;
}

const odeon_view_run *view_first(const odeon_view_request *request)
{
    for (int64_t i = 0; i < request->n_runs; i++) {
        const odeon_view_table *t = view_table(request->run[i], "metrics");
        if (t != NULL && t->n_rows > 0) {
            return request->run[i];
        }
    }
    return request->run[0];
}

view_series view_series_of(view_memory *m, const odeon_view_run *run, const char *split,
                           const char *column)
{
    view_series s = {.n = 0};
    const odeon_view_table *t = view_table(run, "metrics");
    const odeon_view_column *step = view_column(t, "step"), *kind = view_column(t, "split"),
                            *value = view_column(t, column);
    if (step == NULL || kind == NULL || value == NULL) {
        return s;
    }
    s.step = view_alloc(m, (size_t)t->n_rows, sizeof(double));
    s.value = view_alloc(m, (size_t)t->n_rows, sizeof(double));
    for (int64_t i = 0; i < t->n_rows && s.value != NULL; i++) {
        if (strcmp(kind->text[i], split) == 0 && isfinite(value->value[i])) {
            s.step[s.n] = step->value[i];
            s.value[s.n++] = value->value[i];
        }
    }
    return s;
}

double *view_smooth(view_memory *m, size_t n, const double *value, size_t window)
{
    double *out = view_alloc(m, n, sizeof *out);
    for (size_t i = 0; i < n && out != NULL; i++) {
        size_t first = i + 1 > window ? i + 1 - window : 0;
        out[i] = view_mean(i + 1 - first, value + first);
    }
    return out;
}

size_t view_window(size_t n)
{
    return n < 40 ? 1 : n < 500 ? n / 20 : 25;
}

double view_last(view_series s)
{
    return s.n > 0 ? s.value[s.n - 1] : (double)NAN;
}

double view_mean(size_t n, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
    }
    return n > 0 ? sum / (double)n : (double)NAN;
}

void view_range(size_t n, const double *x, double *lo, double *hi)
{
    *lo = *hi = n > 0 ? x[0] : (double)NAN;
    for (size_t i = 1; i < n; i++) {
        *lo = fmin(*lo, x[i]);
        *hi = fmax(*hi, x[i]);
    }
}

bool view_wants_log(size_t n, const double *x, double ratio)
{
    double lo, hi;
    view_range(n, x, &lo, &hi);
    return lo > 0 && hi / lo > ratio;
}

const char *view_block(view_memory *m, const odeon_view_run *run, size_t i)
{
    static const char ending[] = ".evals_forward";
    const odeon_view_table *t = view_table(run, "metrics");
    for (int64_t k = 0; t != NULL && k < t->n_columns; k++) {
        const char *name = t->column[k].name;
        size_t n = strlen(name), e = sizeof ending - 1;
        if (n > e && strcmp(name + n - e, ending) == 0 && i-- == 0) {
            return view_print(m, "%.*s", (int)(n - e), name);
        }
    }
    return NULL;
}

/* They stand between the loss and the learning rate. */
const char *view_metric(const odeon_view_run *run, size_t i)
{
    const odeon_view_table *t = view_table(run, "metrics");
    const odeon_view_column *loss = view_column(t, "loss"), *lr = view_column(t, "lr");
    if (loss == NULL || lr == NULL || loss + 1 + i >= lr) {
        return NULL;
    }
    return loss[1 + i].name;
}

static double config_number(const odeon_view_run *run, const char *key)
{
    const char *text = view_config(run, key);
    return text != NULL ? (double)strtoll(text, NULL, 10) : 0;
}

double view_epoch_steps(const odeon_view_run *run)
{
    double samples = view_manifest_number(run, "data.samples");
    double batch = config_number(run, "data.batch");
    const char *drop = view_config(run, "data.drop_last");
    if (!(batch > 0) || !(samples > 0)) {
        return (double)NAN;
    }
    return drop != NULL && strcmp(drop, "yes") == 0 ? floor(samples / batch)
                                                    : ceil(samples / batch);
}

double view_planned_steps(const odeon_view_run *run)
{
    double steps = config_number(run, "run.iterations");
    return steps > 0 ? steps : config_number(run, "run.epochs") * view_epoch_steps(run);
}

/* ---- groups ---- */

bool view_is_incidental(const char *key)
{
    static const char *const keys[] = {
        "run.out",       "run.name",      "run.checkpoint_every",  "run.patience",
        "run.log_every", "run.observers", "run.checkpoint_seconds"};
    bool found = false;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        found |= strcmp(key, keys[i]) == 0;
    }
    return found;
}

static bool covers(const odeon_view_run *a, const odeon_view_run *b)
{
    for (int64_t i = 0; i < a->n_config; i++) {
        const char *key = a->config[i].key, *other = view_config(b, key);
        bool counts = strcmp(key, "run.seed") != 0 && !view_is_incidental(key);
        if (counts && (other == NULL || strcmp(other, a->config[i].value) != 0)) {
            return false;
        }
    }
    return true;
}

static bool is_alike(const odeon_view_run *a, const odeon_view_run *b)
{
    return covers(a, b) && covers(b, a);
}

/* Have all groups another value of this key? */
static bool tells_apart(size_t n, const view_group *g, const char *key)
{
    for (size_t i = 0; i < n; i++) {
        const char *a = view_config(g[i].run[0], key);
        for (size_t k = 0; k < i; k++) {
            const char *b = view_config(g[k].run[0], key);
            if (a == NULL || b == NULL || strcmp(a, b) == 0) {
                return false;
            }
        }
    }
    return true;
}

/* "tsit5", "rtol 1e-3": a number alone says nothing. */
static const char *say_value(view_memory *m, const char *key, const char *value)
{
    char *end;
    (void)strtod(value, &end);
    bool number = *end == '\0', truth = strcmp(value, "yes") == 0 || strcmp(value, "no") == 0;
    return number || truth ? view_print(m, "%s %s", strrchr(key, '.') + 1, value) : value;
}

/* Has a group another value of this key than the first? Of one that a group lacks nothing is said.
 */
static bool differs(size_t n, const view_group *g, const char *key)
{
    const char *first = view_config(g[0].run[0], key);
    bool found = false;
    for (size_t i = 1; i < n; i++) {
        const char *value = view_config(g[i].run[0], key);
        if (value == NULL || first == NULL) {
            return false;
        }
        found |= strcmp(value, first) != 0;
    }
    return found && !view_is_incidental(key) && strcmp(key, "run.seed") != 0;
}

static bool are_distinct(size_t n, const view_group *g)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (g[i].name == NULL || g[k].name == NULL || strcmp(g[i].name, g[k].name) == 0) {
                return false;
            }
        }
    }
    return true;
}

/* "rk4, channels 3": by all keys that differ, if those are few and tell the groups apart. */
static bool name_by_keys(view_memory *m, size_t n, view_group *g)
{
    enum { MOST = 4 };
    int keys = 0;
    const odeon_view_run *first = g[0].run[0];
    for (size_t i = 0; i < n; i++) {
        g[i].name = "";
    }
    for (int64_t c = 0; c < first->n_config; c++) {
        const char *key = first->config[c].key;
        if (!differs(n, g, key) || ++keys > MOST) {
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            const char *value = say_value(m, key, view_config(g[i].run[0], key));
            g[i].name = view_print(m, "%s%s%s", g[i].name != NULL ? g[i].name : "",
                                   keys > 1 ? ", " : "", value != NULL ? value : "");
        }
    }
    return keys > 0 && keys <= MOST && are_distinct(n, g);
}

/* By run.name, if that does; else by the first key that does, by several, or by the folder. */
static void name_groups(view_memory *m, size_t n, view_group *g)
{
    const char *key = n > 0 && tells_apart(n, g, "run.name") ? "run.name" : NULL;
    for (int64_t i = 0; n > 1 && key == NULL && i < g[0].run[0]->n_config; i++) {
        const char *candidate = g[0].run[0]->config[i].key;
        bool usable = !view_is_incidental(candidate) && tells_apart(n, g, candidate);
        key = usable ? candidate : NULL;
    }
    if (n > 1 && key == NULL && name_by_keys(m, n, g)) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const odeon_view_run *run = g[i].run[0];
        const char *value = key != NULL ? view_config(run, key) : NULL;
        g[i].name = n > 1 && key == NULL           ? run->folder
                    : value == NULL || n == 1      ? run->name
                    : strcmp(key, "run.name") == 0 ? value
                                                   : say_value(m, key, value);
    }
}

view_group *view_groups(view_memory *m, int64_t n_runs, const odeon_view_run *const *run, size_t *n)
{
    size_t all = (size_t)n_runs;
    view_group *g = view_alloc(m, all, sizeof *g);
    const odeon_view_run **sorted = view_alloc(m, all * all, sizeof(odeon_view_run *));
    *n = 0;
    if (sorted == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < all; i++) {
        size_t k = 0;
        while (k < *n && !is_alike(g[k].run[0], run[i])) {
            k++;
        }
        if (k == *n) {
            g[(*n)++] = (view_group){.run = sorted + k * all};
        }
        sorted[k * all + g[k].n++] = run[i];
    }
    name_groups(m, *n, g);
    return m->failed ? NULL : g;
}

/* ---- bands ---- */

static void set_row(view_band *b, size_t i, size_t n, double *const *value, bool geometric)
{
    double sum = 0;
    b->lo[i] = HUGE_VAL;
    b->hi[i] = -HUGE_VAL;
    for (size_t k = 0; k < n; k++) {
        double v = value[k][i];
        sum += geometric ? log(v) : v;
        b->lo[i] = fmin(b->lo[i], v);
        b->hi[i] = fmax(b->hi[i], v);
    }
    b->mean[i] = geometric ? exp(sum / (double)n) : sum / (double)n;
}

view_band view_band_of(view_memory *m, const view_group *g, const char *split, const char *column,
                       bool geometric)
{
    view_band b = {.n = 0};
    double **value = view_alloc(m, g->n, sizeof(double *));
    size_t runs = 0, n = SIZE_MAX;
    for (size_t k = 0; k < g->n && value != NULL; k++) {
        view_series s = view_series_of(m, g->run[k], split, column);
        if (s.n > 0) {
            n = s.n < n ? s.n : n;
            b.step = runs == 0 ? s.step : b.step;
            value[runs++] = view_smooth(m, s.n, s.value, view_window(s.n));
        }
    }
    if (runs == 0 || m->failed) {
        return b;
    }
    b.mean = view_alloc(m, n, sizeof(double));
    b.lo = view_alloc(m, n, sizeof(double));
    b.hi = view_alloc(m, n, sizeof(double));
    for (size_t i = 0; i < n && b.hi != NULL; i++) {
        set_row(&b, i, runs, value, geometric);
    }
    b.n = m->failed ? 0 : n;
    return b;
}
