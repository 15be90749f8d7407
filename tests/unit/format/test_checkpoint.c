#include "format/checkpoint.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "folder.h"
#include "format/safetensors_write.h"
#include "run/run_checkpoint.h"
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
                         .metrics = {123, 456, NULL},
                         .total = 90,
                         .rate = 0.1,
                         .samples = 64,
                         .batch = SAMPLES,
                         .workers = 1,
                         .train_data = 7,
                         .test_data = INT64_MAX,
                         .config = network};
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
    support_require(run_checkpoint_write(f->folder.path, f->s.session, &f->at), "checkpoint");
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

/* The newest cannot be opened, and none of the others. */
static void assert_none_opens(const fixture *f, odeon_status expected, const char *reason)
{
    checkpoint_file *file = NULL;
    diag_clear();
    assert_int_equal(checkpoint_open_newest(f->folder.path, &file), expected);
    assert_null(file);
    if (strstr(diag_message(), reason) == NULL) {
        fail_msg("no '%s' in '%s'", reason, diag_message());
    }
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
    assert_string_equal(file->at.config, network);
    file->at.config = f->at.config;
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

/* All tensors with their data, as they are now. */
typedef struct snapshot {
    session_tensors list;
    char *data[8];
} snapshot;

static snapshot take(fixture *f)
{
    snapshot x = {.list = {.n = 0}};
    support_require(session_tensors_list(f->s.session, true, &x.list), "list");
    for (size_t i = 0; i < x.list.n; i++) {
        size_t bytes = (size_t)x.list.entries[i].bytes;
        x.data[i] = mem_alloc(bytes);
        support_require(session_tensors_read(&x.list, i, 0, bytes, x.data[i]), "read");
    }
    return x;
}

static void release(snapshot *x)
{
    for (size_t i = 0; i < x->list.n; i++) {
        mem_free(x->data[i]);
    }
    session_tensors_fini(&x->list);
}

static void test_tensors_come_back_to_the_bit(void **state)
{
    fixture *f = *state;
    write_checkpoint(f);
    snapshot before = take(f);
    train_step(f);
    snapshot between = take(f);
    checkpoint_file *file = open_newest(f);
    support_require(session_restore(f->s.session, file->tensors, file->path), "restore");
    snapshot after = take(f);
    assert_int_equal(before.list.n, 2 * 3); /* weight and bias with two moments each */
    assert_int_equal(after.list.n, before.list.n);
    for (size_t i = 0; i < before.list.n; i++) {
        size_t bytes = (size_t)before.list.entries[i].bytes;
        assert_string_equal(before.list.names[i], after.list.names[i]);
        assert_memory_not_equal(before.data[i], between.data[i], bytes);
        assert_memory_equal(before.data[i], after.data[i], bytes);
    }
    checkpoint_close(file);
    release(&before);
    release(&between);
    release(&after);
}

/* After steps, of a device that could be asked for nothing: from the seed, or from the weights. */
static void check_start(const char *const *overrides)
{
    fixture f = {.folder = folder_create(), .s = support_session_open(network, SAMPLES, overrides)};
    f.source = support_batch_source(&f.s);
    f.at = (checkpoint){.epoch = 1,
                        .best = -(double)INFINITY,
                        .total = 90,
                        .samples = 64,
                        .batch = SAMPLES,
                        .workers = 1,
                        .config = network};
    snapshot before = take(&f);
    train_step(&f);
    f.at.step = f.at.position = 0;
    support_require(run_checkpoint_write_start(f.folder.path, f.s.session, &f.at), "start");
    checkpoint_file *file = open_newest(&f);
    support_require(session_restore(f.s.session, file->tensors, file->path), "restore");
    snapshot after = take(&f);
    for (size_t i = 0; i < before.list.n; i++) {
        assert_memory_equal(before.data[i], after.data[i], before.list.entries[i].bytes);
    }
    checkpoint_close(file);
    release(&before);
    release(&after);
    data_close(f.source);
    support_session_close(&f.s);
    folder_remove(&f.folder);
}

static void test_what_a_run_began_with_is_written_later(void **state)
{
    fixture *f = *state;
    char *weights = mem_printf("%s/w.safetensors", f->folder.path);
    char *with = mem_printf("train.weights=%s", weights);
    support_require(session_save(f->s.session, weights), "weights");
    check_start(NULL);
    check_start((const char *const[]){with, NULL});
    mem_free(weights);
    mem_free(with);
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
        if (status != ODEON_OK && strncmp(diag_message(), "/proc/self/fd/", 14) != 0) {
            fail_msg("bit %zu: '%s' does not name the file first", i, diag_message());
        }
        checkpoint_close(file);
        *byte = was;
    }
    free(whole);
}

