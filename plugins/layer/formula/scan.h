/* scan.h: the words of a text, and messages that say where in it something is wrong. */
#ifndef ODEON_LAYER_FORMULA_SCAN_H
#define ODEON_LAYER_FORMULA_SCAN_H
#include <stdbool.h>

#include "odeon/host.h"

enum { SCAN_MAX_NAME = 63 }; /* bytes of a name */

typedef struct scanner {
    const odeon_host *host;
    const char *option, *text; /* the option that text is the value of */
    const char *at;
} scanner;

/* A name within the text: letters, digits and underscores, first a letter. */
typedef struct scan_name {
    const char *start;
    int length;
} scan_name;

scanner scan_begin(const odeon_host *host, const char *option, const char *text);

/* The next character that is no blank, which the scanner then stands at; NUL at the end. */
char scan_next(scanner *s);
/* Passes c if it comes next. */
bool scan_take(scanner *s, char c);
/* Passes everything up to the next c and c; false: there is none. */
bool scan_skip_past(scanner *s, char c);

bool scan_is(const scan_name *name, const char *text);
/* Passes the name that stands here, if one does. */
bool scan_name_here(scanner *s, scan_name *out);
/* The same, and where there is none, or one that is too long, says so. */
odeon_status scan_read_name(scanner *s, scan_name *out);

bool scan_starts_number(char c);
/* 12, 1.5, .5, 1e-3: no sign, finite. */
odeon_status scan_read_number(scanner *s, double *out);

int scan_column(const scanner *s, const char *at); /* from 1 */

/* ODEON_ERR_CONFIG: option, column of at, what, and what stands there. */
__attribute__((format(printf, 3, 4))) odeon_status scan_fail(const scanner *s, const char *at,
                                                             const char *format, ...);

#endif
