/* A run's folder that a later process goes on with. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/registry.h"
#include "run_fixture.h"
#include "support.h"

static run_dir *reopen(const char *path)
{
    run_dir *dir = NULL;
    if (run_dir_open(path, &dir) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return dir;
}

static void test_a_folder_is_one_process_at_a_time(void **state)
{
    const run_fixture *f = *state;
    run_dir *dir = run_fixture_create(&f->config), *other;
    diag_clear();
    assert_int_equal(run_dir_open("runs/trial/1", &other), ODEON_ERR_CONFIG);
    assert_null(other);
    assert_non_null(strstr(diag_message(), "another process is working on this run"));
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    other = reopen("runs/trial/1//");
    assert_string_equal(run_dir_path(other), "runs/trial/1");
    assert_int_equal(run_dir_close(other), ODEON_OK);
}

static void test_what_is_no_run_cannot_go_on(void **state)
{
    const run_fixture *f = *state;
    run_dir *dir;
    diag_clear();
    assert_int_equal(run_dir_open(f->folder, &dir), ODEON_ERR_CONFIG);
    assert_null(dir);
    assert_non_null(strstr(diag_message(), "it has no effective.ini"));
}

static void test_a_folder_with_litter_alone_may_become_a_run(void **state)
{
    run_fixture *f = *state;
    char out[] = "here";
    f->config.out = out;
    assert_int_equal(mkdir(out, 0700), 0);
    FILE *x = fopen("here/effective.ini.1-0.tmp", "w");
    assert_non_null(x);
    assert_int_equal(fclose(x), 0);
    assert_int_equal(run_dir_close(run_fixture_create(&f->config)), ODEON_OK);
    assert_int_equal(access("here/effective.ini.1-0.tmp", F_OK), -1);
}

/* Writes n rows to dir; their steps go on from first. */
static void add_rows(run_dir *dir, int64_t first, int n)
{
    metrics_row row = run_fixture_row();
    for (int i = 0; i < n; i++) {
        row.step = first + i;
        odeon_event event = run_fixture_event(&row);
        assert_int_equal(run_dir_event(dir, &event, &row), ODEON_OK);
    }
}

static odeon_status go_on(run_dir *dir, const run_fixture *f, const metrics_mark *mark)
{
    metrics_row columns = run_fixture_row();
    return run_dir_continue(dir, &f->config, run_fixture_observers(), mark, &columns);
}

static void test_rows_after_the_mark_are_cut_off(void **state)
{
    const run_fixture *f = *state;
    run_dir *dir = run_fixture_create(&f->config);
    add_rows(dir, 1, 2);
    metrics_mark mark = run_dir_sync(dir);
    add_rows(dir, 3, 1);
    run_dir_write_rows(dir);
    char *csv = run_fixture_read("runs/trial/1/metrics.csv"),
         *json = run_fixture_read("runs/trial/1/metrics.jsonl");
    add_rows(dir, 4, 5);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    dir = reopen("runs/trial/1");
    assert_int_equal(go_on(dir, f, &mark), ODEON_OK);
    add_rows(dir, 3, 1);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    run_fixture_assert_contents("runs/trial/1/metrics.csv", csv);
    run_fixture_assert_contents("runs/trial/1/metrics.jsonl", json);
    mem_free(csv);
    mem_free(json);
}

static void test_missing_metrics_begin_anew(void **state)
{
    const run_fixture *f = *state;
    run_dir *dir = run_fixture_create(&f->config);
    add_rows(dir, 1, 1);
    metrics_mark mark = run_dir_sync(dir);
    char *csv = run_fixture_read("runs/trial/1/metrics.csv");
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    assert_int_equal(unlink("runs/trial/1/metrics.csv"), 0);
    dir = reopen("runs/trial/1");
    assert_int_equal(go_on(dir, f, &mark), ODEON_OK);
    add_rows(dir, 1, 1);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    run_fixture_assert_contents("runs/trial/1/metrics.csv", csv);
    mem_free(csv);
}

