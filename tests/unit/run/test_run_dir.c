#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/registry.h"
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
    return run_dir_create(context, run_fixture_observers(), &dir) == ODEON_OK ? dir : NULL;
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
    char out[512];
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
    assert_int_equal(run_dir_create(c, run_fixture_observers(), &dir), status);
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

static void test_a_folder_that_cannot_be_filled_is_taken_back(void **state)
{
    run_fixture *f = *state;
    char out[] = "here";
    f->config.out = out;
    run_fixture_limit_files(3);
    run_dir *dir;
    odeon_status status = run_dir_create(&f->config, run_fixture_observers(), &dir);
    run_fixture_limit_files(RLIM_INFINITY);
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
        status = run_dir_create(&f->config, run_fixture_observers(), &dir);
        mem_fail_at(0);
        assert_int_equal(run_dir_close(dir), ODEON_OK);
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n > 6);
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
        WITH_FOLDER(test_the_manifest_tells_what_the_run_was_made_of),
        WITH_FOLDER(test_a_manifest_without_plugins_is_json_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
