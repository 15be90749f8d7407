#include "support.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/registry.h"
#include "run/metrics.h"
#include "run/run_dir.h"
#include "run_fixture.h"

/* ---- folders ---- */

static void test_runs_are_numbered(void **state)
{
    const run_fixture *f = *state;
    run_dir *first = run_fixture_create(&f->config), *second = run_fixture_create(&f->config);
    assert_string_equal(run_dir_path(first), "runs/trial/1");
    assert_string_equal(run_dir_path(second), "runs/trial/2");
    char *file = run_dir_file(second, "weights.safetensors");
    assert_string_equal(file, "runs/trial/2/weights.safetensors");
    mem_free(file);
    assert_int_equal(run_dir_close(first), ODEON_OK);
    assert_int_equal(run_dir_close(second), ODEON_OK);
}

static void test_a_number_that_is_taken_is_left_alone(void **state)
{
    const run_fixture *f = *state;
    assert_int_equal(mkdir("runs", 0700) | mkdir("runs/trial", 0700), 0);
    FILE *file = fopen("runs/trial/1", "w"); /* not even a folder */
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    run_dir *dir = run_fixture_create(&f->config);
    assert_string_equal(run_dir_path(dir), "runs/trial/2");
    assert_int_equal(run_dir_close(dir), ODEON_OK);
}

enum { N_THREADS = 8 };

static void *create_in_thread(void *context)
{
    run_dir *dir = NULL;
    return run_dir_create(context, &dir) == ODEON_OK ? dir : NULL;
}

static void test_runs_started_together_never_meet(void **state)
{
    run_fixture *f = *state;
    pthread_t threads[N_THREADS];
    run_dir *dirs[N_THREADS];
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, create_in_thread, &f->config), 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
        dirs[i] = result;
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(run_dir_path(dirs[i]), run_dir_path(dirs[k]));
        }
    }
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(run_dir_close(dirs[i]), ODEON_OK);
    }
    assert_int_equal(access("runs/trial/8", F_OK), 0);
    assert_int_equal(access("runs/trial/9", F_OK), -1);
}

static void test_out_is_made_with_its_parents(void **state)
{
    run_fixture *f = *state;
    char out[64];
    (void)snprintf(out, sizeof out, "%s/a/b/c", f->folder);
    f->config.out = out;
    run_dir *dir = run_fixture_create(&f->config);
    assert_string_equal(run_dir_path(dir), out);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    run_fixture_assert_contents("a/b/c/effective.ini", f->effective);
}

static void test_out_may_be_an_empty_folder(void **state)
{
    run_fixture *f = *state;
    char out[] = "here";
    f->config.out = out;
    assert_int_equal(mkdir(out, 0700), 0);
    run_dir *dir = run_fixture_create(&f->config);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
}

static void assert_refused(const config *c, odeon_status status, const char *reason)
{
    run_dir *dir;
    diag_clear();
    assert_int_equal(run_dir_create(c, &dir), status);
    assert_null(dir);
    assert_non_null(strstr(diag_message(), reason));
}

static void test_out_that_holds_a_run_is_refused(void **state)
{
    run_fixture *f = *state;
    char out[] = "here";
    f->config.out = out;
    assert_int_equal(run_dir_close(run_fixture_create(&f->config)), ODEON_OK);
    f->effective[0] = '#';
    assert_refused(&f->config, ODEON_ERR_CONFIG, "never overwritten");
    f->effective[0] = '[';
    run_fixture_assert_contents("here/effective.ini", f->effective);
}

static void test_out_that_cannot_be_is_refused(void **state)
{
    run_fixture *f = *state;
    char file[] = "file", below[] = "file/below", proc[] = "/proc/nothing/here";
    FILE *x = fopen(file, "w");
    assert_non_null(x);
    assert_int_equal(fclose(x), 0);
    f->config.out = file;
    assert_refused(&f->config, ODEON_ERR_CONFIG, "run.out must be a folder");
    f->config.out = below;
    assert_refused(&f->config, ODEON_ERR_IO, "file/below");
    f->config.out = proc;
    assert_refused(&f->config, ODEON_ERR_IO, "/proc/nothing");
}

static void test_names_that_leave_runs_are_refused(void **state)
{
    run_fixture *f = *state;
    char names[][8] = {"", ".", "..", "a/b", "../x"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        f->config.name = names[i];
        assert_refused(&f->config, ODEON_ERR_CONFIG, "run.name");
    }
    assert_int_equal(access("runs", F_OK), -1);
}

