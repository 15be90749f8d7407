/* The commands that look at runs with every allocation failing once: what they say of a run does
 * not depend on how much memory there is. */
#include "failing_program.h"

#include "allocation_sites.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "small_run.h"

/* A folder with runs in it, runs/0 and runs/1, of other seeds. */
static folder train_runs(void)
{
    folder f = small_run_create("cpu", "direct", 1);
    char *ini = mem_strdup(folder_file(&f, "run.ini"));
    for (int i = 0; i < 2; i++) {
        char *out = mem_printf("run.out=%s/runs/%d", f.path, i);
        char *seed = mem_printf("run.seed=%d", i + 1);
        char *train[] = {(char[]){"odeon"}, (char[]){"train"}, ini, out, seed, NULL};
        assert_int_equal(failing_program_run(&f, train), 0);
        mem_free(out);
        mem_free(seed);
    }
    mem_free(ini);
    return f;
}

/* Of one of the commands that print what they find in a folder of train_runs. */
static void check_printed(const char *command, const char *name)
{
    folder f = train_runs();
    const char *const arguments[] = {"odeon", command, folder_file(&f, name), NULL};
    failing_program_check(&f, arguments, (program_made){"absent", "out"});
    folder_remove(&f);
}

static void test_list_of_runs_survives_every_failing_allocation(void **state)
{
    (void)state;
    check_printed("runs", "runs");
}

static void test_eval_of_a_run_survives_every_failing_allocation(void **state)
{
    (void)state;
    check_printed("eval", "runs/0");
}

static void test_page_survives_every_failing_allocation(void **state)
{
    (void)state;
    folder f = train_runs();
    char *first = mem_printf("%s/runs/0", f.path), *second = mem_printf("%s/runs/1", f.path);
    char *out = mem_printf("--out=%s/page.html", f.path);
    const char *const arguments[] = {"odeon", "report", first, second, out, NULL};
    failing_program_check(&f, arguments, (program_made){"page.html", "page.html"});
    mem_free(first);
    mem_free(second);
    mem_free(out);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_of_runs_survives_every_failing_allocation),
        cmocka_unit_test(test_eval_of_a_run_survives_every_failing_allocation),
        cmocka_unit_test(test_page_survives_every_failing_allocation),
    };
    allocation_sites_share(8); /* ODEON_ALLOCATIONS=0 for all chains */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
