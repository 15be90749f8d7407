/* The exact reverse of steps, of the engine alone. */
#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_solver.h"
#include "solver/outputs.h"
#include "solver/reverse.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

/* The stability polynomial of a method of order 4 with 4 stages, and its derivative. */
static double rk4(double z)
{
    return 1.0 + z * (1.0 + z / 2.0 * (1.0 + z / 3.0 * (1.0 + z / 4.0)));
}

static double rk4_slope(double z)
{
    return 1.0 + z * (1.0 + z / 2.0 * (1.0 + z / 3.0));
}

/* L = c . y_30 + c . y_10: dL/dy0 = (R^30 + R^10) c, dL/dtheta = (30 R^29 + 10 R^9) R' (-h) c . y0
 */
static void test_reverse_of_equal_steps_is_their_exact_derivative(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.5, 1.0, 1.5};
    static const bool counts[] = {false, true, false, true};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 0.8);
    double d_y0[SAMPLES], d_theta, z = -0.8 * 0.05, r = rk4(z), product = 0.0;
    bench_require(bench_solve(b, 4, times, ODEON_KEEP_FRAMES));
    assert_int_equal(b->f.copies, 30); /* of y0 alone: stages are computed in their frames */
    bench_reverse(b, 4, counts, d_y0, &d_theta);
    for (int k = 0; k < SAMPLES; k++) {
        bench_assert_close(d_y0[k], (pow(r, 30.0) + pow(r, 10.0)) * bench_cotangents[k], 1e-14);
        product += bench_cotangents[k] * bench_start[k];
    }
    double powers = 30.0 * pow(r, 29.0) + 10.0 * pow(r, 9.0);
    bench_assert_close(d_theta, powers * rk4_slope(z) * -0.05 * product, 1e-13);
    bench_close(b);
}

static void test_reverse_of_adaptive_steps_is_their_exact_derivative(void **state)
{
    (void)state;
    inside_check_reverse(bench_adaptive, DENSE_UNUSED, "cpu", false);
    inside_check_reverse(bench_passing, DENSE_REQUIRED, "cpu", false);
}

static const double unit_span[] = {0.0, 1.0};

/* Weights at the step's own end are 0: its cotangent goes to Y1. */
static void test_weights_of_an_output_are_those_of_the_dense_output(void **state)
{
    (void)state;
    bench *b = bench_open("cpu", false, "tsit5", DENSE_REQUIRED, bench_adaptive, 1, 1.0);
    solver *s = b->solve;
    double weights[1 + ODEON_MAX_STAGES];
    int32_t registers[1 + ODEON_MAX_STAGES], n = dense_registers(s, registers);
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    assert_int_equal(reverse_output_weights(s, 0.5, 0.25, weights), n);
    for (int32_t i = 0; i < n; i++) {
        assert_true(weights[i] == dense_weight(s, 0.5, 0.25, registers[i]));
    }
    assert_true(weights[0] == 1.0);
    assert_int_equal(reverse_output_weights(s, 0.5, 1.0, weights), n);
    for (int32_t i = 0; i < n; i++) {
        assert_true(weights[i] == 0.0);
    }
    inside_finish(b);
    bench_close(b);
}

/* d_y0 of the cotangent of the start that steps have left, and of the output that is the start. */
static void test_start_gathers_from_steps_and_from_itself(void **state)
{
    (void)state;
    static const double left[SAMPLES] = {1.0, 2.0, 3.0}, own[SAMPLES] = {10.0, 20.0, 30.0};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver *s = b->solve;
    odeon_view d_y[2];
    double out[SAMPLES];
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    s->task.d_y = d_y;
    for (int i = 0; i < 4; i++) {
        bool steps = (i & 1) != 0, itself = (i & 2) != 0;
        bound_vector x = {0};
        bench_put(b, &b->d_y[0], own);
        d_y[0] = b->d_y[0].view;
        d_y[0].data = itself ? d_y[0].data : NULL;
        if (steps) {
            x = workspace_take(&s->memory);
            odeon_tensor tensor = vector_tensor(s, x);
            bench_put(b, &tensor, left);
        }
        s->step.cotangent[REG_Y1] = x;
        bench_require(reverse_finish(s, &b->d_y0));
        bench_get(b, &b->d_y0.view, out);
        for (int k = 0; k < SAMPLES; k++) {
            assert_true(out[k] == (steps ? left[k] : 0.0) + (itself ? own[k] : 0.0));
        }
        workspace_release(&s->memory, &s->step.cotangent[REG_Y1]);
    }
    inside_finish(b);
    bench_close(b);
}

