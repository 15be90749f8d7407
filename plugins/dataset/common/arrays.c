#include "arrays.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gzip.h"
#include "regular_file.h"

/* A piece of a file that is being read. */
typedef struct piece {
    const odeon_host *host;
    const char *path;
    const char *data;
    uint64_t bytes;
} piece;

static odeon_status refuse(const piece *p, const char *name, const char *what)
{
    return odeon_fail(p->host, ODEON_ERR_DATA, "%s:%s%s %s", p->path, name[0] != '\0' ? " " : "",
                      name, what);
}

/* Little-endian numbers that stand anywhere. */
static uint64_t number_at(const char *data, int bytes)
{
    uint64_t x = 0;
    for (int i = bytes - 1; i >= 0; i--) {
        x = x << 8 | (uint8_t)data[i];
    }
    return x;
}

/* ---- .npy ---- */

/* Behind 'KEY': in the header, a Python dictionary; NULL: there is none. */
static const char *value_of(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (at == NULL) {
        return NULL;
    }
    at += strlen(key);
    return at + strspn(at, " :");
}

static bool read_kind(const char *text, array *a)
{
    bool order = text[0] == '\'' && (text[1] == '<' || text[1] == '|');
    a->kind = order ? text[2] : '\0';
    a->bytes = order ? (int32_t)strtol(text + 3, NULL, 10) : 0;
    bool whole = (a->kind == 'i' || a->kind == 'u') &&
                 (a->bytes == 1 || a->bytes == 2 || a->bytes == 4 || a->bytes == 8);
    return whole || (a->kind == 'f' && (a->bytes == 4 || a->bytes == 8)) ||
           (a->kind == 'b' && a->bytes == 1);
}

/* "(40, 100, 3)", "(40,)" or "()". */
static bool read_dims(const char *text, array *a)
{
    a->count = 1;
    a->ndim = 0;
    if (*text++ != '(') {
        return false;
    }
    for (text += strspn(text, " "); *text != ')'; text += strspn(text, " ,")) {
        char *end;
        long long dim = strtoll(text, &end, 10);
        if (end == text || dim < 0 || a->ndim == ARRAY_MAX_DIMS ||
            (dim > 0 && a->count > (INT64_C(1) << 40) / dim)) {
            return false;
        }
        a->dim[a->ndim++] = dim;
        a->count *= dim;
        text = end;
    }
    return true;
}

static odeon_status read_header(const piece *p, const char *header, array *a)
{
    const char *kind = value_of(header, "'descr'"), *shape = value_of(header, "'shape'");
    const char *order = value_of(header, "'fortran_order'");
    if (kind == NULL || shape == NULL || order == NULL || !read_dims(shape, a)) {
        return refuse(p, a->name, "its header is not as numpy.save writes it");
    }
    if (strncmp(order, "True", 4) == 0) {
        return refuse(p, a->name, "is in Fortran order: save numpy.ascontiguousarray of the array");
    }
    return read_kind(kind, a) ? ODEON_OK
                              : refuse(p, a->name,
                                       "does not hold little-endian numbers: save it with "
                                       "astype('float64') or astype('int64')");
}

static odeon_status read_npy(const piece *p, array *a)
{
    static const char magic[] = "\x93NUMPY";
    if (p->bytes < 12 || memcmp(p->data, magic, 6) != 0) {
        return refuse(p, a->name, "is no array as numpy.save writes it");
    }
    uint64_t field = p->data[6] == 1 ? 2 : 4, length = number_at(p->data + 8, (int)field);
    if (length > p->bytes - 8 - field || length > 65536) {
        return refuse(p, a->name, "is cut off");
    }
    char *header = p->host->alloc(p->host, length + 1);
    if (header == NULL) {
        return odeon_fail(p->host, ODEON_ERR_NOMEM, "%s: no memory", p->path);
    }
    memcpy(header, p->data + 8 + field, length);
    header[length] = '\0';
    odeon_status status = read_header(p, header, a);
    p->host->free(p->host, header);
    ODEON_TRY(status);
    uint64_t start = 8 + field + length;
    a->data = p->data + start;
    return (uint64_t)a->count * (uint64_t)a->bytes == p->bytes - start
               ? ODEON_OK
               : refuse(p, a->name, "has another number of bytes than its shape says");
}

