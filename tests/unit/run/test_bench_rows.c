/* Quartiles, ratios and the order of rows. */
#include "run/bench_rows.h"

#include <math.h>

#include "support_session.h"

static void add(bench_result *r, int32_t what, size_t variant, const char *name, double seconds)
{
    double samples[] = {seconds + 3.0, seconds + 1.0, seconds, seconds + 2.0, seconds + 4.0};
    bench_row row = {.what = what,
                     .variant = variant,
                     .name = (char *)(uintptr_t)name,
                     .operations = 1000.0,
                     .bytes = 10.0};
    support_require(bench_add(r, &row, 5, samples), "add");
}

static void test_a_row_has_quartiles(void **state)
{
    (void)state;
    bench_result r;
    support_require(bench_result_init(&r, 1), "init");
    add(&r, BENCH_STEP, 0, NULL, 10.0);
    assert_float_equal(r.rows[0].low, 11.0, 0.0);
    assert_float_equal(r.rows[0].median, 12.0, 0.0);
    assert_float_equal(r.rows[0].high, 13.0, 0.0);
    assert_int_equal(r.rows[0].samples, 5);
    bench_result_fini(&r);
}

static void test_operators_stand_by_time_and_variants_side_by_side(void **state)
{
    (void)state;
    bench_result r;
    support_require(bench_result_init(&r, 2), "init");
    add(&r, BENCH_OPERATORS, 0, "short", 0.0);
    add(&r, BENCH_OPERATORS, 0, "long", 10.0);
    add(&r, BENCH_OPERATORS, 1, "long", 4.0);
    add(&r, BENCH_OPERATORS, 1, "new", 1.0);
    add(&r, BENCH_STEP, 1, NULL, 22.0);
    add(&r, BENCH_STEP, 0, NULL, 10.0);
    bench_order(&r);
    static const char *const names[] = {NULL, NULL, "long", "long", "short", "new"};
    static const size_t variants[] = {0, 1, 0, 1, 0, 1};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(r.rows[i].variant, variants[i]);
        if (names[i] != NULL) {
            assert_string_equal(r.rows[i].name, names[i]);
        }
    }
    assert_float_equal(r.rows[1].ratio, 2.0, 0.0);
    assert_float_equal(r.rows[3].ratio, 0.5, 0.0);
    assert_true(isnan(r.rows[5].ratio));
    bench_result_fini(&r);
}

static void test_shares_are_of_the_workers_that_a_row_is_about(void **state)
{
    (void)state;
    bench_result r;
    support_require(bench_result_init(&r, 1), "init");
    r.sides[0].workers = 2;
    r.sides[0].peak = (session_peak){.gemm = 1000.0};
    add(&r, BENCH_STEP, 0, NULL, 0.0);
    add(&r, BENCH_OPERATORS, 0, "one", 0.0);
    assert_float_equal(bench_of_gemm(&r, &r.rows[0]), 0.5, 1e-15);
    assert_float_equal(bench_of_gemm(&r, &r.rows[1]), 1.0, 1e-15);
    assert_true(isnan(bench_of_lincomb(&r, &r.rows[0])));
    bench_result_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_has_quartiles),
        cmocka_unit_test(test_operators_stand_by_time_and_variants_side_by_side),
        cmocka_unit_test(test_shares_are_of_the_workers_that_a_row_is_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
