#include "direct.h"

#include "least.h"

enum {
    LANES_MOST = 16,       /* float32 in vectors of 64 bytes */
    LINE = 64,             /* alignment of the parts of scratch, in bytes */
    GROUP_MOST = 4,        /* images at once: more save no more */
    GROUP_BYTES = 98304,   /* packed images of a group stay in L2 beside the weights */
    SLACK = 6 * LANES_MOST /* a block of places may be that long */
};

static int64_t round_up(int64_t n, int64_t to)
{
    return (n + to - 1) / to * to;
}

/* Takes n numbers of scratch, in whole lines. */
static int64_t take(int64_t *size, int64_t n, int64_t bytes)
{
    int64_t at = *size;
    *size += round_up(n, LINE / bytes);
    return at;
}

/* ---- what a way can do ---- */

/* Vectors of places take stride 1 and windows that reach no further than their image's padding. */
static int32_t places_can(const cpu_windows *v)
{
    return v->stride_h == 1 && v->stride_w == 1 && v->pad_h < v->kernel_h && v->pad_w < v->kernel_w;
}

static int32_t filters_can(const cpu_windows *v)
{
    return v->stride_h == v->stride_w && v->stride_h <= 2 && v->pad_h < v->kernel_h &&
           v->pad_w < v->kernel_w;
}

int32_t direct_can(cpu_way way, const cpu_convolution *c)
{
    const cpu_windows *v = &c->windows;
    int32_t any = c->batch > 0 && c->filters > 0 && v->channels > 0 && v->out_h > 0 && v->out_w > 0;
    return any && (way == CPU_WAY_FILTERS  ? filters_can(v)
                   : way == CPU_WAY_PLACES ? places_can(v)
                                           : 0);
}

/* ---- images ---- */

/* The columns and rows of zeros that some part needs around an image. */
static void find_borders(direct_plan *p)
{
    int64_t below = 0;
    for (int32_t i = 0; i < p->n_parts; i++) {
        const direct_part *g = &p->part[i];
        int64_t right = (g->out_w - 1) * p->step + g->left + g->cols - p->width;
        int64_t under = (g->out_h - 1) * p->step + g->top + g->rows - p->height;
        p->border = most(p->border, most(-g->left, right));
        p->above = most(p->above, -g->top);
        below = most(below, under);
    }
    p->pitch = p->width + p->border;
    p->plane = (p->above + p->height + below) * p->pitch + p->border;
}

/* Few filters after whole vectors of them would take a block of vectors for themselves. */
static int64_t tail_of(const direct_plan *p, int64_t lanes)
{
    int64_t rest = p->filters % lanes;
    return p->step == 1 && p->spread == 1 && p->filters >= 2 * lanes && rest * 4 <= lanes ? rest
                                                                                          : 0;
}

static void lay_out(direct_plan *p, int64_t lanes, int64_t bytes)
{
    int64_t weights = 0, packed, results;
    find_borders(p);
    p->tail = p->way == CPU_WAY_FILTERS ? tail_of(p, lanes) : p->filters;
    for (int32_t i = 0; i < p->n_parts; i++) {
        int64_t window = p->channels * p->part[i].rows * p->part[i].cols;
        weights += window * (round_up(p->filters - p->tail, lanes) + p->tail);
    }
    p->in_place = p->border == 0 && p->plane == p->height * p->width &&
                  (p->out_h - 1) * p->pitch + p->out_w >= lanes;
    packed = p->in_place ? 0 : p->channels * p->plane;
    p->group =
        p->way == CPU_WAY_PLACES
            ? 1
            : most(1, least(GROUP_MOST, GROUP_BYTES / (most(1, p->channels * p->plane) * bytes)));
    results = p->way == CPU_WAY_FILTERS ? p->group * p->out_h * p->out_w * 2 * lanes : 0;
    results = most(results, p->tail * (p->out_h * p->pitch + SLACK));
    p->weights_at = take(&p->size, weights, bytes);
    p->bias_at = take(&p->size, round_up(p->filters, lanes) + lanes, bytes);
    p->x_at = take(&p->size, p->group * packed + SLACK, bytes);
    p->y_at = take(&p->size, results, bytes);
}

direct_plan direct_forward(cpu_way way, const cpu_convolution *c, int64_t lanes, int64_t bytes)
{
    const cpu_windows *v = &c->windows;
    int64_t window = v->kernel_h * v->kernel_w;
    direct_plan p = {.channels = v->channels,
                     .height = v->height,
                     .width = v->width,
                     .filters = c->filters,
                     .out_h = v->out_h,
                     .out_w = v->out_w,
                     .step = v->stride_h,
                     .spread = 1,
                     .of_filter = c->weight_channels * window,
                     .of_channel = window,
                     .of_row = v->kernel_w,
                     .of_col = 1,
                     .n_parts = 1,
                     .way = (int32_t)way};
    p.part[0] = (direct_part){.rows = v->kernel_h,
                              .cols = v->kernel_w,
                              .out_h = v->out_h,
                              .out_w = v->out_w,
                              .top = -v->pad_h,
                              .left = -v->pad_w,
                              .first_weight = c->first_channel * window};
    lay_out(&p, lanes, bytes);
    return p;
}

/* Along one edge: which elements of the window reach pixels at, at + stride, ...; the last of them
 * comes first, as the window is turned round. */
typedef struct parity {
    int64_t first, n, outputs, start;
} parity;

static parity parity_of(int64_t at, int64_t size, int64_t kernel, int64_t stride, int64_t padding)
{
    parity p = {.first = (at + padding) % stride};
    p.n = p.first < kernel ? (kernel - p.first + stride - 1) / stride : 0;
    p.outputs = (size - at + stride - 1) / stride;
    p.start = (at + padding - p.first) / stride - p.n + 1;
    return p;
}

