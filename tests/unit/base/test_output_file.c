/* Files that the user names: what each kind of path becomes, what is refused, and in which words.
 */
#include "base/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "captured.h"
#include "folder.h"
#include "support.h"

static int open_folder(void **state)
{
    static folder f;
    f = folder_create();
    *state = &f;
    diag_clear();
    return 0;
}

static int close_folder(void **state)
{
    folder_remove(*state);
    return 0;
}

/* As folder_file, for as many paths as a test has. */
static const char *path_of(const folder *f, const char *name)
{
    static char paths[8][512];
    static int turn;
    turn = (turn + 1) % 8;
    (void)snprintf(paths[turn], sizeof paths[turn], "%s", folder_file(f, name));
    return paths[turn];
}

static odeon_status put(const char *path, const char *text)
{
    diag_clear();
    return output_file_put(path, text, strlen(text));
}

static void assert_contents(const char *path, const char *expected)
{
    size_t bytes;
    char *data = folder_read(path, &bytes);
    assert_int_equal(bytes, strlen(expected));
    assert_memory_equal(data, expected, bytes);
    free(data);
}

/* Both the check in advance and the opening refuse path, in the same words. */
static void assert_refused(const char *path, odeon_status status, const char *message)
{
    atomic_file file;
    diag_clear();
    assert_int_equal(output_file_check(path), status);
    assert_string_equal(diag_message(), message);
    diag_clear();
    assert_int_equal(output_file_open(path, &file), status);
    assert_string_equal(diag_message(), message);
    assert_true(file.fd == -1 && file.path == NULL);
}

/* "PATH: " and what is said of it. */
static const char *said_of(const char *path, const char *what)
{
    static char text[1024];
    (void)snprintf(text, sizeof text, "%s: %s", path, what);
    return text;
}

static mode_t mode_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_mode & 0777;
}

/* ---- files ---- */

static void test_nothing_becomes_a_file_at_the_commit(void **state)
{
    const folder *f = *state;
    const char *path = folder_file(f, "new");
    atomic_file file;
    mode_t mask = umask(027);
    assert_int_equal(output_file_open(path, &file), ODEON_OK);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(atomic_file_finish(&file, "text", 4), ODEON_OK);
    (void)umask(mask);
    assert_contents(path, "text");
    assert_int_equal(mode_of(path), 0640);
}

static void test_a_file_is_replaced_with_its_mode(void **state)
{
    const folder *f = *state;
    const char *path = path_of(f, "old"), *link_path = path_of(f, "other-name");
    folder_write(f, "old", "a long old text", 15);
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(link(path, link_path), 0);
    atomic_file file;
    assert_int_equal(output_file_open(path, &file), ODEON_OK);
    assert_non_null(file.temporary);
    assert_int_equal(mode_of(file.temporary), 0604);
    assert_contents(path, "a long old text");
    assert_int_equal(atomic_file_finish(&file, "new", 3), ODEON_OK);
    assert_contents(path, "new");
    assert_int_equal(mode_of(path), 0604);
    assert_contents(link_path, "a long old text");
}

