#include "base/clean.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum {
    ESCAPE_BYTES = 12, /* "\u202e" with its NUL, and room to spare */
    MOST_BYTES = 4     /* longest UTF-8 sequence */
};

/* Writes the escape for the character at p, where left bytes remain, to shown, or "" if it can be
 * printed as it is. Returns the length of the character; invalid UTF-8 is escaped byte by byte. */
static size_t escape(const unsigned char *p, size_t left, char shown[ESCAPE_BYTES])
{
    size_t bytes = text_utf8(p, left);
    shown[0] = '\0';
    if (bytes <= 1 && (bytes == 0 || text_control(p, bytes) >= 0)) {
        (void)snprintf(shown, ESCAPE_BYTES, "\\x%02x", (unsigned)p[0]);
        return 1;
    }
    int32_t control = text_control(p, bytes);
    if (control >= 0) {
        (void)snprintf(shown, ESCAPE_BYTES, "\\u%04x", (unsigned)control);
    }
    return bytes;
}

/* Works by characters, so that neither a character nor an escape is cut. */
bool clean_line(const char *text, char *out, size_t size)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t left = strlen(text), used = 0;
    while (left > 0) {
        char shown[ESCAPE_BYTES];
        size_t n = escape(p, left, shown), length = shown[0] != '\0' ? strlen(shown) : n;
        bool blank = *p == '\n' || *p == '\r' || *p == '\t';
        length = blank ? 1 : length;
        if (used + length >= size) {
            break;
        }
        memcpy(out + used, blank ? " " : shown[0] != '\0' ? shown : (const char *)p, length);
        used += length;
        p += n;
        left -= n;
    }
    out[used] = '\0';
    return left == 0;
}

/* ---- a stream ---- */

/* State of a cleaning stream. A character may be split over two writes, so its first bytes wait in
 * pending; n_pending < MOST_BYTES between calls. */
typedef struct clean_state {
    FILE *to;
    /* first bytes of a character whose rest has not been written yet */
    unsigned char pending[MOST_BYTES];
    size_t n_pending;
} clean_state;

/* Could the left bytes at p be the start of a valid character? Tried with each possible kind of
 * second byte, as overlong forms and surrogates restrict it (text_utf8). */
static bool is_incomplete(const unsigned char *p, size_t left)
{
    /* at least one of these may follow any lead byte */
    static const unsigned char next[] = {0x80, 0x90, 0xa0};
    if (left >= MOST_BYTES || text_utf8(p, left) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof next; i++) {
        unsigned char whole[MOST_BYTES] = {0, 0x80, 0x80, 0x80};
        memcpy(whole, p, left);
        whole[left] = left == 1 ? next[i] : 0x80;
        if (text_utf8(whole, MOST_BYTES) > left) {
            return true;
        }
    }
    return false;
}

/* Writes bytes cleaned, up to an incomplete character at the end. Returns how many bytes were
 * consumed. Stretches without escapes are written in one call. */
static size_t write_cleaned(FILE *to, const unsigned char *bytes, size_t n)
{
    size_t plain = 0, at = 0; /* bytes [plain, at) need no escape and are not written yet */
    while (at < n && !is_incomplete(bytes + at, n - at)) {
        char shown[ESCAPE_BYTES];
        size_t length = escape(bytes + at, n - at, shown);
        bool allowed = bytes[at] == '\n' || bytes[at] == '\t';
        if (shown[0] != '\0' && !allowed) {
            (void)fwrite(bytes + plain, 1, at - plain, to);
            (void)fputs(shown, to);
            plain = at + length;
        }
        at += length;
    }
    (void)fwrite(bytes + plain, 1, at - plain, to);
    return at;
}

/* Feeds bytes one by one to the pending character until it is complete or proves invalid. Returns
 * how many were taken. */
static size_t complete_pending(clean_state *s, const unsigned char *bytes, size_t n)
{
    size_t taken = 0;
    while (s->n_pending > 0 && taken < n) {
        s->pending[s->n_pending++] = bytes[taken++];
        size_t passed = write_cleaned(s->to, s->pending, s->n_pending);
        memmove(s->pending, s->pending + passed, s->n_pending - passed);
        s->n_pending -= passed;
    }
    return taken;
}

/* The write function of the stream. Bytes of an incomplete character count as written, since they
 * are kept in pending. */
static ssize_t write_clean(void *cookie, const char *buffer, size_t n)
{
    clean_state *s = cookie;
    const unsigned char *bytes = (const unsigned char *)buffer;
    size_t taken = complete_pending(s, bytes, n);
    size_t passed = taken + write_cleaned(s->to, bytes + taken, n - taken);
    if (passed < n) {
        s->n_pending = n - passed;
        memcpy(s->pending, bytes + passed, s->n_pending);
    }
    return ferror(s->to) == 0 ? (ssize_t)n : 0;
}

/* A character that was never completed is shown as escapes. */
static int close_clean(void *cookie)
{
    clean_state *s = cookie;
    for (size_t i = 0; i < s->n_pending; i++) {
        (void)fprintf(s->to, "\\x%02x", (unsigned)s->pending[i]);
    }
    mem_free(s);
    return 0;
}

FILE *clean_stream(FILE *to)
{
    static const cookie_io_functions_t calls = {.write = write_clean, .close = close_clean};
    clean_state *s = mem_zalloc(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->to = to;
    FILE *stream = fopencookie(s, "w", calls);
    if (stream == NULL) {
        mem_free(s);
        return NULL;
    }
    /* unbuffered, so that its output keeps its order with direct writes to `to` */
    (void)setvbuf(stream, NULL, _IONBF, 0);
    return stream;
}
