#include "checkpoint.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diag.h"
#include "folder.h"
#include "mem.h"
#include "support_session.h"

static const char network[] = "[run]\nname = t\nworkers = 1\n"
                              "[data]\ndataset = drawn(shape=2, classes=2)\n"
                              "[model.head]\nlayer = dense(units=classes)\n"
                              "[train]\nloss = cross_entropy\noptimizer = adam(lr=0.1)\n";
enum { SAMPLES = 4 };

typedef struct fixture {
    folder folder;
    support_session s;
    data_source *source;
    checkpoint at;
} fixture;

/* One optimizer step, so that no number stays as it was. */
static void train_step(fixture *f)
{
    static const int64_t indices[SAMPLES] = {0, 1, 2, 3};
    f->at.step++;
    f->at.position += SAMPLES;
    support_require(
        session_train(f->s.session, f->source, SAMPLES, indices, 1, f->at.step, 1.0, NULL),
        "train");
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->folder = folder_create();
    f->s = support_session_open(network, SAMPLES, NULL);
    f->source = support_batch_source(&f->s);
    f->at = (checkpoint){.epoch = 1,
                         .best = -(double)INFINITY,
                         .seconds = 0.1,
                         .metrics = {123, 456},
                         .samples = 64,
                         .seed = 1,
                         .dtype = ODEON_DTYPE_F32,
                         .workers = 1};
    train_step(f);
    (void)signal(SIGXFSZ, SIG_IGN);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    data_close(f->source);
    support_session_close(&f->s);
    folder_remove(&f->folder);
    free(f);
    return 0;
}

static void write_checkpoint(fixture *f)
{
    support_require(checkpoint_write(f->folder.path, f->s.session, &f->at), "checkpoint");
}

/* The path of this step's checkpoint. */
static const char *path_of(const fixture *f, int step)
{
    char name[64];
    (void)snprintf(name, sizeof name, "checkpoints/ckpt-%d.safetensors", step);
    return folder_file(&f->folder, name);
}

static int count_entries(const fixture *f)
{
    DIR *list = opendir(folder_file(&f->folder, "checkpoints"));
    int n = -2; /* . and .. */
    assert_non_null(list);
    while (readdir(list) != NULL) {
        n++;
    }
    (void)closedir(list);
    return n;
}

static checkpoint_file *open_newest(const fixture *f)
{
    checkpoint_file *file = NULL;
    support_require(checkpoint_open_newest(f->folder.path, &file), "newest");
    return file;
}

static void assert_newest(const fixture *f, int64_t step)
{
    checkpoint_file *file = open_newest(f);
    assert_non_null(file);
    assert_int_equal(file->at.step, step);
    checkpoint_close(file);
}

/* ---- what comes back ---- */

static void test_fields_come_back(void **state)
{
    fixture *f = *state;
    f->at.tested = 1;
    f->at.best_step = f->at.best_epoch = 1;
    f->at.best = 0.1;
    write_checkpoint(f);
    checkpoint_file *file = open_newest(f);
    assert_memory_equal(&file->at, &f->at, sizeof f->at);
    checkpoint_close(file);
}

static void test_no_best_is_minus_infinity_again(void **state)
{
    fixture *f = *state;
    write_checkpoint(f);
    checkpoint_file *file = open_newest(f);
    assert_true(isinf(file->at.best) && file->at.best < 0.0);
    checkpoint_close(file);
}

static void assert_same_snapshots(const session_snapshot *a, const session_snapshot *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        assert_string_equal(a->names[i], b->names[i]);
        assert_memory_equal(a->data[i], b->data[i], a->entries[i].bytes);
    }
}

