/* How far a run is, in two forms: a line that is redrawn in place on a terminal, and plain lines
 * everywhere else, which a log keeps. Both are made of the same parts, the most wanted first, and
 * drop parts from the end until what is left fits the width; the loss is never dropped.
 *
 * Formatting is pure, from a progress_state to text, so that tests need no terminal; the second
 * half of the file decides when to print, and where. */
#include "run/progress.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/log_lines.h"
#include "base/mem.h"
#include "base/number.h"
#include "session/result.h"

enum { LINE_BYTES = 1024, BAR_MIN = 8, BAR_MAX = 24, DEFAULT_COLUMNS = 80, DEFAULT_ROWS = 24 };
static const double redraw_seconds = 0.1, line_seconds = 10.0;
static const double memory_of_batches = 0.9; /* weight of what was, against the newest batch */

struct progress {
    FILE *out;     /* borrowed */
    bool terminal; /* lines are as wide as it is */
    bool redraws;  /* in place, one line */
    bool escapes;  /* by escape sequences; else blanks take off what was there */
    bool utf8;
    int drawn;             /* columns of the line that stands there; 0: none */
    char *above;           /* lines that stand above it, of an observer; NULL: none */
    int n_above;           /* their number */
    int above_columns;     /* of the terminal when they were drawn */
    unsigned long logged;  /* log_lines() then */
    double started, shown; /* seconds; when something was last shown */
    int64_t before;        /* steps made by others */
    int64_t told;          /* step of the last state that progress_tested has written */
    int64_t samples;       /* trained on so far */
    double training;       /* seconds of it alone */
    double weight;         /* of the means; tends to 1 */
    double loss, metric;   /* sums of the means, to be divided by weight */
    progress_state state;
};

void progress_number(double value, char *out)
{
    bool plain = value == 0.0 || (fabs(value) >= 1e-2 && fabs(value) < 1e7) || !isfinite(value);
    (void)snprintf(out, 32, plain ? "%.4f" : "%.3e", number_plain(value));
}

void progress_duration(double seconds, char *out)
{
    if (!(seconds >= 0.0 && seconds < 1e9)) {
        (void)sprintf(out, "-");
        return;
    }
    long s = lround(seconds);
    if (s < 3600) {
        (void)sprintf(out, "%ld:%02ld", s / 60, s % 60);
    } else {
        (void)sprintf(out, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    }
}

/* Columns that text takes: bytes that do not continue a UTF-8 character. */
static int columns_of(const char *text)
{
    int n = 0;
    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xc0u) != 0x80u;
    }
    return n;
}

