/* views.h: all views on the plugin path, and their drawings as one list. */
#ifndef ODEON_CORE_RUN_VIEWS_H
#define ODEON_CORE_RUN_VIEWS_H
#include "base/text.h"
#include "odeon/view.h"
#include "plugin/registry.h"

typedef struct views views;

/* One that cannot be used is left out with a warning. r outlives the views. ODEON_ERR_NOMEM. */
odeon_status views_create(registry *r, views **out);
void views_destroy(views *v); /* NULL is allowed */

/* By number from 0; NULL behind the last. */
const odeon_view_drawing *views_drawing(const views *v, int64_t number);
/* The chart of that name; of two the one whose view comes first. ODEON_ERR_CONFIG where there is
 * none, with the nearest name and a list. */
odeon_status views_find(const views *v, const char *name, int64_t *number);
/* The first page. ODEON_ERR_PLUGIN where no view has one. */
odeon_status views_find_page(const views *v, int64_t *number);

/* What came of a drawing. */
typedef struct drawn {
    text_buffer text;
    char *nothing; /* why nothing was drawn; NULL: something was */
    char *caption; /* NULL: none */
} drawn;

/* out can be given to drawn_fini whatever the answer. ODEON_ERR_UNSUPPORTED: not in that format. */
odeon_status views_draw(const views *v, int64_t number, const odeon_view_request *request,
                        drawn *out);
void drawn_fini(drawn *d);

#endif
