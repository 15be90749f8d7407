/* folder.h: a temporary folder of plugins. All functions fail the test on error. */
#ifndef ODEON_TESTS_FOLDER_H
#define ODEON_TESTS_FOLDER_H
#include <stddef.h>

enum { FOLDER_BYTES = 256 };

/* An empty folder with the folders integrator and layer in it. */
typedef struct folder {
    char path[FOLDER_BYTES];
} folder;

folder folder_create(void);
void folder_remove(const folder *f); /* with all that is in it */
/* Removes path/name, a file or a folder with all that is in it, if it is there. */
void folder_discard(const folder *f, const char *name);

/* path/name, in one of a few buffers that take turns. */
const char *folder_file(const folder *f, const char *name);
void folder_write(const folder *f, const char *name, const void *data, size_t bytes);
/* Copies the whole file at source, or its first bytes. */
void folder_copy(const folder *f, const char *name, const char *source);
void folder_copy_part(const folder *f, const char *name, const char *source, size_t bytes);

/* The contents of a file; free it. */
void *folder_read(const char *path, size_t *bytes);

#endif
