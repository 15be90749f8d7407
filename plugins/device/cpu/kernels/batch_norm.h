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

/* x [B,C,S], B S >= 1 -> means and squares about them [C]. Runs are read once: the first of a
 * channel about its own mean, each later one about the mean of those before it. What such a run
 * loses to its distance from that is small beside what the distance itself adds to the squares. */
static void channel_moments(const cpu_groups *g, const void *x, double *mean, double *squares)
{
    double batch = (double)g->batch, space = (double)g->space;
    if (g->space == 1) {
        channel_moment(g, x, NULL, mean);
        for (int64_t c = 0; c < g->channels; c++) {
            mean[c] /= batch;
        }
        channel_moment(g, x, mean, squares);
        return;
    }
    for (int64_t run = 0; run < g->batch * g->channels; run++) {
        int64_t c = run % g->channels, b = run / g->channels;
        const real *from = (const real *)x + run * g->space;
        moments all = {(double)b * space, mean[c], squares[c]};
        moments one =
            b == 0 ? run_moments(g->space, from) : run_moments_about(g->space, from, mean[c]);
        all = b == 0 ? one : moments_join(all, one);
        mean[c] = all.mean;
        squares[c] = all.squares;
    }
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
    BY_ACT(act, batch_norm_loop, g, x, stats, w, b, y);
}

/* sums for channels [first, first + now) of x, dy [B,C]. act is a constant where this is inlined.
 */
ALWAYS_INLINE void vjp_sums_columns(int32_t act, const cpu_groups *g, const cpu_map *map,
                                    int64_t first, int64_t now, const real *x, const real *dy,
                                    double *sums)
{
    const double *stats = map->stats;
    lanes plain = {{0.0}}, moment = {{0.0}};
    channel_line line[LANES];
    for (int64_t l = 0; l < now; l++) {
        line[l] = line_of(g, stats, map->w, map->b, first + l);
    }
    for (int64_t b = 0; b < g->batch; b++) {
        int64_t at = b * g->channels + first;
        for (int64_t l = 0; l < now; l++) {
            double d = (double)before_act(act, line[l], x[at + l], dy[at + l]);
            plain.at[l] += d;
            moment.at[l] += ((double)x[at + l] - stats[first + l]) * d;
        }
    }
    for (int64_t l = 0; l < now; l++) {
        int64_t c = first + l;
        sums[c] = plain.at[l];
        sums[g->channels + c] = moment.at[l] * stats[g->channels + c];
    }
}

ALWAYS_INLINE void vjp_sums_loop(int32_t act, const cpu_groups *g, const cpu_map *map,
                                 const real *x, const real *dy, double *sums)
{
    const double *stats = map->stats;
    if (g->space == 1) {
        for (int64_t first = 0; first < g->channels; first += LANES) {
            int64_t left = g->channels - first;
            vjp_sums_columns(act, g, map, first, left < LANES ? left : LANES, x, dy, sums);
        }
        return;
    }
    for (int64_t c = 0; c < 2 * g->channels; c++) {
        sums[c] = 0.0;
    }
    for (int64_t run = 0; run < g->batch * g->channels; run++) {
        int64_t c = run % g->channels, at = run * g->space;
        channel_line line = line_of(g, stats, map->w, map->b, c);
        two_sums one = run_moment_of(act, line, g->space, x + at, stats[c], dy + at);
        sums[c] += one.a;
        sums[g->channels + c] += one.b * stats[g->channels + c];
    }
}

/* x, dy [B,C,S] -> sums [2,C]. */
static void batch_norm_vjp_sums(const cpu_groups *g, const cpu_map *map, const void *x,
                                const void *dy, double *sums)
{
    BY_ACT(map->act, vjp_sums_loop, g, map, x, dy, sums);
}

/* dx = scale (dy - common - slope (x - centre)) of one channel. */
typedef struct channel_slope {
    channel_line line;
    real common, slope;
} channel_slope;

ALWAYS_INLINE channel_slope slope_of(const cpu_groups *g, const cpu_map *map, const double *sums,
                                     double count, int64_t c)
{
    double rstd = map->stats[g->channels + c];
    return (channel_slope){.line = line_of(g, map->stats, map->w, map->b, c),
                           .common = (real)(sums[c] / count),
                           .slope = (real)(rstd * sums[g->channels + c] / count)};
}

ALWAYS_INLINE real sloped(int32_t act, const channel_slope *of, real x, real dy)
{
    return of->line.scale *
           (before_act(act, of->line, x, dy) - of->common - of->slope * (x - of->line.centre));
}

/* x, dy [B,C], sums [2,C] -> dx [B,C], as batch_norm_columns. */
ALWAYS_INLINE void batch_norm_vjp_columns(int32_t act, const cpu_groups *g, const cpu_map *map,
                                          const real *x, const real *dy, const double *sums,
                                          double count, real *dx)
{
    real centre[CHANNELS_AT_ONCE], scale[CHANNELS_AT_ONCE], shift[CHANNELS_AT_ONCE];
    real common[CHANNELS_AT_ONCE], slope[CHANNELS_AT_ONCE];
    for (int64_t first = 0; first < g->channels; first += CHANNELS_AT_ONCE) {
        int64_t now = least(g->channels - first, CHANNELS_AT_ONCE);
        for (int64_t i = 0; i < now; i++) {
            channel_slope of = slope_of(g, map, sums, count, first + i);
            centre[i] = of.line.centre;
            scale[i] = of.line.scale;
            shift[i] = of.line.shift;
            common[i] = of.common;
            slope[i] = of.slope;
        }
        for (int64_t row = 0; row < g->batch; row++) {
            int64_t at = row * g->channels + first;
#pragma omp simd
            for (int64_t i = 0; i < now; i++) {
                const channel_slope of = {{centre[i], scale[i], shift[i]}, common[i], slope[i]};
                dx[at + i] = sloped(act, &of, x[at + i], dy[at + i]);
            }
        }
    }
}

/* act is a constant wherever this is inlined. dx may be dy. */
ALWAYS_INLINE void batch_norm_vjp_loop(int32_t act, const cpu_groups *g, const cpu_map *map,
                                       const real *x, const real *dy, const double *sums,
                                       double count, real *dx)
{
    if (g->space == 1) {
        batch_norm_vjp_columns(act, g, map, x, dy, sums, count, dx);
        return;
    }
    for (int64_t run = 0; run < g->batch * g->channels; run++) {
        const channel_slope of = slope_of(g, map, sums, count, run % g->channels);
        const real *from = x + run * g->space, *d_from = dy + run * g->space;
        real *to = dx + run * g->space;
#pragma omp simd
        for (int64_t s = 0; s < g->space; s++) {
            to[s] = sloped(act, &of, from[s], d_from[s]);
        }
    }
}

/* x, dy [B,C,S], sums [2,C] -> dx [B,C,S]. */
static void batch_norm_vjp(const cpu_groups *g, const cpu_map *map, const void *x, const void *dy,
                           const double *sums, double count, void *dx)
{
    BY_ACT(map->act, batch_norm_vjp_loop, g, map, x, dy, sums, count, dx);
}

#endif
