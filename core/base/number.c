#include "base/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "0123456789";

int number_parse_i64(const char *text, int64_t *out)
{
    const char *first = text + (*text == '-');
    size_t n = strspn(first, digits);
    if (n == 0 || first[n] != '\0') {
        return NUMBER_SYNTAX;
    }
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno == ERANGE) {
        return NUMBER_OVERFLOW;
    }
    *out = value;
    return NUMBER_OK;
}

/* What strtod would take besides (hexadecimal, inf, nan, leading blanks) is none of the language.
 */
static int is_decimal(const char *text)
{
    text += *text == '-' || *text == '+';
    size_t whole = strspn(text, digits), fraction = 0;
    text += whole;
    if (*text == '.') {
        fraction = strspn(++text, digits);
        text += fraction;
    }
    if (whole + fraction == 0) {
        return 0;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        size_t exponent = strspn(text, digits);
        return exponent > 0 && text[exponent] == '\0';
    }
    return *text == '\0';
}

/* glibc's "C" locale is static: neither call allocates. */
static locale_t enter_c_locale(locale_t *c)
{
    *c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return uselocale(*c);
}

static void leave_c_locale(locale_t c, locale_t previous)
{
    (void)uselocale(previous);
    freelocale(c);
}

int number_parse_f64(const char *text, double *out)
{
    if (!is_decimal(text)) {
        return NUMBER_SYNTAX;
    }
    locale_t c, previous = enter_c_locale(&c);
    errno = 0;
    double value = strtod(text, NULL);
    int range = errno == ERANGE;
    leave_c_locale(c, previous);
    if (!isfinite(value) || (range && value == 0.0)) {
        return NUMBER_OVERFLOW;
    }
    *out = value;
    return NUMBER_OK;
}

double number_plain(double value)
{
    return isnan(value) ? (double)NAN : value;
}

void number_print_f64(double value, char text[NUMBER_TEXT_BYTES])
{
    value = number_plain(value);
    locale_t c, previous = enter_c_locale(&c);
    /* 10 is 10, not 1e+01 */
    int first = fabs(value) < 1e6 && value == trunc(value) ? 6 : 1;
    for (int precision = first; precision <= 17; precision++) { /* 17 always read back */
        (void)snprintf(text, NUMBER_TEXT_BYTES, "%.*g", precision, value);
        if (!(strtod(text, NULL) != value)) { /* so that a NaN ends here */
            break;
        }
    }
    leave_c_locale(c, previous);
}
