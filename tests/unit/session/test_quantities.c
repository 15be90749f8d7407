/* What losses see of the network beside its output: an integral along the path in a loss. */
#include "session/quantities.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "ode/integrals.h"
#include "ode/ode.h"
#include "session/members.h"
#include "support_session.h"

enum { N = 5 };

/* A field that reads t, with the integral of its speed, between layers that learn. */
#define MODEL                                                                                      \
    "[run]\nname = test\ndtype = float64\nworkers = 1\n"                                           \
    "[data]\ndataset = measured(shape=3, label=2)\n"                                               \
    "[model.in]\nlayer = dense(units=4)\n"                                                         \
    "[model.ode]\nlayer = ode\nintegrator = dopri5\ngradient = direct\n"                           \
    "[model.ode.t]\nlayer = concat_time\nthen = dense(units=5), tanh, dense(units=state)\n"        \
    "[model.ode.e]\nlayer = kinetic\n"                                                             \
    "[model.head]\nlayer = dense(units=2)\n"                                                       \
    "[train]\noptimizer = sgd(lr=0.1)\nloss = mse, penalty(of=ode.kinetic, weight=0.3)\n"
#define STEPS "model.ode.steps=8"

static odeon_ode *block_of(const support_session *s)
{
    return s->session->workers[0].site.odes[0];
}

/* By central differences of the same steps. */
static void test_gradient_of_fixed_steps(void **state)
{
    (void)state;
    static const char *const ways[] = {"model.ode.span=0 1", "model.ode.span=1.5 0.25",
                                       "model.ode.integrator=rk4",
                                       "model.ode.integrator=adams_bashforth"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const char *overrides[] = {STEPS, ways[i], NULL};
        support_session s = support_session_open(MODEL, N, overrides);
        double gap = support_gradient_gap(&s);
        print_message("%s: %.1e\n", ways[i], gap);
        assert_true(gap < 1e-8);
        support_session_close(&s);
    }
}

/* The steps that an adaptive solve has chosen, written for a replay. */
static char *write_steps(const support_session *s)
{
    char *path = mem_strdup("/tmp/odeon_steps_XXXXXX");
    size_t n = 0;
    const solve_attempt *attempts = solver_attempts(block_of(s)->forward, &n);
    int fd = mkstemp(path);
    assert_true(fd >= 0 && close(fd) == 0);
    support_require(steps_write(path, n, attempts), "steps");
    return path;
}

/* The gradient of an adaptive solve is that of its steps, held fixed: outputs between steps and an
 * end within one included. */
static void test_gradient_of_replayed_steps(void **state)
{
    (void)state;
    static const char *const ends[] = {"model.ode.end=clip", "model.ode.end=interpolate"};
    for (int i = 0; i < 2; i++) {
        const char *overrides[] = {"model.ode.rtol=1e-5",
                                   "model.ode.atol=1e-5",
                                   ends[i],
                                   "model.ode.times=0 0.4 0.9 1.2",
                                   "data.dataset=measured(shape=3, label=4 2)",
                                   NULL,
                                   NULL};
        support_session s = support_session_open(MODEL, N, overrides);
        session_result adaptive = support_differentiate(&s, NULL, NULL);
        char *path = write_steps(&s),
             *control = mem_printf("model.ode.control=replay(path=%s)", path);
        overrides[5] = control;
        support_session again = support_session_open(MODEL, N, overrides);
        session_result replayed = support_differentiate(&again, NULL, NULL);
        double gap = support_gradient_gap(&again);
        print_message("%s: %.1e\n", ends[i], gap);
        assert_true(replayed.loss == adaptive.loss && gap < 1e-8);
        (void)unlink(path);
        mem_free(path);
        mem_free(control);
        support_session_close(&s);
        support_session_close(&again);
    }
}

/* Largest distance of all gradients, against the largest gradient. */
static double distance(const char *const *a, const char *const *b)
{
    const char *const *overrides[2] = {a, b};
    double *g[2], most = 0.0, largest = 0.0;
    int64_t n = 0;
    for (int i = 0; i < 2; i++) {
        support_session s = support_session_open(MODEL, N, overrides[i]);
        support_differentiate(&s, NULL, NULL);
        g[i] = support_gradients(&s, &n);
        support_session_close(&s);
    }
    for (int64_t i = 0; i < n; i++) {
        most = fmax(most, fabs(g[0][i] - g[1][i]));
        largest = fmax(largest, fabs(g[0][i]));
    }
    mem_free(g[0]);
    mem_free(g[1]);
    return most / largest;
}

