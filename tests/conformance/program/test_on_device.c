/* data.on_device: the same numbers, wherever the samples lie; on the device only indices travel. */
#include "support_session.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "folder.h"
#include "odeon/device_ext.h"
#include "session/members.h"
#include "small_run.h"

enum { BATCH = 3, MOST = 8192 };

/* Bytes as samples, scaled, through transforms of which some are random. */
static const char images[] = "[run]\nname = test\nseed = 3\nworkers = 1\n"
                             "[data]\ndataset = idx(path=%s, shape=1 6 6, classes=3)\nbatch = 3\n"
                             "[data.pixels]\nlayer = normalize(mean=0.25, std=2)\n"
                             "[data.crop]\nlayer = random_crop(size=6, padding=1)\n"
                             "then = horizontal_flip\n"
                             "[model.flat]\nlayer = flatten\nthen = dense(units=4)\n"
                             "[model.ode]\nlayer = ode(rtol=1e-4, atol=1e-4)\n"
                             "integrator = tsit5\ngradient = direct\n"
                             "[model.ode.field]\nlayer = dense(units=state)\nthen = tanh\n"
                             "[model.head]\nlayer = dense(units=classes)\n"
                             "[train]\nloss = cross_entropy\noptimizer = adam(lr=1e-2)\n";

/* Numbers as labels, with times, masks and controls, in three dtypes. */
static const char numbers[] =
    "[run]\nname = test\nseed = 3\nworkers = 1\n"
    "[data]\ndataset = measured(shape=3, label=3, times=3, control=3, mask=some, length=6, "
    "shift=0.25)\nbatch = 3\n"
    "[model.time]\nlayer = adds(field=time)\n"
    "[model.ode]\nlayer = ode\nintegrator = rk4\nsteps = 2\ngradient = direct\n"
    "[model.ode.field]\nlayer = dense(units=4)\nthen = tanh, dense(units=state)\n"
    "[model.head]\nlayer = dense(units=3)\nthen = adds(field=control)\n"
    "[train]\nloss = mse, l1(weight=0.5)\noptimizer = adam(lr=1e-2)\n";

static folder files;

static int make_files(void **state)
{
    (void)state;
    files = small_run_create("cpu", "direct", 1);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    folder_remove(&files);
    return 0;
}

static support_session open_session(const char *network, const char *const *overrides)
{
    char *ini = mem_printf(network, files.path);
    support_session s = support_session_open(ini, BATCH, overrides);
    mem_free(ini);
    return s;
}

typedef struct sources {
    data_source *train, *test;
} sources;

static sources open_sources(support_session *s)
{
    sources x = {support_batch_source(s), NULL};
    support_require(data_open(s->config, ODEON_SPLIT_TEST, &x.test), "data");
    support_require(session_place(s->session, x.train), "place");
    support_require(session_place(s->session, x.test), "place");
    return x;
}

static void close_all(support_session *s, sources *x)
{
    data_close(x->train);
    data_close(x->test);
    support_session_close(s);
}

/* ---- the same numbers ---- */

/* What a run of a few steps, tests and predictions comes to. */
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

static void note_result(outcome *o, const support_session *s, const session_result *r)
{
    note(o, 1, &r->loss);
    note(o, 1, &r->grad_norm);
    note(o, (int64_t)session_metric_count(s->session), r->metrics);
}

static void train_some(support_session *s, const data_source *train, outcome *o)
{
    static const int64_t sizes[] = {3, 2, 3, 1, 0, 3};
    int64_t step = 0;
    for (int64_t epoch = 1; epoch <= 2; epoch++) {
        int64_t order[SMALL_RUN_IMAGES], at = 0;
        support_require(data_order(train, 3, epoch, order), "order");
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            session_result r;
            at = at + sizes[i] > data_length(train) ? 0 : at;
            if (sizes[i] > 0) {
                support_require(
                    session_train(s->session, train, sizes[i], order + at, epoch, ++step, 1.0, &r),
                    "train");
                note_result(o, s, &r);
                at += sizes[i];
            }
        }
    }
}

