#include "epilogue.h"

#include <math.h>
#include <stdio.h>

#include "launch.h"
#include "odeon/device_pointwise.h"
#include "recorder.h"
#include "transfer.h"

enum { ALIGNMENT = 16 }; /* of the bias, which is read in vectors */

int32_t cuda_epilogue_may(const void *bias, int64_t channels, int32_t act)
{
    return bias != NULL && (uintptr_t)bias % ALIGNMENT == 0 &&
           channels <= SCRATCH_BYTES / (int64_t)sizeof(double) &&
           (act == ODEON_UNARY_IDENTITY || act == ODEON_UNARY_RELU);
}

/* A bias that is all NaN, in the queue's scratch. */
static odeon_status make_nan(cuda_queue *queue, const cuda_epilogue *e)
{
    const fill_args a = {queue->scratch, e->channels, odeon_imm((double)NAN), NULL};
    return cuda_launch(queue, kernel_of(KERNEL_fill_f32, e->dtype), &a, shape_each(a.count));
}

static odeon_status first_is_nan(cuda_queue *queue, const cuda_epilogue *e, int32_t *is_nan)
{
    odeon_queue q = {.handle = queue};
    float f32 = 0.0f;
    double f64 = 0.0;
    if (e->dtype == ODEON_DTYPE_F32) {
        ODEON_TRY(cuda_download(&q, &f32, e->y, sizeof f32));
    } else {
        ODEON_TRY(cuda_download(&q, &f64, e->y, sizeof f64));
    }
    *is_nan = isnan(f32) || isnan(f64);
    return ODEON_OK;
}

/* y is overwritten once more by whoever asked. */
static odeon_status passes_nan(cuda_queue *queue, const cuda_epilogue *e, int32_t *takes)
{
    ODEON_TRY(make_nan(queue, e));
    ODEON_TRY(e->run(e->call, queue->scratch, takes));
    return *takes ? first_is_nan(queue, e, takes) : ODEON_OK;
}

static void log_refusal(const cuda_queue *queue, const cuda_epilogue *e)
{
    const odeon_host *host = queue->device->host;
    char text[200];
    (void)snprintf(text, sizeof text,
                   "cuda: %s has no %s for a shape, which takes a launch more each time", e->name,
                   e->act == ODEON_UNARY_RELU ? "bias and ReLU that pass NaN on" : "bias");
    host->log(host, ODEON_LOG_INFO, text);
}

odeon_status cuda_epilogue_run(cuda_queue *queue, const cuda_epilogue *e, _Atomic int32_t *state,
                               int32_t *done)
{
    int32_t known = atomic_load_explicit(state, memory_order_relaxed), takes = 1;
    *done = 0;
    if (known == EPILOGUE_REFUSED || (known == EPILOGUE_UNKNOWN && queue->recording != NULL)) {
        return ODEON_OK;
    }
    if (known == EPILOGUE_UNKNOWN && e->act == ODEON_UNARY_RELU) {
        ODEON_TRY(passes_nan(queue, e, &takes));
    }
    if (takes) {
        ODEON_TRY(e->run(e->call, e->bias, &takes));
    }
    if (!takes) {
        log_refusal(queue, e);
    }
    atomic_store_explicit(state, takes ? EPILOGUE_TAKEN : EPILOGUE_REFUSED, memory_order_relaxed);
    *done = takes;
    return ODEON_OK;
}
