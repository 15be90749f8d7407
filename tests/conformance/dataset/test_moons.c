/* The data set moons as a plugin: where its points lie, and that they are the same again. */
#include "support.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "odeon/dataset.h"
#include "plugin/component.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

enum { MANY = 400 };

static instance *open_set(registry *r, const char *expression, int32_t split, int64_t *length)
{
    instance *x = support_instance(r, ODEON_KIND_DATASET, expression, 0, 0);
    const odeon_dataset_ops *ops = x->component->ops;
    assert_int_equal(ops->open(x->self, split, length), ODEON_OK);
    return x;
}

static void take(const instance *x, int64_t n, int64_t first, double *points, uint8_t *labels)
{
    const odeon_dataset_ops *ops = x->component->ops;
    int64_t indices[MANY];
    void *const fields[2] = {points, labels};
    for (int64_t i = 0; i < n; i++) {
        indices[i] = first + i;
    }
    assert_int_equal(ops->get_batch(x->self, n, indices, fields), ODEON_OK);
}

/* Without noise: of radius 1 around (0, 0) and above, or around (1, 0.5) and below. */
static void test_points_lie_on_their_moons(void **state)
{
    (void)state;
    registry *r = support_registry();
    int64_t length;
    static double points[MANY][2];
    uint8_t labels[MANY];
    int above = 0;
    instance *x = open_set(r, "moons(points=400, noise=0)", ODEON_SPLIT_TRAIN, &length);
    assert_int_equal(length, MANY);
    take(x, MANY, 0, points[0], labels);
    for (int i = 0; i < MANY; i++) {
        double dx = points[i][0] - (labels[i] == 0 ? 0.0 : 1.0);
        double dy = points[i][1] - (labels[i] == 0 ? 0.0 : 0.5);
        assert_true(fabs(sqrt(dx * dx + dy * dy) - 1.0) < 1e-14);
        assert_true(labels[i] == 0 ? dy >= 0.0 : dy <= 0.0);
        assert_int_equal(labels[i], i % 2);
        above += dx > 0.0;
    }
    assert_in_range(above, 150, 250); /* of 400, half each: five deviations */
    instance_destroy(x);
    registry_destroy(r);
}

static void test_points_depend_on_seed_split_and_index_alone(void **state)
{
    (void)state;
    registry *r = support_registry();
    int64_t length;
    double some[4][2], again[2][2], other[4][2];
    uint8_t labels[4];
    instance *x = open_set(r, "moons(points=10)", ODEON_SPLIT_TRAIN, &length);
    take(x, 4, 3, some[0], labels);
    take(x, 2, 4, again[0], labels);
    assert_memory_equal(some[1], again, sizeof again);
    instance_destroy(x);
    x = open_set(r, "moons(points=10, seed=1)", ODEON_SPLIT_TRAIN, &length);
    take(x, 4, 3, other[0], labels);
    assert_memory_not_equal(some, other, sizeof some);
    instance_destroy(x);
    x = open_set(r, "moons(points=10, test_share=1)", ODEON_SPLIT_TEST, &length);
    assert_int_equal(length, 10);
    take(x, 4, 3, other[0], labels);
    assert_memory_not_equal(some, other, sizeof some);
    instance_destroy(x);
    registry_destroy(r);
}

static void test_what_is_not_there_is_refused(void **state)
{
    (void)state;
    registry *r = support_registry();
    int64_t length, outside = 10;
    double point[2];
    uint8_t label;
    void *const fields[2] = {point, &label};
    odeon_field_info info = {.struct_size = sizeof info};
    instance *x = open_set(r, "moons(points=10)", ODEON_SPLIT_TRAIN, &length);
    const odeon_dataset_ops *ops = x->component->ops;
    assert_int_equal(ops->get_batch(x->self, 1, &outside, fields), ODEON_ERR_INTERNAL);
    assert_int_equal(ops->open(x->self, ODEON_SPLIT_TEST, &length), ODEON_ERR_INTERNAL);
    assert_int_equal(ops->field(x->self, 2, &info), ODEON_ERR_INTERNAL);
    assert_int_equal(ops->field(x->self, 1, &info), ODEON_OK);
    assert_int_equal(info.classes, 2);
    instance_destroy(x);
    registry_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points_lie_on_their_moons),
        cmocka_unit_test(test_points_depend_on_seed_split_and_index_alone),
        cmocka_unit_test(test_what_is_not_there_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
