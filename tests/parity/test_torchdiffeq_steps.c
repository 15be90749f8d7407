/* control = torchdiffeq takes the steps that torchdiffeq takes: the same evaluations, the same
 * accepted and rejected sizes; with dopri5 an end read off the same interpolant, with bosh3 and
 * dopri8, where ours are of higher order, a last step that is cut short. Its lists were recorded in
 * float64 (tests/parity/README.md). Whether a step is accepted is not compared where it hangs on
 * rounding: the fields here are smooth and no error ratio comes near 1. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support_session.h"

/* What stands around a field: the state is the network's input and its output. */
static const char head[] = "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
                           "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";
static const char block[] = "[model.ode]\nlayer = ode\nintegrator = dopri5\ngradient = direct\n"
                            "control = torchdiffeq\n";

/* iris: time first, three dense layers with softplus between. */
static const char iris[] = "[data]\ndataset = idx(path=/nowhere, shape=1 1 6, classes=6)\n"
                           "[model.flat]\nlayer = flatten\n"
                           "%s"
                           "[model.ode.t]\nlayer = concat_time(at=first)\n"
                           "[model.ode.fc1]\nlayer = dense(units=10)\nthen = softplus\n"
                           "[model.ode.fc2]\nlayer = dense(units=10)\nthen = softplus\n"
                           "[model.ode.fc3]\nlayer = dense(units=state)\n%s";

/* Norm, function, convolution, the same norm again. */
#define NORMS(act)                                                                                 \
    "[data]\ndataset = idx(path=/nowhere, shape=3 8 8, classes=192)\n"                             \
    "%s"                                                                                           \
    "[model.ode.gn]\nlayer = groupnorm(groups=3)\nthen = " act "\n"                                \
    "[model.ode.conv]\nlayer = conv2d(filters=state, kernel=3, padding=1)\n"                       \
    "[model.ode.again]\nshare = model.ode.gn\n"                                                    \
    "[model.flat]\nlayer = flatten\n%s"
static const char norms[] = NORMS("softplus"), norms_relu[] = NORMS("relu");

typedef struct recorded {
    const char *fixture, *ini; /* the fixture that has parameters and y0 */
    int64_t samples;
    const char *tolerance; /* as in the fixtures' names */
    int64_t evals;
    const char *method, *end; /* NULL: dopri5, whose end is read off; runs are in the fixture */
} recorded;

/* Where the run's results are: "dopri5/0.001/y1" and, of other methods, in a fixture for them,
 * "a_smooth/bosh3/0.001/y1". */
static double *result_of(const recorded *r, const char *what, int64_t *n)
{
    char name[96];
    const char *fixture = r->method == NULL ? r->fixture : "torchdiffeq_methods.safetensors";
    if (r->method == NULL) {
        (void)snprintf(name, sizeof name, "dopri5/%s/%s", r->tolerance, what);
    } else {
        (void)snprintf(name, sizeof name, "%.*s/%s/%s/%s", (int)strcspn(r->fixture, "."),
                       r->fixture, r->method, r->tolerance, what);
    }
    safetensors *file = support_fixture(fixture);
    double *values = support_tensor(file, name, n);
    safetensors_destroy(file);
    return values;
}

static void set_parameters(support_session *s, const safetensors *file)
{
    for (size_t i = 0; i < session_parameters(s->session); i++) {
        char name[64];
        int64_t n;
        (void)snprintf(name, sizeof name, "param/%s",
                       session_parameter_at(s->session, i).path + strlen("ode."));
        double *values = support_tensor(file, name, &n);
        assert_int_equal(n, session_parameter_at(s->session, i).count);
        assert_int_equal(session_parameter_set(s->session, i, values), ODEON_OK);
        mem_free(values);
    }
}

static support_session open_recorded(const recorded *r, const safetensors *file)
{
    char ini[2048], rtol[64], atol[64], method[64], end[64];
    (void)snprintf(ini, sizeof ini, r->ini, block, head);
    (void)snprintf(rtol, sizeof rtol, "model.ode.rtol=%s", r->tolerance);
    (void)snprintf(atol, sizeof atol, "model.ode.atol=%s", r->tolerance);
    (void)snprintf(method, sizeof method, "model.ode.integrator=%s",
                   r->method != NULL ? r->method : "dopri5");
    (void)snprintf(end, sizeof end, "model.ode.end=%s", r->end != NULL ? r->end : "preset");
    const char *overrides[] = {rtol, atol, method, end, NULL};
    support_session s = support_session_open(ini, r->samples, overrides);
    set_parameters(&s, file);
    int64_t n;
    double *y0 = support_tensor(file, "y0", &n);
    assert_int_equal(n, s.n * s.input_size);
    memcpy(s.x, y0, (size_t)n * sizeof *y0);
    mem_free(y0);
    return s;
}

