/* step = sample, solved side by side: to the bit what solves of one sample after the other are, in
 * states, steps and cotangents, and the field is called as often as the slowest sample asks for. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "ode/block.h"
#include "ode/ode.h"
#include "ode/samples.h"
#include "session/members.h"
#include "support_session.h"

enum { SAMPLES = 9, TIMES = 5, SIZE = 3, EACH = TIMES * SIZE, MAX_OVERRIDES = 12 };

#define START                                                                                      \
    "[run]\nname = test\ndevice = cpu\ndtype = float64\nworkers = 1\n"                             \
    "[data]\ndataset = measured(shape=5 3, label=5 3, times=5)\n"                                  \
    "[model.ode]\nlayer = ode(step=sample)\nintegrator = tsit5\ngradient = direct\n"               \
    "initial = first\ntimes = batch\nrtol = 1e-6\natol = 1e-6\n"
#define END "[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n"

/* Oscillators of van der Pol, each with a stiffness of its own as a part of its state, and a push
 * that depends on the time. */
static const char oscillators[] =
    START "[model.ode.f]\nlayer = formula\n"
          "equations = x' = a*v + 0.1*sin(t) | v' = b*m*(1-x^2)*v - x | m' = 0*m\n"
          "constants = a=1 b=1\nlearn = a b\n" END;
/* Products, and the time as an input. */
static const char products[] = START "[model.ode.t]\nlayer = concat_time\n"
                                     "[model.ode.a]\nlayer = dense(units=17)\nthen = tanh\n"
                                     "[model.ode.b]\nlayer = dense(units=state)\n" END;

/* Controls of each sample at times of its own, which have to follow the rows that are left. */
static const char driven[] =
    "[run]\nname = test\ndevice = cpu\ndtype = float64\nworkers = 1\n"
    "[data]\ndataset = measured(shape=5 3, label=5 3, times=5, control=5 2)\n"
    "[model.ode]\nlayer = ode(step=sample)\nintegrator = tsit5\ngradient = direct\n"
    "initial = first\ntimes = batch\nrtol = 1e-6\natol = 1e-6\n"
    "[model.ode.r]\nlayer = residual\n[model.ode.r.u]\nlayer = controls\n"
    "[model.ode.r.a]\nlayer = dense(units=9)\nthen = tanh\n"
    "[model.ode.r.b]\nlayer = dense(units=state)\n" END;

/* The fifth and the last are the slowest; between them rows drop out. */
static const double stiffness[SAMPLES] = {0.5, 3.0, 0.1, 1.0, 30.0, 2.0, 0.2, 8.0, 25.0};

static support_session open(const char *ini, const char *const *overrides, double direction)
{
    support_session s = support_session_open(ini, SAMPLES, overrides);
    for (int i = 0; i < SAMPLES; i++) {
        double *x = s.given[ODEON_ROLE_INPUT] + i * EACH, *t = s.given[ODEON_ROLE_TIME] + i * TIMES;
        x[0] = 1.5 - 0.2 * i;
        x[1] = 0.3 * i;
        x[2] = stiffness[i];
        for (int k = 0; k < TIMES; k++) {
            t[k] = direction * (0.25 * i + (0.3 + 0.1 * i) * (k * k + k) / 2.0);
        }
        for (int k = 0; k < 2 * TIMES && ini == driven; k++) {
            s.given[ODEON_ROLE_CONTROL][i * 2 * TIMES + k] = 0.4 * (k % 3) - 0.1 * i;
        }
        for (int k = 0; k < EACH; k++) {
            s.given[ODEON_ROLE_LABEL][i * EACH + k] = 0.1 * k - 0.2 * i;
        }
    }
    return s;
}

static odeon_ode *block_of(const support_session *s)
{
    return s->session->workers[0].site.odes[0];
}

static attempt_list attempts_of(const support_session *s, int64_t sample)
{
    attempt_list list;
    assert_int_equal(ode_sample_attempts(block_of(s), sample, &list), ODEON_OK);
    return list;
}

