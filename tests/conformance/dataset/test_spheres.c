/* The data set spheres as a plugin: its fields, its points, its batches. */
#include "support.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "odeon/dataset.h"
#include "plugin/component.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

static int set_up(void **state)
{
    *state = support_registry();
    diag_clear();
    return 0;
}

static int tear_down(void **state)
{
    registry_destroy(*state);
    return 0;
}

static instance *make(registry *r, const char *expression)
{
    return support_instance(r, ODEON_KIND_DATASET, expression, 0, 0);
}

static const odeon_dataset_ops *ops_of(const instance *x)
{
    return x->component->ops;
}

static void assert_opens(instance *x, int32_t split, int64_t expected)
{
    int64_t length = -1;
    if (ops_of(x)->open(x->self, split, &length) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    assert_int_equal(length, expected);
}

static void assert_batch(const instance *x, int64_t n, const int64_t *indices, double *points,
                         void *labels)
{
    void *const fields[2] = {points, labels};
    assert_int_equal(ops_of(x)->get_batch(x->self, n, indices, fields), ODEON_OK);
}

static void test_fields_are_points_and_signs_or_classes(void **state)
{
    instance *sign = make(*state, "spheres(dim=3)"), *class = make(*state, "spheres(label=class)");
    odeon_field_info point = {.struct_size = sizeof point}, label = point;
    assert_int_equal(ops_of(sign)->field_count(sign->self), 2);
    assert_int_equal(ops_of(sign)->field(sign->self, 0, &point), ODEON_OK);
    assert_int_equal(point.role, ODEON_ROLE_INPUT);
    assert_int_equal(point.dtype, ODEON_DTYPE_F64);
    assert_int_equal(point.ndim, 1);
    assert_int_equal(point.dim[0], 3);
    assert_int_equal(ops_of(sign)->field(sign->self, 1, &label), ODEON_OK);
    assert_int_equal(label.role, ODEON_ROLE_LABEL);
    assert_int_equal(label.dtype, ODEON_DTYPE_F32);
    assert_int_equal(label.ndim, 1);
    assert_int_equal(label.dim[0], 1);
    assert_int_equal(label.classes, 0);
    assert_int_equal(ops_of(class)->field(class->self, 1, &label), ODEON_OK);
    assert_int_equal(label.dtype, ODEON_DTYPE_U8);
    assert_int_equal(label.ndim, 0);
    assert_int_equal(label.classes, 2);
    assert_int_equal(ops_of(class)->field(class->self, 2, &label), ODEON_ERR_INTERNAL);
    instance_destroy(sign);
    instance_destroy(class);
}

static void test_points_lie_in_their_shells(void **state)
{
    enum { N_INNER = 300, N = 800 };
    instance *x = make(*state, "spheres(n_inner=300, n_outer=500)");
    static double points[N][2];
    static float labels[N];
    int64_t indices[N];
    double mean[2] = {0}, below = 0.0;
    assert_opens(x, ODEON_SPLIT_TRAIN, N);
    for (int64_t i = 0; i < N; i++) {
        indices[i] = i;
    }
    assert_batch(x, N, indices, points[0], labels);
    for (int i = 0; i < N; i++) {
        double radius = hypot(points[i][0], points[i][1]);
        assert_true(labels[i] == (i < N_INNER ? -1.0f : 1.0f));
        assert_true(i < N_INNER ? radius < 0.5 : radius >= 1.0 - 1e-15 && radius < 1.5);
        mean[0] += points[i][0] / N;
        mean[1] += points[i][1] / N;
        /* u^(1/2): a radius is in the lower half of its range with probability 1/4 */
        below += (i < N_INNER ? radius < 0.25 : radius < 1.25) / (double)N;
    }
    /* five standard deviations of these means, for 800 points of a known seed */
    assert_true(fabs(mean[0]) < 0.16 && fabs(mean[1]) < 0.16);
    assert_true(fabs(below - 0.25) < 0.08);
    instance_destroy(x);
}

/* From the formula over Philox4x32-10 in Python, to a few ulp of its log, cos and pow. */
static void test_points_are_the_same_for_ever(void **state)
{
    static const double inner_0[] = {0.4652928803314121, -0.060270929850565626};
    static const double outer_7[] = {0.9494364238375159, -0.7502465158689656};
    static const double test_outer_3[] = {0.6356039937591559, 1.235443627383472,
                                          0.1076549972735259};
    instance *x = make(*state, "spheres(n_inner=10)");
    double points[3];
    float label;
    assert_opens(x, ODEON_SPLIT_TRAIN, 2010);
    assert_batch(x, 1, (int64_t[]){0}, points, &label);
    assert_true(support_distance(2, points, inner_0) < 1e-14);
    assert_batch(x, 1, (int64_t[]){17}, points, &label);
    assert_true(support_distance(2, points, outer_7) < 1e-14);
    instance_destroy(x);
    x = make(*state, "spheres(dim=3, seed=5)");
    assert_opens(x, ODEON_SPLIT_TEST, 600);
    assert_batch(x, 1, (int64_t[]){203}, points, &label);
    assert_true(support_distance(3, points, test_outer_3) < 1e-14);
    instance_destroy(x);
}

static void test_a_batch_has_the_samples_asked_for(void **state)
{
    instance *x = make(*state, "spheres(n_inner=2, n_outer=3, label=class)");
    double all[5][2], some[4][2];
    uint8_t labels[5];
    static const int64_t every[5] = {0, 1, 2, 3, 4}, indices[4] = {4, 0, 4, 2};
    assert_opens(x, ODEON_SPLIT_TRAIN, 5);
    assert_batch(x, 5, every, all[0], labels);
    assert_memory_equal(labels, ((uint8_t[]){0, 0, 1, 1, 1}), 5);
    assert_batch(x, 4, indices, some[0], labels);
    assert_memory_equal(labels, ((uint8_t[]){1, 0, 1, 1}), 4);
    for (int i = 0; i < 4; i++) {
        assert_memory_equal(some[i], all[indices[i]], sizeof some[i]);
    }
    instance_destroy(x);
}

static void test_test_points_are_others(void **state)
{
    instance *train = make(*state, "spheres(n_inner=1, n_outer=7, test_share=0.5)"),
             *test = make(*state, "spheres(n_inner=1, n_outer=7, test_share=0.5)"),
             *few = make(*state, "spheres(n_inner=1, n_outer=1, test_share=0.01)");
    double a[2], b[2];
    float label;
    assert_opens(train, ODEON_SPLIT_TRAIN, 8);
    assert_opens(test, ODEON_SPLIT_TEST, 5); /* 0.5 and 3.5, rounded up */
    assert_opens(few, ODEON_SPLIT_TEST, 2);  /* one a shell at least */
    assert_batch(train, 1, (int64_t[]){0}, a, &label);
    assert_batch(test, 1, (int64_t[]){0}, b, &label);
    assert_true(a[0] != b[0] && a[1] != b[1]);
    instance_destroy(train);
    instance_destroy(test);
    instance_destroy(few);
}

static void test_options_that_cannot_be_are_refused(void **state)
{
    static const char *const wrong[] = {
        "spheres(dim=0)",          "spheres(inner=1)",           "spheres(inner=0 1 2)",
        "spheres(inner=0.5 0.25)", "spheres(outer=0 0)",         "spheres(outer=-1 1)",
        "spheres(n_inner=0)",      "spheres(n_outer=0)",         "spheres(test_share=0)",
        "spheres(test_share=1.5)", "spheres(label=probability)", "spheres(seed=-1)"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        location where = {.file = "test"};
        odeon_config *config = NULL;
        instance *x;
        diag_clear();
        odeon_status status = component_read(*state, ODEON_KIND_DATASET, wrong[i], where, "data",
                                             "/", 0, NULL, &config);
        if (status == ODEON_OK) {
            status = instance_take(config, "data", &x);
        }
        if (status != ODEON_ERR_CONFIG || diag_message()[0] == '\0') {
            fail_msg("%s: %s", wrong[i], diag_message());
        }
    }
}

static void test_misuse_is_refused(void **state)
{
    instance *x = make(*state, "spheres(n_inner=2, n_outer=3)");
    double point[2];
    float label;
    int64_t length;
    void *const fields[2] = {point, &label};
    static const int64_t wrong[] = {0, 5, -1}; /* 0: before open there is none */
    assert_int_equal(ops_of(x)->get_batch(x->self, 1, &wrong[0], fields), ODEON_ERR_INTERNAL);
    assert_int_equal(ops_of(x)->open(x->self, 2, &length), ODEON_ERR_INTERNAL);
    assert_opens(x, ODEON_SPLIT_TRAIN, 5);
    assert_int_equal(ops_of(x)->open(x->self, ODEON_SPLIT_TRAIN, &length), ODEON_ERR_INTERNAL);
    assert_int_equal(ops_of(x)->get_batch(x->self, 1, &wrong[1], fields), ODEON_ERR_INTERNAL);
    assert_int_equal(ops_of(x)->get_batch(x->self, 1, &wrong[2], fields), ODEON_ERR_INTERNAL);
    instance_destroy(x);
}

#define WITH_REGISTRY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_REGISTRY(test_fields_are_points_and_signs_or_classes),
        WITH_REGISTRY(test_points_lie_in_their_shells),
        WITH_REGISTRY(test_points_are_the_same_for_ever),
        WITH_REGISTRY(test_a_batch_has_the_samples_asked_for),
        WITH_REGISTRY(test_test_points_are_others),
        WITH_REGISTRY(test_options_that_cannot_be_are_refused),
        WITH_REGISTRY(test_misuse_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
