#include "base/number.h"

#include <assert.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

static const char digits[] = "0123456789";

/* The syntax is checked first, because strtoll also takes blanks and a plus sign. */
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

/* The configuration's numbers are plain decimals; strtod alone would also take hexadecimal, inf,
 * nan and leading blanks. */
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

/* strtod and printf use the locale's decimal point, so they run in the "C" locale. That locale is
 * static in glibc: neither call allocates. */
static locale_t enter_c_locale(locale_t *c)
{
    *c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return uselocale(*c);
}

/* Puts the locale of the thread back, which belongs to whoever embeds the host. */
static void leave_c_locale(locale_t c, locale_t previous)
{
    (void)uselocale(previous);
    freelocale(c);
}

/* A nonzero number that underflows to 0 is refused, a denormal result is kept. */
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

/* The macro NAN is positive on every platform that is supported. */
double number_plain(double value)
{
    return isnan(value) ? (double)NAN : value;
}

/* Growing precision until the text reads back as the same double. */
static size_t print_by_trial(double value, char text[NUMBER_TEXT_BYTES])
{
    locale_t c, previous = enter_c_locale(&c);
    /* start at six digits, so that 10 prints as 10 and not as 1e+01 */
    int first = fabs(value) < 1e6 && value == trunc(value) ? 6 : 1;
    /* 17 digits always read back exactly */
    for (int precision = first; precision <= 17; precision++) {
        (void)snprintf(text, NUMBER_TEXT_BYTES, "%.*g", precision, value);
        if (!(strtod(text, NULL) != value)) { /* also true for NaN */
            break;
        }
    }
    leave_c_locale(c, previous);
    return strlen(text);
}

/* What decimal_print leaves is rare. */
size_t number_print_f64(double value, char text[NUMBER_TEXT_BYTES])
{
    static_assert((int)NUMBER_TEXT_BYTES >= (int)DECIMAL_TEXT_BYTES, "room for decimal_print");
    size_t n = decimal_print(value, text);
    return n > 0 ? n : print_by_trial(number_plain(value), text);
}

/* Digits are counted, then written from the last to the first. INT64_MIN has no counterpart above
 * 0, so that they are those of an unsigned number. */
size_t number_print_i64(int64_t value, char text[NUMBER_TEXT_BYTES])
{
    uint64_t left = value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value;
    size_t n = value < 0 ? 2 : 1;
    for (uint64_t rest = left; rest >= 10; rest /= 10) {
        n++;
    }
    text[0] = '-';
    text[n] = '\0';
    for (char *to = text + n - 1; left >= 10; left /= 10) {
        *to-- = (char)('0' + left % 10);
    }
    text[value < 0] = (char)('0' + left);
    return n;
}
