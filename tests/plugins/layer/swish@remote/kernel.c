/* The kernels of layer swish (tests/third_party/swish) for the devices made for tests, both in this
 * plugin; a link gives it the second one's name. */
#include "../../../third_party/swish/element.h"
#include "../../../third_party/swish/instance.h"
#include "../../device/common/host_kernels.h"

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->flags = ODEON_LAYER_NEEDS_IN;
    plan->out = plan->in;
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

/* dy NULL: forward. */
static odeon_status launch(const swish *layer, const odeon_layer_call *call, const odeon_view *dy,
                           const odeon_tensor *y)
{
    const odeon_view *x = call->in;
    const host_kernels *kernels = call->device->get_table(call->device, HOST_KERNELS);
    const arguments a = {.beta = layer->beta,
                         .n = odeon_count(&x->shape),
                         .x = odeon_read(x),
                         .dy = dy != NULL ? odeon_read(dy) : NULL,
                         .y = odeon_write(y),
                         .is_f64 = x->shape.dtype == ODEON_DTYPE_F64};
    if (kernels == NULL) {
        return odeon_fail(layer->host, ODEON_ERR_UNSUPPORTED, "swish: the device lacks its words");
    }
    return a.n == 0 ? ODEON_OK : kernels->enqueue(call->queue, run, &a, sizeof a);
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    return launch(self, call, NULL, call->out);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    return call->d_in == NULL ? ODEON_OK : launch(self, call, call->d_out, call->d_in);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

#define KERNEL(object, id)                                                                         \
    ODEON_COMPONENT(object, LAYER, id, &ops, "swish in one launch, for tests", NULL, NULL, NULL,   \
                    ODEON_INSTANCE_BYTES(swish), NULL, NULL)
KERNEL(remote, "swish@remote");
KERNEL(emulated, "swish@emulated");

ODEON_PLUGIN_OF("swish kernels", "layer/swish@remote,layer/swish@emulated", &remote, &emulated);
