/* Continuous normalizing flows against PyTorch in float64 (make_flows.py): the density, the two
 * regularizers and the gradients through all of them; and what flow matching draws. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/rng.h"
#include "ode/integrals.h"
#include "session/members.h"
#include "support_session.h"

enum { SAMPLES = 6, DIM = 2 };

static safetensors *fixture;

static int open_fixture(void **state)
{
    (void)state;
    fixture = support_fixture("flows.safetensors");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    safetensors_destroy(fixture);
    return 0;
}

/* ---- the flow of the file ---- */

#define FLOW(device, method, field)                                                                \
    "[run]\nname = test\ndevice = " device "\ndtype = float64\nworkers = 2\n"                      \
    "[data]\ndataset = measured(shape=2, label=2, length=6)\n"                                     \
    "[model.ode]\nlayer = ode(span=0 1)\n" method "[model.ode.f]\nlayer = divergence" field        \
    "[model.ode.f.t]\nlayer = concat_time(at=last)\n"                                              \
    "[model.ode.f.W1]\nlayer = dense(units=8)\nthen = tanh\n"                                      \
    "[model.ode.f.W2]\nlayer = dense(units=8)\nthen = tanh\n"                                      \
    "[model.ode.f.W3]\nlayer = dense(units=state)\n"                                               \
    "[model.ode.energy]\nlayer = kinetic\n"
#define STEPS "integrator = rk4\nsteps = 8\ngradient = direct\n"
#define NLL   "[train]\noptimizer = sgd(lr=0.1)\nloss = flow_nll(of=ode.divergence)"
#define TOTAL NLL ", penalty(of=ode.kinetic ode.frobenius, weights=0.1 0.05)\n"

static double *theirs(const char *kind, const char *name, int64_t *n)
{
    char *path = kind != NULL ? mem_printf("%s/%s", kind, name) : mem_strdup(name);
    double *values = support_tensor(fixture, path, n);
    mem_free(path);
    return values;
}

/* "ode.f.W1.weight" is W1, and its bias b1. */
static void tensor_name(const char *path, char name[3])
{
    const char *last = strrchr(path, '.');
    memcpy(name, last - 2, 2);
    name[0] = strcmp(last, ".bias") == 0 ? 'b' : 'W';
    name[2] = '\0';
}

/* Samples and weights of the file. */
static support_session open_flow(const char *ini, const char *const *overrides)
{
    support_session s = support_session_open(ini, SAMPLES, overrides);
    int64_t n;
    double *x = theirs(NULL, "x", &n);
    assert_int_equal(n, SAMPLES * s.input_size);
    memcpy(s.x, x, (size_t)n * sizeof *x);
    mem_free(x);
    for (size_t i = 0; i < session_parameters(s.session); i++) {
        char name[3];
        session_parameter p = session_parameter_at(s.session, i);
        tensor_name(p.path, name);
        double *w = theirs(NULL, name, &n);
        assert_int_equal(n, p.count);
        support_require(session_parameter_set(s.session, i, w), p.path);
        mem_free(w);
    }
    return s;
}

static void assert_like(const char *kind, const char *name, int64_t n, const double *ours,
                        double tolerance)
{
    int64_t count;
    double *expected = theirs(kind, name, &count);
    assert_int_equal(count, n);
    support_assert_close(name, n, ours, expected, tolerance);
    mem_free(expected);
}

static double mean_of(const char *kind, const char *name)
{
    int64_t n;
    double *x = theirs(kind, name, &n), sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sum += x[i] / (double)n;
    }
    mem_free(x);
    return sum;
}

/* prefix: "nll_grad_" or "total_grad_". */
static void check_gradients(support_session *s, const char *kind, const char *prefix,
                            const double *d_x)
{
    char name[32];
    for (size_t i = 0; i < session_parameters(s->session); i++) {
        char tensor[3];
        session_parameter p = session_parameter_at(s->session, i);
        double *gradient = mem_zalloc((size_t)p.count, sizeof *gradient);
        support_require(session_gradient_get(s->session, i, gradient), p.path);
        tensor_name(p.path, tensor);
        (void)snprintf(name, sizeof name, "%s%s", prefix, tensor);
        assert_like(kind, name, p.count, gradient, 1e-11);
        mem_free(gradient);
    }
    (void)snprintf(name, sizeof name, "%sx", prefix);
    assert_like(kind, name, SAMPLES * DIM, d_x, 1e-11);
}

