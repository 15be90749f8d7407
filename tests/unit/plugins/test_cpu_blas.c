/* How the CPU device finds OpenBLAS: each case in a process of its own, since a library is loaded
 * once. Called with an argument this program is such a process. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cores.h"
#include "base/diag.h"
#include "base/location.h"
#include "option/schema.h"
#include "plugin/component.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

/* ---- the process ---- */

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL ? value : "(unset)";
}

static odeon_status open_device(registry *plugins, const char *expression, instance **out)
{
    location where = {.file = "test"};
    odeon_config *config = NULL;
    ODEON_TRY(component_read(plugins, ODEON_KIND_DEVICE, expression, where, "run", ODEON_BUILD, 0,
                             NULL, &config));
    odeon_status status = instance_take(config, "device", out);
    ODEON_TRY(status);
    const odeon_device_ops *ops = (*out)->component->ops;
    return ops->probe((*out)->self);
}

static int say_what_runs(const char *expression)
{
    char text[128] = "";
    instance *device = NULL;
    registry *plugins = support_registry();
    odeon_status status = open_device(plugins, expression, &device);
    if (status == ODEON_OK) {
        const odeon_device_ops *ops = device->component->ops;
        (void)ops->describe(device->self, text, sizeof text);
        (void)printf("runs: %s\ncore: %s\nthreads: %s\n", text, environment("OPENBLAS_CORETYPE"),
                     environment("OPENBLAS_NUM_THREADS"));
    } else {
        (void)printf("refused: %s\n", diag_message());
    }
    instance_destroy(device);
    registry_destroy(plugins);
    return status == ODEON_OK ? 0 : 1;
}

/* ---- the tests ---- */

typedef struct variable {
    const char *name, *value; /* NULL: unset */
} variable;

static void become(const char *expression, const variable *variables, int output)
{
    static char name[] = "test_cpu_blas";
    char *argument = strdup(expression), *arguments[] = {name, argument, NULL};
    for (const variable *v = variables; v->name != NULL; v++) {
        (void)(v->value != NULL ? setenv(v->name, v->value, 1) : unsetenv(v->name));
    }
    (void)dup2(output, STDOUT_FILENO);
    (void)dup2(output, STDERR_FILENO);
    (void)execv("/proc/self/exe", arguments);
    _exit(127);
}

/* What a process says that opens a device under these variables. */
static void run(const char *expression, const variable *variables, char *text, size_t bytes)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        become(expression, variables, ends[1]);
    }
    (void)close(ends[1]);
    size_t length = 0;
    for (ssize_t n = 1; n > 0 && length + 1 < bytes; length += n > 0 ? (size_t)n : 0) {
        n = read(ends[0], text + length, bytes - length - 1);
    }
    text[length] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in: %s", part, text);
    }
}

static void assert_silent(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        fail_msg("\"%s\" is in: %s", part, text);
    }
}

static const variable nothing_set[] = {
    {"OPENBLAS_CORETYPE", NULL}, {"OPENBLAS_NUM_THREADS", NULL}, {NULL, NULL}};

static void skip_without_openblas(void)
{
    char text[1024];
    run("cpu(blas=auto)", nothing_set, text, sizeof text);
    if (strstr(text, "no OpenBLAS") != NULL) {
        support_not_covered("OpenBLAS as it is loaded (no libopenblas0-pthread)");
    }
    assert_says(text, "runs: OpenBLAS");
}

/* The core of the processor's instruction set; NULL below AVX2. */
static const char *core_of_machine(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
        return "SkylakeX";
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? "Haswell" : NULL;
}

static void test_unset_core_is_chosen_for_the_processor(void **state)
{
    (void)state;
    char text[1024], expected[64];
    skip_without_openblas();
    if (core_of_machine() == NULL) {
        support_not_covered("the core type of OpenBLAS (it knows none for this processor)");
    }
    run("cpu", nothing_set, text, sizeof text);
    (void)snprintf(expected, sizeof expected, "core: %s\n", core_of_machine());
    assert_says(text, expected);
    (void)snprintf(expected, sizeof expected, " %s, ", core_of_machine());
    assert_says(text, expected);
}

