/* The kernels of norm.h; activation_body.h and vector_body.h come before. */

/* ---- sums over channels ---- */

/* Adds row j of channel c to the two sums. */
KERNEL_FN void REAL(channel_row)(const channel_args *a, int64_t c, int64_t j, double *sums)
{
    int64_t s, b = kernel_divide_by(j, &a->space, &s), i = (b * a->channels + c) * a->space.by + s;
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
    int64_t part, tile = kernel_divide_by(w.block, &a->parts, &part);
    int64_t c = tile * a->lanes + (w.thread & (a->lanes - 1));
    if (phase == 0) {
        double sums[2] = {0.0, 0.0};
        int64_t from = part * a->part_rows, to = from + a->part_rows;
        to = c >= a->channels ? from : to < a->rows ? to : a->rows;
        for (int64_t j = from + (w.thread >> a->lane_bits); j < to;
             j += w.threads >> a->lane_bits) {
            REAL(channel_row)(a, c, j, sums);
        }
        one[w.thread] = sums[0];
        two[w.thread] = sums[1];
    } else if (phase <= KERNEL_TREE_PHASES) {
        channel_tree(phase, a->lanes, w, one);
        channel_tree(phase, a->lanes, w, two);
    } else if (w.thread < a->lanes && c < a->channels) {
        if (a->parts.by == 1) {
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
        for (int64_t part = 0; part < a->parts.by; part++) {
            one += a->partial[2 * part * a->channels + c];
            two += a->partial[(2 * part + 1) * a->channels + c];
        }
        REAL(channel_store)(a, c, one, two);
    }
}

/* ---- statistics of a batch ---- */

/* One number a row of a part, of channel c, with the mean that they are taken from. */
KERNEL_FN double REAL(part_sum)(const channel_args *a, kernel_thread w, int64_t c, int64_t part,
                                double mean, int32_t squared)
{
    const real *x = (const real *)a->x;
    double sum = 0.0;
    int64_t from = part * a->part_rows, to = from + a->part_rows;
    to = c >= a->channels ? from : to < a->rows ? to : a->rows;
    for (int64_t j = from + (w.thread >> a->lane_bits); j < to; j += w.threads >> a->lane_bits) {
        int64_t s, b = kernel_divide_by(j, &a->space, &s);
        double value = (double)x[(b * a->channels + c) * a->space.by + s] - mean;
        sum += squared ? value * value : value;
    }
    return sum;
}

KERNEL_FN void REAL(stats_store)(const batch_stats_args *a, int64_t c, double mean, double squares)
{
    real *running_mean = (real *)a->running_mean, *running = (real *)a->running_variance;
    double count = (double)a->of.rows;
    a->stats[c] = mean;
    a->stats[a->of.channels + c] = 1.0 / sqrt(1.0 / count * squares + a->epsilon);
    if (running_mean != NULL) {
        real keep = (real)(1.0 - a->momentum), take = (real)a->momentum;
        running_mean[c] = keep * running_mean[c] + take * (real)mean;
        running[c] = keep * running[c] + take * (real)(1.0 / (count - 1.0) * squares);
    }
}

KERNEL_FN void REAL(channel_stats)(int32_t phase, const batch_stats_args *a, kernel_thread w,
                                   void *shared)
{
    double *sums = (double *)shared, *squares = sums + w.threads;
    int64_t part, tile = kernel_divide_by(w.block, &a->of.parts, &part);
    int32_t lane = w.thread & (a->of.lanes - 1);
    int64_t c = tile * a->of.lanes + lane;
    double *scale = squares + w.threads; /* one by the rows, for all */
    if (phase == 0) {
        if (w.thread == 0) {
            *scale = 1.0 / (double)channel_part_rows(&a->of, part);
        }
        sums[w.thread] = REAL(part_sum)(&a->of, w, c, part, 0.0, 0);
    } else if (phase < STATS_CENTRE) {
        channel_tree(phase, a->of.lanes, w, sums);
    } else if (phase == STATS_CENTRE) {
        squares[w.thread] = REAL(part_sum)(&a->of, w, c, part, *scale * sums[lane], 1);
    } else if (phase < STATS_STORE) {
        channel_tree(phase - STATS_CENTRE, a->of.lanes, w, squares);
    } else if (w.thread < a->of.lanes && c < a->of.channels) {
        if (a->of.parts.by == 1) {
            REAL(stats_store)(a, c, *scale * sums[lane], squares[lane]);
        } else {
            a->of.partial[2 * part * a->of.channels + c] = *scale * sums[lane];
            a->of.partial[(2 * part + 1) * a->of.channels + c] = squares[lane];
        }
    }
}

/* A thread a channel joins what its parts left, in order. Source: Chan, Golub, LeVeque, Algorithms
 * for Computing the Sample Variance, 1983, eq. 2.1. */
KERNEL_FN void REAL(stats_finish)(int32_t phase, const batch_stats_args *a, kernel_thread w,
                                  void *shared)
{
    (void)phase;
    (void)shared;
    KERNEL_EACH (c, a->of.channels) {
        double mean = 0.0, squares = 0.0, rows = 0.0;
        for (int64_t part = 0; part < a->of.parts.by; part++) {
            double more = (double)channel_part_rows(&a->of, part), all = rows + more;
            double distance = a->of.partial[2 * part * a->of.channels + c] - mean;
            mean += distance * (more / all);
            squares += a->of.partial[(2 * part + 1) * a->of.channels + c] +
                       distance * distance * (rows * (more / all));
            rows = all;
        }
        REAL(stats_store)(a, c, mean, squares);
    }
}

KERNEL_FN void REAL(running_stats)(int32_t phase, const running_stats_args *a, kernel_thread w,
                                   void *shared)
{
    (void)phase;
    (void)shared;
    KERNEL_EACH (c, a->channels) {
        a->stats[c] = (double)((const real *)a->mean)[c];
        a->stats[a->channels + c] = 1.0 / sqrt((double)((const real *)a->variance)[c] + a->epsilon);
    }
}

/* ---- batch normalization ---- */

KERNEL_FN int64_t REAL(channel_of)(int64_t i, const kernel_divisor *space,
                                   const kernel_divisor *channels)
{
    int64_t s, c;
    (void)kernel_divide_by(kernel_divide_by(i, space, &s), channels, &c);
    return c;
}

KERNEL_FN real REAL(normalized)(const batch_norm_args *a, int64_t i, real x)
{
    const real *scale = (const real *)a->w, *shift = (const real *)a->b;
    int64_t c = REAL(channel_of)(i, &a->space, &a->channels);
    real normal = (x - (real)a->stats[c]) * (real)a->stats[a->channels.by + c];
    real value = normal * (scale != NULL ? scale[c] : (real)1);
    value += shift != NULL ? shift[c] : (real)0;
    return REAL(activation)(a->act, value);
}

KERNEL_FN void REAL(batch_norm)(int32_t phase, const batch_norm_args *a, kernel_thread w,
                                void *shared)
{
    const real *x = (const real *)a->x;
    real *y = (real *)a->y;
    int64_t rest = REAL(vector_rest)(a->count, w);
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->count / VECTOR_WIDTH) {
        REAL(vector) v = REAL(load)(x, i, a->aligned);
        KERNEL_ROLLED for (int32_t l = 0; l < VECTOR_WIDTH; l++)
        {
            v = REAL(rotate)(v, REAL(normalized)(a, i * VECTOR_WIDTH + l, v.at[0]));
        }
        REAL(store)(y, i, v, a->aligned);
    }
    if (rest < a->count) {
        y[rest] = REAL(normalized)(a, rest, x[rest]);
    }
}

