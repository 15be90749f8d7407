/* ODEON_DEVICE_CAPTURE: what is recorded and replayed gives the bits of calls one by one; what may
 * not be recorded is refused. */
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "capture_fixture.h"
#include "device/open.h"
#include "odeon/device_ext.h"
#include "odeon/device_move.h"
#include "odeon/device_optimizer.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_product.h"
#include "odeon/device_solver.h"

enum { N = 5, LAYER = 3 };

/* ---- a network's operators ---- */

/* One step of training a small network: y = relu(w x + b), dw and db of a sum of squares, an update
 * of w. Every replay goes on from where the one before stopped. */
typedef struct net {
    odeon_tensor x, w, b, y, dw, db, mean;
} net;

static net open_net(capture_fixture *f)
{
    static const int64_t x[] = {N, LAYER}, w[] = {LAYER, LAYER}, b[] = {LAYER}, c[] = {1};
    return (net){.x = capture_tensor(f, 1, 2, x),
                 .w = capture_tensor(f, 2, 2, w),
                 .b = capture_tensor(f, 3, 1, b),
                 .y = capture_tensor(f, 4, 2, x),
                 .dw = capture_tensor(f, 5, 2, w),
                 .db = capture_tensor(f, 6, 1, b),
                 .mean = support_upload_as(&f->d, ODEON_DTYPE_F64, NULL, 1, c)};
}

static void close_net(capture_fixture *f, net *n)
{
    odeon_tensor *all[] = {&n->x, &n->w, &n->b, &n->y, &n->dw, &n->db, &n->mean};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        support_release(&f->d, all[i]);
    }
}

enum { NET_CALLS = 8 };

/* The caller's arguments are overwritten on the way, as between two calls they may be. */
static void train_once(capture_fixture *f, const net *n)
{
    odeon_queue *queue = f->queue;
    odeon_view bias = n->b.view, rows = n->y.view;
    capture_check(ODEON_DO(f->d.device, product, gemm, queue, .trans_b = 1, .alpha = 1.0,
                           .a = &n->x.view, .b = &n->w.view, .c = &n->y, .bias = &bias,
                           .act = ODEON_UNARY_RELU));
    memset(&bias, 0xff, sizeof bias);
    capture_check(ODEON_DO(f->d.device, move, fill, queue, .y = &n->db, .value = odeon_imm(0.0)));
    rows.shape = (odeon_shape){.ndim = 3, .dtype = rows.shape.dtype, .dim = {N, LAYER, 1}};
    capture_check(ODEON_DO(f->d.device, product, channel_sum, queue, .x = &rows, .bias = &n->db));
    memset(&rows, 0xff, sizeof rows);
    capture_check(ODEON_DO(f->d.device, product, gemm, queue, .trans_a = 1, .alpha = 1.0,
                           .a = &n->y.view, .b = &n->x.view, .c = &n->dw));
    capture_check(ODEON_DO(f->d.device, optimizer, sgd_step, queue, .p = &n->w, .g = &n->dw.view,
                           .lr = 0.125));
    const odeon_view *terms[] = {&n->db.view};
    odeon_scalar rate = odeon_imm(-0.0625);
    capture_check(ODEON_DO(f->d.device, solver, lincomb, queue, .y = &n->b, .base = &n->b.view,
                           .n = 1, .x = terms, .coefficient = &rate));
    rate = odeon_imm(1e9);
    terms[0] = NULL;
    capture_check(ODEON_DO(f->d.device, solver, dot, queue, .a = &n->w.view, .b = &n->w.view,
                           .slots = f->slots, .slot = ODEON_SLOT_USER));
    capture_check(ODEON_DO(f->d.device, pointwise, unary, queue, .id = ODEON_UNARY_TANH,
                           .x = &n->x.view, .y = &n->x));
}

static void check_replay(const char *device, uint32_t dtype)
{
    enum { TIMES = 4 };
    capture_fixture *f = capture_open(device, dtype), *g = capture_open(device, dtype);
    net eager = open_net(f), recorded = open_net(g);
    odeon_recording *recording;
    for (int i = 0; i < TIMES; i++) {
        train_once(f, &eager);
    }
    capture_check(g->capture->begin(g->queue));
    train_once(g, &recorded);
    capture_check(g->capture->end(g->queue, &recording));
    for (int i = 0; i < TIMES; i++) {
        capture_check(g->capture->replay(g->queue, recording));
    }
    double here, there;
    capture_check(f->ops->slots_read(f->queue, f->slots, ODEON_SLOT_USER, 1, &here));
    capture_check(g->ops->slots_read(g->queue, g->slots, ODEON_SLOT_USER, 1, &there));
    assert_memory_equal(&here, &there, sizeof here);
    assert_true(here > 0.0);
    capture_assert_same_bits(f, &eager.w.view, g, &recorded.w.view);
    capture_assert_same_bits(f, &eager.b.view, g, &recorded.b.view);
    capture_assert_same_bits(f, &eager.y.view, g, &recorded.y.view);
    capture_assert_same_bits(f, &eager.x.view, g, &recorded.x.view);
    g->capture->destroy(recording);
    close_net(f, &eager);
    close_net(g, &recorded);
    capture_close(f);
    capture_close(g);
}

