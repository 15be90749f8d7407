/* Methods that tell a stiff term apart, pairs of tables and a stepper, of the engine alone: on a
 * field of two terms whose solution is known. */
#include "engine/bench.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "odeon/layer.h"
#include "solver/implicit.h"
#include "solver/state.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

/* y' = cos t + p (z - cos t)              and, stiff,  -L (y - sin t)
 * z' = -sin t - q (z - cos t) (y + z)     and, stiff,  -m (z^2 - cos^2 t)
 *
 * whose solution from (0, 1) is (sin t, cos t). Sample b has L (b + 1). */
typedef struct split {
    double rate, curve, pull, turn; /* L, m, p, q */
    double grad_rate, grad_pull;
    int64_t evals, calls[3], vjps[3]; /* by term */
} split;

enum { PAIR = 2, NUMBERS = PAIR * SAMPLES, PLAIN = 1, STIFF = 2 };

static const odeon_field_term terms[2] = {{.name = "body"},
                                          {.name = "stiff", .flags = ODEON_TERM_STIFF}};

static const double *read_numbers(const odeon_view *x)
{
    return odeon_read(x);
}

static void add_plain(const split *f, double t, const double *y, double *dy)
{
    dy[0] += cos(t) + f->pull * (y[1] - cos(t));
    dy[1] += -sin(t) - f->turn * (y[1] - cos(t)) * (y[0] + y[1]);
}

static void add_stiff(const split *f, double t, int b, const double *y, double *dy)
{
    dy[0] += -f->rate * (b + 1) * (y[0] - sin(t));
    dy[1] += -f->curve * (y[1] * y[1] - cos(t) * cos(t));
}

static odeon_status split_eval(void *self, const odeon_field_eval *call)
{
    split *f = self;
    const double *y = read_numbers(call->y), t = *read_numbers(call->t);
    double *dy = odeon_write(call->dy);
    f->evals++;
    f->calls[call->term]++;
    if (call->keep != NULL) {
        memcpy(call->keep->memory, y, NUMBERS * sizeof *y);
    }
    memset(dy, 0, NUMBERS * sizeof *dy);
    for (int b = 0; b < SAMPLES; b++, y += PAIR, dy += PAIR) {
        if (call->term != STIFF) {
            add_plain(f, t, y, dy);
        }
        if (call->term != PLAIN) {
            add_stiff(f, t, b, y, dy);
        }
    }
    return ODEON_OK;
}

static void add_plain_vjp(split *f, double t, const double *y, const double *w, double *y_bar)
{
    double off = y[1] - cos(t);
    f->grad_pull += off * w[0];
    y_bar[0] += -f->turn * off * w[1];
    y_bar[1] += f->pull * w[0] - f->turn * (y[0] + y[1] + off) * w[1];
}

static odeon_status split_vjp(void *self, const odeon_field_vjp *call)
{
    split *f = self;
    const double *w = read_numbers(call->dy_bar), t = *read_numbers(call->t);
    const double *y = (const double *)(const void *)call->kept->memory;
    double *y_bar = odeon_write(call->y_bar);
    bool with_params = (call->flags & ODEON_CALL_NO_PARAM_GRAD) == 0;
    f->vjps[call->term] += with_params;
    memset(y_bar, 0, NUMBERS * sizeof *y_bar);
    for (int b = 0; b < SAMPLES; b++, y += PAIR, w += PAIR, y_bar += PAIR) {
        if (call->term != STIFF) {
            add_plain_vjp(f, t, y, w, y_bar);
        }
        if (call->term != PLAIN) {
            f->grad_rate += with_params ? -(b + 1) * (y[0] - sin(t)) * w[0] : 0.0;
            y_bar[0] += -f->rate * (b + 1) * w[0];
            y_bar[1] += -2.0 * f->curve * y[1] * w[1];
        }
    }
    return ODEON_OK;
}

