#include "base/clean.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum {
    ESCAPE_BYTES = 12, /* "\u202e", and more than any code takes */
    MOST_BYTES = 4     /* of a character */
};

/* How the character at p, of left bytes that there are, is to be shown: in shown, or as it is if
 * that is "". Returns its bytes. */
static size_t show(const unsigned char *p, size_t left, char shown[ESCAPE_BYTES])
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

bool clean_line(const char *text, char *out, size_t size)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t left = strlen(text), used = 0;
    while (left > 0) {
        char shown[ESCAPE_BYTES];
        size_t n = show(p, left, shown), length = shown[0] != '\0' ? strlen(shown) : n;
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

typedef struct clean_state {
    FILE *to;
    unsigned char begun[MOST_BYTES]; /* the beginning of a character whose rest has not come yet */
    size_t n_begun;
} clean_state;

/* Could more bytes make a character of these? */
static bool is_begun(const unsigned char *p, size_t left)
{
    static const unsigned char next[] = {0x80, 0x90, 0xa0}; /* one of which may always follow */
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

/* Writes what there is, up to the beginning of a character at the end; answers how many bytes that
 * are. */
static size_t pass(FILE *to, const unsigned char *bytes, size_t n)
{
    size_t plain = 0, at = 0; /* from plain to at nothing needs an escape */
    while (at < n && !is_begun(bytes + at, n - at)) {
        char shown[ESCAPE_BYTES];
        size_t length = show(bytes + at, n - at, shown);
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

/* Completes the character that has begun, or shows that it is none. */
static size_t pass_begun(clean_state *s, const unsigned char *bytes, size_t n)
{
    size_t taken = 0;
    while (s->n_begun > 0 && taken < n) {
        s->begun[s->n_begun++] = bytes[taken++];
        size_t passed = pass(s->to, s->begun, s->n_begun);
        memmove(s->begun, s->begun + passed, s->n_begun - passed);
        s->n_begun -= passed;
    }
    return taken;
}

static ssize_t write_clean(void *cookie, const char *buffer, size_t n)
{
    clean_state *s = cookie;
    const unsigned char *bytes = (const unsigned char *)buffer;
    size_t taken = pass_begun(s, bytes, n);
    size_t passed = taken + pass(s->to, bytes + taken, n - taken);
    if (passed < n) {
        s->n_begun = n - passed;
        memcpy(s->begun, bytes + passed, s->n_begun);
    }
    return ferror(s->to) == 0 ? (ssize_t)n : 0;
}

static int close_clean(void *cookie)
{
    clean_state *s = cookie;
    for (size_t i = 0; i < s->n_begun; i++) {
        (void)fprintf(s->to, "\\x%02x", (unsigned)s->begun[i]);
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
    (void)setvbuf(stream, NULL, _IONBF, 0); /* so that what is written to `to` keeps its place */
    return stream;
}
