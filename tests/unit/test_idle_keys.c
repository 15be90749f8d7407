#include "idle_keys.h"

#include <stdio.h>
#include <string.h>

#include "support.h"

enum { STEPS, STEP_SIZE, RTOL, N_OPTIONS };
static const odeon_option options[N_OPTIONS] = {
    {.struct_size = sizeof(odeon_option), .type = ODEON_OPTION_I64, .name = "steps"},
    {.struct_size = sizeof(odeon_option), .type = ODEON_OPTION_F64, .name = "step_size"},
    {.struct_size = sizeof(odeon_option), .type = ODEON_OPTION_F64, .name = "rtol"},
};
static const odeon_option *const table[] = {&options[STEPS], &options[STEP_SIZE], &options[RTOL],
                                            NULL};
static const odeon_component component = {
    .struct_size = sizeof component, .kind = ODEON_KIND_LAYER, .id = "block", .options = table};

/* What is said of a component with the options given (NULL where not), each with its line. */
static size_t idle(const config_where *steps, const config_where *step_size,
                   const config_where *rtol, char *text, size_t size)
{
    const config_where *where[N_OPTIONS] = {steps, step_size, rtol};
    option_value values[N_OPTIONS] = {{.given = false}};
    for (size_t i = 0; i < N_OPTIONS; i++) {
        values[i].given = values[i].set = where[i] != NULL;
        values[i].where = where[i] != NULL ? *where[i] : (config_where){.line = 0};
    }
    odeon_config chosen = {
        .component = &component, .kind = ODEON_KIND_LAYER, .n = N_OPTIONS, .values = values};
    memset(text, 0, size);
    FILE *file = fmemopen(text, size - 1, "w");
    assert_non_null(file);
    size_t n = idle_keys_component(file, "ode", &chosen);
    assert_int_equal(fclose(file), 0);
    return n;
}

static const config_where line_7 = {"a.ini", 7}, line_9 = {"a.ini", 9},
                          override = {"override ode.rtol=1", 0};

static void test_idle_keys_names_a_tolerance_beside_steps(void **state)
{
    (void)state;
    char text[256];
    assert_int_equal(idle(&line_7, NULL, &line_9, text, sizeof text), 1);
    assert_string_equal(text,
                        "a.ini:9: model.ode.rtol has no effect: steps asks for fixed steps\n");
}

static void test_idle_keys_names_an_override_beside_a_step_size(void **state)
{
    (void)state;
    char text[256];
    assert_int_equal(idle(NULL, &line_7, &override, text, sizeof text), 1);
    assert_string_equal(
        text,
        "override ode.rtol=1: model.ode.rtol has no effect: step_size asks for fixed steps\n");
}

static void test_idle_keys_is_silent_about_adaptive_steps(void **state)
{
    (void)state;
    char text[256];
    assert_int_equal(idle(NULL, NULL, &line_9, text, sizeof text), 0);
    assert_string_equal(text, "");
}

static void test_idle_keys_is_silent_about_a_default(void **state)
{
    (void)state;
    char text[256];
    assert_int_equal(idle(&line_7, NULL, NULL, text, sizeof text), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_keys_names_a_tolerance_beside_steps),
        cmocka_unit_test(test_idle_keys_names_an_override_beside_a_step_size),
        cmocka_unit_test(test_idle_keys_is_silent_about_adaptive_steps),
        cmocka_unit_test(test_idle_keys_is_silent_about_a_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
