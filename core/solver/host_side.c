#include "solver/host_side.h"

#include "odeon/device_solver.h"

int64_t host_length(const solver *s)
{
    return s->newton.samples * s->newton.n;
}

static uint64_t vector_size(const solver *s)
{
    return (uint64_t)(host_length(s) * odeon_dtype_bytes(s->task.field->abi.dtype));
}

odeon_tensor host_start_time(const solver *s)
{
    return odeon_tensor_at(s->slots + ODEON_SLOT_T,
                           (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}});
}

/* As doubles. */
odeon_status host_fetch(solver *s, bound_vector x, double *out)
{
    const odeon_device_ops *ops = s->lane->device->ops;
    if (s->newton.is_wide) {
        return ops->download(s->lane->queue, out, x.data, vector_size(s));
    }
    float *narrow = (float *)(void *)s->newton.staging;
    ODEON_TRY(ops->download(s->lane->queue, narrow, x.data, vector_size(s)));
    for (int64_t i = 0; i < host_length(s); i++) {
        out[i] = (double)narrow[i];
    }
    return ODEON_OK;
}

/* Rounded to the state's precision. */
odeon_status host_put(solver *s, const double *values, bound_vector x)
{
    const odeon_device_ops *ops = s->lane->device->ops;
    if (s->newton.is_wide) {
        return ops->upload(s->lane->queue, x.data, values, vector_size(s));
    }
    float *narrow = (float *)(void *)s->newton.staging;
    for (int64_t i = 0; i < host_length(s); i++) {
        narrow[i] = (float)values[i];
    }
    return ops->upload(s->lane->queue, x.data, narrow, vector_size(s));
}

/* What the equations are of: of a pair the stiff term. */
static int32_t terms_of(const solver *s)
{
    return stepper_splits(s->stepper) ? ODEON_TERMS_STIFF : ODEON_TERMS_ALL;
}

/* y_bar = J^T dy_bar of the evaluation that the frame keeps. */
odeon_status host_vjp(solver *s, const odeon_tensor *t, odeon_frame *frame, uint32_t flags,
                      bound_vector dy_bar, bound_vector y_bar)
{
    const odeon_field *f = &s->task.field->abi;
    odeon_tensor none = vector_tensor(s, (bound_vector){0}), in = vector_tensor(s, dy_bar);
    odeon_tensor out = vector_tensor(s, y_bar);
    return f->vjp(f->self, &(odeon_field_vjp){.struct_size = sizeof(odeon_field_vjp),
                                              .flags = flags,
                                              .t = &t->view,
                                              .y = &none.view,
                                              .dy_bar = &in.view,
                                              .y_bar = &out,
                                              .kept = frame,
                                              .term = field_term(f, terms_of(s))});
}

/* An evaluation that is kept in the frame: only there is its vjp. */
odeon_status host_evaluate(solver *s, const odeon_tensor *t, bound_vector y, bound_vector dy,
                           odeon_frame *keep)
{
    odeon_tensor in = vector_tensor(s, y), out = vector_tensor(s, dy);
    s->log.evals++;
    return field_eval_terms(&s->task.field->abi, terms_of(s), &t->view, &in.view, &out, keep);
}