static void append(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void append(char *out, size_t size, const char *format, ...)
{
    size_t used = strlen(out);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(out + used, size - used, format, arguments);
    va_end(arguments);
}

/* 0 to 1, also of a run without steps or of one that has gone beyond its end. */
static double done_share(const progress_state *s)
{
    double share = s->steps > 0 ? (double)s->step / (double)s->steps : 0.0;
    return fmin(fmax(share, 0.0), 1.0);
}

/* Heavy and light lines where the terminal can show them, else # and dots. */
static void append_bar(const progress_state *s, int width, bool utf8, char *out, size_t size)
{
    int full = (int)(done_share(s) * width);
    for (int i = 0; i < width; i++) {
        append(out, size, "%s", i < full ? (utf8 ? "\u2501" : "#") : (utf8 ? "\u2500" : "."));
    }
}

/* The parts of a line behind its beginning, the most wanted first. "" where there is none, and none
 * behind it. */
enum { N_PARTS = 6, PART_BYTES = 96 };
typedef char part_list[N_PARTS][PART_BYTES];

/* The first that is empty. There is one: no more than N_PARTS parts are ever added. */
static char *next_part(part_list parts)
{
    int i = 0;
    while (parts[i][0] != '\0') {
        i++;
    }
    return parts[i];
}

static void add_metric(const progress_state *s, part_list parts)
{
    if (s->metric_name != NULL) {
        char number[32];
        progress_number(s->metric, number);
        (void)snprintf(next_part(parts), PART_BYTES, "%s %s", s->metric_name, number);
    }
}

/* The time that is left comes first: it is the last of the two to be dropped from a narrow line. */
static void add_speed(const progress_state *s, part_list parts)
{
    char left[32];
    progress_duration(s->seconds_left, left);
    (void)snprintf(next_part(parts), PART_BYTES, "%s left", left);
    (void)snprintf(next_part(parts), PART_BYTES, "%.0f samples/s", s->samples_per_second);
}

/* For the redrawn line, where room is dear: metric, time left, speed, evaluations, steps, counts of
 * the device. */
static void short_parts(const progress_state *s, part_list parts)
{
    memset(parts, 0, sizeof(part_list));
    add_metric(s, parts);
    add_speed(s, parts);
    if (s->has_blocks) {
        (void)snprintf(next_part(parts), PART_BYTES, "evals %" PRId64 "+%" PRId64, s->evals_forward,
                       s->evals_backward);
        (void)snprintf(next_part(parts), PART_BYTES, "steps %" PRId64 " (%" PRId64 " rejected)",
                       s->accepted, s->rejected);
    }
    if (s->device.launches >= 0) {
        (void)snprintf(next_part(parts), PART_BYTES, "waits %" PRId64 " launches %" PRId64,
                       s->device.waits, s->device.launches);
    }
}

/* The same for plain lines, in words that a log is searched for. */
static void long_parts(const progress_state *s, part_list parts)
{
    memset(parts, 0, sizeof(part_list));
    add_metric(s, parts);
    add_speed(s, parts);
    if (s->has_blocks) {
        (void)snprintf(next_part(parts), PART_BYTES,
                       "evaluations %" PRId64 " forward %" PRId64 " backward", s->evals_forward,
                       s->evals_backward);
        (void)snprintf(next_part(parts), PART_BYTES,
                       "steps %" PRId64 " accepted %" PRId64 " rejected", s->accepted, s->rejected);
    }
    if (s->device.launches >= 0) {
        (void)snprintf(next_part(parts), PART_BYTES,
                       "device waits %" PRId64 " launches %" PRId64 " allocations %" PRId64,
                       s->device.waits, s->device.launches, s->device.allocs);
    }
}

/* Adds separator and part if they are no wider than *room, which becomes what is left. */
static bool add_part(const char *separator, const char *part, int *room, char *out, size_t size)
{
    int width = columns_of(separator) + columns_of(part);
    if (part[0] == '\0' || width > *room) {
        return false;
    }
    append(out, size, "%s%s", separator, part);
    *room -= width;
    return true;
}

/* Ends at the first that has no room: a less wanted part does not take the place of one that was
 * dropped. */
static void add_parts(const char *separator, part_list parts, int *room, char *out, size_t size)
{
    for (int i = 0; i < N_PARTS && add_part(separator, parts[i], room, out, size); i++) {
    }
}

/* Cuts what is wider than room; text of one byte a column. */
static void cut(char *text, int room)
{
    if ((size_t)room < strlen(text)) {
        text[room] = '\0';
    }
}

/* The beginning and the loss always; then the bar, at its least width, before any part of the
 * tail; the bar takes what these leave. */
void progress_format_bar(const progress_state *state, int columns, bool utf8, char *out,
                         size_t size)
{
    char tail[LINE_BYTES] = "", loss[PART_BYTES], number[32];
    part_list parts;
    int room = columns > 1 ? columns - 1 : 0;
    out[0] = '\0';
    append(out, size, "%s %" PRId64 "/%" PRId64 " %3d%%", state->what, state->epoch, state->epochs,
           (int)(100.0 * done_share(state)));
    cut(out, room);
    room -= columns_of(out);
    progress_number(state->loss, number);
    (void)snprintf(loss, sizeof loss, "loss %s", number);
    (void)add_part("  ", loss, &room, tail, sizeof tail);
    int bar = room > BAR_MIN ? BAR_MIN : 0, rest = bar > 0 ? room - bar - 1 : 0;
    short_parts(state, parts);
    add_parts("  ", parts, &rest, tail, sizeof tail);
    bar = bar + rest > BAR_MAX ? BAR_MAX : bar + rest;
    if (bar >= BAR_MIN) {
        append(out, size, " ");
        append_bar(state, bar, utf8, out, size);
    }
    append(out, size, "%s", tail);
}

/* The first of the beginnings that has room with middle behind it; the last is cut if it has not.
 * With columns 0 everything has room. What is left of it then is the answer. */
static int begin_line(const char *const beginnings[3], const char *middle, int columns, char *out,
                      size_t size)
{
    int room = columns > 0 ? columns - 1 : LINE_BYTES;
    for (int i = 0; i < 3; i++) {
        out[0] = '\0';
        append(out, size, "%s%s", beginnings[i], middle);
        if (columns_of(out) <= room) {
            break;
        }
    }
    cut(out, room);
    return room - columns_of(out);
}

/* A line that begins with where the run is, then says what, and then has parts. */
static void format_line(const progress_state *s, int64_t epoch, int64_t step, const char *what,
                        part_list parts, int columns, char *out, size_t size)
{
    char whole[PART_BYTES], short_one[PART_BYTES];
    (void)snprintf(whole, sizeof whole, "epoch %" PRId64 "/%" PRId64 ", step %" PRId64 "/%" PRId64,
                   epoch, s->epochs, step, s->steps);
    (void)snprintf(short_one, sizeof short_one, "step %" PRId64 "/%" PRId64, step, s->steps);
    const char *const beginnings[3] = {whole, short_one, "step"};
    int room = begin_line(beginnings, what, columns, out, size);
    add_parts(", ", parts, &room, out, size);
}

/* Of a state after its last batch; a test has a line of its own (progress_tested). */
void progress_format_line(const progress_state *s, int columns, char *out, size_t size)
{
    char loss[PART_BYTES], number[32];
    part_list parts;
    progress_number(s->loss, number);
    (void)snprintf(loss, sizeof loss, ": loss %s", number);
    long_parts(s, parts);
    format_line(s, s->epoch, s->step, loss, parts, columns, out, size);
}

/* Asked of a locale of its own: the program's stays C, so that numbers have a point. */
static bool locale_is_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (locale == (locale_t)0) {
        return false;
    }
    bool utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return utf8;
}

