/* number.h: numbers as text, the same in every locale. */
#ifndef ODEON_CORE_BASE_NUMBER_H
#define ODEON_CORE_BASE_NUMBER_H
#include <stddef.h>
#include <stdint.h>

enum { NUMBER_OK = 0, NUMBER_SYNTAX = 1, NUMBER_OVERFLOW = 2 };

/* The whole of text as decimal digits with an optional minus sign; as a decimal fraction with an
 * optional sign and exponent. No blanks, no hexadecimal, no inf, no nan. NUMBER_OVERFLOW: larger
 * than the type holds, or not zero but too small for it. */
int number_parse_i64(const char *text, int64_t *out);
int number_parse_f64(const char *text, double *out);

/* The same, but NaN without its sign, which means nothing: printf shows it as "-nan". */
double number_plain(double value);

/* The shortest decimal text that reads back as value; NUMBER_TEXT_BYTES are always enough. */
enum { NUMBER_TEXT_BYTES = 32 };
void number_print_f64(double value, char text[NUMBER_TEXT_BYTES]);

#endif
