#include "progress.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clean.h"
#include "clock.h"
#include "diag.h"
#include "mem.h"
#include "number.h"

enum { LINE_BYTES = 1024, BAR_MIN = 8, BAR_MAX = 24, DEFAULT_COLUMNS = 80 };
static const double redraw_seconds = 0.1, line_seconds = 10.0;
static const double memory_of_batches = 0.9; /* weight of what was, against the newest batch */

struct progress {
    FILE *out; /* borrowed */
    bool terminal, utf8, drawn;
    double started, shown; /* seconds; when something was last shown */
    int64_t before;        /* steps made by others */
    int64_t samples;       /* trained on so far */
    double training;       /* seconds of training, without evaluations */
    double resumed;        /* when training began or went on */
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

static double done_share(const progress_state *s)
{
    double share = s->steps > 0 ? (double)s->step / (double)s->steps : 0.0;
    return fmin(fmax(share, 0.0), 1.0);
}

static void append_bar(const progress_state *s, int width, bool utf8, char *out, size_t size)
{
    int full = (int)(done_share(s) * width);
    for (int i = 0; i < width; i++) {
        append(out, size, "%s", i < full ? (utf8 ? "\u2501" : "#") : (utf8 ? "\u2500" : "."));
    }
}

/* The parts of the terminal's line after the bar, the most wanted first. "" where there is none,
 * and none behind it. */
enum { N_PARTS = 7, PART_BYTES = 96 };
static void format_parts(const progress_state *s, char parts[N_PARTS][PART_BYTES])
{
    char left[32], number[32];
    progress_duration(s->seconds_left, left);
    memset(parts, 0, (size_t)N_PARTS * PART_BYTES);
    progress_number(s->loss, number);
    (void)snprintf(parts[0], PART_BYTES, "loss %s", number);
    if (s->metric_name != NULL) {
        progress_number(s->metric, number);
        (void)snprintf(parts[1], PART_BYTES, "%s %s", s->metric_name, number);
    }
    (void)snprintf(parts[2], PART_BYTES, "%.0f samples/s", s->samples_per_second);
    (void)snprintf(parts[3], PART_BYTES, "%s left", left);
    int next = 4;
    if (s->has_blocks) {
        (void)snprintf(parts[next++], PART_BYTES, "evals %" PRId64 "+%" PRId64, s->evals_forward,
                       s->evals_backward);
        (void)snprintf(parts[next++], PART_BYTES, "steps %" PRId64 " (%" PRId64 " rejected)",
                       s->accepted, s->rejected);
    }
    if (s->device.launches >= 0) {
        (void)snprintf(parts[next], PART_BYTES, "waits %" PRId64 " launches %" PRId64,
                       s->device.waits, s->device.launches);
    }
}

void progress_format_bar(const progress_state *state, int columns, bool utf8, char *out,
                         size_t size)
{
    char head[64], tail[LINE_BYTES] = "", parts[N_PARTS][PART_BYTES];
    (void)snprintf(head, sizeof head, "%s %" PRId64 "/%" PRId64 " %3d%%", state->what, state->epoch,
                   state->epochs, (int)(100.0 * done_share(state)));
    format_parts(state, parts);
    int room = columns - 1 - columns_of(head);
    for (int i = 0; i < N_PARTS && parts[i][0] != '\0'; i++) {
        if (columns_of(parts[i]) + 2 > room) {
            break;
        }
        append(tail, sizeof tail, "  %s", parts[i]);
        room -= columns_of(parts[i]) + 2;
    }
    out[0] = '\0';
    append(out, size, "%.*s", columns > 1 ? columns - 1 : 0, head);
    int bar = room - 1 > BAR_MAX ? BAR_MAX : room - 1;
    if (bar >= BAR_MIN) {
        append(out, size, " ");
        append_bar(state, bar, utf8, out, size);
    }
    append(out, size, "%s", tail);
}

void progress_format_line(const progress_state *s, char *out, size_t size)
{
    char left[32], number[32];
    progress_duration(s->seconds_left, left);
    progress_number(s->loss, number);
    out[0] = '\0';
    append(out, size, "epoch %" PRId64 "/%" PRId64 ", step %" PRId64 "/%" PRId64 ": loss %s",
           s->epoch, s->epochs, s->step, s->steps, number);
    if (s->metric_name != NULL) {
        progress_number(s->metric, number);
        append(out, size, ", %s %s", s->metric_name, number);
    }
    append(out, size, ", %.0f samples/s", s->samples_per_second);
    if (s->has_blocks) {
        append(out, size,
               ", evaluations %" PRId64 " forward %" PRId64 " backward, steps %" PRId64
               " accepted %" PRId64 " rejected",
               s->evals_forward, s->evals_backward, s->accepted, s->rejected);
    }
    if (s->device.launches >= 0) {
        append(out, size, ", device waits %" PRId64 " launches %" PRId64 " allocations %" PRId64,
               s->device.waits, s->device.launches, s->device.allocs);
    }
    append(out, size, ", %s left", left);
}

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

static int terminal_columns(FILE *out)
{
    struct winsize size;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return DEFAULT_COLUMNS;
}

odeon_status progress_create(FILE *out, int64_t epochs, int64_t steps, progress **out_progress)
{
    progress *p = mem_zalloc(1, sizeof *p);
    *out_progress = p;
    if (p == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "progress: no memory for %zu bytes", sizeof *p);
    }
    double now = clock_seconds();
    *p = (progress){.out = out,
                    .terminal = isatty(fileno(out)) != 0,
                    .utf8 = locale_is_utf8(),
                    .started = now,
                    .shown = now,
                    .resumed = now,
                    .state = {.what = "train", .epochs = epochs, .steps = steps}};
    return ODEON_OK;
}

