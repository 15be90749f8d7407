/* Stretches of a solve, of the engine alone: made again and reversed they give the bits of the
 * solve that kept all frames; vectors come back; what is not there is refused. */
#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "solver/keep.h"
#include "solver/stretch.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

static const double times[] = {0.0, 0.35, 0.5, 1.0};
static const bool counts[] = {true, true, false, true};
enum { N_TIMES = 4 };

/* What a reverse gives. */
typedef struct answer {
    double d_y0[2 * SAMPLES], d_theta[2];
} answer;

static void begin_reverse(bench *b)
{
    const double none[2] = {0.0};
    const odeon_tensor grad = bench_vector(b->f.grad, 2);
    for (int i = 0; i < N_TIMES; i++) {
        b->cotangents[i].data = counts[i] ? b->d_y[i].view.data : NULL;
        bench_put(b, &b->d_y[i], bench_cotangents);
    }
    bench_put(b, &grad, none);
}

static answer end_reverse(bench *b)
{
    answer a = {0};
    const odeon_tensor grad = bench_vector(b->f.grad, 2);
    bench_get(b, &b->d_y0.view, a.d_y0);
    bench_get(b, &grad.view, a.d_theta);
    return a;
}

static answer by_frames(bench *b)
{
    answer a = {0};
    bench_require(bench_solve(b, N_TIMES, times, ODEON_KEEP_FRAMES));
    begin_reverse(b);
    bench_require(solver_reverse(b->solve, b->cotangents, &b->d_y0));
    a = end_reverse(b);
    a.d_theta[1] = 0.0; /* scratch */
    return a;
}

/* passed: the cotangent goes through our hands between two stretches. */
static answer by_stretches(bench *b, int64_t every, bool passed)
{
    solver_keep_every(b->solve, every);
    bench_require(bench_solve(b, N_TIMES, times, ODEON_KEEP_STATES));
    int64_t kept, last = solver_n_steps(b->solve);
    assert_int_equal(solver_kept(b->solve, &kept), ODEON_KEEP_STATES);
    assert_true(every == 0 || kept == every);
    begin_reverse(b);
    for (bool behind = false; last > 0; behind = true) {
        int64_t first = (last - 1) / kept * kept;
        bench_require(solver_replay(b->solve, first, last));
        const odeon_gradient_reverse stretch = {.struct_size = sizeof stretch,
                                                .first = first,
                                                .last = last,
                                                .d_y = b->cotangents,
                                                .d_end = passed && behind ? &b->d_y0.view : NULL,
                                                .d_start = passed || first == 0 ? &b->d_y0 : NULL};
        bench_require(solver_reverse_steps(b->solve, &stretch));
        last = first;
    }
    answer a = end_reverse(b);
    a.d_theta[1] = 0.0;
    return a;
}

static void check(const char *method, int32_t dense, odeon_ode_spec spec, bool one_step)
{
    int32_t size = strcmp(method, "leapfrog") == 0 ? 2 : 1; /* q and p */
    bench *b = bench_open("cpu", false, method, dense, spec, size, 0.8);
    answer frames = by_frames(b);
    for (int64_t every = 0; every < 6; every++) {
        answer x = by_stretches(b, every, false);
        assert_memory_equal(&frames, &x, sizeof x);
        if (one_step) { /* nothing but y goes from step to step */
            x = by_stretches(b, every, true);
            assert_memory_equal(&frames, &x, sizeof x);
        }
        /* the next solve leaves nothing of this one in use */
        bench_require(bench_solve(b, N_TIMES, times, ODEON_KEEP_NONE));
        assert_int_equal(b->solve->memory.n_free_vectors, b->solve->memory.n_vectors);
        assert_int_equal(kept_steps_vectors(&b->solve->kept), 0);
    }
    bench_close(b);
}

static void test_stretches_have_the_bits_of_the_whole(void **state)
{
    (void)state;
    check("rk4", DENSE_UNUSED, bench_ten_steps, true);
    check("adams_bashforth", DENSE_UNUSED, bench_ten_steps, false);
    check("leapfrog", DENSE_UNUSED, bench_ten_steps, false);
    check("tsit5", DENSE_UNUSED, bench_adaptive, false);
    check("tsit5", DENSE_IF_OFFERED, bench_adaptive, false);
    check("dopri5", DENSE_REQUIRED, bench_passing, false);
    check("bdf2", DENSE_UNUSED, bench_adaptive, false);
    check("bdf2", DENSE_REQUIRED, bench_passing, false);
}

/* A tape of frames can be walked in parts as well. */
static void test_frames_of_a_solve_in_two_parts(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "adams_bashforth", DENSE_UNUSED, bench_ten_steps, 1, 0.8);
    answer frames = by_frames(b), parts;
    bench_require(bench_solve(b, N_TIMES, times, ODEON_KEEP_FRAMES));
    begin_reverse(b);
    odeon_gradient_reverse r = {
        .struct_size = sizeof r, .first = 13, .last = 30, .d_y = b->cotangents};
    bench_require(solver_reverse_steps(b->solve, &r));
    r.first = 0;
    r.last = 13;
    r.d_start = &b->d_y0;
    bench_require(solver_reverse_steps(b->solve, &r));
    parts = end_reverse(b);
    parts.d_theta[1] = 0.0;
    assert_memory_equal(&frames, &parts, sizeof parts);
    assert_int_equal(b->solve->tape.n_records, 0);
    bench_close(b);
}

