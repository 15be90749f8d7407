#include "answers.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_BYTES = 640, MOST_PAGE_BYTES = 64 << 20 };

/* Without scripts the page itself, which asks to be loaded again. */
static const char shell[] =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Odeon</title>"
    "<noscript><meta http-equiv=\"refresh\" content=\"0;url=/page\"></noscript>"
    "<script src=\"/live.js\" defer></script></head><body></body></html>\n";

/* Takes over style and body of the page, which has no script; where the reader has scrolled to
 * stays. After the end nothing is asked for any more. */
static const char script[] =
    "'use strict';\n"
    "async function load() {\n"
    "  try {\n"
    "    const answer = await fetch('/page');\n"
    "    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');\n"
    "    const y = window.scrollY;\n"
    "    document.title = page.title;\n"
    "    document.head.querySelectorAll('style').forEach(x => x.remove());\n"
    "    page.querySelectorAll('style').forEach(x => document.head.append(x));\n"
    "    document.body.replaceWith(page.body);\n"
    "    window.scrollTo(0, y);\n"
    "  } catch (error) {\n"
    "    console.log('the run is not there any more');\n"
    "  }\n"
    "}\n"
    "const events = new EventSource('/events');\n"
    "events.addEventListener('page', load);\n"
    "events.addEventListener('end', () => { events.close(); load(); });\n"
    "load();\n";

static const char waiting[] = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                              "<meta http-equiv=\"refresh\" content=\"1\"><title>Odeon</title>"
                              "</head><body><p>The first page is being drawn.</p></body></html>\n";

/* What is answered in so many words. */
typedef struct fixed {
    const char *status, *type, *body;
} fixed;

static fixed find_fixed(request r)
{
    static const char html[] = "text/html; charset=utf-8", plain[] = "text/plain; charset=utf-8";
    switch (r) {
    case REQUEST_SHELL:
        return (fixed){"200 OK", html, shell};
    case REQUEST_SCRIPT:
        return (fixed){"200 OK", "text/javascript; charset=utf-8", script};
    case REQUEST_PAGE:
        return (fixed){"200 OK", html, waiting};
    case REQUEST_FOREIGN:
        return (fixed){"403 Forbidden", plain, "Host is neither 127.0.0.1 nor localhost\n"};
    case REQUEST_UNKNOWN:
        return (fixed){"404 Not Found", plain, "there is / alone\n"};
    case REQUEST_METHOD:
        return (fixed){"405 Method Not Allowed", plain, "there is GET alone\n"};
    case REQUEST_TOO_LONG:
        return (fixed){"431 Request Header Fields Too Large", plain, "the request is too long\n"};
    default:
        return (fixed){"400 Bad Request", plain, "that is no request\n"};
    }
}

/* Scripts come from this server alone, and the page's own from nowhere. */
static size_t put_head(const fixed *f, size_t length, char *out)
{
    int n = snprintf(out, HEAD_BYTES,
                     "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\nCache-Control: no-store\r\n"
                     "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
                     "Content-Security-Policy: default-src 'none'; script-src 'self'; "
                     "connect-src 'self'; style-src 'unsafe-inline'; img-src data:; "
                     "frame-ancestors 'none'\r\n\r\n",
                     f->status, f->type, length);
    return n > 0 ? (size_t)n : 0;
}

static answer make(const odeon_host *host, const fixed *f, size_t length)
{
    char head[HEAD_BYTES];
    size_t n = put_head(f, length, head);
    answer a = {.data = host->alloc(host, n + length), .n = n + length};
    if (a.data != NULL) {
        memcpy(a.data, head, n);
        if (f->body != NULL) {
            memcpy(a.data + n, f->body, length);
        }
    }
    return a;
}

/* The file is replaced as a whole, so that one that is open stays what it is. */
static answer make_page(const odeon_host *host, int file)
{
    fixed f = find_fixed(REQUEST_PAGE);
    struct stat info;
    answer none = {.data = NULL};
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > MOST_PAGE_BYTES) {
        return none;
    }
    size_t length = (size_t)info.st_size, done = 0;
    f.body = NULL;
    answer a = make(host, &f, length);
    char *body = a.data != NULL ? a.data + (a.n - length) : NULL;
    while (body != NULL && done < length) {
        ssize_t n = read(file, body + done, length - done);
        if (n <= 0) {
            host->free(host, a.data);
            return none;
        }
        done += (size_t)n;
    }
    return a;
}

answer answer_make(const odeon_host *host, request r, const char *path)
{
    static const char stream[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                 "Cache-Control: no-store\r\n\r\nretry: 3000\n\n";
    if (r == REQUEST_EVENTS) {
        answer a = {.data = host->alloc(host, sizeof stream - 1), .n = sizeof stream - 1};
        if (a.data != NULL) {
            memcpy(a.data, stream, a.n);
        }
        return a;
    }
    int file = r == REQUEST_PAGE ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    if (file >= 0) {
        answer a = make_page(host, file);
        (void)close(file);
        return a;
    }
    fixed f = find_fixed(r);
    return make(host, &f, strlen(f.body));
}

const char *answer_full(void)
{
    return "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
}
