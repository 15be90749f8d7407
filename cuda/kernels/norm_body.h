/* The kernels of norm.h; activation_body.h comes before. */

/* ---- sums over channels ---- */

/* Adds row j of channel c to the two sums. */
KERNEL_FN void REAL(channel_row)(const channel_args *a, int64_t c, int64_t j, double *sums)
{
    int64_t s, b = kernel_divide(j, a->space, &s), i = (b * a->channels + c) * a->space + s;
    double x = (double)((const real *)a->x)[i];
    if (a->kind == CHANNEL_PLAIN) {
        sums[0] += x;
        return;
    }
    const double *stats = norm_stats_of(&a->at, b, c);
    double centred = x - stats[0];
    if (a->kind == CHANNEL_CENTRED) {
        sums[0] += centred * centred;
        return;
    }
    double dy = (double)((const real *)a->dy)[i];
    sums[0] += dy;
    sums[1] += dy * centred * stats[a->at.rstd];
}

KERNEL_FN void REAL(channel_store)(const channel_args *a, int64_t c, double one, double two)
{
    real *add_one = (real *)a->add_one, *add_two = (real *)a->add_two;
    if (a->sums != NULL) {
        a->sums[c] = one;
    }
    if (a->sums != NULL && a->kind == CHANNEL_NORMAL) {
        a->sums[a->channels + c] = two;
    }
    if (add_one != NULL) {
        add_one[c] = (real)((double)add_one[c] + one);
    }
    if (add_two != NULL) {
        add_two[c] = (real)((double)add_two[c] + two);
    }
}

KERNEL_FN void REAL(channel_sums)(int32_t phase, const channel_args *a, kernel_thread w,
                                  void *shared)
{
    double *one = (double *)shared, *two = one + w.threads;
    int64_t part, tile = kernel_divide(w.block, a->parts, &part);
    int64_t c = tile * a->lanes + w.thread % a->lanes;
    if (phase == 0) {
        double sums[2] = {0.0, 0.0};
        int64_t from = part * a->part_rows, to = from + a->part_rows;
        to = c >= a->channels ? from : to < a->rows ? to : a->rows;
        for (int64_t j = from + w.thread / a->lanes; j < to; j += w.threads / a->lanes) {
            REAL(channel_row)(a, c, j, sums);
        }
        one[w.thread] = sums[0];
        two[w.thread] = sums[1];
    } else if (phase <= KERNEL_TREE_PHASES) {
        channel_tree(phase, a->lanes, w, one);
        channel_tree(phase, a->lanes, w, two);
    } else if (w.thread < a->lanes && c < a->channels) {
        if (a->parts == 1) {
            REAL(channel_store)(a, c, one[w.thread], two[w.thread]);
        } else {
            a->partial[2 * part * a->channels + c] = one[w.thread];
            a->partial[(2 * part + 1) * a->channels + c] = two[w.thread];
        }
    }
}

/* A thread a channel adds up what its parts left, in order. */
KERNEL_FN void REAL(channel_finish)(int32_t phase, const channel_args *a, kernel_thread w,
                                    void *shared)
{
    (void)phase;
    (void)shared;
    KERNEL_EACH (c, a->channels) {
        double one = 0.0, two = 0.0;
        for (int64_t part = 0; part < a->parts; part++) {
            one += a->partial[2 * part * a->channels + c];
            two += a->partial[(2 * part + 1) * a->channels + c];
        }
        REAL(channel_store)(a, c, one, two);
    }
}

/* ---- batch normalization ---- */

KERNEL_FN int64_t REAL(channel_of)(int64_t i, int64_t space, int64_t channels)
{
    int64_t s, c;
    (void)kernel_divide(kernel_divide(i, space, &s), channels, &c);
    return c;
}

KERNEL_FN void REAL(batch_norm)(int32_t phase, const batch_norm_args *a, kernel_thread w,
                                void *shared)
{
    const real *x = (const real *)a->x, *scale = (const real *)a->w, *shift = (const real *)a->b;
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->count) {
        int64_t c = REAL(channel_of)(i, a->space, a->channels);
        real normal = (x[i] - (real)a->stats[c]) * (real)a->stats[a->channels + c];
        real value = normal * (scale != NULL ? scale[c] : (real)1);
        value += shift != NULL ? shift[c] : (real)0;
        ((real *)a->y)[i] = REAL(activation)(a->act, value);
    }
}

KERNEL_FN void REAL(batch_norm_vjp)(int32_t phase, const batch_norm_vjp_args *a, kernel_thread w,
                                    void *shared)
{
    const real *x = (const real *)a->x, *dy = (const real *)a->dy, *scale = (const real *)a->w;
    int64_t C = a->channels;
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->elements) {
        int64_t c = REAL(channel_of)(i, a->space, C);
        real rstd = (real)a->stats[C + c], normal = (x[i] - (real)a->stats[c]) * rstd;
        real common = (real)(a->sums[c] / a->count), slope = (real)(a->sums[C + c] / a->count);
        real outer = rstd * (scale != NULL ? scale[c] : (real)1);
        ((real *)a->dx)[i] = outer * (dy[i] - common - normal * slope);
    }
}

