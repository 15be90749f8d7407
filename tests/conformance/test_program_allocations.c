/* The program with every allocation failing once, alone or with all that follow: exit code 7 and
 * one line, or what it makes without failures. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "mem.h"
#include "odeon_run.h"
#include "small_run.h"

#define PLUGINS "--plugin-path=" ODEON_TEST_PLUGINS
enum { SECONDS = 240, MAX_ARGUMENTS = 8 };

typedef void (*failure)(int64_t k);

/* Runs argv as the program would, what it prints going to files of f. */
static int run_program(const folder *f, char **argv)
{
    int argc = 0, kept[2];
    while (argv[argc] != NULL) {
        argc++;
    }
    (void)fflush(stdout);
    for (int fd = 1; fd <= 2; fd++) {
        kept[fd - 1] = dup(fd);
        int file = open(folder_file(f, fd == 1 ? "out" : "err"), O_RDWR | O_CREAT | O_TRUNC, 0600);
        if (kept[fd - 1] < 0 || file < 0 || dup2(file, fd) != fd) {
            fail_msg("stdout and stderr cannot be put elsewhere");
        }
        (void)close(file);
    }
    int code = odeon_main(argc, argv);
    for (int fd = 1; fd <= 2; fd++) {
        (void)dup2(kept[fd - 1], fd);
        (void)close(kept[fd - 1]);
    }
    return code;
}

/* Out of memory is exit code 7 and one line on stderr, of warnings aside. */
static void check_error(const folder *f, int64_t k, int code)
{
    size_t bytes;
    char *text = folder_read(folder_file(f, "err"), &bytes), *end = text + bytes;
    int errors = 0, others = 0;
    for (char *line = text; line < end; line = memchr(line, '\n', (size_t)(end - line)), line++) {
        errors += strncmp(line, "odeon: error: ", 14) == 0;
        others += strncmp(line, "odeon: ", 7) != 0;
    }
    if (code != 7 || errors != 1 || others != 0) {
        fail_msg("allocation %lld: exit code %d, and %.*s", (long long)k, code, (int)bytes, text);
    }
    free(text);
}

/* What a command leaves behind, of which file must always have the same bytes. */
typedef struct made {
    const char *name, *file; /* NULL: nothing */
} made;

static void check_same(const folder *f, const char *file, const void *expected, size_t bytes)
{
    size_t n;
    void *found = folder_read(folder_file(f, file), &n);
    assert_int_equal(n, bytes);
    assert_memory_equal(found, expected, bytes);
    free(found);
}

/* Fails every allocation of `odeon arguments...`. */
static void fail_program(failure fail_allocation, const folder *f, char **argv, made left)
{
    size_t bytes = 0;
    folder_discard(f, left.name);
    if (run_program(f, argv) != 0) {
        fail_msg("odeon %s: %s", argv[1], diag_message());
    }
    void *expected = folder_read(folder_file(f, left.file), &bytes);
    int64_t k = 0, needless = 0;
    for (bool failed = true; failed;) {
        folder_discard(f, left.name);
        int64_t live = mem_live_blocks(), total = mem_total_allocs();
        fail_allocation(++k);
        int code = run_program(f, argv);
        mem_fail_at(0);
        failed = mem_total_allocs() - total >= k;
        assert_int_equal(mem_live_blocks(), live);
        if (failed && code != 0) {
            check_error(f, k, code);
        } else {
            assert_int_equal(code, 0);
            check_same(f, left.file, expected, bytes);
            needless += failed;
        }
    }
    print_message("odeon %s: %lld allocations, %lld of them needless\n", argv[1], (long long)k - 1,
                  (long long)needless);
    assert_in_range(k, 100, 100000);
    free(expected);
}

static void check(const folder *f, const char *const *arguments, made left)
{
    char *argv[MAX_ARGUMENTS + 1] = {NULL};
    for (int i = 0; arguments[i] != NULL; i++) {
        argv[i] = strdup(arguments[i]);
    }
    (void)alarm(SECONDS);
    fail_program(mem_fail_at, f, argv, left);
    fail_program(mem_fail_from, f, argv, left);
    (void)alarm(0);
    for (int i = 0; argv[i] != NULL; i++) {
        free(argv[i]);
    }
}

static void test_train_survives_every_failing_allocation(void **state)
{
    (void)state;
    folder f = small_run_create("cpu", "adjoint", 2);
    char *out = mem_printf("run.out=%s/run", f.path);
    const char *const arguments[] = {"odeon", "train", folder_file(&f, "run.ini"), out, NULL};
    check(&f, arguments, (made){"run", "run/weights.safetensors"});
    mem_free(out);
    folder_remove(&f);
}

static void test_eval_survives_every_failing_allocation(void **state)
{
    (void)state;
    folder f = small_run_create("cpu", "direct", 1);
    char *out = mem_printf("run.out=%s/run", f.path);
    char *train[] = {(char[]){"odeon"}, (char[]){"train"}, strdup(folder_file(&f, "run.ini")), out,
                     NULL};
    assert_int_equal(run_program(&f, train), 0);
    char *weights = mem_printf("--weights=%s/run/weights.safetensors", f.path);
    const char *const arguments[] = {"odeon", "eval", train[2], weights, NULL};
    check(&f, arguments, (made){"absent", "out"});
    free(train[2]);
    mem_free(weights);
    mem_free(out);
    folder_remove(&f);
}

