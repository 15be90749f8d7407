#include "format/safetensors_header.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/text.h"

/* All that the format knows, also those that the host has no use for: a file with such a tensor is
 * still read for its others. BOOL and the like have no dtype of ours. */
static const safetensors_dtype dtypes[] = {
    {"F32", ODEON_DTYPE_F32, 32},     {"F64", ODEON_DTYPE_F64, 64},
    {"U8", ODEON_DTYPE_U8, 8},        {"I64", ODEON_DTYPE_I64, 64},
    {"BOOL", ODEON_DTYPE_NONE, 8},    {"I8", ODEON_DTYPE_NONE, 8},
    {"I16", ODEON_DTYPE_NONE, 16},    {"U16", ODEON_DTYPE_NONE, 16},
    {"I32", ODEON_DTYPE_NONE, 32},    {"U32", ODEON_DTYPE_NONE, 32},
    {"U64", ODEON_DTYPE_NONE, 64},    {"F16", ODEON_DTYPE_NONE, 16},
    {"BF16", ODEON_DTYPE_NONE, 16},   {"C64", ODEON_DTYPE_NONE, 64},
    {"F8_E4M3", ODEON_DTYPE_NONE, 8}, {"F8_E5M2", ODEON_DTYPE_NONE, 8},
    {"F8_E8M0", ODEON_DTYPE_NONE, 8}, {"F6_E2M3", ODEON_DTYPE_NONE, 6},
    {"F6_E3M2", ODEON_DTYPE_NONE, 6}, {"F4", ODEON_DTYPE_NONE, 4},
};

enum { N_DTYPES = sizeof dtypes / sizeof dtypes[0] };

const safetensors_dtype *safetensors_dtype_named(const char *name, size_t length)
{
    for (size_t i = 0; i < N_DTYPES; i++) {
        if (strlen(dtypes[i].name) == length && memcmp(dtypes[i].name, name, length) == 0) {
            return &dtypes[i];
        }
    }
    return NULL;
}

const safetensors_dtype *safetensors_dtype_of(uint32_t dtype)
{
    for (size_t i = 0; i < N_DTYPES; i++) {
        if (dtypes[i].dtype == dtype && dtype != ODEON_DTYPE_NONE) {
            return &dtypes[i];
        }
    }
    return NULL;
}

/* The text while it is read, and the arrays that grow meanwhile. What is refused names the byte
 * at. */
typedef struct scanner {
    const char *file;
    const unsigned char *text;
    size_t bytes, at;
    size_t used;         /* of out->strings */
    size_t tensors_room; /* of out->tensors and out->meta, in elements */
    size_t meta_room;
    safetensors_header *out;
} scanner;

/* Names and numbers in the reason come from the file; diag_fail makes them printable. */
__attribute__((format(printf, 2, 3))) static odeon_status refuse(const scanner *s,
                                                                 const char *format, ...)
{
    char reason[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return diag_fail(ODEON_ERR_DATA, "%s: no valid safetensors file: header byte %zu: %s", s->file,
                     s->at, reason);
}

/* A byte is looked at as unsigned, so that -1 is the end and nothing else. */
static int peek(const scanner *s) /* -1 at the end */
{
    return s->at < s->bytes ? s->text[s->at] : -1;
}

/* The four blanks of JSON (RFC 8259, 2). */
static void skip_blanks(scanner *s)
{
    int c = peek(s);
    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        s->at++;
        c = peek(s);
    }
}

/* Takes one character behind blanks if it is the wanted one. */
static bool take(scanner *s, char wanted)
{
    skip_blanks(s);
    if (peek(s) != wanted) {
        return false;
    }
    s->at++;
    return true;
}

static odeon_status expect(scanner *s, char wanted)
{
    return take(s, wanted) ? ODEON_OK : refuse(s, "expected '%c'", wanted);
}

/* ---- strings ---- */

static void put(scanner *s, unsigned byte)
{
    s->out->strings[s->used++] = (char)(unsigned char)byte;
}

