#include "run/observers.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/host.h"
#include "plugin/calling.h"
#include "plugin/component.h"

static const uint64_t known_events = (ODEON_EVENT_BIT(END) << 1) - 1;

static odeon_status out_of_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "observers: no memory");
}

/* ---- life ---- */

/* All files of a run whose names begin so are observers': none of the host's other files can be
 * meant. */
bool observers_own_file(const char *name)
{
    static const char events[] = "events.";
    return strncmp(name, OBSERVERS_FILE_PREFIX, strlen(OBSERVERS_FILE_PREFIX)) == 0 ||
           strncmp(name, events, strlen(events)) == 0;
}

bool observer_has_records(const observer *x)
{
    return (x->ops->flags & ODEON_OBSERVER_RECORDS) != 0;
}

static bool is_file_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return observers_own_file(name) && strspn(name, allowed) == strlen(name) && strlen(name) <= 64;
}

/* n: how many stand before it. */
static odeon_status check_file(const observers *x, size_t n)
{
    const observer *mine = &x->list[n];
    if (mine->ops->file == NULL) {
        return ODEON_OK;
    }
    if (!is_file_name(mine->ops->file)) {
        return calling_blame(
            mine->instance, "file",
            "'%.80s' is no name of a file of rows: it begins with metrics. or events. and has "
            "letters, digits, '.', '-' and '_'",
            mine->ops->file);
    }
    for (size_t i = 0; i < n; i++) {
        const observer *other = &x->list[i];
        if (other->ops->file != NULL && strcmp(other->ops->file, mine->ops->file) == 0) {
            return calling_blame(mine->instance, "file", "%s is the file of observer %s already",
                                 mine->ops->file, other->instance->component->id);
        }
    }
    return ODEON_OK;
}

/* Takes chosen, unless it is borrowed, and counts the observer once its instance is there. */
static odeon_status add(observers *x, odeon_config *chosen, bool owned)
{
    observer *o = &x->list[x->n];
    const char *id = chosen->component->id;
    ODEON_TRY(owned ? instance_take(chosen, id, &o->instance)
                    : instance_create(chosen, id, &o->instance));
    o->ops = o->instance->component->ops;
    x->n++;
    if ((o->ops->wants & ~known_events) != 0) {
        return calling_blame(o->instance, "wants",
                             "it has events that this host does not know: "
                             "0x%llx",
                             (unsigned long long)(o->ops->wants & ~known_events));
    }
    return check_file(x, x->n - 1);
}

static const char *const defaults[] = {"csv", "jsonl"};
enum { N_DEFAULTS = sizeof defaults / sizeof *defaults };

