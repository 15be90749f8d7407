/* A double is m 2^e. Scaled to 17 digits before the point it is S = m 5^k 2^(e + k), and between
 * 1e-10 and 1e15 the product m 5^k has less than 128 bits: S is known exactly, as a whole part and
 * a binary fraction, and so is half of the distance to the next double. What is rounded to fewer
 * digits reads back as the same double as long as it is no further away than that. */
#include "base/decimal.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static_assert(DBL_MANT_DIG == 53 && sizeof(double) == sizeof(uint64_t), "IEEE 754 binary64");

/* S = whole + fraction 2^-bits; half = half_whole + half_fraction 2^-(bits + 1). */
typedef struct scaled {
    uint64_t m, whole, fraction, half_whole, half_fraction;
    int bits;
} scaled;

enum { MOST_DIGITS = 17, SURE_DIGITS = 15, PLACES = 18, TAIL = 16 };

/* n digits from first on, within places; the first of them stands for 10^exponent. Behind places
 * is room to read beyond them: a copy of TAIL bytes takes less time than one of the bytes that are
 * asked for. */
typedef struct decimal {
    char places[PLACES + TAIL];
    const char *first;
    int n, exponent;
} decimal;

/* Those that 64 bits hold. */
static const uint64_t powers_of_five[] = {UINT64_C(1),
                                          UINT64_C(5),
                                          UINT64_C(25),
                                          UINT64_C(125),
                                          UINT64_C(625),
                                          UINT64_C(3125),
                                          UINT64_C(15625),
                                          UINT64_C(78125),
                                          UINT64_C(390625),
                                          UINT64_C(1953125),
                                          UINT64_C(9765625),
                                          UINT64_C(48828125),
                                          UINT64_C(244140625),
                                          UINT64_C(1220703125),
                                          UINT64_C(6103515625),
                                          UINT64_C(30517578125),
                                          UINT64_C(152587890625),
                                          UINT64_C(762939453125),
                                          UINT64_C(3814697265625),
                                          UINT64_C(19073486328125),
                                          UINT64_C(95367431640625),
                                          UINT64_C(476837158203125),
                                          UINT64_C(2384185791015625),
                                          UINT64_C(11920928955078125),
                                          UINT64_C(59604644775390625),
                                          UINT64_C(298023223876953125),
                                          UINT64_C(1490116119384765625),
                                          UINT64_C(7450580596923828125)};

/* a b = high 2^64 + low, by halves of 32 bits; with a < 2^53 and b < 2^63 the products in the
 * middle add up to less than 2^64. */
static uint64_t multiply(uint64_t a, uint64_t b, uint64_t *high)
{
    uint64_t a_low = (uint32_t)a, b_low = (uint32_t)b, lowest = a_low * b_low;
    uint64_t middle = (a >> 32) * b_low + a_low * (b >> 32) + (lowest >> 32);
    *high = (a >> 32) * (b >> 32) + (middle >> 32);
    return middle << 32 | (uint32_t)lowest;
}

/* The number m 2^e with its first digit at 10^exponent, or next to it. */
static scaled scale(uint64_t m, int e, int exponent)
{
    int k = MOST_DIGITS - 1 - exponent, bits = -(e + k);
    uint64_t five = powers_of_five[k], high, low = multiply(m, five, &high);
    return (scaled){.m = m,
                    .whole = high << (64 - bits) | low >> bits,
                    .fraction = low & ((UINT64_C(1) << bits) - 1),
                    .half_whole = five >> (bits + 1),
                    .half_fraction = five & ((UINT64_C(2) << bits) - 1),
                    .bits = bits};
}

/* floor(log10(2^e)) for |e| < 200; the division rounds down because its left side is not negative.
 */
static int decimal_exponent(int e)
{
    enum { LOG10_2 = 78913, ONE = 1 << 18, SHIFT = 64 }; /* log10(2) = LOG10_2 / ONE */
    return (int)((unsigned)(e * LOG10_2 + SHIFT * ONE) / ONE) - SHIFT;
}

/* value from 1e-10 to 1e15, so that bits stays between 1 and 62 and m has its first bit; it has
 * its first digit at 10^*exponent. The exponent that is tried is that of the power of two below
 * value, which may have a digit less, as the count of digits shows. */
static scaled scale_value(double value, int *exponent)
{
    const int fraction_bits = DBL_MANT_DIG - 1, bias = DBL_MAX_EXP - 1;
    const uint64_t one = UINT64_C(1) << fraction_bits;
    uint64_t binary;
    memcpy(&binary, &value, sizeof binary);
    uint64_t m = (binary & (one - 1)) | one;
    int e = (int)(binary >> fraction_bits) - bias;
    for (*exponent = decimal_exponent(e);; ++*exponent) {
        scaled s = scale(m, e - fraction_bits, *exponent);
        if (s.whole < UINT64_C(100000000000000000)) {
            return s;
        }
    }
}

