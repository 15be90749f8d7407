/* Adaptive solves that the device carries out alone, against the same ones step by step: the same
 * numbers, the same books, the same failures, and hardly a word between host and device. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "ode/ode.h"
#include "session/members.h"
#include "solver/state.h"
#include "support_session.h"

#define DATA                                                                                       \
    "[run]\nname = test\ndevice = remote\ndtype = float64\nworkers = 1\n"                          \
    "[data]\ndataset = drawn(shape=6, classes=3, length=64)\n"
#define BLOCK(path)                                                                                \
    "[" path "]\nlayer = ode(rtol=1e-5, atol=1e-7)\nintegrator = tsit5\ngradient = adjoint\n"      \
    "[" path ".time]\nlayer = concat_time\n"                                                       \
    "[" path ".a]\nlayer = dense(units=state)\nthen = tanh\n"
#define REST                                                                                       \
    "[model.rows]\nlayer = flatten\n"                                                              \
    "[model.head]\nlayer = dense(units=classes)\n"                                                 \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.5)\n"

static const char network[] = DATA BLOCK("model.ode") REST;
static const char two_blocks[] = DATA BLOCK("model.ode") BLOCK("model.second") REST;

enum { SAMPLES = 8, STEPS = 8, HARDER = 4, MAX_OVERRIDES = 8, MAX_BLOCKS = 2, PASSES = 2 };

/* What one pass of one block did. */
typedef struct trace {
    size_t n;
    solve_attempt *attempts;
} trace;

typedef struct outcome {
    odeon_status status[STEPS];
    char message[STEPS][DIAG_MESSAGE_BYTES];
    session_result result[STEPS], test[STEPS];
    trace traces[STEPS][MAX_BLOCKS][PASSES];
    int64_t n_parameters;
    double *parameters; /* at the end, running state included */
} outcome;

/* What the steps of training are. */
typedef struct course {
    const char *ini;
    const char *const *settings; /* overrides, up to NULL */
    bool varies;                 /* every other batch is smaller */
    bool tests;                  /* evaluates after every step */
    double factor;               /* of all parameters, before step HARDER; 0: 1 */
    bool stays;                  /* is not captured */
} course;

static trace copy_trace(const solver *s)
{
    trace t = {.n = 0};
    const solve_attempt *attempts = solver_attempts(s, &t.n);
    t.attempts = mem_alloc((t.n + 1) * sizeof *t.attempts);
    assert_non_null(t.attempts);
    if (t.n > 0) {
        memcpy(t.attempts, attempts, t.n * sizeof *t.attempts);
    }
    return t;
}

static void multiply_parameters(session *s, double factor)
{
    for (size_t i = 0; i < session_parameters(s); i++) {
        int64_t n = session_parameter_at(s, i).count;
        double *values = mem_alloc((size_t)n * sizeof *values);
        support_require(session_parameter_get(s, i, values), "get");
        for (int64_t k = 0; k < n; k++) {
            values[k] *= factor;
        }
        support_require(session_parameter_set(s, i, values), "set");
        mem_free(values);
    }
}

static void take_step(support_session *s, const data_source *source, const course *script,
                      int64_t step, outcome *out)
{
    int64_t indices[SAMPLES], n = script->varies && step % 2 == 1 ? SAMPLES / 2 : SAMPLES;
    for (int64_t i = 0; i < n; i++) {
        indices[i] = (step * SAMPLES + i * 5) % 64;
    }
    if (script->factor != 0.0 && step == HARDER) {
        multiply_parameters(s->session, script->factor);
    }
    diag_clear();
    out->status[step] =
        session_train(s->session, source, n, indices, 1, step + 1, 1.0, &out->result[step]);
    support_keep(&out->result[step]);
    strncpy(out->message[step], diag_message(), DIAG_MESSAGE_BYTES - 1);
    const net_site *site = &s->session->workers[0].site;
    for (size_t b = 0; b < site->n_odes; b++) {
        out->traces[step][b][0] = copy_trace(site->odes[b]->forward);
        out->traces[step][b][1] = copy_trace(site->odes[b]->backward);
    }
    if (script->tests) {
        support_require(session_evaluate(s->session, source, n, indices, &out->test[step]),
                        "evaluate");
        support_keep(&out->test[step]);
    }
}

