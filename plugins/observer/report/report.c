/* report: the run's page, report.html, drawn anew while the run goes on and once when it has ended.
 */
#include <stdbool.h>

#include "odeon/observer.h"
#include "odeon/plugin.h"

typedef struct report {
    ODEON_INSTANCE;
    double every;
    double drawn; /* by the run's clock */
    int32_t has_drawn;
} report;

static const odeon_option *const options[] = {
    ODEON_OPTION(report, every, F64, .default_text = "10", .min_text = "0", .max_text = "86400",
                 .unit = "seconds", .help = "time from one drawing to the next",
                 .aliases = "interval|seconds|period"),
    NULL};

/* There is nothing new to draw but with a row. */
static odeon_status see(void *self, const odeon_event *event, const odeon_line *line)
{
    report *x = self;
    const odeon_observer_services *s = event->services;
    (void)line;
    bool is_due =
        event->type == ODEON_EVENT_END || !x->has_drawn || event->seconds - x->drawn >= x->every;
    if (s != NULL && is_due) {
        x->has_drawn = 1;
        x->drawn = event->seconds;
        s->draw_page(s->self, x->every);
    }
    return ODEON_OK;
}

static const odeon_observer_ops ops = {
    .struct_size = sizeof ops, .wants = ODEON_EVENT_BIT(ROW) | ODEON_EVENT_BIT(END), .see = see};

ODEON_PLUGIN_OPTIONS(OBSERVER, "report", &ops, "the run's page, drawn while it goes on", NULL, NULL,
                     report, options, NULL, NULL);
