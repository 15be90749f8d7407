#include "layer_harness.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "plugin/registry.h"

static void require(odeon_status status, const char *what)
{
    if (status != ODEON_OK) {
        fail_msg("%s: %s: %s", what, status_text(status), diag_message());
    }
}

static odeon_tensor new_tensor(support_device *device, uint32_t dtype, const odeon_shape *shape)
{
    return support_upload_as(device, dtype, NULL, shape->ndim, shape->dim);
}

static void *new_memory(support_device *device, uint64_t bytes)
{
    void *memory = NULL;
    require(device->device->ops->alloc(device->device->handle, bytes, &memory), "alloc");
    return memory;
}

/* All bits set: NaN in both floating-point formats. */
static void spoil(support_device *device, void *memory, uint64_t bytes)
{
    void *bits = mem_alloc((size_t)bytes);
    assert_non_null(bits);
    memset(bits, 0xff, (size_t)bytes);
    require(device->device->ops->upload(device->queue, memory, bits, bytes), "upload");
    mem_free(bits);
}

void layer_harness_set(layer_harness *h, const odeon_tensor *x, const double *values)
{
    int64_t n = odeon_count(&x->view.shape);
    uint64_t bytes = (uint64_t)odeon_bytes(&x->view.shape);
    if (values == NULL) {
        spoil(h->device, odeon_write(x), bytes);
        return;
    }
    float *narrow = mem_alloc((size_t)bytes);
    assert_non_null(narrow);
    for (int64_t i = 0; i < n && x->view.shape.dtype == ODEON_DTYPE_F32; i++) {
        narrow[i] = (float)values[i];
    }
    const void *source = x->view.shape.dtype == ODEON_DTYPE_F32 ? (const void *)narrow : values;
    require(h->device->device->ops->upload(h->device->queue, odeon_write(x), source, bytes),
            "upload");
    mem_free(narrow);
}

void layer_harness_randomize(layer_harness *h, const odeon_tensor *x, uint64_t seed, double scale)
{
    int64_t n = odeon_count(&x->view.shape);
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
        require(h->ops->param(h->layer->self, &h->in.view.shape, i, info), "param");
        if (info->name == NULL) {
            break;
        }
        h->param[i] = new_tensor(h->device, h->device->dtype, &info->shape);
        h->values[i] = h->param[i].view;
        h->grad[i] = new_tensor(h->device, h->device->dtype, &info->shape);
        layer_harness_set(h, &h->param[i], NULL);
        zero(h, &h->grad[i]);
        if (info->role == ODEON_PARAM_STATE) {
            require(ODEON_DO(h->device->device, move, fill, h->device->queue, .y = &h->param[i],
                             .value = odeon_imm(info->init_a)),
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
    h.plan = (odeon_layer_plan){.struct_size = sizeof h.plan,
                                .call_flags = ODEON_CALL_TRAIN,
                                .device = device->device,
                                .in = h.in.view.shape};
    diag_clear();
    require(h.ops->plan(h.layer->self, &h.plan), expression);
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
    h->device->device->ops->free(h->device->device->handle, h->tape);
    h->device->device->ops->free(h->device->device->handle, h->scratch);
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

static const odeon_view *field_of(const odeon_layer_call *call, int32_t role)
{
    const layer_harness *h = call->host;
    return role >= 0 && role < LAYER_HARNESS_ROLES ? h->fields[role] : NULL;
}

static odeon_layer_call call_of(const layer_harness *h)
{
    return (odeon_layer_call){.struct_size = sizeof(odeon_layer_call),
                              .flags = h->flags,
                              .device = h->device->device,
                              .queue = h->device->queue,
                              .group = h->group != NULL ? h->group : &alone,
                              .t = h->t.view.data != NULL ? &h->t.view : NULL,
                              .param = h->values,
                              .state = h->param + h->n_params,
                              .scratch = h->scratch,
                              .batch_field = field_of,
                              .host = h,
                              .rng_key = h->rng_key,
                              .first_sample = h->first_sample,
                              .n_global = h->n_global};
}

odeon_status layer_harness_forward(layer_harness *h, int32_t what, int32_t act)
{
    layer_harness_set(h, &h->out, NULL);
    spoil(h->device, h->tape, h->plan.tape_bytes);
    spoil(h->device, h->scratch, h->plan.scratch_bytes);
    odeon_layer_call call = call_of(h);
    call.in = &h->in.view;
    call.out = &h->out;
    call.tape = (what & LAYER_KEEP) != 0 ? h->tape : NULL;
    call.act = act;
    return h->ops->forward(h->layer->self, &call);
}

odeon_status layer_harness_vjp(layer_harness *h, int32_t what)
{
    layer_harness_set(h, &h->d_in, NULL);
    spoil(h->device, h->scratch, h->plan.scratch_bytes);
    odeon_layer_call call = call_of(h);
    call.in = (h->plan.flags & ODEON_LAYER_NEEDS_IN) != 0 ? &h->in.view : NULL;
    call.out = (h->plan.flags & ODEON_LAYER_NEEDS_OUT) != 0 ? &h->out : NULL;
    call.d_out = &h->d_out.view;
    call.d_in = (what & LAYER_D_IN) != 0 ? &h->d_in : NULL;
    call.d_t = (what & LAYER_D_T) != 0 && h->t.view.data != NULL ? &h->d_t : NULL;
    call.grad = (what & LAYER_GRAD) != 0 ? h->grad : NULL;
    call.tape = h->tape;
    return h->ops->vjp(h->layer->self, &call);
}
