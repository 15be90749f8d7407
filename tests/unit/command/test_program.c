#include "odeon_run.h"

#include <fcntl.h>

#include "small_command.h"

static char *said[2]; /* on stdout and on stderr, by the last call */

/* The exit code of "odeon WORDS..."; words are separated by blanks. */
static int call(const char *words)
{
    small_command x;
    int kept[2];
    static const char *const files[] = {"stdout.txt", "stderr.txt"};
    small_command_split(&x, words);
    (void)fflush(stdout);
    (void)fflush(stderr);
    for (int i = 0; i < 2; i++) {
        kept[i] = dup(i + 1);
        int fd = open(files[i], O_RDWR | O_CREAT | O_TRUNC, 0600);
        assert_true(kept[i] >= 0 && fd >= 0 && dup2(fd, i + 1) == i + 1);
        (void)close(fd);
    }
    int code = odeon_main(x.n, x.words);
    (void)fflush(stderr);
    for (int i = 0; i < 2; i++) {
        (void)dup2(kept[i], i + 1);
        (void)close(kept[i]);
        mem_free(said[i]);
        said[i] = run_fixture_read(files[i]);
    }
    small_command_close(&x);
    return code;
}

static int forget(void **state)
{
    mem_free(said[0]);
    mem_free(said[1]);
    said[0] = said[1] = NULL;
    return run_fixture_tear_down(state);
}

static const char *const names[] = {"train",  "eval", "check",   "plugins", "inspect", "grad",
                                    "replay", "diff", "predict", "solve",   "bench"};

static void test_help_lists_the_commands_and_explains_each(void **state)
{
    (void)state;
    assert_int_equal(call("--help"), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *line = mem_printf("\n  odeon %-8s ", names[i]);
        assert_non_null(strstr(said[0], line));
        mem_free(line);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *words = mem_printf("help %s", names[i]), *start = mem_printf("odeon %s ", names[i]);
        assert_int_equal(call(words), 0);
        assert_memory_equal(said[0], start, strlen(start));
        char *kept = mem_strdup(said[0]);
        mem_free(words);
        words = mem_printf("%s --help", names[i]);
        assert_int_equal(call(words), 0);
        assert_string_equal(said[0], kept);
        mem_free(kept);
        mem_free(words);
        mem_free(start);
    }
    assert_string_equal(said[1], "");
}

static void assert_error(const char *words, int code, const char *line)
{
    int found = call(words);
    if (found != code || strcmp(said[1], line) != 0) {
        fail_msg("%s: %d: %s", words, found, said[1]);
    }
    assert_string_equal(said[0], "");
}

static void test_a_wrong_command_line_is_one_line_and_2(void **state)
{
    (void)state;
    assert_error("", 2, "odeon: error: no command given (odeon --help lists them)\n");
    assert_error("trian x.ini", 2,
                 "odeon: error: unknown command 'trian', did you mean 'train'? (odeon --help lists "
                 "them)\n");
    assert_error("help nothing-like-it", 2,
                 "odeon: error: unknown command 'nothing-like-it' (odeon --help lists them)\n");
    assert_error("diff one", 2, "odeon: error: usage: odeon diff RUN RUN (odeon help diff)\n");
    assert_error("diff a b --json", 2,
                 "odeon: error: 'diff' takes no option --json (odeon help diff)\n");
    assert_error("train x.ini --wieghts y", 2,
                 "odeon: error: unknown option '--wieghts' (odeon --help)\n");
}

static void test_exit_codes_tell_failures_apart(void **state)
{
    (void)state;
    small_command_put("small.ini", SMALL_INI);
    assert_int_equal(call("check small.ini"), 0);
    assert_int_equal(call("check none.ini"), 5);
    assert_int_equal(call("eval small.ini --weights small.ini"), 3);
    assert_int_equal(
        call("train small.ini run.out=run model.head.then=faulty(calls=99,status=nan)"), 6);
    assert_int_equal(call("train small.ini run.out=lost model.head.then=faulty"), 7);
    assert_int_equal(call("diff run run"), 0);
    assert_int_equal(call("diff run lost"), 1);
    assert_string_equal(said[1], ""); /* that runs differ is an answer, no error */
}

/* "No" is an answer, not an error. */
static void test_exists_answers_by_its_exit_code_alone(void **state)
{
    (void)state;
    assert_int_equal(call("inspect layer dense --exists"), 0);
    assert_int_equal(call("inspect layer nothing --exists"), 4);
    assert_string_equal(said[0], "");
    assert_string_equal(said[1], "");
    assert_int_equal(call("inspect layer --exists"), 2);
    assert_string_equal(said[1], "odeon: error: usage: odeon inspect KIND ID --exists\n");
}

#define CALLED(test) cmocka_unit_test_setup_teardown(test, run_fixture_set_up, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALLED(test_help_lists_the_commands_and_explains_each),
        CALLED(test_a_wrong_command_line_is_one_line_and_2),
        CALLED(test_exit_codes_tell_failures_apart),
        CALLED(test_exists_answers_by_its_exit_code_alone),
    };
    return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
