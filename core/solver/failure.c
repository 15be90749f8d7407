#include "solver/failure.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_solver.h"
#include "solver/diagnosis.h"
#include "solver/outputs.h"

/* What a layer has said becomes the reason in parentheses. The counts are those of the solve, so
 * that a message tells how far it came. */
odeon_status solve_fail(const solver *s, double t, double h, double error, const char *what,
                        const char *remedy)
{
    char size[32] = "", judged[40] = "";
    diag_reason taken = diag_take();
    const char *reason = taken.text;
    if (!isnan(h)) {
        (void)snprintf(size, sizeof size, ", h = %.3g", h);
    }
    if (!isnan(error)) {
        (void)snprintf(judged, sizeof judged, ", scaled error %.3g", error);
    }
    return diag_fail(ODEON_ERR_NUMERIC,
                     "%s: %s at t = %.9g%s%s, after %lld evaluations, %lld accepted and %lld "
                     "rejected steps%s%s%s; %s",
                     s->path, what, t, size, judged, (long long)s->log.evals,
                     (long long)s->log.stats.accepted, (long long)s->log.stats.rejected,
                     reason[0] == '\0' ? "" : " (", reason, reason[0] == '\0' ? "" : ")", remedy);
}

/* The largest of every number over the workers; where that fails they stay as they are. Slots of
 * the error sums carry them: the step that these belonged to is over. At most 8. */
static void agree(const solver *s, int32_t n, double *numbers)
{
    const odeon_device_ops *ops = s->lane->device->ops;
    const odeon_group *group = &s->lane->group->abi;
    if (group->size == 1) {
        return;
    }
    odeon_status mine =
        ODEON_DO(s->lane->device, solver, slots_write, s->lane->queue, .slots = s->slots,
                 .first = ODEON_SLOT_ERROR_SUM, .n = n, .values = numbers);
    odeon_status status = group->reduce_slots(group->self, s->lane->queue, s->slots,
                                              ODEON_SLOT_ERROR_SUM, n, 1, mine);
    double all[8];
    if (status == ODEON_OK &&
        ops->slots_read(s->lane->queue, s->slots, ODEON_SLOT_ERROR_SUM, n, all) == ODEON_OK) {
        memcpy(numbers, all, (size_t)n * sizeof *numbers);
    }
}

/* ---- no step is small enough ---- */

/* Steps that may pass the end of the span come ever nearer to one that they cannot pass: the field
 * may not exist behind the end. */
static bool is_just_before_end(const solver *s, double t)
{
    double span = fabs(solve_end(s) - s->task.times[0]);
    return s->stepper->dense && s->spec->end == ODEON_END_INTERPOLATE &&
           fabs(solve_end(s) - t) <= 1e-6 * span;
}

/* Of a list of tolerances. */
static double smallest(int32_t n, const double *x)
{
    double least = x[0];
    for (int32_t i = 1; i < n; i++) {
        least = fmin(least, x[i]);
    }
    return least;
}

/* Says so where rtol asks for more digits than the state has: four units in the last place is what
 * a step's own rounding comes to. */
static bool is_below_rounding(const solver *s, char *remedy, size_t bytes)
{
    bool wide = s->task.field->abi.dtype == ODEON_DTYPE_F64;
    double rtol = smallest(s->spec->n_rtol, s->spec->rtol);
    (void)snprintf(remedy, bytes,
                   "rtol = %g is below the rounding of %s: a larger rtol or atol will help", rtol,
                   wide ? "float64" : "float32");
    return rtol < 4.0 * (wide ? DBL_EPSILON : (double)FLT_EPSILON);
}

/* All is finite, and yet no step is small enough. The remedies are tried from the surest to the
 * vaguest: a tolerance below rounding, an atol that alone counts at a zero, a field too steep for
 * the tolerances, a solution that grows without bound, one that is not smooth. `first` is whether
 * not one step has been tried: then the first step's size can be given by hand. */
