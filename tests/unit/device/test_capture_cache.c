/* Recordings by key: when calls are run plainly, recorded and replayed, and what drops a recording.
 * The device is one made here, which counts and can be told to fail. */
#include "device/capture_cache.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "device/worker_group.h"
#include "odeon/device_ext.h"
#include "support.h"

/* ---- a device ---- */

typedef struct fake {
    odeon_device device;
    odeon_queue queue;
    worker_group group;
    device_lane lane;
    capture_cache *r;
    bool without_capture, without_counters;
    odeon_status begin_status, end_status;
    int64_t allocs, begun, ended, replayed, destroyed;
} fake;

struct odeon_recording {
    fake *owner;
};

static fake *of_queue(const odeon_queue *queue)
{
    return queue->handle;
}

static odeon_status begin(odeon_queue *queue)
{
    fake *f = of_queue(queue);
    f->begun++;
    return f->begin_status == ODEON_OK ? ODEON_OK : diag_fail(f->begin_status, "fake: begin");
}

static odeon_status end(odeon_queue *queue, odeon_recording **out)
{
    fake *f = of_queue(queue);
    *out = NULL;
    f->ended++;
    if (f->end_status != ODEON_OK) {
        return diag_fail(f->end_status, "fake: end");
    }
    *out = mem_alloc(sizeof **out);
    assert_non_null(*out);
    (*out)->owner = f;
    return ODEON_OK;
}

static odeon_status replay(odeon_queue *queue, const odeon_recording *recording)
{
    fake *f = of_queue(queue);
    assert_ptr_equal(recording->owner, f);
    f->replayed++;
    return ODEON_OK;
}

static void destroy(odeon_recording *recording)
{
    recording->owner->destroyed++;
    mem_free(recording);
}

static void read_counts(void *self, int64_t *launches, int64_t *waits, int64_t *allocs,
                        int64_t *live_bytes)
{
    const fake *f = self;
    *launches = *waits = *live_bytes = 0;
    *allocs = f->allocs;
}

static const void *extension(const odeon_device *device, const char *id)
{
    static const odeon_device_capture capture = {.struct_size = sizeof capture,
                                                 .begin = begin,
                                                 .end = end,
                                                 .replay = replay,
                                                 .destroy = destroy};
    static const odeon_device_counters counters = {.struct_size = sizeof counters,
                                                   .read = read_counts};
    const fake *f = device->self;
    if (strcmp(id, ODEON_DEVICE_CAPTURE) == 0) {
        return f->without_capture ? NULL : &capture;
    }
    return strcmp(id, ODEON_DEVICE_COUNTERS) != 0 || f->without_counters ? NULL : &counters;
}

static void open_fake(fake *f)
{
    f->device = (odeon_device){
        .struct_size = sizeof f->device, .handle = f, .self = f, .get_table = extension};
    f->queue = (odeon_queue){.handle = f, .self = f};
    worker_group_init(&f->group, NULL, &f->device, 0, 1);
    f->lane = (device_lane){
        .device = &f->device, .queue = &f->queue, .group = &f->group, .capture = true};
    assert_int_equal(capture_cache_create(&f->lane, &f->r), ODEON_OK);
    diag_clear();
}

static void close_fake(fake *f)
{
    capture_cache_destroy(f->r);
    assert_int_equal(f->destroyed, f->ended - (f->end_status != ODEON_OK ? f->ended : 0));
}

/* Asks for a key that is one number. */
static int32_t ask(fake *f, int64_t key, recorded **x)
{
    return capture_cache_ask(f->r, &key, sizeof key, x);
}

/* Does what the answer says, and gives it. */
static int32_t go(fake *f, int64_t key)
{
    recorded *x;
    int32_t answer = ask(f, key, &x);
    if (answer == CAPTURE_CACHE_TAKE) {
        odeon_status status = capture_cache_begin(f->r, x);
        status = capture_cache_end(f->r, x, status);
        if (status == ODEON_OK) {
            assert_int_equal(capture_cache_replay(f->r, x), ODEON_OK);
        }
    } else if (answer == CAPTURE_CACHE_REPLAY) {
        assert_int_equal(capture_cache_replay(f->r, x), ODEON_OK);
    }
    return answer;
}

/* ---- which answer when ---- */

static void test_key_is_run_then_taken_then_replayed(void **state)
{
    (void)state;
    fake f = {.allocs = 7};
    open_fake(&f);
    assert_int_equal(go(&f, 1), CAPTURE_CACHE_RUN);
    assert_int_equal(go(&f, 1), CAPTURE_CACHE_TAKE);
    assert_int_equal(go(&f, 1), CAPTURE_CACHE_REPLAY);
    assert_int_equal(go(&f, 1), CAPTURE_CACHE_REPLAY);
    assert_int_equal(f.begun, 1);
    assert_int_equal(f.replayed, 3);
    close_fake(&f);
}

