/* diag.h: the reason of a failure, per thread, and messages that are no failure. */
#ifndef ODEON_CORE_BASE_DIAG_H
#define ODEON_CORE_BASE_DIAG_H
#include <stdbool.h>
#include <stddef.h>

#include "odeon/status.h"

enum { DIAG_MESSAGE_BYTES = 1024 };

/* Records why status is about to be returned and returns it. The first message since diag_clear is
 * kept: it is the one nearest to the cause. Text over 1023 bytes is cut and ends in "..." then. */
odeon_status diag_fail(odeon_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

const char *diag_message(void); /* of this thread; "" if there is none */
void diag_clear(void);

/* Makes the end of a text that was cut to bytes "...", at the end of a character. */
void diag_mark_cut(char *text, size_t bytes);

/* From here on, with true, warnings and notes of this thread are not printed: whoever does a thing
 * twice has heard them. */
void diag_hush(bool hushed);

/* Carries a message from one thread to another: records text here as if diag_fail had. */
void diag_adopt(const char *text);

/* The message of a failure that is put aside while something else is done. */
typedef struct diag_reason {
    char text[DIAG_MESSAGE_BYTES];
} diag_reason;

/* Takes this thread's message away, so that what follows may fail, or fail again with more to say,
 * with a message of its own: diag_reason r = diag_take(); ... diag_fail(status, "%s; ...", r.text).
 * diag_adopt(r.text) puts it back. */
diag_reason diag_take(void);

/* One line on stderr: "odeon: warning: ...". level as in host.h; debug lines show when ODEON_DEBUG
 * is set in the environment. */
void diag_log(int32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "numerical failure" for ODEON_ERR_NUMERIC, and the program's exit code. */
const char *status_text(odeon_status status);
bool status_is_known(odeon_status status); /* of status.h, or a void step's */
int status_exit_code(odeon_status status);

#endif