static outcome *run(const course *script, const char *capture)
{
    const char *overrides[MAX_OVERRIDES + 1] = {capture};
    for (size_t i = 0; script->settings[i] != NULL && i + 1 < MAX_OVERRIDES; i++) {
        overrides[i + 1] = script->settings[i];
    }
    outcome *out = mem_zalloc(1, sizeof *out);
    support_session s = support_session_open(script->ini, SAMPLES, overrides);
    data_source *source = support_batch_source(&s);
    for (int64_t step = 0; step < STEPS; step++) {
        take_step(&s, source, script, step, out);
    }
    out->parameters = support_parameters(&s, &out->n_parameters);
    data_close(source);
    support_session_close(&s);
    return out;
}

static void outcome_destroy(outcome *o)
{
    for (size_t i = 0; i < sizeof o->traces / sizeof(trace); i++) {
        mem_free((&o->traces[0][0][0])[i].attempts);
    }
    mem_free(o->parameters);
    mem_free(o);
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void assert_same_trace(const trace *a, const trace *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        const solve_attempt *x = &a->attempts[i], *y = &b->attempts[i];
        assert_true(x->t == y->t && x->h == y->h && x->accepted == y->accepted);
        assert_true(same_number(x->error, y->error));
    }
}

/* But for bytes, and evaluations of a walk back: rows stand in place of frames. */
static void assert_same_block(const ode_counters *a, const ode_counters *b, bool with_backward)
{
    assert_int_equal(a->accepted, b->accepted);
    assert_int_equal(a->rejected, b->rejected);
    assert_int_equal(a->evals_forward, b->evals_forward);
    assert_int_equal(a->accepted_backward, b->accepted_backward);
    assert_int_equal(a->rejected_backward, b->rejected_backward);
    assert_true(same_number(a->h_min, b->h_min) && same_number(a->h_max, b->h_max));
    assert_true(same_number(a->drift, b->drift) && same_number(a->share, b->share));
    assert_true(!with_backward || a->evals_backward == b->evals_backward);
}

static void assert_same_step(const outcome *a, const outcome *b, int64_t step)
{
    assert_int_equal(a->status[step], b->status[step]);
    assert_string_equal(a->message[step], b->message[step]);
    assert_int_equal(a->result[step].n_blocks, b->result[step].n_blocks);
    for (size_t i = 0; i < a->result[step].n_blocks; i++) {
        for (int pass = 0; pass < PASSES; pass++) {
            assert_same_trace(&a->traces[step][i][pass], &b->traces[step][i][pass]);
        }
    }
}

/* The last step, which nothing is new to, was captured, or was not. */
static void assert_captured(const course *script, const outcome *captured, const outcome *plain)
{
    const device_counters *a = &captured->result[STEPS - 1].device;
    const device_counters *b = &plain->result[STEPS - 1].device;
    if (captured->status[STEPS - 1] == ODEON_OK) {
        assert_int_equal(a->waits < b->waits, !script->stays);
        assert_int_equal(a->allocs, 0);
    }
}

/* Everything is the same to the last bit. The outcome of the captured run. */
static outcome *check_exact(const course *script)
{
    outcome *plain = run(script, "run.capture=no"), *captured = run(script, "run.capture=yes");
    for (int64_t i = 0; i < STEPS; i++) {
        const session_result *a = &captured->result[i], *b = &plain->result[i];
        assert_same_step(captured, plain, i);
        assert_true(same_number(a->loss, b->loss) && same_number(a->grad_norm, b->grad_norm));
        assert_true(captured->test[i].loss == plain->test[i].loss);
        for (size_t k = 0; k < a->n_blocks; k++) {
            assert_same_block(&a->blocks[k], &b->blocks[k], true);
        }
    }
    assert_captured(script, captured, plain);
    assert_memory_equal(captured->parameters, plain->parameters,
                        (size_t)plain->n_parameters * sizeof(double));
    outcome_destroy(plain);
    return captured;
}

/* A walk back from rows takes a vjp of zeros and sums with zeros more than one from frames, which
 * may move what is not a number or 0, but no other bit. */
static outcome *check_gradient(const course *script)
{
    outcome *plain = run(script, "run.capture=no"), *captured = run(script, "run.capture=yes");
    for (int64_t i = 0; i < STEPS; i++) {
        const session_result *a = &captured->result[i], *b = &plain->result[i];
        assert_same_step(captured, plain, i);
        assert_true(same_number(a->loss, b->loss) && same_number(a->grad_norm, b->grad_norm));
        for (size_t k = 0; k < a->n_blocks; k++) {
            assert_same_block(&a->blocks[k], &b->blocks[k], false);
        }
    }
    assert_captured(script, captured, plain);
    if (!isnan(script->factor)) {
        support_assert_close("parameters", plain->n_parameters, captured->parameters,
                             plain->parameters, 1e-15);
    }
    outcome_destroy(plain);
    return captured;
}

