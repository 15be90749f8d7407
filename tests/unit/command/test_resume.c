#include "command/resume.h"

#include "small_command.h"

#include "captured.h"
#include "data/fingerprint.h"
#include "session/describe.h"

/* A run taken up again, as far as its session. */
typedef struct going_on {
    small_command x;
    setup s;
    resume r;
    manifest_facts facts;
    odeon_status status;
} going_on;

static void open_run(going_on *g, const char *words)
{
    small_command_parse(&g->x, words);
    g->x.line.out = open_memstream(&g->x.out, &g->x.bytes[0]);
    g->facts = (manifest_facts){.config = NULL};
    g->status = resume_open(&g->x.line, &g->s, &g->r);
    if (g->status != ODEON_OK) {
        return;
    }
    data_source *train = NULL, *test = NULL;
    support_require(data_open(g->s.config, ODEON_SPLIT_TRAIN, &train), "train");
    support_require(data_open(g->s.config, ODEON_SPLIT_TEST, &test), "test");
    support_require(setup_session(&g->s), "session");
    support_require(setup_observers(&g->s, 0, NULL), "observers");
    g->facts = (manifest_facts){.config = g->s.config,
                                .registry = g->s.registry,
                                .device_text = session_device_text(g->s.session),
                                .workers = session_workers(g->s.session),
                                .samples = data_length(train),
                                .epoch_samples = data_epoch_length(train),
                                .test_samples = data_length(test)};
    support_require(data_fingerprint(train, &g->facts.train_data), "fingerprint");
    support_require(data_fingerprint(test, &g->facts.test_data), "fingerprint");
    data_close(train);
    data_close(test);
}

static odeon_status restore(going_on *g)
{
    diag_clear();
    return resume_restore(&g->x.line, &g->s, &g->facts, &g->r);
}

static void close_run(going_on *g)
{
    (void)resume_close(&g->r); /* its files are those of observers, which setup has made */
    assert_null(g->r.dir);
    setup_close(&g->s);
    (void)fclose(g->x.line.out);
    small_command_close(&g->x);
}

static void test_a_session_is_put_where_the_checkpoint_stands(void **state)
{
    (void)state;
    going_on g;
    small_command_train();
    open_run(&g, "train run --resume run.epochs=3");
    support_require(g.status, "open");
    assert_int_equal(g.r.from->at.step, 2);
    support_require(restore(&g), "restore");
    assert_false(g.r.changed);
    safetensors *file = NULL;
    double found[16];
    support_require(safetensors_read("run/weights.safetensors", &file), "read");
    for (size_t i = 0; i < session_parameters(g.s.session); i++) {
        session_parameter p = session_parameter_at(g.s.session, i);
        support_require(session_parameter_get(g.s.session, i, found), "get");
        assert_memory_equal(safetensors_find(file, p.path)->data, found,
                            (size_t)p.count * sizeof *found);
    }
    safetensors_destroy(file);
    close_run(&g);
}

static void test_only_keys_that_change_no_number_may_change(void **state)
{
    (void)state;
    going_on g;
    small_command_train();
    open_run(&g, "train run --resume run.seed=9");
    support_require(g.status, "open");
    assert_int_equal(restore(&g), ODEON_ERR_CONFIG);
    assert_string_equal(
        diag_message(),
        "run: a run goes on as it began: run.seed: 1, now 9; leave out what changes "
        "it, or accept it with --accept-changes");
    close_run(&g);
    open_run(&g, "train run --resume run.seed=1"); /* which it has */
    support_require(g.status, "open");
    support_require(restore(&g), "restore");
    assert_false(g.r.changed);
    close_run(&g);
    open_run(&g, "train run --from-start run.seed=9"); /* no checkpoint says how it began */
    assert_int_equal(g.status, ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "override run.seed=9: a run goes on as it began: with "
                                           "--resume only "));
    close_run(&g);
    open_run(&g, "train run --resume --accept-changes train.optimizer=sgd(lr=0.2)");
    support_require(g.status, "open");
    captured said;
    captured_start(&said);
    odeon_status status = restore(&g);
    captured_stop(&said);
    support_require(status, "restore");
    assert_true(g.r.changed);
    assert_non_null(strstr(said.text, "run: does not go on as it began: "));
    close_run(&g);
}

static void test_other_data_are_refused(void **state)
{
    (void)state;
    going_on g;
    small_command_train();
    open_run(&g, "train run --resume run.epochs=3");
    g.facts.train_data++;
    assert_int_equal(restore(&g), ODEON_ERR_DATA);
    assert_string_equal(diag_message(),
                        "run: a run goes on as it began: the training samples have other values; "
                        "put back the data that it was trained with, or accept it with "
                        "--accept-changes");
    g.facts.train_data--;
    g.facts.test_data++;
    assert_int_equal(restore(&g), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "the samples of the test are others"));
    g.facts.epoch_samples = 9;
    assert_int_equal(restore(&g), ODEON_ERR_DATA);
    assert_non_null(strstr(diag_message(), "there are 9 training samples, there were 8"));
    close_run(&g);
}

