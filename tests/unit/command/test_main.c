#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "support.h"

#include "odeon/abi.h"

/* What the program prints on stdout, and its exit code. */
static int run(const char *words, char *text, size_t bytes)
{
    char command[512];
    (void)snprintf(command, sizeof command, "'%s' %s 2>/dev/null", ODEON_PROGRAM, words);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    size_t n = fread(text, 1, bytes - 1, out);
    text[n] = '\0';
    int status = pclose(out);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_the_programs_exit_code_is_odeon_mains(void **state)
{
    (void)state;
    char text[256], expected[64];
    assert_int_equal(run("--version", text, sizeof text), 0);
    (void)snprintf(expected, sizeof expected, " (plugin ABI %d.%d)\n", ODEON_ABI_MAJOR,
                   ODEON_ABI_MINOR);
    assert_memory_equal(text, "odeon ", 6);
    assert_non_null(strstr(text, expected));
    assert_int_equal(run("no-such-command", text, sizeof text), 2);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_programs_exit_code_is_odeon_mains),
    };
    return cmocka_run_group_tests_name("main", tests, NULL, NULL);
}