static void test_some(support_session *s, const data_source *test, outcome *o)
{
    static const int64_t picked[] = {4, 0, 4, 2};
    enum { N = 4 };
    session_result r;
    double output[N * 8], labels[N * 8] = {0.0};
    support_require(session_evaluate(s->session, test, N, picked, &r), "evaluate");
    note_result(o, s, &r);
    session_samples samples = {.n = N, .source = test, .indices = picked};
    support_require(session_predict(s->session, &samples, output, labels), "predict");
    note(o, N * session_output_size(s->session), output);
    note(o, N, labels);
}

static outcome run(const char *network, const char *const *overrides, const char *where)
{
    const char *all[8] = {where};
    for (size_t i = 0; overrides[i] != NULL; i++) {
        all[i + 1] = overrides[i];
    }
    support_session s = open_session(network, all);
    sources x = open_sources(&s);
    bool placed = session_placed_bytes(s.session) > 0;
    assert_int_equal(placed, strcmp(where, "data.on_device=yes") == 0);
    outcome o = {.n = 0};
    int64_t n;
    train_some(&s, x.train, &o);
    test_some(&s, x.test, &o);
    double *parameters = support_parameters(&s, &n);
    note(&o, n, parameters);
    mem_free(parameters);
    close_all(&s, &x);
    return o;
}

static void check_same(const char *network, const char *const *overrides)
{
    outcome here = run(network, overrides, "data.on_device=no");
    outcome there = run(network, overrides, "data.on_device=yes");
    assert_int_equal(here.n, there.n);
    assert_memory_equal(here.values, there.values, here.n * sizeof *here.values);
}

static const char *const devices[] = {"run.device=cpu", "run.device=reference", "run.device=remote",
                                      "run.device=remote(late=yes)", "run.device=emulated"};
enum { N_DEVICES = sizeof devices / sizeof *devices };

static void check_same_on_all(const char *network, const char *first, const char *second)
{
    for (int32_t i = 0; i < N_DEVICES; i++) {
        check_same(network, (const char *[]){devices[i], first, second, NULL});
    }
    if (access(ODEON_TEST_PLUGINS "/device/mocked.so", F_OK) == 0) { /* needs CUDA's headers */
        check_same(network, (const char *[]){"run.device=mocked", first, second, NULL});
    }
}

static void test_images_give_the_same_numbers(void **state)
{
    (void)state;
    check_same_on_all(images, "run.dtype=float32", NULL);
    check_same_on_all(images, "run.dtype=float64", NULL);
}

/* Times are float64, which a layer of float32 cannot add. */
static void test_measurements_give_the_same_numbers(void **state)
{
    (void)state;
    check_same_on_all(numbers, "run.dtype=float32", "model.time.enabled=no");
    check_same_on_all(numbers, "run.dtype=float64", NULL);
}

/* Slices of 3, 2, 1 samples: some workers have none. */
static void test_several_workers_give_the_same_numbers(void **state)
{
    (void)state;
    check_same_on_all(images, "run.workers=3", NULL);
    check_same_on_all(numbers, "run.workers=3", "run.dtype=float64");
}

static void test_samples_left_out_change_no_number(void **state)
{
    (void)state;
    folder_write(&files, "order", "5 1 3 1 5", 9);
    char *order = mem_printf("data.order=%s", folder_file(&files, "order"));
    check_same(images, (const char *[]){"run.device=remote(late=yes)", order, NULL});
    check_same(images, (const char *[]){"run.device=remote(late=yes)", "data.limit=4",
                                        "data.test_limit=5", "run.workers=2", NULL});
    mem_free(order);
}

/* ---- what is uploaded ---- */

/* Stands in front of a device's upload. */
static struct {
    odeon_device_ops ops;
    odeon_status (*upload)(odeon_queue *, void *, const void *, uint64_t);
    _Atomic int64_t calls, bytes, largest;
} counted;

