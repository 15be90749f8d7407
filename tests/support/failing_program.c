#include "failing_program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allocation_sites.h"
#include "base/diag.h"
#include "base/mem.h"
#include "odeon_run.h"

enum { SECONDS = 240, MAX_ARGUMENTS = 8 };

typedef void (*failure)(int64_t k);

int failing_program_run(const folder *f, char **argv)
{
    int argc = 0, kept[2];
    while (argv[argc] != NULL) {
        argc++;
    }
    (void)fflush(stdout);
    for (int fd = 1; fd <= 2; fd++) {
        kept[fd - 1] = dup(fd);
        int file = open(folder_file(f, fd == 1 ? "out" : "err"), O_RDWR | O_CREAT | O_TRUNC, 0600);
        if (kept[fd - 1] < 0 || file < 0 || dup2(file, fd) != fd) {
            fail_msg("stdout and stderr cannot be put elsewhere");
        }
        (void)close(file);
    }
    int code = odeon_main(argc, argv);
    for (int fd = 1; fd <= 2; fd++) {
        (void)dup2(kept[fd - 1], fd);
        (void)close(kept[fd - 1]);
    }
    return code;
}

/* Out of memory is exit code 7 and one line on stderr, of warnings aside. */
static void check_error(const folder *f, int64_t k, int code)
{
    size_t bytes;
    char *text = folder_read(folder_file(f, "err"), &bytes), *end = text + bytes;
    int errors = 0, others = 0;
    for (char *line = text; line < end; line = memchr(line, '\n', (size_t)(end - line)), line++) {
        errors += strncmp(line, "odeon: error: ", 14) == 0;
        others += strncmp(line, "odeon: ", 7) != 0;
    }
    if (code != 7 || errors != 1 || others != 0) {
        fail_msg("allocation %lld: exit code %d, and %.*s", (long long)k, code, (int)bytes, text);
    }
    free(text);
}

static void check_same(const folder *f, int64_t k, const char *file, const void *expected,
                       size_t bytes)
{
    size_t n;
    if (file == NULL) {
        return;
    }
    void *found = folder_read(folder_file(f, file), &n);
    if (n != bytes || memcmp(found, expected, bytes) != 0) {
        fail_msg("allocation %lld: exit code 0, and another %s", (long long)k, file);
    }
    free(found);
}

/* Fails the allocations of `odeon arguments...`, as allocation_sites_next chooses them. */
static void fail_program(failure fail_allocation, const folder *f, char **argv, program_made left)
{
    size_t bytes = 0;
    folder_discard(f, left.name);
    allocation_sites_begin(fail_allocation == mem_fail_from);
    int succeeds = failing_program_run(f, argv);
    allocation_sites_end();
    if (succeeds != 0) {
        fail_msg("odeon %s: %s", argv[1], diag_message());
    }
    void *expected = left.file != NULL ? folder_read(folder_file(f, left.file), &bytes) : NULL;
    int64_t k = 0, tried = 0, needless = 0;
    for (bool failed = true; failed; tried += failed) {
        k = allocation_sites_next(k);
        folder_discard(f, left.name);
        int64_t live = mem_live_blocks(), total = mem_total_allocs();
        fail_allocation(k);
        int code = failing_program_run(f, argv);
        mem_fail_at(0);
        failed = mem_total_allocs() - total >= k;
        assert_int_equal(mem_live_blocks(), live);
        if (failed && code != 0) {
            check_error(f, k, code);
        } else {
            assert_int_equal(code, 0);
            check_same(f, k, left.file, expected, bytes);
            needless += failed;
        }
    }
    print_message("odeon %s: %lld of %lld allocations failed, %lld of them needless\n", argv[1],
                  (long long)tried, (long long)k - 1, (long long)needless);
    assert_in_range(k, 100, 100000);
    free(expected);
}

void failing_program_check(const folder *f, const char *const *arguments, program_made left)
{
    char *argv[MAX_ARGUMENTS + 1] = {NULL};
    for (int i = 0; arguments[i] != NULL; i++) {
        argv[i] = strdup(arguments[i]);
    }
    (void)alarm(SECONDS);
    fail_program(mem_fail_at, f, argv, left);
    fail_program(mem_fail_from, f, argv, left);
    (void)alarm(0);
    for (int i = 0; argv[i] != NULL; i++) {
        free(argv[i]);
    }
}