/* The bench's own equation of as many numbers makes way for it. */
static bench *open(const char *method, int32_t dense, odeon_ode_spec spec, split *f)
{
    bench *b = bench_open("cpu", false, method, dense, spec, PAIR, 1.0);
    host_field *host = &b->f.host;
    *f = (split){.rate = 1.0, .curve = 1.0, .pull = 1.0, .turn = 0.5};
    host->evals = &f->evals;
    host->frame_in = -1;
    host->abi.self = f;
    host->abi.eval = split_eval;
    host->abi.vjp = split_vjp;
    host->abi.terms = terms;
    host->abi.n_terms = 2;
    return b;
}

static const double at_zero[NUMBERS] = {0.0, 1.0, 0.0, 1.0, 0.0, 1.0};

static odeon_status solve_from(bench *b, const double *y0, int32_t n_times, const double *times,
                               int32_t keep)
{
    bench_put(b, &b->y[0], y0);
    solver_forget(b->solve);
    return solver_solve(b->solve, &b->f.host, n_times, times, keep, b->y);
}

/* The largest error at the end, of all samples. */
static double error_at(bench *b, int32_t i, double t)
{
    double y[NUMBERS], largest = 0.0;
    bench_get(b, &b->y[i].view, y);
    for (int k = 0; k < NUMBERS; k += PAIR) {
        largest = fmax(largest, fmax(fabs(y[k] - sin(t)), fabs(y[k + 1] - cos(t))));
    }
    return largest;
}

/* Calls of one step: of the term that is not stiff. Those of the other depend on Newton. */
static const struct {
    const char *id;
    double order;
    int plain, first; /* first: before the first step */
} methods[] = {
    {"ark324", 3.0, 4, 0}, {"imex_euler", 1.0, 1, 0}, {"ars443", 3.0, 4, 1}, {"sbdf2", 2.0, 1, 1}};
enum { METHODS = sizeof methods / sizeof *methods };

/* ---- steps ---- */

static double error_of_equal_steps(int method, int64_t steps, double rate)
{
    static const double times[] = {0.0, 1.6};
    odeon_ode_spec spec = {.mode = ODEON_STEPS_COUNT, .steps = steps};
    split f;
    bench *b = open(methods[method].id, DENSE_UNUSED, spec, &f);
    f.rate = rate;
    bench_require(solve_from(b, at_zero, 2, times, ODEON_KEEP_NONE));
    assert_int_equal(f.calls[ODEON_TERM_ALL], 0);
    assert_int_equal(f.calls[PLAIN], methods[method].first + steps * methods[method].plain);
    double error = error_at(b, 1, times[1]);
    bench_close(b);
    return error;
}

static void test_pairs_have_their_orders(void **state)
{
    (void)state;
    for (int i = 0; i < METHODS; i++) {
        double coarse = error_of_equal_steps(i, 64, 1.0);
        double fine = error_of_equal_steps(i, 128, 1.0);
        double order = log2(coarse / fine);
        if (!(fabs(order - methods[i].order) < 0.25)) {
            fail_msg("%s has order %g (errors %g, %g)", methods[i].id, order, coarse, fine);
        }
    }
}

/* Steps 1e7 times as long as an explicit method could take. */
static void test_a_stiff_term_needs_no_small_steps(void **state)
{
    (void)state;
    for (int i = 0; i < METHODS; i++) {
        double error = error_of_equal_steps(i, 32, 1e8);
        if (!(error < (methods[i].order < 2.0 ? 5e-2 : 5e-3))) {
            fail_msg("%s has error %g", methods[i].id, error);
        }
    }
}

static void test_adaptive_steps_keep_their_tolerance(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.5, 2.0}, rates[] = {1.0, 1e4};
    for (int i = 0; i < 4; i++) {
        split f;
        bench *b = open(i < 2 ? "ark324" : "sbdf2", DENSE_UNUSED, bench_adaptive, &f);
        b->spec.max_steps = 20000;
        bench_set_tolerance(b, i < 2 ? 1e-7 : 1e-6);
        f.rate = rates[i % 2];
        bench_require(solve_from(b, at_zero, 3, times, ODEON_KEEP_NONE));
        double error = fmax(error_at(b, 1, 0.5), error_at(b, 2, 2.0));
        int64_t accepted = solver_stats(b->solve).accepted;
        if (!(error < (i < 2 ? 1e-4 : 1e-3)) || accepted > 1000) {
            fail_msg("%d, at %g: error %g in %lld steps", i, rates[i % 2], error,
                     (long long)accepted);
        }
        bench_close(b);
    }
}

