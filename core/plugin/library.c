#include "plugin/library.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"

enum { FLAGS = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE, MAX_SPELLINGS = 1000 };

/* A file that was loaded by descriptor. Nodes are never freed, as the code itself is not: the
 * loader refers to name. Its inode cannot become another file's while it is mapped. */
typedef struct loaded {
    dev_t device;
    ino_t inode;
    void *handle;
    char *name;        /* what the loader, and so dladdr and debuggers, call it by */
    char *loader_name; /* what the loader called it before, kept for its allocator's sake */
    struct loaded *next;
} loaded;

static loaded *all_loaded;
static int n_spellings; /* of descriptors' paths given to the loader so far */

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* The same file, not written to since. */
/* Not by the time of the last change of the inode, which a link to the file or its removal moves,
 * too. */
static bool is_unchanged(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           is_same_time(a->st_mtim, b->st_mtim);
}

static odeon_status refuse_changed(const library_file *f)
{
    return diag_fail(ODEON_ERR_PLUGIN,
                     "%s: it was replaced or written to while it was being loaded: try again once "
                     "it is complete",
                     f->file);
}

/* The loader's own words, in which the file has the name that it was given to the loader by. */
static odeon_status refuse_unloadable(const library_file *f, const char *given)
{
    const char *why = dlerror();
    size_t n = strlen(given);
    if (why == NULL) {
        why = "the loader gives no reason";
    }
    if (strncmp(why, given, n) == 0) {
        return diag_fail(ODEON_ERR_PLUGIN, "it cannot be loaded: %s%s", f->file, why + n);
    }
    return diag_fail(ODEON_ERR_PLUGIN, "it cannot be loaded: %s", why);
}

/* ---- by name ---- */

static bool is_named_file(const library_file *f)
{
    struct stat now;
    return stat(f->file, &now) == 0 && is_unchanged(&now, &f->seen);
}

/* What changes between the two looks is noticed too late to keep it from running, but not used. */
static odeon_status open_by_name(const library_file *f, void **out)
{
    if (!is_named_file(f)) {
        return refuse_changed(f);
    }
    *out = dlopen(f->file, FLAGS);
    if (*out == NULL) {
        return refuse_unloadable(f, f->file);
    }
    return is_named_file(f) ? ODEON_OK : refuse_changed(f);
}

/* ---- by descriptor ---- */

/* The descriptor's path. The loader takes two files that it was given by one path for one file, and
 * descriptors' numbers come again: each path is therefore spelt with another number of slashes.
 * The process's number instead of "self" leads a debugger to the file, too. */
static void write_path(int fd, char path[PATH_MAX])
{
    int at = snprintf(path, PATH_MAX, "/proc/%ld/fd", (long)getpid());
    for (int i = 0; i <= n_spellings; i++) {
        path[at++] = '/';
    }
    (void)snprintf(path + at, (size_t)(PATH_MAX - at), "%d", fd);
}

/* Is the path there, and that of the open file? */
static bool leads_to(const char *path, const struct stat *file)
{
    struct stat s;
    return stat(path, &s) == 0 && s.st_dev == file->st_dev && s.st_ino == file->st_ino;
}

/* The descriptor is closed soon, and its path would then mean nothing, or another file, to whoever
 * asks where an address lies. */
static void rename_loaded(loaded *l, const char *path)
{
    struct link_map *map = NULL;
    if (dlinfo(l->handle, RTLD_DI_LINKMAP, &map) == 0 && strcmp(map->l_name, path) == 0) {
        l->loader_name = map->l_name;
        map->l_name = l->name;
    }
}

/* A process that opens a second registry loads its plugins once more; their code is there already,
 * under the name that it was given first. */
static void *known_handle(const struct stat *s)
{
    const loaded *l = all_loaded;
    while (l != NULL && (l->device != s->st_dev || l->inode != s->st_ino)) {
        l = l->next;
    }
    return l != NULL ? l->handle : NULL;
}

/* The note of what is loaded is made first: once the code has run there is no way back for want of
 * memory. */
static odeon_status open_by_path(const library_file *f, const char *path, void **out)
{
    loaded *l = malloc(sizeof *l);
    char *name = strdup(f->file);
    if (l == NULL || name == NULL) {
        free(l);
        free(name);
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to load it", f->file);
    }
    n_spellings++;
    void *handle = dlopen(path, FLAGS);
    if (handle == NULL) {
        free(l);
        free(name);
        return refuse_unloadable(f, path);
    }
    *l = (loaded){.device = f->seen.st_dev,
                  .inode = f->seen.st_ino,
                  .handle = handle,
                  .name = name,
                  .next = all_loaded};
    all_loaded = l;
    rename_loaded(l, path);
    *out = handle;
    return ODEON_OK;
}

/* The contents were judged when seen was taken; a file that was written to since is another one. */
odeon_status library_open(const library_file *f, void **out)
{
    char path[PATH_MAX];
    struct stat now;
    *out = known_handle(&f->seen);
    if (*out != NULL) {
        return ODEON_OK;
    }
    if (fstat(f->fd, &now) != 0 || !is_unchanged(&now, &f->seen)) {
        return refuse_changed(f);
    }
    write_path(f->fd, path);
    if (f->by_name || n_spellings >= MAX_SPELLINGS || !leads_to(path, &f->seen)) {
        return open_by_name(f, out);
    }
    ODEON_TRY(open_by_path(f, path, out));
    return fstat(f->fd, &now) == 0 && is_unchanged(&now, &f->seen) ? ODEON_OK : refuse_changed(f);
}
