#include "device/device_auto.h"

#include <limits.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/registry.h"
#include "support.h"

static registry *plugins;

static int open_plugins(void **state)
{
    (void)state;
    plugins = support_registry();
    return 0;
}

static int close_plugins(void **state)
{
    (void)state;
    registry_destroy(plugins);
    return 0;
}

static const device_answer *find(const device_answers *answers, const char *id)
{
    for (size_t i = 0; i < answers->n; i++) {
        if (strcmp(answers->list[i].id, id) == 0) {
            return &answers->list[i];
        }
    }
    return NULL;
}

static void test_device_auto_asks_by_falling_rank(void **state)
{
    (void)state;
    device_answers answers;
    assert_int_equal(device_auto_ask(plugins, true, &answers), ODEON_OK);
    for (size_t i = 0; i < answers.n; i++) {
        assert_non_null(answers.list[i].text);
        assert_true(i == 0 || answers.list[i].rank <= answers.list[i - 1].rank);
    }
    assert_true(find(&answers, "cpu") < find(&answers, "reference"));
    assert_int_equal(find(&answers, "reference")->status, ODEON_OK);
    device_answers_fini(&answers);
}

/* The device of the tests with memory out of reach has rank -1. */
static void test_device_auto_leaves_out_whoever_wants_to_be_named(void **state)
{
    (void)state;
    device_answers answers;
    assert_int_equal(device_auto_ask(plugins, true, &answers), ODEON_OK);
    assert_null(find(&answers, "remote"));
    assert_non_null(find(&answers, "cpu"));
    device_answers_fini(&answers);
}

static void test_device_auto_stops_asking_at_the_first_usable(void **state)
{
    (void)state;
    device_answers answers;
    assert_int_equal(device_auto_ask(plugins, false, &answers), ODEON_OK);
    assert_null(find(&answers, "reference")->text); /* cpu is above it and always usable */
    device_answers_fini(&answers);
}

static void test_device_auto_puts_nothing_to_use(void **state)
{
    (void)state;
    char *id = NULL;
    assert_int_equal(device_auto_choose(plugins, &id), ODEON_OK);
    mem_free(id);
    for (size_t i = 0; i < registry_plugin_count(plugins); i++) {
        assert_false(registry_plugin_at(plugins, i).in_use);
    }
}

/* Want of memory is told, and never another device taken for it. */
static void test_device_auto_survives_every_failing_allocation(void **state)
{
    (void)state;
    char *best = NULL, *id = NULL;
    assert_int_equal(device_auto_choose(plugins, &best), ODEON_OK);
    int64_t before = mem_live_blocks(), n = 0;
    odeon_status status = ODEON_ERR_NOMEM;
    while (status != ODEON_OK) {
        assert_in_range(++n, 1, 1000);
        diag_clear();
        mem_fail_at(n);
        status = device_auto_choose(plugins, &id);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        assert_true(status == ODEON_OK || mem_live_blocks() == before);
    }
    assert_string_equal(id, best);
    assert_true(n > 10);
    mem_free(id);
    mem_free(best);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device_auto_asks_by_falling_rank),
        cmocka_unit_test(test_device_auto_leaves_out_whoever_wants_to_be_named),
        cmocka_unit_test(test_device_auto_stops_asking_at_the_first_usable),
        cmocka_unit_test(test_device_auto_puts_nothing_to_use),
        cmocka_unit_test(test_device_auto_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, open_plugins, close_plugins);
}
