/* text.h: growing text buffers, and what JSON and CSV output needs. */
#ifndef ODEON_CORE_BASE_TEXT_H
#define ODEON_CORE_BASE_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts as {0}. After memory runs out further text is dropped and failed is set, so that a caller
 * checks once, at the end. Invariant: data, if not NULL, holds length bytes and a NUL, and room >
 * length. */
typedef struct text_buffer {
    char *data; /* NULL until something was added */
    size_t length, room;
    bool failed;
} text_buffer;

void text_fini(text_buffer *t);
void text_clear(text_buffer *t); /* empties it and keeps its memory */

void text_add(text_buffer *t, const char *more);
void text_add_bytes(text_buffer *t, const char *bytes, size_t n);
void text_printf(text_buffer *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

void text_whole(text_buffer *t, int64_t n);
/* The shortest text that reads back as value, with '.' in every locale. */
void text_number(text_buffer *t, double value);
/* The string in quotes, escaped as JSON requires, and also control characters that text_control
 * knows. Bytes that are not UTF-8 become U+FFFD. */
void text_json_string(text_buffer *t, const char *string);
/* A number, or null for NaN and infinity, which JSON cannot represent. */
void text_json_number(text_buffer *t, double value);

/* Length of the UTF-8 sequence at p, of which left (>= 1) bytes exist; 0 if it is invalid. Source:
 * The Unicode Standard, table 3-7. */
size_t text_utf8(const unsigned char *p, size_t left);

/* The code of the character of that many bytes at p if it can affect a terminal: a control
 * character (C0, DEL, C1), one that changes the direction of text, or a line or paragraph
 * separator; -1 otherwise. Source: The Unicode Standard, 23.1 and 23.2. */
int32_t text_control(const unsigned char *p, size_t bytes);

/* Trims blanks and tabs at both ends in place; the result points into text. */
char *text_trim(char *text);

/* n with a comma between groups of three digits: "87,532". out has at least 32 bytes. */
void text_grouped(int64_t n, char *out);
/* Dimensions joined by x: "3x26x26"; "1" for none. out has at least 112 bytes. */
void text_shape(int32_t ndim, const int64_t *dim, char *out);

#endif
