/* The program with every allocation failing once, alone or with all that follow: exit code 7 and
 * one line, or what it makes without failures. */
#include "failing_program.h"

#include "allocation_sites.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "small_run.h"

static void check_train(const char *override)
{
    folder f = small_run_create("cpu", "adjoint", 2);
    char *out = mem_printf("run.out=%s/run", f.path);
    const char *const arguments[] = {"odeon", "train",  folder_file(&f, "run.ini"),
                                     out,     override, NULL};
    failing_program_check(&f, arguments, (program_made){"run", "run/weights.safetensors"});
    mem_free(out);
    folder_remove(&f);
}

static void test_train_survives_every_failing_allocation(void **state)
{
    (void)state;
    check_train("data.on_device=no");
}

static void test_train_with_samples_on_the_device_survives_them(void **state)
{
    (void)state;
    check_train("data.on_device=yes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train_survives_every_failing_allocation),
        cmocka_unit_test(test_train_with_samples_on_the_device_survives_them),
    };
    allocation_sites_share(2); /* ODEON_ALLOCATIONS=0 for all chains */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
