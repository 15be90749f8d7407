/* fields.h: what a sample is, as its data set says. */
#ifndef ODEON_CORE_DATA_FIELDS_H
#define ODEON_CORE_DATA_FIELDS_H
#include <stdbool.h>

#include "config/config.h"
#include "odeon/dataset.h"
#include "odeon/tensor.h"
#include "plugin/instance.h"

enum { DATA_ROLES = ODEON_ROLE_CONTROL + 1 };

typedef struct data_fields { /* what a sample is, known without opening any file; by ODEON_ROLE_* */
    int32_t n_fields;
    int32_t index[DATA_ROLES];       /* the data set's number of the field; -1: there is none */
    odeon_field_info of[DATA_ROLES]; /* name is NULL: the plugin's text is not kept */
} data_fields;

/* What the configured data set says that its samples are: one input, one label (a class, or numbers
 * of any shape) and at most one field of each other role, in any order. No file is touched. Without
 * a data set: an input of one number and nothing else.
 * ODEON_ERR_UNSUPPORTED for what the host has no use for, ODEON_ERR_PLUGIN for a field that cannot
 * be. */
odeon_status data_describe(const config *c, data_fields *out);

/* The same of a data set that there is, under way to be opened. */
odeon_status data_fields_read(const instance *set, data_fields *out);

/* Bytes of one sample of a field; 0 if that overflows or a dimension is none. */
uint64_t data_info_bytes(const odeon_field_info *field);
bool data_has(const data_fields *fields, int32_t role);
uint64_t data_field_bytes(const data_fields *fields, int32_t role); /* of one sample */
/* The shape of n samples' field, without data. */
odeon_tensor data_field_shape(const data_fields *fields, int32_t role, int64_t n, int32_t dtype);
/* "input", "label", "time", "mask", "control". */
const char *data_role_name(int32_t role);

#endif
