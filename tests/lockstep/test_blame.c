/* Whoever is to blame for a failing solve is named, whichever worker has it, and the batch is kept
 * whole, so that it fails again in the same words. Hangs end by alarm. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support_session.h"

static const char network[] =
    "[run]\nname = test\ndevice = reference\ndtype = float64\n"
    "[data]\ndataset = idx(path=/nowhere, shape=1 2 3, classes=3)\n"
    "[model.flat]\nlayer = flatten\n"
    "[model.ode]\nlayer = ode(rtol=1e-6, atol=1e-6)\nintegrator = dopri5\ngradient = direct\n"
    "[model.ode.a]\nlayer = dense(units=state)\nthen = tanh, dense(units=state)\n"
    "[model.ode.fault]\nlayer = faulty(call=0)\n"
    "[model.head]\nlayer = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

enum { SAMPLES = 7, SIZE = 6, SECONDS = 30, WORKERS = 3 };

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

/* A session of so many workers with one more override or two. */
static support_session open_with(int workers, const char *first, const char *second)
{
    char text[32];
    (void)snprintf(text, sizeof text, "run.workers=%d", workers);
    const char *overrides[] = {text, first, second, NULL};
    return support_session_open(network, SAMPLES, overrides);
}

static void expect_message(support_session *s, const char *text)
{
    assert_int_equal(support_differentiate_try(s, NULL), ODEON_ERR_NUMERIC);
    if (strstr(diag_message(), text) == NULL) {
        fail_msg("the message '%s' does not say '%s'", diag_message(), text);
    }
}

/* A linear field and a tolerance that is all but absolute: the error grows with the sample. */
static void test_largest_error_is_named_wherever_it_is(void **state)
{
    (void)state;
    for (int workers = 1; workers <= WORKERS; workers++) {
        for (int64_t sample = 0; sample < SAMPLES; sample++) {
            char text[160];
            support_session s =
                open_with(workers, "model.ode.layer=ode(rtol=1e-15, atol=1e-6, max_steps=2)",
                          "model.ode.a.then=dense(units=state)");
            for (int64_t i = 0; i < SAMPLES * SIZE; i++) {
                s.x[i] *= i / SIZE == sample ? 100.0 : 1.0;
            }
            (void)snprintf(text, sizeof text,
                           "; worst sample: %lld of the batch, by part y of the solve forward, its "
                           "own scaled error ",
                           (long long)sample);
            expect_message(&s, text);
            support_session_close(&s);
        }
    }
}

static void message_of(const char *tolerances, char *out, size_t bytes)
{
    char layer[192];
    (void)snprintf(layer, sizeof layer, "model.ode.layer=ode(max_steps=2, %s)", tolerances);
    support_session s = open_with(1, layer, "model.ode.a.then=dense(units=state)");
    assert_int_equal(support_differentiate_try(&s, NULL), ODEON_ERR_NUMERIC);
    (void)snprintf(out, bytes, "%s", diag_message());
    support_session_close(&s);
}

/* One tolerance stands for as many equal ones, whatever the other is. */
static void test_tolerances_of_each_component_are_those_of_the_blamed(void **state)
{
    (void)state;
    static const char *const alike[][2] = {
        {"rtol=1e-6, atol=1e-9 1e-7 1e-8 1e-9 1e-7 1e-8",
         "rtol=1e-6 1e-6 1e-6 1e-6 1e-6 1e-6, atol=1e-9 1e-7 1e-8 1e-9 1e-7 1e-8"},
        {"rtol=1e-9 1e-7 1e-8 1e-9 1e-7 1e-8, atol=1e-9",
         "rtol=1e-9 1e-7 1e-8 1e-9 1e-7 1e-8, atol=1e-9 1e-9 1e-9 1e-9 1e-9 1e-9"},
        {"rtol=1e-6, atol=1e-9",
         "rtol=1e-6 1e-6 1e-6 1e-6 1e-6 1e-6, atol=1e-9 1e-9 1e-9 1e-9 1e-9 1e-9"},
    };
    char first[DIAG_MESSAGE_BYTES], other[DIAG_MESSAGE_BYTES], before[DIAG_MESSAGE_BYTES] = "";
    for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
        message_of(alike[i][0], first, sizeof first);
        message_of(alike[i][1], other, sizeof other);
        assert_non_null(strstr(first, "its own scaled error "));
        assert_string_equal(first, other);
        assert_string_not_equal(first, before);
        memcpy(before, first, sizeof before);
    }
}

