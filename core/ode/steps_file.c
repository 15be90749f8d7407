/* A list of steps has a heading "t,h", then one accepted step a line. Where each sample has steps
 * of its own the heading is "sample,t,h". */
#include "ode/steps_file.h"

#include <inttypes.h>
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

/* sample below 0: no column tells samples apart. */
static void add_steps(text_buffer *text, int64_t sample, size_t n, const solve_attempt *attempts)
{
    for (size_t i = 0; i < n; i++) {
        if (attempts[i].accepted) {
            if (sample >= 0) {
                text_printf(text, "%" PRId64 ",", sample);
            }
            text_number(text, attempts[i].t);
            text_add(text, ",");
            text_number(text, attempts[i].h);
            text_add(text, "\n");
        }
    }
}

/* Accepted steps alone: what REPLAY makes again. Numbers are written to the last bit. */
odeon_status steps_write(const char *path, size_t n, const solve_attempt *attempts)
{
    text_buffer text = {0};
    text_add(&text, "t,h\n");
    add_steps(&text, -1, n, attempts);
    return put(path, &text, output_file_put);
}

odeon_status steps_write_lists(const char *path, size_t n_samples, const attempt_list *samples)
{
    text_buffer text = {0};
    text_add(&text, "sample,t,h\n");
    for (size_t i = 0; i < n_samples; i++) {
        add_steps(&text, (int64_t)i, samples[i].n, samples[i].attempts);
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

/* Where the reading of a list stands. */
typedef struct step_reader {
    const char *path;
    bool takes_samples; /* a list of each sample may be read, too */
    bool by_sample;     /* and the heading is that of one */
    step_lists *out;
} step_reader;

/* The number of the line's sample, which is the last one's or the next; *line moves behind it. */
static odeon_status read_sample(const step_reader *r, int number, char **line)
{
    step_lists *out = r->out;
    int64_t sample = -1, next = (int64_t)out->n_samples;
    char *comma = strchr(*line, ',');
    bool read = comma != NULL;
    if (read) {
        *comma = '\0';
        read = number_parse_i64(*line, &sample) == NUMBER_OK;
        *line = comma + 1;
    }
    if (!read || sample < 0 || sample < next - 1 || sample > next) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s:%d: expected sample,t,h with sample %" PRId64 " or the next", r->path,
                         number, next > 0 ? next - 1 : 0);
    }
    if (sample == next) {
        size_t *begin = mem_grow(out->begin, out->n_samples, sizeof *begin);
        if (begin == NULL) {
            return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", r->path);
        }
        begin[out->n_samples++] = out->n;
        out->begin = begin;
    }
    return ODEON_OK;
}

/* A sample's first step need not follow the steps of the sample before. */
static odeon_status add_step(const step_reader *r, int number, char *line)
{
    double step[2];
    step_lists *out = r->out;
    ODEON_TRY(r->by_sample ? read_sample(r, number, &line) : ODEON_OK);
    size_t first = out->n_samples > 0 ? out->begin[out->n_samples - 1] : 0;
    if (!parse_line(line, step)) {
        return diag_fail(ODEON_ERR_DATA, "%s:%d: expected two numbers t,h with h not 0", r->path,
                         number);
    }
    if (!follows((const double(*)[2])(out->steps + first), out->n - first, step)) {
        return diag_fail(ODEON_ERR_DATA,
                         "%s:%d: this step does not begin where the one before ends", r->path,
                         number);
    }
    double(*list)[2] = mem_grow(out->steps, out->n, sizeof *list);
    if (list == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory", r->path);
    }
    memcpy(list[out->n], step, sizeof step);
    out->steps = list;
    out->n++;
    return ODEON_OK;
}

/* A heading, which only the first line can be, or a step. */
static odeon_status read_line(step_reader *r, int number, char *line)
{
    if (number == 1 && strcmp(line, "t,h") == 0) {
        return ODEON_OK;
    }
    if (number == 1 && strcmp(line, "sample,t,h") == 0) {
        r->by_sample = r->takes_samples;
        return r->takes_samples
                   ? ODEON_OK
                   : diag_fail(ODEON_ERR_DATA,
                               "%s: lists the steps of each sample, which are made again with "
                               "step = sample alone",
                               r->path);
    }
    return add_step(r, number, line);
}

/* Takes the lines of text apart, which ends in NUL, in place. A NUL before the end would hide the
 * rest of the file; a line that is too long is no list of steps, whatever it is. */
static odeon_status read_lines(step_reader *r, char *text, size_t bytes)
{
    char *line = text;
    for (int number = 1; line < text + bytes; number++) {
        size_t length = strcspn(line, "\n");
        char *next = line + length + 1;
        if (line[length] == '\0' && next <= text + bytes) {
            return diag_fail(ODEON_ERR_DATA, "%s:%d: not a text file: it has a NUL", r->path,
                             number);
        }
        if (length > MAX_LINE) { /* no number needs so many digits */
            return diag_fail(ODEON_ERR_DATA, "%s:%d: line too long for two numbers", r->path,
                             number);
        }
        length -= length > 0 && line[length - 1] == '\r';
        line[length] = '\0';
        ODEON_TRY(length > 0 ? read_line(r, number, line) : ODEON_OK);
        line = next;
    }
    return r->out->n > 0 ? ODEON_OK
                         : diag_fail(ODEON_ERR_DATA,
                                     "%s: lists no steps: expected a line t,h for each", r->path);
}

void step_lists_fini(step_lists *lists)
{
    mem_free(lists->steps);
    mem_free(lists->begin);
    *lists = (step_lists){.n = 0};
}

/* Nothing of a list that is refused is given out. */
static odeon_status read_all(const char *path, bool takes_samples, step_lists *out)
{
    char *text;
    size_t bytes;
    *out = (step_lists){.n = 0};
    step_reader r = {.path = path, .takes_samples = takes_samples, .out = out};
    ODEON_TRY(read_file(path, &text, &bytes));
    odeon_status status = read_lines(&r, text, bytes);
    mem_free(text);
    if (status != ODEON_OK) {
        step_lists_fini(out);
    }
    return status;
}

odeon_status steps_read(const char *path, double (**steps)[2], size_t *n)
{
    step_lists all;
    odeon_status status = read_all(path, false, &all);
    *steps = all.steps;
    *n = all.n;
    return status;
}

odeon_status steps_read_lists(const char *path, step_lists *out)
{
    return read_all(path, true, out);
}
