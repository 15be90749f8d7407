#include "format/json.h"

#include <stdint.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/name_index.h"
#include "base/number.h"

/* The text while it is read. Values are added to out one by one, so that a value that holds others
 * is known by its number and not by its address until all have been read. */
typedef struct reader {
    const char *file;
    const unsigned char *text;
    size_t bytes, at;
    size_t used; /* of out->strings */
    int depth;
    json *out;
} reader;

/* Lines are counted only now: a text that is sound never needs them. */
static odeon_status refuse(const reader *r, const char *what)
{
    size_t line = 1;
    for (size_t i = 0; i < r->at; i++) {
        line += r->text[i] == '\n';
    }
    return diag_fail(ODEON_ERR_DATA, "%s:%zu: %s", r->file, line, what);
}

static odeon_status no_memory(const reader *r)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to read it", r->file);
}

static int peek(const reader *r) /* -1 at the end */
{
    return r->at < r->bytes ? r->text[r->at] : -1;
}

/* The four blanks of the grammar (RFC 8259, 2) and no others. */
static int peek_behind_blanks(reader *r)
{
    int c = peek(r);
    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        r->at++;
        c = peek(r);
    }
    return c;
}

/* Takes one character behind blanks if it is the wanted one. */
static bool take(reader *r, char wanted)
{
    bool found = peek_behind_blanks(r) == wanted;
    r->at += found;
    return found;
}

/* ---- strings ---- */

/* out->strings is never too small: a string is no longer decoded than as it stands, and its NUL has
 * the room of a quote, or of what follows a number. */
static void put(reader *r, uint32_t byte)
{
    r->out->strings[r->used++] = (char)(unsigned char)byte;
}

/* Code points come from escapes, so that half a surrogate pair and NUL have been refused before.
 * Encoded as UTF-8, one byte after the other. */
static void put_code_point(reader *r, uint32_t c)
{
    if (c < 0x80) {
        put(r, c);
        return;
    }
    if (c < 0x800) {
        put(r, 0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            put(r, 0xe0 | c >> 12);
        } else {
            put(r, 0xf0 | c >> 18);
            put(r, 0x80 | (c >> 12 & 0x3f));
        }
        put(r, 0x80 | (c >> 6 & 0x3f));
    }
    put(r, 0x80 | (c & 0x3f));
}

/* -1 for what is none. */
static int hex_digit(int c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20; /* to lower case; the end, -1, stays negative */
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind \u; one digit at a time, so that the place of a wrong one is known. */
static odeon_status read_hex4(reader *r, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(peek(r));
        if (digit < 0) {
            return refuse(r, "expected four hexadecimal digits after \\u");
        }
        *out = *out << 4 | (uint32_t)digit;
        r->at++;
    }
    return ODEON_OK;
}

/* Characters beyond U+FFFF are written as two, a high and a low surrogate. A NUL would end the C
 * string that a value becomes. */
static odeon_status read_unicode_escape(reader *r)
{
    uint32_t c, low = 0;
    ODEON_TRY(read_hex4(r, &c));
    if (c >= 0xd800 && c < 0xdc00 && r->bytes - r->at >= 2 &&
        memcmp(r->text + r->at, "\\u", 2) == 0) {
        r->at += 2;
        ODEON_TRY(read_hex4(r, &low));
        if (low >= 0xdc00 && low <= 0xdfff) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    if (c >= 0xd800 && c <= 0xdfff) {
        return refuse(r, "half a surrogate pair in a string");
    }
    if (c == 0) {
        return refuse(r, "a string with a NUL in it");
    }
    put_code_point(r, c);
    return ODEON_OK;
}

/* The two tables are in the same order. */
static odeon_status read_escape(reader *r)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    r->at++; /* the backslash */
    int c = peek(r);
    const char *letter = c > 0 ? strchr(letters, c) : NULL;
    if (letter == NULL && c != 'u') {
        return refuse(r, "unknown escape in a string");
    }
    r->at++;
    if (letter == NULL) {
        return read_unicode_escape(r);
    }
    put(r, (unsigned char)meanings[letter - letters]);
    return ODEON_OK;
}

/* One character, of up to four bytes, as it stands. */
static odeon_status read_character(reader *r, int c)
{
    if (c < 0x20) {
        return refuse(r,
                      c < 0 ? "the text ends within a string" : "a control character in a string");
    }
    size_t length = text_utf8(r->text + r->at, r->bytes - r->at);
    if (length == 0) {
        return refuse(r, "a string that is not UTF-8");
    }
    for (size_t i = 0; i < length; i++) {
        put(r, r->text[r->at++]);
    }
    return ODEON_OK;
}

