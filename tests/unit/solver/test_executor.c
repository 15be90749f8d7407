/* Operations and loops, eager and captured: the same bits and counts from either. */
#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "solver/executor.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

static void test_captured_operations_give_the_same_bits_and_counts(void **state)
{
    (void)state;
    inside_compare_captured("remote", "rk4", bench_ten_steps, DENSE_UNUSED, false, 3);
    inside_compare_captured("remote", "adams_bashforth(order=3)", bench_ten_steps, DENSE_UNUSED,
                            false, 3);
}

/* Other times are other calls for steps known beforehand: nothing is replayed for them. */
static void test_other_times_are_not_replayed(void **state)
{
    (void)state;
    bench *b = bench_open("remote", true, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    double y[SAMPLES];
    for (int pass = 0; pass < 6; pass++) {
        double times[] = {0.0, pass < 4 ? 1.0 : 2.0};
        bench_require(bench_solve(b, 2, times, ODEON_KEEP_NONE));
        bench_get(b, &b->y[1].view, y);
        bench_assert_close(y[0], exp(-times[1]), 1e-5 /* of ten steps of order 4 */);
    }
    bench_close(b);
}

/* A field that has changed says so by its identity: another recording is made for it. */
static void test_other_identities_are_not_replayed(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0};
    static const bool counts[] = {false, true};
    static const odeon_ode_spec *const specs[] = {&bench_ten_steps, &bench_adaptive};
    for (int i = 0; i < 2; i++) {
        double y[SAMPLES], d_y0[SAMPLES], d_theta;
        bench *b = bench_open("remote", true, "tsit5", DENSE_UNUSED, *specs[i], 1, 1.0);
        for (int pass = 0; pass < 8; pass++) {
            b->f.theta = pass < 4 ? 1.0 : 0.5;
            b->f.host.identity.bytes[3] = pass < 4;
            bench_require(bench_solve(b, 2, times, ODEON_KEEP_FRAMES));
            bench_reverse(b, 2, counts, d_y0, &d_theta);
            bench_get(b, &b->y[1].view, y);
            bench_assert_close(y[0], exp(-b->f.theta), 1e-6);
            bench_assert_close(d_y0[0], bench_cotangents[0] * exp(-b->f.theta), 1e-6);
        }
        bench_close(b);
    }
}

static const double unit_span[] = {0.0, 1.0};

