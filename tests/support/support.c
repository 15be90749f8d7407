#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "option/schema.h"
#include "plugin/component.h"
#include "plugin/instance.h"
#include "plugin/registry.h"
#include "session/services.h"

registry *support_registry(void)
{
    static const char *const paths[] = {ODEON_TEST_PLUGINS, ODEON_BUILD "/plugins"};
    registry *r = NULL;
    if (registry_create(2, paths, &r) != ODEON_OK) {
        fail_msg("registry: %s", diag_message());
    }
    registry_offer(r, session_services);
    return r;
}

const odeon_host *support_host(void)
{
    static char path[] = "";
    static instance plugin = {.path = path};
    instance_host(&plugin);
    diag_clear();
    return &plugin.host;
}

instance *support_instance(registry *r, int32_t kind, const char *expression, int64_t state,
                           int64_t classes)
{
    location where = {.file = "test"};
    odeon_config *config = NULL;
    odeon_status status =
        component_read(r, kind, expression, where, "test", ODEON_SOURCE, 0, NULL, &config);
    if (status == ODEON_OK && (state != 0 || classes != 0)) {
        status = schema_bind_sizes(config, state, classes);
    }
    instance *x = NULL;
    if (status == ODEON_OK) {
        status = instance_take(config, "test", &x);
    } else {
        schema_destroy(config);
    }
    if (status != ODEON_OK) {
        fail_msg("%s: %s", expression, diag_message());
    }
    return x;
}

double support_distance(int64_t n, const double *a, const double *b)
{
    double difference = 0.0, size = 0.0;
    for (int64_t i = 0; i < n; i++) {
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        size += b[i] * b[i];
    }
    return size > 0.0 ? sqrt(difference / size) : sqrt(difference);
}

/* The element that differs most; one that is no number comes first. */
static int64_t worst_element(int64_t n, const double *a, const double *b)
{
    int64_t worst = 0;
    double largest = -1.0;
    for (int64_t i = 0; i < n; i++) {
        double difference = fabs(a[i] - b[i]);
        if (isnan(difference)) {
            return i;
        }
        if (difference > largest) {
            largest = difference;
            worst = i;
        }
    }
    return worst;
}

void support_assert_close(const char *what, int64_t n, const double *a, const double *b,
                          double relative)
{
    double distance = support_distance(n, a, b);
    if (!(distance <= relative)) { /* written so that NaN fails */
        int64_t i = worst_element(n, a, b);
        fail_msg("%s: distance %.3g, allowed %.3g; worst at %lld: %.17g, expected %.17g", what,
                 distance, relative, (long long)i, a[i], b[i]);
    }
}

safetensors *support_fixture(const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/tests/parity/%s", ODEON_SOURCE, name);
    safetensors *file = NULL;
    if (safetensors_read(path, &file) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return file;
}

double *support_tensor(const safetensors *file, const char *name, int64_t *n)
{
    const safetensors_entry *entry = safetensors_find(file, name);
    if (entry == NULL) {
        fail_msg("the fixture has no tensor '%s'", name);
    }
    int64_t count = safetensors_elements(entry);
    double *values = mem_alloc((size_t)count * sizeof *values);
    assert_non_null(values);
    if (safetensors_as_f64(entry, values) != ODEON_OK) {
        fail_msg("%s: %s", name, diag_message());
    }
    if (n != NULL) {
        *n = count;
    }
    return values;
}

double support_random(uint64_t seed, uint64_t index)
{
    /* splitmix64: Steele, Lea, Flood, Fast splittable pseudorandom number generators, 2014 */
    uint64_t z = (seed + 1) * 0x9e3779b97f4a7c15u + (index + 1) * 0xd1342543de82ef95u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1p-52 - 1.0;
}

void support_not_covered(const char *what)
{
    print_message("not covered: %s\n", what);
    skip();
}

/* Whatever a test has made must be gone with it: what is left at the end was lost. */
__attribute__((destructor)) static void find_losses(void)
{
    if (mem_live_blocks() != 0) {
        (void)fprintf(stderr, "%lld blocks of memory are left at the end\n",
                      (long long)mem_live_blocks());
        _exit(1);
    }
}
