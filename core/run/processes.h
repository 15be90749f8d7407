/* processes.h: command lines carried out by child processes, several side by side. */
#ifndef ODEON_CORE_RUN_PROCESSES_H
#define ODEON_CORE_RUN_PROCESSES_H
#include <stddef.h>
#include <stdint.h>

#include "odeon/status.h"

/* A process to be: what it prints is appended to the file log. argv ends with NULL. */
typedef struct process_job {
    const char *const *argv;
    const char *log;
} process_job;

/* What becomes of them. Both are called on the caller's thread. */
typedef struct process_watcher {
    void *context;
    /* Job number index in a list has begun. */
    void (*begun)(void *context, size_t index);
    /* It has ended: exit code, or 128 plus the signal that ended it. */
    void (*ended)(void *context, size_t index, int code);
} process_watcher;

/* The program that this process runs; the caller frees it. ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status process_own_program(char **out);

/* Runs all n jobs with program, at most slots (>= 1) at a time, in order. The usable processors are
 * divided among the slots, so that a job sees its share alone. Jobs stand in process groups of
 * their own, and end with this process, by SIGTERM. On a signal that interrupt.h notes it is passed
 * on to every job once, no further one begins, those that are there are waited for, and the answer
 * is ODEON_ERR_CANCELLED. ODEON_ERR_IO: a process or its log could not be made. [main] */
odeon_status processes_run(const char *program, size_t n, const process_job *jobs, size_t slots,
                           const process_watcher *watcher);

/* The last line of a log that begins with "odeon: ", without "error: ", of the last process that
 * has written to it; NULL if there is none. The caller frees it. */
char *process_last_word(const char *log);

#endif
