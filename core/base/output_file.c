#include "base/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/path.h"
#include "odeon/host.h"

enum { MAX_LINKS = 40 }; /* the kernel's own limit */

/* What a path resolves to. path is NULL exactly for TARGET_DESCRIPTOR given as "-"; info is set
 * except for TARGET_NEW. */
typedef struct target {
    enum { TARGET_NEW, TARGET_REGULAR, TARGET_STREAM, TARGET_DESCRIPTOR } kind;
    int descriptor; /* number of an open file of this process */
    char *path;     /* with all links resolved */
    struct stat info;
} target;

/* error is passed rather than read from errno, which a call in between may have changed. */
static odeon_status io_failure(const char *path, const char *what, int error)
{
    return diag_fail(ODEON_ERR_IO, "%s: %s: %s", path, what, strerror(error));
}

/* Said of the name as typed: it is what the user can act on. */
static odeon_status no_memory(const char *path)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to write it", path);
}

/* ---- resolving a path ---- */

/* realpath, because /dev/fd and its like are reached by several names. */
static bool same_folder(const char *a, const char *b)
{
    char real_a[PATH_MAX], real_b[PATH_MAX];
    return realpath(a, real_a) != NULL && realpath(b, real_b) != NULL &&
           strcmp(real_a, real_b) == 0;
}

/* Links in /proc stand for open files and cannot be resolved by their text: its target may be
 * deleted or have no name. */
