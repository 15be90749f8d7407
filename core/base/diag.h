/* diag.h: the reason of a failure, kept per thread, and warnings and notes. */
#ifndef ODEON_CORE_BASE_DIAG_H
#define ODEON_CORE_BASE_DIAG_H
#include <stdbool.h>
#include <stddef.h>

#include "odeon/status.h"

enum { DIAG_MESSAGE_BYTES = 1024 };

/* Records why status is about to be returned, and returns it. Only the first message since
 * diag_clear is kept, because it is nearest to the cause. Longer text than 1023 bytes is cut and
 * then ends in "...". */
odeon_status diag_fail(odeon_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

const char *diag_message(void); /* of this thread; "": none */
void diag_clear(void);

/* The message of a failure that is put aside while something else is done. */
typedef struct diag_reason {
    char text[DIAG_MESSAGE_BYTES];
} diag_reason;

/* Takes this thread's message away, so that what follows may fail, or fail again with more to say,
 * with a message of its own: diag_reason r = diag_take(); ... diag_fail(status, "%s; ...", r.text).
 * diag_adopt(r.text) puts it back. */
diag_reason diag_take(void);

/* Replaces the end of text, which was cut to bytes, by "..." at a character boundary. */
void diag_mark_cut(char *text, size_t bytes);

/* Suppresses this thread's warnings and notes while hushed, for code that runs a second time what
 * has already reported them. */
void diag_hush(bool hushed);

/* Records text as this thread's message, as diag_fail would; carries a failure from one thread to
 * another. */
void diag_adopt(const char *text);

/* Prints one line on stderr: "odeon: warning: ...". level as in host.h; debug lines appear only if
 * ODEON_DEBUG is set in the environment. */
void diag_log(int32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A short text for status ("numerical failure" for ODEON_ERR_NUMERIC); whether status is one of
 * status.h or positive (a void step); the program's exit code for it. */
const char *status_text(odeon_status status);
bool status_is_known(odeon_status status);
int status_exit_code(odeon_status status);

#endif
