/* A run's folder: who has it, what stands in it for a file, and what killed processes leave. */
#include "format/run_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "captured.h"
#include "folder.h"
#include "support.h"

/* What the linker puts in the place of flock (--wrap): a file system may know no locks. */
static bool knows_no_locks;

int __wrap_flock(int fd, int operation);
int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation)
{
    if (knows_no_locks) {
        errno = ENOLCK;
        return -1;
    }
    return __real_flock(fd, operation);
}

static int64_t live_before;

static int open_folder(void **state)
{
    static folder f;
    live_before = mem_live_blocks();
    f = folder_create();
    *state = &f;
    diag_clear();
    return 0;
}

static int close_folder(void **state)
{
    folder_remove(*state);
    assert_int_equal(mem_live_blocks(), live_before);
    return 0;
}

static bool exists(const folder *f, const char *name)
{
    return access(folder_file(f, name), F_OK) == 0;
}

/* "PATH: " and what is said of it. */
static void assert_said(const char *path, const char *what)
{
    char expected[1024];
    (void)snprintf(expected, sizeof expected, "%s: %s", path, what);
    assert_string_equal(diag_message(), expected);
    diag_clear();
}

/* ---- the lock ---- */

static void test_one_process_at_a_time_has_the_folder(void **state)
{
    const folder *f = *state;
    int first = -1, second = -1;
    assert_int_equal(run_folder_lock(f->path, &first), ODEON_OK);
    assert_true(first >= 0);
    assert_true((fcntl(first, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(run_folder_lock(f->path, &second), ODEON_ERR_CONFIG);
    assert_int_equal(second, -1);
    assert_said(f->path, "another process is working on this run");
    (void)close(first);
    assert_true(exists(f, "lock"));
    assert_int_equal(run_folder_lock(f->path, &second), ODEON_OK);
    (void)close(second);
}

static void test_the_lock_ends_with_its_process(void **state)
{
    const folder *f = *state;
    int fd = -1, status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(run_folder_lock(f->path, &fd) == ODEON_OK ? 0 : 1); /* without closing it */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(run_folder_lock(f->path, &fd), ODEON_OK);
    (void)close(fd);
}

static void test_a_folder_that_cannot_be_locked(void **state)
{
    const folder *f = *state;
    char lock[512];
    int fd = 7;
    (void)snprintf(lock, sizeof lock, "%s/none/lock", f->path);
    assert_int_equal(run_folder_lock(folder_file(f, "none"), &fd), ODEON_ERR_IO);
    assert_int_equal(fd, -1);
    assert_said(lock, "cannot open: No such file or directory");
    mem_fail_at(1);
    assert_int_equal(run_folder_lock(f->path, &fd), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_int_equal(fd, -1);
    assert_said(f->path, "no memory to lock it");
    assert_false(exists(f, "lock"));
}

static void test_where_there_are_no_locks_a_warning_is_all(void **state)
{
    const folder *f = *state;
    char expected[1024];
    int fd = -1;
    captured c;
    knows_no_locks = true;
    captured_start(&c);
    odeon_status status = run_folder_lock(f->path, &fd);
    captured_stop(&c);
    knows_no_locks = false;
    assert_int_equal(status, ODEON_OK);
    assert_true(fd >= 0);
    (void)snprintf(
        expected, sizeof expected,
        "odeon: warning: %s/lock: cannot lock: %s; see to it that no other process works "
        "on this run\n",
        f->path, strerror(ENOLCK));
    assert_string_equal(c.text, expected);
    assert_string_equal(diag_message(), "");
    (void)close(fd);
}

/* ---- the mark ---- */

static void test_the_mark_is_set_and_taken_away(void **state)
{
    const folder *f = *state;
    assert_false(run_folder_is_marked(f->path));
    run_folder_unmark(f->path); /* nothing is there */
    assert_int_equal(run_folder_mark(f->path), ODEON_OK);
    assert_int_equal(run_folder_mark(f->path), ODEON_OK);
    assert_true(run_folder_is_marked(f->path));
    assert_true(exists(f, "no-checkpoint-yet"));
    run_folder_unmark(f->path);
    assert_false(run_folder_is_marked(f->path));
    assert_false(exists(f, "no-checkpoint-yet"));
}

static void test_a_mark_that_cannot_be_set(void **state)
{
    const folder *f = *state;
    char mark[512];
    (void)snprintf(mark, sizeof mark, "%s/none/no-checkpoint-yet", f->path);
    assert_int_equal(run_folder_mark(folder_file(f, "none")), ODEON_ERR_IO);
    assert_said(mark, "cannot create: No such file or directory");
    mem_fail_at(1);
    assert_int_equal(run_folder_mark(f->path), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_said(f->path, "no memory to write into it");
    assert_false(run_folder_is_marked(f->path));
}

/* Without memory the mark stays, and is seen. */
static void test_the_mark_survives_a_lack_of_memory(void **state)
{
    const folder *f = *state;
    assert_int_equal(run_folder_mark(f->path), ODEON_OK);
    mem_fail_at(1);
    run_folder_unmark(f->path);
    mem_fail_at(1);
    bool seen = run_folder_is_marked(f->path);
    mem_fail_at(0);
    assert_true(seen);
}

/* ---- a run where a file could stand ---- */

static void test_a_run_has_its_configuration(void **state)
{
    const folder *f = *state;
    assert_false(run_folder_is_run(f->path));
    folder_write(f, "effective.ini", "", 0);
    assert_true(run_folder_is_run(f->path));
    assert_true(run_folder_is_run(folder_file(f, "")));
    mem_fail_at(1);
    bool without_memory = run_folder_is_run(f->path);
    mem_fail_at(0);
    assert_true(without_memory);
    assert_false(run_folder_is_run(folder_file(f, "effective.ini")));
    assert_false(run_folder_is_run(folder_file(f, "none")));
}

static void assert_ini(const char *path, const char *expected)
{
    char *ini = NULL;
    assert_int_equal(run_folder_find_ini(path, &ini), ODEON_OK);
    assert_string_equal(ini, expected);
    mem_free(ini);
}

static void test_the_ini_of_a_run_is_its_configuration(void **state)
{
    const folder *f = *state;
    char *ini = NULL;
    char with_slash[512], expected[512];
    (void)snprintf(with_slash, sizeof with_slash, "%s/", f->path);
    (void)snprintf(expected, sizeof expected, "%s/effective.ini", f->path);
    assert_int_equal(run_folder_find_ini(f->path, &ini), ODEON_ERR_IO);
    assert_null(ini);
    assert_said(f->path, "not a regular file, and no run's folder: it has no effective.ini");
    folder_write(f, "effective.ini", "", 0);
    assert_ini(f->path, expected);
    assert_ini(with_slash, expected);
    assert_ini(expected, expected);
    assert_ini("none.ini", "none.ini"); /* reading it tells that there is none */
    mem_fail_at(1);
    assert_int_equal(run_folder_find_ini("none.ini", &ini), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_null(ini);
    assert_said("none.ini", "no memory");
}

static void assert_weights(const char *path, const char *expected, const char *warning)
{
    char *weights = NULL;
    captured c;
    captured_start(&c);
    odeon_status status = run_folder_find_weights(path, &weights);
    captured_stop(&c);
    assert_int_equal(status, ODEON_OK);
    assert_string_equal(weights, expected);
    assert_string_equal(c.text, warning);
    mem_free(weights);
}

static void test_the_weights_of_a_run_are_its_last(void **state)
{
    const folder *f = *state;
    char *weights = NULL;
    char path[512], expected[1024], warning[2048];
    assert_int_equal(run_folder_find_weights(f->path, &weights), ODEON_ERR_IO);
    assert_null(weights);
    assert_said(f->path, "not a regular file, and no run's folder with weights: it has neither "
                         "weights.safetensors nor checkpoints");
    assert_int_equal(mkdir(folder_file(f, "checkpoints"), 0700), 0);
    assert_int_equal(run_folder_find_weights(f->path, &weights), ODEON_ERR_IO);
    diag_clear();
    folder_write(f, "checkpoints/ckpt-9.safetensors", "", 0);
    folder_write(f, "checkpoints/ckpt-10.safetensors", "", 0);
    (void)snprintf(expected, sizeof expected, "%s/checkpoints/ckpt-10.safetensors", f->path);
    (void)snprintf(warning, sizeof warning,
                   "odeon: warning: %s: has no weights.safetensors yet; taken from %s\n", f->path,
                   expected);
    assert_weights(f->path, expected, warning);
    folder_write(f, "weights.safetensors", "", 0);
    (void)snprintf(path, sizeof path, "%s/weights.safetensors", f->path);
    assert_weights(f->path, path, "");
    assert_weights(path, path, "");
    assert_weights("none.safetensors", "none.safetensors", "");
    mem_fail_at(1);
    assert_int_equal(run_folder_find_weights("w", &weights), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_null(weights);
    assert_said("w", "no memory");
}

/* ---- what killed processes leave ---- */

static void test_litter_is_known_by_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_litter;
    } cases[] = {{"lock", true},
                 {"no-checkpoint-yet", true},
                 {"a.ini.12-0.tmp", true},
                 {"x.tmp", true},
                 {".tmp", false},
                 {"tmp", false},
                 {"locks", false},
                 {"x.tmp.ini", false},
                 {"", false},
                 {"effective.ini", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(run_folder_is_litter(cases[i].name), cases[i].is_litter);
    }
}

static void test_temporary_files_are_swept(void **state)
{
    const folder *f = *state;
    static const char *const gone[] = {"a.1-0.tmp", "b.tmp", "checkpoints/ckpt-3.x.tmp"};
    static const char *const kept[] = {"lock",        "x.tmp.ini", ".tmp", "checkpoints/ckpt-3.x",
                                       "layer/c.tmp", "folder.tmp"};
    folder_write(f, "a.1-0.tmp", "", 0);
    assert_int_equal(run_folder_sweep(f->path), ODEON_OK); /* without checkpoints */
    assert_false(exists(f, "a.1-0.tmp"));
    assert_int_equal(mkdir(folder_file(f, "checkpoints"), 0700), 0);
    assert_int_equal(mkdir(folder_file(f, "folder.tmp"), 0700), 0);
    for (size_t i = 0; i < 3; i++) {
        folder_write(f, gone[i], "", 0);
    }
    for (size_t i = 0; i < 5; i++) {
        folder_write(f, kept[i], "", 0);
    }
    assert_int_equal(run_folder_sweep(f->path), ODEON_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_false(exists(f, gone[i]));
    }
    for (size_t i = 0; i < 6; i++) {
        assert_true(exists(f, kept[i]));
    }
    assert_int_equal(run_folder_sweep(folder_file(f, "none")), ODEON_OK);
    mem_fail_at(1);
    assert_int_equal(run_folder_sweep(f->path), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_said(f->path, "no memory to look into it");
}

/* Nothing that was allocated on the way stays, whatever fails. */
static void test_a_lack_of_memory_leaves_nothing_behind(void **state)
{
    const folder *f = *state;
    assert_int_equal(mkdir(folder_file(f, "checkpoints"), 0700), 0);
    folder_write(f, "checkpoints/ckpt-9.safetensors", "", 0);
    int64_t live = mem_live_blocks();
    diag_hush(true);
    for (int64_t n = 1; n <= 6; n++) {
        char *path = NULL;
        mem_fail_at(n);
        odeon_status status = run_folder_find_weights(f->path, &path);
        mem_fail_at(0);
        assert_int_equal(status == ODEON_OK, path != NULL);
        assert_true(n <= 4 || status == ODEON_OK);
        mem_free(path);
        assert_int_equal(mem_live_blocks(), live);
    }
    diag_hush(false);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, open_folder, close_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_one_process_at_a_time_has_the_folder),
        WITH_FOLDER(test_the_lock_ends_with_its_process),
        WITH_FOLDER(test_a_folder_that_cannot_be_locked),
        WITH_FOLDER(test_where_there_are_no_locks_a_warning_is_all),
        WITH_FOLDER(test_the_mark_is_set_and_taken_away),
        WITH_FOLDER(test_a_mark_that_cannot_be_set),
        WITH_FOLDER(test_the_mark_survives_a_lack_of_memory),
        WITH_FOLDER(test_a_run_has_its_configuration),
        WITH_FOLDER(test_the_ini_of_a_run_is_its_configuration),
        WITH_FOLDER(test_the_weights_of_a_run_are_its_last),
        cmocka_unit_test(test_litter_is_known_by_its_name),
        WITH_FOLDER(test_temporary_files_are_swept),
        WITH_FOLDER(test_a_lack_of_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
