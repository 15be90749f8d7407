#include "small_ode.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void rotation(double t, const double *y, double *dy)
{
    (void)t;
    double square = y[0] * y[0] + y[1] * y[1];
    dy[0] = -y[1] * square;
    dy[1] = y[0] * square;
}

static void rotation_exact(double t, double *y)
{
    y[0] = cos(t);
    y[1] = sin(t);
}

static void growth(double t, const double *y, double *dy)
{
    dy[0] = t * y[0];
}

static void growth_exact(double t, double *y)
{
    y[0] = exp(0.5 * t * t);
}

static void cubic(double t, const double *y, double *dy)
{
    (void)y;
    dy[0] = t * t * t;
}

static void cubic_exact(double t, double *y)
{
    y[0] = 0.25 * t * t * t * t;
}

static void vanderpol(double t, const double *y, double *dy)
{
    (void)t;
    dy[0] = y[1];
    dy[1] = (1.0 - y[0] * y[0]) * y[1] - y[0];
}

static void driven(double t, const double *y, double *dy)
{
    dy[0] = cos(3.0 * t) - y[0];
    dy[1] = sin(t) * y[0];
}

const small_ode small_ode_rotation = {"rotation", 2, 0.0, 2.0, rotation, rotation_exact};
const small_ode small_ode_growth = {"growth", 1, 0.0, 2.0, growth, growth_exact};
const small_ode small_ode_cubic = {"cubic", 1, 0.0, 2.0, cubic, cubic_exact};
const small_ode small_ode_vanderpol = {"vanderpol", 2, 0.0, 1.0, vanderpol, NULL};
const small_ode small_ode_driven = {"driven", 2, 0.0, 1.0, driven, NULL};

void small_ode_tableau_step(const small_ode *ode, const odeon_tableau *tableau, double t, double h,
                            const double *y, double *y1, double *error, double *k)
{
    double own[32 * SMALL_ODE_N], stage[SMALL_ODE_N];
    int32_t s = tableau->stages;
    k = k != NULL ? k : own;
    for (int32_t i = 0; i < s; i++) {
        for (int32_t d = 0; d < ode->n; d++) {
            stage[d] = y[d];
            for (int32_t j = 0; j < i; j++) {
                stage[d] += h * tableau->a[i * s + j] * k[j * SMALL_ODE_N + d];
            }
        }
        ode->f(t + tableau->c[i] * h, stage, &k[i * SMALL_ODE_N]);
    }
    for (int32_t d = 0; d < ode->n; d++) {
        double sum = 0.0, difference = 0.0;
        for (int32_t i = 0; i < s; i++) {
            sum += tableau->b[i] * k[i * SMALL_ODE_N + d];
            difference += tableau->b_hat == NULL
                              ? 0.0
                              : (tableau->b[i] - tableau->b_hat[i]) * k[i * SMALL_ODE_N + d];
        }
        y1[d] = y[d] + h * sum;
        if (error != NULL) {
            error[d] = h * difference;
        }
    }
}

void small_ode_tableau_solve(const small_ode *ode, const odeon_tableau *tableau, int64_t steps,
                             double *y1)
{
    double y[SMALL_ODE_N], h = (ode->t1 - ode->t0) / (double)steps;
    ode->exact(ode->t0, y);
    for (int64_t i = 0; i < steps; i++) {
        small_ode_tableau_step(ode, tableau, ode->t0 + (double)i * h, h, y, y1, NULL, NULL);
        memcpy(y, y1, sizeof y);
    }
}

enum { HANDLES = ODEON_WORK + ODEON_MAX_WORK };

typedef struct trial { /* a step under way */
    const small_ode *ode;
    const odeon_stepper_info *info;
    small_ode_record *record;
    double t, h;
    double value[HANDLES][SMALL_ODE_N];
    int32_t written[HANDLES];
} trial;

static void complain(trial *s, const char *what, int32_t handle)
{
    if (s->record->complaint[0] == '\0') {
        (void)snprintf(s->record->complaint, sizeof s->record->complaint, "register %d %s",
                       (int)handle, what);
    }
}

static int32_t is_input(const trial *s, int32_t handle)
{
    return handle == ODEON_Y0 ||
           (handle >= ODEON_CARRY_IN && handle < ODEON_CARRY_IN + s->info->n_carry);
}

static int32_t is_output(const trial *s, int32_t handle)
{
    return handle == ODEON_Y1 || (handle == ODEON_ERROR && s->info->embedded_order > 0) ||
           (handle >= ODEON_CARRY_OUT && handle < ODEON_CARRY_OUT + s->info->n_carry) ||
           (handle >= ODEON_WORK && handle < ODEON_WORK + s->info->n_work);
}