static bool is_in_proc(const char *folder)
{
    struct statfs info;
    return statfs(folder, &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

/* The number of the own descriptor that path names (/dev/fd/N, /proc/self/fd/N), open or not; -1 if
 * it names none. Opening such a path again would lose the file position, so the descriptor itself
 * is used. */
static int own_descriptor(const char *path, const char *folder)
{
    const char *slash = strrchr(path, '/');
    int64_t number = -1;
    bool is_one =
        slash != NULL && number_parse_i64(slash + 1, &number) == NUMBER_OK && number >= 0 &&
        number <= INT_MAX &&
        (same_folder(folder, "/proc/self/fd") || same_folder(folder, "/proc/thread-self/fd"));
    return is_one ? (int)number : -1;
}

/* Checks up front that the descriptor is open for writing, so that a long run does not fail at its
 * end. */
static odeon_status use_descriptor(const char *name, int number, target *out)
{
    int flags = fcntl(number, F_GETFL);
    if (flags < 0 || fstat(number, &out->info) != 0) {
        return io_failure(name, "this descriptor cannot be written to", errno);
    }
    if ((flags & O_ACCMODE) == O_RDONLY) {
        return diag_fail(ODEON_ERR_IO, "%s: this descriptor is open for reading alone", name);
    }
    out->kind = TARGET_DESCRIPTOR;
    out->descriptor = number;
    return ODEON_OK;
}

/* Refuses what cannot or must not be written to. name is what the user typed, for messages. */
static odeon_status classify(const char *name, target *out)
{
    mode_t mode = out->info.st_mode;
    const char *what = S_ISDIR(mode)    ? "a folder: name a file in it"
                       : S_ISSOCK(mode) ? "a socket: nothing can be written to it"
                       : S_ISBLK(mode)  ? "a block device: nothing is written over a disk"
                                        : NULL;
    if (what != NULL) {
        return diag_fail(ODEON_ERR_IO, "%s: is %s", name, what);
    }
    out->kind = S_ISREG(mode) ? TARGET_REGULAR : TARGET_STREAM;
    return ODEON_OK;
}

/* Replaces out->path by the target of the symbolic link there. */
static odeon_status follow(const char *name, const char *folder, target *out)
{
    char text[PATH_MAX];
    ssize_t n = readlink(out->path, text, sizeof text - 1);
    if (n < 0) {
        return io_failure(name, "cannot be followed", errno);
    }
    text[n] = '\0';
    char *next = text[0] == '/' ? mem_strdup(text) : mem_printf("%s/%s", folder, text);
    if (next == NULL) {
        return no_memory(name);
    }
    mem_free(out->path);
    out->path = next;
    return ODEON_OK;
}

/* Resolves one link of the chain; *found is set once out describes the final target. */
static odeon_status resolve_name(const char *name, const char *folder, target *out, bool *found)
{
    int own = own_descriptor(out->path, folder);
    *found = true;
    if (own >= 0) {
        return use_descriptor(name, own, out);
    }
    if (lstat(out->path, &out->info) != 0) {
        out->kind = TARGET_NEW;
        return errno == ENOENT ? ODEON_OK : io_failure(name, "cannot be written", errno);
    }
    if (!S_ISLNK(out->info.st_mode)) {
        return classify(name, out);
    }
    if (is_in_proc(folder)) { /* an open file of another process */
        out->kind = TARGET_STREAM;
        return stat(out->path, &out->info) == 0 ? ODEON_OK
                                                : io_failure(name, "cannot be written", errno);
    }
    *found = false;
    return follow(name, folder, out);
}

/* Links are followed by hand, since opening with O_CREAT through them would hide which name the
 * file gets. */
static odeon_status resolve(const char *name, target *out)
{
    bool found = false;
    for (int i = 0; i <= MAX_LINKS && !found; i++) {
        char *folder = path_folder(out->path);
        odeon_status status =
            folder != NULL ? resolve_name(name, folder, out, &found) : no_memory(name);
        mem_free(folder);
        ODEON_TRY(status);
    }
    return found ? ODEON_OK : io_failure(name, "cannot be followed", ELOOP);
}

/* For every target_find, whatever it returned. */
static void target_fini(target *x)
{
    mem_free(x->path);
    x->path = NULL;
}

/* out may be passed to target_fini whatever is returned. */
static odeon_status target_find(const char *name, target *out)
{
    *out = (target){.descriptor = -1};
    if (strcmp(name, "-") == 0) {
        return use_descriptor("standard output", STDOUT_FILENO, out);
    }
    if (name[0] == '\0') {
        return diag_fail(ODEON_ERR_CONFIG, "the name of a file to write is empty");
    }
    out->path = mem_strdup(name);
    return out->path != NULL ? resolve(name, out) : no_memory(name);
}

/* ---- opening ---- */

/* Takes ownership of fd; if it is negative, reports errno. */
static odeon_status write_in_place(const char *name, int fd, bool trims, atomic_file *out)
{
    if (fd < 0) {
        return io_failure(name, "cannot open", errno);
    }
    *out = (atomic_file){.fd = fd, .path = mem_strdup(name), .trims = trims};
    if (out->path == NULL) {
        (void)close(fd);
        out->fd = -1;
        return no_memory(name);
    }
    return ODEON_OK;
}

/* Flushes stdout first: this descriptor may be the same file, and earlier output belongs before the
 * new. */
static odeon_status open_descriptor(const char *name, const target *at, atomic_file *out)
{
    (void)fflush(stdout);
    name = strcmp(name, "-") == 0 ? "standard output" : name;
    return write_in_place(name, fcntl(at->descriptor, F_DUPFD_CLOEXEC, 0), false, out);
}

/* Opens without blocking first: a terminal would wait for a carrier. A FIFO without a reader fails
 * with ENXIO; only then wait for one, with a note why. */
static odeon_status open_stream(const char *name, const target *at, atomic_file *out)
{
    int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY | O_APPEND;
    int fd = open(at->path, flags | O_NONBLOCK);
    if (fd >= 0) {
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    } else if (errno == ENXIO && S_ISFIFO(at->info.st_mode)) {
        diag_log(ODEON_LOG_WARNING, "%s: nobody reads this FIFO yet; waiting for its reader", name);
        do {
            fd = open(at->path, flags);
        } while (fd < 0 && errno == EINTR);
    }
    return write_in_place(name, fd, false, out);
}

/* Gives the new file the owner and mode of the old one, which it will replace. */
static bool copy_ownership(int fd, const struct stat *old)
{
    struct stat now;
    if (fstat(fd, &now) != 0) {
        return false;
    }
    bool same = now.st_uid == old->st_uid && now.st_gid == old->st_gid;
    return (same || fchown(fd, old->st_uid, old->st_gid) == 0) &&
           fchmod(fd, old->st_mode & 0777) == 0;
}

/* AT_EACCESS checks the effective user, as open does. */
static bool may_write(const char *path, int how)
{
    return faccessat(AT_FDCWD, path, how, AT_EACCESS) == 0;
}

/* Asked even where the folder would allow a replacement: a file that is write-protected was meant
 * to stay. */
static odeon_status check_regular(const char *name, const target *at)
{
    return may_write(at->path, W_OK) ? ODEON_OK : io_failure(name, "cannot be written", errno);
}

/* Replaces the file atomically where its folder is writable and its owner can be kept; else writes
 * it in place. Mode 0600 until copy_ownership, so that nobody else can read it meanwhile. */
static odeon_status open_regular(const char *name, const target *at, atomic_file *out)
{
    ODEON_TRY(check_regular(name, at));
    char *folder = path_folder(at->path);
    if (folder == NULL) {
        return no_memory(name);
    }
    bool beside = may_write(folder, W_OK | X_OK);
    mem_free(folder);
    if (beside) {
        ODEON_TRY(atomic_file_open_mode(at->path, 0600, out));
        if (copy_ownership(out->fd, &at->info)) {
            return ODEON_OK;
        }
        atomic_file_abandon(out);
    }
    return write_in_place(name, open(at->path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW), true, out);
}

/* Each kind has its own way to be opened; what they share is that the result is written and
 * committed alike. */
static odeon_status open_target(const char *name, const target *at, atomic_file *out)
{
    switch (at->kind) {
    case TARGET_NEW:
        return atomic_file_open(at->path, out);
    case TARGET_REGULAR:
        return open_regular(name, at, out);
    case TARGET_STREAM:
        return open_stream(name, at, out);
    default:
        return open_descriptor(name, at, out);
    }
}

/* The path is resolved once. What stands there may change before it is opened; a file that is
 * written in place is then opened without following a link, and a new one under a name that nobody
 * has. */
odeon_status output_file_open(const char *path, atomic_file *out)
{
    target at;
    *out = (atomic_file){.fd = -1};
    odeon_status status = target_find(path, &at);
    if (status == ODEON_OK) {
        status = open_target(path, &at, out);
    }
    target_fini(&at);
    return status;
}

odeon_status output_file_put(const char *path, const void *data, size_t bytes)
{
    atomic_file file;
    ODEON_TRY(output_file_open(path, &file));
    return atomic_file_finish(&file, data, bytes);
}

/* ---- checks before writing ---- */

/* Access is asked of the folder, since creating the file for a test would show to others. */
static odeon_status check_new(const char *name, const target *at)
{
    char *folder = path_folder(at->path);
    if (folder == NULL) {
        return no_memory(name);
    }
    odeon_status status = may_write(folder, W_OK | X_OK)
                              ? ODEON_OK
                              : io_failure(name, "cannot be made in its folder", errno);
    mem_free(folder);
    return status;
}

/* Descriptors have been checked by target_find. Streams are not tried, since opening one may block
 * or have effects. */
odeon_status output_file_check(const char *path)
{
    target at;
    odeon_status status = target_find(path, &at);
    if (status == ODEON_OK && at.kind == TARGET_NEW) {
        status = check_new(path, &at);
    } else if (status == ODEON_OK && at.kind == TARGET_REGULAR) {
        status = check_regular(path, &at);
    }
    target_fini(&at);
    return status;
}

/* A path that cannot be resolved is no stream; opening it will report the reason. */
bool output_file_is_stream(const char *path)
{
    target at;
    bool is_one = target_find(path, &at) == ODEON_OK &&
                  (at.kind == TARGET_STREAM || at.kind == TARGET_DESCRIPTOR);
    target_fini(&at);
    diag_clear();
    return is_one;
}

/* Two names, one file: device and inode tell, whatever links are in between. */
static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* A pipe or file that is also standard output would mix both; for a character device (terminal,
 * /dev/null) mixing does no harm. */
bool output_file_is_stdout(const char *path)
{
    target at;
    struct stat out;
    bool is_out = false;
    if (target_find(path, &at) == ODEON_OK && at.kind != TARGET_NEW && at.kind != TARGET_REGULAR) {
        bool same = fstat(STDOUT_FILENO, &out) == 0 && same_file(&out, &at.info);
        is_out = at.descriptor == STDOUT_FILENO || (same && !S_ISCHR(at.info.st_mode));
    }
    target_fini(&at);
    diag_clear();
    return is_out;
}

/* Compares device and inode, so that links and other spellings of a path are caught. */
odeon_status output_file_spare(const char *option, const char *path, const char *other_option,
                               const char *other)
{
    struct stat a, b;
    if (other == NULL || stat(path, &a) != 0 || stat(other, &b) != 0 || !S_ISREG(a.st_mode) ||
        !same_file(&a, &b)) {
        return ODEON_OK;
    }
    return diag_fail(ODEON_ERR_CONFIG,
                     "%s %s: is a file that this command reads (%s) and that would be lost: name "
                     "another",
                     option, path, other_option);
}