static void test_replays_give_the_bits_of_calls(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        check_replay(capture_devices[i], ODEON_DTYPE_F32);
        check_replay(capture_devices[i], ODEON_DTYPE_F64);
    }
}

static void test_recording_does_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        capture_fixture *f = capture_open(capture_devices[i], ODEON_DTYPE_F64),
                        *g = capture_open(capture_devices[i], ODEON_DTYPE_F64);
        net recorded = open_net(f), untouched = open_net(g);
        odeon_recording *recording;
        capture_check(f->capture->begin(f->queue));
        train_once(f, &recorded);
        capture_check(f->capture->end(f->queue, &recording));
        capture_assert_same_bits(f, &recorded.w.view, g, &untouched.w.view);
        capture_assert_same_bits(f, &recorded.x.view, g, &untouched.x.view);
        f->capture->destroy(recording);
        close_net(f, &recorded);
        close_net(g, &untouched);
        capture_close(f);
        capture_close(g);
    }
}

static void test_replay_is_one_launch_and_no_wait(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        capture_fixture *f = capture_open(capture_devices[i], ODEON_DTYPE_F32);
        net n = open_net(f);
        odeon_recording *recording;
        train_once(f, &n); /* the first time may try what a library can do */
        capture_counts start = capture_count(f);
        train_once(f, &n);
        capture_counts eager = capture_count(f);
        capture_check(f->capture->begin(f->queue));
        train_once(f, &n);
        capture_check(f->capture->end(f->queue, &recording));
        capture_counts recorded = capture_count(f);
        capture_check(f->capture->replay(f->queue, recording));
        capture_check(f->capture->replay(f->queue, recording));
        capture_counts replayed = capture_count(f);
        assert_int_equal(eager.launches - start.launches, NET_CALLS);
        assert_int_equal(recorded.launches - eager.launches, 0);
        assert_int_equal(replayed.launches - recorded.launches, 2);
        assert_int_equal(replayed.waits, start.waits);
        assert_int_equal(replayed.allocs, start.allocs);
        f->capture->destroy(recording);
        close_net(f, &n);
        capture_close(f);
    }
}

/* ---- loops on their own ---- */

/* How often a loop adds 1 to USER when slot USER + 1 holds value, and may go round 7 times. */
static double passes_of(capture_fixture *f, double value)
{
    const double begin[] = {0.0, value}, one = 1.0;
    double seen[3];
    odeon_tensor sum = {.view.data = f->slots + ODEON_SLOT_USER,
                        .view.shape.dtype = ODEON_DTYPE_F64,
                        .view.shape.ndim = 1,
                        .view.shape.dim = {1}};
    odeon_recording *recording;
    capture_check(f->capture->begin(f->queue));
    capture_check(f->capture->loop_begin(f->queue, f->slots, ODEON_SLOT_USER + 1, 7));
    capture_check(ODEON_DO(f->d.device, move, cast, f->queue, .x = &sum.view, .scale = 1.0,
                           .shift = 1.0, .y = &sum));
    capture_check(f->capture->loop_end(f->queue));
    capture_check(ODEON_DO(f->d.device, solver, slots_write, f->queue, .slots = f->slots,
                           .first = ODEON_SLOT_USER + 2, .n = 1, .values = &one));
    capture_check(f->capture->end(f->queue, &recording));
    capture_check(ODEON_DO(f->d.device, solver, slots_write, f->queue, .slots = f->slots,
                           .first = ODEON_SLOT_USER, .n = 2, .values = begin));
    capture_check(f->capture->replay(f->queue, recording));
    capture_check(f->ops->slots_read(f->queue, f->slots, ODEON_SLOT_USER, 3, seen));
    assert_true(seen[2] == 1.0); /* what stands behind the loop is done once */
    f->capture->destroy(recording);
    return seen[0];
}

static void test_loop_ends_by_its_slot_or_its_passes(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        capture_fixture *f = capture_open(capture_devices[i], ODEON_DTYPE_F64);
        assert_true(passes_of(f, 0.0) == 7.0);
        assert_true(passes_of(f, 1.0) == 0.0);
        assert_true(passes_of(f, (double)NAN) == 0.0);
        capture_close(f);
    }
}

