#include "run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "diag.h"
#include "mem.h"
#include "odeon/host.h"

static const char lock_name[] = "lock", mark_name[] = "no-checkpoint-yet";

static odeon_status lock_file(const char *file, const char *path, int *fd)
{
    *fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0) {
        return diag_fail(ODEON_ERR_IO, "%s: cannot open: %s", file, strerror(errno));
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0) {
        return ODEON_OK;
    }
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

/* ---- the mark ---- */

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
    char *file = mem_printf("%s/%s", path, mark_name);
    bool found = file != NULL && access(file, F_OK) == 0;
    mem_free(file);
    return found;
}

/* ---- what killed processes leave ---- */

static bool is_temporary(const char *name)
{
    static const char ending[] = ".tmp";
    size_t n = strlen(name), m = sizeof ending - 1;
    return n > m && strcmp(name + n - m, ending) == 0;
}

bool run_folder_is_litter(const char *name)
{
    return strcmp(name, lock_name) == 0 || strcmp(name, mark_name) == 0 || is_temporary(name);
}

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

odeon_status run_folder_sweep(const char *path)
{
    char *checkpoints = mem_printf("%s/" RUN_FOLDER_CHECKPOINTS, path);
    if (checkpoints == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to look into it", path);
    }
    sweep(path);
    sweep(checkpoints);
    mem_free(checkpoints);
    return ODEON_OK;
}
