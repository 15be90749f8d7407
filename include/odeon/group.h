/* group.h: the workers of a run and their collectives.
 *
 * A worker is a thread with a slice of every batch, a queue and memory of its own. All workers make
 * the same calls in the same order; whatever decides about control flow comes out of a collective
 * and so has the same bits on every worker.
 *
 * Every collective carries its caller's status and gives the worst one (any failure before any
 * void step; of several failures the lowest rank's) to all. If that is not 0 the data is void and
 * every worker returns to the step loop with it and makes no further collective on the way. A
 * worker on which something fails between two collectives calls agree(status) as its next one,
 * whichever collective the others are in. Only the host and containers call agree. A worker with an
 * empty slice makes the same calls with B = 0.
 *
 * A collective that only some of the workers call is ODEON_ERR_PLUGIN on those that do, as soon as
 * the others are in another one, called in another layer, or done with the batch; the message names
 * the callers. Once a collective has failed, each that is called before the failure has reached the
 * step loop gives the same status at once. A worker that stays in one call of a plugin for
 * run.patience while others wait for it ends the program.
 *
 * Draft. To be seen before it is frozen: a program of several processes; so far workers are
 * threads. */
#ifndef ODEON_GROUP_H
#define ODEON_GROUP_H
#include "odeon/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct odeon_group {
    uint32_t struct_size;
    int32_t rank, size;
    int32_t reserved0;
    void *self;
    /* x becomes the sum over the workers, in rank order: the same bits on all. F32 or F64, the same
     * shape everywhere. Waits for the queue. [worker; evaluation] */
    odeon_status (*sum)(void *self, odeon_queue *queue, const odeon_tensor *x, odeon_status mine);
    /* slots[first .. first+n-1] become their sums, or their maxima (maximum 1; NaN wins).
     * [worker; step] */
    odeon_status (*reduce_slots)(void *self, odeon_queue *queue, double *slots, int32_t first,
                                 int32_t n, int32_t maximum, odeon_status mine);
    odeon_status (*agree)(void *self, odeon_status mine); /* [worker; evaluation] */
} odeon_group;

#ifdef __cplusplus
}
#endif
#endif
