/* Methods with implicit stages on two problems that are known for their stiffness, against values
 * of states and gradients to 10 digits or more, and the gradient against differences of the very
 * same steps. */
#include "engine/bench.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "odeon/layer.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

/* ---- fields ---- */

enum { WIDTH = 3, NUMBERS = WIDTH * SAMPLES, RATES = 3 };

/* One of both problems. All samples start alike; the first alone is looked at. */
typedef struct problem {
    int width; /* numbers of a sample; what is left of the vector stands still */
    double rate[RATES], grad[RATES];
    int64_t evals;
} problem;

static const double *read_numbers(const odeon_view *x)
{
    return odeon_read(x);
}

/* Robertson's kinetics; Hairer, Wanner, Solving ODEs II, 2nd ed., IV.1, equation 1.4. */
static void robertson(const double *k, const double *y, double *dy)
{
    dy[0] = -k[0] * y[0] + k[2] * y[1] * y[2];
    dy[2] = k[1] * y[1] * y[1];
    dy[1] = -dy[0] - dy[2];
}

static void robertson_vjp(const double *k, const double *y, const double *w, double *y_bar,
                          double *k_bar)
{
    double slow = w[1] - w[0], fast = w[2] - w[1];
    y_bar[0] = slow * k[0];
    y_bar[1] = fast * 2.0 * k[1] * y[1] - slow * k[2] * y[2];
    y_bar[2] = -slow * k[2] * y[1];
    k_bar[0] += slow * y[0];
    k_bar[1] += fast * y[1] * y[1];
    k_bar[2] -= slow * y[1] * y[2];
}

/* Terms of van der Pol's oscillator: y0' is not stiff, y1' is. */
enum { PLAIN = 1, STIFF = 2 };
static const odeon_field_term terms[2] = {{.name = "body"},
                                          {.name = "stiff", .flags = ODEON_TERM_STIFF}};

/* Van der Pol's oscillator. */
static void van_der_pol(const double *k, int32_t term, const double *y, double *dy)
{
    dy[0] = term == STIFF ? 0.0 : y[1];
    dy[1] = term == PLAIN ? 0.0 : k[0] * (1.0 - y[0] * y[0]) * y[1] - y[0];
}

static void van_der_pol_vjp(const double *k, int32_t term, const double *y, const double *w,
                            double *y_bar, double *k_bar)
{
    double w0 = term == STIFF ? 0.0 : w[0], w1 = term == PLAIN ? 0.0 : w[1];
    y_bar[0] = -w1 * (2.0 * k[0] * y[0] * y[1] + 1.0);
    y_bar[1] = w0 + w1 * k[0] * (1.0 - y[0] * y[0]);
    k_bar[0] += w1 * (1.0 - y[0] * y[0]) * y[1];
}

static odeon_status eval(void *self, const odeon_field_eval *call)
{
    problem *f = self;
    const double *y = read_numbers(call->y);
    double *dy = odeon_write(call->dy);
    f->evals++;
    if (call->keep != NULL) {
        memcpy(call->keep->memory, y, (size_t)(f->width * SAMPLES) * sizeof *y);
    }
    for (int b = 0; b < SAMPLES; b++) {
        if (f->width == 3) {
            robertson(f->rate, y + b * 3, dy + b * 3);
        } else {
            van_der_pol(f->rate, call->term, y + b * 2, dy + b * 2);
        }
    }
    return ODEON_OK;
}

static odeon_status vjp(void *self, const odeon_field_vjp *call)
{
    problem *f = self;
    const double *w = read_numbers(call->dy_bar);
    const double *y = (const double *)(const void *)call->kept->memory;
    double *y_bar = odeon_write(call->y_bar), none[RATES] = {0.0};
    double *grad = (call->flags & ODEON_CALL_NO_PARAM_GRAD) != 0 ? none : f->grad;
    for (int b = 0; b < SAMPLES; b++) {
        if (f->width == 3) {
            robertson_vjp(f->rate, y + b * 3, w + b * 3, y_bar + b * 3, grad);
        } else {
            van_der_pol_vjp(f->rate, call->term, y + b * 2, w + b * 2, y_bar + b * 2, grad);
        }
    }
    return ODEON_OK;
}

