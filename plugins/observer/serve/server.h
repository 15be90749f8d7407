/* server.h: an HTTP server on loopback that serves one page, on a thread of its own. Source: RFC
 * 9112; server-sent events: HTML, section 9.2. */
#ifndef ODEON_OBSERVER_SERVE_SERVER_H
#define ODEON_OBSERVER_SERVE_SERVER_H
#include <stdint.h>

#include "odeon/host.h"

typedef struct server server;

/* Listens on 127.0.0.1 alone; port 0: one that is free. It takes no requests before server_start.
 * ODEON_ERR_IO: the port is in use, or may not be used; ODEON_ERR_NOMEM. */
odeon_status server_open(const odeon_host *host, int64_t port, server **out);
int server_port(const server *s);

/* Begins to serve the file, whose path is copied. Later calls do nothing. */
odeon_status server_start(server *s, const char *file);

/* What readers of the events are told next: of several within a moment they may miss all but the
 * last. text is copied, as far as there is room. Never waits for a reader. */
void server_publish(server *s, const char *text);

/* Tells readers that the run has ended, gives them a moment to load the last page, ends the thread
 * and closes everything. NULL is allowed. */
void server_close(server *s);

#endif
