/* The ODE block as a layer: what it refuses, what it makes, what it counts. */
#include "ode/ode.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "folder.h"
#include "odeon/device_solver.h"
#include "small_net.h"
#include "support_session.h"

#define HEAD                                                                                       \
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"                       \
    "[data]\ndataset = drawn(shape=1 4 4, classes=3)\n"
#define TAIL                                                                                       \
    "[model.flat]\nlayer = flatten\n[model.head]\nlayer = dense(units=classes)\n"                  \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"
#define TRAIN "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"
#define ODE   "layer = ode\nintegrator = rk4\nsteps = 2\ngradient = direct\n"

enum { SAMPLES = 3, OUTPUTS = SAMPLES * 3 };

/* Twice: plugins that the first time loads stay loaded. */
static void check_refused(const char *ini, odeon_status status, const char *const *words)
{
    support_session s;
    assert_int_equal(support_session_try(ini, SAMPLES, NULL, &s), status);
    int64_t live = mem_live_blocks();
    assert_int_equal(support_session_try(ini, SAMPLES, NULL, &s), status);
    assert_int_equal(mem_live_blocks(), live);
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strstr(diag_message(), words[i]) == NULL) {
            fail_msg("'%s' does not say '%s'", diag_message(), words[i]);
        }
    }
}

static void test_body_must_keep_the_shape(void **state)
{
    (void)state;
    const char *const words[] = {"ode: dy/dt must have the shape of y", "[2, 4, 4] of [1, 4, 4]",
                                 "ode.time", NULL};
    check_refused(HEAD "[model.ode]\n" ODE "[model.ode.time]\nlayer = concat_time\n" TAIL,
                  ODEON_ERR_CONFIG, words);
}

static void test_block_within_a_block_is_refused(void **state)
{
    (void)state;
    const char *const words[] = {"ode: its body holds another ODE block", NULL};
    check_refused(HEAD "[model.ode]\n" ODE "[model.ode.inner]\n" ODE
                       "[model.ode.inner.a]\nlayer = tanh\n" TAIL,
                  ODEON_ERR_CONFIG, words);
}

/* y' = y by a body that costs nothing. */
static void test_body_of_views_is_the_exponential(void **state)
{
    (void)state;
    static const char ini[] = "[run]\nname = test\ndevice = reference\ndtype = float64\n"
                              "workers = 1\n[data]\ndataset = drawn(shape=3, classes=3)\n"
                              "[model.ode]\nlayer = ode(steps=40)\nintegrator = dopri5\n"
                              "gradient = direct\n[model.ode.v]\nlayer = identity\n" TRAIN;
    support_session s = support_session_open(ini, SAMPLES, NULL);
    double output[OUTPUTS], expected[OUTPUTS];
    (void)support_differentiate(&s, output, NULL);
    for (int i = 0; i < OUTPUTS; i++) {
        expected[i] = exp(1.0) * s.x[i];
    }
    support_assert_close("y(1)", OUTPUTS, output, expected, 1e-10);
    support_session_close(&s);
}

/* ---- a block by itself ---- */

static const int64_t two[] = {2};

#define BLOCK(options, integrator)                                                                 \
    "[model.o]\nlayer = ode(" options ")\nintegrator = " integrator "\ngradient = direct\n"        \
    "[model.o.f]\nlayer = identity\n"

static void refuse(const char *text, const char *words)
{
    odeon_status status;
    small_net *s = small_net_try(text, 1, two, &status);
    if (status != ODEON_ERR_CONFIG || strstr(diag_message(), words) == NULL) {
        fail_msg("%d '%s' does not say '%s'", (int)status, diag_message(), words);
    }
    assert_int_equal(s->site.n_odes, 0);
    small_net_close(s);
}

static void test_times_and_stops_that_contradict_are_refused(void **state)
{
    (void)state;
    refuse(BLOCK("times=0 1 1, steps=2", "rk4"),
           "o: times must rise or fall throughout, but number 2 is 1 and number 3 is 1");
    refuse(BLOCK("times=batch, steps=2", "rk4"),
           "o: times = batch, but the data set's samples have no times: list them");
    refuse(BLOCK("span=0 1, stops=2", "tsit5"),
           "o: the stop at 2 lies outside of the solve, which goes from 0 to 1");
    refuse(BLOCK("span=1 0, stops=-0.5", "tsit5"),
           "o: the stop at -0.5 lies outside of the solve, which goes from 1 to 0");
}

