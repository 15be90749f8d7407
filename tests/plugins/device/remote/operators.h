/* operators.h: of what the call of every operator is made, so that one function each copies,
 * translates and carries out the calls of all operators. */
#ifndef ODEON_REMOTE_OPERATORS_H
#define ODEON_REMOTE_OPERATORS_H
#include <stddef.h>

#include "odeon/device.h"
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

/* What stands at one place of a call. The first five are addresses of host memory, whose contents
 * are part of the call; NULL stands for none. */
enum {
    FIELD_END = 0,
    FIELD_VIEW,    /* a view or a tensor */
    FIELD_LIST,    /* [n] of addresses of them */
    FIELD_SCALARS, /* [n] coefficients */
    FIELD_NUMBERS, /* [n] */
    FIELD_CONTROL,
    FIELD_TOLERANCES,     /* of the control that stands here: its arrays in device memory */
    FIELD_LOG,            /* of the control that stands here: its log in device memory */
    FIELD_SCALAR,         /* a coefficient by value */
    FIELD_SLOTS,          /* device memory */
    FIELD_SLOTS_IF_NAMED, /* the same; needed only where a coefficient names a slot */
    FIELD_SCRATCH,        /* device memory for the convolution of x_at and w_at */
    FIELD_FUSED_SCRATCH,  /* the same of conv2d_fused */
    FIELD_DENSE_SCRATCH   /* the same of dense_vjp, of the rows at x_at and the weights at w_at */
};

/* Offsets are in the call. */
typedef struct call_field {
    int32_t kind;
    int32_t most;      /* no more of n are copied: the device refuses such a count */
    size_t at, bytes;  /* where, and of one element where the contents are part of the call */
    size_t n_at;       /* of n, where most is not 0 */
    size_t x_at, w_at; /* SCRATCH: of the image and the filters */
} call_field;

