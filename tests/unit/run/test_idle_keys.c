#include "run/idle_keys.h"

#include <stdio.h>
#include <string.h>

#include "support.h"

enum { STEPS, STEP_SIZE, RTOL, STOPS, CONTROL, N_OPTIONS };
static const odeon_option options[N_OPTIONS] = {
    {.struct_size = sizeof(odeon_option), .type = ODEON_OPTION_I64, .name = "steps"},
    {.struct_size = sizeof(odeon_option), .type = ODEON_OPTION_F64, .name = "step_size"},
    {.struct_size = sizeof(odeon_option), .type = ODEON_OPTION_F64, .name = "rtol"},
    {.struct_size = sizeof(odeon_option), .type = ODEON_OPTION_F64_LIST, .name = "stops"},
    {.struct_size = sizeof(odeon_option), .type = ODEON_OPTION_CHOICE, .name = "control"},
};
static const odeon_option *const table[] = {&options[STEPS], &options[STEP_SIZE], &options[RTOL],
                                            &options[STOPS], &options[CONTROL],   NULL};
static const odeon_component component = {
    .struct_size = sizeof component, .kind = ODEON_KIND_LAYER, .id = "block", .options = table};

/* What is said of a component with the options given (NULL where not), each with its line. */
static size_t idle_with_stops(const location *steps, const location *step_size,
                              const location *rtol, const location *stops, option_value control,
                              char *text, size_t size)
{
    const location *where[] = {steps, step_size, rtol, stops};
    option_value values[N_OPTIONS] = {{.given = false}};
    for (size_t i = 0; i < CONTROL; i++) {
        values[i].given = values[i].set = where[i] != NULL;
        values[i].where = where[i] != NULL ? *where[i] : (location){.line = 0};
    }
    values[CONTROL] = control;
    odeon_config chosen = {
        .component = &component, .kind = ODEON_KIND_LAYER, .n = N_OPTIONS, .values = values};
    memset(text, 0, size);
    FILE *file = fmemopen(text, size - 1, "w");
    assert_non_null(file);
    size_t n = idle_keys_component(file, "ode", &chosen);
    assert_int_equal(fclose(file), 0);
    return n;
}

static size_t idle(const location *steps, const location *step_size, const location *rtol,
                   option_value control, char *text, size_t size)
{
    return idle_with_stops(steps, step_size, rtol, NULL, control, text, size);
}

static const location line_7 = {"a.ini", 7}, line_9 = {"a.ini", 9},
                      override = {"override ode.rtol=1", 0};
static const option_value none = {.given = false};

static void test_idle_keys_names_a_tolerance_beside_steps(void **state)
{
    (void)state;
    char text[256];
    assert_int_equal(idle(&line_7, NULL, &line_9, none, text, sizeof text), 1);
    assert_string_equal(text,
                        "a.ini:9: model.ode.rtol has no effect: steps says which steps to take\n");
}

static void test_idle_keys_names_an_override_beside_a_step_size(void **state)
{
    (void)state;
    char text[256];
    assert_int_equal(idle(NULL, &line_7, &override, none, text, sizeof text), 1);
    assert_string_equal(
        text,
        "override ode.rtol=1: model.ode.rtol has no effect: step_size says which steps to take\n");
}

static void test_idle_keys_is_silent_about_adaptive_steps(void **state)
{
    (void)state;
    char text[256];
    assert_int_equal(idle(NULL, NULL, &line_9, none, text, sizeof text), 0);
    assert_string_equal(text, "");
}

static void test_idle_keys_is_silent_about_a_default(void **state)
{
    (void)state;
    char text[256];
    assert_int_equal(idle(&line_7, NULL, NULL, none, text, sizeof text), 0);
}

static void test_idle_keys_names_a_tolerance_beside_recorded_steps(void **state)
{
    (void)state;
    char text[256], file[] = "/steps.csv";
    option_value replay = {.given = true, .set = true, .argument = file, .where = line_7};
    assert_int_equal(idle(NULL, NULL, &line_9, replay, text, sizeof text), 1);
    assert_string_equal(
        text, "a.ini:9: model.ode.rtol has no effect: control says which steps to take\n");
}

static void test_idle_keys_is_silent_about_a_control_without_a_file(void **state)
{
    (void)state;
    char text[256];
    option_value preset = {.given = true, .set = true, .where = line_7};
    assert_int_equal(idle(NULL, NULL, &line_9, preset, text, sizeof text), 0);
}

/* They cut the grid of step_size; a recorded list has them in it. */
static void test_idle_keys_knows_when_stops_rest(void **state)
{
    (void)state;
    char text[256];
    const option_value replay = {.given = true, .set = true, .argument = "steps.csv"};
    assert_int_equal(idle_with_stops(NULL, &line_7, NULL, &line_9, none, text, sizeof text), 0);
    assert_int_equal(idle_with_stops(NULL, NULL, NULL, &line_9, replay, text, sizeof text), 1);
    assert_string_equal(
        text, "a.ini:9: model.ode.stops has no effect: control says which steps to take\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_keys_names_a_tolerance_beside_steps),
        cmocka_unit_test(test_idle_keys_names_an_override_beside_a_step_size),
        cmocka_unit_test(test_idle_keys_is_silent_about_adaptive_steps),
        cmocka_unit_test(test_idle_keys_is_silent_about_a_default),
        cmocka_unit_test(test_idle_keys_names_a_tolerance_beside_recorded_steps),
        cmocka_unit_test(test_idle_keys_is_silent_about_a_control_without_a_file),
        cmocka_unit_test(test_idle_keys_knows_when_stops_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
