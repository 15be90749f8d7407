/* images.h: a convolution of images by either way, from NCHW to NCHW. */
#ifndef ODEON_CPU_DIRECT_IMAGES_H
#define ODEON_CPU_DIRECT_IMAGES_H

/* Weights of so many bytes pass by for every row: L2 holds them beside the images. */
enum { CHANNELS_BYTES = 65536 };

/* Is a whole row one block, with one column of padding left and right of it? */
static int32_t is_padded(const direct_plan *p, const direct_part *g, int64_t vectors)
{
    return p->step == 1 && g->cols == 3 && g->left == -1 && g->out_w == p->width && g->out_w >= 2 &&
           g->out_w <= (vectors == 1 ? FILTERS_ROW_MOST : FILTERS_MOST);
}

/* Rows of padding are left out, and columns of it where all blocks are padded: such images are read
 * where they are. */
static int32_t needs_packing(const direct_plan *p)
{
    int64_t vectors = p->filters > LANES ? 2 : 1;
    int32_t leaves_out = p->way == CPU_WAY_FILTERS && p->tail == 0 && p->n_parts == 1 &&
                         is_padded(p, &p->part[0], vectors);
    return !p->in_place && !leaves_out;
}

/* ---- weights ---- */

/* n filters from first on, [channels][rows][cols][width], zeros behind the last filter. */
static real *pack_block(const direct_plan *p, const direct_part *g, int64_t first, int64_t n,
                        int64_t width, const real *w, real *to)
{
    for (int64_t c = 0; c < p->channels; c++) {
        for (int64_t r = 0; r < g->rows; r++) {
            for (int64_t s = 0; s < g->cols; s++, to += width) {
                const real *from = w + g->first_weight + first * p->of_filter + c * p->of_channel +
                                   r * p->of_row + s * p->of_col;
                for (int64_t k = 0; k < width; k++) {
                    to[k] = k < n ? from[k * p->of_filter] : 0;
                }
            }
        }
    }
    return to;
}

/* The filters of one block of vectors. */
static int64_t filters_width(int64_t left)
{
    return left > LANES ? 2 * LANES : LANES;
}

static void begin(const direct_plan *p, const void *w, const void *bias, void *scratch)
{
    real *to = (real *)scratch + p->weights_at, *b = (real *)scratch + p->bias_at;
    int64_t whole = p->filters - p->tail;
    for (int32_t i = 0; i < p->n_parts; i++) {
        for (int64_t k = 0; k < whole; k += 2 * LANES) {
            int64_t width = filters_width(whole - k);
            to = pack_block(p, &p->part[i], k, least(width, whole - k), width, w, to);
        }
    }
    for (int64_t k = whole, block; k < p->filters; k += block) {
        block = places_block(p->filters - k);
        to = pack_block(p, &p->part[0], k, block, block, w, to);
    }
    zero((p->filters + LANES - 1) / LANES * LANES + LANES, b);
    if (bias != NULL) {
        memcpy(b, bias, (size_t)p->filters * sizeof *b);
    }
    if (needs_packing(p)) { /* the borders; what is between is written again for every image */
        zero(p->group * p->channels * p->plane, (real *)scratch + p->x_at);
    }
}

/* ---- images ---- */

static void pack_image(const direct_plan *p, const real *x, real *to)
{
    to += p->above * p->pitch + p->border;
    for (int64_t c = 0; c < p->channels; c++, to += p->plane) {
        for (int64_t i = 0; i < p->height; i++, x += p->width) {
            copy_row(p->width, x, to + i * p->pitch);
        }
    }
}

/* A block of filters and some channels of one part. */
typedef struct filters_pass {
    const direct_plan *plan;
    const direct_part *part;
    int64_t vectors, images;
    filters_tile tile;
    const real *x; /* of the first of these channels, of the first image */
    const real *from;
    real *y;
} filters_pass;

/* Row i of all images: in blocks of places as even as they can be. */
static void filters_row(filters_pass *f, int64_t i)
{
    const direct_plan *p = f->plan;
    const direct_part *g = f->part;
    int64_t first = i * p->step + g->top, place = p->spread * f->vectors * LANES;
    int64_t r0 = most(0, -first), r1 = most(r0, least(g->rows, p->height - first));
    int64_t row = (i * p->spread + g->to_row) * p->out_w + g->to_col;
    int32_t padded = is_padded(p, g, f->vectors);
    int64_t kind = padded ? 2 : p->step - 1;
    int64_t tiles = padded ? 1 : (g->out_w + FILTERS_MOST - 1) / FILTERS_MOST;
    filters_tile *t = &f->tile;
    const real *x = f->x + (first + r0 + p->above) * p->pitch + p->border + g->left;
    const real *w = t->w;
    t->rows = r1 - r0;
    t->w += r0 * g->cols * f->vectors * LANES;
    for (int64_t q = 0, n; tiles > 0; tiles--, q += n) {
        n = (g->out_w - q + tiles - 1) / tiles;
        for (int64_t b = 0, images; b < f->images; b += images) {
            images =
                f->images - b >= 2 && filters_tiles[1][n][f->vectors - 1][kind] != NULL ? 2 : 1;
            t->x = x + b * t->x_image + q * p->step;
            t->y = f->y + b * t->y_image + row * f->vectors * LANES + q * place;
            t->from = t->from_place == 0 ? f->from : t->y;
            filters_tiles[images - 1][n][f->vectors - 1][kind](t);
        }
    }
    t->w = w;
}

