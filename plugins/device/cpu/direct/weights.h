/* weights.h: the gradient of a convolution by its weights, by either way. Sums of a group of images
 * are taken in real and then added to those of the groups before, in the order of the images. */
#ifndef ODEON_CPU_DIRECT_WEIGHTS_H
#define ODEON_CPU_DIRECT_WEIGHTS_H

/* ---- vectors of filters: sums [rows * cols][channels][filters] ---- */

/* The outputs that see no padding at element `at` of the window. */
typedef struct seen {
    int64_t begin, end;
} seen;

/* stride is 1 or 2: a shift takes the place of a division, which would be a part of the time of a
 * small image. */
static seen seen_along(int64_t at, int64_t padding, int64_t size, int64_t stride, int64_t outputs)
{
    int64_t before = padding - at, last = size - 1 + before, half = stride - 1;
    seen s = {before > 0 ? (before + half) >> half : 0,
              last < 0 ? 0 : least(outputs, (last >> half) + 1)};
    s.end = most(s.begin, s.end);
    return s;
}

/* One block of filters from k on, for element (r, s) of the window and the channels c to c + some.
 */
static void weights_element(const direct_weights_plan *p, outer_filters t, int64_t r, int64_t s,
                            int64_t c, int64_t some, int64_t vectors)
{
    const cpu_windows *v = &p->windows;
    seen rows = seen_along(r, v->pad_h, v->height, v->stride_h, v->out_h);
    seen cols = seen_along(s, v->pad_w, v->width, v->stride_w, v->out_w);
    int64_t top = rows.begin * v->stride_h + r - v->pad_h;
    int64_t left = cols.begin * v->stride_w + s - v->pad_w;
    t.rows = rows.end - rows.begin;
    t.cols = cols.end - cols.begin;
    if (t.rows > 0 && t.cols > 0) {
        t.x += c * t.x_channel + top * v->width + left;
        t.d += (rows.begin * v->out_w + cols.begin) * vectors * LANES;
        t.w += ((r * v->kernel_w + s) * v->channels + c) * t.w_channel;
        outer_filters_tiles[some][vectors - 1](&t);
    }
}

/* [filters][places] to [places][width] for one block of filters, zeros in place of filters that are
 * not there. */
static void turn_cotangents(int64_t filters, int64_t places, int64_t width, const real *dy,
                            real *to)
{
    for (int64_t i = 0; i < places && filters < width; i++) {
        zero(width - filters, to + i * width + filters);
    }
    turn(dy, filters, places, places, to, width);
}

/* The channels of a block are read for all elements of the window while they are in L1. */
static void weights_by_filters(const direct_weights_plan *p, int64_t n, const real *x,
                               const real *dy, real *scratch)
{
    const cpu_windows *v = &p->windows;
    int64_t C = v->channels, K = p->lanes_of_filters, places = v->out_h * v->out_w;
    real *d = scratch + p->d_at;
    outer_filters t = {.images = n,
                       .d = d,
                       .x_image = C * v->height * v->width,
                       .x_channel = v->height * v->width,
                       .x_row = v->stride_h * v->width,
                       .x_place = v->stride_w,
                       .w_channel = K};
    for (int64_t k = 0, width; k < K; k += width) {
        int64_t blocks = (C + OUTER_CHANNELS_MOST - 1) / OUTER_CHANNELS_MOST;
        width = least(2 * LANES, K - k);
        for (int64_t b = 0; b < n; b++) {
            turn_cotangents(least(width, p->filters - k), places, width,
                            dy + b * p->d_image + k * places, d + b * places * width);
        }
        t.d_image = places * width;
        t.d_row = v->out_w * width;
        for (int64_t c = 0, some; c < C; c += some, blocks--) {
            some = (C - c + blocks - 1) / blocks;
            t.x = x;
            t.w = scratch + p->sums_at + k;
            for (int64_t r = 0; r < v->kernel_h; r++) {
                for (int64_t s = 0; s < v->kernel_w; s++) {
                    weights_element(p, t, r, s, c, some, width / LANES);
                }
            }
        }
    }
}

/* ---- vectors of places: sums [filters][channels][rows][cols] of LANES ---- */

/* One block of filters by inputs that are x_input apart. */
static void outer_block(const direct_weights_plan *p, outer_places t, int64_t filters,
                        int64_t inputs)
{
    const real *x = t.x, *d = t.d;
    real *sums = t.sums;
    int64_t blocks = (inputs + OUTER_INPUTS_MOST - 1) / OUTER_INPUTS_MOST;
    for (int64_t j = 0, wide; j < inputs; j += wide, blocks--) {
        int64_t rest = (filters + OUTER_FILTERS_MOST - 1) / OUTER_FILTERS_MOST;
        wide = (inputs - j + blocks - 1) / blocks;
        for (int64_t k = 0, high; k < filters; k += high, rest--) {
            high = (filters - k + rest - 1) / rest;
            t.x = x + j * t.x_input;
            t.d = d + k * t.d_filter;
            t.sums = sums + k * t.sums_filter + j * LANES;
            outer_places_tiles[high][wide](&t);
        }
    }
    (void)p;
}

