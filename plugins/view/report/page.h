/* page.h: a page that is being made: HTML without scripts, with nothing loaded from elsewhere. */
#ifndef ODEON_VIEW_REPORT_PAGE_H
#define ODEON_VIEW_REPORT_PAGE_H
#include "../common/chart.h"
#include "../common/view_runs.h"

typedef struct page {
    const odeon_host *host;
    const odeon_view_request *request;
    view_memory memory;
    chart_text text;
    int64_t n_fragments;
    chart_text left_out; /* charts that were not drawn, and why */
} page;

/* sheet.c */
void page_begin(page *p, const char *title);
void page_end(page *p);
void page_heading(page *p, const char *text);
/* A table row by row: cells are escaped; numeric of them, from the second on, stand at the right.
 */
void page_table_begin(page *p, const char *caption, size_t n, const char *const *names,
                      bool numeric);
void page_row(page *p, size_t n, const char *const *cells, bool numeric, bool strong);
void page_table_end(page *p);

/* sections.c: charts by the part that they belong to. Parts named here come first, in this order;
 * all others follow. headed: the first of them has its heading already. */
odeon_status page_charts(page *p, size_t n, const char *const *parts, bool headed);

/* words.c: what came of it, in sentences whose every number is computed. */
void page_single(page *p, const odeon_view_run *run);  /* state, paragraph, key numbers */
void page_failed(page *p, const odeon_view_run *run);  /* what failed, what to try */
void page_machine(page *p, const odeon_view_run *run); /* how it was made */

/* several.c */
void page_several(page *p); /* paragraph and table */
void page_differences(page *p);

#endif
