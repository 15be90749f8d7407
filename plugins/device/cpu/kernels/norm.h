/* norm.h: channel sums and group normalization. */
#ifndef ODEON_CPU_NORM_H
#define ODEON_CPU_NORM_H

/* Channels whose sums lie on the stack while the batch goes by, sample after sample. */
enum { CHANNELS_AT_ONCE = 512 };

typedef double quad_sum __attribute__((vector_size(4 * sizeof(double))));

/* Sums in double of n times four columns of x, in registers, of which the last four begin at
 * `last`; they may overlap those before them, which are not added to bias twice. n is a constant
 * wherever this is inlined. */
ALWAYS_INLINE void sum_quads(int n, int64_t rows, int64_t cols, const real *x, int64_t last,
                             real *bias)
{
    quad_sum sum[4] = {{0.0}, {0.0}, {0.0}, {0.0}};
    for (int64_t r = 0; r < rows; r++, x += cols) {
        for (int q = 0; q < n; q++) {
            quad now;
            memcpy(&now, x + (q + 1 < n ? 4 * q : last), sizeof now);
            sum[q] += __builtin_convertvector(now, quad_sum);
        }
    }
    for (int q = 0; q + 1 < n; q++) {
        quad now;
        memcpy(&now, bias + 4 * q, sizeof now);
        now += __builtin_convertvector(sum[q], quad);
        memcpy(bias + 4 * q, &now, sizeof now);
    }
    quad rest = __builtin_convertvector(sum[n - 1], quad);
    for (int64_t c = 4 * (n - 1) - last; c < 4; c++) {
        bias[last + c] += rest[c];
    }
}

static void sum_column(int64_t rows, int64_t cols, const real *x, real *bias)
{
    double sum = 0.0;
    for (int64_t r = 0; r < rows; r++) {
        sum += (double)x[r * cols];
    }
    *bias += (real)sum;
}

/* x [rows,cols], adds the columns' sums to bias [cols]. With one number per channel neighbours
 * belong to different channels, so vectors run across channels. */
