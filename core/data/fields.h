/* fields.h: what a sample of a data set is: its fields, by their roles. */
#ifndef ODEON_CORE_DATA_FIELDS_H
#define ODEON_CORE_DATA_FIELDS_H
#include "config/config.h"
#include "odeon/dataset.h"
#include "odeon/tensor.h"
#include "plugin/instance.h"

enum { DATA_ROLES = ODEON_ROLE_LENGTH + 1 };

/* Known without opening any file. At most one field has a role, and input and label are there. */
typedef struct data_fields {
    int32_t n_fields;
    int32_t index[DATA_ROLES];       /* the data set's number of the field; -1: there is none */
    odeon_field_info of[DATA_ROLES]; /* name is NULL: the plugin's text may not live as long */
} data_fields;

/* What the configured data set says that its samples are: one input, one label (a class, or numbers
 * of any shape) and at most one field of each other role, in any order. No file is touched. Without
 * a data set: an input of one number and nothing else.
 * ODEON_ERR_UNSUPPORTED for what the host has no use for, ODEON_ERR_PLUGIN for a field that cannot
 * be. */
odeon_status data_describe(const config *c, data_fields *out);

/* The same of an instance of the data set. */
odeon_status data_fields_read(const instance *set, data_fields *out);

bool data_has(const data_fields *fields, int32_t role);
uint64_t data_field_bytes(const data_fields *fields, int32_t role); /* of one sample */
/* Elements of one sample's field. */
int64_t data_field_size(const odeon_field_info *field);
/* The shape of n samples' field, without data. */
odeon_shape data_field_shape(const data_fields *fields, int32_t role, int64_t n, uint32_t dtype);
/* "input", "label", "time", "mask", "control", "length". */
const char *data_role_name(int32_t role);
/* "training", "validation", "test". */
const char *data_split_name(int32_t split);
/* The number that element i of stored stands for: scale * stored[i] + shift. */
double data_field_value(const odeon_field_info *field, const void *stored, int64_t i);
/* The same of all elements of n samples. */
void data_field_values(const odeon_field_info *field, int64_t n, const void *stored, double *out);
/* Are all of these numbers within -limit .. limit, and none of them NaN? */
bool data_field_is_within(const odeon_field_info *field, int64_t n, const void *stored,
                          double limit);

#endif
