#include "safetensors.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "mem.h"
#include "read_file.h"
#include "safetensors_header.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are copied as the file has them");

struct safetensors {
    safetensors_header header;
    void *owned; /* the file's bytes, if they are ours */
};

static uint64_t load_u64(const unsigned char *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

/* Bytes of the header, once it is sure that they are there. */
static odeon_status header_length(const char *name, const void *data, uint64_t bytes, size_t *out)
{
    if (bytes < SAFETENSORS_LENGTH_BYTES) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s: no valid safetensors file: %llu bytes, the header's length alone "
                         "takes %u",
                         name, (unsigned long long)bytes, SAFETENSORS_LENGTH_BYTES);
    }
    uint64_t length = load_u64(data);
    if (length > SAFETENSORS_MAX_HEADER || length > bytes - SAFETENSORS_LENGTH_BYTES) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s: no valid safetensors file: header of %llu bytes in a file of %llu "
                         "(at most %u are allowed); is it cut off or of another kind?",
                         name, (unsigned long long)length, (unsigned long long)bytes,
                         SAFETENSORS_MAX_HEADER);
    }
    *out = (size_t)length;
    return ODEON_OK;
}

odeon_status safetensors_parse(const char *name, const void *data, uint64_t bytes,
                               safetensors **out)
{
    *out = NULL;
    size_t length = 0;
    ODEON_TRY(header_length(name, data, bytes, &length));
    const unsigned char *text = (const unsigned char *)data + SAFETENSORS_LENGTH_BYTES;
    safetensors *file = mem_zalloc(1, sizeof *file);
    if (file == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to read it", name);
    }
    odeon_status status = safetensors_header_init(
        name, text, length, bytes - SAFETENSORS_LENGTH_BYTES - length, &file->header);
    if (status != ODEON_OK) {
        mem_free(file);
        return status;
    }
    for (size_t i = 0; i < file->header.n_tensors; i++) {
        safetensors_tensor *tensor = &file->header.tensors[i];
        tensor->entry.data = text + length + tensor->begin;
    }
    *out = file;
    return ODEON_OK;
}

odeon_status safetensors_read(const char *path, safetensors **out)
{
    *out = NULL;
    char *contents;
    size_t bytes;
    ODEON_TRY(read_file(path, &contents, &bytes));
    odeon_status status = safetensors_parse(path, contents, bytes, out);
    if (status != ODEON_OK) {
        mem_free(contents);
        return status;
    }
    (*out)->owned = contents;
    return ODEON_OK;
}

void safetensors_destroy(safetensors *file)
{
    if (file != NULL) {
        safetensors_header_fini(&file->header);
        mem_free(file->owned);
        mem_free(file);
    }
}

/* ---- what is in it ---- */

size_t safetensors_count(const safetensors *file)
{
    return file->header.n_tensors;
}

const safetensors_entry *safetensors_at(const safetensors *file, size_t index)
{
    return &file->header.tensors[index].entry;
}

static int name_against_tensor(const void *name, const void *tensor)
{
    return strcmp(name, ((const safetensors_tensor *)tensor)->entry.name);
}

const safetensors_entry *safetensors_find(const safetensors *file, const char *name)
{
    const safetensors_header *h = &file->header;
    if (h->n_tensors == 0) {
        return NULL;
    }
    const safetensors_tensor *tensor =
        bsearch(name, h->tensors, h->n_tensors, sizeof *h->tensors, name_against_tensor);
    return tensor != NULL ? &tensor->entry : NULL;
}

const char *safetensors_metadata(const safetensors *file, const char *key)
{
    for (size_t i = 0; i < file->header.n_meta; i++) {
        if (strcmp(file->header.meta[i].key, key) == 0) {
            return file->header.meta[i].value;
        }
    }
    return NULL;
}

int64_t safetensors_elements(const safetensors_entry *entry)
{
    int64_t n = 1;
    for (int32_t i = 0; i < entry->ndim; i++) {
        n *= entry->dim[i];
    }
    return n;
}

static double element_as_f64(int32_t dtype, const unsigned char *p)
{
    float f32;
    double f64;
    int64_t i64;
    switch (dtype) {
    case ODEON_DTYPE_F32:
        memcpy(&f32, p, sizeof f32);
        return (double)f32;
    case ODEON_DTYPE_F64:
        memcpy(&f64, p, sizeof f64);
        return f64;
    case ODEON_DTYPE_I64:
        memcpy(&i64, p, sizeof i64);
        return (double)i64;
    default:
        return (double)*p;
    }
}

odeon_status safetensors_as_f64(const safetensors_entry *entry, double *out)
{
    int64_t size = odeon_dtype_bytes(entry->dtype);
    if (size == 0) {
        return diag_fail(ODEON_ERR_DATA, "tensor \"%s\": its dtype is not one of F32, F64, I64, U8",
                         entry->name);
    }
    const unsigned char *p = entry->data;
    int64_t n = safetensors_elements(entry);
    for (int64_t i = 0; i < n; i++) {
        out[i] = element_as_f64(entry->dtype, p + i * size);
    }
    return ODEON_OK;
}