/* All of one worker's slice turns into NaN: its first sample is named. */
static void test_value_that_is_not_finite_is_named_wherever_it_is(void **state)
{
    (void)state;
    for (int rank = 0; rank < WORKERS; rank++) {
        for (int call = 1; call <= 4; call++) { /* of the first slopes, and within a step */
            char fault[96], text[96];
            (void)snprintf(fault, sizeof fault,
                           "model.ode.fault.layer=faulty(rank=%d, call=%d, calls=1000, status=nan)",
                           rank, call);
            (void)snprintf(text, sizeof text,
                           "; worst sample: %d of the batch, by part y of the solve forward, not "
                           "finite",
                           SAMPLES * rank / WORKERS);
            support_session s = open_with(WORKERS, fault, NULL);
            expect_message(&s, text);
            support_session_close(&s);
        }
    }
}

static void test_part_of_the_adjoint_is_named(void **state)
{
    (void)state;
    support_session s =
        open_with(WORKERS, "model.ode.gradient=adjoint",
                  "model.ode.fault.layer=faulty(rank=1, call=1, calls=1000, status=nan, in=vjp)");
    expect_message(&s,
                   "; worst sample: 2 of the batch, by part a of the solve backward, not finite");
    support_session_close(&s);
}

static void test_output_that_is_not_finite_is_named(void **state)
{
    (void)state;
    support_session s =
        open_with(WORKERS, "model.ode.steps=2",
                  "model.ode.fault.layer=faulty(rank=2, call=3, calls=1, status=nan)");
    expect_message(&s, "; first sample whose output is not finite: 4 of the batch");
    support_session_close(&s);
}

static void test_failed_batch_is_kept_and_fails_again(void **state)
{
    (void)state;
    char message[DIAG_MESSAGE_BYTES];
    support_session s = open_with(WORKERS, "model.ode.max_steps=2", NULL);
    assert_null(session_failed_batch(s.session));
    expect_message(&s, "ode: max_steps reached");
    (void)snprintf(message, sizeof message, "%s", diag_message());

    const session_batch *kept = session_failed_batch(s.session);
    assert_non_null(kept);
    assert_int_equal(kept->n, SAMPLES);
    assert_true(kept->training);
    assert_memory_equal(kept->field[ODEON_ROLE_INPUT], s.x, SAMPLES * SIZE * sizeof *s.x);
    const double *const *given = support_given(&s);
    const double *labels = given[ODEON_ROLE_LABEL];
    assert_memory_equal(kept->field[ODEON_ROLE_LABEL], labels, SAMPLES * sizeof *labels);
    assert_null(kept->indices);

    session_batch again = {
        .training = true, .n = SAMPLES, .field = {s.x, s.given[ODEON_ROLE_LABEL]}};
    diag_clear();
    assert_int_equal(session_repeat(s.session, &again, NULL), ODEON_ERR_NUMERIC);
    assert_string_equal(diag_message(), message);
    support_session_close(&s);
}

/* -0 is another number than 0 to whoever divides by it. */
static void test_kept_batch_has_the_sign_of_zero(void **state)
{
    (void)state;
    support_session s = open_with(2, "model.ode.max_steps=2", "run.dtype=float32");
    for (int64_t i = 0; i < SAMPLES * SIZE; i++) {
        s.x[i] = i % 2 == 0 ? (double)(float)s.x[i] : -0.0;
    }
    expect_message(&s, "ode: max_steps reached");
    assert_memory_equal(session_failed_batch(s.session)->field[ODEON_ROLE_INPUT], s.x,
                        SAMPLES * SIZE * sizeof *s.x);
    support_session_close(&s);
}

static void test_success_and_other_failures_keep_no_batch(void **state)
{
    (void)state;
    support_session s =
        open_with(WORKERS, "model.ode.max_steps=1000",
                  "model.ode.fault.layer=faulty(rank=1, call=9, calls=1, status=fatal)");
    assert_int_equal(support_differentiate_try(&s, NULL), ODEON_ERR_DEVICE);
    assert_null(session_failed_batch(s.session));
    (void)support_differentiate(&s, NULL, NULL);
    assert_null(session_failed_batch(s.session));
    support_session_close(&s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_alarm, clear_alarm)
    const struct CMUnitTest tests[] = {
        TEST(test_largest_error_is_named_wherever_it_is),
        TEST(test_tolerances_of_each_component_are_those_of_the_blamed),
        TEST(test_value_that_is_not_finite_is_named_wherever_it_is),
        TEST(test_part_of_the_adjoint_is_named),
        TEST(test_output_that_is_not_finite_is_named),
        TEST(test_failed_batch_is_kept_and_fails_again),
        TEST(test_kept_batch_has_the_sign_of_zero),
        TEST(test_success_and_other_failures_keep_no_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
