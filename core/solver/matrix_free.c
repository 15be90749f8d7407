#include "solver/matrix_free.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "odeon/layer.h"
#include "solver/host_side.h"

static double norm(int64_t n, const double *x)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sum += x[i] * x[i];
    }
    return sqrt(sum);
}

/* How far along v, of one sample; 0 where v is 0. */
static double reach(const solver *s, const double *y, const double *v)
{
    double size = norm(s->newton.n, v), at = norm(s->newton.n, y);
    return size > 0.0 ? sqrt(newton_rounding(&s->newton)) * (at > 0.0 ? at : 1.0) / size : 0.0;
}

/* v becomes J v, J that of the start of the step. */
static odeon_status multiply(solver *s, bound_vector in, bound_vector out)
{
    krylov *k = &s->krylov;
    odeon_tensor t = host_start_time(s);
    for (int64_t b = 0; b < k->samples; b++) {
        const double *at = k->at + b * k->n, *v = k->v + b * k->n;
        double *moved = k->moved + b * k->n;
        k->reach[b] = reach(s, at, v);
        for (int64_t i = 0; i < k->n; i++) {
            moved[i] = at[i] + k->reach[b] * v[i];
        }
    }
    ODEON_TRY(host_put(s, k->moved, in));
    ODEON_TRY(host_evaluate(s, &t, in, out, NULL));
    ODEON_TRY(host_fetch(s, out, k->moved));
    for (int64_t b = 0; b < k->samples; b++) {
        const double *moved = k->moved + b * k->n, *value = k->value + b * k->n;
        double *v = k->v + b * k->n, step = k->reach[b];
        for (int64_t i = 0; i < k->n; i++) {
            v[i] = step > 0.0 ? (moved[i] - value[i]) / step : 0.0;
        }
    }
    return ODEON_OK;
}

/* slope becomes (I - gh J)^-1 slope, in newton's weights. What differences cannot tell stays: an
 * answer that is nine tenths of the way or more is one that Newton's iteration goes on from, and
 * judges. */
static odeon_status solve(solver *s, bound_vector in, bound_vector out)
{
    newton *x = &s->newton;
    double relative = x->is_tight ? 1e-2 : x->is_wide ? 1e-9 : 1e-3;
    double absolute = (x->is_tight ? 0.5 * newton_rounding(&s->newton) : 1e-4) * sqrt((double)x->n);
    krylov_begin(&s->krylov, x->slope, x->weight, relative, absolute);
    while (krylov_direction(&s->krylov)) {
        ODEON_TRY(multiply(s, in, out));
        krylov_advance(&s->krylov, x->factors_gh);
    }
    int64_t failed = krylov_finish(&s->krylov, 0.1);
    if (failed >= 0) {
        x->failed = failed;
        return diag_fail(ODEON_VOID_STEP, "GMRES does not converge");
    }
    memcpy(x->slope, s->krylov.x, (size_t)host_length(s) * sizeof *x->slope);
    return ODEON_OK;
}

odeon_status matrix_free_begin_step(solver *s, bound_vector out)
{
    odeon_tensor t = host_start_time(s);
    memcpy(s->krylov.at, s->newton.base, (size_t)host_length(s) * sizeof *s->krylov.at);
    ODEON_TRY(host_evaluate(s, &t, s->step.value[REG_Y0], out, NULL));
    return host_fetch(s, out, s->krylov.value);
}

void matrix_free_guess(solver *s)
{
    newton *x = &s->newton;
    for (int64_t b = 0; b < x->samples; b++) {
        const double *y0 = s->krylov.at + b * x->n, *base = x->base + b * x->n;
        double *z = x->z + b * x->n, far = 0.0;
        for (int64_t i = 0; i < x->n; i++) {
            double way = base[i] + z[i] - y0[i];
            far += way * way;
        }
        bool near = sqrt(far) <= norm(x->n, y0);
        for (int64_t i = 0; i < x->n && !near; i++) {
            z[i] = y0[i] - base[i];
        }
    }
}

odeon_status matrix_free_correct(solver *s, bound_vector in, bound_vector out)
{
    newton_residual(&s->newton);
    return solve(s, in, out);
}

odeon_status matrix_free_filter(solver *s, bound_vector x)
{
    bound_vector in = {0}, out = {0};
    odeon_status status = workspace_bind(&s->memory, &in);
    if (status == ODEON_OK) {
        status = workspace_bind(&s->memory, &out);
    }
    if (status == ODEON_OK) {
        status = host_fetch(s, x, s->newton.slope);
    }
    if (status == ODEON_OK) {
        status = solve(s, in, out);
    }
    if (status == ODEON_OK) {
        status = host_put(s, s->newton.slope, x);
    }
    workspace_release(&s->memory, &in);
    workspace_release(&s->memory, &out);
    return status;
}

odeon_status matrix_free_transposed(solver *s, const odeon_tensor *t, double gh, odeon_frame *frame,
                                    const bound_vector pair[2])
{
    krylov *k = &s->krylov;
    krylov_begin(k, s->newton.base, NULL, s->newton.is_wide ? 1e-12 : 1e-6, 0.0);
    while (krylov_direction(k)) {
        ODEON_TRY(host_put(s, k->v, pair[0]));
        ODEON_TRY(host_vjp(s, t, frame, ODEON_CALL_NO_PARAM_GRAD, pair[0], pair[1]));
        ODEON_TRY(host_fetch(s, pair[1], k->v));
        krylov_advance(k, gh);
    }
    if (krylov_finish(k, s->newton.is_wide ? 1e-9 : 1e-4) >= 0) {
        return diag_fail(ODEON_ERR_NUMERIC,
                         "%s: a stage has no gradient: GMRES does not converge; smaller steps may "
                         "help",
                         s->path);
    }
    memcpy(s->newton.base, k->x, (size_t)host_length(s) * sizeof *k->x);
    return ODEON_OK;
}