/* UTF-8; halves of surrogate pairs never come here. */
static void put_code_point(scanner *s, uint32_t c)
{
    if (c < 0x80) {
        put(s, c);
    } else if (c < 0x800) {
        put(s, 0xc0 | c >> 6);
        put(s, 0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        put(s, 0xe0 | c >> 12);
        put(s, 0x80 | (c >> 6 & 0x3f));
        put(s, 0x80 | (c & 0x3f));
    } else {
        put(s, 0xf0 | c >> 18);
        put(s, 0x80 | (c >> 12 & 0x3f));
        put(s, 0x80 | (c >> 6 & 0x3f));
        put(s, 0x80 | (c & 0x3f));
    }
}

/* Upper and lower case, as JSON allows both. */
static odeon_status scan_hex4(scanner *s, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef";
        int c = peek(s);
        const char *digit =
            c > 0 ? strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c) : NULL;
        if (digit == NULL) {
            return refuse(s, "expected four hexadecimal digits after \\u");
        }
        *out = *out << 4 | (uint32_t)(digit - digits);
        s->at++;
    }
    return ODEON_OK;
}

/* Characters beyond U+FFFF are written as two escapes, a high and a low surrogate. A NUL would end
 * the C string that a name becomes. */
static odeon_status scan_unicode_escape(scanner *s)
{
    uint32_t c, low;
    ODEON_TRY(scan_hex4(s, &c));
    if (c >= 0xd800 && c < 0xdc00) { /* the first of a pair */
        if (s->bytes - s->at < 2 || memcmp(s->text + s->at, "\\u", 2) != 0) {
            return refuse(s, "half a surrogate pair");
        }
        s->at += 2;
        ODEON_TRY(scan_hex4(s, &low));
        if (low < 0xdc00 || low > 0xdfff) {
            return refuse(s, "half a surrogate pair");
        }
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    } else if (c >= 0xdc00 && c <= 0xdfff) {
        return refuse(s, "half a surrogate pair");
    }
    if (c == 0) {
        return refuse(s, "a string with a NUL in it");
    }
    put_code_point(s, c);
    return ODEON_OK;
}

/* The two tables are in the same order. */
static odeon_status scan_escape(scanner *s) /* behind the backslash */
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    int c = peek(s);
    const char *letter = c > 0 ? strchr(letters, c) : NULL;
    if (letter != NULL) {
        s->at++;
        put(s, (unsigned char)meanings[letter - letters]);
        return ODEON_OK;
    }
    if (c != 'u') {
        return refuse(s, "unknown escape in a string");
    }
    s->at++;
    return scan_unicode_escape(s);
}

/* A string, decoded. It is never longer than as it stands with its quotes, so out->strings, as
 * large as the header, has room for all. Control characters are refused as JSON does; a name may
 * hold any other. */
static odeon_status scan_string(scanner *s, const char **out)
{
    ODEON_TRY(expect(s, '"'));
    *out = s->out->strings + s->used;
    for (int c = peek(s); c != '"'; c = peek(s)) {
        if (c < 0x20) {
            return refuse(s, c < 0 ? "the header ends within a string"
                                   : "a control character in a string");
        }
        if (c == '\\') {
            s->at++;
            ODEON_TRY(scan_escape(s));
            continue;
        }
        size_t length = text_utf8(s->text + s->at, s->bytes - s->at);
        if (length == 0) {
            return refuse(s, "a string that is not UTF-8");
        }
        for (size_t i = 0; i < length; i++) {
            put(s, s->text[s->at++]);
        }
    }
    s->at++;
    put(s, 0);
    return ODEON_OK;
}

/* ---- a tensor ---- */

/* Whole numbers from 0 to 2^64 - 1, which is all that shapes and offsets hold. No sign, fraction or
 * exponent, as the reference reader takes none. */
static odeon_status scan_number(scanner *s, uint64_t *out)
{
    skip_blanks(s);
    int c = peek(s);
    if (c < '0' || c > '9') {
        return refuse(s, "expected a whole number");
    }
    *out = 0;
    for (bool first = true; c >= '0' && c <= '9'; c = peek(s), first = false) {
        uint64_t digit = (uint64_t)(c - '0');
        if (!first && *out == 0) {
            return refuse(s, "a number with a leading zero");
        }
        if (*out > (UINT64_MAX - digit) / 10) {
            return refuse(s, "a number over 2^64");
        }
        *out = *out * 10 + digit;
        s->at++;
    }
    return ODEON_OK; /* what follows, say '.', 'e' or '-', is refused as no ',' or ']' */
}

