/* What methods say of other systems' step control: checked, and put in place of the rule by order.
 */
#include "support.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "plugin/registry.h"
#include "solver/control_hints.h"

static const odeon_control_hint good = {.struct_size = sizeof good,
                                        .system = "peer",
                                        .beta = {0.3, -0.1, 0.05},
                                        .beta_reject = 0.25,
                                        .factor_min = 0.5,
                                        .factor_max = 4.0};

static const odeon_control rule = {.struct_size = sizeof rule,
                                   .beta = {0.7, -0.4, 0.0},
                                   .beta_reject = 0.7,
                                   .factor_min = 0.2,
                                   .factor_min_accept = 0.2,
                                   .factor_max = 10.0,
                                   .start_exponent = 1.0};

static odeon_ode_spec by_order(const char *system)
{
    return (odeon_ode_spec){.struct_size = sizeof(odeon_ode_spec),
                            .control = &rule,
                            .exponents_per_order = 1,
                            .control_hints = system};
}

static void test_hint_takes_the_place_of_the_rule(void **state)
{
    (void)state;
    static const odeon_control_hint *const hints[] = {&good, NULL};
    const odeon_tableau method = {.struct_size = sizeof method, .hints = hints};
    odeon_ode_spec spec = by_order("peer");
    odeon_control control = rule;
    assert_int_equal(control_hints_check(&method, "ode"), ODEON_OK);
    control_hints_apply(&method, 4, &spec, &control);
    assert_int_equal(spec.exponents_per_order, 0);
    assert_memory_equal(control.beta, good.beta, sizeof good.beta);
    assert_true(control.beta_reject == 0.25 && control.start_exponent == 0.25);
    assert_true(control.factor_min == 0.5 && control.factor_min_accept == 0.5);
    assert_true(control.factor_max == 4.0);
}

/* Of another system, of none, and of a method from before there were hints. */
static void test_rule_stays_where_nothing_is_said(void **state)
{
    (void)state;
    static const odeon_control_hint *const hints[] = {&good, NULL};
    odeon_tableau method = {.struct_size = sizeof method, .hints = hints};
    static const char *const systems[] = {"another", NULL, "peer"};
    for (int i = 0; i < 3; i++) {
        odeon_ode_spec spec = by_order(systems[i]);
        odeon_control control = rule;
        method.struct_size = i == 2 ? ODEON_SIZE_THROUGH(odeon_tableau, interp_im) : sizeof method;
        control_hints_apply(&method, 4, &spec, &control);
        control_hints_apply(NULL, 4, &spec, &control); /* a method that is no tableau */
        assert_memory_equal(&control, &rule, sizeof control);
        assert_int_equal(spec.exponents_per_order, 1);
    }
}

static void check_refused(odeon_control_hint hint, const char *words)
{
    const odeon_control_hint *const hints[] = {&good, &hint, NULL};
    const odeon_tableau method = {.struct_size = sizeof method, .hints = hints};
    assert_int_equal(control_hints_check(&method, "model.ode"), ODEON_ERR_PLUGIN);
    assert_non_null(strstr(diag_message(), "model.ode: control hint 2: "));
    assert_non_null(strstr(diag_message(), words));
    diag_clear();
}

static void test_hints_out_of_range_are_refused(void **state)
{
    (void)state;
    odeon_control_hint hint = good;
    hint.system = "";
    check_refused(hint, "no system is named");
    hint = good;
    hint.struct_size = 8;
    check_refused(hint, "no system is named");
    hint = good;
    hint.beta[2] = (double)NAN;
    check_refused(hint, "an exponent is not finite");
    hint = good;
    hint.beta_reject = (double)INFINITY;
    check_refused(hint, "an exponent is not finite");
    static const double limits[][2] = {
        {0.0, 10.0}, {1.0, 10.0}, {0.2, 1.0}, {0.2, HUGE_VAL}, {(double)NAN, 10.0}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        hint = good;
        hint.factor_min = limits[i][0];
        hint.factor_max = limits[i][1];
        check_refused(hint, "factor_min must lie between 0 and 1");
    }
}

/* OrdinaryDiffEq.jl, alg_utils.jl. */
static void test_methods_say_what_sciml_has_for_them(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        double beta, before, least, most;
    } rows[] = {{"dopri5", 0.17, -0.04, 0.2, 10.0}, {"dopri8", 0.125, 0.0, 1.0 / 3.0, 6.0}};
    registry *plugins = support_registry();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const odeon_component *component;
        assert_int_equal(registry_find(plugins, ODEON_KIND_INTEGRATOR, rows[i].id, &component),
                         ODEON_OK);
        odeon_ode_spec spec = by_order("sciml");
        odeon_control control = rule;
        control_hints_apply(component->ops, 5, &spec, &control);
        assert_true(control.beta[0] == rows[i].beta);
        assert_true(control.beta_reject == rows[i].beta);
        assert_true(control.beta[1] == rows[i].before && control.beta[2] == 0.0);
        assert_true(control.factor_min == rows[i].least);
        assert_true(control.factor_max == rows[i].most);
    }
    registry_destroy(plugins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hint_takes_the_place_of_the_rule),
        cmocka_unit_test(test_rule_stays_where_nothing_is_said),
        cmocka_unit_test(test_hints_out_of_range_are_refused),
        cmocka_unit_test(test_methods_say_what_sciml_has_for_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