static void test_tensors_come_back_to_the_bit(void **state)
{
    fixture *f = *state;
    session_snapshot before, between, after;
    write_checkpoint(f);
    support_require(session_snapshot_take(f->s.session, true, &before), "snapshot");
    train_step(f);
    support_require(session_snapshot_take(f->s.session, true, &between), "snapshot");
    checkpoint_file *file = open_newest(f);
    support_require(session_restore(f->s.session, file->tensors, file->path), "restore");
    support_require(session_snapshot_take(f->s.session, true, &after), "snapshot");
    assert_int_equal(before.n, 2 * 3); /* weight and bias with two moments each */
    for (size_t i = 0; i < before.n; i++) {
        assert_memory_not_equal(before.data[i], between.data[i], before.entries[i].bytes);
    }
    assert_same_snapshots(&before, &after);
    checkpoint_close(file);
    session_snapshot_fini(&before);
    session_snapshot_fini(&between);
    session_snapshot_fini(&after);
}

static void test_there_may_be_none(void **state)
{
    fixture *f = *state;
    assert_null(open_newest(f));
}

static void test_the_newest_two_are_kept(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 12; i++) { /* by number, not by name: 2 comes before 10 */
        write_checkpoint(f);
        train_step(f);
    }
    assert_int_equal(count_entries(f), 2);
    assert_int_equal(access(path_of(f, 11), F_OK), 0);
    assert_newest(f, 12);
}

static void test_newer_damaged_ones_are_left_alone(void **state)
{
    fixture *f = *state;
    write_checkpoint(f);
    folder_write(&f->folder, "checkpoints/ckpt-9.safetensors", "?", 1);
    folder_write(&f->folder, "checkpoints/ckpt-x.safetensors", "?", 1);
    for (int i = 0; i < 2; i++) {
        train_step(f);
        write_checkpoint(f);
    }
    assert_int_equal(access(path_of(f, 9), F_OK), 0);
    assert_int_equal(access(path_of(f, 2), F_OK), 0);
    assert_int_equal(access(path_of(f, 1), F_OK), -1);
    assert_newest(f, 3);
}

/* ---- damage ---- */

/* In memory: thousands of small files would keep a disk busy. */
static odeon_status open_damaged(const void *data, size_t bytes, checkpoint_file **out)
{
    char path[64];
    int fd = memfd_create("damaged", MFD_CLOEXEC);
    assert_int_equal(write(fd, data, bytes), bytes);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    diag_clear();
    odeon_status status = checkpoint_open(path, out);
    (void)close(fd);
    return status;
}

static void test_a_file_cut_anywhere_is_refused(void **state)
{
    fixture *f = *state;
    size_t bytes;
    write_checkpoint(f);
    char *whole = folder_read(path_of(f, 1), &bytes);
    for (size_t n = 0; n < bytes; n++) {
        checkpoint_file *file;
        assert_int_equal(open_damaged(whole, n, &file), ODEON_ERR_DATA);
        assert_null(file);
    }
    free(whole);
}

/* Of the file's bits only those of the blanks behind the header may change unseen. */
static void test_every_flipped_bit_is_refused(void **state)
{
    fixture *f = *state;
    size_t bytes;
    write_checkpoint(f);
    unsigned char *whole = folder_read(path_of(f, 1), &bytes);
    for (size_t i = 0; i < 8 * bytes; i++) {
        checkpoint_file *file;
        unsigned char *byte = &whole[i / 8], was = *byte;
        *byte ^= (unsigned char)(1u << i % 8);
        odeon_status status = open_damaged(whole, bytes, &file);
        if (status != ODEON_ERR_DATA && (status != ODEON_OK || was != ' ')) {
            fail_msg("bit %zu: status %d", i, (int)status);
        }
        checkpoint_close(file);
        *byte = was;
    }
    free(whole);
}

/* The file's own path first, then the reason. */
static void assert_message(const char *path, const char *reason)
{
    size_t n = strlen(path);
    if (strncmp(diag_message(), path, n) != 0 || strncmp(diag_message() + n, ": ", 2) != 0 ||
        strstr(diag_message() + n, reason) == NULL) {
        fail_msg("'%s' does not start with '%s' and say '%s'", diag_message(), path, reason);
    }
}

