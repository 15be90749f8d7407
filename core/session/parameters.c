/* Parameters one by one, for tests, for gradients in a file and for whoever sets them by hand.
 * Everything passes the host as double and in chunks (transfer.h): the largest parameter may be as
 * large as the memory of the device. */
#include "session/parameters.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "session/transfer.h"

size_t session_parameters(const session *s)
{
    return s->model.params.n;
}

/* The path points into the model and lives as long as the session. */
session_parameter session_parameter_at(const session *s, size_t index)
{
    const param *p = &s->model.params.list[index];
    session_parameter out = {
        .path = p->path, .ndim = p->shape.ndim, .role = p->role, .count = p->count};
    memcpy(out.dim, p->shape.dim, sizeof out.dim);
    return out;
}

/* p's elements from base, a flat vector on the device, through raw [TRANSFER_CHUNK] to out
 * [p->count]. */
static odeon_status get_chunks(const session *s, const char *base, const param *p, void *raw,
                               double *out)
{
    for (int64_t first = 0, n; first < p->count; first += n) {
        n = transfer_chunk(p, first);
        ODEON_TRY(transfer_download(s, base, p, first, n, raw));
        for (int64_t i = 0; i < n; i++) {
            out[first + i] = s->model.config->dtype == ODEON_DTYPE_F64
                                 ? ((const double *)raw)[i]
                                 : (double)((const float *)raw)[i];
        }
    }
    return ODEON_OK;
}

static odeon_status get(const session *s, const char *base, const param *p, double *out)
{
    void *raw = mem_alloc(TRANSFER_CHUNK * sizeof(double));
    odeon_status status = raw != NULL ? get_chunks(s, base, p, raw, out)
                                      : diag_fail(ODEON_ERR_NOMEM, "%s: no memory", p->path);
    mem_free(raw);
    return status;
}

odeon_status session_parameter_get(session *s, size_t index, double *out)
{
    const param *p = &s->model.params.list[index];
    return get(s, transfer_base(s, p), p, out);
}

/* The first worker's vector: after a differentiated batch it holds the sum over all workers. */
odeon_status session_gradient_get(session *s, size_t index, double *out)
{
    const param *p = &s->model.params.list[index];
    if (p->role == ODEON_PARAM_STATE) {
        return diag_fail(ODEON_ERR_INTERNAL, "%s: running state has no gradient", p->path);
    }
    return get(s, s->workers[0].grads.data, p, out);
}

/* A transfer_numbers: context is the caller's array of all of p's elements. */
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
    return transfer_set(s, &s->model.params.list[index], copy_numbers, context);
}
