#include "bench_field.h"

#include "diag.h"
#include "mem.h"
#include "ode.h"
#include "rng.h"
#include "worker.h"

typedef struct job {
    const bench_field *b;
    worker *w;
    const odeon_field *field;
    odeon_tensor t, y, dy, y_bar;
    room rooms[3];
} job;

static odeon_status evaluate(void *context)
{
    const job *j = context;
    const odeon_field *f = j->field;
    return j->b->with_vjp ? f->vjp(f->self, &j->t, &j->y, NULL, &j->dy, &j->y_bar, NULL)
                          : f->eval(f->self, &j->t, &j->y, &j->dy, NULL);
}

/* A vector of the state's size with numbers in [0,1), on the device. */
static odeon_status fill(job *j, int32_t index, odeon_tensor *out)
{
    const odeon_device *device = &j->w->session->device;
    int64_t n = j->field->n, bytes = n * odeon_dtype_bytes(j->field->dtype);
    float *values = mem_alloc((size_t)bytes);
    if (values == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "bench: no memory");
    }
    for (int64_t i = 0; i < n; i++) {
        values[i] = (float)rng_uniform(rng_key(2, "bench", 0, 0), (uint64_t)(index * n + i));
    }
    odeon_status status = room_fit(device, &j->rooms[index], bytes + 64);
    if (status == ODEON_OK) {
        status =
            device->ops->upload(j->w->site.queue, j->rooms[index].data, values, (uint64_t)bytes);
    }
    mem_free(values);
    *out = (odeon_tensor){
        .data = j->rooms[index].data, .dim = {n}, .ndim = 1, .dtype = j->field->dtype};
    return status;
}

static odeon_status measure(job *j, bench_time *out)
{
    bench_call call = {
        .run = evaluate, .context = j, .device = &j->w->session->device, .queue = j->w->site.queue};
    ODEON_TRY(fill(j, 0, &j->y));
    ODEON_TRY(fill(j, 1, &j->dy));
    ODEON_TRY(fill(j, 2, &j->y_bar));
    return bench_measure_recorded(&call, j->b->seconds, j->b->least, out);
}

odeon_status bench_field_measure(const bench_field *b, bench_time *out)
{
    worker *w = &b->session->workers[0];
    const odeon_device *device = &b->session->device;
    const odeon_ode *ode = w->site.odes[0];
    job j = {.b = b, .w = w, .field = &ode->field.host.abi};
    j.t = (odeon_tensor){.data = ode->forward->slots + ODEON_SLOT_STAGE_T,
                         .dim = {1},
                         .ndim = 1,
                         .dtype = ODEON_DTYPE_F64};
    odeon_status status = measure(&j, out);
    for (int32_t i = 0; i < 3; i++) {
        room_release(device, &j.rooms[i]);
    }
    return status;
}
