/* A split as a source of batches: its fields, length, order and samples. */
#include "data/data.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "data_fixture.h"
#include "support.h"

/* ---- fields ---- */

static void test_describe_finds_the_fields_by_role(void **state)
{
    data_fields fields;
    assert_int_equal(data_describe(data_fixture_use(*state, "numbered"), &fields), ODEON_OK);
    assert_int_equal(fields.n_fields, 2);
    assert_int_equal(fields.index[ODEON_ROLE_LABEL], 0);
    assert_int_equal(fields.index[ODEON_ROLE_INPUT], 1);
    assert_int_equal(fields.of[ODEON_ROLE_LABEL].classes, 3);
    assert_int_equal(fields.of[ODEON_ROLE_INPUT].dim[0], 2);
    assert_int_equal(data_field_bytes(&fields, ODEON_ROLE_INPUT), 8);
    assert_int_equal(data_field_bytes(&fields, ODEON_ROLE_LABEL), 8);
}

static void test_describe_refuses_fields_that_cannot_be(void **state)
{
    static const struct {
        const char *expression;
        odeon_status status;
        const char *reason;
    } cases[] = {
        {"numbered(fault=no_input)", ODEON_ERR_UNSUPPORTED, "has no input"},
        {"numbered(fault=no_label)", ODEON_ERR_UNSUPPORTED, "has no label"},
        {"numbered(fault=two_inputs)", ODEON_ERR_UNSUPPORTED, "field 1 is a second input"},
        {"numbered(fault=mask)", ODEON_ERR_PLUGIN, "its mask has not the shape of its label"},
        {"numbered(fault=role)", ODEON_ERR_PLUGIN, "field 1 has role 6, which is none"},
        {"numbered(fault=classes)", ODEON_ERR_UNSUPPORTED, "is one number a sample"},
        {"numbered(fault=times)", ODEON_ERR_PLUGIN, "its times are not one list a sample"},
        {"numbered(fault=dtype)", ODEON_ERR_PLUGIN, "field 1 has a shape or dtype"},
        {"numbered(fault=ndim)", ODEON_ERR_PLUGIN, "field 1 has a shape or dtype"},
        {"numbered(fault=dim)", ODEON_ERR_PLUGIN, "field 1 has a shape or dtype"},
        {"numbered(fault=overflow)", ODEON_ERR_PLUGIN, "field 1 has a shape or dtype"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        data_fields fields;
        data_source *source;
        const config *c = data_fixture_use(*state, cases[i].expression);
        assert_int_equal(data_describe(c, &fields), cases[i].status);
        assert_non_null(strstr(diag_message(), cases[i].reason));
        assert_int_equal(data_open(c, ODEON_SPLIT_TRAIN, &source), cases[i].status);
        assert_null(source);
    }
}

static void test_fields_of_all_roles_are_described(void **state)
{
    data_fields fields;
    const config *c = data_fixture_use(
        *state, "measured(shape=4, label=2 3, times=5, control=6, mask=some, shift=0.5)");
    assert_int_equal(data_describe(c, &fields), ODEON_OK);
    assert_false(data_has(&fields, ODEON_ROLE_LENGTH));
    static const int32_t places[] = {2, 0, 1, 3, 4};
    static const int64_t bytes[] = {16, 24, 40, 6, 24};
    for (int32_t role = 0; role <= ODEON_ROLE_CONTROL; role++) {
        assert_int_equal(fields.index[role], places[role]);
        assert_int_equal(data_field_bytes(&fields, role), bytes[role]);
        assert_true(data_has(&fields, role));
    }
    odeon_shape label = data_field_shape(&fields, ODEON_ROLE_LABEL, 7, ODEON_DTYPE_F64);
    assert_int_equal(label.ndim, 3);
    assert_true(label.dim[0] == 7 && label.dim[1] == 2 && label.dim[2] == 3);
    assert_int_equal(fields.of[ODEON_ROLE_LABEL].classes, 0);
}

static void test_values_are_scaled_and_shifted(void **state)
{
    (void)state;
    static const uint8_t u8[] = {0, 255};
    static const int64_t i64[] = {-3, 4};
    static const float f32[] = {0.25f, -1.0f};
    static const double f64[] = {0.125, -2.0};
    static const struct {
        uint32_t dtype;
        const void *stored;
        double first, second;
    } cases[] = {{ODEON_DTYPE_U8, u8, 0.0, 255.0},
                 {ODEON_DTYPE_I64, i64, -3.0, 4.0},
                 {ODEON_DTYPE_F32, f32, 0.25, -1.0},
                 {ODEON_DTYPE_F64, f64, 0.125, -2.0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        odeon_field_info field = {
            .dtype = cases[i].dtype, .ndim = 1, .dim = {2}, .scale = 2.0, .shift = 0.5};
        double values[2];
        data_field_values(&field, 1, cases[i].stored, values);
        assert_true(values[0] == 2.0 * cases[i].first + 0.5);
        assert_true(values[1] == 2.0 * cases[i].second + 0.5);
    }
}

/* ---- splits and limits ---- */

static void test_a_split_has_its_length(void **state)
{
    const config *c = data_fixture_use(*state, "numbered");
    data_source *train = data_fixture_source(c, ODEON_SPLIT_TRAIN),
                *test = data_fixture_source(c, ODEON_SPLIT_TEST);
    assert_int_equal(data_length(train), 10);
    assert_int_equal(data_length(test), 5);
    assert_int_equal(data_source_fields(test)->of[ODEON_ROLE_LABEL].classes, 3);
    data_close(train);
    data_close(test);
}

static void test_limits_cut_their_own_split(void **state)
{
    config *c = data_fixture_use(*state, "numbered");
    c->limit = 7;
    c->test_limit = 2;
    data_source *train = data_fixture_source(c, ODEON_SPLIT_TRAIN),
                *test = data_fixture_source(c, ODEON_SPLIT_TEST);
    assert_int_equal(data_length(train), 7);
    assert_int_equal(data_length(test), 2);
    data_close(train);
    data_close(test);
}

/* Both parts make up the samples in use, whose first ones a limit keeps; every epoch visits all of
 * its own part, in another order. */
static void test_validation_is_a_part_of_the_training_split(void **state)
{
    config *c = data_fixture_use(*state, "numbered");
    c->limit = 9;
    c->validation = 0.3;
    c->shuffle = true;
    data_source *train = data_fixture_source(c, ODEON_SPLIT_TRAIN), *apart = NULL;
    int64_t seen[10] = {0}, first[10], second[10];
    assert_int_equal(data_open_validation(c, train, &apart), ODEON_OK);
    assert_int_equal(data_length(train), 6);
    assert_int_equal(data_length(apart), 3);
    assert_int_equal(data_order(train, 1, 1, first), ODEON_OK);
    assert_int_equal(data_order(train, 1, 2, second), ODEON_OK);
    assert_memory_not_equal(first, second, 6 * sizeof *first);
    for (int i = 0; i < 6; i++) {
        seen[first[i]]++;
        seen[second[i]] += 10;
    }
    assert_int_equal(data_order(apart, 1, 1, first), ODEON_OK);
    for (int i = 0; i < 3; i++) {
        seen[first[i]] += 11;
        assert_true(i == 0 || first[i] > first[i - 1]); /* never shuffled */
    }
    for (int i = 0; i < 9; i++) {
        assert_int_equal(seen[i], 11);
    }
    assert_int_equal(seen[9], 0);
    data_close(apart);
    data_close(train);
}

static void test_validation_leaves_neither_part_empty(void **state)
{
    config *c = data_fixture_use(*state, "numbered");
    data_source *source = NULL;
    c->validation = 0.04;
    assert_int_equal(data_open(c, ODEON_SPLIT_TRAIN, &source), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "which leaves none to validate on"));
    diag_clear();
    c->validation = 0.96;
    assert_int_equal(data_open(c, ODEON_SPLIT_TRAIN, &source), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "which leaves none to train on"));
    c->validation = 0.0;
    data_source *train = data_fixture_source(c, ODEON_SPLIT_TRAIN);
    assert_int_equal(data_open_validation(c, train, &source), ODEON_OK);
    assert_null(source);
    data_close(train);
}

