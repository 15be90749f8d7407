/* checkpoint is direct with less memory: the same gradients to the bit, of all parameters and the
 * input, for every integrator, every way to choose steps and to meet times, any number of workers,
 * and layers with running state or random numbers. reads_tape holds what a tape tells. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support_session.h"

static const char head[] = "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"
                           "[data]\ndataset = idx(path=/nowhere, shape=1 2 2, classes=3)\n"
                           "[model.flat]\nlayer = flatten\n"
                           "[model.stem]\nlayer = dense(units=3)\nthen = tanh\n"
                           "[model.ode]\nlayer = ode\nintegrator = dopri5\ngradient = direct\n"
                           "[model.ode.time]\nlayer = concat_time(at=first)\n"
                           "[model.ode.a]\nlayer = dense(units=4)\nthen = tanh\n";
static const char tail[] = "[model.ode.b]\nlayer = dense(units=state)\nthen = softplus\n"
                           "[model.rows]\nlayer = flatten\n"
                           "[model.head]\nlayer = dense(units=classes)\n"
                           "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

enum { SAMPLES = 4, MOST = 12 };

/* What one batch gives. */
typedef struct outcome {
    session_result result;
    double *gradients, *parameters, *d_x;
    int64_t n, n_parameters, n_x;
} outcome;

/* layers: of the field, between its first and its last. */
static outcome differentiate(const char *layers, const char *gradient, const char *const *overrides)
{
    const char *all[MOST] = {gradient};
    for (int i = 0; overrides[i] != NULL; i++) {
        all[i + 1] = overrides[i];
    }
    char *text = mem_printf("%s%s%s", head, layers, tail);
    support_session s = support_session_open(text, SAMPLES, all);
    outcome out = {.n_x = SAMPLES * s.input_size};
    out.d_x = mem_zalloc((size_t)out.n_x, sizeof *out.d_x);
    out.result = support_differentiate(&s, NULL, out.d_x);
    out.gradients = support_gradients(&s, &out.n);
    out.parameters = support_parameters(&s, &out.n_parameters);
    support_session_close(&s);
    mem_free(text);
    return out;
}

static void outcome_free(outcome *x)
{
    mem_free(x->gradients);
    mem_free(x->parameters);
    mem_free(x->d_x);
}

/* Also running state, which is among the parameters. */
static void assert_same(const outcome *a, const outcome *b)
{
    assert_memory_equal(&a->result.loss, &b->result.loss, sizeof a->result.loss);
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->gradients, b->gradients, (size_t)a->n * sizeof *a->gradients);
    assert_memory_equal(a->d_x, b->d_x, (size_t)a->n_x * sizeof *a->d_x);
    assert_memory_equal(a->parameters, b->parameters,
                        (size_t)a->n_parameters * sizeof *a->parameters);
}

static const char every_1[] = "model.ode.gradient=checkpoint(every=1)";
static const char every_3[] = "model.ode.gradient=checkpoint(every=3)";
static const char every_99[] = "model.ode.gradient=checkpoint(every=99)";
static const char chosen[] = "model.ode.gradient=checkpoint";
static const char direct_method[] = "model.ode.gradient=direct";

/* Evaluations of the way back are those of the forward a second time. */
static void check_with(const char *layers, const char *const *overrides)
{
    const char *const methods[] = {every_1, every_3, every_99, chosen};
    outcome direct = differentiate(layers, direct_method, overrides);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        outcome x = differentiate(layers, methods[i], overrides);
        assert_same(&direct, &x);
        assert_int_equal(direct.result.blocks[0].accepted, x.result.blocks[0].accepted);
        outcome_free(&x);
    }
    print_message("%s, %s: the same bits in %lld steps\n", overrides[0],
                  overrides[1] != NULL ? overrides[1] : "",
                  (long long)direct.result.blocks[0].accepted);
    outcome_free(&direct);
}

static void check(const char *const *overrides)
{
    check_with("", overrides);
}

static void test_every_integrator_adaptively(void **state)
{
    (void)state;
    static const char *const pairs[] = {
        "adaptive_heun", "bosh3",    "dopri5",   "dopri8", "fehlberg2", "tsit5", "esdirk54",
        "kvaerno3",      "kvaerno4", "kvaerno5", "sdirk2", "trbdf2",    "bdf2",  "dop853"};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char *integrator = mem_printf("model.ode.integrator=%s", pairs[i]);
        check((const char *[]){integrator, "model.ode.rtol=1e-4", "model.ode.atol=1e-4",
                               "model.ode.h_max=0.15", NULL});
        mem_free(integrator);
    }
}

static void test_every_integrator_by_equal_steps(void **state)
{
    (void)state;
    static const char *const methods[] = {"adams_bashforth(order=4)",
                                          "euler",
                                          "heun3",
                                          "midpoint",
                                          "modified_euler",
                                          "rk4",
                                          "rk4_38",
                                          "tsit5",
                                          "dopri8",
                                          "sdirk2",
                                          "esdirk54",
                                          "bdf2"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char *integrator = mem_printf("model.ode.integrator=%s", methods[i]);
        check((const char *[]){integrator, "model.ode.steps=8", NULL});
        check((const char *[]){integrator, "model.ode.steps=1", NULL});
        mem_free(integrator);
    }
}

