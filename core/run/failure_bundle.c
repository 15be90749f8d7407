/* A failed batch with everything that its numbers depend on: fields, weights, configuration,
 * position in the run. It is written where the failure happened and read elsewhere, so that a
 * failure that took hours to come is repeated in a second.
 *
 * Written from what the session kept (failure.h), in the dtype of the run: a repetition starts from
 * the same bits. */
#include "run/failure_bundle.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/path.h"
#include "data/batch_file.h"
#include "format/safetensors.h"
#include "format/safetensors_write.h"
#include "session/describe.h"
#include "session/failed_batch.h"
#include "session/failure.h"
#include "session/weights.h"

/* folder or file: where the memory was wanted. */
static odeon_status no_memory(const char *folder)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", folder);
}

/* ---- writing ---- */

/* A file of the folder, whole or not at all. */
static odeon_status put_text(const char *folder, const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", folder, name);
    odeon_status status =
        path != NULL ? atomic_file_put(path, text, strlen(text)) : no_memory(folder);
    mem_free(path);
    return status;
}

/* Those of before the batch. */
static odeon_status put_weights(session *s, const char *folder)
{
    char *path = mem_printf("%s/" BUNDLE_WEIGHTS, folder);
    odeon_status status = path != NULL ? session_save_failed(s, path) : no_memory(folder);
    mem_free(path);
    return status;
}

enum { N_KEYS = 7, SCHEDULES = 6 }; /* the last is there where keys followed schedules */

/* "0.5 1"; NULL without memory. */
static char *print_factors(const session_batch *b)
{
    text_buffer text = {0};
    for (size_t i = 0; i < b->n_factors; i++) {
        char number[NUMBER_TEXT_BYTES];
        number_print_f64(b->factors[i], number);
        text_printf(&text, "%s%s", i > 0 ? " " : "", number);
    }
    text_add(&text, "");
    if (text.failed) {
        text_fini(&text);
    }
    return text.data;
}

/* The numbers that a batch's random streams and sums depend on. The values are the caller's. */
static odeon_status make_keys(const session *s, const config *c, const session_batch *b,
                              const char *folder, char *values[N_KEYS])
{
    values[0] = mem_strdup(b->training ? "train" : "test");
    values[1] = mem_printf("%" PRIu64, c->seed);
    values[2] = mem_printf("%" PRId64, b->epoch);
    values[3] = mem_printf("%" PRId64, b->step);
    values[4] = mem_printf("%d", (int)session_workers(s));
    values[5] = mem_printf("%" PRId64, b->offset);
    values[SCHEDULES] = b->n_factors > 0 ? print_factors(b) : mem_strdup("");
    for (size_t i = 0; i < N_KEYS; i++) {
        if (values[i] == NULL) {
            return no_memory(folder);
        }
    }
    return ODEON_OK;
}

/* What a file is made of; tensors own their data. */
typedef struct batch_entries {
    size_t n;
    safetensors_entry list[DATA_ROLES + 1];
    void *data[DATA_ROLES];
} batch_entries;

/* Numbers as dtype holds them: nothing is lost. NULL without memory. */
static void *narrow(const double *x, int64_t count, uint32_t dtype)
{
    void *out = mem_zalloc((size_t)count, (size_t)odeon_dtype_bytes(dtype));
    for (int64_t i = 0; i < count && out != NULL; i++) {
        if (dtype == ODEON_DTYPE_F32) {
            ((float *)out)[i] = (float)x[i];
        } else if (dtype == ODEON_DTYPE_I64) {
            ((int64_t *)out)[i] = (int64_t)x[i];
        } else {
            ((double *)out)[i] = x[i];
        }
    }
    return out;
}

/* In the dtype in which the run had the numbers, so that a repetition has them to the bit. */
static odeon_status add_field(session *s, const config *c, const session_batch *b, int32_t role,
                              const char *path, batch_entries *out)
{
    const data_fields *fields = session_fields(s);
    uint32_t dtype = batch_file_dtype(fields, role, c->dtype);
    odeon_shape shape =
        role == ODEON_ROLE_INPUT ? session_input(s) : data_field_shape(fields, role, b->n, dtype);
    shape.dim[0] = b->n;
    int64_t count = odeon_count(&shape);
    void *data = out->data[role] = narrow(b->field[role], count, dtype);
    if (data == NULL) {
        return no_memory(path);
    }
    safetensors_entry *e = &out->list[out->n++];
    *e = (safetensors_entry){.name = batch_file_name(role),
                             .dtype = dtype,
                             .ndim = shape.ndim,
                             .data = data,
                             .bytes = (uint64_t)(count * odeon_dtype_bytes(dtype))};
    memcpy(e->dim, shape.dim, sizeof shape.dim);
    return ODEON_OK;
}

