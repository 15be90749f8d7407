/* What goes wrong on one worker goes wrong on all: the same answer everywhere, nobody left waiting,
 * and a session that can be used again. Hangs end by alarm. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support_session.h"

static const char network[] =
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 3\n"
    "[data]\ndataset = idx(path=/nowhere, shape=1 2 3, classes=3)\n"
    "[model.flat]\nlayer = flatten\n"
    "[model.before]\nlayer = faulty(call=0)\n"
    "[model.ode]\nlayer = ode(rtol=1e-4, atol=1e-4)\nintegrator = tsit5\ngradient = direct\n"
    "[model.ode.a]\nlayer = dense(units=state)\nthen = tanh\n"
    "[model.ode.fault]\nlayer = faulty(call=0)\n"
    "[model.head]\nlayer = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

enum { SAMPLES = 5, LAST = 2, SECONDS = 30, MAX_OVERRIDES = 8 };

static int set_alarm(void **state)
{
    (void)state;
    (void)alarm(SECONDS);
    return 0;
}

static int clear_alarm(void **state)
{
    (void)state;
    (void)alarm(0);
    return 0;
}

/* "model.ode.fault.layer=faulty(...)"; mem_free it. */
static char *fault(const char *path, const char *options)
{
    return mem_printf("%s.layer=faulty(%s)", path, options);
}

/* The batch without any fault. */
static double *expected(const char *const *overrides, int64_t *n)
{
    support_session s = support_session_open(network, SAMPLES, overrides);
    (void)support_differentiate(&s, NULL, NULL);
    double *gradients = support_gradients(&s, n);
    support_session_close(&s);
    return gradients;
}

/* After a failure the same session gives what one without faults gives. */
static void check_usable(support_session *s, const char *const *overrides)
{
    int64_t n;
    double *want = expected(overrides, &n);
    (void)support_differentiate(s, NULL, NULL);
    double *got = support_gradients(s, &n);
    assert_memory_equal(got, want, (size_t)n * sizeof *got);
    mem_free(got);
    mem_free(want);
}

/* A fault on rank 0 and on the last rank: differentiate answers status, its words say text, and
 * then all is well again. */
static void check_fails(const char *path, const char *what, odeon_status status, const char *text,
                        const char *const *more)
{
    for (int32_t rank = 0; rank <= LAST; rank += LAST) {
        char options[128];
        const char *overrides[MAX_OVERRIDES] = {NULL};
        size_t n = 0;
        while (more != NULL && more[n] != NULL) {
            overrides[n] = more[n];
            n++;
        }
        (void)snprintf(options, sizeof options, "rank=%d, %s", (int)rank, what);
        char *with = fault(path, options);
        overrides[n] = with;
        support_session s = support_session_open(network, SAMPLES, overrides);
        assert_int_equal(support_differentiate_try(&s, NULL), status);
        if (strstr(diag_message(), text) == NULL) {
            fail_msg("%s: the message '%s' does not say '%s'", with, diag_message(), text);
        }
        check_usable(&s, more);
        support_session_close(&s);
        mem_free(with);
    }
}

/* ---- void steps ---- */

static void test_void_step_is_tried_again_smaller_by_all(void **state)
{
    (void)state;
    for (int32_t rank = 0; rank <= LAST; rank += LAST) {
        int64_t n;
        char options[64];
        (void)snprintf(options, sizeof options, "rank=%d, call=5, status=recoverable", (int)rank);
        char *with = fault("model.ode.fault", options);
        const char *overrides[] = {with, NULL};
        double *want = expected(NULL, &n);
        support_session s = support_session_open(network, SAMPLES, overrides);
        session_result result = support_differentiate(&s, NULL, NULL);
        double *got = support_gradients(&s, &n);
        assert_int_equal(result.blocks[0].rejected, 1);
        /* other steps, the same problem: apart by the tolerance, but not the same numbers */
        support_assert_close("gradients", n, got, want, 1e-3);
        assert_true(support_distance(n, got, want) > 0.0);
        check_usable(&s, NULL);
        support_session_close(&s);
        mem_free(got);
        mem_free(want);
        mem_free(with);
    }
}

