#include "run/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/read_file.h"
#include "odeon/host.h"

static odeon_status open_path(log_file *file, int how)
{
    file->fd = open(file->path, O_RDWR | how | O_APPEND | O_CLOEXEC, 0666);
    if (file->fd < 0 && errno == EEXIST) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s exists: a run is never overwritten; choose another run.out",
                         file->path);
    }
    if (file->fd < 0 && (errno != ENOENT || (how & O_CREAT) != 0)) {
        return diag_fail(ODEON_ERR_IO, "%s: cannot open: %s", file->path, strerror(errno));
    }
    return ODEON_OK;
}

/* Without O_CREAT a file that is not there leaves fd -1. */
static odeon_status open_file(log_file *file, const char *folder, const char *name, int how)
{
    file->path = mem_printf("%s/%s", folder, name);
    file->waiting = mem_alloc(LOG_FILE_BYTES);
    if (file->path == NULL || file->waiting == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to write %s", folder, name);
    }
    return open_path(file, how);
}

odeon_status log_file_create(log_file *file, const char *folder, const char *name)
{
    return open_file(file, folder, name, O_CREAT | O_EXCL);
}

/* ---- a file that a run goes on with ---- */

/* A lone CR is left as it is. Returns the length of what is left. */
static size_t strip_returns(char *text, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] != '\r' || i + 1 == bytes || text[i + 1] != '\n') {
            text[n++] = text[i];
        }
    }
    return n;
}

/* Whether the first line ends in CR LF: an editor of another system has saved the file. */
static bool ends_in_crlf(int fd)
{
    enum { CHUNK = 4096 };
    char text[CHUNK], last = '\0';
    ssize_t n = 0;
    for (off_t at = 0; (n = pread(fd, text, sizeof text, at)) > 0; at += n) {
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] == '\n') {
                return last == '\r';
            }
            last = text[i];
        }
    }
    return false;
}

/* The bytes that a mark counts are those of the text with LF. */
odeon_status log_file_open(log_file *file, const char *folder, const char *name)
{
    ODEON_TRY(open_file(file, folder, name, 0));
    if (file->fd < 0 || file->records || !ends_in_crlf(file->fd)) {
        return ODEON_OK;
    }
    ODEON_TRY(read_file(file->path, &file->restored, &file->restored_bytes));
    file->restored_bytes = strip_returns(file->restored, file->restored_bytes);
    return ODEON_OK;
}

/* Reads of the file as it will be gone on with: nothing is written before all checks have passed.
 * A file that is not there is empty. */
static ssize_t read_at(const log_file *file, char *to, size_t bytes, size_t at)
{
    if (file->restored == NULL) {
        return file->fd < 0 ? 0 : pread(file->fd, to, bytes, (off_t)at);
    }
    size_t left = at < file->restored_bytes ? file->restored_bytes - at : 0;
    size_t n = bytes < left ? bytes : left;
    memcpy(to, file->restored + (left > 0 ? at : 0), n);
    return (ssize_t)n;
}

bool log_file_has_text(const log_file *file)
{
    char first;
    return read_at(file, &first, 1, 0) > 0;
}

static odeon_status check_records(const log_file *file, int64_t bytes)
{
    struct stat info = {.st_size = 0};
    if (file->fd >= 0 && fstat(file->fd, &info) != 0) {
        return diag_fail(ODEON_ERR_IO, "%s: %s", file->path, strerror(errno));
    }
    return info.st_size == 0 || info.st_size >= bytes
               ? ODEON_OK
               : diag_fail(
                     ODEON_ERR_DATA,
                     "%s: is not as the run left it: it has %lld bytes, and its records of "
                     "the checkpoint end at byte %lld; move it away, and the run goes on with "
                     "a new one",
                     file->path, (long long)info.st_size, (long long)bytes);
}

/* Where the mark is there ends a line, unless somebody has changed the file. */
odeon_status log_file_check_mark(const log_file *file, int64_t bytes)
{
    if (file->records) {
        return check_records(file, bytes);
    }
    char last = '\n';
    ssize_t n = bytes > 0 ? read_at(file, &last, 1, (size_t)bytes - 1) : 0;
    if (n < 0) {
        return diag_fail(ODEON_ERR_IO, "%s: cannot read: %s", file->path, strerror(errno));
    }
    return last == '\n' ? ODEON_OK
                        : diag_fail(ODEON_ERR_DATA,
                                    "%s: is not as the run left it: no line ends at byte %lld, "
                                    "where the checkpoint's rows do; move it away, and the run "
                                    "goes on with a new one",
                                    file->path, (long long)bytes);
}

odeon_status log_file_check_begin(const log_file *file, const char *text, size_t bytes)
{
    char *begins = mem_zalloc(bytes + 1, 1);
    if (begins == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for a row", file->path);
    }
    ssize_t n = read_at(file, begins, bytes, 0);
    bool same = n == (ssize_t)bytes && memcmp(begins, text, bytes) == 0;
    mem_free(begins);
    return same ? ODEON_OK
                : diag_fail(
                      ODEON_ERR_DATA,
                      "%s: does not begin with the columns of this run; move it away, and the run "
                      "goes on with a new one",
                      file->path);
}

