/* A session's parameters: in and out of the device, to and from files. */
#include <string.h>

#include "diag.h"
#include "mem.h"
#include "safetensors.h"
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

/* Reads count elements of a flat vector; raw memory in the run's dtype, the caller frees it. */
static odeon_status download(session *s, const char *base, const param *p, void **out)
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
    odeon_status status = download(s, base, p, &raw);
    for (int64_t i = 0; i < p->count && status == ODEON_OK; i++) {
        out[i] = s->config->dtype == ODEON_DTYPE_F64 ? ((const double *)raw)[i]
                                                     : (double)((const float *)raw)[i];
    }
    mem_free(raw);
    return status;
}

static const char *base_of(const session *s, const param *p)
{
    return p->role == ODEON_PARAM_STATE ? s->workers[0].states.data : s->values.data;
}

odeon_status session_parameter_get(session *s, size_t index, double *out)
{
    const param *p = &s->params.list[index];
    return get(s, base_of(s, p), p, out);
}

odeon_status session_gradient_get(session *s, size_t index, double *out)
{
    const param *p = &s->params.list[index];
    if (p->role == ODEON_PARAM_STATE) {
        return diag_fail(ODEON_ERR_INTERNAL, "%s: running state has no gradient", p->path);
    }
    return get(s, s->workers[0].grads.data, p, out);
}

static odeon_status upload(session *s, const param *p, const void *raw)
{
    size_t width = (size_t)odeon_dtype_bytes(s->config->dtype);
    bool state = p->role == ODEON_PARAM_STATE;
    for (int32_t rank = 0; rank < (state ? s->n_workers : 1); rank++) {
        worker *w = &s->workers[rank];
        char *base = state ? w->states.data : s->values.data;
        ODEON_TRY(s->device.ops->upload(w->site.queue, base + p->offset * (int64_t)width, raw,
                                        (uint64_t)p->count * width));
        ODEON_TRY(s->device.ops->wait(w->site.queue));
    }
    return ODEON_OK;
}

odeon_status session_parameter_set(session *s, size_t index, const double *values)
{
    const param *p = &s->params.list[index];
    if (s->config->dtype == ODEON_DTYPE_F64) {
        return upload(s, p, values);
    }
    float *narrow = mem_zalloc((size_t)p->count, sizeof *narrow);
    if (narrow == NULL) {
        return no_memory(p);
    }
    for (int64_t i = 0; i < p->count; i++) {
        narrow[i] = (float)values[i];
    }
    odeon_status status = upload(s, p, narrow);
    mem_free(narrow);
    return status;
}

/* ---- files ---- */

odeon_status session_save(session *s, const char *path)
{
    size_t n = s->params.n;
    safetensors_entry *entries = mem_zalloc(n + 1, sizeof *entries);
    void **data = mem_zalloc(n + 1, sizeof(void *));
    odeon_status status = entries == NULL || data == NULL
                              ? diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path)
                              : ODEON_OK;
    for (size_t i = 0; i < n && status == ODEON_OK; i++) {
        const param *p = &s->params.list[i];
        entries[i] =
            (safetensors_entry){.name = p->path, .dtype = s->config->dtype, .ndim = p->shape.ndim};
        memcpy(entries[i].dim, p->shape.dim, sizeof p->shape.dim);
        entries[i].bytes = (uint64_t)(p->count * odeon_dtype_bytes(s->config->dtype));
        status = download(s, base_of(s, p), p, &data[i]);
        entries[i].data = data[i];
    }
    if (status == ODEON_OK) {
        safetensors_meta meta[] = {{"format", "odeon"}};
        status = safetensors_write(path, n, entries, 1, meta);
    }
    for (size_t i = 0; i < n && data != NULL; i++) {
        mem_free(data[i]);
    }
    mem_free(data);
    mem_free(entries);
    return status;
}

/* Every tensor of the file must be one of ours; that every one of ours is there shows in loading.
 */
static odeon_status refuse_strangers(const session *s, const safetensors *file, const char *path)
{
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const char *name = safetensors_at(file, i)->name;
        if (params_find(&s->params, name) == s->params.n) {
            return diag_fail(ODEON_ERR_DATA, "%s: tensor '%s' belongs to no layer of this model",
                             path, name);
        }
    }
    return ODEON_OK;
}

static odeon_status load_one(session *s, const safetensors *file, const char *path, size_t index)
{
    const param *p = &s->params.list[index];
    const safetensors_entry *entry = safetensors_find(file, p->path);
    char wanted[128], found[128];
    if (entry == NULL) {
        return diag_fail(ODEON_ERR_DATA, "%s: tensor '%s' is missing", path, p->path);
    }
    if (entry->ndim != p->shape.ndim || memcmp(entry->dim, p->shape.dim, sizeof entry->dim) != 0) {
        odeon_tensor a = {.ndim = p->shape.ndim + 1}, b = {.ndim = entry->ndim + 1};
        memcpy(&a.dim[1], p->shape.dim, sizeof a.dim - sizeof a.dim[0]);
        memcpy(&b.dim[1], entry->dim, sizeof b.dim - sizeof b.dim[0]);
        return diag_fail(ODEON_ERR_DATA, "%s: tensor '%s' is %s, the model wants %s", path, p->path,
                         net_shape_text(&b, found, sizeof found),
                         net_shape_text(&a, wanted, sizeof wanted));
    }
    if (entry->dtype != ODEON_DTYPE_F32 && entry->dtype != ODEON_DTYPE_F64) {
        return diag_fail(ODEON_ERR_DATA, "%s: tensor '%s' is neither F32 nor F64", path, p->path);
    }
    double *values = mem_zalloc((size_t)p->count, sizeof *values);
    if (values == NULL) {
        return no_memory(p);
    }
    odeon_status status = safetensors_as_f64(entry, values);
    status = status == ODEON_OK ? session_parameter_set(s, index, values) : status;
    mem_free(values);
    return status;
}

odeon_status session_load(session *s, const char *path)
{
    safetensors *file = NULL;
    ODEON_TRY(safetensors_read(path, &file));
    odeon_status status = refuse_strangers(s, file, path);
    for (size_t i = 0; i < s->params.n && status == ODEON_OK; i++) {
        status = load_one(s, file, path, i);
    }
    safetensors_destroy(file);
    return status;
}