static void check_flow(const char *kind, const char *nll, const char *total,
                       const char *const *overrides)
{
    double z[SAMPLES * DIM], d_x[SAMPLES * DIM];
    support_session s = open_flow(nll, overrides);
    session_result result = support_differentiate(&s, z, d_x);
    double expected = mean_of(kind, "nll");
    assert_like(kind, "z", SAMPLES * DIM, z, 1e-12);
    assert_true(fabs(result.loss - expected) < 1e-12 * fabs(expected));
    check_gradients(&s, kind, "nll_grad_", d_x);
    support_session_close(&s);
    s = open_flow(total, overrides);
    result = support_differentiate(&s, z, d_x);
    expected = 0.1 * mean_of(kind, "kinetic") + 0.05 * mean_of(kind, "frobenius");
    assert_true(fabs(result.metrics[1] - expected) < 1e-12 * expected);
    check_gradients(&s, kind, "total_grad_", d_x);
    support_session_close(&s);
}

static void test_exact_trace(void **state)
{
    (void)state;
    check_flow("exact", FLOW("dual(base=reference)", STEPS, "\n") NLL "\n",
               FLOW("dual(base=reference)", STEPS, "\n") TOTAL, NULL);
    check_flow("exact", FLOW("dual(base=cpu)", STEPS, "\n") NLL "\n",
               FLOW("dual(base=cpu)", STEPS, "\n") TOTAL, NULL);
}

/* Does the layer draw, with this seed, the signs that the file was made with? Its numbers are those
 * of the host's generator, under the keys of batch, block and layer. */
static bool draws(uint64_t seed, const double *signs)
{
    uint64_t key =
        rng_key(seed, "batch", 0, 0) ^ rng_key(seed, "ode", 1, 0) ^ rng_key(seed, "ode.f", 1, 0);
    uint64_t i = 0;
    while (i < SAMPLES * DIM && (rng_uniform(key, i) < 0.5 ? -1.0 : 1.0) == signs[i]) {
        i++;
    }
    return i == SAMPLES * DIM;
}

static void test_hutchinson_with_the_signs_of_the_file(void **state)
{
    (void)state;
    double *signs = theirs("rademacher", "eps", NULL);
    uint64_t seed = 1;
    char text[40];
    while (!draws(seed, signs)) {
        assert_true(seed++ < 100000);
    }
    mem_free(signs);
    (void)snprintf(text, sizeof text, "run.seed=%llu", (unsigned long long)seed);
    const char *const overrides[] = {text, NULL};
    check_flow("rademacher", FLOW("dual(base=cpu)", STEPS, "(method=rademacher)\n") NLL "\n",
               FLOW("dual(base=cpu)", STEPS, "(method=rademacher)\n") TOTAL, overrides);
}

/* Normal numbers have no file to meet: central differences of the loss. */
static void test_hutchinson_with_normal_numbers(void **state)
{
    (void)state;
    support_session s = open_flow(FLOW("dual(base=cpu)", STEPS, "(method=normal)\n") TOTAL, NULL);
    double gap = support_gradient_gap(&s);
    print_message("%.1e\n", gap);
    assert_true(gap < 1e-7);
    support_session_close(&s);
}

/* The continuous adjoint goes to the same limit as backpropagation. */
static void test_adjoint_in_the_limit(void **state)
{
    (void)state;
#define TIGHT(gradient) "integrator = dopri5\nrtol = 1e-10\natol = 1e-10\ngradient = " gradient "\n"
    double d_x[2][SAMPLES * DIM];
    support_session s = open_flow(FLOW("dual(base=cpu)", TIGHT("direct"), "\n") TOTAL, NULL);
    (void)support_differentiate(&s, NULL, d_x[0]);
    int64_t n, m;
    double *direct = support_gradients(&s, &n);
    support_session_close(&s);
    s = open_flow(FLOW("dual(base=cpu)", TIGHT("adjoint"), "\n") TOTAL, NULL);
    (void)support_differentiate(&s, NULL, d_x[1]);
    double *adjoint = support_gradients(&s, &m);
    support_session_close(&s);
    assert_int_equal(n, m);
    support_assert_close("theta", n, adjoint, direct, 1e-7);
    support_assert_close("x", SAMPLES * DIM, d_x[1], d_x[0], 1e-7);
    mem_free(direct);
    mem_free(adjoint);
}

/* ---- the density as a whole ---- */

/* Of points x [n,2]: log p, from the end of their paths and the integral of the divergence. The
 * device's memory is the host's. */
static double *log_density(support_session *s, int64_t n, const double *x)
{
    double *out = mem_zalloc((size_t)n, sizeof *out), *z = mem_zalloc((size_t)n * DIM, sizeof *z);
    const session_samples samples = {.n = n, .given = {x}};
    support_require(session_predict(s->session, &samples, z, NULL), "predict");
    const odeon_ode *ode = s->session->workers[0].site.odes[0];
    odeon_view divergence = ode_integral(ode, ode_find_integral(ode, "ode.divergence"));
    for (int64_t i = 0; i < n; i++) {
        double square = z[DIM * i] * z[DIM * i] + z[DIM * i + 1] * z[DIM * i + 1];
        out[i] = -0.5 * square - log(2.0 * 3.141592653589793) +
                 ((const double *)odeon_read(&divergence))[i];
    }
    mem_free(z);
    return out;
}

