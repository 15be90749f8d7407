/* A session's samples that lie on the device. */
#include <stdio.h>

#include "base/diag.h"
#include "base/mem.h"
#include "session/worker.h"

/* One split. */
struct session_set {
    const data_source *source; /* tells splits apart */
    device_cache *samples;
    uint64_t bytes;
    session_set *next;
};

/* The rest is for what the solver keeps. */
enum { SHARE = 4 };

static const odeon_device_memory *device_memory(const session *s)
{
    const odeon_device_ops *ops = s->device.ops;
    return ODEON_HAS(ops, odeon_device_ops, get_extension)
               ? ops->get_extension(s->device.self, ODEON_DEVICE_MEMORY)
               : NULL;
}

bool session_device_is_apart(const session *s)
{
    return device_memory(s) != NULL;
}

/* Without memory of its own, a device would hold the samples a second time in the host's. */
static odeon_status is_worth(const session *s, uint64_t bytes, bool *out)
{
    const odeon_device_memory *memory = device_memory(s);
    uint64_t free_bytes = 0, total_bytes = 0;
    *out = s->config->on_device == CONFIG_YES;
    if (s->config->on_device != CONFIG_AUTO) {
        return ODEON_OK;
    }
    if (memory != NULL) {
        ODEON_TRY(memory->read(s->device.self, &free_bytes, &total_bytes));
    }
    *out = bytes <= free_bytes / SHARE;
    return ODEON_OK;
}

static odeon_status add(session *s, const data_source *source, uint64_t bytes)
{
    session_set *set = mem_zalloc(1, sizeof *set);
    if (set == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "data: no memory");
    }
    odeon_status status =
        device_cache_create(&s->device, s->workers[0].site.lane.queue, source, &set->samples);
    if (status != ODEON_OK) {
        mem_free(set);
        return status;
    }
    set->source = source;
    set->bytes = bytes;
    set->next = s->sets;
    s->sets = set;
    return ODEON_OK;
}

static odeon_status no_room(uint64_t bytes)
{
    char reason[DIAG_MESSAGE_BYTES];
    (void)snprintf(reason, sizeof reason, "%s", diag_message());
    diag_clear();
    return diag_fail(ODEON_ERR_NOMEM,
                     "data.on_device = yes: no room for samples of %llu bytes: %s; auto or no "
                     "leaves them with the host",
                     (unsigned long long)bytes, reason);
}

odeon_status session_place(session *s, const data_source *source)
{
    uint64_t bytes;
    bool wanted;
    ODEON_TRY(device_cache_bytes(source, &bytes));
    ODEON_TRY(is_worth(s, bytes, &wanted));
    odeon_status status = wanted ? add(s, source, bytes) : ODEON_OK;
    if (status == ODEON_ERR_NOMEM && s->config->on_device == CONFIG_AUTO) {
        diag_clear(); /* batches will do */
        return ODEON_OK;
    }
    return status == ODEON_ERR_NOMEM ? no_room(bytes) : status;
}

void session_expect(session *s, const data_source *source, int64_t n, const int64_t *indices)
{
    s->expected = (session_expected){.source = source, .n = n, .indices = indices};
}

uint64_t session_placed_bytes(const session *s)
{
    uint64_t bytes = 0;
    for (const session_set *set = s->sets; set != NULL; set = set->next) {
        bytes += set->bytes;
    }
    return bytes;
}

const device_cache *session_samples_of(const session *s, const data_source *source)
{
    const session_set *set = s->sets;
    while (set != NULL && set->source != source) {
        set = set->next;
    }
    return set != NULL ? set->samples : NULL;
}

void session_release_samples(session *s)
{
    while (s->sets != NULL) {
        session_set *set = s->sets;
        s->sets = set->next;
        device_cache_destroy(set->samples);
        mem_free(set);
    }
}