static void column_sums(int64_t rows, int64_t cols, const real *x, real *bias)
{
    enum { FEW = 4, MANY = 16 };
    for (int64_t c = 0; c < cols && cols < FEW; c++) {
        sum_column(rows, cols, x + c, bias + c);
    }
    for (int64_t first = 0; first < cols && cols >= FEW; first += MANY) {
        int64_t left = least(cols - first, MANY);
        switch ((left + FEW - 1) / FEW) {
        case 1:
            sum_quads(1, rows, cols, x + first, left - FEW, bias + first);
            break;
        case 2:
            sum_quads(2, rows, cols, x + first, left - FEW, bias + first);
            break;
        case 3:
            sum_quads(3, rows, cols, x + first, left - FEW, bias + first);
            break;
        default:
            sum_quads(4, rows, cols, x + first, left - FEW, bias + first);
            break;
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
    for (int64_t first = 0; first < g->channels; first += CHANNELS_AT_ONCE) {
        double sums[CHANNELS_AT_ONCE] = {0.0};
        int64_t now = least(g->channels - first, CHANNELS_AT_ONCE);
        for (int64_t b = 0; b < g->batch; b++) {
            const real *from = (const real *)x + (b * g->channels + first) * g->space;
            for (int64_t c = 0; c < now; c++) {
                sums[c] += run_sum(g->space, from + c * g->space);
            }
        }
        for (int64_t c = 0; c < now; c++) {
            ((real *)bias)[first + c] += (real)sums[c];
        }
    }
}

/* ---- an affine map and a function ---- */

/* Calls a loop whose first argument is a constant in each case, so that each holds one function. */
#define BY_ACT(act, loop, ...)                                                                     \
    do {                                                                                           \
        switch (act) {                                                                             \
        case ODEON_UNARY_RELU:                                                                     \
            loop(ODEON_UNARY_RELU, __VA_ARGS__);                                                   \
            break;                                                                                 \
        case ODEON_UNARY_TANH:                                                                     \
            loop(ODEON_UNARY_TANH, __VA_ARGS__);                                                   \
            break;                                                                                 \
        case ODEON_UNARY_SOFTPLUS:                                                                 \
            loop(ODEON_UNARY_SOFTPLUS, __VA_ARGS__);                                               \
            break;                                                                                 \
        case ODEON_UNARY_SIGMOID:                                                                  \
            loop(ODEON_UNARY_SIGMOID, __VA_ARGS__);                                                \
            break;                                                                                 \
        default:                                                                                   \
            loop(ODEON_UNARY_IDENTITY, __VA_ARGS__);                                               \
            break;                                                                                 \
        }                                                                                          \
    } while (0)

/* The affine map of one channel: (x - centre) * scale + shift. */
typedef struct channel_line {
    real centre, scale, shift;
} channel_line;

/* Of batch normalization. */
ALWAYS_INLINE channel_line line_of(const cpu_groups *g, const double *stats, const real *w,
                                   const real *b, int64_t c)
{
    double rstd = stats[g->channels + c];
    return (channel_line){.centre = (real)stats[c],
                          .scale = (real)(w != NULL ? rstd * (double)w[c] : rstd),
                          .shift = b != NULL ? b[c] : 0};
}

/* The cotangent before act, from that behind it: what act gave is computed again. */
ALWAYS_INLINE real before_act(int32_t act, channel_line line, real x, real dy)
{
    return act == ODEON_UNARY_IDENTITY
               ? dy
               : dy * unary_slope(act,
                                  unary_value(act, (x - line.centre) * line.scale + line.shift));
}

/* run_moment of the cotangents before act. */
ALWAYS_INLINE two_sums run_moment_of(int32_t act, channel_line line, int64_t count, const real *x,
                                     double centre, const real *dy)
{
    if (act == ODEON_UNARY_IDENTITY) {
        return run_moment(count, x, centre, dy);
    }
    real before[RUN_BLOCK];
    two_sums sum = {0.0, 0.0};
    for (int64_t i = 0; i < count; i += RUN_BLOCK) {
        int64_t now = least(count - i, RUN_BLOCK);
#pragma omp simd
        for (int64_t k = 0; k < now; k++) {
            before[k] = before_act(act, line, x[i + k], dy[i + k]);
        }
        two_sums block = block_sums(SUM_MOMENT, now, x + i, before, (real)centre);
        sum.a += block.a;
        sum.b += block.b;
    }
    sum.b -= (centre - (double)(real)centre) * sum.a;
    return sum;
}

/* ---- group normalization, forward ---- */

/* y = act((x - centre) * scale + shift) of one run. act is a constant where this is inlined. */
ALWAYS_INLINE void affine_run(int32_t act, int64_t count, real centre, real scale, real shift,
                              const real *x, real *y)
{
#pragma omp simd
    for (int64_t s = 0; s < count; s++) {
        y[s] = unary_value(act, (x[s] - centre) * scale + shift);
    }
}

/* x, y [channels,S], w, b [channels] or NULL of one group. Without both it is one run; with S = 1
 * neighbours have different w. */
ALWAYS_INLINE void group_apply(int32_t act, int64_t channels, int64_t space, const double *stat,
                               const real *w, const real *b, const real *x, real *y)
{
    const real centre = (real)stat[0], none = 0;
    if (w == NULL && b == NULL) {
        affine_run(act, channels * space, centre, (real)stat[1], none, x, y);
        return;
    }
    if (space == 1 && w != NULL && b != NULL) {
#pragma omp simd
        for (int64_t i = 0; i < channels; i++) {
            real scale = (real)(stat[1] * (double)w[i]);
            y[i] = unary_value(act, (x[i] - centre) * scale + b[i]);
        }
        return;
    }
    for (int64_t i = 0; i < channels; i++) {
        real scale = (real)(w != NULL ? stat[1] * (double)w[i] : stat[1]);
        affine_run(act, space, centre, scale, b != NULL ? b[i] : none, x + i * space,
                   y + i * space);
    }
}

ALWAYS_INLINE void group_norm_loop(int32_t act, const cpu_groups *g, double epsilon, const real *x,
                                   const real *w, const real *b, real *y, double *stats)
{
    int64_t channels = g->channels / g->groups, count = channels * g->space;
    int64_t groups = g->batch * g->groups, at_once = count <= RUN_BLOCK ? BLOCKS_AT_ONCE : 1;
    moments m[BLOCKS_AT_ONCE];
    for (int64_t group = 0; group < groups; group++) {
        int64_t c = group % g->groups * channels, some = group % at_once;
        double *stat = stats + 2 * group;
        if (some == 0) { /* of as many as stay in the first-level cache for what follows */
            runs_moments(least(groups - group, at_once), count, x + group * count, m);
        }
        stat[0] = m[some].mean;
        stat[1] = 1.0 / sqrt(m[some].squares / (double)count + epsilon);
        group_apply(act, channels, g->space, stat, w != NULL ? w + c : NULL,
                    b != NULL ? b + c : NULL, x + group * count, y + group * count);
    }
}

/* x [B,C,S], w, b [C] or NULL -> y [B,C,S], stats [B,groups,2]. */
static void group_norm(const cpu_groups *g, double epsilon, const void *x, const void *w,
                       const void *b, int32_t act, void *y, double *stats)
{
    BY_ACT(act, group_norm_loop, g, epsilon, x, w, b, y, stats);
}

/* ---- group normalization, vjp ---- */

/* One group of one sample: x, dy, dx or NULL [channels,S], w, b [channels] or NULL. In all below
 * act is a constant where it is inlined; dy are cotangents of what act gave. */
typedef struct group_slice {
    int64_t channels, space;
    double mean, rstd;
    const real *x, *dy, *w, *b;
    real *dx;
} group_slice;

/* Of channel i of the group, or of all of them where w and b are NULL. */
ALWAYS_INLINE channel_line group_line(const group_slice *s, int64_t i)
{
    return (channel_line){.centre = (real)s->mean,
                          .scale = (real)(s->w != NULL ? s->rstd * (double)s->w[i] : s->rstd),
                          .shift = s->b != NULL ? s->b[i] : 0};
}

/* Of g = w dy before act: the sums over the group of g and of g (x - mean); adds each channel's
 * sums of dy (x - mean) rstd and of dy to dw and db. */
ALWAYS_INLINE two_sums group_sums(int32_t act, const group_slice *s, double *dw, double *db)
{
    two_sums all = {0.0, 0.0};
    for (int64_t i = 0; i < s->channels; i++) {
        int64_t at = i * s->space;
        double weight = s->w != NULL ? (double)s->w[i] : 1.0;
        two_sums one;
        if (s->space == 1) {
            one.a = (double)before_act(act, group_line(s, i), s->x[i], s->dy[i]);
            one.b = ((double)s->x[i] - s->mean) * one.a;
        } else {
            one = run_moment_of(act, group_line(s, i), s->space, s->x + at, s->mean, s->dy + at);
        }
        all.a += weight * one.a;
        all.b += weight * one.b;
        dw[i] += s->rstd * one.b;
        db[i] += one.a;
    }
    return all;
}

/* dx = scale dy - shift - slope (x - centre) of one run, scale and centre those of the line. */
ALWAYS_INLINE void slope_run(int32_t act, int64_t count, channel_line line, real shift, real slope,
                             const real *x, const real *dy, real *dx)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        dx[i] =
            line.scale * before_act(act, line, x[i], dy[i]) - shift - slope * (x[i] - line.centre);
    }
}