static void test_void_step_is_tried_again_by_the_adjoint(void **state)
{
    (void)state;
    char *with = fault("model.ode.fault", "rank=1, call=3, status=recoverable, in=vjp");
    const char *overrides[] = {"model.ode.gradient=adjoint", with, NULL};
    support_session s = support_session_open(network, SAMPLES, overrides);
    session_result result = support_differentiate(&s, NULL, NULL);
    assert_int_equal(result.blocks[0].rejected, 0);
    assert_int_equal(result.blocks[0].rejected_backward, 1);
    check_usable(&s, (const char *[]){"model.ode.gradient=adjoint", NULL});
    support_session_close(&s);
    mem_free(with);
}

static void test_field_void_for_ever_underflows(void **state)
{
    (void)state;
    char *with = fault("model.ode.fault", "rank=1, call=4, calls=1000, status=recoverable");
    const char *overrides[] = {with, NULL};
    support_session s = support_session_open(network, SAMPLES, overrides);
    assert_int_equal(support_differentiate_try(&s, NULL), ODEON_ERR_NUMERIC);
    assert_non_null(strstr(diag_message(), "ode: step size underflow"));
    assert_non_null(strstr(diag_message(), " (ode.fault: faulty: call "));
    support_session_close(&s);
    mem_free(with);
}

static void test_void_step_is_a_failure_with_fixed_steps(void **state)
{
    (void)state;
    const char *fixed[] = {"model.ode.integrator=rk4", "model.ode.steps=3", NULL};
    check_fails("model.ode.fault", "call=5, status=recoverable", ODEON_ERR_NUMERIC,
                "ode: a layer cannot be evaluated at t = 0.333333333", fixed);
}

static void test_void_value_outside_of_a_solve_is_a_failure(void **state)
{
    (void)state;
    check_fails("model.before", "status=recoverable", ODEON_ERR_NUMERIC,
                "before: faulty: call 1 of forward is void", NULL);
}

/* The first evaluation belongs to no step that could be made smaller. */
static void test_void_start_is_a_failure(void **state)
{
    (void)state;
    check_fails("model.ode.fault", "call=1, status=recoverable", ODEON_ERR_NUMERIC,
                "ode.fault: faulty: call 1 of forward is void", NULL);
}

/* The second call is the automatic first step's look ahead: a nearer one follows on all workers. */
static void test_void_look_ahead_is_tried_again(void **state)
{
    (void)state;
    char *with = fault("model.ode.fault", "rank=1, call=2, status=recoverable");
    const char *overrides[] = {with, NULL};
    support_session s = support_session_open(network, SAMPLES, overrides);
    support_session plain = support_session_open(network, SAMPLES, NULL);
    int64_t more = support_differentiate(&s, NULL, NULL).blocks[0].evals_forward;
    assert_int_equal(more, support_differentiate(&plain, NULL, NULL).blocks[0].evals_forward + 1);
    support_session_close(&plain);
    support_session_close(&s);
    mem_free(with);
}

/* ---- failures ---- */

static void test_failure_before_the_solve_reaches_all(void **state)
{
    (void)state;
    check_fails("model.before", "status=fatal", ODEON_ERR_DEVICE,
                "before: faulty: call 1 of forward broke", NULL);
}

static void test_failure_before_the_first_step_reaches_all(void **state)
{
    (void)state;
    check_fails("model.ode.fault", "call=1", ODEON_ERR_DEVICE, "call 1 of forward broke", NULL);
}

static void test_failure_within_a_step_reaches_all(void **state)
{
    (void)state;
    check_fails("model.ode.fault", "call=6", ODEON_ERR_DEVICE, "call 6 of forward broke", NULL);
}

static void test_failure_with_fixed_steps_reaches_all(void **state)
{
    (void)state;
    const char *fixed[] = {"model.ode.integrator=rk4", "model.ode.steps=3", NULL};
    check_fails("model.ode.fault", "call=6", ODEON_ERR_DEVICE, "call 6 of forward broke", fixed);
}

static void test_failure_of_a_vjp_reaches_all(void **state)
{
    (void)state;
    check_fails("model.ode.fault", "call=3, in=vjp", ODEON_ERR_DEVICE, "call 3 of vjp broke", NULL);
}