/* The tape is used up, and all vectors and frames come back. */
static void test_tape_is_left_empty(void **state)
{
    (void)state;
    static const bool counts[] = {true, true};
    bench *b = bench_open("cpu", false, "rk4", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    solver *s = b->solve;
    double d_y0[SAMPLES], d_theta;
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_FRAMES));
    assert_int_equal(s->tape.n_records, 10);
    assert_int_equal(s->tape.n_frames, 40);
    bench_reverse(b, 2, counts, d_y0, &d_theta);
    assert_int_equal(s->tape.n_records, 0);
    assert_int_equal(s->memory.n_free_frames, s->memory.n_frames);
    assert_int_equal(s->memory.n_free_vectors, s->memory.n_vectors);
    bench_close(b);
}

/* Outputs read within steps pass their cotangents to the slopes there. */
static void test_outputs_within_steps_have_their_share(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.35, 0.8};
    static const bool counts[] = {false, true, false};
    bench *b = bench_open("cpu", false, "tsit5", DENSE_REQUIRED, bench_adaptive, 1, 1.0);
    double d_y0[SAMPLES], d_theta;
    bench_require(bench_solve(b, 3, times, ODEON_KEEP_FRAMES));
    bench_reverse(b, 3, counts, d_y0, &d_theta);
    for (int k = 0; k < SAMPLES; k++) {
        bench_assert_close(d_y0[k], exp(-0.35) * bench_cotangents[k], 1e-6);
    }
    bench_close(b);
}

/* The start of a multistep method has a carry of zero: nothing is passed on beyond it. */
static void test_carry_passes_cotangents_from_step_to_step(void **state)
{
    (void)state;
    static const bool counts[] = {false, true};
    bench *b =
        bench_open("cpu", false, "adams_bashforth(order=3)", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    double y0[2][SAMPLES], end[2][SAMPLES], d_y0[SAMPLES], d_theta;
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_FRAMES));
    bench_get(b, &b->y[1].view, end[0]);
    bench_reverse(b, 2, counts, d_y0, &d_theta);
    memcpy(y0[0], bench_start, sizeof y0[0]);
    for (int k = 0; k < SAMPLES; k++) { /* the solve is linear in each sample by itself */
        bench_assert_close(d_y0[k], end[0][k] / y0[0][k] * bench_cotangents[k], 1e-13);
    }
    bench_close(b);
}

/* A register may have more readers than a sum has addends: what they pass back is then gathered in
 * several sums. */
static void test_register_of_many_readers_gets_the_share_of_each(void **state)
{
    (void)state;
    static const bool counts[] = {false, true};
    bench *b =
        bench_open("cpu", false, "scripted(rule=readers)", DENSE_UNUSED, bench_ten_steps, 1, 1.0);
    double end[SAMPLES], d_y0[SAMPLES], d_theta;
    bench_require(bench_solve(b, 2, unit_span, ODEON_KEEP_FRAMES));
    bench_get(b, &b->y[1].view, end);
    bench_reverse(b, 2, counts, d_y0, &d_theta);
    for (int k = 0; k < SAMPLES; k++) { /* the solve is linear in each sample by itself */
        bench_assert_close(d_y0[k], end[k] / bench_start[k] * bench_cotangents[k], 1e-13);
    }
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reverse_of_equal_steps_is_their_exact_derivative),
        cmocka_unit_test(test_reverse_of_adaptive_steps_is_their_exact_derivative),
        cmocka_unit_test(test_weights_of_an_output_are_those_of_the_dense_output),
        cmocka_unit_test(test_start_gathers_from_steps_and_from_itself),
        cmocka_unit_test(test_tape_is_left_empty),
        cmocka_unit_test(test_outputs_within_steps_have_their_share),
        cmocka_unit_test(test_carry_passes_cotangents_from_step_to_step),
        cmocka_unit_test(test_register_of_many_readers_gets_the_share_of_each),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
