/* The host side of the device `cuda` where calls fail: tests/mocked stands for CUDA and its
 * libraries. Skipped where the device is not built. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "device/open.h"
#include "odeon/device_conv.h"
#include "odeon/device_ext.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"
#include "odeon/device_solver.h"
#include "option/schema.h"
#include "plugin/component.h"
#include "plugin/registry.h"

static registry *plugins;

static int open_plugins(void **state)
{
    (void)state;
    plugins = support_registry();
    return 0;
}

static int close_plugins(void **state)
{
    (void)state;
    registry_destroy(plugins);
    return 0;
}

static void skip_where_not_built(void)
{
    if (access(ODEON_TEST_PLUGINS "/device/mocked.so", F_OK) != 0) {
        support_not_covered("the CUDA device's host side (no nvcc)");
    }
}

static odeon_config *configure(const char *expression)
{
    odeon_config *config = NULL;
    location where = {.file = "test"};
    assert_int_equal(component_read(plugins, ODEON_KIND_DEVICE, expression, where, "run",
                                    ODEON_BUILD, 0, NULL, &config),
                     ODEON_OK);
    return config;
}

/* Device memory of one run; what is left is given back at the end, whatever failed. */
typedef struct scene {
    open_device opened;
    odeon_queue *queue;
    void *memory[7];
    double sum;
} scene;

enum { ELEMENTS = 2 * 3 * 4 * 4, BLOCKS = 7, SLOTS = 6, PASSES = 2 };

static odeon_status make_memory(scene *s)
{
    float ones[ELEMENTS];
    for (int i = 0; i < ELEMENTS; i++) {
        ones[i] = 1.0f;
    }
    for (int i = 0; i < BLOCKS; i++) {
        ODEON_TRY(s->opened.device.ops->alloc(s->opened.device.handle, 4096, &s->memory[i]));
        ODEON_TRY(s->opened.device.ops->upload(s->queue, s->memory[i], ones, sizeof ones));
    }
    static const double zeros[ODEON_SLOTS];
    return s->opened.device.ops->upload(s->queue, s->memory[SLOTS], zeros, sizeof zeros);
}

static odeon_tensor tensor(void *data, int32_t ndim, int64_t a, int64_t b, int64_t c, int64_t d)
{
    return odeon_tensor_at(
        data, (odeon_shape){.ndim = ndim, .dtype = ODEON_DTYPE_F32, .dim = {a, b, c, d}});
}

/* y = the sums of 2 x 2 windows of three channels of ones; c = x w + 1. What was ones is used up.
 */
static odeon_status compute(scene *s)
{
    static const odeon_conv_geometry plain = {1, 1, 0, 0};
    odeon_tensor x = tensor(s->memory[0], 4, 2, 3, 4, 4), w = tensor(s->memory[1], 4, 1, 3, 2, 2);
    odeon_tensor y = tensor(s->memory[2], 4, 2, 1, 3, 3),
                 bias = tensor(s->memory[3], 1, 2, 0, 0, 0);
    odeon_tensor a = tensor(s->memory[0], 2, 5, 3, 0, 0), b = tensor(s->memory[1], 2, 3, 2, 0, 0);
    odeon_tensor c = tensor(s->memory[4], 2, 5, 2, 0, 0);
    if (s->opened.device.conv->conv2d_scratch(&s->opened.device, &plain, &x.view.shape,
                                              &w.view.shape) > 4096) {
        return ODEON_ERR_INTERNAL;
    }
    ODEON_TRY(ODEON_DO(&s->opened.device, product, gemm, s->queue, .alpha = 1.0, .a = &a.view,
                       .b = &b.view, .c = &c, .bias = &bias.view, .act = ODEON_UNARY_RELU));
    ODEON_TRY(ODEON_DO(&s->opened.device, conv, conv2d, s->queue, .geometry = plain, .x = &x.view,
                       .w = &w.view, .y = &y, .scratch = s->memory[5]));
    ODEON_TRY(ODEON_DO(&s->opened.device, conv, conv2d_vjp_x, s->queue, .geometry = plain,
                       .w = &w.view, .dy = &y.view, .dx = &x, .scratch = s->memory[5]));
    return ODEON_DO(&s->opened.device, conv, conv2d_vjp_w, s->queue, .geometry = plain,
                    .x = &x.view, .dy = &y.view, .dw = &w, .scratch = s->memory[5]);
}