/* ---- group normalization ---- */

/* Channel of number k of group g. */
KERNEL_FN int64_t REAL(group_channel)(int64_t g, int64_t k, int64_t each, int64_t space)
{
    int64_t s;
    return g * each + kernel_divide(k, space, &s);
}

KERNEL_FN void REAL(group_store)(const group_norm_args *a, kernel_thread w, double mean,
                                 double rstd)
{
    const real *x = (const real *)a->x + w.block * a->n;
    const real *scale = (const real *)a->w, *shift = (const real *)a->b;
    real *y = (real *)a->y + w.block * a->n;
    if (w.thread == 0) {
        a->stats[2 * w.block] = mean;
        a->stats[2 * w.block + 1] = rstd;
    }
    for (int64_t k = w.thread; k < a->n; k += w.threads) {
        int64_t c = REAL(group_channel)(w.block % a->groups, k, a->each, a->space);
        real normal = (x[k] - (real)mean) * (real)rstd;
        real value = normal * (scale != NULL ? scale[c] : (real)1);
        value += shift != NULL ? shift[c] : (real)0;
        y[k] = REAL(activation)((int32_t)a->act, value);
    }
}

/* Two sums, one after the other: of the numbers, then of their squared distances from the mean. */
KERNEL_FN void REAL(group_norm)(int32_t phase, const group_norm_args *a, kernel_thread w,
                                void *shared)
{
    double *sums = (double *)shared, *squares = sums + w.threads;
    const real *x = (const real *)a->x + w.block * a->n;
    if (phase == 0) {
        double sum = 0.0;
        for (int64_t k = w.thread; k < a->n; k += w.threads) {
            sum += (double)x[k];
        }
        sums[w.thread] = sum;
    } else if (phase < GROUP_CENTRE) {
        kernel_tree_sum(phase, w, sums);
    } else if (phase == GROUP_CENTRE) {
        double sum = 0.0, mean = sums[0] / (double)a->n;
        for (int64_t k = w.thread; k < a->n; k += w.threads) {
            sum += ((double)x[k] - mean) * ((double)x[k] - mean);
        }
        squares[w.thread] = sum;
    } else if (phase < GROUP_STORE) {
        kernel_tree_sum(phase - GROUP_CENTRE, w, squares);
    } else {
        double mean = sums[0] / (double)a->n, variance = squares[0] / (double)a->n;
        REAL(group_store)(a, w, mean, 1.0 / sqrt(variance + a->epsilon));
    }
}

/* u = dy * w and normal = (x - mean) * rstd of number k. */
KERNEL_FN real REAL(group_pair)(const group_norm_vjp_args *a, kernel_thread w, int64_t k,
                                real *normal)
{
    int64_t i = w.block * a->n + k;
    int64_t c = REAL(group_channel)(w.block % a->groups, k, a->each, a->space);
    real mean = (real)a->stats[2 * w.block], rstd = (real)a->stats[2 * w.block + 1];
    *normal = (((const real *)a->x)[i] - mean) * rstd;
    return ((const real *)a->dy)[i] * (a->w != NULL ? ((const real *)a->w)[c] : (real)1);
}

/* dx = rstd (u - mean(u) - normal * mean(u normal)), the means over the group: what moves all of it
 * or scales all of it has no effect. */
KERNEL_FN void REAL(group_norm_vjp)(int32_t phase, const group_norm_vjp_args *a, kernel_thread w,
                                    void *shared)
{
    double *sums = (double *)shared, *products = sums + w.threads;
    if (phase == 0) {
        double sum = 0.0, product = 0.0;
        for (int64_t k = w.thread; k < a->n; k += w.threads) {
            real normal, u = REAL(group_pair)(a, w, k, &normal);
            sum += (double)u;
            product += (double)u * (double)normal;
        }
        sums[w.thread] = sum;
        products[w.thread] = product;
    } else if (phase <= KERNEL_TREE_PHASES) {
        kernel_tree_sum(phase, w, sums);
        kernel_tree_sum(phase, w, products);
    } else {
        real *dx = (real *)a->dx + w.block * a->n, rstd = (real)a->stats[2 * w.block + 1];
        real mean = (real)(sums[0] / (double)a->n), slope = (real)(products[0] / (double)a->n);
        for (int64_t k = w.thread; k < a->n; k += w.threads) {
            real normal, u = REAL(group_pair)(a, w, k, &normal);
            dx[k] = rstd * (u - mean - normal * slope);
        }
    }
}
