/* decimal.h: the shortest decimal text of a double, by arithmetic on whole numbers. */
#ifndef ODEON_CORE_BASE_DECIMAL_H
#define ODEON_CORE_BASE_DECIMAL_H
#include <stddef.h>

/* The most that decimal_print writes, with the NUL and with what it writes behind that. */
enum { DECIMAL_TEXT_BYTES = 40 };

/* Writes what printf writes by %g with the fewest digits that read back as value, whatever the
 * locale, and returns its length. 0, and nothing is written, where value is none of those that this
 * covers: whole numbers below 1e6, and numbers from 1e-10 to 1e15, of which powers of two only as
 * far as 15 digits say them exactly, as 0.125. */
size_t decimal_print(double value, char text[DECIMAL_TEXT_BYTES]);

#endif
