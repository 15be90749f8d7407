/* watching.h: options of `odeon train` that let its user see the run: each adds an observer. */
#ifndef ODEON_CORE_COMMAND_WATCHING_H
#define ODEON_CORE_COMMAND_WATCHING_H
#include "command/command_line.h"

enum { WATCHING_MOST = 3 };

/* Starts as {0}. */
typedef struct watching {
    size_t n;
    char *list[WATCHING_MOST]; /* [n], as "report(every=10)" */
} watching;

/* ODEON_ERR_CONFIG: a port or a time that is none; ODEON_ERR_NOMEM. out can be given to
 * watching_fini whatever the answer. */
odeon_status watching_read(const command_line *a, watching *out);
void watching_fini(watching *w);

/* "10s", "2m", "1h", "0.5" as seconds; ODEON_ERR_CONFIG, with the option's name. */
odeon_status watching_seconds(const char *option, const char *text, double *out);

#endif