/* dx of element i, whose x and dy are given. */
KERNEL_FN real REAL(batch_slope)(const batch_norm_vjp_args *a, int64_t i, real x, real dy)
{
    const real *scale = (const real *)a->w;
    int64_t C = a->channels.by, c = REAL(channel_of)(i, &a->space, &a->channels);
    real rstd = (real)a->stats[C + c], normal = (x - (real)a->stats[c]) * rstd;
    real common = (real)(a->sums[c] * a->per), slope = (real)(a->sums[C + c] * a->per);
    real outer = rstd * (scale != NULL ? scale[c] : (real)1);
    return outer * (dy - common - normal * slope);
}

KERNEL_FN void REAL(batch_norm_vjp)(int32_t phase, const batch_norm_vjp_args *a, kernel_thread w,
                                    void *shared)
{
    const real *x = (const real *)a->x, *dy = (const real *)a->dy;
    int64_t rest = REAL(vector_rest)(a->elements, w);
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->elements / VECTOR_WIDTH) {
        REAL(vector) v = REAL(load)(x, i, a->aligned), u = REAL(load)(dy, i, a->aligned);
        KERNEL_ROLLED for (int32_t l = 0; l < VECTOR_WIDTH; l++)
        {
            v = REAL(rotate)(v, REAL(batch_slope)(a, i * VECTOR_WIDTH + l, v.at[0], u.at[0]));
            u = REAL(rotate)(u, (real)0);
        }
        REAL(store)((real *)a->dx, i, v, a->aligned);
    }
    if (rest < a->elements) {
        ((real *)a->dx)[rest] = REAL(batch_slope)(a, rest, x[rest], dy[rest]);
    }
}

