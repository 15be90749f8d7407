#include "run/run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/read_file.h"
#include "format/checkpoint_list.h"
#include "format/run_folder.h"
#include "run/manifest.h"
#include "run/metrics.h"

struct run_dir {
    char *path;
    int lock;   /* -1: not locked */
    bool fresh; /* locked, and there was nothing in it */
    metrics *metrics;
};

/* With errno, which nothing may change between the call that failed and this one. */
static odeon_status io_failure(const char *path, const char *what)
{
    return diag_fail(ODEON_ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

/* All that is allocated here are paths. */
static odeon_status out_of_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "run directory: no memory");
}

/* Makes the folders that path stands in, as far as they are missing. path is as it was afterwards.
 */
static odeon_status make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
        odeon_status status = made ? ODEON_OK : io_failure(path, "cannot create the folder");
        *slash = '/';
        ODEON_TRY(status);
    }
    return ODEON_OK;
}

/* ---- run.out ---- */

/* What a killed process left half written does not count. */
static odeon_status check_empty(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL && errno == ENOTDIR) {
        return diag_fail(ODEON_ERR_CONFIG, "%s is a file: run.out must be a folder", path);
    }
    if (folder == NULL) {
        return io_failure(path, "cannot open the folder");
    }
    const struct dirent *entry = readdir(folder);
    while (entry != NULL && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                             run_folder_is_litter(entry->d_name))) {
        entry = readdir(folder);
    }
    odeon_status status =
        entry == NULL ? ODEON_OK
                      : diag_fail(ODEON_ERR_CONFIG,
                                  "%s holds %s already: a run is never overwritten; choose another "
                                  "run.out",
                                  path, entry->d_name);
    (void)closedir(folder);
    return status;
}

/* A folder that is there may be used if it is empty: whoever prepares a mount or a folder with
 * other rights has made it before. */
static odeon_status use_given(run_dir *dir, const char *out)
{
    dir->path = mem_strdup(out);
    if (dir->path == NULL) {
        return out_of_memory();
    }
    ODEON_TRY(make_parents(dir->path));
    if (mkdir(dir->path, 0777) == 0) {
        return ODEON_OK;
    }
    return errno == EEXIST ? check_empty(dir->path)
                           : io_failure(dir->path, "cannot create the folder");
}

/* ---- runs/NAME/N ---- */

/* mkdir decides who gets a number, so that runs started together cannot meet. */
static odeon_status use_numbered(run_dir *dir, const char *name)
{
    if (name[0] == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0) {
        return diag_fail(ODEON_ERR_CONFIG, "run.name = %s: cannot be the name of a folder", name);
    }
    for (long long n = 1;; n++) {
        mem_free(dir->path);
        dir->path = mem_printf("runs/%s/%lld", name, n);
        if (dir->path == NULL) {
            return out_of_memory();
        }
        if (n == 1) {
            ODEON_TRY(make_parents(dir->path));
        }
        if (mkdir(dir->path, 0777) == 0) {
            return ODEON_OK;
        }
        if (errno != EEXIST) {
            return io_failure(dir->path, "cannot create the folder");
        }
    }
}

/* ---- the whole ---- */

/* Whole or not at all. */
static odeon_status write_file(const run_dir *dir, const char *name, const char *contents)
{
    char *path = run_dir_file(dir, name);
    if (path == NULL) {
        return out_of_memory();
    }
    odeon_status status = atomic_file_put(path, contents, strlen(contents));
    mem_free(path);
    return status;
}

static const char effective_name[] = "effective.ini", manifest_name[] = "manifest.json";

/* The order matters to whoever finds the folder after a kill: with effective.ini it is a run
 * that can go on, without it an empty folder. */
static odeon_status make(run_dir *dir, const config *c, observers *all)
{
    ODEON_TRY(c->out != NULL ? use_given(dir, c->out) : use_numbered(dir, c->name));
    ODEON_TRY(run_folder_lock(dir->path, &dir->lock));
    ODEON_TRY(check_empty(dir->path)); /* another run may have been faster */
    dir->fresh = true;
    ODEON_TRY(run_folder_sweep(dir->path));
    ODEON_TRY(run_folder_mark(dir->path));
    ODEON_TRY(write_file(dir, effective_name, c->effective)); /* from here on it resumes */
    return metrics_open(dir->path, all, &dir->metrics);
}

/* So that the same run.out can be used again. What others made stays: rmdir wants it empty. */
static void undo(const run_dir *dir)
{
    static const char *const made[] = {effective_name, "lock"};
    if (dir->fresh) {
        run_folder_unmark(dir->path);
    }
    if (dir->metrics != NULL) {
        metrics_remove(dir->metrics);
    }
    for (size_t i = 0; i < sizeof made / sizeof made[0] && dir->fresh; i++) {
        char *path = run_dir_file(dir, made[i]);
        if (path != NULL) {
            (void)unlink(path);
        }
        mem_free(path);
    }
    if (dir->path != NULL) {
        (void)rmdir(dir->path);
    }
}

