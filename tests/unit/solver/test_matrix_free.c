/* Implicit stages of many numbers a sample, by GMRES: heat in a rod with a reaction. */
#include "engine/bench.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "odeon/layer.h"
#include "solver/implicit.h"
#include "solver/state.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

/* u' = d (s + 1) u'' + c S u + r u (1 - u) of sample s on (0, 1) by N differences, u = 0 at both
 * ends; S takes every value to its neighbour's place, around the ring. */
enum { N = 256, ROD_SAMPLES = 2, NUMBERS = N * ROD_SAMPLES };

typedef struct rod {
    double diffusion, turn, reaction, d_diffusion, d_reaction;
    double edge; /* a value of u from which on there is none of the field; NAN: none */
    int64_t evals, vjps;
    odeon_part part;
    double memory[6][NUMBERS];
    odeon_tensor y[2], d_y, d_y0;
} rod;

static double spacing(void)
{
    return 1.0 / (N + 1);
}

static double bend(const double *u, int i)
{
    double left = i > 0 ? u[i - 1] : 0.0, right = i + 1 < N ? u[i + 1] : 0.0;
    return (left - 2.0 * u[i] + right) / (spacing() * spacing());
}

static void rates(const rod *f, const double *u, double *du)
{
    for (int s = 0; s < ROD_SAMPLES; s++, u += N, du += N) {
        for (int i = 0; i < N; i++) {
            du[i] = f->diffusion * (s + 1) * bend(u, i) + f->turn * u[(i + 1) % N] +
                    f->reaction * u[i] * (1.0 - u[i]);
        }
    }
}

static odeon_status rod_eval(void *self, const odeon_field_eval *call)
{
    rod *f = self;
    const double *u = odeon_read(call->y);
    double *du = odeon_write(call->dy);
    f->evals++;
    if (call->keep != NULL) {
        memcpy(call->keep->memory, u, NUMBERS * sizeof *u);
    }
    for (int k = 0; k < NUMBERS; k++) {
        if (u[k] > f->edge) {
            return diag_fail(ODEON_VOID_STEP, "no value at u = %g", u[k]);
        }
    }
    rates(f, u, du);
    return ODEON_OK;
}

static odeon_status rod_vjp(void *self, const odeon_field_vjp *call)
{
    rod *f = self;
    const double *w = odeon_read(call->dy_bar);
    const double *u = (const double *)(const void *)call->kept->memory;
    double *u_bar = odeon_write(call->y_bar);
    double with = (call->flags & ODEON_CALL_NO_PARAM_GRAD) != 0 ? 0.0 : 1.0;
    f->vjps++;
    for (int s = 0; s < ROD_SAMPLES; s++, u += N, w += N, u_bar += N) {
        for (int i = 0; i < N; i++) {
            u_bar[i] = f->diffusion * (s + 1) * bend(w, i) + f->turn * w[(i + N - 1) % N] +
                       f->reaction * (1.0 - 2.0 * u[i]) * w[i];
            f->d_diffusion += with * (s + 1) * bend(u, i) * w[i];
            f->d_reaction += with * u[i] * (1.0 - u[i]) * w[i];
        }
    }
    return ODEON_OK;
}

/* The bench's own equation makes way; the device's memory is the host's. */
static bench *open(const char *method, odeon_ode_spec spec, rod *f)
{
    bench *b = bench_open("cpu", false, method, DENSE_UNUSED, spec, 2, 1.0);
    host_field *host = &b->f.host;
    memset(f, 0, sizeof *f);
    f->diffusion = 0.1;
    f->edge = (double)NAN;
    f->part = (odeon_part){.name = "u", .n = NUMBERS, .rows = ROD_SAMPLES, .n_global = NUMBERS};
    host->evals = &f->evals;
    host->frame_in = -1;
    host->frame_bytes = NUMBERS * (int64_t)sizeof(double);
    host->samples = ROD_SAMPLES;
    host->abi.n = NUMBERS;
    host->abi.parts = &f->part;
    host->abi.self = f;
    host->abi.eval = rod_eval;
    host->abi.vjp = rod_vjp;
    f->y[0] = bench_vector(f->memory[0], NUMBERS);
    f->y[1] = bench_vector(f->memory[1], NUMBERS);
    f->d_y = bench_vector(f->memory[2], NUMBERS);
    f->d_y0 = bench_vector(f->memory[3], NUMBERS);
    return b;
}