static bench *open(const char *method, odeon_ode_spec spec, problem *f, int width)
{
    spec.max_steps = 200000;
    bench *b = bench_open("cpu", false, method, DENSE_UNUSED, spec, width, 1.0);
    host_field *host = &b->f.host;
    *f = width == 3 ? (problem){.width = 3, .rate = {0.04, 3e7, 1e4}}
                    : (problem){.width = 2, .rate = {1000.0}};
    host->evals = &f->evals;
    host->frame_in = -1;
    host->abi.self = f;
    host->abi.eval = eval;
    host->abi.vjp = vjp;
    host->abi.terms = width == 2 ? terms : NULL;
    host->abi.n_terms = width == 2 ? 2 : 0;
    return b;
}

static odeon_status solve(bench *b, int width, const double *start, int32_t n_times,
                          const double *times, int32_t keep)
{
    double y0[NUMBERS];
    for (int k = 0; k < width * SAMPLES; k++) {
        y0[k] = start[k % width];
    }
    bench_put(b, &b->y[0], y0);
    solver_forget(b->solve);
    return solver_solve(b->solve, &b->f.host, n_times, times, keep, b->y);
}

/* d_y0 of the first sample, and f's gradient: of L = sum of weights[i - 1] . y(times[i]). */
static void reverse(bench *b, problem *f, int width, int32_t n_times, const double *weights,
                    double *d_y0)
{
    double seeds[NUMBERS], all[NUMBERS];
    memset(f->grad, 0, sizeof f->grad);
    b->cotangents[0].data = NULL;
    for (int32_t i = 1; i < n_times; i++) {
        memset(seeds, 0, sizeof seeds);
        memcpy(seeds, weights + (i - 1) * width, (size_t)width * sizeof *seeds);
        b->cotangents[i].data = b->d_y[i].view.data;
        bench_put(b, &b->d_y[i], seeds);
    }
    bench_require(solver_reverse(b->solve, b->cotangents, &b->d_y0));
    bench_get(b, &b->d_y0.view, all);
    memcpy(d_y0, all, (size_t)width * sizeof *d_y0);
}

static void expect_relative(const char *what, const char *method, double value, double expected,
                            double relative)
{
    if (!(fabs(value - expected) <= relative * fabs(expected))) {
        fail_msg("%s by %s: %.17g is not %.17g (off by %.1e)", what, method, value, expected,
                 fabs(value / expected - 1.0));
    }
}

/* ---- known values ---- */

/* Made by Radau IIA of 7 stages with residuals of 80 bits, and likewise of the equations of
 * sensitivity: states to 1e-17, gradients to 4e-11. */
enum { ROBERTSON_TIMES = 7 };
static const double robertson_times[ROBERTSON_TIMES] = {0.0, 0.4, 40.0, 4e3, 1e6, 1e9, 1e11};
static const double robertson_start[3] = {1.0, 0.0, 0.0};
static const double robertson_states[ROBERTSON_TIMES - 1][3] = {
    {0.9851721138609899, 3.386395378974904e-05, 0.01479402218522039},
    {0.715827068719405, 9.185534764557764e-06, 0.28416374574583037},
    {0.18320225777670932, 8.94237125277591e-07, 0.8167968479861654},
    {0.0020314839249734153, 8.142277783356162e-09, 0.9979685079327488},
    {2.083229471647004e-06, 8.332935037760725e-12, 0.9999979167621954},
    {2.083340149701294e-08, 8.333360770334784e-14, 0.9999999791665152},
};
static const double robertson_weights[ROBERTSON_TIMES - 1][3] = {
    {-0.2895379537871635, 9031.079315373152, -0.9203715914222949},
    {-0.4017734206764717, 36278.68751117968, 0.5708186088582915},
    {-0.12760319689951805, -12369.25177693022, -0.8918556399937759},
    {0.21070103223892309, -51497.04583370659, -1.098962351978582},
    {0.8832451067958192, 74370.85257017131, -1.1876273415252878},
    {1.0078049474741244, 81267.65193202131, -0.16816685845014498},
};
static const double robertson_d_start[3] = {-3.360445005698365, -5.2806724288524025,
                                            -5.280476016257315};
