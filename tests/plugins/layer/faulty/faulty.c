/* faulty: a layer that passes its input on, except that on one worker some of its calls go wrong.
 * Calls of forward and of vjp are counted apart, from 1, since the instance was made. For tests. */
#define _GNU_SOURCE /* processors of a thread */
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

#include "odeon/device_move.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

enum { IN_FORWARD = 0, IN_VJP = 1 };

/* What happens: a void step, the end of the solve, NaN instead of the value, a collective that the
 * other workers know nothing of, a wait for the device; calls that never end: a sleep, a loop, a
 * read from a pipe into which nobody writes; that collective with its answer thrown away. */
enum {
    STATUS_RECOVERABLE = 0,
    STATUS_FATAL,
    STATUS_NAN,
    STATUS_MEETS,
    STATUS_WAITS,
    STATUS_HANGS,
    STATUS_IGNORES,
    STATUS_SPINS,
    STATUS_READS
};

typedef struct faulty {
    ODEON_INSTANCE;
    int64_t rank, call, calls, status, in, train_only;
    int64_t count[2]; /* of forward, vjp */
} faulty;

static const odeon_option *const options[] = {
    ODEON_OPTION(faulty, train_only, FLAG, .default_text = "no", .help = "left out of evaluation"),
    ODEON_OPTION(faulty, rank, I64, .default_text = "0", .min_text = "0",
                 .help = "worker on which calls go wrong"),
    ODEON_OPTION(faulty, call, I64, .default_text = "1", .min_text = "0",
                 .help = "the first call that goes wrong; 0: none"),
    ODEON_OPTION(faulty, calls, I64, .default_text = "1", .min_text = "1",
                 .help = "how many calls in a row go wrong"),
    ODEON_OPTION(faulty, status, CHOICE, .default_text = "fatal",
                 .choices = "recoverable|fatal|nan|meets|waits|hangs|ignores|spins|reads",
                 .help = "what goes wrong"),
    ODEON_OPTION(faulty, in, CHOICE, .default_text = "forward", .choices = "forward|vjp",
                 .help = "which calls are counted"),
    NULL};

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const faulty *layer = self;
    plan->flags = layer->train_only != 0 ? ODEON_LAYER_TRAIN_ONLY : 0;
    plan->out = plan->in;
    return ODEON_OK;
}

/* All that spin share one processor, where it is ours to use, at the lowest priority, so that other
 * tests have the time. Both are this thread's alone. */
static void spin(void)
{
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    (void)sched_setaffinity(0, sizeof first, &first);
    (void)!nice(19);
    for (volatile int i = 0;;) {
        (void)i;
    }
}

static void read_for_ever(void)
{
    int ends[2];
    char byte;
    while (pipe(ends) == 0) {
        (void)!read(ends[0], &byte, 1);
    }
}

/* One more call, which writes to; NULL: nothing. */
static odeon_status go_wrong(faulty *layer, const odeon_layer_call *call, int64_t in,
                             const odeon_tensor *to)
{
    int64_t n = ++layer->count[in];
    bool now = layer->call > 0 && n >= layer->call && n < layer->call + layer->calls;
    if (!now || in != layer->in || call->group->rank != layer->rank) {
        return ODEON_OK;
    }
    const char *where = in == IN_FORWARD ? "forward" : "vjp";
    switch (layer->status) {
    case STATUS_RECOVERABLE:
        return odeon_fail(layer->host, ODEON_VOID_STEP, "faulty: call %lld of %s is void",
                          (long long)n, where);
    case STATUS_FATAL:
        return odeon_fail(layer->host, ODEON_ERR_DEVICE, "faulty: call %lld of %s broke",
                          (long long)n, where);
    case STATUS_NAN:
        return to == NULL ? ODEON_OK
                          : ODEON_DO(call->device, move, fill, call->queue, .y = to,
                                     .value = odeon_imm((double)NAN));
    case STATUS_WAITS:
        return call->device->ops->wait(call->queue);
    case STATUS_HANGS:
        for (;;) {
            (void)pause();
        }
    case STATUS_IGNORES:
        (void)call->group->agree(call->group->self, ODEON_OK);
        return ODEON_OK;
    case STATUS_SPINS:
        spin();
        return ODEON_OK;
    case STATUS_READS:
        read_for_ever();
        return ODEON_OK;
    default:
        return call->group->agree(call->group->self, ODEON_OK);
    }
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    ODEON_TRY(ODEON_DO(call->device, move, copy, call->queue, .x = call->in, .y = call->out));
    return go_wrong(self, call, IN_FORWARD, call->out);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    if (call->d_in != NULL) {
        ODEON_TRY(
            ODEON_DO(call->device, move, copy, call->queue, .x = call->d_out, .y = call->d_in));
    }
    return go_wrong(self, call, IN_VJP, call->d_in);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "faulty", &ops, "passes its input on until it goes wrong", NULL, NULL,
                     faulty, options, NULL, NULL);