/* dx = rstd (g - mean(g) - (x - mean) rstd^2 mean(g (x - mean))), means over the group, which
 * without w is one run. */
ALWAYS_INLINE void group_slope(int32_t act, const group_slice *s, two_sums sums)
{
    double count = (double)(s->channels * s->space);
    real shift = (real)(s->rstd * sums.a / count);
    real slope = (real)(s->rstd * s->rstd * s->rstd * sums.b / count);
    if (s->w == NULL && s->b == NULL) {
        slope_run(act, s->channels * s->space, group_line(s, 0), shift, slope, s->x, s->dy, s->dx);
        return;
    }
    if (s->space == 1) {
#pragma omp simd
        for (int64_t i = 0; i < s->channels; i++) {
            channel_line line = group_line(s, i);
            s->dx[i] = line.scale * before_act(act, line, s->x[i], s->dy[i]) - shift -
                       slope * (s->x[i] - line.centre);
        }
        return;
    }
    for (int64_t i = 0; i < s->channels; i++) {
        int64_t at = i * s->space;
        slope_run(act, s->space, group_line(s, i), shift, slope, s->x + at, s->dy + at, s->dx + at);
    }
}

/* Where the vjp reads and writes: whole tensors, each of which but x, stats, dy may be NULL. */
typedef struct group_vjp {
    const real *x, *w, *b, *dy;
    const double *stats;
    real *dx, *dw, *db;
} group_vjp;

/* Adds sums [channels] to the gradients of channels c, c + 1, ... */
static void add_to_gradients(const group_vjp *v, int64_t c, int64_t channels, const double *dw,
                             const double *db)
{
    for (int64_t i = 0; i < channels && v->dw != NULL; i++) {
        v->dw[c + i] += (real)dw[i];
    }
    for (int64_t i = 0; i < channels && v->db != NULL; i++) {
        v->db[c + i] += (real)db[i];
    }
}

static group_slice slice_of(const cpu_groups *g, const group_vjp *v, int64_t b, int64_t group)
{
    int64_t channels = g->channels / g->groups, at = b * g->groups + group;
    int64_t first = at * channels * g->space;
    return (group_slice){
        .channels = channels,
        .space = g->space,
        .mean = v->stats[2 * at],
        .rstd = v->stats[2 * at + 1],
        .x = v->x + first,
        .dy = v->dy + first,
        .w = v->w != NULL ? v->w + group * channels : NULL,
        .b = v->b != NULL ? v->b + group * channels : NULL,
        .dx = v->dx != NULL ? v->dx + first : NULL,
    };
}

