/* columns.h: parse an option that names columns of a table, e.g. "width height 4 6..9". */
#ifndef ODEON_DATASET_COMMON_COLUMNS_H
#define ODEON_DATASET_COMMON_COLUMNS_H
#include "odeon/host.h"

enum { COLUMNS_MAX = 65536 }; /* the most columns of a table and of a list */

/* One column as typed. A name is kept even if it is a number, because a table's heading may use
 * numbers as names. */
typedef struct column {
    const char *name; /* as typed, name_bytes long, without NUL; NULL: from a range */
    int32_t name_bytes;
    int32_t index; /* from 0; -1: the name is not a number */
} column;

typedef struct columns {
    int32_t n;
    column *item;
} columns;

/* Parses words separated by blanks: names, indices from 0, ranges of indices A..B (inclusive). out
 * borrows text and is freed by columns_free. ODEON_ERR_CONFIG with the option's name;
 * ODEON_ERR_NOMEM; out is then empty. */
odeon_status columns_parse(const odeon_host *host, const char *option, const char *text,
                           columns *out);
/* out = a followed by b; frees a and b, also on failure. ODEON_ERR_NOMEM. */
odeon_status columns_join(const odeon_host *host, columns *a, columns *b, columns *out);
/* ODEON_ERR_CONFIG unless all are indices, as required for a table without a heading. */
odeon_status columns_need_numbers(const odeon_host *host, const columns *list);
void columns_free(const odeon_host *host, columns *list);

#endif
