/* A session's tensors to and from files. */
#include <math.h>
#include <string.h>

#include "calling.h"
#include "checkpoint.h"
#include "diag.h"
#include "mem.h"
#include "run_folder.h"
#include "safetensors.h"
#include "session.h"
#include "worker.h"

#define MOMENTS "optimizer/" /* of a snapshot's tensors, those of the optimizer */

/* ---- a copy of the whole ---- */

static odeon_status add_tensor(session *s, session_snapshot *x, const param *p, const char *base,
                               char *name)
{
    size_t i = x->n++; /* from here on the snapshot frees name */
    x->names[i] = name;
    if (name == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its name", p->path);
    }
    safetensors_entry *entry = &x->entries[i];
    *entry = (safetensors_entry){.name = name, .dtype = s->config->dtype, .ndim = p->shape.ndim};
    memcpy(entry->dim, p->shape.dim, sizeof p->shape.dim);
    entry->bytes = (uint64_t)(p->count * odeon_dtype_bytes(s->config->dtype));
    ODEON_TRY(session_download(s, base, p, &x->data[i]));
    entry->data = x->data[i];
    return ODEON_OK;
}

static char *moment_path(const session *s, int32_t moment, const param *p)
{
    const instance *optimizer = s->workers[0].optimizer;
    const odeon_optimizer_ops *ops = optimizer->component->ops;
    calling outer = calling_begin(optimizer, "moment_name");
    const char *name = ops->moment_name(optimizer->self, moment);
    calling_leave(outer);
    return mem_printf(MOMENTS "%s/%s", name, p->path);
}

static odeon_status add_all(session *s, bool moments, session_snapshot *x)
{
    for (size_t i = 0; i < s->params.n; i++) {
        const param *p = &s->params.list[i];
        ODEON_TRY(add_tensor(s, x, p, session_base(s, p), mem_strdup(p->path)));
        int32_t n = moments && p->role != ODEON_PARAM_STATE ? s->n_moments : 0;
        for (int32_t m = 0; m < n; m++) {
            ODEON_TRY(add_tensor(s, x, p, s->moments[m].data, moment_path(s, m, p)));
        }
    }
    return ODEON_OK;
}

odeon_status session_snapshot_take(session *s, bool moments, session_snapshot *out)
{
    size_t most = s->params.n * (1 + (moments ? (size_t)s->n_moments : 0));
    *out = (session_snapshot){.entries = mem_zalloc(most + 1, sizeof *out->entries),
                              .names = mem_zalloc(most + 1, sizeof *out->names),
                              .data = mem_zalloc(most + 1, sizeof *out->data)};
    if (out->entries == NULL || out->names == NULL || out->data == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "no memory for a copy of %zu tensors", most);
    }
    return add_all(s, moments, out);
}

void session_snapshot_fini(session_snapshot *x)
{
    for (size_t i = 0; i < x->n; i++) {
        mem_free(x->names[i]);
        mem_free(x->data[i]);
    }
    mem_free(x->entries);
    mem_free(x->names);
    mem_free(x->data);
    *x = (session_snapshot){.n = 0};
}

