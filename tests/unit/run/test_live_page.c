/* The page is drawn by another process of the same program, so this one is both: called with the
 * words of the command it does what the name of the folder says. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "captured.h"
#include "folder.h"
#include "support.h"

#include "base/mem.h"
#include "run/live_page.h"

static const double short_time = 0.05, long_time = 60.0;

/* report FOLDER [--refresh TIME] */
static int draw(int argc, char **argv)
{
    const char *name = strrchr(argv[2], '/') + 1;
    bool whole = argc < 5;
    if (strcmp(name, "hangs") == 0 || (strcmp(name, "heavy") == 0 && whole)) {
        (void)signal(SIGTERM, SIG_IGN); /* nothing but SIGKILL ends it */
        for (;;) {
            (void)pause();
        }
    }
    return strcmp(name, "fails") == 0 ? 3 : 0;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct ending {
    bool drawn;
    double seconds;
    captured said;
} ending;

/* Of a run in a folder of this name, whose page is drawn already, or wanted, or both. */
static void end_run(const char *name, bool whole, double seconds, ending *out)
{
    folder f = folder_create();
    live_page *p;
    assert_int_equal(live_page_create(folder_file(&f, name), 0, NULL, &p), ODEON_OK);
    captured_start(&out->said);
    live_page_draw(p, 1.0); /* is ended by the last one */
    live_page_want_last(p);
    double begin = now();
    live_page_draw_last(p, whole, seconds, &out->drawn);
    out->seconds = now() - begin;
    captured_stop(&out->said);
    live_page_destroy(p);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no process is left */
    folder_remove(&f);
}

static void expect_warning(const ending *e, const char *why)
{
    const char *text = strstr(e->said.text, why);
    if (text == NULL) {
        fail_msg("'%s' is not in '%s'", why, e->said.text);
    }
    assert_ptr_equal(strchr(e->said.text, '\n'), strrchr(e->said.text, '\n')); /* one line */
}

static void test_last_page_is_waited_for(void **state)
{
    (void)state;
    ending e;
    end_run("draws", true, long_time, &e);
    assert_true(e.drawn);
    assert_string_equal(e.said.text, "");
}

static void test_failed_drawing_is_a_warning(void **state)
{
    (void)state;
    ending e;
    end_run("fails", true, long_time, &e);
    assert_false(e.drawn);
    expect_warning(&e, "could not be drawn (exit code 3)");
}

static void test_hanging_drawing_does_not_hold_the_end(void **state)
{
    (void)state;
    ending e;
    end_run("hangs", true, short_time, &e);
    assert_false(e.drawn);
    expect_warning(&e, "could not be drawn (not done after 0.05 s)");
    assert_true(e.seconds < long_time);
    end_run("hangs", false, short_time, &e);
    assert_false(e.drawn);
    expect_warning(&e, "could not be drawn (not done after 0.05 s)");
}

/* The whole page hangs; the other is begun behind it and needs some time on a busy machine. */
static void test_heavy_page_is_drawn_from_the_files(void **state)
{
    (void)state;
    ending e;
    for (double seconds = 0.1; seconds < long_time; seconds *= 4) {
        end_run("heavy", true, seconds, &e);
        if (e.drawn) {
            break;
        }
    }
    assert_true(e.drawn);
    expect_warning(&e, "it is there without what the model computes");
}

static void test_unwanted_page_is_not_drawn(void **state)
{
    (void)state;
    bool drawn = true;
    live_page *p;
    assert_int_equal(live_page_create("/nowhere/hangs", 0, NULL, &p), ODEON_OK);
    live_page_draw_last(p, true, long_time, &drawn);
    assert_false(drawn);
    live_page_destroy(p);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "report") == 0) {
        return draw(argc, argv);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_page_is_waited_for),
        cmocka_unit_test(test_failed_drawing_is_a_warning),
        cmocka_unit_test(test_hanging_drawing_does_not_hold_the_end),
        cmocka_unit_test(test_heavy_page_is_drawn_from_the_files),
        cmocka_unit_test(test_unwanted_page_is_not_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
