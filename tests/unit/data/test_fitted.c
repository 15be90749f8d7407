/* What a data set fits, on its way to weights and back, and the units that follow. */
#include "data/fitted.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "data_fixture.h"
#include "format/checkpoint.h"
#include "format/safetensors_write.h"
#include "support.h"
#include "support_session.h"

static char table[] = "/tmp/odeon-test-XXXXXX", weights[] = "/tmp/odeon-test-XXXXXX";

static int set_up(void **state)
{
    int a = mkstemp(table), b = mkstemp(weights);
    return a >= 0 && b >= 0 && close(a) == 0 && close(b) == 0 ? data_fixture_open(state) : -1;
}

static int tear_down(void **state)
{
    int failed = unlink(table) + unlink(weights);
    (void)snprintf(table, sizeof table, "/tmp/odeon-test-XXXXXX");
    (void)snprintf(weights, sizeof weights, "/tmp/odeon-test-XXXXXX");
    return data_fixture_close(state) + failed;
}

static config *use(void **state, const char *rows, const char *options)
{
    char expression[200];
    FILE *file = fopen(table, "w");
    assert_non_null(file);
    assert_true(fputs(rows, file) >= 0);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(expression, sizeof expression, "csv(path=%s, inputs=0 1, header=no, %s)", table,
                   options);
    config *c = data_fixture_use(*state, expression);
    c->weights = NULL;
    return c;
}

static void write_weights(const char *fitted)
{
    const float one = 1.0F;
    const safetensors_entry entry = {
        .name = "a", .dtype = ODEON_DTYPE_F32, .ndim = 1, .dim = {1}, .bytes = 4, .data = &one};
    const safetensors_meta meta = {FITTED_KEY, fitted};
    support_require(safetensors_write(weights, 1, &entry, fitted != NULL, &meta), "weights");
}

static void test_units_travel_with_the_weights(void **state)
{
    field_units units;
    double x[4] = {1.0, 30.0, 3.0, 10.0};
    config *c = use(state, "1,10,0\n3,30,1\n", "label=2, standardize=inputs, test_fraction=0");
    data_source *source = data_fixture_source(c, ODEON_SPLIT_TRAIN);
    write_weights(data_fitted(source));
    assert_int_equal(data_units(source, ODEON_ROLE_LABEL, &units), ODEON_OK);
    assert_int_equal(units.n, 0); /* as in the data */
    field_units_undo(&units, 2, x);
    assert_true(x[1] == 30.0);
    field_units_fini(&units);
    data_close(source);

    /* Another table, with other means of its own. */
    c = use(state, "5,50,0\n9,90,1\n", "label=2, standardize=inputs, test_fraction=0");
    c->weights = weights;
    source = data_fixture_source(c, ODEON_SPLIT_TEST);
    assert_int_equal(data_units(source, ODEON_ROLE_INPUT, &units), ODEON_OK);
    assert_int_equal(units.n, 2);
    assert_true(units.mean[0] == 2.0 && units.mean[1] == 20.0 && units.deviation[0] == 1.0);
    field_units_fini(&units);
    data_close(source);
    assert_int_equal(field_units_read(c, ODEON_ROLE_INPUT, &units), ODEON_OK);
    field_units_apply(&units, 2, x);
    assert_true(x[0] == -1.0 && x[1] == 1.0 && x[2] == 1.0 && x[3] == -1.0);
    field_units_undo(&units, 2, x);
    assert_true(x[0] == 1.0 && x[3] == 10.0);
    field_units_fini(&units);
    c->weights = NULL;
}

static void test_names_travel_with_the_weights(void **state)
{
    const char **names;
    config *c = use(state, "1,10,red\n3,30,blue\n", "label=2, classes=2, test_fraction=0");
    data_source *source = data_fixture_source(c, ODEON_SPLIT_TRAIN);
    write_weights(data_fitted(source));
    assert_int_equal(data_class_names(source, &names), ODEON_OK);
    assert_string_equal(names[0], "blue");
    mem_free(names);
    data_close(source);
    c->weights = weights;
    assert_int_equal(class_names_read(c, &names), ODEON_OK);
    assert_string_equal(names[1], "red");
    mem_free(names);
    c->weights = NULL;
    assert_int_equal(class_names_read(c, &names), ODEON_OK);
    assert_null(names);
}

static void test_what_does_not_belong_is_refused_with_the_file(void **state)
{
    data_source *source;
    config *c = use(state, "1,10,0\n3,30,1\n", "label=2, standardize=inputs, test_fraction=0");
    write_weights("column 1 2\n");
    c->weights = weights;
    assert_int_equal(data_open(c, ODEON_SPLIT_TRAIN, &source), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), weights));
    assert_non_null(strstr(diag_message(), "does not belong to inputs, label"));
    write_weights(NULL); /* weights of before: the set fits by itself */
    assert_int_equal(data_open(c, ODEON_SPLIT_TRAIN, &source), ODEON_OK);
    assert_non_null(data_fitted(source));
    data_close(source);
    c->weights = NULL;
}

static void test_splits_that_are_not_there_are_refused(void **state)
{
    bool has = true;
    data_source *source;
    config *c = data_fixture_use(*state, "numbered");
    assert_int_equal(data_has_split(c, ODEON_SPLIT_VALIDATION, &has), ODEON_OK);
    assert_false(has);
    assert_int_equal(data_open(c, ODEON_SPLIT_VALIDATION, &source), ODEON_ERR_UNSUPPORTED);
    assert_non_null(strstr(diag_message(), "has no validation split"));
    assert_int_equal(data_has_split(c, ODEON_SPLIT_TEST, &has), ODEON_OK);
    assert_true(has);
}

#define IN_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FIXTURE(test_units_travel_with_the_weights),
        IN_FIXTURE(test_names_travel_with_the_weights),
        IN_FIXTURE(test_what_does_not_belong_is_refused_with_the_file),
        IN_FIXTURE(test_splits_that_are_not_there_are_refused),
    };
    return cmocka_run_group_tests_name("fitted", tests, NULL, NULL);
}
