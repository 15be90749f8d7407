#include "chart_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ---- growing text ---- */

void chart_text_fini(chart_text *t)
{
    if (t->host != NULL) {
        t->host->free(t->host, t->data);
    }
    *t = (chart_text){.host = t->host};
}

/* The host's table has no resize, so that what is there is copied. */
static bool grow(chart_text *t, size_t n)
{
    if (t->failed || t->length + n + 1 <= t->room) {
        return !t->failed;
    }
    size_t room = (t->length + n + 1) * 2 + 256;
    char *data = t->host->alloc(t->host, room);
    if (data == NULL) {
        t->failed = true;
        return false;
    }
    if (t->length > 0) {
        memcpy(data, t->data, t->length);
    }
    t->host->free(t->host, t->data);
    t->data = data;
    t->room = room;
    return true;
}

void chart_put_bytes(chart_text *t, const char *bytes, size_t n)
{
    if (grow(t, n)) {
        memcpy(t->data + t->length, bytes, n);
        t->length += n;
        t->data[t->length] = '\0';
    }
}

/* printf writes the point of the locale; documents have a dot. */
static const char *print_double(double x, const char *format, int digits,
                                char out[CHART_NUMBER_BYTES])
{
    (void)snprintf(out, CHART_NUMBER_BYTES, strcmp(format, "f") == 0 ? "%.*f" : "%.*g", digits, x);
    for (char *p = out; *p != '\0'; p++) {
        if (strchr("0123456789-+einfa", *p) == NULL) {
            *p = '.';
        }
    }
    return out;
}

static void put_coordinate(chart_text *t, double x)
{
    char text[CHART_NUMBER_BYTES];
    double bounded = x > 1e6 ? 1e6 : x >= -1e6 ? x : -1e6; /* NaN too: a mark without a place */
    print_double(bounded, "f", 1, text);
    size_t n = strlen(text);
    n -= n > 2 && strcmp(text + n - 2, ".0") == 0 ? 2 : 0;
    text[n] = '\0';
    chart_put_bytes(t, strcmp(text, "-0") == 0 ? "0" : text, strcmp(text, "-0") == 0 ? 1 : n);
}

/* Text that there was no memory for is missed at the end, with the drawing as a whole. */
static const char *word_of(const char *text)
{
    return text != NULL ? text : "";
}

static void put_argument(chart_text *t, char what, va_list *arguments)
{
    char text[CHART_NUMBER_BYTES];
    const char *word = text;
    text[0] = '\0';
    switch (what) {
    case 's':
        word = word_of(va_arg(*arguments, const char *));
        break;
    case 'e':
        chart_put_escaped(t, word_of(va_arg(*arguments, const char *)));
        break;
    case 'x':
        put_coordinate(t, va_arg(*arguments, double));
        break;
    case 'd':
        (void)snprintf(text, sizeof text, "%d", va_arg(*arguments, int));
        break;
    case 'z':
        (void)snprintf(text, sizeof text, "%zu", va_arg(*arguments, size_t));
        break;
    case 'g':
        print_double(va_arg(*arguments, double), "g", 9, text);
        break;
    case 'f':
        chart_number(va_arg(*arguments, double), text);
        break;
    default:
        word = "~";
    }
    chart_put_bytes(t, word, strlen(word));
}

void chart_put(chart_text *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    while (*format != '\0') {
        size_t n = strcspn(format, "~");
        chart_put_bytes(t, format, n);
        format += n;
        if (*format == '~' && format[1] != '\0') {
            put_argument(t, format[1], &arguments);
            format += 2;
        }
    }
    va_end(arguments);
}

/* ---- characters ---- */

unsigned chart_character(const char **text)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)*text;
    if (p[0] < 0x80) {
        *text += p[0] != 0;
        return p[0];
    }
    unsigned n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    unsigned code = p[0] & (0xffu >> (n + 1));
    bool good = p[0] >= 0xc2 && p[0] <= 0xf4;
    for (unsigned i = 1; i < n && good; i++) {
        good = (p[i] & 0xc0) == 0x80; /* false at the NUL, too */
        code = code << 6 | (p[i] & 0x3fu);
    }
    good = good && code >= least[n] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    *text += good ? n : 1;
    return good ? code : 0xfffd;
}

