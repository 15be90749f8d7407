/* A session's tensors to and from files. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "format/checkpoint.h"
#include "format/run_folder.h"
#include "format/safetensors.h"
#include "format/safetensors_write.h"
#include "plugin/calling.h"
#include "session/session.h"
#include "session/worker.h"

#define MOMENTS "optimizer/" /* of a snapshot's tensors, those of the optimizer */

/* ---- the list of all ---- */

static char *moment_path(const session *s, int32_t moment, const param *p)
{
    const instance *optimizer = s->workers[0].optimizer;
    const odeon_optimizer_ops *ops = optimizer->component->ops;
    calling outer = calling_begin(optimizer, "moment_name");
    const char *name = ops->moment_name(optimizer->self, moment);
    calling_leave(outer);
    return mem_printf(MOMENTS "%s/%s", name, p->path);
}

/* A tensor of parameter number index: its values (moment -1), or one of the optimizer's moments. */
static odeon_status add_tensor(const session *s, session_tensors *x, size_t index, int32_t moment)
{
    const param *p = &s->params.list[index];
    size_t i = x->n++; /* from here on the list frees the name */
    x->names[i] = moment < 0 ? mem_strdup(p->path) : moment_path(s, moment, p);
    if (x->names[i] == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its name", p->path);
    }
    x->sources[i] = (session_tensor){.parameter = index, .moment = moment};
    safetensors_entry *entry = &x->entries[i];
    *entry =
        (safetensors_entry){.name = x->names[i], .dtype = s->config->dtype, .ndim = p->shape.ndim};
    memcpy(entry->dim, p->shape.dim, sizeof p->shape.dim);
    entry->bytes = (uint64_t)(p->count * odeon_dtype_bytes(s->config->dtype));
    return ODEON_OK;
}

static odeon_status add_all(const session *s, bool moments, session_tensors *x)
{
    for (size_t i = 0; i < s->params.n; i++) {
        int32_t n = moments && s->params.list[i].role != ODEON_PARAM_STATE ? s->n_moments : 0;
        for (int32_t m = -1; m < n; m++) {
            ODEON_TRY(add_tensor(s, x, i, m));
        }
    }
    return ODEON_OK;
}

odeon_status session_tensors_list(session *s, bool moments, session_tensors *out)
{
    size_t most = s->params.n * (1 + (moments ? (size_t)s->n_moments : 0));
    *out = (session_tensors){.session = s,
                             .entries = mem_zalloc(most + 1, sizeof *out->entries),
                             .names = mem_zalloc(most + 1, sizeof *out->names),
                             .sources = mem_zalloc(most + 1, sizeof *out->sources)};
    if (out->entries == NULL || out->names == NULL || out->sources == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "no memory for a list of %zu tensors", most);
    }
    return add_all(s, moments, out);
}

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

odeon_status session_tensors_read(void *list, size_t index, uint64_t offset, size_t bytes,
                                  void *out)
{
    const session_tensors *x = list;
    const session *s = x->session;
    const session_tensor *from = &x->sources[index];
    const param *p = &s->params.list[from->parameter];
    const char *base = from->moment < 0 ? session_base(s, p) : s->moments[from->moment].data;
    int64_t width = odeon_dtype_bytes(s->config->dtype);
    return session_download(s, base, p, (int64_t)offset / width, (int64_t)bytes / width, out);
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
    if ((*out)->dtype != s->config->dtype) {
        return diag_fail(ODEON_ERR_DATA, "%s: tensor '%s' is not in the dtype of the run", path,
                         name);
    }
    return same_shape(p, *out, path);
}

/* To where one worker holds it (base), or all that hold the parameter do (NULL). */
static odeon_status restore_tensor(session *s, const safetensors *file,
                                   const safetensors_entry *entry, const param *p, char *base)
{
    int64_t width = odeon_dtype_bytes(s->config->dtype);
    char *raw = mem_alloc(SESSION_PIECE * sizeof(double));
    odeon_status status =
        raw != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "%s: no memory", p->path);
    for (int64_t first = 0, n; first < p->count && status == ODEON_OK; first += n) {
        n = session_piece(p, first);
        status = safetensors_get(file, entry, (uint64_t)(first * width), (size_t)(n * width), raw);
        if (status == ODEON_OK) {
            status = base != NULL ? session_upload(&s->workers[0], base, p, first, n, raw)
                                  : session_upload_param(s, p, first, n, raw);
        }
    }
    mem_free(raw);
    return status;
}

