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

static const void *read_at(const direct_call *call, const void *from, int64_t n)
{
    return from != NULL ? (const char *)from + n * call->kernels->direct->bytes : NULL;
}

static void *write_at(const direct_call *call, void *to, int64_t n)
{
    return (char *)to + n * call->kernels->direct->bytes;
}

/* Numbers of one thread's scratch, in whole lines. */
static int64_t scratch_numbers(cpu_way way, cpu_conv_mode mode, const cpu_convolution *c,
                               const cpu_direct *direct)
{
    int64_t line = 64 / direct->bytes;
    return (direct_scratch(way, mode, c, direct->lanes, direct->bytes) + line - 1) / line * line;
}

int64_t direct_run_scratch(cpu_way way, cpu_conv_mode mode, const cpu_convolution *c,
                           const cpu_direct *direct, int32_t threads)
{
    return scratch_numbers(way, mode, c, direct) * direct->bytes * threads;
}

static void *scratch_of_part(const direct_call *call, int32_t part)
{
    return write_at(call, call->scratch,
                    part *
                        scratch_numbers(call->way, call->mode, call->shape, call->kernels->direct));
}

/* ---- images ---- */

/* Images in groups that stay in the cache; sums begin at the bias, and act follows while a group's
 * images are in the cache. */
static void run_images(const direct_call *call, const direct_plan *p, direct_share images,
                       const void *bias, void *scratch)
{
    const cpu_direct *d = call->kernels->direct;
    int64_t image = p->channels * p->height * p->width, out = p->filters * p->out_h * p->out_w;
    int64_t end = images.first + images.n;
    d->begin(p, call->w, bias, scratch);
    for (int64_t b = images.first, n; b < end; b += n) {
        n = least(p->group, end - b);
        void *to = write_at(call, call->out, b * out);
        d->images(p, n, read_at(call, call->x, b * image), to, scratch);
        if (call->act != ODEON_UNARY_IDENTITY) {
            call->kernels->unary(call->act, n * out, to, to);
        }
    }
}

static direct_plan plan_of(const direct_call *call)
{
    const cpu_direct *d = call->kernels->direct;
    return call->mode == CPU_CONV_VJP_X
               ? direct_vjp_x(call->way, call->shape, d->lanes, d->bytes)
               : direct_forward(call->way, call->shape, d->lanes, d->bytes);
}

static void images_part(void *arg, int32_t part, int32_t parts)
{
    const direct_call *call = arg;
    direct_plan p = plan_of(call);
    run_images(call, &p, share_of(call->shape->batch, 1, part, parts), call->bias,
               scratch_of_part(call, part));
}

/* Blocks of filters that vectors are made of are not cut. */
static int64_t unit_of(const direct_call *call)
{
    return call->way == CPU_WAY_FILTERS ? 2 * call->kernels->direct->lanes : 4;
}

static void filters_part(void *arg, int32_t part, int32_t parts)
{
    direct_call call = *(const direct_call *)arg;
    const cpu_direct *d = call.kernels->direct;
    direct_plan p = plan_of(&call);
    direct_share filters = share_of(p.filters, unit_of(&call), part, parts);
    call.out = write_at(&call, call.out, filters.first * p.out_h * p.out_w);
    direct_narrow(&p, filters.first, filters.n, d->lanes, d->bytes);
    run_images(&call, &p, (direct_share){0, 1}, read_at(&call, call.bias, filters.first),
               scratch_of_part(&call, part));
}

/* ---- weights ---- */

static void weights_part(void *arg, int32_t part, int32_t parts)
{
    const direct_call *call = arg;
    const cpu_direct *d = call->kernels->direct;
    const cpu_windows *v = &call->shape->windows;
    cpu_convolution c = *call->shape;
    int64_t image = v->channels * v->height * v->width, outputs = v->out_h * v->out_w;
    direct_share filters = share_of(c.filters, unit_of(call), part, parts);
    void *scratch = scratch_of_part(call, part);
    c.filters = filters.n;
    direct_weights_plan p = direct_vjp_w(call->way, &c, d->lanes, d->bytes);
    p.d_image = call->shape->filters * outputs;
    d->weights_begin(&p, scratch);
    for (int64_t b = 0, n; b < c.batch; b += n) {
        n = least(p.group, c.batch - b);
        d->weights_images(&p, n, read_at(call, call->x, b * image),
                          read_at(call, call->w, b * p.d_image + filters.first * outputs), scratch);
    }
    d->weights_end(
        &p, scratch,
        write_at(call, call->out, filters.first * v->channels * v->kernel_h * v->kernel_w));
}

/* ---- the whole ---- */

void direct_run(const direct_call *call)
{
    direct_call own = *call;
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
