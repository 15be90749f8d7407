/* One thread waits for all sockets at once; none of them is ever waited for alone, and each has a
 * limited time, so that a reader that is slow, or stops, takes a place and nothing else. What the
 * training thread says is copied under a lock that is held for no longer than a copy. */
#include "server.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "answers.h"
#include "request.h"

enum { MOST_CLIENTS = 16, REQUEST_BYTES = 4096, PATH_BYTES = 4096, EVENT_BYTES = 1024 };
enum { POLL_MS = 250 };
/* To send a request, to take an answer, for the last page after the end. */
static const double request_seconds = 5.0, answer_seconds = 30.0, last_seconds = 2.0;

/* A reader. Invariant: fd -1 is a free place; answer is what is left to be sent. */
typedef struct client {
    int fd;
    char in[REQUEST_BYTES];
    size_t n_in;
    answer out;
    size_t sent;
    bool events;  /* it stays, for events of rows and pages */
    uint64_t row; /* number of the last row that it was told */
    struct timespec page;
    double deadline;
} client;

struct server {
    const odeon_host *host;
    int socket, wake, port;
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t lock; /* of the three below */
    bool stopping;
    uint64_t n_rows;
    char row[EVENT_BYTES];
    char file[PATH_BYTES];
    /* the thread's alone */
    client clients[MOST_CLIENTS];
    bool rests; /* no further reader could be taken: until the next round none is waited for */
    bool ends;
    int last_pages; /* that are still to be loaded after the end */
    double end_deadline;
};

