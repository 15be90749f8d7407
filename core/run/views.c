#include "run/views.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "plugin/calling.h"
#include "plugin/component.h"
#include "plugin/instance.h"

typedef struct view {
    instance *instance;
    const odeon_view_ops *ops;
} view;

/* A drawing: of which view, and by which place in its list. */
typedef struct entry {
    const view *view;
    int64_t place;
} entry;

/* entries point into list, which has its full length before there are any. */
struct views {
    registry *registry;
    size_t n_ids, n, n_entries;
    char **ids;
    view *list;
    entry *entries;
    bool failed;
};

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "views: no memory");
}

/* ---- life ---- */

static void collect(int32_t kind, const char *id, const char *file, void *context)
{
    views *v = context;
    (void)file;
    if (kind != ODEON_KIND_VIEW || v->failed) {
        return;
    }
    char **ids = mem_grow(v->ids, v->n_ids, sizeof(char *));
    char *copy = ids != NULL ? mem_strdup(id) : NULL;
    v->ids = ids != NULL ? ids : v->ids;
    v->failed = copy == NULL;
    if (copy != NULL) {
        v->ids[v->n_ids++] = copy;
    }
}

static odeon_status open_view(views *v, const char *id)
{
    odeon_config *chosen = NULL;
    view *x = &v->list[v->n];
    ODEON_TRY(component_read(v->registry, ODEON_KIND_VIEW, id, (location){0}, "view", NULL, 0, NULL,
                             &chosen));
    ODEON_TRY(instance_take(chosen, id, &x->instance));
    x->ops = x->instance->component->ops;
    v->n++;
    return ODEON_OK;
}

static odeon_status add_drawings(views *v, const view *x)
{
    for (int64_t i = 0; x->ops->drawings[i] != NULL; i++) {
        entry *entries = mem_grow(v->entries, v->n_entries, sizeof *entries);
        if (entries == NULL) {
            return no_memory();
        }
        v->entries = entries;
        entries[v->n_entries++] = (entry){.view = x, .place = i};
    }
    return ODEON_OK;
}

static odeon_status fill(views *v)
{
    ODEON_TRY(registry_scan(v->registry, collect, v));
    v->list = mem_zalloc(v->n_ids + 1, sizeof *v->list);
    if (v->failed || v->list == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < v->n_ids; i++) {
        odeon_status status = open_view(v, v->ids[i]);
        if (status == ODEON_ERR_NOMEM) {
            return status;
        }
        if (status != ODEON_OK) {
            diag_log(ODEON_LOG_WARNING, "%s; it draws nothing", diag_message());
            diag_clear();
        }
    }
    for (size_t i = 0; i < v->n; i++) {
        ODEON_TRY(add_drawings(v, &v->list[i]));
    }
    return ODEON_OK;
}

odeon_status views_create(registry *r, views **out)
{
    views *v = *out = mem_zalloc(1, sizeof *v);
    if (v == NULL) {
        return no_memory();
    }
    v->registry = r;
    odeon_status status = fill(v);
    if (status != ODEON_OK) {
        views_destroy(v);
        *out = NULL;
    }
    return status;
}

void views_destroy(views *v)
{
    if (v == NULL) {
        return;
    }
    for (size_t i = v->n; i > 0; i--) {
        instance_destroy(v->list[i - 1].instance);
    }
    for (size_t i = 0; i < v->n_ids; i++) {
        mem_free(v->ids[i]);
    }
    mem_free(v->ids);
    mem_free(v->list);
    mem_free(v->entries);
    mem_free(v);
}

/* ---- the list ---- */

const odeon_view_drawing *views_drawing(const views *v, int64_t number)
{
    if (number < 0 || number >= (int64_t)v->n_entries) {
        return NULL;
    }
    const entry *e = &v->entries[number];
    return e->view->ops->drawings[e->place];
}

static bool is_page(const odeon_view_drawing *d)
{
    return (d->flags & ODEON_VIEW_IS_PAGE) != 0;
}

static odeon_status refuse(const views *v, const char *name)
{
    text_buffer list = {0};
    const char **names = mem_zalloc(v->n_entries + 1, sizeof *names);
    size_t n = 0;
    for (int64_t i = 0; names != NULL && views_drawing(v, i) != NULL; i++) {
        if (!is_page(views_drawing(v, i))) {
            names[n++] = views_drawing(v, i)->name;
            text_printf(&list, "%s%s", n > 1 ? ", " : "", names[n - 1]);
        }
    }
    const char *near = names != NULL ? nearest_name(name, n, names) : NULL;
    odeon_status status =
        diag_fail(ODEON_ERR_CONFIG, "no chart is named '%s'%s%s%s; charts: %s", name,
                  near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
                  near != NULL ? "'?" : "", list.data != NULL && !list.failed ? list.data : "none");
    text_fini(&list);
    mem_free(names);
    return status;
}

odeon_status views_find(const views *v, const char *name, int64_t *number)
{
    for (int64_t i = 0; views_drawing(v, i) != NULL; i++) {
        if (!is_page(views_drawing(v, i)) && strcmp(views_drawing(v, i)->name, name) == 0) {
            *number = i;
            return ODEON_OK;
        }
    }
    return refuse(v, name);
}

odeon_status views_find_page(const views *v, int64_t *number)
{
    for (int64_t i = 0; views_drawing(v, i) != NULL; i++) {
        if (is_page(views_drawing(v, i))) {
            *number = i;
            return ODEON_OK;
        }
    }
    return diag_fail(ODEON_ERR_PLUGIN, "no view on the plugin path makes a page");
}

/* ---- drawing ---- */

static void put(void *self, const char *bytes, uint64_t n)
{
    drawn *d = self;
    text_add_bytes(&d->text, bytes, n);
}

/* The last word counts. */
static void set_text(drawn *d, char **text, const char *value)
{
    mem_free(*text);
    *text = mem_strdup(value);
    d->text.failed |= *text == NULL;
}

static void nothing(void *self, const char *why)
{
    drawn *d = self;
    set_text(d, &d->nothing, why);
}

static void caption(void *self, const char *text)
{
    drawn *d = self;
    set_text(d, &d->caption, text);
}

void drawn_fini(drawn *d)
{
    text_fini(&d->text);
    mem_free(d->nothing);
    mem_free(d->caption);
    *d = (drawn){.nothing = NULL};
}

odeon_status views_draw(const views *v, int64_t number, const odeon_view_request *request,
                        drawn *out)
{
    const entry *e = &v->entries[number];
    const instance *x = e->view->instance;
    const odeon_view_out to = {
        .struct_size = sizeof to, .self = out, .put = put, .nothing = nothing, .caption = caption};
    *out = (drawn){.nothing = NULL};
    calling outer = calling_begin(x, "draw");
    odeon_status status = calling_end(outer, e->view->ops->draw(x->self, e->place, request, &to));
    ODEON_TRY(status);
    if (out->text.failed) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to draw it",
                         views_drawing(v, number)->name);
    }
    if ((out->text.length == 0) != (out->nothing != NULL)) {
        return calling_blame(x, "draw", "it has put %s",
                             out->text.length == 0 ? "nothing, and does not say why"
                                                   : "something and says that it is nothing");
    }
    return ODEON_OK;
}