void progress_begin_after(progress *p, int64_t step)
{
    p->before = step;
}

static void erase(progress *p)
{
    if (p->drawn) {
        fprintf(p->out, "\r\x1b[K");
        p->drawn = false;
    }
}

void progress_destroy(progress *p)
{
    if (p != NULL) {
        erase(p);
        (void)fflush(p->out); /* a failure stays in the stream's error flag */
        mem_free(p);
    }
}

static void show(progress *p, double now)
{
    char text[LINE_BYTES], line[LINE_BYTES];
    p->shown = now;
    if (p->terminal) {
        progress_format_bar(&p->state, terminal_columns(p->out), p->utf8, text, sizeof text);
        (void)clean_line(text, line, sizeof line);
        fprintf(p->out, "\r%s\x1b[K", line);
        p->drawn = true;
    } else {
        progress_format_line(&p->state, text, sizeof text);
        (void)clean_line(text, line, sizeof line);
        fprintf(p->out, "%s\n", line);
    }
    (void)fflush(p->out);
}

static void show_if_due(progress *p, double now)
{
    if (now - p->shown >= (p->terminal ? redraw_seconds : line_seconds)) {
        show(p, now);
    }
}

static void average(progress *p, double loss, double metric)
{
    p->weight = memory_of_batches * p->weight + (1.0 - memory_of_batches);
    p->loss = memory_of_batches * p->loss + (1.0 - memory_of_batches) * loss;
    p->metric = memory_of_batches * p->metric + (1.0 - memory_of_batches) * metric;
    p->state.loss = p->loss / p->weight;
    p->state.metric = p->metric / p->weight;
}

void progress_train(progress *p, int64_t epoch, int64_t step, int64_t n, const char *metric_name,
                    double metric, const session_result *result)
{
    double now = clock_seconds();
    progress_state *s = &p->state;
    p->samples += n;
    p->training += now - p->resumed;
    p->resumed = now;
    average(p, result->loss, metric);
    s->what = "train";
    s->epoch = epoch;
    s->step = step;
    s->metric_name = metric_name;
    s->samples_per_second = p->training > 0.0 ? (double)p->samples / p->training : 0.0;
    s->seconds_left = p->training * (double)(s->steps - step) / (double)(step - p->before);
    s->device = result->device;
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

void progress_test(progress *p, int64_t done, int64_t total)
{
    double now = clock_seconds();
    p->resumed = now; /* time spent here is not training's */
    if (p->terminal && now - p->shown >= redraw_seconds) {
        p->shown = now;
        fprintf(p->out, "\rtest %" PRId64 "/%" PRId64 "\x1b[K", done, total);
        p->drawn = true;
        (void)fflush(p->out);
    }
}

void progress_say(progress *p, const char *format, ...)
{
    erase(p);
    char text[LINE_BYTES], line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)clean_line(text, line, sizeof line);
    fprintf(p->out, "%s\n", line);
    (void)fflush(p->out);
}

void progress_mark(progress *p)
{
    char text[LINE_BYTES];
    progress_format_line(&p->state, text, sizeof text);
    progress_say(p, "%s", text);
    p->shown = clock_seconds();
}
