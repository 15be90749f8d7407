/* tensor.h: a borrowed view of numbers on a device.
 *
 * Contiguous, row-major, batch first (images [B,C,H,W]), no strides. data is an address of the
 * device that made it: only that device follows it, the host and plugins pass it on and may add
 * byte offsets to it. A dimension may be 0; then nothing is read or written. Draft. */
#ifndef ODEON_TENSOR_H
#define ODEON_TENSOR_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    ODEON_DTYPE_NONE = 0,
    ODEON_DTYPE_F32 = 1, /* what networks train in */
    ODEON_DTYPE_F64 = 2, /* what they are verified in; also times, sums and statistics */
    ODEON_DTYPE_U8 = 3,  /* raw data: images, small labels */
    ODEON_DTYPE_I64 = 4  /* labels, indices */
};

#define ODEON_MAX_DIMS 6

/* Layouts other than plain are private to a device and only requested by the host. */
enum { ODEON_LAYOUT_PLAIN = 0 };

typedef struct odeon_tensor {
    void *data;                  /* NULL in a tensor that only describes a shape */
    int64_t dim[ODEON_MAX_DIMS]; /* the first ndim count, the rest are 0 */
    int32_t ndim, dtype, layout, reserved0;
} odeon_tensor;

/* Number of elements; shapes are checked against overflow when they are made, so this cannot. */
static inline int64_t odeon_count(const odeon_tensor *x)
{
    int64_t n = 1;
    for (int32_t i = 0; i < x->ndim; i++) {
        n *= x->dim[i];
    }
    return n;
}

/* Bytes of one element of a dtype; 0 for a number that is no dtype. */
static inline int64_t odeon_dtype_bytes(int32_t dtype)
{
    static const int64_t bytes[] = {0, 4, 8, 1, 8};
    return dtype >= 0 && dtype <= ODEON_DTYPE_I64 ? bytes[dtype] : 0;
}

#ifdef __cplusplus
}
#endif
#endif