static const double *read_handle(trial *s, int32_t handle)
{
    if (!is_input(s, handle) && !is_output(s, handle)) {
        complain(s, "is read but not declared", handle);
        return s->value[ODEON_Y0];
    }
    if (!is_input(s, handle) && !s->written[handle]) {
        complain(s, "is read before it is written", handle);
    }
    return s->value[handle];
}

static double *write_handle(trial *s, int32_t handle)
{
    static const int32_t dump = ODEON_CARRY_IN + ODEON_MAX_CARRY - 1;
    if (!is_output(s, handle)) {
        complain(s, "is written but may not be", handle);
        return s->value[dump];
    }
    if (s->written[handle]++) {
        complain(s, "is written twice", handle);
    }
    return s->value[handle];
}

static void eval(trial *s, const odeon_verb *v)
{
    double dy[SMALL_ODE_N];
    s->record->last_evals++;
    s->ode->f(s->t + v->c * s->h, read_handle(s, v->x), dy);
    memcpy(write_handle(s, v->out), dy, (size_t)s->ode->n * sizeof *dy);
}

static void combine(trial *s, const odeon_verb *v)
{
    double sum[SMALL_ODE_N] = {0.0};
    for (int32_t i = 0; i < v->n; i++) {
        const double *x = read_handle(s, v->addend[i].x);
        double factor = v->addend[i].factor * (v->addend[i].scalar == ODEON_H ? s->h : 1.0);
        for (int32_t d = 0; d < s->ode->n; d++) {
            sum[d] += factor * x[d];
        }
    }
    memcpy(write_handle(s, v->out), sum, (size_t)s->ode->n * sizeof *sum);
}

/* Of the two verbs that need nothing else. */
static odeon_status carry_out(void *self, const odeon_verb *v)
{
    switch (v->verb) {
    case ODEON_VERB_EVAL:
        eval(self, v);
        return ODEON_OK;
    case ODEON_VERB_COMBINE:
        combine(self, v);
        return ODEON_OK;
    default:
        return ODEON_ERR_UNSUPPORTED;
    }
}

static odeon_status one_step(trial *s, const odeon_stepper_ops *ops, void *self, int64_t index)
{
    memset(s->written, 0, sizeof s->written);
    s->record->last_evals = 0;
    odeon_step verbs = {.struct_size = sizeof verbs, .index = index, .self = s, .verb = carry_out};
    ODEON_TRY(ops->step(self, &verbs));
    s->record->evals += s->record->last_evals;
    for (int32_t handle = 0; handle < ODEON_WORK; handle++) {
        if (is_output(s, handle) && !s->written[handle]) {
            complain(s, "must be written and is not", handle);
        }
    }
    memcpy(s->value[ODEON_Y0], s->value[ODEON_Y1], sizeof s->value[0]);
    memcpy(s->value[ODEON_CARRY_IN], s->value[ODEON_CARRY_OUT],
           (size_t)s->info->n_carry * sizeof s->value[0]);
    return ODEON_OK;
}

odeon_status small_ode_stepper_solve(const small_ode *ode, const odeon_stepper_ops *ops, void *self,
                                     int64_t steps, double *y1, small_ode_record *record)
{
    odeon_stepper_info info = {.struct_size = sizeof info};
    ODEON_TRY(ops->describe(self, &info));
    *record = (small_ode_record){.evals = 0};
    trial s = {.ode = ode, .info = &info, .record = record};
    s.h = (ode->t1 - ode->t0) / (double)steps;
    ode->exact(ode->t0, s.value[ODEON_Y0]);
    for (int64_t i = 0; i < steps; i++) {
        s.t = ode->t0 + (double)i * s.h;
        ODEON_TRY(one_step(&s, ops, self, i));
    }
    memcpy(y1, s.value[ODEON_Y0], (size_t)ode->n * sizeof *y1);
    return ODEON_OK;
}

static double end_error(const small_ode *ode, small_ode_solver solve, void *method, int64_t steps)
{
    double y[SMALL_ODE_N], exact[SMALL_ODE_N];
    if (solve(ode, method, steps, y) != ODEON_OK) {
        return (double)NAN;
    }
    ode->exact(ode->t1, exact);
    return ode->n == 1 ? fabs(y[0] - exact[0]) : hypot(y[0] - exact[0], y[1] - exact[1]);
}

double small_ode_order(const small_ode *ode, small_ode_solver solve, void *method, int64_t coarse)
{
    return log2(end_error(ode, solve, method, coarse) / end_error(ode, solve, method, 2 * coarse));
}
