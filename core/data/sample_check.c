#include "data/sample_check.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "base/diag.h"
#include "plugin/calling.h"

/* One field of samples as they were read. stored is [n, size] of the field's dtype, mask that of
 * the mask field with the same shape; indices are [n], in the split. */
typedef struct field_check {
    const sample_origin *from;
    int32_t role;
    int64_t n, size; /* samples, elements of one */
    const int64_t *indices;
    const void *stored, *mask; /* of labels that a mask counts: it, else NULL */
} field_check;

/* Says what is wrong with element i of all, and where it comes from. */
static odeon_status refuse_number(const field_check *r, int64_t i, const char *what)
{
    const sample_origin *from = r->from;
    const odeon_dataset_ops *ops = from->set->component->ops;
    int64_t index = r->indices[i / r->size];
    char where[ODEON_MESSAGE_BYTES] = "";
    if (ODEON_HAS(ops, odeon_dataset_ops, locate)) {
        calling outer = calling_begin(from->set, "locate");
        ops->locate(from->set->self, index, from->fields->index[r->role], i % r->size, where,
                    sizeof where);
        calling_leave(outer);
        where[sizeof where - 1] = '\0';
    }
    return diag_fail(ODEON_ERR_DATA, "%s%sdata: sample %lld of the %s split: %s %s", where,
                     where[0] != '\0' ? ": " : "", (long long)index, data_split_name(from->split),
                     data_role_name(r->role), what);
}

/* Masks are weights, so anything but 0 counts. */
static bool is_counted(const field_check *r, int64_t i)
{
    return r->mask == NULL ||
           data_field_value(&r->from->fields->of[ODEON_ROLE_MASK], r->mask, i) != 0.0;
}

/* Only where the fast loop found something is it worth while to search which number it was, and
 * whether it counts. */
static odeon_status check_numbers(const field_check *r)
{
    const odeon_field_info *field = &r->from->fields->of[r->role];
    bool narrow = r->from->dtype == ODEON_DTYPE_F32 && r->role != ODEON_ROLE_TIME;
    double limit = narrow ? (double)FLT_MAX : DBL_MAX;
    char what[128];
    if (data_field_is_within(field, r->n, r->stored, limit)) { /* so are those of most batches */
        return ODEON_OK;
    }
    for (int64_t i = 0; i < r->n * r->size; i++) {
        double value = data_field_value(field, r->stored, i);
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

/* The label has one element a sample, so that i is both. Comparisons are written so that NaN is no
 * class. */
static odeon_status check_classes(const field_check *r)
{
    const odeon_field_info *field = &r->from->fields->of[r->role];
    char what[128];
    for (int64_t i = 0; i < r->n; i++) {
        double value = data_field_value(field, r->stored, i);
        if (!(value >= 0.0 && value < (double)field->classes && value == floor(value)) &&
            is_counted(r, i)) {
            (void)snprintf(what, sizeof what, "%.9g is none of the %lld classes, 0 to %lld", value,
                           (long long)field->classes, (long long)field->classes - 1);
            return refuse_number(r, i, what);
        }
    }
    return ODEON_OK;
}

/* Stored whole numbers are finite, and stay in range unless the field scales them up. A scale of at
 * most 1 keeps even int64 within float32; so images need no pass over their bytes. */
static bool may_be_out_of_range(const odeon_field_info *field)
{
    bool wide = field->dtype == ODEON_DTYPE_F32 || field->dtype == ODEON_DTYPE_F64;
    return wide || !(fabs(field->scale) <= 1.0 && fabs(field->shift) <= 1e30);
}

/* A number that is not finite would spread through the whole batch and be blamed on the training.
 * Every batch passes here, so the common case is one loop a field, and none where no value can be
 * wrong. */
odeon_status sample_check(const sample_origin *from, int64_t n, const int64_t *indices,
                          void *const *stored)
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        const odeon_field_info *field = &from->fields->of[role];
        if (!data_has(from->fields, role)) {
            continue;
        }
        bool masked = role == ODEON_ROLE_LABEL && data_has(from->fields, ODEON_ROLE_MASK);
        field_check r = {.from = from,
                         .role = role,
                         .n = n,
                         .size = data_field_size(field),
                         .indices = indices,
                         .stored = stored[role],
                         .mask = masked ? stored[ODEON_ROLE_MASK] : NULL};
        if (role == ODEON_ROLE_LABEL && field->classes > 0) {
            ODEON_TRY(check_classes(&r));
        } else if (may_be_out_of_range(field)) {
            ODEON_TRY(check_numbers(&r));
        }
    }
    return ODEON_OK;
}
