/* Where and why a solve failed: part, sample and kind of cause. */
#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_solver.h"
#include "solver/diagnosis.h"
#include "solver/step.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

static void check_cause(bench *b, const double *y0, double theta, int32_t kind, int64_t sample)
{
    static const double times[] = {0.0, 1.0};
    bench_put(b, &b->y[0], y0);
    b->f.theta = theta;
    assert_int_equal(solver_solve(b->solve, &b->f.host, 2, times, ODEON_KEEP_NONE, b->y),
                     ODEON_ERR_NUMERIC);
    const solve_diagnosis *d = solver_diagnosis(b->solve);
    assert_true(d->failed);
    assert_int_equal(d->cause.kind, kind);
    assert_string_equal(d->worst.part, "y");
    assert_int_equal(d->worst.sample, sample);
    assert_true(isnan(d->worst.error));
    diag_clear();
    solver_forget(b->solve);
    assert_null(solver_diagnosis(b->solve)->worst.part);
}

/* A state that is not finite, a field that is not where the state is: 2e200 * 1e200 overflows. */
static void test_cause_and_sample_are_found(void **state)
{
    (void)state;
    static const double broken[] = {1.0, (double)NAN, (double)INFINITY}, huge[] = {1.0, 2.0, 2e200};
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, bench_adaptive, 1, 1.0);
    check_cause(b, broken, 1.0, CAUSE_STATE, 1);
    check_cause(b, huge, 1e200, CAUSE_FIELD, 2);
    bench_close(b);
}

static const double unit_span[] = {0.0, 1.0};

static bench *open_adaptive(double theta)
{
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, bench_adaptive, 1, theta);
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    b->solve->control = b->control;
    b->solve->diagnosis = (solve_diagnosis){0};
    return b;
}

static void close_adaptive(bench *b)
{
    inside_finish(b);
    bench_close(b);
}

/* A vector of the workspace with these values. */
static bound_vector vector_of(bench *b, double a, double c, double d)
{
    const double values[SAMPLES] = {a, c, d};
    bound_vector x = workspace_take(&b->solve->memory);
    odeon_tensor tensor = vector_tensor(b->solve, x);
    assert_non_null(x.data);
    bench_put(b, &tensor, values);
    return x;
}

static void test_vector_comes_as_double_or_not_at_all(void **state)
{
    (void)state;
    bench *b = open_adaptive(1.0);
    bound_vector x = vector_of(b, 1.5, -2.0, 0.25);
    double *values = vector_download(b->solve, x);
    assert_true(values[0] == 1.5 && values[1] == -2.0 && values[2] == 0.25);
    mem_free(values);
    float narrow[SAMPLES] = {0.5f, 3.0f, -1.0f};
    bench_require(b->device->ops->upload(b->lane.queue, x.data, narrow, sizeof narrow));
    b->f.host.abi.dtype = ODEON_DTYPE_F32;
    values = vector_download(b->solve, x);
    assert_true(values[0] == 0.5 && values[1] == 3.0 && values[2] == -1.0);
    mem_free(values);
    int64_t live = mem_live_blocks();
    for (int64_t n = 1; n <= 2; n++) { /* the vector, and the same widened */
        mem_fail_at(n);
        assert_null(vector_download(b->solve, x));
        mem_fail_at(0);
        assert_int_equal(mem_live_blocks(), live);
    }
    b->f.host.abi.dtype = ODEON_DTYPE_F64;
    assert_null(vector_download(b->solve, (bound_vector){0}));
    workspace_release(&b->solve->memory, &x);
    close_adaptive(b);
}

static void test_first_sample_that_is_not_finite_is_found(void **state)
{
    (void)state;
    bench *b = open_adaptive(1.0);
    const solve_worst *worst = &b->solve->diagnosis.worst;
    bound_vector fine = vector_of(b, 1.0, 2.0, 3.0);
    bound_vector broken = vector_of(b, 1.0, (double)INFINITY, (double)NAN);
    diagnose_value(b->solve, fine);
    assert_null(worst->part);
    diagnose_value(b->solve, (bound_vector){0}); /* cannot be read: there is no diagnosis */
    assert_null(worst->part);
    diagnose_value(b->solve, broken);
    assert_string_equal(worst->part, "y");
    assert_int_equal(worst->sample, 1);
    assert_true(isnan(worst->error));
    workspace_release(&b->solve->memory, &fine);
    workspace_release(&b->solve->memory, &broken);
    close_adaptive(b);
}

