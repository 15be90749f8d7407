#define _POSIX_C_SOURCE 200809L
#include "csv_table.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "csv_scan.h"
#include "dates.h"

enum { NUMBER_BYTES = 64, WORD_BYTES = 256 };

/* State of reading a table. The text is scanned twice: to count rows and check their width, then to
 * read numbers into memory of the exact size. */
typedef struct reading {
    const odeon_host *host;
    const csv_format *format;
    const columns *wanted;
    csv_scan scan;
    int64_t n_cells; /* cells in every row */
    csv_cell *cells; /* [n_cells] of the current row */
    int32_t *index;  /* [wanted->n]: positions of the wanted columns */
    csv_table *out;
} reading;

/* ---- the shape ---- */

/* First scan: counts rows and checks that all have the same number of cells. */
static odeon_status count_rows(reading *in)
{
    csv_scan s = in->scan;
    int64_t n;
    ODEON_TRY(csv_scan_row(&s, NULL, 0, &in->n_cells));
    if (in->n_cells > COLUMNS_MAX) {
        return odeon_fail(in->host, ODEON_ERR_DATA, "%s:%lld: more than %d columns", s.name,
                          (long long)s.row_line, COLUMNS_MAX);
    }
    int64_t rows = in->n_cells > 0 ? 1 : 0;
    for (n = in->n_cells; n > 0; rows += n > 0) {
        ODEON_TRY(csv_scan_row(&s, NULL, 0, &n));
        if (n > 0 && n != in->n_cells) {
            return odeon_fail(in->host, ODEON_ERR_DATA,
                              "%s:%lld: %lld cells, but the first line has %lld", s.name,
                              (long long)s.row_line, (long long)n, (long long)in->n_cells);
        }
    }
    in->out->n_rows = in->format->header && rows > 0 ? rows - 1 : rows;
    if (in->out->n_rows == 0) {
        return odeon_fail(in->host, ODEON_ERR_DATA, "%s: has no rows", s.name);
    }
    return ODEON_OK;
}

/* Allocates the table and the scratch of the second scan at their exact size. */
static odeon_status make_room(reading *in)
{
    const odeon_host *host = in->host;
    uint64_t wanted = (uint64_t)in->wanted->n, rows = (uint64_t)in->out->n_rows;
    in->out->n_columns = in->wanted->n;
    in->cells = host->alloc(host, (uint64_t)in->n_cells * sizeof *in->cells);
    in->index = host->alloc(host, wanted * sizeof *in->index);
    in->out->line = host->alloc(host, rows * sizeof *in->out->line);
    /* no overflow: rows are at most the bytes of the text, < 2^34, and columns < 2^17 */
    in->out->value = host->alloc(host, rows * wanted * sizeof *in->out->value);
    if (in->cells == NULL || in->index == NULL || in->out->line == NULL || in->out->value == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for %llu rows of %llu columns",
                          in->scan.name, (unsigned long long)rows, (unsigned long long)wanted);
    }
    return ODEON_OK;
}

/* ---- which columns ---- */

void csv_table_column(const columns *wanted, int32_t at, char *text, uint64_t bytes)
{
    const column *c = &wanted->item[at];
    if (c->name != NULL) {
        (void)snprintf(text, bytes, "'%.*s'", c->name_bytes > 100 ? 100 : c->name_bytes, c->name);
    } else {
        (void)snprintf(text, bytes, "%d", (int)c->index);
    }
}

/* Counts the cells of the heading with the name of c; the first of them is *index. */
static int64_t find_name(const reading *in, const column *c, int32_t *index)
{
    char word[WORD_BYTES];
    int64_t found = 0;
    for (int32_t i = 0; c->name != NULL && i < (int32_t)in->n_cells; i++) {
        uint64_t n = csv_cell_copy(&in->cells[i], word, sizeof word);
        if (n == (uint64_t)c->name_bytes && n < sizeof word && memcmp(word, c->name, n) == 0) {
            *index = found == 0 ? i : *index;
            found++;
        }
    }
    return found;
}

