/* small_variant.h: a small run's INI, to be opened under other keys. */
#ifndef ODEON_TESTS_SMALL_VARIANT_H
#define ODEON_TESTS_SMALL_VARIANT_H
#include "small_run.h"
#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "run/variant.h"

/* A small run's INI, opened as variants. */
typedef struct site {
    folder f;
    char *ini;
    registry *r;
    variant_base base;
    variant v; /* as it stands */
} site;

static inline site open_site(void)
{
    site x = {.f = small_run_create("cpu", "direct", 1), .r = support_registry()};
    variant_keys none = {0};
    x.ini = mem_strdup(folder_file(&x.f, "run.ini"));
    x.base = (variant_base){.registry = x.r, .ini = x.ini};
    diag_clear();
    if (variant_open(&x.base, &none, (variant_ways){.over = NULL}, &x.v) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return x;
}

static inline void close_site(site *x)
{
    variant_close(&x->v);
    registry_destroy(x->r);
    mem_free(x->ini);
    folder_remove(&x->f);
}

#endif