/* From here on one sample after the other. */
static void take_turns(const support_session *s)
{
    block_of(s)->samples->side.prevented = "a test";
}

typedef struct answer {
    double output[SAMPLES * EACH], d_x[SAMPLES * EACH];
    double *gradient;
    int64_t n;
    session_result result;
} answer;

static answer differentiate(support_session *s)
{
    answer out = {.n = 0};
    out.result = support_differentiate(s, out.output, out.d_x);
    out.gradient = support_gradients(s, &out.n);
    return out;
}

/* Equal as numbers: a zero may have another sign. */
static void assert_same(const char *what, int n, const double *a, const double *b)
{
    for (int i = 0; i < n; i++) {
        if (!(a[i] == b[i])) {
            fail_msg("%s %d: %.17g side by side, %.17g one by one", what, i, a[i], b[i]);
        }
    }
}

static void assert_same_counts(const ode_counters *a, const ode_counters *b)
{
    assert_int_equal(a->evals_forward, b->evals_forward);
    assert_int_equal(a->evals_backward, b->evals_backward);
    assert_int_equal(a->accepted, b->accepted);
    assert_int_equal(a->rejected, b->rejected);
    assert_int_equal(a->accepted_backward, b->accepted_backward);
    assert_int_equal(a->steps_min, b->steps_min);
    assert_int_equal(a->steps_max, b->steps_max);
    assert_int_equal(a->samples, b->samples);
    assert_true(a->h_min == b->h_min && a->h_max == b->h_max);
}

/* Every attempt of every sample: start, size, error, decision. */
static void assert_same_steps(const support_session *a, const support_session *b)
{
    for (int64_t i = 0; i < SAMPLES; i++) {
        attempt_list x = attempts_of(a, i), y = attempts_of(b, i);
        assert_int_equal(x.n, y.n);
        for (size_t k = 0; k < x.n; k++) {
            const solve_attempt *p = &x.attempts[k], *q = &y.attempts[k];
            assert_true(p->t == q->t && p->h == q->h && p->error == q->error);
            assert_int_equal(p->accepted, q->accepted);
        }
    }
}

/* The field is called for the start, for the probe, and as often as the slowest sample tries a step
 * of so many evaluations; its rows are those of all samples' steps. */
static void assert_calls(const support_session *s, int64_t starts, int64_t evals)
{
    int64_t calls, rows, most = 0, all = 0;
    lanes_counts(block_of(s)->samples->side.lanes, &calls, &rows);
    for (int64_t i = 0; i < SAMPLES; i++) {
        int64_t n = (int64_t)attempts_of(s, i).n;
        most = n > most ? n : most;
        all += n;
    }
    assert_int_equal(calls, starts + evals * most);
    assert_int_equal(rows, starts * SAMPLES + evals * all);
    print_message("  calls %lld, rows %lld, attempts %lld of all, %lld of one\n", (long long)calls,
                  (long long)rows, (long long)all, (long long)most);
}

typedef struct variant {
    const char *ini;
    const char *at[MAX_OVERRIDES];
    double direction;
    int64_t starts, evals; /* of calls; evals 0: not asked */
    bool kept;             /* the reverse is side by side, too */
    double within;         /* of the parameters' gradients */
} variant;

