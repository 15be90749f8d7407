#include "run/run_checkpoint.h"

#include "small_trainer.h"

#include "run/train_step.h"
#include "session/snapshot.h"

static void read_tensor(const char *path, const char *name, size_t bytes, void *out)
{
    checkpoint_file *file = NULL;
    support_require(checkpoint_open(path, &file), "open");
    const safetensors_entry *entry = safetensors_find(file->tensors, name);
    assert_non_null(entry);
    assert_int_equal(entry->bytes, bytes);
    support_require(safetensors_get(file->tensors, entry, 0, bytes, out), "read");
    checkpoint_close(file);
}

/* Values as they are now, and the optimizer's moments; or as the run began, and moments of 0. */
static void test_now_and_the_start_are_told_apart(void **state)
{
    (void)state;
    small_trainer x;
    double first[4], now[4], found[4], moment[4];
    small_trainer_open(&x, NULL);
    const char *path = session_parameter_at(x.s.session, 0).path;
    support_require(session_parameter_get(x.s.session, 0, first), "get");
    checkpoint start = x.t.at;
    support_require(train_next_step(&x.t), "step");
    support_require(session_parameter_get(x.s.session, 0, now), "get");
    assert_memory_not_equal(first, now, sizeof now);
    support_require(run_checkpoint_write("runs/small/1", x.s.session, &x.t.at), "write");
    support_require(run_checkpoint_write_start("runs/small/1", x.s.session, &start), "write");

    session_tensors list;
    support_require(session_tensors_list(x.s.session, true, &list), "list");
    assert_string_equal(list.names[0], path);
    const char *of_moment = list.names[1];
    read_tensor(SMALL_FILE("checkpoints/ckpt-1.safetensors"), path, sizeof found, found);
    assert_memory_equal(found, now, sizeof found);
    read_tensor(SMALL_FILE("checkpoints/ckpt-1.safetensors"), of_moment, sizeof moment, moment);
    assert_true(moment[0] != 0.0);
    read_tensor(SMALL_FILE("checkpoints/ckpt-0.safetensors"), path, sizeof found, found);
    assert_memory_equal(found, first, sizeof found);
    read_tensor(SMALL_FILE("checkpoints/ckpt-0.safetensors"), of_moment, sizeof moment, moment);
    for (int i = 0; i < 4; i++) {
        assert_true(moment[i] == 0.0);
    }
    session_tensors_fini(&list);
    small_trainer_close(&x);
}

/* Of a run that was given weights, the start is those. */
static void test_the_start_of_given_weights_is_these(void **state)
{
    (void)state;
    small_trainer x;
    static const double given[4] = {3.0, 4.0, 5.0, 6.0}, zeros[4];
    double found[4];
    small_trainer_open(&x, NULL);
    support_require(session_parameter_set(x.s.session, 0, given), "set");
    support_require(session_save(x.s.session, "given.safetensors"), "save");
    support_require(session_parameter_set(x.s.session, 0, zeros), "set");
    x.s.config->weights = mem_strdup("given.safetensors");
    support_require(run_checkpoint_write_start("runs/small/1", x.s.session, &x.t.at), "write");
    read_tensor(SMALL_FILE("checkpoints/ckpt-0.safetensors"),
                session_parameter_at(x.s.session, 0).path, sizeof found, found);
    assert_memory_equal(found, given, sizeof found);
    small_trainer_close(&x);
}

static void test_a_file_that_cannot_be_written_leaks_nothing(void **state)
{
    (void)state;
    small_trainer x;
    small_trainer_open(&x, NULL);
    int64_t before = mem_live_blocks();
    assert_int_equal(run_checkpoint_write("nowhere", x.s.session, &x.t.at), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "nowhere/checkpoints"));
    assert_int_equal(run_checkpoint_write_start("nowhere", x.s.session, &x.t.at), ODEON_ERR_IO);
    mem_fail_at(2);
    assert_int_equal(run_checkpoint_write("nowhere", x.s.session, &x.t.at), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_int_equal(mem_live_blocks(), before);
    small_trainer_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_now_and_the_start_are_told_apart),
        WITH_FOLDER(test_the_start_of_given_weights_is_these),
        WITH_FOLDER(test_a_file_that_cannot_be_written_leaks_nothing),
    };
    return cmocka_run_group_tests_name("run_checkpoint", tests, NULL, NULL);
}
