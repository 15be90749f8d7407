/* Schedules: their factors against the formulas, step by step. */
#include "support.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "odeon/schedule.h"
#include "plugin/component.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

static registry *plugins;

static int open_plugins(void **state)
{
    (void)state;
    plugins = support_registry();
    return 0;
}

static int close_plugins(void **state)
{
    (void)state;
    registry_destroy(plugins);
    return 0;
}

/* Factors of steps 1 to `steps` of a run with so many steps an epoch. */
static void factors(const char *expression, int64_t steps, int64_t an_epoch, double *out)
{
    instance *schedule = support_instance(plugins, ODEON_KIND_SCHEDULE, expression, 0, 0);
    const odeon_schedule_ops *ops = schedule->component->ops;
    for (int64_t step = 1; step <= steps; step++) {
        odeon_position position = {.struct_size = sizeof position,
                                   .step = step,
                                   .steps = steps,
                                   .steps_an_epoch = an_epoch,
                                   .epoch = (double)(step - 1) / (double)an_epoch,
                                   .epochs = (double)steps / (double)an_epoch};
        out[step - 1] = ops->factor(schedule->self, &position);
    }
    instance_destroy(schedule);
}

static void assert_factor(const double *all, int64_t step, double expected)
{
    if (!(fabs(all[step - 1] - expected) <= 4e-16)) { /* two roundings of numbers up to 1 */
        fail_msg("step %lld: %.17g, expected %.17g", (long long)step, all[step - 1], expected);
    }
}

static void test_constant_is_one(void **state)
{
    (void)state;
    double all[20];
    factors("constant", 20, 5, all);
    for (int64_t step = 1; step <= 20; step++) {
        assert_true(all[step - 1] == 1.0);
    }
}

static void test_warmup_rises_step_by_step(void **state)
{
    (void)state;
    static const char *const schedules[] = {"constant(warmup=2)", "steps(warmup=2, at=3)",
                                            "cosine(warmup=2)"};
    for (size_t i = 0; i < sizeof schedules / sizeof schedules[0]; i++) {
        double all[20];
        factors(schedules[i], 20, 5, all);
        for (int64_t step = 1; step <= 10; step++) { /* two epochs of 5 */
            assert_factor(all, step, (double)step / 10.0);
        }
        assert_factor(all, 11, 1.0);
    }
}

/* A later host sets a bit from 16 on where a schedule that does not know what it is for would go
 * wrong, and the factor then must be no number; others change nothing. */
static void test_bits_that_must_be_understood_are_refused(void **state)
{
    (void)state;
    static const char *const schedules[] = {"constant", "steps(warmup=2, at=3)", "cosine(warmup=2)",
                                            "cosine"};
    for (size_t i = 0; i < sizeof schedules / sizeof schedules[0]; i++) {
        instance *schedule = support_instance(plugins, ODEON_KIND_SCHEDULE, schedules[i], 0, 0);
        const odeon_schedule_ops *ops = schedule->component->ops;
        odeon_position position = {.struct_size = sizeof position,
                                   .step = 12,
                                   .steps = 20,
                                   .steps_an_epoch = 5,
                                   .epoch = 2.2,
                                   .epochs = 4.0};
        double plain = ops->factor(schedule->self, &position);
        for (int bit = 0; bit < 32; bit++) {
            position.flags = UINT32_C(1) << bit;
            double factor = ops->factor(schedule->self, &position);
            assert_true(bit < 16 ? factor == plain : isnan(factor));
        }
        instance_destroy(schedule);
    }
}

static void test_warmup_may_be_a_part_of_an_epoch(void **state)
{
    (void)state;
    double all[20];
    factors("constant(warmup=0.5)", 20, 5, all); /* 2.5 steps */
    assert_factor(all, 1, 0.4);
    assert_factor(all, 2, 0.8);
    assert_factor(all, 3, 1.0);
}

/* The example of torchdiffeq: rates of 1, 0.1, 0.01, 0.001 from epochs 0, 60, 100, 140 on, which
 * change with the first batch behind the boundary (learning_rate_with_decay of odenet_mnist.py). */