/* A name that occurs twice is refused rather than guessed. */
static odeon_status find_column(const reading *in, int32_t at, int32_t *index)
{
    const column *c = &in->wanted->item[at];
    char word[WORD_BYTES];
    int64_t found = in->format->header ? find_name(in, c, index) : 0;
    if (found == 1) {
        return ODEON_OK;
    }
    csv_table_column(in->wanted, at, word, sizeof word);
    if (found > 1) {
        return odeon_fail(in->host, ODEON_ERR_DATA,
                          "%s:%lld: %lld columns are called %s: give its index, from 0",
                          in->scan.name, (long long)in->scan.row_line, (long long)found, word);
    }
    if (c->index < 0 || c->index >= in->n_cells) {
        return odeon_fail(in->host, ODEON_ERR_DATA,
                          "%s: has no column %s: %lld columns, with indices from 0%s",
                          in->scan.name, word, (long long)in->n_cells,
                          in->format->header ? ", or names as in its first line" : "");
    }
    *index = c->index;
    return ODEON_OK;
}

static odeon_status find_columns(reading *in)
{
    int64_t n;
    if (in->format->header) {
        (void)csv_scan_row(&in->scan, in->cells, in->n_cells, &n); /* checked by count_rows */
    }
    for (int32_t i = 0; i < in->wanted->n; i++) {
        ODEON_TRY(find_column(in, i, &in->index[i]));
    }
    return ODEON_OK;
}

/* ---- numbers ---- */

/* strtod alone would also take hexadecimal, inf, nan and leading blanks, which are no numbers
 * here. */
static bool is_decimal(const char *text)
{
    static const char digits[] = "0123456789";
    text += *text == '-' || *text == '+';
    size_t whole = strspn(text, digits), fraction = 0;
    text += whole;
    if (*text == '.') {
        fraction = strspn(++text, digits);
        text += fraction;
    }
    if (whole + fraction == 0) {
        return false;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        size_t exponent = strspn(text, digits);
        return exponent > 0 && text[exponent] == '\0';
    }
    return *text == '\0';
}

bool csv_word_number(const char *text, double *out)
{
    if (!is_decimal(text)) {
        return false;
    }
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), previous = uselocale(c);
    *out = strtod(text, NULL);
    (void)uselocale(previous);
    freelocale(c);
    return isfinite(*out);
}

bool csv_cell_is_number(const csv_cell *cell)
{
    char text[NUMBER_BYTES];
    return csv_cell_copy(cell, text, sizeof text) < sizeof text && is_decimal(text);
}

static odeon_status refuse_cell(const reading *in, int32_t at, const char *why)
{
    char word[WORD_BYTES];
    csv_table_column(in->wanted, at, word, sizeof word);
    return odeon_fail(in->host, ODEON_ERR_DATA, "%s:%lld: column %s: %s", in->scan.name,
                      (long long)in->scan.row_line, word, why);
}

static odeon_status refuse_text(const reading *in, int32_t at, const char *text)
{
    char why[WORD_BYTES];
    bool hint = in->format->hint != NULL && in->format->hint_at == at;
    (void)snprintf(why, sizeof why, "'%.40s' is no number%s%s", text, hint ? ": " : "",
                   hint ? in->format->hint : "");
    return refuse_cell(in, at, why);
}

static odeon_status read_word(const reading *in, int32_t at, double *out)
{
    char text[WORD_BYTES];
    int64_t number;
    uint64_t bytes = csv_cell_copy(&in->cells[in->index[at]], text, sizeof text);
    bool loose = in->format->n_strict > 0 && at >= in->format->n_strict;
    *out = (double)NAN;
    if (bytes == 0) {
        return loose ? ODEON_OK : refuse_cell(in, at, "empty: a number is missing");
    }
    if (bytes >= sizeof text || strcspn(text, "\r\n") != bytes) {
        return refuse_cell(in, at, "a word has at most 255 characters, on one line");
    }
    ODEON_TRY(words_add(in->host, &in->out->words, text, &number));
    *out = (double)number;
    return ODEON_OK;
}

