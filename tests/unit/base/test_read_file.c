/* A whole file in memory, or the reason why not. */
#include "base/read_file.h"

#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/mem.h"
#include "folder.h"
#include "support.h"

static void check_refused(const char *path, odeon_status expected, const char *reason)
{
    char *data = (char *)(uintptr_t)1;
    size_t bytes = 1;
    int64_t live = mem_live_blocks();
    diag_clear();
    assert_int_equal(read_file(path, &data, &bytes), expected);
    assert_null(data);
    assert_non_null(strstr(diag_message(), reason));
    assert_int_equal(mem_live_blocks(), live);
}

static void test_bytes_and_a_nul_behind_them(void **state)
{
    (void)state;
    folder f = folder_create();
    folder_write(&f, "some", "a\0b", 3);
    folder_write(&f, "none", "", 0);
    char *data;
    size_t bytes;
    assert_int_equal(read_file(folder_file(&f, "some"), &data, &bytes), ODEON_OK);
    assert_int_equal(bytes, 3);
    assert_memory_equal(data, "a\0b", 4);
    mem_free(data);
    assert_int_equal(read_file(folder_file(&f, "none"), &data, &bytes), ODEON_OK);
    assert_int_equal(bytes, 0);
    assert_string_equal(data, "");
    mem_free(data);
    folder_remove(&f);
}

/* Opening a FIFO for reading would otherwise wait for who writes it. */
static void test_what_is_no_regular_file(void **state)
{
    (void)state;
    folder f = folder_create();
    assert_int_equal(mkfifo(folder_file(&f, "fifo"), 0600), 0);
    check_refused(folder_file(&f, "fifo"), ODEON_ERR_IO, "not a regular file");
    check_refused(f.path, ODEON_ERR_IO, "not a regular file");
    check_refused(folder_file(&f, "absent"), ODEON_ERR_IO, "cannot open");
    folder_remove(&f);
}

static void test_no_memory(void **state)
{
    (void)state;
    folder f = folder_create();
    folder_write(&f, "some", "abc", 3);
    mem_fail_at(1);
    check_refused(folder_file(&f, "some"), ODEON_ERR_NOMEM, "no memory for its 3 bytes");
    mem_fail_at(0);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_and_a_nul_behind_them),
        cmocka_unit_test(test_what_is_no_regular_file),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
