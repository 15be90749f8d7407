#include "session/peak.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_move.h"
#include "odeon/device_product.h"
#include "odeon/device_solver.h"
#include "session/jobs.h"

enum { LEAST_EDGE = 128, MOST_EDGE = 4096, REPEATS = 3 };
static const int64_t least_length = INT64_C(1) << 20, most_length = INT64_C(1) << 24;
static const double long_enough = 0.003; /* seconds, beside which a start and a wait are nothing */

/* Three square matrices, or three vectors, of each worker. */
typedef struct peak_job {
    session *session;
    device_buffer (*memory)[3]; /* [n_workers] */
    odeon_shape shape;
    odeon_status (*run)(const struct peak_job *job, const worker *w, const odeon_tensor x[3]);
} peak_job;

static odeon_status multiply(const peak_job *job, const worker *w, const odeon_tensor x[3])
{
    (void)job;
    return ODEON_DO(w->site.lane.device, product, gemm, w->site.lane.queue, .alpha = 1.0,
                    .a = &x[0].view, .b = &x[1].view, .c = &x[2]);
}

static odeon_status add(const peak_job *job, const worker *w, const odeon_tensor x[3])
{
    const odeon_view *term = &x[1].view;
    odeon_scalar half = odeon_imm(0.5);
    (void)job;
    return ODEON_DO(w->site.lane.device, solver, lincomb, w->site.lane.queue, .y = &x[2],
                    .base = &x[0].view, .n = 1, .x = &term, .coefficient = &half);
}

/* So that all pages are there, and no number is one that is slow. */
static odeon_status fill(const peak_job *job, const worker *w, const odeon_tensor x[3])
{
    (void)job;
    for (int i = 0; i < 3; i++) {
        ODEON_TRY(ODEON_DO(w->site.lane.device, move, fill, w->site.lane.queue, .y = &x[i],
                           .value = odeon_imm(0.5)));
    }
    return ODEON_OK;
}

static void run_part(void *context, int32_t rank)
{
    const peak_job *job = context;
    worker *w = &job->session->workers[rank];
    odeon_tensor x[3];
    diag_clear();
    for (int i = 0; i < 3; i++) {
        x[i] = odeon_tensor_at(job->memory[rank][i].data, job->shape);
    }
    w->status = job->run(job, w, x);
    if (w->status == ODEON_OK) {
        w->status = w->model->device->ops->wait(w->site.lane.queue);
    }
    (void)snprintf(w->message, sizeof w->message, "%s", diag_message());
}

static odeon_status fit(peak_job *job)
{
    const odeon_device *device = job->session->model.device;
    for (int32_t i = 0; i < 3 * job->session->n_workers; i++) {
        ODEON_TRY(buffer_fit(device, &job->memory[i / 3][i % 3], odeon_bytes(&job->shape)));
    }
    job->run = fill;
    return session_run_job(job->session, run_part, job);
}

/* The least seconds of some calls, after one that is not counted. */
static odeon_status best_time(peak_job *job, double *seconds)
{
    for (int i = 0; i <= REPEATS; i++) {
        double begin = clock_seconds();
        ODEON_TRY(session_run_job(job->session, run_part, job));
        double took = clock_seconds() - begin;
        if (i == 1 || (i > 1 && took < *seconds)) {
            *seconds = took;
        }
    }
    return ODEON_OK;
}

static odeon_status measure_gemm(peak_job *job, session_peak *out)
{
    double took = 0.0;
    for (int64_t edge = out->edge > 0 ? out->edge : LEAST_EDGE;
         edge <= MOST_EDGE && took < long_enough; edge *= 2) {
        job->shape = (odeon_shape){.ndim = 2, .dtype = job->shape.dtype, .dim = {edge, edge}};
        ODEON_TRY(fit(job));
        job->run = multiply;
        ODEON_TRY(best_time(job, &took));
        double cube = (double)edge * (double)edge * (double)edge;
        double rate = 2.0 * cube * job->session->n_workers / took;
        out->gemm = rate > out->gemm ? rate : out->gemm;
        out->edge = edge;
    }
    return ODEON_OK;
}

/* Of the longest vectors alone: shorter ones may stay in a cache. */
static odeon_status measure_lincomb(peak_job *job, session_peak *out)
{
    double took = 0.0, rate = 0.0;
    for (int64_t n = out->length > 0 ? out->length : least_length;
         n <= most_length && took < long_enough; n *= 4) {
        job->shape = (odeon_shape){.ndim = 1, .dtype = job->shape.dtype, .dim = {n}};
        ODEON_TRY(fit(job));
        job->run = add;
        ODEON_TRY(best_time(job, &took));
        rate = 3.0 * (double)odeon_bytes(&job->shape) * job->session->n_workers / took;
        out->length = n;
    }
    out->lincomb = rate > out->lincomb ? rate : out->lincomb;
    return ODEON_OK;
}

odeon_status session_measure_peak(session *s, session_peak *out)
{
    peak_job job = {.session = s, .shape = {.dtype = s->model.config->dtype}};
    job.memory = mem_zalloc((size_t)s->n_workers, sizeof *job.memory);
    if (job.memory == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "bench: no memory");
    }
    odeon_status status = measure_gemm(&job, out);
    if (status == ODEON_OK) {
        status = measure_lincomb(&job, out);
    }
    for (int32_t i = 0; i < 3 * s->n_workers; i++) {
        buffer_release(s->model.device, &job.memory[i / 3][i % 3]);
    }
    mem_free(job.memory);
    return status;
}