static void pack_places(const direct_weights_plan *p, const real *x, const real *dy, real *scratch)
{
    const cpu_windows *v = &p->windows;
    real *to = scratch + p->x_at + p->above * p->pitch + v->pad_w;
    for (int64_t c = 0; c < v->channels; c++, to += p->plane) {
        for (int64_t i = 0; i < v->height; i++, x += v->width) {
            copy_row(v->width, x, to + i * p->pitch);
        }
    }
    to = scratch + p->d_at;
    for (int64_t k = 0; k < p->filters; k++, to += p->run) {
        for (int64_t i = 0; i < v->out_h; i++, dy += v->out_w) {
            copy_row(v->out_w, dy, to + i * p->pitch);
        }
    }
}

static void weights_by_places(const direct_weights_plan *p, const real *x, const real *dy,
                              real *scratch)
{
    const cpu_windows *v = &p->windows;
    int64_t window = v->kernel_h * v->kernel_w;
    outer_places t = {.run = p->in_place ? v->out_h * v->out_w : p->run,
                      .sums_filter = v->channels * window * LANES};
    t.d_filter = t.run;
    if (p->in_place) { /* the inputs of a 1x1 window are the channels */
        t.x = x;
        t.d = dy;
        t.sums = scratch + p->sums_at;
        t.x_input = t.run;
        outer_block(p, t, p->filters, v->channels);
        return;
    }
    pack_places(p, x, dy, scratch);
    t.x_input = 1;
    t.d = scratch + p->d_at;
    for (int64_t c = 0; c < v->channels; c++) {
        for (int64_t r = 0; r < v->kernel_h; r++) {
            t.x = scratch + p->x_at + c * p->plane + r * p->pitch;
            t.sums = scratch + p->sums_at + (c * window + r * v->kernel_w) * LANES;
            outer_block(p, t, p->filters, v->kernel_w);
        }
    }
}

/* ---- the whole ---- */

static int64_t count_of_sums(const direct_weights_plan *p)
{
    const cpu_windows *v = &p->windows;
    int64_t window = v->kernel_h * v->kernel_w;
    return v->channels * window *
           (p->way == CPU_WAY_FILTERS ? p->lanes_of_filters : p->filters * LANES);
}

static void weights_begin(const direct_weights_plan *p, void *scratch)
{
    real *s = scratch;
    zero(count_of_sums(p), s + p->sums_at);
    if (p->way == CPU_WAY_PLACES && !p->in_place) {
        zero(p->windows.channels * p->plane + LANES, s + p->x_at);
        zero(p->filters * p->run, s + p->d_at);
    }
}

static void weights_images(const direct_weights_plan *p, int64_t n, const void *x, const void *dy,
                           void *scratch)
{
    const cpu_windows *v = &p->windows;
    int64_t inputs = v->channels * v->height * v->width;
    if (p->way == CPU_WAY_FILTERS) {
        weights_by_filters(p, n, x, dy, scratch);
        return;
    }
    for (int64_t b = 0; b < n; b++) {
        weights_by_places(p, (const real *)x + b * inputs, (const real *)dy + b * p->d_image,
                          scratch);
    }
}

ALWAYS_INLINE real total_of(const real *lanes)
{
    real s[LANES];
    memcpy(s, lanes, sizeof s);
    for (int width = LANES / 2; width > 0; width /= 2) {
        for (int i = 0; i < width; i++) {
            s[i] += s[i + width];
        }
    }
    return s[0];
}

static void weights_end(const direct_weights_plan *p, void *scratch, void *out)
{
    const cpu_windows *v = &p->windows;
    const real *sums = (const real *)scratch + p->sums_at;
    real *dw = out;
    int64_t C = v->channels, window = v->kernel_h * v->kernel_w, K = p->lanes_of_filters;
    if (p->way == CPU_WAY_PLACES) {
        for (int64_t i = 0; i < p->filters * C * window; i++) {
            dw[i] += total_of(sums + i * LANES);
        }
        return;
    }
    for (int64_t k = 0; k < p->filters; k++) {
        for (int64_t c = 0; c < C; c++) {
            for (int64_t e = 0; e < window; e++) {
                dw[(k * C + c) * window + e] += sums[(e * C + c) * K + k];
            }
        }
    }
}

#endif