direct_plan direct_vjp_x(cpu_way way, const cpu_convolution *c, int64_t lanes, int64_t bytes)
{
    const cpu_windows *v = &c->windows;
    int64_t window = v->kernel_h * v->kernel_w, stride = v->stride_h;
    direct_plan p = {.channels = c->filters,
                     .height = v->out_h,
                     .width = v->out_w,
                     .filters = v->channels,
                     .out_h = v->height,
                     .out_w = v->width,
                     .step = 1,
                     .spread = stride,
                     .of_filter = window,
                     .of_channel = c->weight_channels * window,
                     .of_row = -stride * v->kernel_w,
                     .of_col = -stride,
                     .way = (int32_t)way};
    for (int64_t i = 0; i < least(stride, v->height); i++) {
        parity row = parity_of(i, v->height, v->kernel_h, stride, v->pad_h);
        for (int64_t j = 0; j < least(stride, v->width); j++) {
            parity col = parity_of(j, v->width, v->kernel_w, stride, v->pad_w);
            p.part[p.n_parts++] =
                (direct_part){.rows = row.n,
                              .cols = col.n,
                              .out_h = row.outputs,
                              .out_w = col.outputs,
                              .top = row.start,
                              .left = col.start,
                              .to_row = i,
                              .to_col = j,
                              .first_weight = c->first_channel * window +
                                              (row.first + (row.n - 1) * stride) * v->kernel_w +
                                              col.first + (col.n - 1) * stride};
        }
    }
    lay_out(&p, lanes, bytes);
    return p;
}

void direct_narrow(direct_plan *p, int64_t first, int64_t n, int64_t lanes, int64_t bytes)
{
    for (int32_t i = 0; i < p->n_parts; i++) {
        p->part[i].first_weight += first * p->of_filter;
    }
    p->filters = n;
    p->size = 0;
    lay_out(p, lanes, bytes);
}

/* ---- weights ---- */

static void lay_out_filters(direct_weights_plan *p, int64_t lanes, int64_t bytes)
{
    const cpu_windows *v = &p->windows;
    int64_t inputs = v->channels * v->height * v->width, outputs = v->out_h * v->out_w;
    int64_t window = v->kernel_h * v->kernel_w;
    p->group = most(1, least(GROUP_MOST, GROUP_BYTES / (inputs * bytes)));
    p->sums_at = take(&p->size, v->channels * window * p->lanes_of_filters, bytes);
    p->d_at = take(&p->size, p->group * outputs * least(2 * lanes, p->lanes_of_filters), bytes);
    p->rows_at = take(&p->size, p->has_time ? v->out_h * v->kernel_w * 2 * lanes : 0, bytes);
}

static void lay_out_places(direct_weights_plan *p, int64_t lanes, int64_t bytes)
{
    const cpu_windows *v = &p->windows;
    int64_t planes = v->channels + p->has_time;
    int64_t n = p->filters * planes * v->kernel_h * v->kernel_w;
    p->group = 1;
    p->above = v->pad_h;
    p->pitch = v->width + v->pad_w;
    p->run = round_up(v->out_h * p->pitch, lanes);
    p->in_place = v->kernel_h == 1 && v->kernel_w == 1 && v->out_h * v->out_w % lanes == 0;
    p->plane = (v->height + 2 * v->pad_h) * p->pitch + v->kernel_w + lanes;
    p->sums_at = take(&p->size, n * lanes, bytes);
    p->x_at =
        take(&p->size, p->in_place ? p->has_time * v->out_h * v->out_w : planes * p->plane + SLACK,
             bytes);
    p->d_at = take(&p->size, p->in_place ? 0 : p->filters * p->run, bytes);
}

direct_weights_plan direct_vjp_w(cpu_way way, const cpu_convolution *c, int64_t lanes,
                                 int64_t bytes)
{
    direct_weights_plan p = {.windows = c->windows,
                             .filters = c->filters,
                             .weight_channels = c->weight_channels,
                             .first_channel = c->first_channel,
                             .way = (int32_t)way,
                             .has_time = c->weight_channels > c->windows.channels,
                             .lanes_of_filters = round_up(c->filters, lanes),
                             .d_image = c->filters * c->windows.out_h * c->windows.out_w};
    if (way == CPU_WAY_FILTERS) {
        lay_out_filters(&p, lanes, bytes);
    } else {
        lay_out_places(&p, lanes, bytes);
    }
    int64_t totals = 1;
    if (p.has_time && way == CPU_WAY_FILTERS) {
        totals += c->windows.kernel_h * c->windows.kernel_w;
    }
    p.totals_at =
        take(&p.size, totals * p.lanes_of_filters * (int64_t)sizeof(double) / bytes, bytes);
    return p;
}

int64_t direct_scratch(cpu_way way, cpu_conv_mode mode, const cpu_convolution *c, int64_t lanes,
                       int64_t bytes)
{
    switch (mode) {
    case CPU_CONV_FORWARD:
        return direct_forward(way, c, lanes, bytes).size;
    case CPU_CONV_VJP_X:
        return direct_vjp_x(way, c, lanes, bytes).size;
    default:
        return direct_vjp_w(way, c, lanes, bytes).size;
    }
}

int64_t direct_group(cpu_way way, cpu_conv_mode mode, const cpu_convolution *c, int64_t lanes,
                     int64_t bytes)
{
    switch (mode) {
    case CPU_CONV_FORWARD:
        return direct_forward(way, c, lanes, bytes).group;
    case CPU_CONV_VJP_X:
        return direct_vjp_x(way, c, lanes, bytes).group;
    default:
        return direct_vjp_w(way, c, lanes, bytes).group;
    }
}
