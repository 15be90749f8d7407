/* A double is m 2^e. Scaled to 17 digits before the point it is S = m 5^k 2^(e + k), and between
 * 1e-10 and 1e15 the product m 5^k has less than 128 bits: S is known exactly, as a whole part and
 * a binary fraction, and so is half of the distance to the next double. What is rounded to fewer
 * digits reads back as the same double as long as it is no further away than that. */
#include "base/decimal.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* S = whole + fraction 2^-bits; half = half_whole + half_fraction 2^-(bits + 1). */
typedef struct scaled {
    uint64_t whole, fraction, half_whole, half_fraction;
    int bits, exponent; /* exponent: value has its first digit at 10^exponent */
    bool even;          /* m is even: a number right between two doubles is read as this one */
} scaled;

enum { MOST_DIGITS = 17, SURE_DIGITS = 15 };

/* n <= 27: the last one that 64 bits hold. */
static uint64_t power_of_five(int n)
{
    uint64_t power = 1;
    for (int i = 0; i < n; i++) {
        power *= 5;
    }
    return power;
}

/* a b = high 2^64 + low, by halves of 32 bits. */
static uint64_t multiply(uint64_t a, uint64_t b, uint64_t *high)
{
    const uint64_t mask = UINT32_MAX;
    uint64_t low = (a & mask) * (b & mask), left = (a >> 32) * (b & mask);
    uint64_t right = (a & mask) * (b >> 32), middle = (low >> 32) + (left & mask) + (right & mask);
    *high = (a >> 32) * (b >> 32) + (left >> 32) + (right >> 32) + (middle >> 32);
    return middle << 32 | (low & mask);
}

/* The number m 2^e with its first digit at 10^exponent, or next to it. */
static scaled scale(uint64_t m, int e, int exponent)
{
    int k = MOST_DIGITS - 1 - exponent, bits = -(e + k);
    uint64_t five = power_of_five(k), high, low = multiply(m, five, &high);
    return (scaled){.whole = high << (64 - bits) | low >> bits,
                    .fraction = low & ((UINT64_C(1) << bits) - 1),
                    .half_whole = five >> (bits + 1),
                    .half_fraction = five & ((UINT64_C(2) << bits) - 1),
                    .bits = bits,
                    .exponent = exponent,
                    .even = m % 2 == 0};
}

/* value from 1e-10 to 1e15, so that bits stays between 1 and 62. The logarithm may be off by a
 * rounding error, which the count of digits shows. */
static scaled scale_value(double value)
{
    int e, exponent = (int)floor(log10(value));
    uint64_t m = (uint64_t)ldexp(frexp(value, &e), 53);
    scaled s = scale(m, e - 53, exponent);
    if (s.whole >= UINT64_C(100000000000000000)) {
        return scale(m, e - 53, exponent + 1);
    }
    return s.whole < UINT64_C(10000000000000000) ? scale(m, e - 53, exponent - 1) : s;
}

/* Is a distance of whole + fraction 2^-bits within half of that to the next double? */
static bool is_near(const scaled *s, uint64_t whole, uint64_t fraction)
{
    uint64_t twice = 2 * fraction;
    if (whole != s->half_whole) {
        return whole < s->half_whole;
    }
    return twice < s->half_fraction || (twice == s->half_fraction && s->even);
}

/* S rounded to a multiple of unit (1, 10, 100), ties to even, as printf does; true if it reads
 * back. */
static bool round_to(const scaled *s, uint64_t unit, uint64_t *out)
{
    uint64_t q = s->whole / unit, rest = s->whole % unit, one = UINT64_C(1) << s->bits;
    uint64_t middle = unit / 2, middle_fraction = unit == 1 ? one / 2 : 0;
    bool above = rest > middle || (rest == middle && s->fraction > middle_fraction);
    bool tie = rest == middle && s->fraction == middle_fraction;
    if (above || (tie && q % 2 == 1)) {
        *out = q + 1;
        return s->fraction == 0 ? is_near(s, unit - rest, 0)
                                : is_near(s, unit - rest - 1, one - s->fraction);
    }
    *out = q;
    return is_near(s, rest, s->fraction);
}

/* The digits as text, without zeros at their end; *exponent is that of the first. A decimal of 15
 * digits or less survives a double, so that of the 15 that were found the zeros can go, and no
 * shorter number reads back. */
static int find_digits(double value, char digits[MOST_DIGITS + 2], int *exponent)
{
    scaled s = scale_value(value);
    uint64_t found = s.whole;
    int n = SURE_DIGITS;
    for (uint64_t unit = 100; !round_to(&s, unit, &found) && unit > 1; unit /= 10) {
        n++;
    }
    *exponent = s.exponent;
    for (int i = n; i >= 0; i--) { /* one more place: rounding up may need it */
        digits[i] = (char)('0' + found % 10);
        found /= 10;
    }
    bool carried = digits[0] != '0';
    *exponent += carried;
    n += carried;
    memmove(digits, digits + !carried, (size_t)n);
    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }
    return n;
}

/* "-4" as "e-04": the least width of C's formats. */
static char *put_exponent(char *to, int exponent)
{
    int size = exponent < 0 ? -exponent : exponent;
    *to++ = 'e';
    *to++ = exponent < 0 ? '-' : '+';
    *to++ = (char)('0' + size / 10);
    *to++ = (char)('0' + size % 10);
    return to;
}

static char *put(char *to, const char *from, int n)
{
    memcpy(to, from, (size_t)n);
    return to + n;
}

/* The forms of %g with n digits. */
static void put_number(char *to, const char *digits, int n, int exponent)
{
    bool scientific = exponent < -4 || exponent >= n;
    int before = scientific ? 1 : exponent + 1; /* digits before the point */
    if (before > 0) {
        to = put(to, digits, before);
        if (n > before) {
            *to++ = '.';
            to = put(to, digits + before, n - before);
        }
    } else {
        to = put(to, "0.000", 2 - before);
        to = put(to, digits, n);
    }
    to = scientific ? put_exponent(to, exponent) : to;
    *to = '\0';
}

/* Below 1e6. */
static void put_whole(char *to, uint32_t n)
{
    char digits[12];
    int at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    to = put(to, digits + at, (int)sizeof digits - at);
    *to = '\0';
}

bool decimal_print(double value, char text[DECIMAL_TEXT_BYTES])
{
    double size = fabs(value);
    int unused;
    bool whole = size < 1e6 && size == trunc(size);
    if (!whole && (!(size >= 1e-10 && size < 1e15) || frexp(size, &unused) == 0.5)) {
        return false;
    }
    char *to = text;
    if (signbit(value)) {
        *to++ = '-';
    }
    if (whole) {
        put_whole(to, (uint32_t)size);
        return true;
    }
    char digits[MOST_DIGITS + 2];
    int exponent, n = find_digits(size, digits, &exponent);
    put_number(to, digits, n, exponent);
    return true;
}
