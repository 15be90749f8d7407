#include "format/npy.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/output_file.h"
#include "base/text.h"

/* The header: a Python dictionary as text, between at and end. */
typedef struct cursor {
    const char *name; /* of the file */
    const char *begin, *at, *end;
    bool has_descr, has_order, has_shape;
} cursor;

/* The byte counts from the beginning of the header, where at stands. */
static odeon_status refuse(const cursor *c, const char *wanted)
{
    return diag_fail(ODEON_ERR_DATA, "%s: byte %td of its header: expected %s", c->name,
                     c->at - c->begin, wanted);
}

/* Only blanks: numpy writes no other white space but the line break at the end. */
static void skip_blanks(cursor *c)
{
    while (c->at < c->end && *c->at == ' ') {
        c->at++;
    }
}

/* Takes one character after blanks if it is next. */
static bool take(cursor *c, char wanted)
{
    skip_blanks(c);
    bool there = c->at < c->end && *c->at == wanted;
    c->at += there;
    return there;
}

/* Takes a word if it is next, and not just the beginning of a longer one. A NUL behind it is no end
 * of a word: strchr would find it in any set. */
static bool take_word(cursor *c, const char *word)
{
    size_t n = strlen(word);
    bool there = (size_t)(c->end - c->at) > n && memcmp(c->at, word, n) == 0 &&
                 strchr(" ,}", c->at[n]) != NULL && c->at[n] != '\0';
    c->at += there ? n : 0;
    return there;
}

/* A short text in quotes of either kind, without any inside. The few texts that a header has are
 * short, so that a fixed room is enough. */
static odeon_status read_string(cursor *c, char *out, size_t room)
{
    skip_blanks(c);
    char quote = c->at < c->end ? *c->at : '\0';
    if (quote != '\'' && quote != '"') {
        return refuse(c, "a text in quotes");
    }
    const char *from = c->at + 1;
    const char *to = memchr(from, quote, (size_t)(c->end - from));
    if (to == NULL || (size_t)(to - from) >= room || memchr(from, '\0', (size_t)(to - from))) {
        return refuse(c, "a text of a few characters in quotes");
    }
    memcpy(out, from, (size_t)(to - from));
    out[to - from] = '\0';
    c->at = to + 1;
    return ODEON_OK;
}

/* Byte order is part of the dtype: files of another order, and whole numbers other than int64, are
 * refused with what to call in numpy. */
static odeon_status read_descr(cursor *c, safetensors_entry *out)
{
    static const struct {
        const char *text;
        uint32_t dtype;
    } known[] = {{"<f4", ODEON_DTYPE_F32},
                 {"<f8", ODEON_DTYPE_F64},
                 {"|u1", ODEON_DTYPE_U8},
                 {"<i8", ODEON_DTYPE_I64}};
    char text[16];
    ODEON_TRY(read_string(c, text, sizeof text));
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(text, known[i].text) == 0) {
            out->dtype = known[i].dtype;
            return ODEON_OK;
        }
    }
    /* Whole numbers are converted otherwise than fractions, so the hint names the right call. */
    bool whole = text[0] != '\0' && (text[1] == 'i' || text[1] == 'u');
    return diag_fail(ODEON_ERR_DATA,
                     "%s: its elements are '%s', supported are '<f4', '<f8', '|u1' and '<i8': "
                     "convert with numpy.%s",
                     c->name, text,
                     whole ? "astype('uint8') what are bytes of images, else with astype('int64')"
                           : "astype('float32')");
}

/* Fortran order would need a transposition, which numpy does better. */
static odeon_status read_order(cursor *c)
{
    skip_blanks(c);
    if (take_word(c, "False")) {
        return ODEON_OK;
    }
    if (take_word(c, "True")) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s: in Fortran's order, supported is C's: save "
                         "numpy.ascontiguousarray(x)",
                         c->name);
    }
    return refuse(c, "False");
}

