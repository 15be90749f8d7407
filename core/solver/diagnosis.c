/* Vectors are downloaded and looked at number by number, in double and one sample after the other.
 * That is slow and waits for the device, but it happens once, when a solve has already failed.
 * Every worker looks at its own slice and makes no collective; failure.c puts the findings
 * together. */
#include "solver/diagnosis.h"

#include <math.h>

#include "base/mem.h"
#include "odeon/device_solver.h"
#include "solver/step.h"

/* Widened to double, so that everything below has one kind of number. One element more is
 * allocated, so that a slice without samples is no failed allocation. */
double *vector_download(solver *s, bound_vector x)
{
    size_t n = (size_t)s->task.field->abi.n;
    bool is_wide = s->task.field->abi.dtype == ODEON_DTYPE_F64;
    size_t width = (size_t)odeon_dtype_bytes(s->task.field->abi.dtype);
    void *raw = mem_zalloc(n + 1, width);
    double *wide = is_wide ? raw : mem_zalloc(n + 1, sizeof *wide);
    bool ok = raw != NULL && wide != NULL && x.data != NULL &&
              s->lane->device->ops->download(s->lane->queue, raw, x.data, n * width) == ODEON_OK;
    for (size_t i = 0; i < n && ok && !is_wide; i++) {
        wide[i] = (double)((const float *)raw)[i];
    }
    if (!is_wide) {
        mem_free(raw);
    }
    if (!ok) {
        mem_free(wide);
    }
    return ok ? wide : NULL;
}

/* The larger error of two, where NaN is larger than all; of equal ones the first. */
static void consider(solve_worst *worst, const char *part, int64_t sample, double error)
{
    if (worst->part == NULL || (!isnan(worst->error) && !(error <= worst->error))) {
        *worst = (solve_worst){.part = part, .sample = sample, .error = error};
    }
}

/* A part that has a value of its own for every sample; sums over samples, such as parameters'
 * gradients, belong to none. */
static bool has_samples(const solver *s, const odeon_part *part)
{
    int32_t summed = ODEON_PART_QUADRATURE | ODEON_PART_NO_NORM | ODEON_PART_SHARED;
    return s->task.field->samples > 0 && (part->flags & summed) == 0 &&
           part->n % s->task.field->samples == 0;
}

typedef double (*judge_values)(const solver *s, const double *const *x, int64_t first, int64_t n);

/* The worst sample by what judge says of its values: 0 is nothing to tell, NaN is worse than any
 * number. */
static void find_worst(solver *s, judge_values judge, const double *const *x)
{
    const odeon_field *f = &s->task.field->abi;
    for (int32_t i = 0; i < f->n_parts; i++) {
        const odeon_part *part = &f->parts[i];
        if (!has_samples(s, part)) {
            continue;
        }
        int64_t size = part->n / s->task.field->samples;
        for (int64_t k = 0; k < s->task.field->samples; k++) {
            double error = judge(s, x, part->offset + k * size, size);
            if (!(error <= 0.0)) {
                consider(&s->diagnosis.worst, part->name, k, error);
            }
        }
    }
}

/* x: y0, y1, the error estimate. As error_sum of device_solver.h, over one sample: the root mean
 * square, or the largest, of error / (atol + rtol max(|y0|, |y1|)). Tolerances by component are
 * those of y and go by the position within the sample. */
static double scaled_error(const solver *s, const double *const *x, int64_t first, int64_t n)
{
    const odeon_control *c = &s->control;
    const odeon_ode_spec *spec = s->spec;
    double sum = 0.0, largest = 0.0;
    for (int64_t i = first; i < first + n; i++) {
        int64_t component = c->n_each > 0 ? i - first : 0;
        double rtol = spec->rtol[spec->n_rtol > 1 ? component : 0];
        double atol = spec->atol[spec->n_atol > 1 ? component : 0];
        double scale = atol + rtol * fmax(fabs(x[0][i]), fabs(x[1][i]));
        double share = fabs(x[2][i]) / scale;
        if (!isfinite(share) || !isfinite(x[0][i]) || !isfinite(x[1][i])) {
            return (double)NAN;
        }
        sum += share * share;
        largest = fmax(largest, share);
    }
    return c->norm == ODEON_NORM_MAX ? largest : sqrt(sum / (double)n);
}

/* NAN if one of the values is not finite, else 0. */
static double not_finite(const solver *s, const double *const *x, int64_t first, int64_t n)
{
    (void)s;
    for (int64_t i = first; i < first + n; i++) {
        if (!isfinite(x[0][i])) {
            return (double)NAN;
        }
    }
    return 0.0;
}

/* True where all of a vector is finite, or cannot be read: what is not known is not blamed. */
static bool find_value(solver *s, bound_vector x)
{
    double *values = vector_download(s, x);
    const double *list[1] = {values};
    bool finite = values == NULL || isfinite(not_finite(s, list, 0, s->task.field->abi.n));
    if (values != NULL) {
        find_worst(s, not_finite, list);
    }
    mem_free(values);
    return finite;
}

void diagnose_value(solver *s, bound_vector x)
{
    (void)find_value(s, x);
}

void diagnose_void(solver *s)
{
    diagnose_value(s, s->step.value[REG_Y0]);
    if (s->diagnosis.worst.part == NULL && s->stepper->implicit && s->newton.failed >= 0) {
        consider(&s->diagnosis.worst, s->task.field->abi.parts[0].name, s->newton.failed,
                 WORST_UNSOLVED);
    }
}

