#include "plugin/figures.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

enum { MAX_NAME = 64 };

/* sum and n of the values so far; of MAX and MIN sum is the greatest or least of them. */
typedef struct figure {
    char name[MAX_NAME];
    int32_t rule;
    bool fraction; /* something that is no count was added */
    int64_t whole, n;
    double sum;
} figure;

/* Those of one instance, in the list of all. */
typedef struct figure_list {
    figures *all;
    const instance *owner;
    struct figure_list *next;
    size_t n;
    figure *list;
} figure_list;

/* values has room for all that are declared, so that reading cannot fail. */
struct figures {
    figure_list *first, **end;
    size_t n, room;
    figure_value *values;
    int (*is_cancelled)(void); /* NULL: nobody wants to stop */
};

odeon_status figures_create(figures **out)
{
    figures *x = *out = mem_zalloc(1, sizeof *x);
    if (x == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "no memory for figures");
    }
    x->end = &x->first;
    return ODEON_OK;
}

void figures_destroy(figures *x)
{
    if (x != NULL) {
        mem_free(x->values);
        mem_free(x);
    }
}

/* ---- what an instance declares ---- */

static odeon_status no_memory(const instance *x)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for a figure", x->path);
}

/* Columns are typed in spreadsheets and scripts, so their names are plain. */
static bool is_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t n = strlen(name);
    return n > 0 && n < MAX_NAME && strspn(name, allowed) == n;
}

static odeon_status check(const instance *x, const char *name, int32_t rule)
{
    if (!x->in_init || x->config == NULL || x->config->figures == NULL) {
        return diag_fail(ODEON_ERR_PLUGIN, "%s: figure '%.80s' is declared outside of init",
                         x->path, name);
    }
    if (!is_name(name) || rule < ODEON_FIGURE_SUM || rule > ODEON_FIGURE_MIN) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "%s: figure '%.80s' with rule %d cannot be: letters, digits and "
                         "underscores, and a rule of ODEON_FIGURE_*",
                         x->path, name, (int)rule);
    }
    for (size_t i = 0; x->figures != NULL && i < x->figures->n; i++) {
        if (strcmp(x->figures->list[i].name, name) == 0) {
            return diag_fail(ODEON_ERR_PLUGIN, "%s: figure '%s' is declared twice", x->path, name);
        }
    }
    return ODEON_OK;
}

/* The instance's list, made and linked at its first figure. */
static figure_list *own_list(instance *x)
{
    if (x->figures == NULL) {
        figure_list *own = mem_zalloc(1, sizeof *own);
        if (own == NULL) {
            return NULL;
        }
        own->all = x->config->figures;
        own->owner = x;
        *own->all->end = own;
        own->all->end = &own->next;
        x->figures = own;
    }
    return x->figures;
}

/* Nothing of it changes once init has returned: columns are fixed by the first row. */
static odeon_status declare(const odeon_host *host, const char *name, int32_t rule, int32_t *out)
{
    instance *x = host->self;
    ODEON_TRY(check(x, name, rule));
    figure_list *own = own_list(x);
    figure *list = own != NULL ? mem_grow(own->list, own->n, sizeof *list) : NULL;
    if (list == NULL) {
        return no_memory(x);
    }
    own->list = list;
    figures *all = own->all;
    figure_value *values = mem_reserve(all->values, &all->room, all->n + 1, 16, sizeof *values);
    if (values == NULL) {
        return no_memory(x);
    }
    all->values = values;
    list[own->n] = (figure){.rule = rule};
    memcpy(list[own->n].name, name, strlen(name) + 1);
    all->n++;
    *out = (int32_t)own->n++;
    return ODEON_OK;
}

void figures_forget(instance *x)
{
    figure_list *own = x->figures;
    if (own == NULL) {
        return;
    }
    figure_list **at = &own->all->first;
    while (*at != own) {
        at = &(*at)->next;
    }
    *at = own->next;
    if (own->next == NULL) {
        own->all->end = at;
    }
    own->all->n -= own->n;
    mem_free(own->list);
    mem_free(own);
    x->figures = NULL;
}