static double now(void)
{
    struct timespec t = {.tv_sec = 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- opening ---- */

static odeon_status listen_on(server *s, int64_t port)
{
    int on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    s->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    s->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->socket < 0 || s->wake < 0 ||
        setsockopt(s->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
        return odeon_fail(s->host, ODEON_ERR_IO, "cannot make a socket: %s", strerror(errno));
    }
    if (bind(s->socket, (const struct sockaddr *)&at, sizeof at) != 0 ||
        listen(s->socket, MOST_CLIENTS) != 0) {
        return odeon_fail(s->host, ODEON_ERR_IO,
                          "cannot listen on 127.0.0.1:%d: %s; choose another port, or 0 for one "
                          "that is free",
                          (int)port, strerror(errno));
    }
    if (getsockname(s->socket, (struct sockaddr *)&at, &size) != 0) {
        return odeon_fail(s->host, ODEON_ERR_IO, "cannot find the port: %s", strerror(errno));
    }
    s->port = ntohs(at.sin_port);
    return ODEON_OK;
}

odeon_status server_open(const odeon_host *host, int64_t port, server **out)
{
    server *s = *out = host->alloc(host, sizeof *s);
    if (s == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "no memory to serve the page");
    }
    memset(s, 0, sizeof *s);
    s->host = host;
    s->socket = s->wake = -1;
    for (int i = 0; i < MOST_CLIENTS; i++) {
        s->clients[i].fd = -1;
    }
    (void)pthread_mutex_init(&s->lock, NULL);
    odeon_status status = listen_on(s, port);
    if (status != ODEON_OK) {
        server_close(s);
        *out = NULL;
    }
    return status;
}

int server_port(const server *s)
{
    return s->port;
}

/* ---- readers ---- */

static void drop(server *s, client *c)
{
    (void)close(c->fd);
    s->host->free(s->host, c->out.data);
    *c = (client){.fd = -1};
}

static client *find_place(server *s)
{
    for (int i = 0; i < MOST_CLIENTS; i++) {
        if (s->clients[i].fd < 0) {
            return &s->clients[i];
        }
    }
    return NULL;
}

static void take_clients(server *s)
{
    for (;;) {
        int fd = accept4(s->socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) { /* without descriptors the queue stays, and poll would not wait */
            s->rests = errno != EAGAIN && errno != EINTR && errno != ECONNABORTED;
            return;
        }
        client *c = find_place(s);
        if (c == NULL) {
            (void)send(fd, answer_full(), strlen(answer_full()), MSG_NOSIGNAL);
            (void)close(fd);
            continue;
        }
        *c = (client){.fd = fd, .deadline = now() + request_seconds};
    }
}

/* Without memory the reader is not answered. */
static void begin_answer(server *s, client *c, request r)
{
    c->out = answer_make(s->host, r, s->file);
    c->sent = 0;
    c->events = r == REQUEST_EVENTS;
    c->deadline = now() + answer_seconds;
    s->last_pages -= s->ends && r == REQUEST_PAGE;
    if (c->out.data == NULL) {
        drop(s, c);
    }
}

static void receive(server *s, client *c)
{
    ssize_t n = recv(c->fd, c->in + c->n_in, sizeof c->in - c->n_in, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        drop(s, c);
        return;
    }
    c->n_in += (size_t)n;
    request r = request_parse(c->in, c->n_in, sizeof c->in);
    if (r != REQUEST_UNFINISHED) {
        begin_answer(s, c, r);
    }
}

/* A socket that is closed with bytes unread is reset, and its reader may lose the answer. */
static void finish(server *s, client *c)
{
    char rest[REQUEST_BYTES];
    (void)shutdown(c->fd, SHUT_WR);
    for (int i = 0; i < MOST_CLIENTS && recv(c->fd, rest, sizeof rest, 0) > 0; i++) {
    }
    drop(s, c);
}

static void send_answer(server *s, client *c)
{
    ssize_t n = send(c->fd, c->out.data + c->sent, c->out.n - c->sent, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n < 0) {
        drop(s, c);
        return;
    }
    c->sent += (size_t)n;
    if (c->sent < c->out.n) {
        return;
    }
    s->host->free(s->host, c->out.data);
    c->out = (answer){.data = NULL};
    if (!c->events || s->ends) {
        finish(s, c);
    }
}

/* ---- events ---- */

static void tell(server *s, client *c, const char *text)
{
    size_t n = strlen(text);
    c->out = (answer){.data = s->host->alloc(s->host, n), .n = n};
    c->sent = 0;
    c->deadline = now() + answer_seconds;
    if (c->out.data == NULL) {
        drop(s, c);
        return;
    }
    memcpy(c->out.data, text, n);
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec || a->tv_nsec != b->tv_nsec;
}

/* Whoever has taken all of the last event gets the newest. */
static void tell_news(server *s, client *c)
{
    char text[EVENT_BYTES + 128] = "";
    struct stat page = {.st_size = 0};
    (void)pthread_mutex_lock(&s->lock);
    if (c->row != s->n_rows) {
        (void)snprintf(text, sizeof text, "event: row\ndata: %s\n\n", s->row);
    }
    c->row = s->n_rows;
    (void)pthread_mutex_unlock(&s->lock);
    if (stat(s->file, &page) == 0 && is_later(&page.st_mtim, &c->page)) {
        c->page = page.st_mtim;
        (void)strcat(text, "event: page\ndata: new\n\n");
    }
    if (s->ends) {
        (void)strcat(text, "event: end\ndata: end\n\n");
    }
    if (text[0] != '\0') {
        tell(s, c, text);
    }
}

/* ---- the loop ---- */

static void serve_client(server *s, client *c, short events)
{
    if ((events & (POLLERR | POLLNVAL)) != 0) {
        drop(s, c);
        return;
    }
    bool waits = c->out.data == NULL && !c->events;
    if (waits && (events & (POLLIN | POLLHUP)) != 0) {
        receive(s, c);
    } else if (c->events && c->out.data == NULL && (events & (POLLIN | POLLHUP)) != 0) {
        char rest[64];
        if (recv(c->fd, rest, sizeof rest, 0) == 0) {
            drop(s, c);
        }
    }
    if (c->fd >= 0 && c->events && c->out.data == NULL) {
        tell_news(s, c);
    }
    if (c->fd >= 0 && c->out.data != NULL) {
        send_answer(s, c);
    }
}

static bool is_stopping(server *s)
{
    (void)pthread_mutex_lock(&s->lock);
    bool stopping = s->stopping;
    (void)pthread_mutex_unlock(&s->lock);
    return stopping;
}

/* Those who read events are told of the end, and load the page once more. */
static void begin_end(server *s)
{
    s->ends = true;
    s->end_deadline = now() + last_seconds;
    for (int i = 0; i < MOST_CLIENTS; i++) {
        s->last_pages += s->clients[i].fd >= 0 && s->clients[i].events;
    }
}

static bool is_done(const server *s)
{
    bool busy = s->last_pages > 0;
    for (int i = 0; i < MOST_CLIENTS; i++) {
        const client *c = &s->clients[i];
        busy = busy || (c->fd >= 0 && (c->n_in > 0 || c->out.data != NULL));
    }
    return s->ends && (!busy || now() >= s->end_deadline);
}

static void wait_for_clients(server *s, struct pollfd *polled)
{
    polled[MOST_CLIENTS] = (struct pollfd){.fd = s->rests ? -1 : s->socket, .events = POLLIN};
    polled[MOST_CLIENTS + 1] = (struct pollfd){.fd = s->wake, .events = POLLIN};
    for (int i = 0; i < MOST_CLIENTS; i++) {
        const client *c = &s->clients[i];
        polled[i] = (struct pollfd){.fd = c->fd, .events = c->out.data != NULL ? POLLOUT : POLLIN};
    }
    uint64_t woken;
    (void)poll(polled, MOST_CLIENTS + 2, POLL_MS);
    (void)!read(s->wake, &woken, sizeof woken);
}

static void *server_main(void *argument)
{
    server *s = argument;
    struct pollfd polled[MOST_CLIENTS + 2];
    while (!is_done(s)) {
        wait_for_clients(s, polled);
        for (int i = 0; i < MOST_CLIENTS; i++) {
            client *c = &s->clients[i];
            if (c->fd >= 0 && polled[i].fd == c->fd) {
                serve_client(s, c, polled[i].revents);
            }
            if (c->fd >= 0 && !(c->events && c->out.data == NULL) && now() >= c->deadline) {
                drop(s, c);
            }
        }
        take_clients(s);
        if (!s->ends && is_stopping(s)) {
            begin_end(s);
        }
    }
    return NULL;
}

/* ---- from the training thread ---- */

odeon_status server_start(server *s, const char *file)
{
    sigset_t all, before;
    if (s->has_thread) {
        return ODEON_OK;
    }
    if (snprintf(s->file, sizeof s->file, "%s", file) >= PATH_BYTES) {
        return odeon_fail(s->host, ODEON_ERR_IO, "the path of the page is too long: %s", file);
    }
    (void)sigfillset(&all); /* signals are the main thread's */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&s->thread, NULL, server_main, s);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    s->has_thread = error == 0;
    return error == 0 ? ODEON_OK
                      : odeon_fail(s->host, ODEON_ERR_NOMEM, "no thread: %s", strerror(error));
}

static void wake(server *s)
{
    uint64_t one = 1;
    (void)!write(s->wake, &one, sizeof one);
}

void server_publish(server *s, const char *text)
{
    (void)pthread_mutex_lock(&s->lock);
    (void)snprintf(s->row, sizeof s->row, "%s", text);
    s->n_rows++;
    (void)pthread_mutex_unlock(&s->lock); /* the thread looks soon enough by itself */
}

void server_close(server *s)
{
    if (s == NULL) {
        return;
    }
    if (s->has_thread) {
        (void)pthread_mutex_lock(&s->lock);
        s->stopping = true;
        (void)pthread_mutex_unlock(&s->lock);
        wake(s);
        (void)pthread_join(s->thread, NULL);
    }
    for (int i = 0; i < MOST_CLIENTS; i++) {
        if (s->clients[i].fd >= 0) {
            drop(s, &s->clients[i]);
        }
    }
    (void)close(s->socket);
    (void)close(s->wake);
    (void)pthread_mutex_destroy(&s->lock);
    s->host->free(s->host, s);
}
