/* Where weights come from: a file as session_save writes it, a checkpoint, or a run's folder that
 * stands for its newest ones. Tensors are read in pieces while they go to the device, so that a
 * file may be larger than the host's memory. */
#include "session/weights_file.h"

#include <math.h>

#include "base/diag.h"
#include "base/mem.h"
#include "format/checkpoint.h"
#include "format/run_folder.h"
#include "odeon/host.h"
#include "session/snapshot.h"

/* Takes {0}, and leaves it. */
void weights_file_close(weights_file *f)
{
    safetensors_destroy(f->tensors);
    mem_free(f->path);
    *f = (weights_file){.path = NULL};
}

/* Of weights alone nobody has taken a sum; a checkpoint has one over everything in it. */
static odeon_status check_sum(const char *path)
{
    checkpoint_file *file = NULL;
    ODEON_TRY(checkpoint_open(path, &file));
    checkpoint_close(file);
    return ODEON_OK;
}

/* The weights of a checkpoint are as good as others, if it is sound. */
odeon_status weights_file_open(const char *path, weights_file *out)
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
        weights_file_close(out);
    }
    return status;
}

/* Whether the file may hold tensors beside the model's is not decided here: a model that ends with
 * its ODE block takes the whole model's file. */
odeon_status weights_tensor_find(const safetensors *file, const char *path, const param *p,
                                 weights_tensor *out)
{
    const safetensors_entry *entry = safetensors_find(file, p->path);
    *out = (weights_tensor){.file = file, .path = path, .entry = entry};
    if (entry == NULL) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s: tensor '%s' is missing: are these the weights of "
                         "another model?",
                         path, p->path);
    }
    ODEON_TRY(snapshot_check_shape(p, entry, path));
    return entry->dtype == ODEON_DTYPE_F32 || entry->dtype == ODEON_DTYPE_F64
               ? ODEON_OK
               : diag_fail(ODEON_ERR_DATA, "%s: tensor '%s' is neither F32 nor F64", path, p->path);
}

/* No failure: a step that failed is repeated with the weights that it had. */
static void warn_of_nan(weights_tensor *l, const param *p, int64_t first, int64_t n,
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
odeon_status weights_tensor_numbers(void *context, const param *p, int64_t first, int64_t n,
                                    double *out)
{
    weights_tensor *l = context;
    int64_t width = odeon_dtype_bytes(l->entry->dtype);
    char *raw = (char *)out + n * ((int64_t)sizeof *out - width);
    ODEON_TRY(
        safetensors_get(l->file, l->entry, (uint64_t)(first * width), (size_t)(n * width), raw));
    ODEON_TRY(safetensors_convert(l->entry, raw, n, out));
    warn_of_nan(l, p, first, n, out);
    return ODEON_OK;
}
