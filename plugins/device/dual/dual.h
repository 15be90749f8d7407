/* dual.h: the device of dual numbers (odeon/device_dual.h) from within: its memory, its queues, and
 * what the rules of derivatives are written with.
 *
 * A rule calls the base's own operator with the arguments that it got for the values, and operators
 * of the base on twins for the tangents: the twin of an address is where its tangent lies. Files
 * are by family; the comment at each rule is its formula, in which x' is the tangent of x. */
#ifndef ODEON_DUAL_H
#define ODEON_DUAL_H
#include <pthread.h>
#include <stddef.h>

#include "odeon/device_dual.h"
#include "odeon/device_ext.h"
#include "odeon/device_move.h"
#include "odeon/host.h"

/* A part of the arena. */
typedef struct dual_piece {
    uint64_t at, bytes;
    int32_t taken, reserved0;
} dual_piece;

/* Memory for values, and behind it as much for their tangents. Invariants: pieces follow one
 * another without gap and are `bytes` together; no two that are free are neighbours; what lies
 * behind `touched` has never been given out. */
typedef struct dual_arena {
    pthread_mutex_t lock; /* of all that follows, and of zeroing */
    char *values;         /* NULL: not yet there */
    uint64_t bytes, touched;
    int32_t n, capacity;
    dual_piece *pieces;
    int32_t is_mapped, has_lock; /* of the host's address space, whose new pages are 0 */
    odeon_queue zeroing;         /* the base's */
} dual_arena;

typedef struct dual_device {
    ODEON_INSTANCE;
    const char *base_text; /* options */
    int64_t arena_mib, optional;
    const odeon_device *base;
    const odeon_device_poison *poison; /* the base's; NULL: it has none */
    dual_arena arena;
} dual_device;

enum { DUAL_CHUNKS = 8, DUAL_ALIGNMENT = 64 };

/* More than there can be stays so, and does not begin again at 0. */
static inline uint64_t dual_aligned(uint64_t bytes)
{
    if (bytes > UINT64_MAX - DUAL_ALIGNMENT) {
        return UINT64_MAX;
    }
    return (bytes + DUAL_ALIGNMENT - 1) / DUAL_ALIGNMENT * DUAL_ALIGNMENT;
}

/* Room for what a rule needs from one call to the next. */
typedef struct dual_chunk {
    char *data;
    uint64_t bytes, used;
} dual_chunk;

/* What odeon_queue.handle is. Several chunks become one when the next operator begins. */
typedef struct dual_queue {
    dual_device *device;
    const odeon_device *on; /* the base */
    odeon_queue base;
    ptrdiff_t distance; /* from a value to its tangent */
    const char *constant;
    uint64_t constant_bytes;
    int32_t n_chunks, reserved0;
    dual_chunk chunks[DUAL_CHUNKS];
} dual_queue;

/* ---- calls ---- */

/* The value: the base's operator with the very call. */
#define VALUE(q, family, operator_, call) (q)->on->family->operator_(&(q)->base, (call))
/* A call of the base. */
#define ON(q, family, operator_, ...) ODEON_DO((q)->on, family, operator_, &(q)->base, __VA_ARGS__)

/* What each rule begins with: declares q. Flags, and fields of a later version, might change what
 * an operator computes without its rule's knowing. */