static void test_steps_that_cannot_be_are_refused(void **state)
{
    (void)state;
    refuse(BLOCK("span=0 1, h_min=0.5, h_max=0.25", "tsit5"),
           "o: h_min = 0.5 leaves no step below h_max = 0.25");
    refuse(BLOCK("span=0 1, first_step=0.5, h_max=0.25", "tsit5"),
           "o: first_step = 0.5 is not between h_min = 0 and h_max = 0.25");
    refuse(BLOCK("span=0 1, first_step=0.1, h_min=0.2", "tsit5"),
           "o: first_step = 0.1 is not between h_min = 0.2 and h_max = inf");
    refuse(BLOCK("span=0 1", "rk4"), "o: integrator rk4 estimates no error, so its steps cannot be "
                                     "adaptive: give steps or step_size, or another integrator");
    refuse(BLOCK("span=0 1, rtol=1e-3 1e-3 1e-3", "tsit5"),
           "o: rtol has 3 values, but y has 2 components: give one, or one for each");
    refuse(BLOCK("span=0 1, atol=1e-3 1e-3 1e-3", "tsit5"), "o: atol has 3 values");
}

/* Lists go to the device; where there are no components the smallest counts. */
static void test_tolerances_of_components_are_uploaded(void **state)
{
    (void)state;
    small_net *s = small_net_open(BLOCK("span=0 1, rtol=1e-3 1e-5, atol=1e-6", "tsit5"), 1, two);
    const odeon_ode *ode = s->site.odes[0];
    const odeon_control *c = ode->spec.control;
    assert_true(c->rtol == 1e-5 && c->atol == 1e-6);
    assert_int_equal(c->n_each, 2);
    assert_true(c->rtol_each[0] == 1e-3 && c->rtol_each[1] == 1e-5);
    assert_true(c->atol_each[0] == 1e-6 && c->atol_each[1] == 1e-6);
    small_net_close(s);
    s = small_net_open(BLOCK("span=0 1", "tsit5"), 1, two);
    ode = s->site.odes[0];
    assert_null(ode->tolerances.data);
    assert_int_equal(ode->spec.control->n_each, 0);
    small_net_close(s);
}

static void test_body_in_takes_the_first_state(void **state)
{
    (void)state;
    odeon_ode_spec spec = {.initial = ODEON_INITIAL_FIRST};
    const odeon_shape in = {.ndim = 4, .dtype = ODEON_DTYPE_F64, .dim = {2, 3, 4, 5}};
    odeon_shape out;
    instance x = {.path = (char[]){"o"}};
    instance_host(&x);
    assert_int_equal(ode_services.body_in(&x.host, &spec, &in, &out), ODEON_OK);
    assert_int_equal(out.ndim, 3);
    assert_true(out.dim[0] == 2 && out.dim[1] == 4 && out.dim[2] == 5 && out.dim[3] == 0);
    spec.initial = ODEON_INITIAL_INPUT;
    assert_int_equal(ode_services.body_in(&x.host, &spec, &in, &out), ODEON_OK);
    assert_memory_equal(&out, &in, sizeof in);
    spec.initial = ODEON_INITIAL_LIST;
    spec.n_initial_values = 7;
    assert_int_equal(ode_services.body_in(&x.host, &spec, &in, &out), ODEON_OK);
    assert_true(out.ndim == 2 && out.dim[0] == 2 && out.dim[1] == 7);
    spec.initial = ODEON_INITIAL_FIRST;
    const odeon_shape flat = {.ndim = 2, .dim = {2, 3}}, none = {.ndim = 3, .dim = {2, 0, 3}};
    diag_clear();
    assert_int_equal(ode_services.body_in(&x.host, &spec, &flat, &out), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "so its input must be [samples, states, ...] and not of "
                                           "2 dimensions"));
    diag_clear();
    assert_int_equal(ode_services.body_in(&x.host, &spec, &none, &out), ODEON_ERR_CONFIG);
    ode_services.destroy(NULL);
}

/* Only a solve in place whose gradient reads y keeps input and output. */
static void test_plan_asks_for_what_the_gradient_reads(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t flags;
    } cases[] = {{"span=0 1, gradient=direct", 0},
                 {"span=0 1, gradient=adjoint", ODEON_LAYER_NEEDS_IN | ODEON_LAYER_NEEDS_OUT},
                 {"times=0 1, gradient=adjoint", 0}};
    for (size_t i = 0; i < 3; i++) {
        char *text = mem_printf("[model.o]\nlayer = ode(steps=2, %s)\nintegrator = rk4\n"
                                "[model.o.f]\nlayer = identity\n",
                                cases[i].text);
        small_net *s = small_net_open(text, 1, two);
        odeon_layer_plan plan = {
            .struct_size = sizeof plan, .device = s->site.lane.device, .in = s->net->in};
        assert_int_equal(ode_services.plan(s->site.odes[0], &plan), ODEON_OK);
        assert_int_equal(plan.flags, cases[i].flags);
        assert_int_equal(plan.out.ndim, i < 2 ? 2 : 3);
        small_net_close(s);
        mem_free(text);
    }
}

