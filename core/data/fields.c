#include "data/fields.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/calling.h"
#include "plugin/words.h"

/* The registry has checked the kind, so the table is that of a data set. */
static const odeon_dataset_ops *ops_of(const instance *set)
{
    return set->component->ops;
}

/* Bytes of one sample of a field; 0 if that overflows or a dimension is none. The dtype comes
 * first: one that is none has 0 bytes, and so has the field then. */
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

/* Fields that the data set does not have are never looked at beyond this. */
bool data_has(const data_fields *fields, int32_t role)
{
    return fields->index[role] >= 0;
}

uint64_t data_field_bytes(const data_fields *fields, int32_t role)
{
    return field_bytes(&fields->of[role]);
}

/* Fields have been checked when they were read, so that neither is 0. */
int64_t data_field_size(const odeon_field_info *field)
{
    return (int64_t)field_bytes(field) / odeon_dtype_bytes(field->dtype);
}

/* The batch comes first, then the dimensions of one sample. */
odeon_shape data_field_shape(const data_fields *fields, int32_t role, int64_t n, uint32_t dtype)
{
    const odeon_field_info *info = &fields->of[role];
    odeon_shape x = {.ndim = info->ndim + 1, .dtype = dtype, .dim = {n}};
    for (int32_t i = 0; i < info->ndim; i++) {
        x.dim[i + 1] = info->dim[i];
    }
    return x;
}

/* The names that messages and layers use. */
const char *data_role_name(int32_t role)
{
    static const char *const names[DATA_ROLES] = {"input", "label",   "time",
                                                  "mask",  "control", "length"};
    return names[role];
}

const char *data_split_name(int32_t split)
{
    return split == ODEON_SPLIT_TRAIN        ? "training"
           : split == ODEON_SPLIT_VALIDATION ? "validation"
                                             : "test";
}

/* An int64 beyond 2^53 is rounded. */
static double stored_number(uint32_t dtype, const void *stored, int64_t i)
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

/* Scale and shift as the data set declares them: images are stored as bytes and mean numbers from 0
 * to 1, say. */
double data_field_value(const odeon_field_info *field, const void *stored, int64_t i)
{
    return field->scale * stored_number(field->dtype, stored, i) + field->shift;
}

void data_field_values(const odeon_field_info *field, int64_t n, const void *stored, double *out)
{
    int64_t size = data_field_size(field);
    for (int64_t i = 0; i < n * size; i++) {
        out[i] = data_field_value(field, stored, i);
    }
}

/* Without a branch in the loop, which is fast, since all of every batch passes here. A comparison
 * that NaN fails counts it as bad. */
bool data_field_is_within(const odeon_field_info *field, int64_t n, const void *stored,
                          double limit)
{
    int64_t size = data_field_size(field), bad = 0;
    for (int64_t i = 0; i < n * size; i++) {
        bad += !(fabs(data_field_value(field, stored, i)) <= limit);
    }
    return bad == 0;
}

/* Whatever the plugin says is checked before anybody computes with it. */
static odeon_status read_field(const instance *set, int32_t index, data_fields *out)
{
    odeon_field_info field = {.struct_size = sizeof field};
    const char *id = set->component->id;
    calling outer = calling_begin(set, "field");
    ODEON_TRY(calling_end(outer, ops_of(set)->field(set->self, index, &field)));
    ODEON_TRY(words_check(set, "field", &field, words_of_field_info));
    if (field.ndim < 0 || field.ndim > 5 || field_bytes(&field) == 0 || field.classes < 0) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "data: data set %s: field %d has a shape or dtype that cannot be", id,
                         (int)index);
    }
    if (field.role < 0 || field.role >= DATA_ROLES) {
        return diag_fail(ODEON_ERR_PLUGIN, "data: data set %s: field %d has role %d, which is none",
                         id, (int)index, (int)field.role);
    }
    if (data_has(out, field.role)) {
        return diag_fail(ODEON_ERR_UNSUPPORTED,
                         "data: data set %s: field %d is a second %s; one is supported", id,
                         (int)index, data_role_name(field.role));
    }
    /* The text of the plugin may end with the instance, which a description does not keep. */
    field.name = NULL;
    out->of[field.role] = field;
    out->index[field.role] = index;
    return ODEON_OK;
}

/* Without the batch, as both are of one sample. */
static bool same_shape(const odeon_field_info *a, const odeon_field_info *b)
{
    return a->ndim == b->ndim && memcmp(a->dim, b->dim, (size_t)a->ndim * sizeof a->dim[0]) == 0;
}

/* What fits each field by itself may not fit the others. A mask weighs the elements of the label,
 * so it has their shape. */
static odeon_status check_fields(const char *id, const data_fields *fields)
{
    const odeon_field_info *label = &fields->of[ODEON_ROLE_LABEL];
    for (int32_t role = ODEON_ROLE_INPUT; role <= ODEON_ROLE_LABEL; role++) {
        if (!data_has(fields, role)) {
            return diag_fail(ODEON_ERR_UNSUPPORTED, "data: data set %s has no %s", id,
                             data_role_name(role));
        }
    }
    if (label->classes > 0 && label->ndim > 0) {
        return diag_fail(ODEON_ERR_UNSUPPORTED,
                         "data: data set %s: a label of classes is one number a sample", id);
    }
    if (data_has(fields, ODEON_ROLE_TIME) && fields->of[ODEON_ROLE_TIME].ndim != 1) {
        return diag_fail(ODEON_ERR_PLUGIN, "data: data set %s: its times are not one list a sample",
                         id);
    }
    if (data_has(fields, ODEON_ROLE_LENGTH) && fields->of[ODEON_ROLE_LENGTH].ndim != 0) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "data: data set %s: its length is not one number a sample", id);
    }
    if (data_has(fields, ODEON_ROLE_MASK) && !same_shape(&fields->of[ODEON_ROLE_MASK], label)) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "data: data set %s: its mask has not the shape of its label", id);
    }
    return ODEON_OK;
}

/* The field count may be anything that a plugin answers: fields beyond one for each role are
 * refused as they come. */
odeon_status data_fields_read(const instance *set, data_fields *out)
{
    calling outer = calling_begin(set, "field_count");
    *out = (data_fields){.n_fields = ops_of(set)->field_count(set->self)};
    calling_leave(outer);
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        out->index[role] = -1;
    }
    for (int32_t i = 0; i < out->n_fields; i++) {
        ODEON_TRY(read_field(set, i, out));
    }
    return check_fields(set->component->id, out);
}

/* Without [data] nothing is trained or evaluated; a sample of one number gives the network's input
 * a shape all the same. */
static void describe_nothing(data_fields *out)
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        out->index[role] = role == ODEON_ROLE_INPUT ? 0 : -1;
    }
    out->n_fields = 1;
    out->of[ODEON_ROLE_INPUT] = (odeon_field_info){.struct_size = sizeof(odeon_field_info),
                                                   .dtype = ODEON_DTYPE_F64,
                                                   .ndim = 1,
                                                   .dim = {1},
                                                   .scale = 1.0};
}

/* An instance is made and destroyed for it, since only the options decide what the fields are. It
 * opens no file. */
odeon_status data_describe(const config *c, data_fields *out)
{
    instance *set;
    *out = (data_fields){0};
    if (c->dataset == NULL) {
        describe_nothing(out);
        return ODEON_OK;
    }
    ODEON_TRY(instance_create(c->dataset, "data", &set));
    odeon_status status = data_fields_read(set, out);
    instance_destroy(set);
    return status;
}
