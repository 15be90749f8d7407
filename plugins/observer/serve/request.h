/* request.h: what a reader wants, from the bytes that it has sent. */
#ifndef ODEON_OBSERVER_SERVE_REQUEST_H
#define ODEON_OBSERVER_SERVE_REQUEST_H
#include <stddef.h>

typedef enum request {
    REQUEST_UNFINISHED, /* more bytes have to come */
    REQUEST_SHELL,      /* "/": loads the page, and loads it again when it has changed */
    REQUEST_SCRIPT,     /* "/live.js", of the shell */
    REQUEST_PAGE,       /* "/page" */
    REQUEST_EVENTS,     /* "/events" */
    REQUEST_BAD,        /* 400 */
    REQUEST_FOREIGN,    /* 403: the name of another host, as a page of another site would send */
    REQUEST_UNKNOWN,    /* 404 */
    REQUEST_METHOD,     /* 405: other than GET */
    REQUEST_TOO_LONG    /* 431 */
} request;

/* Of n bytes of at most `most`. Nothing but the first line and Host is read. */
request request_parse(const char *bytes, size_t n, size_t most);

#endif
