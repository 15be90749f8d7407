/* Cells point into the file's text, in which quotes are removed and each cell gets its NUL. */
#include "run/run_table.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/read_file.h"

/* Invariant: view is first, so that its address is the table's. */
typedef struct run_table {
    odeon_view_table view;
    char *text, *name;
    odeon_view_column *columns;
    double *values;     /* [n_columns, n_rows] */
    const char **texts; /* likewise */
} run_table;

void run_table_destroy(odeon_view_table *t)
{
    run_table *x = (run_table *)t;
    if (x != NULL) {
        mem_free(x->text);
        mem_free(x->name);
        mem_free(x->columns);
        mem_free(x->values);
        mem_free(x->texts);
        mem_free(x);
    }
}

/* Ends the cell at *p and moves to the next one. *last: it was the last of its line, behind which
 * *p stands then. */
static char *take_cell(char **p, bool *last)
{
    char *cell = *p, *to = *p, *from = *p;
    bool quoted = *from == '"';
    from += quoted;
    while (*from != '\0' && (quoted || (*from != ',' && *from != '\n'))) {
        if (quoted && *from == '"' && from[1] != '"') {
            quoted = false;
            from++;
            continue;
        }
        from += quoted && *from == '"';
        *to++ = *from++;
    }
    *last = *from != ',';
    *p = from + (*from != '\0');
    to -= *last && to > cell && to[-1] == '\r';
    *to = '\0';
    return cell;
}

/* Line breaks within quotes are none. What comes behind the last one is left out. */
static int64_t count_lines(char *text)
{
    int64_t n = 0;
    bool quoted = false;
    char *end = text;
    for (char *p = text; *p != '\0'; p++) {
        quoted ^= *p == '"';
        if (*p == '\n' && !quoted) {
            n++;
            end = p + 1;
        }
    }
    *end = '\0';
    return n;
}

/* The names end where the first line does. */
static int64_t count_columns(const char *text)
{
    int64_t n = 1;
    bool quoted = false;
    for (const char *p = text; *p != '\0' && (quoted || *p != '\n'); p++) {
        quoted ^= *p == '"';
        n += *p == ',' && !quoted;
    }
    return n;
}

static odeon_status no_memory(const char *path)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
}

/* All cells are empty at first. */
static odeon_status make_columns(run_table *x, const char *path)
{
    int64_t lines = count_lines(x->text), columns = count_columns(x->text), cells = 0;
    int64_t rows = lines > 0 ? lines - 1 : 0;
    if (!checked_mul(rows + 1, columns, &cells)) {
        return no_memory(path);
    }
    x->view.n_rows = rows;
    x->view.n_columns = lines > 0 ? columns : 0;
    x->columns = mem_zalloc((size_t)columns, sizeof *x->columns);
    x->values = mem_zalloc((size_t)cells, sizeof *x->values);
    x->texts = mem_zalloc((size_t)cells, sizeof *x->texts);
    if (x->columns == NULL || x->values == NULL || x->texts == NULL) {
        return no_memory(path);
    }
    for (int64_t i = 0; i < rows * columns; i++) {
        x->values[i] = (double)NAN;
        x->texts[i] = "";
    }
    for (int64_t i = 0; i < columns; i++) {
        x->columns[i] = (odeon_view_column){
            .name = "", .value = x->values + i * rows, .text = x->texts + i * rows};
    }
    x->view.column = x->columns;
    return ODEON_OK;
}

/* "inf" is what a metric may be, which JSON and number_parse_f64 do not know. */
static double number_of(const char *text)
{
    double value;
    if (strcmp(text, "inf") == 0 || strcmp(text, "-inf") == 0) {
        return text[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    }
    return number_parse_f64(text, &value) == NUMBER_OK ? value : (double)NAN;
}

/* Line 0 is that of the names. */
static odeon_status read_line(run_table *x, const char *path, int64_t line, char **p)
{
    bool last = false;
    for (int64_t i = 0; !last; i++) {
        char *cell = take_cell(p, &last);
        if (i == x->view.n_columns) {
            return diag_fail(ODEON_ERR_DATA, "%s:%" PRId64 ": more than %" PRId64 " cells", path,
                             line + 1, x->view.n_columns);
        }
        if (line == 0) {
            x->columns[i].name = cell;
            continue;
        }
        int64_t at = i * x->view.n_rows + line - 1;
        x->texts[at] = cell;
        x->values[at] = number_of(cell);
    }
    return ODEON_OK;
}

static odeon_status fill(run_table *x, const char *path, const char *name)
{
    size_t bytes;
    x->name = mem_strdup(name);
    if (x->name == NULL) {
        return no_memory(path);
    }
    x->view = (odeon_view_table){.struct_size = sizeof x->view, .name = x->name};
    ODEON_TRY(read_file(path, &x->text, &bytes));
    ODEON_TRY(make_columns(x, path));
    char *p = x->text;
    for (int64_t line = 0; line <= x->view.n_rows && *p != '\0'; line++) {
        ODEON_TRY(read_line(x, path, line, &p));
    }
    return ODEON_OK;
}

odeon_status run_table_read(const char *path, const char *name, odeon_view_table **out)
{
    run_table *x = mem_zalloc(1, sizeof *x);
    *out = NULL;
    odeon_status status = x != NULL ? fill(x, path, name) : no_memory(path);
    if (status != ODEON_OK) {
        run_table_destroy(x != NULL ? &x->view : NULL);
        return status;
    }
    *out = &x->view;
    return ODEON_OK;
}
