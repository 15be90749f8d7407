#include <math.h>

#include "support.h"

#include "run/lr_find.h"

enum { N = 40 };

/* Flat, falling around 1e-3, least at 1e-1, then growing: as a function of the logarithm. */
static lr_find make(lr_find_row *rows, double (*loss)(double))
{
    for (int i = 0; i < N; i++) {
        double decade = -6.0 + 7.0 * i / (N - 1);
        rows[i] = (lr_find_row){.lr = pow(10.0, decade), .smooth = loss(decade)};
    }
    return (lr_find){.n = N, .rows = rows};
}

static double falling(double decade)
{
    return 2.0 - tanh(decade + 3.0) + (decade > -1.0 ? 3.0 * (decade + 1.0) : 0.0);
}

static double growing(double decade)
{
    return decade;
}

static void test_the_steepest_fall_and_the_least_loss_are_found(void **state)
{
    (void)state;
    lr_find_row rows[N];
    lr_find x = make(rows, falling);
    lr_find_choose(&x);
    assert_true(x.steepest > 0.5e-3 && x.steepest < 2e-3);
    assert_true(x.tenth > 0.5e-2 && x.tenth < 2e-2);
}

static void test_a_loss_that_does_not_fall_has_no_rate(void **state)
{
    (void)state;
    lr_find_row rows[N];
    lr_find x = make(rows, growing);
    lr_find_choose(&x);
    assert_true(isnan(x.steepest) && isnan(x.tenth));
    x.n = 2; /* too few to say */
    lr_find_choose(&x);
    assert_true(isnan(x.steepest) && isnan(x.tenth));
}

static void test_a_table_may_leave_rows_out_but_never_the_last(void **state)
{
    (void)state;
    lr_find_row rows[N];
    lr_find x = make(rows, falling);
    table all = {0}, some = {0};
    lr_find_table(&x, 1, &all);
    lr_find_table(&x, 9, &some);
    assert_int_equal(all.n_cells, 4 * N);
    assert_int_equal(some.n_cells, 4 * 6); /* 0 9 18 27 36, and 39 */
    assert_true(some.cells[4 * 5].number.mean == rows[N - 1].lr);
    table_fini(&all);
    table_fini(&some);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_steepest_fall_and_the_least_loss_are_found),
        cmocka_unit_test(test_a_loss_that_does_not_fall_has_no_rate),
        cmocka_unit_test(test_a_table_may_leave_rows_out_but_never_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