/* Steps that are cut at times make a method for equal steps start anew, within a stretch. */
static void test_outputs_at_many_times(void **state)
{
    (void)state;
    static const char times[] = "model.ode.times=0 0.21 0.3 0.55 0.7 0.9 1";
    check((const char *[]){"model.ode.integrator=adams_bashforth(order=3)", times,
                           "model.ode.step_size=0.08", NULL});
    check((const char *[]){"model.ode.integrator=rk4", times, "model.ode.steps=2", NULL});
    check((const char *[]){"model.ode.integrator=bosh3", times, "model.ode.rtol=1e-3", NULL});
    check((const char *[]){"model.ode.integrator=tsit5", times, "model.ode.rtol=1e-5", NULL});
    check((const char *[]){"model.ode.integrator=dopri5", "model.ode.times=linspace(1 0 40)",
                           "model.ode.control=torchdiffeq", "model.ode.h_max=0.05", NULL});
    check((const char *[]){"model.ode.integrator=tsit5", times, "model.ode.h_max=0.08",
                           "model.ode.end=interpolate", NULL});
}

static void test_several_workers(void **state)
{
    (void)state;
    check((const char *[]){"run.workers=2", "model.ode.h_max=0.1", NULL});
    check((const char *[]){"run.workers=3", "model.ode.integrator=adams_bashforth(order=2)",
                           "model.ode.steps=7", NULL});
}

/* Running state moves with the forward and no second time. */
static void test_layers_with_running_state(void **state)
{
    (void)state;
    static const char layers[] = "[model.ode.norm]\nlayer = batchnorm\n";
    check_with(layers, (const char *[]){"model.ode.integrator=rk4", "model.ode.steps=7", NULL});
    check_with(layers, (const char *[]){"run.workers=2", "model.ode.steps=5", NULL});
}

/* Both terms are evaluated again, each for itself by a pair of tables. */
static void test_fields_of_two_terms(void **state)
{
    (void)state;
    static const char layers[] = "[model.ode.stiff]\nlayer = dense(units=state)\n";
    const char *const methods[] = {"ark324", "kvaerno3", "tsit5"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char *integrator = mem_printf("model.ode.integrator=%s", methods[i]);
        check_with(layers, (const char *[]){integrator, "model.ode.h_max=0.15", NULL});
        check_with(layers, (const char *[]){integrator, "model.ode.steps=7", NULL});
        mem_free(integrator);
    }
}

/* The same numbers are drawn a second time. */
static void test_random_layers(void **state)
{
    (void)state;
    static const char layers[] = "[model.ode.drop]\nlayer = dropout(p=0.4)\n";
    check_with(layers, (const char *[]){"model.ode.integrator=rk4", "model.ode.steps=7", NULL});
}

/* A device that captures solves direct by recordings, checkpoint call by call. */
static void test_a_device_that_captures(void **state)
{
    (void)state;
    check(
        (const char *[]){"run.device=cpu", "model.ode.integrator=rk4", "model.ode.steps=8", NULL});
    check((const char *[]){"run.device=cpu", "model.ode.h_max=0.1", NULL});
}

/* One more forward; the frames of a stretch in place of all. */
static void test_costs(void **state)
{
    (void)state;
    const char *const steps[] = {"model.ode.integrator=rk4", "model.ode.steps=100", NULL};
    outcome direct = differentiate("", direct_method, steps);
    outcome ten = differentiate("", "model.ode.gradient=checkpoint(every=10)", steps);
    outcome own = differentiate("", chosen, steps);
    const ode_counters *d = &direct.result.blocks[0], *t = &ten.result.blocks[0],
                       *o = &own.result.blocks[0];
    print_message("100 steps of rk4: direct %lld bytes, every = 10 %lld, chosen %lld\n",
                  (long long)d->bytes, (long long)t->bytes, (long long)o->bytes);
    assert_int_equal(d->evals_backward, 0);
    assert_int_equal(t->evals_backward, d->evals_forward);
    assert_int_equal(o->evals_backward, d->evals_forward);
    assert_int_equal(t->evals_forward, d->evals_forward);
    assert_true(6 * t->bytes < d->bytes && 6 * o->bytes < d->bytes);
    outcome_free(&direct);
    outcome_free(&ten);
    outcome_free(&own);
}

/* ---- the tape ---- */

static void test_what_a_tape_tells(void **state)
{
    (void)state;
    const char *const methods[] = {"model.ode.gradient=reads_tape",
                                   "model.ode.gradient=reads_tape(replays=yes)"};
    const char *const modes[][4] = {{"model.ode.integrator=tsit5", "model.ode.h_max=0.1", NULL},
                                    {"model.ode.integrator=rk4", "model.ode.steps=9", NULL},
                                    {"model.ode.integrator=dopri5", "model.ode.steps=1", NULL},
                                    {"model.ode.integrator=trbdf2", "model.ode.h_max=0.2", NULL}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        outcome direct = differentiate("", direct_method, modes[i]);
        for (size_t j = 0; j < 2; j++) {
            outcome x = differentiate("", methods[j], modes[i]);
            double drift = x.result.blocks[0].drift; /* of dense output from states */
            print_message("%s, %s: drift %g\n", modes[i][0], methods[j], drift);
            assert_true(j == 0 ? isnan(drift) : drift == 0.0);
            assert_same(&direct, &x);
            outcome_free(&x);
        }
        outcome_free(&direct);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_integrator_adaptively),
        cmocka_unit_test(test_every_integrator_by_equal_steps),
        cmocka_unit_test(test_outputs_at_many_times),
        cmocka_unit_test(test_several_workers),
        cmocka_unit_test(test_layers_with_running_state),
        cmocka_unit_test(test_fields_of_two_terms),
        cmocka_unit_test(test_random_layers),
        cmocka_unit_test(test_a_device_that_captures),
        cmocka_unit_test(test_costs),
        cmocka_unit_test(test_what_a_tape_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