static void check(const variant *v, const char *device)
{
    const char *at[MAX_OVERRIDES + 1] = {device};
    for (int i = 0; v->at[i] != NULL; i++) {
        at[1 + i] = v->at[i];
    }
    print_message("%s %s %s\n", device, v->at[0], v->at[1] != NULL ? v->at[1] : "");
    support_session s = open(v->ini, at, v->direction), o = open(v->ini, at, v->direction);
    take_turns(&o);
    answer a = differentiate(&s), b = differentiate(&o), again;
    assert_true(block_of(&s)->samples->side.held);
    assert_true(block_of(&s)->samples->side.kept == v->kept);
    assert_false(block_of(&o)->samples->side.held);
    assert_same("output", SAMPLES * EACH, a.output, b.output);
    assert_same("cotangent", SAMPLES * EACH, a.d_x, b.d_x);
    support_assert_close("gradients", a.n, a.gradient, b.gradient, v->within);
    assert_true(a.result.loss == b.result.loss);
    assert_same_counts(&a.result.blocks[0], &b.result.blocks[0]);
    if (v->kept) {
        assert_same_steps(&s, &o);
    }
    if (v->evals > 0) {
        assert_calls(&s, v->starts, v->evals);
    }
    again = differentiate(&s);
    assert_memory_equal(again.d_x, a.d_x, sizeof a.d_x);
    assert_memory_equal(again.gradient, a.gradient, (size_t)a.n * sizeof(double));
    mem_free(a.gradient);
    mem_free(b.gradient);
    mem_free(again.gradient);
    support_session_close(&s);
    support_session_close(&o);
}

#define EXACT      1e-13 /* sums over samples in another order */
#define CANCELLING 1e-11 /* the same where large terms of both signs leave little */

static const variant variants[] = {
    {oscillators, {"model.ode.integrator=tsit5"}, 1.0, 2, 6, true, EXACT},
    {oscillators, {"model.ode.integrator=tsit5"}, -1.0, 2, 6, true, EXACT},
    {products, {"model.ode.integrator=dopri5"}, 1.0, 2, 6, true, EXACT},
    {products,
     {"model.ode.integrator=dopri5", "model.ode.end=interpolate"},
     1.0,
     0,
     0,
     true,
     EXACT},
    {oscillators, {"model.ode.integrator=bosh3", "model.ode.rtol=1e-4"}, 1.0, 0, 0, true, EXACT},
    {oscillators, {"model.ode.integrator=dop853"}, 1.0, 0, 0, true, EXACT},
    {oscillators, {"model.ode.integrator=dopri8"}, 1.0, 0, 0, true, EXACT},
    {oscillators,
     {"model.ode.integrator=adaptive_heun", "model.ode.rtol=1e-3"},
     1.0,
     0,
     0,
     true,
     EXACT},
    {oscillators, {"model.ode.first_step=0.01", "model.ode.norm=max"}, 1.0, 1, 6, true, CANCELLING},
    {oscillators,
     {"model.ode.rtol=1e-5 1e-6 1e-4", "model.ode.atol=1e-6 1e-5 1e-3"},
     1.0,
     2,
     6,
     true,
     EXACT},
    {products,
     {"run.dtype=float32", "model.ode.rtol=1e-4", "model.ode.atol=1e-4"},
     1.0,
     2,
     6,
     true,
     2e-6},
    {oscillators, {"model.ode.stops=0.7 1.9", "model.ode.h_max=0.5"}, 1.0, 2, 6, true, EXACT},
    {driven, {"model.ode.rtol=1e-5"}, 1.0, 2, 6, true, EXACT},
    {products, {"model.ode.gradient=adjoint"}, 1.0, 0, 0, false, EXACT},
};

static void test_solves_are_those_of_single_samples(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        check(&variants[i], "run.device=reference");
        check(&variants[i], "run.device=cpu");
    }
}

/* Layers are called with a few rows at a time, each with its own time. */
static void test_rows_in_slices_have_their_times(void **state)
{
    static const variant sliced = {
        products, {"model.ode.integrator=dop853", "model.ode.a.layer=dense(units=2)"},
        1.0,      0,
        0,        true,
        EXACT};
    const char *at[] = {"run.device=cpu(slice_kib=2)", "model.ode.integrator=dop853",
                        "model.ode.a.layer=dense(units=2)", NULL};
    (void)state;
    check(&sliced, at[0]);
    support_session s = open(products, at, 1.0);
    answer a = differentiate(&s);
    assert_int_equal(block_of(&s)->field.slices.rows, 5); /* of all samples, as at the start */
    mem_free(a.gradient);
    support_session_close(&s);
}

