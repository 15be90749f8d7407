/* path.h: names of files. Results are the caller's (mem_free); NULL without memory. */
#ifndef ODEON_CORE_BASE_PATH_H
#define ODEON_CORE_BASE_PATH_H
#include <stdbool.h>

/* path itself if it is absolute, else folder/path; folder NULL: the working directory. Nothing is
 * looked up, so that the file need not exist. */
char *path_absolute(const char *path, const char *folder);
char *path_folder(const char *path); /* "/a/b" for "/a/b/c.ini", "/" for "/c.ini" */
char *path_stem(const char *path);   /* "c" for "/a/b/c.ini" */

/* Does path end in ending, with something before it? */
bool path_ends_with(const char *path, const char *ending);

#endif
