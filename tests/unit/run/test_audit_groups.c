#include <math.h>

#include "small_variant.h"

#include "run/audit_groups.h"
#include "session/parameters.h"

/* The same gradient twice: no error, cosine 1; half of it: error 1/2. */
static void test_groups_have_relative_errors(void **state)
{
    (void)state;
    site x = open_site();
    variant_values g, r;
    audit_group *groups;
    size_t n;
    assert_int_equal(variant_take_values(x.v.session, &g), ODEON_OK);
    assert_int_equal(variant_take_values(x.v.session, &r), ODEON_OK);
    for (size_t i = 0; i < g.n; i++) {
        for (int64_t k = 0; k < session_parameter_at(x.v.session, i).count; k++) {
            r.of[i][k] = 1.0 + (double)k;
            g.of[i][k] = 0.5 * r.of[i][k];
        }
    }
    assert_int_equal(audit_groups_compare(x.v.session, &r, &r, &n, &groups), ODEON_OK);
    assert_true(n > 2);
    for (size_t i = 0; i < n; i++) {
        assert_true(groups[i].error == 0.0 && fabs(groups[i].cosine - 1.0) < 1e-15);
    }
    audit_groups_free(n, groups);
    assert_int_equal(audit_groups_compare(x.v.session, &g, &r, &n, &groups), ODEON_OK);
    assert_string_equal(groups[0].name, "all");
    for (size_t i = 0; i < n; i++) {
        assert_true(groups[i].error == 0.5 && fabs(groups[i].cosine - 1.0) < 1e-15);
    }
    audit_groups_free(n, groups);
    variant_values_fini(&g);
    variant_values_fini(&r);
    close_site(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_have_relative_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
