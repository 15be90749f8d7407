#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"

/* Leaves an empty buffer, which may be used again. */
void text_fini(text_buffer *t)
{
    mem_free(t->data);
    *t = (text_buffer){0};
}

/* failed is cleared too: an empty buffer has lost nothing. */
void text_clear(text_buffer *t)
{
    t->length = 0;
    t->failed = false;
}

/* Ensures room for n more bytes and a NUL. Growth by half keeps appending linear overall. */
static bool reserve(text_buffer *t, size_t n)
{
    if (t->failed || n >= SIZE_MAX / 2 - t->length) {
        t->failed = true;
        return false;
    }
    size_t wanted = t->length + n + 1;
    if (wanted <= t->room) {
        return true;
    }
    size_t room = wanted < 256 ? 256 : wanted + wanted / 2;
    char *larger = mem_resize(t->data, room, 1);
    if (larger == NULL) {
        t->failed = true;
        return false;
    }
    t->data = larger;
    t->room = room;
    return true;
}

/* The NUL behind the text makes data a C string at any time. */
void text_add_bytes(text_buffer *t, const char *bytes, size_t n)
{
    if (reserve(t, n)) {
        memcpy(t->data + t->length, bytes, n);
        t->length += n;
        t->data[t->length] = 0;
    }
}

/* The text may not point into the buffer, which may move. */
void text_add(text_buffer *t, const char *more)
{
    text_add_bytes(t, more, strlen(more));
}

/* Formats twice, first only to learn the length. A negative length means that the format or its
 * characters cannot be printed, which counts as lost text. */
void text_printf(text_buffer *t, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int n = vsnprintf(NULL, 0, format, arguments);
    if (n < 0) {
        t->failed = true;
    } else if (reserve(t, (size_t)n)) {
        (void)vsnprintf(t->data + t->length, (size_t)n + 1, format, again);
        t->length += (size_t)n;
    }
    va_end(again);
    va_end(arguments);
}

void text_whole(text_buffer *t, int64_t n)
{
    char number[NUMBER_TEXT_BYTES];
    text_add_bytes(t, number, number_print_i64(n, number));
}

/* The shortest text rather than %.17g: 0.1 stays 0.1 for a reader. */
void text_number(text_buffer *t, double value)
{
    char number[NUMBER_TEXT_BYTES];
    text_add_bytes(t, number, number_print_f64(value, number));
}

/* JSON has neither NaN nor infinity (RFC 8259, 6), and readers refuse files that hold them. */
void text_json_number(text_buffer *t, double value)
{
    if (isfinite(value)) {
        text_number(t, value);
    } else {
        text_add(t, "null");
    }
}

/* Besides the lead byte only the second byte has a restricted range: it excludes overlong forms,
 * surrogates and codes above U+10FFFF. */
size_t text_utf8(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80) {
        return 1;
    }
    size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < length) {
        return 0;
    }
    unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;  /* no overlong forms */
    unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf; /* no surrogates */
    if (p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

/* C0, DEL and C1; bidirectional marks, embeddings and isolates; line and paragraph separators. */
int32_t text_control(const unsigned char *p, size_t bytes)
{
    if (bytes == 1) {
        return p[0] < 0x20 || p[0] == 0x7f ? p[0] : -1;
    }
    int32_t code = bytes == 2   ? (p[0] & 0x1f) << 6 | (p[1] & 0x3f)
                   : bytes == 3 ? (p[0] & 0x0f) << 12 | (p[1] & 0x3f) << 6 | (p[2] & 0x3f)
                                : 0x10000; /* no control characters among four-byte sequences */
    bool control = code < 0xa0;
    bool marks = code == 0x61c || code == 0x200e || code == 0x200f;
    bool embeddings = (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x206f);
    return control || marks || embeddings ? code : -1;
}

/* strchr with a NUL would find the end of the table, but a C string holds none. */
static void add_json_byte(text_buffer *t, unsigned char c)
{
    static const char letters[] = "\"\\bfnrt", meanings[] = "\"\\\b\f\n\r\t";
    const char *meaning = strchr(meanings, c);
    if (meaning != NULL) {
        text_printf(t, "\\%c", letters[meaning - meanings]);
    } else if (text_control(&c, 1) >= 0) {
        text_printf(t, "\\u%04x", (unsigned)c);
    } else {
        text_printf(t, "%c", c);
    }
}

/* Length of the ASCII characters at p that stand in JSON as they are. */
static size_t plain_json(const unsigned char *p)
{
    size_t n = 0;
    while (p[n] >= 0x20 && p[n] < 0x7f && p[n] != '"' && p[n] != '\\') {
        n++;
    }
    return n;
}

static void add_quoted(text_buffer *t, const char *plain, size_t n)
{
    if (reserve(t, n + 2)) {
        char *to = t->data + t->length;
        to[0] = '"';
        memcpy(to + 1, plain, n);
        memcpy(to + 1 + n, "\"", 2);
        t->length += n + 2;
    }
}

/* Works by characters, so that invalid bytes become U+FFFD and the output is always valid JSON. */
void text_json_string(text_buffer *t, const char *string)
{
    const unsigned char *p = (const unsigned char *)string;
    size_t plain = plain_json(p);
    if (p[plain] == '\0') { /* most strings, among them every name in a row of metrics */
        add_quoted(t, string, plain);
        return;
    }
    text_add(t, "\"");
    text_add_bytes(t, string, plain);
    p += plain;
    size_t left = strlen(string + plain);
    while (left > 0) {
        size_t length = text_utf8(p, left);
        if (length == 1) {
            add_json_byte(t, *p);
        } else if (length == 0) {
            text_add(t, "\xef\xbf\xbd");
            length = 1;
        } else if (text_control(p, length) >= 0) {
            text_printf(t, "\\u%04x", (unsigned)text_control(p, length));
        } else {
            text_add_bytes(t, string + (p - (const unsigned char *)string), length);
        }
        p += length;
        left -= length;
    }
    text_add(t, "\"");
}

static const char blanks[] = " \t";

/* In place, since its callers own the text and keep the result as long as that. */
char *text_trim(char *text)
{
    text += strspn(text, blanks);
    size_t n = strlen(text);
    while (n > 0 && strchr(blanks, text[n - 1]) != NULL) {
        n--;
    }
    text[n] = '\0';
    return text;
}

/* A comma goes before every third digit counted from the right, but not after a sign. */
void text_grouped(int64_t n, char *out)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRId64, n);
    size_t length = strlen(digits);
    for (size_t i = 0; i < length; i++) {
        *out++ = digits[i];
        size_t left = length - 1 - i;
        if (left > 0 && left % 3 == 0 && digits[i] != '-') {
            *out++ = ',';
        }
    }
    *out = '\0';
}

/* sprintf cannot overflow: the product of all dimensions is a number of elements, so that long
 * ones stand beside a 0 or not at all; that makes 102 bytes at most of the 112 that the header
 * asks for. */
void text_shape(int32_t ndim, const int64_t *dim, char *out)
{
    size_t at = (size_t)sprintf(out, "%" PRId64, ndim > 0 ? dim[0] : 1);
    for (int32_t i = 1; i < ndim; i++) {
        at += (size_t)sprintf(out + at, "x%" PRId64, dim[i]);
    }
}