static odeon_status fail_finite(const solver *s, double t, double h, double error)
{
    const solve_cause *c = &s->diagnosis.cause;
    double rtol = smallest(s->spec->n_rtol, s->spec->rtol);
    double atol = smallest(s->spec->n_atol, s->spec->atol);
    bool first = s->log.stats.accepted + s->log.stats.rejected == 0;
    char remedy[256];
    if (is_below_rounding(s, remedy, sizeof remedy)) {
        return solve_fail(s, t, h, error, "step size underflow", remedy);
    }
    if (c->kind == CAUSE_TOLERANCE && c->by_atol != 0 && atol < 1e-9 * rtol * c->size) {
        (void)snprintf(remedy, sizeof remedy,
                       "atol = %g is too small for a value that %s 0: a larger atol%s will help",
                       atol, first ? "starts at" : "passes", first ? ", or first_step," : "");
    } else if (c->kind == CAUSE_TOLERANCE) {
        (void)snprintf(
            remedy, sizeof remedy,
            "the field is too steep here for rtol = %g, atol = %g: larger ones%s may help", rtol,
            atol, first ? ", or first_step," : "");
    } else if (c->size > 1e3 * (1.0 + c->start_size)) {
        (void)snprintf(remedy, sizeof remedy,
                       "the state has grown from %.3g to %.3g: the solution may not exist beyond "
                       "here",
                       c->start_size, c->size);
    } else {
        (void)snprintf(remedy, sizeof remedy,
                       "the solution is not smooth here, for these tolerances: a larger rtol or "
                       "atol, or another integrator, may help");
    }
    return solve_fail(s, t, h, error, "step size underflow", remedy);
}

/* Each worker sees its own slice; the gravest cause of all is what all report. Causes are numbered
 * by gravity, so the largest number is the one. */
odeon_status fail_underflow(solver *s, double t, double h, double error)
{
    solve_cause *c = &s->diagnosis.cause;
    double numbers[4] = {c->kind, c->by_atol, c->size, c->start_size};
    agree(s, 4, numbers);
    c->kind = (int32_t)numbers[0];
    c->by_atol = (int32_t)numbers[1];
    c->size = numbers[2];
    c->start_size = numbers[3];
    switch (c->kind) {
    case CAUSE_STATE:
        return solve_fail(s, t, (double)NAN, (double)NAN, "the state at the start is not finite",
                          "what comes before the block makes it so: look at its layers and their "
                          "weights");
    case CAUSE_FIELD:
        if (is_just_before_end(s, t)) {
            return solve_fail(s, t, h, (double)NAN,
                              "step size underflow: the field is not finite behind the end of the "
                              "span, which steps pass with end = interpolate",
                              "end = clip lets them end there");
        }
        return solve_fail(s, t, h, (double)NAN, "step size underflow: the field is not finite",
                          "look for what is not defined there, or overflows");
    case CAUSE_PROBE:
        return solve_fail(s, t, (double)NAN, (double)NAN,
                          "the first step cannot be chosen: the field is not finite near the start",
                          "first_step gives its size");
    default:
        return fail_finite(s, t, h, error);
    }
}

/* ---- too many steps ---- */

enum { ITERATIONS = 12 }; /* of the power method */

/* In plain double and in order: n is one slice. */
static double dot(int64_t n, const double *a, const double *b)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* f(t, y + scale v) into out, all as double. moved has room for a vector of the field's dtype.
 * Vectors of the workspace serve for it; without two free ones there is no answer. */
static bool field_at(solver *s, const double *y, const double *v, double scale, void *moved,
                     double *out)
{
    const odeon_device_ops *ops = s->lane->device->ops;
    const odeon_field *f = &s->task.field->abi;
    bool wide = f->dtype == ODEON_DTYPE_F64, good = false;
    for (int64_t i = 0; i < f->n; i++) {
        double value = y[i] + scale * v[i];
        if (wide) {
            ((double *)moved)[i] = value;
        } else {
            ((float *)moved)[i] = (float)value;
        }
    }
    bound_vector in = workspace_take(&s->memory), k = workspace_take(&s->memory);
    uint64_t bytes = (uint64_t)(f->n * odeon_dtype_bytes(f->dtype));
    if (in.data != NULL && k.data != NULL &&
        ops->upload(s->lane->queue, in.data, moved, bytes) == ODEON_OK) {
        odeon_tensor t = stage_time_tensor(s, 0), x = vector_tensor(s, in),
                     dx = vector_tensor(s, k);
        good = field_eval(f, &t.view, &x.view, &dx, NULL) == ODEON_OK &&
               ops->download(s->lane->queue, moved, k.data, bytes) == ODEON_OK;
    }
    for (int64_t i = 0; i < f->n && good; i++) {
        out[i] = wide ? ((double *)moved)[i] : (double)((float *)moved)[i];
    }
    workspace_release(&s->memory, &in);
    workspace_release(&s->memory, &k);
    return good;
}