enum { NO_LOOPS = 2, MOCKED = 3 };
static const char *const devices[] = {"run.device=remote", "run.device=remote(late=yes)",
                                      "run.device=remote(loops=no)", "run.device=mocked"};

/* The last one is built where the device cuda is. */
static int n_devices(void)
{
    return access(ODEON_TEST_PLUGINS "/device/mocked.so", F_OK) == 0 ? MOCKED + 1 : MOCKED;
}

static const char *const methods[] = {"model.ode.integrator=tsit5", "model.ode.integrator=dopri5",
                                      "model.ode.integrator=dopri8", "model.ode.integrator=bosh3",
                                      "model.ode.integrator=scripted"};
enum { N_METHODS = sizeof methods / sizeof *methods };

/* The first method on all devices, the others on one of them each. */
static bool is_tried(int method, int device)
{
    return method == 0 || method % n_devices() == device;
}

static int64_t rejected(const outcome *o)
{
    int64_t n = 0;
    for (int i = 0; i < STEPS; i++) {
        n += o->result[i].blocks[0].rejected;
    }
    return n;
}

/* In step HARDER there were more steps than rows. */
static void assert_rows_missing(const outcome *o)
{
    int64_t before = o->result[HARDER - 1].blocks[0].accepted;
    int64_t after = o->result[HARDER].blocks[0].accepted;
    if (after <= before + before / 2 + 8) {
        fail_msg("%lld steps, then %lld", (long long)before, (long long)after);
    }
}

/* ---- numbers ---- */

static void test_adjoint_has_the_bits_of_solves_step_by_step(void **state)
{
    (void)state;
    for (int i = 0; i < N_METHODS * n_devices(); i++) {
        const char *const settings[] = {devices[i % n_devices()], methods[i / n_devices()], NULL};
        if (!is_tried(i / n_devices(), i % n_devices())) {
            continue;
        }
        course s = {.ini = network, .settings = settings, .varies = i % n_devices() == 0};
        outcome_destroy(check_exact(&s));
    }
}

/* Solves whose states or dense output are kept are made call by call, between tests that are
 * captured and write into vectors of the same solver. */
static void test_kept_states_and_dense_output_are_not_written_over(void **state)
{
    (void)state;
    static const char *const gradients[] = {
        "model.ode.gradient=checkpoint", "model.ode.gradient=checkpoint(every=99)",
        "model.ode.gradient=adjoint(y=dense)", "model.ode.gradient=reads_tape(replays=yes)"};
    static const char *const modes[] = {"model.ode.steps=6", "model.ode.h_max=0.2"};
    for (int i = 0; i < 4 * n_devices(); i++) { /* either mode by turns */
        const char *const settings[] = {devices[i / 4], gradients[i % 4], modes[(i / 4 + i) % 2],
                                        "model.ode.integrator=tsit5", NULL};
        course s = {.ini = network, .settings = settings, .tests = true, .stays = true};
        outcome_destroy(check_exact(&s));
    }
}

static void test_direct_from_rows_has_the_gradient_from_frames(void **state)
{
    (void)state;
    for (int i = 0; i < N_METHODS * n_devices(); i++) {
        const char *const settings[] = {devices[i % n_devices()], methods[i / n_devices()],
                                        "model.ode.gradient=direct", NULL};
        if (!is_tried(i / n_devices(), i % n_devices())) {
            continue;
        }
        course s = {.ini = network, .settings = settings, .varies = i % n_devices() == 0};
        outcome *o = check_gradient(&s);
        const ode_counters *last = &o->result[STEPS - 1].blocks[0];
        assert_true(last->evals_backward > 0);
        outcome_destroy(o);
    }
}

static void test_rejected_steps_are_tried_again(void **state)
{
    (void)state;
    for (int i = 0; i < n_devices(); i++) {
        const char *const settings[] = {devices[i], "model.ode.first_step=1", NULL};
        course s = {.ini = network, .settings = settings};
        outcome *o = check_exact(&s);
        assert_true(rejected(o) >= STEPS);
        outcome_destroy(o);
        const char *const direct[] = {devices[i], "model.ode.first_step=1",
                                      "model.ode.gradient=direct", NULL};
        s.settings = direct;
        outcome_destroy(check_gradient(&s));
    }
}