static const double robertson_d_rates[3] = {5.420480001440479, -8.928017038214255e-09,
                                            -9.200320624829544e-06};

static void check_robertson(const char *method, double state, double gradient, int64_t most_evals)
{
    static const double atol[3] = {1e-10, 1e-14, 1e-10}, rtol[3] = {1e-6, 1e-6, 1e-6};
    double y[NUMBERS], d_start[3];
    problem f;
    bench *b = open(method, bench_adaptive, &f, 3);
    b->spec.rtol = rtol;
    b->spec.atol = atol;
    b->spec.n_rtol = b->spec.n_atol = 3;
    b->control.n_each = 3;
    b->control.rtol_each = rtol; /* the device's memory is the host's */
    b->control.atol_each = atol;
    bench_require(solve(b, 3, robertson_start, ROBERTSON_TIMES, robertson_times, ODEON_KEEP_NONE));
    if (f.evals > most_evals) {
        fail_msg("%s makes %lld evaluations", method, (long long)f.evals);
    }
    for (int i = 1; i < ROBERTSON_TIMES; i++) {
        bench_get(b, &b->y[i].view, y);
        for (int k = 0; k < 3; k++) {
            expect_relative("state", method, y[k], robertson_states[i - 1][k], state);
        }
    }
    bench_require(
        solve(b, 3, robertson_start, ROBERTSON_TIMES, robertson_times, ODEON_KEEP_FRAMES));
    reverse(b, &f, 3, ROBERTSON_TIMES, robertson_weights[0], d_start);
    for (int k = 0; k < 3; k++) {
        expect_relative("gradient by the start", method, d_start[k], robertson_d_start[k],
                        gradient);
        expect_relative("gradient by a rate", method, f.grad[k], robertson_d_rates[k], gradient);
    }
    bench_close(b);
}

static void test_robertson_to_1e11(void **state)
{
    (void)state;
    check_robertson("kvaerno5", 1e-3, 1e-6, 4500);
    check_robertson("esdirk54", 1e-3, 1e-6, 4500);
    check_robertson("kvaerno4", 5e-3, 2e-5, 8000);
    check_robertson("kvaerno3", 5e-3, 2e-5, 12000);
    check_robertson("trbdf2", 1e-2, 1e-4, 8000);
    check_robertson("sdirk2", 1e-2, 1e-4, 60000);
}

/* mu = 1000, from (2, 0), through two jumps. */
static void test_van_der_pol_to_2000(void **state)
{
    (void)state;
    static const double times[6] = {0.0, 500.0, 800.0, 810.0, 1500.0, 2000.0}, start[2] = {2.0};
    static const double ends[5][2] = {
        {1.5967689510526617, -0.0010303911878393566}, {1.083923364642549, -0.006195233865024619},
        {-1.9981324778075495, 0.0006677058663132875}, {-1.3547459194866034, 0.0016217887275973965},
        {1.706167732170465, -0.0008928097010248166},
    };
    static const char *const methods[] = {"kvaerno3", "kvaerno4", "kvaerno5", "esdirk54", "ark324"};
    for (int m = 0; m < 5; m++) {
        double y[NUMBERS];
        problem f;
        bench *b = open(methods[m], bench_adaptive, &f, 2);
        bench_set_tolerance(b, 1e-6);
        bench_require(solve(b, 2, start, 6, times, ODEON_KEEP_NONE));
        for (int i = 1; i < 6; i++) {
            bench_get(b, &b->y[i].view, y);
            if (!(fabs(y[0] - ends[i - 1][0]) < 1e-4 && fabs(y[1] - ends[i - 1][1]) < 1e-4)) {
                fail_msg("%s at %g: %.9g, %.9g", methods[m], times[i], y[0], y[1]);
            }
        }
        bench_close(b);
    }
}

/* ---- against differences of the same steps ---- */

/* The steps that an adaptive solve has taken, to be replayed; how many. */
static double steps[20000][2];

static size_t take_steps(const bench *b)
{
    size_t attempts, n = 0;
    const solve_attempt *list = solver_attempts(b->solve, &attempts);
    assert_true(attempts <= sizeof steps / sizeof *steps);
    for (size_t i = 0; i < attempts; i++) {
        if (list[i].accepted) {
            steps[n][0] = list[i].t;
            steps[n++][1] = list[i].h;
        }
    }
    return n;
}

