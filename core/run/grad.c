/* A batch, differentiated, as a file: the means by which a gradient is compared with one from
 * elsewhere. Everything is written that could differ: output, loss, gradient of the input and of
 * every parameter, and as metadata what the solver did. */
#include "run/grad.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "data/batch_file.h"
#include "format/safetensors.h"
#include "format/safetensors_write.h"
#include "odeon/layer.h"
#include "session/describe.h"
#include "session/parameters.h"
#include "session/result.h"
#include "session/run_batch.h"

/* ---- the batch ---- */

odeon_status grad_batch_read(const char *path, const odeon_shape *input, const data_fields *fields,
                             grad_batch *out)
{
    *out = (grad_batch){.n = 0};
    ODEON_TRY(batch_file_read(path, input, fields, &out->n, out->field));
    const double *field[DATA_ROLES];
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        field[role] = out->field[role];
    }
    return batch_file_check(path, fields, out->n, input, field);
}

void grad_batch_fini(grad_batch *batch)
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        mem_free(batch->field[role]);
    }
    *batch = (grad_batch){.n = 0};
}

/* ---- the file ---- */

/* Entries and metadata under construction; owns names, data and texts. */
typedef struct grad_file {
    uint32_t dtype;
    size_t n, n_meta;
    safetensors_entry *entries;
    safetensors_meta *meta;
    char **owned; /* everything to be freed, n_owned of it */
    size_t n_owned;
} grad_file;

enum { COUNTERS = 6 }; /* of a block */

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "grad: no memory for the results");
}

/* Everything that the file's entries point to is freed in one place, whether or not all of it could
 * be made. */
static char *own(grad_file *f, char *text)
{
    f->owned[f->n_owned++] = text; /* NULL is no harm */
    return text;
}

/* Room for all tensors (output, loss, gradient of x, and the parameters) and all metadata is asked
 * for at once, so that adding needs no growth. */
static odeon_status file_init(grad_file *f, const session *s, uint32_t dtype,
                              const session_result *result)
{
    size_t tensors = session_parameters(s) + 3;
    size_t metas = 1 + session_metric_count(s) + COUNTERS * result->n_blocks;
    *f = (grad_file){.dtype = dtype};
    f->entries = mem_zalloc(tensors, sizeof *f->entries);
    f->meta = mem_zalloc(metas, sizeof *f->meta);
    f->owned = mem_zalloc(2 * (tensors + metas), sizeof *f->owned);
    return f->entries != NULL && f->meta != NULL && f->owned != NULL ? ODEON_OK : no_memory();
}

static void file_fini(grad_file *f)
{
    for (size_t i = 0; i < f->n_owned; i++) {
        mem_free(f->owned[i]);
    }
    mem_free(f->entries);
    mem_free(f->meta);
    mem_free(f->owned);
}

/* Adds values under a name that is taken over; converts them to the file's dtype. */
static odeon_status add_tensor(grad_file *f, char *name, int32_t ndim, const int64_t *dim,
                               const double *values)
{
    safetensors_entry *e = &f->entries[f->n];
    *e = (safetensors_entry){.name = own(f, name), .dtype = f->dtype, .ndim = ndim};
    int64_t count = 1;
    for (int32_t i = 0; i < ndim; i++) {
        e->dim[i] = dim[i];
        count *= dim[i];
    }
    e->bytes = (uint64_t)(count * odeon_dtype_bytes(f->dtype));
    void *data = own(f, mem_alloc(e->bytes));
    if (name == NULL || data == NULL) {
        return no_memory();
    }
    if (f->dtype == ODEON_DTYPE_F64) {
        memcpy(data, values, e->bytes);
    } else {
        for (int64_t i = 0; i < count; i++) {
            ((float *)data)[i] = (float)values[i];
        }
    }
    e->data = data;
    f->n++;
    return ODEON_OK;
}

/* key and value are taken over, NULL for want of memory. */
static odeon_status add_meta(grad_file *f, char *key, char *value)
{
    f->meta[f->n_meta++] = (safetensors_meta){own(f, key), own(f, value)};
    return key != NULL && value != NULL ? ODEON_OK : no_memory();
}

/* "grad.PATH" of every parameter that is trained, one after the other, so that only one is held as
 * double. */