/* The indices tell only where the samples came from; a repetition does not need the data set. */
static odeon_status put_entries(session *s, const config *c, const session_batch *b,
                                const char *path, const safetensors_meta *meta)
{
    batch_entries entries = {.n = 0};
    odeon_status status = ODEON_OK;
    for (int32_t role = 0; role < DATA_ROLES && status == ODEON_OK; role++) {
        if (b->field[role] != NULL) {
            status = add_field(s, c, b, role, path, &entries);
        }
    }
    if (b->indices != NULL) {
        entries.list[entries.n++] =
            (safetensors_entry){.name = "indices",
                                .dtype = ODEON_DTYPE_I64,
                                .ndim = 1,
                                .dim = {b->n},
                                .data = b->indices,
                                .bytes = (uint64_t)b->n * sizeof *b->indices};
    }
    if (status == ODEON_OK) {
        status = safetensors_write(path, entries.n, entries.list,
                                   b->n_factors > 0 ? N_KEYS : SCHEDULES, meta);
    }
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        mem_free(entries.data[role]);
    }
    return status;
}

/* Released here, whatever was made of the keys. */
static odeon_status put_batch(session *s, const config *c, const session_batch *b, const char *path)
{
    char *values[N_KEYS];
    odeon_status status = make_keys(s, c, b, path, values);
    if (status == ODEON_OK) {
        const safetensors_meta meta[N_KEYS] = {{"mode", values[0]},
                                               {"seed", values[1]},
                                               {"epoch", values[2]},
                                               {"step", values[3]},
                                               {"workers", values[4]},
                                               {"offset", values[5]},
                                               {"schedules", values[SCHEDULES]}};
        status = put_entries(s, c, b, path, meta);
    }
    for (size_t i = 0; i < N_KEYS; i++) {
        mem_free(values[i]);
    }
    return status;
}

/* The batch goes last: a folder is a bundle if it has a batch, so that a half written one is
 * none. */
static odeon_status put_all(session *s, const config *c, const session_batch *b, const char *folder,
                            const char *batch_path, const char *text)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        return diag_fail(ODEON_ERR_IO, "%s: cannot create the folder: %s", folder, strerror(errno));
    }
    (void)unlink(batch_path); /* no bundle until all of it is there */
    ODEON_TRY(put_weights(s, folder));
    ODEON_TRY(put_text(folder, BUNDLE_INI, c->effective));
    ODEON_TRY(session_write_attempts(s, folder));
    ODEON_TRY(put_text(folder, "message.txt", text));
    return put_batch(s, c, b, batch_path);
}

/* Everything comes from what the session has of the failed batch: nothing is run again. */
odeon_status bundle_write(session *s, const config *c, const char *folder, const char *message)
{
    const session_batch *b = session_failed_batch(s);
    if (b == NULL) {
        return diag_fail(ODEON_ERR_INTERNAL, "%s: the failed batch is not at hand", folder);
    }
    char *path = mem_printf("%s/" BUNDLE_BATCH, folder), *text = mem_printf("%s\n", message);
    odeon_status status =
        path != NULL && text != NULL ? put_all(s, c, b, folder, path, text) : no_memory(folder);
    mem_free(path);
    mem_free(text);
    return status;
}

/* ---- reading ---- */

/* A run's folder, or one with several bundles, is a likely slip. */
static odeon_status find_batch(const char *folder, char **path)
{
    static const struct {
        const char *folder, *batch;
    } near[] = {{"failure", "failure/" BUNDLE_BATCH},
                {"1", "1/" BUNDLE_BATCH},
                {"failure/1", "failure/1/" BUNDLE_BATCH}};
    *path = mem_printf("%s/" BUNDLE_BATCH, folder);
    if (*path == NULL) {
        return no_memory(folder);
    }
    if (access(*path, F_OK) == 0) {
        return ODEON_OK;
    }
    const char *hint = NULL;
    for (size_t i = 0; i < sizeof near / sizeof near[0] && hint == NULL; i++) {
        hint = path_holds(folder, near[i].batch) ? near[i].folder : NULL;
    }
    mem_free(*path);
    *path = NULL;
    return diag_fail(ODEON_ERR_IO,
                     "%s: no bundle of a failed step: no " BUNDLE_BATCH " in it%s%s%s%s", folder,
                     hint != NULL ? "; there is one in " : "", hint != NULL ? folder : "",
                     hint != NULL ? "/" : "", hint != NULL ? hint : "");
}