/* For run_dir_close whatever happens next: no lock, no metrics. */
static odeon_status new_run_dir(run_dir **out)
{
    run_dir *dir = *out = mem_zalloc(1, sizeof *dir);
    if (dir == NULL) {
        return out_of_memory();
    }
    dir->lock = -1;
    return ODEON_OK;
}

/* A failure takes the folder back, so that the same run.out can be used again; parents that were
 * made for it stay. */
odeon_status run_dir_create(const config *c, observers *all, run_dir **out)
{
    ODEON_TRY(new_run_dir(out));
    odeon_status status = make(*out, c, all);
    if (status != ODEON_OK) {
        undo(*out);
        (void)run_dir_close(*out);
        *out = NULL;
    }
    return status;
}

/* ---- a run that goes on ---- */

/* Locked before anything is removed from it. */
static odeon_status take(run_dir *dir, const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    dir->path = mem_printf("%.*s", (int)length, path);
    char *effective = dir->path != NULL ? run_dir_file(dir, effective_name) : NULL;
    if (effective == NULL) {
        return out_of_memory();
    }
    bool is_run = access(effective, F_OK) == 0;
    mem_free(effective);
    if (!is_run) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: no run that could go on: it has no %s (a run's folder is meant; "
                         "without --resume, odeon train INI begins one)",
                         path, effective_name);
    }
    ODEON_TRY(run_folder_lock(dir->path, &dir->lock));
    return run_folder_sweep(dir->path);
}

odeon_status run_dir_open(const char *path, run_dir **out)
{
    ODEON_TRY(new_run_dir(out));
    odeon_status status = take(*out, path);
    if (status != ODEON_OK) {
        (void)run_dir_close(*out);
        *out = NULL;
    }
    return status;
}

/* ---- a run that begins again ---- */

/* What a run leaves beside its configuration and files of rows; checkpoints first: without them
 * what is left is no run that could go on, should the rest not be moved any more. */
static const char *const results[] = {CHECKPOINT_LIST_FOLDER,
                                      "weights.safetensors",
                                      "weights-best.safetensors",
                                      "weights-ema.safetensors",
                                      "failure",
                                      manifest_name,
                                      RUN_FOLDER_PAGE,
                                      RUN_DIR_TIMES};
enum { N_RESULTS = sizeof results / sizeof *results };

/* Without memory for the path, the file is taken to be there: nothing is written over what may be.
 */
static bool exists(const char *folder, const char *name)
{
    struct stat info;
    char *path = mem_printf("%s/%s", folder, name);
    bool found = path == NULL || lstat(path, &info) == 0;
    mem_free(path);
    return found;
}

/* What is not there is nothing to move: a run that was ended early has few of its files. */
static odeon_status move_result(const run_dir *dir, const char *to, const char *name)
{
    char *old = run_dir_file(dir, name), *new = mem_printf("%s/%s", to, name);
    odeon_status status = old != NULL && new != NULL ? ODEON_OK : out_of_memory();
    if (status == ODEON_OK && rename(old, new) != 0 && errno != ENOENT) {
        status = io_failure(old, "cannot be moved");
    }
    mem_free(old);
    mem_free(new);
    return status;
}

/* Files of observers: found by the beginning of their names, and moved into the folder to, unless
 * that is NULL. */
static odeon_status find_rows(const run_dir *dir, const char *to, bool *found)
{
    DIR *folder = opendir(dir->path);
    if (folder == NULL) {
        return io_failure(dir->path, "cannot open the folder");
    }
    odeon_status status = ODEON_OK;
    const struct dirent *entry;
    while (status == ODEON_OK && (entry = readdir(folder)) != NULL) {
        if (observers_own_file(entry->d_name)) {
            *found = true;
            status = to != NULL ? move_result(dir, to, entry->d_name) : ODEON_OK;
        }
    }
    (void)closedir(folder);
    return status;
}

/* The manifest alone is no result, and neither is an empty folder of checkpoints. */
bool run_dir_has_results(const run_dir *dir)
{
    bool found = false;
    for (size_t i = 1; i < N_RESULTS; i++) { /* 0: a folder that may be empty */
        if (results[i] != manifest_name && exists(dir->path, results[i])) {
            return true;
        }
    }
    if (find_rows(dir, NULL, &found) != ODEON_OK) {
        diag_clear(); /* nothing is written over what may be there */
        return true;
    }
    return found;
}

bool run_dir_is_marked(const run_dir *dir)
{
    return run_folder_is_marked(dir->path);
}

/* DIR/earlier-N with the first N that is free. */
static odeon_status make_earlier(const run_dir *dir, char **out)
{
    for (long long n = 1;; n++) {
        *out = mem_printf("%s/earlier-%lld", dir->path, n);
        if (*out == NULL) {
            return out_of_memory();
        }
        if (mkdir(*out, 0777) == 0) {
            return ODEON_OK;
        }
        odeon_status status =
            errno == EEXIST ? ODEON_OK : io_failure(*out, "cannot create the folder");
        mem_free(*out);
        *out = NULL;
        ODEON_TRY(status);
    }
}