/* Without second derivatives: a prediction takes any device. */
static void test_density_integrates_to_one(void **state)
{
    (void)state;
    enum { EDGE = 61 };
    const double step = 0.25;
    static double x[EDGE * EDGE][DIM];
    static const char *const one[] = {"run.workers=1", NULL};
    for (int i = 0; i < EDGE * EDGE; i++) {
        x[i][0] = step * (double)(i % EDGE - EDGE / 2);
        x[i][1] = step * (double)(i / EDGE - EDGE / 2);
    }
    support_session s = open_flow(FLOW("cpu", STEPS, "\n") NLL "\n", one);
    double *logp = log_density(&s, EDGE * EDGE, x[0]), mass = 0.0;
    for (int i = 0; i < EDGE * EDGE; i++) {
        mass += exp(logp[i]) * step * step;
    }
    mem_free(logp);
    logp = log_density(&s, SAMPLES, s.x);
    assert_like("exact", "logp", SAMPLES, logp, 1e-12);
    print_message("1 %+.1e\n", mass - 1.0);
    assert_true(fabs(mass - 1.0) < 1e-3);
    mem_free(logp);
    support_session_close(&s);
}

/* ---- what goes wrong ---- */

static void test_training_needs_second_derivatives(void **state)
{
    (void)state;
    session_result result;
    support_session s = open_flow(FLOW("cpu", STEPS, "\n") NLL "\n", NULL);
    assert_int_equal(support_differentiate_try(&s, &result), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "use run.device = dual(base=cpu)"));
    support_session_close(&s);
}

/* ---- flow matching ---- */

/* Of the body v = A x + b t + c; the numbers drawn are those of the host's generator. */
static const char matching[] = "[run]\nname = test\ndtype = float64\nworkers = 2\nseed = 5\n"
                               "[data]\ndataset = measured(shape=2, label=2, length=6)\n"
                               "[model.flow]\nlayer = flow_matching(sigma=0.1)\n"
                               "[model.flow.t]\nlayer = concat_time(at=last)\n"
                               "[model.flow.A]\nlayer = dense(units=2)\n"
                               "[train]\noptimizer = sgd(lr=0.1)\nloss = square\n";

/* v(t, x_t) - u of number k of sample b, w [2,3] being A and b, c [2]. */
static double residual(const double *x1, const double *w, const double *c, uint64_t b, uint64_t k)
{
    uint64_t key = rng_key(5, "batch", 0, 0) ^ rng_key(5, "flow", 1, 0);
    double t = rng_uniform(key ^ UINT64_C(0x9e3779b97f4a7c15), b), v = c[k] + w[3 * k + 2] * t;
    double u[DIM];
    for (uint64_t i = 0; i < DIM; i++) {
        double x0 = rng_normal(key, b * DIM + i);
        u[i] = x1[b * DIM + i] - 0.9 * x0;
        v += w[3 * k + i] * (x0 + t * u[i]);
    }
    return v - u[k];
}

static void test_flow_matching_is_what_is_left_of_straight_paths(void **state)
{
    (void)state;
    support_session s = support_session_open(matching, SAMPLES, NULL);
    double out[SAMPLES * DIM], w[DIM * 3], c[DIM], sum = 0.0;
    session_result result = support_differentiate(&s, out, NULL);
    support_require(session_parameter_get(s.session, 0, w), "weight");
    support_require(session_parameter_get(s.session, 1, c), "bias");
    for (uint64_t i = 0; i < SAMPLES * DIM; i++) {
        double expected = residual(s.x, w, c, i / DIM, i % DIM);
        assert_true(fabs(out[i] - expected) < 1e-14 * (1.0 + fabs(expected)));
        sum += out[i] * out[i] / (SAMPLES * DIM);
    }
    assert_true(fabs(result.loss - sum) < 1e-14 * sum);
    double gap = support_gradient_gap(&s);
    print_message("%.1e\n", gap);
    assert_true(gap < 1e-8);
    support_session_close(&s);
}

/* ---- drawing from normal distributions ---- */

/* Of inputs that are means and logarithms of variances; a layer within a container and one that
 * makes nothing stand before. */
static const char drawing[] =
    "[run]\nname = test\ndtype = float64\nworkers = 2\nseed = 3\n"
    "[data]\ndataset = measured(shape=4, label=2, length=6)\n"
    "[model.same]\nlayer = identity\n"
    "[model.c]\nlayer = chain\n[model.c.z]\nlayer = gaussian\n"
    "[train]\noptimizer = sgd(lr=0.1)\n"
    "loss = gaussian_nll(deviation=0.3), penalty(of=c.z.kl, weight=0.5)\n";