static void test_the_owner_is_kept(void **state)
{
    const folder *f = *state;
    const char *path = folder_file(f, "theirs");
    struct stat info;
    folder_write(f, "theirs", "old", 3);
    if (chown(path, 12345, 23456) != 0) {
        support_not_covered("owners of files that are replaced (not root)");
    }
    assert_int_equal(put(path, "new"), ODEON_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_true(info.st_uid == 12345 && info.st_gid == 23456);
}

/* As another user than root, to whom permissions do not apply. */
static bool become_nobody(void)
{
    return geteuid() != 0 || seteuid(65534) == 0;
}

static void become_root(void)
{
    (void)seteuid(getuid());
}

/* To another user than its owner, in a folder of this mode, a file is the same file with new
 * contents. */
static void check_overwritten(const folder *f, mode_t folder_mode)
{
    const char *path = path_of(f, "layer/file"), *layer = path_of(f, "layer");
    struct stat before, after;
    folder_write(f, "layer/file", "a long old text", 15);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(chmod(f->path, 0755), 0);
    assert_int_equal(chmod(layer, folder_mode), 0);
    assert_int_equal(stat(path, &before), 0);
    assert_true(become_nobody());
    odeon_status check = output_file_check(path), status = put(path, "new");
    become_root();
    assert_int_equal(chmod(layer, 0755), 0);
    assert_int_equal(check, ODEON_OK);
    assert_int_equal(status, ODEON_OK);
    assert_contents(path, "new");
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_int_equal(after.st_uid, before.st_uid);
}

static void test_in_a_closed_folder_a_file_is_overwritten(void **state)
{
    check_overwritten(*state, 0555);
}

/* Nobody but root can give a file away. */
static void test_a_file_whose_owner_cannot_be_kept_is_overwritten(void **state)
{
    if (geteuid() != 0) {
        support_not_covered("files of others in one's own folder (not root)");
    }
    check_overwritten(*state, 0777);
}

static void test_what_may_not_be_written_is_refused(void **state)
{
    const folder *f = *state;
    const char *path = path_of(f, "layer/file"), *beside = path_of(f, "layer/none");
    folder_write(f, "layer/file", "old", 3);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(f->path, 0755), 0);
    assert_int_equal(chmod(folder_file(f, "layer"), 0555), 0);
    assert_true(become_nobody());
    diag_clear();
    odeon_status file = output_file_check(path);
    diag_reason file_reason = diag_take();
    odeon_status new_file = output_file_check(beside);
    diag_reason new_reason = diag_take();
    odeon_status opened = put(path, "new");
    become_root();
    assert_int_equal(chmod(folder_file(f, "layer"), 0755), 0);
    assert_int_equal(file, ODEON_ERR_IO);
    assert_string_equal(file_reason.text, said_of(path, "cannot be written: Permission denied"));
    assert_int_equal(new_file, ODEON_ERR_IO);
    assert_string_equal(new_reason.text,
                        said_of(beside, "cannot be made in its folder: Permission denied"));
    assert_int_equal(opened, ODEON_ERR_IO);
    assert_contents(path, "old");
}

/* ---- links ---- */