/* So that the folder is a run's, as it was. */
static odeon_status copy_effective(const run_dir *dir, const char *to)
{
    size_t bytes;
    char *from = run_dir_file(dir, effective_name), *copy = mem_printf("%s/%s", to, effective_name),
         *text = NULL;
    odeon_status status = from != NULL && copy != NULL ? ODEON_OK : out_of_memory();
    if (status == ODEON_OK) {
        status = read_file(from, &text, &bytes);
    }
    if (status == ODEON_OK) {
        status = atomic_file_put(copy, text, bytes);
    }
    mem_free(text);
    mem_free(from);
    mem_free(copy);
    return status;
}

/* Checkpoints go first, so that a folder of which only a part was moved is not taken for a run
 * that could go on with results of another. */
odeon_status run_dir_set_aside(const run_dir *dir, char **to)
{
    *to = NULL;
    if (!run_dir_has_results(dir) && !exists(dir->path, CHECKPOINT_LIST_FOLDER)) {
        return ODEON_OK;
    }
    ODEON_TRY(make_earlier(dir, to));
    odeon_status status = copy_effective(dir, *to);
    for (size_t i = 0; i < N_RESULTS && status == ODEON_OK; i++) {
        status = move_result(dir, *to, results[i]);
    }
    if (status == ODEON_OK) {
        bool found;
        status = find_rows(dir, *to, &found);
    }
    if (status == ODEON_OK) {
        status = atomic_file_sync_folder_of(*to);
    }
    if (status != ODEON_OK) {
        mem_free(*to);
        *to = NULL;
    }
    return status;
}

odeon_status run_dir_mark(const run_dir *dir)
{
    return run_folder_mark(dir->path);
}

/* What run_dir_resumed adds to has to be readable: checked before anything is cut. */
static odeon_status check_manifest(const run_dir *dir)
{
    char *path = run_dir_file(dir, manifest_name), *text = NULL;
    size_t bytes = 0;
    if (path == NULL) {
        return out_of_memory();
    }
    odeon_status status = access(path, F_OK) == 0 ? read_file(path, &text, &bytes) : ODEON_OK;
    mem_free(text);
    mem_free(path);
    return status;
}

/* The manifest and the metrics are checked before anything is written; effective.ini comes last, so
 * that a failure leaves the old one. */
odeon_status run_dir_continue(run_dir *dir, const config *c, observers *all,
                              const metrics_mark *mark, const metrics_row *columns)
{
    ODEON_TRY(check_manifest(dir));
    ODEON_TRY(metrics_reopen(dir->path, all, mark, columns, &dir->metrics));
    return write_file(dir, effective_name, c->effective);
}

/* The lock goes last: until then no other process may go on with the run. */
odeon_status run_dir_close(run_dir *dir)
{
    if (dir == NULL) {
        return ODEON_OK;
    }
    odeon_status status = metrics_close(dir->metrics);
    if (dir->lock >= 0) {
        (void)close(dir->lock);
    }
    mem_free(dir->path);
    mem_free(dir);
    return status;
}

/* As it was given or made: messages repeat it to the user. */
const char *run_dir_path(const run_dir *dir)
{
    return dir->path;
}

char *run_dir_file(const run_dir *dir, const char *name)
{
    return mem_printf("%s/%s", dir->path, name);
}

/* In an event the folder is the host's to set. */
odeon_status run_dir_event(run_dir *dir, const odeon_event *event, const metrics_row *row)
{
    odeon_event here = *event;
    here.folder = dir->path;
    return metrics_event(dir->metrics, &here, row);
}

bool run_dir_wants(const run_dir *dir, int32_t type)
{
    return metrics_want(dir->metrics, type);
}

void run_dir_write_rows(run_dir *dir)
{
    metrics_write(dir->metrics);
}

void run_dir_write_rows_if_due(run_dir *dir, double seconds)
{
    metrics_write_if_due(dir->metrics, seconds);
}

metrics_mark run_dir_sync(run_dir *dir)
{
    return metrics_sync(dir->metrics);
}

/* Releases json. */
static odeon_status put_manifest(const run_dir *dir, text_buffer *json)
{
    odeon_status status =
        json->failed ? out_of_memory() : write_file(dir, manifest_name, json->data);
    text_fini(json);
    return status;
}

odeon_status run_dir_manifest(run_dir *dir, const manifest_facts *facts)
{
    text_buffer json = {0};
    manifest_print(&json, facts);
    return put_manifest(dir, &json);
}

/* Written anew with an entry more; a manifest that is gone is begun again. */
odeon_status run_dir_resumed(run_dir *dir, const manifest_facts *facts, int64_t step)
{
    char *path = run_dir_file(dir, manifest_name), *before = NULL;
    size_t bytes = 0;
    if (path == NULL) {
        return out_of_memory();
    }
    odeon_status status = access(path, F_OK) == 0 ? read_file(path, &before, &bytes) : ODEON_OK;
    if (status == ODEON_OK) {
        text_buffer json = {0};
        manifest_print_resumed(&json, before, facts, step);
        status = put_manifest(dir, &json);
    }
    mem_free(before);
    mem_free(path);
    return status;
}
