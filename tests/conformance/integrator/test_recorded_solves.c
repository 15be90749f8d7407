/* Solves that are recorded and replayed: bit for bit what the same calls give one by one, whatever
 * has changed since a recording was made. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cores.h"
#include "base/diag.h"
#include "base/mem.h"
#include "ode/ode.h"
#include "odeon/device_ext.h"
#include "session/members.h"
#include "support_session.h"

enum { SAMPLES = 16, TRACE = 8192 };

#define RUN                                                                                        \
    "[run]\nname = test\ndevice = remote\ndtype = float32\nworkers = 1\n"                          \
    "[data]\ndataset = drawn(shape=6, classes=3, length=16)\n"
#define END                                                                                        \
    "[model.head]\nlayer = dense(units=classes)\n"                                                 \
    "[train]\nloss = cross_entropy\noptimizer = adam(lr=1e-2)\n"

#define ONE_BLOCK(method)                                                                          \
    RUN "[model.ode]\nlayer = ode\n" method "gradient = direct\n"                                  \
        "[model.ode.a]\nlayer = dense(units=state, time=last)\nthen = tanh\n" END

static const char one_block[] = ONE_BLOCK("integrator = rk4\nsteps = 3\n");
static const char grid[] = ONE_BLOCK("integrator = adams_bashforth(order=2)\nstep_size = 0.3\n");

/* Running state, and weights packed for use, within a field; in the second block vectors that pass
 * from step to step. */
static const char two_blocks[] =
    RUN "[model.ode]\nlayer = ode\nintegrator = rk4\nsteps = 2\ngradient = direct\n"
        "[model.ode.a]\nlayer = dense(units=5)\nthen = batchnorm, tanh\n"
        "[model.ode.b]\nlayer = dense(units=state)\nthen = packed\n"
        "[model.more]\nlayer = ode\nintegrator = adams_bashforth(order=3)\nstep_size = 0.3\n"
        "gradient = direct\n"
        "[model.more.a]\nlayer = dense(units=state, time=first)\nthen = tanh\n" END;

/* ---- what a session gives out, number by number ---- */

typedef struct trace {
    size_t n;
    double value[TRACE];
} trace;

static void add(trace *t, double value)
{
    assert_true(t->n < TRACE);
    t->value[t->n++] = value;
}

static void add_result(trace *t, const support_session *s, const session_result *r)
{
    add(t, r->loss);
    add(t, r->grad_norm);
    for (size_t i = 0; i < r->n_blocks; i++) {
        const ode_counters *b = &r->blocks[i];
        const int64_t counts[] = {b->evals_forward, b->evals_backward,    b->accepted,
                                  b->rejected,      b->accepted_backward, b->rejected_backward};
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
            add(t, (double)counts[k]);
        }
        /* of adaptive steps the device keeps other things than the host */
        bool same_memory = s->session->workers[0].site.odes[i]->spec.mode != ODEON_STEPS_ADAPTIVE;
        add(t, same_memory ? (double)b->bytes : 0.0);
        add(t, b->h_min);
        add(t, b->h_max);
        add(t, b->drift);
        add(t, b->share);
    }
}

static void add_parameters(trace *t, support_session *s)
{
    int64_t n;
    double *values = support_parameters(s, &n);
    for (int64_t i = 0; i < n; i++) {
        add(t, values[i]);
    }
    mem_free(values);
}

static void add_gradients(trace *t, support_session *s)
{
    int64_t n;
    double *values = support_gradients(s, &n);
    for (int64_t i = 0; i < n; i++) {
        add(t, values[i]);
    }
    mem_free(values);
}

typedef struct counts {
    int64_t launches, waits, allocs;
} counts;

static counts count(const support_session *s)
{
    counts c;
    int64_t live;
    const odeon_device *device = s->session->model.device;
    const odeon_device_counters *counters = device->get_table(device, ODEON_DEVICE_COUNTERS);
    counters->read(device->handle, &c.launches, &c.waits, &c.allocs, &live);
    return c;
}

/* Runs a script twice, with capture and without: all that it traces is the same bits. */
typedef void (*script)(support_session *s, trace *t);

typedef struct launched {
    int64_t recorded, eager; /* launches of the whole script */
} launched;

enum { MOST_OVERRIDES = 12 };

static int64_t play(const char *ini, const char *const *overrides, const char *capture,
                    script calls, trace *t)
{
    const char *all[MOST_OVERRIDES + 2] = {capture};
    for (int i = 0; overrides[i] != NULL && i < MOST_OVERRIDES; i++) {
        all[i + 1] = overrides[i];
    }
    support_session s = support_session_open(ini, SAMPLES, all);
    counts before = count(&s);
    t->n = 0;
    calls(&s, t);
    counts after = count(&s);
    support_session_close(&s);
    return after.launches - before.launches;
}

