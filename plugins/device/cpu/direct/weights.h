/* weights.h: the gradient of a convolution by its weights, by either way. Sums of a group of images
 * are taken in real and then added to those of the groups before, in the order of the images. */
#ifndef ODEON_CPU_DIRECT_WEIGHTS_H
#define ODEON_CPU_DIRECT_WEIGHTS_H

static double *totals_in(const direct_weights_plan *p, real *scratch)
{
    return (double *)(void *)(scratch + p->totals_at);
}

/* ---- vectors of filters: sums [rows * cols][channels][filters] ---- */

/* One block of filters from k on, for element (r, s) of the window and the channels c to c + some.
 */
static void weights_element(const direct_weights_plan *p, outer_filters t, int64_t r, int64_t s,
                            int64_t c, int64_t some, int64_t vectors)
{
    const cpu_windows *v = &p->windows;
    seen rows = seen_rows(v, r), cols = seen_cols(v, s);
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

/* What cotangents d of one image add to the totals of a block of filters from k on. */
static void add_totals(const direct_weights_plan *p, const direct_weights_images *i, int64_t b,
                       int64_t vectors, const real *d, real *scratch, int64_t k)
{
    const cpu_windows *v = &p->windows;
    double *totals = totals_in(p, scratch) + k;
    if (p->has_bias) {
        add_bias_totals(v->out_h * v->out_w, vectors, d, totals);
    }
    if (p->has_time) {
        add_time_totals(v, vectors, d, i->t[b * i->t_step], scratch + p->rows_at,
                        totals + p->lanes_of_filters, p->lanes_of_filters);
    }
}

/* The channels of a block are read for all elements of the window while they are in L1. */
static void weights_by_filters(const direct_weights_plan *p, const direct_weights_images *images,
                               real *scratch)
{
    const cpu_windows *v = &p->windows;
    int64_t C = v->channels, K = p->lanes_of_filters, places = v->out_h * v->out_w;
    const real *dy = images->dy;
    real *d = scratch + p->d_at;
    outer_filters t = {.images = images->n,
                       .d = d,
                       .x_image = C * v->height * v->width,
                       .x_channel = v->height * v->width,
                       .x_row = v->stride_h * v->width,
                       .x_place = v->stride_w,
                       .w_channel = K};
    for (int64_t k = 0, width; k < K; k += width) {
        int64_t blocks = (C + OUTER_CHANNELS_MOST - 1) / OUTER_CHANNELS_MOST;
        width = least(2 * LANES, K - k);
        for (int64_t b = 0; b < images->n; b++) {
            real *to = d + b * places * width;
            turn_cotangents(least(width, p->filters - k), places, width,
                            dy + b * p->d_image + k * places, to);
            add_totals(p, images, b, width / LANES, to, scratch, k);
        }
        t.d_image = places * width;
        t.d_row = v->out_w * width;
        for (int64_t c = 0, some; c < C; c += some, blocks--) {
            some = (C - c + blocks - 1) / blocks;
            t.x = images->x;
            t.w = scratch + p->sums_at + k;
            for (int64_t r = 0; r < v->kernel_h; r++) {
                for (int64_t s = 0; s < v->kernel_w; s++) {
                    weights_element(p, t, r, s, c, some, width / LANES);
                }
            }
        }
    }
}

/* ---- vectors of places: sums [filters][planes][rows][cols] of LANES; the time is the last of the
 * planes ---- */

static int64_t planes_of(const direct_weights_plan *p)
{
    return p->windows.channels + p->has_time;
}

/* The plane of the time, of which only the image is written: mostly it is there already. */
static void fill_time(const direct_weights_plan *p, real t, real *scratch)
{
    const cpu_windows *v = &p->windows;
    int64_t pitch = p->in_place ? v->out_w : p->pitch;
    real *to = scratch + p->x_at;
    to += p->in_place ? 0 : v->channels * p->plane + p->above * pitch + v->pad_w;
    if (*to == t) {
        return;
    }
    for (int64_t i = 0; i < v->height; i++) {
        for (int64_t j = 0; j < v->width; j++) {
            to[i * pitch + j] = t;
        }
    }
}

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
                      .sums_filter = planes_of(p) * window * LANES};
    t.d_filter = t.run;
    if (p->in_place) { /* the inputs of a 1x1 window are the channels */
        t.x = x;
        t.d = dy;
        t.sums = scratch + p->sums_at;
        t.x_input = t.run;
        outer_block(p, t, p->filters, v->channels);
        t.x = scratch + p->x_at;
        t.sums += v->channels * LANES;
        outer_block(p, t, p->filters, p->has_time);
        return;
    }
    pack_places(p, x, dy, scratch);
    t.x_input = 1;
    t.d = scratch + p->d_at;
    for (int64_t c = 0; c < planes_of(p); c++) {
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
    return p->way == CPU_WAY_FILTERS ? v->channels * window * p->lanes_of_filters
                                     : planes_of(p) * window * p->filters * LANES;
}

/* How many rows of totals there are. */
static int64_t count_of_totals(const direct_weights_plan *p)
{
    const cpu_windows *v = &p->windows;
    return p->way == CPU_WAY_FILTERS && p->has_time ? 1 + v->kernel_h * v->kernel_w : 1;
}

