/* Series from a folder of tables, and from arrays. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../common/arrays.h"
#include "../common/regular_file.h"
#include "series.h"

/* ---- a folder ---- */

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of its tables, none of them hidden. */
static odeon_status list_files(const odeon_host *host, const char *path, DIR *folder, words *out)
{
    for (const struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        int64_t number;
        if (e->d_name[0] != '.' && (ends_with(e->d_name, ".csv") || ends_with(e->d_name, ".tsv") ||
                                    ends_with(e->d_name, ".csv.gz"))) {
            ODEON_TRY(words_add(host, out, e->d_name, &number));
        }
    }
    return out->n > 0 ? ODEON_OK
                      : odeon_fail(host, ODEON_ERR_DATA,
                                   "%s: no table in this folder: its files have to end in .csv, "
                                   ".csv.gz or .tsv",
                                   path);
}

static odeon_status add_files(const odeon_host *host, const char *path, const words *names,
                              const series_format *f, series_set *out)
{
    char file[REGULAR_FILE_PATH_BYTES];
    char **sorted = host->alloc(host, (uint64_t)names->n * sizeof *sorted);
    odeon_status status =
        sorted != NULL ? ODEON_OK : odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory", path);
    if (sorted != NULL) {
        memcpy(sorted, names->text, (size_t)names->n * sizeof *sorted);
        qsort(sorted, (size_t)names->n, sizeof *sorted, by_text);
    }
    for (int64_t i = 0; i < names->n && status == ODEON_OK; i++) {
        int n = snprintf(file, sizeof file, "%s/%s", path, sorted[i]);
        status = n > 0 && (size_t)n < sizeof file
                     ? series_add_csv(host, file, f, out)
                     : odeon_fail(host, ODEON_ERR_DATA, "%s: the path is too long", path);
    }
    host->free(host, sorted);
    return status;
}

odeon_status series_add_folder(const odeon_host *host, const char *path, const series_format *f,
                               series_set *out)
{
    words names = {0};
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return odeon_fail(host, ODEON_ERR_DATA, "%s: cannot open the folder: %s", path,
                          strerror(errno));
    }
    odeon_status status = list_files(host, path, folder, &names);
    (void)closedir(folder);
    if (status == ODEON_OK) {
        status = add_files(host, path, &names, f, out);
    }
    words_free(host, &names);
    return status;
}

/* ---- arrays ---- */

/* The arrays of a file, and the sizes that they have in common. */
typedef struct arrays {
    const odeon_host *host;
    const char *path;
    const series_format *f;
    const array *values, *times, *controls, *labels; /* all but values NULL where there are none */
    int64_t n, rows;                                 /* S and T */
} arrays;

static odeon_status refuse_shape(const arrays *a, const char *name, const array *x,
                                 const char *expected)
{
    char text[128];
    return odeon_fail(a->host, ODEON_ERR_DATA, "%s: %s is %s, expected %s", a->path, name,
                      x != NULL ? array_shape(x, text, sizeof text) : "missing", expected);
}

static odeon_status check_arrays(const arrays *a)
{
    const array *v = a->values, *t = a->times, *c = a->controls;
    if (v == NULL || v->ndim != 3 || v->dim[2] != a->f->dim || v->count == 0) {
        return refuse_shape(a, "values", v, "[series,rows,D] with D of value_count");
    }
    bool same = t == NULL || (t->ndim == 1 && t->dim[0] == a->rows) ||
                (t->ndim == 2 && t->dim[0] == a->n && t->dim[1] == a->rows);
    if (!same) {
        return refuse_shape(a, "times", t, "[series,rows] or [rows] of those of values");
    }
    bool fits = c != NULL && c->ndim == 3 && c->dim[0] == a->n && c->dim[1] == a->rows &&
                c->dim[2] == a->f->n_controls;
    if (a->f->n_controls > 0 && !fits) {
        return refuse_shape(a, "controls", c, "[series,rows,c] with c of control_count");
    }
    const array *l = a->f->has_class ? a->labels : NULL;
    bool labelled =
        l != NULL ? l->ndim == 1 && l->dim[0] == a->n : !a->f->has_class || a->f->class_optional;
    return labelled ? ODEON_OK : refuse_shape(a, "labels", l, "[series], the class of each");
}