static odeon_status restore_moments(session *s, const safetensors *file, const char *path,
                                    const param *p)
{
    for (int32_t m = 0; m < s->n_moments; m++) {
        const safetensors_entry *entry = NULL;
        char *name = moment_path(s, m, p);
        odeon_status status = find_exact(s, file, path, p, name, &entry);
        if (status == ODEON_OK) {
            status = restore_tensor(s, file, entry, p, s->moments[m].data);
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
        ODEON_TRY(restore_tensor(s, file, entry, p, NULL));
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

static odeon_status write_weights(session_tensors *x, safetensors_source source, void *context,
                                  int64_t step, const char *path)
{
    char number[24];
    const safetensors_meta meta[] = {{"format", "odeon"}, {"step", number}};
    (void)snprintf(number, sizeof number, "%" PRId64, step);
    return safetensors_write_from(path, x->n, x->entries, step != 0 ? 2 : 1, meta, source, context);
}

static odeon_status save_at_step(session *s, int64_t step, const char *path)
{
    session_tensors x;
    odeon_status status = session_tensors_list(s, false, &x);
    if (status == ODEON_OK) {
        status = write_weights(&x, session_tensors_read, &x, step, path);
    }
    session_tensors_fini(&x);
    return status;
}

odeon_status session_save(session *s, const char *path)
{
    return save_at_step(s, 0, path);
}

static odeon_status copy_all(session_copy *x)
{
    x->data = mem_zalloc(x->list.n, sizeof *x->data);
    for (size_t i = 0; i < x->list.n; i++) {
        size_t bytes = (size_t)x->list.entries[i].bytes;
        char *data = x->data != NULL ? mem_alloc(bytes) : NULL;
        if (data == NULL) {
            return diag_fail(ODEON_ERR_NOMEM, "no memory for a copy of the weights");
        }
        x->data[i] = data;
        for (size_t at = 0, n; at < bytes; at += n) {
            n = bytes - at < SAFETENSORS_PIECE_BYTES ? bytes - at : SAFETENSORS_PIECE_BYTES;
            ODEON_TRY(session_tensors_read(&x->list, i, at, n, data + at));
        }
    }
    return ODEON_OK;
}

odeon_status session_copy_take(session *s, session_copy *out)
{
    *out = (session_copy){.data = NULL};
    ODEON_TRY(session_tensors_list(s, false, &out->list));
    return copy_all(out);
}

void session_copy_fini(session_copy *x)
{
    for (size_t i = 0; i < x->list.n && x->data != NULL; i++) {
        mem_free(x->data[i]);
    }
    mem_free(x->data);
    session_tensors_fini(&x->list);
    *x = (session_copy){.data = NULL};
}

static odeon_status read_copy(void *context, size_t index, uint64_t offset, size_t bytes, void *out)
{
    const session_copy *x = context;
    memcpy(out, x->data[index] + offset, bytes);
    return ODEON_OK;
}

odeon_status session_copy_write(session_copy *x, session *s, int64_t step, const char *path)
{
    return x->data != NULL ? write_weights(&x->list, read_copy, x, step, path)
                           : save_at_step(s, step, path);
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

/* A tensor of a file while it becomes a parameter. */
typedef struct loading_tensor {
    const safetensors *file;
    const char *path;
    const safetensors_entry *entry;
    bool has_warned;
} loading_tensor;

/* No failure: a step that failed is repeated with the weights that it had. */
static void warn_of_nan(loading_tensor *l, const param *p, int64_t first, int64_t n,
                        const double *values)
{
    for (int64_t i = 0; i < n && !l->has_warned; i++) {
        if (!isfinite(values[i])) {
            diag_log(ODEON_LOG_WARNING,
                     "%s: tensor '%s' holds %g (element %lld): the run that wrote it had failed",
                     l->path, p->path, values[i], (long long)(first + i));
            l->has_warned = true;
        }
    }
}

/* The element's own bytes lie at the end of the memory that the numbers fill, so that each is read
 * before the number in its place is written: no element is wider than a double. */
static odeon_status file_numbers(void *context, const param *p, int64_t first, int64_t n,
                                 double *out)
{
    loading_tensor *l = context;
    int64_t width = odeon_dtype_bytes(l->entry->dtype);
    char *raw = (char *)out + n * ((int64_t)sizeof *out - width);
    ODEON_TRY(
        safetensors_get(l->file, l->entry, (uint64_t)(first * width), (size_t)(n * width), raw));
    ODEON_TRY(safetensors_convert(l->entry, raw, n, out));
    warn_of_nan(l, p, first, n, out);
    return ODEON_OK;
}

static odeon_status find_loadable(const session *s, const safetensors *file, const char *path,
                                  const param *p, const safetensors_entry **out)
{
    const safetensors_entry *entry = *out = safetensors_find(file, p->path);
    (void)s;
    if (entry == NULL) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s: tensor '%s' is missing: are these the weights of "
                         "another model?",
                         path, p->path);
    }
    ODEON_TRY(same_shape(p, entry, path));
    return entry->dtype == ODEON_DTYPE_F32 || entry->dtype == ODEON_DTYPE_F64
               ? ODEON_OK
               : diag_fail(ODEON_ERR_DATA, "%s: tensor '%s' is neither F32 nor F64", path, p->path);
}

static odeon_status load_one(session *s, const safetensors *file, const char *path, size_t index)
{
    const param *p = &s->params.list[index];
    loading_tensor l = {.file = file, .path = path};
    ODEON_TRY(find_loadable(s, file, path, p, &l.entry));
    return session_set_param(s, p, file_numbers, &l);
}

static odeon_status load_all(session *s, const safetensors *file, const char *path)
{
    odeon_status status = s->is_flow ? ODEON_OK : refuse_strangers(s, file, path);
    for (size_t i = 0; i < s->params.n && status == ODEON_OK; i++) {
        status = load_one(s, file, path, i);
    }
    return status;
}

/* A file of weights that a user names, or the one that a run's folder stands for. */
typedef struct weights_file {
    char *path;
    safetensors *tensors;
} weights_file;

static void close_weights(weights_file *w)
{
    safetensors_destroy(w->tensors);
    mem_free(w->path);
    *w = (weights_file){.path = NULL};
}

static odeon_status check_sum(const char *path)
{
    checkpoint_file *file = NULL;
    ODEON_TRY(checkpoint_open(path, &file));
    checkpoint_close(file);
    return ODEON_OK;
}

/* The weights of a checkpoint are as good as others, if it is sound. */
static odeon_status open_weights(const char *path, weights_file *out)
{
    *out = (weights_file){.path = NULL};
    odeon_status status = run_folder_find_weights(path, &out->path);
    if (status == ODEON_OK) {
        status = safetensors_open(out->path, &out->tensors);
    }
    if (status == ODEON_OK && checkpoint_is_one(out->tensors)) {
        status = check_sum(out->path);
    }
    if (status != ODEON_OK) {
        close_weights(out);
    }
    return status;
}

odeon_status session_load(session *s, const char *path)
{
    weights_file w;
    ODEON_TRY(open_weights(path, &w));
    odeon_status status = load_all(s, w.tensors, w.path);
    close_weights(&w);
    return status;
}

/* ---- without memory for them ---- */

/* As session_load would, into nowhere. */
static odeon_status look_at(const session *s, const safetensors *file, const char *path,
                            const param *p, double *values)
{
    loading_tensor l = {.file = file, .path = path};
    ODEON_TRY(find_loadable(s, file, path, p, &l.entry));
    for (int64_t first = 0, n; first < p->count; first += n) {
        n = session_piece(p, first);
        ODEON_TRY(file_numbers(&l, p, first, n, values));
    }
    return ODEON_OK;
}

odeon_status session_check_weights(const session *s, const char *path)
{
    weights_file w;
    ODEON_TRY(open_weights(path, &w));
    double *values = mem_alloc(SESSION_PIECE * sizeof *values);
    odeon_status status =
        values != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
    if (status == ODEON_OK && !s->is_flow) {
        status = refuse_strangers(s, w.tensors, w.path);
    }
    for (size_t i = 0; i < s->params.n && status == ODEON_OK; i++) {
        status = look_at(s, w.tensors, w.path, &s->params.list[i], values);
    }
    close_weights(&w);
    mem_free(values);
    return status;
}

/* ---- what a run begins with ---- */

odeon_status session_initial_numbers(void *context, const param *p, int64_t first, int64_t n,
                                     double *out)
{
    const session *s = context;
    params_initial(p, s->config->seed, first, n, out);
    return ODEON_OK;
}

odeon_status session_start_list(session *s, session_tensors *out)
{
    weights_file w = {.path = NULL};
    ODEON_TRY(session_tensors_list(s, true, out));
    ODEON_TRY(s->config->weights != NULL ? open_weights(s->config->weights, &w) : ODEON_OK);
    out->weights = w.tensors;
    mem_free(w.path);
    return ODEON_OK;
}

static odeon_status start_numbers(session *s, const safetensors *weights, const param *p,
                                  int64_t first, int64_t n, double *out)
{
    if (weights == NULL) {
        return session_initial_numbers(s, p, first, n, out);
    }
    loading_tensor l = {.file = weights, .path = s->config->weights, .has_warned = true};
    ODEON_TRY(find_loadable(s, weights, l.path, p, &l.entry));
    return file_numbers(&l, p, first, n, out);
}

odeon_status session_start_read(void *list, size_t index, uint64_t offset, size_t bytes, void *out)
{
    const session_tensors *x = list;
    session *s = x->session;
    const session_tensor *from = &x->sources[index];
    const param *p = &s->params.list[from->parameter];
    int64_t width = odeon_dtype_bytes(s->config->dtype), end = (int64_t)(offset + bytes) / width;
    if (from->moment >= 0) {
        memset(out, 0, bytes);
        return ODEON_OK;
    }
    double values[1024];
    char *to = out;
    for (int64_t first = (int64_t)offset / width, n; first < end; first += n) {
        n = end - first < 1024 ? end - first : 1024;
        ODEON_TRY(start_numbers(s, x->weights, p, first, n, values));
        session_narrow(s, values, n, to);
        to += n * width;
    }
    return ODEON_OK;
}
