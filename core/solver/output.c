/* Outputs: what a solve leaves at the times asked for. */
#include <float.h>
#include <math.h>

#include "solver/solver.h"

double solver_direction(const solver *s)
{
    return s->times[s->n_times - 1] < s->times[0] ? -1.0 : 1.0;
}

bool solver_reaches(const solver *s, double t, int32_t i)
{
    return s->times[0] < s->times[s->n_times - 1] ? t >= s->times[i] : t <= s->times[i];
}

double solver_next_stop(const solver *s, double t, double end)
{
    double direction = solver_direction(s);
    for (int32_t i = 0; i < s->spec->n_stops; i++) {
        double stop = s->spec->stops[i];
        double slack = 100.0 * DBL_EPSILON * fabs(stop); /* as of steps that reach their end */
        bool ahead = direction * (stop - t) > slack && direction * (end - stop) > slack;
        end = ahead ? stop : end;
    }
    return end;
}

static odeon_status read_dense(const solver *s, double h, double x, const odeon_tensor *y)
{
    int32_t places[ODEON_MAX_STAGES];
    double weights[ODEON_MAX_STAGES];
    odeon_tensor base = solver_vector(s, s->at[PLACE_Y0]), slopes[ODEON_MAX_STAGES];
    const odeon_tensor *pointers[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
    int32_t n = stepper_dense(s->stepper, x, places, weights);
    for (int32_t i = 0; i < n; i++) {
        slopes[i] = solver_vector(s, s->at[places[i]]);
        pointers[i] = &slopes[i];
        coefficients[i] = odeon_imm(h * weights[i]);
    }
    return s->lane->device->ops->lincomb(s->lane->queue, y, &base, n, pointers, coefficients, NULL);
}

odeon_status solver_read_outputs(solver *s, double t, double h, double t_end)
{
    while (s->next < s->n_times && solver_reaches(s, t_end, s->next)) {
        int32_t i = s->next++;
        bool own_end = s->times[i] == t_end;
        s->read_at[i] = own_end ? 1.0 : fmin((s->times[i] - t) / h, 1.0 - DBL_EPSILON);
        if (!own_end) {
            ODEON_TRY(read_dense(s, h, s->read_at[i], &s->y[i]));
            continue;
        }
        odeon_tensor end = solver_vector(s, s->at[PLACE_Y1]);
        ODEON_TRY(s->lane->device->ops->copy(s->lane->queue, &end, &s->y[i]));
    }
    return ODEON_OK;
}
