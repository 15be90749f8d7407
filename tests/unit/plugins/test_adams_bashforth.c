/* The step-tier method adams_bashforth: its verbs keep the contract, and its orders are right. */
#include "support.h"

#include <math.h>

#include "base/mem.h"
#include "odeon/stepper.h"
#include "plugin/instance.h"
#include "plugin/registry.h"
#include "small_ode.h"

enum { MAX_ORDER = 5 };

static registry *plugins;
static instance *methods[MAX_ORDER + 1]; /* by order */

static int open_methods(void **state)
{
    (void)state;
    plugins = support_registry();
    for (int p = 1; p <= MAX_ORDER; p++) {
        char *expression = mem_printf("adams_bashforth(order=%d)", p);
        methods[p] = support_instance(plugins, ODEON_KIND_INTEGRATOR, expression, 0, 0);
        mem_free(expression);
    }
    return 0;
}

static int close_methods(void **state)
{
    (void)state;
    for (int p = 1; p <= MAX_ORDER; p++) {
        instance_destroy(methods[p]);
    }
    registry_destroy(plugins);
    return 0;
}

static const odeon_stepper_ops *ops_of(const instance *method)
{
    return method->component->ops;
}

static small_ode_record run(const instance *method, const small_ode *ode, int64_t steps, double *y1)
{
    small_ode_record record;
    assert_int_equal(small_ode_stepper_solve(ode, ops_of(method), method->self, steps, y1, &record),
                     ODEON_OK);
    return record;
}

static odeon_status solve(const small_ode *ode, void *method, int64_t steps, double *y1)
{
    (void)run(method, ode, steps, y1);
    return ODEON_OK;
}

static void test_adams_describes_itself(void **state)
{
    (void)state;
    for (int p = 1; p <= MAX_ORDER; p++) {
        odeon_stepper_info info = {.struct_size = sizeof info};
        assert_int_equal(ops_of(methods[p])->describe(methods[p]->self, &info), ODEON_OK);
        assert_int_equal(info.order, p);
        assert_int_equal(info.embedded_order, 0);
        assert_int_equal(info.n_carry, p - 1);
        assert_true(info.flags & ODEON_STEPPER_FIXED_H);
        assert_in_range(info.n_work, 1, ODEON_MAX_WORK);
        assert_int_equal(info.n_startup, p - 1);
    }
}

static void test_adams_keeps_the_rules_of_registers(void **state)
{
    (void)state;
    for (int p = 1; p <= MAX_ORDER; p++) {
        double y1[SMALL_ODE_N];
        small_ode_record record = run(methods[p], &small_ode_rotation, 2 * MAX_ORDER, y1);
        assert_string_equal(record.complaint, "");
    }
}

static void test_adams_evaluates_once_a_step_after_its_start(void **state)
{
    (void)state;
    for (int p = 1; p <= MAX_ORDER; p++) {
        double y1[SMALL_ODE_N];
        small_ode_record record = run(methods[p], &small_ode_rotation, 10, y1);
        assert_int_equal(record.evals, 4 * (p - 1) + 10 - (p - 1));
        assert_int_equal(record.last_evals, 1);
    }
}

static void test_adams_measured_order_is_the_chosen_order(void **state)
{
    (void)state;
    static const small_ode *const odes[] = {&small_ode_rotation, &small_ode_growth};
    for (int p = 1; p <= MAX_ORDER; p++) {
        for (size_t o = 0; o < 2; o++) {
            double order = small_ode_order(odes[o], solve, methods[p], 256);
            /* h = 1/128; the error constants of multistep methods grow, so the next term still
             * counts some per cent */
            assert_true(fabs(order - p) < 0.2);
        }
    }
}

static void test_adams_of_order_4_integrates_cubics_exactly(void **state)
{
    (void)state;
    double y1[SMALL_ODE_N], exact[SMALL_ODE_N];
    (void)run(methods[4], &small_ode_cubic, 8, y1);
    small_ode_cubic.exact(small_ode_cubic.t1, exact);
    assert_true(fabs(y1[0] - exact[0]) <= 1e-13); /* values up to 8, weights up to 2.5, 8 steps */
}

static void test_adams_of_order_3_does_not_integrate_cubics_exactly(void **state)
{
    (void)state;
    double y1[SMALL_ODE_N], exact[SMALL_ODE_N];
    (void)run(methods[3], &small_ode_cubic, 8, y1);
    small_ode_cubic.exact(small_ode_cubic.t1, exact);
    assert_true(fabs(y1[0] - exact[0]) > 1e-3);
}

/* A method that breaks one rule, so that the rules above are known to be watched. */
static odeon_status describe_one_carry(void *self, odeon_stepper_info *out)
{
    (void)self;
    *out = (odeon_stepper_info){.struct_size = sizeof *out, .order = 1, .n_carry = 1, .n_work = 1};
    return ODEON_OK;
}

static odeon_status step_badly(void *self, const odeon_step *s)
{
    const int *fault = self;
    const int32_t from = *fault == 0 ? ODEON_WORK : ODEON_Y0;
    ODEON_TRY(odeon_step_copy(s, ODEON_Y1, from));
    if (*fault == 1) {
        ODEON_TRY(odeon_step_copy(s, ODEON_Y1, from));
    }
    int32_t carry = *fault == 3 ? ODEON_CARRY_IN : ODEON_CARRY_OUT;
    return *fault == 2 ? ODEON_OK : odeon_step_copy(s, carry, from);
}

static void test_recorder_notices_every_broken_rule(void **state)
{
    (void)state;
    static const odeon_stepper_ops ops = {
        .struct_size = sizeof ops, .describe = describe_one_carry, .step = step_badly};
    static const char *const expected[] = {
        "register 1024 is read before it is written", "register 1 is written twice",
        "register 272 must be written and is not", "register 16 is written but may not be"};
    for (int fault = 0; fault < 4; fault++) {
        double y1[SMALL_ODE_N];
        small_ode_record record;
        assert_int_equal(small_ode_stepper_solve(&small_ode_rotation, &ops, &fault, 1, y1, &record),
                         ODEON_OK);
        assert_string_equal(record.complaint, expected[fault]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adams_describes_itself),
        cmocka_unit_test(test_adams_keeps_the_rules_of_registers),
        cmocka_unit_test(test_adams_evaluates_once_a_step_after_its_start),
        cmocka_unit_test(test_adams_measured_order_is_the_chosen_order),
        cmocka_unit_test(test_adams_of_order_4_integrates_cubics_exactly),
        cmocka_unit_test(test_adams_of_order_3_does_not_integrate_cubics_exactly),
        cmocka_unit_test(test_recorder_notices_every_broken_rule),
    };
    return cmocka_run_group_tests(tests, open_methods, close_methods);
}
