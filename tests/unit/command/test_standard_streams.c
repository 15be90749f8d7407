#include "command/standard_streams.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

/* In a process that was started with the streams of a set of bits closed: 0 if every one of them is
 * then open the wrong way round, and the others as they were. */
static int check_closed(int closed)
{
    char byte = 'x';
    for (int fd = 0; fd < 3; fd++) {
        if ((closed >> fd & 1) != 0) {
            (void)close(fd);
        }
    }
    if (!standard_streams_open()) {
        return 1;
    }
    for (int fd = 0; fd < 3; fd++) {
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0) {
            return 2;
        }
        if ((closed >> fd & 1) == 0) {
            continue;
        }
        ssize_t n = fd == 0 ? read(fd, &byte, 1) : write(fd, &byte, 1);
        if (n != -1 || errno != EBADF) { /* what it would have been */
            return 3;
        }
    }
    int next = open("/dev/null", O_RDONLY); /* no file gets a number of theirs */
    return next > 2 ? 0 : 4;
}

static void test_closed_streams_are_opened_the_wrong_way_round(void **state)
{
    (void)state;
    for (int closed = 0; closed < 8; closed++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0) {
            _exit(check_closed(closed));
        }
        assert_true(child > 0 && waitpid(child, &status, 0) == child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_streams_are_opened_the_wrong_way_round),
    };
    return cmocka_run_group_tests_name("standard_streams", tests, NULL, NULL);
}
