/* Samples of a batch to come, read on a thread of their own. Hangs end by alarm. */
#include "data/prefetch.h"

#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "data_fixture.h"
#include "support.h"

enum { SECONDS = 30 };

typedef struct fixture {
    void *data;
    registry *plugins;
    support_device d; /* the reference device, whose memory is the host's */
    data_source *source;
    staging to;
    prefetch *reader;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    (void)alarm(SECONDS);
    memset(&f, 0, sizeof f);
    assert_int_equal(data_fixture_open(&f.data), 0);
    f.plugins = ((const data_fixture *)f.data)->registry;
    f.d = support_device_open(f.plugins, "reference", ODEON_DTYPE_F32);
    f.source =
        data_fixture_source(data_fixture_use(f.data, "numbered(unreadable=3)"), ODEON_SPLIT_TRAIN);
    f.to = staging_make(f.d.device, NULL);
    assert_int_equal(staging_fit(&f.to, data_source_fields(f.source), 4), ODEON_OK);
    assert_int_equal(prefetch_create(f.d.device, 0, &f.reader), ODEON_OK);
    *state = &f;
    diag_clear();
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    prefetch_destroy(f->reader);
    staging_release(&f->to);
    data_close(f->source);
    support_device_close(&f->d);
    (void)alarm(0);
    return data_fixture_close(&f->data);
}

static void read_ahead(fixture *f, int64_t n, const int64_t *indices)
{
    assert_int_equal(prefetch_begin(f->reader, f->source, n, indices, &f->to), ODEON_OK);
    prefetch_end(f->reader);
}

/* ---- what was read ---- */

static void test_samples_are_on_the_device_at_the_end(void **state)
{
    fixture *f = *state;
    int64_t indices[] = {7, 2, 9};
    odeon_status status = ODEON_ERR_INTERNAL;
    assert_int_equal(prefetch_begin(f->reader, f->source, 3, indices, &f->to), ODEON_OK);
    memset(indices, 0xff, sizeof indices); /* it has its own copy */
    prefetch_end(f->reader);
    static const int64_t wanted[] = {7, 2, 9}, labels[] = {1, 2, 0};
    static const float inputs[] = {7, 0, 2, 0, 9, 0};
    assert_memory_equal(f->to.on_device[ODEON_ROLE_INPUT].data, inputs, sizeof inputs);
    assert_memory_equal(f->to.on_device[ODEON_ROLE_LABEL].data, labels, sizeof labels);
    assert_true(prefetch_take(f->reader, f->source, 3, wanted, &status));
    assert_int_equal(status, ODEON_OK);
    assert_string_equal(diag_message(), "");
}

static void test_what_was_read_is_given_out_once(void **state)
{
    fixture *f = *state;
    static const int64_t indices[] = {1, 2};
    odeon_status status = ODEON_ERR_INTERNAL;
    assert_false(prefetch_take(f->reader, f->source, 2, indices, &status)); /* nothing was read */
    read_ahead(f, 2, indices);
    assert_true(prefetch_take(f->reader, f->source, 2, indices, &status));
    assert_false(prefetch_take(f->reader, f->source, 2, indices, &status));
}

static void test_another_batch_does_not_get_it(void **state)
{
    fixture *f = *state;
    static const int64_t indices[] = {1, 2}, turned[] = {2, 1};
    data_source *other =
        data_fixture_source(&((const data_fixture *)f->data)->config, ODEON_SPLIT_TEST);
    odeon_status status = ODEON_ERR_INTERNAL;
    read_ahead(f, 2, indices);
    assert_false(prefetch_take(f->reader, f->source, 2, turned, &status));
    assert_false(prefetch_take(f->reader, f->source, 1, indices, &status));
    assert_false(prefetch_take(f->reader, other, 2, indices, &status));
    assert_int_equal(status, ODEON_ERR_INTERNAL); /* is left alone */
    assert_true(prefetch_take(f->reader, f->source, 2, indices, &status));
    assert_int_equal(status, ODEON_OK);
    data_close(other);
}

static void test_a_later_request_takes_the_place_of_an_earlier(void **state)
{
    fixture *f = *state;
    static const int64_t first[] = {1, 2}, second[] = {5, 6, 7, 8};
    odeon_status status = ODEON_ERR_INTERNAL;
    for (int again = 0; again < 100; again++) {
        read_ahead(f, 2, first);
        read_ahead(f, 4, second);
        assert_false(prefetch_take(f->reader, f->source, 2, first, &status));
        assert_true(prefetch_take(f->reader, f->source, 4, second, &status));
        assert_true(((const float *)(const void *)f->to.on_device[ODEON_ROLE_INPUT].data)[6] ==
                    8.0f);
    }
}

/* ---- failures ---- */