/* ---- .npz: a zip file, read by its directory at the end (APPNOTE 4.3) ---- */

enum { END_BYTES = 22, ENTRY_BYTES = 46, LOCAL_BYTES = 30, METHOD_DEFLATE = 8 };
static const uint64_t end_mark = 0x06054b50, entry_mark = 0x02014b50, local_mark = 0x04034b50;

static odeon_status bad_zip(const piece *p)
{
    return odeon_fail(p->host, ODEON_ERR_DATA, "%s: is damaged: no zip file as numpy.savez writes",
                      p->path);
}

/* What the directory says of an entry. numpy writes sizes of 64 bits into the local header's extra
 * field, but sizes below 4 GiB stand here, too; larger ones are UINT32_MAX here. */
typedef struct zip_entry {
    uint64_t method, packed, bytes, name_bytes, local;
    const char *name;
} zip_entry;

/* Entries that share their bytes, or are larger than deflate can pack them, would let a small file
 * ask for any amount of memory. Deflate packs at most 258 bytes into 2 bits. */
static odeon_status check_sizes(const piece *p, const zip_entry *e, array_file *out)
{
    out->packed_bytes += e->packed;
    out->unpacked_bytes += e->method != 0 ? e->bytes : 0;
    if (e->method != 0 && e->method != METHOD_DEFLATE) {
        return odeon_fail(p->host, ODEON_ERR_DATA,
                          "%s: is packed by method %d, and numpy.savez_compressed has 8", p->path,
                          (int)e->method);
    }
    if (out->packed_bytes > p->bytes || (e->method != 0 && e->bytes / 1032 > e->packed)) {
        return bad_zip(p);
    }
    return out->unpacked_bytes <= REGULAR_FILE_MAX_BYTES
               ? ODEON_OK
               : odeon_fail(p->host, ODEON_ERR_DATA, "%s: unpacks to more than %llu bytes", p->path,
                            (unsigned long long)REGULAR_FILE_MAX_BYTES);
}

static odeon_status unpack(const piece *p, const zip_entry *e, array_file *out)
{
    array *a = &out->of[out->n];
    uint64_t stem = e->name_bytes - 4;
    ODEON_TRY(check_sizes(p, e, out));
    if (e->local + LOCAL_BYTES > p->bytes || number_at(p->data + e->local, 4) != local_mark) {
        return bad_zip(p);
    }
    const char *head = p->data + e->local;
    uint64_t start = e->local + LOCAL_BYTES + number_at(head + 26, 2) + number_at(head + 28, 2);
    if (start > p->bytes || e->packed > p->bytes - start) {
        return bad_zip(p);
    }
    memcpy(a->name, e->name, stem);
    a->name[stem] = '\0';
    piece inside = {p->host, p->path, p->data + start, e->packed};
    if (e->method != 0) {
        char *memory = p->host->alloc(p->host, e->bytes + 1);
        out->unpacked[out->n] = memory;
        if (memory == NULL) {
            return odeon_fail(p->host, ODEON_ERR_NOMEM, "%s: no memory", p->path);
        }
        ODEON_TRY(gzip_unpack_raw(p->host, p->path, inside.data, e->packed, e->bytes, memory));
        inside.data = memory;
        inside.bytes = e->bytes;
    }
    ODEON_TRY(read_npy(&inside, a));
    out->n++;
    return ODEON_OK;
}