/* Multiplied with a check, since a header may claim any number. */
static odeon_status read_dimension(cursor *c, int64_t *out)
{
    skip_blanks(c);
    const char *from = c->at;
    *out = 0;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
        if (!checked_mul(*out, 10, out) || !checked_add(*out, *c->at - '0', out)) {
            return refuse(c, "a smaller dimension");
        }
        c->at++;
    }
    return c->at > from ? ODEON_OK : refuse(c, "a dimension");
}

/* "()", "(3,)", "(3, 4)", "(3, 4,)"; but (3) is no tuple. numpy writes () for a scalar, which has
 * one element. */
static odeon_status read_shape(cursor *c, safetensors_entry *out)
{
    if (!take(c, '(')) {
        return refuse(c, "(");
    }
    bool comma = true;
    while (!take(c, ')')) {
        if (!comma) {
            return refuse(c, ", or )");
        }
        if (out->ndim == ODEON_MAX_DIMS) {
            return diag_fail(ODEON_ERR_DATA, "%s: more than %d dimensions", c->name,
                             ODEON_MAX_DIMS);
        }
        ODEON_TRY(read_dimension(c, &out->dim[out->ndim++]));
        comma = take(c, ',');
    }
    /* In Python (3) is a number in brackets, (3,) a shape of one dimension. */
    return out->ndim == 1 && !comma ? refuse(c, "a comma after a single dimension") : ODEON_OK;
}

/* The keys may come in any order, each once, as in any dictionary. */
static odeon_status read_item(cursor *c, safetensors_entry *out)
{
    char key[16];
    ODEON_TRY(read_string(c, key, sizeof key));
    bool *has = strcmp(key, "descr") == 0           ? &c->has_descr
                : strcmp(key, "fortran_order") == 0 ? &c->has_order
                : strcmp(key, "shape") == 0         ? &c->has_shape
                                                    : NULL;
    if (has == NULL || *has) {
        return refuse(c, "descr, fortran_order and shape, each once");
    }
    *has = true;
    if (!take(c, ':')) {
        return refuse(c, ":");
    }
    return has == &c->has_descr   ? read_descr(c, out)
           : has == &c->has_order ? read_order(c)
                                  : read_shape(c, out);
}

/* numpy pads with blanks and ends with a line break; anything else behind the dictionary is
 * refused, as it may be data that a wrong length has cut off. */
static odeon_status read_header(cursor *c, safetensors_entry *out)
{
    if (!take(c, '{')) {
        return refuse(c, "{");
    }
    bool comma = true;
    while (!take(c, '}')) {
        if (!comma) {
            return refuse(c, ", or }");
        }
        ODEON_TRY(read_item(c, out));
        comma = take(c, ',');
    }
    if (!c->has_descr || !c->has_order || !c->has_shape) {
        return refuse(c, "descr, fortran_order and shape before");
    }
    skip_blanks(c);
    return c->end - c->at == 1 && *c->at == '\n' ? ODEON_OK
                                                 : refuse(c, "blanks and a line break at the end");
}

/* Where the header begins, and how long it is; 0 if the file is too short for that. Version 1.0 has
 * two bytes of length, 2.0 has four, both little-endian. */
static size_t find_header(const unsigned char *p, size_t bytes, size_t *length)
{
    size_t at = p[6] == 1 ? 10 : 12;
    if (bytes < at) {
        return 0;
    }
    *length = (size_t)p[8] | (size_t)p[9] << 8;
    if (at == 12) {
        *length |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
    }
    return *length <= bytes - at ? at : 0;
}

/* Not a byte more than the shape says either: data that nothing describes is a sign of a damaged
 * file. */
static odeon_status check_size(const char *name, size_t bytes, safetensors_entry *out)
{
    int64_t wanted = odeon_dtype_bytes(out->dtype);
    bool fits = true;
    for (int32_t i = 0; i < out->ndim && fits; i++) {
        fits = checked_mul(wanted, out->dim[i], &wanted);
    }
    if (!fits || (uint64_t)wanted != bytes) {
        return diag_fail(ODEON_ERR_DATA, "%s: holds %zu bytes of data, not what its shape says",
                         name, bytes);
    }
    out->bytes = bytes;
    return ODEON_OK;
}

