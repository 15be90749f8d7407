#include <stdio.h>
#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "data/order_file.h"
#include "folder.h"

typedef struct refused {
    const char *text, *message; /* behind the path */
} refused;

static odeon_status read(const folder *f, const char *text, size_t bytes, int64_t **order,
                         int64_t *n)
{
    folder_write(f, "order", text, bytes);
    diag_clear();
    return order_file_read(folder_file(f, "order"), 10, order, n);
}

static void test_indices_stand_between_blanks(void **state)
{
    const folder *f = *state;
    static const char text[] = " 3 9\t0\r\n\n3 7";
    static const int64_t expected[] = {3, 9, 0, 3, 7};
    int64_t *order, n;
    assert_int_equal(read(f, text, strlen(text), &order, &n), ODEON_OK);
    assert_int_equal(n, 5);
    assert_memory_equal(order, expected, sizeof expected);
    mem_free(order);
}

static void test_what_is_no_sample_is_refused_with_its_line(void **state)
{
    const folder *f = *state;
    static const refused all[] = {
        {"1\n10", ":2: '10' is no sample: expected 0 to 9"},
        {"-1", ":1: '-1' is no sample: expected 0 to 9"},
        {"1\n\n2x", ":3: '2x' is no sample: expected 0 to 9"},
        {"12345678901234567890", ":1: '12345678901234567890' is no sample: expected 0 to 9"},
        {"", ": has no indices of samples: give one a line"},
        {" \n", ": has no indices of samples: give one a line"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int64_t *order, n;
        assert_int_equal(read(f, all[i].text, strlen(all[i].text), &order, &n), ODEON_ERR_DATA);
        assert_string_equal(diag_message() + strlen(folder_file(f, "order")), all[i].message);
        mem_free(order);
    }
    int64_t *order, n;
    assert_int_equal(read(f, "1\n2 \0 3", 7, &order, &n), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "order:2: not a text file: it has a NUL"));
    mem_free(order);
}

static void test_failures_leave_nothing(void **state)
{
    const folder *f = *state;
    int64_t before = mem_live_blocks(), *order, n;
    odeon_status status = ODEON_ERR_NOMEM;
    for (int at = 1; status != ODEON_OK; at++) {
        mem_fail_at(at);
        status = read(f, "1 2 3", 5, &order, &n);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        mem_free(order);
        assert_int_equal(mem_live_blocks(), before);
    }
    diag_clear();
    assert_int_equal(order_file_read("/nowhere/order", 3, &order, &n), ODEON_ERR_IO);
    assert_null(order);
}

static int set_up(void **state)
{
    static folder f;
    f = folder_create();
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    folder_remove(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_indices_stand_between_blanks),
        cmocka_unit_test(test_what_is_no_sample_is_refused_with_its_line),
        cmocka_unit_test(test_failures_leave_nothing),
    };
    return cmocka_run_group_tests_name("order_file", tests, set_up, tear_down);
}
