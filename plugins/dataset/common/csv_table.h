/* csv_table.h: columns of numbers from comma-separated text. */
#ifndef ODEON_DATASET_COMMON_CSV_TABLE_H
#define ODEON_DATASET_COMMON_CSV_TABLE_H
#include <stdbool.h>

#include "columns.h"
#include "csv_scan.h"
#include "odeon/host.h"

typedef struct csv_format {
    char separator;
    bool header; /* the first line names the columns */
    bool gaps;   /* an empty cell is NaN; else it is refused */
    /* So many of the columns wanted must hold numbers; 0: all. Where others have none they are NaN.
     */
    int32_t n_strict;
} csv_format;

typedef struct csv_table {
    int64_t n_rows;
    int32_t n_columns;
    double *value; /* [n_rows, n_columns], never infinite, NaN where there is none */
    int64_t *line; /* [n_rows]: where the row starts in the text */
} csv_table;

/* Reads the columns wanted, in that order, from text (bytes long, then a NUL; name is for
 * messages). A word that is a column's name is that column, else one that is a number is its index
 * from 0. All rows have as many cells as the first; cells of other columns may hold anything.
 * Numbers are decimal, in every locale. ODEON_ERR_DATA names line and column; ODEON_ERR_NOMEM; out
 * is then empty. */
odeon_status csv_table_read(const odeon_host *host, const char *name, const char *text,
                            uint64_t bytes, const csv_format *format, const columns *wanted,
                            csv_table *out);
/* Is what the cell says a decimal number? */
bool csv_cell_is_number(const csv_cell *cell);
/* "'width'", or "3": what was typed of the column at place at of the list wanted. */
void csv_table_column(const columns *wanted, int32_t at, char *text, uint64_t bytes);
void csv_table_free(const odeon_host *host, csv_table *table);

#endif
