/* Can the numbers that a data set gave be used? What is refused, in which words, and where it is
 * said to stand. */
#include "data/sample_check.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "support.h"

/* ---- a data set that says where samples stand ---- */

typedef struct located {
    int64_t index, element;
    int32_t field;
    int times;
} located;

static void locate(void *self, int64_t index, int32_t field, int64_t element, char *text,
                   uint64_t bytes)
{
    located *l = self;
    *l = (located){.index = index, .field = field, .element = element, .times = l->times + 1};
    (void)snprintf(text, bytes, "a.csv:%d", 7);
}

static const odeon_dataset_ops plain_ops = {.struct_size = sizeof plain_ops},
                               locating_ops = {.struct_size = sizeof locating_ops,
                                               .locate = locate};
static const odeon_component plain = {.kind = ODEON_KIND_DATASET, .id = "plain", .ops = &plain_ops},
                             locating = {.kind = ODEON_KIND_DATASET,
                                         .id = "locating",
                                         .ops = &locating_ops};

/* Samples with an input [2], a label and further fields as a test adds them. */
typedef struct samples {
    instance set;
    located located;
    data_fields fields;
    sample_origin from;
    void *stored[DATA_ROLES];
} samples;

static char path[] = "data";
static const int64_t indices[] = {70, 20, 5};

static void add(samples *s, int32_t role, odeon_field_info field, void *stored)
{
    field.role = role;
    field.scale = field.scale == 0.0 ? 1.0 : field.scale;
    s->fields.index[role] = 10 + role;
    s->fields.of[role] = field;
    s->fields.n_fields++;
    s->stored[role] = stored;
}

static void begin(samples *s)
{
    *s = (samples){.set = {.component = &plain, .path = path}};
    s->from = (sample_origin){
        .set = &s->set, .split = ODEON_SPLIT_TRAIN, .dtype = ODEON_DTYPE_F32, .fields = &s->fields};
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        s->fields.index[role] = -1;
    }
    diag_clear();
}

static const odeon_field_info one_float = {.dtype = ODEON_DTYPE_F32},
                              two_floats = {.dtype = ODEON_DTYPE_F32, .ndim = 1, .dim = {2}},
                              two_doubles = {.dtype = ODEON_DTYPE_F64, .ndim = 1, .dim = {2}},
                              two_bytes = {.dtype = ODEON_DTYPE_U8, .ndim = 1, .dim = {2}};

static odeon_status check(const samples *s, int64_t n)
{
    diag_clear();
    return sample_check(&s->from, n, indices, s->stored);
}

static void assert_refused(const samples *s, int64_t n, const char *message)
{
    assert_int_equal(check(s, n), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), message);
}

/* ---- numbers ---- */

static void test_finite_numbers_are_taken(void **state)
{
    (void)state;
    float x[] = {0.0f, FLT_MAX, -FLT_MAX, 1e-45f, -0.0f, 1.0f};
    samples s;
    begin(&s);
    add(&s, ODEON_ROLE_INPUT, two_floats, x);
    assert_int_equal(check(&s, 3), ODEON_OK);
    assert_int_equal(check(&s, 0), ODEON_OK);
    assert_string_equal(diag_message(), "");
}

static void test_a_number_that_is_not_finite_is_refused(void **state)
{
    (void)state;
    float x[] = {0.0f, 0.0f, 0.0f, NAN, INFINITY, 0.0f};
    samples s;
    begin(&s);
    add(&s, ODEON_ROLE_INPUT, two_floats, x);
    assert_int_equal(check(&s, 1), ODEON_OK);
    assert_refused(&s, 3, "data: sample 20 of the training split: input nan is no finite number");
    s.from.split = ODEON_SPLIT_TEST;
    x[3] = 0.0f;
    assert_refused(&s, 3, "data: sample 5 of the test split: input inf is no finite number");
    s.from.dtype = ODEON_DTYPE_F64;
    x[4] = -INFINITY;
    assert_refused(&s, 3, "data: sample 5 of the test split: input -inf is no finite number");
}

/* In a run of float64, and among times, which are always float64, they are numbers as others. */
static void test_numbers_beyond_float32_need_a_wider_run(void **state)
{
    (void)state;
    double x[] = {0.0, -1e39};
    samples s;
    begin(&s);
    add(&s, ODEON_ROLE_CONTROL, two_doubles, x);
    assert_refused(&s, 1,
                   "data: sample 70 of the training split: control -1e+39 is beyond float32: scale "
                   "it, or give run.dtype = float64");
    s.from.dtype = ODEON_DTYPE_F64;
    assert_int_equal(check(&s, 1), ODEON_OK);
    begin(&s);
    add(&s, ODEON_ROLE_TIME, two_doubles, x);
    assert_int_equal(check(&s, 1), ODEON_OK);
    x[1] = (double)NAN;
    assert_refused(&s, 1, "data: sample 70 of the training split: time nan is no finite number");
}

static void test_it_is_the_scaled_number_that_counts(void **state)
{
    (void)state;
    double x[] = {0.0, 1e39};
    uint8_t bytes[] = {0, 255};
    odeon_field_info scaled = two_doubles, huge = two_bytes, shifted = two_bytes;
    samples s;
    scaled.scale = 0.5e-1;
    begin(&s);
    add(&s, ODEON_ROLE_INPUT, scaled, x);
    assert_int_equal(check(&s, 1), ODEON_OK);
    huge.scale = 1e38;
    begin(&s);
    add(&s, ODEON_ROLE_INPUT, huge, bytes);
    assert_refused(&s, 1,
                   "data: sample 70 of the training split: input 2.55e+40 is beyond float32: scale "
                   "it, or give run.dtype = float64");
    shifted.shift = -1e39;
    begin(&s);
    add(&s, ODEON_ROLE_INPUT, shifted, bytes);
    assert_refused(&s, 1,
                   "data: sample 70 of the training split: input -1e+39 is beyond float32: scale "
                   "it, or give run.dtype = float64");
    begin(&s);
    add(&s, ODEON_ROLE_INPUT, two_bytes, bytes);
    assert_int_equal(check(&s, 1), ODEON_OK);
}

