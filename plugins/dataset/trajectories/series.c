#include "series.h"

#include <math.h>
#include <string.h>

#include "../common/regular_file.h"

static odeon_status no_memory(const odeon_host *host, const char *path)
{
    return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for its rows", path);
}

/* Memory of count elements in place of that at *block, of which used are kept. */
static bool grow(const odeon_host *host, void *block, uint64_t used, uint64_t count, uint64_t size)
{
    void *old, *more = host->alloc(host, count * size);
    if (more == NULL) {
        return false;
    }
    memcpy(&old, block, sizeof old);
    if (old != NULL) {
        memcpy(more, old, used * size);
    }
    host->free(host, old);
    memcpy(block, &more, sizeof more);
    return true;
}

/* Series from row `at` on. */
static odeon_status begin_series(const odeon_host *host, const char *path, int64_t at,
                                 series_set *s)
{
    int64_t file, n = s->n_series;
    ODEON_TRY(words_add(host, &s->files, path, &file));
    if (n + 1 >= s->room_series) {
        int64_t room = s->room_series > 0 ? 2 * s->room_series : 2;
        if (!grow(host, &s->first, (uint64_t)n + 1, (uint64_t)room + 1, sizeof *s->first) ||
            !grow(host, &s->file, (uint64_t)n, (uint64_t)room + 1, sizeof *s->file) ||
            !grow(host, &s->word, (uint64_t)n, (uint64_t)room + 1, sizeof *s->word)) {
            return no_memory(host, path);
        }
        s->room_series = room;
    }
    s->first[n] = at;
    s->file[n] = file;
    s->word[n] = -1;
    s->n_series = n + 1;
    return ODEON_OK;
}

odeon_status series_add_rows(const odeon_host *host, const char *path, int64_t n, int64_t width,
                             series_set *out, double **rows)
{
    int64_t all = out->n_rows + n;
    out->width = width;
    if (all > out->room_rows) {
        int64_t room = out->n_rows == 0 || all > 2 * out->n_rows ? all : 2 * out->n_rows;
        if (!grow(host, &out->row, (uint64_t)(out->n_rows * width), (uint64_t)(room * width),
                  sizeof *out->row)) {
            return no_memory(host, path);
        }
        out->room_rows = room;
    }
    ODEON_TRY(begin_series(host, path, out->n_rows, out));
    *rows = out->row + out->n_rows * width;
    out->n_rows = all;
    out->first[out->n_series] = all;
    return ODEON_OK;
}

