/* Cells keep what people read and, of numbers, the number: text is for one form, all digits for the
 * other two. Texts lie one behind the other in a buffer that may move, so that cells have offsets.
 */
#include "run/table.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

void table_fini(table *t)
{
    mem_free(t->columns);
    mem_free(t->cells);
    text_fini(&t->texts);
    *t = (table){0};
}

/* ---- making one ---- */

static size_t keep(table *t, const char *text)
{
    size_t at = t->texts.length;
    text_add_bytes(&t->texts, text, strlen(text) + 1);
    t->failed |= t->texts.failed;
    return at;
}

void table_column_add(table *t, const char *name, bool spread)
{
    table_column *columns =
        mem_reserve(t->columns, &t->room_columns, t->n_columns + 1, 8, sizeof *columns);
    if (columns == NULL) {
        t->failed = true;
        return;
    }
    t->columns = columns;
    columns[t->n_columns++] = (table_column){.name = keep(t, name), .spread = spread};
}

static void add(table *t, const char *text, const statistics *number)
{
    table_cell *cells = mem_reserve(t->cells, &t->room_cells, t->n_cells + 1, 64, sizeof *cells);
    if (cells == NULL) {
        t->failed = true;
        return;
    }
    t->cells = cells;
    cells[t->n_cells++] = (table_cell){.text = keep(t, text),
                                       .number = number != NULL ? *number : (statistics){.n = 0},
                                       .is_number = number != NULL};
}

void table_add_word(table *t, const char *word)
{
    add(t, word, NULL);
}

void table_add_number(table *t, double value, const char *format)
{
    char text[STATISTICS_TEXT_BYTES] = "-";
    statistics x = {.n = 1, .mean = value, .deviation = (double)NAN};
    if (isfinite(value)) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(text, sizeof text, format, value);
#pragma GCC diagnostic pop
    }
    add(t, text, &x);
}

void table_add_mean(table *t, const statistics *x)
{
    char text[STATISTICS_TEXT_BYTES];
    add(t, statistics_text(x, text), x);
}

void table_add_nothing(table *t)
{
    statistics none = {.mean = (double)NAN, .deviation = (double)NAN};
    add(t, "-", &none);
}

/* ---- text ---- */

static const char *text_at(const table *t, size_t offset)
{
    return t->texts.data + offset;
}

/* Characters, as far as each takes one place. */
static size_t width_of(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return n;
}

static size_t column_width(const table *t, size_t column)
{
    size_t width = width_of(text_at(t, t->columns[column].name));
    for (size_t i = column; i < t->n_cells; i += t->n_columns) {
        size_t w = width_of(text_at(t, t->cells[i].text));
        width = w > width ? w : width;
    }
    return width;
}

/* Numbers stand to the right; a column of numbers has its name there. */
static bool is_right(const table *t, size_t column)
{
    for (size_t i = column; i < t->n_cells; i += t->n_columns) {
        if (!t->cells[i].is_number) {
            return false;
        }
    }
    return true;
}

static void print_padded(FILE *out, const char *text, size_t width, bool right, bool last)
{
    int blanks = (int)(width - width_of(text));
    if (right) {
        (void)fprintf(out, "%*s%s%s", blanks, "", text, last ? "\n" : "  ");
    } else {
        (void)fprintf(out, "%s%*s%s", text, last ? 0 : blanks, "", last ? "\n" : "  ");
    }
}

/* Columns up to the last that says something, so that no line ends with blanks. */
static size_t used_columns(const table *t, const table_cell *row)
{
    size_t n = t->n_columns;
    while (n > 1 && text_at(t, row[n - 1].text)[0] == '\0') {
        n--;
    }
    return n;
}

/* How a column is set. */
typedef struct column_form {
    size_t width;
    bool right;
} column_form;

static void print_text(const table *t, const column_form *forms, FILE *out)
{
    size_t n = t->n_columns;
    for (size_t c = 0; c < n; c++) {
        print_padded(out, text_at(t, t->columns[c].name), forms[c].width, forms[c].right,
                     c + 1 == n);
    }
    for (size_t i = 0; i + n <= t->n_cells; i += n) {
        size_t used = used_columns(t, &t->cells[i]);
        for (size_t c = 0; c < used; c++) {
            print_padded(out, text_at(t, t->cells[i + c].text), forms[c].width, forms[c].right,
                         c + 1 == used);
        }
    }
}

