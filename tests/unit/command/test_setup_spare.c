#include "command/setup_spare.h"

#include <sys/stat.h>

#include "small_command.h"

/* Whether --out may be path, where the command line says words and the INI names files. */
static odeon_status spare(const char *words, const char *path)
{
    small_command x;
    setup s;
    char *all = mem_printf("%s --out %s", words, path);
    small_command_parse(&x, all);
    x.line.out = stdout;
    support_require(setup_open(&x.line, &s), "open");
    diag_clear();
    odeon_status status = setup_spare(&s, &x.line, ARGUMENT_OUT, "--out");
    setup_close(&s);
    small_command_close(&x);
    mem_free(all);
    return status;
}

static void assert_refused(const char *words, const char *path, const char *what)
{
    if (spare(words, path) != ODEON_ERR_CONFIG || strstr(diag_message(), what) == NULL) {
        fail_msg("%s: '%s'", path, diag_message());
    }
    char *start = mem_printf("--out %s", path);
    assert_memory_equal(diag_message(), start, strlen(start));
    mem_free(start);
}

static void test_what_the_command_reads_is_spared(void **state)
{
    (void)state;
    static const char *const inputs[] = {"in.npy", "batch.safetensors", "order.txt"};
    for (int i = 0; i < 3; i++) {
        small_command_put(inputs[i], "0\n");
    }
    small_command_put("part.ini", "[run]\nseed = 3\n");
    small_command_put("small.ini", "include = part.ini\n" SMALL_INI);
    assert_refused("x small.ini", "small.ini", "the configuration");
    assert_refused("x small.ini", "part.ini", "the configuration");
    assert_refused("x small.ini --in in.npy", "in.npy", "--in");
    assert_refused("x small.ini --batch batch.safetensors", "batch.safetensors", "--batch");
    assert_refused("x small.ini data.order=order.txt", "order.txt", "data.order");
    assert_int_equal(symlink("in.npy", "link.npy"), 0);
    assert_refused("x small.ini --in in.npy", "link.npy", "--in"); /* by another name */
}

/* A run's folder stands for the file of its weights. */
static void test_weights_are_spared(void **state)
{
    (void)state;
    small_command_train();
    assert_refused("x small.ini --weights run", "run/weights.safetensors", "train.weights");
    assert_int_equal(mkdir("bare", 0700), 0);
    small_command_put("bare/effective.ini", SMALL_INI);
    assert_int_equal(spare("x small.ini --weights bare", "new.csv"), ODEON_ERR_IO);
}

static void test_another_file_may_be_written(void **state)
{
    (void)state;
    small_command_put("small.ini", SMALL_INI);
    assert_int_equal(spare("x small.ini", "new.csv"), ODEON_OK);
    assert_int_not_equal(access("new.csv", F_OK), 0); /* nothing is made yet */
    assert_int_equal(spare("x small.ini", "-"), ODEON_OK);
    assert_int_equal(spare("x small.ini", "none/new.csv"), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_what_the_command_reads_is_spared),
        WITH_FOLDER(test_weights_are_spared),
        WITH_FOLDER(test_another_file_may_be_written),
    };
    return cmocka_run_group_tests_name("setup_spare", tests, NULL, NULL);
}
