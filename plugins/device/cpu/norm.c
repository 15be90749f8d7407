#include "cpu.h"

/* Describes x [B,C,...] as [B,C,S]; 0 if it has no channels or groups do not divide them. */
static int32_t as_groups(const odeon_tensor *x, int64_t groups, cpu_groups *out)
{
    *out = (cpu_groups){.space = 1, .groups = groups};
    if (x->ndim < 2) {
        return 0;
    }
    out->batch = x->dim[0];
    out->channels = x->dim[1];
    for (int32_t i = 2; i < x->ndim; i++) {
        out->space *= x->dim[i];
    }
    return groups > 0 && out->channels % groups == 0;
}

/* Is w NULL, or [C] of the dtype of x? */
static int32_t per_channel(const odeon_tensor *w, const odeon_tensor *x)
{
    return w == NULL || (w->dtype == x->dtype && odeon_count(w) == x->dim[1]);
}

/* x [B,C,S]; adds to bias [C]. */
odeon_status cpu_channel_sum(odeon_queue *queue, const odeon_tensor *x, const odeon_tensor *bias)
{
    const cpu_kernels *k;
    cpu_groups g;
    ODEON_TRY(cpu_begin(queue, "channel_sum", x->dtype, &k));
    ODEON_TRY(cpu_require(queue, as_groups(x, 1, &g) && per_channel(bias, x), "channel_sum",
                          "x[B,C,S], bias[C]"));
    if (odeon_count(x) > 0) {
        k->channel_sum(&g, x->data, bias->data);
    }
    return ODEON_OK;
}

static void *data_of(const odeon_tensor *x)
{
    return x != NULL ? x->data : NULL;
}

/* x [B,C,S], w, b [C] or NULL -> y [B,C,S], stats F64 [B,groups,2]. */
odeon_status cpu_group_norm(odeon_queue *queue, int32_t groups, double epsilon,
                            const odeon_tensor *x, const odeon_tensor *w, const odeon_tensor *b,
                            const odeon_tensor *y, const odeon_tensor *stats)
{
    const cpu_kernels *k;
    cpu_groups g;
    ODEON_TRY(cpu_begin(queue, "groupnorm", x->dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          as_groups(x, groups, &g) && cpu_alike(x, y) && per_channel(w, x) &&
                              per_channel(b, x) && stats->dtype == ODEON_DTYPE_F64 &&
                              odeon_count(stats) == 2 * groups * x->dim[0],
                          "groupnorm", "x, y[B,C,S], w, b[C], stats F64 [B,groups,2]"));
    if (odeon_count(x) > 0) {
        k->group_norm(&g, epsilon, x->data, data_of(w), data_of(b), y->data, stats->data);
    }
    return ODEON_OK;
}

/* x, dy [B,C,S], stats F64 [B,groups,2] -> dx [B,C,S]; adds to dw, db [C]. */
odeon_status cpu_group_norm_vjp(odeon_queue *queue, int32_t groups, const odeon_tensor *x,
                                const odeon_tensor *w, const odeon_tensor *stats,
                                const odeon_tensor *dy, const odeon_tensor *dx,
                                const odeon_tensor *dw, const odeon_tensor *db)
{
    const cpu_kernels *k;
    cpu_groups g;
    ODEON_TRY(cpu_begin(queue, "groupnorm_vjp", x->dtype, &k));
    ODEON_TRY(cpu_require(queue,
                          as_groups(x, groups, &g) && cpu_alike(x, dy) && per_channel(w, x) &&
                              (dx == NULL || cpu_alike(x, dx)) && per_channel(dw, x) &&
                              per_channel(db, x) && stats->dtype == ODEON_DTYPE_F64,
                          "groupnorm_vjp", "x, dy, dx[B,C,S], w, dw, db[C], stats F64"));
    if (odeon_count(x) == 0) {
        return ODEON_OK;
    }
    if (dw != NULL || db != NULL) {
        k->group_norm_vjp_w(&g, x->data, stats->data, dy->data, data_of(dw), data_of(db));
    }
    if (dx != NULL) {
        k->group_norm_vjp_x(&g, x->data, data_of(w), stats->data, dy->data, dx->data);
    }
    return ODEON_OK;
}
