#include "run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "atomic_file.h"
#include "diag.h"
#include "manifest.h"
#include "mem.h"
#include "metrics.h"

struct run_dir {
    char *path;
    metrics *metrics;
};

static odeon_status io_failure(const char *path, const char *what)
{
    return diag_fail(ODEON_ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

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
    while (entry != NULL && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)) {
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

static odeon_status make(run_dir *dir, const config *c)
{
    ODEON_TRY(c->out != NULL ? use_given(dir, c->out) : use_numbered(dir, c->name));
    ODEON_TRY(metrics_open(dir->path, &dir->metrics)); /* fails if another run was faster */
    return write_file(dir, "effective.ini", c->effective);
}

/* So that the same run.out can be used again. What others made stays: rmdir wants it empty. */
static void undo(const run_dir *dir)
{
    static const char *const made[] = {"metrics.csv", "metrics.jsonl", "effective.ini"};
    for (size_t i = 0; i < 3 && dir->metrics != NULL; i++) {
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

odeon_status run_dir_create(const config *c, run_dir **out)
{
    *out = NULL;
    run_dir *dir = mem_zalloc(1, sizeof *dir);
    if (dir == NULL) {
        return out_of_memory();
    }
    odeon_status status = make(dir, c);
    if (status != ODEON_OK) {
        undo(dir);
        (void)run_dir_close(dir);
        return status;
    }
    *out = dir;
    return ODEON_OK;
}

odeon_status run_dir_close(run_dir *dir)
{
    if (dir == NULL) {
        return ODEON_OK;
    }
    odeon_status status = metrics_close(dir->metrics);
    mem_free(dir->path);
    mem_free(dir);
    return status;
}

const char *run_dir_path(const run_dir *dir)
{
    return dir->path;
}

char *run_dir_file(const run_dir *dir, const char *name)
{
    return mem_printf("%s/%s", dir->path, name);
}

odeon_status run_dir_metrics(run_dir *dir, const metrics_row *row)
{
    return metrics_add(dir->metrics, row);
}

odeon_status run_dir_manifest(run_dir *dir, const config *c, const registry *r,
                              const char *device_text, int workers, int argc,
                              const char *const *argv)
{
    manifest_facts facts = {.config = c,
                            .registry = r,
                            .device_text = device_text,
                            .workers = workers,
                            .argc = argc,
                            .argv = argv};
    text_buffer json = {0};
    manifest_print(&json, &facts);
    odeon_status status =
        json.failed ? out_of_memory() : write_file(dir, "manifest.json", json.data);
    text_fini(&json);
    return status;
}
