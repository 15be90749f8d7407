/* table.h: rows of words and numbers, written for people, as CSV or as JSON.
 *
 * A table starts as {0}. Columns are added first, then cells row by row, as many in each as there
 * are columns. After memory runs out more is dropped, and table_print says so. */
#ifndef ODEON_CORE_RUN_TABLE_H
#define ODEON_CORE_RUN_TABLE_H
#include <stdbool.h>
#include <stdio.h>

#include "base/text.h"
#include "odeon/status.h"
#include "run/statistics.h"

typedef enum table_form { TABLE_TEXT, TABLE_CSV, TABLE_JSON } table_form;

typedef struct table_cell {
    size_t text; /* offset in texts: as people read it */
    statistics number;
    bool is_number;
} table_cell;

typedef struct table_column {
    size_t name; /* offset in texts */
    bool spread; /* cells have deviations, which are columns of their own in CSV and JSON */
} table_column;

typedef struct table {
    size_t n_columns, n_cells, room_columns, room_cells;
    table_column *columns;
    table_cell *cells; /* row by row */
    text_buffer texts; /* names and texts, each with its NUL */
    bool failed;
} table;

void table_fini(table *t);

/* A column; spread: of means with their deviations. */
void table_column_add(table *t, const char *name, bool spread);
/* Cells: a word; a number, for people in this printf format of one double, "-" if it is not finite;
 * a mean with its deviation; nothing, which is "" in CSV and null in JSON. */
void table_add_word(table *t, const char *word);
void table_add_number(table *t, double value, const char *format) __attribute__((nonnull(1, 3)));
void table_add_mean(table *t, const statistics *x);
void table_add_nothing(table *t);

/* Text: columns side by side, numbers to the right, below a line of names. CSV: names in the first
 * line, numbers with all their digits. JSON: an array of objects, a row in each line.
 * ODEON_ERR_NOMEM. */
odeon_status table_print(const table *t, table_form form, FILE *out);

#endif
