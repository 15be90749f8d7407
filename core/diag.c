#include "diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "odeon/host.h"

/* Of this thread; empty: none. Workers fail side by side without seeing each other's reasons. */
static _Thread_local char message[DIAG_MESSAGE_BYTES];

/* One line stays one line whatever a file name or a plugin puts into it. */
static void flatten(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = ' ';
        }
    }
}

odeon_status diag_fail(odeon_status status, const char *format, ...)
{
    char text[DIAG_MESSAGE_BYTES]; /* the arguments may point into message */
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    diag_adopt(text);
    return status;
}

const char *diag_message(void)
{
    return message;
}

void diag_clear(void)
{
    message[0] = '\0';
}

void diag_adopt(const char *text)
{
    if (message[0] != '\0') {
        return;
    }
    size_t bytes = strnlen(text, DIAG_MESSAGE_BYTES - 1);
    memmove(message, text, bytes);
    message[bytes] = '\0';
    flatten(message);
}

void diag_log(int32_t level, const char *format, ...)
{
    if (level <= ODEON_LOG_DEBUG && getenv("ODEON_DEBUG") == NULL) {
        return;
    }
    char text[DIAG_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    flatten(text);
    const char *word = level <= ODEON_LOG_DEBUG    ? "debug: "
                       : level < ODEON_LOG_WARNING ? ""
                                                   : "warning: ";
    (void)fprintf(stderr, "odeon: %s%s\n", word, text);
}

#define TEXT_CASE(name, value, exit_code, text)                                                    \
    case value:                                                                                    \
        return text;

const char *status_text(odeon_status status)
{
    switch (status) {
        ODEON_STATUS_LIST(TEXT_CASE)
    default:
        return status > 0 ? "this trial step is void" : "unknown failure";
    }
}

#define EXIT_CASE(name, value, exit_code, text)                                                    \
    case value:                                                                                    \
        return exit_code;

int status_exit_code(odeon_status status)
{
    switch (status) {
        ODEON_STATUS_LIST(EXIT_CASE)
    default: /* a plugin's own number: a void step if positive, else nobody's fault but a bug's */
        return status > 0 ? 6 : 1;
    }
}
