#include "session/placement.h"

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_ext.h"
#include "session/members.h"

/* A split is known by the address of its open source, which the caller keeps open as long as the
 * samples are placed: no two open sources share one. */
struct placed_split {
    const data_source *source; /* tells splits apart */
    device_cache *samples;
    uint64_t bytes;
    placed_split *next;
};

/* auto uploads a split if it takes no more than this part of the free memory: the rest is for what
 * the solver keeps of its steps. */
enum { FREE_MEMORY_PART = 4 };

/* Every batch then brings its own samples, which is slower and would be noticed by nothing else. */
static void warn(uint64_t bytes, const char *reason)
{
    diag_log(ODEON_LOG_WARNING,
             "%.3g MB of samples stay with the host, and each batch is copied to the device, which "
             "is slower: %s",
             (double)bytes * 1e-6, reason);
}

/* A device without memory of its own would hold the samples a second time in the host's. */
static odeon_status is_wanted(const session *s, uint64_t bytes, bool *out)
{
    const odeon_device *device = s->model.device;
    uint64_t free_bytes = 0, total_bytes = 0;
    *out = s->model.config->on_device == CONFIG_YES;
    if (s->model.config->on_device != CONFIG_AUTO) {
        return ODEON_OK;
    }
    const odeon_device_memory *memory = device->get_table(device, ODEON_DEVICE_MEMORY);
    if (memory != NULL) {
        ODEON_TRY(memory->read(device->handle, &free_bytes, &total_bytes));
    }
    *out = bytes <= free_bytes / FREE_MEMORY_PART;
    if (!*out && memory != NULL) {
        warn(bytes, "they would take more than a quarter of the memory that is free there");
    }
    return ODEON_OK;
}

/* The source tells whose samples they are for as long as it is open. */
static odeon_status add(session *s, const data_source *source, uint64_t bytes)
{
    placed_split *split = mem_zalloc(1, sizeof *split);
    if (split == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "data: no memory");
    }
    odeon_status status = device_cache_create(s->model.device, s->workers[0].site.lane.queue,
                                              source, &split->samples);
    if (status != ODEON_OK) {
        mem_free(split);
        return status;
    }
    split->source = source;
    split->bytes = bytes;
    split->next = s->placed;
    s->placed = split;
    return ODEON_OK;
}

/* Weights are written with it from now on. All splits of a data set have the same. */
static odeon_status keep_fitted(session *s, const data_source *source)
{
    const char *text = data_fitted(source);
    if (text == NULL || s->model.fitted != NULL) {
        return ODEON_OK;
    }
    s->model.fitted = mem_strdup(text);
    return s->model.fitted != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "data: no memory");
}

/* Of auto nobody was promised anything: without memory the samples stay with the host. */
odeon_status session_place(session *s, const data_source *source)
{
    uint64_t bytes;
    bool wanted;
    ODEON_TRY(keep_fitted(s, source));
    ODEON_TRY(device_cache_bytes(source, &bytes));
    ODEON_TRY(is_wanted(s, bytes, &wanted));
    odeon_status status = wanted ? add(s, source, bytes) : ODEON_OK;
    if (status != ODEON_ERR_NOMEM) {
        return status;
    }
    diag_reason reason = diag_take();
    if (s->model.config->on_device == CONFIG_AUTO) {
        warn(bytes, reason.text);
        return ODEON_OK;
    }
    return diag_fail(ODEON_ERR_NOMEM,
                     "data.on_device = yes: no room for samples of %llu bytes: %s; auto or no "
                     "leaves them with the host",
                     (unsigned long long)bytes, reason.text);
}

/* Kept until the next batch begins, which hands it to the workers and forgets it (run_batch.c). */
void session_expect(session *s, const data_source *source, int64_t n, const int64_t *indices)
{
    s->expected = (expected_batch){.source = source, .n = n, .indices = indices};
}

uint64_t session_placed_bytes(const session *s)
{
    uint64_t bytes = 0;
    for (const placed_split *split = s->placed; split != NULL; split = split->next) {
        bytes += split->bytes;
    }
    return bytes;
}

/* NULL is nobody's source: whoever gives samples himself finds none placed. */
const device_cache *session_placed(const session *s, const data_source *source)
{
    const placed_split *split = s->placed;
    while (split != NULL && split->source != source) {
        split = split->next;
    }
    return split != NULL ? split->samples : NULL;
}

/* Before the device is destroyed, and while no batch is under way. */
void session_release_placed(session *s)
{
    while (s->placed != NULL) {
        placed_split *split = s->placed;
        s->placed = split->next;
        device_cache_destroy(split->samples);
        mem_free(split);
    }
}