/* y = e^(-t/2): the dense output of order 4, inside of steps, at their ends, and a little beyond.
 */
static void test_dense_output_of_kept_steps(void **state)
{
    (void)state;
    static const double at[] = {0.0, 0.013, 0.35, 0.36, 0.77, 1.0, 1.001};
    for (int backward = 0; backward < 2; backward++) {
        static const double back[] = {1.0, 0.0};
        bench *b = bench_open("cpu", false, "dopri5", DENSE_REQUIRED, bench_adaptive, 1, 0.5);
        double y[SAMPLES];
        bench_require(backward ? bench_solve(b, 2, back, ODEON_KEEP_DENSE)
                               : bench_solve(b, N_TIMES, times, ODEON_KEEP_DENSE));
        for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
            bench_require(solver_dense(b->solve, at[i], &b->d_y0));
            bench_get(b, &b->d_y0.view, y);
            double exact = exp(-0.5 * (backward ? at[i] - 1.0 : at[i]));
            bench_assert_close(y[0], bench_start[0] * exact, 1e-7);
        }
        bench_close(b);
    }
}

static void assert_refused(odeon_status status, const char *words)
{
    assert_int_equal(status, ODEON_ERR_UNSUPPORTED);
    assert_string_equal(diag_message(), words);
    diag_clear();
}

static void test_what_is_not_there_is_refused(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 0.8);
    odeon_gradient_reverse r = {.struct_size = sizeof r, .first = 10, .last = 20};
    odeon_tape_step step = {.struct_size = sizeof step};
    assert_refused(bench_solve(b, N_TIMES, times, ODEON_KEEP_DENSE),
                   "equation: dense output of integrator rk4 cannot be kept: there is none");
    solver_keep_every(b->solve, 10);
    bench_require(bench_solve(b, N_TIMES, times, ODEON_KEEP_STATES));
    assert_refused(solver_step(b->solve, 30, &step),
                   "equation: steps 30 to 31 of the solve's 30: there is no such step");
    assert_refused(solver_replay(b->solve, 20, 31),
                   "equation: steps 20 to 31 of the solve's 30: there are no such steps to make "
                   "again");
    assert_refused(
        solver_replay(b->solve, 15, 20),
        "equation: steps 15 to 20 of the solve's 30: no state is kept to make them again "
        "from");
    bench_require(solver_replay(b->solve, 20, 30));
    assert_refused(solver_reverse_steps(b->solve, &r),
                   "equation: steps 10 to 20 of the solve's 30: there are no frames of just these");
    assert_refused(solver_dense(b->solve, 0.5, &b->d_y0),
                   "equation: no dense output of the solve is kept");
    bench_close(b);
}

/* Every allocation fails once: the solve, the stretch and its reverse report it, and a later solve
 * is as good as any. */
static void test_allocations_that_fail_are_reported(void **state)
{
    (void)state;
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t n = 1;
    for (; status != ODEON_OK; n++) {
        bench *b = bench_open("cpu", false, "tsit5", DENSE_IF_OFFERED, bench_ten_steps, 1, 0.8);
        solver_keep_every(b->solve, 4);
        mem_fail_at(n);
        status = bench_solve(b, N_TIMES, times, ODEON_KEEP_STATES | ODEON_KEEP_DENSE);
        status = status == ODEON_OK ? solver_replay(b->solve, 28, 30) : status;
        mem_fail_at(0);
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        diag_clear();
        bench_require(bench_solve(b, N_TIMES, times, ODEON_KEEP_STATES));
        bench_close(b);
    }
    assert_true(n > 5);
}

/* The field of a step has become one that cannot be evaluated where the step was made. */
static void test_replay_that_fails_keeps_nothing_of_its_step(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 0.8);
    int64_t kept;
    bench_require(bench_solve(b, N_TIMES, times, ODEON_KEEP_STATES));
    assert_int_equal(solver_kept(b->solve, &kept), ODEON_KEEP_STATES);
    int64_t last = solver_n_steps(b->solve), first = (last - 1) / kept * kept;
    begin_reverse(b);
    b->f.wall = 0.99; /* within the last step */
    assert_int_equal(solver_replay(b->solve, first, last), ODEON_ERR_NUMERIC);
    assert_string_equal(diag_message(), "no value at 1");
    for (int32_t i = 0; i < ODEON_MAX_STAGES; i++) {
        assert_null(b->solve->step.frames[i]);
    }
    assert_int_equal(b->solve->tape.n_records, last - first - 1);
    b->f.wall = (double)NAN;
    bench_require(solver_replay(b->solve, first, last));
    assert_int_equal(b->solve->tape.n_records, last - first);
    bench_require(bench_solve(b, N_TIMES, times, ODEON_KEEP_NONE));
    assert_int_equal(b->solve->memory.n_free_vectors, b->solve->memory.n_vectors);
    assert_int_equal(b->solve->memory.n_free_frames, b->solve->memory.n_frames);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stretches_have_the_bits_of_the_whole),
        cmocka_unit_test(test_frames_of_a_solve_in_two_parts),
        cmocka_unit_test(test_dense_output_of_kept_steps),
        cmocka_unit_test(test_what_is_not_there_is_refused),
        cmocka_unit_test(test_allocations_that_fail_are_reported),
        cmocka_unit_test(test_replay_that_fails_keeps_nothing_of_its_step),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
