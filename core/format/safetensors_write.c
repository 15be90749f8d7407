#include "format/safetensors_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/output_file.h"
#include "base/text.h"
#include "format/safetensors_header.h"

/* Wide elements first, so that every tensor is aligned to its own; then by name, so that equal
 * contents are equal files. Names are unique, hence the order is total and qsort need not be
 * stable. */
static int in_file_order(const void *a, const void *b)
{
    const safetensors_entry *x = *(const safetensors_entry *const *)a;
    const safetensors_entry *y = *(const safetensors_entry *const *)b;
    int64_t difference = odeon_dtype_bytes(y->dtype) - odeon_dtype_bytes(x->dtype);
    return difference != 0 ? (difference > 0 ? 1 : -1) : strcmp(x->name, y->name);
}

/* Pointers are sorted and not the entries, which are the caller's. */
static const safetensors_entry **sorted(size_t n, const safetensors_entry *entries)
{
    const safetensors_entry **order = mem_zalloc(n, sizeof *order);
    if (order == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        order[i] = &entries[i];
    }
    if (n > 1) {
        qsort(order, n, sizeof *order, in_file_order);
    }
    return order;
}

/* In the order that the caller gives; the format has none. */
static void add_metadata(text_buffer *t, size_t n_meta, const safetensors_meta *meta)
{
    text_add(t, "\"__metadata__\":{");
    for (size_t i = 0; i < n_meta; i++) {
        text_add(t, i > 0 ? "," : "");
        text_json_string(t, meta[i].key);
        text_add(t, ":");
        text_json_string(t, meta[i].value);
    }
    text_add(t, "}");
}

/* A dtype that the format does not know becomes an empty name, which check_header refuses. */
static void add_tensor(text_buffer *t, const safetensors_entry *entry, uint64_t begin)
{
    const safetensors_dtype *dtype = safetensors_dtype_of(entry->dtype);
    text_json_string(t, entry->name);
    text_printf(t, ":{\"dtype\":\"%s\",\"shape\":[", dtype != NULL ? dtype->name : "");
    for (int32_t i = 0; i < entry->ndim; i++) {
        text_printf(t, "%s%lld", i > 0 ? "," : "", (long long)entry->dim[i]);
    }
    text_printf(t, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)begin,
                (unsigned long long)(begin + entry->bytes));
}

/* The header with its blanks; the data then starts at a multiple of 8. Offsets follow from the
 * order, so that there is neither hole nor overlap. */
static void make_header(text_buffer *t, size_t n, const safetensors_entry *const *order,
                        size_t n_meta, const safetensors_meta *meta, uint64_t *data_bytes)
{
    text_add(t, "{");
    if (n_meta > 0) {
        add_metadata(t, n_meta, meta);
    }
    *data_bytes = 0;
    for (size_t i = 0; i < n; i++) {
        text_add(t, i > 0 || n_meta > 0 ? "," : "");
        add_tensor(t, order[i], *data_bytes);
        *data_bytes += order[i]->bytes;
    }
    text_add(t, "}");
    text_printf(t, "%*s", (int)((8 - t->length % 8) % 8), "");
}

/* What the reader would refuse is not written: a name twice, bytes that disagree with the shape.
 * Reading the header back with the reader itself keeps the two from ever disagreeing. */
static odeon_status check_header(const char *path, const text_buffer *t, uint64_t data_bytes)
{
    safetensors_header header;
    if (t->failed) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its header", path);
    }
    ODEON_TRY(safetensors_header_init(path, t->data, t->length, data_bytes, &header));
    safetensors_header_fini(&header);
    return ODEON_OK;
}

/* How a path becomes a file to write: atomic_file_open for the host's own, output_file_open for
 * what the user names. */
typedef odeon_status (*opener)(const char *path, atomic_file *out);

/* What is to be written, and where its data comes from. */
typedef struct writing {
    const char *path;
    size_t n;
    const safetensors_entry *entries, **order;
    text_buffer header;
    safetensors_source source; /* NULL: the entries have it */
    void *context;
    opener open;
    char *piece;
} writing;

