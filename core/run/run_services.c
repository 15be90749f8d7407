#include "run/run_services.h"

#include <string.h>

/* In the last event the folder is not complete yet: the command has the page drawn when it is. */
static void draw_page(void *self, double refresh_seconds)
{
    run_services *s = self;
    if (s->page == NULL) {
        return;
    }
    if (s->ends) {
        live_page_want_last(s->page);
    } else {
        run_dir_write_rows(s->dir); /* another process reads them */
        live_page_draw(s->page, refresh_seconds);
    }
}

static void show(void *self, const char *text)
{
    run_services *s = self;
    if (s->progress != NULL) {
        progress_show_above(s->progress, text);
    }
}

static void terminal(void *self, odeon_terminal *out)
{
    const run_services *s = self;
    odeon_terminal found = {.struct_size = sizeof found};
    if (s->progress != NULL) {
        progress_terminal(s->progress, &found);
    }
    found.struct_size = out->struct_size;
    memcpy(out, &found, out->struct_size < sizeof found ? out->struct_size : sizeof found);
}

void run_services_init(run_services *s, progress *p, live_page *page, run_dir *dir)
{
    *s = (run_services){.table = {.struct_size = sizeof s->table,
                                  .self = s,
                                  .draw_page = draw_page,
                                  .show = show,
                                  .terminal = terminal},
                        .progress = p,
                        .page = page,
                        .dir = dir};
}