#define FIELD(op, kind, field, bytes)                                                              \
    {                                                                                              \
        (kind), 0, offsetof(odeon_##op, field), (bytes), 0, 0, 0                                   \
    }
#define ARRAY(op, kind, field, bytes, most)                                                        \
    {                                                                                              \
        (kind), (most), offsetof(odeon_##op, field), (bytes), offsetof(odeon_##op, n), 0, 0        \
    }

#define VIEW(op, field) FIELD(op, FIELD_VIEW, field, sizeof(odeon_view))
#define LIST(op, field) ARRAY(op, FIELD_LIST, field, sizeof(odeon_view), ODEON_MAX_STAGES)
#define COEFFICIENTS(op)                                                                           \
    ARRAY(op, FIELD_SCALARS, coefficient, sizeof(odeon_scalar), ODEON_MAX_STAGES)
#define NUMBERS(op, field, most) ARRAY(op, FIELD_NUMBERS, field, sizeof(double), most)
#define CONTROL(op)              FIELD(op, FIELD_CONTROL, control, sizeof(odeon_control))
#define TOLERANCES(op)           FIELD(op, FIELD_TOLERANCES, control, 0)
#define LOG(op)                  FIELD(op, FIELD_LOG, control, 0)
#define SCALAR(op, field)        FIELD(op, FIELD_SCALAR, field, 0)
#define SLOTS(op)                FIELD(op, FIELD_SLOTS, slots, 0)
#define SLOTS_IF_NAMED(op)       FIELD(op, FIELD_SLOTS_IF_NAMED, slots, 0)
#define SCRATCH_OF(kind, op, x, w)                                                                 \
    {                                                                                              \
        (kind), 0, offsetof(odeon_##op, scratch), 0, 0, offsetof(odeon_##op, x),                   \
            offsetof(odeon_##op, w)                                                                \
    }
#define SCRATCH(op, x, w)       SCRATCH_OF(FIELD_SCRATCH, op, x, w)
#define FUSED_SCRATCH(op, x, w) SCRATCH_OF(FIELD_FUSED_SCRATCH, op, x, w)
#define DENSE_SCRATCH(op, x, w) SCRATCH_OF(FIELD_DENSE_SCRATCH, op, x, w)

/* X(family, operator, its fields) */
#define MOVE_OPERATORS(X)                                                                          \
    X(move, copy, VIEW(copy, x), VIEW(copy, y))                                                    \
    X(move, cast, VIEW(cast, x), VIEW(cast, y))                                                    \
    X(move, gather, VIEW(gather, x), VIEW(gather, index), VIEW(gather, y))                         \
    X(move, fill, VIEW(fill, y), SCALAR(fill, value), SLOTS_IF_NAMED(fill))                        \
    X(move, copy2d, VIEW(copy2d, x), VIEW(copy2d, y))                                              \
    X(move, rows_fill, VIEW(rows_fill, y), VIEW(rows_fill, v))                                     \
    X(move, rows_sum, VIEW(rows_sum, x), VIEW(rows_sum, v))
#define SOLVER_OPERATORS(X)                                                                        \
    X(solver, slots_write, NUMBERS(slots_write, values, ODEON_MAX_PARTS), SLOTS(slots_write))      \
    X(solver, stage_times, NUMBERS(stage_times, c, ODEON_MAX_STAGES), SLOTS(stage_times))          \
    X(solver, lincomb, VIEW(lincomb, y), VIEW(lincomb, base), LIST(lincomb, x),                    \
      COEFFICIENTS(lincomb), SLOTS_IF_NAMED(lincomb))                                              \
    X(solver, error_sum, CONTROL(error_sum), TOLERANCES(error_sum), VIEW(error_sum, y0),           \
      VIEW(error_sum, y1), LIST(error_sum, x), COEFFICIENTS(error_sum), SLOTS(error_sum))          \
    X(solver, dot, VIEW(dot, a), VIEW(dot, b), SLOTS(dot))                                         \
    X(solver, step_control, CONTROL(step_control), LOG(step_control), SLOTS(step_control))         \
    X(solver, step_start, CONTROL(step_start), SLOTS(step_start))                                  \
    X(solver, select, LIST(select, x), LIST(select, y), SLOTS(select))                             \
    X(solver, row_store, LIST(row_store, x), LIST(row_store, y), SLOTS(row_store))                 \
    X(solver, row_load, LIST(row_load, y), LIST(row_load, x), SLOTS(row_load))                     \
    X(solver, step_back, SLOTS(step_back))
#define POINTWISE_OPERATORS(X)                                                                     \
    X(pointwise, unary, VIEW(unary, x), VIEW(unary, y))                                            \
    X(pointwise, unary_vjp, VIEW(unary_vjp, kept), VIEW(unary_vjp, dy), VIEW(unary_vjp, dx))       \
    X(pointwise, binary, VIEW(binary, a), VIEW(binary, b), VIEW(binary, y))                        \
    X(pointwise, power, VIEW(power, x), VIEW(power, y))
#define PRODUCT_OPERATORS(X)                                                                       \
    X(product, gemm, VIEW(gemm, a), VIEW(gemm, b), VIEW(gemm, c), VIEW(gemm, bias))                \
    X(product, channel_sum, VIEW(channel_sum, x), VIEW(channel_sum, bias))                         \
    X(product, dense_vjp, VIEW(dense_vjp, x), VIEW(dense_vjp, w), VIEW(dense_vjp, y),              \
      VIEW(dense_vjp, dy), VIEW(dense_vjp, dx), VIEW(dense_vjp, dw), VIEW(dense_vjp, dbias),       \
      DENSE_SCRATCH(dense_vjp, x, w))                                                              \
    X(product, gemm_batch, VIEW(gemm_batch, a), VIEW(gemm_batch, b), VIEW(gemm_batch, c))
#define CONV_OPERATORS(X)                                                                          \
    X(conv, conv2d, VIEW(conv2d, x), VIEW(conv2d, w), VIEW(conv2d, y), VIEW(conv2d, bias),         \
      SCRATCH(conv2d, x, w))                                                                       \
    X(conv, conv2d_vjp_x, VIEW(conv2d_vjp_x, w), VIEW(conv2d_vjp_x, dy), VIEW(conv2d_vjp_x, dx),   \
      SCRATCH(conv2d_vjp_x, dx, w))                                                                \
    X(conv, conv2d_vjp_w, VIEW(conv2d_vjp_w, x), VIEW(conv2d_vjp_w, dy), VIEW(conv2d_vjp_w, dw),   \
      SCRATCH(conv2d_vjp_w, x, dw))                                                                \
    X(conv, conv2d_fused, VIEW(conv2d_fused, x), VIEW(conv2d_fused, w), VIEW(conv2d_fused, bias),  \
      VIEW(conv2d_fused, t), VIEW(conv2d_fused, y), VIEW(conv2d_fused, x_stats),                   \
      VIEW(conv2d_fused, x_w), VIEW(conv2d_fused, x_b), FUSED_SCRATCH(conv2d_fused, x, w))         \
    X(conv, conv2d_fused_vjp, VIEW(conv2d_fused_vjp, x), VIEW(conv2d_fused_vjp, w),                \
      VIEW(conv2d_fused_vjp, t), VIEW(conv2d_fused_vjp, y), VIEW(conv2d_fused_vjp, dy),            \
      VIEW(conv2d_fused_vjp, dx), VIEW(conv2d_fused_vjp, dw), VIEW(conv2d_fused_vjp, dbias),       \
      VIEW(conv2d_fused_vjp, d_t), VIEW(conv2d_fused_vjp, x_stats), VIEW(conv2d_fused_vjp, x_w),   \
      VIEW(conv2d_fused_vjp, x_b), FUSED_SCRATCH(conv2d_fused_vjp, x, w))
#define POOL_OPERATORS(X)                                                                          \
    X(pool, pool2d, VIEW(pool2d, x), VIEW(pool2d, y))                                              \
    X(pool, pool2d_vjp, VIEW(pool2d_vjp, x), VIEW(pool2d_vjp, dy), VIEW(pool2d_vjp, dx))           \
    X(pool, pool2d_jvp, VIEW(pool2d_jvp, x), VIEW(pool2d_jvp, x_dot), VIEW(pool2d_jvp, y_dot))
#define NORM_OPERATORS(X)                                                                          \
    X(norm, group_norm, VIEW(group_norm, x), VIEW(group_norm, w), VIEW(group_norm, b),             \
      VIEW(group_norm, y), VIEW(group_norm, stats))                                                \
    X(norm, group_norm_vjp, VIEW(group_norm_vjp, x), VIEW(group_norm_vjp, w),                      \
      VIEW(group_norm_vjp, stats), VIEW(group_norm_vjp, dy), VIEW(group_norm_vjp, dx),             \
      VIEW(group_norm_vjp, dw), VIEW(group_norm_vjp, db))                                          \
    X(norm, channel_moment, VIEW(channel_moment, x), VIEW(channel_moment, mean),                   \
      VIEW(channel_moment, out))                                                                   \
    X(norm, batch_norm, VIEW(batch_norm, x), VIEW(batch_norm, stats), VIEW(batch_norm, w),         \
      VIEW(batch_norm, b), VIEW(batch_norm, y))                                                    \
    X(norm, batch_norm_vjp_sums, VIEW(batch_norm_vjp_sums, x), VIEW(batch_norm_vjp_sums, stats),   \
      VIEW(batch_norm_vjp_sums, dy), VIEW(batch_norm_vjp_sums, sums))                              \
    X(norm, batch_norm_vjp, VIEW(batch_norm_vjp, x), VIEW(batch_norm_vjp, w),                      \
      VIEW(batch_norm_vjp, stats), VIEW(batch_norm_vjp, dy), VIEW(batch_norm_vjp, sums),           \
      VIEW(batch_norm_vjp, dx))                                                                    \
    X(norm, softmax, VIEW(softmax, x), VIEW(softmax, mask), VIEW(softmax, lengths),                \
      VIEW(softmax, y))                                                                            \
    X(norm, softmax_vjp, VIEW(softmax_vjp, y), VIEW(softmax_vjp, dy), VIEW(softmax_vjp, dx))       \
    X(norm, group_norm_act_vjp, VIEW(group_norm_act_vjp, x), VIEW(group_norm_act_vjp, w),          \
      VIEW(group_norm_act_vjp, b), VIEW(group_norm_act_vjp, stats), VIEW(group_norm_act_vjp, dy),  \
      VIEW(group_norm_act_vjp, dx), VIEW(group_norm_act_vjp, dw), VIEW(group_norm_act_vjp, db))    \
    X(norm, batch_norm_act_vjp_sums, VIEW(batch_norm_act_vjp_sums, x),                             \
      VIEW(batch_norm_act_vjp_sums, stats), VIEW(batch_norm_act_vjp_sums, w),                      \
      VIEW(batch_norm_act_vjp_sums, b), VIEW(batch_norm_act_vjp_sums, dy),                         \
      VIEW(batch_norm_act_vjp_sums, sums))                                                         \
    X(norm, batch_norm_act_vjp, VIEW(batch_norm_act_vjp, x), VIEW(batch_norm_act_vjp, w),          \
      VIEW(batch_norm_act_vjp, b), VIEW(batch_norm_act_vjp, stats), VIEW(batch_norm_act_vjp, dy),  \
      VIEW(batch_norm_act_vjp, sums), VIEW(batch_norm_act_vjp, dx))
#define RANDOM_OPERATORS(X)                                                                        \
    X(random, dropout, VIEW(dropout, x), VIEW(dropout, y))                                         \
    X(random, window2d, VIEW(window2d, x), VIEW(window2d, y))                                      \
    X(random, window2d_vjp, VIEW(window2d_vjp, dy), VIEW(window2d_vjp, dx))                        \
    X(random, noise, VIEW(noise, y))
#define LOSS_OPERATORS(X)                                                                          \
    X(loss, softmax_cross_entropy, VIEW(softmax_cross_entropy, x),                                 \
      VIEW(softmax_cross_entropy, labels), VIEW(softmax_cross_entropy, sums),                      \
      VIEW(softmax_cross_entropy, dx), NUMBERS(softmax_cross_entropy, class_weight, 4096),         \
      VIEW(softmax_cross_entropy, mask))                                                           \
    X(loss, difference_loss, VIEW(difference_loss, x), VIEW(difference_loss, target),              \
      VIEW(difference_loss, mask), VIEW(difference_loss, sums), VIEW(difference_loss, dx))
#define OPTIMIZER_OPERATORS(X)                                                                     \
    X(optimizer, sgd_step, VIEW(sgd_step, p), VIEW(sgd_step, g), VIEW(sgd_step, v))                \
    X(optimizer, adam_step, VIEW(adam_step, p), VIEW(adam_step, g), VIEW(adam_step, m),            \
      VIEW(adam_step, v))                                                                          \
    X(optimizer, rmsprop_step, VIEW(rmsprop_step, p), VIEW(rmsprop_step, g),                       \
      VIEW(rmsprop_step, v), VIEW(rmsprop_step, mean), VIEW(rmsprop_step, buffer))
#define ALL_OPERATORS(X)                                                                           \
    MOVE_OPERATORS(X)                                                                              \
    SOLVER_OPERATORS(X)                                                                            \
    POINTWISE_OPERATORS(X)                                                                         \
    PRODUCT_OPERATORS(X)                                                                           \
    CONV_OPERATORS(X)                                                                              \
    POOL_OPERATORS(X)                                                                              \
    NORM_OPERATORS(X)                                                                              \
    RANDOM_OPERATORS(X)                                                                            \
    LOSS_OPERATORS(X)                                                                              \
    OPTIMIZER_OPERATORS(X)

#define ID(family, name, ...) OPERATOR_##name,
enum { ALL_OPERATORS(ID) OPERATOR_COUNT };
#undef ID

enum { CALL_FIELDS = 14 }; /* the most of a call, and FIELD_END */

typedef struct call_operator {
    const char *name;
    size_t bytes;                                            /* of its structure */
    odeon_status (*run)(odeon_queue *cpu, const void *call); /* on the CPU device */
    call_field fields[CALL_FIELDS];                          /* up to FIELD_END */
} call_operator;

extern const call_operator call_operators[OPERATOR_COUNT];

/* The largest packed call: two lists of views. */
enum { CALL_BYTES = 512 + 2 * ODEON_MAX_STAGES * (int)(sizeof(odeon_view) + sizeof(odeon_view *)) };

/* Copies a call, and behind it all contents that are part of it, to packed [CALL_BYTES], aligned as
 * any type; returns how many bytes these are. A packed call may be copied as bytes. */
size_t call_pack(const call_operator *op, const void *call, void *packed);
/* Makes a packed call usable where it stands: its addresses are then those of what stands behind
 * it. */
void call_open(const call_operator *op, void *packed);

/* The address at a place of a call. What an opened call points to on the host may be written. */
void *call_address(const void *call, size_t at);
void call_set_address(void *call, size_t at, const void *address);
/* How many elements a field has. */
int32_t call_count(const call_field *field, const void *call);
#endif