/* The others wait in the collective of a layer, not of the solve. */
static void test_failure_reaches_all_in_a_batch_norm(void **state)
{
    (void)state;
    const char *normed[] = {"model.ode.a.then=batchnorm, tanh", NULL};
    const char *adjoint[] = {normed[0], "model.ode.gradient=adjoint", NULL};
    check_fails("model.before", "status=fatal", ODEON_ERR_DEVICE, "call 1 of forward broke",
                normed);
    check_fails("model.ode.fault", "call=6", ODEON_ERR_DEVICE, "call 6 of forward broke", normed);
    check_fails("model.ode.fault", "call=3, in=vjp", ODEON_ERR_DEVICE, "call 3 of vjp broke",
                normed);
    check_fails("model.ode.fault", "call=3, in=vjp", ODEON_ERR_DEVICE, "call 3 of vjp broke",
                adjoint);
}

static void test_void_step_reaches_all_in_a_batch_norm(void **state)
{
    (void)state;
    const char *normed[] = {"model.ode.a.then=batchnorm, tanh", NULL};
    char *with = fault("model.ode.fault", "rank=1, call=5, status=recoverable");
    const char *overrides[] = {normed[0], with, NULL};
    support_session s = support_session_open(network, SAMPLES, overrides);
    session_result result = support_differentiate(&s, NULL, NULL);
    assert_int_equal(result.blocks[0].rejected, 1);
    check_usable(&s, normed);
    support_session_close(&s);
    mem_free(with);
}

static void test_failure_behind_the_solve_reaches_all(void **state)
{
    (void)state;
    check_fails("model.before", "call=1, in=vjp", ODEON_ERR_DEVICE, "call 1 of vjp broke", NULL);
}

static void test_failure_in_the_backward_solve_reaches_all(void **state)
{
    (void)state;
    const char *adjoint[] = {"model.ode.gradient=adjoint", NULL};
    check_fails("model.ode.fault", "call=3, in=vjp", ODEON_ERR_DEVICE, "call 3 of vjp broke",
                adjoint);
    check_fails("model.ode.fault", "call=1, in=vjp", ODEON_ERR_DEVICE, "call 1 of vjp broke",
                adjoint);
}

/* In one of several solves, or of several intervals of one. */
static void test_failure_between_two_times_reaches_all(void **state)
{
    (void)state;
    const char *times[] = {"model.ode.times=linspace(0 1 6)", "model.ode.then=flatten", NULL};
    const char *adjoint[] = {times[0], times[1], "model.ode.gradient=adjoint", NULL};
    const char *counted[] = {times[0], times[1], "model.ode.integrator=rk4", "model.ode.steps=1",
                             NULL};
    check_fails("model.ode.fault", "call=20, in=vjp", ODEON_ERR_DEVICE, "call 20 of vjp broke",
                adjoint);
    check_fails("model.ode.fault", "call=3, in=vjp", ODEON_ERR_DEVICE, "call 3 of vjp broke",
                times);
    check_fails("model.ode.fault", "call=7, status=recoverable", ODEON_ERR_NUMERIC,
                "ode: a layer cannot be evaluated at t = 0.2", counted);
}

static void test_void_step_between_two_times_is_tried_again(void **state)
{
    (void)state;
    char *with = fault("model.ode.fault", "rank=1, call=20, status=recoverable, in=vjp");
    const char *overrides[] = {"model.ode.times=linspace(0 1 6)", "model.ode.then=flatten",
                               "model.ode.gradient=adjoint", with, NULL};
    support_session s = support_session_open(network, SAMPLES, overrides);
    assert_int_equal(support_differentiate(&s, NULL, NULL).blocks[0].rejected_backward, 1);
    support_session_close(&s);
    mem_free(with);
}

/* ---- numbers ---- */

static void test_field_of_nan_underflows_with_its_place(void **state)
{
    (void)state;
    char *with = fault("model.ode.fault", "rank=1, call=4, calls=1000, status=nan");
    const char *overrides[] = {with, NULL};
    support_session s = support_session_open(network, SAMPLES, overrides);
    assert_int_equal(support_differentiate_try(&s, NULL), ODEON_ERR_NUMERIC);
    assert_int_equal(status_exit_code(ODEON_ERR_NUMERIC), 6);
    const char *words[] = {"ode: step size underflow: the field is not finite at t = 0, h = ",
                           " evaluations", "look for what is not defined there, or overflows"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strstr(diag_message(), words[i]) == NULL) {
            fail_msg("'%s' does not say '%s'", diag_message(), words[i]);
        }
    }
    support_session_close(&s);
    mem_free(with);
}