/* ---- group normalization ---- */

KERNEL_FN int64_t REAL(group_of)(const kernel_divisor *groups, kernel_thread w)
{
    int64_t group;
    (void)kernel_divide_by(w.block, groups, &group);
    return group;
}

/* Channel of number k of group g. */
KERNEL_FN int64_t REAL(group_channel)(int64_t g, int64_t k, int64_t each,
                                      const kernel_divisor *space)
{
    int64_t s;
    return g * each + kernel_divide_by(k, space, &s);
}

/* The number behind whole vectors of a group that is this thread's, or n. */
KERNEL_FN int64_t REAL(group_rest)(int64_t n, kernel_thread w)
{
    int64_t k = n / VECTOR_WIDTH * VECTOR_WIDTH + w.thread;
    return k < n ? k : n;
}

KERNEL_FN real REAL(group_normalized)(const group_norm_args *a, kernel_thread w, int64_t k, real x,
                                      real mean, real rstd)
{
    const real *scale = (const real *)a->w, *shift = (const real *)a->b;
    int64_t c = REAL(group_channel)(REAL(group_of)(&a->groups, w), k, a->each, &a->space);
    real value = (x - mean) * rstd * (scale != NULL ? scale[c] : (real)1);
    value += shift != NULL ? shift[c] : (real)0;
    return REAL(activation)(a->act, value);
}

/* x: the group's numbers, at an address where vectors may be where aligned says so. */
KERNEL_FN void REAL(group_store)(const group_norm_args *a, kernel_thread w, const real *x,
                                 int32_t aligned, double mean, double rstd)
{
    real *y = (real *)a->y + w.block * a->n;
    int64_t rest = REAL(group_rest)(a->n, w);
    if (w.thread == 0) {
        a->stats[2 * w.block] = mean;
        a->stats[2 * w.block + 1] = rstd;
    }
    KERNEL_ROLLED for (int64_t i = w.thread; i < a->n / VECTOR_WIDTH; i += w.threads)
    {
        REAL(vector) v = REAL(load)(x, i, aligned);
        KERNEL_ROLLED for (int32_t l = 0; l < VECTOR_WIDTH; l++)
        {
            v = REAL(rotate)(v, REAL(group_normalized)(a, w, i * VECTOR_WIDTH + l, v.at[0],
                                                       (real)mean, (real)rstd));
        }
        REAL(store)(y, i, v, a->aligned);
    }
    if (rest < a->n) {
        y[rest] = REAL(group_normalized)(a, w, rest, x[rest], (real)mean, (real)rstd);
    }
}

/* What a thread has of the sum; each number is kept where it is read again by the same thread. */
KERNEL_FN double REAL(group_sum)(const group_norm_args *a, kernel_thread w, real *kept)
{
    const real *x = (const real *)a->x + w.block * a->n;
    double sum = 0.0;
    int64_t rest = REAL(group_rest)(a->n, w);
    KERNEL_ROLLED for (int64_t i = w.thread; i < a->n / VECTOR_WIDTH; i += w.threads)
    {
        REAL(vector) v = REAL(load)(x, i, a->aligned);
        if (a->held) {
            REAL(store)(kept, i, v, 1);
        }
        VECTOR_UNROLL
        for (int32_t l = 0; l < VECTOR_WIDTH; l++) {
            sum += (double)v.at[l];
        }
    }
    if (rest < a->n) {
        if (a->held) {
            kept[rest] = x[rest];
        }
        sum += (double)x[rest];
    }
    return sum;
}

KERNEL_FN double REAL(group_squares)(const group_norm_args *a, kernel_thread w, const real *x,
                                     int32_t aligned, double mean)
{
    double sum = 0.0;
    int64_t rest = REAL(group_rest)(a->n, w);
    KERNEL_ROLLED for (int64_t i = w.thread; i < a->n / VECTOR_WIDTH; i += w.threads)
    {
        REAL(vector) v = REAL(load)(x, i, aligned);
        VECTOR_UNROLL
        for (int32_t l = 0; l < VECTOR_WIDTH; l++) {
            sum += ((double)v.at[l] - mean) * ((double)v.at[l] - mean);
        }
    }
    if (rest < a->n) {
        sum += ((double)x[rest] - mean) * ((double)x[rest] - mean);
    }
    return sum;
}

