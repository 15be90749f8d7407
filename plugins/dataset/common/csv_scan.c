#include "csv_scan.h"

#include <string.h>

/* Skips a UTF-8 byte order mark, which spreadsheet programs write. */
csv_scan csv_scan_start(const odeon_host *host, const char *name, const char *text, uint64_t bytes,
                        char separator)
{
    static const char mark[] = "\xef\xbb\xbf";
    uint64_t skip = bytes >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
    return (csv_scan){.host = host,
                      .name = name,
                      .text = text,
                      .bytes = bytes,
                      .at = skip,
                      .line = 1,
                      .row_line = 1,
                      .separator = separator};
}

static odeon_status refuse(const csv_scan *s, int64_t line, const char *why)
{
    return odeon_fail(s->host, ODEON_ERR_DATA, "%s:%lld: %s", s->name, (long long)line, why);
}

static void skip_blanks(csv_scan *s)
{
    while (s->text[s->at] == ' ' || (s->text[s->at] == '\t' && s->separator != '\t')) {
        s->at++;
    }
}

/* Line breaks and separators within the quotes belong to the cell. */
static odeon_status scan_quoted(csv_scan *s, csv_cell *out)
{
    int64_t start_line = s->line;
    s->at++;
    *out = (csv_cell){.text = s->text + s->at, .quoted = true};
    for (;; s->at++) {
        char c = s->text[s->at];
        if (c == '\0') {
            return refuse(s, start_line,
                          s->at < s->bytes ? "not a text file: it has a NUL"
                                           : "the quote that opens here is never closed");
        }
        s->line += c == '\n';
        if (c == '"') {
            if (s->text[s->at + 1] != '"') {
                break;
            }
            s->at++; /* two quotes stand for one */
        }
    }
    out->bytes = (uint64_t)(s->text + s->at - out->text);
    s->at++;
    return ODEON_OK;
}

/* Trailing blanks are not part of the cell. */
static void scan_bare(csv_scan *s, csv_cell *out)
{
    const char ends[] = {s->separator, '"', '\r', '\n', '\0'};
    const char *text = s->text + s->at;
    uint64_t bytes = strcspn(text, ends);
    s->at += bytes;
    while (bytes > 0 && (text[bytes - 1] == ' ' || text[bytes - 1] == '\t')) {
        bytes--;
    }
    *out = (csv_cell){.text = text, .bytes = bytes};
}

/* Consumes the separator or line end behind a cell. A NUL before the end means a binary file. */
static odeon_status end_cell(csv_scan *s, bool *row_ends)
{
    *row_ends = s->text[s->at] != s->separator;
    if (!*row_ends) {
        s->at++;
        return ODEON_OK;
    }
    bool carriage = s->text[s->at] == '\r';
    s->at += carriage;
    if (s->at == s->bytes) {
        return ODEON_OK;
    }
    switch (s->text[s->at]) {
    case '\n':
        s->at++;
        s->line++;
        return ODEON_OK;
    case '\0':
        return refuse(s, s->line, "not a text file: it has a NUL");
    default:
        return refuse(s, s->line,
                      carriage ? "a carriage return within the line: lines end in LF or CR LF"
                               : "a quote within a cell: put all of the cell in quotes and double "
                                 "those within");
    }
}

static odeon_status scan_cell(csv_scan *s, csv_cell *out, bool *row_ends)
{
    skip_blanks(s);
    if (s->text[s->at] == '"') {
        ODEON_TRY(scan_quoted(s, out));
        skip_blanks(s);
    } else {
        scan_bare(s, out);
    }
    return end_cell(s, row_ends);
}

/* A blank line is one empty, unquoted cell; "" alone is a row. */
static odeon_status scan_line(csv_scan *s, csv_cell *cells, int64_t room, int64_t *n, bool *blank)
{
    csv_cell cell = {0};
    bool row_ends = false;
    s->row_line = s->line;
    for (*n = 0; !row_ends; (*n)++) {
        ODEON_TRY(scan_cell(s, &cell, &row_ends));
        if (*n < room) {
            cells[*n] = cell;
        }
    }
    *blank = *n == 1 && cell.bytes == 0 && !cell.quoted;
    return ODEON_OK;
}

odeon_status csv_scan_row(csv_scan *s, csv_cell *cells, int64_t room, int64_t *n)
{
    bool blank = true;
    while (blank && s->at < s->bytes) {
        ODEON_TRY(scan_line(s, cells, room, n, &blank));
    }
    if (blank) {
        *n = 0;
    }
    return ODEON_OK;
}

/* Doubled quotes are reduced to one. */
uint64_t csv_cell_copy(const csv_cell *cell, char *out, uint64_t room)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < cell->bytes; i++, n++) {
        if (n + 1 < room) {
            out[n] = cell->text[i];
        }
        i += cell->quoted && cell->text[i] == '"'; /* skip the second of two quotes */
    }
    out[n < room ? n : room - 1] = '\0';
    return n;
}