/* The array is not copied: entry points into data. */
odeon_status npy_parse(const char *name, const void *data, size_t bytes, safetensors_entry *out)
{
    static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    const unsigned char *p = data;
    size_t length = 0;
    *out = (safetensors_entry){.name = name};
    if (bytes < 8 || memcmp(p, magic, sizeof magic) != 0) {
        return diag_fail(ODEON_ERR_DATA, "%s: not an .npy file", name);
    }
    /* Version 3.0 has UTF-8 in the names of fields, which arrays of plain numbers do not have. */
    if ((p[6] != 1 && p[6] != 2) || p[7] != 0) {
        return diag_fail(ODEON_ERR_DATA, "%s: version %d.%d of .npy, supported are 1.0 and 2.0",
                         name, (int)p[6], (int)p[7]);
    }
    size_t at = find_header(p, bytes, &length);
    if (at == 0) {
        return diag_fail(ODEON_ERR_DATA, "%s: ends within its header", name);
    }
    const char *text = (const char *)data + at;
    cursor c = {.name = name, .begin = text, .at = text, .end = text + length};
    ODEON_TRY(read_header(&c, out));
    out->data = text + length;
    return check_size(name, bytes - at - length, out);
}

/* ---- writing ---- */

enum { PREFIX = 10, ALIGNMENT = 64 }; /* as numpy.save does: data starts at a multiple of 64 */

/* Version 1.0: magic, version, two bytes of length, the dictionary, blanks, a line break. The shape
 * of a single dimension has a comma behind it, else it would be no tuple. */
static void make_header(uint32_t dtype, int32_t ndim, const int64_t *dim, text_buffer *out)
{
    text_buffer words = {0};
    text_printf(&words, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                dtype == ODEON_DTYPE_F64 ? "<f8" : "<f4");
    for (int32_t i = 0; i < ndim; i++) {
        text_printf(&words, ndim == 1 || i + 1 < ndim ? "%lld," : "%lld", (long long)dim[i]);
        text_add(&words, i + 1 < ndim ? " " : "");
    }
    text_add(&words, "), }");
    /* Blanks fill the header up to the alignment; one byte is that of the line break. */
    size_t bytes = PREFIX + words.length + 1, fill = (ALIGNMENT - bytes % ALIGNMENT) % ALIGNMENT;
    size_t length = words.length + fill + 1;
    const char prefix[PREFIX] = {
        '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, (char)(length & 255), (char)(length >> 8)};
    text_add_bytes(out, prefix, sizeof prefix);
    text_add_bytes(out, words.data != NULL ? words.data : "", words.length);
    text_printf(out, "%*s\n", (int)fill, "");
    out->failed = out->failed || words.failed;
    text_fini(&words);
}

/* Header and data one after the other, as data may be too large to be joined to it. */
static odeon_status write_array(atomic_file *file, const text_buffer *header, const void *data,
                                size_t bytes)
{
    ODEON_TRY(atomic_file_write(file, header->data, header->length));
    return atomic_file_write(file, data, bytes);
}

/* Room for the header is asked for before the file is opened, so that a lack of memory leaves no
 * trace. */
odeon_status npy_write_output(const char *path, uint32_t dtype, int32_t ndim, const int64_t *dim,
                              const void *data)
{
    size_t bytes = (size_t)odeon_dtype_bytes(dtype);
    text_buffer header = {0};
    atomic_file file;
    make_header(dtype, ndim, dim, &header);
    odeon_status status = header.failed ? diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path)
                                        : output_file_open(path, &file);
    if (status != ODEON_OK) {
        text_fini(&header);
        return status;
    }
    for (int32_t i = 0; i < ndim; i++) {
        bytes *= (size_t)dim[i];
    }
    status = write_array(&file, &header, data, bytes);
    text_fini(&header);
    if (status != ODEON_OK) {
        atomic_file_abandon(&file);
        return status;
    }
    return atomic_file_commit(&file);
}