/* compute from ones, as a loop that is recorded; not done yet. */
static odeon_status record(scene *s, const odeon_device_capture *capture, odeon_recording **out)
{
    odeon_tensor x = tensor(s->memory[0], 1, ELEMENTS, 0, 0, 0);
    odeon_tensor w = tensor(s->memory[1], 1, ELEMENTS, 0, 0, 0);
    *out = NULL;
    ODEON_TRY(capture->begin(s->queue));
    odeon_status status = capture->loop_begin(s->queue, s->memory[SLOTS], 0, PASSES);
    if (status == ODEON_OK) {
        status =
            ODEON_DO(&s->opened.device, move, fill, s->queue, .y = &x, .value = odeon_imm(1.0));
    }
    if (status == ODEON_OK) {
        status =
            ODEON_DO(&s->opened.device, move, fill, s->queue, .y = &w, .value = odeon_imm(1.0));
    }
    if (status == ODEON_OK) {
        status = compute(s);
    }
    if (status == ODEON_OK) {
        status = capture->loop_end(s->queue);
    }
    odeon_status ended = capture->end(s->queue, out);
    assert_true(status == ODEON_OK || (ended != ODEON_OK && *out == NULL));
    return ended;
}

static odeon_status record_and_replay(scene *s)
{
    const odeon_device_capture *capture =
        s->opened.device.get_table(&s->opened.device, ODEON_DEVICE_CAPTURE);
    odeon_recording *recording = NULL;
    if (capture->loop_begin == NULL) { /* the driver's version is not to be had */
        return ODEON_OK;
    }
    odeon_status status = record(s, capture, &recording);
    for (int i = 0; i < 2 && status == ODEON_OK; i++) {
        status = capture->replay(s->queue, recording);
    }
    capture->destroy(recording);
    return status;
}

/* Zeros for the slots again, by way of memory that the GPU copies from by itself. */
static odeon_status upload_pinned(scene *s)
{
    const odeon_device_pinned *pinned =
        s->opened.device.get_table(&s->opened.device, ODEON_DEVICE_PINNED);
    void *source;
    ODEON_TRY(pinned->alloc(s->opened.device.handle, ODEON_SLOTS * sizeof(double), &source));
    memset(source, 0, ODEON_SLOTS * sizeof(double));
    odeon_status status = s->opened.device.ops->upload(s->queue, s->memory[SLOTS], source,
                                                       ODEON_SLOTS * sizeof(double));
    if (status == ODEON_OK) {
        status = s->opened.device.ops->wait(s->queue);
    }
    pinned->free(s->opened.device.handle, source);
    return status;
}

static odeon_status use(scene *s)
{
    char text[128];
    float c[10], y[18];
    ODEON_TRY(s->opened.device.ops->probe(s->opened.device.self));
    ODEON_TRY(s->opened.device.ops->describe(s->opened.device.self, text, sizeof text));
    ODEON_TRY(device_queue_create(&s->opened.device, 0, &s->queue));
    ODEON_TRY(make_memory(s));
    ODEON_TRY(upload_pinned(s));
    ODEON_TRY(compute(s));
    ODEON_TRY(record_and_replay(s));
    ODEON_TRY(s->opened.device.ops->download(s->queue, c, s->memory[4], sizeof c));
    ODEON_TRY(s->opened.device.ops->download(s->queue, y, s->memory[2], sizeof y));
    ODEON_TRY(s->opened.device.ops->wait(s->queue));
    s->sum = (double)c[9] + (double)y[17];
    return ODEON_OK;
}

static void close_scene(scene *s)
{
    device_queue_destroy(&s->opened.device, s->queue);
    for (int i = 0; i < BLOCKS; i++) {
        s->opened.device.ops->free(s->opened.device.handle, s->memory[i]);
    }
    device_close(&s->opened);
}

static odeon_status run_once(const odeon_config *config, double *sum)
{
    scene s = {.queue = NULL};
    odeon_status status = device_open(plugins, config, "device", &s.opened);
    if (status != ODEON_OK) {
        device_close(&s.opened);
        return status;
    }
    status = use(&s);
    *sum = s.sum;
    close_scene(&s);
    return status;
}

enum { MOST_CALLS = 500 };