/* Two sums, one after the other: of the numbers, then of their squared distances from the mean. */
KERNEL_FN void REAL(group_norm)(int32_t phase, const group_norm_args *a, kernel_thread w,
                                void *shared)
{
    double *sums = (double *)shared, *squares = sums + KERNEL_SUM_DOUBLES(w.threads);
    real *kept = (real *)(squares + KERNEL_SUM_DOUBLES(w.threads));
    const real *x = a->held ? kept : (const real *)a->x + w.block * a->n;
    int32_t aligned = a->held || a->aligned;
    if (phase == 0) {
        kernel_warps_store(w, sums, REAL(group_sum)(a, w, kept));
        return;
    }
    double mean = kernel_warps_sum(w, sums) / (double)a->n;
    if (phase == 1) {
        kernel_warps_store(w, squares, REAL(group_squares)(a, w, x, aligned, mean));
        return;
    }
    double variance = kernel_warps_sum(w, squares) / (double)a->n;
    REAL(group_store)(a, w, x, aligned, mean, 1.0 / sqrt(variance + a->epsilon));
}

/* u = dy * w and normal = (x - mean) * rstd of number k. */
KERNEL_FN real REAL(group_pair)(const group_norm_vjp_args *a, kernel_thread w, int64_t k, real x,
                                real dy, real *normal)
{
    int64_t c = REAL(group_channel)(REAL(group_of)(&a->groups, w), k, a->each, &a->space);
    real mean = (real)a->stats[2 * w.block], rstd = (real)a->stats[2 * w.block + 1];
    *normal = (x - mean) * rstd;
    return dy * (a->w != NULL ? ((const real *)a->w)[c] : (real)1);
}

/* A group of x and of dy. */
#define GROUP_X(a, w)  ((const real *)(a)->x + (w).block * (a)->n)
#define GROUP_DY(a, w) ((const real *)(a)->dy + (w).block * (a)->n)

/* What a thread has of the sums of u and of u * normal. */
KERNEL_FN void REAL(group_sums)(const group_norm_vjp_args *a, kernel_thread w, double *sums)
{
    const real *x = GROUP_X(a, w), *dy = GROUP_DY(a, w);
    int64_t rest = REAL(group_rest)(a->n, w);
    real normal;
    KERNEL_ROLLED for (int64_t i = w.thread; i < a->n / VECTOR_WIDTH; i += w.threads)
    {
        REAL(vector) v = REAL(load)(x, i, a->aligned), d = REAL(load)(dy, i, a->aligned);
        VECTOR_UNROLL
        for (int32_t l = 0; l < VECTOR_WIDTH; l++) {
            real u = REAL(group_pair)(a, w, i * VECTOR_WIDTH + l, v.at[l], d.at[l], &normal);
            sums[0] += (double)u;
            sums[1] += (double)u * (double)normal;
        }
    }
    if (rest < a->n) {
        real u = REAL(group_pair)(a, w, rest, x[rest], dy[rest], &normal);
        sums[0] += (double)u;
        sums[1] += (double)u * (double)normal;
    }
}

/* dx = rstd (u - mean(u) - normal * mean(u normal)), the means over the group: what moves all of it
 * or scales all of it has no effect. */
KERNEL_FN void REAL(group_slopes)(const group_norm_vjp_args *a, kernel_thread w, real mean,
                                  real slope)
{
    const real *x = GROUP_X(a, w), *dy = GROUP_DY(a, w);
    real *dx = (real *)a->dx + w.block * a->n, rstd = (real)a->stats[2 * w.block + 1], normal;
    int64_t rest = REAL(group_rest)(a->n, w);
    KERNEL_ROLLED for (int64_t i = w.thread; i < a->n / VECTOR_WIDTH; i += w.threads)
    {
        REAL(vector) v = REAL(load)(x, i, a->aligned), d = REAL(load)(dy, i, a->aligned);
        VECTOR_UNROLL
        for (int32_t l = 0; l < VECTOR_WIDTH; l++) {
            real u = REAL(group_pair)(a, w, i * VECTOR_WIDTH + l, v.at[l], d.at[l], &normal);
            d.at[l] = rstd * (u - mean - normal * slope);
        }
        REAL(store)(dx, i, d, a->aligned);
    }
    if (rest < a->n) {
        real u = REAL(group_pair)(a, w, rest, x[rest], dy[rest], &normal);
        dx[rest] = rstd * (u - mean - normal * slope);
    }
}

