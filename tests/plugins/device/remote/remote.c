#include "remote.h"

#include <assert.h>
#include <string.h>

#include "cpu.h"
#include "odeon/device_conv.h"
#include "odeon/device_solver.h"

/* What the host does for an instance of cpu by itself. */
static odeon_status open_cpu(const odeon_host *host, const remote_options *options, void **out)
{
    *out = NULL;
    cpu_device *cpu = host->alloc(host, sizeof *cpu);
    if (cpu == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "remote: no memory for %zu bytes", sizeof *cpu);
    }
    memset(cpu, 0, sizeof *cpu);
    cpu->host = host;
    cpu->blas = options->blas;
    cpu->simd = options->simd;
    cpu->threads = 1;
    odeon_status status = cpu_init(cpu);
    if (status != ODEON_OK) {
        cpu_fini(cpu);
        host->free(host, cpu);
        return status;
    }
    *out = cpu;
    return ODEON_OK;
}

static void close_cpu(const odeon_host *host, void *cpu)
{
    cpu_fini(cpu);
    host->free(host, cpu);
}

odeon_status remote_open(const odeon_host *host, const remote_options *options,
                         remote_device *device)
{
    device->host = host;
    ODEON_TRY(open_cpu(host, options, &device->cpu));
    odeon_status status = remote_memory_open(host, (uint64_t)options->memory, &device->memory);
    if (status != ODEON_OK) {
        close_cpu(host, device->cpu);
    }
    return status;
}

void remote_close(remote_device *device)
{
    if (device->memory.damaged) {
        device->host->log(device->host, ODEON_LOG_WARNING,
                          "remote: something wrote behind a block");
    }
    remote_memory_close(&device->memory);
    close_cpu(device->host, device->cpu);
}

odeon_status remote_reach(const remote_device *device, const char *name, const void *shown,
                          uint64_t bytes, void **out)
{
    *out = remote_memory_reach(&device->memory, shown, bytes);
    if (*out == NULL) {
        return odeon_fail(device->host, ODEON_ERR_INTERNAL,
                          "remote: %s: %llu bytes at %p are not memory of this device", name,
                          (unsigned long long)bytes, shown);
    }
    if (atomic_load_explicit(&device->memory.damaged, memory_order_relaxed)) {
        return odeon_fail(device->host, ODEON_ERR_INTERNAL,
                          "remote: %s: something before it wrote behind the end of a block", name);
    }
    return ODEON_OK;
}

/* The byte offset stays, and has to lie in the same memory. */
static odeon_status reach_view(const remote_device *device, const char *name, odeon_view *x)
{
    void *at;
    if (odeon_count(&x->shape) == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(remote_reach(device, name, x->data, x->byte_offset + (uint64_t)odeon_bytes(&x->shape),
                           &at));
    x->data = at;
    return ODEON_OK;
}

static odeon_status reach_list(const remote_device *device, const char *name, const void *list,
                               int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        ODEON_TRY(reach_view(device, name, call_address(list, (size_t)i * sizeof(void *))));
    }
    return ODEON_OK;
}