static void test_metrics_of_other_columns_are_not_continued(void **state)
{
    const run_fixture *f = *state;
    run_dir *dir = run_fixture_create(&f->config);
    add_rows(dir, 1, 1);
    metrics_mark mark = run_dir_sync(dir);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    char *csv = run_fixture_read("runs/trial/1/metrics.csv"),
         *json = run_fixture_read("runs/trial/1/metrics.jsonl");
    dir = reopen("runs/trial/1");
    mark.csv_bytes = mark.json_bytes = 0;
    metrics_row row = run_fixture_row();
    row.n_blocks = 1;
    assert_int_equal(run_dir_continue(dir, &f->config, run_fixture_observers(), &mark, &row),
                     ODEON_ERR_DATA);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    run_fixture_assert_contents("runs/trial/1/metrics.csv", csv);
    run_fixture_assert_contents("runs/trial/1/metrics.jsonl", json);
    mem_free(csv);
    mem_free(json);
}

static void put(const char *path, const char *text)
{
    FILE *x = fopen(path, "w");
    assert_non_null(x);
    assert_int_equal(fwrite(text, 1, strlen(text), x), strlen(text));
    assert_int_equal(fclose(x), 0);
}

/* As an editor of another system saves it. */
static void put_with_returns(const char *path, const char *text)
{
    FILE *x = fopen(path, "w");
    assert_non_null(x);
    for (const char *p = text; *p != '\0'; p++) {
        assert_true((*p != '\n' || fputc('\r', x) == '\r') && fputc(*p, x) == *p);
    }
    assert_int_equal(fclose(x), 0);
}

static void test_metrics_saved_with_returns_are_continued(void **state)
{
    const run_fixture *f = *state;
    static const char *const names[] = {"runs/trial/1/metrics.csv", "runs/trial/1/metrics.jsonl"};
    char *before[2];
    run_dir *dir = run_fixture_create(&f->config);
    add_rows(dir, 1, 2);
    metrics_mark mark = run_dir_sync(dir);
    add_rows(dir, 3, 1);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    for (int i = 0; i < 2; i++) {
        before[i] = run_fixture_read(names[i]);
        put_with_returns(names[i], before[i]);
    }
    dir = reopen("runs/trial/1");
    assert_int_equal(go_on(dir, f, &mark), ODEON_OK);
    add_rows(dir, 3, 1);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    for (int i = 0; i < 2; i++) {
        run_fixture_assert_contents(names[i], before[i]);
        mem_free(before[i]);
    }
}

static void test_metrics_that_somebody_changed_are_not_cut(void **state)
{
    const run_fixture *f = *state;
    run_dir *dir = run_fixture_create(&f->config);
    add_rows(dir, 1, 2);
    metrics_mark mark = run_dir_sync(dir);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    char *csv = run_fixture_read("runs/trial/1/metrics.csv");
    char *longer = mem_printf("a note\n%s", csv);
    put("runs/trial/1/metrics.csv", longer);
    dir = reopen("runs/trial/1");
    diag_clear();
    assert_int_equal(go_on(dir, f, &mark), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "move it away"));
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    run_fixture_assert_contents("runs/trial/1/metrics.csv", longer);
    mem_free(longer);
    mem_free(csv);
}

/* ---- beginning again ---- */

static void test_a_new_run_is_marked_as_one_without_checkpoint(void **state)
{
    const run_fixture *f = *state;
    run_dir *dir = run_fixture_create(&f->config);
    assert_true(run_dir_is_marked(dir));
    assert_true(run_dir_has_results(dir)); /* files of metrics, without a row */
    assert_int_equal(unlink("runs/trial/1/no-checkpoint-yet"), 0);
    assert_false(run_dir_is_marked(dir));
    assert_int_equal(run_dir_mark(dir), ODEON_OK);
    assert_true(run_dir_is_marked(dir));
    assert_int_equal(run_dir_close(dir), ODEON_OK);
}

