/* library.h: an open file to code in memory, such that what was checked is what is loaded. */
#ifndef ODEON_CORE_PLUGIN_LIBRARY_H
#define ODEON_CORE_PLUGIN_LIBRARY_H
#include <stdbool.h>
#include <sys/stat.h>

#include "odeon/status.h"

/* Which file it was, and in which state, when it was checked. */
typedef struct library_file {
    const char *file; /* absolute: for messages, and what debuggers are to know it by */
    int fd;           /* open for reading */
    struct stat seen; /* fstat of fd before anything of it was read */
    bool by_name;     /* it looks for other libraries beside itself ($ORIGIN) */
} library_file;

/* Loads the file that fd is open on, whatever stands under its name by now, and runs its start-up
 * code. Never unloaded; the same file is loaded once. Where that cannot be done by descriptor
 * (no /proc, by_name) it is loaded by name, and refused if that is not the file that was checked.
 * ODEON_ERR_PLUGIN with a message that names file. [main] */
odeon_status library_open(const library_file *f, void **out);

#endif