static odeon_status count_upload(odeon_queue *queue, void *destination, const void *source,
                                 uint64_t bytes)
{
    int64_t largest = atomic_load(&counted.largest);
    atomic_fetch_add(&counted.calls, 1);
    atomic_fetch_add(&counted.bytes, (int64_t)bytes);
    while ((int64_t)bytes > largest &&
           !atomic_compare_exchange_weak(&counted.largest, &largest, (int64_t)bytes)) {
    }
    return counted.upload(queue, destination, source, bytes);
}

static void count_from_here(support_session *s)
{
    if (s->session->model.device->ops != &counted.ops) {
        counted.ops = *s->session->model.device->ops;
        counted.upload = counted.ops.upload;
        counted.ops.upload = count_upload;
        s->session->model.opened.device.ops = &counted.ops;
    }
    counted.calls = counted.bytes = counted.largest = 0;
}

/* Bytes that a step of training, a test and a prediction of BATCH samples upload. */
static void check_uploads(const char *network, const char *workers, int64_t calls, int64_t bytes)
{
    static const int64_t picked[BATCH] = {2, 5, 0};
    for (int32_t i = 2; i < 4; i++) {
        support_session s =
            open_session(network, (const char *[]){devices[i], workers, "run.dtype=float64", NULL});
        sources x = open_sources(&s);
        double output[BATCH * 8];
        session_result r;
        session_samples samples = {.n = BATCH, .source = x.test, .indices = picked};
        for (int64_t step = 1; step <= 2; step++) {
            count_from_here(&s);
            support_require(session_train(s.session, x.train, BATCH, picked, 1, step, 1.0, &r),
                            "train");
        }
        assert_int_equal(counted.calls, calls);
        assert_int_equal(counted.bytes, bytes);
        count_from_here(&s);
        support_require(session_evaluate(s.session, x.test, BATCH, picked, &r), "evaluate");
        assert_int_equal(counted.bytes, bytes);
        count_from_here(&s);
        support_require(session_predict(s.session, &samples, output, NULL), "predict");
        assert_int_equal(counted.bytes, bytes);
        close_all(&s, &x);
    }
}

static void test_a_batch_uploads_indices_alone(void **state)
{
    (void)state;
    check_uploads(images, "run.workers=1", 1, BATCH * 8);
    check_uploads(images, "run.workers=3", 3, BATCH * 8);
}

/* What the workers tell each other: how much of the masks counts, the same weighed by classes, and
 * three times. One alone has
 * nobody to tell. */
static void test_masks_and_times_upload_their_meeting(void **state)
{
    (void)state;
    check_uploads(numbers, "run.workers=1", 1, BATCH * 8);
    check_uploads(numbers, "run.workers=3", 6, BATCH * 8 + 3 * 5 * 8);
}

static int64_t live_bytes(const support_session *s)
{
    const odeon_device *device = s->session->model.device;
    const odeon_device_counters *counters = device->get_table(device, ODEON_DEVICE_COUNTERS);
    int64_t launches, waits, allocs, live;
    counters->read(device->handle, &launches, &waits, &allocs, &live);
    return live;
}

/* 36 bytes of an image, one of its label. */
static void test_workers_share_one_copy(void **state)
{
    (void)state;
    static const char *const workers[] = {"run.workers=1", "run.workers=3"};
    for (int i = 0; i < 2; i++) {
        support_session s =
            open_session(images, (const char *[]){"run.device=remote", workers[i], NULL});
        int64_t before = live_bytes(&s);
        sources x = open_sources(&s);
        assert_int_equal(session_placed_bytes(s.session), 2 * SMALL_RUN_IMAGES * (36 + 1));
        assert_int_equal(live_bytes(&s) - before, 2 * SMALL_RUN_IMAGES * (36 + 1));
        close_all(&s, &x);
    }
}

