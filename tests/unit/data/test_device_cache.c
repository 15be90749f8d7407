/* A split's samples on the device: which are there, in which rows, with which bytes. */
#include "data/device_cache.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "data_fixture.h"
#include "support.h"

typedef struct fixture {
    void *data;       /* a data_fixture */
    support_device d; /* the reference device, whose memory is the host's */
} fixture;

static int set_up(void **state)
{
    static fixture f;
    int result = data_fixture_open(&f.data);
    f.d =
        support_device_open(((const data_fixture *)f.data)->registry, "reference", ODEON_DTYPE_F32);
    *state = &f;
    return result;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    support_device_close(&f->d);
    return data_fixture_close(&f->data);
}

static data_source *open_source(fixture *f, const char *expression)
{
    return data_fixture_source(data_fixture_use(f->data, expression), ODEON_SPLIT_TRAIN);
}

static data_source *open_order(fixture *f, const char *text)
{
    return data_fixture_source(data_fixture_use_order(f->data, text, strlen(text)),
                               ODEON_SPLIT_TRAIN);
}

static device_cache *create(const fixture *f, const data_source *source)
{
    device_cache *cache = NULL;
    diag_clear();
    if (device_cache_create(f->d.device, f->d.queue, source, &cache) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return cache;
}

/* ---- sizes ---- */

static uint64_t bytes_of(const data_source *source)
{
    uint64_t bytes = 0;
    assert_int_equal(device_cache_bytes(source, &bytes), ODEON_OK);
    return bytes;
}

static void test_bytes_are_those_of_the_samples_in_use(void **state)
{
    fixture *f = *state;
    data_source *source = open_source(f, "numbered");
    assert_int_equal(bytes_of(source), 10 * (8 + 8));
    data_close(source);
    config *c = data_fixture_use(f->data, "numbered");
    c->limit = 3;
    source = data_fixture_source(c, ODEON_SPLIT_TRAIN);
    assert_int_equal(bytes_of(source), 3 * 16);
    data_close(source);
    source = open_order(f, "9 1 9 9 4"); /* a sample that is named again lies there once */
    int64_t live = mem_live_blocks();
    assert_int_equal(bytes_of(source), 3 * 16);
    mem_fail_at(1);
    uint64_t bytes;
    diag_clear();
    assert_int_equal(device_cache_bytes(source, &bytes), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_string_equal(diag_message(), "data: no memory for the rows of 10 samples");
    assert_int_equal(mem_live_blocks(), live);
    data_close(source);
}

static void test_more_than_any_memory_is_told(void **state)
{
    fixture *f = *state;
    data_source *source = open_source(f, "numbered(length=1000000000000000000)");
    uint64_t bytes;
    diag_clear();
    assert_int_equal(device_cache_bytes(source, &bytes), ODEON_ERR_NOMEM);
    assert_string_equal(diag_message(), "data: no memory holds 1000000000000000000 samples");
    data_close(source);
}

/* ---- rows ---- */

static void test_all_samples_are_in_their_rows(void **state)
{
    fixture *f = *state;
    data_source *source = open_source(f, "numbered");
    device_cache *cache = create(f, source);
    static const int64_t indices[] = {9, 0, 9}, beyond[] = {0, 10}, before[] = {-1};
    int64_t rows[3];
    assert_true(device_cache_rows(cache, 3, indices, rows));
    assert_memory_equal(rows, indices, sizeof rows);
    assert_false(device_cache_rows(cache, 2, beyond, rows));
    assert_false(device_cache_rows(cache, 1, before, rows));
    assert_true(device_cache_rows(cache, 0, NULL, NULL));
    odeon_tensor input = device_cache_field(cache, ODEON_ROLE_INPUT),
                 label = device_cache_field(cache, ODEON_ROLE_LABEL);
    assert_int_equal(input.view.shape.ndim, 2);
    assert_int_equal(input.view.shape.dim[0], 10);
    assert_int_equal(input.view.shape.dim[1], 2);
    assert_int_equal(input.view.shape.dtype, ODEON_DTYPE_F32);
    assert_int_equal(label.view.shape.ndim, 1);
    assert_int_equal(label.view.shape.dtype, ODEON_DTYPE_I64);
    for (int64_t i = 0; i < 10; i++) {
        assert_true(((const float *)input.view.data)[2 * i] == (float)i);
        assert_int_equal(((const int64_t *)label.view.data)[i], i % 3);
    }
    device_cache_destroy(cache);
    data_close(source);
}

/* In ascending order, whatever the order in which they are trained on. */
static void test_samples_that_are_not_in_use_are_not_there(void **state)
{
    fixture *f = *state;
    data_source *source = open_order(f, "9 1 9 4");
    device_cache *cache = create(f, source);
    static const int64_t indices[] = {9, 1, 4}, expected[] = {2, 0, 1};
    int64_t rows[3];
    assert_true(device_cache_rows(cache, 3, indices, rows));
    assert_memory_equal(rows, expected, sizeof rows);
    for (int64_t i = -1; i < 20; i++) {
        assert_int_equal(device_cache_rows(cache, 1, &i, rows), i == 1 || i == 4 || i == 9);
    }
    odeon_tensor input = device_cache_field(cache, ODEON_ROLE_INPUT);
    assert_int_equal(input.view.shape.dim[0], 3);
    for (int i = 0; i < 3; i++) {
        assert_true(((const float *)input.view.data)[2 * expected[i]] == (float)indices[i]);
    }
    device_cache_destroy(cache);
    data_close(source);
    config *c = data_fixture_use(f->data, "numbered");
    c->limit = 2;
    source = data_fixture_source(c, ODEON_SPLIT_TRAIN);
    cache = create(f, source);
    for (int64_t i = 0; i < 10; i++) {
        assert_int_equal(device_cache_rows(cache, 1, &i, rows), i < 2);
    }
    device_cache_destroy(cache);
    data_close(source);
}

/* Several chunks of 4 MiB: 262144 samples of 16 bytes fill one. */
static void test_many_samples_come_in_chunks(void **state)
{
    fixture *f = *state;
    enum { N = 2 * 262144 + 7 };
    data_source *source = open_source(f, "numbered(length=524295)");
    device_cache *cache = create(f, source);
    odeon_tensor input = device_cache_field(cache, ODEON_ROLE_INPUT),
                 label = device_cache_field(cache, ODEON_ROLE_LABEL);
    assert_int_equal(input.view.shape.dim[0], N);
    int64_t wrong = 0;
    for (int64_t i = 0; i < N; i++) {
        wrong += ((const float *)input.view.data)[2 * i] != (float)i;
        wrong += ((const int64_t *)label.view.data)[i] != i % 3;
    }
    assert_int_equal(wrong, 0);
    device_cache_destroy(cache);
    data_close(source);
}

/* One sample takes more than a chunk. */
static void test_large_samples_come_one_by_one(void **state)
{
    fixture *f = *state;
    data_source *source = open_source(f, "measured(shape=1100000, length=2)");
    device_cache *cache = create(f, source);
    odeon_tensor input = device_cache_field(cache, ODEON_ROLE_INPUT);
    float *second = mem_alloc(1100000 * sizeof *second);
    float label;
    static const int64_t index = 1;
    void *fields[DATA_ROLES] = {[ODEON_ROLE_INPUT] = second, [ODEON_ROLE_LABEL] = &label};
    assert_int_equal(data_batch(source, 1, &index, fields), ODEON_OK);
    assert_memory_equal((const float *)input.view.data + 1100000, second, 1100000 * sizeof *second);
    mem_free(second);
    device_cache_destroy(cache);
    data_close(source);
}

/* ---- what the host keeps ---- */

static void test_masks_and_times_are_on_the_host_too(void **state)
{
    fixture *f = *state;
    data_source *source =
        open_source(f, "measured(shape=3, label=2, times=2, odd_one=4, mask=some, length=6)");
    device_cache *cache = create(f, source);
    static const int64_t rows[] = {4, 0};
    static const double times[] = {0.0, 0.75, 0.0, 0.5};
    double out[4];
    device_cache_values(cache, ODEON_ROLE_TIME, 2, rows, out);
    assert_memory_equal(out, times, sizeof times);
    device_cache_values(cache, ODEON_ROLE_MASK, 2, rows, out);
    static const double mask[] = {0.0, 1.0, 1.0, 0.0}; /* (row + element) % 3 != 1 */
    assert_memory_equal(out, mask, sizeof mask);
    odeon_tensor on_device = device_cache_field(cache, ODEON_ROLE_MASK);
    assert_int_equal(((const uint8_t *)on_device.view.data)[2 * 4 + 1], 1);
    device_cache_destroy(cache);
    data_close(source);
}

/* 131072 samples of 32 bytes fill a chunk. */
static void test_the_hosts_copy_goes_on_in_the_next_chunk(void **state)
{
    fixture *f = *state;
    data_source *source =
        open_source(f, "measured(shape=3, times=2, odd_one=131073, length=131075)");
    device_cache *cache = create(f, source);
    static const int64_t rows[] = {131073, 1, 131074};
    static const double times[] = {0.0, 0.75, 0.0, 0.5, 0.0, 0.5};
    double out[6];
    device_cache_values(cache, ODEON_ROLE_TIME, 3, rows, out);
    assert_memory_equal(out, times, sizeof times);
    device_cache_destroy(cache);
    data_close(source);
}

/* ---- failures ---- */

static void test_a_sample_that_cannot_be_read_is_told(void **state)
{
    fixture *f = *state;
    data_source *source = open_source(f, "numbered(unreadable=3)");
    device_cache *cache;
    int64_t live = mem_live_blocks();
    diag_clear();
    assert_int_equal(device_cache_create(f->d.device, f->d.queue, source, &cache), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "data: numbered: sample 3 is unreadable");
    assert_null(cache);
    assert_int_equal(mem_live_blocks(), live);
    data_close(source);
}

static void test_every_allocation_may_fail(void **state)
{
    fixture *f = *state;
    static const char *const sets[] = {"numbered", "measured(shape=3, times=2, mask=some)"};
    for (size_t i = 0; i < 2; i++) {
        data_source *source = open_source(f, sets[i]);
        int64_t live = mem_live_blocks(), n = 0;
        odeon_status status = ODEON_ERR_NOMEM;
        while (status == ODEON_ERR_NOMEM && n < 50) {
            device_cache *cache = NULL;
            diag_clear();
            mem_fail_at(++n);
            status = device_cache_create(f->d.device, f->d.queue, source, &cache);
            mem_fail_at(0);
            assert_int_equal(status == ODEON_OK, cache != NULL);
            assert_int_equal(status == ODEON_OK, diag_message()[0] == '\0');
            device_cache_destroy(cache);
            assert_int_equal(mem_live_blocks(), live);
        }
        assert_int_equal(status, ODEON_OK);
        assert_true(n > (i == 0 ? 6 : 11)); /* itself, indices, and two or more of each field */
        data_close(source);
    }
    device_cache_destroy(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_are_those_of_the_samples_in_use),
        TEST(test_more_than_any_memory_is_told),
        TEST(test_all_samples_are_in_their_rows),
        TEST(test_samples_that_are_not_in_use_are_not_there),
        TEST(test_many_samples_come_in_chunks),
        TEST(test_large_samples_come_one_by_one),
        TEST(test_masks_and_times_are_on_the_host_too),
        TEST(test_the_hosts_copy_goes_on_in_the_next_chunk),
        TEST(test_a_sample_that_cannot_be_read_is_told),
        TEST(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
