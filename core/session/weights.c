/* Weights in a file are what a network is outside of its run: parameters and running state by path,
 * without the optimizer's moments. They are converted between float32 and float64 as needed, and
 * otherwise must fit the model exactly, for a tensor that is silently left out would be a network
 * that nobody has trained. */
#include "session/weights.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "format/checkpoint.h"
#include "session/transfer.h"
#include "session/weights_file.h"

/* ---- to a file ---- */

/* Of x's tensors, whose data source gives when it is asked. The step stands in the metadata of
 * weights-best of a run that tests by the clock, and nowhere else, so that equal weights are equal
 * files. */
static odeon_status write_weights(const session *s, session_tensors *x, safetensors_source source,
                                  void *context, int64_t step, const char *path)
{
    char number[24];
    safetensors_meta meta[3] = {{"format", "odeon"}};
    size_t n = 1;
    (void)snprintf(number, sizeof number, "%" PRId64, step);
    if (step != 0) {
        meta[n++] = (safetensors_meta){"step", number};
    }
    if (s->model.fitted != NULL) {
        meta[n++] = (safetensors_meta){FITTED_KEY, s->model.fitted};
    }
    return safetensors_write_from(path, x->n, x->entries, n, meta, source, context);
}

static odeon_status save_at_step(session *s, int64_t step, const char *path)
{
    session_tensors x;
    odeon_status status = session_tensors_list(s, false, &x);
    if (status == ODEON_OK) {
        status = write_weights(s, &x, session_tensors_read, &x, step, path);
    }
    session_tensors_fini(&x);
    return status;
}

const char *session_fitted(const session *s)
{
    return s->model.fitted;
}

odeon_status session_save(session *s, const char *path)
{
    return save_at_step(s, 0, path);
}

/* In the same chunks as a file is written, so that the device is asked for the same ranges. */
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

/* What fails half way is for session_copy_fini. */
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

/* A safetensors_source of a copy, as session_tensors_read is one of the session. */
static odeon_status read_copy(void *context, size_t index, uint64_t offset, size_t bytes, void *out)
{
    const session_copy *x = context;
    memcpy(out, x->data[index] + offset, bytes);
    return ODEON_OK;
}

/* Without a copy the session itself is written, so that a caller who could not afford one need not
 * know. */
odeon_status session_copy_write(session_copy *x, session *s, int64_t step, const char *path)
{
    return x->data != NULL ? write_weights(s, &x->list, read_copy, x, step, path)
                           : save_at_step(s, step, path);
}

/* ---- from a file ---- */

/* Every tensor of the file must be one of ours; that every one of ours is there shows in loading.
 */
static odeon_status refuse_strangers(const session *s, const safetensors *file, const char *path)
{
    bool is_checkpoint = checkpoint_is_one(file);
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const char *name = safetensors_at(file, i)->name;
        if (is_checkpoint && strncmp(name, SNAPSHOT_MOMENTS, sizeof SNAPSHOT_MOMENTS - 1) == 0) {
            continue;
        }
        if (params_find(&s->model.params, name) == s->model.params.n) {
            return diag_fail(ODEON_ERR_DATA,
                             "%s: tensor '%s' belongs to no layer of this model: "
                             "are these the weights of another one?",
                             path, name);
        }
    }
    return ODEON_OK;
}

/* On failure the parameter may hold numbers of both; the session is of no use then, and its callers
 * give it up. */
static odeon_status load_one(session *s, const safetensors *file, const char *path, size_t index)
{
    const param *p = &s->model.params.list[index];
    weights_tensor l;
    ODEON_TRY(weights_tensor_find(file, path, p, &l));
    return transfer_set(s, p, weights_tensor_numbers, &l);
}

/* What belongs to no layer is refused before anything is set: then the session is as it was. */
static odeon_status load_all(session *s, const safetensors *file, const char *path)
{
    odeon_status status = s->model.until_ode ? ODEON_OK : refuse_strangers(s, file, path);
    for (size_t i = 0; i < s->model.params.n && status == ODEON_OK; i++) {
        status = load_one(s, file, path, i);
    }
    return status;
}

/* A model that was loaded half way, because the file ended or did not fit, is given up by all
 * callers. */
odeon_status session_load(session *s, const char *path)
{
    weights_file w;
    ODEON_TRY(weights_file_open(path, &w));
    odeon_status status = load_all(s, w.tensors, w.path);
    weights_file_close(&w);
    return status;
}

/* ---- without memory for them ---- */

/* As session_load would, into nowhere. */
static odeon_status check_tensor(const safetensors *file, const char *path, const param *p,
                                 double *values)
{
    weights_tensor l;
    ODEON_TRY(weights_tensor_find(file, path, p, &l));
    for (int64_t first = 0, n; first < p->count; first += n) {
        n = transfer_chunk(p, first);
        ODEON_TRY(weights_tensor_numbers(&l, p, first, n, values));
    }
    return ODEON_OK;
}

/* Each tensor is read and converted as session_load would, into a chunk that is thrown away. */
odeon_status session_check_weights(const session *s, const char *path)
{
    weights_file w;
    ODEON_TRY(weights_file_open(path, &w));
    double *values = mem_alloc(TRANSFER_CHUNK * sizeof *values);
    odeon_status status =
        values != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
    if (status == ODEON_OK && !s->model.until_ode) {
        status = refuse_strangers(s, w.tensors, w.path);
    }
    for (size_t i = 0; i < s->model.params.n && status == ODEON_OK; i++) {
        status = check_tensor(w.tensors, w.path, &s->model.params.list[i], values);
    }
    weights_file_close(&w);
    mem_free(values);
    return status;
}
