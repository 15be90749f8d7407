#include "stage.h"

#include "diag.h"
#include "mem.h"

odeon_status stage_fit_host(stage *s, const data_fields *fields, int64_t n)
{
    bool there = true;
    if (n <= s->samples) {
        return ODEON_OK;
    }
    s->samples = 0;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        mem_free(s->host[role]);
        s->host[role] = NULL;
        if (data_has(fields, role)) {
            s->host[role] = mem_zalloc((size_t)n, (size_t)data_field_bytes(fields, role));
            there = there && s->host[role] != NULL;
        }
    }
    s->samples = there ? n : 0;
    return there ? ODEON_OK
                 : diag_fail(ODEON_ERR_NOMEM, "a batch of %lld: no memory", (long long)n);
}

odeon_status stage_fit(stage *s, const odeon_device *device, const data_fields *fields, int64_t n)
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (data_has(fields, role)) {
            int64_t bytes = n * (int64_t)data_field_bytes(fields, role);
            ODEON_TRY(room_fit(device, &s->device[role], bytes + 64));
        }
    }
    return stage_fit_host(s, fields, n);
}

void stage_release(stage *s, const odeon_device *device)
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        room_release(device, &s->device[role]);
        mem_free(s->host[role]);
    }
    *s = (stage){.samples = 0};
}

odeon_status stage_read(stage *s, const data_source *source, int64_t n, const int64_t *indices)
{
    return data_batch(source, n, indices, s->host);
}

odeon_status stage_upload(const stage *s, const odeon_device *device, odeon_queue *queue,
                          const data_fields *fields, int64_t n)
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        if (data_has(fields, role)) {
            ODEON_TRY(device->ops->upload(queue, s->device[role].data, s->host[role],
                                          (uint64_t)n * data_field_bytes(fields, role)));
        }
    }
    return ODEON_OK;
}