/* What is only integrated along has no part in what decays. */
static void clear_passive(const solver *s, double *v)
{
    const odeon_field *f = &s->task.field->abi;
    for (int32_t p = 0; p < f->n_parts; p++) {
        const odeon_part *part = &f->parts[p];
        if ((part->flags & (ODEON_PART_QUADRATURE | ODEON_PART_NO_NORM)) != 0) {
            memset(v + part->offset, 0, (size_t)part->n * sizeof *v);
        }
    }
}

/* The eigenvalue of the field's Jacobian that is largest in size, as far as a few differences along
 * the power method tell: its share along the last direction (Rayleigh quotient), and its size.
 * Differences are of the size that balances rounding against curvature, sqrt(epsilon) relative to
 * y. */
static bool find_eigenvalue(solver *s, double *y, double *v, double *f0, double *f1, void *moved,
                            double *real, double *size)
{
    int64_t n = s->task.field->abi.n;
    bool wide = s->task.field->abi.dtype == ODEON_DTYPE_F64;
    double epsilon = sqrt(wide ? DBL_EPSILON : (double)FLT_EPSILON);
    for (int64_t i = 0; i < n; i++) { /* a direction that is orthogonal to nothing in particular */
        v[i] = 1.0 + 0.5 * sin(1.0 + 7.0 * (double)i);
    }
    clear_passive(s, v);
    double step = epsilon * fmax(sqrt(dot(n, y, y)), 1e-6);
    for (int i = 0; i < ITERATIONS; i++) {
        double length = sqrt(dot(n, v, v));
        if (!(length > 0.0) || !isfinite(length) || !field_at(s, y, v, 0.0, moved, f0) ||
            !field_at(s, y, v, step / length, moved, f1)) {
            return false;
        }
        for (int64_t k = 0; k < n; k++) {
            f1[k] = (f1[k] - f0[k]) * length / step;
        }
        clear_passive(s, f1);
        *real = dot(n, v, f1) / (length * length);
        *size = sqrt(dot(n, f1, f1)) / length;
        memcpy(v, f1, (size_t)n * sizeof *v);
    }
    return isfinite(*real) && isfinite(*size);
}

/* h times a real eigenvalue that makes solutions decay, where it outweighs all others; -1 where
 * that is not so. The next step's T is in its slot. An oscillation has a size but no share along v,
 * and is not called stiff. A failure of the field in here leaves no message behind. */
static double find_decay(solver *s, double h)
{
    int64_t n = s->task.field->abi.n, evals = *s->task.field->evals;
    double real = 0.0, size = 0.0, none = 0.0;
    double *y = vector_download(s, s->step.value[REG_Y0]);
    double *work = mem_zalloc((size_t)(4 * n) + 1, sizeof *work);
    bool found = y != NULL && work != NULL &&
                 ODEON_DO(s->lane->device, solver, stage_times, s->lane->queue, .n = 1, .c = &none,
                          .slots = s->slots) == ODEON_OK &&
                 find_eigenvalue(s, y, work, work + n, work + 2 * n, work + 3 * n, &real, &size);
    mem_free(y);
    mem_free(work);
    *s->task.field->evals = evals; /* the solve has made none of them */
    diag_clear();
    return found && h * real < 0.0 && fabs(real) >= 0.5 * size ? fabs(h * real) : -1.0;
}

/* The decay is estimated only where many more steps are needed and nearly all are accepted, which
 * is what a stiff problem looks like, and where the field can be evaluated without the other
 * workers. Stability keeps |h lambda| of these methods below some 3: from 1 on it is what limits
 * the step. */
odeon_status fail_max_steps(solver *s, double t, double h, double error)
{
    char remedy[320];
    double steps_left = fabs((solve_end(s) - t) / h), decay = -1.0;
    bool many = !s->stepper->implicit && steps_left >= 100.0 &&
                s->log.stats.accepted > s->log.stats.rejected;
    if (many && s->task.field->is_alone) {
        decay = find_decay(s, h);
        agree(s, 1, &decay);
    }
    if (!(decay >= 1.0)) {
        return solve_fail(s, t, h, error, "max_steps reached",
                          is_below_rounding(s, remedy, sizeof remedy)
                              ? remedy
                              : "raise max_steps, or rtol and atol");
    }
    (void)snprintf(remedy, sizeof remedy,
                   "|h lambda| is %.2g, so that stability and not accuracy keeps the steps small, "
                   "and some %.2g more are needed: give an implicit integrator, "
                   "raise max_steps, shorten the span, or take the fast decay out of the equations",
                   decay, steps_left);
    return solve_fail(s, t, h, error, "max_steps reached: the problem is stiff", remedy);
}
