/* child.h: work that may crash or hang, in a process of its own. */
#ifndef ODEON_CORE_PLUGIN_CHILD_H
#define ODEON_CORE_PLUGIN_CHILD_H
#include <stdio.h>

#include "base/text.h"
#include "odeon/status.h"

/* What is written to out reaches the parent; so does the reason of a failure. */
typedef odeon_status (*child_work)(FILE *out, void *context);

/* One piece of work: what (the subject of messages, "FILE") and context are given, the rest is the
 * answer. */
typedef struct child_job {
    const char *what;
    void *context;
    odeon_status status;
    text_buffer message; /* the reason, if status is not 0 */
    text_buffer out;     /* what was written, if it is */
} child_job;

/* Runs work(.., context) of all n jobs, several side by side, each in a fork of this process, and
 * waits for all. A job's status is its work's, or ODEON_ERR_PLUGIN if it crashed, left, or took
 * longer than seconds (it is then killed), or ODEON_ERR_IO, ODEON_ERR_NOMEM. What a job prints to
 * stdout is lost. To be called before there are other threads. [main] */
void child_run_all(child_work work, size_t n, child_job *jobs, double seconds);
/* Releases the answer. */
void child_job_fini(child_job *job);

/* The same for one: adds what it wrote to out, gives back its status, with its message in
 * diag_message. [main] */
odeon_status child_run(child_work work, void *context, double seconds, const char *what,
                       text_buffer *out);

#endif