static odeon_status reach_tolerances(const remote_device *device, const char *name,
                                     odeon_control *control)
{
    uint64_t bytes = (uint64_t)control->n_each * sizeof(double);
    void *rtol, *atol;
    if (control->n_each == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(remote_reach(device, name, control->rtol_each, bytes, &rtol));
    ODEON_TRY(remote_reach(device, name, control->atol_each, bytes, &atol));
    control->rtol_each = rtol;
    control->atol_each = atol;
    return ODEON_OK;
}

static odeon_status reach_log(const remote_device *device, const char *name, odeon_control *control)
{
    void *log;
    if (control->log == NULL) {
        return ODEON_OK;
    }
    uint64_t bytes = (uint64_t)control->log_rows * ODEON_LOG_COLUMNS * sizeof(double);
    ODEON_TRY(remote_reach(device, name, control->log, bytes, &log));
    control->log = log;
    return ODEON_OK;
}

/* Does a coefficient of the call name a slot? */
static int32_t names_slot(const call_operator *op, const void *call)
{
    int32_t found = 0;
    for (const call_field *f = op->fields; f->kind != FIELD_END; f++) {
        const odeon_scalar *s = f->kind == FIELD_SCALAR ? (const void *)((const char *)call + f->at)
                                                        : call_address(call, f->at);
        int32_t n = f->kind == FIELD_SCALAR || f->kind == FIELD_SCALARS ? call_count(f, call) : 0;
        for (int32_t i = 0; i < n; i++) {
            found |= s[i].slot >= 0;
        }
    }
    return found;
}

/* Slots that no coefficient names need not be there. */
static odeon_status reach_slots(const remote_device *device, const call_operator *op,
                                const call_field *f, void *call)
{
    void *slots = NULL;
    if (f->kind == FIELD_SLOTS || names_slot(op, call)) {
        ODEON_TRY(remote_reach(device, op->name, call_address(call, f->at),
                               ODEON_SLOTS * sizeof(double), &slots));
    }
    call_set_address(call, f->at, slots);
    return ODEON_OK;
}

static_assert(offsetof(odeon_conv2d, geometry) == offsetof(odeon_conv2d_vjp_x, geometry) &&
                  offsetof(odeon_conv2d, geometry) == offsetof(odeon_conv2d_vjp_w, geometry) &&
                  offsetof(odeon_conv2d, geometry) == offsetof(odeon_conv2d_fused, geometry) &&
                  offsetof(odeon_conv2d, geometry) == offsetof(odeon_conv2d_fused_vjp, geometry),
              "convolutions have their geometry at the same place");

uint64_t remote_conv2d_scratch(const remote_device *device, const odeon_conv_geometry *geometry,
                               const odeon_shape *x, const odeon_shape *w)
{
    const odeon_device behind = {.handle = device->cpu};
    return cpu_conv.conv2d_scratch(&behind, geometry, x, w);
}

uint64_t remote_conv2d_fused_scratch(const remote_device *device,
                                     const odeon_conv_geometry *geometry, const odeon_shape *x,
                                     const odeon_shape *w)
{
    const odeon_device behind = {.handle = device->cpu};
    return cpu_conv.conv2d_fused_scratch(&behind, geometry, x, w);
}

uint64_t remote_dense_vjp_scratch(const remote_device *device, const odeon_shape *x,
                                  const odeon_shape *w)
{
    const odeon_device behind = {.handle = device->cpu};
    return cpu_product.dense_vjp_scratch(&behind, x, w);
}

static uint64_t scratch_of(const remote_device *device, const call_field *f, void *call)
{
    odeon_conv_geometry geometry;
    const odeon_view *x = call_address(call, f->x_at), *w = call_address(call, f->w_at);
    if (f->kind == FIELD_DENSE_SCRATCH) {
        return remote_dense_vjp_scratch(device, &x->shape, &w->shape);
    }
    memcpy(&geometry, (const char *)call + offsetof(odeon_conv2d, geometry), sizeof geometry);
    return f->kind == FIELD_SCRATCH
               ? remote_conv2d_scratch(device, &geometry, &x->shape, &w->shape)
               : remote_conv2d_fused_scratch(device, &geometry, &x->shape, &w->shape);
}

static odeon_status reach_scratch(const remote_device *device, const char *name,
                                  const call_field *f, void *call)
{
    void *scratch = NULL;
    uint64_t bytes = scratch_of(device, f, call);
    if (bytes > 0) {
        ODEON_TRY(remote_reach(device, name, call_address(call, f->at), bytes, &scratch));
    }
    call_set_address(call, f->at, scratch);
    return ODEON_OK;
}

odeon_status remote_reach_call(const remote_device *device, const call_operator *op, void *call)
{
    for (const call_field *f = op->fields; f->kind != FIELD_END; f++) {
        void *at = f->kind != FIELD_SCALAR ? call_address(call, f->at) : NULL;
        odeon_status status = ODEON_OK;
        switch (f->kind) {
        case FIELD_VIEW:
            status = at != NULL ? reach_view(device, op->name, at) : ODEON_OK;
            break;
        case FIELD_LIST:
            status = reach_list(device, op->name, at, call_count(f, call));
            break;
        case FIELD_TOLERANCES:
            status = reach_tolerances(device, op->name, at);
            break;
        case FIELD_LOG:
            status = reach_log(device, op->name, at);
            break;
        case FIELD_SLOTS:
        case FIELD_SLOTS_IF_NAMED:
            status = reach_slots(device, op, f, call);
            break;
        case FIELD_SCRATCH:
        case FIELD_FUSED_SCRATCH:
        case FIELD_DENSE_SCRATCH:
            status = reach_scratch(device, op->name, f, call);
            break;
        default:
            break;
        }
        ODEON_TRY(status);
    }
    return ODEON_OK;
}