static void assert_unsound(const char *key, const char *value, const char *reason)
{
    folder x = folder_create();
    safetensors_meta meta[] = {{"format", "odeon"}, {key, value}};
    const char *path = folder_file(&x, "file.safetensors");
    support_require(safetensors_write(path, 0, NULL, 2, meta), "write");
    checkpoint_file *file;
    diag_clear();
    assert_int_equal(checkpoint_open(path, &file), ODEON_ERR_DATA);
    assert_message(path, reason);
    folder_remove(&x);
}

static void assert_refused(const fixture *f, const char *reason)
{
    checkpoint_file *file;
    diag_clear();
    assert_int_equal(checkpoint_open(path_of(f, 1), &file), ODEON_ERR_DATA);
    assert_null(file);
    assert_message(path_of(f, 1), reason);
}

/* A checkpoint in which text stands in place of another of the same length. */
static void assert_forged(fixture *f, const char *was, const char *text, const char *reason)
{
    size_t bytes, n = strlen(was);
    write_checkpoint(f);
    char *whole = folder_read(path_of(f, 1), &bytes), *at = memmem(whole, bytes, was, n);
    assert_non_null(at);
    assert_int_equal(strlen(text), n);
    memcpy(at, text, n);
    folder_write(&f->folder, "checkpoints/ckpt-1.safetensors", whole, bytes);
    free(whole);
    assert_refused(f, reason);
}

static void test_refusals_name_the_file_and_the_reason(void **state)
{
    fixture *f = *state;
    assert_forged(f, "\"samples\"", "\"sampled\"", "its metadata have no 'samples'");
    assert_forged(f, "\"odeon checkpoint\"", "\"other checkpoint\"", "its format is another");
    assert_forged(f, "\"version\":\"1\"", "\"version\":\"x\"", "of another version of Odeon");
    assert_forged(f, "\"epoch\":\"1\"", "\"epoch\":\"2\"", "damaged: its checksum is another");
    f->at.epoch = 0;
    write_checkpoint(f);
    assert_refused(f, "a number in its metadata cannot be");
}

static void test_weights_are_no_checkpoint(void **state)
{
    (void)state;
    assert_unsound("epochs", "1", "no checkpoint: its metadata have no 'version'");
    assert_unsound("version", "1", "no checkpoint: its metadata have no 'step'");
}

static void test_a_file_of_another_step_is_skipped(void **state)
{
    fixture *f = *state;
    write_checkpoint(f);
    assert_int_equal(rename(path_of(f, 1), path_of(f, 5)), 0);
    assert_null(open_newest(f));
}

static void test_another_model_is_refused(void **state)
{
    fixture *f = *state;
    static const char *const other[] = {"data.shape=3", NULL};
    static const char *const optimizers[] = {"train.optimizer=sgd(lr=1,momentum=0.5)", NULL};
    static const char *const wide[] = {"run.dtype=float64", NULL};
    static const struct {
        const char *const *overrides;
        const char *reason;
    } cases[] = {{other, "tensor 'head.weight' is [2, 2], the model wants [2, 3]"},
                 {optimizers, "tensor 'optimizer/momentum_buffer/head.weight' is missing"},
                 {wide, "is not in the dtype of the run"}};
    write_checkpoint(f);
    checkpoint_file *file = open_newest(f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        support_session s = support_session_open(network, SAMPLES, cases[i].overrides);
        diag_clear();
        assert_int_equal(session_restore(s.session, file->tensors, file->path), ODEON_ERR_DATA);
        if (strstr(diag_message(), cases[i].reason) == NULL) {
            fail_msg("%s", diag_message());
        }
        support_session_close(&s);
    }
    checkpoint_close(file);
}

/* ---- full disks and no memory ---- */

