/* arrays.h: read arrays as numpy saves them: one in FILE.npy, or several by name in FILE.npz. */
#ifndef ODEON_DATASET_COMMON_ARRAYS_H
#define ODEON_DATASET_COMMON_ARRAYS_H
#include "odeon/host.h"

enum { ARRAY_MAX_DIMS = 8, ARRAYS_MAX = 64, ARRAY_NAME_BYTES = 64 };

/* An array of numbers in C order. */
typedef struct array {
    char name[ARRAY_NAME_BYTES]; /* in the file, without ".npy"; of a file of one: "" */
    char kind;                   /* 'f', 'i', 'u' or 'b' */
    int32_t bytes;               /* of an element */
    int32_t ndim;
    int64_t dim[ARRAY_MAX_DIMS], count;
    const char *data; /* not aligned */
} array;

typedef struct array_file {
    int32_t n;
    array of[ARRAYS_MAX];
    char *memory, *unpacked[ARRAYS_MAX];   /* that data points into */
    uint64_t packed_bytes, unpacked_bytes; /* of all so far */
} array_file;

/* Loads all arrays of a file; which of both it is shows in its first bytes. Little-endian numbers
 * of 1 to 8 bytes, whole or real, and truth values. ODEON_ERR_DATA, with the file and what was
 * expected; ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status array_file_load(const odeon_host *host, const char *path, array_file *out);
/* The same of the bytes of a file in memory of the host, which becomes out's; freed on failure.
 * path is for messages. */
odeon_status array_file_read(const odeon_host *host, const char *path, char *memory, uint64_t bytes,
                             array_file *out);
void array_file_free(const odeon_host *host, array_file *file);
const array *array_find(const array_file *file, const char *name); /* NULL: there is none */
double array_number(const array *a, int64_t i);
/* "[40,100,3]". */
const char *array_shape(const array *a, char *text, uint64_t bytes);

#endif
