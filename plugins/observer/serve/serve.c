/* serve: the run's page on http://127.0.0.1:PORT/ for as long as the run goes on. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "odeon/observer.h"
#include "odeon/plugin.h"

#include "server.h"

typedef struct serve {
    ODEON_INSTANCE;
    int64_t port;
    double every;
    double drawn; /* by the run's clock */
    bool has_drawn;
    server *server;
} serve;

static const odeon_option *const options[] = {
    ODEON_OPTION(serve, port, I64, .default_text = "8080", .min_text = "0", .max_text = "65535",
                 .help = "port on loopback; 0: one that is free"),
    ODEON_OPTION(serve, every, F64, .default_text = "5", .min_text = "0", .max_text = "86400",
                 .unit = "seconds", .help = "time from one drawing of the page to the next",
                 .aliases = "interval|seconds|period"),
    NULL};

/* A port that cannot be had is found before the run has a folder. */
static odeon_status init(void *self)
{
    serve *x = self;
    return server_open(x->host, x->port, &x->server);
}

/* The page of the ended run is drawn by now. */
static void fini(void *self)
{
    serve *x = self;
    server_close(x->server);
}

static odeon_status begin(serve *x, const odeon_event *event)
{
    char path[4096], text[96];
    if (snprintf(path, sizeof path, "%s/report.html", event->folder) >= (int)sizeof path) {
        return odeon_fail(x->host, ODEON_ERR_IO, "the folder's path is too long");
    }
    (void)snprintf(text, sizeof text, "the run's page: http://127.0.0.1:%d/",
                   server_port(x->server));
    x->host->log(x->host, ODEON_LOG_INFO, text);
    return server_start(x->server, path);
}

static const odeon_cell *find(const odeon_event *event, const char *name)
{
    for (int64_t i = 0; i < event->n_cells; i++) {
        if (strcmp(event->cells[i].name, name) == 0) {
            return &event->cells[i];
        }
    }
    return NULL;
}

/* {"step":10,"steps":100,"split":"train","loss":0.25}; JSON has no infinity. */
static void publish(serve *x, const odeon_event *event)
{
    char text[256];
    const odeon_cell *split = find(event, "split"), *loss = find(event, "loss");
    bool known = loss != NULL && isfinite(loss->value);
    (void)snprintf(text, sizeof text,
                   "{\"step\":%" PRId64 ",\"steps\":%" PRId64 ",\"split\":\"%s\",\"loss\":%s}",
                   event->step, event->steps, split != NULL ? split->text : "train",
                   known ? loss->text : "null");
    server_publish(x->server, text);
}

static void draw_if_due(serve *x, const odeon_event *event)
{
    const odeon_observer_services *s = event->services;
    bool is_due =
        event->type == ODEON_EVENT_END || !x->has_drawn || event->seconds - x->drawn >= x->every;
    if (s != NULL && is_due) {
        x->has_drawn = true;
        x->drawn = event->seconds;
        s->draw_page(s->self, x->every);
    }
}

static odeon_status see(void *self, const odeon_event *event, const odeon_line *line)
{
    serve *x = self;
    (void)line;
    if (event->type == ODEON_EVENT_BEGIN) {
        return begin(x, event);
    }
    if (event->type == ODEON_EVENT_ROW) {
        publish(x, event);
    }
    draw_if_due(x, event);
    return ODEON_OK;
}

static const odeon_observer_ops ops = {.struct_size = sizeof ops,
                                       .wants = ODEON_EVENT_BIT(BEGIN) | ODEON_EVENT_BIT(ROW) |
                                                ODEON_EVENT_BIT(END),
                                       .see = see};

ODEON_PLUGIN_OPTIONS(OBSERVER, "serve", &ops, "the run's page on loopback while it goes on",
                     "RFC 9112; HTML: server-sent events", NULL, serve, options, init, fini);