static launched compare(const char *ini, const char *const *overrides, script calls)
{
    trace *replayed = mem_zalloc(1, sizeof *replayed), *eager = mem_zalloc(1, sizeof *eager);
    launched out;
    out.recorded = play(ini, overrides, "run.capture=yes", calls, replayed);
    out.eager = play(ini, overrides, "run.capture=no", calls, eager);
    assert_int_equal(replayed->n, eager->n);
    assert_true(eager->n > 10);
    for (size_t i = 0; i < eager->n; i++) {
        if (memcmp(&replayed->value[i], &eager->value[i], sizeof(double)) != 0) {
            fail_msg("%s: number %zu is %.17g, and %.17g recorded", overrides[0], i,
                     eager->value[i], replayed->value[i]);
        }
    }
    mem_free(replayed);
    mem_free(eager);
    return out;
}

static const char *const devices[] = {"run.device=remote", "run.device=remote(late=yes)"};

static const char *const gradients[] = {"model.ode.gradient=direct", "model.ode.gradient=adjoint"};

/* ---- training ---- */

static void train(support_session *s, data_source *source, int64_t n, int64_t step, trace *t)
{
    int64_t indices[SAMPLES];
    session_result result;
    for (int64_t i = 0; i < n; i++) {
        indices[i] = (5 * step + 3 * i) % SAMPLES;
    }
    support_require(session_train(s->session, source, n, indices, 1, step, 1.0, &result), "train");
    add_result(t, s, &result);
}

static void evaluate(support_session *s, data_source *source, int64_t n, trace *t)
{
    static const int64_t indices[SAMPLES] = {9, 1, 8, 2, 7, 3, 6, 4, 5, 0, 15, 14, 13, 12, 11, 10};
    session_result result;
    support_require(session_evaluate(s->session, source, n, indices, &result), "evaluate");
    add_result(t, s, &result);
}

/* Batches of several sizes, evaluation on the way. */
static void train_and_evaluate(support_session *s, trace *t)
{
    enum { STEPS = 20 };
    static const int64_t sizes[] = {8, 8, 8, 5, 8, 8, 16, 8, 5, 5, 16};
    data_source *source = support_batch_source(s);
    for (int64_t step = 1; step <= STEPS; step++) {
        train(s, source, sizes[step % (int64_t)(sizeof sizes / sizeof *sizes)], step, t);
        if (step % 4 == 0) {
            evaluate(s, source, SAMPLES, t);
            evaluate(s, source, 3, t);
        }
    }
    add_parameters(t, s);
    data_close(source);
}

static void test_training_is_the_same_to_the_bit(void **state)
{
    (void)state;
    static const char *const inis[] = {one_block, two_blocks};
    for (int i = 0; i < 8; i++) {
        const char *overrides[] = {devices[i % 2], gradients[i / 2 % 2], NULL};
        launched n = compare(inis[i / 4], overrides, train_and_evaluate);
        assert_true(n.recorded < n.eager * 2 / 3);
    }
}

/* Steps of a grid, of a method that starts anew when their size changes. */
static void test_training_by_a_grid_is_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *overrides[] = {devices[1], gradients[i], "run.dtype=float64", NULL};
        launched n = compare(grid, overrides, train_and_evaluate);
        assert_true(n.recorded < n.eager);
    }
}

/* ---- repeated calls ---- */

/* As `odeon grad` does, and as central differences do. */
static void differentiate_often(support_session *s, trace *t)
{
    session_parameter p = session_parameter_at(s->session, 0);
    size_t n = (size_t)(s->n * s->input_size);
    double *values = mem_zalloc((size_t)p.count, sizeof *values);
    double *d_x = mem_zalloc(n, sizeof *d_x);
    assert_int_equal(session_parameter_get(s->session, 0, values), ODEON_OK);
    for (int i = 0; i < 6; i++) {
        session_result result = support_differentiate(s, NULL, d_x);
        add_result(t, s, &result);
        for (size_t k = 0; k < n; k++) {
            add(t, d_x[k]);
        }
        add_gradients(t, s);
        values[i % 2] += i > 2 ? 0.25 : 0.0; /* the first three are of the same parameters */
        assert_int_equal(session_parameter_set(s->session, 0, values), ODEON_OK);
    }
    mem_free(values);
    mem_free(d_x);
}