/* One NaN is a rejected step, no more. */
static void test_single_nan_is_a_rejected_step(void **state)
{
    (void)state;
    char *with = fault("model.ode.fault", "rank=2, call=4, status=nan");
    const char *overrides[] = {with, NULL};
    support_session s = support_session_open(network, SAMPLES, overrides);
    assert_int_equal(support_differentiate(&s, NULL, NULL).blocks[0].rejected, 1);
    support_session_close(&s);
    mem_free(with);
}

static void test_nan_at_the_start_is_said_to_be_nan(void **state)
{
    (void)state;
    check_fails("model.ode.fault", "call=1, status=nan", ODEON_ERR_NUMERIC,
                "the field is not finite at t = 0", NULL);
}

static void test_max_steps_is_a_failure_of_all(void **state)
{
    (void)state;
    const char *overrides[] = {"model.ode.max_steps=3", "model.ode.rtol=1e-10",
                               "model.ode.atol=1e-10", NULL};
    support_session s = support_session_open(network, SAMPLES, overrides);
    for (int i = 0; i < 2; i++) { /* and again */
        session_result result;
        assert_int_equal(support_differentiate_try(&s, &result), ODEON_ERR_NUMERIC);
        assert_non_null(strstr(diag_message(), "ode: max_steps reached at t = "));
        assert_int_equal(result.blocks[0].accepted + result.blocks[0].rejected, 3);
    }
    support_session_close(&s);
}

/* ---- a layer that breaks the rules of collectives ---- */

static void test_worker_out_of_step_is_noticed(void **state)
{
    (void)state;
    check_fails("model.ode.fault", "call=4, status=meets", ODEON_ERR_PLUGIN,
                "called in forward of ode.fault (faulty)", NULL);
}

/* With fixed steps the next collective is the sum of the loss. */
static void test_worker_out_of_step_is_noticed_with_fixed_steps(void **state)
{
    (void)state;
    const char *fixed[] = {"model.ode.integrator=rk4", "model.ode.steps=3", NULL};
    check_fails("model.ode.fault", "call=4, status=meets", ODEON_ERR_PLUGIN,
                "called in forward of ode.fault (faulty)", fixed);
}

/* Whose answer it throws away, so that it goes on to what the others do not come to. */
static void test_worker_out_of_step_that_hides_it_is_noticed(void **state)
{
    (void)state;
    check_fails("model.ode.fault", "call=4, status=ignores", ODEON_ERR_PLUGIN,
                "called in forward of ode.fault (faulty)", NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_alarm, clear_alarm)
    const struct CMUnitTest tests[] = {
        TEST(test_void_step_is_tried_again_smaller_by_all),
        TEST(test_void_step_is_tried_again_by_the_adjoint),
        TEST(test_field_void_for_ever_underflows),
        TEST(test_void_step_is_a_failure_with_fixed_steps),
        TEST(test_void_value_outside_of_a_solve_is_a_failure),
        TEST(test_void_start_is_a_failure),
        TEST(test_void_look_ahead_is_tried_again),
        TEST(test_failure_before_the_solve_reaches_all),
        TEST(test_failure_before_the_first_step_reaches_all),
        TEST(test_failure_within_a_step_reaches_all),
        TEST(test_failure_with_fixed_steps_reaches_all),
        TEST(test_failure_of_a_vjp_reaches_all),
        TEST(test_failure_reaches_all_in_a_batch_norm),
        TEST(test_void_step_reaches_all_in_a_batch_norm),
        TEST(test_failure_behind_the_solve_reaches_all),
        TEST(test_failure_in_the_backward_solve_reaches_all),
        TEST(test_failure_between_two_times_reaches_all),
        TEST(test_void_step_between_two_times_is_tried_again),
        TEST(test_field_of_nan_underflows_with_its_place),
        TEST(test_single_nan_is_a_rejected_step),
        TEST(test_nan_at_the_start_is_said_to_be_nan),
        TEST(test_max_steps_is_a_failure_of_all),
        TEST(test_worker_out_of_step_is_noticed),
        TEST(test_worker_out_of_step_that_hides_it_is_noticed),
        TEST(test_worker_out_of_step_is_noticed_with_fixed_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
