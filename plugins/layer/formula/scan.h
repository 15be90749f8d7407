/* scan.h: the scanner of a formula's text, and messages with the position of a mistake. */
#ifndef ODEON_LAYER_FORMULA_SCAN_H
#define ODEON_LAYER_FORMULA_SCAN_H
#include <stdbool.h>

#include "odeon/host.h"

enum { SCAN_MAX_NAME = 63 }; /* bytes of a name */

/* at is the current position within text. */
typedef struct scanner {
    const odeon_host *host;
    const char *option, *text; /* text is the value of this option */
    const char *at;
} scanner;

/* A name within the text: letters, digits and underscores, starting with a letter; no NUL. */
typedef struct scan_name {
    const char *start;
    int length;
} scan_name;

scanner scan_begin(const odeon_host *host, const char *option, const char *text);

/* Skips blanks and returns the next character without consuming it; NUL at the end. */
char scan_next(scanner *s);
/* Consumes c if it is the next character after blanks. */
bool scan_take(scanner *s, char c);
/* Skips to behind the next c; false if there is none, then to the end. */
bool scan_skip_past(scanner *s, char c);

bool scan_is(const scan_name *name, const char *text);
/* Consumes a name at the current position, if there is one. */
bool scan_name_here(scanner *s, scan_name *out);
/* Consumes a name after blanks, or reports that it is missing or too long. */
odeon_status scan_read_name(scanner *s, scan_name *out);

bool scan_starts_number(char c);
/* Consumes a number as 12, 1.5, .5, 1e-3: without sign, finite. */
odeon_status scan_read_number(scanner *s, double *out);

int scan_column(const scanner *s, const char *at); /* from 1 */

/* Fails with ODEON_ERR_CONFIG and a message of option, column, the text at that position and the
 * reason. */
__attribute__((format(printf, 3, 4))) odeon_status scan_fail(const scanner *s, const char *at,
                                                             const char *format, ...);

#endif
