#include "plugin/trust.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/diag.h"
#include "plugin/host_file.h"

/* What is asked is not "may this user write there" but "who else may", so that root, who may write
 * everywhere, hears of the same faults. Links are followed by hand: each place on the way is
 * looked at with lstat before it is gone through, since whoever may change a link on the way
 * chooses the file. */

enum { MAX_LINKS = 40, GROUP_BYTES = 16384 };

/* ---- one file or folder ---- */

trust_verdict trust_judge(const struct stat *s, uid_t user, uid_t host)
{
    if (s->st_uid != 0 && s->st_uid != user && s->st_uid != host) {
        return TRUST_OWNER;
    }
    if ((s->st_mode & S_IWOTH) != 0) {
        return TRUST_WRITERS;
    }
    if ((s->st_mode & S_IWGRP) == 0) {
        return TRUST_YES;
    }
    /* By custom a user's own group has the user's number. Root's has not root alone everywhere. */
    bool own_group = s->st_uid == user && user != 0 && s->st_gid == (gid_t)user;
    return own_group ? TRUST_GROUP : TRUST_WRITERS;
}

/* Has the group no member, or only one whose name is the group's? A group that nobody has named has
 * none; one that cannot be read counts as having others. */
static bool is_private_group(gid_t gid)
{
    char names[GROUP_BYTES];
    struct group entry, *found = NULL;
    if (getgrgid_r(gid, &entry, names, sizeof names, &found) != 0) {
        return false;
    }
    for (char **member = found != NULL ? found->gr_mem : NULL; member != NULL && *member != NULL;
         member++) {
        if (strcmp(*member, found->gr_name) != 0) {
            return false;
        }
    }
    return true;
}

/* With an access control list the group's bits are what any of its entries may have at most. */
static bool has_access_list(const char *path)
{
    return lgetxattr(path, "system.posix_acl_access", NULL, 0) > 0;
}

/* Whether the group has other members is asked last, since that may mean a question to a server. */
static trust_verdict judge(const char *path, const struct stat *s, uid_t user, uid_t host)
{
    trust_verdict verdict = trust_judge(s, user, host);
    if (verdict != TRUST_GROUP) {
        return verdict;
    }
    return is_private_group(s->st_gid) && !has_access_list(path) ? TRUST_YES : TRUST_WRITERS;
}

/* ---- the way to a file ---- */

/* A walk down a path, link by link. Every folder is judged before anything in it is looked at, so
 * that what was judged stays as it is. */
typedef struct walk {
    const char *file;    /* what is to be loaded, for messages */
    uid_t user, host;    /* who is trusted beside root */
    char at[PATH_MAX];   /* the place reached, without links; "" is the root folder */
    char rest[PATH_MAX]; /* of the path, from there on */
    bool open;           /* others may add to the folder at, which is sticky */
    bool was_open;       /* so they may to the one in which at stands */
    int links;
} walk;

/* Of errno, which is that of the call before. */
static odeon_status fail_io(const walk *w)
{
    return diag_fail(ODEON_ERR_IO, "%s: %s", w->file, strerror(errno));
}

static const char *place(const walk *w)
{
    return w->at[0] != '\0' ? w->at : "/";
}

/* Whose file or folder it is, and what follows. */
static odeon_status refuse_owner(const walk *w, const struct stat *s)
{
    bool above = S_ISDIR(s->st_mode) || S_ISLNK(s->st_mode);
    return diag_fail(ODEON_ERR_PLUGIN,
                     "%s: %s%s belongs to another user (number %u), who may change it: copy the "
                     "plugin into a folder that only you may write to",
                     w->file,
                     S_ISDIR(s->st_mode)   ? "its folder "
                     : S_ISLNK(s->st_mode) ? "the link "
                                           : "it",
                     above ? place(w) : "", (unsigned)s->st_uid);
}

static odeon_status refuse_writers(const walk *w, const struct stat *s)
{
    unsigned mode = (unsigned)(s->st_mode & 07777);
    if (!S_ISDIR(s->st_mode)) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "%s: others may write to it (mode %04o): run chmod go-w %s", w->file, mode,
                         place(w));
    }
    if ((s->st_mode & S_ISVTX) != 0) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "%s: others may add to its folder %s (mode %04o): copy it into a folder "
                         "that only you may write to",
                         w->file, place(w), mode);
    }
    return diag_fail(ODEON_ERR_PLUGIN,
                     "%s: others may write to its folder (mode %04o): run chmod go-w %s", w->file,
                     mode, place(w));
}

/* Judges the place reached; strictly: a sticky folder is no exception. */
static odeon_status judge_place(walk *w, bool strictly)
{
    struct stat s;
    if (lstat(place(w), &s) != 0) {
        return fail_io(w);
    }
    w->open = false;
    switch (judge(place(w), &s, w->user, w->host)) {
    case TRUST_OWNER:
        return refuse_owner(w, &s);
    case TRUST_WRITERS:
        w->open = S_ISDIR(s.st_mode) && (s.st_mode & S_ISVTX) != 0 && !strictly;
        return w->open ? ODEON_OK : refuse_writers(w, &s);
    default:
        return ODEON_OK;
    }
}

/* Takes the first name off the rest; false: there is none. */
static bool take_name(walk *w, char name[NAME_MAX + 1])
{
    size_t from = strspn(w->rest, "/"), n = strcspn(w->rest + from, "/");
    if (n == 0 || n > NAME_MAX) {
        return false;
    }
    memcpy(name, w->rest + from, n);
    name[n] = '\0';
    memmove(w->rest, w->rest + from + n, strlen(w->rest + from + n) + 1);
    return true;
}