/* In size; 0 of a vector that could not be read. */
static double largest(const solver *s, const double *x)
{
    double size = 0.0;
    for (int64_t i = 0; i < s->task.field->abi.n && x != NULL; i++) {
        size = fmax(size, fabs(x[i]));
    }
    return size;
}

/* x: y0, y1, errors, all finite: is the value of the largest scaled error so near to 0 that atol
 * alone scales it? Then a larger rtol would not help. */
static bool is_scaled_by_atol(const solver *s, const double *const *x)
{
    const odeon_ode_spec *spec = s->spec;
    double worst = -1.0;
    bool by_atol = false;
    for (int64_t i = 0; i < s->task.field->abi.n; i++) {
        double relative = spec->rtol[spec->n_rtol > 1 ? i % spec->n_rtol : 0] *
                          fmax(fabs(x[0][i]), fabs(x[1][i]));
        double atol = spec->atol[spec->n_atol > 1 ? i % spec->n_atol : 0];
        double error = fabs(x[2][i]) / (atol + relative);
        if (error > worst) {
            worst = error;
            by_atol = relative <= atol;
        }
    }
    return by_atol;
}

/* Did all workers' values make a step that f1 could be evaluated after? The two slots hold the
 * norms of y and of f at the start, over all workers. */
static bool is_probed(const solver *s)
{
    double norms[2];
    return s->lane->device->ops->slots_read(s->lane->queue, s->slots, ODEON_SLOT_START, 2, norms) ==
               ODEON_OK &&
           isfinite(norms[0]) && isfinite(norms[1]);
}

/* In the order in which a solve meets them: a state that is not finite explains a slope that is
 * not, and both explain a probe. If all of this worker's values are finite, the slope that is
 * largest against the tolerances is the likeliest to have made the first step too small. */
void diagnose_start(solver *s, bound_vector y0, bound_vector f0, bound_vector f1)
{
    s->diagnosis.cause.kind = CAUSE_TOLERANCE;
    if (!find_value(s, y0)) {
        s->diagnosis.cause.kind = CAUSE_STATE;
    } else if (!find_value(s, f0)) {
        s->diagnosis.cause.kind = CAUSE_FIELD;
    } else if (is_probed(s) && !find_value(s, f1)) {
        s->diagnosis.cause.kind = CAUSE_PROBE;
    }
    if (s->diagnosis.worst.part != NULL || s->diagnosis.cause.kind != CAUSE_TOLERANCE) {
        return;
    }
    double *y = vector_download(s, y0), *slope = vector_download(s, f0);
    s->diagnosis.cause.size = s->diagnosis.cause.start_size = largest(s, y);
    const double *list[3] = {y, y, slope};
    if (y != NULL && slope != NULL) {
        s->diagnosis.cause.by_atol = is_scaled_by_atol(s, list);
        find_worst(s, scaled_error, list);
    }
    mem_free(y);
    mem_free(slope);
}

/* Is the error of all workers, against the tolerances, too large to be squared and added? Each
 * value may be finite all the same. */
static bool is_beyond_numbers(const solver *s)
{
    double error = 0.0;
    return s->lane->device->ops->slots_read(s->lane->queue, s->slots, ODEON_SLOT_ERROR, 1,
                                            &error) == ODEON_OK &&
           !isfinite(error);
}

/* x: y0, y1, the error estimate of a step. A state that is not finite at a later step was made by
 * the field, since accepted steps had finite errors. */
static solve_cause cause_of(const solver *s, const double *const *x, const double *start)
{
    int64_t n = s->task.field->abi.n;
    solve_cause out = {
        .kind = CAUSE_NONE, .size = largest(s, x[0]), .start_size = largest(s, start)};
    if (isnan(not_finite(s, &x[0], 0, n))) {
        out.kind = s->step.index == 0 ? CAUSE_STATE : CAUSE_FIELD;
    } else if (isnan(not_finite(s, &x[1], 0, n)) || isnan(not_finite(s, &x[2], 0, n))) {
        out.kind = CAUSE_FIELD;
    } else if (is_beyond_numbers(s)) {
        out.kind = CAUSE_TOLERANCE;
        out.by_atol = is_scaled_by_atol(s, x);
    }
    return out;
}

/* The estimate has to be formed for this, which a step never does: it takes a vector, and without a
 * free one there is no diagnosis. h is the step's own, since the slot may hold the next one's. */
void diagnose_step(solver *s, const program *p, double h)
{
    bound_vector error = workspace_take(&s->memory);
    if (error.data == NULL || step_error_vector(s, p, h, error) != ODEON_OK) {
        workspace_release(&s->memory, &error);
        return;
    }
    double *y0 = vector_download(s, s->step.value[REG_Y0]),
           *y1 = vector_download(s, s->step.value[REG_Y1]);
    double *estimate = vector_download(s, error);
    double *start = vector_download(s, (bound_vector){.data = odeon_write(&s->task.y[0])});
    const double *list[3] = {y0, y1, estimate};
    if (y0 != NULL && y1 != NULL && estimate != NULL) {
        find_worst(s, scaled_error, list);
        s->diagnosis.cause = cause_of(s, list, start);
    }
    mem_free(start);
    mem_free(y0);
    mem_free(y1);
    mem_free(estimate);
    workspace_release(&s->memory, &error);
}
