/* Parameters on their way between the caller's doubles and the device's dtype. Weights and biases
 * exist once, in the model's flat vector, which all workers read; running state exists once a
 * worker, so that it is read from the first and written to all.
 *
 * All of this runs on the caller's thread between batches, while no worker is at work, and each
 * transfer waits for its queue: no order with other queues has to be kept. */
#include "session/transfer.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

/* Layers sum what goes into running state over the workers, so that all hold the same; the first
 * one's stands for them. */
const char *transfer_base(const session *s, const param *p)
{
    return p->role == ODEON_PARAM_STATE ? s->workers[0].states.data : s->model.values.data;
}

/* first counts elements of p, and p->offset elements of the vector, both in the run's dtype. */
odeon_status transfer_download(const session *s, const char *base, const param *p, int64_t first,
                               int64_t n, void *out)
{
    int64_t width = odeon_dtype_bytes(s->model.config->dtype);
    return s->model.device->ops->download(s->workers[0].site.lane.queue, out,
                                          base + (p->offset + first) * width,
                                          (uint64_t)(n * width));
}

/* Waits, because raw is the caller's and may be overwritten at once. */
odeon_status transfer_upload(const worker *w, char *base, const param *p, int64_t first, int64_t n,
                             const void *raw)
{
    const model *m = w->model;
    int64_t width = odeon_dtype_bytes(m->config->dtype);
    ODEON_TRY(m->device->ops->upload(w->site.lane.queue, base + (p->offset + first) * width, raw,
                                     (uint64_t)(n * width)));
    return m->device->ops->wait(w->site.lane.queue);
}

/* Each worker's own copy by its own queue, so that the next batch on that queue finds it. */
odeon_status transfer_upload_param(const session *s, const param *p, int64_t first, int64_t n,
                                   const void *raw)
{
    if (p->role != ODEON_PARAM_STATE) {
        return transfer_upload(&s->workers[0], s->model.values.data, p, first, n, raw);
    }
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        ODEON_TRY(
            transfer_upload(&s->workers[rank], s->workers[rank].states.data, p, first, n, raw));
    }
    return ODEON_OK;
}

/* The same chunks for reading and writing; only the last one of a parameter is shorter. */
int64_t transfer_chunk(const param *p, int64_t first)
{
    return p->count - first < TRANSFER_CHUNK ? p->count - first : TRANSFER_CHUNK;
}

/* Safe where out is values: no float is written behind the double that is read next. */
void transfer_narrow(const session *s, const double *values, int64_t n, void *out)
{
    if (s->model.config->dtype == ODEON_DTYPE_F64) {
        memmove(out, values, (size_t)n * sizeof *values);
        return;
    }
    float *narrow = out;
    for (int64_t i = 0; i < n; i++) {
        narrow[i] = (float)values[i];
    }
}

/* Layers have to prepare again before the next batch, also where this fails half way. */
odeon_status transfer_set(session *s, const param *p, transfer_numbers numbers, void *context)
{
    double *values = mem_alloc(TRANSFER_CHUNK * sizeof *values);
    void *raw = mem_alloc(TRANSFER_CHUNK * sizeof *values);
    odeon_status status = values != NULL && raw != NULL
                              ? ODEON_OK
                              : diag_fail(ODEON_ERR_NOMEM, "%s: no memory", p->path);
    s->unprepared = true;
    for (int64_t first = 0, n; first < p->count && status == ODEON_OK; first += n) {
        n = transfer_chunk(p, first);
        status = numbers(context, p, first, n, values);
        if (status == ODEON_OK) {
            transfer_narrow(s, values, n, raw);
            status = transfer_upload_param(s, p, first, n, raw);
        }
    }
    mem_free(values);
    mem_free(raw);
    return status;
}

/* Of n numbers in the run's dtype. */
static bool is_finite(const session *s, int64_t n, const void *raw)
{
    bool finite = true;
    for (int64_t i = 0; i < n && finite; i++) {
        finite = s->model.config->dtype == ODEON_DTYPE_F64 ? isfinite(((const double *)raw)[i]) != 0
                                                           : isfinite(((const float *)raw)[i]) != 0;
    }
    return finite;
}

/* Only used to explain a failure: without memory, or of a device that cannot be read, no parameter
 * is blamed rather than a wrong one. */
bool transfer_gradient_is_finite(const session *s, const param *p)
{
    bool finite = true;
    void *raw = mem_alloc(TRANSFER_CHUNK * sizeof(double));
    for (int64_t first = 0, n; raw != NULL && first < p->count && finite; first += n) {
        n = transfer_chunk(p, first);
        if (transfer_download(s, s->workers[0].grads.data, p, first, n, raw) != ODEON_OK) {
            break;
        }
        finite = is_finite(s, n, raw);
    }
    mem_free(raw);
    return finite;
}
