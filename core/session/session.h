/* session.h: a configured network on a device with its workers, ready to train and evaluate. What
 * can be done with it stands in the headers beside this one:
 *
 *   describe.h    what it is: layers, shapes, metrics, the learning rate
 *   placement.h   samples on the device, and read ahead
 *   run_batch.h   batches: train, evaluate, differentiate, predict
 *   flow.h        the states along an ODE block
 *   failure.h     a batch that failed numerically
 *   parameters.h  parameters one by one
 *   weights.h     parameters to and from files; snapshot.h, start.h: with the optimizer's moments
 *
 * The caller's thread is the only one that calls these; the workers are threads inside. A failure
 * of any worker is the failure of the call, with its message in diag_message. */
#ifndef ODEON_CORE_SESSION_SESSION_H
#define ODEON_CORE_SESSION_SESSION_H
#include "config/config.h"
#include "data/data.h"
#include "plugin/registry.h"
#include "session/handle.h"

/* Builds the model on every worker: plugins' instances, shapes, parameters with their initial
 * values (or those of train.weights), optimizer state. max_batch: the largest batch to come; it
 * only helps to choose the number of workers when run.workers is 0. Without a data set there is no
 * loss and no optimizer. */
odeon_status session_create(registry *r, const config *c, const data_fields *fields,
                            int64_t max_batch, session **out);
/* The same without any memory for numbers: it can be described (describe.h), and no more.
 * train.weights is looked at all the same. */
odeon_status session_create_shapes(registry *r, const config *c, const data_fields *fields,
                                   int64_t max_batch, session **out);
/* The model as far as its first ODE block, to be solved (flow.h) and no more: nothing that follows
 * the block is built, no loss, no optimizer; weights may hold other tensors too. */
odeon_status session_create_flow(registry *r, const config *c, const data_fields *fields,
                                 int64_t max_batch, session **out);
void session_destroy(session *s); /* NULL is allowed */

/* Called on any worker's thread, once, when a worker has waited for run.patience while one that it
 * waits for stays in a plugin's call; it ends the program, since that thread cannot be joined.
 * Unless this is called it is abandon_program. */
typedef void (*session_stuck)(void *context, const char *message);
void session_on_stuck(session *s, session_stuck stuck, void *context);

#endif
