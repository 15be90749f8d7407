/* epilogue.h: bias and function that a library applies within the kernel of its product or
 * convolution, where a kernel of our own would come behind it.
 *
 * A library refuses some epilogues, and does not promise that its ReLU passes NaN on: where it made
 * 0 of it, a failed run would look sound. So each is tried once, before it is relied on. */
#ifndef ODEON_CUDA_EPILOGUE_H
#define ODEON_CUDA_EPILOGUE_H
#include "cuda.h"

/* What is known of an epilogue of one shape. */
enum { EPILOGUE_UNKNOWN = 0, EPILOGUE_TAKEN = 1, EPILOGUE_REFUSED = 2 };

/* y = act(product + bias[channels]) in one call of a library. */
typedef struct cuda_epilogue {
    /* Asks for it with this bias; *takes is 0 where the library does not do it, and has begun
     * nothing then. */
    odeon_status (*run)(const void *call, const void *bias, int32_t *takes);
    const void *call, *bias;
    const void *y; /* contiguous, at least one element */
    int64_t channels;
    const char *name; /* of the library, for the log */
    uint32_t dtype;
    int32_t act; /* a unary id */
} cuda_epilogue;

/* Is this one that libraries have, with a bias that stands where they take one? */
int32_t cuda_epilogue_may(const void *bias, int64_t channels, int32_t act);

/* Does it if the library does, *done then; else nothing. *state begins as EPILOGUE_UNKNOWN. The
 * first time may wait for the GPU, so a queue that records goes without what is unknown. */
odeon_status cuda_epilogue_run(cuda_queue *queue, const cuda_epilogue *e, _Atomic int32_t *state,
                               int32_t *done);

#endif