static void test_float32_has_the_same_bits_too(void **state)
{
    (void)state;
    const char *const settings[] = {devices[0], "run.dtype=float32", NULL};
    course s = {.ini = network, .settings = settings};
    outcome_destroy(check_exact(&s));
}

static void test_backward_spans_are_solved_backward(void **state)
{
    static const char *const first[] = {"model.ode.max_steps=999", "model.ode.first_step=0.3"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *const settings[] = {devices[0], "model.ode.span=1 -0.5", first[i], NULL};
        course s = {.ini = network, .settings = settings};
        outcome_destroy(check_exact(&s));
    }
}

/* Parameters' adjoints, and that of t, stand in the state and are counted. */
static void test_adjoint_of_everything_has_the_same_bits(void **state)
{
    (void)state;
    for (int i = 0; i < n_devices(); i++) {
        const char *const settings[] = {
            devices[i], "model.ode.gradient=adjoint(norm=full, count_time=yes)", NULL};
        course s = {.ini = network, .settings = settings};
        outcome_destroy(check_exact(&s));
    }
}

static void test_blocks_and_evaluation_take_turns(void **state)
{
    (void)state;
    for (int i = 0; i < n_devices(); i++) {
        const char *const settings[] = {devices[i], NULL};
        course s = {.ini = two_blocks, .settings = settings, .varies = true, .tests = true};
        outcome_destroy(check_exact(&s));
        const char *const direct[] = {devices[i], "model.ode.gradient=direct",
                                      "model.second.gradient=direct", NULL};
        s.settings = direct;
        outcome_destroy(check_gradient(&s));
    }
}

/* It moves at every evaluation, and not once more where a solve is done again, and so slowly that
 * it would show. Behind the end of a chunk it would. */
static void test_running_state_moves_as_step_by_step(void **state)
{
    (void)state;
    for (int i = 0; i < n_devices(); i++) {
        const char *const settings[] = {devices[i],
                                        "model.ode.a.then=batchnorm(momentum=1e-4), tanh",
                                        "model.ode.gradient=direct", NULL};
        course s = {.ini = network,
                    .settings = settings,
                    .factor = 100.0,
                    .tests = true,
                    .stays = i == NO_LOOPS};
        outcome *o = check_gradient(&s);
        assert_rows_missing(o);
        outcome_destroy(o);
    }
}

/* The same in small, with few steps: the solve behind the end of a chunk is done again. */
static void test_running_state_of_short_solves_moves_too(void **state)
{
    (void)state;
    const char *const settings[] = {devices[0], "model.ode.a.then=batchnorm(momentum=1e-4), tanh",
                                    "model.ode.layer=ode(rtol=1e-3, atol=1e-3)",
                                    "model.ode.gradient=direct", NULL};
    course s = {.ini = network, .settings = settings, .factor = 100.0, .tests = true};
    outcome *o = check_gradient(&s);
    assert_rows_missing(o);
    outcome_destroy(o);
}

static void test_random_layers_are_left_alone(void **state)
{
    (void)state;
    const char *const settings[] = {devices[0], "model.ode.a.then=dropout(p=0.5), tanh", NULL};
    course s = {.ini = network, .settings = settings, .stays = true};
    outcome_destroy(check_exact(&s));
}

/* ---- output times ---- */

static void test_many_outputs_have_the_same_bits(void **state)
{
    static const char *const ends[] = {"model.ode.end=clip", "model.ode.end=interpolate"};
    (void)state;
    for (int i = 0; i < 2 * n_devices(); i++) {
        const char *const settings[] = {devices[i / 2], ends[i % 2],
                                        "model.ode.times=0 0.01 0.02 0.5 0.7 1", NULL};
        course s = {.ini = network, .settings = settings, .varies = true, .tests = true};
        outcome_destroy(check_exact(&s));
    }
}

/* Walked back too: from within the last step, from its own end, from within the only one. */
static void test_interpolated_end_has_the_same_bits(void **state)
{
    static const char *const ends[] = {"model.ode.control=torchdiffeq",
                                       "model.ode.layer=ode(rtol=1, atol=1, first_step=1)",
                                       "model.ode.layer=ode(rtol=1, atol=1, first_step=2)"};
    (void)state;
    for (int i = 0; i < n_devices(); i++) {
        const char *const settings[] = {devices[i], "model.ode.end=interpolate", NULL};
        course s = {.ini = network, .settings = settings, .varies = true};
        outcome_destroy(check_exact(&s));
        for (int k = 0; k < 3; k++) {
            const char *const direct[] = {devices[i], "model.ode.end=interpolate", ends[k],
                                          "model.ode.gradient=direct", NULL};
            s.settings = direct;
            outcome *o = check_gradient(&s);
            assert_int_equal(o->result[STEPS - 1].blocks[0].accepted == 1, k > 0);
            outcome_destroy(o);
        }
    }
}