static odeon_status add_gradients(grad_file *f, session *s)
{
    for (size_t i = 0; i < session_parameters(s); i++) {
        session_parameter p = session_parameter_at(s, i);
        if (p.role == ODEON_PARAM_STATE) {
            continue;
        }
        double *values = mem_zalloc((size_t)p.count, sizeof *values);
        odeon_status status = values != NULL ? session_gradient_get(s, i, values) : no_memory();
        if (status == ODEON_OK) {
            status = add_tensor(f, mem_printf("grad.%s", p.path), p.ndim, p.dim, values);
        }
        mem_free(values);
        ODEON_TRY(status);
    }
    return ODEON_OK;
}

/* Counters go into metadata: they are no result, but tell whether two programs have made the same
 * steps. */
static odeon_status add_block(grad_file *f, const ode_counters *b)
{
    const struct {
        const char *name;
        int64_t value;
    } counters[COUNTERS] = {
        {"evals_forward", b->evals_forward},
        {"evals_backward", b->evals_backward},
        {"accepted", b->accepted},
        {"rejected", b->rejected},
        {"accepted_backward", b->accepted_backward},
        {"rejected_backward", b->rejected_backward},
    };
    for (size_t i = 0; i < COUNTERS; i++) {
        ODEON_TRY(add_meta(f, mem_printf("%s.%s", b->path, counters[i].name),
                           mem_printf("%" PRId64, counters[i].value)));
    }
    return ODEON_OK;
}

/* Metadata are text: 17 digits bring back the same double. The loss is a tensor as well, without
 * dimensions. */
static odeon_status add_numbers(grad_file *f, const session *s, const session_result *result)
{
    ODEON_TRY(add_meta(f, mem_strdup("loss"), mem_printf("%.17g", number_plain(result->loss))));
    for (size_t i = 0; i < session_metric_count(s); i++) {
        ODEON_TRY(add_meta(f, mem_strdup(session_metric_names(s)[i]),
                           mem_printf("%.17g", number_plain(result->metrics[i]))));
    }
    for (size_t i = 0; i < result->n_blocks; i++) {
        ODEON_TRY(add_block(f, &result->blocks[i]));
    }
    return add_tensor(f, mem_strdup("loss"), 0, NULL, &result->loss);
}

/* Tensors in the order in which they are of interest; output [n, ...] and d_x [n, in] are the
 * caller's. */
static odeon_status fill(grad_file *f, session *s, const grad_batch *batch, const double *output,
                         const double *d_x, const session_result *result)
{
    odeon_shape input = session_input(s), out = session_output(s);
    input.dim[0] = out.dim[0] = batch->n;
    ODEON_TRY(add_tensor(f, mem_strdup("output"), out.ndim, out.dim, output));
    ODEON_TRY(add_tensor(f, mem_strdup("grad.x"), input.ndim, input.dim, d_x));
    ODEON_TRY(add_numbers(f, s, result));
    return add_gradients(f, s);
}

/* The session adds the gradients up over all workers; here they are read from the first. */
odeon_status grad_write(session *s, const grad_batch *batch, uint32_t dtype, const char *path,
                        session_result *result)
{
    grad_file f = {.dtype = dtype};
    size_t n = (size_t)batch->n;
    odeon_shape input = session_input(s);
    double *output = mem_zalloc(n * (size_t)session_output_size(s), sizeof *output);
    double *d_x = mem_zalloc(n * (size_t)odeon_count(&input), sizeof *d_x);
    odeon_status status = output != NULL && d_x != NULL ? ODEON_OK : no_memory();
    if (status == ODEON_OK) {
        const double *given[DATA_ROLES];
        for (int32_t role = 0; role < DATA_ROLES; role++) {
            given[role] = batch->field[role];
        }
        status = session_differentiate(s, batch->n, given, output, d_x, result);
    }
    if (status == ODEON_OK) {
        status = file_init(&f, s, dtype, result);
    }
    if (status == ODEON_OK) {
        status = fill(&f, s, batch, output, d_x, result);
    }
    if (status == ODEON_OK) {
        status = safetensors_write_output(path, f.n, f.entries, f.n_meta, f.meta);
    }
    file_fini(&f);
    mem_free(output);
    mem_free(d_x);
    return status;
}