/* Nor with more rows at a time than layers should have memory for. */
static void test_layers_are_called_with_few_rows_at_most(void **state)
{
    static const char *const devices[] = {"run.device=reference", "run.device=cpu"};
    (void)state;
    for (int d = 0; d < 2; d++) {
        const char *at[] = {devices[d], NULL};
        support_session s = open(products, at, 1.0), few = open(products, at, 1.0);
        assert_true(block_of(&few)->field.most_rows >= 8);
        block_of(&few)->field.most_rows = 2;
        answer a = differentiate(&s), b = differentiate(&few);
        assert_int_equal(block_of(&few)->field.slices.rows, 2);
        assert_same("output", SAMPLES * EACH, b.output, a.output);
        assert_same("cotangent", SAMPLES * EACH, b.d_x, a.d_x);
        support_assert_close("gradients", a.n, b.gradient, a.gradient, EXACT);
        assert_same_counts(&b.result.blocks[0], &a.result.blocks[0]);
        mem_free(a.gradient);
        mem_free(b.gradient);
        support_session_close(&s);
        support_session_close(&few);
    }
}

/* One start and one end, in place; convolutions with the time as a channel, and norms. */
static const char images[] =
    "[run]\nname = test\nworkers = 1\n[data]\ndataset = drawn(shape=4 6 6, classes=3)\n"
    "[model.ode]\nlayer = ode(step=sample, span=0 1)\nintegrator = tsit5\ngradient = direct\n"
    "rtol = 1e-4\natol = 1e-4\n"
    "[model.ode.n]\nlayer = groupnorm(groups=2)\nthen = relu\n[model.ode.t]\nlayer = concat_time\n"
    "[model.ode.c]\nlayer = conv2d(filters=4, kernel=3, padding=1)\n"
    "[model.flat]\nlayer = flatten\nthen = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";
/* Convolutions by vectors of filters, of several images at once. */
static const char filters[] =
    "[run]\nname = test\nworkers = 1\n[data]\ndataset = drawn(shape=16 3 3, classes=3)\n"
    "[model.ode]\nlayer = ode(step=sample, span=0 1)\nintegrator = tsit5\ngradient = direct\n"
    "rtol = 1e-4\natol = 1e-4\n"
    "[model.ode.c]\nlayer = conv2d(filters=34, kernel=3, padding=1)\nthen = tanh\n"
    "[model.ode.d]\nlayer = conv2d(filters=16, kernel=3, padding=1)\n"
    "[model.flat]\nlayer = flatten\nthen = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";
/* Products that OpenBLAS, where there is one, would compute by its own rules. */
static const char wide[] =
    "[run]\nname = test\nworkers = 1\n[data]\ndataset = drawn(shape=70, classes=3)\n"
    "[model.ode]\nlayer = ode(step=sample, span=0 1)\nintegrator = tsit5\ngradient = direct\n"
    "rtol = 1e-4\natol = 1e-4\n[model.ode.a]\nlayer = dense(units=90)\nthen = tanh\n"
    "[model.ode.b]\nlayer = dense(units=state)\n[model.out]\nlayer = dense(units=classes)\n"
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";
enum { MOST = 4 * 6 * 6, CLASSES = 3 };

static void compare_network(const char *ini, const char *device, const char *dtype)
{
    double output[2][SAMPLES * CLASSES], d_x[2][SAMPLES * MOST], *gradient[2];
    int64_t n[2], size = 0;
    for (int k = 0; k < 2; k++) {
        const char *at[] = {device, dtype, NULL};
        support_session s = support_session_open(ini, SAMPLES, at);
        size = s.input_size;
        for (int64_t i = 0; i < SAMPLES * size; i++) {
            s.x[i] *= 1.0 + (double)(i / size); /* no two alike */
        }
        if (k == 1) {
            take_turns(&s);
        }
        session_result r = support_differentiate(&s, output[k], d_x[k]);
        gradient[k] = support_gradients(&s, &n[k]);
        assert_true(block_of(&s)->samples->side.held == (k == 0));
        print_message("%s %s: accepted of a sample %lld to %lld\n", device, dtype,
                      (long long)r.blocks[0].steps_min, (long long)r.blocks[0].steps_max);
        support_session_close(&s);
    }
    assert_same("output", SAMPLES * CLASSES, output[0], output[1]);
    assert_same("cotangent", SAMPLES * (int)size, d_x[0], d_x[1]);
    bool narrow = strstr(dtype, "32") != NULL;
    support_assert_close("gradients", n[0], gradient[0], gradient[1], narrow ? 1e-5 : EXACT);
    mem_free(gradient[0]);
    mem_free(gradient[1]);
}