static void test_repeated_gradients_are_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const char *overrides[] = {devices[i % 2], gradients[i / 2], NULL};
        launched n = compare(one_block, overrides, differentiate_often);
        assert_true(n.recorded < n.eager);
    }
}

/* ---- a block's outputs, and times that the batch brings along ---- */

#define TIMED(method)                                                                              \
    "[run]\nname = test\ndevice = remote\ndtype = float64\nworkers = 1\n"                          \
    "[data]\ndataset = measured(shape=4 3, label=4 3, times=4, control=3)\n"                       \
    "[model.ode]\nlayer = ode\n" method "gradient = direct\ninitial = first\ntimes = batch\n"      \
    "[model.ode.a]\nlayer = dense(units=5)\nthen = tanh\n"                                         \
    "[model.ode.b]\nlayer = dense(units=state)\nthen = adds(field=control)\n"                      \
    "[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n"

static const char timed[] = TIMED("integrator = rk4\nsteps = 2\n");
static const char chosen[] = TIMED("integrator = tsit5\nrtol = 1e-4\natol = 1e-4\n");

enum { TIMES = 4 };

/* Other times and, every other time, other controls. */
static void change_the_batch(support_session *s, trace *t)
{
    static const double ends[] = {3.0, 3.0, 3.0, 4.0, 4.0, 4.0, 3.0, 5.0, 4.0, 3.0};
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
        for (int i = 0; i < SAMPLES; i++) {
            s->given[ODEON_ROLE_TIME][i * TIMES + 3] = ends[k];
            s->given[ODEON_ROLE_CONTROL][3 * i] = (double)(k / 2);
        }
        session_result result = support_differentiate(s, NULL, NULL);
        add_result(t, s, &result);
        add_gradients(t, s);
    }
}

static void test_nothing_of_an_earlier_batch_is_left(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const char *overrides[] = {devices[i % 2], gradients[i / 2], NULL};
        launched n = compare(timed, overrides, change_the_batch);
        assert_true(n.recorded < n.eager);
    }
}

/* More intervals than an owner remembers keys. */
static void test_more_intervals_than_keys_are_the_same(void **state)
{
    (void)state;
    const char *overrides[] = {devices[1], gradients[1], "model.ode.times=linspace(0 1 12)",
                               "data.dataset=measured(shape=4 3, label=12 3, control=3)", NULL};
    launched n = compare(timed, overrides, differentiate_often);
    assert_true(n.recorded < n.eager);
}

/* Every way back goes over a long interval first, a step of which takes a dozen evaluations, and
 * then over one of a single step, which takes less memory: what the batch has taken is told the
 * same whichever of the two was recorded last. */
static void test_memory_of_a_larger_solve_before_is_still_told(void **state)
{
    (void)state;
    static const char uneven[] = TIMED("integrator = scripted(rule=late)\nstep_size = 0.1\n");
    const char *overrides[] = {devices[0], gradients[1], "model.ode.times=0 0.1 4.1",
                               "data.dataset=measured(shape=4 3, label=3 3, control=3)", NULL};
    launched n = compare(uneven, overrides, differentiate_often);
    assert_true(n.recorded < n.eager);
}

/* A list of steps that were once chosen by the error, read off dense output in between. */
static void test_listed_steps_are_the_same(void **state)
{
    (void)state;
    char path[] = "/tmp/odeon_steps_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    support_session s = support_session_open(chosen, SAMPLES, NULL);
    (void)support_differentiate(&s, NULL, NULL);
    support_require(session_write_steps(s.session, 0, path), "steps");
    support_session_close(&s);
    char *control = mem_printf("model.ode.control=replay(path=%s)", path);
    for (int i = 0; i < 2; i++) {
        const char *overrides[] = {devices[i], control, NULL};
        launched n = compare(chosen, overrides, differentiate_often);
        assert_true(n.recorded < n.eager);
    }
    mem_free(control);
    (void)unlink(path);
}

/* By the device alone, which takes its steps as the host does. */
static void test_adaptive_solves_are_the_same(void **state)
{
    (void)state;
    static const char adaptive[] = ONE_BLOCK("integrator = tsit5\nrtol = 1e-4\natol = 1e-4\n");
    for (int i = 0; i < 2; i++) {
        const char *overrides[] = {devices[i], gradients[1], NULL};
        launched n = compare(adaptive, overrides, train_and_evaluate);
        assert_true(n.recorded < n.eager);
        n = compare(adaptive, overrides, differentiate_often);
        assert_true(n.recorded < n.eager);
        n = compare(chosen, overrides, change_the_batch);
        assert_true(n.recorded < n.eager);
    }
}

