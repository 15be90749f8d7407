/* json.h: JSON texts as the host itself writes them, read whole (RFC 8259).
 *
 * Strict: UTF-8, no comments, no comma behind the last, no member twice, no NUL in a string, no
 * number that a double cannot hold, nothing behind the value. Bounded: JSON_MAX_BYTES of text,
 * JSON_MAX_DEPTH of arrays and objects in one another. */
#ifndef ODEON_CORE_FORMAT_JSON_H
#define ODEON_CORE_FORMAT_JSON_H
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "odeon/status.h"

enum { JSON_MAX_BYTES = 16 << 20, JSON_MAX_DEPTH = 32 };

typedef enum json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
} json_kind;

/* A value. Those in it stand behind it in one array, in the order of the text, so that the first
 * of them is the next value, and size values further on begins what follows this one. */
typedef struct json_value {
    json_kind kind;
    bool truth;        /* of JSON_BOOL */
    const char *name;  /* of a member, decoded; else NULL */
    const char *text;  /* a string, decoded; a number, as it is written; else NULL */
    double number;     /* of JSON_NUMBER: the double nearest to it */
    size_t n;          /* elements or members */
    size_t size;       /* values in it, all levels, and itself */
    size_t begin, end; /* where it stands: bytes begin .. end - 1 of the text */
} json_value;

/* A text that was read. The root is values[0]; the text itself is not needed any more. */
typedef struct json {
    json_value *values;
    size_t n_values;
    char *strings; /* what names and texts point into */
} json;

/* Reads text[0 .. bytes-1]; file is for messages: ODEON_ERR_DATA is "FILE:LINE: ...". On failure,
 * ODEON_ERR_NOMEM too, out holds nothing. */
odeon_status json_parse(const char *file, const char *text, size_t bytes, json *out);
void json_fini(json *j); /* takes {0} */

/* ---- all of these take NULL and any kind, and answer as if it were empty ---- */

/* The elements or members of a value, in order: NULL ends them. */
const json_value *json_first(const json_value *parent);
const json_value *json_next(const json_value *parent, const json_value *child);
/* A member by name, or NULL. */
const json_value *json_member(const json_value *object, const char *name);
/* A member's string; NULL where there is none. */
const char *json_string(const json_value *object, const char *name);

/* Do both say the same? Numbers are compared as they are written, which no rounding blurs; members
 * may stand in any order. Two NULL are the same. */
bool json_equal(const json_value *a, const json_value *b);
/* Adds a value on one line: {"a": 1, "b": ["x", null]}. */
void json_print(text_buffer *out, const json_value *v);

#endif
