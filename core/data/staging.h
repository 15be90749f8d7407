/* staging.h: samples as their data set stores them, on their way through the host to the device. */
#ifndef ODEON_CORE_DATA_STAGING_H
#define ODEON_CORE_DATA_STAGING_H
#include "data.h"
#include "device/buffer.h"

typedef struct stage {
    const odeon_device *device;
    const odeon_device_pinned *pinned; /* where the host's side comes from; NULL: plain memory */
    int64_t samples;                   /* that the host's side has room for */
    /* By ODEON_ROLE_*; none where the data set has no such field. */
    void *host[DATA_ROLES];
    room room[DATA_ROLES];
} stage;

/* What the device offers; NULL: nothing. */
const odeon_device_pinned *stage_pinned(const odeon_device *device);
/* An empty one. pinned: as the device offers it, or NULL. */
stage stage_make(const odeon_device *device, const odeon_device_pinned *pinned);
/* Room for n samples on the host, and on both sides; what was there is gone where it grows. */
odeon_status stage_fit_host(stage *s, const data_fields *fields, int64_t n);
odeon_status stage_fit(stage *s, const data_fields *fields, int64_t n);
void stage_release(stage *s); /* takes {0} */

/* Samples indices[0 .. n-1] to the host. */
odeon_status stage_read(stage *s, const data_source *source, int64_t n, const int64_t *indices);
/* From there to the device; then the host's side may be filled anew. */
odeon_status stage_upload(const stage *s, odeon_queue *queue, const data_fields *fields, int64_t n);

#endif
