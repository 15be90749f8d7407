#include "dates.h"

#include <stdint.h>

/* Exactly n digits, which *text then stands behind. */
static bool digits(const char **text, int n, int64_t *out)
{
    *out = 0;
    for (int i = 0; i < n; i++, (*text)++) {
        if (**text < '0' || **text > '9') {
            return false;
        }
        *out = 10 * *out + (**text - '0');
    }
    return true;
}

static bool sign(const char **text, char c)
{
    bool found = **text == c;
    *text += found;
    return found;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Proleptic Gregorian calendar; days before the year's first of January, then those of its months.
 */
static bool day_number(int64_t year, int64_t month, int64_t day, int64_t *out)
{
    static const int64_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || month < 1 || month > 12) {
        return false;
    }
    int64_t before = year - 1;
    int64_t n = 365 * before + before / 4 - before / 100 + before / 400;
    for (int64_t m = 1; m < month; m++) {
        n += days[m - 1] + (m == 2 && is_leap(year));
    }
    *out = n + day - 1 - 719162; /* days from 0001-01-01 to 1970-01-01 */
    return day >= 1 && day <= days[month - 1] + (month == 2 && is_leap(year));
}

/* HH:MM[:SS[.FRACTION]] */
static bool clock_time(const char **text, double *seconds)
{
    int64_t hours, minutes, whole = 0;
    double unit = 1.0, fraction = 0.0;
    if (!digits(text, 2, &hours) || !sign(text, ':') || !digits(text, 2, &minutes)) {
        return false;
    }
    if (sign(text, ':') && !digits(text, 2, &whole)) {
        return false;
    }
    if (sign(text, '.')) {
        for (int64_t digit; digits(text, 1, &digit);) {
            unit /= 10.0;
            fraction += unit * (double)digit;
        }
        if (unit == 1.0) {
            return false;
        }
    }
    *seconds = (double)(3600 * hours + 60 * minutes + whole) + fraction;
    return hours < 24 && minutes < 60 && whole < 60;
}

/* Nothing, Z, or hours and minutes ahead of UTC, which are taken off. */
static bool zone(const char **text, double *seconds)
{
    int64_t hours, minutes;
    bool behind = **text == '-';
    if (**text == '\0' || sign(text, 'Z')) {
        return true;
    }
    if ((!sign(text, '+') && !sign(text, '-')) || !digits(text, 2, &hours)) {
        return false;
    }
    (void)sign(text, ':');
    if (!digits(text, 2, &minutes) || hours > 14 || minutes > 59) {
        return false;
    }
    *seconds += (behind ? 60.0 : -60.0) * (double)(60 * hours + minutes);
    return true;
}

bool date_parse(const char *text, double *seconds)
{
    int64_t year, month, day, number;
    double rest = 0.0;
    if (!digits(&text, 4, &year) || !sign(&text, '-') || !digits(&text, 2, &month) ||
        !sign(&text, '-') || !digits(&text, 2, &day) || !day_number(year, month, day, &number)) {
        return false;
    }
    if (*text != '\0' && ((!sign(&text, ' ') && !sign(&text, 'T')) || !clock_time(&text, &rest) ||
                          !zone(&text, &rest))) {
        return false;
    }
    *seconds = 86400.0 * (double)number + rest;
    return *text == '\0';
}
