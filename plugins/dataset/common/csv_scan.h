/* csv_scan.h: split comma-separated text into rows of cells. Source: RFC 4180. In addition lines
 * may end in LF, the separator may be another character, blanks around a cell and blank lines are
 * ignored, and a byte order mark at the start is skipped. */
#ifndef ODEON_DATASET_COMMON_CSV_SCAN_H
#define ODEON_DATASET_COMMON_CSV_SCAN_H
#include <stdbool.h>

#include "odeon/host.h"

/* A cell within the text, not copied. */
typedef struct csv_cell {
    const char *text; /* without the surrounding quotes, if there are any */
    uint64_t bytes;
    bool quoted; /* two quotes in text then stand for one */
} csv_cell;

/* The scanner's state. The NUL after the text lets it look one character ahead without a bounds
 * check. */
typedef struct csv_scan {
    const odeon_host *host;
    const char *name; /* for messages */
    const char *text; /* bytes long, followed by a NUL */
    uint64_t bytes, at;
    int64_t line, row_line; /* current line, and first line of the last row; from 1 */
    char separator;
} csv_scan;

/* Starts a scan at the beginning of text. */
csv_scan csv_scan_start(const odeon_host *host, const char *name, const char *text, uint64_t bytes,
                        char separator);

/* Scans the next row and stores its first room cells (cells may be NULL, room 0). *n is its number
 * of cells, 0 at the end of the text. ODEON_ERR_DATA with the line. */
odeon_status csv_scan_row(csv_scan *s, csv_cell *cells, int64_t room, int64_t *n);

/* Copies the cell's contents, at most room - 1 bytes, and a NUL. Returns the full length. */
uint64_t csv_cell_copy(const csv_cell *cell, char *out, uint64_t room);

#endif