static void test_passes_are_counted(void **state)
{
    (void)state;
    double x[] = {1.0, 2.0}, y[2], d_x[2], slots[ODEON_SLOTS] = {0.0};
    small_net *s = small_net_open("[model.o]\nlayer = ode(span=0 1, steps=5)\nintegrator = rk4\n"
                                  "gradient = adjoint\n[model.o.f]\nlayer = identity\n",
                                  1, two);
    odeon_ode *ode = s->site.odes[0];
    const ode_counters *c = &ode->counters;
    assert_string_equal(c->path, "o");
    assert_int_equal(s->site.n_odes, 1);
    assert_true(isnan(c->share) && isnan(c->drift));
    ode->measured = slots;
    ode->measure_share = true;
    small_net_forward(s, 1, x, y);
    assert_int_equal(c->evals_forward, 20);
    assert_int_equal(c->accepted, 5);
    assert_int_equal(c->rejected, 0);
    assert_true(fabs(c->h_min - 0.2) < 1e-12 && fabs(c->h_max - 0.2) < 1e-12);
    assert_int_equal(c->evals_backward, 0);
    assert_true(c->bytes > 0);
    assert_true(ode_is_measured(ode));
    int64_t bytes = c->bytes;
    small_net_vjp(s, 1, y, d_x);
    assert_int_equal(c->evals_backward, 20);
    assert_int_equal(c->accepted_backward, 5);
    assert_true(ode->adjoint.used_bytes > 0 && c->bytes > bytes);
    assert_int_equal(c->bytes, solver_peaks_bytes(ode->forward, ode->backward) +
                                   ode->field.plan->frame_bytes + ode->adjoint.used_bytes +
                                   2 * (int64_t)sizeof(double)); /* and a vector of the state */
    /* both solvers compute in the same vectors */
    assert_true(solver_peaks_bytes(ode->forward, ode->backward) ==
                solver_peak_bytes(ode->backward));
    ode_take_measures(ode, slots);
    assert_true(fabs(c->share - (exp(1.0) - 1.0)) < 1e-3);
    assert_true(c->drift >= 0.0 && c->drift < 1e-3);
    small_net_forward(s, 1, x, y); /* a new row */
    assert_true(c->evals_backward == 0 && c->accepted_backward == 0 && isnan(c->drift));
    small_net_close(s);
}

static void test_steps_of_a_list_are_made_again(void **state)
{
    (void)state;
    folder place = folder_create();
    folder_write(&place, "steps.csv", "t,h\n0,0.25\n0.25,0.75\n", 21);
    char *text =
        mem_printf("[model.o]\nlayer = ode(span=0 1, control=replay(path=%s))\nintegrator = rk4\n"
                   "gradient = direct\n[model.o.f]\nlayer = identity\n",
                   folder_file(&place, "steps.csv"));
    double x[] = {1.0, 2.0}, y[2];
    small_net *s = small_net_open(text, 1, two);
    small_net_forward(s, 1, x, y);
    assert_int_equal(s->site.odes[0]->counters.accepted, 2);
    assert_true(s->site.odes[0]->counters.h_min == 0.25);
    small_net_close(s);
    folder_discard(&place, "steps.csv");
    odeon_status status;
    s = small_net_try(text, 1, two, &status);
    assert_int_equal(status, ODEON_ERR_IO);
    small_net_close(s);
    mem_free(text);
    folder_remove(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_must_keep_the_shape),
        cmocka_unit_test(test_block_within_a_block_is_refused),
        cmocka_unit_test(test_body_of_views_is_the_exponential),
        cmocka_unit_test(test_times_and_stops_that_contradict_are_refused),
        cmocka_unit_test(test_steps_that_cannot_be_are_refused),
        cmocka_unit_test(test_tolerances_of_components_are_uploaded),
        cmocka_unit_test(test_body_in_takes_the_first_state),
        cmocka_unit_test(test_plan_asks_for_what_the_gradient_reads),
        cmocka_unit_test(test_passes_are_counted),
        cmocka_unit_test(test_steps_of_a_list_are_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