static void limit_file_size(rlim_t limit)
{
    struct rlimit r;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
    r.rlim_cur = limit;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

/* Wherever writing ends, the earlier checkpoint is what it was, and no other file is left. */
static void test_a_full_disk_leaves_the_earlier_one(void **state)
{
    fixture *f = *state;
    struct stat info;
    write_checkpoint(f);
    assert_int_equal(stat(path_of(f, 1), &info), 0);
    train_step(f);
    for (rlim_t limit = 0; limit < (rlim_t)info.st_size; limit++) {
        diag_clear();
        limit_file_size(limit);
        odeon_status status = checkpoint_write(f->folder.path, f->s.session, &f->at);
        limit_file_size(RLIM_INFINITY);
        assert_int_equal(status, ODEON_ERR_IO);
        assert_non_null(strstr(diag_message(), "cannot write"));
        assert_int_equal(count_entries(f), 1);
    }
    assert_newest(f, 1);
    write_checkpoint(f);
    assert_newest(f, 2);
}

static void test_a_place_that_is_taken_is_told(void **state)
{
    fixture *f = *state;
    write_checkpoint(f);
    train_step(f);
    assert_int_equal(mkdir(path_of(f, 2), 0700), 0);
    diag_clear();
    assert_int_equal(checkpoint_write(f->folder.path, f->s.session, &f->at), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "ckpt-2.safetensors: cannot put the finished file"));
    assert_int_equal(count_entries(f), 2);
    assert_newest(f, 1);
}

static void test_writing_survives_every_failing_allocation(void **state)
{
    fixture *f = *state;
    write_checkpoint(f);
    train_step(f);
    int64_t before = mem_live_blocks(), n = 0;
    odeon_status status = ODEON_ERR_NOMEM;
    while (status == ODEON_ERR_NOMEM && n < 1000) {
        mem_fail_at(++n);
        status = checkpoint_write(f->folder.path, f->s.session, &f->at);
        mem_fail_at(0);
        assert_int_equal(mem_live_blocks(), before);
        if (status == ODEON_ERR_NOMEM) {
            assert_int_equal(count_entries(f), 1);
            assert_newest(f, 1);
        }
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n > 20); /* two of each of six tensors, and the files' */
    assert_newest(f, 2);
}

static void test_reading_survives_every_failing_allocation(void **state)
{
    fixture *f = *state;
    write_checkpoint(f);
    int64_t before = mem_live_blocks(), n = 0;
    odeon_status status = ODEON_ERR_NOMEM;
    while (status == ODEON_ERR_NOMEM && n < 1000) {
        checkpoint_file *file;
        mem_fail_at(++n);
        status = checkpoint_open_newest(f->folder.path, &file);
        if (status == ODEON_OK) {
            status = session_restore(f->s.session, file->tensors, file->path);
        }
        mem_fail_at(0);
        checkpoint_close(file);
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n > 10);
}

#define WITH_SESSION(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SESSION(test_fields_come_back),
        WITH_SESSION(test_no_best_is_minus_infinity_again),
        WITH_SESSION(test_tensors_come_back_to_the_bit),
        WITH_SESSION(test_there_may_be_none),
        WITH_SESSION(test_the_newest_two_are_kept),
        WITH_SESSION(test_newer_damaged_ones_are_left_alone),
        WITH_SESSION(test_a_file_cut_anywhere_is_refused),
        WITH_SESSION(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_weights_are_no_checkpoint),
        WITH_SESSION(test_refusals_name_the_file_and_the_reason),
        WITH_SESSION(test_a_file_of_another_step_is_skipped),
        WITH_SESSION(test_another_model_is_refused),
        WITH_SESSION(test_a_full_disk_leaves_the_earlier_one),
        WITH_SESSION(test_a_place_that_is_taken_is_told),
        WITH_SESSION(test_writing_survives_every_failing_allocation),
        WITH_SESSION(test_reading_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