/* 16 MB and a bit go in pieces of 4 MiB, each sample to its place. */
static void test_large_sets_go_in_pieces(void **state)
{
    (void)state;
    enum { LENGTH = 2051, SIZE = 1024, N = 7 };
    static const char network[] =
        "[run]\nname = test\nworkers = 1\ndevice = remote(late=yes)\n"
        "[data]\ndataset = measured(shape=1024, label=1024, length=2051)\n"
        "[model.a]\nlayer = identity\n"
        "[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n";
    static const int64_t picked[N] = {2050, 0, 511, 512, 1023, 2047, 1536};
    float *x = mem_zalloc(N * SIZE, sizeof *x), *labels = mem_zalloc(N * SIZE, sizeof *labels);
    double *output = mem_zalloc(N * SIZE, sizeof *output);
    support_session s = support_session_open(network, N, NULL);
    data_source *source = support_batch_source(&s);
    count_from_here(&s);
    support_require(session_place(s.session, source), "place");
    assert_int_equal(counted.bytes, LENGTH * 2 * SIZE * (int64_t)sizeof *x);
    assert_in_range(counted.largest, 1 << 20, 4 << 20);
    support_require(data_batch(source, N, picked, (void *[DATA_ROLES]){x, labels}), "batch");
    session_samples samples = {.n = N, .source = source, .indices = picked};
    support_require(session_predict(s.session, &samples, output, NULL), "predict");
    for (int64_t i = 0; i < N * SIZE; i++) {
        assert_true(output[i] == (double)x[i]);
    }
    mem_free(x);
    mem_free(labels);
    mem_free(output);
    data_close(source);
    support_session_close(&s);
}

static device_counters fourth_step(const char *device, const char *where)
{
    static const int64_t picked[BATCH] = {2, 5, 0};
    support_session s = open_session(images, (const char *[]){device, where, NULL});
    sources x = open_sources(&s);
    session_result r;
    for (int64_t step = 1; step <= 4; step++) {
        support_require(session_train(s.session, x.train, BATCH, picked, 1, step, 1.0, &r),
                        "train");
    }
    close_all(&s, &x);
    return r.device;
}

static void test_a_step_asks_the_device_as_often(void **state)
{
    (void)state;
    for (int32_t i = 2; i < 4; i++) {
        device_counters here = fourth_step(devices[i], "data.on_device=no");
        device_counters there = fourth_step(devices[i], "data.on_device=yes");
        assert_true(here.launches > 0);
        assert_int_equal(there.launches, here.launches);
        assert_int_equal(there.waits, here.waits);
        assert_int_equal(there.allocs, 0);
    }
}

/* ---- what decides ---- */

static uint64_t placed_with(const char *device, const char *where)
{
    support_session s = open_session(images, (const char *[]){device, where, NULL});
    sources x = open_sources(&s);
    uint64_t bytes = session_placed_bytes(s.session);
    close_all(&s, &x);
    return bytes;
}

static void test_auto_places_where_memory_is_the_devices_own(void **state)
{
    (void)state;
    assert_int_equal(placed_with("run.device=cpu", "data.on_device=auto"), 0);
    assert_int_equal(placed_with("run.device=reference", "data.on_device=auto"), 0);
    assert_true(placed_with("run.device=remote", "data.on_device=auto") > 0);
    assert_int_equal(placed_with("run.device=remote", "data.on_device=no"), 0);
}

/* 1 MB of device memory, of which a quarter does not hold 131 samples of 4104 bytes. */
static void test_auto_leaves_out_what_does_not_fit(void **state)
{
    (void)state;
    static const char network[] = "[run]\nname = test\nworkers = 1\n"
                                  "device = remote(memory=1048576)\n"
                                  "[data]\ndataset = drawn(shape=512, classes=3, length=131)\n"
                                  "[model.a]\nlayer = dense(units=classes)\n"
                                  "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";
    static const struct {
        const char *override;
        uint64_t bytes;
    } cases[] = {{"data.limit=131", 0}, {"data.limit=32", 32 * (512 * 4 + 8)}};
    for (size_t i = 0; i < 2; i++) {
        support_session s =
            support_session_open(network, 2, (const char *[]){cases[i].override, NULL});
        data_source *source = support_batch_source(&s);
        support_require(session_place(s.session, source), "place");
        assert_int_equal(session_placed_bytes(s.session), cases[i].bytes);
        data_close(source);
        support_session_close(&s);
    }
}

