#include "cpu.h"
#include "odeon/device_norm.h"
#include "odeon/device_pointwise.h"

/* Describes x [B,C,S] for the kernels; 0 if it has other dimensions, or groups do not divide its
 * channels. */
static int32_t as_groups(const odeon_shape *x, int64_t groups, cpu_groups *out)
{
    *out = (cpu_groups){
        .batch = x->dim[0], .channels = x->dim[1], .space = x->dim[2], .groups = groups};
    return x->ndim == 3 && groups > 0 && x->dim[1] % groups == 0;
}

/* Is w NULL, or [C] of the dtype of x? */
static int32_t per_channel(const odeon_view *w, const odeon_shape *x)
{
    return w == NULL || (w->shape.dtype == x->dtype && odeon_count(&w->shape) == x->dim[1]);
}

static int32_t is_epilogue(int32_t act)
{
    return act >= 0 && act <= ODEON_UNARY_LAST_EPILOGUE;
}

/* ---- group normalization ---- */

/* x [B,C,S], w, b [C] or NULL -> y [B,C,S], stats F64 [B,groups,2]. */
static odeon_status cpu_group_norm(odeon_queue *queue, const odeon_group_norm *call)
{
    const cpu_kernels *k;
    cpu_groups g;
    ODEON_TRY(cpu_begin(queue, "group_norm", call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(
        queue,
        as_groups(&call->x->shape, call->groups, &g) &&
            cpu_alike(&call->x->shape, &call->y->view.shape) &&
            per_channel(call->w, &call->x->shape) && per_channel(call->b, &call->x->shape) &&
            call->stats->view.shape.dtype == ODEON_DTYPE_F64 &&
            odeon_count(&call->stats->view.shape) == 2 * call->groups * call->x->shape.dim[0] &&
            is_epilogue(call->act),
        "group_norm", "x, y[B,C,S], w, b[C], stats F64 [B,groups,2]"));
    if (odeon_count(&call->x->shape) > 0) {
        k->group_norm(&g, call->epsilon, odeon_read(call->x), read_or_null(call->w),
                      read_or_null(call->b), call->act, odeon_write(call->y),
                      odeon_write(call->stats));
    }
    return ODEON_OK;
}

/* x, dy [B,C,S], stats F64 [B,groups,2] -> dx [B,C,S]; adds to dw, db [C]. */
static odeon_status group_vjp(odeon_queue *queue, const char *name,
                              const odeon_group_norm_act_vjp *call)
{
    const cpu_kernels *k;
    cpu_groups g;
    ODEON_TRY(cpu_begin(queue, name, call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          as_groups(&call->x->shape, call->groups, &g) &&
                              cpu_alike(&call->x->shape, &call->dy->shape) &&
                              per_channel(call->w, &call->x->shape) &&
                              per_channel(call->b, &call->x->shape) && is_epilogue(call->act) &&
                              cpu_absent_or_alike(odeon_as_view(call->dx), &call->x->shape) &&
                              per_channel(odeon_as_view(call->dw), &call->x->shape) &&
                              per_channel(odeon_as_view(call->db), &call->x->shape) &&
                              call->stats->shape.dtype == ODEON_DTYPE_F64,
                          name, "x, dy, dx[B,C,S], w, b, dw, db[C], stats F64"));
    if (odeon_count(&call->x->shape) > 0) {
        k->group_norm_vjp(&g, call->act, odeon_read(call->x), read_or_null(call->w),
                          read_or_null(call->b), odeon_read(call->stats), odeon_read(call->dy),
                          write_or_null(call->dx), write_or_null(call->dw),
                          write_or_null(call->db));
    }
    return ODEON_OK;
}

static odeon_status cpu_group_norm_vjp(odeon_queue *queue, const odeon_group_norm_vjp *call)
{
    const odeon_group_norm_act_vjp as = {.struct_size = sizeof as,
                                         .flags = call->flags,
                                         .x = call->x,
                                         .w = call->w,
                                         .stats = call->stats,
                                         .dy = call->dy,
                                         .dx = call->dx,
                                         .dw = call->dw,
                                         .db = call->db,
                                         .groups = call->groups};
    return group_vjp(queue, "group_norm_vjp", &as);
}

static odeon_status cpu_group_norm_act_vjp(odeon_queue *queue, const odeon_group_norm_act_vjp *call)
{
    return group_vjp(queue, "group_norm_act_vjp", call);
}

/* ---- batch normalization ---- */

/* Is v F64 with n numbers for each channel of x? */
static int32_t has_doubles(const odeon_shape *v, const odeon_shape *x, int64_t n)
{
    return v->dtype == ODEON_DTYPE_F64 && odeon_count(v) == n * x->dim[1];
}

/* x [B,C,S], mean F64 [C] or NULL -> out F64 [C]. */
static odeon_status cpu_channel_moment(odeon_queue *queue, const odeon_channel_moment *call)
{
    const cpu_kernels *k;
    cpu_groups g;
    ODEON_TRY(cpu_begin(queue, "channel_moment", call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(
        cpu_require(queue,
                    as_groups(&call->x->shape, 1, &g) &&
                        has_doubles(&call->out->view.shape, &call->x->shape, 1) &&
                        (call->mean == NULL || has_doubles(&call->mean->shape, &call->x->shape, 1)),
                    "channel_moment", "x[B,C,S], mean, out F64 [C]"));
    k->channel_moment(&g, odeon_read(call->x), read_or_null(call->mean), odeon_write(call->out));
    return ODEON_OK;
}

/* x [B,C,S], stats F64 [2,C], w, b [C] or NULL -> y [B,C,S]. */
static odeon_status cpu_batch_norm(odeon_queue *queue, const odeon_batch_norm *call)
{
    const cpu_kernels *k;
    cpu_groups g;
    ODEON_TRY(cpu_begin(queue, "batch_norm", call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(
        queue,
        as_groups(&call->x->shape, 1, &g) && cpu_alike(&call->x->shape, &call->y->view.shape) &&
            per_channel(call->w, &call->x->shape) && per_channel(call->b, &call->x->shape) &&
            has_doubles(&call->stats->shape, &call->x->shape, 2) && is_epilogue(call->act),
        "batch_norm", "x, y[B,C,S], w, b[C], stats F64 [2,C]"));
    k->batch_norm(&g, odeon_read(call->x), odeon_read(call->stats), read_or_null(call->w),
                  read_or_null(call->b), call->act, odeon_write(call->y));
    return ODEON_OK;
}

/* x, dy [B,C,S], stats F64 [2,C] -> sums F64 [2,C]. */
static odeon_status vjp_sums(odeon_queue *queue, const char *name,
                             const odeon_batch_norm_act_vjp_sums *call)
{
    const cpu_kernels *k;
    cpu_groups g;
    ODEON_TRY(cpu_begin(queue, name, call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(
        queue,
        as_groups(&call->x->shape, 1, &g) && cpu_alike(&call->x->shape, &call->dy->shape) &&
            per_channel(call->w, &call->x->shape) && per_channel(call->b, &call->x->shape) &&
            is_epilogue(call->act) && has_doubles(&call->stats->shape, &call->x->shape, 2) &&
            has_doubles(&call->sums->view.shape, &call->x->shape, 2),
        name, "x, dy[B,C,S], w, b[C], stats, sums F64 [2,C]"));
    const cpu_map map = {.stats = odeon_read(call->stats),
                         .w = read_or_null(call->w),
                         .b = read_or_null(call->b),
                         .act = call->act};
    k->batch_norm_vjp_sums(&g, &map, odeon_read(call->x), odeon_read(call->dy),
                           odeon_write(call->sums));
    return ODEON_OK;
}

static odeon_status cpu_batch_norm_vjp_sums(odeon_queue *queue,
                                            const odeon_batch_norm_vjp_sums *call)
{
    const odeon_batch_norm_act_vjp_sums as = {.struct_size = sizeof as,
                                              .flags = call->flags,
                                              .x = call->x,
                                              .stats = call->stats,
                                              .dy = call->dy,
                                              .sums = call->sums};
    return vjp_sums(queue, "batch_norm_vjp_sums", &as);
}

static odeon_status cpu_batch_norm_act_vjp_sums(odeon_queue *queue,
                                                const odeon_batch_norm_act_vjp_sums *call)
{
    return vjp_sums(queue, "batch_norm_act_vjp_sums", call);
}

/* x, dy, dx [B,C,S], w, b [C] or NULL, stats, sums F64 [2,C]. */
static odeon_status vjp(odeon_queue *queue, const char *name, const odeon_batch_norm_act_vjp *call)
{
    const cpu_kernels *k;
    cpu_groups g;
    ODEON_TRY(cpu_begin(queue, name, call->flags, call->x->shape.dtype, &k));
    ODEON_TRY(cpu_require(
        queue,
        as_groups(&call->x->shape, 1, &g) && cpu_alike(&call->x->shape, &call->dy->shape) &&
            cpu_alike(&call->x->shape, &call->dx->view.shape) &&
            per_channel(call->w, &call->x->shape) && per_channel(call->b, &call->x->shape) &&
            is_epilogue(call->act) && has_doubles(&call->stats->shape, &call->x->shape, 2) &&
            has_doubles(&call->sums->shape, &call->x->shape, 2),
        name, "x, dy, dx[B,C,S], w, b[C], stats, sums F64 [2,C]"));
    const cpu_map map = {.stats = odeon_read(call->stats),
                         .w = read_or_null(call->w),
                         .b = read_or_null(call->b),
                         .act = call->act};
    k->batch_norm_vjp(&g, &map, odeon_read(call->x), odeon_read(call->dy), odeon_read(call->sums),
                      call->count, odeon_write(call->dx));
    return ODEON_OK;
}

static odeon_status cpu_batch_norm_vjp(odeon_queue *queue, const odeon_batch_norm_vjp *call)
{
    const odeon_batch_norm_act_vjp as = {.struct_size = sizeof as,
                                         .flags = call->flags,
                                         .x = call->x,
                                         .w = call->w,
                                         .stats = call->stats,
                                         .dy = call->dy,
                                         .sums = call->sums,
                                         .dx = call->dx,
                                         .count = call->count};
    return vjp(queue, "batch_norm_vjp", &as);
}

static odeon_status cpu_batch_norm_act_vjp(odeon_queue *queue, const odeon_batch_norm_act_vjp *call)
{
    return vjp(queue, "batch_norm_act_vjp", call);
}

/* ---- softmax ---- */

/* mask [M,K,...], lengths [M] of x's dtype, M dividing N; sets: M. */
static int32_t keys_fit(const odeon_softmax *call, cpu_softmax *s)
{
    const odeon_shape *x = &call->x->shape;
    const odeon_shape *mask = call->mask != NULL ? &call->mask->shape : NULL;
    const odeon_shape *lengths = call->lengths != NULL ? &call->lengths->shape : NULL;
    s->sets = mask != NULL ? mask->dim[0] : lengths != NULL ? odeon_count(lengths) : x->dim[0];
    if (mask != NULL && (mask->dtype != x->dtype || mask->ndim < 2 || mask->dim[1] != s->cols)) {
        return 0;
    }
    if (lengths != NULL && (lengths->dtype != x->dtype || odeon_count(lengths) != s->sets)) {
        return 0;
    }
    int64_t shared = s->sets * s->cols;
    s->each = mask != NULL && shared > 0 ? odeon_count(mask) / shared : 1;
    return s->sets > 0 ? x->dim[0] % s->sets == 0 : x->dim[0] == 0;
}

/* x [N,Q,K] -> y [N,Q,K]. */
static odeon_status cpu_softmax_rows(odeon_queue *queue, const odeon_softmax *call)
{
    const cpu_kernels *k;
    const odeon_shape *x = &call->x->shape;
    ODEON_TRY(cpu_begin(queue, "softmax", call->flags, x->dtype, &k));
    cpu_softmax s = {.n = x->dim[0],
                     .queries = x->dim[1],
                     .cols = x->dim[2],
                     .mask = read_or_null(call->mask),
                     .lengths = read_or_null(call->lengths),
                     .causal = call->causal};
    ODEON_TRY(cpu_require(queue,
                          x->ndim == 3 && cpu_alike(x, &call->y->view.shape) && keys_fit(call, &s),
                          "softmax", "x, y[N,Q,K], mask[M,K,...], lengths[M], M divides N"));
    if (odeon_count(x) > 0) {
        k->softmax(&s, odeon_read(call->x), odeon_write(call->y));
    }
    return ODEON_OK;
}

/* y, dy [N,Q,K] -> dx [N,Q,K]. */
static odeon_status cpu_softmax_vjp(odeon_queue *queue, const odeon_softmax_vjp *call)
{
    const cpu_kernels *k;
    const odeon_shape *y = &call->y->shape;
    ODEON_TRY(cpu_begin(queue, "softmax_vjp", call->flags, y->dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          y->ndim == 3 && cpu_alike(y, &call->dy->shape) &&
                              cpu_alike(y, &call->dx->view.shape),
                          "softmax_vjp", "y, dy, dx[N,Q,K]"));
    k->softmax_vjp(y->dim[0] * y->dim[1], y->dim[2], odeon_read(call->y), odeon_read(call->dy),
                   odeon_write(call->dx));
    return ODEON_OK;
}

const odeon_norm_family cpu_norm = {
    .struct_size = sizeof(odeon_norm_family),
    .group_norm = cpu_group_norm,
    .group_norm_vjp = cpu_group_norm_vjp,
    .channel_moment = cpu_channel_moment,
    .batch_norm = cpu_batch_norm,
    .batch_norm_vjp_sums = cpu_batch_norm_vjp_sums,
    .batch_norm_vjp = cpu_batch_norm_vjp,
    .softmax = cpu_softmax_rows,
    .softmax_vjp = cpu_softmax_vjp,
    .group_norm_act_vjp = cpu_group_norm_act_vjp,
    .batch_norm_act_vjp_sums = cpu_batch_norm_act_vjp_sums,
    .batch_norm_act_vjp = cpu_batch_norm_act_vjp,
};
