#include <string.h>

#include "small_variant.h"

#include "base/number.h"
#include "session/parameters.h"

static void assert_key(const variant_keys *keys, size_t i, const char *end)
{
    size_t n = strlen(keys->list[i]), m = strlen(end);
    assert_true(n >= m);
    assert_string_equal(keys->list[i] + n - m, end);
}

/* Keys of one variant change that one alone, and its parameters can be made those of another. */
static void test_variants_have_the_same_numbers(void **state)
{
    (void)state;
    site x = open_site();
    variant_keys keys = {0};
    variant other;
    variant_values mine, its;
    variant_add(&keys, "run.%s=%d", "seed", 12345);
    assert_int_equal(variant_open(&x.base, &keys, (variant_ways){.over = NULL}, &other), ODEON_OK);
    assert_int_equal(variant_take_values(x.v.session, &mine), ODEON_OK);
    assert_int_equal(variant_set_values(other.session, &mine), ODEON_OK);
    assert_int_equal(variant_take_values(other.session, &its), ODEON_OK);
    for (size_t i = 0; i < mine.n; i++) {
        size_t bytes = (size_t)session_parameter_at(x.v.session, i).count * sizeof(double);
        assert_memory_equal(mine.of[i], its.of[i], bytes);
    }
    its.n--;
    assert_int_equal(variant_set_values(other.session, &its), ODEON_ERR_CONFIG);
    its.n++;
    variant_values_fini(&mine);
    variant_values_fini(&its);
    variant_close(&other);
    variant_keys_fini(&keys);
    close_site(&x);
}

static void test_tolerances_are_set_or_scaled(void **state)
{
    (void)state;
    site x = open_site();
    const config_node **blocks;
    size_t n;
    variant_keys keys = {0};
    assert_int_equal(variant_blocks(x.v.config, &n, &blocks), ODEON_OK);
    assert_int_equal(n, 1);
    assert_false(variant_is_fixed(blocks[0]));
    variant_add_tolerance(&keys, blocks[0], 0.0, 0.5);
    variant_add_tolerance(&keys, blocks[0], 0.25, 1.0);
    assert_int_equal(keys.n, 4);
    for (size_t i = 0; i < 4; i++) { /* of lists, all entries */
        assert_non_null(strstr(keys.list[i], i % 2 == 0 ? ".rtol=" : ".atol="));
    }
    double own = schema_value(variant_options(blocks[0]), "atol")->list_f[0], scaled;
    assert_int_equal(number_parse_f64(strstr(keys.list[1], "=") + 1, &scaled), NUMBER_OK);
    assert_true(scaled == 0.5 * own);
    assert_key(&keys, 2, "0.25");
    assert_key(&keys, 3, "0.25");
    mem_free(blocks);
    variant_keys_fini(&keys);
    close_site(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variants_have_the_same_numbers),
        cmocka_unit_test(test_tolerances_are_set_or_scaled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
