#include <math.h>

#include "../shape.h"
#include "gru_unit.h"
#include "odeon/dataset.h"

odeon_status gru_plan(const gru_unit *unit, odeon_layer_plan *plan)
{
    if (plan->in.ndim != 3 || plan->in.dim[1] < 1) {
        return odeon_fail(unit->host, ODEON_ERR_CONFIG,
                          "%s: the input is %s; it takes sequences [B,T,D]", unit->id,
                          shape_print(&plan->in).text);
    }
    plan->flags = ODEON_LAYER_NEEDS_IN;
    plan->out = plan->in;
    plan->out.dim[2] = unit->units;
    if (unit->output == GRU_LAST) {
        plan->out.ndim = 2;
        plan->out.dim[1] = unit->units;
        plan->out.dim[2] = 0;
    }
    if (unit->rows == ROWS_OBSERVED && gru_planned_mask(plan) != NULL) {
        plan->needs |= 1u << ODEON_ROLE_MASK;
    }
    if (plan->n_given > ODEON_ROLE_LENGTH && plan->given[ODEON_ROLE_LENGTH].dtype != 0) {
        plan->needs |= 1u << ODEON_ROLE_LENGTH;
    }
    plan->tape_bytes = gru_tape_bytes(unit, &plan->in);
    plan->scratch_bytes = gru_scratch_bytes(unit, &plan->in);
    return ODEON_OK;
}

void gru_param(const gru_unit *unit, const odeon_shape *in, int32_t index, odeon_param *out)
{
    static const char *const names[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    if (index >= N_GRU_PARAMS) {
        return;
    }
    out->role = index < B_IH ? ODEON_PARAM_WEIGHT : ODEON_PARAM_BIAS;
    out->shape = (odeon_shape){.ndim = index < B_IH ? 2 : 1, .dim = {N_GATES * unit->units}};
    if (index < B_IH) {
        out->shape.dim[1] = index == W_IH ? in->dim[2] : unit->units;
    }
    out->name = names[index];
    out->init = ODEON_INIT_UNIFORM;
    out->init_b = 1.0 / sqrt((double)unit->units);
    out->init_a = -out->init_b;
}
