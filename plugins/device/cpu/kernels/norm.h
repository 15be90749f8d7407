/* norm.h: channel sums and group normalization. */
#ifndef ODEON_CPU_NORM_H
#define ODEON_CPU_NORM_H

/* x [rows,cols], adds the columns' sums to bias [cols]. With one number per channel neighbours
 * belong to different channels, so lanes run across channels. */
static void column_sums(int64_t rows, int64_t cols, const real *x, real *bias)
{
    for (int64_t first = 0; first < cols; first += LANES) {
        int64_t now = cols - first < LANES ? cols - first : LANES;
        lanes s = {{0.0}};
        for (int64_t r = 0; r < rows; r++) {
            for (int64_t l = 0; l < now; l++) {
                s.at[l] += (double)x[r * cols + first + l];
            }
        }
        for (int64_t l = 0; l < now; l++) {
            bias[first + l] += (real)s.at[l];
        }
    }
}

/* x [B,C,S]; adds to bias [C]. */
static void channel_sum(const cpu_groups *g, const void *x, void *bias)
{
    if (g->space == 1) {
        column_sums(g->batch, g->channels, x, bias);
        return;
    }
    for (int64_t c = 0; c < g->channels; c++) {
        lanes s = {{0.0}};
        for (int64_t b = 0; b < g->batch; b++) {
            lanes_add(&s, g->space, (const real *)x + (b * g->channels + c) * g->space);
        }
        ((real *)bias)[c] += (real)lanes_total(&s);
    }
}

/* stats = mean and 1 / sqrt(variance + epsilon) of one group, in two passes, which does not cancel
 * digits. */
static void group_statistics(int64_t count, double epsilon, const real *x, double *stats)
{
    lanes s = {{0.0}}, squares = {{0.0}};
    lanes_add(&s, count, x);
    stats[0] = lanes_total(&s) / (double)count;
    lanes_add_squares(&squares, count, x, stats[0]);
    stats[1] = 1.0 / sqrt(lanes_total(&squares) / (double)count + epsilon);
}

/* x [B,C,S], w, b [C] or NULL -> y [B,C,S], stats [B,groups,2]. */
static void group_norm(const cpu_groups *g, double epsilon, const void *x, const void *w,
                       const void *b, void *y, double *stats)
{
    int64_t channels = g->channels / g->groups, space = g->space;
    for (int64_t group = 0; group < g->batch * g->groups; group++) {
        const real *in = (const real *)x + group * channels * space;
        real *out = (real *)y + group * channels * space;
        double *stat = stats + 2 * group;
        group_statistics(channels * space, epsilon, in, stat);
        for (int64_t i = 0; i < channels; i++) {
            int64_t c = group % g->groups * channels + i;
            real scale = (real)(w != NULL ? stat[1] * (double)((const real *)w)[c] : stat[1]);
            real shift = b != NULL ? ((const real *)b)[c] : 0, mean = (real)stat[0];
            const real *from = in + i * space;
            real *to = out + i * space;
#pragma omp simd
            for (int64_t s = 0; s < space; s++) {
                to[s] = (from[s] - mean) * scale + shift;
            }
        }
    }
}

/* Sums over one group of g = w dy and of g (x - mean), channel by channel, as w is constant within
 * one. */
static void group_sums(int64_t channels, int64_t space, const real *x, const real *w, double mean,
                       const real *dy, double *sum_g, double *sum_gx)
{
    *sum_g = 0.0;
    *sum_gx = 0.0;
    for (int64_t i = 0; i < channels; i++) {
        lanes plain = {{0.0}}, moment = {{0.0}};
        double weight = w != NULL ? (double)w[i] : 1.0;
        lanes_add(&plain, space, dy + i * space);
        lanes_add_moments(&moment, space, x + i * space, mean, dy + i * space);
        *sum_g += weight * lanes_total(&plain);
        *sum_gx += weight * lanes_total(&moment);
    }
}

/* x, dy [B,C,S] -> dx [B,C,S]: dx = rstd (g - mean(g) - (x - mean) rstd^2 mean(g (x - mean))), g =
 * w dy, means over the group. */
static void group_norm_vjp_x(const cpu_groups *g, const void *x, const void *w, const double *stats,
                             const void *dy, void *dx)
{
    int64_t channels = g->channels / g->groups, space = g->space;
    double count = (double)(channels * space);
    for (int64_t group = 0; group < g->batch * g->groups; group++) {
        int64_t at = group * channels * space;
        double mean = stats[2 * group], rstd = stats[2 * group + 1], sum_g, sum_gx;
        const real *in = (const real *)x + at, *d_out = (const real *)dy + at;
        const real *weight = w != NULL ? (const real *)w + group % g->groups * channels : NULL;
        group_sums(channels, space, in, weight, mean, d_out, &sum_g, &sum_gx);
        real centre = (real)mean, shift = (real)(rstd * sum_g / count);
        real slope = (real)(rstd * rstd * rstd * sum_gx / count);
        for (int64_t i = 0; i < channels; i++) {
            real scale = (real)(weight != NULL ? rstd * (double)weight[i] : rstd);
            const real *from = in + i * space, *d_from = d_out + i * space;
            real *to = (real *)dx + at + i * space;
#pragma omp simd
            for (int64_t s = 0; s < space; s++) {
                to[s] = scale * d_from[s] - shift - slope * (from[s] - centre);
            }
        }
    }
}

/* x, dy [B,C,S]; adds to dw [C] = sum dy (x - mean) rstd and db [C] = sum dy, either NULL. */
static void group_norm_vjp_w(const cpu_groups *g, const void *x, const double *stats,
                             const void *dy, void *dw, void *db)
{
    int64_t channels = g->channels / g->groups;
    for (int64_t c = 0; c < g->channels; c++) {
        lanes plain = {{0.0}};
        double moments = 0.0;
        for (int64_t b = 0; b < g->batch; b++) {
            int64_t at = (b * g->channels + c) * g->space;
            const double *stat = stats + 2 * (b * g->groups + c / channels);
            const real *d_out = (const real *)dy + at;
            if (dw != NULL) {
                lanes moment = {{0.0}};
                lanes_add_moments(&moment, g->space, (const real *)x + at, stat[0], d_out);
                moments += stat[1] * lanes_total(&moment);
            }
            lanes_add(&plain, g->space, d_out);
        }
        if (dw != NULL) {
            ((real *)dw)[c] += (real)moments;
        }
        if (db != NULL) {
            ((real *)db)[c] += (real)lanes_total(&plain);
        }
    }
}

#endif
