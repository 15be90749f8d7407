/* dots: a view of a third party: as many points as the run has rows, in a part of a page of its
 * own; it refuses runs without any, and fails on one that is called "failing". */
#include <stdio.h>
#include <string.h>

#include "odeon/host.h"
#include "odeon/plugin.h"
#include "odeon/view.h"

typedef struct dots {
    ODEON_INSTANCE;
} dots;

static odeon_status draw(void *self, int64_t drawing, const odeon_view_request *request,
                         const odeon_view_out *out)
{
    dots *x = self;
    const odeon_view_run *run = request->run[0];
    char text[160];
    (void)drawing;
    if (request->format != ODEON_VIEW_SVG && request->format != ODEON_VIEW_FRAGMENT) {
        return ODEON_ERR_UNSUPPORTED;
    }
    if (strcmp(run->name, "failing") == 0) {
        return odeon_fail(x->host, ODEON_ERR_DATA, "<b>dots</b> cannot draw this");
    }
    if (run->n_tables == 0) {
        out->nothing(out->self, "the run has no rows");
        return ODEON_OK;
    }
    int n = snprintf(text, sizeof text,
                     "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\">"
                     "<desc>%lld dots</desc></svg>",
                     (long long)run->table[0]->n_rows);
    out->put(out->self, text, (uint64_t)n);
    out->caption(out->self, "As many dots as rows & no more");
    return ODEON_OK;
}

static const odeon_view_drawing dots_drawing = {.struct_size = sizeof dots_drawing,
                                                .name = "dots",
                                                .summary = "a dot for each row",
                                                .part = "From elsewhere"};
static const odeon_view_drawing *const drawings[] = {&dots_drawing, NULL};
static const odeon_view_ops ops = {.struct_size = sizeof ops, .drawings = drawings, .draw = draw};

ODEON_PLUGIN_OPTIONS(VIEW, "dots", &ops, "a dot for each row", NULL, NULL, dots, NULL, NULL, NULL);
