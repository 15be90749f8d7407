#include "asking.h"

#include <stdio.h>
#include <string.h>

bool asking_begin(asking *a, drawing *d)
{
    *a = (asking){.drawing = d, .block = view_block(&d->memory, d->request->run[0], 0)};
    a->ask = (odeon_view_ask){.struct_size = sizeof a->ask,
                              .split = ODEON_SPLIT_TEST,
                              .override = a->override,
                              .without = a->without};
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

/* What steps of an error's size need is of no use to one that is given. */
void asking_field(asking *a, double t)
{
    static const char *const adaptive[] = {"rtol", "atol",       "control", "max_steps",
                                           "pid",  "h_max",      "h_min",   "stops",
                                           "end",  "first_step", "norm",    "step_size"};
    for (size_t i = 0; i < sizeof adaptive / sizeof *adaptive; i++) {
        asking_drop(a, adaptive[i]);
    }
    asking_times(a, t, t + 1, 2);
    asking_set(a, "integrator", "euler");
    asking_set(a, "steps", "1");
}

odeon_status asking_solve(asking *a, odeon_view_answer *out)
{
    const odeon_view_services *s = a->drawing->request->services;
    return a->drawing->memory.failed ? ODEON_ERR_NOMEM : s->solve(s->self, &a->ask, out);
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
