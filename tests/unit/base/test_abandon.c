/* The end of a process whose threads hang: what it prints, its exit code, and that nothing of it
 * waits. Each case runs in a child; one that waits for ever is ended by alarm. */
#include "base/abandon.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

enum { SECONDS = 20, EXIT_PLUGIN = 4 };

typedef struct ending {
    int code;             /* the exit code; -1: not by exit */
    char out[64];         /* what came to standard output */
    char err[2048];       /* and to standard error */
    const char *message;  /* that it was called with */
    void (*before)(void); /* in the child */
} ending;

static void read_back(FILE *file, char *text, size_t bytes)
{
    rewind(file);
    size_t n = fread(text, 1, bytes - 1, file);
    text[n] = '\0';
    (void)fclose(file);
}

static void run(ending *e)
{
    FILE *out = tmpfile(), *err = tmpfile();
    assert_non_null(out);
    assert_non_null(err);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)alarm(SECONDS);
        (void)dup2(fileno(out), STDOUT_FILENO);
        (void)dup2(fileno(err), STDERR_FILENO);
        (void)setvbuf(stdout, NULL, _IOFBF, 4096);
        if (e->before != NULL) {
            e->before();
        }
        abandon_program(NULL, e->message);
        _exit(99);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    e->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    read_back(out, e->out, sizeof e->out);
    read_back(err, e->err, sizeof e->err);
}

static void test_the_message_is_the_programs_error(void **state)
{
    (void)state;
    ending e = {.message = "worker 1 does not come back"};
    run(&e);
    assert_int_equal(e.code, EXIT_PLUGIN);
    assert_string_equal(e.err, "odeon: error: worker 1 does not come back\n");
    assert_string_equal(e.out, "");
}

static void test_the_message_is_one_clean_line(void **state)
{
    (void)state;
    ending e = {.message = "a\nb \x1b[31mred"};
    run(&e);
    assert_string_equal(e.err, "odeon: error: a b \\x1b[31mred\n");
}

static void test_a_long_message_is_cut(void **state)
{
    (void)state;
    static char text[1500];
    memset(text, 'x', sizeof text - 1);
    ending e = {.message = text};
    run(&e);
    assert_int_equal(e.code, EXIT_PLUGIN);
    assert_int_equal(strlen(e.err), strlen("odeon: error: ") + 1023 + 1);
    assert_int_equal(e.err[strlen(e.err) - 1], '\n');
}

static void print_half(void)
{
    (void)printf("half a line");
}

static void test_what_was_printed_is_not_lost(void **state)
{
    (void)state;
    ending e = {.message = "end", .before = print_half};
    run(&e);
    assert_string_equal(e.out, "half a line");
}

static void say_goodbye(void)
{
    (void)write(STDERR_FILENO, "handler", 7);
}

static void add_handler(void)
{
    (void)atexit(say_goodbye);
}

static void test_exit_handlers_do_not_run(void **state)
{
    (void)state;
    ending e = {.message = "end", .before = add_handler};
    run(&e);
    assert_string_equal(e.err, "odeon: error: end\n");
}

static sem_t has_lock;

static void *hang_with_stdout(void *argument)
{
    (void)argument;
    flockfile(stdout);
    (void)fputs_unlocked("stuck", stdout);
    (void)sem_post(&has_lock);
    for (;;) {
        (void)pause();
    }
    return NULL;
}

static void let_a_thread_hang(void)
{
    pthread_t thread;
    (void)sem_init(&has_lock, 0, 0);
    if (pthread_create(&thread, NULL, hang_with_stdout, NULL) != 0) {
        _exit(98);
    }
    (void)sem_wait(&has_lock);
}

/* Waiting for the lock would hang as well; what the thread has printed is then lost. */
static void test_a_thread_that_hangs_with_stdout_is_not_waited_for(void **state)
{
    (void)state;
    ending e = {.message = "end", .before = let_a_thread_hang};
    run(&e);
    assert_int_equal(e.code, EXIT_PLUGIN);
    assert_string_equal(e.err, "odeon: error: end\n");
    assert_string_equal(e.out, "");
}

static int terminal;

static void use_terminal(void)
{
    (void)dup2(terminal, STDERR_FILENO);
}

/* All that was written to a terminal of which the other end is closed. It arrives in parts: a read
 * returns what the kernel has passed on so far, and fails once there is no more to come. */
static void read_terminal(int master, char *text, size_t bytes)
{
    size_t n = 0;
    ssize_t part;
    while (n < bytes - 1 && (part = read(master, text + n, bytes - 1 - n)) > 0) {
        n += (size_t)part;
    }
    text[n] = '\0';
}

/* A progress line stands there without a line break; the terminal shows \n as \r\n. */
static void test_on_a_terminal_the_line_before_is_ended(void **state)
{
    (void)state;
    char text[128];
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) {
        support_not_covered("the last line on a terminal (no pseudoterminal)");
    }
    terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0);
    ending e = {.message = "end", .before = use_terminal};
    run(&e);
    assert_int_equal(e.code, EXIT_PLUGIN);
    (void)close(terminal);
    read_terminal(master, text, sizeof text);
    assert_string_equal(text, "\r\nodeon: error: end\r\n");
    (void)close(master);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_message_is_the_programs_error),
        cmocka_unit_test(test_the_message_is_one_clean_line),
        cmocka_unit_test(test_a_long_message_is_cut),
        cmocka_unit_test(test_what_was_printed_is_not_lost),
        cmocka_unit_test(test_exit_handlers_do_not_run),
        cmocka_unit_test(test_a_thread_that_hangs_with_stdout_is_not_waited_for),
        cmocka_unit_test(test_on_a_terminal_the_line_before_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