int64_t series_of(const series_set *s, int64_t row)
{
    int64_t low = 0, high = s->n_series;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (s->first[middle] <= row) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

const char *series_where(const series_set *s, int64_t row, char *text, uint64_t bytes)
{
    int64_t at = series_of(s, row);
    const char *file = s->files.n > 0 ? s->files.text[s->file[at]] : "?";
    if (s->line != NULL) {
        (void)snprintf(text, bytes, "%s:%lld", file, (long long)s->line[row]);
    } else {
        (void)snprintf(text, bytes, "%s: series %lld, row %lld", file, (long long)at,
                       (long long)(row - s->first[at]));
    }
    return text;
}

void series_free(const odeon_host *host, series_set *s)
{
    host->free(host, s->row);
    host->free(host, s->line);
    host->free(host, s->first);
    host->free(host, s->file);
    host->free(host, s->word);
    words_free(host, &s->classes);
    words_free(host, &s->files);
    words_free(host, &s->ids);
    *s = (series_set){.n_rows = 0};
}

/* ---- tables ---- */

/* Where a table becomes series: its rows, and the number of its first one in the set. */
typedef struct adding {
    const odeon_host *host;
    const char *path;
    const series_format *f;
    const csv_table *t;
    int64_t before;
} adding;

static odeon_status refuse(const adding *a, int64_t row, const char *what)
{
    return odeon_fail(a->host, ODEON_ERR_DATA, "%s:%lld: %s", a->path, (long long)a->t->line[row],
                      what);
}

/* A gap in what is known beforehand cannot be left out of anything. */
static odeon_status check_controls(const adding *a, int64_t row)
{
    char name[128], what[256];
    for (int64_t i = 0; i < a->f->n_controls; i++) {
        int64_t at = 1 + a->f->dim + i;
        if (isnan(a->t->value[row * a->t->n_columns + at])) {
            csv_table_column(a->f->wanted, (int32_t)at, name, sizeof name);
            (void)snprintf(what, sizeof what,
                           "column %s is empty: controls have to be there in every row", name);
            return refuse(a, row, what);
        }
    }
    return ODEON_OK;
}

/* Times must increase strictly, or an ODE solver could not integrate from one to the next. */
static odeon_status check_time(const adding *a, int64_t row, bool begins)
{
    const double *value = a->t->value + row * a->t->n_columns;
    if (isfinite(value[0]) && (begins || value[0] > value[-a->t->n_columns])) {
        return ODEON_OK;
    }
    return refuse(a, row,
                  isfinite(value[0])
                      ? "the time is not larger than the last: every row needs one, larger than "
                        "the row's before"
                      : "the time is missing: every row needs one, larger than the row's before");
}

/* Does a series begin at row? One that was there before must not. */
static odeon_status begins(const adding *a, series_set *s, int64_t row, bool *out)
{
    char what[200];
    int64_t number, known = s->ids.n, at = 1 + a->f->dim + a->f->n_controls;
    *out = row == 0;
    if (!a->f->has_id) {
        return ODEON_OK;
    }
    double now = a->t->value[row * a->t->n_columns + at];
    if (row > 0 && now == a->t->value[(row - 1) * a->t->n_columns + at]) {
        return ODEON_OK;
    }
    *out = true;
    const char *id = a->t->words.text[(int64_t)now];
    ODEON_TRY(words_add(a->host, &s->ids, id, &number));
    (void)snprintf(what, sizeof what,
                   "the id '%.80s' comes back: the rows of a series have to stand together", id);
    return number < known ? refuse(a, row, what) : ODEON_OK;
}

/* The class of a row's series; NULL: none is given. */
static const char *class_of(const adding *a, int64_t row)
{
    int64_t at = 1 + a->f->dim + a->f->n_controls + (a->f->has_id ? 1 : 0);
    double number = at < a->t->n_columns ? a->t->value[row * a->t->n_columns + at] : (double)NAN;
    return isnan(number) ? NULL : a->t->words.text[(int64_t)number];
}

/* Words of one table are one text each, so that addresses can be compared. */
static odeon_status take_class(const adding *a, series_set *s, int64_t row, bool begins)
{
    char what[700];
    const char *now = class_of(a, row), *before = begins ? now : class_of(a, row - 1);
    if (!a->f->has_class || (now == NULL && before == NULL)) {
        return ODEON_OK;
    }
    if (now != before) {
        (void)snprintf(what, sizeof what,
                       "the class changes from '%.100s' to '%.100s': it has to be the same in all "
                       "rows of a series",
                       before != NULL ? before : "", now != NULL ? now : "");
        return refuse(a, row, what);
    }
    return begins ? words_add(a->host, &s->classes, now, &s->word[s->n_series - 1]) : ODEON_OK;
}

/* A series of one row says nothing of how it goes on; where it is all that there is, a window of
 * one row is what was asked for. */
static odeon_status check_length(const adding *a, const series_set *s, int64_t end)
{
    bool single = s->n_series > 0 && end - s->first[s->n_series - 1] == 1;
    return single && (s->n_series > 1 || end < a->before + a->t->n_rows || a->f->has_id)
               ? refuse(a, end - 1 - a->before,
                        "a series of one row: it needs two at least: leave it out")
               : ODEON_OK;
}

static odeon_status add_series(const adding *a, series_set *s)
{
    int64_t end = a->before + a->t->n_rows;
    for (int64_t row = 0; row < a->t->n_rows; row++) {
        bool new_one;
        ODEON_TRY(begins(a, s, row, &new_one));
        if (new_one && row > 0) {
            ODEON_TRY(check_length(a, s, a->before + row));
        }
        ODEON_TRY(new_one ? begin_series(a->host, a->path, a->before + row, s) : ODEON_OK);
        ODEON_TRY(check_time(a, row, new_one));
        ODEON_TRY(check_controls(a, row));
        ODEON_TRY(take_class(a, s, row, new_one));
    }
    s->first[s->n_series] = end;
    return check_length(a, s, end);
}

/* The first table's memory becomes the set's; others are appended. */
static odeon_status take_table(const odeon_host *host, const char *path, csv_table *t,
                               series_set *s)
{
    if (s->n_rows == 0) {
        s->row = t->value;
        s->line = t->line;
        s->width = t->n_columns;
        s->n_rows = s->room_rows = t->n_rows;
        t->value = NULL;
        t->line = NULL;
        return ODEON_OK;
    }
    int64_t all = s->n_rows + t->n_rows;
    if (all > s->room_rows) {
        uint64_t room = 2 * (uint64_t)all;
        if (!grow(host, &s->row, (uint64_t)(s->n_rows * s->width), room * (uint64_t)s->width,
                  sizeof *s->row) ||
            !grow(host, &s->line, (uint64_t)s->n_rows, room, sizeof *s->line)) {
            return no_memory(host, path);
        }
        s->room_rows = (int64_t)room;
    }
    memcpy(s->row + s->n_rows * s->width, t->value,
           (size_t)(t->n_rows * s->width) * sizeof *s->row);
    memcpy(s->line + s->n_rows, t->line, (size_t)t->n_rows * sizeof *s->line);
    s->n_rows = all;
    return ODEON_OK;
}

/* Does the text have a column of this name, or index? */
static odeon_status find_column(const odeon_host *host, const char *path, const char *text,
                                uint64_t bytes, const csv_format *format, const column *c,
                                bool *found)
{
    int64_t n;
    csv_scan s = csv_scan_start(host, path, text, bytes, format->separator), again = s;
    ODEON_TRY(csv_scan_row(&s, NULL, 0, &n));
    csv_cell *cells = host->alloc(host, ((uint64_t)n + 1) * sizeof *cells);
    if (cells == NULL) {
        return no_memory(host, path);
    }
    (void)csv_scan_row(&again, cells, n, &n);
    *found = c->index >= 0 && c->index < n;
    for (int64_t i = 0; format->header && i < n && !*found; i++) {
        char word[256];
        uint64_t length = csv_cell_copy(&cells[i], word, sizeof word);
        *found = c->name != NULL && length == (uint64_t)c->name_bytes && length < sizeof word &&
                 memcmp(word, c->name, length) == 0;
    }
    host->free(host, cells);
    return ODEON_OK;
}

/* The class, which is the last column wanted, may be missing, or may be missing in some rows. */
static odeon_status read_table(const odeon_host *host, const char *path, const char *text,
                               uint64_t bytes, const series_format *f, csv_table *out)
{
    csv_format format = f->csv;
    columns wanted = *f->wanted;
    bool there = true;
    if (f->has_class && f->class_optional) {
        const column *last = &wanted.item[wanted.n - 1];
        ODEON_TRY(find_column(host, path, text, bytes, &format, last, &there));
        format.n_strict = wanted.n - 1;
        wanted.n -= there ? 0 : 1;
    }
    return csv_table_read(host, path, text, bytes, &format, &wanted, out);
}

odeon_status series_add_csv(const odeon_host *host, const char *path, const series_format *f,
                            series_set *out)
{
    csv_table table;
    char *text;
    uint64_t bytes;
    ODEON_TRY(regular_file_load(host, path, &text, &bytes));
    odeon_status status = read_table(host, path, text, bytes, f, &table);
    host->free(host, text);
    ODEON_TRY(status);
    const adding a = {.host = host, .path = path, .f = f, .t = &table, .before = out->n_rows};
    status = add_series(&a, out);
    if (status == ODEON_OK) {
        status = take_table(host, path, &table, out);
    }
    csv_table_free(host, &table);
    return status;
}
