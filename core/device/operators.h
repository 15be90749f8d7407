/* operators.h: what a call of a device's operator consists of, so that calls can be named, counted
 * and made up without knowing each operator. */
#ifndef ODEON_CORE_DEVICE_OPERATORS_H
#define ODEON_CORE_DEVICE_OPERATORS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "odeon/device.h"

/* X(family, operator): every operator that is called with a queue and a structure; those that every
 * device has whose family it is, then those that it may leave out. */
#define OPERATOR_LIST(X)                                                                           \
    OPERATOR_NEEDED(X)                                                                             \
    OPERATOR_OPTIONAL(X)
#define OPERATOR_OPTIONAL(X)                                                                       \
    X(random, noise)                                                                               \
    X(conv, conv2d_fused)                                                                          \
    X(conv, conv2d_fused_vjp)                                                                      \
    X(product, dense_vjp)                                                                          \
    X(product, gemm_batch)                                                                         \
    X(norm, softmax)                                                                               \
    X(norm, softmax_vjp)                                                                           \
    X(norm, group_norm_act_vjp)                                                                    \
    X(norm, batch_norm_act_vjp_sums)                                                               \
    X(norm, batch_norm_act_vjp)
#define OPERATOR_NEEDED(X)                                                                         \
    X(move, copy)                                                                                  \
    X(move, cast)                                                                                  \
    X(move, gather)                                                                                \
    X(move, fill)                                                                                  \
    X(move, copy2d)                                                                                \
    X(move, rows_fill)                                                                             \
    X(move, rows_sum)                                                                              \
    X(solver, slots_write)                                                                         \
    X(solver, stage_times)                                                                         \
    X(solver, lincomb)                                                                             \
    X(solver, error_sum)                                                                           \
    X(solver, dot)                                                                                 \
    X(solver, step_control)                                                                        \
    X(solver, step_start)                                                                          \
    X(solver, select)                                                                              \
    X(solver, row_store)                                                                           \
    X(solver, row_load)                                                                            \
    X(solver, step_back)                                                                           \
    X(pointwise, unary)                                                                            \
    X(pointwise, unary_vjp)                                                                        \
    X(pointwise, binary)                                                                           \
    X(pointwise, power)                                                                            \
    X(product, gemm)                                                                               \
    X(product, channel_sum)                                                                        \
    X(conv, conv2d)                                                                                \
    X(conv, conv2d_vjp_x)                                                                          \
    X(conv, conv2d_vjp_w)                                                                          \
    X(pool, pool2d)                                                                                \
    X(pool, pool2d_vjp)                                                                            \
    X(norm, group_norm)                                                                            \
    X(norm, group_norm_vjp)                                                                        \
    X(norm, channel_moment)                                                                        \
    X(norm, batch_norm)                                                                            \
    X(norm, batch_norm_vjp_sums)                                                                   \
    X(norm, batch_norm_vjp)                                                                        \
    X(random, dropout)                                                                             \
    X(random, window2d)                                                                            \
    X(random, window2d_vjp)                                                                        \
    X(loss, softmax_cross_entropy)                                                                 \
    X(loss, difference_loss)                                                                       \
    X(optimizer, sgd_step)                                                                         \
    X(optimizer, adam_step)                                                                        \
    X(optimizer, rmsprop_step)

/* Where each stands in the list: OPERATOR_AT_gemm. */
#define OPERATOR_PLACE(family, operator_) OPERATOR_AT_##operator_,
enum { OPERATOR_LIST(OPERATOR_PLACE) OPERATORS };
#undef OPERATOR_PLACE

enum { OPERATOR_FIELDS = 20 };

typedef enum operator_kind {
    OPERATOR_END,
    OPERATOR_VIEW,   /* const odeon_view *, or const odeon_tensor *, which starts with one */
    OPERATOR_VIEWS,  /* an array of addresses of such, as many as the field n says */
    OPERATOR_INT,    /* int32_t */
    OPERATOR_UNARY,  /* the same, ODEON_UNARY_* */
    OPERATOR_BINARY, /* the same, ODEON_BINARY_* */
    OPERATOR_LONG    /* int64_t */
} operator_kind;

typedef struct operator_field {
    const char *name;
    operator_kind kind;
    size_t at; /* in the operator's structure */
} operator_field;

/* An operator; n_at is where the length of its lists is, 0: it has none. */
typedef struct operator_info {
    const char *family, *name;
    size_t bytes; /* of its structure */
    size_t n_at;
    operator_field fields[OPERATOR_FIELDS]; /* those that say what is to be done; END ends them */
    /* Multiply-adds of products, each of which counts two; NULL: it is no product. */
    double (*operations)(const void *call);
    /* Bytes of tensors that are read or written in part; NULL: all are, in full. */
    double (*moved)(const void *call);
    odeon_status (*run)(const odeon_device *device, odeon_queue *queue, const void *call);
} operator_info;

/* All, in the order of OPERATOR_LIST. */
extern const operator_info operator_infos[OPERATORS];
const operator_info *operator_find(const char *name); /* NULL: there is none */

/* The number of a function by its name ("relu") in a field of functions; false: it is none. */
bool operator_number_of(const operator_field *field, const char *name, int64_t *out);
/* The view in a field of a call; NULL where it is absent. */
const odeon_view *operator_view(const operator_field *field, const void *call);
/* Entries of the call's lists. */
int32_t operator_list_length(const operator_info *op, const void *call);

double operator_operations(const operator_info *op, const void *call);
/* Bytes of all tensors of the call, each once, however often it is read. */
double operator_bytes(const operator_info *op, const void *call);
/* Adds "conv2d x=16x6x26x26 w=6x6x3x3 y=16x6x26x26 stride=1 padding=1 act=relu": fields that are
 * absent or 0 are left out, stride_h and stride_w that are equal are one; lists have their length
 * behind a *; " float64" follows where the first tensor is one. */
void operator_text(text_buffer *out, const operator_info *op, const void *call);

#endif