static void set_aside(const run_dir *dir, const char *expected)
{
    char *to;
    if (run_dir_set_aside(dir, &to) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    if (expected != NULL) {
        assert_string_equal(to, expected);
    } else {
        assert_null(to);
    }
    mem_free(to);
}

static void test_what_a_run_had_come_to_is_set_aside(void **state)
{
    const run_fixture *f = *state;
    static const char *const files[] = {"weights.safetensors", "weights-best.safetensors",
                                        "manifest.json", "checkpoints/ckpt-4.safetensors"};
    run_dir *dir = run_fixture_create(&f->config);
    add_rows(dir, 1, 1);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    char *csv = run_fixture_read("runs/trial/1/metrics.csv");
    assert_int_equal(mkdir("runs/trial/1/checkpoints", 0700), 0);
    put("runs/trial/1/notes", "mine");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "runs/trial/1/%s", files[i]);
        put(path, files[i]);
    }
    dir = reopen("runs/trial/1");
    set_aside(dir, "runs/trial/1/earlier-1");
    run_fixture_assert_contents("runs/trial/1/earlier-1/metrics.csv", csv);
    run_fixture_assert_contents("runs/trial/1/earlier-1/effective.ini", f->effective);
    run_fixture_assert_contents("runs/trial/1/effective.ini", f->effective);
    run_fixture_assert_contents("runs/trial/1/notes", "mine");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "runs/trial/1/earlier-1/%s", files[i]);
        run_fixture_assert_contents(path, files[i]);
    }
    assert_false(run_dir_has_results(dir));
    set_aside(dir, NULL); /* there is nothing more */
    put("runs/trial/1/weights.safetensors", "again");
    set_aside(dir, "runs/trial/1/earlier-2");
    run_fixture_assert_contents("runs/trial/1/earlier-2/weights.safetensors", "again");
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    mem_free(csv);
}

static void test_setting_aside_survives_every_failing_allocation(void **state)
{
    const run_fixture *f = *state;
    run_dir *dir = run_fixture_create(&f->config);
    put("runs/trial/1/weights.safetensors", "w");
    int64_t before = mem_live_blocks(), n = 0;
    odeon_status status = ODEON_ERR_NOMEM;
    while (status == ODEON_ERR_NOMEM && n < 200) {
        char *to;
        mem_fail_at(++n);
        status = run_dir_set_aside(dir, &to);
        mem_fail_at(0);
        mem_free(to);
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_int_equal(status, ODEON_OK);
    assert_false(run_dir_has_results(dir));
    assert_int_equal(run_dir_close(dir), ODEON_OK);
}

static int count(const char *text, const char *word)
{
    int n = 0;
    for (const char *p = strstr(text, word); p != NULL; p = strstr(p + 1, word)) {
        n++;
    }
    return n;
}

static void test_the_manifest_tells_when_the_run_went_on(void **state)
{
    const run_fixture *f = *state;
    static const char *const argv[] = {"odeon", "]\n}\n"};
    registry *r = support_registry();
    run_dir *dir = run_fixture_create(&f->config);
    manifest_facts facts = {.config = &f->config,
                            .registry = r,
                            .device_text = "",
                            .workers = 1,
                            .argc = 2,
                            .argv = argv};
    assert_int_equal(run_dir_resumed(dir, &facts, 0), ODEON_OK); /* there is none yet */
    assert_int_equal(run_dir_resumed(dir, &facts, 12), ODEON_OK);
    char *json = run_fixture_read("runs/trial/1/manifest.json");
    run_fixture_assert_json(json);
    assert_int_equal(count(json, "\"started\""), 1);
    assert_int_equal(count(json, "\"resumed\""), 1);
    assert_int_equal(count(json, "\"step\": 0,"), 1);
    assert_int_equal(count(json, "\"step\": 12,"), 1);
    mem_free(json);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    registry_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_folder_is_one_process_at_a_time),
        WITH_FOLDER(test_what_is_no_run_cannot_go_on),
        WITH_FOLDER(test_a_folder_with_litter_alone_may_become_a_run),
        WITH_FOLDER(test_rows_after_the_mark_are_cut_off),
        WITH_FOLDER(test_missing_metrics_begin_anew),
        WITH_FOLDER(test_metrics_of_other_columns_are_not_continued),
        WITH_FOLDER(test_metrics_saved_with_returns_are_continued),
        WITH_FOLDER(test_metrics_that_somebody_changed_are_not_cut),
        WITH_FOLDER(test_a_new_run_is_marked_as_one_without_checkpoint),
        WITH_FOLDER(test_what_a_run_had_come_to_is_set_aside),
        WITH_FOLDER(test_setting_aside_survives_every_failing_allocation),
        WITH_FOLDER(test_the_manifest_tells_when_the_run_went_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