/* Has a character no place in a document? Controls, marks of direction, and what XML forbids. */
static bool is_forbidden(unsigned c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfffd ||
           c == 0xfffe || c == 0xffff;
}

void chart_put_escaped(chart_text *t, const char *text)
{
    while (*text != '\0') {
        const char *begin = text;
        unsigned c = chart_character(&text);
        const char *entity = c == '&'    ? "&amp;"
                             : c == '<'  ? "&lt;"
                             : c == '>'  ? "&gt;"
                             : c == '"'  ? "&quot;"
                             : c == '\'' ? "&#39;"
                                         : (is_forbidden(c) && c != '\n' ? "\xef\xbf\xbd" : NULL);
        if (entity != NULL) {
            chart_put_bytes(t, entity, strlen(entity));
        } else {
            chart_put_bytes(t, begin, (size_t)(text - begin));
        }
    }
}

/* <, > and & are written as numbers, so that a text may also stand within HTML. */
void chart_put_quoted(chart_text *t, const char *text)
{
    chart_put_bytes(t, "\"", 1);
    while (*text != '\0') {
        const char *begin = text;
        unsigned c = chart_character(&text);
        if (is_forbidden(c) || strchr("<>&\"\\'", (int)(c < 0x80 ? c : 'a')) != NULL) {
            char code[8];
            (void)snprintf(code, sizeof code, "\\u%04x", is_forbidden(c) && c != '\n' ? 0xfffd : c);
            chart_put_bytes(t, code, 6);
        } else {
            chart_put_bytes(t, begin, (size_t)(text - begin));
        }
    }
    chart_put_bytes(t, "\"", 1);
}

/* ---- numbers ---- */

static void append(char out[CHART_NUMBER_BYTES], const char *more)
{
    size_t n = strlen(out);
    (void)snprintf(out + n, CHART_NUMBER_BYTES - n, "%s", more);
}

const char *chart_fixed(double x, int places, char out[CHART_NUMBER_BYTES])
{
    char digits[CHART_NUMBER_BYTES];
    if (!(fabs(x) < 1e15)) {
        return chart_digits(x, 3, out);
    }
    print_double(fabs(x), "f", places, digits);
    size_t whole = strcspn(digits, ".");
    bool zero = strspn(digits, "0.") == strlen(digits);
    (void)snprintf(out, CHART_NUMBER_BYTES, "%s", x < 0 && !zero ? "\xe2\x88\x92" : "");
    for (size_t i = 0; digits[i] != '\0'; i++) {
        append(out, i > 0 && i < whole && (whole - i) % 3 == 0 ? "," : "");
        append(out, (const char[]){digits[i], '\0'});
    }
    return out;
}