/* Groups first ... first + now of all samples. */
ALWAYS_INLINE void vjp_of_groups(int32_t act, const cpu_groups *g, const group_vjp *v,
                                 int64_t first, int64_t now)
{
    double dw[CHANNELS_AT_ONCE] = {0.0}, db[CHANNELS_AT_ONCE] = {0.0};
    int64_t channels = g->channels / g->groups;
    for (int64_t b = 0; b < g->batch; b++) {
        for (int64_t i = 0; i < now; i++) {
            group_slice s = slice_of(g, v, b, first + i);
            two_sums sums = group_sums(act, &s, dw + i * channels, db + i * channels);
            if (s.dx != NULL) {
                group_slope(act, &s, sums);
            }
        }
    }
    add_to_gradients(v, first * channels, now * channels, dw, db);
}

/* Channels c ... of a group that has more than CHANNELS_AT_ONCE. */
static group_slice part_of(group_slice s, int64_t c)
{
    s.channels = least(s.channels - c, CHANNELS_AT_ONCE);
    s.x += c * s.space;
    s.dy += c * s.space;
    s.w = s.w != NULL ? s.w + c : NULL;
    s.b = s.b != NULL ? s.b + c : NULL;
    return s;
}

/* dw and db of such a group, channels outermost, so that the sums over the batch are double, too.
 */
ALWAYS_INLINE void vjp_w_of_wide_group(int32_t act, const cpu_groups *g, const group_vjp *v,
                                       int64_t group)
{
    int64_t channels = g->channels / g->groups;
    for (int64_t c = 0; c < channels; c += CHANNELS_AT_ONCE) {
        double dw[CHANNELS_AT_ONCE] = {0.0}, db[CHANNELS_AT_ONCE] = {0.0};
        for (int64_t b = 0; b < g->batch; b++) {
            group_slice part = part_of(slice_of(g, v, b, group), c);
            (void)group_sums(act, &part, dw, db);
        }
        add_to_gradients(v, group * channels + c, least(channels - c, CHANNELS_AT_ONCE), dw, db);
    }
}

ALWAYS_INLINE void vjp_x_of_wide_group(int32_t act, const cpu_groups *g, const group_vjp *v,
                                       int64_t group)
{
    for (int64_t b = 0; b < g->batch; b++) {
        group_slice s = slice_of(g, v, b, group);
        two_sums sums = {0.0, 0.0};
        for (int64_t c = 0; c < s.channels; c += CHANNELS_AT_ONCE) {
            double dw[CHANNELS_AT_ONCE] = {0.0}, db[CHANNELS_AT_ONCE] = {0.0};
            group_slice part = part_of(s, c);
            two_sums one = group_sums(act, &part, dw, db);
            sums.a += one.a;
            sums.b += one.b;
        }
        group_slope(act, &s, sums);
    }
}

/* dx may be dy, which the gradients read first. */
ALWAYS_INLINE void vjp_of_wide_group(int32_t act, const cpu_groups *g, const group_vjp *v,
                                     int64_t group)
{
    if (v->dw != NULL || v->db != NULL) {
        vjp_w_of_wide_group(act, g, v, group);
    }
    if (v->dx != NULL) {
        vjp_x_of_wide_group(act, g, v, group);
    }
}

ALWAYS_INLINE void group_norm_vjp_loop(int32_t act, const cpu_groups *g, const group_vjp *v)
{
    int64_t channels = g->channels / g->groups, at_once = CHANNELS_AT_ONCE / channels;
    for (int64_t first = 0; at_once > 0 && first < g->groups; first += at_once) {
        vjp_of_groups(act, g, v, first, least(g->groups - first, at_once));
    }
    for (int64_t group = 0; at_once == 0 && group < g->groups; group++) {
        vjp_of_wide_group(act, g, v, group);
    }
}

/* x, dy [B,C,S] -> dx [B,C,S] or NULL; adds to dw [C] = sum dy (x - mean) rstd and db [C] = sum dy,
 * either NULL. x and dy are read once from memory, group by group, but for groups of more than
 * CHANNELS_AT_ONCE channels. */
static void group_norm_vjp(const cpu_groups *g, int32_t act, const void *x, const void *w,
                           const void *b, const double *stats, const void *dy, void *dx, void *dw,
                           void *db)
{
    const group_vjp v = {
        .x = x, .w = w, .b = b, .dy = dy, .stats = stats, .dx = dx, .dw = dw, .db = db};
    BY_ACT(act, group_norm_vjp_loop, g, &v);
}

#endif
