#include "layer_harness.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/registry.h"

static void require(odeon_status status, const char *what)
{
    if (status != ODEON_OK) {
        fail_msg("%s: %s: %s", what, status_text(status), diag_message());
    }
}

static odeon_tensor new_tensor(support_device *device, int32_t dtype, const odeon_tensor *shape)
{
    return support_upload_as(device, dtype, NULL, shape->ndim, shape->dim);
}

static void *new_memory(support_device *device, uint64_t bytes)
{
    void *memory = NULL;
    require(device->device.ops->alloc(device->device.self, bytes, &memory), "alloc");
    return memory;
}

/* All bits set: NaN in both floating-point formats. */
static void spoil(support_device *device, void *memory, uint64_t bytes)
{
    void *bits = mem_alloc((size_t)bytes);
    assert_non_null(bits);
    memset(bits, 0xff, (size_t)bytes);
    require(device->device.ops->upload(device->queue, memory, bits, bytes), "upload");
    mem_free(bits);
}

void layer_harness_set(layer_harness *h, const odeon_tensor *x, const double *values)
{
    int64_t n = odeon_count(x);
    uint64_t bytes = (uint64_t)(n * odeon_dtype_bytes(x->dtype));
    if (values == NULL) {
        spoil(h->device, x->data, bytes);
        return;
    }
    float *narrow = mem_alloc((size_t)bytes);
    assert_non_null(narrow);
    for (int64_t i = 0; i < n && x->dtype == ODEON_DTYPE_F32; i++) {
        narrow[i] = (float)values[i];
    }
    const void *source = x->dtype == ODEON_DTYPE_F32 ? (const void *)narrow : values;
    require(h->device->device.ops->upload(h->device->queue, x->data, source, bytes), "upload");
    mem_free(narrow);
}

void layer_harness_randomize(layer_harness *h, const odeon_tensor *x, uint64_t seed, double scale)
{
    int64_t n = odeon_count(x);
    double *values = mem_zalloc((size_t)n, sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < n; i++) {
        values[i] = scale * support_random(seed, (uint64_t)i);
    }
    layer_harness_set(h, x, values);
    mem_free(values);
}

static void zero(layer_harness *h, const odeon_tensor *x)
{
    layer_harness_randomize(h, x, 0, 0.0);
}

static void open_params(layer_harness *h)
{
    for (int32_t i = 0; h->ops->param != NULL && i < LAYER_HARNESS_PARAMS; i++) {
        odeon_param *info = &h->info[i];
        info->struct_size = sizeof *info;
        require(h->ops->param(h->layer->self, &h->in, i, info), "param");
        if (info->struct_size == 0) {
            break;
        }
        h->param[i] = new_tensor(h->device, h->device->dtype, &info->shape);
        h->grad[i] = new_tensor(h->device, h->device->dtype, &info->shape);
        layer_harness_set(h, &h->param[i], NULL);
        zero(h, &h->grad[i]);
        if (info->role == ODEON_PARAM_STATE) {
            require(h->device->device.ops->fill(h->device->queue, &h->param[i],
                                                odeon_imm(info->init_a), NULL),
                    "fill");
            h->n_states++;
        } else {
            h->n_params++;
        }
    }
}

layer_harness layer_harness_open(registry *r, support_device *device, const char *expression,
                                 int32_t ndim, const int64_t *dim, int64_t n_t)
{
    layer_harness h = {.device = device, .flags = ODEON_CALL_TRAIN, .n_global = dim[0]};
    h.layer = support_instance(r, ODEON_KIND_LAYER, expression, 0, 0);
    h.ops = h.layer->component->ops;
    h.in = support_upload(device, NULL, ndim, dim);
    h.d_in = support_upload(device, NULL, ndim, dim);
    odeon_tensor shape = h.in;
    shape.data = NULL;
    h.plan.struct_size = sizeof h.plan;
    diag_clear();
    require(h.ops->plan(h.layer->self, &device->device, &shape, ODEON_CALL_TRAIN, &h.plan),
            expression);
    h.out = new_tensor(device, h.plan.out.dtype, &h.plan.out);
    h.d_out = new_tensor(device, h.plan.out.dtype, &h.plan.out);
    h.tape = new_memory(device, h.plan.tape_bytes);
    h.scratch = new_memory(device, h.plan.scratch_bytes);
    open_params(&h);
    if (n_t != LAYER_NO_TIME) {
        h.t = support_upload_as(device, ODEON_DTYPE_F64, NULL, 1, &n_t);
        h.d_t = support_upload_as(device, ODEON_DTYPE_F64, NULL, 1, &n_t);
        zero(&h, &h.d_t);
    }
    return h;
}

