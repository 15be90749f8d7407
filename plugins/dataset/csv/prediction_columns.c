#include "prediction_columns.h"

#include <string.h>

#include "../common/csv_scan.h"

enum { NAME_BYTES = 256 };

/* The first line; names says whether it is a heading. */
typedef struct heading {
    csv_cell *cells;
    int64_t n;
    bool names; /* the cells are names of columns */
} heading;

static bool is_called(const csv_cell *cell, const column *c)
{
    char word[NAME_BYTES];
    uint64_t n = csv_cell_copy(cell, word, sizeof word);
    return c->name != NULL && n == (uint64_t)c->name_bytes && n < sizeof word &&
           memcmp(word, c->name, n) == 0;
}

static bool has_name(const heading *h, const column *c)
{
    for (int64_t i = 0; i < h->n; i++) {
        if (is_called(&h->cells[i], c)) {
            return true;
        }
    }
    return false;
}

static bool is_name(const column *c)
{
    return c->index < 0;
}

/* Among the first n columns, counts those that can only be names (not indices), and how many of
 * these the line contains. */
static void count_names(const heading *h, const column *c, int32_t n, int32_t *names,
                        int32_t *found)
{
    *names = *found = 0;
    for (int32_t i = 0; i < n; i++) {
        *names += is_name(&c[i]);
        *found += is_name(&c[i]) && has_name(h, &c[i]);
    }
}

static bool has_numbers(const heading *h)
{
    for (int64_t i = 0; i < h->n; i++) {
        if (csv_cell_is_number(&h->cells[i])) {
            return true;
        }
    }
    return false;
}

/* Whether all n columns exist in this file, by name or by index. */
static bool can_be_found(const heading *h, const column *c, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        bool by_name = h->names && has_name(h, &c[i]);
        if (!by_name && (is_name(&c[i]) || c[i].index >= h->n)) {
            return false;
        }
    }
    return true;
}

/* Scans the line twice, as its number of cells is not known before. */
static odeon_status read_heading(const odeon_host *host, const char *name, const char *text,
                                 uint64_t bytes, char separator, heading *out)
{
    csv_scan s = csv_scan_start(host, name, text, bytes, separator);
    csv_scan again = s;
    *out = (heading){.n = 0};
    ODEON_TRY(csv_scan_row(&s, NULL, 0, &out->n));
    if (out->n == 0 || out->n > COLUMNS_MAX) {
        return odeon_fail(host, ODEON_ERR_DATA, "%s: has no rows, or more than %d columns", name,
                          COLUMNS_MAX);
    }
    out->cells = host->alloc(host, (uint64_t)out->n * sizeof *out->cells);
    if (out->cells == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for %lld columns", name,
                          (long long)out->n);
    }
    return csv_scan_row(&again, out->cells, out->n, &out->n);
}

/* Chooses among the three cases of prediction_columns.h. */
static odeon_status choose(const odeon_host *host, const char *name, heading *h, csv_format *format,
                           const columns *wanted, int32_t n_inputs, columns *out)
{
    int32_t names, found;
    count_names(h, wanted->item, n_inputs, &names, &found);
    h->names = !has_numbers(h) || (format->header && names > 0 && found == names);
    format->header = h->names;
    bool by_place = h->n == n_inputs && (h->names ? names == 0 : true);
    if (!by_place && !h->names && names > 0) {
        return odeon_fail(host, ODEON_ERR_DATA,
                          "%s: has %lld columns and no first line of names, but the inputs are %d: "
                          "give these alone, in their order, or name the columns",
                          name, (long long)h->n, (int)n_inputs);
    }
    int32_t n_labels = wanted->n - n_inputs;
    bool labels = !by_place && can_be_found(h, wanted->item + n_inputs, n_labels);
    out->n = n_inputs + (labels ? n_labels : 0);
    out->item = host->alloc(host, (uint64_t)out->n * sizeof *out->item);
    if (out->item == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "%s: no memory for %d columns", name, (int)out->n);
    }
    for (int32_t i = 0; i < out->n; i++) {
        out->item[i] = by_place ? (column){.index = i} : wanted->item[i];
    }
    return ODEON_OK;
}

odeon_status prediction_columns(const odeon_host *host, const char *name, const char *text,
                                uint64_t bytes, csv_format *format, const columns *wanted,
                                int32_t n_inputs, columns *out)
{
    heading h;
    *out = (columns){0};
    odeon_status status = read_heading(host, name, text, bytes, format->separator, &h);
    if (status == ODEON_OK) {
        status = choose(host, name, &h, format, wanted, n_inputs, out);
    }
    host->free(host, h.cells);
    return status;
}
