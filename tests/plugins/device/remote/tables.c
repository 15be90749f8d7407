/* The operators of all families, each of which is left to stream_operator, and what the device
 * gives by id. */
#include "common/tables.h"
#include "../common/host_kernels.h"
#include "cpu.h"
#include "odeon/device_conv.h"
#include "odeon/device_ext.h"
#include "odeon/device_loss.h"
#include "odeon/device_norm.h"
#include "odeon/device_optimizer.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"
#include "odeon/device_product.h"
#include "odeon/device_random.h"
#include "odeon/device_solver.h"
#include "stream.h"

#define ASK(family, name, ...)                                                                     \
    static odeon_status ask_##name(odeon_queue *queue, const odeon_##name *call)                   \
    {                                                                                              \
        return stream_operator(queue, OPERATOR_##name, call);                                      \
    }
ALL_OPERATORS(ASK)

static uint64_t conv2d_scratch(const odeon_device *device, const odeon_conv_geometry *geometry,
                               const odeon_shape *x, const odeon_shape *w)
{
    const stream_device *d = device->handle;
    return remote_conv2d_scratch(&d->remote, geometry, x, w);
}

static uint64_t conv2d_fused_scratch(const odeon_device *device,
                                     const odeon_conv_geometry *geometry, const odeon_shape *x,
                                     const odeon_shape *w)
{
    const stream_device *d = device->handle;
    return remote_conv2d_fused_scratch(&d->remote, geometry, x, w);
}

static uint64_t dense_vjp_scratch(const odeon_device *device, const odeon_shape *x,
                                  const odeon_shape *w)
{
    const stream_device *d = device->handle;
    return remote_dense_vjp_scratch(&d->remote, x, w);
}

#define SLOT(family, name, ...) .name = ask_##name,
static const odeon_move_family move_family = {.struct_size = sizeof(odeon_move_family),
                                              MOVE_OPERATORS(SLOT)};
static const odeon_solver_family solver_family = {.struct_size = sizeof(odeon_solver_family),
                                                  SOLVER_OPERATORS(SLOT)};
static const odeon_pointwise_family pointwise_family = {
    .struct_size = sizeof(odeon_pointwise_family), POINTWISE_OPERATORS(SLOT)};
static const odeon_product_family product_family = {.struct_size = sizeof(odeon_product_family),
                                                    .dense_vjp_scratch = dense_vjp_scratch,
                                                    PRODUCT_OPERATORS(SLOT)};
static const odeon_conv_family conv_family = {.struct_size = sizeof(odeon_conv_family),
                                              .conv2d_scratch = conv2d_scratch,
                                              .conv2d_fused_scratch = conv2d_fused_scratch,
                                              CONV_OPERATORS(SLOT)};
static const odeon_pool_family pool_family = {.struct_size = sizeof(odeon_pool_family),
                                              POOL_OPERATORS(SLOT)};
static const odeon_norm_family norm_family = {.struct_size = sizeof(odeon_norm_family),
                                              NORM_OPERATORS(SLOT)};
static const odeon_random_family random_family = {.struct_size = sizeof(odeon_random_family),
                                                  RANDOM_OPERATORS(SLOT)};
static const odeon_loss_family loss_family = {.struct_size = sizeof(odeon_loss_family),
                                              LOSS_OPERATORS(SLOT)};
static const odeon_optimizer_family optimizer_family = {
    .struct_size = sizeof(odeon_optimizer_family), OPTIMIZER_OPERATORS(SLOT)};

const void *stream_table(void *self, const char *id)
{
#define FAMILY(name, header) {ODEON_FAMILY(name), &name##_family},
    const stream_device *d = self;
    const device_table tables[] = {
        ODEON_FAMILY_LIST(FAMILY){ODEON_DEVICE_COUNTERS, &stream_counters},
        {ODEON_DEVICE_CAPTURE, d->loops ? &stream_capture : &stream_capture_without_loops},
        {ODEON_DEVICE_PINNED, &stream_pinned},
        {ODEON_DEVICE_MEMORY, &stream_memory},
        {ODEON_DEVICE_POISON, &stream_poison},
        {HOST_KERNELS, &stream_kernels},
    };
    return device_table_find(tables, sizeof tables / sizeof tables[0], id);
}