/* ---- what is refused ---- */

static odeon_status ask_upload(capture_fixture *f)
{
    double value = 1.0;
    return f->ops->upload(f->queue, f->slots, &value, sizeof value);
}

static odeon_status ask_download(capture_fixture *f)
{
    double value;
    return f->ops->download(f->queue, &value, f->slots, sizeof value);
}

static odeon_status ask_slots_read(capture_fixture *f)
{
    double value;
    return f->ops->slots_read(f->queue, f->slots, 0, 1, &value);
}

static odeon_status ask_wait(capture_fixture *f)
{
    return f->ops->wait(f->queue);
}

static odeon_status ask_alloc(capture_fixture *f)
{
    void *memory;
    odeon_status status = f->ops->alloc(f->d.device->handle, 8, &memory);
    assert_null(memory);
    return status;
}

static odeon_status ask_begin(capture_fixture *f)
{
    return f->capture->begin(f->queue);
}

static odeon_status ask_loop_end(capture_fixture *f)
{
    return f->capture->loop_end(f->queue);
}

static odeon_status ask_nested_loop(capture_fixture *f)
{
    capture_check(f->capture->loop_begin(f->queue, f->slots, ODEON_SLOT_DONE, 1));
    odeon_status status = f->capture->loop_begin(f->queue, f->slots, ODEON_SLOT_DONE, 1);
    capture_check(f->capture->loop_end(f->queue));
    return status;
}

typedef struct refusal {
    odeon_status (*ask)(capture_fixture *f);
    const char *name; /* stands in the message */
} refusal;

static const refusal refusals[] = {
    {ask_upload, "upload"},     {ask_download, "download"}, {ask_slots_read, "slots_read"},
    {ask_wait, "wait"},         {ask_alloc, "alloc"},       {ask_begin, "begin"},
    {ask_loop_end, "loop_end"}, {ask_nested_loop, "nest"},
};

static void check_refusal(const char *device, const refusal *r)
{
    capture_fixture *f = capture_open(device, ODEON_DTYPE_F64);
    odeon_recording *recording;
    capture_check(f->capture->begin(f->queue));
    assert_int_equal(r->ask(f), ODEON_ERR_DEVICE);
    assert_non_null(strstr(diag_message(), r->name));
    assert_int_equal(f->capture->end(f->queue, &recording), ODEON_ERR_DEVICE);
    assert_null(recording);
    capture_check(f->ops->wait(f->queue)); /* nothing of it is left */
    capture_close(f);
}

static void test_what_waits_or_allocates_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        for (int j = 0; j < capture_n_devices(); j++) {
            check_refusal(capture_devices[j], &refusals[i]);
        }
    }
}

static void test_freeing_spoils_a_recording(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        capture_fixture *f = capture_open(capture_devices[i], ODEON_DTYPE_F64);
        odeon_recording *recording;
        void *memory;
        capture_check(f->ops->alloc(f->d.device->handle, 8, &memory));
        capture_check(f->capture->begin(f->queue));
        f->ops->free(f->d.device->handle, memory);
        assert_int_equal(f->capture->end(f->queue, &recording), ODEON_ERR_DEVICE);
        assert_null(recording);
        capture_close(f);
    }
}

static void test_end_refuses_an_open_loop(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        capture_fixture *f = capture_open(capture_devices[i], ODEON_DTYPE_F64);
        odeon_recording *recording;
        capture_check(f->capture->begin(f->queue));
        capture_check(f->capture->loop_begin(f->queue, f->slots, ODEON_SLOT_DONE, 1));
        assert_int_equal(f->capture->end(f->queue, &recording), ODEON_ERR_DEVICE);
        assert_null(recording);
        capture_close(f);
    }
}

static void test_end_and_loops_want_a_begin(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        capture_fixture *f = capture_open(capture_devices[i], ODEON_DTYPE_F64);
        odeon_recording *recording;
        assert_int_equal(f->capture->end(f->queue, &recording), ODEON_ERR_DEVICE);
        assert_null(recording);
        assert_int_equal(f->capture->loop_begin(f->queue, f->slots, 0, 1), ODEON_ERR_DEVICE);
        assert_int_equal(f->capture->loop_end(f->queue), ODEON_ERR_DEVICE);
        capture_close(f);
    }
}

