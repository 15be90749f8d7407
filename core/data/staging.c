#include "data/staging.h"

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_ext.h"

/* An optional extension: without it copies are made from plain memory, which is slower and no less
 * right. */
const odeon_device_pinned *staging_pinned(const odeon_device *device)
{
    return device->get_table(device, ODEON_DEVICE_PINNED);
}

/* Nothing is allocated yet, since how many samples a batch has is not known here. */
staging staging_make(const odeon_device *device, const odeon_device_pinned *pinned)
{
    return (staging){.device = device, .pinned = pinned};
}

/* Each side is freed by whoever gave it. samples 0 makes the next staging_fit_host allocate. */
static void release_host(staging *s)
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (s->pinned != NULL) {
            s->pinned->free(s->device->handle, s->host[role]);
        } else {
            mem_free(s->host[role]);
        }
        s->host[role] = NULL;
    }
    s->samples = 0;
}

/* Pinned memory is the device's to give and to account for. */
static odeon_status take_host(const staging *s, uint64_t bytes, void **out)
{
    if (s->pinned != NULL) {
        return s->pinned->alloc(s->device->handle, bytes, out);
    }
    *out = mem_zalloc(1, (size_t)bytes);
    return *out != NULL ? ODEON_OK
                        : diag_fail(ODEON_ERR_NOMEM, "samples of a batch: no memory for %llu bytes",
                                    (unsigned long long)bytes);
}

/* All fields grow together, as samples counts for all of them. After a failure samples is 0 and the
 * next call begins anew; what was taken is freed then, or by staging_release. */
odeon_status staging_fit_host(staging *s, const data_fields *fields, int64_t n)
{
    if (n <= s->samples) {
        return ODEON_OK;
    }
    release_host(s);
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (data_has(fields, role)) {
            ODEON_TRY(take_host(s, (uint64_t)n * data_field_bytes(fields, role), &s->host[role]));
        }
    }
    s->samples = n;
    return ODEON_OK;
}

/* Both sides, for the fields that the data set has; 64 bytes more than the samples on the
 * device. */
odeon_status staging_fit(staging *s, const data_fields *fields, int64_t n)
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (data_has(fields, role)) {
            int64_t bytes = n * (int64_t)data_field_bytes(fields, role);
            ODEON_TRY(buffer_fit(s->device, &s->on_device[role], bytes + 64));
        }
    }
    return staging_fit_host(s, fields, n);
}

/* The device may not be reading any more. */
void staging_release(staging *s)
{
    release_host(s);
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        buffer_release(s->device, &s->on_device[role]);
    }
}

/* By role, which is how both sides keep their fields. */
odeon_status staging_read(staging *s, const data_source *source, int64_t n, const int64_t *indices)
{
    return data_batch(source, n, indices, s->host);
}

/* A copy from pinned memory may still be under way when upload returns (device.h), from plain
 * memory it is not; the wait is for the former. */
odeon_status staging_upload(const staging *s, odeon_queue *queue, const data_fields *fields,
                            int64_t n)
{
    const odeon_device_ops *ops = s->device->ops;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (data_has(fields, role)) {
            ODEON_TRY(ops->upload(queue, s->on_device[role].data, s->host[role],
                                  (uint64_t)n * data_field_bytes(fields, role)));
        }
    }
    return s->pinned != NULL ? ops->wait(queue) : ODEON_OK;
}