/* No dimension at all is a scalar. */
static odeon_status scan_shape(scanner *s, safetensors_entry *entry)
{
    ODEON_TRY(expect(s, '['));
    if (take(s, ']')) {
        return ODEON_OK;
    }
    do {
        uint64_t dim;
        ODEON_TRY(scan_number(s, &dim));
        if (dim > INT64_MAX) {
            return refuse(s, "a dimension over 2^63");
        }
        if (entry->ndim == ODEON_MAX_DIMS) {
            return refuse(s, "more than %d dimensions", ODEON_MAX_DIMS);
        }
        entry->dim[entry->ndim++] = (int64_t)dim;
    } while (take(s, ','));
    return expect(s, ']');
}

/* Compared with the shape only once all keys are there, whose order is free. */
static odeon_status scan_offsets(scanner *s, safetensors_tensor *tensor)
{
    ODEON_TRY(expect(s, '['));
    ODEON_TRY(scan_number(s, &tensor->begin));
    ODEON_TRY(expect(s, ','));
    ODEON_TRY(scan_number(s, &tensor->end));
    return expect(s, ']');
}

/* In the message the name is cut, as a file may give one of any length. */
static odeon_status scan_dtype(scanner *s, const safetensors_dtype **out)
{
    const char *name;
    ODEON_TRY(scan_string(s, &name));
    *out = safetensors_dtype_named(name, strlen(name));
    return *out != NULL ? ODEON_OK : refuse(s, "unknown dtype \"%.40s\"", name);
}

/* The bytes that dtype and shape ask for are those that the offsets span. Some dtypes have 4 or 6
 * bits, hence the count of bits. */
static odeon_status check_size(const scanner *s, safetensors_tensor *tensor, uint32_t bits)
{
    safetensors_entry *entry = &tensor->entry;
    int64_t n = 1, n_bits;
    for (int32_t i = 0; i < entry->ndim; i++) {
        if (!checked_mul(n, entry->dim[i], &n)) {
            return refuse(s, "tensor \"%.80s\": its shape overflows", entry->name);
        }
    }
    if (!checked_mul(n, bits, &n_bits)) {
        return refuse(s, "tensor \"%.80s\": its size overflows", entry->name);
    }
    if (n_bits % 8 != 0) {
        return refuse(s, "tensor \"%.80s\": does not fill whole bytes", entry->name);
    }
    /* Offsets are unsigned: a difference below 0 would wrap. */
    if (tensor->end < tensor->begin || tensor->end - tensor->begin != (uint64_t)n_bits / 8) {
        return refuse(s,
                      "tensor \"%.80s\": shape and dtype make %lld bytes, data_offsets are "
                      "%llu to %llu",
                      entry->name, (long long)n_bits / 8, (unsigned long long)tensor->begin,
                      (unsigned long long)tensor->end);
    }
    entry->bytes = tensor->end - tensor->begin;
    return ODEON_OK;
}

/* Bits of the keys that a tensor has had; it needs all three. */
enum { KEY_DTYPE = 1, KEY_SHAPE = 2, KEY_OFFSETS = 4, KEY_ALL = 7 };

/* A key twice would leave it to the reader which one counts, so it is refused. */
static odeon_status scan_key(scanner *s, int *keys, int *key)
{
    const char *name;
    ODEON_TRY(scan_string(s, &name));
    *key = strcmp(name, "dtype") == 0          ? KEY_DTYPE
           : strcmp(name, "shape") == 0        ? KEY_SHAPE
           : strcmp(name, "data_offsets") == 0 ? KEY_OFFSETS
                                               : 0;
    if (*key == 0) {
        return refuse(s, "unknown key \"%.40s\" in a tensor", name);
    }
    if ((*keys & *key) != 0) {
        return refuse(s, "\"%s\" is given twice in a tensor", name);
    }
    *keys |= *key;
    return expect(s, ':');
}

