/* mixed: y = x W, with a kernel for the device remote in the same plugin, which keeps a copy of W
 * by prepare and differs from its layer in what the option fault names. */
#include "odeon/device_move.h"
#include "odeon/device_product.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

enum {
    FAULT_NONE,
    FAULT_SHAPE,
    FAULT_DTYPE,
    FAULT_FLAGS,
    FAULT_NO_PARAMETER,
    FAULT_MORE,
    FAULT_NAME,
    FAULT_DIMS,
    FAULT_ROLE,
    FAULT_START,
    FAULT_PLAN,
    FAULT_INIT
};

typedef struct mixed {
    ODEON_INSTANCE;
    int64_t fault;
} mixed;

static const odeon_option *const options[] = {
    ODEON_OPTION(mixed, fault, CHOICE, .default_text = "none",
                 .choices =
                     "none|shape|dtype|flags|no_parameter|more|name|dims|role|start|plan|init",
                 .help = "what the kernel gets wrong"),
    NULL};

static odeon_status init_kernel(void *self)
{
    const mixed *layer = self;
    return layer->fault == FAULT_INIT
               ? odeon_fail(layer->host, ODEON_ERR_DEVICE, "mixed@remote: the GPU has no such unit")
               : ODEON_OK;
}

static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const mixed *layer = self;
    if (plan->in.ndim != 2) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG, "mixed: takes vectors");
    }
    plan->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_LINEAR;
    plan->out = plan->in;
    return ODEON_OK;
}

static odeon_status plan_kernel(void *self, odeon_layer_plan *answer)
{
    const mixed *layer = self;
    ODEON_TRY(plan(self, answer));
    answer->derived_bytes =
        (uint64_t)(answer->in.dim[1] * answer->in.dim[1] * odeon_dtype_bytes(answer->in.dtype));
    switch (layer->fault) {
    case FAULT_SHAPE:
        answer->out.dim[1]++;
        break;
    case FAULT_DTYPE:
        answer->out.dtype = ODEON_DTYPE_I64;
        break;
    case FAULT_FLAGS:
        answer->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_USES_T;
        break;
    case FAULT_PLAN:
        return odeon_fail(layer->host, ODEON_ERR_UNSUPPORTED, "mixed@remote: not this dtype");
    default:
        break;
    }
    return ODEON_OK;
}

static odeon_status param(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    (void)self;
    if (index > 0) {
        return ODEON_OK;
    }
    out->role = ODEON_PARAM_WEIGHT;
    out->name = "weight";
    out->shape = (odeon_shape){.ndim = 2, .dim = {in->dim[1], in->dim[1]}};
    out->init = ODEON_INIT_UNIFORM;
    out->init_a = -0.5;
    out->init_b = 0.5;
    return ODEON_OK;
}

static odeon_status param_kernel(void *self, const odeon_shape *in, int32_t index, odeon_param *out)
{
    const mixed *layer = self;
    ODEON_TRY(param(self, in, layer->fault == FAULT_MORE && index == 1 ? 0 : index, out));
    switch (layer->fault) {
    case FAULT_NO_PARAMETER:
        out->name = NULL;
        break;
    case FAULT_NAME:
        out->name = "weights";
        break;
    case FAULT_DIMS:
        out->shape.dim[0]++;
        break;
    case FAULT_ROLE:
        out->role = ODEON_PARAM_STATE;
        break;
    case FAULT_START:
        out->init_b = 0.25;
        break;
    default:
        break;
    }
    return ODEON_OK;
}

static odeon_status multiply(const odeon_layer_call *call, const odeon_view *w)
{
    return ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = call->in, .b = w,
                    .c = call->out);
}

static odeon_status multiply_back(const odeon_layer_call *call, const odeon_view *w)
{
    if (call->grad != NULL) {
        ODEON_TRY(ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0, .a = call->in,
                           .trans_a = 1, .b = call->d_out, .beta = 1.0, .c = &call->grad[0]));
    }
    return call->d_in == NULL ? ODEON_OK
                              : ODEON_DO(call->device, product, gemm, call->queue, .alpha = 1.0,
                                         .a = call->d_out, .b = w, .trans_b = 1, .c = call->d_in);
}

static odeon_status forward(void *self, const odeon_layer_call *call)
{
    (void)self;
    return multiply(call, &call->param[0]);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    (void)self;
    return multiply_back(call, &call->param[0]);
}

static odeon_tensor copy_of(const odeon_layer_call *call)
{
    return odeon_tensor_at(call->derived, call->param[0].shape);
}

static odeon_status prepare_kernel(void *self, const odeon_layer_call *call)
{
    const odeon_tensor w = copy_of(call);
    (void)self;
    return ODEON_DO(call->device, move, copy, call->queue, .x = &call->param[0], .y = &w);
}

static odeon_status forward_kernel(void *self, const odeon_layer_call *call)
{
    const odeon_tensor w = copy_of(call);
    (void)self;
    return multiply(call, &w.view);
}

static odeon_status vjp_kernel(void *self, const odeon_layer_call *call)
{
    const odeon_tensor w = copy_of(call);
    (void)self;
    return multiply_back(call, &w.view);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .param = param, .forward = forward, .vjp = vjp};

static const odeon_layer_ops kernel_ops = {.struct_size = sizeof kernel_ops,
                                           .plan = plan_kernel,
                                           .param = param_kernel,
                                           .forward = forward_kernel,
                                           .vjp = vjp_kernel,
                                           .prepare = prepare_kernel};

static const odeon_component component = {
    .struct_size = sizeof component,
    .kind = ODEON_KIND_LAYER,
    .interface_version = ODEON_LAYOUT_LAYER,
    .interface = ODEON_INTERFACE_LAYER,
    .id = "mixed",
    .summary = "mixes features by a matrix",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .ops = &ops,
    .instance_bytes = ODEON_INSTANCE_BYTES(mixed),
};
static const odeon_component kernel = {
    .struct_size = sizeof kernel,
    .kind = ODEON_KIND_LAYER,
    .interface_version = ODEON_LAYOUT_LAYER,
    .interface = ODEON_INTERFACE_LAYER,
    .id = "mixed@remote",
    .summary = "the same from a copy of the matrix",
    .version = "1.1",
    .license = "MIT",
    .ops = &kernel_ops,
    .instance_bytes = ODEON_INSTANCE_BYTES(mixed),
    .init = init_kernel,
};
static const odeon_component *const components[] = {&component, &kernel, NULL};

ODEON_PLUGIN_NOTE("layer/mixed,layer/mixed@remote");
const odeon_plugin odeon_plugin_v1 = {
    .magic = ODEON_MAGIC,
    .struct_size = sizeof(odeon_plugin),
    .abi_major = ODEON_ABI_MAJOR,
    .abi_minor = ODEON_ABI_MINOR,
    .name = "mixed",
    .version = "1.0",
    .vendor = "Odeon",
    .components = components,
    .layouts = ODEON_LAYOUTS,
};
