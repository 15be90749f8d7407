#include "support.h"

#include "run/train_phase.h"

/* After 2 epochs and after 9 steps. */
static config_phase list[] = {{.name = "b", .after = {.unit = CONFIG_EPOCHS, .every = 2}},
                              {.name = "c", .after = {.unit = CONFIG_STEPS, .every = 9}}};

static void test_a_step_belongs_to_the_phase_that_has_begun(void **state)
{
    (void)state;
    static const struct {
        int64_t extra, step;
        size_t index;
        int64_t before, end;
    } cases[] = {{0, 1, 0, 0, 6},           {0, 6, 0, 0, 6},          {0, 7, 1, 6, 9},
                 {0, 9, 1, 6, 9},           {0, 10, 2, 9, INT64_MAX}, {1, 7, 0, 0, 7},
                 {0, 1000, 2, 9, INT64_MAX}};
    config c = {.batch = 4, .n_phases = 2, .phases = list};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        train_phase phase = train_phase_of(&c, 3, cases[i].extra, cases[i].step);
        assert_int_equal(phase.index, cases[i].index);
        assert_int_equal(phase.before, cases[i].before);
        assert_int_equal(phase.end, cases[i].end);
    }
}

static void test_a_run_without_phases_is_one(void **state)
{
    (void)state;
    config c = {.batch = 4};
    train_phase phase = train_phase_of(&c, 3, 0, 77);
    assert_int_equal(phase.index, 0);
    assert_int_equal(phase.before, 0);
    assert_int_equal(phase.end, INT64_MAX);
    assert_null(train_phase_late(&c, 3, 1));
}

static void test_phases_that_come_too_late_are_found(void **state)
{
    (void)state;
    config c = {.batch = 4, .n_phases = 2, .phases = list};
    assert_string_equal(train_phase_late(&c, 3, 6), "b");
    assert_string_equal(train_phase_late(&c, 3, 9), "c");
    assert_null(train_phase_late(&c, 3, 10));
    list[0].after.every = INT64_MAX; /* more steps than can be counted */
    assert_string_equal(train_phase_late(&c, 3, INT64_MAX), "b");
    list[0].after.every = 2;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_step_belongs_to_the_phase_that_has_begun),
        cmocka_unit_test(test_a_run_without_phases_is_one),
        cmocka_unit_test(test_phases_that_come_too_late_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
