/* The state of a run before its first step, made anew from what it was made of. It exists for the
 * run whose device is lost before there was any checkpoint: what the session holds can then not be
 * read, but its seed or its file of weights still says what it began with. */
#include "session/start.h"

#include <string.h>

#include "base/mem.h"
#include "session/transfer.h"
#include "session/weights_file.h"

/* The seed and the parameter's path determine each number, so any part of a tensor can be asked
 * for, in any order, by any number of workers. */
odeon_status start_numbers(void *context, const param *p, int64_t first, int64_t n, double *out)
{
    const session *s = context;
    params_initial(p, s->model.config->seed, first, n, out);
    return ODEON_OK;
}

/* The list owns the opened file, which session_start_read reads from piece by piece. */
odeon_status session_start_list(session *s, session_tensors *out)
{
    weights_file w = {.path = NULL};
    ODEON_TRY(session_tensors_list(s, true, out));
    ODEON_TRY(s->model.config->weights != NULL ? weights_file_open(s->model.config->weights, &w)
                                               : ODEON_OK);
    out->weights = w.tensors;
    mem_free(w.path);
    return ODEON_OK;
}

/* The file has warned of numbers that are not finite when it was loaded. */
static odeon_status numbers_of(const session *s, const safetensors *weights, const param *p,
                               int64_t first, int64_t n, double *out)
{
    weights_tensor l;
    if (weights == NULL) {
        params_initial(p, s->model.config->seed, first, n, out);
        return ODEON_OK;
    }
    ODEON_TRY(weights_tensor_find(weights, s->model.config->weights, p, &l));
    l.has_warned = true;
    return weights_tensor_numbers(&l, p, first, n, out);
}

/* Through a small array on the stack, since this runs where memory may have run out. */
odeon_status session_start_read(void *list, size_t index, uint64_t offset, size_t bytes, void *out)
{
    const session_tensors *x = list;
    const session *s = x->session;
    const session_tensor *from = &x->sources[index];
    const param *p = &s->model.params.list[from->parameter];
    int64_t width = odeon_dtype_bytes(s->model.config->dtype),
            end = (int64_t)(offset + bytes) / width;
    if (from->moment >= 0 && from->moment < s->model.n_own) { /* the mean is of the weights */
        memset(out, 0, bytes);
        return ODEON_OK;
    }
    double values[1024];
    char *to = out;
    for (int64_t first = (int64_t)offset / width, n; first < end; first += n) {
        n = end - first < 1024 ? end - first : 1024;
        ODEON_TRY(numbers_of(s, x->weights, p, first, n, values));
        transfer_narrow(s, values, n, to);
        to += n * width;
    }
    return ODEON_OK;
}
