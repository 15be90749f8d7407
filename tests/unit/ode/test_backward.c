/* What a block takes over from its gradient method's plan. */
#include "ode/backward.h"

#include <string.h>

#include "base/diag.h"
#include "small_net.h"

static const int64_t two[] = {2};

#define BLOCK(options)                                                                             \
    "[model.o]\nlayer = ode(span=0 1, rtol=1e-3 1e-4, control=sciml, " options                     \
    ")\n[model.o.f]\nlayer = dense(units=2)\n"

static void test_without_options_all_is_the_blocks(void **state)
{
    (void)state;
    small_net *s = small_net_open(BLOCK("integrator=tsit5, gradient=adjoint"), 1, two);
    const odeon_ode *ode = s->site.odes[0];
    assert_null(ode->backward_stepper);
    assert_memory_equal(&ode->backward_control, &ode->control, sizeof ode->control);
    assert_ptr_equal(ode->backward_spec.control, &ode->backward_control);
    assert_int_equal(ode->gradient_flags, ODEON_GRADIENT_NEEDS_Y);
    assert_false(ode->stepper->dense);
    small_net_close(s);
}

/* A tolerance of its own ends the lists; the one that stays is the block's smallest. Constants of
 * the controller are those of the method that is used. */
static void test_options_change_a_copy(void **state)
{
    (void)state;
    small_net *s =
        small_net_open(BLOCK("integrator=tsit5, "
                             "gradient=adjoint(integrator=bosh3, atol=1e-9, error_norm=max)"),
                       1, two);
    const odeon_ode *ode = s->site.odes[0];
    const odeon_control *c = &ode->backward_control;
    assert_string_equal(ode->backward_stepper->instance->component->id, "bosh3");
    assert_true(c->n_each == 0 && c->atol == 1e-9 && c->rtol == 1e-4);
    assert_true(c->norm == ODEON_NORM_MAX && ode->control.norm == ODEON_NORM_RMS);
    assert_true(ode->control.n_each == 2 && ode->control.atol == 1e-3);
    small_net_close(s);
}

static void test_dense_output_is_made_for_whom_it_is_needed(void **state)
{
    (void)state;
    small_net *s = small_net_open(BLOCK("integrator=tsit5, gradient=adjoint(y=dense)"), 1, two);
    const odeon_ode *ode = s->site.odes[0];
    assert_int_equal(ode->gradient_flags, ODEON_GRADIENT_NEEDS_DENSE);
    assert_true(ode->stepper->dense);
    small_net_close(s);
    s = small_net_open(BLOCK("integrator=tsit5, gradient=checkpoint"), 1, two);
    assert_int_equal(s->site.odes[0]->gradient_flags, ODEON_GRADIENT_DISCRETE);
    small_net_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_options_all_is_the_blocks),
        cmocka_unit_test(test_options_change_a_copy),
        cmocka_unit_test(test_dense_output_is_made_for_whom_it_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