static odeon_status print_for_people(const table *t, FILE *out)
{
    column_form *forms = mem_zalloc(t->n_columns, sizeof *forms);
    if (forms == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "table: no memory");
    }
    for (size_t c = 0; c < t->n_columns; c++) {
        forms[c] = (column_form){.width = column_width(t, c), .right = is_right(t, c)};
    }
    print_text(t, forms, out);
    mem_free(forms);
    return ODEON_OK;
}

/* ---- CSV ---- */

/* RFC 4180: what has a comma, a quote or a line break stands in quotes, quotes in it twice. */
static void add_csv_word(text_buffer *line, const char *word)
{
    if (strpbrk(word, ",\"\r\n") == NULL) {
        text_add(line, word);
        return;
    }
    text_add(line, "\"");
    for (; *word != '\0'; word++) {
        text_add_bytes(line, word, 1);
        text_add(line, *word == '"' ? "\"" : "");
    }
    text_add(line, "\"");
}

static void add_csv_number(text_buffer *line, double value)
{
    if (!isnan(value)) {
        text_number(line, value);
    }
}

static void csv_names(const table *t, text_buffer *line)
{
    for (size_t c = 0; c < t->n_columns; c++) {
        const char *name = text_at(t, t->columns[c].name);
        text_add(line, c > 0 ? "," : "");
        add_csv_word(line, name);
        if (t->columns[c].spread) {
            text_buffer other = {0};
            text_printf(&other, "%s_deviation", name);
            text_add(line, ",");
            add_csv_word(line, other.failed ? "" : other.data);
            line->failed |= other.failed;
            text_fini(&other);
        }
    }
    text_add(line, "\n");
}

static void csv_row(const table *t, const table_cell *cells, text_buffer *line)
{
    for (size_t c = 0; c < t->n_columns; c++) {
        const table_cell *cell = &cells[c];
        text_add(line, c > 0 ? "," : "");
        if (cell->is_number) {
            add_csv_number(line, cell->number.mean);
        } else {
            add_csv_word(line, text_at(t, cell->text));
        }
        if (t->columns[c].spread) {
            text_add(line, ",");
            add_csv_number(line, cell->number.deviation);
        }
    }
    text_add(line, "\n");
}

/* ---- JSON ---- */

static void json_row(const table *t, const table_cell *cells, text_buffer *line)
{
    text_add(line, "{");
    for (size_t c = 0; c < t->n_columns; c++) {
        const table_cell *cell = &cells[c];
        const char *name = text_at(t, t->columns[c].name);
        text_add(line, c > 0 ? ", " : "");
        text_json_string(line, name);
        text_add(line, ": ");
        if (cell->is_number) {
            text_json_number(line, cell->number.mean);
        } else {
            text_json_string(line, text_at(t, cell->text));
        }
        if (t->columns[c].spread) {
            text_buffer other = {0};
            text_printf(&other, "%s_deviation", name);
            text_add(line, ", ");
            text_json_string(line, other.failed ? "" : other.data);
            text_add(line, ": ");
            text_json_number(line, cell->number.deviation);
            line->failed |= other.failed;
            text_fini(&other);
        }
    }
    text_add(line, "}");
}

/* ---- the whole ---- */

static void make_lines(const table *t, table_form form, text_buffer *out)
{
    size_t n = t->n_columns;
    if (form == TABLE_CSV) {
        csv_names(t, out);
    } else {
        text_add(out, "[");
    }
    for (size_t i = 0; i + n <= t->n_cells; i += n) {
        if (form == TABLE_CSV) {
            csv_row(t, &t->cells[i], out);
        } else {
            text_add(out, i > 0 ? ",\n" : "\n");
            json_row(t, &t->cells[i], out);
        }
    }
    text_add(out, form == TABLE_CSV ? "" : t->n_cells > 0 ? "\n]\n" : "]\n");
}

odeon_status table_print(const table *t, table_form form, FILE *out)
{
    if (t->failed) {
        return diag_fail(ODEON_ERR_NOMEM, "table: no memory");
    }
    if (form == TABLE_TEXT) {
        return print_for_people(t, out);
    }
    text_buffer lines = {0};
    make_lines(t, form, &lines);
    odeon_status status = lines.failed ? diag_fail(ODEON_ERR_NOMEM, "table: no memory") : ODEON_OK;
    if (status == ODEON_OK) {
        (void)fputs(lines.data, out);
    }
    text_fini(&lines);
    return status;
}
