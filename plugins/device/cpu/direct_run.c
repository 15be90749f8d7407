/* With several threads a batch is cut into runs of images where there are enough of them, and one
 * image, as well as the gradient of weights, into blocks of filters. Every number is the same chain
 * of sums in each case. Each thread has packed weights and images of its own, in a scratch as large
 * as that of the whole. */
#include "direct_run.h"

#include "least.h"
#include "odeon/device_pointwise.h"

/* What one part computes: some images, or some filters (of the gradient by x: channels). */
typedef struct direct_share {
    int64_t first, n;
} direct_share;

static direct_share share_of(int64_t total, int64_t unit, int32_t part, int32_t parts)
{
    int64_t blocks = total / unit, first = blocks * part / parts * unit;
    int64_t end = part + 1 == parts ? total : blocks * (part + 1) / parts * unit;
    return (direct_share){first, end - first};
}

static const void *read_at(const cpu_conv_call *call, const void *from, int64_t n)
{
    return from != NULL ? (const char *)from + n * call->kernels->direct->bytes : NULL;
}

static void *write_at(const cpu_conv_call *call, void *to, int64_t n)
{
    return to != NULL ? (char *)to + n * call->kernels->direct->bytes : NULL;
}

/* ---- scratch: of each thread that of the way, then the rooms ---- */

static int64_t whole_lines(int64_t n, const cpu_direct *direct)
{
    int64_t line = 64 / direct->bytes;
    return (n + line - 1) / line * line;
}

static int64_t way_numbers(cpu_way way, cpu_conv_mode mode, const cpu_convolution *c,
                           const cpu_direct *direct)
{
    return whole_lines(direct_scratch(way, mode, c, direct->lanes, direct->bytes), direct);
}

/* Where the room of images begins: behind that of cotangents. */
static int64_t images_at(cpu_way way, cpu_conv_mode mode, const cpu_convolution *c,
                         const cpu_direct *direct, int32_t rooms)
{
    const cpu_windows *v = &c->windows;
    int64_t group = direct_group(way, mode, c, direct->lanes, direct->bytes);
    int64_t cotangents =
        (rooms & CPU_ROOM_COTANGENTS) != 0 ? group * c->filters * v->out_h * v->out_w : 0;
    return way_numbers(way, mode, c, direct) + whole_lines(cotangents, direct);
}

static int64_t part_numbers(cpu_way way, cpu_conv_mode mode, const cpu_convolution *c,
                            const cpu_direct *direct, int32_t rooms)
{
    const cpu_windows *v = &c->windows;
    int64_t group = direct_group(way, mode, c, direct->lanes, direct->bytes);
    int64_t images =
        (rooms & CPU_ROOM_IMAGES) != 0 ? group * v->channels * v->height * v->width : 0;
    return images_at(way, mode, c, direct, rooms) + whole_lines(images, direct);
}

int64_t direct_run_scratch(cpu_way way, cpu_conv_mode mode, const cpu_convolution *c,
                           const cpu_direct *direct, int32_t threads, int32_t rooms)
{
    return part_numbers(way, mode, c, direct, rooms) * direct->bytes * threads;
}

static void *scratch_of_part(const cpu_conv_call *call, int32_t part)
{
    const cpu_direct *d = call->kernels->direct;
    return write_at(call, call->scratch,
                    part * part_numbers(call->way, call->mode, call->shape, d, cpu_rooms_of(call)));
}

/* ---- images ---- */

/* n images from image b on, a group at most, after what is applied to them first: computed behind
 * the way's scratch, where they stay in the cache. */
static const void *read_images(const cpu_conv_call *call, int64_t b, int64_t n, void *scratch)
{
    const cpu_windows *v = &call->shape->windows;
    const cpu_map *before = call->before;
    const cpu_groups g = {
        .batch = n, .channels = v->channels, .space = v->height * v->width, .groups = 1};
    const void *x = read_at(call, call->x, b * g.channels * g.space);
    if (before == NULL) {
        return x;
    }
    void *room = write_at(
        call, scratch,
        images_at(call->way, call->mode, call->shape, call->kernels->direct, cpu_rooms_of(call)));
    call->kernels->batch_norm(&g, x, before->stats, before->w, before->b, before->act, room);
    return room;
}

/* ---- cotangents ---- */

typedef struct cotangents {
    const void *at;
    int64_t image; /* from one image to the next */
} cotangents;