static void test_steps_are_those_of_the_mnist_example(void **state)
{
    (void)state;
    enum { AN_EPOCH = 468, EPOCHS = 160 };
    static const double rates[] = {1.0, 0.1, 0.01, 0.001};
    static const int64_t boundaries[] = {60, 100, 140};
    double *all = test_malloc(AN_EPOCH * EPOCHS * sizeof *all);
    factors("steps(at=60 100 140, factor=0.1)", (int64_t)AN_EPOCH * EPOCHS, AN_EPOCH, all);
    for (int64_t i = 0; i < AN_EPOCH * EPOCHS; i++) {
        int past = 0;
        while (past < 3 && i >= boundaries[past] * AN_EPOCH) {
            past++;
        }
        assert_factor(all, i + 1, rates[past]);
    }
    test_free(all);
}

static void test_steps_take_fractions_of_epochs_and_rises(void **state)
{
    (void)state;
    double all[12];
    factors("steps(at=0.5 2, factor=2)", 12, 4, all);
    assert_factor(all, 2, 1.0);
    assert_factor(all, 3, 2.0); /* the third of four: half an epoch is gone */
    assert_factor(all, 8, 2.0);
    assert_factor(all, 9, 4.0);
}

static double half_cosine(double x)
{
    return 0.5 * (1.0 + cos(acos(-1.0) * x));
}

static void test_cosine_falls_to_the_end_of_the_run(void **state)
{
    (void)state;
    double all[20];
    factors("cosine", 20, 5, all);
    for (int64_t step = 1; step <= 20; step++) {
        assert_factor(all, step, half_cosine((double)(step - 1) / 20.0));
    }
    assert_true(all[0] == 1.0);
}

/* From the first step to the end of the run, or of the epochs or steps that are given; there it
 * stays. */
static void test_linear_goes_along_a_line_and_stays(void **state)
{
    (void)state;
    double all[20];
    factors("linear", 20, 5, all);
    for (int64_t step = 1; step <= 20; step++) {
        assert_factor(all, step, (double)(step - 1) / 20.0);
    }
    factors("linear(from=1, to=0.5, epochs=2, delay=1)", 20, 5, all);
    assert_factor(all, 6, 1.0);
    assert_factor(all, 11, 0.75);
    assert_factor(all, 16, 0.5);
    assert_factor(all, 20, 0.5);
    factors("linear(from=0.5, steps=4)", 20, 5, all);
    assert_factor(all, 1, 0.5);
    assert_factor(all, 3, 0.75);
    assert_factor(all, 5, 1.0);
    assert_factor(all, 20, 1.0);
}

static void test_cosine_ends_at_its_final_factor(void **state)
{
    (void)state;
    double all[30];
    factors("cosine(final=0.25, epochs=3, warmup=1)", 30, 5, all);
    assert_factor(all, 6, 1.0);
    assert_factor(all, 11, 0.25 + 0.75 * half_cosine(0.5));
    for (int64_t step = 16; step <= 30; step++) {
        assert_factor(all, step, 0.25);
    }
}

static void test_a_warmup_beyond_the_end_is_all_there_is(void **state)
{
    (void)state;
    double all[10];
    factors("cosine(warmup=4)", 10, 5, all);
    for (int64_t step = 1; step <= 10; step++) {
        assert_factor(all, step, (double)step / 20.0);
    }
}

static void test_steps_in_falling_order_are_refused(void **state)
{
    (void)state;
    location where = {.file = "test"};
    odeon_config *config = NULL;
    instance *schedule = NULL;
    diag_clear();
    assert_int_equal(component_read(plugins, ODEON_KIND_SCHEDULE, "steps(at=3 2)", where, "train",
                                    "/", 0, NULL, &config),
                     ODEON_OK);
    assert_int_equal(instance_create(config, "train.schedule", &schedule), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "2 comes after 3"));
    schema_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant_is_one),
        cmocka_unit_test(test_warmup_rises_step_by_step),
        cmocka_unit_test(test_bits_that_must_be_understood_are_refused),
        cmocka_unit_test(test_warmup_may_be_a_part_of_an_epoch),
        cmocka_unit_test(test_steps_are_those_of_the_mnist_example),
        cmocka_unit_test(test_steps_take_fractions_of_epochs_and_rises),
        cmocka_unit_test(test_cosine_falls_to_the_end_of_the_run),
        cmocka_unit_test(test_cosine_ends_at_its_final_factor),
        cmocka_unit_test(test_linear_goes_along_a_line_and_stays),
        cmocka_unit_test(test_a_warmup_beyond_the_end_is_all_there_is),
        cmocka_unit_test(test_steps_in_falling_order_are_refused),
    };
    return cmocka_run_group_tests(tests, open_plugins, close_plugins);
}
