#include "base/location.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/diag.h"

/* As long as a message of diag.h; longer text would be cut there anyway. */
enum { MESSAGE_BYTES = 1024 };

/* Text that was cut is marked here, before the position is put in front of it: the end is what a
 * reader would miss without notice. */
odeon_status location_fail(location where, const char *section, const char *format, ...)
{
    char text[MESSAGE_BYTES], line[24] = "";
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) >= (int)sizeof text) {
        diag_mark_cut(text, sizeof text);
    }
    va_end(arguments);
    if (where.line > 0) {
        (void)snprintf(line, sizeof line, ":%d", where.line);
    }
    return diag_fail(ODEON_ERR_CONFIG, "%s%s%s%s%s%s%s", where.file != NULL ? where.file : "", line,
                     where.file != NULL ? ": " : "", section != NULL ? "[" : "",
                     section != NULL ? section : "", section != NULL ? "] " : "", text);
}

/* Running out of memory is no fault of the configuration, so that message stays as it is. The
 * message is copied before diag_clear because diag_message points into the record. */
odeon_status location_prefix(odeon_status status, location where, const char *section)
{
    if (status != ODEON_OK && status != ODEON_ERR_NOMEM) {
        char reason[MESSAGE_BYTES];
        (void)snprintf(reason, sizeof reason, "%s", diag_message());
        diag_clear();
        (void)location_fail(where, section, "%s", reason);
    }
    return status;
}