static void test_networks_are_those_of_single_samples(void **state)
{
    (void)state;
    compare_network(images, "run.device=reference", "run.dtype=float64");
    compare_network(images, "run.device=cpu", "run.dtype=float64");
    compare_network(images, "run.device=cpu", "run.dtype=float32");
    compare_network(filters, "run.device=cpu", "run.dtype=float32");
    compare_network(filters, "run.device=cpu(blas=own)", "run.dtype=float32");
    compare_network(wide, "run.device=cpu", "run.dtype=float64");
    compare_network(wide, "run.device=cpu", "run.dtype=float32");
}

/* A gradient method that keeps nothing, and goes back sample by sample, gets the steps of each.
 */
static void test_sizes_of_steps_are_known_of_each_sample(void **state)
{
    const char *at[] = {"model.ode.gradient=adjoint", NULL};
    (void)state;
    support_session s = open(products, at, 1.0);
    answer a = differentiate(&s);
    odeon_ode *ode = block_of(&s);
    const odeon_solve_services *v = &ode->services;
    assert_true(ode->samples->side.held);
    for (int64_t i = 0; i < SAMPLES; i++) {
        const solve_log *log = lanes_log(ode->samples->side.lanes, i);
        odeon_tape_info info = {.struct_size = sizeof info};
        odeon_tape_step step = {.struct_size = sizeof step};
        int64_t k = 0;
        ode->samples->now = i;
        assert_int_equal(v->tape_info(ode, &ode->tape, &info), ODEON_OK);
        assert_int_equal(info.n_steps, log->stats.accepted);
        assert_int_equal(info.keep, ODEON_KEEP_NONE);
        for (size_t j = 0; j < log->n_attempts; j++) {
            if (log->attempts[j].accepted) {
                assert_int_equal(v->tape_step(ode, &ode->tape, k++, &step), ODEON_OK);
                assert_true(step.t == log->attempts[j].t && step.h == log->attempts[j].h);
                assert_null(step.y.data);
            }
        }
        assert_int_equal(v->tape_step(ode, &ode->tape, k, &step), ODEON_ERR_UNSUPPORTED);
        diag_clear();
    }
    ode->samples->now = 0;
    mem_free(a.gradient);
    support_session_close(&s);
}

/* What is left to solves of one sample, and says why. */
static void test_other_solves_are_made_one_by_one(void **state)
{
    static const char *const others[][2] = {
        {"model.ode.integrator=kvaerno3", "model.ode.rtol=1e-3"},
        {"model.ode.gradient=checkpoint", NULL},
        {"model.ode.gradient=adjoint(y=dense)", NULL}};
    (void)state;
    for (int i = 0; i < 3; i++) {
        const char *at[] = {others[i][0], others[i][1], NULL};
        support_session s = open(oscillators, at, 1.0);
        answer a = differentiate(&s);
        const sample_lanes *side = &block_of(&s)->samples->side;
        assert_false(side->held);
        assert_true(side->prevented != NULL || side->keeps_other);
        mem_free(a.gradient);
        support_session_close(&s);
    }
}

/* Rejected steps go so far that exp is infinite within the layer, which comes to a finite number
 * all the same: 0 times infinity must not get into the gradients of parameters. */
