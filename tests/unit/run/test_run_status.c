#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "format/run_folder.h"
#include "run/run_status.h"

static void put(const folder *f, const char *name, const char *text)
{
    folder_write(f, name, text, strlen(text));
}

static folder make_run(void)
{
    folder f = folder_create();
    put(&f, "effective.ini", "[run]\nname = \"x\nseed = 1\n[model.ode]\nlayer = y\n");
    put(&f, "manifest.json", "{\"started\": \"2026-11-30T10:50:52Z\"}");
    put(&f, "metrics.csv",
        "step,epoch,seconds,split,loss,accuracy,\"a,b\",lr,ode.evals_forward,z.evals_forward,"
        "ode.evals_backward\n"
        "1,1,0.5,train,2,0.1,7,0.01,20,4,1\n"
        "1,1,0.75,test,1.5,0.5,8,,200,40,\n"
        "2,1,1.25,train,1,0.25,9,0.01,26,6,3\n"
        "2,1,1.5,test,0.5,0.75,10,,260,60,\n"
        "3,2,9,tra");
    return f;
}

static run_status read_run(const folder *f)
{
    run_status r;
    diag_clear();
    if (run_status_read(f->path, &r) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return r;
}

/* Of whole lines, and of the last test. */
static void test_figures_are_those_of_the_last_rows(void **state)
{
    (void)state;
    folder f = make_run();
    run_status r = read_run(&f);
    assert_string_equal(r.name, "\"x");
    assert_string_equal(r.started, "2026-11-30T10:50:52Z");
    assert_string_equal(run_status_key(&r, "model.ode", "layer"), "y");
    assert_null(run_status_key(&r, "model.ode", "seed"));
    assert_true(run_status_figure(&r, "test_loss") == 0.5);
    assert_true(run_status_figure(&r, "accuracy") == 0.75);
    assert_true(run_status_figure(&r, "a,b") == 10.0);
    assert_true(run_status_figure(&r, "evals_forward") == 32.0);
    assert_true(run_status_figure(&r, "evals_backward") == 3.0);
    assert_true(isnan(run_status_figure(&r, "lr")));
    assert_true(run_status_score(&r) == 0.75);
    assert_true(r.seconds == 1.5);
    assert_int_equal(r.state, RUN_BEGUN); /* it has no checkpoint */
    run_status_fini(&r);
    folder_remove(&f);
}

static void test_a_line_of_json_says_all(void **state)
{
    (void)state;
    folder f = make_run();
    run_status r = read_run(&f);
    text_buffer line = {0};
    run_status_json(&r, "failed", "it \"broke\"", &line);
    char *expected = mem_printf(
        "{\"run\": \"%s\", \"name\": \"\\\"x\", \"state\": \"failed\", \"step\": 0, \"steps\": 0, "
        "\"seconds\": 1.5, \"test_loss\": 0.5, \"accuracy\": 0.75, \"a,b\": 10, "
        "\"evals_forward\": 32, \"evals_backward\": 3, \"error\": \"it \\\"broke\\\"\"}\n",
        f.path);
    assert_string_equal(line.data, expected);
    mem_free(expected);
    text_fini(&line);
    run_status_fini(&r);
    folder_remove(&f);
}

static void test_states_follow_from_what_is_there(void **state)
{
    (void)state;
    folder f = make_run();
    put(&f, "failure", "");
    run_status r = read_run(&f);
    assert_int_equal(r.state, RUN_FAILED);
    run_status_fini(&r);
    int lock;
    assert_int_equal(run_folder_lock(f.path, &lock), ODEON_OK);
    r = read_run(&f);
    assert_int_equal(r.state, RUN_RUNNING);
    run_status_fini(&r);
    (void)close(lock);
    folder_remove(&f);
}

/* Damage costs figures, and no more. */
static void test_what_cannot_be_read_is_not_known(void **state)
{
    (void)state;
    static const char *const tables[] = {"", "\n", "a,b\n1,2\n", "step,epoch,seconds,split,loss\n",
                                         "step,epoch,seconds,split,loss\n1,1,1,test\n"};
    folder f = make_run();
    put(&f, "manifest.json", "{");
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        put(&f, "metrics.csv", tables[i]);
        run_status r = read_run(&f);
        assert_int_equal(r.n_figures, 0);
        assert_null(r.started);
        assert_true(isnan(run_status_score(&r)));
        assert_string_equal(diag_message(), "");
        run_status_fini(&r);
    }
    run_status r;
    folder_discard(&f, "effective.ini");
    assert_int_equal(run_status_read(f.path, &r), ODEON_ERR_CONFIG);
    run_status_fini(&r);
    diag_clear();
    folder_remove(&f);
}

static void test_failed_allocations_leave_nothing(void **state)
{
    (void)state;
    folder f = make_run();
    int64_t before = mem_live_blocks();
    for (int64_t i = 1; i < 1000; i++) {
        run_status r;
        mem_fail_at(i);
        odeon_status status = run_status_read(f.path, &r);
        mem_fail_at(0);
        run_status_fini(&r);
        diag_clear();
        assert_int_equal(mem_live_blocks(), before);
        if (status == ODEON_OK && i > 60) {
            break;
        }
    }
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_are_those_of_the_last_rows),
        cmocka_unit_test(test_a_line_of_json_says_all),
        cmocka_unit_test(test_states_follow_from_what_is_there),
        cmocka_unit_test(test_what_cannot_be_read_is_not_known),
        cmocka_unit_test(test_failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
