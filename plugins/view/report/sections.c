/* Charts of all views, under the heading of their part. */
#include <string.h>

#include "page.h"

/* What a chart puts; the report's own odeon_view_out. */
typedef struct fragment {
    chart_text text, caption, nothing;
} fragment;

static void put(void *self, const char *bytes, uint64_t n)
{
    fragment *f = self;
    chart_put_bytes(&f->text, bytes, (size_t)n);
}

static void nothing(void *self, const char *why)
{
    fragment *f = self;
    chart_put(&f->nothing, "~e", why);
}

static void caption(void *self, const char *text)
{
    fragment *f = self;
    chart_put(&f->caption, "~e", text);
}

static void fragment_fini(fragment *f)
{
    chart_text_fini(&f->text);
    chart_text_fini(&f->caption);
    chart_text_fini(&f->nothing);
}

static void put_figure(page *p, const odeon_view_drawing *d, const char *name, const fragment *f,
                       chart_text *section)
{
    p->n_fragments++;
    chart_put(section, "<figure class=\"~s\">~s", (d->flags & ODEON_VIEW_WIDE) != 0 ? "s2" : "s1",
              f->text.data);
    if (f->caption.length > 0 || name != NULL) {
        chart_put(section, "<figcaption>~s~e~s~s</figcaption>", name != NULL ? "<b>" : "",
                  name != NULL ? name : "", name != NULL ? "</b> " : "",
                  f->caption.length > 0 ? f->caption.data : "");
    }
    chart_put(section, "</figure>");
}

/* Adds the figure of the request's runs to section, or the reason to what is left out. name: of the
 * runs, where they are not those of the page. */
static odeon_status add_figure(page *p, int64_t number, odeon_view_request request,
                               const char *name, chart_text *section)
{
    const odeon_view_services *s = p->request->services;
    const odeon_view_drawing *d = s->drawing(s->self, number);
    fragment f = {
        .text = {.host = p->host}, .caption = {.host = p->host}, .nothing = {.host = p->host}};
    const odeon_view_out out = {
        .struct_size = sizeof out, .self = &f, .put = put, .nothing = nothing, .caption = caption};
    request.format = ODEON_VIEW_FRAGMENT;
    request.number = p->n_fragments + 1;
    odeon_status status = s->draw(s->self, number, &request, &out);
    if (status == ODEON_OK && (f.text.failed || f.caption.failed || f.nothing.failed)) {
        status = ODEON_ERR_NOMEM;
    } else if (status == ODEON_OK && f.nothing.length > 0) {
        chart_put(&p->left_out, "<li>~e~s~e: ~s</li>", d->name, name != NULL ? " of " : "",
                  name != NULL ? name : "", f.nothing.data);
    } else if (status == ODEON_OK && f.text.length > 0) {
        put_figure(p, d, name, &f, section);
    }
    fragment_fini(&f);
    return status;
}

/* Of several runs a chart of one is drawn for the first run of each kind, as far as a page has
 * room: how a path or a flow looks is what tells kinds apart. */
static odeon_status add_kinds(page *p, int64_t number, chart_text *section)
{
    enum { MOST = 4 };
    size_t n;
    const view_group *g = view_groups(&p->memory, p->request->n_runs, p->request->run, &n);
    odeon_view_request request = *p->request;
    if (g == NULL) {
        return ODEON_ERR_NOMEM;
    }
    request.n_runs = 1;
    for (size_t i = 0; i < n && i < MOST; i++) {
        request.run = g[i].run;
        ODEON_TRY(add_figure(p, number, request, g[i].name, section));
    }
    return ODEON_OK;
}

static odeon_status add_drawing(page *p, int64_t number, const odeon_view_drawing *d,
                                chart_text *section)
{
    if (p->request->n_runs == 1 || (d->flags & ODEON_VIEW_OF_ONE_RUN) == 0) {
        return add_figure(p, number, *p->request, NULL, section);
    }
    return strcmp(d->name, "path") == 0 || strcmp(d->name, "flow") == 0
               ? add_kinds(p, number, section)
               : ODEON_OK;
}

static bool is_of_runs(const odeon_view_drawing *d)
{
    return (d->flags & (ODEON_VIEW_IS_PAGE | ODEON_VIEW_OF_TABLE)) == 0;
}

/* A heading comes only with a figure. */
static odeon_status add_part(page *p, const char *part, bool headed)
{
    const odeon_view_services *s = p->request->services;
    chart_text section = {.host = p->host};
    odeon_status status = ODEON_OK;
    const odeon_view_drawing *d;
    for (int64_t i = 0; status == ODEON_OK && (d = s->drawing(s->self, i)) != NULL; i++) {
        bool wanted = is_of_runs(d) && strcmp(d->part, part) == 0;
        status = wanted ? add_drawing(p, i, d, &section) : ODEON_OK;
    }
    if (status == ODEON_OK && section.length > 0) {
        if (!headed) {
            page_heading(p, part);
        }
        chart_put(&p->text, "<div class=\"figs\">~s</div>", section.data);
    }
    if (section.failed) {
        status = ODEON_ERR_NOMEM;
    }
    chart_text_fini(&section);
    return status;
}

static bool is_named(size_t n, const char *const *parts, const char *part)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(parts[i], part) == 0) {
            return true;
        }
    }
    return false;
}

/* Does an earlier drawing have the same part? */
static bool is_repeated(const odeon_view_services *s, int64_t number, const char *part)
{
    for (int64_t i = 0; i < number; i++) {
        if (strcmp(s->drawing(s->self, i)->part, part) == 0) {
            return true;
        }
    }
    return false;
}

odeon_status page_charts(page *p, size_t n, const char *const *parts, bool headed)
{
    const odeon_view_services *s = p->request->services;
    const odeon_view_drawing *d;
    for (size_t i = 0; i < n; i++) {
        ODEON_TRY(add_part(p, parts[i], i == 0 && headed));
    }
    for (int64_t i = 0; (d = s->drawing(s->self, i)) != NULL; i++) {
        if (is_of_runs(d) && !is_named(n, parts, d->part) && !is_repeated(s, i, d->part)) {
            ODEON_TRY(add_part(p, d->part, false));
        }
    }
    return ODEON_OK;
}
