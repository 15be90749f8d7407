#include "data/device_cache.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "data/staging.h"

/* What passes the host at once. */
enum { CHUNK_BYTES = 4 << 20 };

/* Filled once by device_cache_create and constant afterwards. Row i is the i-th of the samples in
 * use, counted in the order of the split. */
struct device_cache {
    const odeon_device *device;
    data_fields fields;
    int64_t n, stored; /* samples here; samples of the split */
    int64_t *row;      /* [stored]: as data_used gives it */
    device_buffer field[DATA_ROLES];
    char *host[DATA_ROLES]; /* of masks, times and classes: the same */
};

/* The host sums masks, and what classes count, and compares times of every batch, so it has a copy.
 */
static bool host_wants(const data_fields *fields, int32_t role)
{
    bool classes = role == ODEON_ROLE_LABEL && fields->of[role].classes > 0;
    return data_has(fields, role) &&
           (classes || role == ODEON_ROLE_MASK || role == ODEON_ROLE_TIME);
}

/* Of all fields together, as stored. */
static uint64_t sample_bytes(const data_fields *fields)
{
    uint64_t bytes = 0;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        bytes += data_has(fields, role) ? data_field_bytes(fields, role) : 0;
    }
    return bytes;
}

/* A sample that data.order names twice lies on the device once. Asked before anything is allocated,
 * so that a data set that is too large is read batch by batch instead. */
odeon_status device_cache_bytes(const data_source *source, uint64_t *bytes)
{
    int64_t n, *row;
    ODEON_TRY(data_used(source, &n, &row));
    mem_free(row);
    int64_t all = 0;
    if (!checked_mul(n, (int64_t)sample_bytes(data_source_fields(source)), &all)) {
        return diag_fail(ODEON_ERR_NOMEM, "data: no memory holds %lld samples", (long long)n);
    }
    *bytes = (uint64_t)all;
    return ODEON_OK;
}

/* All at once, before the first sample is read: a lack of memory shows early. */
static odeon_status allocate(device_cache *r)
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        size_t bytes = (size_t)data_field_bytes(&r->fields, role);
        if (host_wants(&r->fields, role)) {
            r->host[role] = mem_zalloc((size_t)r->n, bytes);
            if (r->host[role] == NULL) {
                return diag_fail(ODEON_ERR_NOMEM, "data: no memory for the %s of %lld samples",
                                 data_role_name(role), (long long)r->n);
            }
        }
        if (data_has(&r->fields, role)) {
            ODEON_TRY(buffer_fit(r->device, &r->field[role], r->n * (int64_t)bytes));
        }
    }
    return ODEON_OK;
}

/* n samples of s become rows first, first + 1, ...; s may then be reused. The wait is for the
 * copies: until then the device may still read from s. */
static odeon_status add_chunk(device_cache *r, odeon_queue *queue, const staging *s, int64_t first,
                              int64_t n)
{
    const odeon_device_ops *ops = r->device->ops;
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        uint64_t bytes = data_field_bytes(&r->fields, role), at = (uint64_t)first * bytes;
        if (data_has(&r->fields, role)) {
            ODEON_TRY(
                ops->upload(queue, r->field[role].data + at, s->host[role], (uint64_t)n * bytes));
        }
        if (r->host[role] != NULL) {
            memcpy(r->host[role] + at, s->host[role], (size_t)((uint64_t)n * bytes));
        }
    }
    return ops->wait(queue);
}

/* Reads the samples in use in ascending order, a chunk at a time. indices and s have room for a
 * chunk. */
static odeon_status add_all(device_cache *r, odeon_queue *queue, const data_source *source,
                            int64_t chunk, int64_t *indices, staging *s)
{
    int64_t n = 0, first = 0;
    for (int64_t i = 0; first < r->n; i++) {
        if (r->row == NULL || r->row[i] >= 0) {
            indices[n++] = i;
        }
        if (n == chunk || first + n == r->n) {
            ODEON_TRY(staging_read(s, source, n, indices));
            ODEON_TRY(add_chunk(r, queue, s, first, n));
            first += n;
            n = 0;
        }
    }
    return ODEON_OK;
}

/* At least one sample a chunk, however large a sample is. The host's side of s is pinned memory
 * where the device offers it, from which copies are faster. */
static odeon_status fill(device_cache *r, odeon_queue *queue, const data_source *source)
{
    staging s = staging_make(r->device, staging_pinned(r->device));
    int64_t chunk = CHUNK_BYTES / (int64_t)sample_bytes(&r->fields);
    chunk = chunk < 1 ? 1 : chunk < r->n ? chunk : r->n;
    int64_t *indices = mem_zalloc((size_t)chunk, sizeof *indices);
    odeon_status status =
        indices != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "data: no memory for indices");
    if (status == ODEON_OK) {
        status = staging_fit_host(&s, &r->fields, chunk);
    }
    if (status == ODEON_OK) {
        status = add_all(r, queue, source, chunk, indices, &s);
    }
    staging_release(&s);
    mem_free(indices);
    return status;
}

/* destroy takes what there is of a cache that was not finished. */
odeon_status device_cache_create(const odeon_device *device, odeon_queue *queue,
                                 const data_source *source, device_cache **out)
{
    *out = NULL;
    device_cache *r = mem_zalloc(1, sizeof *r);
    if (r == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "data: no memory");
    }
    r->device = device;
    r->fields = *data_source_fields(source);
    r->stored = data_stored(source);
    odeon_status status = data_used(source, &r->n, &r->row);
    if (status == ODEON_OK) {
        status = allocate(r);
    }
    if (status == ODEON_OK) {
        status = fill(r, queue, source);
    }
    if (status != ODEON_OK) {
        device_cache_destroy(r);
        return status;
    }
    *out = r;
    return ODEON_OK;
}

/* Nothing may be under way on the device that reads from it. */
void device_cache_destroy(device_cache *r)
{
    if (r != NULL) {
        for (int32_t role = 0; role < DATA_ROLES; role++) {
            buffer_release(r->device, &r->field[role]);
            mem_free(r->host[role]);
        }
        mem_free(r->row);
        mem_free(r);
    }
}

/* Without data.order the first n samples are in use, so that a sample is its own row. */
bool device_cache_rows(const device_cache *r, int64_t n, const int64_t *indices, int64_t *rows)
{
    for (int64_t i = 0; i < n; i++) {
        bool known = indices[i] >= 0 && indices[i] < r->stored;
        int64_t row = known && r->row != NULL ? r->row[indices[i]] : indices[i];
        if (!known || row < 0 || row >= r->n) {
            return false;
        }
        rows[i] = row;
    }
    return true;
}

/* A view: the memory stays the cache's. */
odeon_tensor device_cache_field(const device_cache *r, int32_t role)
{
    return odeon_tensor_at(r->field[role].data,
                           data_field_shape(&r->fields, role, r->n, r->fields.of[role].dtype));
}

/* From the host's copy, which saves a download for each batch. */
void device_cache_values(const device_cache *r, int32_t role, int64_t n, const int64_t *rows,
                         double *out)
{
    const odeon_field_info *field = &r->fields.of[role];
    uint64_t bytes = data_field_bytes(&r->fields, role);
    int64_t size = (int64_t)bytes / odeon_dtype_bytes(field->dtype);
    for (int64_t i = 0; i < n; i++) {
        data_field_values(field, 1, r->host[role] + (uint64_t)rows[i] * bytes, out + i * size);
    }
}
