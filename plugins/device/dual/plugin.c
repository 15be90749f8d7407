/* dual: every number with its derivative along one direction, computed by another device. */
#include "odeon/plugin.h"
#include "../common/tables.h"
#include "dual.h"
#include "odeon/device_conv.h"
#include "odeon/device_loss.h"
#include "odeon/device_norm.h"
#include "odeon/device_optimizer.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"
#include "odeon/device_product.h"
#include "odeon/device_random.h"
#include "odeon/device_solver.h"

#include <string.h>

static const odeon_option *const options[] = {
    ODEON_OPTION_AS(dual_device, base_text, STRING, "base", .default_text = "cpu",
                    .help = "the device that computes, with its options"),
    ODEON_OPTION_AS(dual_device, arena_mib, I64, "arena", .default_text = "0", .min_text = "0",
                    .max_text = "1048576", .unit = "MiB",
                    .help = "memory for values, and as much for tangents; 0: of the host's memory "
                            "what is needed, of a device's own 256"),
    ODEON_OPTION(dual_device, optional, FLAG, .default_text = "yes",
                 .help = "whether the base's optional operators are used; else compositions of "
                         "others, which is slower, and for tests"),
    NULL};

static odeon_status init(void *self)
{
    return dual_arena_init(self);
}

static void fini(void *self)
{
    dual_arena_fini(self);
}

static const char *base(void *self)
{
    const dual_device *d = self;
    return d->base_text;
}

static odeon_status attach(void *self, const odeon_device *of)
{
    dual_device *d = self;
    d->base = of;
    d->poison = of->get_table(of, ODEON_DEVICE_POISON);
    return ODEON_OK;
}

static odeon_status probe(void *self)
{
    const dual_device *d = self;
    return d->base->ops->probe(d->base->self);
}

static odeon_status describe(void *self, char *text, uint64_t bytes)
{
    const dual_device *d = self;
    int n = snprintf(text, bytes, "dual numbers over %s: ", d->base->id);
    uint64_t used = n > 0 ? (uint64_t)n : 0;
    return used + 1 < bytes ? d->base->ops->describe(d->base->self, text + used, bytes - used)
                            : ODEON_OK;
}

static const void *get_table(void *self, const char *id)
{
    static const device_table tables[] = {
        {ODEON_FAMILY(move), &dual_move},           {ODEON_FAMILY(solver), &dual_solver},
        {ODEON_FAMILY(pointwise), &dual_pointwise}, {ODEON_FAMILY(loss), &dual_loss},
        {ODEON_FAMILY(conv), &dual_conv},           {ODEON_FAMILY(pool), &dual_pool},
        {ODEON_DEVICE_DUAL, &dual_services},        {ODEON_FAMILY(random), &dual_random},
        {ODEON_FAMILY(optimizer), &dual_optimizer},
    };
    const dual_device *d = self;
    if (strcmp(id, ODEON_FAMILY(product)) == 0) {
        return dual_product_of(d->base);
    }
    if (strcmp(id, ODEON_FAMILY(norm)) == 0) {
        return dual_norm_of(d->base);
    }
    if (strcmp(id, ODEON_DEVICE_POISON) == 0) {
        return d->poison != NULL ? &dual_poison : NULL;
    }
    return device_table_find(tables, sizeof tables / sizeof *tables, id);
}

/* Memory is private, since writing to it by its address would leave old tangents beside it. */
static const odeon_device_ops ops = {
    .struct_size = sizeof(odeon_device_ops),
    .rank = -1,
    .device_type = ODEON_ON_PRIVATE,
    .base = base,
    .attach = attach,
    .probe = probe,
    .describe = describe,
    .queue_create = dual_queue_create,
    .queue_destroy = dual_queue_destroy,
    .alloc = dual_alloc,
    .free = dual_free,
    .upload = dual_upload,
    .download = dual_download,
    .wait = dual_wait,
    .slots_read = dual_slots_read,
    .get_table = get_table,
};

ODEON_PLUGIN_OPTIONS(DEVICE, "dual", &ops,
                     "every number with its derivative along a direction, over another device",
                     NULL, NULL, dual_device, options, init, fini);