static void test_check_survives_every_failing_allocation(void **state)
{
    (void)state;
    folder f = small_run_create("reference", "direct", 1);
    const char *const arguments[] = {"odeon", "check", folder_file(&f, "run.ini"), NULL};
    check(&f, arguments, (made){"absent", "out"});
    folder_remove(&f);
}

static void test_grad_survives_every_failing_allocation(void **state)
{
    (void)state;
    folder f = small_run_create("cpu", "direct", 1);
    enum { PIXELS = SMALL_RUN_EDGE * SMALL_RUN_EDGE };
    float x[2 * PIXELS] = {0.25f, -0.5f};
    int64_t y[2] = {0, 2};
    const safetensors_entry entries[] = {{.name = "x",
                                          .dtype = ODEON_DTYPE_F32,
                                          .ndim = 4,
                                          .dim = {2, 1, SMALL_RUN_EDGE, SMALL_RUN_EDGE},
                                          .data = x,
                                          .bytes = sizeof x},
                                         {.name = "y",
                                          .dtype = ODEON_DTYPE_I64,
                                          .ndim = 1,
                                          .dim = {2},
                                          .data = y,
                                          .bytes = sizeof y}};
    char *batch = mem_printf("--batch=%s/batch.safetensors", f.path);
    char *out = mem_printf("--out=%s/grad.safetensors", f.path);
    assert_int_equal(safetensors_write(strchr(batch, '/'), 2, entries, 0, NULL), ODEON_OK);
    const char *const arguments[] = {"odeon", "grad", folder_file(&f, "run.ini"), batch, out, NULL};
    check(&f, arguments, (made){"grad.safetensors", "grad.safetensors"});
    mem_free(batch);
    mem_free(out);
    folder_remove(&f);
}

static void test_solve_survives_every_failing_allocation(void **state)
{
    (void)state;
    folder f = folder_create();
    static const char ini[] = "[run]\ndevice = reference\ndtype = float64\n"
                              "[model.ode]\nlayer = ode(times=0 1 2, initial=1 0)\n"
                              "integrator = bosh3\ngradient = direct\n"
                              "[model.ode.f]\nlayer = formula\nequations = x' = w*y | y' = -w*x\n"
                              "constants = w=1\nlearn = w\n";
    folder_write(&f, "circle.ini", ini, sizeof ini - 1);
    char *out = mem_printf("--out=%s/states.csv", f.path);
    const char *const arguments[] = {"odeon", "solve", folder_file(&f, "circle.ini"), out, NULL};
    check(&f, arguments, (made){"states.csv", "states.csv"});
    mem_free(out);
    folder_remove(&f);
}

/* Predicts what a run of numbers has learned, and repeats a step of it that failed. */
static void test_numbers_survive_every_failing_allocation(void **state)
{
    (void)state;
    folder f = small_run_create_numbers(2);
    char *ini = mem_strdup(folder_file(&f, "run.ini"));
    char *whole = mem_printf("run.out=%s/run", f.path), *out = mem_printf("%s/out.csv", f.path);
    char *failed = mem_printf("run.out=%s/failed", f.path);
    char *weights = mem_printf("--weights=%s/run/weights.safetensors", f.path);
    char *capsule = mem_printf("%s/failed/failure", f.path), *given = mem_printf("--out=%s", out);
    char *train[] = {(char[]){"odeon"}, (char[]){"train"}, ini, (char[]){PLUGINS}, whole, NULL};
    assert_int_equal(run_program(&f, train), 0);
    const char *const predict[] = {"odeon",        "predict", ini,   PLUGINS,
                                   "--split=test", weights,   given, NULL};
    check(&f, predict, (made){"out.csv", "out.csv"});
    char *fail_train[] = {(char[]){"odeon"},
                          (char[]){"train"},
                          ini,
                          (char[]){PLUGINS},
                          failed,
                          (char[]){"model.ode.max_steps=1"},
                          (char[]){"model.ode.rtol=1e-9"},
                          NULL};
    assert_int_equal(run_program(&f, fail_train), 6);
    const char *const replay[] = {"odeon", "replay", capsule, PLUGINS, "model.ode.max_steps=99",
                                  NULL};
    check(&f, replay, (made){"absent", "out"});
    char *const texts[] = {ini, whole, out, failed, weights, capsule, given};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        mem_free(texts[i]);
    }
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train_survives_every_failing_allocation),
        cmocka_unit_test(test_eval_survives_every_failing_allocation),
        cmocka_unit_test(test_check_survives_every_failing_allocation),
        cmocka_unit_test(test_grad_survives_every_failing_allocation),
        cmocka_unit_test(test_solve_survives_every_failing_allocation),
        cmocka_unit_test(test_numbers_survive_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
