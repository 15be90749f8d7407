/* elementary.h: exp, log, tanh, sigmoid, softplus, sin and cos, without branches and tables, so
 * that loops over them vectorize. Every operation is one of IEEE 754 and none is contracted, so all
 * instruction sets give the same bits.
 *
 * Names that end in _short serve float32: the argument is a float32 number as a double, and the
 * result, rounded to float32, is within 0.51 ulp. Names that end in _full serve float64 and are
 * within 1 ulp; they carry the last bits as a second, smaller number. NaN is passed on, infinities
 * give the limits and denormal results are rounded once. sin and cos hold for arguments of at most
 * TURN_LIMIT in magnitude.
 *
 * Polynomials are minimax, by Remez's algorithm with the error weighted as it enters the result. */
#ifndef ODEON_CPU_ELEMENTARY_H
#define ODEON_CPU_ELEMENTARY_H
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "lanes.h"

ALWAYS_INLINE uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

ALWAYS_INLINE double of_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* NaN stays NaN. */
ALWAYS_INLINE double at_most(double x, double bound)
{
    return x > bound ? bound : x;
}

ALWAYS_INLINE double at_least(double x, double bound)
{
    return x < bound ? bound : x;
}

/* An unevaluated sum of two doubles, |low| at most a few ulp of high. */
typedef struct double_double {
    double high, low;
} double_double;

/* a + b exactly, where |a| >= |b| or a = 0. Source: Dekker, A floating-point technique for
 * extending the available precision, 1971. */
ALWAYS_INLINE double_double add_ordered(double a, double b)
{
    double sum = a + b;
    return (double_double){sum, b - (sum - a)};
}

/* a + b exactly. Source: Knuth, The Art of Computer Programming, vol. 2, 4.2.2, theorem B. */
ALWAYS_INLINE double_double add_exactly(double a, double b)
{
    double sum = a + b, of_b = sum - a;
    return (double_double){sum, (a - (sum - of_b)) + (b - of_b)};
}

/* The first 26 bits of x. Source: Dekker, 1971. */
ALWAYS_INLINE double upper_half(double x)
{
    double scaled = x * 134217729.0; /* 2^27 + 1 */
    return scaled - (scaled - x);
}

/* a / b, with the rounding error of the division made good. */
ALWAYS_INLINE double_double quotient(double_double a, double_double b)
{
    double inverse = 1.0 / b.high, y = a.high * inverse, product = y * b.high;
    double y_high = upper_half(y), y_low = y - y_high;
    double b_high = upper_half(b.high), b_low = b.high - b_high;
    double error = ((y_high * b_high - product) + y_high * b_low + y_low * b_high) + y_low * b_low;
    double left = ((a.high - product) - error) + (a.low - y * b.low);
    return add_ordered(y, left * inverse);
}

/* ---- exponentials ---- */

/* Adding ROUND leaves no bits for a fraction; the exponent's bias lets the sum's last bits be those
 * of 2^n. */
#define ROUND      6755399441055744.0 /* 1.5 * 2^52 */
#define LOG2_E     1.4426950408889634
#define LN_2       0.6931471805599453
#define LN_2_FIRST 0.6931471803691238 /* 32 bits: its product with an exponent is exact */
#define LN_2_REST  1.9082149292705877e-10

/* 2^n for whole n in -1022 ... 1023, and 0 for n = -1023. */
ALWAYS_INLINE double power_of_2(double n)
{
    return of_bits(bits_of(n + (ROUND + 1023.0)) << 52);
}

/* exp(x) = *scale * (1 + fraction), where *scale = 2^n; |x| <= 700. */
ALWAYS_INLINE double exp_fraction_short(double x, double *scale)
{
    double t = x * LOG2_E + (ROUND + 1023.0), n = t - (ROUND + 1023.0), r = x - n * LN_2;
    double p = 0.00019912943916258936;
    p = p * r + 0.0013939423498169027;
    p = p * r + 0.008333275567885993;
    p = p * r + 0.0416663806202634;
    p = p * r + 0.16666666804573194;
    p = p * r + 0.500000003719343;
    *scale = of_bits(bits_of(t) << 52);
    return r + r * r * p;
}

