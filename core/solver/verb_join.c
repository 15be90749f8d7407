#include "solver/verb_join.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_move.h"

static const char *method_name(const solver *s)
{
    return s->stepper->instance->component->id;
}

/* ---- which fields ---- */

odeon_status join_fit(const solver *s, const host_field *field)
{
    int64_t samples = field->samples, features = samples > 0 ? field->abi.n / samples : 0;
    if (field->abi.n_parts != 1 || samples <= 0 || field->moves_state) {
        return diag_fail(
            ODEON_ERR_UNSUPPORTED,
            "%s: integrator %s treats parts of the state apart: that goes neither by a "
            "continuous adjoint nor with layers that change with every evaluation",
            s->path, method_name(s));
    }
    if (features % s->stepper->n_parts != 0) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: integrator %s divides the state of a sample into %d parts of one "
                         "length (%s, ...), but it has %lld features",
                         s->path, method_name(s), (int)s->stepper->n_parts,
                         s->stepper->info.parts[0], (long long)features);
    }
    return ODEON_OK;
}

/* ---- columns ---- */

/* Part i of x, in place in y. */
static odeon_status copy_part(const solver *s, int32_t i, bound_vector x, bound_vector y)
{
    const host_field *field = s->task.field;
    int64_t features = field->abi.n / field->samples, length = features / s->stepper->n_parts;
    odeon_tensor from = vector_tensor(s, x), to = vector_tensor(s, y);
    return ODEON_DO(s->lane->device, move, copy2d, s->lane->queue, .x = &from.view, .y = &to,
                    .rows = field->samples, .cols = length, .x_pitch = features, .x_at = i * length,
                    .y_pitch = features, .y_at = i * length);
}

static odeon_status fill(const solver *s, bound_vector x, double value)
{
    odeon_tensor out = vector_tensor(s, x);
    return ODEON_DO(s->lane->device, move, fill, s->lane->queue, .y = &out,
                    .value = odeon_imm(value));
}

odeon_status join_parts(solver *s, const program *p, const verb *w)
{
    bound_vector *value = s->step.value;
    ODEON_TRY(workspace_bind(&s->memory, &value[w->out]));
    for (int32_t i = 0; i < w->n; i++) {
        ODEON_TRY(copy_part(s, i, value[p->terms[w->first + i].x], value[w->out]));
    }
    return ODEON_OK;
}

/* ---- reverse ---- */

/* cotangent[reg] += part i of whole. */
static odeon_status add_part(solver *s, int32_t i, bound_vector whole, int32_t reg)
{
    bound_vector part = {0};
    ODEON_TRY(workspace_bind(&s->memory, &part));
    odeon_status status = fill(s, part, 0.0);
    status = status == ODEON_OK ? copy_part(s, i, whole, part) : status;
    status = status == ODEON_OK ? vector_hand_over(s, &s->step.cotangent[reg], &part) : status;
    workspace_release(&s->memory, &part);
    return status;
}

odeon_status join_reverse(solver *s, const program *p, const verb *w)
{
    bound_vector *whole = &s->step.cotangent[w->out];
    odeon_status status = ODEON_OK;
    for (int32_t i = 0; i < w->n && whole->data != NULL && status == ODEON_OK; i++) {
        const program_term *term = &p->terms[w->first + i];
        status = term->alpha != 0.0 ? add_part(s, i, *whole, term->x) : ODEON_OK;
    }
    workspace_release(&s->memory, whole);
    return status;
}

/* ---- is the field separable? ---- */

/* The join that made the state that w evaluates at. */
static const verb *maker(const program *p, const verb *w)
{
    const verb *made = p->verbs;
    while (made->out != w->in) {
        made++;
    }
    return made;
}

/* f at the state with another filling: any number that no state is likely to hold throughout. */
static odeon_status evaluate_otherwise(solver *s, const program *p, const verb *w, bound_vector y,
                                       bound_vector dy)
{
    const verb *made = maker(p, w);
    ODEON_TRY(fill(s, y, 0.6180339887498949));
    for (int32_t i = 0; i < made->n; i++) {
        const program_term *term = &p->terms[made->first + i];
        ODEON_TRY(term->alpha != 0.0 ? copy_part(s, i, s->step.value[w->in], y) : ODEON_OK);
    }
    odeon_tensor t = stage_time_tensor(s, w->eval), in = vector_tensor(s, y);
    odeon_tensor out = vector_tensor(s, dy);
    s->log.evals++;
    ODEON_TRY(field_eval(&s->task.field->abi, &t.view, &in.view, &out, NULL));
    ODEON_TRY(fill(s, y, 0.0)); /* y and dy are compared as wholes, of which one part counts */
    ODEON_TRY(copy_part(s, w->part - 1, dy, y));
    ODEON_TRY(fill(s, dy, 0.0));
    return copy_part(s, w->part - 1, s->step.value[w->out], dy);
}

static odeon_status compare(solver *s, const verb *w, bound_vector x, bound_vector y)
{
    const odeon_device_ops *ops = s->lane->device->ops;
    size_t bytes = (size_t)(s->task.field->abi.n * odeon_dtype_bytes(s->task.field->abi.dtype));
    char *both = mem_zalloc(2, bytes);
    if (both == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the solver", s->path);
    }
    odeon_status status = ops->download(s->lane->queue, both, x.data, bytes);
    status =
        status == ODEON_OK ? ops->download(s->lane->queue, both + bytes, y.data, bytes) : status;
    bool same = memcmp(both, both + bytes, bytes) == 0;
    mem_free(both);
    if (status != ODEON_OK || same) {
        return status;
    }
    return diag_fail(
        ODEON_ERR_CONFIG,
        "%s: integrator %s evaluates the slope of %s without the whole state, but here "
        "it depends on all of it: the field must be separable, as q' = v(p), p' = F(q)",
        s->path, method_name(s), s->stepper->info.parts[w->part - 1]);
}

odeon_status join_check(solver *s, const program *p, const verb *w)
{
    bound_vector x = {0}, y = {0};
    odeon_status status = workspace_bind(&s->memory, &x);
    status = status == ODEON_OK ? workspace_bind(&s->memory, &y) : status;
    status = status == ODEON_OK ? evaluate_otherwise(s, p, w, x, y) : status;
    status = status == ODEON_OK ? compare(s, w, x, y) : status;
    workspace_release(&s->memory, &x);
    workspace_release(&s->memory, &y);
    return status;
}
