/* Rows divided among training, validation and test. */
#include "support.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

/* A plugin's sources, compiled here so that their branches are counted. */
#include "dataset/common/random.c"
#include "dataset/common/split.c"

enum { ROWS = 20 };

/* ---- "2/5" ---- */

static void test_a_fold_is_one_of_several(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",     "x",   "2",   "2/",  "/5",
                                        "2/5x", "2/1", "0/5", "6/5", "1/1000001"};
    int64_t fold, folds;
    assert_int_equal(split_parse_fold(support_host(), "2/5", NULL, &fold, &folds), ODEON_OK);
    assert_true(fold == 2 && folds == 5);
    assert_int_equal(split_parse_fold(support_host(), NULL, "test.csv", &fold, &folds), ODEON_OK);
    assert_true(fold == 0 && folds == 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(split_parse_fold(support_host(), wrong[i], NULL, &fold, &folds),
                         ODEON_ERR_CONFIG);
        assert_non_null(strstr(diag_message(), "expected K/N"));
    }
    assert_int_equal(split_parse_fold(support_host(), "2/5", "test.csv", &fold, &folds),
                     ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "keep one of the two"));
}

/* ---- which row goes where ---- */

/* How many of every step-th row are in the split. */
static int count(const uint8_t *split, int32_t which, int step)
{
    int n = 0;
    for (int i = 0; i < ROWS; i += step) {
        n += split[i] == which;
    }
    return n;
}

static void assign_rows(const split_plan *plan, uint8_t *split)
{
    assert_int_equal(split_assign(support_host(), plan, ROWS, split), ODEON_OK);
}

static void test_the_last_rows_are_for_testing_and_those_before_for_validation(void **state)
{
    (void)state;
    uint8_t split[ROWS];
    split_plan plan = {.name = "t", .how = SPLIT_LAST, .test = 0.2, .validation = 0.1};
    assign_rows(&plan, split);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(split[i], i >= 16   ? ODEON_SPLIT_TEST
                                   : i >= 14 ? ODEON_SPLIT_VALIDATION
                                             : ODEON_SPLIT_TRAIN);
    }
    plan.fold = 1; /* there is nothing before the first part: what follows it validates */
    plan.folds = 5;
    assign_rows(&plan, split);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(split[i], i < 4   ? ODEON_SPLIT_TEST
                                   : i < 6 ? ODEON_SPLIT_VALIDATION
                                           : ODEON_SPLIT_TRAIN);
    }
    plan = (split_plan){.name = "t", .how = SPLIT_LAST, .test = 0.5, .validation = 0.9};
    assign_rows(&plan, split); /* more cannot be had than is left */
    assert_int_equal(count(split, ODEON_SPLIT_VALIDATION, 1), 10);
}

static void test_folds_divide_all_rows(void **state)
{
    (void)state;
    uint8_t split[ROWS], seen[ROWS] = {0};
    for (int64_t fold = 1; fold <= 3; fold++) {
        const split_plan plan = {.name = "t", .fold = fold, .folds = 3, .seed = 7};
        assign_rows(&plan, split);
        for (int i = 0; i < ROWS; i++) {
            seen[i] = (uint8_t)(seen[i] + (split[i] == ODEON_SPLIT_TEST));
        }
    }
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(seen[i], 1);
    }
}

static void test_classes_keep_their_proportions(void **state)
{
    (void)state;
    uint8_t split[ROWS];
    double class[ROWS];
    for (int i = 0; i < ROWS; i++) {
        class[i] = i % 4 == 0 ? 1.0 : 0.0; /* 5 and 15 */
    }
    const split_plan plan = {
        .name = "t", .how = SPLIT_STRATIFIED, .test = 0.2, .seed = 3, .class = class};
    assign_rows(&plan, split);
    assert_int_equal(count(split, ODEON_SPLIT_TEST, 4), 1);
    assert_int_equal(count(split, ODEON_SPLIT_TEST, 1), 4);
}