ALWAYS_INLINE double exp_short(double x)
{
    double scale, fraction = exp_fraction_short(at_least(at_most(x, 100.0), -110.0), &scale);
    return scale + scale * fraction;
}

/* x <= 0. */
ALWAYS_INLINE double expm1_short(double x)
{
    double scale, fraction = exp_fraction_short(at_least(x, -110.0), &scale);
    return (scale - 1.0) + scale * fraction;
}

/* (exp(2x) - 1) / (exp(2x) + 1) of |x|, which is 1 in float32 from 9.02 on. */
ALWAYS_INLINE double tanh_short(double x)
{
    double scale, fraction = exp_fraction_short(2.0 * at_most(fabs(x), 10.0), &scale);
    double rise = (scale - 1.0) + scale * fraction;
    return copysign(rise / (rise + 2.0), x);
}

/* 1 / (1 + e) or e / (1 + e), e = exp(-|x|). */
ALWAYS_INLINE double sigmoid_short(double x)
{
    double scale, fraction = exp_fraction_short(at_least(-fabs(x), -110.0), &scale);
    double e = scale + scale * fraction;
    return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

/* 2 atanh(s) = s (2 + s^2 A(s^2)) for 0 <= s <= 1/3. */
ALWAYS_INLINE double atanh_tail_short(double square)
{
    double p = 0.23918077009456962;
    p = p * square + 0.2153576919626843;
    p = p * square + 0.28606217574695923;
    p = p * square + 0.3999930172328899;
    return p * square + 0.6666667017211941;
}

/* max(x, 0) + log(1 + e), e = exp(-|x|), log(1 + e) = 2 atanh(e / (2 + e)). Above 20 it is x when
 * rounded. */
ALWAYS_INLINE double softplus_short(double x)
{
    double scale, fraction = exp_fraction_short(at_least(-fabs(x), -110.0), &scale);
    double e = scale + scale * fraction, s = e / (2.0 + e), square = s * s;
    return at_least(x, 0.0) + s * (2.0 + square * atanh_tail_short(square));
}

/* exp(x) = 2^n (1 + high + low). */
ALWAYS_INLINE double_double exp_fraction_full(double x, double *n)
{
    *n = (x * LOG2_E + ROUND) - ROUND;
    double first = x - *n * LN_2_FIRST, rest = *n * LN_2_REST;
    double_double r = add_ordered(first, -rest);
    double p = 2.092380387690169e-09;
    p = p * r.high + 2.5108230620912016e-08;
    p = p * r.high + 2.7557245148324794e-07;
    p = p * r.high + 2.755724668784362e-06;
    p = p * r.high + 2.4801587357245687e-05;
    p = p * r.high + 0.00019841269883461634;
    p = p * r.high + 0.00138888888888689;
    p = p * r.high + 0.008333333333322788;
    p = p * r.high + 0.0416666666666667;
    p = p * r.high + 0.16666666666666674;
    p = p * r.high + 0.5;
    return add_ordered(r.high, r.high * r.high * p + (r.low + r.high * r.low));
}

/* Multiplies x by 2^n in two factors, so that a denormal result is rounded once and only an
 * infinite one overflows; -2044 <= n <= 2046. */
ALWAYS_INLINE double times_power_of_2(double x, double n)
{
    double half = (n * 0.5 + ROUND) - ROUND;
    return x * power_of_2(half) * power_of_2(n - half);
}

/* 1 + x. */
ALWAYS_INLINE double_double one_plus(double_double x)
{
    double_double sum = add_ordered(1.0, x.high);
    return add_ordered(sum.high, sum.low + x.low);
}

ALWAYS_INLINE double exp_full(double x)
{
    double n;
    double_double value = one_plus(exp_fraction_full(at_least(at_most(x, 710.0), -746.0), &n));
    return times_power_of_2(value.high, n);
}

/* As tanh_short, on magnitudes; it is 1 from 19.1 on. */
ALWAYS_INLINE double tanh_full(double x)
{
    double n;
    double_double f = exp_fraction_full(2.0 * at_most(fabs(x), 20.0), &n);
    double scale = power_of_2(n);
    double_double rise = add_ordered(scale - 1.0, scale * f.high);
    rise = add_ordered(rise.high, rise.low + scale * f.low);
    double_double sum = add_exactly(rise.high, 2.0);
    sum.low += rise.low;
    return copysign(quotient(rise, sum).high, x);
}

/* v = exp(-|x|) / 2^n, and 1 / (c + v 2^n), for c > 0, from which the two below are made. */
ALWAYS_INLINE double_double exp_of_minus(double x, double *n)
{
    return one_plus(exp_fraction_full(at_least(-fabs(x), -746.0), n));
}

ALWAYS_INLINE double_double scaled_plus(double c, double_double v, double n)
{
    double scale = power_of_2(at_least(n, -1023.0));
    double_double sum = add_exactly(c, v.high * scale);
    return (double_double){sum.high, sum.low + v.low * scale};
}

/* 1 / (1 + e) or e / (1 + e), e = exp(-|x|). */
ALWAYS_INLINE double sigmoid_full(double x)
{
    double n, zero = 0.0;
    double_double v = exp_of_minus(x, &n), sum = scaled_plus(1.0, v, n);
    double_double top = {x < zero ? v.high : 1.0, x < zero ? v.low : zero};
    double power = x < zero ? n : zero;
    return times_power_of_2(quotient(top, sum).high, power);
}

ALWAYS_INLINE double atanh_tail_full(double square)
{
    double p = 0.16127407236395588;
    p = p * square + 0.0720484310811489;
    p = p * square + 0.1091622449392395;
    p = p * square + 0.11724476363709782;
    p = p * square + 0.13336004190734746;
    p = p * square + 0.15384500361902084;
    p = p * square + 0.18181821325512076;
    p = p * square + 0.22222222170687325;
    p = p * square + 0.2857142857188105;
    p = p * square + 0.3999999999999833;
    return p * square + 0.6666666666666666;
}

/* As softplus_short; q = (e / (2 + e)) / 2^n, and the logarithm is kept divided by 2^n for the sake
 * of denormal results. */
ALWAYS_INLINE double softplus_full(double x)
{
    double n;
    double_double v = exp_of_minus(x, &n), q = quotient(v, scaled_plus(2.0, v, n));
    double scale = power_of_2(at_least(n, -1023.0)), s = q.high * scale, square = s * s;
    double tail = 2.0 * q.low + q.high * square * atanh_tail_full(square);
    double_double positive = add_exactly(x, 2.0 * s);
    positive.high += positive.low + tail * scale;
    double negative = times_power_of_2(2.0 * q.high + tail, n);
    double value = x > 0.0 ? positive.high : negative;
    return x > 20.0 ? x : value;
}

/* ---- logarithm ---- */

/* x = 2^k m with sqrt(1/2) < m <= sqrt(2), log(x) = k log 2 + 2 atanh((m - 1) / (m + 1)). x is not
 * denormal, as a float32 number never is in float64. */
ALWAYS_INLINE double log_short(double x)
{
    const uint64_t mantissa = UINT64_C(0x000fffffffffffff), one = UINT64_C(0x3ff0000000000000);
    const uint64_t two_52 = UINT64_C(0x4330000000000000);
    uint64_t bits = bits_of(x);
    double m = of_bits((bits & mantissa) | one);
    double k = of_bits((bits >> 52) | two_52) - (4503599627370496.0 + 1023.0);
    double above = m > 1.4142135623730951 ? 1.0 : 0.0;
    m = m - 0.5 * above * m;
    k = k + above;
    double s = (m - 1.0) / (m + 1.0), square = s * s;
    double p = 0.2349512357293308;
    p = p * square + 0.28542472146000397;
    p = p * square + 0.4000024080332718;
    p = p * square + 0.6666666615572516;
    double value = k * LN_2 + s * (2.0 + square * p);
    value = x > 0.0 ? value : (double)NAN;
    value = x == 0.0 ? -HUGE_VAL : value;
    return x < HUGE_VAL ? value : x + 0.0; /* infinity, NaN */
}

/* scale * x^exponent, rounded to float32 within 0.55 ulp of it; |exponent| <= POWER_LIMIT and not
 * whole. As in C negative x gives NaN, but -infinity counts as infinity. */
#define POWER_LIMIT 6.5

ALWAYS_INLINE double power_short(double x, double scale, double exponent)
{
    double y = exponent * log_short(x == -HUGE_VAL ? HUGE_VAL : x), factor;
    double fraction = exp_fraction_short(at_least(at_most(y, 700.0), -700.0), &factor);
    double value = factor + factor * fraction;
    value = y > 690.0 ? HUGE_VAL : value; /* float32 numbers reach 676: these are 0 and infinity */
    return scale * (y < -690.0 ? 0.0 : value);
}

/* ---- sine and cosine ---- */

#define TURN_LIMIT   1e6
#define TWO_BY_PI    0.6366197723675814
#define QUARTER_1    1.5707963267341256    /* pi / 2 in parts of 33 bits, whose products with the */
#define QUARTER_2    6.077100506303966e-11 /* number of quarter turns are exact, and a rest */
#define QUARTER_3    2.0222662487111665e-21
#define QUARTER_4    8.4784276603689e-32
#define QUARTER_REST 6.077100506506192e-11 /* pi / 2 - QUARTER_1 */

/* sin(x + quarter pi / 2), with x = n pi / 2 + r, |r| <= pi / 4: even turns are a sine of r, odd
 * ones a cosine, and two turns change the sign. */
ALWAYS_INLINE double choose_turn(double sine, double cosine, double n, double quarter)
{
    uint64_t k = bits_of(n + quarter + ROUND);
    uint64_t odd = UINT64_C(0) - (k & 1), sign = (k & 2) << 62;
    return of_bits(((bits_of(cosine) & odd) | (bits_of(sine) & ~odd)) ^ sign);
}

ALWAYS_INLINE double sin_short(double x, double quarter)
{
    double n = (x * TWO_BY_PI + ROUND) - ROUND;
    double r = (x - n * QUARTER_1) - n * QUARTER_REST, z = r * r;
    double s = 2.720210893633797e-06;
    s = s * z + -0.00019839572500499194;
    s = s * z + 0.008333330303890505;
    s = s * z + -0.1666666665215576;
    double c = 2.4490372463163215e-05;
    c = c * z + -0.0013887877154141663;
    c = c * z + 0.04166665884847543;
    return choose_turn(r * (1.0 + z * s), (1.0 - 0.5 * z) + z * z * c, n, quarter);
}

/* x - n pi / 2. Source: Cody, Waite, Software Manual for the Elementary Functions, 1980. */
ALWAYS_INLINE double_double reduce_turns(double x, double n)
{
    double_double first = add_exactly(x - n * QUARTER_1, -(n * QUARTER_2));
    double_double second = add_exactly(first.high, -(n * QUARTER_3));
    return add_ordered(second.high, (second.low + first.low) - n * QUARTER_4);
}

ALWAYS_INLINE double sin_full(double x, double quarter)
{
    double n = (x * TWO_BY_PI + ROUND) - ROUND;
    double_double r = reduce_turns(x, n);
    double z = r.high * r.high;
    double s = 1.5900525976672215e-10;
    s = s * z + -2.505082959925148e-08;
    s = s * z + 2.755731420814864e-06;
    s = s * z + -0.00019841269831533313;
    s = s * z + 0.008333333333325012;
    s = s * z + -0.16666666666666646;
    double c = -1.1368739781632915e-11;
    c = c * z + 2.0875908933567637e-09;
    c = c * z + -2.7557315803119616e-07;
    c = c * z + 2.480158729484358e-05;
    c = c * z + -0.0013888888888883336;
    c = c * z + 0.04166666666666666;
    double sine = r.high + (r.high * z * s + r.low * (1.0 - 0.5 * z));
    sine = x == 0.0 ? x : sine; /* -0 */
    double_double half = add_ordered(1.0, -0.5 * z);
    double cosine = half.high + (half.low + (z * z * c - r.high * r.low));
    return choose_turn(sine, cosine, n, quarter);
}

#endif