/* Asked for every line, since the user may have changed the window's size. */
static int terminal_columns(FILE *out)
{
    struct winsize size;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return DEFAULT_COLUMNS;
}

/* NO_COLOR asks for no escape sequences (no-color.org); a terminal without TERM cannot redraw. */
odeon_status progress_create(FILE *out, int64_t epochs, int64_t steps, progress **out_progress)
{
    progress *p = mem_zalloc(1, sizeof *p);
    *out_progress = p;
    if (p == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "progress: no memory for %zu bytes", sizeof *p);
    }
    double now = clock_seconds();
    const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");
    bool terminal = isatty(fileno(out)) != 0;
    *p = (progress){.out = out,
                    .terminal = terminal,
                    .redraws = terminal && term != NULL && strcmp(term, "dumb") != 0,
                    .escapes = plain == NULL || plain[0] == '\0',
                    .utf8 = locale_is_utf8(),
                    .started = now,
                    .shown = now,
                    .state = {.what = "train", .epochs = epochs, .steps = steps}};
    return ODEON_OK;
}

/* Steps of an earlier process took none of this one's time. */
void progress_begin_after(progress *p, int64_t step)
{
    p->before = step;
}

/* Puts text in the place of the line that stands there. */
static void draw(progress *p, const char *text)
{
    int width = columns_of(text), left = p->drawn > width ? p->drawn - width : 0;
    if (p->escapes) {
        fprintf(p->out, "\r%s\x1b[K", text);
    } else {
        fprintf(p->out, "\r%s%*s", text, left, "");
    }
    p->drawn = width;
}

