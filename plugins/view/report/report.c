/* report: a page of one run, of one that failed, or of several. */
#include <string.h>

#include "odeon/plugin.h"

#include "page.h"

typedef struct report {
    ODEON_INSTANCE;
} report;

/* Parts that come first; those of other views follow. */
static const char *const of_one[] = {"What was learned", "Learning", "The solver",
                                     "What it gets wrong"};
static const char *const of_classes[] = {"Learning", "The solver", "What it gets wrong",
                                         "What was learned"};
static const char *const of_failed[] = {"The failure", "Learning", "The solver"};
static const char *const of_several[] = {"Results", "Learning", "The solver", "What was learned"};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static odeon_status make_page(page *p)
{
    const odeon_view_run *run = p->request->run[0];
    odeon_status status;
    page_begin(p, p->request->n_runs > 1 ? "Several runs" : run->name);
    if (p->request->n_runs > 1) {
        page_several(p);
        status = page_charts(p, COUNT(of_several), of_several, true);
        page_differences(p);
    } else if (run->state == ODEON_VIEW_FAILED) {
        page_failed(p, run);
        status = page_charts(p, COUNT(of_failed), of_failed, false);
    } else {
        const char *metric = view_metric(run, 0);
        bool classes = metric != NULL && strcmp(metric, "accuracy") == 0;
        page_single(p, run);
        status = page_charts(p, COUNT(of_one), classes ? of_classes : of_one, false);
    }
    page_machine(p, run);
    page_end(p);
    return status;
}

static odeon_status draw(void *self, int64_t number, const odeon_view_request *request,
                         const odeon_view_out *out)
{
    report *x = self;
    page p = {.host = x->host,
              .request = request,
              .memory = {.host = x->host},
              .text = {.host = x->host},
              .left_out = {.host = x->host}};
    (void)number;
    if (request->format != ODEON_VIEW_HTML) {
        return odeon_fail(x->host, ODEON_ERR_UNSUPPORTED, "a page is HTML alone");
    }
    odeon_status status = make_page(&p);
    if (status == ODEON_OK && (p.text.failed || p.memory.failed || p.left_out.failed)) {
        status = odeon_fail(x->host, ODEON_ERR_NOMEM, "no memory for the page");
    }
    if (status == ODEON_OK) {
        out->put(out->self, p.text.data, p.text.length);
    }
    chart_text_fini(&p.text);
    chart_text_fini(&p.left_out);
    view_free(&p.memory);
    return status;
}

static const odeon_view_drawing whole = {.struct_size = sizeof whole,
                                         .flags = ODEON_VIEW_IS_PAGE,
                                         .name = "report",
                                         .summary = "a page of runs",
                                         .part = "Page"};
static const odeon_view_drawing *const drawings[] = {&whole, NULL};
static const odeon_view_ops ops = {.struct_size = sizeof ops, .drawings = drawings, .draw = draw};

ODEON_PLUGIN_OPTIONS(VIEW, "report", &ops, "a page of runs", NULL, NULL, report, NULL, NULL, NULL);