/* A call of cuDNN that refuses a shape is no failure: kernels of our own step in. */
static void test_every_call_may_fail(void **state)
{
    (void)state;
    skip_where_not_built();
    odeon_config *config = configure("mocked");
    int32_t failures = 0;
    double sum;
    for (int n = 1; n <= MOST_CALLS; n++) {
        char number[16];
        (void)snprintf(number, sizeof number, "%d", n);
        int64_t before = mem_live_blocks();
        assert_int_equal(setenv("ODEON_MOCKED_FAILS", "count", 1), 0);
        diag_clear();
        assert_int_equal(run_once(config, &sum), ODEON_OK);
        assert_int_equal(setenv("ODEON_MOCKED_FAILS", number, 1), 0);
        diag_clear();
        odeon_status status = run_once(config, &sum);
        if (status != ODEON_OK) {
            assert_true(status == ODEON_ERR_DEVICE || status == ODEON_ERR_NOMEM);
            assert_non_null(strstr(diag_message(), "cuda: "));
            failures++;
        } else {
            assert_true(sum == 4.0 + 12.0);
        }
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_int_equal(unsetenv("ODEON_MOCKED_FAILS"), 0);
    assert_in_range(failures, 100, MOST_CALLS - 50); /* and the last runs went through */
    schema_destroy(config);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    skip_where_not_built();
    odeon_config *config = configure("mocked");
    odeon_status status = ODEON_ERR_NOMEM;
    double sum;
    for (int64_t n = 1; status != ODEON_OK; n++) {
        int64_t before = mem_live_blocks();
        assert_in_range(n, 1, 100);
        mem_fail_at(n);
        status = run_once(config, &sum);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        assert_int_equal(mem_live_blocks(), before);
    }
    schema_destroy(config);
}

static void test_launches_waits_and_memory_are_counted(void **state)
{
    (void)state;
    skip_where_not_built();
    support_device d = support_device_open(plugins, "mocked", ODEON_DTYPE_F32);
    const odeon_device_counters *counters = d.device->get_table(d.device, ODEON_DEVICE_COUNTERS);
    int64_t launches, waits, allocs, live;
    odeon_tensor y = support_upload(&d, NULL, 1, (int64_t[]){6});
    assert_int_equal(ODEON_DO(d.device, move, fill, d.queue, .y = &y, .value = odeon_imm(2.0)),
                     ODEON_OK);
    assert_int_equal(d.device->ops->wait(d.queue), ODEON_OK);
    counters->read(d.device->handle, &launches, &waits, &allocs, &live);
    assert_int_equal(launches, 1);
    assert_int_equal(waits, 1);
    assert_int_equal(allocs, 1);
    assert_int_equal(live, 6 * 4);
    support_release(&d, &y);
    counters->read(d.device->handle, &launches, &waits, &allocs, &live);
    assert_int_equal(live, 0);
    support_device_close(&d);
}

/* A recording holds what cuDNN was told at each call. */
static void test_convolutions_are_recorded(void **state)
{
    (void)state;
    skip_where_not_built();
    odeon_config *config = configure("mocked");
    double sum;
    assert_int_equal(run_once(config, &sum), ODEON_OK);
    assert_true(sum == 4.0 + 12.0);
    schema_destroy(config);
}

static uint64_t scratch_with(const char *expression)
{
    static const odeon_conv_geometry plain = {1, 1, 0, 0};
    odeon_config *config = configure(expression);
    open_device opened = {.base = NULL};
    const odeon_tensor x = tensor(NULL, 4, 2, 3, 4, 4), w = tensor(NULL, 4, 1, 3, 2, 2);
    double sum;
    assert_int_equal(run_once(config, &sum), ODEON_OK);
    assert_true(sum == 4.0 + 12.0);
    assert_int_equal(device_open(plugins, config, "device", &opened), ODEON_OK);
    uint64_t bytes =
        opened.device.conv->conv2d_scratch(&opened.device, &plain, &x.view.shape, &w.view.shape);
    device_close(&opened);
    schema_destroy(config);
    return bytes;
}

/* Of the list that stands for cuDNN's, without what has no fixed order or is refused. */
static void test_algorithms_are_fixed_or_the_fastest(void **state)
{
    (void)state;
    skip_where_not_built();
    assert_int_equal(scratch_with("mocked"), 3000 + 1 * 100);
    assert_int_equal(scratch_with("mocked(algorithms=fastest)"), 3000 + 3 * 100);
    assert_int_equal(scratch_with("mocked(convolution=own)"), 0);
}

/* An algorithm of tensor cores is of another arithmetic than float32's: it is taken with tf32, and
 * described as such, or the call would be refused. */
static void test_algorithms_are_of_the_arithmetic(void **state)
{
    (void)state;
    skip_where_not_built();
    assert_int_equal(scratch_with("mocked(math=tf32,blas=own,algorithms=fastest)"), 3000 + 4 * 100);
}

/* Any algorithm of cuDNN is better than the kernels of our own. */
static void test_a_refused_algorithm_is_replaced(void **state)
{
    (void)state;
    skip_where_not_built();
    assert_int_equal(setenv("ODEON_MOCKED_NO_SHAPE", "1", 1), 0);
    assert_int_equal(scratch_with("mocked"), 3000 + 3 * 100);
    assert_int_equal(setenv("ODEON_MOCKED_NO_SHAPE", "all", 1), 0);
    assert_int_equal(scratch_with("mocked"), 0);
    assert_int_equal(unsetenv("ODEON_MOCKED_NO_SHAPE"), 0);
}

static void open_scene(scene *s, const odeon_config *config)
{
    *s = (scene){.queue = NULL};
    assert_int_equal(device_open(plugins, config, "device", &s->opened), ODEON_OK);
    assert_int_equal(device_queue_create(&s->opened.device, 0, &s->queue), ODEON_OK);
    assert_int_equal(make_memory(s), ODEON_OK);
}

/* cuDNN takes memory when it starts, which would end the recording with words of the driver's. */
static void test_the_first_convolution_is_not_recorded(void **state)
{
    (void)state;
    skip_where_not_built();
    odeon_config *config = configure("mocked");
    scene s;
    odeon_recording *recording;
    open_scene(&s, config);
    const odeon_device_capture *capture =
        s.opened.device.get_table(&s.opened.device, ODEON_DEVICE_CAPTURE);
    diag_clear();
    assert_int_equal(record(&s, capture, &recording), ODEON_ERR_DEVICE);
    assert_non_null(strstr(diag_message(), "the first convolution of a shape cannot be recorded"));
    assert_int_equal(compute(&s), ODEON_OK);
    assert_int_equal(record(&s, capture, &recording), ODEON_OK);
    capture->destroy(recording);
    close_scene(&s);
    schema_destroy(config);
}

/* Recordings are destroyed and memory freed when the one that is being made has ended. */
static void test_what_goes_while_a_queue_records_goes_later(void **state)
{
    (void)state;
    skip_where_not_built();
    odeon_config *config = configure("mocked");
    scene s;
    odeon_recording *first, *second;
    int64_t before = mem_live_blocks();
    open_scene(&s, config);
    const odeon_device_capture *capture =
        s.opened.device.get_table(&s.opened.device, ODEON_DEVICE_CAPTURE);
    assert_int_equal(compute(&s), ODEON_OK);
    assert_int_equal(record(&s, capture, &first), ODEON_OK);
    assert_int_equal(capture->begin(s.queue), ODEON_OK);
    capture->destroy(first);
    assert_int_equal(capture->end(s.queue, &second), ODEON_OK);
    assert_int_equal(capture->begin(s.queue), ODEON_OK);
    s.opened.device.ops->free(s.opened.device.handle, s.memory[0]);
    s.memory[0] = NULL;
    assert_int_equal(capture->end(s.queue, &first), ODEON_ERR_DEVICE);
    capture->destroy(second);
    close_scene(&s);
    assert_int_equal(mem_live_blocks(), before);
    schema_destroy(config);
}

/* As libraries do that were given no workspace; the driver would say 'invalid argument'. */
static void test_what_no_loop_may_hold_is_named(void **state)
{
    (void)state;
    skip_where_not_built();
    odeon_config *config = configure("mocked");
    scene s;
    odeon_recording *recording;
    open_scene(&s, config);
    const odeon_device_capture *capture =
        s.opened.device.get_table(&s.opened.device, ODEON_DEVICE_CAPTURE);
    assert_int_equal(compute(&s), ODEON_OK);
    assert_int_equal(setenv("ODEON_MOCKED_ALLOCATES", "1", 1), 0);
    diag_clear();
    assert_int_equal(record(&s, capture, &recording), ODEON_ERR_DEVICE);
    assert_int_equal(unsetenv("ODEON_MOCKED_ALLOCATES"), 0);
    assert_non_null(strstr(diag_message(), "a loop on the GPU cannot hold an allocation"));
    close_scene(&s);
    schema_destroy(config);
}

/* The driver's own words are "invalid argument", whatever is wrong. */
static void test_a_refused_graph_names_its_node(void **state)
{
    (void)state;
    skip_where_not_built();
    odeon_config *config = configure("mocked");
    scene s;
    odeon_recording *recording;
    char drawn[] = "/tmp/odeon_graph_XXXXXX";
    int file = mkstemp(drawn);
    assert_true(file >= 0);
    assert_int_equal(close(file), 0);
    open_scene(&s, config);
    const odeon_device_capture *capture =
        s.opened.device.get_table(&s.opened.device, ODEON_DEVICE_CAPTURE);
    assert_int_equal(compute(&s), ODEON_OK);
    assert_int_equal(setenv("ODEON_MOCKED_NO_GRAPH", "1", 1), 0);
    assert_int_equal(setenv("ODEON_GRAPH_DOT", drawn, 1), 0);
    diag_clear();
    assert_int_equal(record(&s, capture, &recording), ODEON_ERR_DEVICE);
    assert_int_equal(unsetenv("ODEON_MOCKED_NO_GRAPH"), 0);
    assert_int_equal(unsetenv("ODEON_GRAPH_DOT"), 0);
    assert_non_null(strstr(diag_message(), "a node's operation is not supported there; the node is "
                                           "a kernel, "));
    assert_non_null(strstr(diag_message(), drawn));
    assert_non_null(strstr(diag_message(), "invalid argument"));
    struct stat info;
    assert_int_equal(stat(drawn, &info), 0);
    assert_true(info.st_size > 0);
    assert_int_equal(unlink(drawn), 0);
    close_scene(&s);
    schema_destroy(config);
}

/* TIMES uploads of n numbers each, without a wait between them. */
static void check_uploads(int64_t n)
{
    enum { TIMES = 40 };
    support_device d = support_device_open(plugins, "mocked", ODEON_DTYPE_F32);
    const int64_t all = n * TIMES;
    odeon_tensor y = support_upload(&d, NULL, 1, &all);
    float *values = mem_zalloc((size_t)n, sizeof *values), *to = odeon_write(&y);
    assert_non_null(values);
    for (int32_t i = 0; i < TIMES; i++) {
        for (int64_t j = 0; j < n; j++) {
            values[j] = (float)(i * n + j);
        }
        const odeon_device_ops *ops = d.device->ops;
        assert_int_equal(ops->upload(d.queue, to + i * n, values, (uint64_t)n * sizeof *values),
                         ODEON_OK);
        memset(values, 0xff, (size_t)n * sizeof *values);
    }
    double *back = support_download(&d, &y.view);
    for (int64_t j = 0; j < all; j++) {
        assert_true(back[j] == (double)j);
    }
    mem_free(back);
    mem_free(values);
    support_release(&d, &y);
    support_device_close(&d);
}

/* What is uploaded may be changed at once, however late the GPU's copy is made: little, of which
 * there is more than the queue has pinned memory for, and much. */
static void test_an_upload_may_be_changed_at_once(void **state)
{
    (void)state;
    skip_where_not_built();
    check_uploads(1000);
    check_uploads(20000);
}

static void test_an_ini_may_do_without_loops(void **state)
{
    (void)state;
    skip_where_not_built();
    support_device d = support_device_open(plugins, "mocked(loops=no)", ODEON_DTYPE_F32);
    const odeon_device_capture *capture = d.device->get_table(d.device, ODEON_DEVICE_CAPTURE);
    assert_non_null(capture->begin);
    assert_null(capture->loop_begin);
    assert_null(capture->loop_end);
    support_device_close(&d);
}

/* CUDA 12.3 had no WHILE nodes. */
static void test_an_older_driver_records_without_loops(void **state)
{
    (void)state;
    skip_where_not_built();
    support_device d = support_device_open(plugins, "mocked", ODEON_DTYPE_F32);
    odeon_tensor y = support_upload(&d, NULL, 1, (int64_t[]){6});
    odeon_recording *recording;
    assert_int_equal(setenv("ODEON_MOCKED_DRIVER", "12030", 1), 0);
    const odeon_device_capture *capture = d.device->get_table(d.device, ODEON_DEVICE_CAPTURE);
    assert_null(capture->loop_begin);
    assert_null(capture->loop_end);
    assert_int_equal(capture->begin(d.queue), ODEON_OK);
    assert_int_equal(ODEON_DO(d.device, move, fill, d.queue, .y = &y, .value = odeon_imm(3.0)),
                     ODEON_OK);
    assert_int_equal(capture->end(d.queue, &recording), ODEON_OK);
    assert_int_equal(capture->replay(d.queue, recording), ODEON_OK);
    assert_int_equal(unsetenv("ODEON_MOCKED_DRIVER"), 0);
    double *values = support_download(&d, &y.view);
    assert_true(values[0] == 3.0 && values[5] == 3.0);
    mem_free(values);
    capture->destroy(recording);
    support_release(&d, &y);
    support_device_close(&d);
}

/* The driver shows one GPU. */
static void test_a_card_that_is_not_there_is_named(void **state)
{
    (void)state;
    skip_where_not_built();
    odeon_config *config = configure("mocked(card=3)");
    open_device opened = {.base = NULL};
    assert_int_equal(device_open(plugins, config, "device", &opened), ODEON_OK);
    diag_clear();
    assert_int_equal(opened.ops.probe(opened.device.self), ODEON_ERR_DEVICE);
    assert_non_null(strstr(diag_message(), "card = 3, but the driver shows only 1"));
    device_close(&opened);
    schema_destroy(config);
}

/* ---- no GPU that could be used ---- */

typedef struct obstacle {
    const char *name, *value; /* of the environment */
    odeon_status status;
    const char *text;
} obstacle;

static void assert_refused(const obstacle *o)
{
    odeon_config *config = configure("mocked");
    open_device opened = {.base = NULL};
    assert_int_equal(device_open(plugins, config, "device", &opened), ODEON_OK);
    assert_int_equal(setenv(o->name, o->value, 1), 0);
    diag_clear();
    assert_int_equal(opened.ops.probe(opened.device.self), o->status);
    assert_int_equal(unsetenv(o->name), 0);
    if (strstr(diag_message(), o->text) == NULL) {
        fail_msg("no '%s' in '%s'", o->text, diag_message());
    }
    assert_int_equal(opened.ops.probe(opened.device.self), ODEON_OK);
    device_close(&opened);
    schema_destroy(config);
}

static void test_every_obstacle_to_a_card_is_named(void **state)
{
    static const obstacle obstacles[] = {
        {"ODEON_MOCKED_DRIVER", "0", ODEON_ERR_DEVICE,
         "cuda: no device: this machine has no NVIDIA driver (libcuda.so.1); install it or choose "
         "another run.device"},
        {"ODEON_MOCKED_DRIVER", "11080", ODEON_ERR_DEVICE,
         "cuda: no device: the NVIDIA driver is for CUDA 11.8 and this plugin for "},
        {"ODEON_MOCKED_CARDS", "0", ODEON_ERR_DEVICE,
         "cuda: no device: the NVIDIA driver finds no GPU that this process may use"},
        {"ODEON_MOCKED_BUSY", "1", ODEON_ERR_DEVICE,
         "cuda: no device: GPU 0: taking it into use: CUDA-capable device(s) is/are busy or "
         "unavailable (cudaErrorDevicesUnavailable); see nvidia-smi"},
    };
    (void)state;
    skip_where_not_built();
    for (size_t i = 0; i < sizeof obstacles / sizeof *obstacles; i++) {
        assert_refused(&obstacles[i]);
    }
}

/* ---- a GPU that fails ---- */

static void test_want_of_memory_is_told_in_sizes(void **state)
{
    (void)state;
    skip_where_not_built();
    assert_int_equal(setenv("ODEON_MOCKED_MEMORY", "1073741824", 1), 0);
    support_device d = support_device_open(plugins, "mocked(blas=own)", ODEON_DTYPE_F32);
    const odeon_device_ops *ops = d.device->ops;
    void *most = NULL, *more = NULL;
    assert_int_equal(ops->alloc(d.device->handle, 768 << 20, &most), ODEON_OK);
    diag_clear();
    assert_int_equal(ops->alloc(d.device->handle, (256 << 20) + 1, &more), ODEON_ERR_NOMEM);
    assert_null(more);
    assert_non_null(strstr(diag_message(), "cuda: asking for 256 MiB: no memory on the GPU: "));
    assert_non_null(strstr(diag_message(), " of 1 GiB are free, this run holds 768 MiB; a smaller "
                                           "data.batch or model needs less"));
    ops->free(d.device->handle, most);
    assert_int_equal(ops->alloc(d.device->handle, 768 << 20, &most), ODEON_OK); /* and goes on */
    ops->free(d.device->handle, most);
    support_device_close(&d);
    assert_int_equal(unsetenv("ODEON_MOCKED_MEMORY"), 0);
}

/* After an error that the context does not outlive every call fails, and nothing leaks or hangs. */
static void test_a_lost_context_is_told_by_every_call(void **state)
{
    (void)state;
    skip_where_not_built();
    odeon_config *config = configure("mocked");
    int64_t before = mem_live_blocks();
    scene s;
    open_scene(&s, config);
    assert_int_equal(setenv("ODEON_MOCKED_LOST", "1", 1), 0);
    void *more = NULL;
    odeon_status answers[4] = {
        compute(&s), s.opened.device.ops->wait(s.queue),
        s.opened.device.ops->alloc(s.opened.device.handle, 8, &more),
        s.opened.device.ops->download(s.queue, &more, s.memory[0], sizeof more)};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(answers[i], ODEON_ERR_DEVICE);
    }
    diag_clear();
    assert_int_equal(s.opened.device.ops->wait(s.queue), ODEON_ERR_DEVICE);
    assert_non_null(strstr(diag_message(), "cuda: waiting for the GPU: an illegal memory access "
                                           "was encountered (cudaErrorIllegalAddress); the GPU's "
                                           "context is lost"));
    close_scene(&s);
    assert_int_equal(unsetenv("ODEON_MOCKED_LOST"), 0);
    assert_int_equal(mem_live_blocks(), before);
    schema_destroy(config);
}

