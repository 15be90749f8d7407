/* A session's parameters: in and out of the device. */
#include <string.h>

#include "diag.h"
#include "mem.h"
#include "session.h"
#include "worker.h"

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

odeon_status session_download(session *s, const char *base, const param *p, void **out)
{
    const worker *w = &s->workers[0];
    size_t width = (size_t)odeon_dtype_bytes(s->config->dtype);
    *out = mem_zalloc((size_t)p->count, width);
    if (*out == NULL) {
        return no_memory(p);
    }
    return s->device.ops->download(w->site.queue, *out, base + p->offset * (int64_t)width,
                                   (uint64_t)p->count * width);
}

static odeon_status get(session *s, const char *base, const param *p, double *out)
{
    void *raw = NULL;
    odeon_status status = session_download(s, base, p, &raw);
    for (int64_t i = 0; i < p->count && status == ODEON_OK; i++) {
        out[i] = s->config->dtype == ODEON_DTYPE_F64 ? ((const double *)raw)[i]
                                                     : (double)((const float *)raw)[i];
    }
    mem_free(raw);
    return status;
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

odeon_status session_upload(const worker *w, char *base, const param *p, const void *raw)
{
    const session *s = w->session;
    size_t width = (size_t)odeon_dtype_bytes(s->config->dtype);
    ODEON_TRY(s->device.ops->upload(w->site.queue, base + p->offset * (int64_t)width, raw,
                                    (uint64_t)p->count * width));
    return s->device.ops->wait(w->site.queue);
}

odeon_status session_upload_param(const session *s, const param *p, const void *raw)
{
    if (p->role != ODEON_PARAM_STATE) {
        return session_upload(&s->workers[0], s->values.data, p, raw);
    }
    for (int32_t rank = 0; rank < s->n_workers; rank++) {
        ODEON_TRY(session_upload(&s->workers[rank], s->workers[rank].states.data, p, raw));
    }
    return ODEON_OK;
}

odeon_status session_parameter_set(session *s, size_t index, const double *values)
{
    const param *p = &s->params.list[index];
    s->unprepared = true;
    if (s->config->dtype == ODEON_DTYPE_F64) {
        return session_upload_param(s, p, values);
    }
    float *narrow = mem_zalloc((size_t)p->count, sizeof *narrow);
    if (narrow == NULL) {
        return no_memory(p);
    }
    for (int64_t i = 0; i < p->count; i++) {
        narrow[i] = (float)values[i];
    }
    odeon_status status = session_upload_param(s, p, narrow);
    mem_free(narrow);
    return status;
}
