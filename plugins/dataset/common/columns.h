/* columns.h: the columns of a table that an option names, e.g. "width height 4 6..9". */
#ifndef ODEON_DATASET_COMMON_COLUMNS_H
#define ODEON_DATASET_COMMON_COLUMNS_H
#include "odeon/host.h"

enum { COLUMNS_MAX = 65536 }; /* of a table, and of a list */

typedef struct column {
    const char *name; /* as typed, name_bytes long, no NUL; NULL: one of a range */
    int32_t name_bytes;
    int32_t index; /* from 0; -1: what was typed is no number */
} column;

typedef struct columns {
    int32_t n;
    column *item;
} columns;

/* Words separated by blanks: names, indices from 0, ranges of indices A..B (both included). out
 * borrows text; columns_free gives it back. ODEON_ERR_CONFIG names the option; ODEON_ERR_NOMEM; out
 * is then empty. */
odeon_status columns_parse(const odeon_host *host, const char *option, const char *text,
                           columns *out);
/* Those of a, then those of b; takes both lists, on failure too. ODEON_ERR_NOMEM. */
odeon_status columns_join(const odeon_host *host, columns *a, columns *b, columns *out);
/* ODEON_ERR_CONFIG unless all are indices: a table without a first line of names has no others. */
odeon_status columns_need_numbers(const odeon_host *host, const columns *list);
void columns_free(const odeon_host *host, columns *list);

#endif