/* All channels, some at a time, of one block of filters. */
static void filters_part(const direct_plan *p, const direct_part *g, int64_t vectors,
                         int64_t images, const real *x, const real *w, const real *bias, real *y)
{
    int64_t width = vectors * LANES, places = p->out_h * p->out_w, window = g->rows * g->cols;
    int64_t some = most(1, CHANNELS_BYTES / (most(1, window * width) * (int64_t)sizeof *w));
    int64_t blocks = (p->channels + some - 1) / some;
    filters_pass f = {.plan = p, .part = g, .vectors = vectors, .images = images, .y = y};
    f.tile = (filters_tile){.cols = g->cols,
                            .x_image = p->channels * p->plane,
                            .x_channel = p->plane,
                            .x_row = p->pitch,
                            .w_channel = window * width,
                            .y_image = places * width,
                            .y_place = p->spread * width};
    f.from = bias;
    for (int64_t c = 0; c < p->channels; c += some, blocks--) {
        some = (p->channels - c + blocks - 1) / blocks;
        f.tile.channels = some;
        f.tile.w = w + c * window * width;
        f.x = x + c * p->plane;
        for (int64_t i = 0; i < g->out_h; i++) {
            filters_row(&f, i);
        }
        f.tile.from_image = f.tile.y_image;
        f.tile.from_place = f.tile.y_place;
    }
}

/* All whole blocks of filters. Returns the weights behind them. */
static const real *filters_images(const direct_plan *p, int64_t images, const real *x,
                                  const real *w, const real *bias, real *room, real *y)
{
    int64_t places = p->out_h * p->out_w, whole = p->filters - p->tail, all = 0;
    for (int32_t i = 0; i < p->n_parts; i++) {
        all += p->channels * p->part[i].rows * p->part[i].cols;
    }
    int64_t lanes = (whole + LANES - 1) / LANES * LANES;
    for (int64_t k = 0, width; k < whole; k += width) {
        const real *of_part = w;
        width = filters_width(whole - k);
        for (int32_t i = 0; i < p->n_parts; i++) {
            const direct_part *g = &p->part[i];
            int64_t window = p->channels * g->rows * g->cols;
            filters_part(p, g, width / LANES, images, x, of_part + k * window, bias + k, room);
            of_part += lanes * window;
        }
        for (int64_t b = 0; b < images; b++) {
            turn_padded(room + b * places * width, places, least(width, whole - k), width,
                        y + (b * p->filters + k) * places, places);
        }
    }
    return w + lanes * all;
}

/* The last filters of one image, vectors of places. */
static void places_image(const direct_plan *p, const real *x, const real *w, const real *bias,
                         real *room, real *y)
{
    const direct_part *g = &p->part[0];
    int64_t run = (p->out_h - 1) * p->pitch + p->out_w, first = p->filters - p->tail;
    int64_t in_place = p->pitch == p->out_w && run >= LANES;
    places_tile t = {.channels = p->channels,
                     .rows = g->rows,
                     .cols = g->cols,
                     .x = x + (g->top + p->above) * p->pitch + g->left + p->border,
                     .w = w,
                     .bias = bias + first,
                     .y = in_place ? y + first * run : room,
                     .x_channel = p->plane,
                     .x_row = p->pitch,
                     .y_filter = in_place ? run : run + LANES};
    places_run(t, p->tail, run);
    if (in_place) {
        return;
    }
    for (int64_t k = 0; k < p->tail; k++) {
        for (int64_t i = 0; i < p->out_h; i++) {
            copy_row(p->out_w, room + k * t.y_filter + i * p->pitch,
                     y + ((first + k) * p->out_h + i) * p->out_w);
        }
    }
}

/* n images, packed or read where they are, as p has it. */
static void run_images(const direct_plan *p, int64_t n, const real *in, real *out, real *scratch)
{
    const real *w = scratch + p->weights_at, *bias = scratch + p->bias_at;
    real *room = scratch + p->y_at;
    if (p->tail < p->filters) {
        w = filters_images(p, n, in, w, bias, room, out);
    }
    for (int64_t b = 0; b < n && p->tail > 0; b++) {
        places_image(p, in + b * p->channels * p->plane, w, bias, room,
                     out + b * p->filters * p->out_h * p->out_w);
    }
}

static void images(const direct_plan *p, int64_t n, const void *x, void *y, void *scratch)
{
    const real *in = x;
    real *packed = (real *)scratch + p->x_at;
    if (!needs_packing(p)) {
        direct_plan there = *p;
        there.border = there.above = 0;
        there.pitch = p->width;
        there.plane = p->height * p->width;
        run_images(&there, n, in, y, scratch);
        return;
    }
    for (int64_t b = 0; b < n; b++) {
        pack_image(p, in + b * p->channels * p->height * p->width,
                   packed + b * p->channels * p->plane);
    }
    run_images(p, n, packed, y, scratch);
}

#endif