#define RULE(queue, operator_, call)                                                               \
    dual_queue *const q = (queue)->handle;                                                         \
    ODEON_TRY(dual_expect(q, #operator_, (call)->struct_size <= sizeof *(call), (call)->flags))
odeon_status dual_expect(const dual_queue *q, const char *name, int32_t known, uint32_t flags);

/* ---- tangents ---- */

static inline odeon_view twin(const dual_queue *q, const odeon_view *x)
{
    odeon_view dot = *x;
    dot.data = (const char *)x->data + q->distance;
    return dot;
}

static inline odeon_tensor twin_of(const dual_queue *q, const odeon_tensor *x)
{
    odeon_tensor dot = {twin(q, &x->view)};
    return dot;
}

/* The same, in out, where there is an x; else NULL. */
static inline const odeon_view *twin_or_null(const dual_queue *q, const odeon_view *x,
                                             odeon_view *out)
{
    if (x == NULL) {
        return NULL;
    }
    *out = twin(q, x);
    return out;
}

static inline const odeon_tensor *twin_of_or_null(const dual_queue *q, const odeon_tensor *x,
                                                  odeon_tensor *out)
{
    if (x == NULL) {
        return NULL;
    }
    *out = twin_of(q, x);
    return out;
}

static inline int32_t is_real(const odeon_view *x)
{
    return x->shape.dtype == ODEON_DTYPE_F32 || x->shape.dtype == ODEON_DTYPE_F64;
}

/* Does x lie in the range that the caller has declared constant? NULL is constant. */
int32_t dual_is_constant(const dual_queue *q, const odeon_view *x);

/* ---- temporaries ---- */

/* Gives back all that the operator before had: the first call of a rule that takes any. */
odeon_status dual_begin(dual_queue *q);
/* A tensor of a shape, undefined, until the next dual_begin. */
odeon_status dual_temp(dual_queue *q, const odeon_shape *shape, odeon_tensor *out);
odeon_status dual_temp_f64(dual_queue *q, int32_t ndim, const int64_t *dim, odeon_tensor *out);

/* ---- small steps: y += factor x; y = factor x; y = 0; out[1] = a . b ---- */

odeon_status dual_add(dual_queue *q, double factor, const odeon_view *x, const odeon_tensor *y);
odeon_status dual_scale(dual_queue *q, double factor, const odeon_view *x, const odeon_tensor *y);
odeon_status dual_zero(dual_queue *q, const odeon_tensor *y);
odeon_status dual_inner(dual_queue *q, const odeon_view *a, const odeon_view *b,
                        const odeon_tensor *out);
odeon_status dual_multiply(dual_queue *q, const odeon_view *a, const odeon_view *b,
                           const odeon_tensor *y);
/* The bytes at an address become 0: what has no shape. */
odeon_status dual_zero_bytes(const odeon_device *base, odeon_queue *queue, char *to,
                             uint64_t bytes);

/* ---- memory.c, queue.c: the slots of odeon_device_ops ---- */

odeon_status dual_arena_init(dual_device *d);
void dual_arena_fini(dual_device *d);
/* The arena is there from its first use on: then the base has been probed. */
odeon_status dual_arena_open(dual_device *d);
odeon_status dual_alloc(void *self, uint64_t bytes, void **out);
void dual_free(void *self, void *memory);

odeon_status dual_queue_create(void *self, int32_t worker, void **out);
void dual_queue_destroy(void *self, void *handle);
odeon_status dual_upload(odeon_queue *queue, void *to, const void *from, uint64_t bytes);
odeon_status dual_download(odeon_queue *queue, void *to, const void *from, uint64_t bytes);
odeon_status dual_wait(odeon_queue *queue);
odeon_status dual_slots_read(odeon_queue *queue, const double *slots, int32_t first, int32_t n,
                             double *values);

/* ---- tables ---- */

extern const odeon_move_family dual_move;
extern const odeon_solver_family dual_solver;
extern const odeon_pointwise_family dual_pointwise;
const odeon_product_family *dual_product_of(const odeon_device *base); /* as much as the base has */
extern const odeon_conv_family dual_conv;
extern const odeon_pool_family dual_pool;
const odeon_norm_family *dual_norm_of(const odeon_device *base); /* likewise */
extern const odeon_random_family dual_random;
extern const odeon_loss_family dual_loss;
extern const odeon_optimizer_family dual_optimizer;
extern const odeon_device_dual dual_services;
extern const odeon_device_poison dual_poison;

/* norm_group.c: the two operators of groups, of which norm.c has the table. */
struct odeon_group_norm;
struct odeon_group_norm_vjp;
odeon_status dual_group_norm(odeon_queue *queue, const struct odeon_group_norm *call);
odeon_status dual_group_norm_vjp(odeon_queue *queue, const struct odeon_group_norm_vjp *call);

/* softmax.c: likewise. */
struct odeon_softmax;
struct odeon_softmax_vjp;
odeon_status dual_softmax(odeon_queue *queue, const struct odeon_softmax *call);
odeon_status dual_softmax_vjp(odeon_queue *queue, const struct odeon_softmax_vjp *call);

#endif