static void test_a_run_cannot_end_before_it_stands(void **state)
{
    (void)state;
    going_on g;
    small_command_train();
    open_run(&g, "train run --resume run.iterations=1");
    assert_int_equal(restore(&g), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), "run has come to step 2 already: run.epochs and "
                                        "run.iterations end it at 1");
    close_run(&g);
}

static void test_results_without_a_checkpoint_are_left_alone(void **state)
{
    (void)state;
    going_on g;
    small_command_train();
    assert_int_equal(unlink("run/checkpoints/ckpt-2.safetensors"), 0);
    open_run(&g, "train run --resume");
    assert_int_equal(g.status, ODEON_ERR_DATA);
    assert_memory_equal(diag_message(),
                        "run: cannot go on: it has results, and its checkpoints are not there any "
                        "more; nothing of the run was touched; ",
                        110);
    assert_non_null(strstr(diag_message(), " --from-start"));
    close_run(&g);
    open_run(&g, "train run --from-start");
    support_require(g.status, "open");
    assert_null(g.r.from);
    support_require(restore(&g), "restore");
    assert_int_equal(access("run/earlier-1/weights.safetensors", F_OK), 0);
    close_run(&g);
}

static void test_weights_that_are_gone_are_written_again(void **state)
{
    (void)state;
    going_on g;
    captured said;
    small_command_train();
    assert_int_equal(unlink("run/weights.safetensors"), 0);
    open_run(&g, "train run --resume");
    captured_start(&said);
    odeon_status status = restore(&g);
    captured_stop(&said);
    support_require(status, "restore");
    assert_int_equal(access("run/weights.safetensors", F_OK), 0);
    assert_non_null(strstr(said.text, "run/weights.safetensors: was missing: written again from "
                                      "the checkpoint"));
    close_run(&g);
}

/* The number of workers that the run began with, where the INI leaves it open. */
static void test_the_number_of_workers_stays(void **state)
{
    (void)state;
    going_on g;
    small_command x;
    small_command_put("small.ini", SMALL_INI);
    support_require(
        small_command_run(&command_train, "train small.ini run.out=run run.workers=auto", &x),
        "train");
    small_command_close(&x);
    open_run(&g, "train run --resume");
    support_require(g.status, "open");
    assert_int_equal(g.s.config->workers, g.r.from->at.workers);
    close_run(&g);
}

static void test_another_machine_is_warned_of(void **state)
{
    (void)state;
    going_on g;
    captured said;
    small_command_train();
    open_run(&g, "train run --resume");
    g.facts.workers = 7;
    captured_start(&said);
    resume_warn(&g.r, &g.facts);
    captured_stop(&said);
    assert_non_null(strstr(said.text, "run/manifest.json: the run began otherwise, its bits may "
                                      "differ: workers 1 | 7"));
    assert_string_equal(diag_message(), "");
    close_run(&g);
}

static void test_the_command_is_quoted_for_a_shell(void **state)
{
    (void)state;
    char program[] = "odeon", train[] = "train", ini[] = "x.ini", option[] = "--plugin-path",
         path[] = "/it's/here";
    char *argv[] = {program, train, ini, option, path, NULL};
    command_line a;
    support_require(command_line_parse(5, argv, &a), "parse");
    char *text = resume_command(&a, "runs/a b/1");
    assert_string_equal(text, "odeon train 'runs/a b/1' --resume --plugin-path '/it'\\''s/here'");
    mem_free(text);
    mem_fail_from(1);
    text = resume_command(&a, "runs/1");
    mem_fail_at(0);
    assert_null(text);
    command_line_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_session_is_put_where_the_checkpoint_stands),
        WITH_FOLDER(test_only_keys_that_change_no_number_may_change),
        WITH_FOLDER(test_other_data_are_refused),
        WITH_FOLDER(test_a_run_cannot_end_before_it_stands),
        WITH_FOLDER(test_results_without_a_checkpoint_are_left_alone),
        WITH_FOLDER(test_weights_that_are_gone_are_written_again),
        WITH_FOLDER(test_the_number_of_workers_stays),
        WITH_FOLDER(test_another_machine_is_warned_of),
        cmocka_unit_test(test_the_command_is_quoted_for_a_shell),
    };
    return cmocka_run_group_tests_name("resume", tests, NULL, NULL);
}
