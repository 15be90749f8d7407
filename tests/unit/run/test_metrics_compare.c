#include <string.h>

#include "support.h"

#include "base/mem.h"
#include "run/metrics_compare.h"

#define NAMES "step,epoch,seconds,split,loss,\"a,b\",nsync,ode.bytes\n"

static void assert_difference(const char *a, const char *b, const char *expected)
{
    char *x = mem_strdup(a), *y = mem_strdup(b);
    text_buffer out = {0};
    metrics_difference(x, y, &out);
    assert_string_equal(out.data != NULL ? out.data : "", expected);
    text_fini(&out);
    mem_free(x);
    mem_free(y);
}

static void test_equal_rows_do_not_differ(void **state)
{
    (void)state;
    assert_difference(NAMES, NAMES, "");
    assert_difference(NAMES "1,1,0.1,train,0.5,1,2,3\n", NAMES "1,1,0.1,train,0.5,1,2,3\n", "");
}

/* Times, and what the device was asked for. */
static void test_effort_is_no_difference(void **state)
{
    (void)state;
    assert_difference(NAMES "1,1,0.1,train,0.5,1,2,3\n", NAMES "1,1,0.9,train,0.5,1,8,9\n", "");
}

static void test_the_first_cell_that_differs_is_reported(void **state)
{
    (void)state;
    assert_difference(NAMES "1,1,0,train,0.5,1,2,3\n2,1,0,train,0.25,1,2,3\n",
                      NAMES "1,1,0,train,0.5,1,2,3\n2,1,0,train,0.26,4,2,3\n",
                      "step 2 (train): loss 0.25 | 0.26");
    assert_difference(NAMES "1,1,0,test,,1,2,3\n", NAMES "1,1,0,test,,4,2,3\n",
                      "step 1 (test): \"a,b\" 1 | 4");
}

static void test_a_row_of_one_run_alone_is_reported_last(void **state)
{
    (void)state;
    static const char both[] = NAMES "1,1,0,train,0.5,1,2,3\n2,1,0,train,0.25,1,2,3\n";
    static const char one[] = NAMES "2,1,0,train,0.25,1,2,3\n";
    static const char other[] = NAMES "2,1,0,train,0.26,1,2,3\n";
    assert_difference(both, one, "step 1 (train): only the first has this row");
    assert_difference(one, both, "step 1 (train): only the second has this row");
    assert_difference(both, other, "step 2 (train): loss 0.25 | 0.26");
    assert_difference(NAMES "1,1,0,train,0,1,2,3\n", NAMES "1,1,0,test,0,1,2,3\n",
                      "step 1 (train): only the first has this row");
}

static void test_other_columns_are_reported(void **state)
{
    (void)state;
    assert_difference("step,epoch\n", "step\n", "other columns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_rows_do_not_differ),
        cmocka_unit_test(test_effort_is_no_difference),
        cmocka_unit_test(test_the_first_cell_that_differs_is_reported),
        cmocka_unit_test(test_a_row_of_one_run_alone_is_reported_last),
        cmocka_unit_test(test_other_columns_are_reported),
    };
    return cmocka_run_group_tests_name("metrics_compare", tests, NULL, NULL);
}