/* The tensor is added only when it is whole, so that n_tensors counts sound ones. */
static odeon_status scan_tensor(scanner *s, const char *name)
{
    safetensors_tensor tensor = {.entry = {.name = name}};
    const safetensors_dtype *dtype = NULL;
    int keys = 0, key;
    ODEON_TRY(expect(s, '{'));
    do {
        ODEON_TRY(scan_key(s, &keys, &key));
        ODEON_TRY(key == KEY_DTYPE   ? scan_dtype(s, &dtype)
                  : key == KEY_SHAPE ? scan_shape(s, &tensor.entry)
                                     : scan_offsets(s, &tensor));
    } while (take(s, ','));
    ODEON_TRY(expect(s, '}'));
    if (keys != KEY_ALL) {
        return refuse(s, "tensor \"%.80s\" lacks one of dtype, shape, data_offsets", name);
    }
    tensor.entry.dtype = dtype->dtype;
    ODEON_TRY(check_size(s, &tensor, dtype->bits));
    s->out->tensors[s->out->n_tensors++] = tensor;
    return ODEON_OK;
}

/* ---- the header ---- */

/* Makes room for one more of n elements; the arrays double. Pointers into the arrays are not kept
 * while they grow. */
static odeon_status reserve(scanner *s, void **array, size_t n, size_t *room, size_t size)
{
    if (n < *room) {
        return ODEON_OK;
    }
    size_t wanted = *room == 0 ? 16 : *room * 2;
    void *larger = mem_resize(*array, wanted, size);
    if (larger == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the header's %zu entries", s->file,
                         wanted);
    }
    *array = larger;
    *room = wanted;
    return ODEON_OK;
}

/* By way of a void *, as a pointer to another type must not be stored through. */
static odeon_status reserve_tensor(scanner *s)
{
    void *array = s->out->tensors;
    odeon_status status =
        reserve(s, &array, s->out->n_tensors, &s->tensors_room, sizeof *s->out->tensors);
    s->out->tensors = array;
    return status;
}

static odeon_status reserve_meta(scanner *s)
{
    void *array = s->out->meta;
    odeon_status status = reserve(s, &array, s->out->n_meta, &s->meta_room, sizeof *s->out->meta);
    s->out->meta = array;
    return status;
}

/* The format allows strings alone, both as keys and as values. */
static odeon_status scan_metadata(scanner *s)
{
    ODEON_TRY(expect(s, '{'));
    if (take(s, '}')) {
        return ODEON_OK;
    }
    do {
        safetensors_meta meta;
        ODEON_TRY(reserve_meta(s));
        ODEON_TRY(scan_string(s, &meta.key));
        ODEON_TRY(expect(s, ':'));
        ODEON_TRY(scan_string(s, &meta.value));
        s->out->meta[s->out->n_meta++] = meta;
    } while (take(s, ','));
    return expect(s, '}');
}

/* __metadata__ is a name that no tensor can have. */
static odeon_status scan_members(scanner *s)
{
    bool metadata_seen = false;
    do {
        const char *name;
        ODEON_TRY(scan_string(s, &name));
        ODEON_TRY(expect(s, ':'));
        if (strcmp(name, "__metadata__") != 0) {
            ODEON_TRY(reserve_tensor(s));
            ODEON_TRY(scan_tensor(s, name));
        } else if (metadata_seen) {
            return refuse(s, "__metadata__ is given twice");
        } else {
            metadata_seen = true;
            ODEON_TRY(scan_metadata(s));
        }
    } while (take(s, ','));
    return expect(s, '}');
}

/* Blanks may follow the header: writers fill it up so that the data is aligned. */
static odeon_status scan_header(scanner *s)
{
    if (peek(s) != '{') { /* the format's text forbids leading blanks */
        return refuse(s, "expected '{'");
    }
    s->at++;
    if (!take(s, '}')) {
        ODEON_TRY(scan_members(s));
    }
    skip_blanks(s);
    return s->at == s->bytes ? ODEON_OK : refuse(s, "something follows the closing '}'");
}

