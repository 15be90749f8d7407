/* series.h: series of observations in memory: rows of a time, values and controls. */
#ifndef ODEON_DATASET_TRAJECTORIES_SERIES_H
#define ODEON_DATASET_TRAJECTORIES_SERIES_H
#include <stdbool.h>

#include "../common/csv_table.h"
#include "../common/words.h"

/* What the options say of how rows are to be read. */
typedef struct series_format {
    csv_format csv; /* kind is of wanted's columns */
    /* time, dim values, n_controls controls, then the id if there is one, then the class likewise
     */
    const columns *wanted;
    int64_t dim, n_controls;
    bool has_id, gaps;   /* gaps: an empty value is NaN */
    bool has_class;      /* each series is of a class */
    bool class_optional; /* or of none: files that a model is asked about */
    double unit;         /* of dates: seconds; 0: times are numbers */
} series_format;

/* Row r is [time, values, controls, ...], width numbers from row[r * width] on; values that are
 * missing are NaN. Series s has rows first[s] .. first[s + 1] - 1, whose times rise. */
typedef struct series_set {
    int64_t n_rows, width, n_series;
    double *row;
    int64_t *line;    /* [n_rows] in the file; NULL: no file of lines */
    int64_t *first;   /* [n_series + 1] */
    int64_t *file;    /* [n_series]: number in files */
    int64_t *word;    /* [n_series]: of its class, in classes; -1: it has none */
    words files, ids; /* ids of series: NULL text where they have none */
    words classes;
    int64_t room_rows, room_series;
} series_set;

/* Adds the series of a table; all files of a folder, in the order of their names. What is wrong is
 * ODEON_ERR_DATA with file and line: times that do not rise, an id that comes back, a series of
 * one row among several, a control that is missing, a class that changes within a series.
 * ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status series_add_csv(const odeon_host *host, const char *path, const series_format *f,
                            series_set *out);
odeon_status series_add_folder(const odeon_host *host, const char *path, const series_format *f,
                               series_set *out);
/* Arrays of an .npz: values [S,T,D], times [S,T] or [T], controls [S,T,c], labels [S]; of an .npy:
 * values, at times 0, 1, ...; NaN is a missing value, and a time that is NaN ends its series. */
odeon_status series_add_arrays(const odeon_host *host, const char *path, const series_format *f,
                               series_set *out);
/* Room for so many rows of width numbers and one series of them, for the caller to fill in. */
odeon_status series_add_rows(const odeon_host *host, const char *path, int64_t n, int64_t width,
                             series_set *out, double **rows);
/* The series that a row is in. */
int64_t series_of(const series_set *s, int64_t row);
/* "d.csv:17", or "d.npz: series 3, row 5". */
const char *series_where(const series_set *s, int64_t row, char *text, uint64_t bytes);
void series_free(const odeon_host *host, series_set *s);

#endif
