#include "small_variant.h"

#include "run/audit.h"
#include "run/audit_table.h"

static void test_an_audit_has_a_row_for_each_combination(void **state)
{
    (void)state;
    site x = open_site();
    audit a;
    const char *gradients[] = {"direct", "nonsense"};
    const double tolerances[] = {1e-2, 1e-3, 1e-4};
    audit_plan plan = {.n_gradients = 2,
                       .gradients = gradients,
                       .n_tolerances = 3,
                       .tolerances = tolerances,
                       .directions = 1};
    diag_clear();
    if (audit_run(&x.base, x.v.config, &plan, &a) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    assert_int_equal(a.n, 6);
    for (size_t i = 0; i < a.n; i++) {
        assert_int_equal(a.rows[i].groups != NULL, i % 2 == 0);
        assert_int_equal(a.rows[i].reason != NULL, i % 2 == 1);
    }
    assert_true(a.rows[0].gap < 1e-4 && a.rows[0].evals_forward > 0);
    table t = {0};
    audit_whole_table(&a, &t);
    assert_int_equal(t.n_cells % t.n_columns, 0);
    table_fini(&t);
    audit_fini(&a);
    close_site(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_audit_has_a_row_for_each_combination),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
