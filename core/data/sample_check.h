/* sample_check.h: can the numbers that a data set gave be used? */
#ifndef ODEON_CORE_DATA_SAMPLE_CHECK_H
#define ODEON_CORE_DATA_SAMPLE_CHECK_H
#include "data/fields.h"

/* Where samples come from. */
typedef struct sample_origin {
    const instance *set;
    int32_t split;
    uint32_t dtype; /* ODEON_SPLIT_*; the run's dtype */
    const data_fields *fields;
} sample_origin;

/* Are all numbers of n samples finite and within the run's dtype, and all classes classes? A label
 * that the mask leaves out may be anything. stored is by ODEON_ROLE_*. ODEON_ERR_DATA names the
 * sample, and where it stands in the data set's files if that can say so. [any] */
odeon_status sample_check(const sample_origin *from, int64_t n, const int64_t *indices,
                          void *const *stored);

#endif