static double time_at(const arrays *a, int64_t s, int64_t row)
{
    const array *t = a->times;
    return t == NULL ? (double)row : array_number(t, t->ndim == 1 ? row : s * a->rows + row);
}

/* One row [time, values, controls]. */
static odeon_status copy_row(const arrays *a, int64_t s, int64_t row, double *to)
{
    int64_t dim = a->f->dim, c = a->f->n_controls, at = s * a->rows + row;
    to[0] = time_at(a, s, row);
    if (!isfinite(to[0]) || (row > 0 && !(to[0] > time_at(a, s, row - 1)))) {
        return odeon_fail(a->host, ODEON_ERR_DATA,
                          "%s: series %lld, row %lld: the time is not larger than the last",
                          a->path, (long long)s, (long long)row);
    }
    for (int64_t k = 0; k < dim + c; k++) {
        to[1 + k] = k < dim ? array_number(a->values, at * dim + k)
                            : array_number(a->controls, at * c + k - dim);
        bool may_lack = a->f->gaps && k < dim;
        if (isinf(to[1 + k]) || (isnan(to[1 + k]) && !may_lack)) {
            return odeon_fail(a->host, ODEON_ERR_DATA,
                              "%s: series %lld, row %lld: %s %lld is %g: missing = mask allows NaN "
                              "among values",
                              a->path, (long long)s, (long long)row, k < dim ? "value" : "control",
                              (long long)(k < dim ? k : k - dim), to[1 + k]);
        }
    }
    return ODEON_OK;
}

/* A class of an array is a number, kept as the text that spells it. */
static odeon_status take_label(const arrays *a, int64_t s, series_set *out)
{
    char text[64];
    double number = array_number(a->labels, s);
    (void)snprintf(text, sizeof text, "%.17g", number);
    return isfinite(number) ? words_add(a->host, &out->classes, text, &out->word[out->n_series - 1])
                            : odeon_fail(a->host, ODEON_ERR_DATA,
                                         "%s: the label of series %lld is %g, which is no class",
                                         a->path, (long long)s, number);
}

/* Times that are NaN from some row on end a series that is shorter than the array. */
static odeon_status add_series(const arrays *a, int64_t s, series_set *out)
{
    int64_t n = 0;
    double *rows;
    while (n < a->rows && !isnan(time_at(a, s, n))) {
        n++;
    }
    if (n < (a->n > 1 ? 2 : 1)) {
        return odeon_fail(a->host, ODEON_ERR_DATA,
                          "%s: series %lld has %lld rows: it needs two at least: leave it out",
                          a->path, (long long)s, (long long)n);
    }
    ODEON_TRY(series_add_rows(a->host, a->path, n, 1 + a->f->dim + a->f->n_controls, out, &rows));
    for (int64_t row = 0; row < n; row++) {
        ODEON_TRY(copy_row(a, s, row, rows + row * out->width));
    }
    return a->f->has_class && a->labels != NULL ? take_label(a, s, out) : ODEON_OK;
}

odeon_status series_add_arrays(const odeon_host *host, const char *path, const series_format *f,
                               series_set *out)
{
    array_file file;
    arrays a = {.host = host, .path = path, .f = f};
    ODEON_TRY(array_file_load(host, path, &file));
    bool alone = file.n == 1 && file.of[0].name[0] == '\0';
    a.values = alone ? &file.of[0] : array_find(&file, "values");
    a.times = array_find(&file, "times");
    a.controls = array_find(&file, "controls");
    a.labels = array_find(&file, "labels");
    a.n = a.values != NULL ? a.values->dim[0] : 0;
    a.rows = a.values != NULL ? a.values->dim[1] : 0;
    odeon_status status = check_arrays(&a);
    for (int64_t s = 0; s < a.n && status == ODEON_OK; s++) {
        status = add_series(&a, s, out);
    }
    array_file_free(host, &file);
    return status;
}