static odeon_status same_shape(const param *p, const safetensors_entry *entry, const char *path)
{
    char wanted[128], found[128];
    if (entry->ndim == p->shape.ndim && memcmp(entry->dim, p->shape.dim, sizeof entry->dim) == 0) {
        return ODEON_OK;
    }
    odeon_tensor a = {.ndim = p->shape.ndim + 1}, b = {.ndim = entry->ndim + 1};
    memcpy(&a.dim[1], p->shape.dim, sizeof a.dim - sizeof a.dim[0]);
    memcpy(&b.dim[1], entry->dim, sizeof b.dim - sizeof b.dim[0]);
    return diag_fail(ODEON_ERR_DATA, "%s: tensor '%s' is %s, the model wants %s", path, entry->name,
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
    if ((*out)->dtype != s->config->dtype) {
        return diag_fail(ODEON_ERR_DATA, "%s: tensor '%s' is not in the dtype of the run", path,
                         name);
    }
    return same_shape(p, *out, path);
}

static odeon_status restore_moments(session *s, const safetensors *file, const char *path,
                                    const param *p)
{
    for (int32_t m = 0; m < s->n_moments; m++) {
        const safetensors_entry *entry = NULL;
        char *name = moment_path(s, m, p);
        odeon_status status = find_exact(s, file, path, p, name, &entry);
        if (status == ODEON_OK) {
            status = session_upload(&s->workers[0], s->moments[m].data, p, entry->data);
        }
        mem_free(name);
        ODEON_TRY(status);
    }
    return ODEON_OK;
}

odeon_status session_restore(session *s, const safetensors *file, const char *path)
{
    size_t n = 0;
    for (size_t i = 0; i < s->params.n; i++) {
        const param *p = &s->params.list[i];
        const safetensors_entry *entry = NULL;
        ODEON_TRY(find_exact(s, file, path, p, p->path, &entry));
        ODEON_TRY(session_upload_param(s, p, entry->data));
        n++;
        if (p->role != ODEON_PARAM_STATE) {
            ODEON_TRY(restore_moments(s, file, path, p));
            n += (size_t)s->n_moments;
        }
    }
    if (n != safetensors_count(file)) {
        return diag_fail(ODEON_ERR_DATA, "%s: has %zu tensors, this model and optimizer have %zu",
                         path, safetensors_count(file), n);
    }
    return session_prepare(s);
}

/* ---- weights ---- */

odeon_status session_save(session *s, const char *path)
{
    static const safetensors_meta meta[] = {{"format", "odeon"}};
    session_snapshot x;
    odeon_status status = session_snapshot_take(s, false, &x);
    if (status == ODEON_OK) {
        status = safetensors_write(path, x.n, x.entries, 1, meta);
    }
    session_snapshot_fini(&x);
    return status;
}

/* Every tensor of the file must be one of ours; that every one of ours is there shows in loading.
 */
static odeon_status refuse_strangers(const session *s, const safetensors *file, const char *path)
{
    bool is_checkpoint = checkpoint_is_one(file);
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const char *name = safetensors_at(file, i)->name;
        if (is_checkpoint && strncmp(name, MOMENTS, sizeof MOMENTS - 1) == 0) {
            continue;
        }
        if (params_find(&s->params, name) == s->params.n) {
            return diag_fail(ODEON_ERR_DATA,
                             "%s: tensor '%s' belongs to no layer of this model: "
                             "are these the weights of another one?",
                             path, name);
        }
    }
    return ODEON_OK;
}

/* No failure: a step that failed is repeated with the weights that it had. */
static void warn_of_nan(const char *path, const param *p, const double *values)
{
    for (int64_t i = 0; i < p->count; i++) {
        if (!isfinite(values[i])) {
            diag_log(ODEON_LOG_WARNING,
                     "%s: tensor '%s' holds %g (element %lld): the run that wrote it had failed",
                     path, p->path, values[i], (long long)i);
            return;
        }
    }
}

static odeon_status load_one(session *s, const safetensors *file, const char *path, size_t index)
{
    const param *p = &s->params.list[index];
    const safetensors_entry *entry = safetensors_find(file, p->path);
    if (entry == NULL) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s: tensor '%s' is missing: are these the weights of "
                         "another model?",
                         path, p->path);
    }
    ODEON_TRY(same_shape(p, entry, path));
    if (entry->dtype != ODEON_DTYPE_F32 && entry->dtype != ODEON_DTYPE_F64) {
        return diag_fail(ODEON_ERR_DATA, "%s: tensor '%s' is neither F32 nor F64", path, p->path);
    }
    double *values = mem_zalloc((size_t)p->count, sizeof *values);
    if (values == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", p->path);
    }
    odeon_status status = safetensors_as_f64(entry, values);
    warn_of_nan(path, p, values);
    status = status == ODEON_OK ? session_parameter_set(s, index, values) : status;
    mem_free(values);
    return status;
}

static odeon_status load_all(session *s, const safetensors *file, const char *path)
{
    odeon_status status = s->is_flow ? ODEON_OK : refuse_strangers(s, file, path);
    for (size_t i = 0; i < s->params.n && status == ODEON_OK; i++) {
        status = load_one(s, file, path, i);
    }
    return status;
}

/* The weights of a checkpoint are as good as others, if it is sound. */
static odeon_status load_checkpoint(session *s, const char *path)
{
    checkpoint_file *file = NULL;
    ODEON_TRY(checkpoint_open(path, &file));
    odeon_status status = load_all(s, file->tensors, path);
    checkpoint_close(file);
    return status;
}

static odeon_status load_file(session *s, const char *path)
{
    safetensors *file = NULL;
    ODEON_TRY(safetensors_read(path, &file));
    bool is_checkpoint = checkpoint_is_one(file);
    odeon_status status = is_checkpoint ? ODEON_OK : load_all(s, file, path);
    safetensors_destroy(file);
    return is_checkpoint ? load_checkpoint(s, path) : status;
}

odeon_status session_load(session *s, const char *path)
{
    char *file = NULL;
    ODEON_TRY(run_folder_find_weights(path, &file));
    odeon_status status = load_file(s, file);
    mem_free(file);
    return status;
}
