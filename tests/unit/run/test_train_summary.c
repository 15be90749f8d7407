#include "run/train_summary.h"

#include "small_trainer.h"

static ode_counters block(int64_t forward, int64_t backward, double share)
{
    return (ode_counters){
        .path = "ode", .evals_forward = forward, .evals_backward = backward, .share = share};
}

static void put(session_result *to, ode_counters *from, double loss, double accuracy)
{
    session_result result = {.loss = loss,
                             .metrics = {accuracy},
                             .device = {.waits = 2, .launches = 30, .allocs = 0},
                             .n_blocks = 1,
                             .blocks = from};
    support_require(session_result_copy(&result, to), "copy");
}

static void assert_summary(const small_trainer *x, const char *expected)
{
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    train_print_summary(&x->t, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void test_first_and_last_step_are_reported_with_the_test(void **state)
{
    (void)state;
    small_trainer x;
    ode_counters first = block(4, 6, (double)NAN), last = block(8, 12, 0.5),
                 test = block(4, 0, 0.25);
    small_trainer_open(&x, NULL);
    put(&x.t.first, &first, 1.0, 0.5);
    put(&x.t.last, &last, 0.5, 0.75);
    x.t.test_step = 4;
    put(&x.t.tested, &test, 0.25, 1.0);
    assert_summary(&x, "ode: evaluations at the first step 4 forward 6 backward, at the last 8 "
                       "forward 12 backward\n"
                       "ode: ||y(t1) - y(t0)|| / ||y(t0)|| = 0.2500\n"
                       "test loss 0.2500\n"
                       "test accuracy 1.0000\n");
    small_trainer_close(&x);
}

/* Another process made the first step, and the test did not measure the share. */
static void test_what_is_not_known_is_left_out(void **state)
{
    (void)state;
    small_trainer x;
    ode_counters last = block(8, 12, 0.5), test = block(4, 0, (double)NAN);
    small_trainer_open(&x, NULL);
    put(&x.t.last, &last, 0.5, 0.75);
    x.t.test_step = 4;
    put(&x.t.tested, &test, 0.25, 1.0);
    x.t.at = (checkpoint){.step = 4, .epoch = 2, .best = 1.0, .best_epoch = 1, .best_step = 2};
    assert_summary(&x, "ode: evaluations at the last 8 forward 12 backward\n"
                       "ode: ||y(t1) - y(t0)|| / ||y(t0)|| = 0.5000\n"
                       "best test accuracy 1.0000 after epoch 1 (weights-best.safetensors)\n"
                       "test loss 0.2500\n"
                       "test accuracy 1.0000\n");
    x.t.last.blocks[0].share = (double)NAN;
    x.t.at.best_epoch = 0;
    assert_summary(&x, "ode: evaluations at the last 8 forward 12 backward\n"
                       "test loss 0.2500\n"
                       "test accuracy 1.0000\n");
    small_trainer_close(&x);
}

/* A run that goes on and finds that it is over has evaluated nothing. */
static void test_what_was_not_evaluated_has_no_lines(void **state)
{
    (void)state;
    small_trainer x;
    small_trainer_open(&x, NULL);
    assert_summary(&x, "");
    x.t.validation_step = 4;
    x.t.validated.loss = 0.5;
    assert_summary(&x, "validation loss 0.5000\nvalidation accuracy 0.0000\n");
    small_trainer_close(&x);
}

static void test_a_device_apart_tells_what_a_step_asks_of_it(void **state)
{
    (void)state;
    small_trainer x;
    const char *overrides[] = {"run.device=remote", NULL};
    ode_counters last = block(8, 12, (double)NAN), test = block(4, 0, (double)NAN);
    small_trainer_open(&x, overrides);
    put(&x.t.last, &last, 0.5, 0.75);
    x.t.test_step = 4;
    put(&x.t.tested, &test, 0.25, 1.0);
    assert_summary(&x, "device: at the last step waits 2, launches 30, allocations 0\n"
                       "ode: evaluations at the last 8 forward 12 backward\n"
                       "test loss 0.2500\n"
                       "test accuracy 1.0000\n");
    small_trainer_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_first_and_last_step_are_reported_with_the_test),
        WITH_FOLDER(test_what_is_not_known_is_left_out),
        WITH_FOLDER(test_what_was_not_evaluated_has_no_lines),
        WITH_FOLDER(test_a_device_apart_tells_what_a_step_asks_of_it),
    };
    return cmocka_run_group_tests_name("train_summary", tests, NULL, NULL);
}