/* A number of the metadata, at least least; anything else is a damaged bundle. */
static odeon_status read_key(const char *path, const safetensors *file, const char *name,
                             int64_t least, int64_t *out)
{
    const char *text = safetensors_metadata(file, name);
    if (text == NULL || number_parse_i64(text, out) != NUMBER_OK || *out < least) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s: metadata %s is %.40s, expected a whole number from %" PRId64 " on",
                         path, name, text == NULL ? "missing" : text, least);
    }
    return ODEON_OK;
}

/* Optional: a batch that did not come from a data set has none. */
static odeon_status read_indices(const char *path, const safetensors *file, session_batch *out)
{
    const safetensors_entry *e = safetensors_find(file, "indices");
    if (e == NULL) {
        return ODEON_OK;
    }
    if (e->dtype != ODEON_DTYPE_I64 || e->ndim != 1 || e->dim[0] != out->n) {
        return diag_fail(ODEON_ERR_DATA, "%s: indices are not I64, one a sample", path);
    }
    out->indices = mem_zalloc((size_t)out->n, sizeof *out->indices);
    if (out->indices == NULL) {
        return no_memory(path);
    }
    memcpy(out->indices, e->data, (size_t)e->bytes);
    return ODEON_OK;
}

/* Older bundles have none: 0. What is counted on from it has to stay a number. */
static odeon_status read_offset(const char *path, const safetensors *file, int64_t *out)
{
    static const int64_t most = (int64_t)1 << 48;
    if (safetensors_metadata(file, "offset") == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(read_key(path, file, "offset", 0, out));
    return *out <= most
               ? ODEON_OK
               : diag_fail(ODEON_ERR_DATA,
                           "%s: metadata offset is %" PRId64 ", at most %" PRId64 " is allowed",
                           path, *out, most);
}

/* Numbers that are none, or more than there can be, are a damaged bundle. */
static odeon_status read_factors(const char *path, const safetensors *file, session_batch *out)
{
    const char *text = safetensors_metadata(file, "schedules");
    char *copy = text != NULL ? mem_strdup(text) : NULL, *rest = NULL;
    odeon_status status = text == NULL || copy != NULL ? ODEON_OK : no_memory(path);
    for (char *word = copy != NULL ? strtok_r(copy, " ", &rest) : NULL;
         word != NULL && status == ODEON_OK; word = strtok_r(NULL, " ", &rest)) {
        if (out->n_factors == CONFIG_MAX_CURVES ||
            number_parse_f64(word, &out->factors[out->n_factors++]) != NUMBER_OK) {
            status = diag_fail(ODEON_ERR_DATA,
                               "%s: metadata schedules is %.100s: expected at most %d numbers",
                               path, text, CONFIG_MAX_CURVES);
        }
    }
    mem_free(copy);
    return status;
}

/* What batch_file_read does not know of: mode, position and indices. */
static odeon_status read_rest(const char *path, session_batch *out)
{
    safetensors *file;
    ODEON_TRY(safetensors_read(path, &file));
    const char *mode = safetensors_metadata(file, "mode");
    odeon_status status = ODEON_OK;
    out->training = mode != NULL && strcmp(mode, "train") == 0;
    if (!out->training && (mode == NULL || strcmp(mode, "test") != 0)) {
        status = diag_fail(ODEON_ERR_DATA, "%s: metadata mode is neither train nor test", path);
    }
    if (status == ODEON_OK) {
        status = read_key(path, file, "epoch", 0, &out->epoch);
    }
    if (status == ODEON_OK) {
        status = read_key(path, file, "step", 0, &out->step);
    }
    if (status == ODEON_OK) {
        status = read_offset(path, file, &out->offset);
    }
    if (status == ODEON_OK) {
        status = read_factors(path, file, out);
    }
    if (status == ODEON_OK) {
        status = read_indices(path, file, out);
    }
    safetensors_destroy(file);
    return status;
}

/* Read before there is a session: the order of sums depends on how many workers there are. */
odeon_status bundle_workers(const char *folder, int64_t *out)
{
    char *path;
    safetensors *file = NULL;
    ODEON_TRY(find_batch(folder, &path));
    odeon_status status = safetensors_read(path, &file);
    if (status == ODEON_OK) {
        status = read_key(path, file, "workers", 1, out);
    }
    safetensors_destroy(file);
    mem_free(path);
    return status;
}

/* The batch's fields are read as those of any batch file; session_batch_fini takes what there is
 * after a failure. */
odeon_status bundle_read(const char *folder, const odeon_shape *input, const data_fields *fields,
                         session_batch *out)
{
    char *path;
    *out = (session_batch){.n = 0};
    ODEON_TRY(find_batch(folder, &path));
    odeon_status status = batch_file_read(path, input, fields, &out->n, out->field);
    if (status == ODEON_OK) {
        status = read_rest(path, out);
    }
    mem_free(path);
    return status;
}