/* The refusal begins with the path and says the rest. */
static void assert_unsound(const char *path, const char *reason)
{
    checkpoint_file *file;
    char expected[FOLDER_BYTES + 128];
    (void)snprintf(expected, sizeof expected, "%s: %s", path, reason);
    diag_clear();
    assert_int_equal(checkpoint_open(path, &file), ODEON_ERR_DATA);
    assert_null(file);
    assert_string_equal(diag_message(), expected);
}

static void assert_metadata_unsound(const char *format, const char *key, const char *value,
                                    const char *reason)
{
    folder x = folder_create();
    safetensors_meta meta[] = {{"format", format}, {key, value}};
    const char *path = folder_file(&x, "file.safetensors");
    support_require(safetensors_write(path, 0, NULL, 2, meta), "write");
    assert_unsound(path, reason);
    folder_remove(&x);
}

static void test_weights_are_no_checkpoint(void **state)
{
    (void)state;
    assert_metadata_unsound("odeon", "epochs", "1",
                            "no checkpoint: its metadata have no 'version'");
    assert_metadata_unsound("odeon", "version", "2", "no checkpoint: it has another format");
    assert_metadata_unsound("odeon checkpoint", "version", "1",
                            "a checkpoint of another version of Odeon");
    assert_metadata_unsound("odeon checkpoint", "version", "2",
                            "no checkpoint: its metadata have no 'step'");
}

static void test_a_file_of_another_step_is_refused(void **state)
{
    fixture *f = *state;
    write_checkpoint(f);
    assert_int_equal(rename(path_of(f, 1), path_of(f, 5)), 0);
    assert_none_opens(f, ODEON_ERR_DATA,
                      "ckpt-5.safetensors: a checkpoint of another step than its name says");
}

static void test_that_of_step_0_is_one_too(void **state)
{
    fixture *f = *state;
    f->at.step = f->at.position = 0;
    write_checkpoint(f);
    assert_newest(f, 0);
}

static void test_where_none_can_be_used_the_newest_is_blamed(void **state)
{
    fixture *f = *state;
    write_checkpoint(f);
    train_step(f);
    write_checkpoint(f);
    assert_int_equal(truncate(path_of(f, 1), 100), 0);
    assert_int_equal(truncate(path_of(f, 2), 4), 0);
    assert_none_opens(f, ODEON_ERR_DATA, "ckpt-2.safetensors: no valid safetensors file: 4 bytes");
    assert_int_equal(unlink(path_of(f, 2)), 0);
    assert_int_equal(mkdir(path_of(f, 2), 0700), 0); /* as a disk that cannot be read */
    assert_none_opens(f, ODEON_ERR_IO, "ckpt-2.safetensors");
}

/* ---- numbers that cannot be, under a right checksum ---- */

static const size_t numbers[] = {
    offsetof(checkpoint, step),       offsetof(checkpoint, epoch),
    offsetof(checkpoint, position),   offsetof(checkpoint, extra),
    offsetof(checkpoint, total),      offsetof(checkpoint, tested),
    offsetof(checkpoint, failed),     offsetof(checkpoint, best_step),
    offsetof(checkpoint, best_epoch), offsetof(checkpoint, metrics.csv_bytes),
    offsetof(checkpoint, samples),    offsetof(checkpoint, batch),
    offsetof(checkpoint, drop_last),  offsetof(checkpoint, workers),
    offsetof(checkpoint, train_data), offsetof(checkpoint, test_data)};
enum { N_NUMBERS = sizeof numbers / sizeof *numbers };

static int64_t *number_at(checkpoint *c, size_t i)
{
    return (int64_t *)(void *)((char *)c + numbers[i]);
}

/* Writes it under the name of step 1 whatever it says, and opens it. */
static odeon_status forge(const fixture *f, const checkpoint *c, checkpoint_file **out)
{
    support_require(run_checkpoint_write_start(f->folder.path, f->s.session, c), "write");
    char *path = checkpoint_path(f->folder.path, c->step);
    diag_clear();
    odeon_status status = checkpoint_open(path, out);
    (void)unlink(path);
    mem_free(path);
    return status;
}

static void assert_forgery_fails(const fixture *f, checkpoint c, size_t field, int64_t value)
{
    checkpoint_file *file;
    *number_at(&c, field) = value;
    bool refused = forge(f, &c, &file) == ODEON_ERR_DATA;
    bool named = strncmp(diag_message(), f->folder.path, strlen(f->folder.path)) == 0;
    if (!refused || !named ||
        strstr(diag_message(), ": no checkpoint: a number in its metadata cannot be") == NULL) {
        fail_msg("number %zu of %lld is taken: %s", field, (long long)value, diag_message());
    }
}

