/* After a solve has failed: which part of the state and which sample it was. Vectors come to the
 * host for that. */
#include <math.h>

#include "diag.h"
#include "mem.h"
#include "solver.h"

void solver_forget(solver *s)
{
    s->n_attempts = 0;
    s->failed = false;
    s->worst = (solve_worst){0};
}

/* A vector as double; NULL if that is not possible. The caller frees it with mem_free. */
static double *download(solver *s, held x)
{
    size_t n = (size_t)s->field->abi.n;
    bool is_wide = s->field->abi.dtype == ODEON_DTYPE_F64;
    size_t width = (size_t)odeon_dtype_bytes(s->field->abi.dtype);
    void *raw = mem_zalloc(n + 1, width);
    double *wide = is_wide ? raw : mem_zalloc(n + 1, sizeof *wide);
    bool ok = raw != NULL && wide != NULL && x.data != NULL &&
              s->site->device->ops->download(s->site->queue, raw, x.data, n * width) == ODEON_OK;
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

/* A part that has a value of its own for every sample. */
static bool has_samples(const solver *s, const odeon_part *part)
{
    int32_t summed = ODEON_PART_QUADRATURE | ODEON_PART_NO_NORM | ODEON_PART_SHARED;
    return s->field->samples > 0 && (part->flags & summed) == 0 && part->n % s->field->samples == 0;
}

typedef double (*judge_values)(const solver *s, const double *const *x, int64_t first, int64_t n);

/* Looks for the worst sample by what judge says of its values. */
static void look(solver *s, judge_values judge, const double *const *x)
{
    const odeon_field *f = &s->field->abi;
    for (int32_t i = 0; i < f->n_parts; i++) {
        const odeon_part *part = &f->parts[i];
        if (!has_samples(s, part)) {
            continue;
        }
        int64_t size = part->n / s->field->samples;
        for (int64_t k = 0; k < s->field->samples; k++) {
            double error = judge(s, x, part->offset + k * size, size);
            if (!(error <= 0.0)) {
                consider(&s->worst, part->name, k, error);
            }
        }
    }
}

/* x: y0, y1, the error estimate. As error_sum of device.h, over one sample. */
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

void solver_blame_value(solver *s, held x)
{
    double *values = download(s, x);
    const double *list[1] = {values};
    if (values != NULL) {
        look(s, not_finite, list);
    }
    mem_free(values);
}

/* Did all workers' values make a step that f1 could be evaluated after? */
static bool is_probed(const solver *s)
{
    double norms[2];
    return s->site->device->ops->slots_read(s->site->queue, s->slots, ODEON_SLOT_START, 2, norms) ==
               ODEON_OK &&
           isfinite(norms[0]) && isfinite(norms[1]);
}

void solver_blame_start(solver *s, held y0, held f0, held f1)
{
    solver_blame_value(s, y0);
    solver_blame_value(s, f0);
    if (is_probed(s)) {
        solver_blame_value(s, f1);
    }
    if (s->worst.part != NULL) {
        return;
    }
    double *y = download(s, y0), *slope = download(s, f0);
    const double *list[3] = {y, y, slope};
    if (y != NULL && slope != NULL) {
        look(s, scaled_error, list);
    }
    mem_free(y);
    mem_free(slope);
}

void solver_blame_error(solver *s, const program *p, double h)
{
    held error = solver_take(s);
    if (error.data == NULL || solver_error_vector(s, p, h, error) != ODEON_OK) {
        solver_let_go(s, &error);
        return;
    }
    double *y0 = download(s, s->at[PLACE_Y0]), *y1 = download(s, s->at[PLACE_Y1]);
    double *estimate = download(s, error);
    const double *list[3] = {y0, y1, estimate};
    if (y0 != NULL && y1 != NULL && estimate != NULL) {
        look(s, scaled_error, list);
    }
    mem_free(y0);
    mem_free(y1);
    mem_free(estimate);
    solver_let_go(s, &error);
}
