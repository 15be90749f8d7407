/* staging.h: samples as their data set stores them, on their way through the host to the device. */
#ifndef ODEON_CORE_DATA_STAGING_H
#define ODEON_CORE_DATA_STAGING_H
#include "data/data.h"
#include "device/buffer.h"
#include "odeon/device_ext.h"

/* Host and device sides of a batch on its way. The host's has room for samples of every field; a
 * device buffer is at least as large once staging_fit has succeeded. */
typedef struct staging {
    const odeon_device *device;
    const odeon_device_pinned *pinned; /* where the host's side comes from; NULL: plain memory */
    int64_t samples;                   /* that the host's side has room for */
    /* By ODEON_ROLE_*; none where the data set has no such field. */
    void *host[DATA_ROLES];
    device_buffer on_device[DATA_ROLES];
} staging;

/* What the device offers; NULL: nothing. */
const odeon_device_pinned *staging_pinned(const odeon_device *device);
/* An empty one. pinned: as the device offers it, or NULL. */
staging staging_make(const odeon_device *device, const odeon_device_pinned *pinned);
/* Room for n samples on the host, and on both sides; what was there is gone where it grows. */
odeon_status staging_fit_host(staging *s, const data_fields *fields, int64_t n);
odeon_status staging_fit(staging *s, const data_fields *fields, int64_t n);
void staging_release(staging *s); /* takes {0} */

/* Samples indices[0 .. n-1] to the host. */
odeon_status staging_read(staging *s, const data_source *source, int64_t n, const int64_t *indices);
/* From there to the device; then the host's side may be filled anew. */
odeon_status staging_upload(const staging *s, odeon_queue *queue, const data_fields *fields,
                            int64_t n);

#endif