/* Only parts with a value of their own for every sample name one. */
static void test_parts_without_samples_are_passed_over(void **state)
{
    (void)state;
    static const int32_t flags[] = {ODEON_PART_QUADRATURE, ODEON_PART_NO_NORM, ODEON_PART_SHARED};
    bench *b = open_adaptive(1.0);
    bound_vector broken = vector_of(b, (double)NAN, 1.0, 1.0);
    for (int i = 0; i < 5; i++) {
        b->f.part.flags = i < 3 ? flags[i] : 0;
        b->f.host.samples = i == 3 ? 0 : i == 4 ? 2 : SAMPLES;
        diagnose_value(b->solve, broken);
        assert_null(b->solve->diagnosis.worst.part);
    }
    b->f.part.flags = 0;
    b->f.host.samples = 1;
    diagnose_value(b->solve, broken);
    assert_int_equal(b->solve->diagnosis.worst.sample, 0);
    b->f.host.samples = SAMPLES;
    workspace_release(&b->solve->memory, &broken);
    close_adaptive(b);
}

static void check_start(bench *b, bound_vector y0, bound_vector f0, bound_vector f1, int32_t kind)
{
    b->solve->diagnosis = (solve_diagnosis){0};
    diagnose_start(b->solve, y0, f0, f1);
    assert_int_equal(b->solve->diagnosis.cause.kind, kind);
}

/* In the order in which a solve meets them; f1 counts only where the probe was made at all, which
 * the two slots from START on say. Their neighbours say something else. */
static void test_start_is_searched_in_the_order_of_the_solve(void **state)
{
    (void)state;
    bench *b = open_adaptive(1.0);
    bound_vector fine = vector_of(b, 1.0, 2.0, 4.0);
    bound_vector bad = vector_of(b, 1.0, 1.0, (double)NAN);
    for (int32_t i = 0; i < ODEON_SLOT_START; i++) {
        inside_set_slot(b, i, (double)NAN);
    }
    inside_set_slot(b, ODEON_SLOT_START, 1.0);
    inside_set_slot(b, ODEON_SLOT_START + 1, 1.0);
    check_start(b, bad, bad, bad, CAUSE_STATE);
    check_start(b, fine, bad, bad, CAUSE_FIELD);
    assert_int_equal(b->solve->diagnosis.worst.sample, 2);
    check_start(b, fine, fine, bad, CAUSE_PROBE);
    check_start(b, fine, fine, fine, CAUSE_TOLERANCE);
    for (int32_t i = 0; i < ODEON_SLOT_START; i++) {
        inside_set_slot(b, i, 0.0);
    }
    for (int32_t i = 0; i < 2; i++) {
        inside_set_slot(b, ODEON_SLOT_START + i, (double)INFINITY);
        check_start(b, fine, fine, bad, CAUSE_TOLERANCE); /* f1 is of no step */
        inside_set_slot(b, ODEON_SLOT_START + i, 1.0);
    }
    workspace_release(&b->solve->memory, &fine);
    workspace_release(&b->solve->memory, &bad);
    close_adaptive(b);
}

/* The slope that is largest against the tolerances, and whether atol alone scales it. */
static void test_steepest_sample_is_found(void **state)
{
    (void)state;
    bench *b = open_adaptive(1.0);
    const solve_diagnosis *d = &b->solve->diagnosis;
    bound_vector y0 = vector_of(b, 1.0, 8.0, 0.0), f0 = vector_of(b, 1.0, 4.0, 1e-3);
    inside_set_slot(b, ODEON_SLOT_START, 1.0);
    inside_set_slot(b, ODEON_SLOT_START + 1, 1.0);
    check_start(b, y0, f0, f0, CAUSE_TOLERANCE);
    assert_int_equal(d->worst.sample, 0); /* 1 / (1e-10 + 1e-8); the third is 1e-3 / 1e-10 */
    assert_true(d->worst.error > 0.0);
    bench_set_tolerance(b, 1e-8);
    check_start(b, y0, f0, f0, CAUSE_TOLERANCE);
    workspace_release(&b->solve->memory, &y0);
    workspace_release(&b->solve->memory, &f0);
    close_adaptive(b);
}

