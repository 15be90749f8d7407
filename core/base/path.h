/* path.h: take file names apart. The caller frees the results with mem_free; NULL: no memory. */
#ifndef ODEON_CORE_BASE_PATH_H
#define ODEON_CORE_BASE_PATH_H
#include <stdbool.h>

/* Returns path if it is absolute, else folder/path; folder NULL: the working directory. The file
 * system is not consulted, so the file need not exist. */
char *path_absolute(const char *path, const char *folder);
char *path_folder(const char *path); /* "/a/b" for "/a/b/c.ini", "/" for "/c.ini" */
char *path_stem(const char *path);   /* "c" for "/a/b/c.ini" */

/* Is there anything of that name in the folder? Takes no memory, so that the answer never depends
 * on how much there is. */
bool path_holds(const char *folder, const char *name);

/* Does path end in ending, with something before it? */
bool path_ends_with(const char *path, const char *ending);

#endif
