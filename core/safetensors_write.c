#include <stdlib.h>
#include <string.h>

#include "atomic_file.h"
#include "diag.h"
#include "mem.h"
#include "output_file.h"
#include "safetensors_header.h"
#include "text.h"

/* Wide elements first, so that every tensor is aligned to its own; then by name, so that equal
 * contents are equal files. */
static int in_file_order(const void *a, const void *b)
{
    const safetensors_entry *x = *(const safetensors_entry *const *)a;
    const safetensors_entry *y = *(const safetensors_entry *const *)b;
    int64_t difference = odeon_dtype_bytes(y->dtype) - odeon_dtype_bytes(x->dtype);
    return difference != 0 ? (difference > 0 ? 1 : -1) : strcmp(x->name, y->name);
}

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

/* The header with its blanks; the data then starts at a multiple of 8. */
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

/* What the reader would refuse is not written: a name twice, bytes that disagree with the shape. */
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

static odeon_status write_parts(atomic_file *file, const text_buffer *header, size_t n,
                                const safetensors_entry *const *order)
{
    uint64_t length = header->length;
    ODEON_TRY(atomic_file_write(file, &length, SAFETENSORS_LENGTH_BYTES));
    ODEON_TRY(atomic_file_write(file, header->data, header->length));
    for (size_t i = 0; i < n; i++) {
        ODEON_TRY(atomic_file_write(file, order[i]->data, order[i]->bytes));
    }
    return ODEON_OK;
}

typedef odeon_status (*opener)(const char *path, atomic_file *out);

static odeon_status write_file(const char *path, opener open, const text_buffer *header, size_t n,
                               const safetensors_entry *const *order)
{
    atomic_file file;
    ODEON_TRY(open(path, &file));
    odeon_status status = write_parts(&file, header, n, order);
    if (status != ODEON_OK) {
        atomic_file_abandon(&file);
        return status;
    }
    return atomic_file_commit(&file);
}

static odeon_status write_tensors(const char *path, opener open, size_t n,
                                  const safetensors_entry *entries, size_t n_meta,
                                  const safetensors_meta *meta)
{
    const safetensors_entry **order = sorted(n, entries);
    if (order == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to write %zu tensors", path, n);
    }
    text_buffer header = {0};
    uint64_t data_bytes;
    make_header(&header, n, order, n_meta, meta, &data_bytes);
    odeon_status status = check_header(path, &header, data_bytes);
    if (status == ODEON_OK) {
        status = write_file(path, open, &header, n, order);
    }
    text_fini(&header);
    mem_free(order);
    return status;
}

odeon_status safetensors_write(const char *path, size_t n, const safetensors_entry *entries,
                               size_t n_meta, const safetensors_meta *meta)
{
    return write_tensors(path, atomic_file_open, n, entries, n_meta, meta);
}

odeon_status safetensors_write_output(const char *path, size_t n, const safetensors_entry *entries,
                                      size_t n_meta, const safetensors_meta *meta)
{
    return write_tensors(path, output_file_open, n, entries, n_meta, meta);
}
