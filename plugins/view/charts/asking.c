#include "asking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool asking_begin(asking *a, drawing *d)
{
    *a = (asking){.drawing = d, .block = view_block(&d->memory, d->request->run[0], 0)};
    a->ask = (odeon_view_ask){.struct_size = sizeof a->ask, .split = ODEON_SPLIT_TEST};
    return a->block != NULL;
}

static const char *setting(const asking *a, const char *key)
{
    const char *name = view_print(&a->drawing->memory, "model.%s.%s", a->block, key);
    return name != NULL ? view_config(a->drawing->request->run[0], name) : NULL;
}

void asking_set(asking *a, const char *key, const char *value)
{
    a->override[a->ask.n_overrides] =
        view_print(&a->drawing->memory, "model.%s.%s=%s", a->block, key, value);
    a->ask.n_overrides++;
}

void asking_drop(asking *a, const char *key)
{
    if (setting(a, key) != NULL) {
        a->without[a->ask.n_without] =
            view_print(&a->drawing->memory, "model.%s.%s", a->block, key);
        a->ask.n_without++;
    }
}

void asking_times(asking *a, double from, double to, int n)
{
    const char *times = view_print(&a->drawing->memory, "linspace(%.17g %.17g %d)", from, to, n);
    asking_drop(a, "span");
    asking_set(a, "times", times != NULL ? times : "");
}

void asking_path(asking *a, double from, double to, int n)
{
    const char *text = setting(a, "steps");
    long steps = text != NULL ? strtol(text, NULL, 10) : 0;
    bool equal = steps > 0 && steps < n;
    asking_times(a, from, to, equal ? (int)steps + 1 : n);
    if (equal) {
        asking_set(a, "steps", "1");
    }
}

/* What steps of an error's size need is of no use to one that is given. */
void asking_field(asking *a, double t)
{
    static const char *const adaptive[] = {
        "rtol",  "atol", "control",    "max_steps", "pid",       "h_max",           "h_min",
        "stops", "end",  "first_step", "norm",      "step_size", "tolerance_factor"};
    for (size_t i = 0; i < sizeof adaptive / sizeof *adaptive; i++) {
        asking_drop(a, adaptive[i]);
    }
    asking_times(a, t, t + 1, 2);
    asking_set(a, "integrator", "euler");
    asking_set(a, "steps", "1");
}

/* An asking may be a copy, so that its lists are found anew. */
static const odeon_view_ask *complete(asking *a)
{
    a->ask.override = a->override;
    a->ask.without = a->without;
    return &a->ask;
}

odeon_status asking_solve(asking *a, odeon_view_answer *out)
{
    const odeon_view_services *s = a->drawing->request->services;
    return a->drawing->memory.failed ? ODEON_ERR_NOMEM : s->solve(s->self, complete(a), out);
}

/* Samples with steps of their own are solved together here: there is one list of times. */
odeon_status asking_evaluations(asking *a, odeon_view_answer *out)
{
    const odeon_view_services *s = a->drawing->request->services;
    *out = (odeon_view_answer){.struct_size = sizeof *out};
    if (!ODEON_HAS(s, odeon_view_services, evaluations)) {
        return ODEON_OK;
    }
    asking_drop(a, "step");
    return a->drawing->memory.failed ? ODEON_ERR_NOMEM : s->evaluations(s->self, complete(a), out);
}

enum { SPREAD_OVER = 1000, SMALL = 4096 };

static double *choose(view_memory *m, const double *from, size_t n, size_t size, size_t all)
{
    double *to = from != NULL ? view_alloc(m, n * size, sizeof *to) : NULL;
    for (size_t i = 0; i < n && to != NULL; i++) {
        memcpy(to + i * size, from + i * all / n * size, size * sizeof *to);
    }
    return to;
}

/* Keeps `most` of the answer's samples. */
static void thin(asking *a, int64_t most, odeon_view_answer *x)
{
    view_memory *m = &a->drawing->memory;
    size_t n = (size_t)most, all = (size_t)x->n, times = (size_t)x->n_times;
    if (x->n <= most) {
        return;
    }
    x->time = choose(m, x->time, n, times, all);
    x->value = choose(m, x->value, n, times * (size_t)x->size, all);
    x->label = choose(m, x->label, n, (size_t)x->label_size, all);
    x->row = NULL;
    x->n = most;
}

odeon_status asking_solve_spread(asking *a, int64_t most, odeon_view_answer *out)
{
    a->ask.n = most;
    ODEON_TRY(asking_solve(a, out));
    if (out->n == most && out->size * out->n_times <= SMALL) {
        a->ask.n = SPREAD_OVER;
        ODEON_TRY(asking_solve(a, out));
        thin(a, most, out);
    }
    return a->drawing->memory.failed ? ODEON_ERR_NOMEM : ODEON_OK;
}

odeon_status asking_evaluations_spread(asking *a, const asking *solved, int64_t most,
                                       odeon_view_answer *out)
{
    a->ask.n = solved->ask.n;
    ODEON_TRY(asking_evaluations(a, out));
    thin(a, most, out);
    return a->drawing->memory.failed ? ODEON_ERR_NOMEM : ODEON_OK;
}

bool asking_span(const asking *a, double *from, double *to)
{
    const char *span = setting(a, "span");
    return span != NULL && sscanf(span, "%lf %lf", from, to) == 2;
}

bool asking_starts_first(const asking *a)
{
    const char *initial = setting(a, "initial");
    return initial != NULL && strcmp(initial, "first") == 0;
}