/* The source counts entries as the caller gave them, not in the order of the file. */
static odeon_status write_pieces(atomic_file *file, const writing *w,
                                 const safetensors_entry *entry)
{
    size_t index = (size_t)(entry - w->entries);
    for (uint64_t at = 0; at < entry->bytes;) {
        uint64_t left = entry->bytes - at;
        size_t now = left < SAFETENSORS_PIECE_BYTES ? (size_t)left : SAFETENSORS_PIECE_BYTES;
        ODEON_TRY(w->source(w->context, index, at, now, w->piece));
        ODEON_TRY(atomic_file_write(file, w->piece, now));
        at += now;
    }
    return ODEON_OK;
}

/* Length, header, data. The length is stored as it is in memory: the host runs on little-endian
 * machines alone (safetensors.c). */
static odeon_status write_parts(atomic_file *file, const writing *w)
{
    uint64_t length = w->header.length;
    ODEON_TRY(atomic_file_write(file, &length, SAFETENSORS_LENGTH_BYTES));
    ODEON_TRY(atomic_file_write(file, w->header.data, w->header.length));
    for (size_t i = 0; i < w->n; i++) {
        const safetensors_entry *entry = w->order[i];
        ODEON_TRY(w->source != NULL ? write_pieces(file, w, entry)
                                    : atomic_file_write(file, entry->data, entry->bytes));
    }
    return ODEON_OK;
}

/* Whatever fails on the way, no file under the final name is touched. */
static odeon_status write_file(const writing *w)
{
    atomic_file file;
    ODEON_TRY(w->open(w->path, &file));
    odeon_status status = write_parts(&file, w);
    if (status != ODEON_OK) {
        atomic_file_abandon(&file);
        return status;
    }
    return atomic_file_commit(&file);
}

/* The header is checked before the file is opened: what cannot be written leaves no trace. */
static odeon_status write_all(writing *w, size_t n_meta, const safetensors_meta *meta)
{
    uint64_t data_bytes;
    w->order = sorted(w->n, w->entries);
    w->piece = w->source != NULL ? mem_alloc(SAFETENSORS_PIECE_BYTES) : NULL;
    if (w->order == NULL || (w->source != NULL && w->piece == NULL)) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to write %zu tensors", w->path, w->n);
    }
    make_header(&w->header, w->n, w->order, n_meta, meta, &data_bytes);
    ODEON_TRY(check_header(w->path, &w->header, data_bytes));
    return write_file(w);
}

/* Frees what write_all took, however far it came. */
static odeon_status write_tensors(writing *w, size_t n_meta, const safetensors_meta *meta)
{
    odeon_status status = write_all(w, n_meta, meta);
    text_fini(&w->header);
    mem_free(w->order);
    mem_free(w->piece);
    return status;
}

/* For data that is not in memory as a whole, say on a device. */
odeon_status safetensors_write_from(const char *path, size_t n, const safetensors_entry *entries,
                                    size_t n_meta, const safetensors_meta *meta,
                                    safetensors_source source, void *context)
{
    writing w = {.path = path,
                 .n = n,
                 .entries = entries,
                 .source = source,
                 .context = context,
                 .open = atomic_file_open};
    return write_tensors(&w, n_meta, meta);
}

odeon_status safetensors_write(const char *path, size_t n, const safetensors_entry *entries,
                               size_t n_meta, const safetensors_meta *meta)
{
    return safetensors_write_from(path, n, entries, n_meta, meta, NULL, NULL);
}

/* A pipe takes the same bytes as a file, since nothing is written out of order. */
odeon_status safetensors_write_output(const char *path, size_t n, const safetensors_entry *entries,
                                      size_t n_meta, const safetensors_meta *meta)
{
    writing w = {.path = path, .n = n, .entries = entries, .open = output_file_open};
    return write_tensors(&w, n_meta, meta);
}
