/* The kernels of layer swish (tests/third_party/swish) for the devices made for tests, both in this
 * plugin; a link gives it the second one's name. */
#include "../../../third_party/swish/element.h"
#include "../../../third_party/swish/instance.h"
#include "../../device/common/host_kernels.h"

static odeon_status plan(void *self, const odeon_device *device, const odeon_tensor *in,
                         int32_t flags, odeon_layer_plan *out)
{
    (void)self;
    (void)device;
    (void)flags;
    out->flags = ODEON_LAYER_NEEDS_IN;
    out->out = *in;
    return ODEON_OK;
}

/* y = swish(x), or, with dy, y = dy swish'(x). */
typedef struct arguments {
    double beta;
    int64_t n;
    const void *x, *dy;
    void *y;
    int32_t is_f64, reserved0;
} arguments;

static void run_f32(const arguments *a, const float *x, const float *dy, float *y)
{
    float beta = (float)a->beta;
    for (int64_t i = 0; i < a->n; i++) {
        y[i] = dy != NULL ? dy[i] * swish_slope_f32(beta, x[i]) : swish_f32(beta, x[i]);
    }
}

static void run_f64(const arguments *a, const double *x, const double *dy, double *y)
{
    for (int64_t i = 0; i < a->n; i++) {
        y[i] = dy != NULL ? dy[i] * swish_slope_f64(a->beta, x[i]) : swish_f64(a->beta, x[i]);
    }
}

static odeon_status run(const host_kernel_memory *memory, const void *given)
{
    const arguments *a = given;
    uint64_t bytes = (uint64_t)a->n * (a->is_f64 ? sizeof(double) : sizeof(float));
    const void *x = memory->reach(memory, a->x, bytes);
    const void *dy = a->dy != NULL ? memory->reach(memory, a->dy, bytes) : NULL;
    void *y = memory->reach(memory, a->y, bytes);
    if (x == NULL || y == NULL || (a->dy != NULL && dy == NULL)) {
        return ODEON_ERR_INTERNAL;
    }
    if (a->is_f64) {
        run_f64(a, x, dy, y);
    } else {
        run_f32(a, x, dy, y);
    }
    return ODEON_OK;
}

static odeon_status launch(const swish *layer, const odeon_context *context, const odeon_tensor *x,
                           const odeon_tensor *dy, const odeon_tensor *y)
{
    const odeon_device *device = context->device;
    const host_kernels *kernels = device->ops->get_extension(device->self, HOST_KERNELS);
    const arguments a = {.beta = layer->beta,
                         .n = odeon_count(x),
                         .x = x->data,
                         .dy = dy != NULL ? dy->data : NULL,
                         .y = y->data,
                         .is_f64 = x->dtype == ODEON_DTYPE_F64};
    if (kernels == NULL) {
        return odeon_fail(layer->host, ODEON_ERR_UNSUPPORTED, "swish: the device lacks its words");
    }
    return a.n == 0 ? ODEON_OK : kernels->enqueue(context->queue, run, &a, sizeof a);
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    (void)buffers;
    return launch(self, context, in, NULL, out);
}

static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    (void)buffers;
    (void)out;
    (void)d_t;
    return d_in == NULL ? ODEON_OK : launch(self, context, in, d_out, d_in);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

static const odeon_component remote = {
    .struct_size = sizeof remote,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "swish@remote",
    .summary = "swish in one launch, for tests",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
    .create = swish_create,
    .destroy = swish_destroy,
};
static const odeon_component emulated = {
    .struct_size = sizeof emulated,
    .kind = ODEON_KIND_LAYER,
    .kind_version = ODEON_LAYOUT_LAYER,
    .id = "swish@emulated",
    .summary = "swish in one launch, for tests",
    .version = "1.0",
    .license = "MIT",
    .ops = &ops,
    .create = swish_create,
    .destroy = swish_destroy,
};
static const odeon_component *const components[] = {&remote, &emulated, NULL};

ODEON_PLUGIN_NOTE("layer/swish@remote,layer/swish@emulated");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "swish kernels",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