static bool has(const observers *x, const char *id)
{
    for (size_t i = 0; i < x->n; i++) {
        if (strcmp(x->list[i].instance->component->id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* Nothing of an INI names these, so that they are read here. */
static odeon_status add_more(registry *r, size_t n, const char *const *texts, observers *x)
{
    for (size_t i = 0; i < n; i++) {
        odeon_config *chosen = NULL;
        ODEON_TRY(component_read(r, ODEON_KIND_OBSERVER, texts[i], (location){0}, "run", NULL, 0,
                                 NULL, &chosen));
        if (has(x, chosen->component->id)) {
            schema_destroy(chosen);
            continue;
        }
        ODEON_TRY(add(x, chosen, true));
    }
    return ODEON_OK;
}

/* Does one of them give that observer options of its own? "serve(port=0)" does, "serve" does not.
 */
static bool gives_options(size_t n, const char *const *texts, const char *id)
{
    size_t length = strlen(id);
    for (size_t i = 0; i < n; i++) {
        if (strncmp(texts[i], id, length) == 0 && texts[i][length] == '(') {
            return true;
        }
    }
    return false;
}

static odeon_status fill(registry *r, const config *c, size_t n, const char *const *more,
                         observers *x)
{
    size_t room = n + (c->has_observers ? c->n_observers : N_DEFAULTS);
    x->list = mem_zalloc(room + 1, sizeof *x->list); /* none at all is a list, too */
    if (x->list == NULL) {
        return out_of_memory();
    }
    for (size_t i = 0; c->has_observers && i < c->n_observers; i++) {
        ODEON_TRY(gives_options(n, more, c->observers[i]->component->id)
                      ? ODEON_OK
                      : add(x, c->observers[i], false));
    }
    ODEON_TRY(c->has_observers ? ODEON_OK : add_more(r, N_DEFAULTS, defaults, x));
    return add_more(r, n, more, x);
}

odeon_status observers_create(registry *r, const config *c, size_t n, const char *const *more,
                              observers **out)
{
    observers *x = *out = mem_zalloc(1, sizeof *x);
    odeon_status status = x != NULL ? fill(r, c, n, more, x) : out_of_memory();
    if (status != ODEON_OK) {
        observers_destroy(x);
        *out = NULL;
    }
    return status;
}

void observers_destroy(observers *x)
{
    if (x == NULL) {
        return;
    }
    for (size_t i = x->n; i > 0; i--) {
        instance_destroy(x->list[i - 1].instance);
    }
    mem_free(x->list);
    mem_free(x);
}

/* ---- events ---- */

static bool wants(const observer *x, int32_t type)
{
    return !x->failed && (x->ops->wants >> type & 1) != 0;
}

bool observers_want(const observers *x, int32_t type)
{
    bool wanted = false;
    for (size_t i = 0; i < x->n; i++) {
        wanted |= wants(&x->list[i], type);
    }
    return wanted;
}

static void put(void *line, const char *text)
{
    text_add(line, text);
}

static void put_bytes(void *line, const void *bytes, uint64_t n)
{
    text_add_bytes(line, bytes, (size_t)n);
}

static void put_json(void *line, const char *text)
{
    text_json_string(line, text);
}

/* Nothing that an observer does ends a run. The lines that it put before stay. */
static void give_up(observer *x, text_buffer *line)
{
    diag_log(ODEON_LOG_WARNING, "%s; the run goes on without observer %s", diag_message(),
             x->instance->component->id);
    diag_clear();
    text_clear(line);
    x->failed = true;
}

/* Lines are whole, and those of an observer that has a file. */
static odeon_status check_line(const observer *x, const char *slot, int32_t type,
                               const text_buffer *line)
{
    if (line->length == 0) {
        return ODEON_OK;
    }
    if (x->ops->file == NULL) {
        return calling_blame(x->instance, slot, "it puts lines and has no file");
    }
    if (type != ODEON_EVENT_ROW) {
        return calling_blame(x->instance, slot, "it puts lines into an event that is no row");
    }
    return observer_has_records(x) || line->data[line->length - 1] == '\n'
               ? ODEON_OK
               : calling_blame(x->instance, slot, "it puts a line without its end");
}

/* The reason that may be noted already is somebody else's and is kept. */
static odeon_status call_slot(observer *x, const char *slot, const odeon_event *event,
                              text_buffer *line,
                              odeon_status (*call)(void *, const odeon_event *, const odeon_line *))
{
    const odeon_line to = {.struct_size = sizeof to,
                           .self = line,
                           .put = put,
                           .put_json = put_json,
                           .put_bytes = put_bytes};
    const char *message = diag_message(); /* the thread's, in its place for good */
    diag_reason before;
    before.text[0] = '\0'; /* the rest is long, and nearly always unused */
    if (message[0] != '\0') {
        before = diag_take();
    }
    calling outer = calling_begin(x->instance, slot);
    odeon_status status = calling_end(outer, call(x->instance->self, event, &to));
    if (status == ODEON_OK && !line->failed) {
        status = check_line(x, slot, event->type, line);
    }
    if (status != ODEON_OK) {
        give_up(x, line);
    }
    if (message[0] != '\0') {
        diag_clear();
    }
    if (before.text[0] != '\0') {
        diag_adopt(before.text);
    }
    return line->failed ? diag_fail(ODEON_ERR_NOMEM, "observer %s: no memory for a row",
                                    x->instance->component->id)
                        : ODEON_OK;
}

odeon_status observer_see(observer *x, const odeon_event *event, text_buffer *line)
{
    text_clear(line);
    return wants(x, event->type) ? call_slot(x, "see", event, line, x->ops->see) : ODEON_OK;
}

odeon_status observer_heading(observer *x, const odeon_event *event, text_buffer *line)
{
    text_clear(line);
    return !x->failed && ODEON_HAS(x->ops, odeon_observer_ops, heading)
               ? call_slot(x, "heading", event, line, x->ops->heading)
               : ODEON_OK;
}
