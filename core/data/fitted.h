/* fitted.h: what a data set fitted on its training split, and the units of its fields that follow
 * from it. It travels with the weights, which are of no use without. */
#ifndef ODEON_CORE_DATA_FITTED_H
#define ODEON_CORE_DATA_FITTED_H
#include "data/fields.h"

/* What set fitted, which lives as long as it; NULL: nothing. Of a set that is open or restored. */
const char *fitted_text(const instance *set);
/* Gives set, before it is opened, what stands with the weights that c names; without weights, or
 * where they have nothing, the set fits by itself. ODEON_ERR_DATA, ODEON_ERR_IO, ODEON_ERR_NOMEM.
 */
odeon_status fitted_restore(const instance *set, const config *c);

/* The units of a field: element i is (number - mean[i]) / deviation[i]. */
typedef struct field_units {
    int64_t n;    /* elements of a sample; 0: the field is as in the data */
    int64_t row;  /* those of its last dimension: the numbers of a row of a series */
    double *mean; /* [n], followed by deviation [n] */
    double *deviation;
} field_units;

/* Of a set that is open or restored. out is for field_units_fini, on failure too. */
odeon_status field_units_of(const instance *set, const data_fields *fields, int32_t role,
                            field_units *out);
/* Of the configured data set, which is not opened: of what stands with c's weights. */
odeon_status field_units_read(const config *c, int32_t role, field_units *out);
void field_units_fini(field_units *u);
/* Numbers x [samples, n] of the data become those of the field, and the other way round. With n 0
 * nothing changes. */
void field_units_apply(const field_units *u, int64_t samples, double *x);
void field_units_undo(const field_units *u, int64_t samples, double *x);

/* The names of n classes of a set that is open or restored, in one block that the caller frees;
 * *out is NULL where the data set has none. ODEON_ERR_NOMEM. */
odeon_status class_names_of(const instance *set, int64_t n, const char ***out);
/* Of the configured data set, which is not opened. */
odeon_status class_names_read(const config *c, const char ***out);

#endif
