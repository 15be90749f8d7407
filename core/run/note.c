#include "run/note.h"

#include <stdarg.h>

#include "base/diag.h"
#include "odeon/host.h"

/* Text beyond the length of a message is cut at a character and ends in "...". */
void note(FILE *out, const char *format, ...)
{
    char text[DIAG_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) >= (int)sizeof text) {
        diag_mark_cut(text, sizeof text);
    }
    va_end(arguments);
    if (out != NULL) {
        fprintf(out, "%s\n", text);
    } else {
        diag_log(ODEON_LOG_WARNING, "%s", text);
    }
}