#undef GROUP_X
#undef GROUP_DY

KERNEL_FN void REAL(group_norm_vjp)(int32_t phase, const group_norm_vjp_args *a, kernel_thread w,
                                    void *shared)
{
    double *sums = (double *)shared, *products = sums + KERNEL_SUM_DOUBLES(w.threads);
    if (phase == 0) {
        double both[2] = {0.0, 0.0};
        REAL(group_sums)(a, w, both);
        kernel_warps_store(w, sums, both[0]);
        kernel_warps_store(w, products, both[1]);
        return;
    }
    real mean = (real)(kernel_warps_sum(w, sums) / (double)a->n);
    real slope = (real)(kernel_warps_sum(w, products) / (double)a->n);
    REAL(group_slopes)(a, w, mean, slope);
}

/* ---- softmax of rows ---- */

/* Does number k of the block's row count? */
KERNEL_FN int32_t REAL(row_counts)(const softmax_rows_args *a, int64_t row, int64_t k)
{
    int64_t q, set, n = kernel_divide(row, a->Q, &q);
    (void)kernel_divide(n, a->sets, &set);
    if ((a->causal != 0 && k > q) ||
        (a->lengths != NULL && !((real)k < ((const real *)a->lengths)[set]))) {
        return 0;
    }
    int32_t counts = a->mask == NULL;
    for (int64_t i = 0; counts == 0 && i < a->each; i++) {
        counts = ((const real *)a->mask)[(set * a->K + k) * a->each + i] != (real)0;
    }
    return counts;
}

/* The threads of a block have a row: its largest number that counts, the sum of exp of the
 * differences to it, then both of them for all. */
KERNEL_FN void REAL(softmax_rows)(int32_t phase, const softmax_rows_args *a, kernel_thread w,
                                  void *shared)
{
    double *most = (double *)shared, *sums = most + w.threads;
    const real *x = (const real *)a->x + w.block * a->K;
    real *y = (real *)a->y + w.block * a->K;
    int32_t t = w.thread;
    if (phase == 0) {
        double largest = -HUGE_VAL;
        for (int64_t k = t; k < a->K; k += w.threads) {
            int32_t counts = (double)x[k] > largest && REAL(row_counts)(a, w.block, k);
            largest = counts ? (double)x[k] : largest;
        }
        most[t] = largest;
    } else if (phase < SOFTMAX_ROWS_SUM) {
        int32_t half = w.threads >> phase;
        most[t] = t < half && most[t + half] > most[t] ? most[t + half] : most[t];
    } else if (phase == SOFTMAX_ROWS_SUM) {
        double sum = 0.0;
        for (int64_t k = t; k < a->K; k += w.threads) {
            int32_t counts = REAL(row_counts)(a, w.block, k);
            sum += counts ? (double)MATH(exp)(x[k] - (real)most[0]) : 0.0;
        }
        sums[t] = sum;
    } else if (phase < SOFTMAX_ROWS_STORE) {
        kernel_tree_sum(phase - SOFTMAX_ROWS_SUM, w, sums);
    } else {
        double part = 1.0 / sums[0];
        for (int64_t k = t; k < a->K; k += w.threads) {
            int32_t counts = REAL(row_counts)(a, w.block, k);
            y[k] = counts ? (real)((double)MATH(exp)(x[k] - (real)most[0]) * part) : (real)0;
        }
    }
}

/* dx = y (dy - sum of y dy), a block a row. */
KERNEL_FN void REAL(softmax_rows_vjp)(int32_t phase, const softmax_rows_vjp_args *a,
                                      kernel_thread w, void *shared)
{
    double *sums = (double *)shared;
    const real *y = (const real *)a->y + w.block * a->K, *dy = (const real *)a->dy + w.block * a->K;
    real *dx = (real *)a->dx + w.block * a->K;
    if (phase == 0) {
        double sum = 0.0;
        for (int64_t k = w.thread; k < a->K; k += w.threads) {
            sum += (double)y[k] * (double)dy[k];
        }
        sums[w.thread] = sum;
    } else if (phase <= KERNEL_TREE_PHASES) {
        kernel_tree_sum(phase, w, sums);
    } else {
        for (int64_t k = w.thread; k < a->K; k += w.threads) {
            dx[k] = (real)((double)y[k] * ((double)dy[k] - sums[0]));
        }
    }
}