/* The continuous adjoint comes to the same gradient where steps are small. */
static void test_adjoint_agrees(void **state)
{
    (void)state;
    static const char *const ways[] = {"model.ode.span=0 1", "model.ode.span=1 0",
                                       "model.ode.gradient=adjoint(norm=full, count_time=yes)",
                                       "model.ode.gradient=checkpoint(every=2)",
                                       "model.ode.gradient=adjoint(y=dense)"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const char *direct[] = {"model.ode.rtol=1e-12", "model.ode.atol=1e-12",
                                i < 2 ? ways[i] : ways[0], NULL};
        const char *adjoint[] = {"model.ode.rtol=1e-12", "model.ode.atol=1e-12",
                                 "model.ode.gradient=adjoint", ways[i], NULL};
        double apart = distance(direct, adjoint);
        print_message("%s: %.1e\n", ways[i], apart);
        assert_true(apart < (i < 4 ? 1e-9 : 1e-6)); /* dense output is of a lower order */
    }
}

static void test_workers_agree(void **state)
{
    (void)state;
    static const char *const ways[] = {"model.ode.gradient=direct", "model.ode.gradient=adjoint"};
    for (int i = 0; i < 2; i++) {
        const char *one[] = {ways[i], NULL}, *two[] = {"run.workers=2", ways[i], NULL};
        const char *more[] = {"run.workers=4", ways[i], NULL};
        assert_true(distance(one, two) < 1e-13);
        assert_true(distance(one, more) < 1e-13);
    }
}

static void test_float32(void **state)
{
    (void)state;
    const char *wide[] = {STEPS, NULL}, *narrow[] = {STEPS, "run.dtype=float32", NULL};
    assert_true(distance(wide, narrow) < 1e-5);
}

/* Replayed launches make the same bits as single calls. */
static void test_recorded_solves_agree(void **state)
{
    (void)state;
    static const char *const ways[] = {"model.ode.gradient=direct", "model.ode.gradient=adjoint"};
    for (int i = 0; i < 2; i++) {
        const char *eager[] = {"run.device=remote", "run.capture=no", ways[i], NULL};
        const char *replayed[] = {"run.device=remote", "run.capture=yes", ways[i], NULL};
        assert_true(distance(eager, replayed) == 0.0);
    }
}

/* What the model's own training does to the energy of its paths. */
static double energy_after(const char *weight)
{
    const char *overrides[] = {"model.ode.steps=8", weight, NULL};
    support_session s = support_session_open(MODEL, 10, overrides);
    data_source *source = support_batch_source(&s);
    int64_t indices[10];
    session_result result;
    data_in_use(source, indices);
    for (int64_t step = 1; step <= 60; step++) {
        support_require(session_train(s.session, source, 10, indices, 1, step, 1.0, &result),
                        "train");
    }
    support_require(session_evaluate(s.session, source, 10, indices, &result), "evaluate");
    data_close(source);
    support_session_close(&s);
    return result.metrics[1];
}

static void test_training_straightens_paths(void **state)
{
    (void)state;
    double with = energy_after("train.loss=mse, penalty(of=ode.kinetic, weight=0.3)");
    double without = energy_after("train.loss=mse, penalty(of=ode.kinetic, weight=1e-9)");
    print_message("kinetic energy %.3g with, %.3g without\n", with / 0.3, without / 1e-9);
    assert_true(with / 0.3 < 0.2 * without / 1e-9);
}

static void assert_refused(const char *override, const char *message)
{
    const char *overrides[] = {override, NULL};
    support_session s;
    diag_clear();
    assert_int_equal(support_session_try(MODEL, N, overrides, &s), ODEON_ERR_CONFIG);
    if (strstr(diag_message(), message) == NULL) {
        fail_msg("%s", diag_message());
    }
}

static void test_names_that_nothing_makes_are_refused(void **state)
{
    (void)state;
    assert_refused("train.loss=penalty(of=ode.speed)",
                   "train.loss: penalty wants ode.speed, but the model has ode.kinetic");
    assert_refused("model.ode.e.layer=identity",
                   "train.loss: penalty wants ode.kinetic, but no layer of the model integrates "
                   "along the path of an ODE block");
    assert_refused("train.loss=penalty(of=ode.kinetic in.kinetic)",
                   "train.loss: penalty wants in.kinetic, but the model has ode.kinetic");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradient_of_fixed_steps),
        cmocka_unit_test(test_gradient_of_replayed_steps),
        cmocka_unit_test(test_adjoint_agrees),
        cmocka_unit_test(test_workers_agree),
        cmocka_unit_test(test_float32),
        cmocka_unit_test(test_recorded_solves_agree),
        cmocka_unit_test(test_training_straightens_paths),
        cmocka_unit_test(test_names_that_nothing_makes_are_refused),
    };
    return cmocka_run_group_tests_name("quantities", tests, NULL, NULL);
}