/* ---- rules over all tensors ---- */

/* Tensors without elements begin where another begins; they come first then, as they end there
 * too. */
static int by_offset(const void *a, const void *b)
{
    const safetensors_tensor *x = a, *y = b;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    return (x->end > y->end) - (x->end < y->end);
}

static int by_name(const void *a, const void *b)
{
    const safetensors_tensor *x = a, *y = b;
    return strcmp(x->entry.name, y->entry.name);
}

static int by_key(const void *a, const void *b)
{
    const safetensors_meta *x = a, *y = b;
    return strcmp(x->key, y->key);
}

/* Sorted by offset, every tensor begins where the one before it ends, and the last one ends with
 * the file. That leaves neither holes, in which something could be hidden, nor bytes that belong to
 * two. */
static odeon_status check_cover(const scanner *s, uint64_t data_bytes)
{
    const safetensors_header *h = s->out;
    uint64_t end = 0;
    for (size_t i = 0; i < h->n_tensors; i++) {
        const safetensors_tensor *tensor = &h->tensors[i];
        if (tensor->begin != end) {
            return refuse(s,
                          "tensor \"%.80s\" starts at byte %llu of the data, the one before it "
                          "ends at %llu",
                          tensor->entry.name, (unsigned long long)tensor->begin,
                          (unsigned long long)end);
        }
        end = tensor->end;
    }
    if (end != data_bytes) {
        return refuse(s, "the tensors fill %llu bytes, the file has %llu behind the header",
                      (unsigned long long)end, (unsigned long long)data_bytes);
    }
    return ODEON_OK;
}

/* Sorted by name, equal ones are neighbours. */
static odeon_status check_twins(const scanner *s)
{
    const safetensors_header *h = s->out;
    for (size_t i = 1; i < h->n_tensors; i++) {
        if (by_name(&h->tensors[i - 1], &h->tensors[i]) == 0) {
            return refuse(s, "tensor \"%.80s\" stands twice", h->tensors[i].entry.name);
        }
    }
    for (size_t i = 1; i < h->n_meta; i++) {
        if (by_key(&h->meta[i - 1], &h->meta[i]) == 0) {
            return refuse(s, "__metadata__ has \"%.80s\" twice", h->meta[i].key);
        }
    }
    return ODEON_OK;
}

static void sort(void *array, size_t n, size_t size, int (*compare)(const void *, const void *))
{
    if (n > 1) { /* qsort must not be given NULL */
        qsort(array, n, size, compare);
    }
}

/* The order by name stays: safetensors_find searches in it. */
static odeon_status check_all(const scanner *s, uint64_t data_bytes)
{
    safetensors_header *h = s->out;
    sort(h->tensors, h->n_tensors, sizeof *h->tensors, by_offset);
    ODEON_TRY(check_cover(s, data_bytes));
    sort(h->tensors, h->n_tensors, sizeof *h->tensors, by_name);
    sort(h->meta, h->n_meta, sizeof *h->meta, by_key);
    return check_twins(s);
}

/* The strings get as much memory as the header has bytes, at once: a string is never longer than it
 * stands there with its quotes, and pointers into them stay. */
odeon_status safetensors_header_init(const char *file, const void *text, size_t bytes,
                                     uint64_t data_bytes, safetensors_header *out)
{
    *out = (safetensors_header){0};
    out->strings = mem_alloc(bytes);
    if (out->strings == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its header of %zu bytes", file, bytes);
    }
    scanner s = {.file = file, .text = text, .bytes = bytes, .out = out};
    odeon_status status = scan_header(&s);
    if (status == ODEON_OK) {
        status = check_all(&s, data_bytes);
    }
    if (status != ODEON_OK) {
        safetensors_header_fini(out);
    }
    return status;
}

/* Leaves an empty header, so that a second call does nothing. */
void safetensors_header_fini(safetensors_header *header)
{
    mem_free(header->strings);
    mem_free(header->tensors);
    mem_free(header->meta);
    *header = (safetensors_header){0};
}
