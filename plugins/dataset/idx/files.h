/* files.h: find and open the files of a data set. */
#ifndef ODEON_DATASET_IDX_FILES_H
#define ODEON_DATASET_IDX_FILES_H
#include "../common/regular_file.h"
#include "source.h"

/* An open file as a source; source.self points to file, so the structure must not be moved. */
typedef struct idx_file {
    idx_source source;
    regular_file file;
    char path[REGULAR_FILE_PATH_BYTES];
} idx_file;

/* Opens explicit_path if it is not NULL, else the first that exists of folder/PREFIX-idxD-ubyte,
 * folder/PREFIX.idxD-ubyte and both with .gz. ODEON_ERR_DATA if there is none (with the names, and
 * how to get the data); ODEON_ERR_IO. out->source is valid until close. */
odeon_status idx_file_open(const odeon_host *host, const char *folder, const char *prefix, int d,
                           const char *explicit_path, idx_file *out);
void idx_file_close(idx_file *file);

#endif
