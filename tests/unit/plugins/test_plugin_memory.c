/* Making an instance without memory fails as it should, whichever allocation it is that fails. */
#include "support.h"

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "option/schema.h"
#include "plugin/component.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

static const struct {
    int32_t kind;
    const char *expression;
} cases[] = {
    {ODEON_KIND_LAYER, "dense(units=3)"},
    {ODEON_KIND_LAYER, "conv2d(filters=3, kernel=3)"},
    {ODEON_KIND_LAYER, "groupnorm"},
    {ODEON_KIND_LAYER, "avgpool(kernel=2)"},
    {ODEON_KIND_LAYER, "concat_time"},
    {ODEON_KIND_LAYER, "relu"},
    {ODEON_KIND_LAYER, "maxpool(kernel=2)"},
    {ODEON_KIND_LAYER, "globalavgpool"},
    {ODEON_KIND_LAYER, "dropout"},
    {ODEON_KIND_LAYER, "scale"},
    {ODEON_KIND_LAYER, "random_crop(size=3)"},
    {ODEON_KIND_LAYER, "horizontal_flip"},
    {ODEON_KIND_OPTIMIZER, "rmsprop"},
    {ODEON_KIND_LOSS, "mse"},
    {ODEON_KIND_LOSS, "smooth_l1"},
    {ODEON_KIND_LOSS, "penalty(of=a b)"},
    {ODEON_KIND_LOSS, "cross_entropy"},
    {ODEON_KIND_SCHEDULE, "constant"},
    {ODEON_KIND_SCHEDULE, "steps(at=1)"},
    {ODEON_KIND_SCHEDULE, "cosine"},
    {ODEON_KIND_OPTIMIZER, "sgd(lr=0.1)"},
    {ODEON_KIND_OPTIMIZER, "adam"},
    {ODEON_KIND_INTEGRATOR, "adams_bashforth"},
};
enum { N_CASES = sizeof cases / sizeof cases[0], MOST_ALLOCATIONS = 100 };

static void test_create_reports_every_allocation_that_fails(void **state)
{
    (void)state;
    registry *plugins = support_registry();
    for (size_t i = 0; i < N_CASES; i++) {
        location where = {.file = "test"};
        odeon_config *config = NULL;
        assert_int_equal(component_read(plugins, cases[i].kind, cases[i].expression, where, "test",
                                        ODEON_SOURCE, 0, NULL, &config),
                         ODEON_OK);
        int64_t live = mem_live_blocks(), failures = 0;
        instance *x = NULL;
        odeon_status status = ODEON_ERR_NOMEM;
        while (status != ODEON_OK && failures < MOST_ALLOCATIONS) {
            diag_clear();
            mem_fail_at(failures + 1);
            status = instance_create(config, "test", &x);
            mem_fail_at(0);
            assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
            assert_true(status == ODEON_OK || (x == NULL && diag_message()[0] != '\0'));
            assert_true(status == ODEON_OK || mem_live_blocks() == live);
            failures += status != ODEON_OK;
        }
        assert_in_range(failures, 2, MOST_ALLOCATIONS - 1); /* the host's and the plugin's own */
        instance_destroy(x);
        schema_destroy(config);
    }
    registry_destroy(plugins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_reports_every_allocation_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