/* ---- what is not recorded ---- */

static void take_loss_and_gradients(support_session *s, trace *t)
{
    add(t, support_differentiate(s, NULL, NULL).loss);
    add_gradients(t, s);
}

static void take_them_often(support_session *s, trace *t)
{
    for (int i = 0; i < 3; i++) {
        take_loss_and_gradients(s, t);
    }
}

static void check_not_recorded(const char *ini, const char *const *overrides, script calls)
{
    launched n = compare(ini, overrides, calls);
    assert_int_equal(n.recorded, n.eager);
}

static void test_fields_that_draw_are_not_recorded(void **state)
{
    (void)state;
    static const char nested[] =
        RUN "[model.ode]\nlayer = ode\nintegrator = rk4\nsteps = 3\ngradient = direct\n"
            "[model.ode.a]\nlayer = dense(units=state)\n[model.ode.b]\nlayer = residual\n"
            "[model.ode.b.c]\nlayer = dropout(p=0.25)\n" END;
    static const char plain[] =
        RUN "[model.ode]\nlayer = ode\nintegrator = rk4\nsteps = 3\ngradient = direct\n"
            "[model.ode.a]\nlayer = dense(units=state)\nthen = dropout(p=0.25)\n" END;
    for (int i = 0; i < 2; i++) {
        const char *overrides[] = {devices[0], gradients[i], NULL};
        (void)compare(plain, overrides, train_and_evaluate);
        (void)compare(nested, overrides, train_and_evaluate);
        check_not_recorded(plain, overrides, differentiate_often);
        check_not_recorded(nested, overrides, differentiate_often);
    }
}

/* 4120 evaluations. */
static void test_long_solves_are_run_plainly(void **state)
{
    (void)state;
    const char *overrides[] = {devices[0], gradients[0], "model.ode.steps=1030", NULL};
    check_not_recorded(one_block, overrides, take_them_often);
}

static void test_several_workers_record_nothing(void **state)
{
    (void)state;
    const char *overrides[] = {devices[0], gradients[0], "run.workers=2", NULL};
    check_not_recorded(two_blocks, overrides, train_and_evaluate);
}

static int32_t chosen_workers(const char *capture)
{
    enum { LARGE = 4096 }; /* 192 KiB of states, worth three workers */
    const char *overrides[] = {"run.workers=auto", "run.dtype=float64", capture, NULL};
    support_session s = support_session_open(one_block, LARGE, overrides);
    int32_t n = session_workers(s.session);
    support_session_close(&s);
    return n;
}

static void test_one_worker_is_chosen_where_solves_are_recorded(void **state)
{
    (void)state;
    int64_t cores = cores_usable();
    assert_int_equal(chosen_workers("run.capture=yes"), 1);
    assert_int_equal(chosen_workers("run.capture=no"), cores < 3 ? cores : 3);
}

/* ---- failures ---- */

static const char faulty[] =
    RUN "[model.ode]\nlayer = ode\nintegrator = rk4\nsteps = 3\ngradient = direct\n"
        "[model.ode.a]\nlayer = dense(units=state)\nthen = batchnorm, tanh, faulty\n" END;

/* A layer that waits spoils every recording. */
static void test_fields_that_wait_are_run_plainly(void **state)
{
    (void)state;
    static const char *const waits[] = {"model.ode.a.then=batchnorm, tanh, faulty(calls=1000000, "
                                        "status=waits)",
                                        "model.ode.a.then=batchnorm, tanh, faulty(calls=1000000, "
                                        "status=waits, in=vjp)"};
    for (int i = 0; i < 4; i++) {
        const char *overrides[] = {devices[i % 2], gradients[i % 2], waits[i / 2], NULL};
        launched n = compare(faulty, overrides, train_and_evaluate);
        assert_true(n.recorded <= n.eager);
    }
}

/* What goes wrong only while it is being recorded is not told, and changes nothing: 12 calls belong
 * to the first batch. */