/* Do the lines above still end where the cursor is? Not once a warning was written below them, and
 * not on a terminal that is narrower by now and has broken them into more. */
static bool can_find_above(const progress *p)
{
    return (p->logged == log_lines() || isatty(STDERR_FILENO) == 0) &&
           terminal_columns(p->out) >= p->above_columns;
}

/* Takes the lines above off the terminal; the cursor stands where the first of them did. Those that
 * cannot be found again stay. */
static void erase_above(progress *p)
{
    if (p->n_above > 0 && can_find_above(p)) {
        fprintf(p->out, "\r\x1b[%dA\x1b[J", p->n_above);
    }
    p->n_above = 0;
}

/* Ends a line where the terminal does: one that were broken would be two. */
static void cut_columns(char *text, int columns)
{
    int n = 0;
    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xc0u) != 0x80u;
        if (n > columns) {
            *text = '\0';
            return;
        }
    }
}

/* Puts them there again, below whatever was printed meanwhile. */
static void draw_above(progress *p)
{
    p->logged = log_lines();
    p->above_columns = terminal_columns(p->out);
    for (const char *at = p->above; at != NULL && *at != '\0'; p->n_above++) {
        char line[LINE_BYTES], clean[LINE_BYTES];
        size_t n = strcspn(at, "\n");
        (void)snprintf(line, sizeof line, "%.*s", (int)n, at);
        (void)clean_line(line, clean, sizeof clean);
        if (p->terminal) {
            cut_columns(clean, p->above_columns - 1);
        }
        fprintf(p->out, "%s\n", clean);
        at += n + (at[n] == '\n');
    }
}

/* Leaves the cursor at the beginning of the line, for whatever is printed next. */
static void erase(progress *p)
{
    if (p->drawn > 0) {
        draw(p, "");
        fputc('\r', p->out);
    }
}

void progress_destroy(progress *p)
{
    if (p != NULL) {
        erase(p);
        (void)fflush(p->out); /* a failure stays in the stream's error flag */
        mem_free(p->above);
        mem_free(p);
    }
}

/* The width to write lines for; 0: any. */
static int line_columns(const progress *p)
{
    return p->terminal ? terminal_columns(p->out) : 0;
}

/* Names of metrics come from plugins. */
static void put_line(const progress *p, const char *text)
{
    char line[LINE_BYTES];
    (void)clean_line(text, line, sizeof line);
    fprintf(p->out, "%s\n", line);
}

/* Flushed at once, since the next line may be long in coming. */
static void show(progress *p, double now)
{
    char text[LINE_BYTES];
    p->shown = now;
    if (p->redraws) {
        progress_format_bar(&p->state, terminal_columns(p->out), p->utf8, text, sizeof text);
        draw(p, text);
    } else {
        progress_format_line(&p->state, line_columns(p), text, sizeof text);
        put_line(p, text);
    }
    (void)fflush(p->out);
}

/* A terminal is redrawn often enough to seem alive, a log gets a line now and then; neither costs
 * the run anything that could be measured. */
static void show_if_due(progress *p, double now)
{
    if (now - p->shown >= (p->redraws ? redraw_seconds : line_seconds)) {
        show(p, now);
    }
}

/* Lines above the redrawn one are found again by moving up, which takes escape sequences. */
static bool can_stack(const progress *p)
{
    return p->redraws && p->escapes;
}

void progress_show_above(progress *p, const char *lines)
{
    char *copy = mem_strdup(lines);
    if (copy == NULL) {
        return; /* a picture less */
    }
    erase(p);
    if (can_stack(p)) {
        erase_above(p);
    }
    mem_free(p->above);
    p->above = copy;
    draw_above(p);
    if (!can_stack(p)) {
        mem_free(p->above);
        p->above = NULL;
        p->n_above = 0;
    }
    (void)fflush(p->out);
    p->shown = 0.0; /* the line comes back with the next step */
}