static void test_groups_stay_together(void **state)
{
    (void)state;
    uint8_t split[ROWS];
    double group[ROWS];
    for (int i = 0; i < ROWS; i++) {
        group[i] = i % 5;
    }
    const split_plan plan = {.name = "t", .test = 0.4, .seed = 3, .group = group};
    assign_rows(&plan, split);
    assert_int_equal(count(split, ODEON_SPLIT_TEST, 1), 8);
    for (int i = 5; i < ROWS; i++) {
        assert_int_equal(split[i], split[i - 5]);
    }
}

/* ---- the rows of a split ---- */

static void check_empty(const split_plan *plan, int32_t which, const char *said)
{
    const uint8_t split[ROWS] = {9}; /* of none */
    int64_t *rows, n;
    assert_int_equal(split_pick(support_host(), plan, 0, split, which, &rows, &n), ODEON_ERR_DATA);
    assert_null(rows);
    assert_string_equal(diag_message(), said);
}

static void test_an_empty_split_says_what_leaves_it_empty(void **state)
{
    (void)state;
    const split_plan shares = {.name = "t", .test = 0.25, .validation = 0.5};
    const split_plan folds = {.name = "t", .fold = 2, .folds = 5, .validation = 0.5};
    check_empty(&shares, ODEON_SPLIT_TRAIN,
                "t: test_fraction = 0.25 of its 0 rows leaves none to "
                "train on");
    check_empty(&shares, ODEON_SPLIT_VALIDATION,
                "t: validation_fraction = 0.5 of its 0 rows leaves none to validate on");
    check_empty(&folds, ODEON_SPLIT_TEST, "t: fold = 2/5 of its 0 rows leaves none to test on");
    check_empty(&folds, ODEON_SPLIT_VALIDATION,
                "t: validation_fraction = 0.5 of its 0 rows leaves none to validate on");
}

static void test_all_rows_test_where_none_is_for_testing(void **state)
{
    (void)state;
    uint8_t split[ROWS];
    int64_t *rows, n;
    const split_plan plan = {.name = "t", .how = SPLIT_LAST, .validation = 0.2};
    assign_rows(&plan, split);
    assert_int_equal(split_pick(support_host(), &plan, ROWS, split, ODEON_SPLIT_TEST, &rows, &n),
                     ODEON_OK);
    assert_int_equal(n, ROWS);
    support_host()->free(support_host(), rows);
    assert_int_equal(
        split_pick(support_host(), &plan, ROWS, split, ODEON_SPLIT_VALIDATION, &rows, &n),
        ODEON_OK);
    assert_int_equal(n, 4);
    assert_int_equal(rows[0], 16);
    support_host()->free(support_host(), rows);
}

static void test_no_memory_is_an_error(void **state)
{
    (void)state;
    uint8_t split[ROWS];
    double class[ROWS] = {0.0};
    int64_t *rows, n;
    const split_plan plan = {
        .name = "t", .how = SPLIT_STRATIFIED, .test = 0.5, .validation = 0.1, .class = class};
    for (int64_t k = 1; k <= 3; k++) { /* order, each row's own, classes */
        const odeon_host *h = support_host();
        mem_fail_at(k);
        odeon_status status = split_assign(h, &plan, ROWS, split);
        mem_fail_at(0);
        assert_int_equal(status, ODEON_ERR_NOMEM);
    }
    assign_rows(&plan, split);
    const odeon_host *h = support_host();
    mem_fail_at(1);
    odeon_status status = split_pick(h, &plan, ROWS, split, ODEON_SPLIT_TEST, &rows, &n);
    mem_fail_at(0);
    assert_int_equal(status, ODEON_ERR_NOMEM);
    assert_null(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fold_is_one_of_several),
        cmocka_unit_test(test_the_last_rows_are_for_testing_and_those_before_for_validation),
        cmocka_unit_test(test_folds_divide_all_rows),
        cmocka_unit_test(test_classes_keep_their_proportions),
        cmocka_unit_test(test_groups_stay_together),
        cmocka_unit_test(test_an_empty_split_says_what_leaves_it_empty),
        cmocka_unit_test(test_all_rows_test_where_none_is_for_testing),
        cmocka_unit_test(test_no_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
