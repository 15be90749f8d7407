/* device_cache.h: a split's samples in use, on the device as their data set stores them. */
#ifndef ODEON_CORE_DATA_DEVICE_CACHE_H
#define ODEON_CORE_DATA_DEVICE_CACHE_H
#include "data/data.h"
#include "device/buffer.h"

typedef struct device_cache device_cache;

/* Bytes of device memory that the samples of source take; ODEON_ERR_NOMEM. */
odeon_status device_cache_bytes(const data_source *source, uint64_t *bytes);
/* Uploads them in chunks, so that the host never holds more than a few megabytes beside what the
 * data set itself does; masks and times are kept on the host as well. All queues may read them
 * afterwards. ODEON_ERR_NOMEM, or what the data set says of a sample. */
odeon_status device_cache_create(const odeon_device *device, odeon_queue *queue,
                                 const data_source *source, device_cache **out);
void device_cache_destroy(device_cache *r); /* NULL is allowed */

/* rows[i] = where sample indices[i] of the split stands; false if one of them is not here. [any] */
bool device_cache_rows(const device_cache *r, int64_t n, const int64_t *indices, int64_t *rows);
/* A field on the device, as stored: [samples, ...]. [any] */
odeon_tensor device_cache_field(const device_cache *r, int32_t role);
/* The numbers that a mask or times stand for, of n rows, as data_field_values gives them. [any] */
void device_cache_values(const device_cache *r, int32_t role, int64_t n, const int64_t *rows,
                         double *out);

#endif
