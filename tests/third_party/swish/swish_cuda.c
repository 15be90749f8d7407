/* swish_cuda.c: layer swish on the device cuda: one launch forward, one backward. */
#include "instance.h"
#include "launch.h"
#include "odeon/cuda.h"

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    (void)self;
    plan->flags = ODEON_LAYER_NEEDS_IN;
    plan->out = plan->in;
    return ODEON_OK;
}

/* The words of the device and the stream of the launch to come. */
static odeon_status begin(const swish *layer, const odeon_layer_call *call,
                          const odeon_device_cuda **cuda, void **stream)
{
    *cuda = call->device->get_table(call->device, ODEON_DEVICE_CUDA);
    if (*cuda == NULL) {
        return odeon_fail(layer->host, ODEON_ERR_UNSUPPORTED,
                          "swish@cuda: the device lacks " ODEON_DEVICE_CUDA);
    }
    return (*cuda)->stream(call->queue, stream);
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    const swish *layer = self;
    const odeon_shape *shape = &call->in->shape;
    const odeon_device_cuda *cuda;
    void *stream;
    if (odeon_count(shape) == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(begin(layer, call, &cuda, &stream));
    return cuda->check(call->queue,
                       swish_launch(stream, shape->dtype == ODEON_DTYPE_F64, layer->beta,
                                    odeon_count(shape), odeon_read(call->in),
                                    odeon_write(call->out)),
                       "swish");
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    const swish *layer = self;
    const odeon_shape *shape = &call->in->shape;
    const odeon_device_cuda *cuda;
    void *stream;
    if (call->d_in == NULL || odeon_count(shape) == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(begin(layer, call, &cuda, &stream));
    return cuda->check(call->queue,
                       swish_launch_vjp(stream, shape->dtype == ODEON_DTYPE_F64, layer->beta,
                                        odeon_count(shape), odeon_read(call->in),
                                        odeon_read(call->d_out), odeon_write(call->d_in)),
                       "swish backward");
}

const odeon_layer_ops swish_cuda_ops = {
    .struct_size = sizeof swish_cuda_ops, .plan = plan, .forward = forward, .vjp = vjp};
