/* csv_table.h: read columns of numbers from comma-separated text. */
#ifndef ODEON_DATASET_COMMON_CSV_TABLE_H
#define ODEON_DATASET_COMMON_CSV_TABLE_H
#include <stdbool.h>

#include "columns.h"
#include "csv_scan.h"
#include "odeon/host.h"
#include "words.h"

/* What the cells of a column are. */
enum { CSV_NUMBER = 0, CSV_WORD = 1, CSV_DATE = 2 };

/* How the text is to be read. */
typedef struct csv_format {
    char separator;
    bool header; /* the first line names the columns */
    bool gaps;   /* an empty cell is read as NaN, else refused */
    /* The first n_strict of the columns must hold numbers, 0: all. Later ones are NaN where they
     * hold none. */
    int32_t n_strict;
    /* CSV_* of each column, NULL: all are numbers. A word is read as its number in the table's
     * words, a date as seconds since 1970 (dates.h). */
    const int8_t *kind;
    /* Said behind a cell of column number hint_at of the list that is no number; NULL: nothing. */
    const char *hint;
    int32_t hint_at;
} csv_format;

/* The numbers read, in double, with the line of each row for messages. */
typedef struct csv_table {
    int64_t n_rows;
    int32_t n_columns;
    double *value; /* [n_rows, n_columns], never infinite, NaN where missing */
    int64_t *line; /* [n_rows]: the line where the row starts */
    words words;   /* of the columns of words, all together */
} csv_table;

/* Reads the columns wanted, in that order, from text (bytes long, followed by a NUL; name is for
 * messages). A word is matched with the heading's names first, then taken as an index from 0.
 * All rows must have as many cells as the first; cells of other columns may hold anything.
 * Numbers are decimal in every locale. ODEON_ERR_DATA with line and column; ODEON_ERR_NOMEM; out
 * is then empty. */
odeon_status csv_table_read(const odeon_host *host, const char *name, const char *text,
                            uint64_t bytes, const csv_format *format, const columns *wanted,
                            csv_table *out);
/* Is the cell's content a decimal number? */
bool csv_cell_is_number(const csv_cell *cell);
/* The number that a word spells, in every locale; false: it is none, or beyond double. */
bool csv_word_number(const char *text, double *out);
/* Writes how column number at of the list was typed: "'width'", or "3". */
void csv_table_column(const columns *wanted, int32_t at, char *text, uint64_t bytes);
void csv_table_free(const odeon_host *host, csv_table *table);

#endif