/* The first step is chosen by the whole field, also where a part of it is carried. */
static void test_the_first_step_is_chosen_by_all_terms(void **state)
{
    (void)state;
    static const double times[] = {0.0, 1.0};
    split f;
    bench *b = open("ark324", DENSE_UNUSED, bench_adaptive, &f);
    bench_set_tolerance(b, 1e-3);
    bench_require(solve_from(b, at_zero, 2, times, ODEON_KEEP_NONE));
    assert_int_equal(f.calls[ODEON_TERM_ALL], 2);
    bench_close(b);
}

/* ---- reverse ---- */

static const double seeds[NUMBERS] = {0.5, 1.0, -2.0, 1.0, -0.75, 0.5};
static const double span[] = {0.0, 0.4, 1.0};

/* L = seeds . (y(0.4) + y(1)). */
static double loss(bench *b, const double *y0)
{
    double y[NUMBERS], sum = 0.0;
    bench_require(solve_from(b, y0, 3, span, ODEON_KEEP_NONE));
    for (int i = 1; i < 3; i++) {
        bench_get(b, &b->y[i].view, y);
        for (int k = 0; k < NUMBERS; k++) {
            sum += seeds[k] * y[k];
        }
    }
    return sum;
}

/* Central differences of fourth order in a number, which is put back. */
static double difference(bench *b, const double *y0, double *number, double step)
{
    static const double at[4] = {-2.0, -1.0, 1.0, 2.0}, weight[4] = {1.0, -8.0, 8.0, -1.0};
    double sum = 0.0, kept = *number;
    for (int i = 0; i < 4; i++) {
        *number = kept + at[i] * step;
        sum += weight[i] * loss(b, y0);
    }
    *number = kept;
    return sum / (12.0 * step);
}

static void expect_close(const char *what, double value, double expected, double relative)
{
    if (!(fabs(value - expected) <= relative * fmax(fabs(expected), 1e-3))) {
        fail_msg("%s: %.17g is not %.17g (off by %.1e)", what, value, expected,
                 fabs(value / expected - 1.0));
    }
}

static void reverse(bench *b, split *f, double *y0, double *d_y0)
{
    bench_require(solve_from(b, y0, 3, span, ODEON_KEEP_FRAMES));
    f->grad_rate = f->grad_pull = 0.0;
    b->cotangents[0].data = NULL;
    for (int i = 1; i < 3; i++) {
        b->cotangents[i].data = b->d_y[i].view.data;
        bench_put(b, &b->d_y[i], seeds);
    }
    bench_require(solver_reverse(b->solve, b->cotangents, &b->d_y0));
    bench_get(b, &b->d_y0.view, d_y0);
}

/* dL/dy0, and by a parameter of each term. */
static void check_gradient(bench *b, split *f, const char *what)
{
    double y0[NUMBERS] = {0.1, 1.2, 0.0, 1.0, -0.2, 0.7}, d_y0[NUMBERS];
    reverse(b, f, y0, d_y0);
    double rate = f->grad_rate, pull = f->grad_pull;
    for (int k = 0; k < NUMBERS; k++) {
        expect_close(what, d_y0[k], difference(b, y0, &y0[k], 1e-3), 1e-8);
    }
    expect_close(what, rate, difference(b, y0, &f->rate, 1e-3 * f->rate), 1e-8);
    expect_close(what, pull, difference(b, y0, &f->pull, 1e-3), 1e-8);
}

static void test_reverse_is_the_derivative_of_equal_steps(void **state)
{
    (void)state;
    static const double rates[] = {2.0, 1e3};
    for (int i = 0; i < 2 * METHODS; i++) {
        split f;
        bench *b = open(methods[i / 2].id, DENSE_UNUSED,
                        (odeon_ode_spec){.mode = ODEON_STEPS_COUNT, .steps = 8}, &f);
        f.rate = rates[i % 2];
        check_gradient(b, &f, methods[i / 2].id);
        bench_close(b);
    }
}

