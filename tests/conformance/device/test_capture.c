/* ODEON_DEVICE_CAPTURE: what is recorded and replayed gives the bits of calls one by one; what may
 * not be recorded is refused. */
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "capture_fixture.h"

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
    const odeon_device_ops *ops = f->ops;
    odeon_queue *queue = f->queue;
    odeon_epilogue last = {.bias = &n->b, .act = ODEON_UNARY_RELU};
    odeon_tensor rows = n->y;
    capture_check(ops->gemm(queue, 0, 1, 1.0, &n->x, &n->w, 0.0, &n->y, &last));
    memset(&last, 0xff, sizeof last);
    capture_check(ops->fill(queue, &n->db, odeon_imm(0.0), NULL));
    rows = (odeon_tensor){.data = n->y.data, .dtype = n->y.dtype, .ndim = 3, .dim = {N, LAYER, 1}};
    capture_check(ops->channel_sum(queue, &rows, &n->db));
    memset(&rows, 0xff, sizeof rows);
    capture_check(ops->gemm(queue, 1, 0, 1.0, &n->y, &n->x, 0.0, &n->dw, NULL));
    capture_check(ops->sgd_step(queue, &n->w, &n->dw, NULL, 0.125, 0.0, 0.0, 0, 0));
    const odeon_tensor *terms[] = {&n->db};
    odeon_scalar rate = odeon_imm(-0.0625);
    capture_check(ops->lincomb(queue, &n->b, &n->b, 1, terms, &rate, NULL));
    rate = odeon_imm(1e9);
    terms[0] = NULL;
    capture_check(ops->dot(queue, &n->w, &n->w, f->slots, ODEON_SLOT_USER));
    capture_check(ops->unary(queue, ODEON_UNARY_TANH, &n->x, &n->x));
}

static void check_replay(const char *device, int32_t dtype)
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
    capture_assert_same_bits(f, &eager.w, g, &recorded.w);
    capture_assert_same_bits(f, &eager.b, g, &recorded.b);
    capture_assert_same_bits(f, &eager.y, g, &recorded.y);
    capture_assert_same_bits(f, &eager.x, g, &recorded.x);
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
        capture_assert_same_bits(f, &recorded.w, g, &untouched.w);
        capture_assert_same_bits(f, &recorded.x, g, &untouched.x);
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
        int kernels = i == CAPTURE_CUDA ? NET_CALLS + 1 : NET_CALLS; /* an epilogue is another */
        assert_int_equal(eager.launches - start.launches, kernels);
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
    odeon_tensor sum = {
        .data = f->slots + ODEON_SLOT_USER, .dtype = ODEON_DTYPE_F64, .ndim = 1, .dim = {1}};
    odeon_recording *recording;
    capture_check(f->capture->begin(f->queue));
    capture_check(f->capture->loop_begin(f->queue, f->slots, ODEON_SLOT_USER + 1, 7));
    capture_check(f->ops->cast(f->queue, &sum, 1.0, 1.0, &sum));
    capture_check(f->capture->loop_end(f->queue));
    capture_check(f->ops->slots_write(f->queue, f->slots, ODEON_SLOT_USER + 2, 1, &one));
    capture_check(f->capture->end(f->queue, &recording));
    capture_check(f->ops->slots_write(f->queue, f->slots, ODEON_SLOT_USER, 2, begin));
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
    odeon_status status = f->ops->alloc(f->self, 8, &memory);
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
        capture_check(f->ops->alloc(f->self, 8, &memory));
        capture_check(f->capture->begin(f->queue));
        f->ops->free(f->self, memory);
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
        capture_check(f->ops->queue_create(f->self, 1, &other));
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
        f->ops->queue_destroy(other);
        capture_close(f);
    }
}

static void test_queue_may_go_while_it_records(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        capture_fixture *f = capture_open(capture_devices[i], ODEON_DTYPE_F64);
        odeon_queue *other;
        odeon_tensor t = {.data = f->slots, .dtype = ODEON_DTYPE_F64, .ndim = 1, .dim = {1}};
        capture_check(f->ops->queue_create(f->self, 1, &other));
        capture_check(f->capture->begin(other));
        capture_check(f->ops->fill(other, &t, odeon_imm(1.0), NULL));
        f->ops->queue_destroy(other);
        void *memory;
        capture_check(f->ops->alloc(f->self, 8, &memory));
        f->ops->free(f->self, memory);
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
        odeon_tensor wrong = {.data = &host, .dtype = ODEON_DTYPE_F64, .ndim = 1, .dim = {1}};
        odeon_recording *recording;
        capture_check(f->capture->begin(f->queue));
        capture_check(f->ops->fill(f->queue, &wrong, odeon_imm(1.0), NULL));
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
    odeon_tensor t = {.data = f->slots, .dtype = ODEON_DTYPE_F64, .ndim = 1, .dim = {1}};
    for (int64_t n = 1; n <= 1 + CALLS; n++) {
        odeon_recording *recording = NULL;
        mem_fail_at(n);
        odeon_status status = f->capture->begin(f->queue);
        for (int i = 0; i < CALLS && status == ODEON_OK; i++) {
            status = f->ops->fill(f->queue, &t, odeon_imm(1.0), NULL);
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