/* Writes the restored text in the file's place, and creates a file that is not there. */
static odeon_status restore(log_file *file)
{
    if (file->restored != NULL) {
        ODEON_TRY(atomic_file_put(file->path, file->restored, file->restored_bytes));
        diag_log(ODEON_LOG_WARNING, "%s: its lines ended in CR LF; written again with LF",
                 file->path);
        (void)close(file->fd);
        file->fd = -1;
    }
    return file->fd < 0 ? open_path(file, O_CREAT) : ODEON_OK;
}

/* Cuts the file back to so many bytes. */
static odeon_status cut(log_file *file, int64_t bytes)
{
    struct stat info;
    if (fstat(file->fd, &info) != 0 || (info.st_size > bytes && ftruncate(file->fd, bytes) != 0)) {
        return diag_fail(ODEON_ERR_IO, "%s: cannot be cut back to %lld bytes: %s", file->path,
                         (long long)bytes, strerror(errno));
    }
    if (info.st_size < bytes) {
        diag_log(ODEON_LOG_WARNING, "%s: has lost rows: %lld bytes, expected %lld", file->path,
                 (long long)info.st_size, (long long)bytes);
    }
    file->whole = info.st_size < bytes ? info.st_size : bytes;
    return ODEON_OK;
}

/* Rows behind the mark are of steps that the run makes again. */
odeon_status log_file_continue(log_file *file, int64_t bytes)
{
    ODEON_TRY(restore(file));
    return cut(file, bytes);
}

/* ---- lines ---- */

/* Notes the first failure. */
static void note_failure(log_file *file, int error)
{
    if (file->error == 0) {
        file->error = error;
        diag_log(ODEON_LOG_WARNING, "%s: cannot write: %s; the run goes on without it", file->path,
                 strerror(error));
    }
}

/* Writes text as far as there is room for it. Returns how many bytes that were. */
static size_t write_text(log_file *file, const char *text, size_t bytes)
{
    size_t done = 0;
    while (file->error == 0 && done < bytes) {
        ssize_t n = write(file->fd, text + done, bytes - done);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno != EINTR) {
            note_failure(file, errno);
        }
    }
    return done;
}

/* Writes text, whose lines end there. What was written up to the last end counts; half a line
 * would mislead, and is cut off. If this fails too, so be it. */
static void write_lines(log_file *file, const char *text, size_t n_ends, const size_t *ends)
{
    size_t done = write_text(file, text, ends[n_ends - 1]), whole = 0;
    for (size_t i = 0; i < n_ends && ends[i] <= done; i++) {
        whole = ends[i];
    }
    file->whole += (off_t)whole;
    if (whole < done) {
        (void)!ftruncate(file->fd, file->whole);
    }
}

void log_file_write(log_file *file)
{
    if (file->n_ends > 0) {
        write_lines(file, file->waiting, file->n_ends, file->ends);
        file->n_ends = 0;
    }
}

static size_t waiting_bytes(const log_file *file)
{
    return file->n_ends > 0 ? file->ends[file->n_ends - 1] : 0;
}

/* After the first failure nothing more is written. */
void log_file_add(log_file *file, const char *text, size_t bytes)
{
    if (file->n_ends == LOG_FILE_ENDS || bytes > LOG_FILE_BYTES - waiting_bytes(file)) {
        log_file_write(file);
    }
    if (file->error != 0 || bytes == 0) {
        return;
    }
    if (bytes > LOG_FILE_BYTES) {
        write_lines(file, text, 1, &bytes);
        return;
    }
    size_t before = waiting_bytes(file);
    memcpy(file->waiting + before, text, bytes);
    file->ends[file->n_ends++] = before + bytes;
}

/* What cannot be synced may be lost with the machine: the mark then counts it, and a run that goes
 * on finds the file shorter and says so. */
void log_file_sync(log_file *file)
{
    log_file_write(file);
    if (fsync(file->fd) != 0 && errno != EINVAL) { /* EINVAL: no such thing there */
        note_failure(file, errno);
    }
}

void log_file_close(log_file *file)
{
    if (file->fd >= 0) {
        log_file_sync(file);
        if (close(file->fd) != 0) {
            note_failure(file, errno);
        }
    }
}

/* At the end of a run, where a warning of long ago may have been missed. */
odeon_status log_file_status(const log_file *file)
{
    if (file->error == 0) {
        return ODEON_OK;
    }
    return diag_fail(ODEON_ERR_IO, "%s: could not be written to its end: %s", file->path,
                     strerror(file->error));
}

void log_file_fini(log_file *file)
{
    mem_free(file->path);
    mem_free(file->waiting);
    mem_free(file->restored);
}