/* A step is run, and its estimate formed: the sample with the largest value errs most. */
static void test_worst_sample_of_a_step_is_found(void **state)
{
    (void)state;
    bench *b = open_adaptive(1.0);
    solver *s = b->solve;
    const program *p;
    b->rtol = 1e-30; /* atol alone scales: the error is that of the value */
    bench_require(stepper_program(s->stepper, 0, &p));
    bench_require(step_begin(s, 0.0));
    bench_require(step_set_time(s, 0.0, 0.5));
    bench_require(step_run(s, p));
    inside_set_slot(b, ODEON_SLOT_ERROR, 3.0);
    diagnose_step(s, p, 0.5);
    assert_string_equal(s->diagnosis.worst.part, "y");
    assert_int_equal(s->diagnosis.worst.sample, 2); /* bench_start is 1, -0.5, 2 */
    assert_true(s->diagnosis.worst.error > 1.0);
    assert_int_equal(s->diagnosis.cause.kind, CAUSE_NONE);
    assert_true(s->diagnosis.cause.size == 2.0 && s->diagnosis.cause.start_size == 2.0);
    inside_set_slot(b, ODEON_SLOT_ERROR, (double)INFINITY); /* of all workers */
    diagnose_step(s, p, 0.5);
    assert_int_equal(s->diagnosis.cause.kind, CAUSE_TOLERANCE);
    assert_int_equal(s->diagnosis.cause.by_atol, 1);
    b->rtol = 1.0;
    diagnose_step(s, p, 0.5);
    assert_int_equal(s->diagnosis.cause.by_atol, 0);
    odeon_tensor y0 = vector_tensor(s, s->step.value[REG_Y0]);
    const double broken[SAMPLES] = {1.0, (double)NAN, 1.0};
    bench_put(b, &y0, broken); /* what the block was given, or what a step has made */
    for (int64_t i = 0; i < 2; i++) {
        s->step.index = i;
        diagnose_step(s, p, 0.5);
        assert_int_equal(s->diagnosis.cause.kind, i == 0 ? CAUSE_STATE : CAUSE_FIELD);
    }
    close_adaptive(b);
}

/* Two values a sample: sqrt((3^2 + 4^2) / 2) of the tolerance, or the larger of both. */
static void test_samples_are_judged_by_their_mean_square(void **state)
{
    (void)state;
    const double zero[2 * SAMPLES] = {0.0}, slope[2 * SAMPLES] = {0.0, 0.0, 3e-10, 4e-10};
    bench *b = bench_open("cpu", false, "tsit5", DENSE_UNUSED, bench_adaptive, 2, 1.0);
    inside_prepare(b, 2, unit_span, ODEON_KEEP_NONE);
    solver *s = b->solve;
    bound_vector y0 = workspace_take(&s->memory), f0 = workspace_take(&s->memory);
    odeon_tensor y = vector_tensor(s, y0), f = vector_tensor(s, f0);
    bench_put(b, &y, zero);
    bench_put(b, &f, slope);
    inside_set_slot(b, ODEON_SLOT_START, 1.0);
    inside_set_slot(b, ODEON_SLOT_START + 1, 1.0);
    s->control = b->control;
    check_start(b, y0, f0, f0, CAUSE_TOLERANCE);
    assert_int_equal(s->diagnosis.worst.sample, 1);
    bench_assert_close(s->diagnosis.worst.error, sqrt(12.5), 1e-12);
    assert_int_equal(s->diagnosis.cause.by_atol, 1);
    s->control.norm = ODEON_NORM_MAX;
    check_start(b, y0, f0, f0, CAUSE_TOLERANCE);
    bench_assert_close(s->diagnosis.worst.error, 4.0, 1e-12);
    workspace_release(&s->memory, &y0);
    workspace_release(&s->memory, &f0);
    inside_finish(b);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cause_and_sample_are_found),
        cmocka_unit_test(test_vector_comes_as_double_or_not_at_all),
        cmocka_unit_test(test_first_sample_that_is_not_finite_is_found),
        cmocka_unit_test(test_parts_without_samples_are_passed_over),
        cmocka_unit_test(test_start_is_searched_in_the_order_of_the_solve),
        cmocka_unit_test(test_steepest_sample_is_found),
        cmocka_unit_test(test_worst_sample_of_a_step_is_found),
        cmocka_unit_test(test_samples_are_judged_by_their_mean_square),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
