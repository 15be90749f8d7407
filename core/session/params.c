/* A session's parameters: in and out of the device. */
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "session/session.h"
#include "session/worker.h"

size_t session_parameters(const session *s)
{
    return s->params.n;
}

session_parameter session_parameter_at(const session *s, size_t index)
{
    const param *p = &s->params.list[index];
    session_parameter out = {
        .path = p->path, .ndim = p->shape.ndim, .role = p->role, .count = p->count};
    memcpy(out.dim, p->shape.dim, sizeof out.dim);
    return out;
}

static odeon_status no_memory(const param *p)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", p->path);
}

odeon_status session_download(const session *s, const char *base, const param *p, int64_t first,
                              int64_t n, void *out)
{
    int64_t width = odeon_dtype_bytes(s->config->dtype);
    return s->device.ops->download(s->workers[0].site.lane.queue, out,
                                   base + (p->offset + first) * width, (uint64_t)(n * width));
}

static odeon_status get_pieces(const session *s, const char *base, const param *p, void *raw,
                               double *out)
{
    for (int64_t first = 0, n; first < p->count; first += n) {
        n = session_piece(p, first);
        ODEON_TRY(session_download(s, base, p, first, n, raw));
        for (int64_t i = 0; i < n; i++) {
            out[first + i] = s->config->dtype == ODEON_DTYPE_F64 ? ((const double *)raw)[i]
                                                                 : (double)((const float *)raw)[i];
        }
    }
    return ODEON_OK;
}

static odeon_status get(const session *s, const char *base, const param *p, double *out)
{
    void *raw = mem_alloc(SESSION_PIECE * sizeof(double));
    odeon_status status = raw != NULL ? get_pieces(s, base, p, raw, out) : no_memory(p);
    mem_free(raw);
    return status;
}

static bool is_finite(const session *s, int64_t n, const void *raw)
{
    bool finite = true;
    for (int64_t i = 0; i < n && finite; i++) {
        finite = s->config->dtype == ODEON_DTYPE_F64 ? isfinite(((const double *)raw)[i]) != 0
                                                     : isfinite(((const float *)raw)[i]) != 0;
    }
    return finite;
}

bool session_gradient_is_finite(const session *s, const param *p)
{
    bool finite = true;
    void *raw = mem_alloc(SESSION_PIECE * sizeof(double));
    for (int64_t first = 0, n; raw != NULL && first < p->count && finite; first += n) {
        n = session_piece(p, first);
        if (session_download(s, s->workers[0].grads.data, p, first, n, raw) != ODEON_OK) {
            break;
        }
        finite = is_finite(s, n, raw);
    }
    mem_free(raw);
    return finite;
}

const char *session_base(const session *s, const param *p)
{
    return p->role == ODEON_PARAM_STATE ? s->workers[0].states.data : s->values.data;
}

odeon_status session_parameter_get(session *s, size_t index, double *out)
{
    const param *p = &s->params.list[index];
    return get(s, session_base(s, p), p, out);
}

odeon_status session_gradient_get(session *s, size_t index, double *out)
{
    const param *p = &s->params.list[index];
    if (p->role == ODEON_PARAM_STATE) {
        return diag_fail(ODEON_ERR_INTERNAL, "%s: running state has no gradient", p->path);
    }
    return get(s, s->workers[0].grads.data, p, out);
}

odeon_status session_upload(const worker *w, char *base, const param *p, int64_t first, int64_t n,
                            const void *raw)
{
    const session *s = w->session;
    int64_t width = odeon_dtype_bytes(s->config->dtype);
    ODEON_TRY(s->device.ops->upload(w->site.lane.queue, base + (p->offset + first) * width, raw,
                                    (uint64_t)(n * width)));
    return s->device.ops->wait(w->site.lane.queue);
}

odeon_status session_upload_param(const session *s, const param *p, int64_t first, int64_t n,
                                  const void *raw)
{
    if (p->role != ODEON_PARAM_STATE) {
        return session_upload(&s->workers[0], s->values.data, p, first, n, raw);
    }
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        ODEON_TRY(
            session_upload(&s->workers[rank], s->workers[rank].states.data, p, first, n, raw));
    }
    return ODEON_OK;
}

int64_t session_piece(const param *p, int64_t first)
{
    return p->count - first < SESSION_PIECE ? p->count - first : SESSION_PIECE;
}

void session_narrow(const session *s, const double *values, int64_t n, void *out)
{
    if (s->config->dtype == ODEON_DTYPE_F64) {
        memmove(out, values, (size_t)n * sizeof *values);
        return;
    }
    float *narrow = out;
    for (int64_t i = 0; i < n; i++) {
        narrow[i] = (float)values[i];
    }
}

odeon_status session_set_param(session *s, const param *p, session_numbers numbers, void *context)
{
    double *values = mem_alloc(SESSION_PIECE * sizeof *values);
    void *raw = mem_alloc(SESSION_PIECE * sizeof *values);
    odeon_status status = values != NULL && raw != NULL ? ODEON_OK : no_memory(p);
    s->unprepared = true;
    for (int64_t first = 0, n; first < p->count && status == ODEON_OK; first += n) {
        n = session_piece(p, first);
        status = numbers(context, p, first, n, values);
        if (status == ODEON_OK) {
            session_narrow(s, values, n, raw);
            status = session_upload_param(s, p, first, n, raw);
        }
    }
    mem_free(values);
    mem_free(raw);
    return status;
}

static odeon_status copy_numbers(void *context, const param *p, int64_t first, int64_t n,
                                 double *out)
{
    (void)p;
    memcpy(out, (const double *)context + first, (size_t)n * sizeof *out);
    return ODEON_OK;
}

odeon_status session_parameter_set(session *s, size_t index, const double *values)
{
    void *context;
    memcpy(&context, &values, sizeof values); /* only read */
    return session_set_param(s, &s->params.list[index], copy_numbers, context);
}