static void test_keys_have_recordings_of_their_own(void **state)
{
    (void)state;
    fake f = {.allocs = 0};
    open_fake(&f);
    recorded *one, *other;
    for (int i = 0; i < 2; i++) {
        (void)go(&f, 1);
        (void)go(&f, 2);
    }
    assert_int_equal(ask(&f, 1, &one), CAPTURE_CACHE_REPLAY);
    assert_int_equal(ask(&f, 2, &other), CAPTURE_CACHE_REPLAY);
    assert_ptr_not_equal(one->recording, other->recording);
    close_fake(&f);
}

static void test_shorter_key_is_another(void **state)
{
    (void)state;
    fake f = {.allocs = 0};
    open_fake(&f);
    recorded *x;
    const char key[] = "abc";
    assert_int_equal(capture_cache_ask(f.r, key, 3, &x), CAPTURE_CACHE_RUN);
    assert_int_equal(capture_cache_ask(f.r, key, 2, &x), CAPTURE_CACHE_RUN);
    assert_int_equal(capture_cache_ask(f.r, key, 3, &x), CAPTURE_CACHE_TAKE);
    close_fake(&f);
}

static void test_allocation_drops_all_recordings(void **state)
{
    (void)state;
    fake f = {.allocs = 0};
    open_fake(&f);
    for (int i = 0; i < 2; i++) {
        (void)go(&f, 1);
        (void)go(&f, 2);
    }
    f.allocs++;
    assert_int_equal(go(&f, 1), CAPTURE_CACHE_RUN);
    assert_int_equal(f.destroyed, 2);
    assert_int_equal(go(&f, 2), CAPTURE_CACHE_RUN);
    assert_int_equal(go(&f, 1), CAPTURE_CACHE_TAKE);
    assert_int_equal(go(&f, 2), CAPTURE_CACHE_TAKE);
    assert_int_equal(go(&f, 1), CAPTURE_CACHE_REPLAY);
    close_fake(&f);
}

static void test_owner_may_forget_its_recordings(void **state)
{
    (void)state;
    fake f = {.allocs = 0};
    open_fake(&f);
    (void)go(&f, 1);
    (void)go(&f, 1);
    capture_cache_forget(f.r);
    assert_int_equal(go(&f, 1), CAPTURE_CACHE_RUN);
    assert_int_equal(f.destroyed, 1);
    close_fake(&f);
}

static void test_declined_key_is_always_run(void **state)
{
    (void)state;
    fake f = {.allocs = 0};
    open_fake(&f);
    recorded *x;
    assert_int_equal(ask(&f, 1, &x), CAPTURE_CACHE_RUN);
    capture_cache_decline(f.r, x, "too long");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(go(&f, 1), CAPTURE_CACHE_RUN);
    }
    f.allocs++;
    assert_int_equal(go(&f, 1), CAPTURE_CACHE_RUN);
    assert_int_equal(go(&f, 1), CAPTURE_CACHE_RUN);
    capture_cache_decline(f.r, NULL, "");
    assert_int_equal(f.begun, 0);
    close_fake(&f);
}

/* ---- failures ---- */

static void check_failure(fake *f)
{
    open_fake(f);
    assert_int_equal(go(f, 1), CAPTURE_CACHE_RUN);
    for (int i = 0; i < CAPTURE_CACHE_ATTEMPTS; i++) {
        assert_int_equal(go(f, 1), CAPTURE_CACHE_TAKE);
        assert_string_equal(diag_message(), "");
    }
    assert_int_equal(go(f, 1), CAPTURE_CACHE_RUN);
    assert_int_equal(go(f, 1), CAPTURE_CACHE_RUN);
    assert_int_equal(f->begun, CAPTURE_CACHE_ATTEMPTS);
    assert_int_equal(f->replayed, 0);
    capture_cache_destroy(f->r);
}

static void test_what_cannot_be_recorded_is_run_and_not_told(void **state)
{
    (void)state;
    fake refuses_begin = {.begin_status = ODEON_ERR_DEVICE};
    fake refuses_end = {.end_status = ODEON_ERR_DEVICE};
    check_failure(&refuses_begin);
    assert_int_equal(refuses_begin.ended, 0);
    check_failure(&refuses_end);
}

static void test_failure_of_a_call_ends_and_drops_the_recording(void **state)
{
    (void)state;
    fake f = {.allocs = 0};
    open_fake(&f);
    recorded *x;
    (void)go(&f, 1);
    assert_int_equal(ask(&f, 1, &x), CAPTURE_CACHE_TAKE);
    assert_int_equal(capture_cache_begin(f.r, x), ODEON_OK);
    x->notes = mem_alloc(8);
    f.group.delivered = ODEON_ERR_NUMERIC;
    odeon_status status = diag_fail(ODEON_ERR_NUMERIC, "a layer fails");
    assert_int_equal(capture_cache_end(f.r, x, status), ODEON_ERR_NUMERIC);
    assert_string_equal(diag_message(), "");
    assert_int_equal(f.group.delivered, ODEON_OK);
    assert_null(x->notes);
    assert_int_equal(f.ended, 1);
    assert_int_equal(f.destroyed, 1);
    assert_int_equal(go(&f, 1), CAPTURE_CACHE_TAKE); /* once more */
    assert_int_equal(go(&f, 1), CAPTURE_CACHE_REPLAY);
    close_fake(&f);
}