static void test_a_limit_beyond_the_end_is_no_limit(void **state)
{
    config *c = data_fixture_use(*state, "numbered");
    c->limit = 1000;
    data_source *source = data_fixture_source(c, ODEON_SPLIT_TRAIN);
    assert_int_equal(data_length(source), 10);
    data_close(source);
}

static void test_an_empty_split_is_refused(void **state)
{
    data_source *source;
    const config *c = data_fixture_use(*state, "numbered(length=1)"); /* half of one is none */
    assert_int_equal(data_open(c, ODEON_SPLIT_TEST, &source), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "no samples in its test split"));
}

static void test_a_failing_open_is_passed_on(void **state)
{
    data_source *source;
    const config *c = data_fixture_use(*state, "numbered(fault=open)");
    assert_int_equal(data_open(c, ODEON_SPLIT_TRAIN, &source), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "data: numbered: was told to fail");
    assert_null(source);
}

/* ---- order ---- */

static void assert_order(const data_source *source, uint64_t seed, int64_t epoch,
                         const int64_t *expected)
{
    int64_t order[16];
    assert_true(data_length(source) <= 16);
    assert_int_equal(data_order(source, seed, epoch, order), ODEON_OK);
    assert_memory_equal(order, expected, (size_t)data_length(source) * sizeof *order);
}