static void test_each_number_has_to_fit_the_others(void **state)
{
    fixture *f = *state;
    static const struct {
        size_t field;
        int64_t value;
    } cases[] = {{offsetof(checkpoint, step), 2},
                 {offsetof(checkpoint, step), 0},
                 {offsetof(checkpoint, epoch), 0},
                 {offsetof(checkpoint, epoch), 2},
                 {offsetof(checkpoint, epoch), INT64_MAX},
                 {offsetof(checkpoint, position), 3},
                 {offsetof(checkpoint, position), 8},
                 {offsetof(checkpoint, position), 68},
                 {offsetof(checkpoint, position), -4},
                 {offsetof(checkpoint, extra), 1},
                 {offsetof(checkpoint, extra), INT64_MIN},
                 {offsetof(checkpoint, total), 0},
                 {offsetof(checkpoint, tested), 2},
                 {offsetof(checkpoint, failed), 2},
                 {offsetof(checkpoint, best_step), 1},
                 {offsetof(checkpoint, best_epoch), 1},
                 {offsetof(checkpoint, samples), 0},
                 {offsetof(checkpoint, batch), 0},
                 {offsetof(checkpoint, batch), 2},
                 {offsetof(checkpoint, drop_last), 2},
                 {offsetof(checkpoint, workers), 0},
                 {offsetof(checkpoint, workers), 1025},
                 {offsetof(checkpoint, train_data), -1},
                 {offsetof(checkpoint, test_data), -1},
                 {offsetof(checkpoint, metrics.csv_bytes), -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t k = 0;
        while (numbers[k] != cases[i].field) {
            k++;
        }
        assert_forgery_fails(f, f->at, k, cases[i].value);
    }
}

/* Whatever is taken can be counted on from. */
static void assert_bounded(const checkpoint *c)
{
    static const int64_t most = INT64_C(1) << 53;
    assert_in_range(c->step, 0, most);
    assert_in_range(c->epoch, 1, most);
    assert_in_range(c->batch, 1, most);
    assert_in_range(c->position, 0, c->samples);
    assert_in_range(c->samples, 1, most);
    assert_true(c->extra <= c->step && c->step - c->extra <= most);
    assert_in_range(c->workers, 1, 1024);
}

static void test_forged_numbers_are_refused_or_harmless(void **state)
{
    enum { TRIALS = 600, CHANGES = 3 };
    static const int64_t values[] = {INT64_MIN,
                                     -1,
                                     0,
                                     1,
                                     2,
                                     4,
                                     16,
                                     64,
                                     65,
                                     INT64_C(1) << 31,
                                     INT64_C(1) << 53,
                                     (INT64_C(1) << 53) + 1,
                                     INT64_C(1) << 62,
                                     INT64_MAX - 1,
                                     INT64_MAX};
    enum { N_VALUES = sizeof values / sizeof *values };
    fixture *f = *state;
    int taken = 0;
    for (uint64_t i = 0; i < TRIALS; i++) {
        checkpoint c = f->at;
        checkpoint_file *file = NULL;
        for (uint64_t k = 0; k < CHANGES; k++) {
            size_t field = (size_t)(fabs(support_random(1 + 2 * k, i)) * N_NUMBERS);
            size_t value = (size_t)(fabs(support_random(2 + 2 * k, i)) * N_VALUES);
            *number_at(&c, field % N_NUMBERS) = values[value % N_VALUES];
        }
        odeon_status status = forge(f, &c, &file);
        if (status == ODEON_OK) {
            taken++;
            assert_bounded(&file->at);
            checkpoint_close(file);
        } else {
            assert_int_equal(status, ODEON_ERR_DATA);
        }
    }
    print_message("%d of %d are possible\n", taken, TRIALS);
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
    } cases[] = {{other, "tensor 'head.weight' is [2, 2], the model needs [2, 3]"},
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
        odeon_status status = run_checkpoint_write(f->folder.path, f->s.session, &f->at);
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
    assert_int_equal(run_checkpoint_write(f->folder.path, f->s.session, &f->at), ODEON_ERR_IO);
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
        status = run_checkpoint_write(f->folder.path, f->s.session, &f->at);
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
        WITH_SESSION(test_what_a_run_began_with_is_written_later),
        WITH_SESSION(test_there_may_be_none),
        WITH_SESSION(test_the_newest_two_are_kept),
        WITH_SESSION(test_newer_damaged_ones_are_left_alone),
        WITH_SESSION(test_a_file_cut_anywhere_is_refused),
        WITH_SESSION(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_weights_are_no_checkpoint),
        WITH_SESSION(test_a_file_of_another_step_is_refused),
        WITH_SESSION(test_that_of_step_0_is_one_too),
        WITH_SESSION(test_where_none_can_be_used_the_newest_is_blamed),
        WITH_SESSION(test_each_number_has_to_fit_the_others),
        WITH_SESSION(test_forged_numbers_are_refused_or_harmless),
        WITH_SESSION(test_another_model_is_refused),
        WITH_SESSION(test_a_full_disk_leaves_the_earlier_one),
        WITH_SESSION(test_a_place_that_is_taken_is_told),
        WITH_SESSION(test_writing_survives_every_failing_allocation),
        WITH_SESSION(test_reading_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
