#include "scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char name_characters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
static const char digits[] = "0123456789";

scanner scan_begin(const odeon_host *host, const char *option, const char *text)
{
    return (scanner){.host = host, .option = option, .text = text, .at = text};
}

char scan_next(scanner *s)
{
    s->at += strspn(s->at, " \t");
    return *s->at;
}

bool scan_take(scanner *s, char c)
{
    if (scan_next(s) != c) {
        return false;
    }
    s->at++;
    return true;
}

bool scan_skip_past(scanner *s, char c)
{
    const char *found = strchr(s->at, c);
    s->at = found != NULL ? found + 1 : s->at + strlen(s->at);
    return found != NULL;
}

int scan_column(const scanner *s, const char *at)
{
    return (int)(at - s->text) + 1;
}

/* Quotes the text at the position, so that the mistake is seen without counting columns. */
odeon_status scan_fail(const scanner *s, const char *at, const char *format, ...)
{
    char what[400];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return odeon_fail(s->host, ODEON_ERR_CONFIG, "formula: %s, column %d, %s%.24s%s: %s", s->option,
                      scan_column(s, at), *at != '\0' ? "'" : "at its end", at,
                      *at != '\0' ? "'" : "", what);
}

bool scan_is(const scan_name *name, const char *text)
{
    size_t n = strlen(text);
    return (size_t)name->length == n && memcmp(name->start, text, n) == 0;
}

bool scan_name_here(scanner *s, scan_name *out)
{
    size_t n = strspn(s->at, letters) > 0 ? strspn(s->at, name_characters) : 0;
    if (n == 0 || n > SCAN_MAX_NAME) {
        return false;
    }
    *out = (scan_name){.start = s->at, .length = (int)n};
    s->at += n;
    return true;
}

/* A semicolon gets a message of its own: it is a frequent guess for '|'. */
odeon_status scan_read_name(scanner *s, scan_name *out)
{
    (void)scan_next(s);
    if (scan_name_here(s, out)) {
        return ODEON_OK;
    }
    return *s->at == ';' ? scan_fail(s, s->at, "equations stand apart by '|'")
                         : scan_fail(s, s->at,
                                     "expected a name (a letter, then at most %d letters, "
                                     "digits and underscores)",
                                     SCAN_MAX_NAME - 1);
}

bool scan_starts_number(char c)
{
    return c == '.' || (c >= '0' && c <= '9');
}

/* The length of the decimal number at text; 0: none. */
static size_t number_length(const char *text)
{
    size_t whole = strspn(text, digits), n = whole, fraction = 0;
    if (text[n] == '.') {
        fraction = strspn(text + n + 1, digits);
        n += 1 + fraction;
    }
    if (whole + fraction == 0) {
        return 0;
    }
    if (text[n] == 'e' || text[n] == 'E') {
        size_t sign = text[n + 1] == '-' || text[n + 1] == '+';
        size_t exponent = strspn(text + n + 1 + sign, digits);
        n += exponent > 0 ? 1 + sign + exponent : 0;
    }
    return n;
}

/* A name directly behind a number is refused, as 2x means 2*x to many. */
odeon_status scan_read_number(scanner *s, double *out)
{
    char text[128];
    (void)scan_next(s);
    size_t n = number_length(s->at);
    if (n == 0 || n >= sizeof text) {
        return scan_fail(s, s->at, "expected a number of at most %zu digits", sizeof text - 1);
    }
    memcpy(text, s->at, n);
    text[n] = '\0';
    *out = strtod(text, NULL);
    if (!isfinite(*out)) {
        return scan_fail(s, s->at, "a number that is too large");
    }
    s->at += n;
    if (strchr(name_characters, *s->at) != NULL && *s->at != '\0') {
        return scan_fail(s, s->at, "a name right behind a number: is a '*' missing?");
    }
    return ODEON_OK;
}