static void limit_file_size(rlim_t limit)
{
    struct rlimit r;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
    r.rlim_cur = limit;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void test_a_folder_that_cannot_be_filled_is_taken_back(void **state)
{
    run_fixture *f = *state;
    char out[] = "here";
    f->config.out = out;
    limit_file_size(3);
    run_dir *dir;
    odeon_status status = run_dir_create(&f->config, &dir);
    limit_file_size(RLIM_INFINITY);
    assert_int_equal(status, ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "effective.ini"));
    assert_int_equal(access("here", F_OK), -1);
}

static void test_every_failing_allocation_is_survived(void **state)
{
    const run_fixture *f = *state;
    int64_t before = mem_live_blocks(), n = 0;
    odeon_status status = ODEON_ERR_NOMEM;
    while (status == ODEON_ERR_NOMEM && n < 100) {
        run_dir *dir;
        mem_fail_at(++n);
        status = run_dir_create(&f->config, &dir);
        mem_fail_at(0);
        assert_int_equal(run_dir_close(dir), ODEON_OK);
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n > 6);
}

/* ---- metrics ---- */

#define BLOCK_COLUMNS(path)                                                                        \
    "," path ".evals_forward," path ".evals_backward," path ".accepted," path ".rejected," path    \
    ".accepted_backward," path ".rejected_backward," path ".h_min," path ".h_max," path            \
    ".drift," path ".bytes," path ".share"

static void test_csv_has_these_columns_and_values(void **state)
{
    const run_fixture *f = *state;
    run_dir *dir = run_fixture_create(&f->config);
    metrics_row row = run_fixture_row();
    assert_int_equal(run_dir_metrics(dir, &row), ODEON_OK);
    row.step = 2;
    row.split = ODEON_SPLIT_TEST;
    row.lr = row.grad_norm = (double)NAN;
    row.device = (device_counters){-1, -1, -1};
    row.loss = -(double)INFINITY;
    assert_int_equal(run_dir_metrics(dir, &row), ODEON_OK);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    run_fixture_assert_contents(
        "runs/trial/1/metrics.csv",
        "step,epoch,seconds,split,loss,accuracy,\"top,5\",lr,grad_norm,"
        "samples_per_second,nsync,nlaunch,nalloc" BLOCK_COLUMNS("ode") BLOCK_COLUMNS(
            "second.ode") "\n"
                          "1,2,0.1,train,2.302585092994046,0.5,1,0.001,1e+300,12345.5,3,46,0,"
                          "12,24,3,1,5,2,0.125,0.5,1e-07,4096,0.25,"
                          "0,0,0,0,0,0,,inf,,0,\n"
                          "2,2,0.1,test,-inf,0.5,1,,,12345.5,,,,"
                          "12,24,3,1,5,2,0.125,0.5,1e-07,4096,0.25,"
                          "0,0,0,0,0,0,,inf,,0,\n");
}

static void test_json_lines_have_the_same_values(void **state)
{
    const run_fixture *f = *state;
    run_dir *dir = run_fixture_create(&f->config);
    metrics_row row = run_fixture_row();
    row.n_blocks = 1;
    row.loss = (double)NAN;
    assert_int_equal(run_dir_metrics(dir, &row), ODEON_OK);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    run_fixture_assert_contents(
        "runs/trial/1/metrics.jsonl",
        "{\"step\":1,\"epoch\":2,\"seconds\":0.1,\"split\":\"train\",\"loss\":null,"
        "\"accuracy\":0.5,\"top,5\":1,\"lr\":0.001,\"grad_norm\":1e+300,"
        "\"samples_per_second\":12345.5,\"nsync\":3,\"nlaunch\":46,\"nalloc\":0,"
        "\"ode.evals_forward\":12,\"ode.evals_backward\":24,"
        "\"ode.accepted\":3,\"ode.rejected\":1,\"ode.accepted_backward\":5,"
        "\"ode.rejected_backward\":2,\"ode.h_min\":0.125,\"ode.h_max\":0.5,\"ode.drift\":1e-07,"
        "\"ode.bytes\":4096,\"ode.share\":0.25}\n");
}

