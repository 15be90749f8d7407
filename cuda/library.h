/* library.h: a library of NVIDIA's, loaded when it is first wanted: loading all of them takes
 * longer than many a run, and a machine without a GPU may lack them. */
#ifndef ODEON_CUDA_LIBRARY_H
#define ODEON_CUDA_LIBRARY_H
#include <stddef.h>

#include "cuda.h"

/* Where in a table the address of a function belongs. */
typedef struct cuda_symbol {
    const char *name;
    size_t offset;
} cuda_symbol;

/* Loads file for good and enters n functions into table. ODEON_ERR_DEVICE names the file, the
 * reason and remedy, which goes on after "install it or". */
odeon_status cuda_library_load(const cuda_device *d, const char *file, const char *remedy, size_t n,
                               const cuda_symbol *symbols, void *table);

#endif