/* Two of the eigenvectors of the differences, of which the second is gone at once. */
static void start(rod *f)
{
    for (int i = 0; i < NUMBERS; i++) {
        double x = spacing() * (i % N + 1), pi = acos(-1.0);
        f->memory[0][i] = sin(pi * x) + 0.3 * sin(40.0 * pi * x);
    }
}

static odeon_status solve(bench *b, rod *f, int32_t keep)
{
    static const double times[] = {0.0, 0.5};
    solver_forget(b->solve);
    return solver_solve(b->solve, &b->f.host, 2, times, keep, f->y);
}

/* The solution at the end, by the classical Runge-Kutta method in steps that are stable. */
static void solve_finely(const rod *f, double *u)
{
    enum { FINE = 12000 };
    static double k[4][NUMBERS], at[NUMBERS];
    static const double ahead[4] = {0.0, 0.5, 0.5, 1.0};
    double h = 0.5 / FINE;
    for (int step = 0; step < FINE; step++) {
        for (int j = 0; j < 4; j++) {
            for (int i = 0; i < NUMBERS; i++) {
                at[i] = u[i] + h * ahead[j] * k[j > 0 ? j - 1 : 0][i];
            }
            rates(f, at, k[j]);
        }
        for (int i = 0; i < NUMBERS; i++) {
            u[i] += h / 6.0 * (k[0][i] + 2.0 * k[1][i] + 2.0 * k[2][i] + k[3][i]);
        }
    }
}

static void check_solution(const char *method, double most, int64_t most_steps,
                           const double *expected)
{
    static rod f;
    double error = 0.0;
    bench *b = open(method, bench_adaptive, &f);
    bench_set_tolerance(b, 1e-6);
    b->spec.max_steps = 1000;
    f.reaction = 2.0;
    start(&f);
    bench_require(solve(b, &f, ODEON_KEEP_NONE));
    for (int i = 0; i < NUMBERS; i++) {
        error = fmax(error, fabs(f.memory[1][i] - expected[i]));
    }
    solve_stats stats = solver_stats(b->solve);
    print_message("%s: error %.1e, %lld steps, %lld rejected, %lld evaluations\n", method, error,
                  (long long)stats.accepted, (long long)stats.rejected, (long long)f.evals);
    if (!(error < most) || stats.accepted > most_steps || f.vjps != 0) {
        fail_msg("%s: error %g in %lld steps", method, error, (long long)stats.accepted);
    }
    bench_close(b);
}

/* An explicit method needs 10000 steps, by stability. */
static void test_solutions_to_tolerance(void **state)
{
    (void)state;
    static rod f = {.diffusion = 0.1, .reaction = 2.0};
    start(&f);
    solve_finely(&f, f.memory[0]);
    check_solution("kvaerno5", 1e-6, 60, f.memory[0]);
    check_solution("trbdf2", 3e-5, 300, f.memory[0]);
}

/* ---- reverse ---- */

static double weight_of(int i)
{
    return cos(0.1 * i) + 0.2;
}

static double loss(bench *b, rod *f)
{
    double sum = 0.0;
    bench_require(solve(b, f, ODEON_KEEP_NONE));
    for (int i = 0; i < NUMBERS; i++) {
        sum += weight_of(i) * f->memory[1][i];
    }
    return sum;
}

/* Central differences of fourth order in a number, which is put back. */
static double difference(bench *b, rod *f, double *number, double step)
{
    static const double at[4] = {-2.0, -1.0, 1.0, 2.0}, weight[4] = {1.0, -8.0, 8.0, -1.0};
    double sum = 0.0, kept = *number;
    for (int i = 0; i < 4; i++) {
        *number = kept + at[i] * step;
        sum += weight[i] * loss(b, f);
    }
    *number = kept;
    return sum / (12.0 * step);
}

static void expect_close(const char *what, double value, double expected)
{
    print_message("%s: %.12g, off by %.1e\n", what, value, fabs(value / expected - 1.0));
    if (!(fabs(value - expected) <= 1e-7 * fabs(expected))) {
        fail_msg("%s: %.17g is not %.17g", what, value, expected);
    }
}

