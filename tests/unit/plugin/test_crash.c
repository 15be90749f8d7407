#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#include "plugin/calling.h"
#include "plugin/crash.h"

static char path[] = "model.gain";
static const odeon_component layer = {.kind = ODEON_KIND_LAYER, .id = "gain"};
static const instance gain = {.component = &layer, .path = path, .file = "/some/gain.so"};

/* What a process that does work says on stderr, and the signal that it dies of. */
static int die(void (*work)(void), char *said, size_t bytes)
{
    int ends[2], how = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t process = fork();
    if (process == 0) {
        const struct rlimit no_core = {0, 0};
        static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
        for (int i = 0; i < 5; i++) { /* cmocka's */
            (void)signal(fatal[i], SIG_DFL);
        }
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)dup2(ends[1], STDERR_FILENO);
        work();
        _exit(0);
    }
    (void)close(ends[1]);
    size_t n = 0;
    ssize_t more = 1;
    while (more > 0 && n + 1 < bytes) {
        more = read(ends[0], said + n, bytes - 1 - n);
        n += more > 0 ? (size_t)more : 0;
    }
    said[n] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(process, &how, 0), process);
    return WIFSIGNALED(how) ? WTERMSIG(how) : 0;
}

static void die_in_a_slot(void)
{
    crash_watch();
    (void)calling_begin(&gain, "forward");
    (void)raise(SIGFPE);
}

static void *die_in_a_thread(void *unused)
{
    sigset_t all;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    crash_thread_begin();
    (void)calling_begin(&gain, "vjp");
    (void)raise(SIGSEGV);
    crash_thread_end();
    return unused;
}

static void die_beside_the_main_thread(void)
{
    pthread_t thread;
    crash_watch();
    if (pthread_create(&thread, NULL, die_in_a_thread, NULL) == 0) {
        (void)pthread_join(thread, NULL);
    }
}

static void die_unwatched(void)
{
    crash_watch();
    crash_unwatch();
    (void)raise(SIGILL);
}

static void keep_quiet(int number)
{
    (void)number;
}

static void live_by_another_handler(void)
{
    (void)signal(SIGFPE, keep_quiet);
    crash_watch();
    (void)raise(SIGFPE);
}

/* A sanitizer's handlers come first, and say it their way. */
static bool is_sanitized(void)
{
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    return true;
#else
    return false;
#endif
}

static void test_slot_component_and_file_are_told_in_one_line(void **state)
{
    (void)state;
    char said[2048];
    if (is_sanitized()) {
        skip();
    }
    assert_int_equal(die(die_in_a_slot, said, sizeof said), SIGFPE);
    assert_non_null(strstr(said, "odeon: error: crash (SIGFPE) in layer gain (/some/gain.so), "
                                 "forward, of model.gain"));
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static void test_thread_that_blocks_all_signals_tells_too(void **state)
{
    (void)state;
    char said[2048];
    if (is_sanitized()) {
        skip();
    }
    assert_int_equal(die(die_beside_the_main_thread, said, sizeof said), SIGSEGV);
    assert_non_null(strstr(said, "crash (SIGSEGV) in layer gain (/some/gain.so), vjp"));
}

static void test_nothing_is_said_after_unwatch_or_by_others_handlers(void **state)
{
    (void)state;
    char said[2048];
    if (is_sanitized()) {
        skip();
    }
    assert_int_equal(die(die_unwatched, said, sizeof said), SIGILL);
    assert_string_equal(said, "");
    assert_int_equal(die(live_by_another_handler, said, sizeof said), 0);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slot_component_and_file_are_told_in_one_line),
        cmocka_unit_test(test_thread_that_blocks_all_signals_tells_too),
        cmocka_unit_test(test_nothing_is_said_after_unwatch_or_by_others_handlers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
