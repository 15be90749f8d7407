/* temporary.h: files and folders that are gone again soon, in TMPDIR, else /tmp. */
#ifndef ODEON_CORE_BASE_TEMPORARY_H
#define ODEON_CORE_BASE_TEMPORARY_H
#include <stddef.h>

#include "odeon/status.h"

/* Makes a file with the n bytes of text in it. The caller unlinks it and frees *path, which is NULL
 * after a failure: ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status temporary_file(const char *text, size_t n, char **path);
/* The same of an empty folder. */
odeon_status temporary_folder(char **path);

#endif