static void test_yes_fails_without_room(void **state)
{
    (void)state;
    support_session s = open_session(
        images, (const char *[]){"run.device=remote(memory=1048576)", "data.on_device=yes",
                                 "data.dataset=drawn(shape=1 64 64, classes=3, length=64)", NULL});
    data_source *source = support_batch_source(&s);
    diag_clear();
    assert_int_equal(session_place(s.session, source), ODEON_ERR_NOMEM);
    assert_non_null(strstr(diag_message(), "data.on_device = yes"));
    assert_int_equal(session_placed_bytes(s.session), 0);
    data_close(source);
    support_session_close(&s);
}

static const char unreadable[] = "[run]\nname = test\nworkers = 1\ndevice = remote(late=yes)\n"
                                 "[data]\ndataset = numbered(length=10, unreadable=7)\n"
                                 "[model.a]\nlayer = dense(units=classes)\n"
                                 "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

static void test_a_sample_that_cannot_be_read_fails_as_in_a_batch(void **state)
{
    (void)state;
    static const int64_t bad[] = {1, 7};
    char expected[DIAG_MESSAGE_BYTES];
    session_result r;
    support_session s = support_session_open(unreadable, 2, NULL);
    data_source *source = support_batch_source(&s);
    assert_int_equal(session_evaluate(s.session, source, 2, bad, &r), ODEON_ERR_DATA);
    (void)snprintf(expected, sizeof expected, "%s", diag_message());
    diag_clear();
    assert_int_equal(session_place(s.session, source), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), expected);
    assert_int_equal(session_placed_bytes(s.session), 0);
    data_close(source);
    support_session_close(&s);
}

/* Nor is it looked at where it is not in use, until a batch asks for it. */
static void test_samples_not_in_use_are_not_read(void **state)
{
    (void)state;
    static const int64_t good[] = {1, 6}, beyond[] = {1, 8}, bad[] = {1, 7};
    session_result r;
    support_session s = support_session_open(unreadable, 2, (const char *[]){"data.limit=7", NULL});
    data_source *source = support_batch_source(&s);
    support_require(session_place(s.session, source), "place");
    assert_true(session_placed_bytes(s.session) > 0);
    support_require(session_evaluate(s.session, source, 2, good, &r), "evaluate");
    support_require(session_evaluate(s.session, source, 2, beyond, &r), "evaluate");
    assert_int_equal(session_evaluate(s.session, source, 2, bad, &r), ODEON_ERR_DATA);
    data_close(source);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images_give_the_same_numbers),
        cmocka_unit_test(test_measurements_give_the_same_numbers),
        cmocka_unit_test(test_several_workers_give_the_same_numbers),
        cmocka_unit_test(test_samples_left_out_change_no_number),
        cmocka_unit_test(test_a_batch_uploads_indices_alone),
        cmocka_unit_test(test_masks_and_times_upload_their_meeting),
        cmocka_unit_test(test_workers_share_one_copy),
        cmocka_unit_test(test_large_sets_go_in_pieces),
        cmocka_unit_test(test_a_step_asks_the_device_as_often),
        cmocka_unit_test(test_auto_places_where_memory_is_the_devices_own),
        cmocka_unit_test(test_auto_leaves_out_what_does_not_fit),
        cmocka_unit_test(test_yes_fails_without_room),
        cmocka_unit_test(test_a_sample_that_cannot_be_read_fails_as_in_a_batch),
        cmocka_unit_test(test_samples_not_in_use_are_not_read),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
