/* session_expect: samples of the batch to come are read while the one before is worked on, into
 * memory that the device copies from by itself; nothing else changes. */
#include "support_session.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "session/members.h"

enum { BATCH = 4, LENGTH = 32, MOST = 8192 };

/* Numbers as labels, with masks, times and controls: a worker has 4 to 1 samples of a batch. */
static const char network[] =
    "[run]\nname = test\nseed = 3\nworkers = 1\n"
    "[data]\ndataset = measured(shape=3, label=3, times=3, control=3, mask=some, length=32)\n"
    "on_device = no\n"
    "[model.ode]\nlayer = ode\nintegrator = rk4\nsteps = 2\ngradient = direct\n"
    "[model.ode.field]\nlayer = dense(units=4)\nthen = tanh, dense(units=state)\n"
    "[model.head]\nlayer = dense(units=3)\nthen = adds(field=control)\n"
    "[train]\nloss = mse\noptimizer = adam(lr=1e-2)\n";

static const char *const devices[] = {"run.device=remote", "run.device=remote(late=yes)",
                                      "run.device=cpu"};

/* What is said of the batch to come: nothing; the truth; something else. */
enum { SILENT, TRUE_WORDS, FALSE_WORDS };

typedef struct outcome {
    size_t n;
    double values[MOST];
} outcome;

static void note(outcome *o, int64_t n, const double *values)
{
    assert_true(o->n + (size_t)n <= MOST);
    memcpy(&o->values[o->n], values, (size_t)n * sizeof *values);
    o->n += (size_t)n;
}

static void announce(session *s, const data_source *source, int64_t n, const int64_t *next,
                     int words)
{
    static const int64_t others[BATCH] = {1, 1, 2, 31};
    if (words != SILENT) {
        session_expect(s, source, n, words == TRUE_WORDS ? next : others);
    }
}

/* Batches of 4, 3, 4, ... samples; a test after every third step. */
static void run_steps(support_session *s, const data_source *source, int words, outcome *o)
{
    int64_t order[LENGTH], at = 0;
    support_require(data_order(source, 3, 1, order), "order");
    for (int64_t step = 1; at + 2 * BATCH <= LENGTH; step++) {
        int64_t n = BATCH - step % 2, next = BATCH - (step + 1) % 2;
        session_result r;
        announce(s->session, source, next, order + at + n, words);
        support_require(session_train(s->session, source, n, order + at, 1, step, 1.0, &r),
                        "train");
        note(o, 1, &r.loss);
        note(o, 1, &r.grad_norm);
        at += n;
        if (step % 3 == 0) {
            announce(s->session, source, next, order + at, words);
            support_require(session_evaluate(s->session, source, BATCH, order, &r), "evaluate");
            note(o, 1, &r.loss);
        }
    }
}

static outcome run(const char *device, const char *workers, int words)
{
    support_session s =
        support_session_open(network, BATCH, (const char *[]){device, workers, NULL});
    data_source *source = support_batch_source(&s);
    outcome o = {.n = 0};
    int64_t n;
    run_steps(&s, source, words, &o);
    double *parameters = support_parameters(&s, &n);
    note(&o, n, parameters);
    mem_free(parameters);
    data_close(source);
    support_session_close(&s);
    return o;
}

static void check_device(const char *device)
{
    static const char *const workers[] = {"run.workers=1", "run.workers=3"};
    for (int i = 0; i < 2; i++) {
        outcome plain = run(device, workers[i], SILENT);
        for (int words = TRUE_WORDS; words <= FALSE_WORDS; words++) {
            outcome o = run(device, workers[i], words);
            assert_int_equal(o.n, plain.n);
            assert_memory_equal(o.values, plain.values, o.n * sizeof *o.values);
        }
    }
}

static void test_numbers_are_those_without(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        check_device(devices[i]);
    }
    if (access(ODEON_TEST_PLUGINS "/device/mocked.so", F_OK) == 0) { /* needs CUDA's headers */
        check_device("run.device=mocked");
    }
}

/* ---- who uploads ---- */

/* Stands in front of a device's upload; the calling thread is a session's only worker. */
static struct {
    odeon_device_ops ops;
    odeon_status (*upload)(odeon_queue *, void *, const void *, uint64_t);
    const odeon_queue *queue;   /* the worker's */
    _Atomic int64_t own, other; /* bytes by the worker's queue, and by any other */
} counted;

static odeon_status count_upload(odeon_queue *queue, void *destination, const void *source,
                                 uint64_t bytes)
{
    atomic_fetch_add(queue == counted.queue ? &counted.own : &counted.other, (int64_t)bytes);
    return counted.upload(queue, destination, source, bytes);
}

static void start_counting(support_session *s)
{
    counted.ops = *s->session->model.device->ops;
    counted.upload = counted.ops.upload;
    counted.ops.upload = count_upload;
    counted.queue = s->session->workers[0].site.lane.queue;
    s->session->model.opened.device.ops = &counted.ops;
    counted.own = counted.other = 0;
}

/* Of a sample: label, input, control of 3 float32, times of 3 float64, a mask of 3 bytes. */
enum { SAMPLE_BYTES = 3 * 3 * 4 + 3 * 8 + 3 };

