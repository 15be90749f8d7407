/* A run's folder as views see it: how it ended, its keys and tables, and what is no run. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/mem.h"
#include "folder.h"
#include "format/checkpoint_list.h"
#include "format/safetensors_write.h"
#include "run/run_record.h"

static folder work;

static void put(const char *name, const char *text)
{
    folder_write(&work, name, text, strlen(text));
}

/* A file of weights of three numbers, or a batch that failed in that step. */
static void put_tensors(const char *name, const char *step)
{
    static const float data[3] = {1, 2, 3};
    const safetensors_entry entry = {
        .name = "w", .dtype = ODEON_DTYPE_F32, .ndim = 1, .dim = {3}, .data = data, .bytes = 12};
    const safetensors_meta meta = {"step", step};
    assert_int_equal(
        safetensors_write(folder_file(&work, name), 1, &entry, step != NULL ? 1 : 0, &meta),
        ODEON_OK);
}

/* The newest checkpoint, of a run of ten steps. */
static void put_checkpoint(const char *step, const char *tested)
{
    static const float number = 1;
    const safetensors_entry entry = {
        .name = "w", .dtype = ODEON_DTYPE_F32, .ndim = 1, .dim = {1}, .data = &number, .bytes = 4};
    const safetensors_meta meta[] = {{"step", step}, {"total", "10"}, {"tested", tested}};
    char *checkpoints = checkpoint_list_folder(work.path);
    char *path = checkpoint_list_path(checkpoints, strtol(step, NULL, 10));
    (void)mkdir(checkpoints, 0700);
    assert_int_equal(safetensors_write(path, 1, &entry, 3, meta), ODEON_OK);
    mem_free(path);
    mem_free(checkpoints);
}

static odeon_view_run *read_run(void)
{
    odeon_view_run *run = NULL;
    diag_clear();
    if (run_record_read(work.path, &run) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return run;
}

static int set_up(void **state)
{
    (void)state;
    work = folder_create();
    put("effective.ini", "[run]\nname = wave\nseed = 3\n[model.ode]\nrtol = 0.001\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(&work);
    return 0;
}

static void test_a_folder_with_an_ini_alone_is_a_run_that_goes_on(void **state)
{
    (void)state;
    odeon_view_run *run = read_run();
    assert_int_equal(run->state, ODEON_VIEW_OPEN);
    assert_string_equal(run->name, "wave");
    assert_string_equal(run_record_config(run, "model.ode.rtol"), "0.001");
    assert_null(run_record_config(run, "model.ode"));
    assert_int_equal(run->n_tables, 0);
    assert_int_equal(run->n_manifest, 0);
    assert_int_equal(run->parameters, 0);
    run_record_destroy(run);
}

static void test_all_that_a_run_leaves_is_read(void **state)
{
    (void)state;
    put("manifest.json", "{\"odeon\": \"1\", \"data\": {\"samples\": 60}, \"command\": [\"a\", "
                         "\"b\"], \"auto\": false, \"none\": null}");
    put("metrics.csv", "step,loss\n1,0.5\n");
    put_tensors("weights.safetensors", NULL);
    put_checkpoint("10", "1");
    odeon_view_run *run = read_run();
    static const char *const expected[][2] = {{"odeon", "1"},     {"data.samples", "60"},
                                              {"command.0", "a"}, {"command.1", "b"},
                                              {"auto", "false"},  {"none", ""}};
    assert_int_equal(run->state, ODEON_VIEW_ENDED);
    assert_int_equal(run->parameters, 3);
    assert_int_equal(run->n_manifest, 6);
    for (int i = 0; i < 6; i++) {
        assert_string_equal(run->manifest[i].key, expected[i][0]);
        assert_string_equal(run->manifest[i].value, expected[i][1]);
    }
    assert_int_equal(run->n_tables, 1);
    assert_string_equal(run->table[0]->name, "metrics");
    run_record_destroy(run);
}

/* Weights are written with each checkpoint. */
static void test_a_run_with_weights_may_have_been_stopped(void **state)
{
    (void)state;
    put_tensors("weights.safetensors", NULL);
    put_checkpoint("9", "0");
    odeon_view_run *run = read_run();
    assert_int_equal(run->state, ODEON_VIEW_OPEN);
    run_record_destroy(run);
    put_checkpoint("10", "0");
    run = read_run();
    assert_int_equal(run->state, ODEON_VIEW_OPEN); /* not tested yet */
    run_record_destroy(run);
}

/* A bundle says that the run failed only if its step is the last that was tried. */
static void test_a_failure_from_which_a_run_went_on_is_none(void **state)
{
    (void)state;
    assert_int_equal(mkdir(folder_file(&work, "failure"), 0700), 0);
    put("metrics.csv", "step,loss\n1,0.5\n2,0.4\n");
    put("failure/message.txt", "it grew");
    put("failure/steps-ode.csv", "t,h\n0,1\n");
    put_tensors("failure/batch.safetensors", "3");
    odeon_view_run *run = read_run();
    assert_int_equal(run->state, ODEON_VIEW_FAILED);
    assert_string_equal(run->message, "it grew");
    assert_int_equal(run->n_tables, 2);
    assert_string_equal(run->table[1]->name, "failure/steps-ode");
    run_record_destroy(run);
    put_tensors("failure/batch.safetensors", "2");
    run = read_run();
    assert_int_equal(run->state, ODEON_VIEW_OPEN);
    assert_null(run->message);
    assert_int_equal(run->n_tables, 1);
    run_record_destroy(run);
}

static void assert_refused(odeon_status status, const char *reason)
{
    odeon_view_run *run = NULL;
    diag_clear();
    assert_int_equal(run_record_read(work.path, &run), status);
    assert_null(run);
    assert_non_null(strstr(diag_message(), reason));
}

static void test_what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    put("manifest.json", "{");
    assert_refused(ODEON_ERR_DATA, "manifest.json");
    folder_discard(&work, "manifest.json");
    put("weights.safetensors", "no tensors");
    assert_refused(ODEON_ERR_DATA, "weights.safetensors");
    folder_discard(&work, "effective.ini");
    assert_refused(ODEON_ERR_IO, "no run");
}

static void test_memory_that_ends_is_reported(void **state)
{
    (void)state;
    put("manifest.json", "{\"data\": {\"samples\": 60}}");
    put("metrics.csv", "step,loss\n1,0.5\n");
    put_tensors("weights.safetensors", NULL);
    int64_t before = mem_live_blocks();
    odeon_status status = ODEON_ERR_NOMEM;
    for (int64_t i = 1; status != ODEON_OK; i++) {
        odeon_view_run *run = NULL;
        mem_fail_at(i);
        status = run_record_read(work.path, &run);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        run_record_destroy(run);
        assert_int_equal(mem_live_blocks(), before);
        assert_true(i < 500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_folder_with_an_ini_alone_is_a_run_that_goes_on,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_that_a_run_leaves_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_run_with_weights_may_have_been_stopped, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_failure_from_which_a_run_went_on_is_none, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_read_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory_that_ends_is_reported, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