static void test_rejected_steps_leave_no_trace(void **state)
{
    static const char overflowing[] =
        START "[model.ode.f]\nlayer = formula\n"
              "equations = x' = 1/(1+exp(b*x)) - 4*m*x | v' = a*x | m' = 0*m\n"
              "constants = a=1 b=1\nlearn = a b\n" END;
    const char *at[] = {"model.ode.first_step=1", NULL};
    (void)state;
    support_session s = open(overflowing, at, 1.0), o = open(overflowing, at, 1.0);
    take_turns(&o);
    answer a = differentiate(&s), b = differentiate(&o);
    assert_true(block_of(&s)->samples->side.kept);
    assert_true(block_of(&s)->samples->side.spoilt);
    assert_int_equal(a.n, 2);
    assert_true(isfinite(a.gradient[0]) && isfinite(a.gradient[1]));
    assert_true(a.gradient[1] != 0.0);
    assert_memory_equal(a.gradient, b.gradient,
                        2 * sizeof *a.gradient); /* summed one by one, too */
    assert_same("cotangent", SAMPLES * EACH, a.d_x, b.d_x);
    assert_same_steps(&s, &o);
    assert_int_equal(a.result.blocks[0].accepted, b.result.blocks[0].accepted);
    assert_int_equal(a.result.blocks[0].rejected, b.result.blocks[0].rejected);
    mem_free(a.gradient);
    mem_free(b.gradient);
    support_session_close(&s);
    support_session_close(&o);
}

/* A layer may read what it does not say it needs: it is of the rows that are left. */
static void test_fields_that_are_not_needed_follow_the_rows(void **state)
{
    static const char added[] =
        "[run]\nname = test\ndevice = cpu\ndtype = float64\nworkers = 1\n"
        "[data]\ndataset = measured(shape=5 3, label=5 3, times=5, control=3)\n"
        "[model.ode]\nlayer = ode(step=sample)\nintegrator = tsit5\ngradient = direct\n"
        "initial = first\ntimes = batch\nrtol = 1e-6\natol = 1e-6\n"
        "[model.ode.a]\nlayer = adds(field=control, needs=no)\n"
        "[model.ode.b]\nlayer = dense(units=9)\nthen = tanh\n"
        "[model.ode.c]\nlayer = dense(units=state)\n" END;
    const char *at[] = {NULL};
    (void)state;
    support_session s = open(added, at, 1.0), o = open(added, at, 1.0);
    take_turns(&o);
    answer a = differentiate(&s), b = differentiate(&o);
    assert_true(block_of(&s)->samples->side.held);
    assert_same("output", SAMPLES * EACH, a.output, b.output);
    assert_same("cotangent", SAMPLES * EACH, a.d_x, b.d_x);
    mem_free(a.gradient);
    mem_free(b.gradient);
    support_session_close(&s);
    support_session_close(&o);
}

/* The first step of the first sample comes to no number, and the solve side by side gives up with
 * its frames on no tape: they are given back, batch after batch. */
static void test_solves_that_give_up_keep_no_frames(void **state)
{
    static const char steep[] = START
        "[model.ode.f]\nlayer = formula\n"
        "equations = x' = -x*exp(a*x^2) | v' = -v | m' = 0*m\nconstants = a=10\nlearn = a\n" END;
    const char *at[] = {"model.ode.integrator=adaptive_heun", "model.ode.rtol=1e-2",
                        "model.ode.atol=1e-2", "model.ode.first_step=0.3", NULL};
    (void)state;
    support_session s = open(steep, at, 1.0);
    lanes *l = block_of(&s)->samples->side.lanes;
    int64_t bytes[2];
    for (int i = 0; i < 2; i++) {
        answer a = differentiate(&s);
        assert_false(block_of(&s)->samples->side.held);
        lanes_reset_peak(l);
        bytes[i] = lanes_peak_bytes(l);
        mem_free(a.gradient);
    }
    assert_int_equal(bytes[0], bytes[1]);
    support_session_close(&s);
}

/* Vectors and frames of all rows together are part of what the block says that it has used, as long
 * as it is solved so. */