/* Is a distance of whole + fraction 2^-bits within half of that to the next double? A number right
 * between two doubles is read as the one whose m is even. */
static bool is_near(const scaled *s, uint64_t whole, uint64_t fraction)
{
    uint64_t twice = 2 * fraction;
    if (whole != s->half_whole) {
        return whole < s->half_whole;
    }
    return twice < s->half_fraction || (twice == s->half_fraction && s->m % 2 == 0);
}

/* S rounded to a multiple of unit (1, 10, 100), ties to even, as printf does; true if it reads
 * back. */
static inline bool round_to(const scaled *s, uint64_t unit, uint64_t *out)
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

/* Below a power of two the next double is only half as far away. */
static bool is_power(const scaled *s)
{
    return s->m == UINT64_C(1) << (DBL_MANT_DIG - 1);
}

/* To the fewest digits that read back; returns how many. The three are written out, so that each
 * is made for its unit. */
static int round_digits(const scaled *s, uint64_t *out)
{
    if (round_to(s, 100, out)) {
        return SURE_DIGITS;
    }
    if (round_to(s, 10, out)) {
        return SURE_DIGITS + 1;
    }
    (void)round_to(s, 1, out);
    return MOST_DIGITS;
}

static const char pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536"
    "37383940414243444546474849505152535455565758596061626364656667686970717273"
    "7475767778798081828384858687888990919293949596979899";

static inline void put_pair(char *to, uint32_t number)
{
    memcpy(to, pairs + 2 * number, 2);
}

/* number < 10^8, with zeros in front. */
static inline void put_eight(char *to, uint32_t number)
{
    uint32_t high = number / 10000, low = number % 10000;
    put_pair(to, high / 100);
    put_pair(to + 2, high % 100);
    put_pair(to + 4, low / 100);
    put_pair(to + 6, low % 100);
}

/* number < 10^18, with zeros in front. */
static void put_places(char to[PLACES], uint64_t number)
{
    const uint32_t eight = 100000000;
    uint64_t high = number / eight;
    put_pair(to, (uint32_t)(high / eight));
    put_eight(to + 2, (uint32_t)(high % eight));
    put_eight(to + 10, (uint32_t)(number % eight));
}

/* The digits of a value, without zeros at their end. A decimal of 15 digits or less survives a
 * double, so that of the 15 that were found the zeros can go, and no shorter number reads back.
 * That holds of a power of two, too, which so many digits say exactly; of others there are none. */
static void find_digits(double value, decimal *out)
{
    int exponent;
    scaled s = scale_value(value, &exponent);
    uint64_t found = s.whole;
    out->n = 0;
    if (is_power(&s) && (s.whole % 100 != 0 || s.fraction != 0)) {
        return;
    }
    int n = round_digits(&s, &found);
    put_places(out->places, found);
    bool carried = out->places[PLACES - n - 1] != '0'; /* rounding up has made a digit more */
    out->first = out->places + PLACES - n - carried;
    out->exponent = exponent + carried;
    n += carried;
    while (n > 1 && out->first[n - 1] == '0') {
        n--;
    }
    out->n = n;
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

/* The forms of %g. Of 17 digits at least one stands before the point, of a number below 1e15 no
 * more than 15, so that TAIL bytes hold either side. */
static char *put_number(char *to, const decimal *d)
{
    bool scientific = d->exponent < -4 || d->exponent >= d->n;
    int before = scientific ? 1 : d->exponent + 1; /* digits before the point */
    if (before <= 0) {
        memcpy(to, "0.000", 5);
        to += 2 - before;
        memcpy(to, d->first, TAIL + 1);
        return to + d->n;
    }
    memcpy(to, d->first, TAIL);
    to += before;
    if (d->n > before) {
        *to++ = '.';
        memcpy(to, d->first + before, TAIL);
        to += d->n - before;
    }
    return scientific ? put_exponent(to, d->exponent) : to;
}

/* Below 1e6. */
static char *put_whole(char *to, uint32_t n)
{
    char digits[12];
    int at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    size_t size = sizeof digits - (size_t)at;
    memcpy(to, digits + at, size);
    return to + size;
}

size_t decimal_print(double value, char text[DECIMAL_TEXT_BYTES])
{
    double size = fabs(value);
    char *to = text;
    decimal found;
    found.n = 0; /* the rest is set where it is used */
    bool whole = size < 1e6 && size == (double)(int32_t)size;
    if (!whole && size >= 1e-10 && size < 1e15) {
        find_digits(size, &found);
    }
    if (!whole && found.n == 0) {
        return 0;
    }
    if (signbit(value)) {
        *to++ = '-';
    }
    to = whole ? put_whole(to, (uint32_t)size) : put_number(to, &found);
    *to = '\0';
    return (size_t)(to - text);
}