/* The steps as "t,h" lines of a file against rows t, h, accepted of the fixture. */
static void compare_steps(support_session *s, const recorded *r)
{
    char path[] = "/tmp/odeon_steps_XXXXXX", line[128];
    double rounding = 1e-9 + 1e-13 / strtod(r->tolerance, NULL);
    int64_t n, row = 0;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(session_write_steps(s->session, 0, path), ODEON_OK);
    double *steps = result_of(r, "steps", &n);
    FILE *list = fopen(path, "r");
    assert_non_null(fgets(line, sizeof line, list));
    while (fgets(line, sizeof line, list) != NULL) {
        double t, h;
        while (row < n / 3 && steps[3 * row + 2] == 0.0) {
            row++; /* rejected */
        }
        assert_true(row < n / 3);
        assert_int_equal(sscanf(line, "%lf,%lf", &t, &h), 2);
        /* sizes come from differences of nearly equal numbers; errors down to a thousandth of the
         * tolerance are known to 1e-13 over the tolerance */
        assert_true(fabs(t - steps[3 * row]) <= rounding);
        assert_true(fabs(h - steps[3 * row + 1]) <= rounding * h);
        row++;
    }
    assert_int_equal(row, n / 3);
    (void)fclose(list);
    (void)unlink(path);
    mem_free(steps);
}

static void check(const recorded *r)
{
    safetensors *file = support_fixture(r->fixture);
    support_session s = open_recorded(r, file);
    int64_t n;
    double *end = mem_zalloc((size_t)(s.n * s.input_size), sizeof *end);
    session_result result = support_differentiate(&s, end, NULL);
    double *expected = result_of(r, "y1", &n);
    print_message("%s, %s at %s: distance %.2e, %lld evaluations\n", r->fixture,
                  r->method != NULL ? r->method : "dopri5", r->tolerance,
                  support_distance(n, end, expected), (long long)result.blocks[0].evals_forward);
    assert_int_equal(result.blocks[0].evals_forward, r->evals);
    support_assert_close(r->fixture, n, end, expected, 1e-11);
    compare_steps(&s, r);
    mem_free(end);
    mem_free(expected);
    support_session_close(&s);
    safetensors_destroy(file);
}

static void test_iris_takes_the_same_steps(void **state)
{
    (void)state;
    check(&(recorded){"d_iris_smooth.safetensors", iris, 5, "0.001", 14, NULL, NULL});
}

static void test_shared_norms_take_the_same_steps(void **state)
{
    (void)state;
    check(&(recorded){"a_smooth.safetensors", norms, 2, "0.1", 14, NULL, NULL});
    check(&(recorded){"a_smooth.safetensors", norms, 2, "0.001", 20, NULL, NULL});
}

static void test_other_methods_take_the_same_steps(void **state)
{
    (void)state;
    static const recorded runs[] = {
        {"a_smooth.safetensors", norms, 2, "0.001", 20, "bosh3", "clip"},
        {"a_smooth.safetensors", norms, 2, "1e-05", 65, "bosh3", "clip"},
        {"a_smooth.safetensors", norms, 2, "0.001", 41, "dopri8", "clip"},
        {"a_smooth.safetensors", norms, 2, "1e-06", 54, "dopri8", "clip"},
        {"d_iris_smooth.safetensors", iris, 5, "0.001", 14, "bosh3", "clip"},
        {"d_iris_smooth.safetensors", iris, 5, "1e-05", 29, "bosh3", "clip"},
        {"d_iris_smooth.safetensors", iris, 5, "0.001", 28, "dopri8", "clip"},
        {"d_iris_smooth.safetensors", iris, 5, "1e-06", 28, "dopri8", "clip"},
    };
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        check(&runs[i]);
    }
}

/* At the kinks of ReLU rounding may decide: no more than the counts is asked. */
static void test_kinks_take_as_many_evaluations(void **state)
{
    (void)state;
    static const recorded runs[] = {
        {"a_small.safetensors", norms_relu, 2, "0.1", 14, NULL, NULL},
        {"a_small.safetensors", norms_relu, 2, "0.001", 20, NULL, NULL}};
    for (size_t i = 0; i < 2; i++) {
        safetensors *file = support_fixture(runs[i].fixture);
        support_session s = open_recorded(&runs[i], file);
        int64_t n;
        session_result result = support_differentiate(&s, NULL, NULL);
        double *steps = result_of(&runs[i], "steps", &n);
        assert_int_equal(result.blocks[0].evals_forward, runs[i].evals);
        assert_int_equal(result.blocks[0].accepted + result.blocks[0].rejected, n / 3);
        mem_free(steps);
        support_session_close(&s);
        safetensors_destroy(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iris_takes_the_same_steps),
        cmocka_unit_test(test_shared_norms_take_the_same_steps),
        cmocka_unit_test(test_other_methods_take_the_same_steps),
        cmocka_unit_test(test_kinks_take_as_many_evaluations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
