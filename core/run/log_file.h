/* log_file.h: a file of a run that whole lines are appended to.
 *
 * Lines wait in memory until log_file_write, many of them for one write, so that a process that is
 * killed leaves whole lines, all but the last ones; who owns the file writes often enough for those
 * who read it while the run goes on. A file that cannot be written does not stop a run: what is
 * there stays, whole lines only, and the failure is reported by one warning and by
 * log_file_status. */
#ifndef ODEON_CORE_RUN_LOG_FILE_H
#define ODEON_CORE_RUN_LOG_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "odeon/status.h"

/* What can wait. ends of lines are kept so that a disk that fills up in the midst of a write leaves
 * the last whole line that has room. */
enum { LOG_FILE_BYTES = 64 * 1024, LOG_FILE_ENDS = 256 };

/* fd is -1 while the file is not open. whole never counts a line that was written in part, or one
 * that waits. */
typedef struct log_file {
    int fd;
    bool records; /* of records that need not be lines; set before it is opened */
    char *path;
    off_t whole;   /* bytes of complete lines in the file */
    int error;     /* errno of the first failure; 0: none */
    char *waiting; /* [LOG_FILE_BYTES] text that is to be written; NULL while it is not open */
    size_t n_ends;
    size_t ends[LOG_FILE_ENDS]; /* bytes of waiting up to the end of each text that was added */
    char *restored; /* the text with LF, where an editor has saved the file with CR LF; else NULL */
    size_t restored_bytes;
} log_file;

/* Creates folder/name; ODEON_ERR_CONFIG if it is there, ODEON_ERR_IO, ODEON_ERR_NOMEM. file starts
 * as {.fd = -1} and is for log_file_close and log_file_fini, on failure too. */
odeon_status log_file_create(log_file *file, const char *folder, const char *name);

/* A file that a run goes on with. log_file_open only looks: of one that is not there fd stays -1.
 * The two checks see it as it will be gone on with: without CR, where an editor has added them. */
odeon_status log_file_open(log_file *file, const char *folder, const char *name);
/* ODEON_ERR_DATA unless a line ends at bytes, or the file is shorter; of records, where it is
 * shorter and not empty, since half a record hides all that follow. */
odeon_status log_file_check_mark(const log_file *file, int64_t bytes);
/* ODEON_ERR_DATA unless it begins with that text. */
odeon_status log_file_check_begin(const log_file *file, const char *text, size_t bytes);
/* Is it there, and not empty? */
bool log_file_has_text(const log_file *file);
/* After all checks: restores LF, creates what is missing and cuts off what follows bytes; one that
 * is shorter is continued, with a warning. */
odeon_status log_file_continue(log_file *file, int64_t bytes);

/* Adds text, which is whole lines, to what is to be written, unless a write has failed before. It
 * allocates nothing. What has no room any more is written at once. */
void log_file_add(log_file *file, const char *text, size_t bytes);
void log_file_write(log_file *file); /* what waits, with one call */
void log_file_sync(log_file *file);  /* writes it, and has it on the disk */
void log_file_close(log_file *file); /* syncs; takes one that is not open */
/* ODEON_ERR_IO if anything could not be written. */
odeon_status log_file_status(const log_file *file);
void log_file_fini(log_file *file); /* frees, and closes nothing */

#endif