static void test_failure_of_a_recording_changes_nothing(void **state)
{
    (void)state;
    static const char *const broken[] = {"fatal", "recoverable", "fatal, in=vjp",
                                         "recoverable, in=vjp"};
    trace *sound = mem_zalloc(1, sizeof *sound), *failed = mem_zalloc(1, sizeof *failed);
    static const char *const none[] = {"run.device=remote",
                                       "model.ode.a.then=batchnorm, tanh, "
                                       "faulty(call=0)",
                                       NULL};
    (void)play(faulty, none, "run.capture=no", train_and_evaluate, sound);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        for (int call = 13; call <= 24; call += 11) {
            char *then = mem_printf("model.ode.a.then=batchnorm, tanh, faulty(call=%d, status=%s)",
                                    call, broken[i]);
            const char *overrides[] = {devices[i % 2], then, NULL};
            (void)play(faulty, overrides, "run.capture=yes", train_and_evaluate, failed);
            assert_int_equal(failed->n, sound->n);
            assert_memory_equal(failed->value, sound->value, sound->n * sizeof *sound->value);
            mem_free(then);
        }
    }
    mem_free(sound);
    mem_free(failed);
}

/* The third batch's loss is no number: parameters and running state are put back. */
static void train_through_a_failure(support_session *s, trace *t)
{
    data_source *source = support_batch_source(s);
    int64_t indices[SAMPLES] = {4, 5, 6, 7};
    for (int64_t step = 1; step <= 8; step++) {
        session_result result;
        odeon_status status = session_train(s->session, source, 4, indices, 1, step, 1.0, &result);
        assert_int_equal(status, step == 3 ? ODEON_ERR_NUMERIC : ODEON_OK);
        add_result(t, s, &result);
        add_parameters(t, s);
    }
    data_close(source);
}

static void test_numerical_failure_in_between_changes_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const char *overrides[] = {devices[i % 2], gradients[i / 2],
                                   "model.head.then=faulty(call=3, status=nan)", NULL};
        launched n = compare(two_blocks, overrides, train_through_a_failure);
        assert_true(n.recorded < n.eager);
    }
}

/* Differentiates, n the number of the allocation that fails; gives whether that went well, and then
 * with these bits. */
static bool differentiates(support_session *s, int64_t n, const trace *expected)
{
    session_result result;
    mem_fail_at(n);
    odeon_status status = support_differentiate_try(s, &result);
    mem_fail_at(0);
    if (status != ODEON_OK) {
        assert_int_equal(status, ODEON_ERR_NOMEM);
        return false;
    }
    trace *t = mem_zalloc(1, sizeof *t);
    add(t, result.loss);
    add_gradients(t, s);
    assert_memory_equal(t->value, expected->value, t->n * sizeof *t->value);
    mem_free(t);
    return true;
}

/* Whichever allocation of the batch that is recorded fails, those after it are as ever. */
static void test_every_allocation_of_a_recording_may_fail(void **state)
{
    (void)state;
    trace *expected = mem_zalloc(1, sizeof *expected);
    static const char *const overrides[] = {"run.device=remote", "model.ode.steps=1", NULL};
    (void)play(one_block, overrides, "run.capture=no", take_loss_and_gradients, expected);
    int64_t allocs = 0;
    for (int64_t n = 0; n <= allocs; n++) {
        support_session s = support_session_open(one_block, SAMPLES, overrides);
        assert_true(differentiates(&s, 0, expected));
        int64_t before = mem_total_allocs();
        (void)differentiates(&s, n, expected);
        allocs = n == 0 ? mem_total_allocs() - before : allocs;
        for (int i = 0; i < 3; i++) {
            assert_true(differentiates(&s, 0, expected));
        }
        support_session_close(&s);
    }
    assert_true(allocs > 20); /* many belong to the recording */
    mem_free(expected);
}

/* An argument chooses tests by a pattern of their names. */
int main(int argc, char **argv)
{
    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_is_the_same_to_the_bit),
        cmocka_unit_test(test_training_by_a_grid_is_the_same),
        cmocka_unit_test(test_repeated_gradients_are_the_same),
        cmocka_unit_test(test_nothing_of_an_earlier_batch_is_left),
        cmocka_unit_test(test_more_intervals_than_keys_are_the_same),
        cmocka_unit_test(test_memory_of_a_larger_solve_before_is_still_told),
        cmocka_unit_test(test_listed_steps_are_the_same),
        cmocka_unit_test(test_adaptive_solves_are_the_same),
        cmocka_unit_test(test_fields_that_draw_are_not_recorded),
        cmocka_unit_test(test_long_solves_are_run_plainly),
        cmocka_unit_test(test_several_workers_record_nothing),
        cmocka_unit_test(test_one_worker_is_chosen_where_solves_are_recorded),
        cmocka_unit_test(test_fields_that_wait_are_run_plainly),
        cmocka_unit_test(test_failure_of_a_recording_changes_nothing),
        cmocka_unit_test(test_numerical_failure_in_between_changes_nothing),
        cmocka_unit_test(test_every_allocation_of_a_recording_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
