/* tensor.h: numbers on a device: their shape, and two ways to point to them. All structures here
 * are FINAL: they never change, may be embedded, stand in arrays and be returned by value.
 *
 * Contiguous and row-major, batch first (images [B,C,H,W]). There are no strides, because every
 * operator of every device would have to take or refuse them; a layer that wants another order
 * copies once (copy2d). The codes of dtypes and of devices are DLPack's, and a byte offset stands
 * beside the address, so that other libraries' arrays can be handed in and out without a table.
 * Eight dimensions, because [series, time, batch, C, D, H, W] are seven. A dimension may be 0; then
 * nothing is read or written.
 *
 * A VIEW may be read, a TENSOR may be written, too. A tensor is passed on as a view by its address:
 * &x->view. Calls take addresses of both, and NULL stands for one that is absent.
 *
 * Frozen at 1.0. */
#ifndef ODEON_TENSOR_H
#define ODEON_TENSOR_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* DLPack's code, bits and lanes, as they lie in memory: one number to compare and to switch on. */
#define ODEON_DTYPE(code, bits) ((uint32_t)(code) | (uint32_t)(bits) << 8 | UINT32_C(1) << 16)
#define ODEON_DTYPE_NONE        UINT32_C(0) /* there are no numbers */
#define ODEON_DTYPE_I8          ODEON_DTYPE(0, 8)
#define ODEON_DTYPE_I32         ODEON_DTYPE(0, 32)
#define ODEON_DTYPE_I64         ODEON_DTYPE(0, 64) /* labels, indices */
#define ODEON_DTYPE_U8          ODEON_DTYPE(1, 8)  /* raw data: images, small labels */
#define ODEON_DTYPE_F16         ODEON_DTYPE(2, 16)
#define ODEON_DTYPE_F32         ODEON_DTYPE(2, 32) /* what networks train in */
#define ODEON_DTYPE_F64         ODEON_DTYPE(2, 64) /* verification; times, sums, statistics */
#define ODEON_DTYPE_BF16        ODEON_DTYPE(4, 16)
#define ODEON_DTYPE_BOOL        ODEON_DTYPE(6, 8)

/* DLPack's device types. 0: the device of the call in which the tensor stands. */
#define ODEON_ON_HOST    1
#define ODEON_ON_CUDA    2
#define ODEON_ON_PRIVATE 12

#define ODEON_MAX_DIMS 8

/* Final. */
typedef struct odeon_shape {
    int32_t ndim;
    uint32_t dtype;              /* ODEON_DTYPE_*; NONE: there is nothing of this shape */
    int64_t dim[ODEON_MAX_DIMS]; /* the first ndim count, the rest are 0 */
} odeon_shape;

/* Final. Numbers that may be read. data is an address, or a handle, of the device: only the device
 * follows it, everybody else passes it on and may add to byte_offset. */
typedef struct odeon_view {
    const void *data;
    uint64_t byte_offset;           /* from data to the first element */
    int32_t device_type, device_id; /* ODEON_ON_*; 0, 0: those of the call's device */
    odeon_shape shape;
} odeon_view;

/* Final. Numbers that may be written: data was given as an address that may be. */
typedef struct odeon_tensor {
    odeon_view view;
} odeon_tensor;

/* Number of elements; shapes are checked against overflow when they are made, so this cannot. */
static inline int64_t odeon_count(const odeon_shape *shape)
{
    int64_t n = 1;
    for (int32_t i = 0; i < shape->ndim; i++) {
        n *= shape->dim[i];
    }
    return n;
}

/* Bytes of one element; 0 for NONE. */
static inline int64_t odeon_dtype_bytes(uint32_t dtype)
{
    return (int64_t)(dtype >> 8 & 255u) / 8;
}

static inline int64_t odeon_bytes(const odeon_shape *shape)
{
    return odeon_count(shape) * odeon_dtype_bytes(shape->dtype);
}

/* The first element, where data is an address that the caller can follow. */
static inline const void *odeon_read(const odeon_view *x)
{
    return (const void *)((uintptr_t)x->data + (uintptr_t)x->byte_offset);
}

/* The same, to be written. A tensor's address was once given as one that may be written, so that
 * taking const away again here breaks no promise. */
static inline void *odeon_write(const odeon_tensor *x)
{
    return (void *)((uintptr_t)x->view.data + (uintptr_t)x->view.byte_offset);
}

/* A tensor, or NULL, as a view. */
static inline const odeon_view *odeon_as_view(const odeon_tensor *x)
{
    return x != NULL ? &x->view : NULL;
}

/* Numbers of a shape at data. */
static inline odeon_tensor odeon_tensor_at(void *data, odeon_shape shape)
{
    odeon_tensor x;
    x.view.data = data;
    x.view.byte_offset = 0;
    x.view.device_type = 0;
    x.view.device_id = 0;
    x.view.shape = shape;
    return x;
}

static inline odeon_view odeon_view_at(const void *data, odeon_shape shape)
{
    odeon_view x;
    x.data = data;
    x.byte_offset = 0;
    x.device_type = 0;
    x.device_id = 0;
    x.shape = shape;
    return x;
}

#ifdef __cplusplus
}
#endif
#endif
