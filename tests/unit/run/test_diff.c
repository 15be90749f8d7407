#include "run/diff.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "format/safetensors_write.h"
#include "run_fixture.h"

static void put(const char *folder, const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fputs(text, f) >= 0, 1);
    assert_int_equal(fclose(f), 0);
    mem_free(path);
}

static void put_weights(const char *folder, const char *name, double value)
{
    char *path = mem_printf("%s/weights.safetensors", folder);
    const safetensors_entry x = {.name = name,
                                 .dtype = ODEON_DTYPE_F64,
                                 .ndim = 1,
                                 .dim = {1},
                                 .data = &value,
                                 .bytes = sizeof value};
    assert_int_equal(safetensors_write(path, 1, &x, 0, NULL), ODEON_OK);
    mem_free(path);
}

/* Two runs, a and b, that are equal. */
static void make_runs(void)
{
    static const char *const folders[] = {"a", "b"};
    for (int i = 0; i < 2; i++) {
        (void)mkdir(folders[i], 0700);
        put(folders[i], "effective.ini", "[run]\nname = x\nseed = 1\n[data]\nbatch = 4\n");
        put(folders[i], "manifest.json",
            "{\"odeon\": \"1.0\", \"device\": \"cpu\", \"data\": {\"samples\": 8}}");
        put(folders[i], "metrics.csv", "step,epoch,seconds,split,loss\n1,1,0.1,train,0.5\n");
        put_weights(folders[i], "w", 1.0);
    }
}

static void assert_diff(bool differ, const char *expected)
{
    char *text;
    size_t bytes;
    bool found = !differ;
    FILE *out = open_memstream(&text, &bytes);
    diag_clear();
    odeon_status status = diff_runs("a", "b", out, &found);
    assert_int_equal(fclose(out), 0);
    if (status != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    assert_string_equal(text, expected);
    assert_int_equal(found, differ);
    free(text);
}

static void test_equal_runs_do_not_differ(void **state)
{
    (void)state;
    make_runs();
    assert_diff(false, "");
}

/* Keys that change no number, and the order of keys and sections. */
static void test_names_and_habits_are_no_difference(void **state)
{
    (void)state;
    make_runs();
    put("b", "effective.ini",
        "[data]\nbatch = 4\n[run]\nseed = 1\nname = y\ncheckpoint_every = 3\n"
        "checkpoint_seconds = 9\npatience = 5\n");
    assert_diff(false, "");
}

static void test_an_option_is_reported_from_both_sides(void **state)
{
    (void)state;
    make_runs();
    put("b", "effective.ini", "[run]\nname = x\nseed = 2\n[data]\nbatch = 8\n");
    assert_diff(true, "options: run.seed = 1 | 2\n"); /* the first */
    put("b", "effective.ini", "[run]\nname = x\n[data]\nbatch = 4\n");
    assert_diff(true, "options: run.seed = 1 | (none)\n");
    put("b", "effective.ini", "[run]\nname = x\nseed = 1\n[data]\nbatch = 4\nlimit = 2\n");
    assert_diff(true, "options: data.limit = (none) | 2\n");
}

static void test_each_topic_has_a_line(void **state)
{
    (void)state;
    make_runs();
    put("b", "effective.ini", "[run]\nname = x\nseed = 2\n[data]\nbatch = 4\n");
    put("b", "manifest.json",
        "{\"odeon\": \"1.1\", \"device\": \"cuda\", \"data\": {\"samples\": 9}}");
    put("b", "metrics.csv", "step,epoch,seconds,split,loss\n1,1,0.1,train,0.25\n");
    put_weights("b", "w", 2.0);
    assert_diff(true, "options: run.seed = 1 | 2\n"
                      "plugins: odeon \"1.0\" | \"1.1\"\n"
                      "machine: device \"cpu\" | \"cuda\"\n"
                      "data: samples 8 | 9\n"
                      "metrics: step 1 (train): loss 0.5 | 0.25\n"
                      "weights: tensor 'w'\n");
    put_weights("b", "v", 1.0);
    put("b", "metrics.csv", "step,epoch,seconds,split,loss\n1,1,0.1,train,0.5\n");
    put("b", "manifest.json",
        "{\"odeon\": \"1.0\", \"device\": \"cpu\", \"data\": {\"samples\": 8}}");
    put("b", "effective.ini", "[run]\nname = x\nseed = 1\n[data]\nbatch = 4\n");
    assert_diff(true, "weights: tensor 'w'\n"); /* which b lacks */
}

static void test_a_file_of_one_run_alone_is_a_difference(void **state)
{
    (void)state;
    static const char *const names[] = {"manifest.json", "metrics.csv", "weights.safetensors"};
    make_runs();
    for (int i = 0; i < 3; i++) {
        char *path = mem_printf("b/%s", names[i]);
        assert_int_equal(unlink(path), 0);
        mem_free(path);
    }
    assert_diff(true, "plugins: only the first has manifest.json\n"
                      "metrics: only the first has metrics.csv\n"
                      "weights: only the first has weights.safetensors\n");
    for (int i = 0; i < 3; i++) {
        char *path = mem_printf("a/%s", names[i]);
        assert_int_equal(unlink(path), 0);
        mem_free(path);
    }
    assert_diff(false, ""); /* what neither has is none */
}

static void assert_fails(odeon_status expected, const char *message)
{
    bool differ;
    diag_clear();
    int64_t before = mem_live_blocks();
    assert_int_equal(diff_runs("a", "b", stderr, &differ), expected);
    assert_non_null(strstr(diag_message(), message));
    assert_int_equal(mem_live_blocks(), before);
}

static void test_what_is_no_run_cannot_be_compared(void **state)
{
    (void)state;
    make_runs();
    put("b", "weights.safetensors", "nothing of the kind");
    assert_fails(ODEON_ERR_DATA, "b/weights.safetensors");
    put("b", "manifest.json", "{");
    assert_fails(ODEON_ERR_DATA, "b/manifest.json:1: ");
    assert_int_equal(unlink("b/effective.ini"), 0);
    assert_fails(ODEON_ERR_CONFIG, "b: no run: it has no effective.ini");
}

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    make_runs();
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t before = mem_live_blocks(), n = 0;
    while (status != ODEON_OK) {
        bool differ;
        diag_clear();
        mem_fail_at(++n);
        status = diff_runs("a", "b", stderr, &differ);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        assert_int_equal(status == ODEON_OK, diag_message()[0] == '\0');
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_equal_runs_do_not_differ),
        WITH_FOLDER(test_names_and_habits_are_no_difference),
        WITH_FOLDER(test_an_option_is_reported_from_both_sides),
        WITH_FOLDER(test_each_topic_has_a_line),
        WITH_FOLDER(test_a_file_of_one_run_alone_is_a_difference),
        WITH_FOLDER(test_what_is_no_run_cannot_be_compared),
        WITH_FOLDER(test_every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
