/* device_ext.h: what a device may have beside its families, asked for by id.
 *
 * Draft. To be seen before it is frozen: solves with implicit stages that are recorded, and one
 * device more that records. */
#ifndef ODEON_DEVICE_EXT_H
#define ODEON_DEVICE_EXT_H
#include "odeon/device.h"
#include "odeon/device_solver.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How often a device did what since it was created: operators and replays are
 * launches (operators while a queue records are not); download, slots_read and wait are waits.
 * Extension. */
#define ODEON_DEVICE_COUNTERS "odeon.device.counters/1"
typedef struct odeon_device_counters {
    uint32_t struct_size, reserved0;
    /* live_bytes: allocated and not freed. [any; batch] */
    void (*read)(void *device, int64_t *launches, int64_t *waits, int64_t *allocs,
                 int64_t *live_bytes);
} odeon_device_counters;

/* A device whose memory is not the host's says how much of it there is. Extension. */
#define ODEON_DEVICE_MEMORY "odeon.device.memory/1"
typedef struct odeon_device_memory {
    uint32_t struct_size, reserved0;
    odeon_status (*read)(void *device, uint64_t *free_bytes,
                         uint64_t *total_bytes); /* [any; build] */
} odeon_device_memory;

/* Host memory that the device copies from by itself: an upload from it returns at once, and what it
 * takes from there may not change until its queue has been waited for. Extension; draft. */
#define ODEON_DEVICE_PINNED "odeon.device.pinned/1"
typedef struct odeon_device_pinned {
    uint32_t struct_size, reserved0;
    /* Aligned to 64 bytes, contents undefined; ODEON_ERR_NOMEM. Never within a step. [any; build]
     */
    odeon_status (*alloc)(void *device, uint64_t bytes, void **out);
    /* Takes NULL; nothing takes from it any more. [any; build] */
    void (*free)(void *device, void *memory);
} odeon_device_pinned;

/* Recording operators, to have them done as often as wanted by one launch each time. Between begin
 * and end a queue records REPLAYABLE calls, with their arguments as they are then, and does none of
 * them. What tensors, slots and scratch point to is read and written by each replay, and has to be
 * there then. Whatever else is asked of a queue that records, and alloc and free by its thread, is
 * ODEON_ERR_DEVICE and invalidates the recording, as does a call that fails. A device with it
 * counts its allocations (ODEON_DEVICE_COUNTERS): from them the host knows whether memory may have
 * moved. Extension; draft. */
#define ODEON_DEVICE_CAPTURE "odeon.device.capture/1"
typedef struct odeon_recording odeon_recording; /* opaque to all but its device */
typedef struct odeon_device_capture {
    uint32_t struct_size, reserved0;
    odeon_status (*begin)(odeon_queue *queue); /* [worker; solve] */
    /* The queue records no longer, whatever the result. A recording that is invalid, or whose loop
     * is open, is a failure, and *out NULL. May take long: a device may prepare what it can.
     * [worker; solve] */
    odeon_status (*end)(odeon_queue *queue, odeon_recording **out);
    /* Does what was recorded, in order and after the calls made before it: one more call that
     * waits for nothing and allocates nothing. On the queue that recorded, while it does not.
     * [worker; step] */
    odeon_status (*replay)(odeon_queue *queue, const odeon_recording *recording);
    /* Before the queue is destroyed. Waits for its replays; takes NULL. [worker; solve] */
    void (*destroy)(odeon_recording *recording);

    /* ---- optional: both or none ---- */

    /* What is recorded up to loop_end is done over and over, as long as slots[slot] is 0 when a
     * pass would begin (so perhaps never), at most passes times. Loops do not nest; slot names one
     * of ODEON_SLOTS: of steps, ODEON_SLOT_STOP. [worker; solve] */
    odeon_status (*loop_begin)(odeon_queue *queue, const double *slots, int32_t slot,
                               int64_t passes);
    odeon_status (*loop_end)(odeon_queue *queue);
} odeon_device_capture;

/* Solves in slices: where the samples of a batch do not see each other, some of them go through all
 * stages of a step before the next ones do, so that what they share stays in a cache. Extension;
 * draft. */
#define ODEON_DEVICE_SLICES "odeon.device.slices/1"
#define ODEON_ERROR_LANES   32
typedef struct odeon_device_slices {
    uint32_t struct_size, reserved0;
    /* The family that error_sum belongs to: a device that has another one solves whole batches. */
    const odeon_solver_family *solver;
    /* How many bytes one worker should work on at a time: a cache of its own. 0: there is none, and
     * whole batches are as good. Always the same of one device. [any; build] */
    uint64_t (*bytes)(void *device);
    /* error_sum of a vector piece by piece, in order: call's y0, y1 and x are the piece that begins
     * at element `first` of it. The sums so far are kept in lanes, F64 [ODEON_ERROR_LANES] on the
     * device, which the piece at 0 begins anew; slots[slot] is what they come to, which behind the
     * last piece are the bits of error_sum of all of it. n_each counts from `first`.
     * [worker; evaluation] */
    odeon_status (*error_sum)(odeon_queue *queue, const odeon_error_sum *call, double *lanes,
                              int64_t first);
} odeon_device_slices;

/* Makes memory useless (NaN) that its owner declares free to overwrite, so that reading it before
 * writing it shows. For devices made for tests; replayable. Extension. */
#define ODEON_DEVICE_POISON "odeon.device.poison/1"
typedef struct odeon_device_poison {
    uint32_t struct_size, reserved0;
    odeon_status (*poison)(odeon_queue *queue, void *memory,
                           uint64_t bytes); /* [worker; evaluation] */
} odeon_device_poison;

#ifdef __cplusplus
}
#endif
#endif