/* The end is read off stages that serve dense output alone. */
static void test_dense_stages_have_the_same_bits(void **state)
{
    static const char bs5[] = "model.ode.integrator=bs5", end[] = "model.ode.end=interpolate";
    (void)state;
    for (int i = 0; i < MOCKED; i++) {
        const char *const adjoint[] = {devices[i], bs5, end, NULL};
        course s = {.ini = network, .settings = adjoint, .varies = true};
        outcome_destroy(check_exact(&s));
        const char *const direct[] = {devices[i], bs5, end, "model.ode.gradient=direct", NULL};
        s.settings = direct;
        outcome_destroy(check_gradient(&s));
    }
}

static void test_every_control_has_the_same_bits(void **state)
{
    static const char *const controls[] = {"model.ode.control=sciml", "model.ode.control=diffrax",
                                           "model.ode.control=torchode", "model.ode.h_max=0.07",
                                           "model.ode.norm=max"};
    (void)state;
    for (int i = 0; i < 5; i++) {
        const char *const settings[] = {devices[i % n_devices()], controls[i],
                                        "model.ode.first_step=0.05", NULL};
        course s = {.ini = network, .settings = settings};
        outcome_destroy(check_exact(&s));
    }
}

/* Their steps are walked back from frames, or cut short for outputs and stops. */
static void test_other_solves_stay_step_by_step(void **state)
{
    (void)state;
    const char *const walked[] = {devices[0], "model.ode.gradient=direct",
                                  "model.ode.times=0 0.5 1", NULL};
    const char *const cut[] = {devices[0],
                               "model.ode.integrator=adaptive_heun",
                               "model.ode.rtol=1e-3",
                               "model.ode.gradient=direct",
                               "model.ode.times=0 0.5 1",
                               NULL};
    course s = {.ini = network, .settings = walked, .stays = true};
    outcome_destroy(check_exact(&s));
    s.settings = cut;
    outcome_destroy(check_exact(&s));
    const char *const stopped[] = {devices[0], "model.ode.stops=0.3", NULL};
    s.settings = stopped;
    outcome_destroy(check_exact(&s));
}

/* ---- what does not fit ---- */

/* Much larger parameters make more steps than there are rows for. */
static void test_rows_grow(void **state)
{
    (void)state;
    for (int i = 0; i < n_devices(); i++) {
        const char *const direct[] = {devices[i], "model.ode.gradient=direct", NULL};
        course s = {.ini = network, .settings = direct, .factor = 40.0};
        outcome *o = check_gradient(&s);
        assert_rows_missing(o);
        outcome_destroy(o);
        const char *const times[] = {devices[i], "model.ode.times=0 0.3 1", NULL};
        s.settings = times;
        outcome_destroy(check_exact(&s));
    }
}

/* The first tells how long they are. */
static void test_solves_longer_than_the_log_stay_step_by_step(void **state)
{
    (void)state;
    const char *const settings[] = {devices[0], "model.ode.integrator=bosh3",
                                    "model.ode.layer=ode(rtol=1e-12, atol=1e-12)", NULL};
    course s = {.ini = network, .settings = settings, .stays = true};
    outcome *o = check_exact(&s);
    assert_true(o->traces[STEPS - 1][0][0].n > SOLVER_LOG_ROWS);
    assert_true(o->traces[STEPS - 1][0][1].n > SOLVER_LOG_ROWS);
    outcome_destroy(o);
}

static void check_failure(const char *setting, double factor, const char *text)
{
    for (int i = 0; i < 2 * n_devices(); i++) {
        const char *const settings[] = {
            devices[i / 2], setting,
            i % 2 == 0 ? "model.ode.gradient=adjoint" : "model.ode.gradient=direct", NULL};
        course s = {.ini = network, .settings = settings, .factor = factor};
        outcome *o = i % 2 == 0 ? check_exact(&s) : check_gradient(&s);
        assert_int_equal(o->status[HARDER - 1], ODEON_OK);
        assert_int_equal(o->status[HARDER], ODEON_ERR_NUMERIC);
        if (strstr(o->message[HARDER], text) == NULL) {
            fail_msg("'%s' does not say '%s'", o->message[HARDER], text);
        }
        outcome_destroy(o);
    }
}

