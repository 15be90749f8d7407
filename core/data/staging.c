#include "data/staging.h"

#include "base/diag.h"
#include "base/mem.h"

const odeon_device_pinned *staging_pinned(const odeon_device *device)
{
    return ODEON_HAS(device->ops, odeon_device_ops, get_extension)
               ? device->ops->get_extension(device->self, ODEON_DEVICE_PINNED)
               : NULL;
}

staging staging_make(const odeon_device *device, const odeon_device_pinned *pinned)
{
    return (staging){.device = device, .pinned = pinned};
}

static void release_host(staging *s)
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (s->pinned != NULL) {
            s->pinned->free(s->device->self, s->host[role]);
        } else {
            mem_free(s->host[role]);
        }
        s->host[role] = NULL;
    }
    s->samples = 0;
}

static odeon_status take_host(const staging *s, uint64_t bytes, void **out)
{
    if (s->pinned != NULL) {
        return s->pinned->alloc(s->device->self, bytes, out);
    }
    *out = mem_zalloc(1, (size_t)bytes);
    return *out != NULL ? ODEON_OK
                        : diag_fail(ODEON_ERR_NOMEM, "samples of a batch: no memory for %llu bytes",
                                    (unsigned long long)bytes);
}

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

void staging_release(staging *s)
{
    release_host(s);
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        buffer_release(s->device, &s->on_device[role]);
    }
}

odeon_status staging_read(staging *s, const data_source *source, int64_t n, const int64_t *indices)
{
    return data_batch(source, n, indices, s->host);
}

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
