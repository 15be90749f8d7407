#include "format/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/path.h"
#include "format/checkpoint_list.h"
#include "odeon/host.h"

/* Neither name ends in .tmp, so that a sweep leaves both. */
static const char lock_name[] = "lock", mark_name[] = "no-checkpoint-yet";

/* flock rather than fcntl: its lock belongs to the open file and ends with it, however the process
 * ends, and is not lost when another descriptor of the same file is closed. The file itself stays:
 * removing it would let two processes lock two files of one name. */
static odeon_status lock_file(const char *file, const char *path, int *fd)
{
    *fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0) {
        return diag_fail(ODEON_ERR_IO, "%s: cannot open: %s", file, strerror(errno));
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0) {
        return ODEON_OK;
    }
    /* Some network file systems have no locks. There the run goes on, and the user sees to it. */
    if (errno != EWOULDBLOCK) {
        diag_log(ODEON_LOG_WARNING,
                 "%s: cannot lock: %s; see to it that no other process works on this run", file,
                 strerror(errno));
        return ODEON_OK;
    }
    (void)close(*fd);
    *fd = -1;
    return diag_fail(ODEON_ERR_CONFIG, "%s: another process is working on this run", path);
}

/* Without waiting: a second process of the same run is a mistake, not a queue. */
odeon_status run_folder_lock(const char *path, int *fd)
{
    *fd = -1;
    char *file = mem_printf("%s/%s", path, lock_name);
    if (file == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to lock it", path);
    }
    odeon_status status = lock_file(file, path, fd);
    mem_free(file);
    return status;
}

/* ---- a run where a file could stand ---- */

/* Links are followed, as a path may be one. */
static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static odeon_status no_memory_for(const char *path)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
}

/* FOLDER/NAME if there is such a file, else NULL. */
static odeon_status find_in(const char *folder, const char *name, char **out)
{
    size_t n = strlen(folder);
    *out = mem_printf("%s%s%s", folder, n > 0 && folder[n - 1] == '/' ? "" : "/", name);
    if (*out == NULL) {
        return no_memory_for(folder);
    }
    if (access(*out, F_OK) != 0) {
        mem_free(*out);
        *out = NULL;
    }
    return ODEON_OK;
}

static odeon_status copy_of(const char *path, char **out)
{
    *out = mem_strdup(path);
    return *out != NULL ? ODEON_OK : no_memory_for(path);
}

/* Every run's folder has its configuration; a folder with weights alone is none. */
bool run_folder_is_run(const char *path)
{
    return is_folder(path) && path_holds(path, RUN_FOLDER_INI);
}

/* A file is not looked at here: whoever reads it says what is wrong with it. */
odeon_status run_folder_find_ini(const char *path, char **out)
{
    if (!is_folder(path)) {
        return copy_of(path, out);
    }
    ODEON_TRY(find_in(path, RUN_FOLDER_INI, out));
    return *out != NULL ? ODEON_OK
                        : diag_fail(ODEON_ERR_IO,
                                    "%s: not a regular file, and no run's folder: it has "
                                    "no " RUN_FOLDER_INI,
                                    path);
}

/* NULL: there is none. By name alone; whoever opens the file finds out whether it is sound. */
static odeon_status newest_checkpoint(const char *run, char **out)
{
    int64_t *steps = NULL;
    size_t n = 0;
    char *folder = checkpoint_list_folder(run);
    odeon_status status =
        folder != NULL ? checkpoint_list_steps(folder, &n, &steps) : no_memory_for(run);
    if (status == ODEON_OK && n > 0) {
        *out = checkpoint_list_path(folder, steps[0]);
        status = *out != NULL ? ODEON_OK : no_memory_for(run);
    }
    mem_free(steps);
    mem_free(folder);
    return status;
}

/* A run that is under way, or was killed, has no weights yet, but can be asked by its newest
 * checkpoint; the warning says that these are not the final ones. */
odeon_status run_folder_find_weights(const char *path, char **out)
{
    if (!is_folder(path)) {
        return copy_of(path, out);
    }
    ODEON_TRY(find_in(path, RUN_FOLDER_WEIGHTS, out));
    if (*out == NULL) {
        odeon_status status = newest_checkpoint(path, out);
        if (status == ODEON_ERR_NOMEM) {
            return status;
        }
        if (*out != NULL) {
            diag_log(ODEON_LOG_WARNING, "%s: has no " RUN_FOLDER_WEIGHTS " yet; taken from %s",
                     path, *out);
        }
    }
    if (*out != NULL) {
        return ODEON_OK;
    }
    diag_clear(); /* why there are no checkpoints */
    return diag_fail(ODEON_ERR_IO,
                     "%s: not a regular file, and no run's folder with weights: it has "
                     "neither " RUN_FOLDER_WEIGHTS " nor checkpoints",
                     path);
}

/* ---- the mark ---- */

/* An empty file: only that it is there counts, so it need not be written atomically. */
odeon_status run_folder_mark(const char *path)
{
    char *file = mem_printf("%s/%s", path, mark_name);
    if (file == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to write into it", path);
    }
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    odeon_status status =
        fd >= 0 ? ODEON_OK
                : diag_fail(ODEON_ERR_IO, "%s: cannot create: %s", file, strerror(errno));
    if (fd >= 0) {
        (void)close(fd);
    }
    mem_free(file);
    return status;
}

/* Without memory the mark stays, which is no worse than a process that is killed here: whoever
 * opens the run finds the checkpoint first. */
void run_folder_unmark(const char *path)
{
    char *file = mem_printf("%s/%s", path, mark_name);
    if (file != NULL) {
        (void)unlink(file);
    }
    mem_free(file);
}

bool run_folder_is_marked(const char *path)
{
    return path_holds(path, mark_name);
}

/* ---- what killed processes leave ---- */

/* As atomic_file.h names them, and longer than the ending itself. */
static bool is_temporary(const char *name)
{
    static const char ending[] = ".tmp";
    size_t n = strlen(name), m = sizeof ending - 1;
    return n > m && strcmp(name + n - m, ending) == 0;
}

/* What a start that was killed early leaves, beside which a new run may begin. */
bool run_folder_is_litter(const char *name)
{
    return strcmp(name, lock_name) == 0 || strcmp(name, mark_name) == 0 || is_temporary(name);
}

/* Under the run's lock no other process writes here, so that every such file is one that is left
 * over. */
static void sweep(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        if (is_temporary(e->d_name)) {
            (void)unlinkat(dirfd(folder), e->d_name, 0);
        }
    }
    (void)closedir(folder);
}

/* Temporary files stand beside what they would have become: in these two folders. */
odeon_status run_folder_sweep(const char *path)
{
    char *checkpoints = mem_printf("%s/" CHECKPOINT_LIST_FOLDER, path);
    if (checkpoints == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to look into it", path);
    }
    sweep(path);
    sweep(checkpoints);
    mem_free(checkpoints);
    return ODEON_OK;
}
