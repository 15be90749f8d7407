#include "run/metrics_compare.h"

#include <stdlib.h>
#include <string.h>

/* A cell as it is written, with its quotes if it has any. */
typedef struct cell {
    const char *data;
    size_t length;
} cell;

/* The cell at *p, which then is at the next one's start, or NULL behind the last. */
static cell take_cell(const char **p)
{
    const char *start = *p, *end = start;
    for (bool quoted = false; *end != '\0' && (quoted || *end != ','); end++) {
        quoted ^= *end == '"';
    }
    *p = *end == ',' ? end + 1 : NULL;
    return (cell){start, (size_t)(end - start)};
}

/* The names of effort need no quotes. */
static bool cell_is(cell x, const char *text)
{
    return x.length == strlen(text) && memcmp(x.data, text, x.length) == 0;
}

/* As they are written: every number has all its digits, so equal texts are equal bits. */
static bool same(cell a, cell b)
{
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

/* Does it end so? */
static bool cell_ends(cell x, const char *text)
{
    size_t n = strlen(text);
    return x.length >= n && memcmp(x.data + x.length - n, text, n) == 0;
}

/* How a row came about, not what came of it: times, what the device was asked for, and what a pass
 * backward took. A run that goes on asks for memory anew, and a solve that a device has recorded
 * may evaluate again what another keeps. */
static bool measures_effort(cell name)
{
    static const char *const names[] = {"seconds", "samples_per_second", "nsync", "nlaunch",
                                        "nalloc"};
    bool found = cell_ends(name, ".evals_backward") || cell_ends(name, ".bytes");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        found |= cell_is(name, names[i]);
    }
    return found;
}

/* ---- rows: "step,epoch,seconds,split,..." ---- */

typedef struct rows {
    char *rest;
    const char *line; /* NULL: no more */
    long long step;
    cell split;
} rows;

/* Behind the last row line is NULL, and step and split mean nothing. */
static void next_row(rows *r)
{
    r->line = r->rest != NULL ? strsep(&r->rest, "\n") : NULL;
    if (r->line == NULL || r->line[0] == '\0') { /* behind the last line break */
        r->line = NULL;
        return;
    }
    const char *p = r->line;
    r->step = strtoll(p, NULL, 10);
    for (int i = 0; i < 4; i++) {
        r->split = p != NULL ? take_cell(&p) : (cell){"", 0};
    }
}

/* "step 12 (train)". */
static void add_row_name(const rows *r, text_buffer *out)
{
    text_printf(out, "step %lld (%.*s)", r->step, (int)r->split.length, r->split.data);
}

/* The first cell that differs, with the name of its column; cells of effort are skipped. */
static void compare_rows(const char *names, const rows *a, const rows *b, text_buffer *out)
{
    const char *x = a->line, *y = b->line;
    while (names != NULL && x != NULL && y != NULL) {
        cell name = take_cell(&names), p = take_cell(&x), q = take_cell(&y);
        if (!same(p, q) && !measures_effort(name)) {
            add_row_name(a, out);
            text_printf(out, ": %.*s %.*s | %.*s", (int)name.length, name.data, (int)p.length,
                        p.data, (int)q.length, q.data);
            return;
        }
    }
}

/* A row of one run alone: of an earlier step than the other's next, or of another split. */
static void note_alone(const rows *r, const char *which, text_buffer *alone)
{
    if (alone->length == 0) {
        add_row_name(r, alone);
        text_printf(alone, ": only the %s has this row", which);
    }
}

/* Both are sorted by step, so the two are walked side by side; rows of one run alone matter only
 * where no common row differs. */
void metrics_difference(char *a, char *b, text_buffer *out)
{
    rows x = {.rest = a}, y = {.rest = b};
    text_buffer alone = {0};
    const char *names = strsep(&x.rest, "\n"), *others = strsep(&y.rest, "\n");
    if (strcmp(names, others) != 0) {
        text_add(out, "other columns");
        return;
    }
    next_row(&x);
    next_row(&y);
    while ((x.line != NULL || y.line != NULL) && out->length == 0) {
        bool both = x.line != NULL && y.line != NULL;
        if (both && x.step == y.step && same(x.split, y.split)) {
            compare_rows(names, &x, &y, out);
            next_row(&x);
            next_row(&y);
        } else if (y.line == NULL || (both && x.step <= y.step)) {
            note_alone(&x, "first", &alone);
            next_row(&x);
        } else {
            note_alone(&y, "second", &alone);
            next_row(&y);
        }
    }
    if (out->length == 0 && alone.length > 0) {
        text_add(out, alone.failed ? "a row that only one has" : alone.data);
    }
    text_fini(&alone);
}