/* *out points into out->strings, which never moves. */
static odeon_status read_string(reader *r, const char **out)
{
    *out = r->out->strings + r->used;
    r->at++; /* the quote */
    for (int c = peek(r); c != '"'; c = peek(r)) {
        ODEON_TRY(c == '\\' ? read_escape(r) : read_character(r, c));
    }
    r->at++;
    put(r, 0);
    return ODEON_OK;
}

/* ---- numbers and words ---- */

/* How many digits follow; they are taken. */
static size_t take_digits(reader *r)
{
    size_t before = r->at;
    while (peek(r) >= '0' && peek(r) <= '9') {
        r->at++;
    }
    return r->at - before;
}

/* -?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?: stricter than number_parse_f64, which also takes
 * "+1", ".5" and "01". */
static bool take_number(reader *r)
{
    r->at += peek(r) == '-';
    bool zero = peek(r) == '0';
    size_t digits = take_digits(r);
    bool sound = digits > 0 && (!zero || digits == 1);
    if (peek(r) == '.') {
        r->at++;
        sound = take_digits(r) > 0 && sound;
    }
    if (peek(r) == 'e' || peek(r) == 'E') {
        r->at++;
        r->at += peek(r) == '+' || peek(r) == '-';
        sound = take_digits(r) > 0 && sound;
    }
    return sound;
}

/* The text is kept beside the double, because equal numbers are those that are written alike
 * (json_equal). */
static odeon_status read_number(reader *r, json_value *v)
{
    size_t begin = r->at;
    if (!take_number(r)) {
        return refuse(r, "no number as JSON writes it");
    }
    v->kind = JSON_NUMBER;
    v->text = r->out->strings + r->used;
    for (size_t i = begin; i < r->at; i++) {
        put(r, r->text[i]);
    }
    put(r, 0);
    return number_parse_f64(v->text, &v->number) == NUMBER_OK
               ? ODEON_OK
               : refuse(r, "a number that a double cannot hold");
}