/* Another worker may go on with its own queue, and allocate. */
static void test_replay_is_refused_by_another_queue_and_while_recording(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        capture_fixture *f = capture_open(capture_devices[i], ODEON_DTYPE_F64);
        odeon_queue *other;
        capture_check(device_queue_create(f->d.device, 1, &other));
        odeon_recording *recording = NULL, *second;
        capture_check(f->capture->begin(f->queue));
        capture_check(f->ops->wait(other));
        capture_check(f->capture->end(f->queue, &recording));
        assert_int_equal(f->capture->replay(other, recording), ODEON_ERR_DEVICE);
        capture_check(f->capture->begin(f->queue));
        assert_int_equal(f->capture->replay(f->queue, recording), ODEON_ERR_DEVICE);
        assert_int_equal(f->capture->end(f->queue, &second), ODEON_ERR_DEVICE);
        f->capture->destroy(recording);
        f->capture->destroy(NULL);
        device_queue_destroy(f->d.device, other);
        capture_close(f);
    }
}

static void test_queue_may_go_while_it_records(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        capture_fixture *f = capture_open(capture_devices[i], ODEON_DTYPE_F64);
        odeon_queue *other;
        const odeon_tensor t = odeon_tensor_at(
            f->slots, (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}});
        capture_check(device_queue_create(f->d.device, 1, &other));
        capture_check(f->capture->begin(other));
        capture_check(ODEON_DO(f->d.device, move, fill, other, .y = &t, .value = odeon_imm(1.0)));
        device_queue_destroy(f->d.device, other);
        void *memory;
        capture_check(f->ops->alloc(f->d.device->handle, 8, &memory));
        f->ops->free(f->d.device->handle, memory);
        capture_close(f);
    }
}

/* A failure within a replay: eager at the replay, late by whoever waits. */
static void test_failure_of_a_replay_is_told(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        capture_fixture *f = capture_open(capture_devices[i], ODEON_DTYPE_F64);
        double host = 0.0;
        odeon_tensor wrong = {.view.data = &host,
                              .view.shape.dtype = ODEON_DTYPE_F64,
                              .view.shape.ndim = 1,
                              .view.shape.dim = {1}};
        odeon_recording *recording;
        capture_check(f->capture->begin(f->queue));
        capture_check(
            ODEON_DO(f->d.device, move, fill, f->queue, .y = &wrong, .value = odeon_imm(1.0)));
        capture_check(f->capture->end(f->queue, &recording));
        odeon_status status = f->capture->replay(f->queue, recording);
        if (i == 1) {
            capture_check(status);
            status = f->ops->wait(f->queue);
        }
        assert_int_equal(status, ODEON_ERR_INTERNAL);
        assert_non_null(strstr(diag_message(), "fill"));
        f->capture->destroy(recording);
        capture_close(f);
    }
}

static void test_every_allocation_of_a_recording_may_fail(void **state)
{
    (void)state;
    enum { CALLS = 5 };
    capture_fixture *f = capture_open(capture_devices[0], ODEON_DTYPE_F64);
    odeon_tensor t = {.view.data = f->slots,
                      .view.shape.dtype = ODEON_DTYPE_F64,
                      .view.shape.ndim = 1,
                      .view.shape.dim = {1}};
    for (int64_t n = 1; n <= 1 + CALLS; n++) {
        odeon_recording *recording = NULL;
        mem_fail_at(n);
        odeon_status status = f->capture->begin(f->queue);
        for (int i = 0; i < CALLS && status == ODEON_OK; i++) {
            status = ODEON_DO(f->d.device, move, fill, f->queue, .y = &t, .value = odeon_imm(1.0));
        }
        mem_fail_at(0);
        assert_int_equal(status, ODEON_ERR_NOMEM);
        if (n > 1) {
            assert_int_equal(f->capture->end(f->queue, &recording), ODEON_ERR_NOMEM);
        }
        assert_null(recording);
        diag_clear();
    }
    capture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replays_give_the_bits_of_calls),
        cmocka_unit_test(test_recording_does_nothing),
        cmocka_unit_test(test_replay_is_one_launch_and_no_wait),
        cmocka_unit_test(test_loop_ends_by_its_slot_or_its_passes),
        cmocka_unit_test(test_what_waits_or_allocates_is_refused),
        cmocka_unit_test(test_freeing_spoils_a_recording),
        cmocka_unit_test(test_end_refuses_an_open_loop),
        cmocka_unit_test(test_end_and_loops_want_a_begin),
        cmocka_unit_test(test_replay_is_refused_by_another_queue_and_while_recording),
        cmocka_unit_test(test_queue_may_go_while_it_records),
        cmocka_unit_test(test_failure_of_a_replay_is_told),
        cmocka_unit_test(test_every_allocation_of_a_recording_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