static void test_failures_are_found_and_named(void **state)
{
    (void)state;
    check_failure("model.ode.max_steps=20", 40.0, "max_steps reached");
    check_failure("model.ode.max_steps=1000", (double)NAN, "the field is not finite");
}

/* ---- memory ---- */

/* Differentiates, n the number of the allocation that fails; 0: none. Gradients are these or that
 * went wrong. */
static void differentiate(support_session *s, int64_t n, const double *expected)
{
    session_result result;
    mem_fail_at(n);
    odeon_status status = support_differentiate_try(s, &result);
    mem_fail_at(0);
    if (status != ODEON_OK) {
        assert_true(n > 0 && status == ODEON_ERR_NOMEM);
        return;
    }
    int64_t count;
    double *gradients = support_gradients(s, &count);
    support_assert_close("gradients", count, gradients, expected, 1e-15);
    mem_free(gradients);
}

static double *expected_gradients(const char *const *overrides)
{
    int64_t count;
    support_session s = support_session_open(network, SAMPLES, overrides);
    (void)support_differentiate(&s, NULL, NULL);
    double *gradients = support_gradients(&s, &count);
    support_session_close(&s);
    return gradients;
}

/* The same session as new, of plugins that are loaded already. */
static void begin_anew(support_session *s)
{
    session_destroy(s->session);
    support_require(session_create(s->registry, s->config, &s->fields, SAMPLES, &s->session),
                    "session");
}

/* The first batch fits the memory, the second records the solve, the third the walk back. */
static void check_allocations(const char *gradient, int pass)
{
    const char *const overrides[] = {devices[0], gradient, "model.ode.integrator=bosh3", NULL};
    double *expected = expected_gradients(overrides);
    int64_t allocs = 1, every = pass == 0 ? 5 : 1;
    support_session s = support_session_open(network, SAMPLES, overrides);
    for (int64_t n = 0; n <= allocs; n += every) {
        begin_anew(&s);
        for (int i = 0; i < pass; i++) {
            differentiate(&s, 0, expected);
        }
        int64_t before = mem_total_allocs();
        differentiate(&s, n, expected);
        allocs = n == 0 ? mem_total_allocs() - before : allocs;
        for (int i = 0; i < 3; i++) {
            differentiate(&s, 0, expected);
        }
    }
    support_session_close(&s);
    /* A recording takes more on the device of this test than on some others. */
    assert_true(allocs > (getenv("ODEON_TEST_DEVICE") == NULL ? 10 : 4));
    mem_free(expected);
}

static void test_every_allocation_of_a_captured_solve_may_fail(void **state)
{
    (void)state;
    for (int pass = 0; pass < 3; pass++) {
        check_allocations("model.ode.gradient=direct", pass);
    }
    check_allocations("model.ode.gradient=adjoint", 1);
}

/* An argument chooses tests by a pattern of their names. */
int main(int argc, char **argv)
{
    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adjoint_has_the_bits_of_solves_step_by_step),
        cmocka_unit_test(test_kept_states_and_dense_output_are_not_written_over),
        cmocka_unit_test(test_direct_from_rows_has_the_gradient_from_frames),
        cmocka_unit_test(test_rejected_steps_are_tried_again),
        cmocka_unit_test(test_float32_has_the_same_bits_too),
        cmocka_unit_test(test_backward_spans_are_solved_backward),
        cmocka_unit_test(test_adjoint_of_everything_has_the_same_bits),
        cmocka_unit_test(test_blocks_and_evaluation_take_turns),
        cmocka_unit_test(test_running_state_moves_as_step_by_step),
        cmocka_unit_test(test_running_state_of_short_solves_moves_too),
        cmocka_unit_test(test_random_layers_are_left_alone),
        cmocka_unit_test(test_many_outputs_have_the_same_bits),
        cmocka_unit_test(test_every_control_has_the_same_bits),
        cmocka_unit_test(test_interpolated_end_has_the_same_bits),
        cmocka_unit_test(test_dense_stages_have_the_same_bits),
        cmocka_unit_test(test_other_solves_stay_step_by_step),
        cmocka_unit_test(test_rows_grow),
        cmocka_unit_test(test_solves_longer_than_the_log_stay_step_by_step),
        cmocka_unit_test(test_failures_are_found_and_named),
        cmocka_unit_test(test_every_allocation_of_a_captured_solve_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
