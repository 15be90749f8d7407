#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "run/processes.h"

enum { N = 5 };

typedef struct seen {
    int begun[N], code[N], now, most;
} seen;

static void begun(void *context, size_t index)
{
    seen *s = context;
    s->begun[index]++;
    s->now++;
    s->most = s->now > s->most ? s->now : s->most;
}

static void ended(void *context, size_t index, int code)
{
    seen *s = context;
    s->code[index] = code;
    s->now--;
}

static void test_all_jobs_are_run_a_few_at_a_time(void **state)
{
    (void)state;
    static const char *const scripts[N] = {"echo one", "exit 3", "kill -9 $$", "cat; echo odeon: x",
                                           "echo 'odeon: error: lost' >&2; exit 5"};
    folder f = folder_create();
    const char *argv[N][4];
    char *logs[N];
    process_job jobs[N];
    seen s = {{0}, {0}, 0, 0};
    process_watcher watcher = {.context = &s, .begun = begun, .ended = ended};
    for (int i = 0; i < N; i++) {
        logs[i] = mem_printf("%s/%d.log", f.path, i);
        memcpy(argv[i], ((const char *[]){"sh", "-c", scripts[i], NULL}), sizeof argv[i]);
        jobs[i] = (process_job){.argv = argv[i], .log = logs[i]};
    }
    static const char earlier[] = "odeon: error: of an earlier try\n";
    folder_write(&f, "2.log", earlier, strlen(earlier));
    assert_int_equal(processes_run("/bin/sh", N, jobs, 2, &watcher), ODEON_OK);
    static const int codes[N] = {0, 3, 128 + 9, 0, 5};
    static const char *const words[N] = {NULL, NULL, NULL, "x", "lost"};
    for (int i = 0; i < N; i++) {
        char *word = process_last_word(logs[i]);
        assert_int_equal(s.begun[i], 1);
        assert_int_equal(s.code[i], codes[i]);
        assert_int_equal(word == NULL, words[i] == NULL);
        assert_true(word == NULL || strcmp(word, words[i]) == 0);
        mem_free(word);
        mem_free(logs[i]);
    }
    assert_int_equal(s.most, 2);
    assert_int_equal(s.now, 0);
    folder_remove(&f);
}

static void test_a_log_that_cannot_be_made_ends_it(void **state)
{
    (void)state;
    const char *argv[] = {"true", NULL};
    process_job job = {.argv = argv, .log = "/nowhere/at/all.log"};
    seen s = {{0}, {0}, 0, 0};
    process_watcher watcher = {.context = &s, .begun = begun, .ended = ended};
    assert_int_equal(processes_run("/bin/true", 1, &job, 1, &watcher), ODEON_ERR_IO);
    assert_int_equal(s.begun[0], 0);
    diag_clear();
    assert_null(process_last_word("/nowhere/at/all.log"));
}

static void test_a_program_that_is_not_there_is_a_failed_job(void **state)
{
    (void)state;
    folder f = folder_create();
    const char *argv[] = {"x", NULL};
    char *log = mem_printf("%s/log", f.path);
    process_job job = {.argv = argv, .log = log};
    seen s = {{0}, {0}, 0, 0};
    process_watcher watcher = {.context = &s, .begun = begun, .ended = ended};
    assert_int_equal(processes_run("/nowhere/x", 1, &job, 3, &watcher), ODEON_OK);
    assert_int_equal(s.code[0], 127);
    mem_free(log);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_jobs_are_run_a_few_at_a_time),
        cmocka_unit_test(test_a_log_that_cannot_be_made_ends_it),
        cmocka_unit_test(test_a_program_that_is_not_there_is_a_failed_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
