/* A tableau as the engine carries it out: its dense output has the order that it claims, and stages
 * for dense output alone are evaluated where there is any. */
#include <math.h>

#include "engine/bench.h"

#include <cmocka.h>

static const odeon_ode_spec replay = {
    .mode = ODEON_STEPS_REPLAY, .replay_path = "steps", .end = ODEON_END_CLIP};

/* The error of an oscillator's first position at 0.4 h within one step of size h. */
static double error_within(const char *method, double h)
{
    const double steps[][2] = {{0.0, h}}, times[] = {0.0, 0.4 * h, h};
    bench *b = bench_open("cpu", false, method, DENSE_REQUIRED, replay, 2, 1.5);
    solver_set_replay(b->solve, 1, steps);
    bench_require(bench_solve(b, 3, times, ODEON_KEEP_NONE));
    double y[2 * SAMPLES], angle = b->f.theta * times[1];
    bench_get(b, &b->y[1].view, y);
    bench_close(b);
    return fabs(y[0] - (cos(angle) * bench_start[0] + sin(angle) * bench_start[SAMPLES]));
}

static void test_dense_output_has_its_order(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        double order, h;
    } methods[] = {{"midpoint", 2, 0.02}, {"rk4", 3, 0.05},    {"bosh3", 3, 0.05},
                   {"dopri5", 4, 0.025},  {"tsit5", 4, 0.025}, {"dopri8", 5, 0.2},
                   {"bs5", 5, 0.2}};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        double coarse = error_within(methods[i].id, 2.0 * methods[i].h);
        double order = log2(coarse / error_within(methods[i].id, methods[i].h)) - 1.0;
        print_message("%s: order %.2f\n", methods[i].id, order);
        /* the next term of the error still counts, most where the first one is small */
        assert_true(order > methods[i].order - 0.2 && order < methods[i].order + 0.8);
    }
}

/* Eight stages, the first of which is the last of the step before, and three more. */
static void test_dense_stages_are_evaluated_for_dense_output_alone(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.7, 2.0};
    static const int32_t dense[] = {DENSE_UNUSED, DENSE_IF_OFFERED};
    double ends[2][2 * SAMPLES];
    for (int i = 0; i < 2; i++) {
        bench *b = bench_open("cpu", false, "bs5", dense[i], bench_adaptive, 2, 1.5);
        const program *p = NULL;
        bench_require(stepper_program(b->method, 0, &p));
        assert_int_equal(p->n_evals, 7 + 3 * i);
        bench_require(bench_solve(b, 3, times, ODEON_KEEP_NONE));
        bench_get(b, &b->y[2].view, ends[i]);
        bench_assert_close(ends[i][0], cos(3.0) * bench_start[0] + sin(3.0) * bench_start[SAMPLES],
                           1e-6);
        bench_close(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense_output_has_its_order),
        cmocka_unit_test(test_dense_stages_are_evaluated_for_dense_output_alone),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
