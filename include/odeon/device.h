/* device.h: a device: memory, queues, and families of operators over tensors.
 *
 * A queue belongs to one worker, which alone uses it; operators of one queue take effect in call
 * order, those of two queues in any order until both have been waited for. A device with memory of
 * its own may return from an operator before its work is done.
 *
 * FAMILIES. Operators stand in tables by family, a header each: move, solver, pointwise, product,
 * conv, pool, norm, random, loss, optimizer; beside them are extensions (device_ext.h). A device
 * gives a family as a whole, by its id. A family that it does not give is taken, as a whole, from
 * the device that it names as its base, with whose memory and queues it then works. Of one without
 * a base, or with memory of its own, the family's operators are ODEON_ERR_UNSUPPORTED, in a line
 * that says which is missing. A device that wants another product than its base copies the base's
 * table and replaces one pointer: see tests/plugins/device/plain.
 *
 * OPERATORS are REPLAYABLE: each copies its arguments at the call (but not what tensors and slots
 * point to), allocates nothing, waits for nothing, gives no result to the host, and the caller does
 * not branch on data between two of them. That lets a device record a step once and replay it.
 * Sizes are asked first; scratch is passed in.
 *
 * CALLS. An operator takes its queue and one structure with all arguments, so that a wish is a
 * field and not another operator. Tensors stand in it by address, borrowed for the call; NULL where
 * the comment allows it. Fields that are not named are 0. An unknown bit of flags is refused.
 *
 * Conventions of all operators. Shapes are as written; the caller guarantees them, an operator may
 * check them (ODEON_ERR_INTERNAL). Tensors of one call have one dtype, float32 or float64, unless
 * written otherwise. Any dimension may be 0: nothing to do. Outputs must not overlap inputs except
 * where "may be" says so. "adds to" accumulates, everything else overwrites. NaN and infinity are
 * passed on. Sums over many elements are taken in double, in an order fixed by the shapes alone.
 * Errors: ODEON_ERR_DEVICE, ODEON_ERR_UNSUPPORTED (dtype), ODEON_ERR_INTERNAL.
 *
 * Example, in C; y[B, out] = tanh(x[B, in] w[out, in]^T + bias):
 *   ODEON_TRY(ODEON_DO(device, product, gemm, queue, .alpha = 1, .a = x, .b = w, .trans_b = 1,
 *                      .c = y, .bias = bias, .act = ODEON_UNARY_TANH));
 * In C++: odeon_gemm g = odeon_gemm(); g.struct_size = sizeof g; ...
 *
 * Draft. To be seen before it is frozen: a device that others write for other hardware, and
 * calls timed on the five models. */
#ifndef ODEON_DEVICE_H
#define ODEON_DEVICE_H
#include "odeon/abi.h"
#include "odeon/status.h"
#include "odeon/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Final. Whoever implements an operator finds its own queue in handle, and its instance by that;
 * one that has a base, whose queue it then is, finds its instance in self. */
typedef struct odeon_queue {
    void *handle; /* what queue_create gave */
    void *self;   /* instance of the device that the model runs on */
} odeon_queue;

typedef struct odeon_device odeon_device;
typedef struct odeon_move_family odeon_move_family;
typedef struct odeon_solver_family odeon_solver_family;
typedef struct odeon_pointwise_family odeon_pointwise_family;
typedef struct odeon_product_family odeon_product_family;
typedef struct odeon_conv_family odeon_conv_family;
typedef struct odeon_pool_family odeon_pool_family;
typedef struct odeon_norm_family odeon_norm_family;
typedef struct odeon_random_family odeon_random_family;
typedef struct odeon_loss_family odeon_loss_family;
typedef struct odeon_optimizer_family odeon_optimizer_family;

/* X(field of odeon_device, its header) */
#define ODEON_FAMILY_LIST(X)                                                                       \
    X(move, "device_move.h")                                                                       \
    X(solver, "device_solver.h")                                                                   \
    X(pointwise, "device_pointwise.h")                                                             \
    X(product, "device_product.h")                                                                 \
    X(conv, "device_conv.h")                                                                       \
    X(pool, "device_pool.h")                                                                       \
    X(norm, "device_norm.h")                                                                       \
    X(random, "device_random.h")                                                                   \
    X(loss, "device_loss.h")                                                                       \
    X(optimizer, "device_optimizer.h")

/* What get_table knows a family by: ODEON_FAMILY(move) is "odeon.device.move/1". */
#define ODEON_FAMILY(name) "odeon.device." #name "/1"

