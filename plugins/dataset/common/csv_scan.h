/* csv_scan.h: comma-separated text taken apart into rows of cells. Source: RFC 4180; lines may end
 * in LF as well, other separators than the comma are allowed, blanks around a cell and lines
 * without anything count for nothing, and a byte order mark at the start is passed over. */
#ifndef ODEON_DATASET_COMMON_CSV_SCAN_H
#define ODEON_DATASET_COMMON_CSV_SCAN_H
#include <stdbool.h>

#include "odeon/host.h"

typedef struct csv_cell {
    const char *text; /* within the quotes, where it has some */
    uint64_t bytes;
    bool quoted; /* then two quotes in text stand for one */
} csv_cell;

typedef struct csv_scan {
    const odeon_host *host;
    const char *name; /* for messages */
    const char *text; /* bytes long, then a NUL */
    uint64_t bytes, at;
    int64_t line, row_line; /* where it reads, and where the last row starts; from 1 */
    char separator;
} csv_scan;

/* A scan from the start of text. */
csv_scan csv_scan_start(const odeon_host *host, const char *name, const char *text, uint64_t bytes,
                        char separator);

/* The next row's cells, of which the first room are stored (cells may be NULL, room 0). *n = 0: the
 * text has ended. ODEON_ERR_DATA with the line. */
odeon_status csv_scan_row(csv_scan *s, csv_cell *cells, int64_t room, int64_t *n);

/* Copies at most room - 1 bytes of what the cell says, and a NUL; how many it has in all. */
uint64_t csv_cell_copy(const csv_cell *cell, char *out, uint64_t room);

#endif