void layer_harness_close(layer_harness *h)
{
    odeon_tensor *all[] = {&h->in, &h->out, &h->d_out, &h->d_in};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        support_release(h->device, all[i]);
    }
    for (int32_t i = 0; i < h->n_params + h->n_states; i++) {
        support_release(h->device, &h->param[i]);
        support_release(h->device, &h->grad[i]);
    }
    support_release(h->device, &h->t); /* NULL is allowed */
    support_release(h->device, &h->d_t);
    h->device->device.ops->free(h->device->device.self, h->tape);
    h->device->device.ops->free(h->device->device.self, h->scratch);
    instance_destroy(h->layer);
}

/* What a worker by itself meets. */
static odeon_status sum_alone(void *self, odeon_queue *queue, const odeon_tensor *x,
                              odeon_status mine)
{
    (void)self;
    (void)queue;
    (void)x;
    return mine;
}

static const odeon_group alone = {.struct_size = sizeof alone, .size = 1, .sum = sum_alone};

static odeon_context context_of(const layer_harness *h, int32_t epilogue_act)
{
    return (odeon_context){.struct_size = sizeof(odeon_context),
                           .flags = h->flags,
                           .queue = h->device->queue,
                           .device = &h->device->device,
                           .group = &alone,
                           .t = h->t.data != NULL ? &h->t : NULL,
                           .rng_key = h->rng_key,
                           .first_sample = h->first_sample,
                           .n_global = h->n_global,
                           .epilogue_act = epilogue_act};
}

odeon_status layer_harness_forward(layer_harness *h, int32_t what, int32_t epilogue_act)
{
    layer_harness_set(h, &h->out, NULL);
    spoil(h->device, h->tape, h->plan.tape_bytes);
    spoil(h->device, h->scratch, h->plan.scratch_bytes);
    odeon_context context = context_of(h, epilogue_act);
    odeon_buffers buffers = {.struct_size = sizeof buffers,
                             .param = h->param,
                             .state = h->param + h->n_params,
                             .tape = (what & LAYER_KEEP) != 0 ? h->tape : NULL,
                             .scratch = h->scratch};
    return h->ops->forward(h->layer->self, &context, &buffers, &h->in, &h->out);
}

odeon_status layer_harness_vjp(layer_harness *h, int32_t what)
{
    layer_harness_set(h, &h->d_in, NULL);
    spoil(h->device, h->scratch, h->plan.scratch_bytes);
    odeon_context context = context_of(h, ODEON_UNARY_IDENTITY);
    odeon_buffers buffers = {.struct_size = sizeof buffers,
                             .param = h->param,
                             .state = h->param + h->n_params,
                             .grad = (what & LAYER_GRAD) != 0 ? h->grad : NULL,
                             .tape = h->tape,
                             .scratch = h->scratch};
    return h->ops->vjp(h->layer->self, &context, &buffers,
                       (h->plan.flags & ODEON_LAYER_NEEDS_IN) != 0 ? &h->in : NULL,
                       (h->plan.flags & ODEON_LAYER_NEEDS_OUT) != 0 ? &h->out : NULL, &h->d_out,
                       (what & LAYER_D_IN) != 0 ? &h->d_in : NULL,
                       (what & LAYER_D_T) != 0 && h->t.data != NULL ? &h->d_t : NULL);
}