/* The steps that an adaptive solve has taken. */
static void test_reverse_is_the_derivative_of_adaptive_steps(void **state)
{
    (void)state;
    static double steps[1000][2];
    size_t attempts, n = 0;
    split f;
    bench *b = open("ark324", DENSE_UNUSED, bench_adaptive, &f);
    bench_set_tolerance(b, 1e-5);
    f.rate = 300.0;
    bench_require(solve_from(b, at_zero, 3, span, ODEON_KEEP_NONE));
    const solve_attempt *list = solver_attempts(b->solve, &attempts);
    assert_true(attempts <= sizeof steps / sizeof *steps);
    for (size_t i = 0; i < attempts; i++) {
        if (list[i].accepted) {
            steps[n][0] = list[i].t;
            steps[n++][1] = list[i].h;
        }
    }
    bench_close(b);
    b = open("ark324", DENSE_UNUSED,
             (odeon_ode_spec){.mode = ODEON_STEPS_REPLAY, .replay_path = "steps"}, &f);
    solver_set_replay(b->solve, n, (const double(*)[2])steps);
    f.rate = 300.0;
    check_gradient(b, &f, "replayed");
    bench_close(b);
}

/* ---- dense output ---- */

/* A straight line from step to step, through both slopes: 0.4 lies within the second of four. */
static void test_dense_output_joins_both_slopes(void **state)
{
    (void)state;
    static const double steps[4][2] = {{0.0, 0.25}, {0.25, 0.25}, {0.5, 0.25}, {0.75, 0.25}};
    static const double ends[] = {0.0, 0.25, 0.5, 1.0};
    double start[NUMBERS], end[NUMBERS], y[NUMBERS];
    split f;
    odeon_ode_spec spec = {.mode = ODEON_STEPS_REPLAY, .replay_path = "steps"};
    bench *b = open("ars443", DENSE_IF_OFFERED, spec, &f);
    solver_set_replay(b->solve, 4, steps);
    bench_require(solve_from(b, at_zero, 4, ends, ODEON_KEEP_NONE));
    bench_get(b, &b->y[1].view, start);
    bench_get(b, &b->y[2].view, end);
    bench_require(solve_from(b, at_zero, 3, span, ODEON_KEEP_NONE));
    bench_get(b, &b->y[1].view, y);
    for (int k = 0; k < NUMBERS; k++) {
        expect_close("dense", y[k], 0.4 * start[k] + 0.6 * end[k], 1e-12);
    }
    check_gradient(b, &f, "dense");
    bench_close(b);
}

/* ---- what is refused ---- */

static void expect_refusal(bench *b, const char *why)
{
    static const double times[] = {0.0, 1.0};
    diag_clear();
    assert_int_equal(solve_from(b, at_zero, 2, times, ODEON_KEEP_NONE), ODEON_ERR_UNSUPPORTED);
    if (strstr(diag_message(), why) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", why, diag_message());
    }
}

static void test_fields_that_are_refused(void **state)
{
    (void)state;
    static const char line[] = "equation: integrator ark324 treats the stiff term of a field "
                               "apart: the field needs one stiff term and one that is not";
    const odeon_field_term alike[2] = {terms[1], terms[1]};
    split f;
    bench *b = open("ark324", DENSE_UNUSED, bench_ten_steps, &f);
    b->f.host.abi.terms = alike;
    expect_refusal(b, line);
    b->f.host.abi.terms = NULL;
    b->f.host.abi.n_terms = 0;
    expect_refusal(b, line);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_have_their_orders),
        cmocka_unit_test(test_a_stiff_term_needs_no_small_steps),
        cmocka_unit_test(test_adaptive_steps_keep_their_tolerance),
        cmocka_unit_test(test_the_first_step_is_chosen_by_all_terms),
        cmocka_unit_test(test_reverse_is_the_derivative_of_equal_steps),
        cmocka_unit_test(test_reverse_is_the_derivative_of_adaptive_steps),
        cmocka_unit_test(test_dense_output_joins_both_slopes),
        cmocka_unit_test(test_fields_that_are_refused),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
