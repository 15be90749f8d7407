#include "command/command_line.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support.h"

enum { MAX_WORDS = 16 };

/* Parses words up to a NULL; argv lives in storage of the caller. */
static odeon_status parse(char **argv, command_line *out)
{
    int argc = 0;
    while (argv[argc] != NULL) {
        argc++;
    }
    diag_clear();
    return command_line_parse(argc, argv, out);
}

#define WORDS(...) ((char *[]){(char[]){"odeon"}, __VA_ARGS__, NULL})
#define WORD(text) ((char[]){text})

static void test_command_line_separates_operands_from_options(void **state)
{
    (void)state;
    command_line a;
    odeon_status status = parse(
        WORDS(WORD("eval"), WORD("a.ini"), WORD("--weights"), WORD("w"), WORD("run.seed=2")), &a);
    assert_int_equal(status, ODEON_OK);
    assert_string_equal(a.command, "eval");
    assert_int_equal(a.n_operands, 2);
    assert_string_equal(a.operands[0], "a.ini");
    assert_string_equal(a.operands[1], "run.seed=2");
    assert_string_equal(a.value[ARGUMENT_WEIGHTS], "w");
    command_line_fini(&a);
}

static void test_command_line_leaves_argv_in_order(void **state)
{
    (void)state;
    char **argv = WORDS(WORD("eval"), WORD("a.ini"), WORD("--weights"), WORD("w"));
    char *before[MAX_WORDS];
    memcpy(before, argv, 5 * sizeof *argv);
    command_line a;
    assert_int_equal(parse(argv, &a), ODEON_OK);
    assert_memory_equal(argv, before, 5 * sizeof *argv);
    command_line_fini(&a);
}

static void test_command_line_collects_plugin_paths(void **state)
{
    (void)state;
    command_line a;
    assert_int_equal(
        parse(WORDS(WORD("--plugin-path"), WORD("one"), WORD("plugins"), WORD("--plugin-path=two")),
              &a),
        ODEON_OK);
    assert_int_equal(a.n_plugin_paths, 2);
    assert_string_equal(a.plugin_paths[0], "one");
    assert_string_equal(a.plugin_paths[1], "two");
    command_line_fini(&a);
}

static void test_command_line_takes_what_follows_two_dashes_as_operands(void **state)
{
    (void)state;
    command_line a;
    assert_int_equal(parse(WORDS(WORD("train"), WORD("--"), WORD("--weights")), &a), ODEON_OK);
    assert_int_equal(a.n_operands, 1);
    assert_string_equal(a.operands[0], "--weights");
    command_line_fini(&a);
}

static void test_command_line_without_words_has_no_command(void **state)
{
    (void)state;
    command_line a;
    char *argv[] = {WORD("odeon"), NULL};
    assert_int_equal(parse(argv, &a), ODEON_OK);
    assert_null(a.command);
    command_line_fini(&a);
}

static void test_command_line_names_an_unknown_option(void **state)
{
    (void)state;
    command_line a;
    assert_int_equal(parse(WORDS(WORD("train"), WORD("a.ini"), WORD("--bogus"), WORD("x")), &a),
                     ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "unknown option '--bogus'"));
    command_line_fini(&a);
}

static void test_command_line_names_an_unknown_letter(void **state)
{
    (void)state;
    command_line a;
    assert_int_equal(parse(WORDS(WORD("train"), WORD("-qx")), &a), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "unknown option '-q'"));
    command_line_fini(&a);
}

static void test_command_line_misses_an_options_value(void **state)
{
    (void)state;
    command_line a;
    assert_int_equal(parse(WORDS(WORD("grad"), WORD("--batch")), &a), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "'--batch' needs a value"));
    command_line_fini(&a);
}

static void test_command_line_refuses_an_option_of_another_command(void **state)
{
    (void)state;
    command_line a;
    assert_int_equal(parse(WORDS(WORD("check"), WORD("--batch"), WORD("b")), &a), ODEON_OK);
    assert_int_equal(command_line_allow(&a, 1u << ARGUMENT_WEIGHTS), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "'check' takes no option --batch"));
    command_line_fini(&a);
}

static void test_command_line_allows_the_commands_own_options(void **state)
{
    (void)state;
    command_line a;
    assert_int_equal(parse(WORDS(WORD("grad"), WORD("--batch"), WORD("b")), &a), ODEON_OK);
    assert_int_equal(command_line_allow(&a, 1u << ARGUMENT_BATCH), ODEON_OK);
    command_line_fini(&a);
}

static void test_command_line_without_memory_says_so(void **state)
{
    (void)state;
    for (int nth = 1; nth <= 2; nth++) {
        command_line a;
        mem_fail_at(nth);
        assert_int_equal(parse(WORDS(WORD("plugins")), &a), ODEON_ERR_NOMEM);
        mem_fail_at(0);
        command_line_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_line_separates_operands_from_options),
        cmocka_unit_test(test_command_line_leaves_argv_in_order),
        cmocka_unit_test(test_command_line_collects_plugin_paths),
        cmocka_unit_test(test_command_line_takes_what_follows_two_dashes_as_operands),
        cmocka_unit_test(test_command_line_without_words_has_no_command),
        cmocka_unit_test(test_command_line_names_an_unknown_option),
        cmocka_unit_test(test_command_line_names_an_unknown_letter),
        cmocka_unit_test(test_command_line_misses_an_options_value),
        cmocka_unit_test(test_command_line_refuses_an_option_of_another_command),
        cmocka_unit_test(test_command_line_allows_the_commands_own_options),
        cmocka_unit_test(test_command_line_without_memory_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
