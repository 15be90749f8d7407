#include "base/abandon.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/diag.h"

/* The hanging thread may hold the lock of stdout, so it is only tried: waiting for it would hang
 * here too, and unflushed output is then lost. _exit rather than exit: atexit handlers and
 * destructors would run beside threads that are still working. */
void abandon_program(void *context, const char *message)
{
    char line[DIAG_MESSAGE_BYTES];
    (void)context;
    if (ftrylockfile(stdout) == 0) {
        (void)fflush(stdout);
        funlockfile(stdout);
    }
    if (isatty(STDERR_FILENO)) { /* end a half-printed progress line */
        (void)fputc('\n', stderr);
    }
    (void)clean_line(message, line, sizeof line);
    (void)fprintf(stderr, "odeon: error: %s\n", line);
    _exit(status_exit_code(ODEON_ERR_PLUGIN));
}
