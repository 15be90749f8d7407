#include "format/safetensors.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/read_file.h"
#include "format/safetensors_header.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are copied as the file has them");

/* Exactly one of three holds the data: memory that is owned, memory that is borrowed (owned NULL,
 * path NULL), or an open file (path and fd set). */
struct safetensors {
    safetensors_header header;
    void *owned; /* the file's bytes, if they are ours */
    char *path;  /* of safetensors_open, as fd; else NULL */
    int fd;
    uint64_t data_at; /* in the file */
};

/* By memcpy, because a file in memory need not be aligned. */
static uint64_t load_u64(const unsigned char *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

/* Bytes of the header, once it is sure that they are there. The length is the first thing that a
 * file of another kind gets wrong, hence the question in the message. */
static odeon_status header_length(const char *name, const void *data, uint64_t bytes, size_t *out)
{
    if (bytes < SAFETENSORS_LENGTH_BYTES) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s: no valid safetensors file: %llu bytes, the header's length alone "
                         "takes %u",
                         name, (unsigned long long)bytes, SAFETENSORS_LENGTH_BYTES);
    }
    uint64_t length = load_u64(data);
    /* Compared with what is left of the file, as a sum with the length could wrap. */
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

/* What the header says of the data has been checked against its size, so that no entry points
 * beyond it. */
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

/* The tensors point into contents, which destroy frees. */
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

static odeon_status io_failure(const char *path, const char *what)
{
    return diag_fail(ODEON_ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

/* pread, so that several threads may read from one file. */
static odeon_status read_at(int fd, const char *path, uint64_t offset, size_t bytes, void *out)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t n = pread(fd, (char *)out + done, bytes - done, (off_t)(offset + done));
        /* GCOVR_EXCL_START: of a regular file that is open, a disk's failure alone */
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return io_failure(path, "cannot read");
        }
        /* GCOVR_EXCL_STOP */
        if (n == 0) {
            return diag_fail(ODEON_ERR_IO, "%s: shrank while it was read", path);
        }
        done += (size_t)n;
    }
    return ODEON_OK;
}

/* The header alone comes into memory; its size is checked against that of the file first, so that a
 * damaged length does not ask for gigabytes. */
static odeon_status read_header(safetensors *file, uint64_t size)
{
    char prefix[SAFETENSORS_LENGTH_BYTES];
    size_t length = 0, there = size < sizeof prefix ? (size_t)size : sizeof prefix;
    /* fails if the file shrinks at this moment */
    ODEON_TRY(read_at(file->fd, file->path, 0, there, prefix)); /* GCOVR_EXCL_BR_LINE */
    ODEON_TRY(header_length(file->path, prefix, size, &length));
    char *text = mem_alloc(length + 1);
    if (text == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its header of %zu bytes", file->path,
                         length);
    }
    file->data_at = SAFETENSORS_LENGTH_BYTES + length;
    odeon_status status = read_at(file->fd, file->path, SAFETENSORS_LENGTH_BYTES, length, text);
    if (status == ODEON_OK) { /* GCOVR_EXCL_BR_LINE: likewise */
        status =
            safetensors_header_init(file->path, text, length, size - file->data_at, &file->header);
    }
    mem_free(text);
    return status;
}

/* The descriptor is looked at, not the path, which may stand for something else by now. */
static odeon_status open_file(safetensors *file)
{
    struct stat info;
    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* of a FIFO, not to wait */
    if (file->fd < 0) {
        return io_failure(file->path, "cannot open");
    }
    if (fstat(file->fd, &info) != 0) {                /* GCOVR_EXCL_BR_LINE: it is open */
        return io_failure(file->path, "cannot read"); /* GCOVR_EXCL_LINE */
    }
    return S_ISREG(info.st_mode) ? read_header(file, (uint64_t)info.st_size)
                                 : diag_fail(ODEON_ERR_IO, "%s: not a regular file", file->path);
}

/* destroy takes what is there of a file whose opening failed. */
odeon_status safetensors_open(const char *path, safetensors **out)
{
    *out = NULL;
    safetensors *file = mem_zalloc(1, sizeof *file);
    if (file == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to read it", path);
    }
    file->fd = -1;
    file->path = mem_strdup(path);
    odeon_status status = file->path != NULL
                              ? open_file(file)
                              : diag_fail(ODEON_ERR_NOMEM, "%s: no memory to read it", path);
    if (status != ODEON_OK) {
        safetensors_destroy(file);
        return status;
    }
    *out = file;
    return ODEON_OK;
}

/* entry must be one of this file: where the data stands is found beside it. */
odeon_status safetensors_get(const safetensors *file, const safetensors_entry *entry,
                             uint64_t offset, size_t bytes, void *out)
{
    if (file->path == NULL) {
        memcpy(out, (const char *)entry->data + offset, bytes);
        return ODEON_OK;
    }
    const safetensors_tensor *tensor = (const safetensors_tensor *)entry; /* it comes first there */
    return read_at(file->fd, file->path, file->data_at + tensor->begin + offset, bytes, out);
}

/* A fd of 0 is that of a file that was parsed from memory, whose path is NULL. */
void safetensors_destroy(safetensors *file)
{
    if (file != NULL) {
        if (file->path != NULL && file->fd >= 0) {
            (void)close(file->fd);
        }
        mem_free(file->path);
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

/* Sorted by name, so that two files of the same tensors are walked alike. */
const safetensors_entry *safetensors_at(const safetensors *file, size_t index)
{
    return &file->header.tensors[index].entry;
}

/* For bsearch, which gives the key first. */
static int name_against_tensor(const void *name, const void *tensor)
{
    return strcmp(name, ((const safetensors_tensor *)tensor)->entry.name);
}

/* The header sorted them by name. */
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

/* Linear: files have a few dozen entries. */
const char *safetensors_metadata(const safetensors *file, const char *key)
{
    for (size_t i = 0; i < file->header.n_meta; i++) {
        if (strcmp(file->header.meta[i].key, key) == 0) {
            return file->header.meta[i].value;
        }
    }
    return NULL;
}

/* Cannot overflow: the header refuses shapes whose product does. */
int64_t safetensors_elements(const safetensors_entry *entry)
{
    int64_t n = 1;
    for (int32_t i = 0; i < entry->ndim; i++) {
        n *= entry->dim[i];
    }
    return n;
}

/* By memcpy, as elements need not be aligned. An int64 beyond 2^53 is rounded. */
static double element_as_f64(uint32_t dtype, const unsigned char *p)
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

/* For entries that have their data. Those of a file that was only opened are read by
 * safetensors_get and converted piece by piece. */
odeon_status safetensors_as_f64(const safetensors_entry *entry, double *out)
{
    return safetensors_convert(entry, entry->data, safetensors_elements(entry), out);
}

/* A dtype that the host has no use for has no size. */
odeon_status safetensors_convert(const safetensors_entry *entry, const void *data, int64_t n,
                                 double *out)
{
    int64_t size = odeon_dtype_bytes(entry->dtype);
    if (size == 0) {
        return diag_fail(ODEON_ERR_DATA, "tensor \"%s\": its dtype is not one of F32, F64, I64, U8",
                         entry->name);
    }
    const unsigned char *p = data;
    for (int64_t i = 0; i < n; i++) {
        out[i] = element_as_f64(entry->dtype, p + i * size);
    }
    return ODEON_OK;
}