/* ---- its values ---- */

/* A number that is none of its figures is a bug in the plugin and changes nothing. */
static figure *own_figure(const odeon_host *host, int32_t index)
{
    const instance *x = host->self;
    return x->figures != NULL && index >= 0 && (size_t)index < x->figures->n
               ? &x->figures->list[index]
               : NULL;
}

static void count(const odeon_host *host, int32_t index, int64_t n)
{
    figure *f = own_figure(host, index);
    if (f != NULL && f->rule == ODEON_FIGURE_SUM) {
        f->whole += n;
        f->n++;
    }
}

/* How a value, or what was made of several, comes to a figure, of which it may be the first; NaN
 * stays. */
static double combine(int32_t rule, bool first, double before, double value)
{
    if (isnan(before) || isnan(value)) {
        return (double)NAN;
    }
    switch (rule) {
    case ODEON_FIGURE_MAX:
        return first ? value : fmax(before, value);
    case ODEON_FIGURE_MIN:
        return first ? value : fmin(before, value);
    default:
        return before + value;
    }
}

static void metric(const odeon_host *host, int32_t index, double value)
{
    figure *f = own_figure(host, index);
    if (f != NULL) {
        f->sum = combine(f->rule, f->n == 0, f->sum, value);
        f->fraction = true;
        f->n++;
    }
}

void figures_on_cancel(figures *all, int (*is_cancelled)(void))
{
    all->is_cancelled = is_cancelled;
}

static int32_t cancelled(const odeon_host *host)
{
    const instance *x = host->self;
    const figures *all = x->config != NULL ? x->config->figures : NULL;
    return all != NULL && all->is_cancelled != NULL && all->is_cancelled() != 0;
}

const odeon_host_run figures_services = {.struct_size = sizeof(odeon_host_run),
                                         .declare = declare,
                                         .count = count,
                                         .metric = metric,
                                         .cancelled = cancelled};

/* ---- all of them ---- */

void figures_clear(figures *all)
{
    for (figure_list *own = all->first; own != NULL; own = own->next) {
        for (size_t i = 0; i < own->n; i++) {
            figure *f = &own->list[i];
            f->fraction = false;
            f->whole = f->n = 0;
            f->sum = 0.0;
        }
    }
}

static size_t find(const figures *all, size_t n, const char *path, const char *name)
{
    size_t i = 0;
    while (i < n &&
           (strcmp(all->values[i].path, path) != 0 || strcmp(all->values[i].name, name) != 0)) {
        i++;
    }
    return i;
}

/* Adds one instance's figure to those of its path and name. */
static void merge(figure_value *v, const figure *f)
{
    if (f->n > 0) {
        v->value = combine(f->rule, v->n == 0, v->value, f->sum);
    }
    v->whole += f->whole;
    v->is_whole = v->is_whole && !f->fraction && f->rule == ODEON_FIGURE_SUM;
    v->n += f->n;
}

/* What the sums stand for. */
static void finish(figure_value *v)
{
    if (v->rule == ODEON_FIGURE_SUM) {
        v->value += (double)v->whole;
    } else if (v->n == 0) {
        v->value = (double)NAN;
    } else if (v->rule == ODEON_FIGURE_MEAN) {
        v->value /= (double)v->n;
    }
}

const figure_value *figures_read(figures *all, size_t *n)
{
    *n = 0;
    for (const figure_list *own = all->first; own != NULL; own = own->next) {
        for (size_t i = 0; i < own->n; i++) {
            const figure *f = &own->list[i];
            size_t at = find(all, *n, own->owner->path, f->name);
            if (at == *n) {
                all->values[(*n)++] = (figure_value){
                    .path = own->owner->path, .name = f->name, .rule = f->rule, .is_whole = true};
            }
            merge(&all->values[at], f);
        }
    }
    for (size_t i = 0; i < *n; i++) {
        finish(&all->values[i]);
    }
    return all->values;
}
