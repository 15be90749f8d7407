#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

#include "base/diag.h"
#include "plugin/child.h"

static odeon_status writes(FILE *out, void *context)
{
    (void)fprintf(out, "from %s", (const char *)context);
    (void)printf("noise");
    return ODEON_OK;
}

static odeon_status fails(FILE *out, void *context)
{
    (void)fprintf(out, "lost");
    return diag_fail(ODEON_ERR_DEVICE, "no %s here", (const char *)context);
}

static odeon_status crashes(FILE *out, void *context)
{
    (void)out;
    (void)context;
    (void)signal(SIGABRT, SIG_DFL);
    abort();
}

static odeon_status leaves(FILE *out, void *context)
{
    (void)out;
    (void)context;
    _exit(7);
}

static odeon_status hangs(FILE *out, void *context)
{
    (void)out;
    (void)context;
    (void)sleep(60);
    return ODEON_OK;
}

/* Runs work for so many seconds at most, and compares what it says. */
static void expect(child_work work, double seconds, odeon_status status, const char *said)
{
    text_buffer out = {0};
    static char word[] = "gpu";
    diag_clear();
    assert_int_equal(child_run(work, word, seconds, "a.so", &out), status);
    const char *text = status == ODEON_OK ? out.data : diag_message();
    assert_string_equal(text, said);
    assert_true(status == ODEON_OK || out.length == 0);
    text_fini(&out);
}

static void test_what_is_written_and_why_it_failed_arrive(void **state)
{
    (void)state;
    expect(writes, 10.0, ODEON_OK, "from gpu");
    expect(fails, 10.0, ODEON_ERR_DEVICE, "no gpu here");
}

static void test_end_of_a_child_is_told(void **state)
{
    (void)state;
    expect(crashes, 10.0, ODEON_ERR_PLUGIN, "a.so: it crashed with signal 6 (Aborted)");
    expect(leaves, 10.0, ODEON_ERR_PLUGIN, "a.so: it ended the program with exit code 7");
    expect(hangs, 0.05, ODEON_ERR_PLUGIN, "a.so: it took longer than 0.05 seconds");
}

static odeon_status writes_much(FILE *out, void *context)
{
    const int *n = context;
    for (int i = 0; i < 100000; i++) {
        (void)fputc('a' + *n % 26, out);
    }
    return *n == 13 ? diag_fail(ODEON_ERR_DATA, "thirteen") : ODEON_OK;
}

/* More than run at a time, and more from each than a pipe holds. */
static void test_each_of_many_has_its_own_answer(void **state)
{
    (void)state;
    enum { JOBS = 20 };
    child_job jobs[JOBS];
    int numbers[JOBS];
    for (int i = 0; i < JOBS; i++) {
        numbers[i] = i;
        jobs[i] = (child_job){.what = "job", .context = &numbers[i]};
    }
    child_run_all(writes_much, JOBS, jobs, 60.0);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].status, i == 13 ? ODEON_ERR_DATA : ODEON_OK);
        assert_int_equal(jobs[i].out.length, i == 13 ? 0 : 100000);
        assert_true(i == 13 || jobs[i].out.data[99999] == 'a' + i);
        assert_true(i != 13 || strcmp(jobs[i].message.data, "thirteen") == 0);
        child_job_fini(&jobs[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_and_why_it_failed_arrive),
        cmocka_unit_test(test_end_of_a_child_is_told),
        cmocka_unit_test(test_each_of_many_has_its_own_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