/* Growing. The ops of kind device. With a base, memory and queues may be left out, all eight slots
 * from queue_create to slots_read together: they are then the base's. */
typedef struct odeon_device_ops {
    uint32_t struct_size;
    /* What device = auto prefers: the highest that probes well. Negative: only by name. */
    int32_t rank;
    /* ODEON_ON_*: where its memory is, as other libraries name it. With a base's memory it is the
     * base's, and 0 here. */
    int32_t device_type;
    int32_t reserved0;

    /* (optional) Id of the device whose families, and whose memory and queues, this one uses where
     * it has none; NULL: none. It is made with its default options, has no base itself and outlives
     * this device. [main; build] */
    const char *(*base)(void *self);
    /* (optional) Takes the base before anything else is asked of the device; borrowed for its life.
     * [main; build] */
    odeon_status (*attach)(void *self, const odeon_device *base);
    /* Usable on this machine? If not, the reason goes to the host. [main; load] */
    odeon_status (*probe)(void *self);
    /* A short line on what runs the operators ("OpenBLAS SkylakeX, AVX-512"), at most bytes long
     * with its NUL; written to the run's manifest. [main; run] */
    odeon_status (*describe)(void *self, char *text, uint64_t bytes);
    /* A queue for worker, used by its thread alone: becomes odeon_queue.handle. NULL on failure.
     * [worker; build] */
    odeon_status (*queue_create)(void *self, int32_t worker, void **out);
    void (*queue_destroy)(void *self, void *handle); /* waits for it; takes NULL. [worker; build] */
    /* Device memory, aligned to at least 64 bytes, contents undefined; 0 bytes give some address.
     * ODEON_ERR_NOMEM says how much was asked. Never called within a step. [any; build] */
    odeon_status (*alloc)(void *self, uint64_t bytes, void **out);
    /* Takes NULL. Operators called before, on any queue, may still use it: waits for them.
     * [any; build] */
    void (*free)(void *self, void *memory);
    /* Host memory to device. source may be reused afterwards, unless it is pinned
     * (ODEON_DEVICE_PINNED). [worker; batch] */
    odeon_status (*upload)(odeon_queue *queue, void *destination, const void *source,
                           uint64_t bytes);
    /* Device memory to host; has waited. [worker; batch] */
    odeon_status (*download)(odeon_queue *queue, void *destination, const void *source,
                             uint64_t bytes);
    /* Until all operators so far have taken effect. [worker; solve] */
    odeon_status (*wait)(odeon_queue *queue);
    /* values[i] = slots[first + i], i < n; see device_solver.h. Waits. [worker; step] */
    odeon_status (*slots_read)(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                               double *values);
    /* A family or an extension by its id, for the life of the device; or NULL. [any; build] */
    const void *(*get_table)(void *self, const char *id);
} odeon_device_ops;

/* Growing. A device in use, made by the host: what layers, losses and optimizers are given. A
 * family that the device lacks, and has no base to take from, is a table whose operators are
 * ODEON_ERR_UNSUPPORTED: none is NULL. Lives as long as whoever got it. */
struct odeon_device {
    uint32_t struct_size;
    int32_t device_type; /* ODEON_ON_*: of tensors handed to other libraries */
    int32_t device_id;
    uint32_t flags; /* none yet */
    const char *id;
    void *handle; /* instance that memory and queues belong to: self, or the base's */
    void *self;   /* instance of the device that the model runs on */
    const odeon_device_ops *ops; /* memory and queues are there, the base's where it is theirs */
    const odeon_move_family *move;
    const odeon_solver_family *solver;
    const odeon_pointwise_family *pointwise;
    const odeon_product_family *product;
    const odeon_conv_family *conv;
    const odeon_pool_family *pool;
    const odeon_norm_family *norm;
    const odeon_random_family *random;
    const odeon_loss_family *loss;
    const odeon_optimizer_family *optimizer;
    /* An extension (device_ext.h) of this device, or of its base where memory and queues are the
     * base's; or NULL. [any; build] */
    const void *(*get_table)(const odeon_device *device, const char *id);
};

/* Calls an operator; what follows the queue names fields of its structure. */
#define ODEON_DO(device, family, operator_, queue, ...)                                            \
    (device)->family->operator_(                                                                   \
        (queue), &(const odeon_##operator_){.struct_size = (uint32_t)sizeof(odeon_##operator_),    \
                                            __VA_ARGS__})

#ifdef __cplusplus
}
#endif
#endif