static void test_links_are_followed_to_the_end(void **state)
{
    const folder *f = *state;
    struct stat info;
    const char *first = path_of(f, "first"), *end = path_of(f, "layer/end");
    const char *created = path_of(f, "layer/created");
    folder_write(f, "layer/end", "old", 3);
    assert_int_equal(symlink("layer/second", first), 0); /* from the folder that it stands in */
    assert_int_equal(symlink(end, folder_file(f, "layer/second")), 0);
    assert_int_equal(put(first, "new"), ODEON_OK);
    assert_contents(end, "new");
    assert_int_equal(lstat(first, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(symlink("layer/created", folder_file(f, "dangling")), 0);
    assert_int_equal(put(folder_file(f, "dangling"), "here"), ODEON_OK);
    assert_contents(created, "here");
}

static void test_links_in_a_circle_are_refused(void **state)
{
    const folder *f = *state;
    const char *path = path_of(f, "a");
    assert_int_equal(symlink("b", path), 0);
    assert_int_equal(symlink("a", folder_file(f, "b")), 0);
    assert_refused(path, ODEON_ERR_IO,
                   said_of(path, "cannot be followed: Too many levels of symbolic links"));
}

/* ---- what is no file ---- */

static void test_other_kinds_are_refused(void **state)
{
    const folder *f = *state;
    const char *path = path_of(f, "socket"), *block = path_of(f, "block");
    assert_refused(f->path, ODEON_ERR_IO, said_of(f->path, "is a folder: name a file in it"));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.100s", path);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(s, (const struct sockaddr *)&address, sizeof address), 0);
    assert_refused(path, ODEON_ERR_IO, said_of(path, "is a socket: nothing can be written to it"));
    (void)close(s);
    if (mknod(block, S_IFBLK | 0600, makedev(7, 200)) == 0) {
        assert_refused(block, ODEON_ERR_IO,
                       said_of(block, "is a block device: nothing is written over a disk"));
    }
    assert_refused("", ODEON_ERR_CONFIG, "the name of a file to write is empty");
}

static void test_a_folder_that_is_not_there(void **state)
{
    const folder *f = *state;
    char path[512];
    (void)snprintf(path, sizeof path, "%s", folder_file(f, "no/such"));
    diag_clear();
    assert_int_equal(output_file_check(path), ODEON_ERR_IO);
    assert_string_equal(diag_message(),
                        said_of(path, "cannot be made in its folder: No such file or directory"));
    assert_int_equal(put(path, "x"), ODEON_ERR_IO);
    folder_write(f, "file", "x", 1);
    (void)snprintf(path, sizeof path, "%s", folder_file(f, "file/in"));
    assert_refused(path, ODEON_ERR_IO, said_of(path, "cannot be written: Not a directory"));
}

static void test_a_check_changes_nothing(void **state)
{
    const folder *f = *state;
    folder_write(f, "file", "text", 4);
    assert_int_equal(output_file_check(folder_file(f, "file")), ODEON_OK);
    assert_int_equal(output_file_check(folder_file(f, "none")), ODEON_OK);
    assert_int_equal(access(folder_file(f, "none"), F_OK), -1);
    assert_contents(folder_file(f, "file"), "text");
}

/* ---- streams ---- */

static void test_a_fifo_is_written_to(void **state)
{
    const folder *f = *state;
    const char *path = folder_file(f, "fifo");
    char text[8] = "";
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(output_file_check(path), ODEON_OK); /* and does not wait */
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_int_equal(put(path, "text"), ODEON_OK);
    assert_int_equal(read(reader, text, sizeof text), 4);
    assert_string_equal(text, "text");
    (void)close(reader);
    assert_true(output_file_is_stream(path)); /* still */
}

typedef struct late_reader {
    const char *path;
    int fd;
} late_reader;

/* Opening blocks until the other end is opened, so neither side needs a pause. */
static void *read_late(void *argument)
{
    late_reader *r = argument;
    r->fd = open(r->path, O_RDONLY);
    return NULL;
}

static void test_the_reader_of_a_fifo_is_waited_for(void **state)
{
    const folder *f = *state;
    char text[8] = "";
    const char *path = path_of(f, "fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    late_reader r = {.path = path};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_late, &r), 0);
    captured c;
    captured_start(&c);
    odeon_status status = put(path, "text");
    captured_stop(&c);
    (void)pthread_join(thread, NULL);
    assert_int_equal(status, ODEON_OK);
    assert_int_equal(read(r.fd, text, sizeof text), 4);
    assert_string_equal(text, "text");
    (void)close(r.fd);
    /* silent where the thread was first */
    assert_true(c.text[0] == '\0' || strstr(c.text, "nobody reads this FIFO yet; waiting for its "
                                                    "reader") != NULL);
}

/* A null device of the folder, as root could lose that of the machine if a test fails. */
static const char *null_device(const folder *f)
{
    const char *path = path_of(f, "null");
    if (geteuid() != 0) {
        return "/dev/null";
    }
    if (mknod(path, S_IFCHR | 0666, makedev(1, 3)) != 0) {
        support_not_covered("files that are devices (none can be made here)");
    }
    return path;
}

static void test_devices_are_streams_and_files_are_none(void **state)
{
    const folder *f = *state;
    const char *null = null_device(f);
    folder_write(f, "file", "x", 1);
    assert_true(output_file_is_stream(null));
    assert_true(output_file_is_stream("-"));
    assert_true(output_file_is_stream("/dev/stdout"));
    assert_false(output_file_is_stream(folder_file(f, "file")));
    assert_false(output_file_is_stream(folder_file(f, "none")));
    assert_false(output_file_is_stream(f->path));
    assert_string_equal(diag_message(), "");
    assert_int_equal(put(null, "text"), ODEON_OK);
    assert_true(output_file_is_stream(null));
}

/* ---- descriptors ---- */

static void test_a_descriptor_goes_on_where_it_is(void **state)
{
    const folder *f = *state;
    char name[32];
    const char *path = path_of(f, "file");
    folder_write(f, "file", "0123456789", 10);
    int fd = open(path, O_WRONLY);
    assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
    (void)snprintf(name, sizeof name, "/dev/fd/%d", fd);
    assert_int_equal(put(name, "ab"), ODEON_OK);
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    assert_int_equal(put(name, "cd"), ODEON_OK);
    assert_int_equal(write(fd, "ef", 2), 2); /* still open */
    (void)close(fd);
    assert_contents(path, "01abcdef89");
}

static void test_descriptors_that_cannot_be_written_are_refused(void **state)
{
    const folder *f = *state;
    char name[32];
    folder_write(f, "file", "x", 1);
    int fd = open(folder_file(f, "file"), O_RDONLY);
    (void)snprintf(name, sizeof name, "/dev/fd/%d", fd);
    assert_refused(name, ODEON_ERR_IO, said_of(name, "this descriptor is open for reading alone"));
    (void)close(fd);
    assert_refused(name, ODEON_ERR_IO,
                   said_of(name, "this descriptor cannot be written to: Bad file descriptor"));
    assert_false(output_file_is_stream(name));
}

static void test_a_number_elsewhere_is_a_file(void **state)
{
    const folder *f = *state;
    const char *path = path_of(f, "1");
    assert_false(output_file_is_stream(path));
    assert_int_equal(put(path, "text"), ODEON_OK);
    assert_contents(path, "text");
}

/* What /proc says of it is no path where the file has been deleted. */
static void test_open_files_of_other_processes_are_written_to(void **state)
{
    const folder *f = *state;
    char name[64], text[8] = "";
    const char *path = path_of(f, "file");
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* holds the file open */
        (void)pause();
        _exit(0);
    }
    assert_int_equal(unlink(path), 0);
    (void)snprintf(name, sizeof name, "/proc/%ld/fd/%d", (long)child, fd);
    bool is_stream = output_file_is_stream(name), is_put = put(name, "text") == ODEON_OK;
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    assert_int_equal(pread(fd, text, sizeof text, 0), 4);
    (void)close(fd);
    assert_true(is_stream && is_put);
    assert_string_equal(text, "text");
}

/* ---- standard output ---- */

/* Standard output is this file until end_stdout. */
static int begin_stdout(int fd)
{
    (void)fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    assert_true(saved >= 0 && fd >= 0);
    assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    (void)close(fd);
    return saved;
}

static void end_stdout(int saved)
{
    (void)fflush(stdout);
    (void)dup2(saved, STDOUT_FILENO);
    (void)close(saved);
}

static void test_what_was_printed_comes_before_the_file(void **state)
{
    const folder *f = *state;
    int saved = begin_stdout(open(path_of(f, "out"), O_RDWR | O_CREAT, 0600));
    (void)setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
    (void)printf("first ");
    odeon_status status = put("-", "second");
    end_stdout(saved);
    assert_int_equal(status, ODEON_OK);
    assert_contents(folder_file(f, "out"), "first second");
}

static void test_standard_output_is_known_under_its_names(void **state)
{
    const folder *f = *state;
    int saved = begin_stdout(open(path_of(f, "out"), O_RDWR | O_CREAT, 0600));
    bool dash = output_file_is_stdout("-"), dev = output_file_is_stdout("/dev/stdout"),
         file = output_file_is_stdout(folder_file(f, "out")),
         err = output_file_is_stdout("/dev/fd/2");
    end_stdout(saved);
    assert_true(dash && dev);
    assert_false(file); /* it is replaced, and what is printed goes to the old one */
    assert_false(err);
}

/* A pipe that is standard output under another name is. On a device mixing does no harm. */
static void test_pipes_are_compared_and_devices_are_not(void **state)
{
    const folder *f = *state;
    const char *path = path_of(f, "fifo"), *other = path_of(f, "other");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(mkfifo(other, 0600), 0);
    int saved = begin_stdout(open(path, O_RDWR));
    bool same = output_file_is_stdout(path), another = output_file_is_stdout(other);
    end_stdout(saved);
    saved = begin_stdout(open("/dev/null", O_WRONLY));
    bool device = output_file_is_stdout("/dev/null"), dash = output_file_is_stdout("-");
    end_stdout(saved);
    assert_true(same && dash && !another && !device);
}

static void test_a_closed_standard_output_is_refused(void **state)
{
    (void)state;
    (void)fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    (void)close(STDOUT_FILENO);
    odeon_status status = output_file_check("-");
    end_stdout(saved);
    assert_int_equal(status, ODEON_ERR_IO);
    assert_string_equal(
        diag_message(),
        "standard output: this descriptor cannot be written to: Bad file descriptor");
}

/* ---- what a command reads ---- */

static void test_a_file_that_is_read_is_spared(void **state)
{
    const folder *f = *state;
    char expected[1024];
    const char *path = path_of(f, "in"), *other = path_of(f, "link");
    folder_write(f, "in", "x", 1);
    folder_write(f, "third", "x", 1);
    assert_int_equal(link(path, other), 0);
    (void)snprintf(expected, sizeof expected,
                   "--out %s: is a file that this command reads (--in) and that would be lost: "
                   "name another",
                   other);
    diag_clear();
    assert_int_equal(output_file_spare("--out", other, "--in", path), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), expected);
    diag_clear();
    assert_int_equal(output_file_spare("--out", folder_file(f, "third"), "--in", path), ODEON_OK);
    assert_int_equal(output_file_spare("--out", path, "--in", NULL), ODEON_OK);
    assert_int_equal(output_file_spare("--out", folder_file(f, "none"), "--in", path), ODEON_OK);
    assert_int_equal(output_file_spare("--out", path, "--in", folder_file(f, "none")), ODEON_OK);
    assert_int_equal(output_file_spare("--out", "/dev/null", "--in", "/dev/null"), ODEON_OK);
    assert_string_equal(diag_message(), "");
}

/* ---- memory ---- */

static void assert_survives_failures(const char *path, int64_t least)
{
    int64_t live = mem_live_blocks(), n = 0, status = ODEON_ERR_NOMEM;
    for (; status == ODEON_ERR_NOMEM && n < 50; n++) {
        diag_clear();
        mem_fail_at(n + 1);
        status = output_file_put(path, "new", 3);
        mem_fail_at(0);
        assert_int_equal(mem_live_blocks(), live);
        assert_true(status == ODEON_OK ||
                    strstr(diag_message(), ": no memory to write it") != NULL);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n > least);
}

static void test_every_allocation_may_fail(void **state)
{
    const folder *f = *state;
    folder_write(f, "file", "old", 3);
    assert_int_equal(symlink("file", path_of(f, "link")), 0);
    assert_survives_failures(path_of(f, "file"), 5);
    assert_survives_failures(path_of(f, "link"), 7);
    assert_survives_failures("-", 1);
    assert_survives_failures(null_device(f), 3);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, open_folder, close_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_nothing_becomes_a_file_at_the_commit),
        WITH_FOLDER(test_a_file_is_replaced_with_its_mode),
        WITH_FOLDER(test_the_owner_is_kept),
        WITH_FOLDER(test_in_a_closed_folder_a_file_is_overwritten),
        WITH_FOLDER(test_a_file_whose_owner_cannot_be_kept_is_overwritten),
        WITH_FOLDER(test_what_may_not_be_written_is_refused),
        WITH_FOLDER(test_links_are_followed_to_the_end),
        WITH_FOLDER(test_links_in_a_circle_are_refused),
        WITH_FOLDER(test_other_kinds_are_refused),
        WITH_FOLDER(test_a_folder_that_is_not_there),
        WITH_FOLDER(test_a_check_changes_nothing),
        WITH_FOLDER(test_a_fifo_is_written_to),
        WITH_FOLDER(test_the_reader_of_a_fifo_is_waited_for),
        WITH_FOLDER(test_devices_are_streams_and_files_are_none),
        WITH_FOLDER(test_a_descriptor_goes_on_where_it_is),
        WITH_FOLDER(test_descriptors_that_cannot_be_written_are_refused),
        WITH_FOLDER(test_a_number_elsewhere_is_a_file),
        WITH_FOLDER(test_open_files_of_other_processes_are_written_to),
        WITH_FOLDER(test_what_was_printed_comes_before_the_file),
        WITH_FOLDER(test_standard_output_is_known_under_its_names),
        WITH_FOLDER(test_pipes_are_compared_and_devices_are_not),
        WITH_FOLDER(test_a_closed_standard_output_is_refused),
        WITH_FOLDER(test_a_file_that_is_read_is_spared),
        WITH_FOLDER(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