static const int64_t as_stored[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

static void test_samples_come_as_stored_unless_shuffled(void **state)
{
    data_source *source =
        data_fixture_source(data_fixture_use(*state, "numbered"), ODEON_SPLIT_TRAIN);
    assert_order(source, 1, 0, as_stored);
    data_close(source);
}

static void test_shuffling_depends_on_seed_and_epoch_alone(void **state)
{
    config *c = data_fixture_use(*state, "numbered");
    c->shuffle = true;
    data_source *source = data_fixture_source(c, ODEON_SPLIT_TRAIN);
    int64_t first[10], second[10], other[10];
    assert_int_equal(data_order(source, 1, 0, first), ODEON_OK);
    assert_int_equal(data_order(source, 1, 1, second), ODEON_OK);
    assert_int_equal(data_order(source, 2, 0, other), ODEON_OK);
    assert_memory_not_equal(first, as_stored, sizeof first);
    assert_memory_not_equal(first, second, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
    assert_order(source, 1, 0, first);
    data_close(source);
}

/* A seed stands for the same order in every version. */
static void test_a_shuffled_order_stays_as_it_is(void **state)
{
    static const int64_t golden[10] = {3, 8, 4, 2, 1, 7, 0, 9, 6, 5};
    config *c = data_fixture_use(*state, "numbered");
    c->shuffle = true;
    data_source *source = data_fixture_source(c, ODEON_SPLIT_TRAIN);
    assert_order(source, 1, 0, golden);
    data_close(source);
}

static void test_the_test_split_is_never_shuffled(void **state)
{
    config *c = data_fixture_use(*state, "numbered");
    c->shuffle = true;
    data_source *source = data_fixture_source(c, ODEON_SPLIT_TEST);
    assert_order(source, 1, 0, as_stored);
    data_close(source);
}

static void test_shuffling_stays_within_the_limit(void **state)
{
    config *c = data_fixture_use(*state, "numbered");
    c->shuffle = true;
    c->limit = 4;
    data_source *source = data_fixture_source(c, ODEON_SPLIT_TRAIN);
    int64_t order[4], sum = 0;
    assert_int_equal(data_order(source, 1, 0, order), ODEON_OK);
    for (int i = 0; i < 4; i++) {
        assert_in_range(order[i], 0, 3);
        sum += order[i];
    }
    assert_int_equal(sum, 6);
    data_close(source);
}

/* An epoch has the first ones of its shuffled order, others than the next. */
static void test_an_epoch_may_have_samples_drawn_at_random(void **state)
{
    config *c = data_fixture_use(*state, "numbered");
    int64_t whole[10], drawn[10], next[10];
    c->shuffle = true;
    data_source *all = data_fixture_source(c, ODEON_SPLIT_TRAIN);
    c->epoch_samples = 3;
    data_source *train = data_fixture_source(c, ODEON_SPLIT_TRAIN),
                *test = data_fixture_source(c, ODEON_SPLIT_TEST);
    assert_int_equal(data_length(train), 10);
    assert_int_equal(data_epoch_length(train), 3);
    assert_int_equal(data_epoch_length(all), 10);
    assert_int_equal(data_epoch_length(test), data_length(test));
    assert_int_equal(data_order(all, 1, 0, whole), ODEON_OK);
    assert_int_equal(data_order(train, 1, 0, drawn), ODEON_OK);
    assert_int_equal(data_order(train, 1, 1, next), ODEON_OK);
    assert_memory_equal(drawn, whole, sizeof drawn);
    assert_memory_not_equal(drawn, next, 3 * sizeof *drawn);
    data_close(all);
    data_close(train);
    data_close(test);
}

static void test_an_epoch_of_more_samples_than_there_are_has_all(void **state)
{
    config *c = data_fixture_use(*state, "numbered");
    c->shuffle = true;
    c->epoch_samples = 11;
    data_source *source = data_fixture_source(c, ODEON_SPLIT_TRAIN);
    assert_int_equal(data_epoch_length(source), 10);
    data_close(source);
}

static void test_an_order_file_decides_the_training_order(void **state)
{
    static const char text[] = " 3\t1\r\n9 9\n\n0";
    static const int64_t expected[5] = {3, 1, 9, 9, 0};
    config *c = data_fixture_use_order(*state, text, sizeof text - 1);
    c->shuffle = true; /* has no say then */
    data_source *train = data_fixture_source(c, ODEON_SPLIT_TRAIN),
                *test = data_fixture_source(c, ODEON_SPLIT_TEST);
    assert_int_equal(data_length(train), 5);
    assert_order(train, 1, 0, expected);
    assert_order(train, 2, 7, expected);
    assert_int_equal(data_length(test), 5);
    assert_order(test, 1, 0, as_stored);
    data_close(train);
    data_close(test);
}

static void test_a_limit_keeps_the_first_of_an_order_file(void **state)
{
    static const int64_t expected[2] = {9, 8};
    config *c = data_fixture_use_order(*state, "9 8 7", 5);
    c->limit = 2;
    data_source *source = data_fixture_source(c, ODEON_SPLIT_TRAIN);
    assert_int_equal(data_length(source), 2);
    assert_order(source, 1, 0, expected);
    data_close(source);
}

static void test_wrong_order_files_name_the_line(void **state)
{
    data_fixture *f = *state;
    static const struct {
        const char *text;
        size_t bytes;
        const char *reason;
    } cases[] = {
        {"", 0, ": has no indices"},
        {" \n\n ", 4, ": has no indices"},
        {"10", 2, ":1: '10' is no sample: expected 0 to 9"},
        {"0\n1\n-1", 6, ":3: '-1' is no sample"},
        {"0\n1x 2", 6, ":2: '1x' is no sample"},
        {"1.0", 3, ":1: '1.0' is no sample"},
        {"1,2", 3, ":1: '1,2' is no sample"},
        {"0x1", 3, ":1: '0x1' is no sample"},
        {"9223372036854775808", 19, "is no sample"},
        {"99999999999999999999999999", 26, "is no sample"},
        {"0\n1\0002", 5, ":2: not a text file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        data_source *source;
        config *c = data_fixture_use_order(f, cases[i].text, cases[i].bytes);
        assert_int_equal(data_open(c, ODEON_SPLIT_TRAIN, &source), ODEON_ERR_DATA);
        assert_null(source);
        if (strstr(diag_message(), cases[i].reason) == NULL ||
            strstr(diag_message(), f->order) == NULL) {
            fail_msg("\"%s\" lacks \"%s\"", diag_message(), cases[i].reason);
        }
    }
}

static void test_an_order_file_that_cannot_be_read_is_refused(void **state)
{
    config *c = data_fixture_use(*state, "numbered");
    char missing[] = "/nonexistent/order", folder[] = "/tmp";
    data_source *source;
    c->order = missing;
    assert_int_equal(data_open(c, ODEON_SPLIT_TRAIN, &source), ODEON_ERR_IO);
    c->order = folder;
    assert_int_equal(data_open(c, ODEON_SPLIT_TRAIN, &source), ODEON_ERR_IO);
}

static void test_every_failing_allocation_of_a_validation_is_survived(void **state)
{
    config *c = data_fixture_use(*state, "numbered");
    c->validation = 0.5;
    data_source *train = data_fixture_source(c, ODEON_SPLIT_TRAIN), *apart = NULL;
    odeon_status status = ODEON_ERR_NOMEM;
    int n = 0;
    for (; status == ODEON_ERR_NOMEM && n < 100; n++) {
        mem_fail_at(n + 1);
        status = data_open_validation(c, train, &apart);
        mem_fail_at(0);
    }
    assert_int_equal(status, ODEON_OK);
    assert_int_equal(n, 5);
    data_close(apart);
    data_close(train);
}

/* ---- batches ---- */

static void test_a_batch_has_inputs_and_labels_of_its_samples(void **state)
{
    data_source *source =
        data_fixture_source(data_fixture_use(*state, "numbered"), ODEON_SPLIT_TRAIN);
    static const int64_t indices[3] = {7, 2, 7};
    float input[3][2];
    int64_t label[3];
    assert_int_equal(data_batch(source, 3, indices, (void *[DATA_ROLES]){input, label}), ODEON_OK);
    for (int i = 0; i < 3; i++) {
        assert_true(input[i][0] == (float)indices[i] && input[i][1] == 0.0f);
        assert_int_equal(label[i], indices[i] % 3);
    }
    assert_int_equal(data_batch(source, 0, NULL, (void *[DATA_ROLES]){NULL}), ODEON_OK);
    data_close(source);
}

static void test_samples_that_do_not_exist_are_refused(void **state)
{
    data_source *source =
        data_fixture_source(data_fixture_use(*state, "numbered"), ODEON_SPLIT_TRAIN);
    float input[2];
    int64_t label, beyond = 10, before = -1;
    void *fields[DATA_ROLES] = {input, &label};
    assert_int_equal(data_batch(source, 1, &beyond, fields), ODEON_ERR_INTERNAL);
    assert_int_equal(data_batch(source, 1, &before, fields), ODEON_ERR_INTERNAL);
    data_close(source);
}

static void test_every_failing_allocation_is_survived(void **state)
{
    const config *c = data_fixture_use_order(*state, "1 2 3", 5);
    int64_t before = mem_live_blocks(), n = 0;
    odeon_status status = ODEON_ERR_NOMEM;
    while (status == ODEON_ERR_NOMEM && n < 100) {
        data_source *source;
        mem_fail_at(++n);
        status = data_open(c, ODEON_SPLIT_TRAIN, &source);
        mem_fail_at(0);
        data_close(source);
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n > 4); /* at least the source, the instance, the file, the order */
}

static void test_samples_that_cannot_be_used_are_named(void **state)
{
    static const struct {
        const char *expression, *text;
    } sets[] = {
        {"numbered(fault=label)",
         "sample 4 of the training split: label 3 is none of the 3 classes, 0 to 2"},
        {"numbered(fault=nan)", "sample 4 of the training split: input nan is no finite number"},
        {"numbered(fault=infinite)", "sample 4 of the training split: input inf is no finite"},
    };
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        data_source *source;
        int64_t labels[2], bad[2] = {2, 4}, good[2] = {2, 5};
        float inputs[4];
        void *fields[DATA_ROLES] = {[ODEON_ROLE_INPUT] = inputs, [ODEON_ROLE_LABEL] = labels};
        const config *c = data_fixture_use(*state, sets[i].expression);
        assert_int_equal(data_open(c, ODEON_SPLIT_TRAIN, &source), ODEON_OK);
        assert_int_equal(data_batch(source, 2, good, fields), ODEON_OK);
        assert_int_equal(data_batch(source, 2, bad, fields), ODEON_ERR_DATA);
        if (strstr(diag_message(), sets[i].text) == NULL) {
            fail_msg("'%s' does not say '%s'", diag_message(), sets[i].text);
        }
        diag_clear();
        data_close(source);
    }
}

#define WITH_CONFIG(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, data_fixture_open, data_fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CONFIG(test_describe_finds_the_fields_by_role),
        WITH_CONFIG(test_describe_refuses_fields_that_cannot_be),
        WITH_CONFIG(test_fields_of_all_roles_are_described),
        WITH_CONFIG(test_values_are_scaled_and_shifted),
        WITH_CONFIG(test_a_split_has_its_length),
        WITH_CONFIG(test_limits_cut_their_own_split),
        WITH_CONFIG(test_validation_is_a_part_of_the_training_split),
        WITH_CONFIG(test_validation_leaves_neither_part_empty),
        WITH_CONFIG(test_every_failing_allocation_of_a_validation_is_survived),
        WITH_CONFIG(test_a_limit_beyond_the_end_is_no_limit),
        WITH_CONFIG(test_an_empty_split_is_refused),
        WITH_CONFIG(test_a_failing_open_is_passed_on),
        WITH_CONFIG(test_samples_come_as_stored_unless_shuffled),
        WITH_CONFIG(test_shuffling_depends_on_seed_and_epoch_alone),
        WITH_CONFIG(test_a_shuffled_order_stays_as_it_is),
        WITH_CONFIG(test_the_test_split_is_never_shuffled),
        WITH_CONFIG(test_an_epoch_may_have_samples_drawn_at_random),
        WITH_CONFIG(test_an_epoch_of_more_samples_than_there_are_has_all),
        WITH_CONFIG(test_shuffling_stays_within_the_limit),
        WITH_CONFIG(test_an_order_file_decides_the_training_order),
        WITH_CONFIG(test_a_limit_keeps_the_first_of_an_order_file),
        WITH_CONFIG(test_wrong_order_files_name_the_line),
        WITH_CONFIG(test_an_order_file_that_cannot_be_read_is_refused),
        WITH_CONFIG(test_a_batch_has_inputs_and_labels_of_its_samples),
        WITH_CONFIG(test_samples_that_do_not_exist_are_refused),
        WITH_CONFIG(test_samples_that_cannot_be_used_are_named),
        WITH_CONFIG(test_every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
