/* control = torchdiffeq takes the steps that torchdiffeq's dopri5 takes: the same evaluations, the
 * same accepted and rejected sizes, an end read off the same interpolant. Its lists were recorded
 * in float64 (tests/parity/README.md). Whether a step is accepted is not compared where it hangs on
 * rounding: the fields here are smooth and no error ratio comes near 1. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "mem.h"
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
    const char *fixture, *ini;
    int64_t samples;
    const char *tolerance; /* as in the fixture's names */
    int64_t evals;
} recorded;

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
    char ini[2048], rtol[64], atol[64];
    (void)snprintf(ini, sizeof ini, r->ini, block, head);
    (void)snprintf(rtol, sizeof rtol, "model.ode.rtol=%s", r->tolerance);
    (void)snprintf(atol, sizeof atol, "model.ode.atol=%s", r->tolerance);
    const char *overrides[] = {rtol, atol, NULL};
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
static void compare_steps(support_session *s, const safetensors *file, const char *tolerance)
{
    char path[] = "/tmp/odeon_steps_XXXXXX", name[64], line[128];
    int64_t n, row = 0;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(session_write_steps(s->session, 0, path), ODEON_OK);
    (void)snprintf(name, sizeof name, "dopri5/%s/steps", tolerance);
    double *steps = support_tensor(file, name, &n);
    FILE *list = fopen(path, "r");
    assert_non_null(fgets(line, sizeof line, list));
    while (fgets(line, sizeof line, list) != NULL) {
        double t, h;
        while (row < n / 3 && steps[3 * row + 2] == 0.0) {
            row++; /* rejected */
        }
        assert_true(row < n / 3);
        assert_int_equal(sscanf(line, "%lf,%lf", &t, &h), 2);
        /* sizes come from differences of nearly equal numbers: rounding grows to 1e-11 */
        assert_true(fabs(t - steps[3 * row]) <= 1e-9);
        assert_true(fabs(h - steps[3 * row + 1]) <= 1e-9 * h);
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
    char name[64];
    int64_t n;
    double *end = mem_zalloc((size_t)(s.n * s.input_size), sizeof *end);
    session_result result = support_differentiate(&s, end, NULL);
    (void)snprintf(name, sizeof name, "dopri5/%s/y1", r->tolerance);
    double *expected = support_tensor(file, name, &n);
    print_message("%s at %s: distance %.2e, %lld evaluations\n", r->fixture, r->tolerance,
                  support_distance(n, end, expected), (long long)result.blocks[0].evals_forward);
    assert_int_equal(result.blocks[0].evals_forward, r->evals);
    support_assert_close(name, n, end, expected, 1e-11);
    compare_steps(&s, file, r->tolerance);
    mem_free(end);
    mem_free(expected);
    support_session_close(&s);
    safetensors_destroy(file);
}

static void test_iris_takes_the_same_steps(void **state)
{
    (void)state;
    check(&(recorded){"d_iris_smooth.safetensors", iris, 5, "0.001", 14});
}

static void test_shared_norms_take_the_same_steps(void **state)
{
    (void)state;
    check(&(recorded){"a_smooth.safetensors", norms, 2, "0.1", 14});
    check(&(recorded){"a_smooth.safetensors", norms, 2, "0.001", 20});
}

/* At the kinks of ReLU rounding may decide: no more than the counts is asked. */
static void test_kinks_take_as_many_evaluations(void **state)
{
    (void)state;
    static const recorded runs[] = {{"a_small.safetensors", norms_relu, 2, "0.1", 14},
                                    {"a_small.safetensors", norms_relu, 2, "0.001", 20}};
    for (size_t i = 0; i < 2; i++) {
        safetensors *file = support_fixture(runs[i].fixture);
        support_session s = open_recorded(&runs[i], file);
        char name[64];
        int64_t n;
        session_result result = support_differentiate(&s, NULL, NULL);
        (void)snprintf(name, sizeof name, "dopri5/%s/steps", runs[i].tolerance);
        double *steps = support_tensor(file, name, &n);
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
        cmocka_unit_test(test_kinks_take_as_many_evaluations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