const char *chart_power(int exponent, char out[CHART_NUMBER_BYTES])
{
    static const char *const raised[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    char digits[16];
    (void)snprintf(digits, sizeof digits, "%d", exponent);
    (void)snprintf(out, CHART_NUMBER_BYTES, "10");
    for (const char *p = digits; *p != '\0'; p++) {
        append(out, *p == '-' ? "⁻" : raised[*p - '0']);
    }
    return out;
}

const char *chart_digits(double x, int digits, char out[CHART_NUMBER_BYTES])
{
    char part[CHART_NUMBER_BYTES];
    if (!isfinite(x)) {
        const char *word = isnan(x) ? "–" : x > 0 ? "∞" : "−∞";
        (void)snprintf(out, CHART_NUMBER_BYTES, "%s", word);
        return out;
    }
    double size = fabs(x);
    if (size == 0) {
        return chart_fixed(0, 0, out);
    }
    int e = (int)floor(log10(size));
    if (size < 1e6 && size >= 1e-3) {
        e += size >= 1000 || rint(size * pow(10, digits - 1 - e)) < pow(10, digits) ? 0 : 1;
        return chart_fixed(x, e >= digits - 1 || size >= 1000 ? 0 : digits - 1 - e, out);
    }
    double scaled = size / pow(10, e);
    if (rint(scaled * pow(10, digits - 1)) >= pow(10, digits)) {
        scaled = 1;
        e++;
    }
    chart_fixed(x < 0 ? -scaled : scaled, digits - 1, out);
    if (rint(scaled * pow(10, digits - 1)) == pow(10, digits - 1)) {
        (void)snprintf(out, CHART_NUMBER_BYTES, "%s", x < 0 ? "−" : "");
    } else {
        append(out, "×");
    }
    append(out, chart_power(e, part));
    return out;
}

const char *chart_number(double x, char out[CHART_NUMBER_BYTES])
{
    return chart_digits(x, 3, out);
}

const char *chart_percent(double x, int places, char out[CHART_NUMBER_BYTES])
{
    chart_fixed(100 * x, places, out);
    append(out, "\xc2\xa0%");
    return out;
}

/* Both parts with one factor of ten where they are too small or too large to be written out. */
static const char *print_spread(double mean, double deviation, char out[CHART_NUMBER_BYTES])
{
    char part[CHART_NUMBER_BYTES];
    int e = (int)floor(log10(deviation));
    int places = -e + (deviation / pow(10, e) < 2.95 ? 1 : 0), k = 0;
    double size = fmax(fabs(mean), deviation);
    if (size < 1e-3 || size >= 1e6) {
        k = (int)floor(log10(size));
        places += k;
        mean /= pow(10, k);
        deviation /= pow(10, k);
    }
    places = places > 0 ? places : 0;
    (void)snprintf(out, CHART_NUMBER_BYTES, "%s", k != 0 ? "(" : "");
    append(out, chart_fixed(mean, places, part));
    append(out, " ± ");
    append(out, chart_fixed(deviation, places, part));
    if (k != 0) {
        append(out, ")×");
        append(out, chart_power(k, part));
    }
    return out;
}

const char *chart_spread(size_t n, const double *x, char out[CHART_NUMBER_BYTES])
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
    }
    double mean = n > 0 ? sum / (double)n : (double)NAN;
    for (size_t i = 0; i < n; i++) {
        squares += (x[i] - mean) * (x[i] - mean);
    }
    double deviation = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
    if (deviation > 0 && isfinite(deviation) && isfinite(mean)) {
        return print_spread(mean, deviation, out);
    }
    chart_number(mean, out);
    append(out, n > 1 && deviation == 0 ? " ± 0" : "");
    return out;
}

/* ---- widths ---- */

/* Advance widths in 1/1000 em of those that are not 556. */
static double advance(unsigned c)
{
    static const struct {
        const char *characters;
        double width;
    } table[] = {
        {"ijl'|", 222},      {"ft.,:;!/\\ I[]", 278},
        {"r-()`", 333},      {"cksvxyzJ", 500},
        {"ABEKPSVXY&", 667}, {"CDHNRUw", 722},
        {"GOQ", 778},        {"mM", 833},
        {"W", 944},          {"FTZ", 611},
        {"%", 889},          {"+=<>", 584},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table && c < 0x80; i++) {
        if (strchr(table[i].characters, (int)c) != NULL) {
            return table[i].width;
        }
    }
    switch (c) {
    case 0xa0: /* no-break space */
        return 278;
    case 0x2212: /* minus, plus or minus, times */
    case 0xb1:
    case 0xd7:
        return 584;
    case 0x2026: /* ellipsis, arrow */
    case 0x2192:
        return 1000;
    default: /* raised digits; what is beyond the letters of Europe is as wide as it is high */
        return c == 0xb2 || c == 0xb3 || c == 0xb9 || (c >= 0x2070 && c <= 0x209c) ? 333
               : c < 0x500 || (c >= 0x2000 && c < 0x2300)                          ? 556
                                                                                   : 1000;
    }
}

double chart_width(const char *text, double size, bool bold)
{
    double sum = 0;
    while (*text != '\0') {
        sum += advance(chart_character(&text));
    }
    return sum * size / 1000 * (bold ? 1.06 : 1) * 1.03;
}