/* A longer word, such as "nullable", fails at what follows. */
static odeon_status read_word(reader *r, json_value *v)
{
    static const struct {
        const char *text;
        size_t length;
        json_kind kind;
        bool truth;
    } words[] = {{"null", 4, JSON_NULL, false},
                 {"true", 4, JSON_BOOL, true},
                 {"false", 5, JSON_BOOL, false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (r->bytes - r->at >= words[i].length &&
            memcmp(r->text + r->at, words[i].text, words[i].length) == 0) {
            r->at += words[i].length;
            v->kind = words[i].kind;
            v->truth = words[i].truth;
            return ODEON_OK;
        }
    }
    return refuse(r, "expected a value");
}

/* ---- values ---- */

static odeon_status read_value(reader *r, const char *name);

/* The name of a member and its colon. The index of names is that of one object alone. */
static odeon_status read_name(reader *r, name_index *names, const char **out)
{
    if (peek_behind_blanks(r) != '"') {
        return refuse(r, "expected the name of a member in quotes");
    }
    ODEON_TRY(read_string(r, out));
    if (name_index_find(names, *out) != NAME_INDEX_NONE) {
        return refuse(r, "a member that the object has already");
    }
    if (!name_index_add(names, *out, 0)) {
        return no_memory(r);
    }
    return take(r, ':') ? ODEON_OK : refuse(r, "expected ':' behind the name of a member");
}

/* What stands in value number i, an array or an object, up to and with its end. */
static odeon_status read_children(reader *r, size_t i, name_index *names)
{
    bool object = r->out->values[i].kind == JSON_OBJECT;
    char end = object ? '}' : ']';
    r->at++; /* the bracket */
    if (take(r, end)) {
        return ODEON_OK;
    }
    do {
        const char *name = NULL;
        ODEON_TRY(object ? read_name(r, names, &name) : ODEON_OK);
        ODEON_TRY(read_value(r, name));
        r->out->values[i].n++;
    } while (take(r, ','));
    return take(r, end) ? ODEON_OK
                        : refuse(r, object ? "expected ',' or '}'" : "expected ',' or ']'");
}

/* The depth bounds the recursion, and with it the stack that a hostile text can take. */
static odeon_status read_container(reader *r, size_t i)
{
    name_index names = {0};
    if (r->depth == JSON_MAX_DEPTH) {
        return refuse(r, "arrays and objects in one another more than 32 deep");
    }
    r->depth++;
    odeon_status status = read_children(r, i, &names);
    r->depth--;
    name_index_fini(&names);
    return status;
}

/* What begins neither a string nor a number can only be one of the three words. */
static odeon_status read_scalar(reader *r, int c, json_value *v)
{
    if (c == '"') {
        v->kind = JSON_STRING;
        return read_string(r, &v->text);
    }
    return c == '-' || (c >= '0' && c <= '9') ? read_number(r, v) : read_word(r, v);
}

/* The value is appended before what is in it, which gives the order of the array. It is found again
 * by its number i, since reading more values may move the array. */
static odeon_status read_value(reader *r, const char *name)
{
    json *out = r->out;
    size_t i = out->n_values;
    int c = peek_behind_blanks(r);
    json_value *grown = mem_grow(out->values, i, sizeof *grown);
    if (grown == NULL) {
        return no_memory(r);
    }
    out->values = grown;
    out->values[i] = (json_value){.name = name, .begin = r->at};
    out->n_values++;
    if (c == '{' || c == '[') {
        out->values[i].kind = c == '{' ? JSON_OBJECT : JSON_ARRAY;
        ODEON_TRY(read_container(r, i));
    } else {
        ODEON_TRY(read_scalar(r, c, &out->values[i]));
    }
    out->values[i].size = out->n_values - i;
    out->values[i].end = r->at;
    return ODEON_OK;
}

/* The strings get all of their memory at once, as much as the text, so that pointers into them
 * stay. */
static odeon_status read_all(reader *r)
{
    if (r->bytes > JSON_MAX_BYTES) {
        return diag_fail(ODEON_ERR_DATA, "%s: more than 16 MiB of JSON", r->file);
    }
    r->out->strings = mem_alloc(r->bytes + 1);
    if (r->out->strings == NULL) {
        return no_memory(r);
    }
    ODEON_TRY(read_value(r, NULL));
    return peek_behind_blanks(r) < 0 ? ODEON_OK : refuse(r, "text behind the end of the value");
}

/* Bytes are read as unsigned char: a negative char would look like the end. */
odeon_status json_parse(const char *file, const char *text, size_t bytes, json *out)
{
    *out = (json){.n_values = 0};
    reader r = {.file = file, .text = (const unsigned char *)text, .bytes = bytes, .out = out};
    odeon_status status = read_all(&r);
    if (status != ODEON_OK) {
        json_fini(out);
    }
    return status;
}

/* Values and strings are one block each, however many there are. */
void json_fini(json *j)
{
    mem_free(j->values);
    mem_free(j->strings);
    *j = (json){.n_values = 0};
}

/* ---- what was read ---- */

/* The next value of the array is the first within, if there is one. */
const json_value *json_first(const json_value *parent)
{
    return parent != NULL && parent->n > 0 ? parent + 1 : NULL;
}

/* size further on is what follows child; at the end of parent that is no longer one of its
 * values. */
const json_value *json_next(const json_value *parent, const json_value *child)
{
    const json_value *next = child + child->size;
    return next < parent + parent->size ? next : NULL;
}

/* A linear search: objects that the host writes have a few dozen members. */
const json_value *json_member(const json_value *object, const char *name)
{
    const json_value *x = json_first(object);
    while (x != NULL && (x->name == NULL || strcmp(x->name, name) != 0)) {
        x = json_next(object, x);
    }
    return x;
}

/* A member of another kind answers as one that is not there. */
const char *json_string(const json_value *object, const char *name)
{
    const json_value *x = json_member(object, name);
    return x != NULL && x->kind == JSON_STRING ? x->text : NULL;
}

/* Of two arrays in order; of two objects whatever the order. b has as many values as a, so that y
 * is one as long as x is. */
static bool equal_children(const json_value *a, const json_value *b)
{
    bool equal = a->n == b->n;
    const json_value *y = json_first(b);
    for (const json_value *x = json_first(a); x != NULL && equal; x = json_next(a, x)) {
        equal = json_equal(x, x->name != NULL ? json_member(b, x->name) : y);
        y = json_next(b, y);
    }
    return equal;
}

/* Names are unique in an object, so as many members that are all found are the same members. */
bool json_equal(const json_value *a, const json_value *b)
{
    if (a == NULL || b == NULL || a->kind != b->kind) {
        return a == b;
    }
    if (a->text != NULL) {
        return strcmp(a->text, b->text) == 0;
    }
    return a->truth == b->truth && equal_children(a, b);
}

/* Depth is bounded by that of the text that was read. */
static void print_children(text_buffer *out, const json_value *v)
{
    text_add(out, v->kind == JSON_OBJECT ? "{" : "[");
    for (const json_value *x = json_first(v); x != NULL; x = json_next(v, x)) {
        text_add(out, x != v + 1 ? ", " : "");
        if (x->name != NULL) {
            text_json_string(out, x->name);
            text_add(out, ": ");
        }
        json_print(out, x);
    }
    text_add(out, v->kind == JSON_OBJECT ? "}" : "]");
}

/* Numbers are printed as they were written. */
void json_print(text_buffer *out, const json_value *v)
{
    switch (v->kind) {
    case JSON_NULL:
        text_add(out, "null");
        break;
    case JSON_BOOL:
        text_add(out, v->truth ? "true" : "false");
        break;
    case JSON_NUMBER:
        text_add(out, v->text);
        break;
    case JSON_STRING:
        text_json_string(out, v->text);
        break;
    default:
        print_children(out, v);
    }
}
