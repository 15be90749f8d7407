#include "device/families.h"

#include <stdbool.h>
#include <string.h>

#include "base/diag.h"
#include "device/operators.h"
#include "odeon/device_conv.h"
#include "odeon/device_loss.h"
#include "odeon/device_norm.h"
#include "odeon/device_optimizer.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"
#include "odeon/device_product.h"
#include "odeon/device_random.h"
#include "odeon/device_solver.h"
#include "odeon/odeon.h"

/* ---- operators in the place of a missing family ---- */

static odeon_status lacking(const char *family, const char *name)
{
    return diag_fail(
        ODEON_ERR_UNSUPPORTED,
        "run.device: the device has no operator %s (family %s), and no base to take it "
        "from; choose a device that has it",
        name, family);
}

#define LACKING(family, operator_)                                                                 \
    static odeon_status lacking_##operator_(odeon_queue *queue, const odeon_##operator_ *call)     \
    {                                                                                              \
        (void)queue;                                                                               \
        (void)call;                                                                                \
        return lacking(#family, #operator_);                                                       \
    }
OPERATOR_NEEDED(LACKING)
#undef LACKING

/* The operators that would use the scratch refuse, whatever its size. */
static uint64_t lacking_conv2d_scratch(const odeon_device *device,
                                       const odeon_conv_geometry *geometry, const odeon_shape *x,
                                       const odeon_shape *w)
{
    (void)device;
    (void)geometry;
    (void)x;
    (void)w;
    return 0;
}

static const odeon_move_family lacking_move = {
    .struct_size = sizeof lacking_move,
    .copy = lacking_copy,
    .cast = lacking_cast,
    .gather = lacking_gather,
    .fill = lacking_fill,
    .copy2d = lacking_copy2d,
    .rows_fill = lacking_rows_fill,
    .rows_sum = lacking_rows_sum,
};
static const odeon_solver_family lacking_solver = {
    .struct_size = sizeof lacking_solver,
    .slots_write = lacking_slots_write,
    .stage_times = lacking_stage_times,
    .lincomb = lacking_lincomb,
    .error_sum = lacking_error_sum,
    .dot = lacking_dot,
    .step_control = lacking_step_control,
    .step_start = lacking_step_start,
    .select = lacking_select,
    .row_store = lacking_row_store,
    .row_load = lacking_row_load,
    .step_back = lacking_step_back,
};
static const odeon_pointwise_family lacking_pointwise = {
    .struct_size = sizeof lacking_pointwise,
    .unary = lacking_unary,
    .unary_vjp = lacking_unary_vjp,
    .binary = lacking_binary,
    .power = lacking_power,
};
static const odeon_product_family lacking_product = {
    .struct_size = sizeof lacking_product,
    .gemm = lacking_gemm,
    .channel_sum = lacking_channel_sum,
};
static const odeon_conv_family lacking_conv = {
    .struct_size = sizeof lacking_conv,
    .conv2d_scratch = lacking_conv2d_scratch,
    .conv2d = lacking_conv2d,
    .conv2d_vjp_x = lacking_conv2d_vjp_x,
    .conv2d_vjp_w = lacking_conv2d_vjp_w,
};
static const odeon_pool_family lacking_pool = {
    .struct_size = sizeof lacking_pool,
    .pool2d = lacking_pool2d,
    .pool2d_vjp = lacking_pool2d_vjp,
};
static const odeon_norm_family lacking_norm = {
    .struct_size = sizeof lacking_norm,
    .group_norm = lacking_group_norm,
    .group_norm_vjp = lacking_group_norm_vjp,
    .channel_moment = lacking_channel_moment,
    .batch_norm = lacking_batch_norm,
    .batch_norm_vjp_sums = lacking_batch_norm_vjp_sums,
    .batch_norm_vjp = lacking_batch_norm_vjp,
};
static const odeon_random_family lacking_random = {
    .struct_size = sizeof lacking_random,
    .dropout = lacking_dropout,
    .window2d = lacking_window2d,
    .window2d_vjp = lacking_window2d_vjp,
};
static const odeon_loss_family lacking_loss = {
    .struct_size = sizeof lacking_loss,
    .softmax_cross_entropy = lacking_softmax_cross_entropy,
    .difference_loss = lacking_difference_loss,
};
static const odeon_optimizer_family lacking_optimizer = {
    .struct_size = sizeof lacking_optimizer,
    .sgd_step = lacking_sgd_step,
    .adam_step = lacking_adam_step,
    .rmsprop_step = lacking_rmsprop_step,
};

/* ---- the families ---- */

typedef struct family {
    const char *name, *id;
    size_t bytes;        /* of the host's own table: flags, then one pointer a slot */
    size_t at;           /* of the pointer in odeon_device */
    const void *lacking; /* what is NULL in it is optional, and behind all that is not */
} family;

#define FAMILY(name, header)                                                                       \
    {#name, ODEON_FAMILY(name), sizeof(odeon_##name##_family), offsetof(odeon_device, name),       \
     &lacking_##name},
static const family all[] = {ODEON_FAMILY_LIST(FAMILY)};
#undef FAMILY

enum { FAMILIES = sizeof all / sizeof all[0], SLOT_BYTES = sizeof(void (*)(void)) };

/* What every table of a family starts with. */
typedef struct family_head {
    uint32_t struct_size, flags;
} family_head;

/* A table has nothing behind its head but pointers, so that all can be looked at alike. */
static bool has_slot(const void *table, size_t at)
{
    void (*slot)(void);
    memcpy(&slot, (const char *)table + at, sizeof slot);
    return slot != NULL;
}

/* Up to the last slot that every table of the family has. */
static size_t needed_bytes(const family *f)
{
    size_t end = f->bytes;
    while (!has_slot(f->lacking, end - SLOT_BYTES)) {
        end -= SLOT_BYTES;
    }
    return end;
}

static odeon_status check(const odeon_device *device, const family *f, const void *table)
{
    const family_head *head = table;
    size_t needed = needed_bytes(f);
    if (head->struct_size < needed) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "device %s: its family %s has %u bytes, expected at least %zu: build the "
                         "plugin again",
                         device->id, f->name, (unsigned)head->struct_size, needed);
    }
    if (head->flags != 0) {
        return diag_fail(ODEON_ERR_PLUGIN, "device %s: its family %s has unknown flags 0x%x",
                         device->id, f->name, (unsigned)head->flags);
    }
    for (size_t at = sizeof *head; at < needed; at += SLOT_BYTES) {
        if (!has_slot(table, at)) {
            return diag_fail(
                ODEON_ERR_PLUGIN,
                "device %s: its family %s leaves operator %zu empty; a family is given "
                "as a whole",
                device->id, f->name, (at - sizeof *head) / SLOT_BYTES + 1);
        }
    }
    return ODEON_OK;
}

odeon_status families_resolve(odeon_device *device, family_source own, const void *own_context,
                              family_source base, const void *base_context)
{
    for (size_t i = 0; i < FAMILIES; i++) {
        const family *f = &all[i];
        const void *table = own(own_context, f->id);
        if (table != NULL) {
            ODEON_TRY(check(device, f, table));
        } else if (base != NULL) {
            table = base(base_context, f->id);
        }
        table = table != NULL ? table : f->lacking;
        memcpy((char *)device + f->at, &table, sizeof table);
    }
    return ODEON_OK;
}

const char *families_missing(const odeon_device *device)
{
    for (size_t i = 0; i < FAMILIES; i++) {
        const void *table;
        memcpy(&table, (const char *)device + all[i].at, sizeof table);
        if (table == all[i].lacking) {
            return all[i].name;
        }
    }
    return NULL;
}