void progress_terminal(const progress *p, odeon_terminal *out)
{
    struct winsize size = {.ws_col = 0};
    out->redraws = can_stack(p);
    out->utf8 = p->utf8;
    if (p->terminal) {
        (void)ioctl(fileno(p->out), TIOCGWINSZ, &size);
        out->columns = size.ws_col > 0 ? size.ws_col : DEFAULT_COLUMNS;
        out->rows = size.ws_row > 0 ? size.ws_row : DEFAULT_ROWS;
    }
}

/* An exponential average that starts at 0 is too small at first; dividing by its weight corrects
 * that. */
static void average(progress *p, double loss, double metric)
{
    p->weight = memory_of_batches * p->weight + (1.0 - memory_of_batches);
    p->loss = memory_of_batches * p->loss + (1.0 - memory_of_batches) * loss;
    p->metric = memory_of_batches * p->metric + (1.0 - memory_of_batches) * metric;
    p->state.loss = p->loss / p->weight;
    p->state.metric = p->metric / p->weight;
}

/* The time left follows from the whole run, tests and checkpoints included; the speed from
 * training alone. */
void progress_train(progress *p, const progress_step *step, const session_result *result)
{
    double now = clock_seconds();
    progress_state *s = &p->state;
    p->samples += step->n;
    p->training += step->seconds;
    average(p, result->loss, step->metric);
    s->what = "train";
    s->epoch = step->epoch;
    s->step = step->step;
    s->metric_name = step->metric_name;
    s->samples_per_second = p->training > 0.0 ? (double)p->samples / p->training : 0.0;
    s->seconds_left =
        (now - p->started) * (double)(s->steps - step->step) / (double)(step->step - p->before);
    s->device = step->device;
    s->has_blocks = result->n_blocks > 0;
    s->evals_forward = s->evals_backward = s->accepted = s->rejected = 0;
    for (size_t i = 0; i < result->n_blocks; i++) {
        s->evals_forward += result->blocks[i].evals_forward;
        s->evals_backward += result->blocks[i].evals_backward;
        s->accepted += result->blocks[i].accepted;
        s->rejected += result->blocks[i].rejected;
    }
    show_if_due(p, now);
}

/* Only where a line can be redrawn: plain lines are for results. */
void progress_test(progress *p, int64_t done, int64_t total)
{
    double now = clock_seconds();
    if (p->redraws && now - p->shown >= redraw_seconds) {
        char text[PART_BYTES];
        (void)snprintf(text, sizeof text, "test %" PRId64 "/%" PRId64, done, total);
        cut(text, terminal_columns(p->out) - 1);
        draw(p, text);
        p->shown = now;
        (void)fflush(p->out);
    }
}

/* The state of training first, so that a log has both figures side by side; the redrawn line is
 * taken away before and comes back with the next step. */
void progress_tested(progress *p, const progress_test_result *result)
{
    char text[LINE_BYTES], what[PART_BYTES], number[32];
    part_list parts = {{0}};
    progress_state tested = p->state;
    tested.metric_name = result->metric_name;
    tested.metric = result->metric;
    erase(p);
    erase_above(p);
    /* A run that goes on may have nothing left but its test; a second split of one step follows. */
    if (p->state.step > p->told) {
        progress_format_line(&p->state, line_columns(p), text, sizeof text);
        put_line(p, text);
        p->told = p->state.step;
    }
    progress_number(result->loss, number);
    (void)snprintf(what, sizeof what, ", %s: loss %s", result->what, number);
    add_metric(&tested, parts);
    format_line(&tested, result->epoch, result->step, what, parts, line_columns(p), text,
                sizeof text);
    put_line(p, text);
    draw_above(p);
    (void)fflush(p->out);
    p->shown = clock_seconds();
}
