#include "bench_field.h"

#include "base/diag.h"
#include "base/mem.h"
#include "base/rng.h"
#include "device/worker_group.h"
#include "ode/ode.h"
#include "odeon/device_solver.h"
#include "session/describe.h"
#include "session/jobs.h"
#include "session/members.h"

/* One worker's part. */
typedef struct job {
    const bench_field *b;
    worker *w;
    const odeon_field *field;
    odeon_view t;
    odeon_tensor y, dy, y_bar;
    device_buffer rooms[3];
} job;

static odeon_status evaluate_part(const job *j)
{
    const odeon_field *f = j->field;
    const odeon_field_vjp vjp = {.struct_size = sizeof vjp,
                                 .t = &j->t,
                                 .y = &j->y.view,
                                 .dy_bar = &j->dy.view,
                                 .y_bar = &j->y_bar};
    return j->b->with_vjp ? f->vjp(f->self, &vjp) : field_eval(f, &j->t, &j->y.view, &j->dy, NULL);
}

/* A vector of the state's size with numbers in [0,1), on the device. */
static odeon_status fill(job *j, int32_t index, odeon_tensor *out)
{
    const odeon_device *device = j->w->model->device;
    int64_t n = j->field->n, bytes = n * odeon_dtype_bytes(j->field->dtype);
    float *values = mem_alloc((size_t)bytes);
    if (values == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "bench: no memory");
    }
    for (int64_t i = 0; i < n; i++) {
        values[i] = (float)rng_uniform(rng_key(2, "bench", 0, 0), (uint64_t)(index * n + i));
    }
    odeon_status status = buffer_fit(device, &j->rooms[index], bytes + 64);
    if (status == ODEON_OK) {
        status = device->ops->upload(j->w->site.lane.queue, j->rooms[index].data, values,
                                     (uint64_t)bytes);
    }
    mem_free(values);
    *out = odeon_tensor_at(j->rooms[index].data,
                           (odeon_shape){.ndim = 1, .dtype = j->field->dtype, .dim = {n}});
    return status;
}

static odeon_status evaluate(void *context)
{
    return evaluate_part(context);
}

static void run_part(void *context, int32_t rank)
{
    const job *j = (const job *)context + rank;
    diag_clear();
    worker_group_resolve(&j->w->group);
    j->w->status = evaluate_part(j);
    if (j->w->status == ODEON_OK && rank > 0) {
        j->w->status = j->w->model->device->ops->wait(j->w->site.lane.queue);
    }
    j->w->status = worker_group_share(&j->w->group, j->w->status);
    (void)snprintf(j->w->message, sizeof j->w->message, "%s", diag_message());
}

/* Layers that look at the whole batch meet those of the other workers. */
static odeon_status evaluate_all(void *context)
{
    const job *jobs = context;
    return session_run_job(jobs->b->session, run_part, context);
}

static odeon_status fill_all(job *jobs, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        ODEON_TRY(fill(&jobs[i], 0, &jobs[i].y));
        ODEON_TRY(fill(&jobs[i], 1, &jobs[i].dy));
        ODEON_TRY(fill(&jobs[i], 2, &jobs[i].y_bar));
    }
    return ODEON_OK;
}

static odeon_status measure(job *jobs, int32_t n, bench_time *out)
{
    const job *j = &jobs[0];
    bench_call call = {.run = n == 1 ? evaluate : evaluate_all,
                       .context = jobs,
                       .device = j->w->model->device,
                       .queue = j->w->site.lane.queue,
                       .quick = j->b->quick};
    ODEON_TRY(fill_all(jobs, n));
    return n == 1 ? bench_measure_recorded(&call, j->b->seconds, j->b->least, out)
                  : bench_measure(&call, j->b->seconds, j->b->least, out);
}

static job job_of(const bench_field *b, worker *w)
{
    const odeon_ode *ode = w->site.odes[0];
    return (job){.b = b,
                 .w = w,
                 .field = &ode->field.host.abi,
                 .t =
                     odeon_view_at(solver_slots(ode->forward) + ODEON_SLOT_STAGE_T,
                                   (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}})};
}

odeon_status bench_field_measure(const bench_field *b, bench_time *out)
{
    int32_t n = session_workers(b->session);
    job *jobs = mem_zalloc((size_t)n, sizeof *jobs);
    if (jobs == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "bench: no memory");
    }
    for (int32_t i = 0; i < n; i++) {
        jobs[i] = job_of(b, &b->session->workers[i]);
    }
    odeon_status status = measure(jobs, n, out);
    for (int32_t i = 0; i < 3 * n; i++) {
        buffer_release(b->session->model.device, &jobs[i / 3].rooms[i % 3]);
    }
    mem_free(jobs);
    return status;
}
