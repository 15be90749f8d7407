/* live_page.h: the page of a run while it goes on, drawn by other processes of this program. */
#ifndef ODEON_CORE_RUN_LIVE_PAGE_H
#define ODEON_CORE_RUN_LIVE_PAGE_H
#include <stdbool.h>
#include <stddef.h>

#include "odeon/status.h"

typedef struct live_page live_page;

/* Of the run in folder, which is NULL where there was no memory for it; views are looked for in the
 * plugin paths as well. Begins no process. Both are borrowed. ODEON_ERR_IO, ODEON_ERR_NOMEM. */
odeon_status live_page_create(const char *folder, size_t n_paths, const char *const *paths,
                              live_page **out);
/* Ends a process that is still there. NULL is allowed. */
void live_page_destroy(live_page *p);

/* Begins to draw the page from the run's files alone, unless one is being drawn. What goes wrong is
 * one warning. */
void live_page_draw(live_page *p, double refresh_seconds);

/* The page is wanted once more when the run has ended. */
void live_page_want_last(live_page *p);
/* Draws it now, whole, or from the run's files alone, for so many seconds at most; a whole page
 * that takes longer is drawn from the files alone, as long again at most. *drawn: it was wanted,
 * and is there; else, or where it is not whole, there is one warning. */
void live_page_draw_last(live_page *p, bool whole, double seconds, bool *drawn);

#endif
