#include "base/abandon.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/diag.h"

/* stdout may be held by the thread that hangs; what is in it then is lost. No destructor may run:
 * they would meet a thread that still works. */
void abandon_program(void *context, const char *message)
{
    char line[DIAG_MESSAGE_BYTES];
    (void)context;
    if (ftrylockfile(stdout) == 0) {
        (void)fflush(stdout);
        funlockfile(stdout);
    }
    if (isatty(STDERR_FILENO)) { /* a line of progress may stand there */
        (void)fputc('\n', stderr);
    }
    (void)clean_line(message, line, sizeof line);
    (void)fprintf(stderr, "odeon: error: %s\n", line);
    _exit(status_exit_code(ODEON_ERR_PLUGIN));
}
