/* text.h: text that grows, and the few things that JSON and CSV ask for. */
#ifndef ODEON_CORE_BASE_TEXT_H
#define ODEON_CORE_BASE_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts as {0}. What is added after memory ran out is dropped and failed says so: look once, at
 * the end. */
typedef struct text_buffer {
    char *data; /* length bytes and a NUL; NULL while nothing was added */
    size_t length, room;
    bool failed;
} text_buffer;

void text_fini(text_buffer *t);
void text_clear(text_buffer *t); /* empties it and keeps its memory */

void text_add(text_buffer *t, const char *more);
void text_add_bytes(text_buffer *t, const char *bytes, size_t n);
void text_printf(text_buffer *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The shortest text that reads back as value, with '.' whatever the locale. */
void text_number(text_buffer *t, double value);
/* "text" in quotes, escaped as JSON asks, control characters and such (text_control) too. What is
 * not UTF-8 becomes U+FFFD. */
void text_json_string(text_buffer *t, const char *string);
/* A number, or null for what JSON cannot say (NaN, infinity). */
void text_json_number(text_buffer *t, double value);

/* Bytes of the UTF-8 sequence at p, of which left (>= 1) bytes exist; 0 if it is none.
 * Source: The Unicode Standard, table 3-7. */
size_t text_utf8(const unsigned char *p, size_t left);

/* The code of the character at p, of that many bytes, if a terminal may take it for an order: a
 * control character (C0, DEL, C1), one that changes the direction of text, or a line or paragraph
 * separator; -1 if it is none. Source: The Unicode Standard, 23.1 and 23.2. */
int32_t text_control(const unsigned char *p, size_t bytes);

/* Cuts blanks off both ends, in place; the result points into text. */
char *text_trim(char *text);

/* n with a comma between groups of three digits: "87,532". out has at least 32 bytes. */
void text_grouped(int64_t n, char *out);
/* Dimensions joined by x: "3x26x26"; "1" for none. out has at least 112 bytes. */
void text_shape(int32_t ndim, const int64_t *dim, char *out);

#endif
