/* path.h: take file names apart. The caller frees the results with mem_free; NULL: no memory. */
#ifndef ODEON_CORE_BASE_PATH_H
#define ODEON_CORE_BASE_PATH_H
#include <limits.h>
#include <stdbool.h>

/* Returns path if it is absolute, else folder/path; folder NULL: the working directory. The file
 * system is not consulted, so the file need not exist. */
char *path_absolute(const char *path, const char *folder);
char *path_folder(const char *path); /* "/a/b" for "/a/b/c.ini", "/" for "/c.ini" */
char *path_stem(const char *path);   /* "c" for "/a/b/c.ini" */

/* folder/name. Takes no memory, so that what is found there never depends on how much there is.
 * false: no path is that long. */
bool path_within(const char *folder, const char *name, char path[PATH_MAX]);
/* Is there anything of that name in the folder? Takes no memory either. */
bool path_holds(const char *folder, const char *name);

/* Does path end in ending, with something before it? */
bool path_ends_with(const char *path, const char *ending);

#endif
