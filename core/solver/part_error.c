#include "solver/part_error.h"

const odeon_control *part_control(const solver *s, int32_t part, odeon_control *own)
{
    int32_t flags = s->task.field->abi.parts[part].flags;
    if (s->control.n_each == 0 || (flags & ODEON_PART_QUADRATURE) == 0) {
        return &s->control;
    }
    *own = s->control;
    own->n_each = 0;
    return own;
}

/* A part that all workers share is counted by rank 0 alone: sums over the workers would count it
 * once for each. A part of no norm is left out, and its slot is not read. */
odeon_status part_error_sum(solver *s, int32_t part, int32_t slot, const odeon_view *y0,
                            const odeon_view *y1, int32_t n, const odeon_view *const *x,
                            const odeon_scalar *coefficients)
{
    int32_t flags = s->task.field->abi.parts[part].flags;
    if ((flags & ODEON_PART_SHARED) != 0 && s->lane->group->abi.rank != 0) {
        double none = 0.0;
        return ODEON_DO(s->lane->device, solver, slots_write, s->lane->queue, .slots = s->slots,
                        .first = slot, .n = 1, .values = &none);
    }
    odeon_control own;
    return (flags & ODEON_PART_NO_NORM) != 0
               ? ODEON_OK
               : ODEON_DO(s->lane->device, solver, error_sum, s->lane->queue,
                          .control = part_control(s, part, &own), .y0 = y0, .y1 = y1, .n = n,
                          .x = x, .coefficient = coefficients, .slots = s->slots, .slot = slot);
}
