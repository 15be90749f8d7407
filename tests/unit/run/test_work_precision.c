#include <math.h>

#include "small_variant.h"

#include "run/work_precision.h"

static void test_work_and_precision_go_together(void **state)
{
    (void)state;
    site x = open_site();
    work_precision w;
    const char *integrators[] = {"tsit5", "rk4"};
    const double tolerances[] = {1e-2, 1e-6};
    data_source *source;
    assert_int_equal(data_open(x.v.config, ODEON_SPLIT_TEST, &source), ODEON_OK);
    work_precision_plan plan = {.n_integrators = 2,
                                .integrators = integrators,
                                .n_tolerances = 2,
                                .tolerances = tolerances,
                                .source = source,
                                .batch = 3};
    diag_clear();
    if (work_precision_run(&x.base, x.v.config, &plan, &w) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    assert_int_equal(w.n, 2 + 7); /* of rk4 numbers of steps: it has no estimate of its error */
    assert_true(w.rows[1].error < w.rows[0].error && w.rows[1].evals > w.rows[0].evals);
    assert_true(isnan(w.rows[2].tolerance) && w.rows[2].steps == 8 && w.rows[8].steps == 512);
    work_precision_fini(&w);
    data_close(source);
    close_site(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_and_precision_go_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
