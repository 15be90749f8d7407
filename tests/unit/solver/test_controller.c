/* What the host tells the controller of step sizes. */
#include "solver/controller.h"

#include <stdlib.h>
#include <string.h>

#include "odeon/device_solver.h"
#include "support.h"

static const odeon_part parts[] = {
    {.name = "y", .n = 10, .n_global = 40},
    {.name = "theta", .offset = 10, .n = 6, .n_global = 6, .flags = ODEON_PART_NO_NORM},
};

typedef struct fixture {
    host_field field;
    stepper method;
    odeon_ode_spec spec;
    odeon_control control;
    solver s;
} fixture;

static void prepare(fixture *f, int32_t per_order)
{
    memset(f, 0, sizeof *f);
    f->field.abi.n_parts = 2;
    f->field.abi.parts = parts;
    f->method.info.order = 5;
    f->spec.exponents_per_order = per_order;
    f->spec.control = &f->control;
    f->control = (odeon_control){
        .beta = {0.75, -0.5, 0.25}, .beta_reject = 1.25, .start_exponent = 2.0, .rtol = 1e-3};
    f->spec.max_steps = 100;
    f->s.task.field = &f->field;
    f->s.stepper = &f->method;
    f->s.spec = &f->spec;
    f->s.unclipped_h = 7.0;
}

static void test_exponents_per_order_are_divided_by_it(void **state)
{
    (void)state;
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    for (int32_t per_order = 0; per_order < 2; per_order++) {
        double order = per_order != 0 ? 5.0 : 1.0;
        prepare(f, per_order);
        controller_init(&f->s);
        assert_true(f->s.control.beta[0] == 0.75 / order);
        assert_true(f->s.control.beta[1] == -0.5 / order);
        assert_true(f->s.control.beta[2] == 0.25 / order);
        assert_true(f->s.control.beta_reject == 1.25 / order);
        assert_true(f->s.control.start_exponent == 2.0 / order);
        assert_true(f->s.control.rtol == 1e-3);
        assert_true(f->s.unclipped_h == 0.0);
    }
    free(f);
}

/* A part without a norm counts no elements, and so has no say in the error. */
static void test_parts_without_a_norm_count_nothing(void **state)
{
    (void)state;
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    prepare(f, 0);
    controller_init(&f->s);
    assert_int_equal(f->s.control.n_parts, 2);
    assert_int_equal(f->s.control.count[0], 40);
    assert_int_equal(f->s.control.count[1], 0);
    assert_int_equal(f->s.control.struct_size, sizeof f->s.control);
    free(f);
}

static void test_steps_of_the_pass_are_all_counted(void **state)
{
    (void)state;
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    prepare(f, 0);
    f->s.log.steps_before = 30;
    f->s.log.stats.accepted = 20;
    f->s.log.stats.rejected = 5;
    assert_int_equal(controller_steps_left(&f->s), 45);
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exponents_per_order_are_divided_by_it),
        cmocka_unit_test(test_parts_without_a_norm_count_nothing),
        cmocka_unit_test(test_steps_of_the_pass_are_all_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