static void test_the_worker_uploads_nothing_that_was_read_ahead(void **state)
{
    (void)state;
    static const int64_t first[BATCH] = {0, 1, 2, 3}, second[BATCH] = {9, 8, 9, 30};
    for (int i = 0; i < 2; i++) {
        session_result r;
        support_session s =
            support_session_open(network, BATCH, (const char *[]){devices[i], NULL});
        data_source *source = support_batch_source(&s);
        start_counting(&s);
        session_expect(s.session, source, BATCH, second);
        support_require(session_evaluate(s.session, source, BATCH, first, &r), "evaluate");
        assert_int_equal(counted.own, BATCH * SAMPLE_BYTES);
        assert_int_equal(counted.other, BATCH * SAMPLE_BYTES);
        support_require(session_evaluate(s.session, source, BATCH, second, &r), "evaluate");
        assert_int_equal(counted.own, BATCH * SAMPLE_BYTES);
        assert_int_equal(counted.other, BATCH * SAMPLE_BYTES);
        support_require(session_evaluate(s.session, source, BATCH, second, &r), "evaluate");
        assert_int_equal(counted.own, 2 * BATCH * SAMPLE_BYTES);
        data_close(source);
        support_session_close(&s);
    }
}

static void test_samples_on_the_device_are_not_read_ahead(void **state)
{
    (void)state;
    static const int64_t first[BATCH] = {0, 1, 2, 3}, second[BATCH] = {9, 8, 9, 30};
    session_result r;
    support_session s = support_session_open(
        network, BATCH, (const char *[]){"run.device=remote", "data.on_device=yes", NULL});
    data_source *source = support_batch_source(&s);
    support_require(session_place(s.session, source), "place");
    start_counting(&s);
    session_expect(s.session, source, BATCH, second);
    support_require(session_evaluate(s.session, source, BATCH, first, &r), "evaluate");
    assert_int_equal(counted.other, 0);
    data_close(source);
    support_session_close(&s);
}

/* ---- how often ---- */

static device_counters fourth_step(const char *device, int words)
{
    static const int64_t picked[BATCH] = {3, 1, 30, 4};
    support_session s = support_session_open(network, BATCH, (const char *[]){device, NULL});
    data_source *source = support_batch_source(&s);
    session_result r;
    for (int64_t step = 1; step <= 4; step++) {
        announce(s.session, source, BATCH, picked, words);
        support_require(session_train(s.session, source, BATCH, picked, 1, step, 1.0, &r), "train");
    }
    data_close(source);
    support_session_close(&s);
    return r.device;
}

/* Which is that of whoever reads, for its upload. */
static void test_a_step_has_one_wait_more(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        device_counters plain = fourth_step(devices[i], SILENT);
        device_counters ahead = fourth_step(devices[i], TRUE_WORDS);
        assert_int_equal(ahead.waits, plain.waits + 1);
        assert_int_equal(ahead.launches, plain.launches);
        assert_int_equal(ahead.allocs, 0);
    }
}

/* ---- failures ---- */

static const char unreadable[] = "[run]\nname = test\nworkers = 2\ndevice = remote(late=yes)\n"
                                 "[data]\ndataset = numbered(length=10, unreadable=7)\n"
                                 "[model.a]\nlayer = dense(units=classes)\n"
                                 "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

/* The batch before it is none the worse, and whoever asks for another never hears of it. */
static void test_what_cannot_be_read_fails_in_its_own_batch(void **state)
{
    (void)state;
    static const int64_t good[] = {1, 6}, bad[] = {1, 7};
    char expected[DIAG_MESSAGE_BYTES];
    session_result r;
    support_session s = support_session_open(unreadable, 2, NULL);
    data_source *source = support_batch_source(&s);
    assert_int_equal(session_evaluate(s.session, source, 2, bad, &r), ODEON_ERR_DATA);
    (void)snprintf(expected, sizeof expected, "%s", diag_message());
    for (int i = 0; i < 2; i++) {
        session_expect(s.session, source, 2, bad);
        support_require(session_evaluate(s.session, source, 2, good, &r), "evaluate");
        if (i == 0) {
            support_require(session_evaluate(s.session, source, 2, good, &r), "evaluate");
        } else {
            diag_clear();
            assert_int_equal(session_evaluate(s.session, source, 2, bad, &r), ODEON_ERR_DATA);
            assert_string_equal(diag_message(), expected);
        }
    }
    support_require(session_evaluate(s.session, source, 2, good, &r), "evaluate");
    data_close(source);
    support_session_close(&s);
}

/* A batch that fails leaves nothing under way, and what it had read ahead counts. */
static void test_a_failed_batch_does_not_spoil_the_next(void **state)
{
    (void)state;
    static const int64_t good[] = {1, 6}, bad[] = {7, 1};
    session_result plain, r;
    support_session s = support_session_open(unreadable, 2, NULL);
    data_source *source = support_batch_source(&s);
    support_require(session_evaluate(s.session, source, 2, good, &plain), "evaluate");
    for (int i = 0; i < 20; i++) {
        session_expect(s.session, source, 2, good);
        assert_int_equal(session_evaluate(s.session, source, 2, bad, &r), ODEON_ERR_DATA);
        session_expect(s.session, source, 2, bad);
        support_require(session_evaluate(s.session, source, 2, good, &r), "evaluate");
        assert_true(r.loss == plain.loss);
    }
    data_close(source);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_those_without),
        cmocka_unit_test(test_the_worker_uploads_nothing_that_was_read_ahead),
        cmocka_unit_test(test_samples_on_the_device_are_not_read_ahead),
        cmocka_unit_test(test_a_step_has_one_wait_more),
        cmocka_unit_test(test_what_cannot_be_read_fails_in_its_own_batch),
        cmocka_unit_test(test_a_failed_batch_does_not_spoil_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
