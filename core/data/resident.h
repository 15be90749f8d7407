/* resident.h: a split's samples in use, on the device as their data set stores them. */
#ifndef ODEON_CORE_DATA_RESIDENT_H
#define ODEON_CORE_DATA_RESIDENT_H
#include "data.h"
#include "device/buffer.h"

typedef struct resident resident;

/* Bytes of device memory that the samples of source take; ODEON_ERR_NOMEM. */
odeon_status resident_bytes(const data_source *source, uint64_t *bytes);
/* Uploads them in pieces, so that the host never holds more than a few megabytes beside what the
 * data set itself does; masks and times are kept on the host as well. All queues may read them
 * afterwards. ODEON_ERR_NOMEM, or what the data set says of a sample. */
odeon_status resident_create(const odeon_device *device, odeon_queue *queue,
                             const data_source *source, resident **out);
void resident_destroy(resident *r); /* NULL is allowed */

/* rows[i] = where sample indices[i] of the split stands; false if one of them is not here. [any] */
bool resident_rows(const resident *r, int64_t n, const int64_t *indices, int64_t *rows);
/* A field on the device, as stored: [samples, ...]. [any] */
odeon_tensor resident_field(const resident *r, int32_t role);
/* The numbers that a mask or times stand for, of n rows, as data_field_values gives them. [any] */
void resident_values(const resident *r, int32_t role, int64_t n, const int64_t *rows, double *out);

#endif