/* The message is that of the thread that asks from then on, and of the batch that it belongs to. */
static void test_a_failure_is_told_to_who_takes_it(void **state)
{
    fixture *f = *state;
    static const int64_t bad[] = {1, 3}, good[] = {1, 2};
    odeon_status status = ODEON_OK;
    read_ahead(f, 2, bad);
    assert_string_equal(diag_message(), "");
    assert_true(prefetch_take(f->reader, f->source, 2, bad, &status));
    assert_int_equal(status, ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "data: numbered: sample 3 is unreadable");
    diag_clear();
    static const int64_t beyond[] = {99};
    read_ahead(f, 1, beyond); /* fails in words of its own */
    assert_true(prefetch_take(f->reader, f->source, 1, beyond, &status));
    assert_int_equal(status, ODEON_ERR_INTERNAL);
    assert_string_equal(diag_message(), "data: sample 99 of 10 was asked for");
    diag_clear();
    read_ahead(f, 2, good);
    assert_true(prefetch_take(f->reader, f->source, 2, good, &status));
    assert_int_equal(status, ODEON_OK);
    assert_string_equal(diag_message(), "");
}

static void test_without_memory_nothing_is_under_way(void **state)
{
    fixture *f = *state;
    static const int64_t indices[] = {1, 2, 4};
    odeon_status status = ODEON_ERR_INTERNAL;
    read_ahead(f, 2, indices);
    mem_fail_at(1);
    odeon_status begun = prefetch_begin(f->reader, f->source, 3, indices, &f->to);
    mem_fail_at(0);
    assert_int_equal(begun, ODEON_ERR_NOMEM);
    assert_string_equal(diag_message(), "data: no memory for 3 indices");
    prefetch_end(f->reader);
    assert_false(prefetch_take(f->reader, f->source, 2, indices, &status));
    assert_false(prefetch_take(f->reader, f->source, 3, indices, &status));
    diag_clear();
    read_ahead(f, 3, indices);
    assert_true(prefetch_take(f->reader, f->source, 3, indices, &status));
    assert_int_equal(status, ODEON_OK);
}

/* ---- its life ---- */

static void test_what_is_under_way_is_waited_for(void **state)
{
    fixture *f = *state;
    static const int64_t indices[] = {4, 5, 6, 7};
    int64_t live = mem_live_blocks();
    for (int again = 0; again < 100; again++) {
        prefetch *reader;
        memset(f->to.on_device[ODEON_ROLE_LABEL].data, 0xff, 4 * sizeof(int64_t));
        assert_int_equal(prefetch_create(f->d.device, 0, &reader), ODEON_OK);
        assert_int_equal(prefetch_begin(reader, f->source, 4, indices, &f->to), ODEON_OK);
        prefetch_destroy(reader);
        static const int64_t labels[] = {1, 2, 0, 1};
        assert_memory_equal(f->to.on_device[ODEON_ROLE_LABEL].data, labels, sizeof labels);
    }
    assert_int_equal(mem_live_blocks(), live);
    prefetch_destroy(NULL);
}

static odeon_status no_queue(void *device, int32_t worker, void **out)
{
    (void)device;
    *out = NULL;
    return diag_fail(ODEON_ERR_DEVICE, "no queue for worker %d", (int)worker);
}

static int queues_destroyed;

static void count_destroyed(void *device, void *handle)
{
    (void)device;
    (void)handle;
    queues_destroyed++;
}

static void test_a_reader_that_cannot_be_made(void **state)
{
    fixture *f = *state;
    prefetch *reader = f->reader;
    int64_t live = mem_live_blocks();
    odeon_device_ops ops = *f->d.device->ops;
    odeon_device device = *f->d.device;
    ops.queue_create = no_queue;
    ops.queue_destroy = count_destroyed;
    device.ops = &ops;
    assert_int_equal(prefetch_create(&device, 2, &reader), ODEON_ERR_DEVICE);
    assert_string_equal(diag_message(), "no queue for worker 2");
    assert_null(reader);
    assert_int_equal(queues_destroyed, 0); /* there is none */
    assert_int_equal(mem_live_blocks(), live);
    diag_clear();
    mem_fail_at(1);
    odeon_status status = prefetch_create(f->d.device, 0, &reader);
    mem_fail_at(0);
    assert_int_equal(status, ODEON_ERR_NOMEM);
    assert_string_equal(diag_message(), "data: no memory");
    assert_null(reader);
    assert_int_equal(mem_live_blocks(), live);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_samples_are_on_the_device_at_the_end),
        TEST(test_what_was_read_is_given_out_once),
        TEST(test_another_batch_does_not_get_it),
        TEST(test_a_later_request_takes_the_place_of_an_earlier),
        TEST(test_a_failure_is_told_to_who_takes_it),
        TEST(test_without_memory_nothing_is_under_way),
        TEST(test_what_is_under_way_is_waited_for),
        TEST(test_a_reader_that_cannot_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
