#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

#include "base/mem.h"
#include "plugin/host_file.h"

/* A test is linked with the host, and is then the file that the host is. */
static void test_host_is_this_program(void **state)
{
    (void)state;
    char *file = NULL, *self = realpath("/proc/self/exe", NULL);
    assert_int_equal(host_file_path(&file), ODEON_OK);
    assert_string_equal(file, self);
    free(file);
    free(self);
}

static void test_folder_is_that_of_the_file_wherever_one_stands(void **state)
{
    (void)state;
    char *file = NULL, *folder = NULL, *before = getcwd(NULL, 0);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(host_file_path(&file), ODEON_OK);
    assert_int_equal(host_file_folder(&folder), ODEON_OK);
    assert_int_equal(chdir(before), 0);
    size_t n = strlen(folder);
    assert_int_equal(strncmp(file, folder, n), 0);
    assert_int_equal(file[n], '/');
    assert_null(strchr(file + n + 1, '/'));
    free(file);
    free(before);
    mem_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_is_this_program),
        cmocka_unit_test(test_folder_is_that_of_the_file_wherever_one_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