static void test_memory_of_all_rows_is_counted(void **state)
{
    const char *at[] = {NULL};
    (void)state;
    support_session s = open(oscillators, at, 1.0);
    answer a = differentiate(&s);
    odeon_ode *ode = block_of(&s);
    int64_t side = sample_lanes_peak_bytes(ode), both = samples_peak_bytes(ode);
    assert_true(ode->samples->side.held);
    assert_true(side >= SAMPLES * 7 * SIZE * (int64_t)sizeof(double)); /* y and the six stages */
    ode->samples->side.held = false;
    assert_int_equal(both, samples_peak_bytes(ode) + side);
    ode->samples->side.held = true;
    assert_true(ode->counters.bytes >= both);
    mem_free(a.gradient);
    support_session_close(&s);
}

/* Outputs of all rows are numbered by 32 bits. */
static void test_too_many_outputs_are_left_to_single_samples(void **state)
{
    const char *at[] = {NULL};
    const lanes_task task = {.rows = 1 << 20, .n_times = 1 << 11};
    bool solved = true;
    (void)state;
    support_session s = open(oscillators, at, 1.0);
    assert_int_equal(lanes_solve(block_of(&s)->samples->side.lanes, &task, &solved), ODEON_OK);
    assert_false(solved);
    support_session_close(&s);
}

/* A sample that cannot be solved is named with its time and step as by its own solve. */
static void test_a_failure_is_that_of_the_sample_alone(void **state)
{
    char message[2][1024];
    session_result result;
    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *at[] = {"model.ode.max_steps=40", NULL};
        support_session s = open(oscillators, at, 1.0);
        if (i == 1) {
            take_turns(&s);
        }
        diag_clear();
        assert_int_equal(support_differentiate_try(&s, &result), ODEON_ERR_NUMERIC);
        (void)snprintf(message[i], sizeof message[i], "%s", diag_message());
        support_session_close(&s);
    }
    print_message("%s\n", message[0]);
    assert_string_equal(message[0], message[1]);
    assert_non_null(strstr(message[0], "sample: 1 of the batch"));
}

/* Memory that is missing ends the batch with that word, or leaves the samples to solves of their
 * own; nothing is lost, and the next batch is solved as ever. */
static void test_each_allocation_may_fail(void **state)
{
    const char *at[] = {"model.ode.rtol=1e-3", "model.ode.atol=1e-3", NULL};
    bool failed = true;
    int refused = 0;
    (void)state;
    for (int64_t n = 1; failed; n += n < 40 ? 1 : 9) {
        session_result result;
        support_session s = open(driven, at, 1.0);
        int64_t before = mem_total_allocs();
        mem_fail_at(n);
        odeon_status status = support_differentiate_try(&s, &result);
        mem_fail_at(0);
        failed = mem_total_allocs() - before >= n;
        assert_true(status == ODEON_OK || (failed && status == ODEON_ERR_NOMEM));
        refused += status != ODEON_OK;
        diag_clear();
        assert_int_equal(support_differentiate_try(&s, &result), ODEON_OK);
        assert_true(block_of(&s)->samples->side.held);
        support_session_close(&s);
    }
    print_message("%d refused\n", refused);
    assert_true(refused > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_solves_are_those_of_single_samples),
        cmocka_unit_test(test_rows_in_slices_have_their_times),
        cmocka_unit_test(test_layers_are_called_with_few_rows_at_most),
        cmocka_unit_test(test_networks_are_those_of_single_samples),
        cmocka_unit_test(test_sizes_of_steps_are_known_of_each_sample),
        cmocka_unit_test(test_other_solves_are_made_one_by_one),
        cmocka_unit_test(test_rejected_steps_leave_no_trace),
        cmocka_unit_test(test_fields_that_are_not_needed_follow_the_rows),
        cmocka_unit_test(test_solves_that_give_up_keep_no_frames),
        cmocka_unit_test(test_memory_of_all_rows_is_counted),
        cmocka_unit_test(test_too_many_outputs_are_left_to_single_samples),
        cmocka_unit_test(test_each_allocation_may_fail),
        cmocka_unit_test(test_a_failure_is_that_of_the_sample_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
