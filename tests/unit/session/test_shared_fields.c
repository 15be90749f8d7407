#include "session/shared_fields.h"

#include <string.h>

#include "small_session.h"

#include "base/mem.h"
#include "device/worker_group.h"
#include "session/load.h"
#include "session/slice.h"

enum { N = 5, LABEL = 2, TIMES = 3 };

static odeon_status load(worker *w, void *context)
{
    const batch *b = context;
    odeon_layer_call call = worker_call(w, 0);
    int64_t n = 0, first = worker_slice(w, b->n, &n);
    worker_group_resolve(&w->group);
    return load_slice(w, b, &call, first, n); /* which ends with shared_fields_set */
}

static void load_batch(support_session *s, int64_t n, bool mask, bool times)
{
    batch b = {.n = n};
    memcpy(b.given, support_given(s), sizeof b.given);
    b.given[ODEON_ROLE_MASK] = mask ? b.given[ODEON_ROLE_MASK] : NULL;
    b.given[ODEON_ROLE_TIME] = times ? b.given[ODEON_ROLE_TIME] : NULL;
    support_require(small_run(s->session, load, &b), "load");
}

static support_session open_three(void)
{
    const char *overrides[] = {"run.workers=3", NULL};
    return support_session_open(SMALL_FLOW, N, overrides);
}

static void test_masks_of_the_whole_batch_are_counted_by_every_worker(void **state)
{
    (void)state;
    support_session s = open_three();
    double sum = 0.0;
    for (int i = 0; i < N * LABEL; i++) {
        sum += s.given[ODEON_ROLE_MASK][i];
    }
    assert_true(sum > 0.0 && sum < N * LABEL);
    load_batch(&s, N, true, true);
    for (int i = 0; i < 3; i++) {
        assert_true(s.session->workers[i].fields.counted == sum);
    }
    support_session_close(&s);
}

static void test_without_masks_all_elements_of_the_label_count(void **state)
{
    (void)state;
    support_session s = open_three();
    load_batch(&s, N, false, true);
    assert_true(s.session->workers[2].fields.counted == N * LABEL);
    load_batch(&s, N, false, false);
    assert_true(s.session->workers[2].fields.counted == N * LABEL);
    assert_null(s.session->workers[2].fields.times);
    support_session_close(&s);
}

/* The first sample is on the first worker that has any; of one sample that is the last. */
static void test_the_first_samples_times_reach_all_workers(void **state)
{
    (void)state;
    support_session s = open_three();
    double *times = s.given[ODEON_ROLE_TIME];
    for (int i = 0; i < N * TIMES; i++) {
        times[i] = 0.25 * (i % TIMES) + 1.0;
    }
    for (int64_t n = 1; n <= N; n += N - 1) {
        load_batch(&s, n, true, true);
        for (int i = 0; i < 3; i++) {
            const batch_fields *fields = &s.session->workers[i].fields;
            assert_memory_equal(fields->times, times, TIMES * sizeof *times);
            assert_int_equal(fields->deviant, -1);
        }
    }
    support_session_close(&s);
}

static void test_a_sample_with_other_times_is_found_on_its_worker(void **state)
{
    (void)state;
    support_session s = open_three();
    s.given[ODEON_ROLE_TIME][2 * TIMES + 1] += 0.5; /* slices: 0, 1 and 2, 3 and 4 */
    s.given[ODEON_ROLE_TIME][4 * TIMES] += 0.5;
    load_batch(&s, N, false, true);
    assert_int_equal(s.session->workers[0].fields.deviant, -1);
    assert_int_equal(s.session->workers[1].fields.deviant, 2);
    assert_int_equal(s.session->workers[2].fields.deviant, 4);
    support_session_close(&s);
}

/* Also where the number is NaN, which equals nothing. */
static void test_a_time_that_is_no_number_deviates(void **state)
{
    (void)state;
    support_session s = open_three();
    s.given[ODEON_ROLE_TIME][3 * TIMES] = (double)__builtin_nan("");
    load_batch(&s, N, false, true);
    assert_int_equal(s.session->workers[2].fields.deviant, 3);
    support_session_close(&s);
}

static void test_memory_is_one_sum_and_the_times(void **state)
{
    (void)state;
    support_session s = open_three();
    worker other = {.model = &s.session->model, .site = {.n_times = TIMES}};
    int64_t before = mem_live_blocks();
    support_require(shared_fields_init(&other), "init");
    assert_true(other.shared_buffer.bytes >= (1 + TIMES) * (int64_t)sizeof(double));
    assert_true(other.shared[0] == 0.0 && other.shared[TIMES] == 0.0);
    shared_fields_fini(&other);
    assert_int_equal(mem_live_blocks(), before);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks_of_the_whole_batch_are_counted_by_every_worker),
        cmocka_unit_test(test_without_masks_all_elements_of_the_label_count),
        cmocka_unit_test(test_the_first_samples_times_reach_all_workers),
        cmocka_unit_test(test_a_sample_with_other_times_is_found_on_its_worker),
        cmocka_unit_test(test_a_time_that_is_no_number_deviates),
        cmocka_unit_test(test_memory_is_one_sum_and_the_times),
    };
    return cmocka_run_group_tests_name("shared_fields", tests, NULL, NULL);
}
