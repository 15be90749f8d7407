/* A number that follows from the samples in use. */
#include "data/fingerprint.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "data_fixture.h"
#include "support.h"

static int64_t fingerprint(const config *c, int32_t split)
{
    data_source *source = data_fixture_source(c, split);
    int64_t first = -1, second = -1;
    assert_int_equal(data_fingerprint(source, &first), ODEON_OK);
    assert_int_equal(data_fingerprint(source, &second), ODEON_OK);
    assert_true(first >= 0 && first == second);
    data_close(source);
    return first;
}

static void test_a_fingerprint_follows_from_the_samples_in_use(void **state)
{
    int64_t whole = fingerprint(data_fixture_use(*state, "numbered"), ODEON_SPLIT_TRAIN);
    assert_int_equal(whole, fingerprint(data_fixture_use(*state, "numbered"), ODEON_SPLIT_TRAIN));
    config *c = data_fixture_use(*state, "numbered");
    c->shuffle = true; /* the order of an epoch is another matter */
    assert_int_equal(whole, fingerprint(c, ODEON_SPLIT_TRAIN));
    assert_int_not_equal(whole, fingerprint(c, ODEON_SPLIT_TEST));
    c->limit = 9;
    assert_int_not_equal(whole, fingerprint(c, ODEON_SPLIT_TRAIN));
    assert_int_equal(whole, fingerprint(data_fixture_use_order(*state, "0 1 2 3 4 5 6 7 8 9", 19),
                                        ODEON_SPLIT_TRAIN));
    assert_int_not_equal(
        whole,
        fingerprint(data_fixture_use_order(*state, "0 1 2 3 4 5 6 7 9 8", 19), ODEON_SPLIT_TRAIN));
}

static odeon_status take_fingerprint(const config *c, int64_t *sum)
{
    data_source *source = data_fixture_source(c, ODEON_SPLIT_TRAIN);
    odeon_status status = data_fingerprint(source, sum);
    data_close(source);
    return status;
}

static odeon_status try_fingerprint(void **state, const char *expression)
{
    int64_t sum;
    return take_fingerprint(data_fixture_use(*state, expression), &sum);
}

static void test_a_sample_that_cannot_be_read_has_no_fingerprint(void **state)
{
    assert_int_equal(try_fingerprint(state, "numbered(unreadable=3)"), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "data: numbered: sample 3 is unreadable");
}

/* 65536 samples of 16 bytes are read at once. */
static void test_all_chunks_are_read(void **state)
{
    static const char *const last[] = {"numbered(length=65537, unreadable=65535)",
                                       "numbered(length=65537, unreadable=65536)",
                                       "numbered(length=200000, unreadable=199999)"};
    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
        assert_int_equal(try_fingerprint(state, last[i]), ODEON_ERR_DATA);
    }
    assert_int_equal(try_fingerprint(state, "numbered(length=65537)"), ODEON_OK);
}

/* 18 million samples of 16 bytes are more than what is looked at: about every fourteenth is passed
 * over, the first and the last never. Their number counts all the same. */
static void test_of_many_samples_some_are_looked_at(void **state)
{
    config *c = data_fixture_use(*state, "numbered(length=18000000, unreadable=14)");
    int64_t whole, less;
    assert_int_equal(take_fingerprint(c, &whole), ODEON_OK);
    c->limit = 17999999;
    assert_int_equal(take_fingerprint(c, &less), ODEON_OK);
    assert_int_not_equal(whole, less);
    assert_int_equal(try_fingerprint(state, "numbered(length=18000000, unreadable=0)"),
                     ODEON_ERR_DATA);
    assert_int_equal(try_fingerprint(state, "numbered(length=18000000, unreadable=17999999)"),
                     ODEON_ERR_DATA);
}

static void test_a_fingerprint_survives_every_failing_allocation(void **state)
{
    int64_t sum, n = 0;
    data_source *source =
        data_fixture_source(data_fixture_use(*state, "numbered"), ODEON_SPLIT_TRAIN);
    int64_t before = mem_live_blocks();
    odeon_status status = ODEON_ERR_NOMEM;
    while (status == ODEON_ERR_NOMEM && n < 100) {
        mem_fail_at(++n);
        status = data_fingerprint(source, &sum);
        mem_fail_at(0);
        assert_int_equal(mem_live_blocks(), before);
        assert_string_equal(diag_message(),
                            status == ODEON_OK ? "" : "data: no memory to look at samples");
        diag_clear();
    }
    assert_int_equal(status, ODEON_OK);
    assert_int_equal(n, 5); /* the order, the indices, two fields, and none */
    data_close(source);
}

/* Shape, dtype, classes, and any byte of any field. */
static void test_every_part_of_a_sample_matters(void **state)
{
    static const char *const others[] = {
        "measured(shape=3, times=2)",
        "measured(shape=3, times=2, length=11)",
        "measured(shape=3 1, times=2)",
        "measured(shape=3, label=1, times=2)",
        "measured(shape=3, times=3)",
        "measured(shape=3, times=2, odd_one=9)",
        "measured(shape=3, times=2, mask=some)",
        "measured(shape=3, times=2, mask=nothing)",
        "measured(shape=3, times=2, control=1)",
        "measured(shape=1, mask=some, length=1)", /* a mask of a single byte */
        "measured(shape=1, mask=nothing, length=1)",
    };
    enum { N = sizeof others / sizeof others[0] };
    int64_t sums[N];
    for (size_t i = 0; i < N; i++) {
        sums[i] = fingerprint(data_fixture_use(*state, others[i]), ODEON_SPLIT_TRAIN);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(sums[i], sums[k]);
        }
    }
}

/* Checkpoints hold it, so another version must find the same number. */
static void test_a_fingerprint_stays_as_it_is(void **state)
{
    assert_int_equal(fingerprint(data_fixture_use(*state, "numbered"), ODEON_SPLIT_TRAIN),
                     INT64_C(0x72b6b5e7d93cb569));
}

static void test_a_single_sample_has_one_too(void **state)
{
    config *c = data_fixture_use(*state, "numbered");
    c->limit = 1;
    int64_t first = fingerprint(c, ODEON_SPLIT_TRAIN);
    assert_int_not_equal(first, fingerprint(c, ODEON_SPLIT_TEST));
}

#define WITH_DATA(test) cmocka_unit_test_setup_teardown(test, data_fixture_open, data_fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DATA(test_a_fingerprint_follows_from_the_samples_in_use),
        WITH_DATA(test_a_sample_that_cannot_be_read_has_no_fingerprint),
        WITH_DATA(test_all_chunks_are_read),
        WITH_DATA(test_of_many_samples_some_are_looked_at),
        WITH_DATA(test_a_fingerprint_survives_every_failing_allocation),
        WITH_DATA(test_every_part_of_a_sample_matters),
        WITH_DATA(test_a_fingerprint_stays_as_it_is),
        WITH_DATA(test_a_single_sample_has_one_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