/* ---- classes ---- */

static void test_classes_are_whole_numbers_below_their_count(void **state)
{
    (void)state;
    static const struct {
        float label;
        const char *reason; /* NULL: is a class */
    } cases[] = {{0.0f, NULL},
                 {2.0f, NULL},
                 {3.0f, "label 3 is none of the 3 classes, 0 to 2"},
                 {-1.0f, "label -1 is none of the 3 classes, 0 to 2"},
                 {1.5f, "label 1.5 is none of the 3 classes, 0 to 2"},
                 {NAN, "label nan is none of the 3 classes, 0 to 2"},
                 {INFINITY, "label inf is none of the 3 classes, 0 to 2"}};
    odeon_field_info classes = one_float;
    classes.classes = 3;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float labels[] = {1.0f, cases[i].label};
        samples s;
        begin(&s);
        add(&s, ODEON_ROLE_LABEL, classes, labels);
        if (cases[i].reason == NULL) {
            assert_int_equal(check(&s, 2), ODEON_OK);
            continue;
        }
        char expected[128];
        (void)snprintf(expected, sizeof expected, "data: sample 20 of the training split: %s",
                       cases[i].reason);
        assert_refused(&s, 2, expected);
        assert_int_equal(check(&s, 1), ODEON_OK);
    }
}

/* ---- masks ---- */

static void test_what_the_mask_leaves_out_may_be_anything(void **state)
{
    (void)state;
    float labels[] = {0.0f, NAN, INFINITY, 1.0f};
    uint8_t mask[] = {1, 0, 0, 1};
    samples s;
    begin(&s);
    add(&s, ODEON_ROLE_LABEL, two_floats, labels);
    add(&s, ODEON_ROLE_MASK, two_bytes, mask);
    assert_int_equal(check(&s, 2), ODEON_OK);
    mask[2] = 2; /* a weight */
    assert_refused(&s, 2, "data: sample 20 of the training split: label inf is no finite number");
    mask[2] = 0;
    begin(&s);
    add(&s, ODEON_ROLE_INPUT, two_floats, labels); /* the mask is of labels alone */
    add(&s, ODEON_ROLE_MASK, two_bytes, mask);
    assert_refused(&s, 2, "data: sample 70 of the training split: input nan is no finite number");
}

static void test_classes_that_the_mask_leaves_out(void **state)
{
    (void)state;
    float labels[] = {5.0f, 1.0f};
    uint8_t mask[] = {0, 1};
    odeon_field_info classes = one_float, weight = {.dtype = ODEON_DTYPE_U8};
    classes.classes = 3;
    samples s;
    begin(&s);
    add(&s, ODEON_ROLE_LABEL, classes, labels);
    add(&s, ODEON_ROLE_MASK, weight, mask);
    assert_int_equal(check(&s, 2), ODEON_OK);
    mask[0] = 1;
    assert_refused(
        &s, 2, "data: sample 70 of the training split: label 5 is none of the 3 classes, 0 to 2");
}

static void test_a_mask_has_to_be_finite_itself(void **state)
{
    (void)state;
    float labels[] = {0.0f, 0.0f}, mask[] = {1.0f, NAN};
    samples s;
    begin(&s);
    add(&s, ODEON_ROLE_LABEL, two_floats, labels);
    add(&s, ODEON_ROLE_MASK, two_floats, mask);
    assert_refused(&s, 1, "data: sample 70 of the training split: mask nan is no finite number");
}

/* ---- places ---- */

static void test_the_data_set_says_where_a_sample_stands(void **state)
{
    (void)state;
    float x[] = {0.0f, 0.0f, 0.0f, NAN};
    samples s;
    begin(&s);
    s.set.component = &locating;
    s.set.self = &s.located;
    add(&s, ODEON_ROLE_CONTROL, two_floats, x);
    assert_refused(&s, 2,
                   "a.csv:7: data: sample 20 of the training split: control nan is no finite "
                   "number");
    assert_int_equal(s.located.times, 1);
    assert_int_equal(s.located.index, 20);
    assert_int_equal(s.located.field, 10 + ODEON_ROLE_CONTROL);
    assert_int_equal(s.located.element, 1);
    x[3] = 0.0f;
    assert_int_equal(check(&s, 2), ODEON_OK);
    assert_int_equal(s.located.times, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finite_numbers_are_taken),
        cmocka_unit_test(test_a_number_that_is_not_finite_is_refused),
        cmocka_unit_test(test_numbers_beyond_float32_need_a_wider_run),
        cmocka_unit_test(test_it_is_the_scaled_number_that_counts),
        cmocka_unit_test(test_classes_are_whole_numbers_below_their_count),
        cmocka_unit_test(test_what_the_mask_leaves_out_may_be_anything),
        cmocka_unit_test(test_classes_that_the_mask_leaves_out),
        cmocka_unit_test(test_a_mask_has_to_be_finite_itself),
        cmocka_unit_test(test_the_data_set_says_where_a_sample_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