static void test_only_known_fields_on_devices_that_capture_are_captured(void **state)
{
    (void)state;
    bench *b = bench_open("remote", true, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    assert_true(executor_captures(b->solve));
    assert_true(executor_has_loops(b->solve));
    b->f.host.is_recordable = false;
    assert_false(executor_captures(b->solve));
    inside_finish(b);
    bench_close(b);
    b = bench_open("remote", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    assert_false(executor_captures(b->solve)); /* the run does not want it */
    inside_finish(b);
    bench_close(b);
    b = bench_open("remote(loops=no)", true, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    assert_true(executor_captures(b->solve));
    assert_false(executor_has_loops(b->solve));
    inside_finish(b);
    bench_close(b);
}

/* Tag, field, what is kept and how many times there are: each makes another key. */
static void test_key_begins_with_what_every_recording_depends_on(void **state)
{
    (void)state;
    bench *b = bench_open("remote", true, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver *s = b->solve;
    unsigned char keys[5][2048];
    size_t n = 0;
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    for (int i = 0; i < 5; i++) {
        b->f.host.identity.bytes[FIELD_IDENTITY_BYTES - 1] = i == 1;
        s->task.keep = i == 2 ? ODEON_KEEP_FRAMES : ODEON_KEEP_NONE;
        s->task.n_times = i == 3 ? 3 : 2;
        executor_begin_key(s, i == 4 ? KEY_TAPE : KEY_STEPS);
        assert_false(s->key.failed);
        assert_true(s->key.n <= sizeof keys[i] && (i == 0 || s->key.n == n));
        n = s->key.n;
        memcpy(keys[i], s->key.bytes, n);
        for (int k = 0; k < i; k++) {
            assert_memory_not_equal(keys[i], keys[k], n);
        }
    }
    inside_finish(b);
    bench_close(b);
}

/* A key that is not complete must not be asked by. */
static void test_key_without_memory_runs_eagerly(void **state)
{
    (void)state;
    bench *b = bench_open("remote", true, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    executor_begin_key(b->solve, KEY_STEPS);
    execution first = executor_ask(b->solve), second = executor_ask(b->solve);
    assert_int_equal(first.answer, CAPTURE_CACHE_RUN);
    assert_int_equal(second.answer, CAPTURE_CACHE_TAKE);
    assert_non_null(second.key);
    b->solve->key.failed = true;
    execution third = executor_ask(b->solve);
    assert_int_equal(third.answer, CAPTURE_CACHE_RUN);
    assert_null(third.key);
    execution eager = executor_eager();
    assert_int_equal(eager.answer, CAPTURE_CACHE_RUN);
    assert_null(eager.key);
    inside_finish(b);
    bench_close(b);
}

/* ---- loops ---- */

/* What a loop was asked to do: b, s, e for begin, step, end. */
typedef struct history {
    char text[32];
    int64_t passes;
    const char *fails_at; /* the call that fails, or NULL */
} history;

static odeon_status note(history *h, const char *what)
{
    strcat(h->text, what);
    return h->fails_at != NULL && strcmp(h->fails_at, what) == 0
               ? diag_fail(ODEON_ERR_NUMERIC, "no more")
               : ODEON_OK;
}

static odeon_status begin(solver *s, void *context)
{
    (void)s;
    return note(context, "b");
}

static odeon_status step(solver *s, void *context)
{
    (void)s;
    return note(context, "s");
}

static odeon_status end(solver *s, void *context)
{
    (void)s;
    return note(context, "e");
}

static odeon_status more(solver *s, void *context, int64_t passes, bool whole, bool *out)
{
    const history *h = context;
    (void)s;
    assert_false(whole);
    *out = passes < h->passes;
    return ODEON_OK;
}

static void check_loop(bench *b, int64_t passes, const char *fails_at, odeon_status expected,
                       const char *text)
{
    history h = {.passes = passes, .fails_at = fails_at};
    const step_loop loop = {.begin = begin,
                            .step = step,
                            .end = end,
                            .more = more,
                            .context = &h,
                            .has_eager_step = true};
    execution how = executor_eager();
    assert_int_equal(execute_loop(b->solve, &how, &loop), expected);
    assert_string_equal(h.text, text);
    diag_clear();
}

static void test_eager_loop_begins_steps_and_ends(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    check_loop(b, 0, NULL, ODEON_OK, "be");
    check_loop(b, 1, NULL, ODEON_OK, "bse");
    check_loop(b, 4, NULL, ODEON_OK, "bsssse");
    check_loop(b, 4, "b", ODEON_ERR_NUMERIC, "b");
    check_loop(b, 4, "s", ODEON_ERR_NUMERIC, "bs");
    check_loop(b, 2, "e", ODEON_ERR_NUMERIC, "bsse");
    inside_finish(b);
    bench_close(b);
}

/* ---- operations ---- */

static odeon_status fail_after_counting(solver *s, void *context)
{
    int *calls = context;
    (*calls)++;
    count_evals(s, 5);
    s->outputs.next = 7;
    return *calls == 1 ? diag_fail(ODEON_ERR_DEVICE, "cannot be captured") : ODEON_OK;
}

/* A capture that failed has changed nothing, and the calls are made plainly. */
static void test_failed_capture_is_followed_by_the_plain_calls(void **state)
{
    (void)state;
    bench *b = bench_open("remote", true, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver *s = b->solve;
    int calls = 0;
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    executor_begin_key(s, KEY_STEPS);
    (void)executor_ask(s);
    execution how = executor_ask(s);
    int64_t evals = b->f.evals;
    assert_int_equal(how.answer, CAPTURE_CACHE_TAKE);
    bench_require(execute(s, how, fail_after_counting, &calls));
    assert_int_equal(calls, 2);
    assert_int_equal(b->f.evals, evals + 5); /* once */
    assert_int_equal(s->log.evals, 5);
    assert_int_equal(s->outputs.next, 7);
    assert_string_equal(diag_message(), "");
    inside_finish(b);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_captured_operations_give_the_same_bits_and_counts),
        cmocka_unit_test(test_other_times_are_not_replayed),
        cmocka_unit_test(test_other_identities_are_not_replayed),
        cmocka_unit_test(test_only_known_fields_on_devices_that_capture_are_captured),
        cmocka_unit_test(test_key_begins_with_what_every_recording_depends_on),
        cmocka_unit_test(test_key_without_memory_runs_eagerly),
        cmocka_unit_test(test_eager_loop_begins_steps_and_ends),
        cmocka_unit_test(test_failed_capture_is_followed_by_the_plain_calls),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
