#include "base/diag.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/log_lines.h"
#include "odeon/host.h"

/* Per thread, so that workers that fail at the same time do not overwrite each other's reasons.
 * Empty: no failure recorded. */
static _Thread_local char message[DIAG_MESSAGE_BYTES];
static _Thread_local bool is_hushed;

/* printf shows the meaningless sign bit of a NaN as "-nan", and it differs between machines: drop
 * it, but only where it stands as a word of its own. */
static void drop_sign_of_nan(char *text)
{
    for (char *at = strstr(text, "-nan"); at != NULL; at = strstr(at + 1, "-nan")) {
        bool starts = at == text || strchr(" (=[,:", at[-1]) != NULL;
        bool ends = at[4] == '\0' || strchr(" ),;:]%", at[4]) != NULL;
        if (starts && ends) {
            memmove(at, at + 1, strlen(at));
        }
    }
}

/* Backs up over UTF-8 continuation bytes, so that the mark does not follow half a character. */
void diag_mark_cut(char *text, size_t bytes)
{
    size_t end = strnlen(text, bytes - 4);
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80) {
        end--; /* a continuation byte */
    }
    memcpy(text + end, "...", 4);
}

/* Cuts what is too long and marks it, so that no reader takes half a message for the whole. */
static void print(char text[DIAG_MESSAGE_BYTES], const char *format, va_list arguments)
{
    if (vsnprintf(text, DIAG_MESSAGE_BYTES, format, arguments) >= DIAG_MESSAGE_BYTES) {
        diag_mark_cut(text, DIAG_MESSAGE_BYTES);
    }
}

/* Keeps the message one line of printable text, whatever names it contains. */
static void clean(const char *text, char line[DIAG_MESSAGE_BYTES])
{
    if (!clean_line(text, line, DIAG_MESSAGE_BYTES)) {
        diag_mark_cut(line, DIAG_MESSAGE_BYTES);
    }
    drop_sign_of_nan(line);
}

/* Returns status, so that a failure is reported and passed up in one statement. */
odeon_status diag_fail(odeon_status status, const char *format, ...)
{
    char text[DIAG_MESSAGE_BYTES]; /* not printed into message directly: the arguments may point
                                      into it */
    va_list arguments;
    va_start(arguments, format);
    print(text, format, arguments);
    va_end(arguments);
    diag_adopt(text);
    return status;
}

/* The text is that of the calling thread and changes with its next failure or diag_clear. */
const char *diag_message(void)
{
    return message;
}

void diag_clear(void)
{
    message[0] = '\0';
}

/* The first message wins, as it is nearest to the cause. */
void diag_adopt(const char *text)
{
    if (message[0] != '\0') {
        return;
    }
    clean(text, message);
}

/* Returned by value: a caller can keep it on its stack while the thread records another. */
diag_reason diag_take(void)
{
    diag_reason reason;
    memcpy(reason.text, message, strlen(message) + 1); /* nearly always nothing */
    diag_clear();
    return reason;
}

/* A flag, not a count: whoever hushes a thread must not call others that do so too. */
void diag_hush(bool hushed)
{
    is_hushed = hushed;
}

/* Logging never touches message: a warning must not become the reason of a failure. */
void diag_log(int32_t level, const char *format, ...)
{
    if (is_hushed || (level <= ODEON_LOG_DEBUG && getenv("ODEON_DEBUG") == NULL)) {
        return;
    }
    char text[DIAG_MESSAGE_BYTES], line[DIAG_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    print(text, format, arguments);
    va_end(arguments);
    clean(text, line);
    const char *word = level <= ODEON_LOG_DEBUG    ? "debug: "
                       : level < ODEON_LOG_WARNING ? ""
                                                   : "warning: ";
    (void)fprintf(stderr, "odeon: %s%s\n", word, line);
    log_lines_add();
}

/* What status_text answers for a negative number that is none of status.h; status_is_known compares
 * with it. */
static const char unknown[] = "unknown failure";

/* The table of status.h expands to the cases of both switches, so that a new status has its text
 * and its exit code at one place. */
#define TEXT_CASE(name, value, exit_code, text)                                                    \
    case value:                                                                                    \
        return text;

const char *status_text(odeon_status status)
{
    switch (status) {
        ODEON_STATUS_LIST(TEXT_CASE)
    default:
        return status > 0 ? "this trial step is void" : unknown;
    }
}

/* Positive numbers are all void steps, whatever a solver means by each. */
bool status_is_known(odeon_status status)
{
    return status > 0 || strcmp(status_text(status), unknown) != 0;
}

#define EXIT_CASE(name, value, exit_code, text)                                                    \
    case value:                                                                                    \
        return exit_code;

/* For the program alone; the library passes statuses. */
int status_exit_code(odeon_status status)
{
    switch (status) {
        ODEON_STATUS_LIST(EXIT_CASE)
    default: /* a status that a plugin made up: a void step if positive, else an internal error */
        return status > 0 ? 6 : 1;
    }
}
