#include "data/data.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/read_file.h"
#include "base/rng.h"
#include "plugin/calling.h"

struct data_source {
    instance *set;
    int32_t split, dtype; /* of the run */
    data_fields fields;
    int64_t stored; /* samples of the split */
    int64_t length; /* of them in use */
    int64_t *order; /* [length] from data.order, or NULL */
    bool shuffled;
};

static const odeon_dataset_ops *ops_of(const instance *set)
{
    return set->component->ops;
}

static double stored_number(int32_t dtype, const void *stored, int64_t i)
{
    switch (dtype) {
    case ODEON_DTYPE_U8:
        return (double)((const uint8_t *)stored)[i];
    case ODEON_DTYPE_I64:
        return (double)((const int64_t *)stored)[i];
    case ODEON_DTYPE_F32:
        return (double)((const float *)stored)[i];
    default:
        return ((const double *)stored)[i];
    }
}

void data_field_values(const odeon_field_info *field, int64_t n, const void *stored, double *out)
{
    int64_t size = (int64_t)data_info_bytes(field) / odeon_dtype_bytes(field->dtype);
    for (int64_t i = 0; i < n * size; i++) {
        out[i] = field->scale * stored_number(field->dtype, stored, i) + field->shift;
    }
}

/* ---- data.order ---- */

enum { INDEX_DIGITS = 19 }; /* of the largest int64 */

static odeon_status read_index(const char *path, int line, const char *token, size_t length,
                               int64_t stored, int64_t *out)
{
    char digits[INDEX_DIGITS + 1] = "";
    if (length <= INDEX_DIGITS) {
        memcpy(digits, token, length); /* the rest is NUL */
    }
    if (number_parse_i64(digits, out) != NUMBER_OK || *out < 0 || *out >= stored) {
        return diag_fail(ODEON_ERR_DATA, "%s:%d: '%.*s' is no sample: expected 0 to %lld", path,
                         line, length > 40 ? 40 : (int)length, token, (long long)stored - 1);
    }
    return ODEON_OK;
}

/* Indices from text, which ends in NUL; order has room for all. */
static odeon_status parse_order(const char *path, const char *text, size_t bytes, int64_t stored,
                                int64_t *order, int64_t *n)
{
    int line = 1;
    *n = 0;
    for (size_t at = 0; at < bytes;) {
        size_t length = strcspn(text + at, " \t\r\n");
        if (length > 0) {
            ODEON_TRY(read_index(path, line, text + at, length, stored, &order[(*n)++]));
            at += length;
        } else if (text[at] == '\0') {
            return diag_fail(ODEON_ERR_DATA, "%s:%d: not a text file: it has a NUL", path, line);
        } else {
            line += text[at] == '\n';
            at++;
        }
    }
    return *n > 0
               ? ODEON_OK
               : diag_fail(ODEON_ERR_DATA, "%s: has no indices of samples: give one a line", path);
}

static odeon_status read_order(data_source *source, const char *path)
{
    char *text;
    size_t bytes;
    ODEON_TRY(read_file(path, &text, &bytes));
    source->order = mem_zalloc(bytes / 2 + 1, sizeof *source->order); /* a digit and a blank each */
    odeon_status status =
        source->order != NULL
            ? parse_order(path, text, bytes, source->stored, source->order, &source->length)
            : diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its indices", path);
    mem_free(text);
    return status;
}

/* ---- a split ---- */

static odeon_status open_set(data_source *source, const config *c, int32_t split)
{
    instance *set;
    ODEON_TRY(instance_create(c->dataset, "data", &source->set));
    set = source->set;
    source->split = split;
    source->dtype = c->dtype;
    ODEON_TRY(data_fields_read(set, &source->fields));
    calling outer = calling_begin(set, "open");
    ODEON_TRY(calling_end(outer, ops_of(set)->open(set->self, split, &source->stored)));
    if (source->stored < 1) {
        return diag_fail(ODEON_ERR_DATA, "data: data set %s has no samples in its %s split",
                         set->component->id, split == ODEON_SPLIT_TRAIN ? "training" : "test");
    }
    source->length = source->stored;
    if (split == ODEON_SPLIT_TRAIN && c->order != NULL) {
        ODEON_TRY(read_order(source, c->order));
    }
    int64_t limit = split == ODEON_SPLIT_TRAIN ? c->limit : c->test_limit;
    if (limit > 0 && limit < source->length) {
        source->length = limit;
    }
    source->shuffled = split == ODEON_SPLIT_TRAIN && c->shuffle;
    return ODEON_OK;
}

