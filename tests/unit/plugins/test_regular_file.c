/* The files of data sets, and a system that fails. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"

/* What the calls below do in place of the system's; 0: what that does. */
static struct {
    int open_errno, fstat_errno;
    int interrupts; /* reads that fail with EINTR first */
    int good_reads; /* then so many that succeed, if read_errno or ends */
    int read_errno; /* then those that fail with this */
    int ends;       /* or find the end of the file */
    int chunk;      /* the most that one read gives */
} system_does;

static int fake_open(const char *path, int flags)
{
    errno = system_does.open_errno;
    return errno != 0 ? -1 : open(path, flags);
}

static int fake_fstat(int fd, struct stat *info)
{
    errno = system_does.fstat_errno;
    return errno != 0 ? -1 : fstat(fd, info);
}

static ssize_t fake_read(int fd, void *buffer, size_t bytes)
{
    if (system_does.interrupts > 0) {
        system_does.interrupts--;
        errno = EINTR;
        return -1;
    }
    bool fails = system_does.read_errno != 0 || system_does.ends != 0;
    if (fails && system_does.good_reads-- <= 0) {
        errno = system_does.read_errno;
        return system_does.ends != 0 ? 0 : -1;
    }
    bool cut = system_does.chunk > 0 && bytes > (size_t)system_does.chunk;
    return read(fd, buffer, cut ? (size_t)system_does.chunk : bytes);
}

/* A plugin's source, compiled here so that its branches are counted and its calls can fail. */
#define open(path, flags) fake_open(path, flags)
#define fstat             fake_fstat
#define read              fake_read
#include "dataset/common/regular_file.c"
#undef open
#undef fstat
#undef read
#include "dataset/common/gzip.c"

static char path[] = "/tmp/odeon-test-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    memset(&system_does, 0, sizeof system_does);
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    int fd = mkstemp(path);
    bool written = fd >= 0 && write(fd, "content", 7) == 7;
    return written && close(fd) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static void assert_loads(void)
{
    char *text;
    uint64_t bytes;
    if (regular_file_load(support_host(), path, &text, &bytes) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    assert_int_equal(bytes, 7);
    assert_string_equal(text, "content"); /* the NUL is there */
    mem_free(text);
}

static void assert_fails(const char *name, odeon_status expected, const char *reason)
{
    char *text;
    uint64_t bytes;
    int64_t before = mem_live_blocks();
    odeon_status status = regular_file_load(support_host(), name, &text, &bytes);
    if (status != expected || strstr(diag_message(), reason) == NULL) {
        fail_msg("status %d, \"%s\" lacks \"%s\"", (int)status, diag_message(), reason);
    }
    assert_null(text);
    assert_int_equal(mem_live_blocks(), before);
}

static void test_a_file_is_read_whole(void **state)
{
    (void)state;
    assert_loads();
    system_does.chunk = 2;
    assert_loads();
    system_does.interrupts = 3;
    assert_loads();
}

static void test_a_file_that_is_not_there_is_no_failure_to_open(void **state)
{
    (void)state;
    regular_file file;
    bool found = true;
    assert_int_equal(regular_file_open(support_host(), "/nonexistent/x", &file, &found), ODEON_OK);
    assert_false(found);
    regular_file_close(&file);
    found = true;
    assert_int_equal(regular_file_open(support_host(), "/dev/null/x", &file, &found), ODEON_OK);
    assert_false(found); /* ENOTDIR */
    assert_fails("/nonexistent/x", ODEON_ERR_DATA, "/nonexistent/x: no such file");
}

static void test_what_cannot_be_opened_says_why(void **state)
{
    (void)state;
    system_does.open_errno = EACCES;
    assert_fails(path, ODEON_ERR_IO, "cannot open: Permission denied");
    system_does.open_errno = 0;
    system_does.fstat_errno = EOVERFLOW;
    assert_fails(path, ODEON_ERR_IO, "cannot open: Value too large");
    system_does.fstat_errno = 0;
    assert_fails("/tmp", ODEON_ERR_DATA, "/tmp: not a regular file");
    assert_fails("/dev/zero", ODEON_ERR_DATA, "/dev/zero: not a regular file");
}

static void test_what_cannot_be_read_says_why(void **state)
{
    (void)state;
    system_does.chunk = 2;
    system_does.good_reads = 2;
    system_does.read_errno = EIO;
    assert_fails(path, ODEON_ERR_IO, "cannot read: Input/output error");
    system_does.read_errno = 0;
    system_does.good_reads = 2;
    system_does.ends = 1;
    assert_fails(path, ODEON_ERR_DATA, "became shorter while it was read");
}

static void test_too_large_a_file_is_refused(void **state)
{
    (void)state;
    assert_int_equal(truncate(path, ((off_t)1 << 34) + 1), 0); /* of nothing */
    assert_fails(path, ODEON_ERR_DATA, "has 17179869185 bytes, the limit is 17179869184");
}

static void test_a_failing_allocation_is_survived(void **state)
{
    (void)state;
    mem_fail_at(1);
    assert_fails(path, ODEON_ERR_NOMEM, "no memory for its 7 bytes");
    mem_fail_at(0);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(test_a_file_is_read_whole),
        WITH_FILE(test_a_file_that_is_not_there_is_no_failure_to_open),
        WITH_FILE(test_what_cannot_be_opened_says_why),
        WITH_FILE(test_what_cannot_be_read_says_why),
        WITH_FILE(test_too_large_a_file_is_refused),
        WITH_FILE(test_a_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