static void test_every_json_line_is_json(void **state)
{
    const run_fixture *f = *state;
    static const char *const strange[] = {"a\"b\\c\n\x01\xff", "\xc3\xa9"};
    run_dir *dir = run_fixture_create(&f->config);
    metrics_row row = run_fixture_row();
    row.metric_names = strange;
    for (int i = 0; i < 3; i++) {
        row.loss = i == 0 ? (double)NAN : i == 1 ? (double)INFINITY : -1e-300;
        assert_int_equal(run_dir_metrics(dir, &row), ODEON_OK);
    }
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    char *contents = run_fixture_read("runs/trial/1/metrics.jsonl"), *rest = NULL;
    int n = 0;
    for (char *line = strtok_r(contents, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        run_fixture_assert_json(line);
        n++;
    }
    assert_int_equal(n, 3);
    assert_non_null(strstr(contents, "a\\\"b\\\\c\\n\\u0001\xef\xbf\xbd"));
    mem_free(contents);
}

static void test_rows_are_there_before_the_run_ends(void **state)
{
    const run_fixture *f = *state;
    run_dir *dir = run_fixture_create(&f->config);
    metrics_row row = run_fixture_row();
    assert_int_equal(run_dir_metrics(dir, &row), ODEON_OK);
    char *contents = run_fixture_read("runs/trial/1/metrics.csv");
    assert_non_null(strstr(contents, "\n1,2,0.1,train"));
    mem_free(contents);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
}

static void test_a_row_of_other_columns_is_refused(void **state)
{
    const run_fixture *f = *state;
    run_dir *dir = run_fixture_create(&f->config);
    metrics_row row = run_fixture_row();
    assert_int_equal(run_dir_metrics(dir, &row), ODEON_OK);
    row.n_blocks = 1;
    assert_int_equal(run_dir_metrics(dir, &row), ODEON_ERR_INTERNAL);
    row = run_fixture_row();
    row.n_metrics = 1;
    assert_int_equal(run_dir_metrics(dir, &row), ODEON_ERR_INTERNAL);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
}

static void test_a_row_survives_failing_allocations(void **state)
{
    const run_fixture *f = *state;
    run_dir *dir = run_fixture_create(&f->config);
    metrics_row row = run_fixture_row();
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t n = 0;
    while (status == ODEON_ERR_NOMEM && n < 100) {
        mem_fail_at(++n);
        status = run_dir_metrics(dir, &row);
        mem_fail_at(0);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n > 2);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    assert_int_equal(mem_live_blocks(), 0);
}

static void test_metrics_of_another_run_are_refused(void **state)
{
    (void)state;
    metrics *first, *second;
    assert_int_equal(metrics_open(".", &first), ODEON_OK);
    assert_int_equal(metrics_open(".", &second), ODEON_ERR_CONFIG);
    assert_null(second);
    assert_int_equal(metrics_close(first), ODEON_OK);
    assert_int_equal(access("metrics.csv", F_OK), 0);
    assert_int_equal(metrics_open("./none", &second), ODEON_ERR_IO);
}

/* Whatever the size at which the disk is full: the run goes on, whole lines stay, close tells. */
static void test_a_full_disk_is_told_by_close(void **state)
{
    const run_fixture *f = *state;
    for (rlim_t limit = 100; limit < 2000; limit += 333) {
        run_dir *dir = run_fixture_create(&f->config);
        char *path = run_dir_file(dir, "metrics.csv");
        metrics_row row = run_fixture_row();
        limit_file_size(limit);
        for (int i = 0; i < 40; i++) {
            assert_int_equal(run_dir_metrics(dir, &row), ODEON_OK);
        }
        diag_clear();
        odeon_status status = run_dir_close(dir);
        limit_file_size(RLIM_INFINITY);
        assert_int_equal(status, ODEON_ERR_IO);
        assert_non_null(strstr(diag_message(), path));
        char *contents = run_fixture_read(path);
        size_t n = strlen(contents);
        assert_true(n <= limit && (n == 0 || contents[n - 1] == '\n'));
        mem_free(contents);
        mem_free(path);
    }
}

/* A locale with a decimal comma, made here so that none need be installed; skipped where Debian's
 * package locales, its source, is not. */
static bool enter_comma_locale(void)
{
    if (system("localedef -i de_DE -f UTF-8 ./comma.UTF-8 >/dev/null 2>&1") != 0 ||
        setenv("LOCPATH", ".", 1) != 0 || setlocale(LC_ALL, "comma.UTF-8") == NULL) {
        return false;
    }
    return strcmp(localeconv()->decimal_point, ",") == 0;
}

static void test_numbers_have_a_point_in_every_locale(void **state)
{
    const run_fixture *f = *state;
    metrics_row row = run_fixture_row();
    row.n_blocks = row.n_metrics = 0;
    if (!enter_comma_locale()) {
        support_not_covered("a locale with a decimal comma (no Debian package locales)");
    }
    run_dir *dir = run_fixture_create(&f->config);
    odeon_status status = run_dir_metrics(dir, &row);
    (void)setlocale(LC_ALL, "C");
    assert_int_equal(status, ODEON_OK);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    run_fixture_assert_contents("runs/trial/1/metrics.csv",
                                "step,epoch,seconds,split,loss,lr,grad_norm,samples_per_second,"
                                "nsync,nlaunch,nalloc\n"
                                "1,2,0.1,train,2.302585092994046,0.001,1e+300,12345.5,3,46,0\n");
}

/* ---- manifest ---- */

static void test_the_manifest_tells_what_the_run_was_made_of(void **state)
{
    const run_fixture *f = *state;
    static const char *const argv[] = {"odeon", "train", "a \"b\".ini", "run.seed=\xff"};
    registry *r = support_registry();
    const odeon_component *component;
    assert_int_equal(registry_find(r, ODEON_KIND_DATASET, "numbered", &component), ODEON_OK);
    registry_plugin plugin = registry_plugin_at(r, 0);
    run_dir *dir = run_fixture_create(&f->config);
    manifest_facts facts = {.config = &f->config,
                            .registry = r,
                            .device_text = "cpu: 2 \"lanes\"",
                            .workers = 3,
                            .argc = 4,
                            .argv = argv,
                            .samples = 60,
                            .test_samples = 10,
                            .train_data = 0xcd,
                            .test_data = 0xef,
                            .order = 0xab};
    assert_int_equal(run_dir_manifest(dir, &facts), ODEON_OK);
    char *json = run_fixture_read("runs/trial/1/manifest.json"), expected[256];
    run_fixture_assert_json(json);
    assert_non_null(strstr(json, "\"command\": [\"odeon\", \"train\", \"a \\\"b\\\".ini\", "
                                 "\"run.seed=\xef\xbf\xbd\"]"));
    assert_non_null(strstr(json, "\"seed\": 18446744073709551615,"));
    assert_non_null(strstr(json, "\"dtype\": \"float32\""));
    assert_non_null(strstr(json, "\"workers\": 3"));
    assert_non_null(strstr(json, "\"device\": \"cpu: 2 \\\"lanes\\\"\""));
    assert_non_null(strstr(json, "\"ini\": \"/x/trial.ini\""));
    assert_non_null(strstr(json, "\"name\": \"numbered\", \"version\": \"1.0\""));
    assert_non_null(strstr(json, "\"samples\": 60,\n    \"test_samples\": 10,\n"
                                 "    \"order\": \"00000000000000ab\",\n"
                                 "    \"content\": \"00000000000000cd\",\n"
                                 "    \"test_content\": \"00000000000000ef\"\n"));
    (void)snprintf(expected, sizeof expected, "\"bytes\": %lld, \"build_id\": \"%s\"", plugin.bytes,
                   plugin.build_id);
    assert_true(plugin.bytes > 0 && strlen(plugin.build_id) >= 16);
    assert_non_null(strstr(json, expected));
    mem_free(json);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    registry_destroy(r);
}

static void test_a_manifest_without_plugins_is_json_too(void **state)
{
    const run_fixture *f = *state;
    registry *r = support_registry();
    run_dir *dir = run_fixture_create(&f->config);
    manifest_facts facts = {.config = &f->config, .registry = r, .device_text = "", .workers = 1};
    assert_int_equal(run_dir_manifest(dir, &facts), ODEON_OK);
    char *json = run_fixture_read("runs/trial/1/manifest.json");
    run_fixture_assert_json(json);
    assert_non_null(strstr(json, "\"command\": []"));
    mem_free(json);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
    registry_destroy(r);
}

#define WITH_FOLDER(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, run_fixture_set_up, run_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_runs_are_numbered),
        WITH_FOLDER(test_a_number_that_is_taken_is_left_alone),
        WITH_FOLDER(test_runs_started_together_never_meet),
        WITH_FOLDER(test_out_is_made_with_its_parents),
        WITH_FOLDER(test_out_may_be_an_empty_folder),
        WITH_FOLDER(test_out_that_holds_a_run_is_refused),
        WITH_FOLDER(test_out_that_cannot_be_is_refused),
        WITH_FOLDER(test_names_that_leave_runs_are_refused),
        WITH_FOLDER(test_a_folder_that_cannot_be_filled_is_taken_back),
        WITH_FOLDER(test_every_failing_allocation_is_survived),
        WITH_FOLDER(test_csv_has_these_columns_and_values),
        WITH_FOLDER(test_json_lines_have_the_same_values),
        WITH_FOLDER(test_every_json_line_is_json),
        WITH_FOLDER(test_rows_are_there_before_the_run_ends),
        WITH_FOLDER(test_a_row_of_other_columns_is_refused),
        WITH_FOLDER(test_a_row_survives_failing_allocations),
        WITH_FOLDER(test_metrics_of_another_run_are_refused),
        WITH_FOLDER(test_a_full_disk_is_told_by_close),
        WITH_FOLDER(test_numbers_have_a_point_in_every_locale),
        WITH_FOLDER(test_the_manifest_tells_what_the_run_was_made_of),
        WITH_FOLDER(test_a_manifest_without_plugins_is_json_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
