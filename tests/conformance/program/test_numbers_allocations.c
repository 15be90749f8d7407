/* The program on runs of numbers, with every allocation failing once. */
#include "failing_program.h"

#include "allocation_sites.h"
#include "base/mem.h"
#include "small_run.h"

#define PLUGINS "--plugin-path=" ODEON_TEST_PLUGINS

/* Predicts what a run of numbers has learned, and repeats a step of it that failed. */
static void test_numbers_survive_every_failing_allocation(void **state)
{
    (void)state;
    folder f = small_run_create_numbers(2);
    char *ini = mem_strdup(folder_file(&f, "run.ini"));
    char *whole = mem_printf("run.out=%s/run", f.path), *out = mem_printf("%s/out.csv", f.path);
    char *failed = mem_printf("run.out=%s/failed", f.path);
    char *weights = mem_printf("--weights=%s/run/weights.safetensors", f.path);
    char *bundle = mem_printf("%s/failed/failure", f.path), *given = mem_printf("--out=%s", out);
    char *train[] = {(char[]){"odeon"}, (char[]){"train"}, ini, (char[]){PLUGINS}, whole, NULL};
    assert_int_equal(failing_program_run(&f, train), 0);
    const char *const predict[] = {"odeon",        "predict", ini,   PLUGINS,
                                   "--split=test", weights,   given, NULL};
    failing_program_check(&f, predict, (program_made){"out.csv", "out.csv"});
    char *fail_train[] = {(char[]){"odeon"},
                          (char[]){"train"},
                          ini,
                          (char[]){PLUGINS},
                          failed,
                          (char[]){"model.ode.max_steps=1"},
                          (char[]){"model.ode.rtol=1e-9"},
                          NULL};
    assert_int_equal(failing_program_run(&f, fail_train), 6);
    const char *const replay[] = {"odeon", "replay", bundle, PLUGINS, "model.ode.max_steps=99",
                                  NULL};
    failing_program_check(&f, replay, (program_made){"absent", "out"});
    char *const texts[] = {ini, whole, out, failed, weights, bundle, given};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        mem_free(texts[i]);
    }
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_survive_every_failing_allocation),
    };
    allocation_sites_share(2); /* ODEON_ALLOCATIONS=0 for all chains */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