static void test_unset_threads_become_one(void **state)
{
    (void)state;
    char text[1024];
    skip_without_openblas();
    run("cpu", nothing_set, text, sizeof text);
    assert_says(text, "threads: 1\n");
    assert_silent(text, "threads)");
}

static void test_core_that_is_set_stays(void **state)
{
    (void)state;
    char text[1024];
    const variable set[] = {{"OPENBLAS_CORETYPE", "Prescott"}, {NULL, NULL}};
    skip_without_openblas();
    run("cpu", set, text, sizeof text);
    assert_says(text, "core: Prescott\n");
    assert_says(text, " Prescott, ");
    assert_silent(text, "warning");
}

static void test_threads_that_are_set_stay(void **state)
{
    (void)state;
    char text[1024];
    const variable set[] = {{"OPENBLAS_NUM_THREADS", "2"}, {NULL, NULL}};
    skip_without_openblas();
    if (cores_usable() < 2) {
        support_not_covered("threads of OpenBLAS (one core)");
    }
    run("cpu", set, text, sizeof text);
    assert_says(text, "threads: 2\n");
    assert_says(text, "(2 threads)");
}

static void test_core_that_openblas_does_not_take_is_warned_of(void **state)
{
    (void)state;
    char text[1024];
    const variable set[] = {{"OPENBLAS_CORETYPE", "Nonsense"}, {NULL, NULL}};
    skip_without_openblas();
    run("cpu", set, text, sizeof text);
    assert_says(text, "warning");
    assert_says(text, "OPENBLAS_CORETYPE=Nonsense");
}

static void test_own_products_leave_the_environment_alone(void **state)
{
    (void)state;
    char text[1024];
    run("cpu(blas=own)", nothing_set, text, sizeof text);
    assert_says(text, "runs: own products");
    assert_says(text, "core: (unset)\nthreads: (unset)\n");
}

/* A folder with a libopenblas.so.0 that is none, first in the loader's path. */
static const char fake_folder[] = ODEON_BUILD "/fake-openblas";
static const variable fake[] = {{"LD_LIBRARY_PATH", fake_folder}, {NULL, NULL}};

static int make_fake(void **state)
{
    (void)state;
    char command[1024];
    (void)snprintf(command, sizeof command, "mkdir -p '%s' && echo none > '%s/libopenblas.so.0'",
                   fake_folder, fake_folder);
    return system(command);
}

static void test_missing_openblas_is_warned_of_and_replaced(void **state)
{
    (void)state;
    char text[1024];
    run("cpu", fake, text, sizeof text);
    assert_says(text, "warning");
    assert_says(text, "no OpenBLAS");
    assert_says(text, "runs: own products");
}

static void test_missing_openblas_that_is_demanded_is_refused(void **state)
{
    (void)state;
    char text[1024];
    run("cpu(blas=openblas)", fake, text, sizeof text);
    assert_says(text, "refused: ");
    assert_says(text, "libopenblas0-pthread");
}

int main(int count, char **arguments)
{
    if (count == 2) {
        return say_what_runs(arguments[1]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unset_core_is_chosen_for_the_processor),
        cmocka_unit_test(test_unset_threads_become_one),
        cmocka_unit_test(test_core_that_is_set_stays),
        cmocka_unit_test(test_threads_that_are_set_stay),
        cmocka_unit_test(test_core_that_openblas_does_not_take_is_warned_of),
        cmocka_unit_test(test_own_products_leave_the_environment_alone),
        cmocka_unit_test(test_missing_openblas_is_warned_of_and_replaced),
        cmocka_unit_test(test_missing_openblas_that_is_demanded_is_refused),
    };
    return cmocka_run_group_tests(tests, make_fake, NULL);
}