static void weights_begin(const direct_weights_plan *p, void *scratch)
{
    real *s = scratch;
    const cpu_windows *v = &p->windows;
    zero(count_of_sums(p), s + p->sums_at);
    memset(totals_in(p, s), 0, (size_t)(count_of_totals(p) * p->lanes_of_filters) * sizeof(double));
    if (p->way == CPU_WAY_PLACES && !p->in_place) {
        zero(planes_of(p) * p->plane + LANES, s + p->x_at);
        zero(p->filters * p->run, s + p->d_at);
    } else if (p->way == CPU_WAY_PLACES) {
        zero(p->has_time * v->out_h * v->out_w, s + p->x_at);
    }
}

static void weights_images(const direct_weights_plan *p, const direct_weights_images *i,
                           void *scratch)
{
    const cpu_windows *v = &p->windows;
    int64_t inputs = v->channels * v->height * v->width;
    const real *x = i->x, *dy = i->dy;
    if (p->way == CPU_WAY_FILTERS) {
        weights_by_filters(p, i, scratch);
        return;
    }
    for (int64_t b = 0; b < i->n; b++, x += inputs, dy += p->d_image) {
        if (p->has_time) {
            fill_time(p, (real)i->t[b * i->t_step], scratch);
        }
        if (p->has_bias) {
            add_bias_sums(p->filters, v->out_h * v->out_w, dy, totals_in(p, scratch));
        }
        weights_by_places(p, x, dy, scratch);
    }
}

/* Where the weights of a plane begin in those of its filter: the time's come first or last. */
static int64_t weights_at(const direct_weights_plan *p, int64_t plane)
{
    const cpu_windows *v = &p->windows;
    int64_t time = p->first_channel > 0 ? 0 : v->channels;
    return (plane < v->channels ? p->first_channel + plane : time) * v->kernel_h * v->kernel_w;
}

static void end_by_places(const direct_weights_plan *p, const real *sums, real *dw)
{
    int64_t window = p->windows.kernel_h * p->windows.kernel_w;
    for (int64_t c = 0; c < planes_of(p); c++) {
        for (int64_t e = 0; e < window; e++) {
            dw[weights_at(p, c) + e] += total_of(sums + (c * window + e) * LANES);
        }
    }
}

static void end_by_filters(const direct_weights_plan *p, const real *sums, const double *totals,
                           real *dw)
{
    int64_t C = p->windows.channels, window = p->windows.kernel_h * p->windows.kernel_w;
    int64_t K = p->lanes_of_filters;
    for (int64_t c = 0; c < C; c++) {
        for (int64_t e = 0; e < window; e++) {
            dw[weights_at(p, c) + e] += sums[(e * C + c) * K];
        }
    }
    for (int64_t e = 0; e < window && p->has_time; e++) {
        dw[weights_at(p, C) + e] += (real)totals[(1 + e) * K];
    }
}

static void weights_end(const direct_weights_plan *p, void *scratch, void *dw, void *dbias)
{
    int64_t window = p->windows.kernel_h * p->windows.kernel_w;
    const real *sums = (const real *)scratch + p->sums_at;
    const double *totals = totals_in(p, scratch);
    for (int64_t k = 0; k < p->filters && dw != NULL; k++) {
        real *to = (real *)dw + k * p->weight_channels * window;
        if (p->way == CPU_WAY_PLACES) {
            end_by_places(p, sums + k * planes_of(p) * window * LANES, to);
        } else {
            end_by_filters(p, sums + k, totals + k, to);
        }
    }
    for (int64_t k = 0; k < p->filters && dbias != NULL; k++) {
        ((real *)dbias)[k] += (real)totals[k];
    }
}

/* ---- what a time adds ---- */

/* The sums of one filter's weights w, one row of outputs after the other; rows that see the same
 * rows of the window are alike. */
static void time_sums_of(const cpu_windows *v, const real *w, real *sums)
{
    int64_t last_r0 = -1, last_r1 = -1;
    for (int64_t i = 0; i < v->out_h; i++, sums += v->out_w) {
        int64_t top = v->pad_h - i * v->stride_h, r0 = most(0, top);
        int64_t r1 = most(r0, least(v->kernel_h, v->height + top));
        if (r0 == last_r0 && r1 == last_r1) {
            memcpy(sums, sums - v->out_w, (size_t)v->out_w * sizeof *sums);
            continue;
        }
        last_r0 = r0;
        last_r1 = r1;
        for (int64_t j = 0; j < v->out_w; j++) {
            int64_t left = v->pad_w - j * v->stride_w, s0 = most(0, left);
            int64_t s1 = most(s0, least(v->kernel_w, v->width + left));
            real sum = 0;
            for (int64_t r = r0; r < r1; r++) {
                for (int64_t s = s0; s < s1; s++) {
                    sum += w[r * v->kernel_w + s];
                }
            }
            sums[j] = sum;
        }
    }
}

static void time_sums(const cpu_convolution *c, const void *w, void *sums)
{
    const cpu_windows *v = &c->windows;
    int64_t window = v->kernel_h * v->kernel_w, places = v->out_h * v->out_w;
    const real *from = (const real *)w + (c->first_channel > 0 ? 0 : v->channels) * window;
    for (int64_t k = 0; k < c->filters; k++) {
        time_sums_of(v, from + k * c->weight_channels * window, (real *)sums + k * places);
    }
}

#endif