static void check_gradient(const char *method, bool all)
{
    static rod f;
    odeon_view cotangents[2] = {{.data = NULL}};
    bench *b = open(method, (odeon_ode_spec){.mode = ODEON_STEPS_COUNT, .steps = 2}, &f);
    f.reaction = 2.0;
    f.turn = 1.0;
    start(&f);
    bench_require(solve(b, &f, ODEON_KEEP_FRAMES));
    for (int i = 0; i < NUMBERS; i++) {
        f.memory[2][i] = weight_of(i);
    }
    cotangents[1] = f.d_y.view;
    f.d_diffusion = f.d_reaction = 0.0;
    bench_require(solver_reverse(b->solve, cotangents, &f.d_y0));
    double by_diffusion = f.d_diffusion, by_reaction = f.d_reaction;
    if (all) {
        expect_close(method, by_diffusion, difference(b, &f, &f.diffusion, 1e-3));
        expect_close(method, by_reaction, difference(b, &f, &f.reaction, 1e-2));
    } else {
        expect_close(method, f.memory[3][N + 100], difference(b, &f, &f.memory[0][N + 100], 1e-1));
    }
    bench_close(b);
}

static void test_reverse_is_the_derivative_of_the_steps(void **state)
{
    (void)state;
    check_gradient("kvaerno5", false);
    check_gradient("trbdf2", true);
}

/* ---- samples, and what fails ---- */

static void test_bits_of_a_sample_do_not_depend_on_its_company(void **state)
{
    (void)state;
    static rod f;
    static double alone[N];
    for (int i = 0; i < 2; i++) {
        bench *b = open("kvaerno3", (odeon_ode_spec){.mode = ODEON_STEPS_COUNT, .steps = 4}, &f);
        f.reaction = 2.0;
        start(&f);
        for (int k = 0; k < N; k++) {
            f.memory[0][k] *= i == 0 ? 1.0 : 0.1;
        }
        bench_require(solve(b, &f, ODEON_KEEP_NONE));
        if (i == 0) {
            memcpy(alone, f.memory[1] + N, sizeof alone);
        }
        assert_memory_equal(alone, f.memory[1] + N, sizeof alone);
        bench_close(b);
    }
}

static void expect_failure(bench *b, rod *f, const char *why)
{
    assert_int_equal(solve(b, f, ODEON_KEEP_NONE), ODEON_ERR_NUMERIC);
    if (strstr(diag_message(), why) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", why, diag_message());
    }
    bench_close(b);
}

static void test_a_field_without_a_value_voids_the_step(void **state)
{
    (void)state;
    static rod f;
    bench *b = open("kvaerno3", (odeon_ode_spec){.mode = ODEON_STEPS_COUNT, .steps = 8}, &f);
    for (int i = 0; i < NUMBERS; i++) {
        f.memory[0][i] = 0.3;
    }
    f.reaction = 20.0;
    f.edge = 0.8;
    expect_failure(b, &f, "(no value at u = 0.8");
}

static bench *open_ring(odeon_ode_spec spec, rod *f)
{
    bench *b = open("sdirk2", spec, f);
    f->diffusion = 0.0;
    f->turn = 20.0;
    f->memory[0][0] = f->memory[0][N] = 1.0;
    return b;
}

/* From one value on the ring GMRES comes no nearer until it has been all around it, unless h c is
 * small. */
static void test_where_gmres_fails_a_smaller_step_is_tried(void **state)
{
    (void)state;
    static rod f;
    bench *b = open_ring((odeon_ode_spec){.mode = ODEON_STEPS_COUNT, .steps = 1}, &f);
    expect_failure(b, &f, "(GMRES does not converge); with fixed steps there is no smaller one");
    b = open_ring(bench_adaptive, &f);
    bench_set_tolerance(b, 1e-3);
    b->spec.first_step = 0.5;
    bench_require(solve(b, &f, ODEON_KEEP_NONE));
    assert_true(solver_stats(b->solve).rejected > 0);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_solutions_to_tolerance),
        cmocka_unit_test(test_reverse_is_the_derivative_of_the_steps),
        cmocka_unit_test(test_bits_of_a_sample_do_not_depend_on_its_company),
        cmocka_unit_test(test_a_field_without_a_value_voids_the_step),
        cmocka_unit_test(test_where_gmres_fails_a_smaller_step_is_tried),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
