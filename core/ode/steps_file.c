/* A list of steps has a heading "t,h", then one accepted step a line. */
#include "ode/steps_file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/output_file.h"
#include "base/read_file.h"
#include "base/text.h"

enum { MAX_LINE = 126 };

/* Writes the text to path and frees it. An allocation that has failed on the way is found here
 * alone. */
static odeon_status put(const char *path, text_buffer *text,
                        odeon_status (*write)(const char *, const void *, size_t))
{
    odeon_status status = text->failed ? diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path)
                                       : write(path, text->data, text->length);
    text_fini(text);
    return status;
}

/* Accepted steps alone: what REPLAY makes again. Numbers are written to the last bit. */
odeon_status steps_write(const char *path, size_t n, const solve_attempt *attempts)
{
    text_buffer text = {0};
    text_add(&text, "t,h\n");
    for (size_t i = 0; i < n; i++) {
        if (attempts[i].accepted) {
            text_number(&text, attempts[i].t);
            text_add(&text, ",");
            text_number(&text, attempts[i].h);
            text_add(&text, "\n");
        }
    }
    return put(path, &text, output_file_put);
}

/* All that was tried, for whoever asks why a solve failed. */
odeon_status attempts_write(const char *path, size_t n, const solve_attempt *attempts)
{
    text_buffer text = {0};
    text_add(&text, "t,h,error,accepted\n");
    for (size_t i = 0; i < n; i++) {
        const double numbers[] = {attempts[i].t, attempts[i].h, attempts[i].error};
        for (size_t k = 0; k < 3; k++) {
            text_number(&text, numbers[k]);
            text_add(&text, ",");
        }
        text_add(&text, attempts[i].accepted ? "1\n" : "0\n");
    }
    return put(path, &text, atomic_file_put);
}

/* "t,h" into two numbers; the line is cut at the comma. A step of size 0 would never end a solve.
 */
static bool parse_line(char *line, double step[2])
{
    char *comma = strchr(line, ',');
    if (comma == NULL) {
        return false;
    }
    *comma = '\0';
    return number_parse_f64(line, &step[0]) == NUMBER_OK &&
           number_parse_f64(comma + 1, &step[1]) == NUMBER_OK && step[1] != 0.0;
}

/* Steps must follow each other without a gap, in one direction. The slack is for lists that were
 * written with fewer digits. */
static bool follows(const double (*steps)[2], size_t n, const double step[2])
{
    if (n == 0) {
        return true;
    }
    const double *before = steps[n - 1];
    double end = before[0] + before[1];
    return fabs(step[0] - end) <= 1e-9 * (fabs(end) + fabs(before[1])) &&
           (step[1] > 0.0) == (before[1] > 0.0);
}

static odeon_status add_step(const char *path, int line, char *text, double (**steps)[2], size_t *n)
{
    double step[2];
    if (!parse_line(text, step)) {
        return diag_fail(ODEON_ERR_DATA, "%s:%d: expected two numbers t,h with h not 0", path,
                         line);
    }
    if (!follows((const double(*)[2]) * steps, *n, step)) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s:%d: this step does not begin where the one before ends", path, line);
    }
    double(*list)[2] = mem_grow(*steps, *n, sizeof *list);
    if (list == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", path);
    }
    memcpy(list[*n], step, sizeof step);
    *steps = list;
    (*n)++;
    return ODEON_OK;
}

/* Takes the lines of text apart, which ends in NUL, in place. A NUL before the end would hide the
 * rest of the file; a line that is too long is no list of steps, whatever it is. */
static odeon_status read_lines(const char *path, char *text, size_t bytes, double (**steps)[2],
                               size_t *n)
{
    char *line = text;
    for (int number = 1; line < text + bytes; number++) {
        size_t length = strcspn(line, "\n");
        char *next = line + length + 1;
        if (line[length] == '\0' && next <= text + bytes) {
            return diag_fail(ODEON_ERR_DATA, "%s:%d: not a text file: it has a NUL", path, number);
        }
        if (length > MAX_LINE) { /* no number needs so many digits */
            return diag_fail(ODEON_ERR_DATA, "%s:%d: line too long for two numbers", path, number);
        }
        length -= length > 0 && line[length - 1] == '\r';
        line[length] = '\0';
        if (length > 0 && !(number == 1 && strcmp(line, "t,h") == 0)) {
            ODEON_TRY(add_step(path, number, line, steps, n));
        }
        line = next;
    }
    return *n > 0 ? ODEON_OK
                  : diag_fail(ODEON_ERR_DATA, "%s: lists no steps: expected a line t,h for each",
                              path);
}

/* Nothing of a list that is refused is given out. */
odeon_status steps_read(const char *path, double (**steps)[2], size_t *n)
{
    char *text;
    size_t bytes;
    *steps = NULL;
    *n = 0;
    ODEON_TRY(read_file(path, &text, &bytes));
    odeon_status status = read_lines(path, text, bytes, steps, n);
    mem_free(text);
    if (status != ODEON_OK) {
        mem_free(*steps);
        *steps = NULL;
        *n = 0;
    }
    return status;
}
