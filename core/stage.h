/* stage.h: samples as their data set stores them, on their way through the host to the device. */
#ifndef ODEON_CORE_STAGE_H
#define ODEON_CORE_STAGE_H
#include "data.h"
#include "room.h"

typedef struct stage { /* starts as {0} */
    int64_t samples;   /* that host has room for */
    /* By ODEON_ROLE_*; none where the data set has no such field. */
    void *host[DATA_ROLES];
    room device[DATA_ROLES];
} stage;

/* Room for n samples on the host, and on both sides; what was there is gone where it grows. */
odeon_status stage_fit_host(stage *s, const data_fields *fields, int64_t n);
odeon_status stage_fit(stage *s, const odeon_device *device, const data_fields *fields, int64_t n);
void stage_release(stage *s, const odeon_device *device);

/* Samples indices[0 .. n-1] to the host; from there to the device. */
odeon_status stage_read(stage *s, const data_source *source, int64_t n, const int64_t *indices);
odeon_status stage_upload(const stage *s, const odeon_device *device, odeon_queue *queue,
                          const data_fields *fields, int64_t n);

#endif
