/* How much memory a run takes at most: copies of the parameters, counted in processes of their own
 * against one of a small model. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"
#include "support.h"

#if defined(__SANITIZE_ADDRESS__)
#define INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define INSTRUMENTED 1
#endif
#endif

enum { WIDE = 2048, NARROW = 8, ARGUMENTS = 12 };

/* Of [WIDE, WIDE] float32 parameters; a batch, and a piece of a tensor, may take a third of that.
 */
static const double parameter_bytes = 4.0 * WIDE * WIDE, slack = 0.35;

static void write_files(const folder *f)
{
    FILE *data = fopen(folder_file(f, "data.csv"), "w"), *ini;
    assert_non_null(data);
    (void)fputs("a,b\n1,2\n2,3\n", data);
    (void)fclose(data);
    ini = fopen(folder_file(f, "run.ini"), "w");
    assert_non_null(ini);
    (void)fputs("[let]\nwidth = 8\n[run]\nname = t\ndevice = cpu(blas=own)\niterations = 2\n"
                "[data]\ndataset = csv(path=data.csv, inputs=a, label=b, test_fraction=0)\n"
                "batch = 2\n[model.a]\nlayer = dense(units=${width})\n"
                "[model.b]\nlayer = dense(units=${width})\n[model.c]\nlayer = dense(units=1)\n"
                "[train]\nloss = mse\noptimizer = sgd(lr=1e-6)\n",
                ini);
    (void)fclose(ini);
}

static void become(const folder *f, const char *const *arguments)
{
    char *argv[ARGUMENTS + 1] = {NULL};
    (void)dup2(open("/dev/null", O_RDWR), STDOUT_FILENO);
    for (int i = 0; i < ARGUMENTS && arguments[i] != NULL; i++) {
        argv[i] = strdup(arguments[i]);
    }
    if (chdir(f->path) == 0) {
        (void)execv(ODEON_PROGRAM, argv);
    }
    _exit(127);
}

/* The most memory that the program had at once. */
static double peak_of(const folder *f, const char *const *arguments)
{
    struct rusage use;
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        become(f, arguments);
    }
    assert_int_equal(wait4(child, &status, 0, &use), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return 1024.0 * (double)use.ru_maxrss;
}

/* Copies of the parameters that training holds at most; run names its folders. */
static double copies(const folder *f, const char *run, const char *optimizer, const char *workers,
                     const char *more)
{
    double peak[2];
    for (int wide = 0; wide < 2; wide++) {
        char width[32], out[32];
        (void)snprintf(width, sizeof width, "let.width=%d", wide != 0 ? WIDE : NARROW);
        (void)snprintf(out, sizeof out, "run.out=%s%d", run, wide);
        const char *arguments[] = {"odeon", "train",   "run.ini", width,
                                   out,     optimizer, workers,   wide != 0 ? more : NULL,
                                   NULL};
        peak[wide] = peak_of(f, arguments);
    }
    return (peak[1] - peak[0]) / parameter_bytes;
}

static void assert_copies(double found, double expected)
{
    if (!(found <= expected + slack)) {
        fail_msg("%.2f copies of the parameters, expected %.0f", found, expected);
    }
}

static void skip_if_instrumented(void)
{
#if defined(INSTRUMENTED)
    skip();
#endif
}

static const char sgd[] = "train.optimizer=sgd(lr=1e-6)", adam[] = "train.optimizer=adam(lr=1e-6)";

/* Values and gradients; the optimizer's moments; of each worker more its own gradients. */
static void test_training_holds_no_copy_but_what_a_step_needs(void **state)
{
    (void)state;
    skip_if_instrumented();
    folder f = folder_create();
    write_files(&f);
    assert_copies(copies(&f, "a", sgd, "run.workers=1", NULL), 2.0);
    assert_copies(copies(&f, "b", adam, "run.workers=1", NULL), 4.0);
    assert_copies(copies(&f, "c", sgd, "run.workers=2", NULL), 3.0);
    assert_copies(copies(&f, "d", adam, "run.workers=2", NULL), 5.0);
    folder_remove(&f);
}

static void test_weights_and_checkpoints_are_loaded_without_a_copy(void **state)
{
    (void)state;
    skip_if_instrumented();
    folder f = folder_create();
    write_files(&f);
    double small = peak_of(&f, (const char *const[]){"odeon", "train", "run.ini", NULL});
    (void)peak_of(&f, (const char *const[]){"odeon", "train", "run.ini", "let.width=2048",
                                            "run.out=first", adam, NULL});
    assert_copies(copies(&f, "e", sgd, "run.workers=1", "train.weights=first/weights.safetensors"),
                  2.0);
    double resumed = peak_of(
        &f, (const char *const[]){"odeon", "train", "first", "--resume", "run.iterations=4", NULL});
    assert_copies((resumed - small) / parameter_bytes, 4.0);
    folder_remove(&f);
}

/* 400 MB of parameters are looked at, not made. */
static void test_check_has_no_memory_for_numbers(void **state)
{
    (void)state;
    skip_if_instrumented();
    folder f = folder_create();
    write_files(&f);
    double peak =
        peak_of(&f, (const char *const[]){"odeon", "check", "run.ini", "let.width=10000", NULL});
    assert_true(peak < 50e6);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_holds_no_copy_but_what_a_step_needs),
        cmocka_unit_test(test_weights_and_checkpoints_are_loaded_without_a_copy),
        cmocka_unit_test(test_check_has_no_memory_for_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
