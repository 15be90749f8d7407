/* swish_cuda.c: layer swish on the device cuda: one launch forward, one backward. */
#include "instance.h"
#include "launch.h"
#include "odeon/cuda.h"

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

/* The words of the device and the stream of the launch to come. */
static odeon_status begin(const swish *layer, const odeon_context *context,
                          const odeon_device_cuda **cuda, void **stream)
{
    const odeon_device *device = context->device;
    *cuda = device->ops->get_extension(device->self, ODEON_DEVICE_CUDA);
    if (*cuda == NULL) {
        return odeon_fail(layer->host, ODEON_ERR_UNSUPPORTED,
                          "swish@cuda: the device lacks " ODEON_DEVICE_CUDA);
    }
    return (*cuda)->stream(context->queue, stream);
}

static odeon_status forward(void *self, const odeon_context *context, const odeon_buffers *buffers,
                            const odeon_tensor *in, const odeon_tensor *out)
{
    const swish *layer = self;
    const odeon_device_cuda *cuda;
    void *stream;
    (void)buffers;
    if (odeon_count(in) == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(begin(layer, context, &cuda, &stream));
    return cuda->check(context->queue,
                       swish_launch(stream, in->dtype == ODEON_DTYPE_F64, layer->beta,
                                    odeon_count(in), in->data, out->data),
                       "swish");
}

static odeon_status vjp(void *self, const odeon_context *context, const odeon_buffers *buffers,
                        const odeon_tensor *in, const odeon_tensor *out, const odeon_tensor *d_out,
                        const odeon_tensor *d_in, const odeon_tensor *d_t)
{
    const swish *layer = self;
    const odeon_device_cuda *cuda;
    void *stream;
    (void)buffers;
    (void)out;
    (void)d_t;
    if (d_in == NULL || odeon_count(in) == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(begin(layer, context, &cuda, &stream));
    return cuda->check(context->queue,
                       swish_launch_vjp(stream, in->dtype == ODEON_DTYPE_F64, layer->beta,
                                        odeon_count(in), in->data, d_out->data, d_in->data),
                       "swish backward");
}

const odeon_layer_ops swish_cuda_ops = {
    .struct_size = sizeof swish_cuda_ops, .plan = plan, .forward = forward, .vjp = vjp};
