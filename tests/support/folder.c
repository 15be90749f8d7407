#include "folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

folder folder_create(void)
{
    const char *root = getenv("TMPDIR");
    folder f;
    int n = snprintf(f.path, sizeof f.path, "%s/odeon-XXXXXX", root != NULL ? root : "/tmp");
    assert_in_range(n, 1, sizeof f.path - 1);
    assert_non_null(mkdtemp(f.path));
    assert_int_equal(mkdir(folder_file(&f, "integrator"), 0755), 0);
    assert_int_equal(mkdir(folder_file(&f, "layer"), 0755), 0);
    return f;
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *at)
{
    (void)s;
    (void)type;
    (void)at;
    return remove(path);
}

void folder_remove(const folder *f)
{
    assert_int_equal(nftw(f->path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void folder_discard(const folder *f, const char *name)
{
    const char *path = folder_file(f, name);
    if (access(path, F_OK) == 0) {
        assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    }
}

const char *folder_file(const folder *f, const char *name)
{
    static char paths[4][2 * FOLDER_BYTES];
    static int turn;
    turn = (turn + 1) % 4;
    int n = snprintf(paths[turn], sizeof paths[turn], "%s/%s", f->path, name);
    assert_true(n > 0 && (size_t)n < sizeof paths[turn]);
    return paths[turn];
}

void folder_write(const folder *f, const char *name, const void *data, size_t bytes)
{
    FILE *file = fopen(folder_file(f, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(folder_file(f, name), 0644), 0);
}

void *folder_read(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s cannot be read", path);
    }
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size > 0);
    rewind(file);
    void *data = malloc((size_t)size);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)size, file), size);
    (void)fclose(file);
    *bytes = (size_t)size;
    return data;
}

void folder_copy_part(const folder *f, const char *name, const char *source, size_t bytes)
{
    size_t all = 0;
    void *data = folder_read(source, &all);
    folder_write(f, name, data, bytes < all ? bytes : all);
    free(data);
}

void folder_copy(const folder *f, const char *name, const char *source)
{
    folder_copy_part(f, name, source, SIZE_MAX);
}
