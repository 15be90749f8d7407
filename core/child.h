/* child.h: work that may crash or hang, in a process of its own. */
#ifndef ODEON_CORE_CHILD_H
#define ODEON_CORE_CHILD_H
#include <stdio.h>

#include "odeon/status.h"
#include "text.h"

/* What is written to out reaches the parent; so does the reason of a failure. */
typedef odeon_status (*child_work)(FILE *out, void *context);

/* Forks, runs work(.., context) there, and adds what it wrote to out. Gives back its status, with
 * its message in diag_message; ODEON_ERR_PLUGIN if it crashed, left, or took longer than seconds
 * (it is then killed); ODEON_ERR_IO, ODEON_ERR_NOMEM. what: the subject of these messages ("FILE").
 * To be called before there are other threads. [main] */
odeon_status child_run(child_work work, void *context, double seconds, const char *what,
                       text_buffer *out);

#endif