odeon_status data_open(const config *c, int32_t split, data_source **out)
{
    *out = NULL;
    data_source *source = mem_zalloc(1, sizeof *source);
    if (source == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "data: no memory to open the data set");
    }
    odeon_status status = open_set(source, c, split);
    if (status != ODEON_OK) {
        data_close(source);
        return status;
    }
    *out = source;
    return ODEON_OK;
}

void data_close(data_source *source)
{
    if (source != NULL) {
        instance_destroy(source->set);
        mem_free(source->order);
        mem_free(source);
    }
}

const data_fields *data_source_fields(const data_source *source)
{
    return &source->fields;
}

int64_t data_length(const data_source *source)
{
    return source->length;
}

int64_t data_stored(const data_source *source)
{
    return source->stored;
}

odeon_status data_used(const data_source *source, int64_t *n, int64_t **row)
{
    *n = source->length;
    *row = NULL;
    if (source->order == NULL) {
        return ODEON_OK;
    }
    *row = mem_zalloc((size_t)source->stored, sizeof **row);
    if (*row == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "data: no memory for the rows of %lld samples",
                         (long long)source->stored);
    }
    for (int64_t i = 0; i < source->length; i++) {
        (*row)[source->order[i]] = 1;
    }
    *n = 0;
    for (int64_t i = 0; i < source->stored; i++) {
        (*row)[i] = (*row)[i] != 0 ? (*n)++ : -1;
    }
    return ODEON_OK;
}

void data_in_use(const data_source *source, int64_t *indices)
{
    if (source->order != NULL) {
        memcpy(indices, source->order, (size_t)source->length * sizeof *indices);
        return;
    }
    for (int64_t i = 0; i < source->length; i++) {
        indices[i] = i;
    }
}

odeon_status data_order(const data_source *source, uint64_t seed, int64_t epoch, int64_t *order)
{
    if (source->order == NULL && source->shuffled) {
        rng_permutation(rng_key(seed, "order", (uint64_t)epoch, 0), source->length, order);
    } else {
        data_in_use(source, order);
    }
    return ODEON_OK;
}

/* ---- what samples hold ---- */

/* One field of samples as they were read. */
typedef struct reading {
    const data_source *source;
    int32_t role;
    int64_t n, size; /* samples, elements of one */
    const int64_t *indices;
    const void *stored, *mask; /* of labels that a mask counts: it, else NULL */
} reading;

static double value_of(const odeon_field_info *field, const void *stored, int64_t i)
{
    return field->scale * stored_number(field->dtype, stored, i) + field->shift;
}

/* Says what is wrong with element i of all, and where it comes from. */
static odeon_status refuse_number(const reading *r, int64_t i, const char *what)
{
    const data_source *source = r->source;
    const odeon_dataset_ops *ops = ops_of(source->set);
    int64_t index = r->indices[i / r->size];
    char where[ODEON_MESSAGE_BYTES] = "";
    if (ODEON_HAS(ops, odeon_dataset_ops, locate)) {
        calling outer = calling_begin(source->set, "locate");
        ops->locate(source->set->self, index, source->fields.index[r->role], i % r->size, where,
                    sizeof where);
        calling_leave(outer);
        where[sizeof where - 1] = '\0';
    }
    return diag_fail(ODEON_ERR_DATA, "%s%sdata: sample %lld of the %s split: %s %s", where,
                     where[0] != '\0' ? ": " : "", (long long)index,
                     source->split == ODEON_SPLIT_TRAIN ? "training" : "test",
                     data_role_name(r->role), what);
}