static odeon_status read_entry(const piece *p, uint64_t *at, array_file *out)
{
    if (*at + ENTRY_BYTES > p->bytes || number_at(p->data + *at, 4) != entry_mark) {
        return bad_zip(p);
    }
    const char *x = p->data + *at;
    zip_entry e = {.method = number_at(x + 10, 2),
                   .packed = number_at(x + 20, 4),
                   .bytes = number_at(x + 24, 4),
                   .name_bytes = number_at(x + 28, 2),
                   .local = number_at(x + 42, 4),
                   .name = x + ENTRY_BYTES};
    *at += ENTRY_BYTES + e.name_bytes + number_at(x + 30, 2) + number_at(x + 32, 2);
    if (*at > p->bytes) {
        return bad_zip(p);
    }
    if (e.packed == UINT32_MAX || e.bytes == UINT32_MAX || e.local == UINT32_MAX) {
        return odeon_fail(p->host, ODEON_ERR_DATA,
                          "%s: has an array beyond 4 GiB, which is not read: save less in a file",
                          p->path);
    }
    bool is_array = e.name_bytes > 4 && e.name_bytes - 4 < ARRAY_NAME_BYTES &&
                    memcmp(e.name + e.name_bytes - 4, ".npy", 4) == 0;
    if (out->n == ARRAYS_MAX) {
        return odeon_fail(p->host, ODEON_ERR_DATA, "%s: has more than %d arrays", p->path,
                          ARRAYS_MAX);
    }
    return is_array ? unpack(p, &e, out) : ODEON_OK;
}

static odeon_status read_npz(const piece *p, array_file *out)
{
    uint64_t end = p->bytes - END_BYTES, first = end > 65536 ? end - 65536 : 0;
    if (p->bytes < END_BYTES) {
        return bad_zip(p);
    }
    while (end > first && number_at(p->data + end, 4) != end_mark) {
        end--; /* a comment may follow */
    }
    uint64_t n = number_at(p->data + end + 10, 2), at = number_at(p->data + end + 16, 4);
    if (number_at(p->data + end, 4) != end_mark) {
        return bad_zip(p);
    }
    for (uint64_t i = 0; i < n; i++) {
        ODEON_TRY(read_entry(p, &at, out));
    }
    return ODEON_OK;
}

/* ---- a file ---- */

odeon_status array_file_read(const odeon_host *host, const char *path, char *memory, uint64_t bytes,
                             array_file *out)
{
    piece p = {.host = host, .path = path, .data = memory, .bytes = bytes};
    *out = (array_file){.memory = memory};
    odeon_status status;
    if (p.bytes >= 4 && number_at(p.data, 4) == local_mark) {
        status = read_npz(&p, out);
    } else {
        status = read_npy(&p, &out->of[0]);
        out->n = 1;
    }
    if (status != ODEON_OK) {
        array_file_free(host, out);
    }
    return status;
}

odeon_status array_file_load(const odeon_host *host, const char *path, array_file *out)
{
    char *memory;
    uint64_t bytes;
    *out = (array_file){.n = 0};
    ODEON_TRY(regular_file_load(host, path, &memory, &bytes));
    return array_file_read(host, path, memory, bytes, out);
}

void array_file_free(const odeon_host *host, array_file *file)
{
    host->free(host, file->memory);
    for (int32_t i = 0; i < ARRAYS_MAX; i++) {
        host->free(host, file->unpacked[i]);
    }
    *file = (array_file){.n = 0};
}

const array *array_find(const array_file *file, const char *name)
{
    for (int32_t i = 0; i < file->n; i++) {
        if (strcmp(file->of[i].name, name) == 0) {
            return &file->of[i];
        }
    }
    return NULL;
}

double array_number(const array *a, int64_t i)
{
    const char *at = a->data + i * a->bytes;
    uint64_t bits = number_at(at, a->bytes);
    if (a->kind == 'f' && a->bytes == 4) {
        float x;
        memcpy(&x, at, sizeof x);
        return (double)x;
    }
    if (a->kind == 'f') {
        double x;
        memcpy(&x, at, sizeof x);
        return x;
    }
    if (a->kind != 'i') {
        return (double)bits;
    }
    uint64_t top = UINT64_C(1) << (8 * a->bytes - 1); /* the sign */
    return (bits & top) != 0 ? -(double)(~(bits - 1) & (2 * top - 1)) : (double)bits;
}

const char *array_shape(const array *a, char *text, uint64_t bytes)
{
    uint64_t at = 0;
    text[0] = '\0';
    for (int32_t i = 0; i <= a->ndim && at < bytes; i++) {
        int n = i < a->ndim ? snprintf(text + at, bytes - at, "%s%lld", i == 0 ? "[" : ",",
                                       (long long)a->dim[i])
                            : snprintf(text + at, bytes - at, "%s]", a->ndim == 0 ? "[" : "");
        at += n > 0 ? (uint64_t)n : 0;
    }
    return text;
}
