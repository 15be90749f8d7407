#include "request.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool is_text(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c < ' ' && c != '\r' && c != '\n' && c != '\t') {
            return false;
        }
    }
    return true;
}

static bool begins(const char *bytes, size_t n, const char *with)
{
    size_t m = strlen(with);
    return n >= m && memcmp(bytes, with, m) == 0;
}

/* A name that leads to another machine as well would let any page of the web read this one, once
 * its server has the name lead to loopback (DNS rebinding). */
static bool is_own_host(const char *value, size_t n)
{
    static const char *const names[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t m = strlen(names[i]);
        if (n >= m && strncasecmp(value, names[i], m) == 0 && (n == m || value[m] == ':')) {
            return true;
        }
    }
    return false;
}

/* Is there exactly one Host, and is it this machine's? */
static bool has_own_host(const char *head, size_t n)
{
    static const char name[] = "host:";
    int own = 0, all = 0;
    const char *at = head, *end = head + n;
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL && ++at < end) {
        size_t left = (size_t)(end - at), m = sizeof name - 1;
        if (left > m && strncasecmp(at, name, m) == 0) {
            const char *value = at + m;
            const char *stop = memchr(value, '\r', (size_t)(end - value));
            stop = stop != NULL ? stop : end;
            while (value < stop && *value == ' ') {
                value++;
            }
            all++;
            own += is_own_host(value, (size_t)(stop - value));
        }
    }
    return all == 1 && own == 1;
}

static request find_path(const char *path, size_t n)
{
    static const struct {
        const char *path;
        request request;
    } known[] = {{"/", REQUEST_SHELL},
                 {"/live.js", REQUEST_SCRIPT},
                 {"/page", REQUEST_PAGE},
                 {"/events", REQUEST_EVENTS}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].path) == n && memcmp(known[i].path, path, n) == 0) {
            return known[i].request;
        }
    }
    return REQUEST_UNKNOWN;
}

/* "GET PATH HTTP/1.1" */
static request parse_line(const char *line, size_t n)
{
    const char *path = memchr(line, ' ', n);
    path = path != NULL ? path + 1 : NULL;
    const char *version = path != NULL ? memchr(path, ' ', n - (size_t)(path - line)) : NULL;
    if (version == NULL || path == line + 1 ||
        !begins(version + 1, n - (size_t)(version + 1 - line), "HTTP/1.")) {
        return REQUEST_BAD;
    }
    return begins(line, n, "GET ") ? find_path(path, (size_t)(version - path)) : REQUEST_METHOD;
}

request request_parse(const char *bytes, size_t n, size_t most)
{
    static const char end[] = "\r\n\r\n";
    if (!is_text(bytes, n)) {
        return REQUEST_BAD;
    }
    const char *stop = memmem(bytes, n, end, sizeof end - 1);
    if (stop == NULL) {
        return n >= most ? REQUEST_TOO_LONG : REQUEST_UNFINISHED;
    }
    size_t head = (size_t)(stop - bytes);
    const char *line = memmem(bytes, head + 2, "\r\n", 2);
    request r = parse_line(bytes, (size_t)(line - bytes));
    return r == REQUEST_BAD || has_own_host(bytes, head) ? r : REQUEST_FOREIGN;
}
