/* chart_text.h: growing text of marked-up documents, numbers as people write them, and how wide
 * words are. */
#ifndef ODEON_VIEW_CHART_TEXT_H
#define ODEON_VIEW_CHART_TEXT_H
#include <stdbool.h>
#include <stddef.h>

#include "odeon/host.h"

/* Starts as {.host = host}. After memory runs out further text is dropped and failed is set, so
 * that whoever writes looks once, at the end. data, if not NULL, holds length bytes and a NUL. */
typedef struct chart_text {
    const odeon_host *host;
    char *data; /* NULL until something was put */
    size_t length, room;
    bool failed;
} chart_text;

void chart_text_fini(chart_text *t);

void chart_put_bytes(chart_text *t, const char *bytes, size_t n);
/* Puts format, in which ~s is a text as it is, ~e a text escaped for HTML and XML, in attributes
 * too, ~x a coordinate (a double, to 0.1), ~d an int, ~z a size_t, ~g a double in the fewest of up
 * to 9 digits, ~f one as people write it, ~~ a tilde. */
void chart_put(chart_text *t, const char *format, ...);
/* The text with & < > " ' escaped. What is no UTF-8, a control character or a mark that turns the
 * direction of text around becomes U+FFFD. */
void chart_put_escaped(chart_text *t, const char *text);
/* The same for a string of JSON or of Python, with its quotes. */
void chart_put_quoted(chart_text *t, const char *text);

enum { CHART_NUMBER_BYTES = 48 };

/* As people write it, to three digits: 0.0397, 12.3, 87,532, 2.40×10⁻⁶, with U+2212 as minus; an en
 * dash for NaN. All write into out and return it. */
const char *chart_number(double x, char out[CHART_NUMBER_BYTES]);
const char *chart_digits(double x, int digits, char out[CHART_NUMBER_BYTES]);
/* With so many places behind the point and commas between thousands. */
const char *chart_fixed(double x, int places, char out[CHART_NUMBER_BYTES]);
const char *chart_percent(double x, int places, char out[CHART_NUMBER_BYTES]); /* 0.861: 86.1 % */
/* A power of ten: 10⁻³. */
const char *chart_power(int exponent, char out[CHART_NUMBER_BYTES]);
/* Mean ± deviation of n numbers: the deviation to one digit, to two if it begins with 1 or 2, and
 * the mean to the same place. */
const char *chart_spread(size_t n, const double *x, char out[CHART_NUMBER_BYTES]);

/* Pixels that a text takes at size, by the advance widths of Helvetica, Arial and Liberation Sans,
 * which are the same. */
double chart_width(const char *text, double size, bool bold);
/* The next character of *text, which moves behind it; U+FFFD for bytes that are no UTF-8, 0 at the
 * end. */
unsigned chart_character(const char **text);

#endif
