/* batch_norm.h: batch normalization in parts; tensors [B,C,S], statistics in double. The numbers of
 * a channel are B runs of S. With S = 1 neighbours belong to different channels, so the loops then
 * run across channels. */
#ifndef ODEON_CPU_BATCH_NORM_H
#define ODEON_CPU_BATCH_NORM_H

/* out for channels [first, first + now) of x [B,C]; now <= LANES. */
ALWAYS_INLINE void moment_columns(const cpu_groups *g, int64_t first, int64_t now, const real *x,
                                  const double *mean, double *out)
{
    lanes s = {{0.0}}, centre = {{0.0}};
    for (int64_t l = 0; l < now && mean != NULL; l++) {
        centre.at[l] = mean[first + l];
    }
    for (int64_t b = 0; b < g->batch; b++) {
        const real *row = x + b * g->channels + first;
        for (int64_t l = 0; l < now; l++) {
            double d = (double)row[l] - centre.at[l];
            s.at[l] += mean != NULL ? d * d : d;
        }
    }
    for (int64_t l = 0; l < now; l++) {
        out[first + l] = s.at[l];
    }
}

/* x [B,C,S], mean [C] or NULL -> out [C]. */
static void channel_moment(const cpu_groups *g, const void *x, const double *mean, double *out)
{
    if (g->space == 1) {
        for (int64_t first = 0; first < g->channels; first += LANES) {
            int64_t left = g->channels - first;
            moment_columns(g, first, left < LANES ? left : LANES, x, mean, out);
        }
        return;
    }
    for (int64_t c = 0; c < g->channels; c++) {
        out[c] = 0.0;
    }
    for (int64_t run = 0; run < g->batch * g->channels; run++) {
        int64_t c = run % g->channels;
        const real *from = (const real *)x + run * g->space;
        out[c] += mean != NULL ? run_squares(g->space, from, mean[c]) : run_sum(g->space, from);
    }
}

/* The affine map of one channel: (x - centre) * scale + shift. */
typedef struct channel_line {
    real centre, scale, shift;
} channel_line;

ALWAYS_INLINE channel_line line_of(const cpu_groups *g, const double *stats, const real *w,
                                   const real *b, int64_t c)
{
    double rstd = stats[g->channels + c];
    return (channel_line){.centre = (real)stats[c],
                          .scale = (real)(w != NULL ? rstd * (double)w[c] : rstd),
                          .shift = b != NULL ? b[c] : 0};
}

/* x, y [B,C]: rows of channels, with the maps of some channels at a time beside each other. */
ALWAYS_INLINE void batch_norm_columns(int32_t act, const cpu_groups *g, const real *x,
                                      const double *stats, const real *w, const real *b, real *y)
{
    real centre[CHANNELS_AT_ONCE], scale[CHANNELS_AT_ONCE], shift[CHANNELS_AT_ONCE];
    for (int64_t first = 0; first < g->channels; first += CHANNELS_AT_ONCE) {
        int64_t now = least(g->channels - first, CHANNELS_AT_ONCE);
        for (int64_t i = 0; i < now; i++) {
            channel_line line = line_of(g, stats, w, b, first + i);
            centre[i] = line.centre;
            scale[i] = line.scale;
            shift[i] = line.shift;
        }
        for (int64_t row = 0; row < g->batch; row++) {
            const real *from = x + row * g->channels + first;
            real *to = y + row * g->channels + first;
#pragma omp simd
            for (int64_t i = 0; i < now; i++) {
                to[i] = unary_value(act, (from[i] - centre[i]) * scale[i] + shift[i]);
            }
        }
    }
}

/* act is a constant wherever this is inlined. */
ALWAYS_INLINE void batch_norm_loop(int32_t act, const cpu_groups *g, const real *x,
                                   const double *stats, const real *w, const real *b, real *y)
{
    if (g->space == 1) {
        batch_norm_columns(act, g, x, stats, w, b, y);
        return;
    }
    for (int64_t run = 0; run < g->batch * g->channels; run++) {
        channel_line line = line_of(g, stats, w, b, run % g->channels);
        affine_run(act, g->space, line.centre, line.scale, line.shift, x + run * g->space,
                   y + run * g->space);
    }
}

/* x [B,C,S], stats [2,C] -> y [B,C,S]. */
static void batch_norm(const cpu_groups *g, const void *x, const double *stats, const void *w,
                       const void *b, int32_t act, void *y)
{
    switch (act) {
    case ODEON_UNARY_RELU:
        batch_norm_loop(ODEON_UNARY_RELU, g, x, stats, w, b, y);
        break;
    case ODEON_UNARY_TANH:
        batch_norm_loop(ODEON_UNARY_TANH, g, x, stats, w, b, y);
        break;
    case ODEON_UNARY_SOFTPLUS:
        batch_norm_loop(ODEON_UNARY_SOFTPLUS, g, x, stats, w, b, y);
        break;
    case ODEON_UNARY_SIGMOID:
        batch_norm_loop(ODEON_UNARY_SIGMOID, g, x, stats, w, b, y);
        break;
    default:
        batch_norm_loop(ODEON_UNARY_IDENTITY, g, x, stats, w, b, y);
        break;
    }
}

