/* reference.h: a device of plain loops, the oracle that other devices are tested against and the
 * place to read what an operator does. Device memory is host memory, and an operator has finished
 * when it returns. Numbers of either dtype are loaded as double, computed in double and rounded
 * once when stored. Each operator first checks the shapes that it expects, then loops. The
 * families' headers have the contracts. */
#ifndef ODEON_DEVICE_REFERENCE_H
#define ODEON_DEVICE_REFERENCE_H
#include "odeon/device.h"
#include "odeon/device_conv.h"
#include "odeon/device_lanes.h"
#include "odeon/device_loss.h"
#include "odeon/device_norm.h"
#include "odeon/device_optimizer.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"
#include "odeon/device_product.h"
#include "odeon/device_random.h"
#include "odeon/device_solver.h"
#include "odeon/host.h"

/* What a queue's handle is. It has no state, since every operator runs at once. */
typedef struct reference_queue {
    const odeon_host *host; /* borrowed; for messages */
} reference_queue;

/* Element i, in row-major order, of a float32 or float64 tensor. */
static inline double load(const odeon_view *x, int64_t i)
{
    return x->shape.dtype == ODEON_DTYPE_F32 ? (double)((const float *)odeon_read(x))[i]
                                             : ((const double *)odeon_read(x))[i];
}

/* Rounds to the tensor's dtype: the only rounding of an operator. */
static inline void store(const odeon_tensor *x, int64_t i, double value)
{
    if (x->view.shape.dtype == ODEON_DTYPE_F32) {
        ((float *)odeon_write(x))[i] = (float)value;
    } else {
        ((double *)odeon_write(x))[i] = value;
    }
}

/* Row-major offsets: of [i,j,k] in x[.,J,K], and of [i,j,k,l] in x[.,J,K,L]. */
static inline int64_t at3(const odeon_view *x, int64_t i, int64_t j, int64_t k)
{
    return (i * x->shape.dim[1] + j) * x->shape.dim[2] + k;
}

static inline int64_t at4(const odeon_view *x, int64_t i, int64_t j, int64_t k, int64_t l)
{
    return (at3(x, i, j, k)) * x->shape.dim[3] + l;
}

/* f(x) of the unary id; pointwise.c. */
double reference_function(int32_t id, double x);

/* Checks of arguments. A failure means that the caller broke the contract (ODEON_ERR_INTERNAL). */

/* Every operator begins with this: no bit of a call's flags has a meaning yet. */
odeon_status reference_begin(odeon_queue *queue, const char *name, uint32_t flags);
/* x has dtype and the shape dim[ndim]. what names it in the message: "gemm: b". */
odeon_status reference_expect(odeon_queue *queue, const char *what, const odeon_shape *x,
                              uint32_t dtype, int32_t ndim, const int64_t *dim);
/* x is float32 or float64 and has ndim dimensions (0: any number). */
odeon_status reference_expect_real(odeon_queue *queue, const char *what, const odeon_shape *x,
                                   int32_t ndim);
/* x has the dtype and the number of elements of model; their shapes may differ. */
odeon_status reference_expect_like(odeon_queue *queue, const char *what, const odeon_shape *x,
                                   const odeon_shape *model);
/* The same of an x that may be NULL. */
odeon_status reference_expect_optional(odeon_queue *queue, const char *what, const odeon_view *x,
                                       const odeon_shape *model);
/* Any other condition; text says what is violated. */
odeon_status reference_expect_true(odeon_queue *queue, int32_t holds, const char *text);

/* Number of windows of length kernel, stride apart, in size elements with padding on both sides;
 * conv.c. */
int64_t reference_windows(int64_t size, int64_t padding, int64_t kernel, int64_t stride);

/* What a product does to one result, of column or filter n: adds bias[n] (NULL: not), then applies
 * act. product.c. */
double reference_finish(const odeon_view *bias, int32_t act, int64_t n, double value);
odeon_status reference_expect_finish(odeon_queue *queue, const odeon_view *bias, int32_t act,
                                     uint32_t dtype, int64_t n);

/* The families, each in the file of its name. */
extern const odeon_move_family reference_move;
extern const odeon_solver_family reference_solver;
extern const odeon_pointwise_family reference_pointwise;
extern const odeon_product_family reference_product;
extern const odeon_conv_family reference_conv;
extern const odeon_pool_family reference_pool;
extern const odeon_norm_family reference_norm;
extern const odeon_random_family reference_random;
extern const odeon_loss_family reference_loss;
extern const odeon_optimizer_family reference_optimizer;

extern const odeon_device_lanes reference_lanes; /* lanes.c */

#endif
