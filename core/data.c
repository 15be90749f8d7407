#include "data.h"

#include <string.h>

#include "diag.h"
#include "mem.h"
#include "number.h"
#include "read_file.h"
#include "rng.h"

struct data_source {
    instance *set;
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

/* ---- fields ---- */

/* Bytes of one sample of a field; 0 if that overflows or a dimension is none. */
static uint64_t field_bytes(const odeon_field_info *field)
{
    int64_t bytes = odeon_dtype_bytes(field->dtype);
    for (int32_t i = 0; i < field->ndim; i++) {
        if (field->dim[i] < 1 || !checked_mul(bytes, field->dim[i], &bytes)) {
            return 0;
        }
    }
    return (uint64_t)bytes;
}

uint64_t data_input_bytes(const data_fields *fields)
{
    return field_bytes(&fields->input);
}

uint64_t data_label_bytes(const data_fields *fields)
{
    return field_bytes(&fields->label);
}

static odeon_status read_field(const instance *set, int32_t index, data_fields *out)
{
    odeon_field_info field = {.struct_size = sizeof field};
    const char *id = set->component->id;
    ODEON_TRY(ops_of(set)->field(set->self, index, &field));
    if (field.ndim < 0 || field.ndim > 5 || field_bytes(&field) == 0 || field.classes < 0) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "data: data set %s: field %d has a shape or dtype that cannot be", id,
                         (int)index);
    }
    field.name = NULL;
    if (field.role == ODEON_ROLE_INPUT && out->input_index < 0) {
        out->input = field;
        out->input_index = index;
    } else if (field.role == ODEON_ROLE_LABEL && out->label_index < 0) {
        out->label = field;
        out->label_index = index;
    } else {
        return diag_fail(ODEON_ERR_UNSUPPORTED,
                         "data: data set %s: field %d has role %d; one input and one label are "
                         "supported",
                         id, (int)index, (int)field.role);
    }
    return ODEON_OK;
}

static odeon_status read_fields(const instance *set, data_fields *out)
{
    *out = (data_fields){.input_index = -1, .label_index = -1};
    out->n_fields = ops_of(set)->field_count(set->self);
    for (int32_t i = 0; i < out->n_fields; i++) {
        ODEON_TRY(read_field(set, i, out));
    }
    if (out->input_index < 0 || out->label_index < 0) {
        return diag_fail(ODEON_ERR_UNSUPPORTED, "data: data set %s has no %s", set->component->id,
                         out->input_index < 0 ? "input" : "label");
    }
    return ODEON_OK;
}

odeon_status data_describe(const config *c, data_fields *out)
{
    instance *set;
    *out = (data_fields){0};
    ODEON_TRY(instance_create(c->dataset, "data", &set));
    odeon_status status = read_fields(set, out);
    instance_destroy(set);
    return status;
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
    ODEON_TRY(read_fields(set, &source->fields));
    ODEON_TRY(ops_of(set)->open(set->self, split, &source->stored));
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

odeon_status data_order(const data_source *source, uint64_t seed, int64_t epoch, int64_t *order)
{
    if (source->order != NULL) {
        memcpy(order, source->order, (size_t)source->length * sizeof *order);
    } else if (source->shuffled) {
        rng_permutation(rng_key(seed, "order", (uint64_t)epoch, 0), source->length, order);
    } else {
        for (int64_t i = 0; i < source->length; i++) {
            order[i] = i;
        }
    }
    return ODEON_OK;
}

odeon_status data_batch(const data_source *source, int64_t n, const int64_t *indices, void *input,
                        void *label)
{
    void *fields[2];
    fields[source->fields.input_index] = input; /* one of each, or data_open had failed */
    fields[source->fields.label_index] = label;
    for (int64_t i = 0; i < n; i++) {
        if (indices[i] < 0 || indices[i] >= source->stored) {
            return diag_fail(ODEON_ERR_INTERNAL, "data: sample %lld of %lld was asked for",
                             (long long)indices[i], (long long)source->stored);
        }
    }
    return ops_of(source->set)->get_batch(source->set->self, n, indices, fields);
}