static odeon_status read_date(const reading *in, int32_t at, double *out)
{
    char text[NUMBER_BYTES], why[2 * NUMBER_BYTES];
    uint64_t bytes = csv_cell_copy(&in->cells[in->index[at]], text, sizeof text);
    if (bytes < sizeof text && date_parse(text, out)) {
        return ODEON_OK;
    }
    (void)snprintf(why, sizeof why,
                   "'%.40s' is no date: expected YYYY-MM-DD, or YYYY-MM-DD HH:MM:SS, that exists",
                   text);
    return refuse_cell(in, at, why);
}

/* Columns beyond n_strict (loose) may hold anything; what is no number becomes NaN. */
static odeon_status read_cell(const reading *in, int32_t at, double *out)
{
    char text[NUMBER_BYTES], why[2 * NUMBER_BYTES];
    uint64_t bytes = csv_cell_copy(&in->cells[in->index[at]], text, sizeof text);
    bool loose = in->format->n_strict > 0 && at >= in->format->n_strict;
    int8_t kind = in->format->kind != NULL ? in->format->kind[at] : CSV_NUMBER;
    if (kind != CSV_NUMBER) {
        return kind == CSV_WORD ? read_word(in, at, out) : read_date(in, at, out);
    }
    if (bytes == 0 || (loose && (bytes >= sizeof text || !is_decimal(text)))) {
        *out = (double)NAN;
        return in->format->gaps || loose ? ODEON_OK
                                         : refuse_cell(in, at, "empty: a number is missing");
    }
    if (bytes >= sizeof text || !is_decimal(text)) {
        return refuse_text(in, at, text);
    }
    *out = strtod(text, NULL);
    if (!isfinite(*out)) {
        (void)snprintf(why, sizeof why, "%.40s is beyond double precision", text);
        return refuse_cell(in, at, why);
    }
    return ODEON_OK;
}

/* Second scan: reads the wanted cells of every row. */
static odeon_status read_rows(reading *in)
{
    csv_table *out = in->out;
    for (int64_t row = 0; row < out->n_rows; row++) {
        int64_t n;
        (void)csv_scan_row(&in->scan, in->cells, in->n_cells, &n); /* checked by count_rows */
        out->line[row] = in->scan.row_line;
        for (int32_t i = 0; i < out->n_columns; i++) {
            ODEON_TRY(read_cell(in, i, &out->value[row * out->n_columns + i]));
        }
    }
    return ODEON_OK;
}

/* strtod uses the locale's decimal point, so the thread switches to the "C" locale and back. */
static odeon_status read_rows_in_c_locale(reading *in)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), previous = uselocale(c);
    odeon_status status = read_rows(in);
    (void)uselocale(previous);
    freelocale(c);
    return status;
}

static odeon_status read_table(reading *in)
{
    ODEON_TRY(count_rows(in));
    ODEON_TRY(make_room(in));
    ODEON_TRY(find_columns(in));
    return read_rows_in_c_locale(in);
}

odeon_status csv_table_read(const odeon_host *host, const char *name, const char *text,
                            uint64_t bytes, const csv_format *format, const columns *wanted,
                            csv_table *out)
{
    *out = (csv_table){0};
    reading in = {.host = host,
                  .format = format,
                  .wanted = wanted,
                  .scan = csv_scan_start(host, name, text, bytes, format->separator),
                  .out = out};
    odeon_status status = read_table(&in);
    host->free(host, in.cells);
    host->free(host, in.index);
    if (status != ODEON_OK) {
        csv_table_free(host, out);
    }
    return status;
}

void csv_table_free(const odeon_host *host, csv_table *table)
{
    host->free(host, table->value);
    host->free(host, table->line);
    words_free(host, &table->words);
    *table = (csv_table){0};
}
