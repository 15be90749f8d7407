/* jsonl: metrics.jsonl: a flat object for each row, the names of metrics.csv as keys. JSON has
 * neither NaN nor infinity (RFC 8259, 6), so that both are null. */
#include <math.h>

#include "odeon/observer.h"
#include "odeon/plugin.h"

static void put_value(const odeon_line *line, const odeon_cell *cell)
{
    if (cell->type == ODEON_CELL_WORD) {
        line->put_json(line->self, cell->text);
    } else {
        line->put(line->self, isfinite(cell->value) ? cell->text : "null");
    }
}

static odeon_status see(void *self, const odeon_event *event, const odeon_line *line)
{
    (void)self;
    for (int64_t i = 0; i < event->n_cells; i++) {
        line->put(line->self, i > 0 ? "," : "{");
        line->put_json(line->self, event->cells[i].name);
        line->put(line->self, ":");
        put_value(line, &event->cells[i]);
    }
    line->put(line->self, "}\n");
    return ODEON_OK;
}

static const odeon_observer_ops ops = {
    .struct_size = sizeof ops, .wants = ODEON_EVENT_BIT(ROW), .file = "metrics.jsonl", .see = see};

ODEON_PLUGIN(OBSERVER, "jsonl", &ops, "rows of the metrics as metrics.jsonl", "RFC 8259");