static void test_a_card_without_code_is_told_how_to_build(void **state)
{
    (void)state;
    skip_where_not_built();
    odeon_config *config = configure("mocked");
    open_device opened = {.base = NULL};
    assert_int_equal(device_open(plugins, config, "device", &opened), ODEON_OK);
    assert_int_equal(setenv("ODEON_MOCKED_NO_CODE", "1", 1), 0);
    diag_clear();
    assert_int_equal(opened.ops.probe(opened.device.self), ODEON_ERR_DEVICE);
    assert_int_equal(unsetenv("ODEON_MOCKED_NO_CODE"), 0);
    assert_non_null(strstr(diag_message(), "compute capability 9.0"));
    assert_non_null(strstr(diag_message(), "-DODEON_CUDA_ARCHITECTURES=90"));
    device_close(&opened);
    schema_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_call_may_fail),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_launches_waits_and_memory_are_counted),
        cmocka_unit_test(test_convolutions_are_recorded),
        cmocka_unit_test(test_algorithms_are_fixed_or_the_fastest),
        cmocka_unit_test(test_algorithms_are_of_the_arithmetic),
        cmocka_unit_test(test_a_refused_algorithm_is_replaced),
        cmocka_unit_test(test_a_refused_graph_names_its_node),
        cmocka_unit_test(test_an_upload_may_be_changed_at_once),
        cmocka_unit_test(test_the_first_convolution_is_not_recorded),
        cmocka_unit_test(test_what_goes_while_a_queue_records_goes_later),
        cmocka_unit_test(test_what_no_loop_may_hold_is_named),
        cmocka_unit_test(test_an_ini_may_do_without_loops),
        cmocka_unit_test(test_an_older_driver_records_without_loops),
        cmocka_unit_test(test_a_card_that_is_not_there_is_named),
        cmocka_unit_test(test_a_card_without_code_is_told_how_to_build),
        cmocka_unit_test(test_every_obstacle_to_a_card_is_named),
        cmocka_unit_test(test_want_of_memory_is_told_in_sizes),
        cmocka_unit_test(test_a_lost_context_is_told_by_every_call),
    };
    return cmocka_run_group_tests(tests, open_plugins, close_plugins);
}
