/* The state of training as tensors of a file, and back. Nothing is converted: what was written is
 * what is read, to the bit, and a file that is not exactly that is refused. */
#include "session/snapshot.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "session/jobs.h"
#include "session/optimizer.h"
#include "session/transfer.h"

/* ---- the list of all ---- */

static char *moment_path(const session *s, int32_t moment, const param *p)
{
    return mem_printf(SNAPSHOT_MOMENTS "%s/%s", optimizer_moment_name(&s->workers[0], moment),
                      p->path);
}

/* A tensor of parameter number index: its values (moment -1), or one of the optimizer's moments. */
static odeon_status add_tensor(const session *s, session_tensors *x, size_t index, int32_t moment)
{
    const param *p = &s->model.params.list[index];
    size_t i = x->n++; /* from here on the list frees the name */
    x->names[i] = moment < 0 ? mem_strdup(p->path) : moment_path(s, moment, p);
    if (x->names[i] == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its name", p->path);
    }
    x->sources[i] = (session_tensor){.parameter = index, .moment = moment};
    safetensors_entry *entry = &x->entries[i];
    *entry = (safetensors_entry){
        .name = x->names[i], .dtype = s->model.config->dtype, .ndim = p->shape.ndim};
    memcpy(entry->dim, p->shape.dim, sizeof p->shape.dim);
    entry->bytes = (uint64_t)(p->count * odeon_dtype_bytes(s->model.config->dtype));
    return ODEON_OK;
}

/* Each parameter is followed by its own moments, so that a file holds together what belongs
 * together. Running state has no moments: nothing optimizes it. */
static odeon_status add_all(const session *s, bool moments, session_tensors *x)
{
    for (size_t i = 0; i < s->model.params.n; i++) {
        int32_t n =
            moments && s->model.params.list[i].role != ODEON_PARAM_STATE ? s->model.n_moments : 0;
        for (int32_t m = -1; m < n; m++) {
            ODEON_TRY(add_tensor(s, x, i, m));
        }
    }
    return ODEON_OK;
}

/* One element more than needed, so that a model without parameters has arrays too. A list that
 * fails half way is for session_tensors_fini all the same. */
odeon_status session_tensors_list(session *s, bool moments, session_tensors *out)
{
    size_t most = s->model.params.n * (1 + (moments ? (size_t)s->model.n_moments : 0));
    *out = (session_tensors){.session = s,
                             .entries = mem_zalloc(most + 1, sizeof *out->entries),
                             .names = mem_zalloc(most + 1, sizeof *out->names),
                             .sources = mem_zalloc(most + 1, sizeof *out->sources)};
    if (out->entries == NULL || out->names == NULL || out->sources == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "no memory for a list of %zu tensors", most);
    }
    return add_all(s, moments, out);
}

/* Takes {0}, and leaves it. Names are freed up to n, which add_tensor counts before it makes one.
 */
void session_tensors_fini(session_tensors *x)
{
    for (size_t i = 0; i < x->n; i++) {
        mem_free(x->names[i]);
    }
    mem_free(x->entries);
    mem_free(x->names);
    mem_free(x->sources);
    safetensors_destroy(x->weights);
    *x = (session_tensors){.n = 0};
}

/* offset and bytes count in the run's dtype; the writer of the file asks for whole elements
 * (SAFETENSORS_PIECE_BYTES). Runs on the caller's thread, between batches. */
odeon_status session_tensors_read(void *list, size_t index, uint64_t offset, size_t bytes,
                                  void *out)
{
    const session_tensors *x = list;
    const session *s = x->session;
    const session_tensor *from = &x->sources[index];
    const param *p = &s->model.params.list[from->parameter];
    const char *base = from->moment < 0 ? transfer_base(s, p) : s->model.moments[from->moment].data;
    int64_t width = odeon_dtype_bytes(s->model.config->dtype);
    return transfer_download(s, base, p, (int64_t)offset / width, (int64_t)bytes / width, out);
}

/* net_shape_text leaves out the first dimension, a batch that parameters do not have: each shape is
 * moved up by one to be shown whole. */
