/* An operator gets its queue and its arguments and nothing of the device, so that the way from a
 * watched table back to the true one, and to the log, leads through the thread. */
#include "device/watch.h"

#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_conv.h"
#include "odeon/device_loss.h"
#include "odeon/device_move.h"
#include "odeon/device_norm.h"
#include "odeon/device_optimizer.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"
#include "odeon/device_product.h"
#include "odeon/device_random.h"
#include "odeon/device_solver.h"

#define ONE(name, header) +1
enum { FAMILIES = 0 ODEON_FAMILY_LIST(ONE) };
#undef ONE

struct device_watch {
    odeon_device *device;
    odeon_device plain;    /* as it was */
    void *table[FAMILIES]; /* in the order of ODEON_FAMILY_LIST */
};

static _Thread_local const device_watch *watching; /* NULL: this thread has no log */
static _Thread_local watch_log *log_here;

/* ---- the log ---- */

void watch_log_clear(watch_log *log)
{
    for (size_t i = 0; i < log->n; i++) {
        watched_call *c = &log->calls[i];
        c->calls = 0;
        c->seconds = c->operations = c->bytes = 0.0;
    }
}

void watch_log_fini(watch_log *log)
{
    for (size_t i = 0; i < log->n; i++) {
        mem_free(log->calls[i].text);
    }
    mem_free(log->calls);
    name_index_fini(&log->by_text);
    text_fini(&log->text);
    *log = (watch_log){.n = 0};
}

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "bench: no memory for the list of operators");
}

static odeon_status add_call(watch_log *log, const operator_info *op, size_t *index)
{
    watched_call *grown = mem_grow(log->calls, log->n, sizeof *grown);
    if (grown == NULL) {
        return no_memory();
    }
    log->calls = grown;
    char *text = mem_strdup(log->text.data);
    if (text == NULL || !name_index_add(&log->by_text, text, log->n)) {
        mem_free(text);
        return no_memory();
    }
    *index = log->n++;
    log->calls[*index] = (watched_call){.op = op, .text = text};
    return ODEON_OK;
}

static odeon_status find_call(watch_log *log, const operator_info *op, const void *call,
                              size_t *index)
{
    text_clear(&log->text);
    operator_text(&log->text, op, call);
    if (log->text.failed) {
        return no_memory();
    }
    *index = name_index_find(&log->by_text, log->text.data);
    return *index != NAME_INDEX_NONE ? ODEON_OK : add_call(log, op, index);
}

/* ---- the tables ---- */

/* A timed call starts on an idle queue and ends on one, so that a device that answers before its
 * work is done is timed as well; the time then includes the wait. */
static odeon_status run_timed(const device_watch *w, const operator_info *op, odeon_queue *queue,
                              const void *call, double *seconds)
{
    const odeon_device_ops *ops = w->plain.ops;
    ODEON_TRY(ops->wait(queue));
    double begin = clock_seconds();
    ODEON_TRY(op->run(&w->plain, queue, call));
    ODEON_TRY(ops->wait(queue));
    *seconds += clock_seconds() - begin;
    return ODEON_OK;
}

static odeon_status watched(const operator_info *op, odeon_queue *queue, const void *call)
{
    const device_watch *w = watching;
    watch_log *log = log_here;
    size_t index;
    if (w == NULL || log == NULL) {
        return diag_fail(ODEON_ERR_INTERNAL, "%s: called on a thread that is not watched",
                         op->name);
    }
    ODEON_TRY(find_call(log, op, call, &index));
    watched_call *c = &log->calls[index];
    c->calls++;
    c->operations += operator_operations(op, call);
    c->bytes += operator_bytes(op, call);
    return log->timed ? run_timed(w, op, queue, call, &c->seconds)
                      : op->run(&w->plain, queue, call);
}

#define WATCHED(family, operator_)                                                                 \
    static odeon_status watched_##operator_(odeon_queue *queue, const odeon_##operator_ *call)     \
    {                                                                                              \
        return watched(&operator_infos[OPERATOR_AT_##operator_], queue, call);                     \
    }
OPERATOR_LIST(WATCHED)
#undef WATCHED

/* A copy of a family, which may be longer than this host's, or an older plugin's that is shorter:
 * its head says its size, and what the host does not know of it stays. */
static void *copy_table(const void *table, size_t least)
{
    uint32_t bytes;
    memcpy(&bytes, table, sizeof bytes);
    size_t room = bytes > least ? bytes : least;
    void *copy = mem_zalloc(1, room);
    if (copy != NULL) {
        memcpy(copy, table, bytes);
    }
    return copy;
}

/* A family of the device that is watched. */
typedef struct plain_family {
    const char *name;
    const void *table;
    size_t least; /* bytes */
} plain_family;

typedef void (*function)(void);

/* Slots that are empty stay so. All pointers to functions are of one size. */
static void replace_slot(void *slot, function with)
{
    function found;
    memcpy(&found, slot, sizeof found);
    if (found != NULL) {
        memcpy(slot, &with, sizeof with);
    }
}

static void *table_of(const device_watch *w, const plain_family *families, const char *name)
{
    size_t i = 0;
    while (strcmp(families[i].name, name) != 0) {
        i++;
    }
    return w->table[i];
}

static odeon_status make_tables(device_watch *w)
{
#define PLAIN(name, header) {#name, w->plain.name, sizeof *w->plain.name},
#define REPLACE(family, operator_)                                                                 \
    replace_slot(&((odeon_##family##_family *)table_of(w, families, #family))->operator_,          \
                 (function)watched_##operator_);
    const plain_family families[FAMILIES] = {ODEON_FAMILY_LIST(PLAIN)};
    for (size_t i = 0; i < FAMILIES; i++) {
        w->table[i] = copy_table(families[i].table, families[i].least);
        if (w->table[i] == NULL) {
            return no_memory();
        }
    }
    OPERATOR_LIST(REPLACE)
    return ODEON_OK;
#undef PLAIN
#undef REPLACE
}

odeon_status device_watch_create(odeon_device *device, device_watch **out)
{
    *out = NULL;
    device_watch *w = mem_zalloc(1, sizeof *w);
    if (w == NULL) {
        return no_memory();
    }
    w->device = device;
    w->plain = *device;
    odeon_status status = make_tables(w);
    if (status != ODEON_OK) {
        device_watch_destroy(w);
        return status;
    }
    *out = w;
    return ODEON_OK;
}

void device_watch_destroy(device_watch *w)
{
    if (w == NULL) {
        return;
    }
    for (size_t i = 0; i < FAMILIES; i++) {
        mem_free(w->table[i]);
    }
    mem_free(w);
}

void device_watch_on(device_watch *w)
{
    size_t n = 0;
#define SET(name, header) w->device->name = w->table[n++];
    ODEON_FAMILY_LIST(SET)
#undef SET
}

void device_watch_off(device_watch *w)
{
#define SET(name, header) w->device->name = w->plain.name;
    ODEON_FAMILY_LIST(SET)
#undef SET
}

void device_watch_thread(const device_watch *w, watch_log *log)
{
    watching = log != NULL ? w : NULL;
    log_here = log;
}