/* By text: links have been resolved on the way here, so that the name above is the folder above. */
static odeon_status go_up(walk *w)
{
    char *slash = strrchr(w->at, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    return judge_place(w, false);
}

/* Puts where the link at leads in front of the rest, and stands where that counts from. */
static odeon_status follow(walk *w, const struct stat *s)
{
    char target[PATH_MAX], rest[PATH_MAX];
    ssize_t n = readlink(w->at, target, sizeof target - 1);
    if (n < 0 || ++w->links > MAX_LINKS) {
        errno = n < 0 ? errno : ELOOP;
        return fail_io(w);
    }
    target[n] = '\0';
    if (w->was_open && judge(w->at, s, w->user, w->host) == TRUST_OWNER) {
        return refuse_owner(w, s);
    }
    int length =
        snprintf(rest, sizeof rest, "%s%s%s", target, w->rest[0] != '\0' ? "/" : "", w->rest);
    if (length < 0 || (size_t)length >= sizeof rest) {
        errno = ENAMETOOLONG;
        return fail_io(w);
    }
    memcpy(w->rest, rest, (size_t)length + 1);
    *strrchr(w->at, '/') = '\0';
    if (target[0] == '/') {
        w->at[0] = '\0';
    }
    return judge_place(w, false);
}

/* Goes down to name, and judges it unless it is the end, which is judged by the caller. */
static odeon_status go_down(walk *w, const char *name, bool is_file)
{
    struct stat s;
    size_t n = strlen(w->at), more = strlen(name) + 2;
    if (n + more > sizeof w->at) {
        errno = ENAMETOOLONG;
        return fail_io(w);
    }
    bool last = w->rest[strspn(w->rest, "/")] == '\0';
    if (last && is_file && w->open) { /* others may add to the folder of a plugin, or of a link */
        return judge_place(w, true);
    }
    w->was_open = w->open;
    (void)snprintf(w->at + n, sizeof w->at - n, "/%s", name);
    if (lstat(w->at, &s) != 0) {
        return fail_io(w);
    }
    return S_ISLNK(s.st_mode) ? follow(w, &s) : judge_place(w, last);
}

/* Walks the rest of the path. */
static odeon_status walk_down(walk *w, bool is_file)
{
    char name[NAME_MAX + 1];
    while (take_name(w, name)) {
        if (strcmp(name, "..") == 0) {
            ODEON_TRY(go_up(w));
        } else if (strcmp(name, ".") != 0) {
            ODEON_TRY(go_down(w, name, is_file));
        }
    }
    if (w->rest[strspn(w->rest, "/")] != '\0') { /* a name that is too long */
        errno = ENAMETOOLONG;
        return fail_io(w);
    }
    return judge_place(w, true); /* a path may end in "..", "." or a link to such */
}

/* The root folder is judged, too: in a container it may be anybody's. */
static odeon_status start(walk *w, const char *path)
{
    if (strlen(path) >= sizeof w->rest) {
        errno = ENAMETOOLONG;
        return fail_io(w);
    }
    memcpy(w->rest, path, strlen(path) + 1);
    return judge_place(w, false);
}

static odeon_status check_path(const char *file, const char *path, bool is_file)
{
    walk w = {.file = file, .user = geteuid(), .host = geteuid()};
    ODEON_TRY(start(&w, path));
    return walk_down(&w, is_file);
}

/* Whoever owns the program or library that the host is. */
static uid_t host_owner(uid_t user)
{
    struct stat s;
    char *host = NULL;
    bool known = host_file_path(&host) == ODEON_OK && host != NULL && stat(host, &s) == 0;
    free(host);
    return known ? s.st_uid : user;
}

/* Folders above the program's own are those of its installation: whoever can change them can
 * change the program, which is running. */
static odeon_status check_own(const char *file, const char *folder)
{
    walk w = {.file = file, .user = geteuid(), .host = host_owner(geteuid())};
    if (realpath(folder, w.at) == NULL) {
        return fail_io(&w);
    }
    ODEON_TRY(judge_place(&w, true));
    ODEON_TRY(start(&w, file + strlen(folder)));
    return walk_down(&w, true);
}

/* By the descriptor that is read and loaded from. An access list or a group makes TRUST_GROUP a
 * question, as on the way to the file. */
odeon_status trust_check_open(const char *file, int fd, bool own)
{
    uid_t user = geteuid();
    walk w = {.file = file, .user = user, .host = own ? host_owner(user) : user};
    struct stat s;
    if (fstat(fd, &s) != 0) {
        return fail_io(&w);
    }
    (void)snprintf(w.at, sizeof w.at, "%s", file);
    trust_verdict verdict = trust_judge(&s, w.user, w.host);
    if (verdict == TRUST_GROUP) {
        bool alone =
            is_private_group(s.st_gid) && fgetxattr(fd, "system.posix_acl_access", NULL, 0) <= 0;
        verdict = alone ? TRUST_YES : TRUST_WRITERS;
    }
    switch (verdict) {
    case TRUST_OWNER:
        return refuse_owner(&w, &s);
    case TRUST_WRITERS:
        return refuse_writers(&w, &s);
    default:
        return ODEON_OK;
    }
}

/* The folder first: one that is not to be trusted is named as such, whatever stands below it. */
odeon_status trust_check(const char *file, const char *folder, bool own)
{
    if (own) {
        return check_own(file, folder);
    }
    if (folder != NULL) {
        ODEON_TRY(check_path(file, folder, false));
    }
    return check_path(file, file, true);
}