static void test_key_that_cannot_be_remembered_is_run(void **state)
{
    (void)state;
    fake f = {.allocs = 0};
    open_fake(&f);
    recorded *x;
    mem_fail_at(1);
    assert_int_equal(ask(&f, 1, &x), CAPTURE_CACHE_RUN);
    mem_fail_at(0);
    assert_null(x);
    assert_int_equal(ask(&f, 1, &x), CAPTURE_CACHE_RUN);
    assert_non_null(x);
    capture_cache_destroy(f.r);
    mem_fail_at(1);
    assert_int_equal(capture_cache_create(&f.lane, &f.r), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_null(f.r);
}

/* ---- where nothing is recorded ---- */

static void check_always_run(fake *f)
{
    recorded *x;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(f, 1, &x), CAPTURE_CACHE_RUN);
        assert_null(x);
    }
    assert_null(capture_cache_capture(f->r));
    capture_cache_destroy(f->r);
}

static void test_nothing_is_recorded_without_the_means(void **state)
{
    (void)state;
    fake no_capture = {.without_capture = true}, no_counters = {.without_counters = true};
    open_fake(&no_capture);
    check_always_run(&no_capture);
    open_fake(&no_counters);
    check_always_run(&no_counters);
}

static void test_nothing_is_recorded_against_the_runs_will(void **state)
{
    (void)state;
    fake f = {.allocs = 0};
    open_fake(&f);
    f.lane.capture = false;
    check_always_run(&f);
}

static void test_several_workers_record_nothing(void **state)
{
    (void)state;
    fake f = {.allocs = 0};
    open_fake(&f);
    worker_group_init(&f.group, NULL, &f.device, 0, 2);
    check_always_run(&f);
}

static void test_device_without_extensions_records_nothing(void **state)
{
    (void)state;
    fake f = {.allocs = 0};
    open_fake(&f);
    capture_cache_destroy(f.r);
    f.without_capture = f.without_counters = true;
    assert_int_equal(capture_cache_create(&f.lane, &f.r), ODEON_OK);
    check_always_run(&f);
}

/* ---- more keys than places ---- */

static void test_newcomers_do_not_push_out_recordings_in_use(void **state)
{
    (void)state;
    fake f = {.allocs = 0};
    open_fake(&f);
    enum { MORE = CAPTURE_CACHE_KEYS + 2, ROUNDS = 4 };
    int replayed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        replayed = 0;
        for (int64_t key = 0; key < MORE; key++) {
            replayed += go(&f, key) == CAPTURE_CACHE_REPLAY;
        }
    }
    assert_int_equal(replayed, CAPTURE_CACHE_KEYS);
    close_fake(&f);
}

static void test_recording_that_nobody_asks_for_goes(void **state)
{
    (void)state;
    fake f = {.allocs = 0};
    open_fake(&f);
    recorded *x;
    for (int64_t key = 0; key < CAPTURE_CACHE_KEYS; key++) {
        (void)go(&f, key);
        (void)go(&f, key);
    }
    for (int i = 0; i <= CAPTURE_CACHE_PATIENCE; i++) {
        for (int64_t key = 1; key < CAPTURE_CACHE_KEYS; key++) {
            assert_int_equal(go(&f, key), CAPTURE_CACHE_REPLAY);
        }
    }
    assert_int_equal(ask(&f, 99, &x), CAPTURE_CACHE_RUN); /* in the place of key 0 */
    assert_non_null(x);
    assert_int_equal(f.destroyed, 1);
    assert_int_equal(go(&f, 1), CAPTURE_CACHE_REPLAY);
    assert_int_equal(ask(&f, 0, &x), CAPTURE_CACHE_RUN);
    close_fake(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_is_run_then_taken_then_replayed),
        cmocka_unit_test(test_keys_have_recordings_of_their_own),
        cmocka_unit_test(test_shorter_key_is_another),
        cmocka_unit_test(test_allocation_drops_all_recordings),
        cmocka_unit_test(test_owner_may_forget_its_recordings),
        cmocka_unit_test(test_declined_key_is_always_run),
        cmocka_unit_test(test_what_cannot_be_recorded_is_run_and_not_told),
        cmocka_unit_test(test_failure_of_a_call_ends_and_drops_the_recording),
        cmocka_unit_test(test_key_that_cannot_be_remembered_is_run),
        cmocka_unit_test(test_nothing_is_recorded_without_the_means),
        cmocka_unit_test(test_nothing_is_recorded_against_the_runs_will),
        cmocka_unit_test(test_several_workers_record_nothing),
        cmocka_unit_test(test_device_without_extensions_records_nothing),
        cmocka_unit_test(test_newcomers_do_not_push_out_recordings_in_use),
        cmocka_unit_test(test_recording_that_nobody_asks_for_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
