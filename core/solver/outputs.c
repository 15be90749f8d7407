#include "solver/outputs.h"

#include <float.h>
#include <math.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"

/* The list only grows: a batch with fewer times keeps the memory for the next. */
odeon_status outputs_reserve(solver *s, int32_t n_times)
{
    if (n_times <= s->outputs.capacity) {
        return ODEON_OK;
    }
    double *read_at = mem_resize(s->outputs.read_at, (size_t)n_times, sizeof *read_at);
    if (read_at == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the solver", s->path);
    }
    s->outputs.read_at = read_at;
    s->outputs.capacity = n_times;
    return ODEON_OK;
}

double solve_end(const solver *s)
{
    return s->task.times[s->task.n_times - 1];
}

double solve_direction(const solver *s)
{
    return solve_end(s) < s->task.times[0] ? -1.0 : 1.0;
}

/* Compared exactly: steps end at an output to the bit, not nearly. */
bool outputs_reached(const solver *s, double t, int32_t i)
{
    const double *times = s->task.times;
    return times[0] < solve_end(s) ? t >= times[i] : t <= times[i];
}

/* A stop within rounding of t or of end is that time: no sliver of a step is made for it. */
double next_stop(const solver *s, double t, double end)
{
    double direction = solve_direction(s);
    for (int32_t i = 0; i < s->spec->n_stops; i++) {
        double stop = s->spec->stops[i];
        double slack = 100.0 * DBL_EPSILON * fabs(stop); /* as of steps that reach their end */
        bool ahead = direction * (stop - t) > slack && direction * (end - stop) > slack;
        end = ahead ? stop : end;
    }
    return end;
}

/* Which registers does not depend on where in the step is read: x = 1 stands for any, and h = 1. */
int32_t dense_registers(const solver *s, int32_t *registers)
{
    double weights[ODEON_MAX_STAGES];
    registers[0] = REG_Y0;
    return 1 + stepper_dense(s->stepper, 1.0, 1.0, registers + 1, weights);
}

/* Y0 counts once by itself, and more if it is a stage as well. */
double dense_weight(const solver *s, double h, double x, int32_t reg)
{
    int32_t registers[ODEON_MAX_STAGES];
    double weights[ODEON_MAX_STAGES], weight = reg == REG_Y0 ? 1.0 : 0.0;
    int32_t n = stepper_dense(s->stepper, h, x, registers, weights);
    for (int32_t i = 0; i < n; i++) {
        weight += registers[i] == reg ? h * weights[i] : 0.0;
    }
    return weight;
}

odeon_status dense_read(const solver *s, double h, double x, const bound_vector *kept,
                        const odeon_tensor *y)
{
    int32_t registers[ODEON_MAX_STAGES];
    double weights[ODEON_MAX_STAGES];
    const bound_vector *value = s->step.value;
    odeon_tensor base = vector_tensor(s, kept != NULL ? kept[0] : value[REG_Y0]);
    odeon_tensor slopes[ODEON_MAX_STAGES];
    const odeon_view *pointers[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
    int32_t n = stepper_dense(s->stepper, h, x, registers, weights);
    for (int32_t i = 0; i < n; i++) {
        slopes[i] = vector_tensor(s, kept != NULL ? kept[1 + i] : value[registers[i]]);
        pointers[i] = &slopes[i].view;
        coefficients[i] = odeon_imm(h * weights[i]);
    }
    return ODEON_DO(s->lane->device, solver, lincomb, s->lane->queue, .y = y, .base = &base.view,
                    .n = n, .x = pointers, .coefficient = coefficients);
}

double output_place(const solver *s, int32_t i, double t, double h, double t_end)
{
    double time = s->task.times[i];
    return time == t_end ? 1.0 : fmin((time - t) / h, 1.0 - DBL_EPSILON);
}

/* Rounding must not make an output within the step pass for its end, whose value is Y1 to the bit
 * and whose cotangent goes there: x stays below 1. Several outputs may lie within one step, and one
 * that none of them has reached waits for a later step. */
odeon_status outputs_read(solver *s, double t, double h, double t_end)
{
    while (s->outputs.next < s->task.n_times && outputs_reached(s, t_end, s->outputs.next)) {
        int32_t i = s->outputs.next++;
        bool own_end = s->task.times[i] == t_end;
        double x = output_place(s, i, t, h, t_end);
        s->outputs.read_at[i] = x;
        bool read = i >= s->slices.first_read && i - s->slices.first_read < s->slices.n_reads;
        if (!own_end) {
            ODEON_TRY(read ? ODEON_OK : dense_read(s, h, x, NULL, &s->task.y[i]));
            continue;
        }
        odeon_tensor end = vector_tensor(s, s->step.value[REG_Y1]);
        ODEON_TRY(ODEON_DO(s->lane->device, move, copy, s->lane->queue, .x = &end.view,
                           .y = &s->task.y[i]));
    }
    return ODEON_OK;
}