static double loss(bench *b, int width, const double *start, int32_t n_times, const double *times,
                   const double *weights)
{
    double y[NUMBERS], sum = 0.0;
    bench_require(solve(b, width, start, n_times, times, ODEON_KEEP_NONE));
    for (int32_t i = 1; i < n_times; i++) {
        bench_get(b, &b->y[i].view, y);
        for (int k = 0; k < width; k++) {
            sum += weights[(i - 1) * width + k] * y[k];
        }
    }
    return sum;
}

/* Central differences of fourth order in a number, which is put back. */
static double difference(bench *b, int width, const double *start, int32_t n_times,
                         const double *times, const double *weights, double *number, double step)
{
    static const double at[4] = {-2.0, -1.0, 1.0, 2.0}, weight[4] = {1.0, -8.0, 8.0, -1.0};
    double sum = 0.0, kept = *number;
    for (int i = 0; i < 4; i++) {
        *number = kept + at[i] * step;
        sum += weight[i] * loss(b, width, start, n_times, times, weights);
    }
    *number = kept;
    return sum / (12.0 * step);
}

/* move: how far the start is moved. The rates are moved by a thousandth of theirs. */
static void check_replay(const char *method, int width, const double *given, const double *move,
                         int n_rates, int32_t n_times, const double *times, const double *weights)
{
    double start[WIDTH], d_start[WIDTH];
    problem f;
    memcpy(start, given, (size_t)width * sizeof *start);
    bench *adaptive = open(method, bench_adaptive, &f, width);
    bench_set_tolerance(adaptive, 1e-5);
    adaptive->atol = adaptive->control.atol = 1e-9;
    bench_require(solve(adaptive, width, start, n_times, times, ODEON_KEEP_NONE));
    size_t n = take_steps(adaptive);
    bench_close(adaptive);
    odeon_ode_spec spec = {.mode = ODEON_STEPS_REPLAY, .replay_path = "steps"};
    bench *b = open(method, spec, &f, width);
    solver_set_replay(b->solve, n, (const double(*)[2])steps);
    bench_require(solve(b, width, start, n_times, times, ODEON_KEEP_FRAMES));
    reverse(b, &f, width, n_times, weights, d_start);
    for (int k = 0; k < width; k++) {
        expect_relative("gradient by the start", method, d_start[k],
                        difference(b, width, start, n_times, times, weights, &start[k], move[k]),
                        1e-7);
    }
    for (int k = 0; k < n_rates; k++) {
        expect_relative(
            "gradient by a rate", method, f.grad[k],
            difference(b, width, start, n_times, times, weights, &f.rate[k], 1e-3 * f.rate[k]),
            1e-7);
    }
    bench_close(b);
}

static void test_gradients_are_the_derivative_of_the_steps(void **state)
{
    (void)state;
    static const char *const methods[] = {"sdirk2",   "trbdf2",   "kvaerno3",
                                          "kvaerno4", "kvaerno5", "esdirk54"};
    static const double kinetics_move[3] = {1e-3, 1e-7, 1e-3}, oscillator_move[2] = {1e-4, 1e-2};
    static const double short_times[3] = {0.0, 0.5, 2.0}, oscillator_start[2] = {2.0, 0.0};
    static const double weights[2][2] = {{1.0, -200.0}, {0.5, 300.0}};
    for (int m = 0; m < 6; m++) {
        check_replay(methods[m], 3, robertson_start, kinetics_move, 3, ROBERTSON_TIMES,
                     robertson_times, robertson_weights[0]);
        check_replay(methods[m], 2, oscillator_start, oscillator_move, 1, 3, short_times,
                     weights[0]);
    }
    check_replay("ark324", 2, oscillator_start, oscillator_move, 1, 3, short_times, weights[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_robertson_to_1e11),
        cmocka_unit_test(test_van_der_pol_to_2000),
        cmocka_unit_test(test_gradients_are_the_derivative_of_the_steps),
    };
    return cmocka_run_group_tests(tests, bench_open_plugins, bench_close_plugins);
}