/* Without a branch, which is fast: of most batches this is all that there is to do. */
static bool all_finite(const reading *r, const odeon_field_info *field, double limit)
{
    int64_t n = r->n * r->size, bad = 0;
    for (int64_t i = 0; i < n; i++) {
        bad += !(fabs(value_of(field, r->stored, i)) <= limit);
    }
    return bad == 0;
}

static bool is_counted(const reading *r, int64_t i)
{
    return r->mask == NULL || value_of(&r->source->fields.of[ODEON_ROLE_MASK], r->mask, i) != 0.0;
}

static odeon_status check_numbers(const reading *r)
{
    const odeon_field_info *field = &r->source->fields.of[r->role];
    bool narrow = r->source->dtype == ODEON_DTYPE_F32 && r->role != ODEON_ROLE_TIME;
    double limit = narrow ? (double)FLT_MAX : DBL_MAX;
    char what[128];
    if (all_finite(r, field, limit)) {
        return ODEON_OK;
    }
    for (int64_t i = 0; i < r->n * r->size; i++) {
        double value = value_of(field, r->stored, i);
        if (fabs(value) <= limit || !is_counted(r, i)) {
            continue;
        }
        (void)snprintf(what, sizeof what,
                       isfinite(value) ? "%g is beyond float32: scale it, or give run.dtype = "
                                         "float64"
                                       : "%g is no finite number",
                       value);
        return refuse_number(r, i, what);
    }
    return ODEON_OK;
}

static odeon_status check_classes(const reading *r)
{
    const odeon_field_info *field = &r->source->fields.of[r->role];
    char what[128];
    for (int64_t i = 0; i < r->n; i++) {
        double value = value_of(field, r->stored, i);
        if (!(value >= 0.0 && value < (double)field->classes && value == floor(value)) &&
            is_counted(r, i)) {
            (void)snprintf(what, sizeof what, "%.9g is none of the %lld classes, 0 to %lld", value,
                           (long long)field->classes, (long long)field->classes - 1);
            return refuse_number(r, i, what);
        }
    }
    return ODEON_OK;
}

/* Whole numbers of a field that leaves them small need no look. */
static bool needs_look(const odeon_field_info *field)
{
    bool wide = field->dtype == ODEON_DTYPE_F32 || field->dtype == ODEON_DTYPE_F64;
    return wide || !(fabs(field->scale) <= 1.0 && fabs(field->shift) <= 1e30);
}

static odeon_status check_samples(const data_source *source, int64_t n, const int64_t *indices,
                                  void *const *fields)
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        const odeon_field_info *field = &source->fields.of[role];
        if (!data_has(&source->fields, role)) {
            continue;
        }
        bool masked = role == ODEON_ROLE_LABEL && data_has(&source->fields, ODEON_ROLE_MASK);
        reading r = {.source = source,
                     .role = role,
                     .n = n,
                     .size = (int64_t)data_info_bytes(field) / odeon_dtype_bytes(field->dtype),
                     .indices = indices,
                     .stored = fields[role],
                     .mask = masked ? fields[ODEON_ROLE_MASK] : NULL};
        if (role == ODEON_ROLE_LABEL && field->classes > 0) {
            ODEON_TRY(check_classes(&r));
        } else if (needs_look(field)) {
            ODEON_TRY(check_numbers(&r));
        }
    }
    return ODEON_OK;
}

odeon_status data_batch(const data_source *source, int64_t n, const int64_t *indices,
                        void *const *fields)
{
    void *in_order[DATA_ROLES] = {NULL};
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (data_has(&source->fields, role)) {
            in_order[source->fields.index[role]] = fields[role];
        }
    }
    for (int64_t i = 0; i < n; i++) {
        if (indices[i] < 0 || indices[i] >= source->stored) {
            return diag_fail(ODEON_ERR_INTERNAL, "data: sample %lld of %lld was asked for",
                             (long long)indices[i], (long long)source->stored);
        }
    }
    calling outer = calling_begin(source->set, "get_batch");
    ODEON_TRY(calling_end(outer,
                          ops_of(source->set)->get_batch(source->set->self, n, indices, in_order)));
    return check_samples(source, n, indices, fields);
}

/* ---- samples as numbers ---- */

