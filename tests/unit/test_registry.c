#include "support.h"

#include "diag.h"

typedef struct visited {
    registry *r;
    int n;
} visited;

static void load_and_count(int32_t kind, const char *id, const char *file, void *context)
{
    visited *v = context;
    const odeon_component *c = NULL;
    diag_clear();
    if (registry_find(v->r, kind, id, &c) != ODEON_OK) {
        fail_msg("%s: %s", file, diag_message());
    }
    v->n++;
}

static void test_every_plugin_of_the_build_loads(void **state)
{
    (void)state;
    static const char *const paths[] = {ODEON_BUILD "/plugins"};
    visited v = {0};
    assert_int_equal(registry_create(1, paths, &v.r), ODEON_OK);
    assert_int_equal(registry_scan(v.r, load_and_count, &v), ODEON_OK);
    assert_true(v.n >= 20);
    assert_int_equal(registry_plugin_count(v.r), v.n);
    registry_destroy(v.r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_plugin_of_the_build_loads)};
    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
