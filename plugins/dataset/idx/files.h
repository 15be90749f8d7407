/* files.h: where the four files of a data set are, and their bytes. */
#ifndef ODEON_DATASET_IDX_FILES_H
#define ODEON_DATASET_IDX_FILES_H
#include "../common/regular_file.h"
#include "source.h"

typedef struct idx_file {
    idx_source source;
    regular_file file;
    char path[REGULAR_FILE_PATH_BYTES];
} idx_file;

/* Opens explicit_path if it is not NULL, else the first of folder/PREFIX-idxD-ubyte,
 * folder/PREFIX.idxD-ubyte and both with .gz that exists. ODEON_ERR_DATA if there is none (with the
 * names, and how to get the data), ODEON_ERR_IO. out->source serves until close. */
odeon_status idx_file_open(const odeon_host *host, const char *folder, const char *prefix, int d,
                           const char *explicit_path, idx_file *out);
void idx_file_close(idx_file *file);

#endif
