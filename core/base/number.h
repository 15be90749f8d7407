/* number.h: read and write numbers, independent of the locale. */
#ifndef ODEON_CORE_BASE_NUMBER_H
#define ODEON_CORE_BASE_NUMBER_H
#include <stddef.h>
#include <stdint.h>

enum { NUMBER_OK = 0, NUMBER_SYNTAX = 1, NUMBER_OVERFLOW = 2 };

/* Parse the whole text as a decimal integer with an optional minus sign, or as a decimal fraction
 * with an optional sign and exponent. No blanks, hexadecimal, inf or nan. NUMBER_OVERFLOW: too
 * large for the type, or nonzero but rounded to 0. */
int number_parse_i64(const char *text, int64_t *out);
int number_parse_f64(const char *text, double *out);

/* Returns value, but NaN without its sign, which means nothing and which printf shows as "-nan". */
double number_plain(double value);

/* Writes the shortest decimal text that reads back as value; NUMBER_TEXT_BYTES always suffice.
 * Returns its length. */
enum { NUMBER_TEXT_BYTES = 40 };
size_t number_print_f64(double value, char text[NUMBER_TEXT_BYTES]);
size_t number_print_i64(int64_t value, char text[NUMBER_TEXT_BYTES]);

#endif