/* Those of n images from image b on and of some filters, before act: computed behind the way's
 * scratch, where they stay in the cache, if there is an act. */
static cotangents read_cotangents(const cpu_conv_call *call, int64_t b, int64_t n,
                                  direct_share filters, void *scratch)
{
    const cpu_windows *v = &call->shape->windows;
    const void *dy = call->mode == CPU_CONV_VJP_X ? call->x : call->w;
    int64_t outputs = v->out_h * v->out_w, image = call->shape->filters * outputs;
    int64_t at = b * image + filters.first * outputs, some = filters.n * outputs;
    if (call->kept == NULL) {
        return (cotangents){read_at(call, dy, at), image};
    }
    void *room = write_at(call, scratch,
                          way_numbers(call->way, call->mode, call->shape, call->kernels->direct));
    for (int64_t i = 0; i < n; i++, at += image) {
        call->kernels->unary_vjp(call->act, some, read_at(call, call->kept, at),
                                 read_at(call, dy, at), write_at(call, room, i * some));
    }
    return (cotangents){room, some};
}

/* ---- the convolution, or its gradient by x ---- */

/* What the times add to outputs of n images from image b on, filters from `first` on. */
static void add_times(const cpu_conv_call *call, int64_t b, int64_t n, int64_t out, int64_t first,
                      void *to)
{
    const cpu_windows *v = &call->shape->windows;
    const void *sums = read_at(call, call->time_sums, first * v->out_h * v->out_w);
    for (int64_t i = 0; i < n && call->t != NULL; i++) {
        void *y = write_at(call, to, i * out);
        call->kernels->lincomb(out, y, y, 1, &sums, call->t + (b + i) * call->t_step);
    }
}

/* Images in groups that stay in the cache, filters from `first` on; sums begin at the bias, and
 * time and act follow while a group's images are in the cache. */
static void run_images(const cpu_conv_call *call, const direct_plan *p, direct_share images,
                       int64_t first, void *scratch)
{
    const cpu_direct *d = call->kernels->direct;
    int64_t out = p->filters * p->out_h * p->out_w;
    int64_t end = images.first + images.n;
    const direct_share all = {0, call->shape->filters};
    d->begin(p, call->w, read_at(call, call->bias, first), scratch);
    for (int64_t b = images.first, n; b < end; b += n) {
        n = least(p->group, end - b);
        void *to = write_at(call, call->out, b * out);
        if (call->mode == CPU_CONV_VJP_X) {
            d->images(p, n, read_cotangents(call, b, n, all, scratch).at, to, scratch);
            continue;
        }
        d->images(p, n, read_images(call, b, n, scratch), to, scratch);
        add_times(call, b, n, out, first, to);
        if (call->act != ODEON_UNARY_IDENTITY) {
            call->kernels->unary(call->act, n * out, to, to);
        }
    }
}

static direct_plan plan_of(const cpu_conv_call *call)
{
    const cpu_direct *d = call->kernels->direct;
    return call->mode == CPU_CONV_VJP_X
               ? direct_vjp_x(call->way, call->shape, d->lanes, d->bytes)
               : direct_forward(call->way, call->shape, d->lanes, d->bytes);
}

static void images_part(void *arg, int32_t part, int32_t parts)
{
    const cpu_conv_call *call = arg;
    direct_plan p = plan_of(call);
    run_images(call, &p, share_of(call->shape->batch, 1, part, parts), 0,
               scratch_of_part(call, part));
}

/* Blocks of filters that vectors are made of are not cut. */
static int64_t unit_of(const cpu_conv_call *call)
{
    return call->way == CPU_WAY_FILTERS ? 2 * call->kernels->direct->lanes : 4;
}

static void filters_part(void *arg, int32_t part, int32_t parts)
{
    cpu_conv_call call = *(const cpu_conv_call *)arg;
    const cpu_direct *d = call.kernels->direct;
    direct_plan p = plan_of(&call);
    direct_share filters = share_of(p.filters, unit_of(&call), part, parts);
    call.out = write_at(&call, call.out, filters.first * p.out_h * p.out_w);
    direct_narrow(&p, filters.first, filters.n, d->lanes, d->bytes);
    run_images(&call, &p, (direct_share){0, 1}, filters.first, scratch_of_part(&call, part));
}

/* ---- weights ---- */