/* sums for channels [first, first + now) of x, dy [B,C]. */
ALWAYS_INLINE void vjp_sums_columns(const cpu_groups *g, int64_t first, int64_t now, const real *x,
                                    const double *stats, const real *dy, double *sums)
{
    lanes plain = {{0.0}}, moment = {{0.0}};
    for (int64_t b = 0; b < g->batch; b++) {
        int64_t at = b * g->channels + first;
        for (int64_t l = 0; l < now; l++) {
            plain.at[l] += (double)dy[at + l];
            moment.at[l] += ((double)x[at + l] - stats[first + l]) * (double)dy[at + l];
        }
    }
    for (int64_t l = 0; l < now; l++) {
        int64_t c = first + l;
        sums[c] = plain.at[l];
        sums[g->channels + c] = moment.at[l] * stats[g->channels + c];
    }
}

/* x, dy [B,C,S], stats [2,C] -> sums [2,C]. */
static void batch_norm_vjp_sums(const cpu_groups *g, const void *x, const double *stats,
                                const void *dy, double *sums)
{
    if (g->space == 1) {
        for (int64_t first = 0; first < g->channels; first += LANES) {
            int64_t left = g->channels - first;
            vjp_sums_columns(g, first, left < LANES ? left : LANES, x, stats, dy, sums);
        }
        return;
    }
    for (int64_t c = 0; c < 2 * g->channels; c++) {
        sums[c] = 0.0;
    }
    for (int64_t run = 0; run < g->batch * g->channels; run++) {
        int64_t c = run % g->channels, at = run * g->space;
        two_sums one = run_moment(g->space, (const real *)x + at, stats[c], (const real *)dy + at);
        sums[c] += one.a;
        sums[g->channels + c] += one.b * stats[g->channels + c];
    }
}

/* dx = scale (dy - common - slope (x - centre)) of one channel. */
typedef struct channel_slope {
    real centre, scale, common, slope;
} channel_slope;

ALWAYS_INLINE channel_slope slope_of(const cpu_groups *g, const double *stats, const real *w,
                                     const double *sums, double count, int64_t c)
{
    double rstd = stats[g->channels + c];
    channel_line line = line_of(g, stats, w, NULL, c);
    return (channel_slope){.centre = line.centre,
                           .scale = line.scale,
                           .common = (real)(sums[c] / count),
                           .slope = (real)(rstd * sums[g->channels + c] / count)};
}

/* x, dy [B,C], stats, sums [2,C] -> dx [B,C], as batch_norm_columns. */
static void batch_norm_vjp_columns(const cpu_groups *g, const real *x, const void *w,
                                   const double *stats, const real *dy, const double *sums,
                                   double count, real *dx)
{
    real centre[CHANNELS_AT_ONCE], scale[CHANNELS_AT_ONCE];
    real common[CHANNELS_AT_ONCE], slope[CHANNELS_AT_ONCE];
    for (int64_t first = 0; first < g->channels; first += CHANNELS_AT_ONCE) {
        int64_t now = least(g->channels - first, CHANNELS_AT_ONCE);
        for (int64_t i = 0; i < now; i++) {
            channel_slope of = slope_of(g, stats, w, sums, count, first + i);
            centre[i] = of.centre;
            scale[i] = of.scale;
            common[i] = of.common;
            slope[i] = of.slope;
        }
        for (int64_t row = 0; row < g->batch; row++) {
            int64_t at = row * g->channels + first;
#pragma omp simd
            for (int64_t i = 0; i < now; i++) {
                dx[at + i] =
                    scale[i] * (dy[at + i] - common[i] - slope[i] * (x[at + i] - centre[i]));
            }
        }
    }
}

/* x, dy [B,C,S], stats, sums [2,C] -> dx [B,C,S]. */
static void batch_norm_vjp(const cpu_groups *g, const void *x, const void *w, const double *stats,
                           const void *dy, const double *sums, double count, void *dx)
{
    if (g->space == 1) {
        batch_norm_vjp_columns(g, x, w, stats, dy, sums, count, dx);
        return;
    }
    for (int64_t run = 0; run < g->batch * g->channels; run++) {
        const channel_slope of = slope_of(g, stats, w, sums, count, run % g->channels);
        const real *from = (const real *)x + run * g->space;
        const real *d_from = (const real *)dy + run * g->space;
        real *to = (real *)dx + run * g->space;
#pragma omp simd
        for (int64_t s = 0; s < g->space; s++) {
            to[s] = of.scale * (d_from[s] - of.common - of.slope * (from[s] - of.centre));
        }
    }
}

#endif