/* Of sample b and number k: z, and its share of the divergence. */
static double drawn(const double *x, uint64_t b, uint64_t k, double *divergence)
{
    uint64_t key = rng_key(3, "batch", 0, 0) ^ rng_key(3, "c", 1, 0) ^ rng_key(3, "c.z", 1, 0);
    double mean = x[2 * DIM * b + k], log_variance = x[2 * DIM * b + DIM + k];
    *divergence = 0.5 * (mean * mean + exp(log_variance) - 1.0 - log_variance);
    return mean + exp(0.5 * log_variance) * rng_normal(key, DIM * b + k);
}

static void test_drawing_with_divergence_and_likelihood(void **state)
{
    (void)state;
    support_session s = support_session_open(drawing, SAMPLES, NULL);
    double out[SAMPLES * DIM], nll = 0.0, kl = 0.0;
    const double *label = s.given[ODEON_ROLE_LABEL];
    session_result result = support_differentiate(&s, out, NULL);
    for (uint64_t i = 0; i < SAMPLES * DIM; i++) {
        double share, z = drawn(s.x, i / DIM, i % DIM, &share), d = (z - label[i]) / 0.3;
        assert_true(fabs(out[i] - z) < 1e-14 * (1.0 + fabs(z)));
        nll += (0.5 * d * d + log(0.3) + 0.5 * log(2.0 * 3.141592653589793)) / SAMPLES;
        kl += 0.5 * share / SAMPLES;
    }
    assert_true(fabs(result.metrics[0] - nll) < 1e-13 * fabs(nll));
    assert_true(fabs(result.metrics[1] - kl) < 1e-13 * kl);
    assert_true(fabs(result.loss - nll - kl) < 1e-13 * fabs(nll));
    double gap = support_gradient_gap(&s);
    print_message("%.1e\n", gap);
    assert_true(gap < 1e-7);
    support_session_close(&s);
}

/* What evaluation makes of a distribution is its mean. */
static void test_evaluation_draws_nothing(void **state)
{
    (void)state;
    double out[SAMPLES * DIM];
    support_session s = support_session_open(drawing, SAMPLES, NULL);
    const session_samples samples = {.n = SAMPLES, .given = {s.x}};
    support_require(session_predict(s.session, &samples, out, NULL), "predict");
    for (int i = 0; i < SAMPLES * DIM; i++) {
        assert_true(out[i] == s.x[2 * DIM * (i / DIM) + i % DIM]);
    }
    support_session_close(&s);
}

static void assert_refused(const char *ini, const char *words)
{
    support_session s;
    assert_int_equal(support_session_try(ini, SAMPLES, NULL, &s), ODEON_ERR_CONFIG);
    if (strstr(diag_message(), words) == NULL) {
        fail_msg("'%s' does not stand in '%s'", words, diag_message());
    }
}

#define HEAD  "[run]\nname = test\n[data]\ndataset = measured(shape=4, label=2)\n"
#define TRAIN "[train]\noptimizer = sgd(lr=0.1)\nloss = square"

static void test_refusals_say_what_is_wanted(void **state)
{
    (void)state;
    assert_refused(HEAD "[model.z]\nlayer = gaussian\n" TRAIN ", penalty(of=z.lk)\n",
                   "penalty wants z.lk, but the model has z.kl");
    assert_refused(HEAD "[model.o]\nlayer = ode\nintegrator = rk4\nsteps = 1\n"
                        "gradient = direct\n[model.o.f]\nlayer = dense(units=8)\n"
                        "then = gaussian\n" TRAIN "\n",
                   "outside of the bodies of ODE blocks");
    assert_refused(HEAD "[model.a]\nlayer = dense(units=3)\nthen = gaussian\n" TRAIN "\n",
                   "gaussian: the input is [1, 3]; it takes [B,2L,...]");
    assert_refused(HEAD "[model.f]\nlayer = kinetic\n" TRAIN "\n",
                   "it belongs into the body of one");
    assert_refused(HEAD "[model.d]\nlayer = divergence\n[model.d.f]\nlayer = identity\n" TRAIN "\n",
                   "it belongs into the body of one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_trace),
        cmocka_unit_test(test_hutchinson_with_the_signs_of_the_file),
        cmocka_unit_test(test_hutchinson_with_normal_numbers),
        cmocka_unit_test(test_adjoint_in_the_limit),
        cmocka_unit_test(test_density_integrates_to_one),
        cmocka_unit_test(test_training_needs_second_derivatives),
        cmocka_unit_test(test_flow_matching_is_what_is_left_of_straight_paths),
        cmocka_unit_test(test_drawing_with_divergence_and_likelihood),
        cmocka_unit_test(test_evaluation_draws_nothing),
        cmocka_unit_test(test_refusals_say_what_is_wanted),
    };
    return cmocka_run_group_tests_name("flows", tests, open_fixture, close_fixture);
}
