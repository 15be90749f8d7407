#include "grad.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "diag.h"
#include "mem.h"
#include "safetensors.h"
#include "summary.h"

/* ---- the batch ---- */

static bool same_shape(const safetensors_entry *x, const odeon_tensor *input)
{
    bool same = x->ndim == input->ndim;
    for (int32_t i = 1; same && i < input->ndim; i++) {
        same = x->dim[i] == input->dim[i];
    }
    return same;
}

static odeon_status read_x(const char *path, const safetensors *file, const odeon_tensor *input,
                           grad_batch *out)
{
    const safetensors_entry *x = safetensors_find(file, "x");
    if (x == NULL || (x->dtype != ODEON_DTYPE_F32 && x->dtype != ODEON_DTYPE_F64)) {
        return diag_fail(ODEON_ERR_DATA, "%s: no tensor x of F32 or F64", path);
    }
    if (!same_shape(x, input)) {
        char have[128], want[128];
        summary_shape(x->ndim, x->dim, have);
        summary_shape(input->ndim - 1, input->dim + 1, want);
        return diag_fail(ODEON_ERR_DATA, "%s: x is %s, but samples are %s, so it must be Nx%s",
                         path, have, want, want);
    }
    if (x->dim[0] == 0) {
        return diag_fail(ODEON_ERR_DATA, "%s: x holds no sample", path);
    }
    out->n = x->dim[0];
    out->x = mem_zalloc((size_t)safetensors_elements(x), sizeof *out->x);
    if (out->x == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for x", path);
    }
    return safetensors_as_f64(x, out->x);
}

static odeon_status take_labels(const char *path, const double *y, int64_t classes, int64_t n,
                                int64_t *out)
{
    for (int64_t i = 0; i < n; i++) {
        if (!(y[i] >= 0.0 && y[i] < (double)classes && y[i] == floor(y[i]))) {
            return diag_fail(ODEON_ERR_DATA, "%s: y[%" PRId64 "] is %g, expected 0 to %" PRId64,
                             path, i, y[i], classes - 1);
        }
        out[i] = (int64_t)y[i];
    }
    return ODEON_OK;
}

odeon_status grad_labels_read(const char *path, const safetensors *file, int64_t classes, int64_t n,
                              int64_t **out)
{
    const safetensors_entry *y = safetensors_find(file, "y");
    *out = NULL;
    if (y == NULL || y->ndim != 1 || y->dim[0] != n) {
        return diag_fail(ODEON_ERR_DATA, "%s: no tensor y of %" PRId64 " labels, one a sample of x",
                         path, n);
    }
    double *values = mem_zalloc((size_t)n, sizeof *values);
    int64_t *labels = mem_zalloc((size_t)n, sizeof *labels);
    odeon_status status = ODEON_OK;
    if (values == NULL || labels == NULL) {
        status = diag_fail(ODEON_ERR_NOMEM, "%s: no memory for y", path);
    }
    if (status == ODEON_OK) {
        status = safetensors_as_f64(y, values);
    }
    if (status == ODEON_OK) {
        status = take_labels(path, values, classes, n, labels);
    }
    mem_free(values);
    if (status != ODEON_OK) {
        mem_free(labels);
        return status;
    }
    *out = labels;
    return ODEON_OK;
}

odeon_status grad_batch_read(const char *path, const odeon_tensor *input, int64_t classes,
                             grad_batch *out)
{
    *out = (grad_batch){.n = 0};
    safetensors *file = NULL;
    ODEON_TRY(safetensors_read(path, &file));
    odeon_status status = read_x(path, file, input, out);
    if (status == ODEON_OK) {
        status = grad_labels_read(path, file, classes, out->n, &out->labels);
    }
    safetensors_destroy(file);
    return status;
}

void grad_batch_fini(grad_batch *batch)
{
    mem_free(batch->x);
    mem_free(batch->labels);
    *batch = (grad_batch){.n = 0};
}

/* ---- the file ---- */

/* Entries and metadata under construction; owns names, data and texts. */
typedef struct grad_file {
    int32_t dtype;
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

static char *own(grad_file *f, char *text)
{
    f->owned[f->n_owned++] = text; /* NULL is no harm */
    return text;
}

static odeon_status file_init(grad_file *f, const session *s, int32_t dtype,
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

static odeon_status add_meta(grad_file *f, char *key, char *value)
{
    f->meta[f->n_meta++] = (safetensors_meta){own(f, key), own(f, value)};
    return key != NULL && value != NULL ? ODEON_OK : no_memory();
}

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

static odeon_status add_block(grad_file *f, const metrics_block *b)
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

static odeon_status add_numbers(grad_file *f, const session *s, const session_result *result)
{
    ODEON_TRY(add_meta(f, mem_strdup("loss"), mem_printf("%.17g", result->loss)));
    for (size_t i = 0; i < session_metric_count(s); i++) {
        ODEON_TRY(add_meta(f, mem_strdup(session_metric_names(s)[i]),
                           mem_printf("%.17g", result->metrics[i])));
    }
    for (size_t i = 0; i < result->n_blocks; i++) {
        ODEON_TRY(add_block(f, &result->blocks[i]));
    }
    return add_tensor(f, mem_strdup("loss"), 0, NULL, &result->loss);
}

/* The shape of the network's output for n samples. */
static int32_t output_shape(const session *s, int64_t n, int64_t *dim)
{
    session_layer last = {.ndim = 0};
    for (size_t i = 0; i < session_layer_count(s); i++) {
        session_layer layer = session_layer_at(s, i);
        last = layer.depth == 0 ? layer : last;
    }
    dim[0] = n;
    memcpy(dim + 1, last.dim, sizeof last.dim);
    return last.ndim + 1;
}

static odeon_status fill(grad_file *f, session *s, const grad_batch *batch, const double *output,
                         const double *d_x, const session_result *result)
{
    int64_t dim[ODEON_MAX_DIMS];
    int32_t ndim = output_shape(s, batch->n, dim);
    ODEON_TRY(add_tensor(f, mem_strdup("output"), ndim, dim, output));
    odeon_tensor input = session_input(s);
    input.dim[0] = batch->n;
    ODEON_TRY(add_tensor(f, mem_strdup("grad.x"), input.ndim, input.dim, d_x));
    ODEON_TRY(add_numbers(f, s, result));
    return add_gradients(f, s);
}

odeon_status grad_write(session *s, const grad_batch *batch, int32_t dtype, const char *path,
                        session_result *result)
{
    grad_file f = {.dtype = dtype};
    size_t n = (size_t)batch->n;
    odeon_tensor input = session_input(s);
    double *output = mem_zalloc(n * (size_t)session_output_size(s), sizeof *output);
    double *d_x = mem_zalloc(n * (size_t)odeon_count(&input), sizeof *d_x);
    odeon_status status = output != NULL && d_x != NULL ? ODEON_OK : no_memory();
    if (status == ODEON_OK) {
        status = session_differentiate(s, batch->n, batch->x, batch->labels, output, d_x, result);
    }
    if (status == ODEON_OK) {
        status = file_init(&f, s, dtype, result);
    }
    if (status == ODEON_OK) {
        status = fill(&f, s, batch, output, d_x, result);
    }
    if (status == ODEON_OK) {
        status = safetensors_write(path, f.n, f.entries, f.n_meta, f.meta);
    }
    file_fini(&f);
    mem_free(output);
    mem_free(d_x);
    return status;
}