int64_t data_row(const data_source *source, int64_t index)
{
    const odeon_dataset_ops *ops = ops_of(source->set);
    return ODEON_HAS(ops, odeon_dataset_ops, row) ? ops->row(source->set->self, index) : index;
}

static void free_all(void *fields[DATA_ROLES])
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        mem_free(fields[role]);
    }
}

static int64_t count(const data_fields *fields, int32_t role, int64_t n)
{
    odeon_tensor x = data_field_shape(fields, role, n, ODEON_DTYPE_F64);
    return odeon_count(&x);
}

static odeon_status no_memory(int64_t n)
{
    return diag_fail(ODEON_ERR_NOMEM, "data: no memory for %lld samples", (long long)n);
}

/* Samples as stored; the caller frees what is in raw, on failure too. */
static odeon_status read_raw(const data_source *source, int64_t n, const int64_t *indices,
                             void *raw[DATA_ROLES])
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        raw[role] = NULL;
        if (data_has(&source->fields, role)) {
            raw[role] = mem_zalloc((size_t)n, (size_t)data_field_bytes(&source->fields, role));
        }
    }
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (data_has(&source->fields, role) && raw[role] == NULL) {
            return no_memory(n);
        }
    }
    return data_batch(source, n, indices, raw);
}

odeon_status data_labels(const data_source *source, int64_t n, const int64_t *indices, double *out)
{
    void *raw[DATA_ROLES];
    odeon_status status = read_raw(source, n, indices, raw);
    if (status == ODEON_OK) {
        data_field_values(&source->fields.of[ODEON_ROLE_LABEL], n, raw[ODEON_ROLE_LABEL], out);
    }
    free_all(raw);
    return status;
}

static odeon_status take_numbers(const data_source *source, bool labelled, void *raw[DATA_ROLES],
                                 double *field[DATA_ROLES])
{
    int64_t n = source->length;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (raw[role] == NULL || (role == ODEON_ROLE_LABEL && !labelled)) {
            continue;
        }
        field[role] = mem_zalloc((size_t)count(&source->fields, role, n), sizeof(double));
        if (field[role] == NULL) {
            return no_memory(n);
        }
        data_field_values(&source->fields.of[role], n, raw[role], field[role]);
    }
    return ODEON_OK;
}

static odeon_status read_opened(const data_source *source, bool labelled, double *field[DATA_ROLES])
{
    int64_t n = source->length, *order = mem_zalloc((size_t)n, sizeof *order);
    void *raw[DATA_ROLES] = {NULL};
    for (int64_t i = 0; i < n && order != NULL; i++) {
        order[i] = i;
    }
    odeon_status status = order != NULL ? read_raw(source, n, order, raw) : no_memory(n);
    if (status == ODEON_OK) {
        status = take_numbers(source, labelled, raw, field);
    }
    free_all(raw);
    mem_free(order);
    return status;
}

static odeon_status open_single_file(data_source *source, const config *c, const char *path,
                                     int32_t *labelled)
{
    ODEON_TRY(instance_create(c->dataset, "data", &source->set));
    const odeon_dataset_ops *ops = ops_of(source->set);
    const char *id = source->set->component->id;
    if (!ODEON_HAS(ops, odeon_dataset_ops, open_file)) {
        return diag_fail(ODEON_ERR_UNSUPPORTED, "%s: data set %s reads no single files", path, id);
    }
    ODEON_TRY(data_fields_read(source->set, &source->fields));
    ODEON_TRY(ops->open_file(source->set->self, path, &source->stored, labelled));
    source->length = source->stored;
    return source->length > 0 ? ODEON_OK : diag_fail(ODEON_ERR_DATA, "%s: has no samples", path);
}

odeon_status data_read_file(const config *c, const char *path, int64_t *n,
                            double *field[DATA_ROLES])
{
    data_source source = {.set = NULL};
    int32_t labelled = 0;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        field[role] = NULL;
    }
    odeon_status status = open_single_file(&source, c, path, &labelled);
    if (status == ODEON_OK) {
        status = read_opened(&source, labelled != 0, field);
    }
    *n = source.length;
    instance_destroy(source.set);
    return status;
}