odeon_status snapshot_check_shape(const param *p, const safetensors_entry *entry, const char *path)
{
    char wanted[128], found[128];
    if (entry->ndim == p->shape.ndim && memcmp(entry->dim, p->shape.dim, sizeof entry->dim) == 0) {
        return ODEON_OK;
    }
    odeon_shape a = {.ndim = p->shape.ndim + 1}, b = {.ndim = entry->ndim + 1};
    memcpy(&a.dim[1], p->shape.dim, sizeof a.dim - sizeof a.dim[0]);
    memcpy(&b.dim[1], entry->dim, sizeof b.dim - sizeof b.dim[0]);
    return diag_fail(ODEON_ERR_DATA, "%s: tensor '%s' is %s, the model needs %s", path, entry->name,
                     net_shape_text(&b, found, sizeof found),
                     net_shape_text(&a, wanted, sizeof wanted));
}

/* The tensor called name, of p's shape and the run's dtype; name may be NULL for want of memory. */
static odeon_status find_exact(const session *s, const safetensors *file, const char *path,
                               const param *p, const char *name, const safetensors_entry **out)
{
    if (name == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its name", p->path);
    }
    *out = safetensors_find(file, name);
    if (*out == NULL) {
        return diag_fail(ODEON_ERR_DATA, "%s: tensor '%s' is missing", path, name);
    }
    if ((*out)->dtype != s->model.config->dtype) {
        return diag_fail(ODEON_ERR_DATA, "%s: tensor '%s' is not in the dtype of the run", path,
                         name);
    }
    return snapshot_check_shape(p, *out, path);
}

/* To where one worker holds it (base), or all that hold the parameter do (NULL). */
static odeon_status restore_tensor(session *s, const safetensors *file,
                                   const safetensors_entry *entry, const param *p, char *base)
{
    int64_t width = odeon_dtype_bytes(s->model.config->dtype);
    char *raw = mem_alloc(TRANSFER_CHUNK * sizeof(double));
    odeon_status status =
        raw != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "%s: no memory", p->path);
    for (int64_t first = 0, n; first < p->count && status == ODEON_OK; first += n) {
        n = transfer_chunk(p, first);
        status = safetensors_get(file, entry, (uint64_t)(first * width), (size_t)(n * width), raw);
        if (status == ODEON_OK) {
            status = base != NULL ? transfer_upload(&s->workers[0], base, p, first, n, raw)
                                  : transfer_upload_param(s, p, first, n, raw);
        }
    }
    mem_free(raw);
    return status;
}

/* Moments belong to parameters that are trained; running state has none. */
static odeon_status restore_moments(session *s, const safetensors *file, const char *path,
                                    const param *p)
{
    for (int32_t m = 0; m < s->model.n_moments; m++) {
        const safetensors_entry *entry = NULL;
        char *name = moment_path(s, m, p);
        odeon_status status = find_exact(s, file, path, p, name, &entry);
        if (status == ODEON_OK) {
            status = restore_tensor(s, file, entry, p, s->model.moments[m].data);
        }
        mem_free(name);
        ODEON_TRY(status);
    }
    return ODEON_OK;
}

/* Counting finds tensors that nobody asked for: names are unique in a file. */
odeon_status session_restore(session *s, const safetensors *file, const char *path)
{
    size_t n = 0;
    for (size_t i = 0; i < s->model.params.n; i++) {
        const param *p = &s->model.params.list[i];
        const safetensors_entry *entry = NULL;
        ODEON_TRY(find_exact(s, file, path, p, p->path, &entry));
        ODEON_TRY(restore_tensor(s, file, entry, p, NULL));
        n++;
        if (p->role != ODEON_PARAM_STATE) {
            ODEON_TRY(restore_moments(s, file, path, p));
            n += (size_t)s->model.n_moments;
        }
    }
    if (n != safetensors_count(file)) {
        return diag_fail(ODEON_ERR_DATA, "%s: has %zu tensors, this model and optimizer have %zu",
                         path, safetensors_count(file), n);
    }
    return session_prepare(s);
}
