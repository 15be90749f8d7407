/* The other commands with every allocation failing once, alone or with all that follow: exit code 7
 * and one line, or what it makes without failures. */
#include "failing_program.h"

#include "allocation_sites.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/safetensors_write.h"
#include "small_run.h"

static void test_eval_survives_every_failing_allocation(void **state)
{
    (void)state;
    folder f = small_run_create("cpu", "direct", 1);
    char *out = mem_printf("run.out=%s/run", f.path);
    char *train[] = {(char[]){"odeon"}, (char[]){"train"}, strdup(folder_file(&f, "run.ini")), out,
                     NULL};
    assert_int_equal(failing_program_run(&f, train), 0);
    char *weights = mem_printf("--weights=%s/run/weights.safetensors", f.path);
    const char *const arguments[] = {"odeon", "eval", train[2], weights, NULL};
    failing_program_check(&f, arguments, (program_made){"absent", "out"});
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
    failing_program_check(&f, arguments, (program_made){"absent", "out"});
    folder_remove(&f);
}

static void test_check_of_kernels_survives_every_failing_allocation(void **state)
{
    (void)state;
    folder f = folder_create();
    static const char ini[] = "[run]\ndevice = emulated\nworkers = 1\n"
                              "[data]\ndataset = drawn(shape=4, classes=3, length=8)\n"
                              "[model.a]\nlayer = dense(units=classes)\nthen = swish\n"
                              "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";
    folder_write(&f, "kernel.ini", ini, sizeof ini - 1);
    static const char plugins[] = "--plugin-path=" ODEON_TEST_PLUGINS;
    const char *const arguments[] = {"odeon", "check", folder_file(&f, "kernel.ini"), plugins,
                                     NULL};
    failing_program_check(&f, arguments, (program_made){"absent", "out"});
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
    failing_program_check(&f, arguments, (program_made){"grad.safetensors", "grad.safetensors"});
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
    failing_program_check(&f, arguments, (program_made){"states.csv", "states.csv"});
    mem_free(out);
    folder_remove(&f);
}

static void test_plot_survives_every_failing_allocation(void **state)
{
    (void)state;
    folder f = small_run_create("cpu", "direct", 1);
    char *run = mem_printf("%s/run", f.path), *out = mem_printf("run.out=%s/run", f.path);
    char *train[] = {(char[]){"odeon"}, (char[]){"train"}, strdup(folder_file(&f, "run.ini")), out,
                     NULL};
    assert_int_equal(failing_program_run(&f, train), 0);
    char *chart = mem_printf("--out=%s/chart.svg", f.path);
    const char *const arguments[] = {"odeon", "plot", "loss", run, chart, NULL};
    failing_program_check(&f, arguments, (program_made){"chart.svg", "chart.svg"});
    free(train[2]);
    mem_free(chart);
    mem_free(out);
    mem_free(run);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eval_survives_every_failing_allocation),
        cmocka_unit_test(test_check_survives_every_failing_allocation),
        cmocka_unit_test(test_check_of_kernels_survives_every_failing_allocation),
        cmocka_unit_test(test_grad_survives_every_failing_allocation),
        cmocka_unit_test(test_solve_survives_every_failing_allocation),
        cmocka_unit_test(test_plot_survives_every_failing_allocation),
    };
    allocation_sites_share(2); /* ODEON_ALLOCATIONS=0 for all chains */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
