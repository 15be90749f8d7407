/* The commands that study a model or a run, with every allocation failing once, alone or with all
 * that follow: exit code 7 and one line, or what they make without failures. */
#include "failing_program.h"

#include <stdlib.h>
#include <string.h>

#include "allocation_sites.h"
#include "base/mem.h"
#include "small_run.h"

static const char plugins[] = "--plugin-path=" ODEON_TEST_PLUGINS;

/* One multiply, one ODE block: little to compute, every seam of a study. */
static const char circle[] = "[run]\ndevice = reference\nworkers = 1\n"
                             "[data]\ndataset = measured(shape=2, label=2, length=4)\nbatch = 2\n"
                             "[model.ode]\nlayer = ode(rtol=1e-3, atol=1e-3%s)\n"
                             "integrator = bosh3\ngradient = direct\n"
                             "[model.ode.f]\nlayer = dense(units=state)\n"
                             "[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n";

static folder make(const char *options)
{
    folder f = folder_create();
    char *ini = mem_printf(circle, options);
    assert_non_null(ini);
    folder_write(&f, "run.ini", ini, strlen(ini));
    mem_free(ini);
    return f;
}

static void test_audit_survives_every_failing_allocation(void **state)
{
    (void)state;
    folder f = make("");
    const char *const arguments[] = {"odeon",
                                     "audit",
                                     folder_file(&f, "run.ini"),
                                     "--methods=direct|adjoint",
                                     "--tolerances=1e-3",
                                     "--directions=1",
                                     plugins,
                                     NULL};
    failing_program_check(&f, arguments, (program_made){"absent", NULL});
    folder_remove(&f);
}

static void test_gradients_survive_every_failing_allocation(void **state)
{
    (void)state;
    folder f = make("");
    const char *const arguments[] = {"odeon",       "check", folder_file(&f, "run.ini"),
                                     "--gradients", plugins, NULL};
    failing_program_check(&f, arguments, (program_made){"absent", "out"});
    folder_remove(&f);
}

static void test_work_precision_survives_every_failing_allocation(void **state)
{
    (void)state;
    folder f = make("");
    const char *const arguments[] = {"odeon",
                                     "compare",
                                     folder_file(&f, "run.ini"),
                                     "--work-precision",
                                     "--integrators=bosh3|rk4",
                                     "--tolerances=1e-3",
                                     plugins,
                                     NULL};
    failing_program_check(&f, arguments, (program_made){"absent", NULL});
    folder_remove(&f);
}

static void test_learning_rates_survive_every_failing_allocation(void **state)
{
    (void)state;
    folder f = make("");
    const char *const arguments[] = {
        "odeon", "lr-find", folder_file(&f, "run.ini"), "--batches=10", "--csv", plugins, NULL};
    failing_program_check(&f, arguments, (program_made){"absent", "out"});
    folder_remove(&f);
}

static void test_bench_survives_every_failing_allocation(void **state)
{
    (void)state;
    folder f = make("");
    const char *const arguments[] = {"odeon",
                                     "bench",
                                     folder_file(&f, "run.ini"),
                                     "--what=step,solve,operators",
                                     "--seconds=0",
                                     "--samples=1",
                                     plugins,
                                     NULL};
    failing_program_check(&f, arguments, (program_made){"absent", NULL});
    folder_remove(&f);
}

/* Samples side by side, each with steps of its own. */
static void test_lanes_survive_every_failing_allocation(void **state)
{
    (void)state;
    folder f = make(", step=sample");
    char *out = mem_printf("run.out=%s/run", f.path);
    const char *const arguments[] = {
        "odeon", "train", folder_file(&f, "run.ini"), "run.iterations=1", out, plugins, NULL};
    failing_program_check(&f, arguments, (program_made){"run", "run/weights.safetensors"});
    mem_free(out);
    folder_remove(&f);
}

/* A chart for which the network is run again. */
static void test_charts_survive_every_failing_allocation(void **state)
{
    (void)state;
    folder f = small_run_create("cpu", "direct", 1);
    char *run = mem_printf("%s/run", f.path), *out = mem_printf("run.out=%s/run", f.path);
    char *train[] = {(char[]){"odeon"}, (char[]){"train"}, strdup(folder_file(&f, "run.ini")), out,
                     NULL};
    assert_int_equal(failing_program_run(&f, train), 0);
    char *chart = mem_printf("--out=%s/chart.svg", f.path);
    const char *const arguments[] = {"odeon", "plot", "confusion", run, chart, NULL};
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
        cmocka_unit_test(test_audit_survives_every_failing_allocation),
        cmocka_unit_test(test_gradients_survive_every_failing_allocation),
        cmocka_unit_test(test_work_precision_survives_every_failing_allocation),
        cmocka_unit_test(test_learning_rates_survive_every_failing_allocation),
        cmocka_unit_test(test_bench_survives_every_failing_allocation),
        cmocka_unit_test(test_lanes_survive_every_failing_allocation),
        cmocka_unit_test(test_charts_survive_every_failing_allocation),
    };
    allocation_sites_share(32); /* ODEON_ALLOCATIONS=0 for all chains */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
