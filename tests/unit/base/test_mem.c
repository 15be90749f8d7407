#include <pthread.h>
#include <string.h>

#include "support.h"

#include "base/mem.h"

static void test_alloc_is_aligned_to_64_bytes(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 200; bytes += 7) {
        void *p = mem_alloc(bytes);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        mem_free(p);
    }
}

static void test_alloc_refuses_sizes_that_overflow(void **state)
{
    (void)state;
    assert_null(mem_alloc(SIZE_MAX));
    assert_null(mem_alloc(SIZE_MAX - 32));
    assert_null(mem_zalloc(SIZE_MAX / 2, 4));
    assert_null(mem_resize(NULL, SIZE_MAX / 2, 4));
}

static void test_zalloc_is_zero(void **state)
{
    (void)state;
    unsigned char *p = mem_zalloc(25, 4);
    assert_non_null(p);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(p[i], 0);
    }
    mem_free(p);
}

static void test_resize_keeps_contents(void **state)
{
    (void)state;
    int32_t *p = mem_resize(NULL, 3, sizeof *p);
    assert_non_null(p);
    for (int32_t i = 0; i < 3; i++) {
        p[i] = i + 1;
    }
    p = mem_resize(p, 300, sizeof *p);
    assert_non_null(p);
    assert_int_equal(p[0] + p[1] + p[2], 6);
    p = mem_resize(p, 1, sizeof *p);
    assert_non_null(p);
    assert_int_equal(p[0], 1);
    mem_free(p);
}

static void test_failed_resize_leaves_the_array(void **state)
{
    (void)state;
    char *p = mem_strdup("kept");
    assert_non_null(p);
    mem_fail_at(1);
    assert_null(mem_resize(p, 100, 1));
    assert_string_equal(p, "kept");
    mem_free(p);
}

static void test_printf_formats_any_length(void **state)
{
    (void)state;
    char *p = mem_printf("%0500d:%s", 7, "end");
    assert_non_null(p);
    assert_int_equal(strlen(p), 504);
    assert_string_equal(p + 499, "7:end");
    mem_free(p);
}

static void test_live_blocks_are_counted(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks(), total = mem_total_allocs();
    void *a = mem_alloc(1), *b = mem_strdup("b");
    assert_int_equal(mem_live_blocks(), live + 2);
    assert_int_equal(mem_total_allocs(), total + 2);
    mem_free(a);
    mem_free(b);
    mem_free(NULL);
    assert_int_equal(mem_live_blocks(), live);
}

static void test_fail_at_fails_that_allocation_alone(void **state)
{
    (void)state;
    mem_fail_at(2);
    void *a = mem_alloc(1), *b = mem_alloc(1), *c = mem_alloc(1);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    mem_free(a);
    mem_free(c);
}

static void test_fail_from_fails_all_until_taken_back(void **state)
{
    (void)state;
    mem_fail_from(2);
    void *a = mem_alloc(1), *b = mem_alloc(1), *c = mem_alloc(1);
    mem_fail_at(0);
    void *d = mem_alloc(1);
    assert_non_null(a);
    assert_null(b);
    assert_null(c);
    assert_non_null(d);
    mem_free(a);
    mem_free(d);
}

static void test_fail_at_zero_takes_it_back(void **state)
{
    (void)state;
    mem_fail_at(1);
    mem_fail_at(0);
    void *a = mem_alloc(1);
    assert_non_null(a);
    mem_free(a);
}

enum { THREADS = 4, ROUNDS = 2000 };

static void *churn(void *failed)
{
    for (int i = 0; i < ROUNDS; i++) {
        void *p = mem_alloc(16);
        *(int64_t *)failed += p == NULL;
        mem_free(p);
    }
    return NULL;
}

static void test_counters_hold_under_threads(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks(), total = mem_total_allocs();
    int64_t failed[THREADS] = {0}, all_failed = 0;
    pthread_t threads[THREADS];
    mem_fail_at(THREADS * ROUNDS / 2);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, churn, &failed[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        all_failed += failed[i];
    }
    assert_int_equal(all_failed, 1);
    assert_int_equal(mem_live_blocks(), live);
    assert_int_equal(mem_total_allocs(), total + THREADS * ROUNDS);
}

static void test_checked_mul_finds_overflow(void **state)
{
    (void)state;
    int64_t x = 0;
    assert_true(checked_mul(-3, 5, &x));
    assert_int_equal(x, -15);
    assert_true(checked_mul(INT64_MIN, 1, &x));
    assert_true(checked_mul(0, INT64_MIN, &x));
    assert_true(checked_mul(INT64_MIN / 2, 2, &x));
    assert_int_equal(x, INT64_MIN);
    assert_false(checked_mul(INT64_MIN, -1, &x));
    assert_false(checked_mul(-1, INT64_MIN, &x));
    assert_false(checked_mul(INT64_MAX, 2, &x));
    assert_false(checked_mul(INT64_MAX, -2, &x));
    assert_false(checked_mul(-2, INT64_MAX, &x));
    assert_false(checked_mul((int64_t)1 << 32, (int64_t)1 << 31, &x));
}

static void test_checked_add_finds_overflow(void **state)
{
    (void)state;
    int64_t x = 0;
    assert_true(checked_add(INT64_MAX, INT64_MIN, &x));
    assert_int_equal(x, -1);
    assert_true(checked_add(INT64_MAX - 1, 1, &x));
    assert_false(checked_add(INT64_MAX, 1, &x));
    assert_false(checked_add(INT64_MIN, -1, &x));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc_is_aligned_to_64_bytes),
        cmocka_unit_test(test_alloc_refuses_sizes_that_overflow),
        cmocka_unit_test(test_zalloc_is_zero),
        cmocka_unit_test(test_resize_keeps_contents),
        cmocka_unit_test(test_failed_resize_leaves_the_array),
        cmocka_unit_test(test_printf_formats_any_length),
        cmocka_unit_test(test_live_blocks_are_counted),
        cmocka_unit_test(test_fail_at_fails_that_allocation_alone),
        cmocka_unit_test(test_fail_from_fails_all_until_taken_back),
        cmocka_unit_test(test_fail_at_zero_takes_it_back),
        cmocka_unit_test(test_counters_hold_under_threads),
        cmocka_unit_test(test_checked_mul_finds_overflow),
        cmocka_unit_test(test_checked_add_finds_overflow),
    };
    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