/* What images from b on, n of them with these cotangents, add to the sums. */
static void add_images(const cpu_conv_call *call, direct_weights_plan *p, int64_t b, int64_t n,
                       cotangents dy, void *scratch)
{
    const direct_weights_images images = {.n = n,
                                          .x = read_images(call, b, n, scratch),
                                          .dy = dy.at,
                                          .t = call->t != NULL ? call->t + b * call->t_step : NULL,
                                          .t_step = call->t_step};
    p->d_image = dy.image;
    call->kernels->direct->weights_images(p, &images, scratch);
}

static direct_weights_plan weights_plan_of(const cpu_conv_call *call, int64_t filters)
{
    const cpu_direct *d = call->kernels->direct;
    cpu_convolution c = *call->shape;
    c.filters = filters;
    direct_weights_plan p = direct_vjp_w(call->way, &c, d->lanes, d->bytes);
    p.group = call->group > 0 ? least(call->group, p.group) : p.group;
    p.has_bias = call->dbias != NULL;
    return p;
}

static void end_weights(const cpu_conv_call *call, const direct_weights_plan *p, int64_t first,
                        void *scratch)
{
    const cpu_windows *v = &call->shape->windows;
    int64_t filter = call->shape->weight_channels * v->kernel_h * v->kernel_w;
    call->kernels->direct->weights_end(p, scratch, write_at(call, call->out, first * filter),
                                       write_at(call, call->dbias, first));
}

static void weights_part(void *arg, int32_t part, int32_t parts)
{
    const cpu_conv_call *call = arg;
    const cpu_convolution *c = call->shape;
    direct_share filters = share_of(c->filters, unit_of(call), part, parts);
    void *scratch = scratch_of_part(call, part);
    direct_weights_plan p = weights_plan_of(call, filters.n);
    call->kernels->direct->weights_begin(&p, scratch);
    for (int64_t b = 0, n; b < c->batch; b += n) {
        n = least(p.group, c->batch - b);
        add_images(call, &p, b, n, read_cotangents(call, b, n, filters, scratch), scratch);
    }
    end_weights(call, &p, filters.first, scratch);
}

/* ---- the whole ---- */

void direct_run(const cpu_conv_call *call)
{
    cpu_conv_call own = *call;
    int64_t threads = cpu_threads_count(call->threads), batch = call->shape->batch;
    int64_t filters =
        call->mode == CPU_CONV_VJP_X ? call->shape->windows.channels : call->shape->filters;
    int64_t blocks = most(1, least(threads, filters / unit_of(call)));
    if (call->mode == CPU_CONV_VJP_W) {
        cpu_threads_run(call->threads, (int32_t)blocks, weights_part, &own);
    } else if (batch == 1) {
        cpu_threads_run(call->threads, (int32_t)blocks, filters_part, &own);
    } else {
        cpu_threads_run(call->threads, (int32_t)least(threads, batch), images_part, &own);
    }
}

int64_t direct_run_group(const cpu_conv_call *by_x, const cpu_conv_call *by_w)
{
    const cpu_direct *d = by_x->kernels->direct;
    return least(direct_group(by_x->way, by_x->mode, by_x->shape, d->lanes, d->bytes),
                 direct_group(by_w->way, by_w->mode, by_w->shape, d->lanes, d->bytes));
}

void direct_run_both(const cpu_conv_call *by_x, const cpu_conv_call *by_w)
{
    const cpu_convolution *c = by_x->shape;
    const cpu_direct *d = by_x->kernels->direct;
    const direct_share all = {0, c->filters};
    int64_t image = c->windows.channels * c->windows.height * c->windows.width;
    direct_plan p = plan_of(by_x);
    direct_weights_plan weights = weights_plan_of(by_w, c->filters);
    d->begin(&p, by_x->w, NULL, by_x->scratch);
    d->weights_begin(&weights, by_w->scratch);
    for (int64_t b = 0, n; b < c->batch; b += n) {
        n = least(least(p.group, weights.group), c->batch - b);
        cotangents dy = read_cotangents(by_w, b, n, all, by_w->scratch);
        d->images(&p, n, dy.at, write_at(by_x, by_x->out, b * image), by_x->scratch);
        add_images(by_w, &weights, b, n, dy, by_w->scratch);
    }
    end_weights(by_w, &weights, 0, by_w->scratch);
}
