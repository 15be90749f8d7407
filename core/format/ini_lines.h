/* ini_lines.h: the lines of an INI, checked, and handed to inih in what its buffer takes. */
#ifndef ODEON_CORE_FORMAT_INI_LINES_H
#define ODEON_CORE_FORMAT_INI_LINES_H
#include <stdbool.h>
#include <stddef.h>

#include "format/ini_limits.h"
#include "odeon/status.h"

/* Between two calls of ini_lines_read text[given .. length - 1] is the rest of the present line;
 * where nothing is left of it, the next call takes another. */
typedef struct ini_lines {
    const char *name; /* of the file, for messages */
    const char *next, *end;
    int line;                         /* the one handed out last, from 1; 0 before the first */
    char text[INI_FILE_MAX_LINE + 1]; /* that line without comment and blanks at its end */
    size_t length, given;             /* of text; handed out so far */
    bool piece;          /* what was handed out last goes on where the last piece ended */
    odeon_status status; /* the first failure; nothing more is handed out then */
    /* Called with the name of every section; its result takes the place of the name. Negative: a
     * failure, which has been recorded with ini_lines_fail. */
    int (*section)(struct ini_lines *lines, const char *name);
    void *context;
} ini_lines;

void ini_lines_init(ini_lines *lines, const char *name, const char *text, size_t bytes);

/* Records why the line is refused. */
void ini_lines_fail(ini_lines *lines, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The reader for inih: writes one line, or a piece of one, of less than bytes to buffer. NULL: the
 * end, or a failure. stream is an ini_lines. */
char *ini_lines_read(char *buffer, int bytes, void *stream);

#endif
