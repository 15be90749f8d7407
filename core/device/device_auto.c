#include "device/device_auto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "device/open.h"
#include "odeon/device.h"
#include "plugin/calling.h"
#include "plugin/component.h"
#include "plugin/registry.h"

/* Devices are put in order by their rank alone, which their tables say; then they are probed one
 * after the other, until one can be used: a probe may start a driver, which takes seconds and
 * memory, so that a device behind the first usable one is not asked unless all are to be shown. */

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "run.device = auto: no memory to ask the devices");
}

void device_answers_fini(device_answers *answers)
{
    for (size_t i = 0; i < answers->n; i++) {
        mem_free(answers->list[i].id);
        mem_free(answers->list[i].text);
    }
    mem_free(answers->list);
    *answers = (device_answers){.n = 0};
}

/* ---- which there are ---- */

typedef struct collection {
    device_answers *answers;
    bool failed;
} collection;

static bool is_listed(const device_answers *answers, const char *id)
{
    for (size_t i = 0; i < answers->n; i++) {
        if (strcmp(answers->list[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static void collect(int32_t kind, const char *id, const char *file, void *context)
{
    collection *c = context;
    device_answers *answers = c->answers;
    (void)file;
    if (kind != ODEON_KIND_DEVICE || c->failed || is_listed(answers, id)) {
        return;
    }
    device_answer *list = mem_resize(answers->list, answers->n + 1, sizeof *list);
    char *copy = mem_strdup(id);
    answers->list = list != NULL ? list : answers->list;
    if (list == NULL || copy == NULL) {
        c->failed = true;
        mem_free(copy);
        return;
    }
    list[answers->n++] = (device_answer){.id = copy};
}

static odeon_status collect_all(registry *r, device_answers *out)
{
    collection c = {.answers = out};
    for (size_t i = 0; i < registry_plugin_count(r); i++) {
        const odeon_plugin *root = registry_plugin_at(r, i).root;
        for (const odeon_component *const *k = root->components; *k != NULL; k++) {
            collect((*k)->kind, (*k)->id, NULL, &c);
        }
    }
    ODEON_TRY(registry_scan(r, collect, &c));
    return c.failed ? no_memory() : ODEON_OK;
}

/* ---- what they say ---- */

/* The reason of the last failure becomes an answer's. Want of memory is no answer: whoever has a
 * GPU whose memory is full would not want another device in its place. */
static odeon_status take_reason(device_answer *a, odeon_status status)
{
    if (status == ODEON_ERR_NOMEM) {
        return status;
    }
    a->status = status;
    a->text = mem_strdup(diag_message());
    diag_clear();
    return a->text != NULL ? ODEON_OK : no_memory();
}

static odeon_status rank(registry *r, device_answer *a)
{
    const odeon_component *c = NULL;
    odeon_status status = registry_look_at(r, ODEON_KIND_DEVICE, a->id, &c);
    if (status != ODEON_OK) {
        a->rank = INT32_MAX;
        return take_reason(a, status);
    }
    const odeon_device_ops *ops = c->ops;
    a->rank = ops->rank;
    return ODEON_OK;
}

/* By name where the rank is equal, so that the choice does not depend on the order of files in a
 * folder. */
static int by_rank(const void *a, const void *b)
{
    const device_answer *x = a, *y = b;
    return x->rank != y->rank ? (x->rank < y->rank) - (x->rank > y->rank) : strcmp(x->id, y->id);
}

/* The instance goes at once, and its base's: the run makes its own, with the options that its INI
 * gives. */
static odeon_status probe(registry *r, const odeon_config *config, char *text, size_t bytes)
{
    open_device d = {.base = NULL};
    odeon_status status = device_open(r, config, "", &d);
    if (status == ODEON_OK) {
        calling outer = calling_begin(d.instance, "probe");
        status = calling_end(outer, d.ops.probe(d.device.self));
    }
    if (status == ODEON_OK) {
        calling outer = calling_begin(d.instance, "describe");
        status = calling_end(outer, d.ops.describe(d.device.self, text, bytes));
    }
    device_close(&d);
    return status;
}

static odeon_status read_and_probe(registry *r, const char *id, char *text, size_t bytes)
{
    odeon_config *config = NULL;
    odeon_status status =
        component_read(r, ODEON_KIND_DEVICE, id, (location){0}, NULL, NULL, 0, NULL, &config);
    if (status == ODEON_OK) {
        status = probe(r, config, text, bytes);
    }
    schema_destroy(config);
    return status;
}

/* Plugins that are only asked are not in use, a base's neither: a manifest does not list them.
 * was: of the first n. */
static void restore_use(registry *r, size_t n, const bool *was)
{
    for (size_t i = 0; i < registry_plugin_count(r); i++) {
        registry_plugin plugin = registry_plugin_at(r, i);
        if (plugin.root->components[0] != NULL) {
            registry_set_use(r, plugin.root->components[0], i < n && was[i]);
        }
    }
}

static odeon_status ask(registry *r, device_answer *a)
{
    char text[256] = "";
    size_t n = registry_plugin_count(r);
    bool *was = mem_zalloc(n + 1, sizeof *was);
    if (was == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < n; i++) {
        was[i] = registry_plugin_at(r, i).in_use;
    }
    odeon_status status = read_and_probe(r, a->id, text, sizeof text);
    restore_use(r, n, was);
    mem_free(was);
    if (status != ODEON_OK) {
        return take_reason(a, status);
    }
    a->text = mem_strdup(text);
    return a->text != NULL ? ODEON_OK : no_memory();
}

/* A negative rank is that of devices made to check others, which are used by name alone. They
 * stand last. */
static void drop_unavailable(device_answers *answers)
{
    while (answers->n > 0 && answers->list[answers->n - 1].rank < 0) {
        mem_free(answers->list[--answers->n].id);
    }
}

/* The answers point to nothing of the plugins, whose texts may be written over by the next call. */
odeon_status device_auto_ask(registry *r, bool all, device_answers *out)
{
    *out = (device_answers){.n = 0};
    ODEON_TRY(collect_all(r, out));
    for (size_t i = 0; i < out->n; i++) {
        ODEON_TRY(rank(r, &out->list[i]));
    }
    if (out->n > 0) {
        qsort(out->list, out->n, sizeof *out->list, by_rank);
    }
    drop_unavailable(out);
    bool found = false;
    for (size_t i = 0; i < out->n && (all || !found); i++) {
        if (out->list[i].status == ODEON_OK) {
            ODEON_TRY(ask(r, &out->list[i]));
            found = out->list[i].status == ODEON_OK;
        }
    }
    return ODEON_OK;
}

/* ---- which it is ---- */

/* All reasons in one line, cut where they are too many: the first is that of the preferred device.
 */
static odeon_status refuse(const device_answers *answers)
{
    char reasons[DIAG_MESSAGE_BYTES / 2] = "";
    size_t used = 0;
    for (size_t i = 0; i < answers->n && used < sizeof reasons; i++) {
        int n = snprintf(reasons + used, sizeof reasons - used, "%s%s", i > 0 ? "; " : "",
                         answers->list[i].text);
        used += n > 0 ? (size_t)n : 0;
    }
    return diag_fail(ODEON_ERR_DEVICE, "run.device = auto: no device is usable: %s", reasons);
}

/* Names every device that was passed over, with its reason: results of another device are
 * others, and whoever has a GPU wants to know why it stays idle. */
static odeon_status choose(const device_answers *answers, char **out)
{
    for (size_t i = 0; i < answers->n; i++) {
        const device_answer *a = &answers->list[i];
        if (a->status == ODEON_OK) {
            *out = mem_strdup(a->id);
            return *out != NULL ? ODEON_OK : no_memory();
        }
        diag_log(ODEON_LOG_INFO, "run.device = auto: not %s: %s", a->id, a->text);
    }
    return refuse(answers);
}

odeon_status device_auto_choose(registry *r, char **out)
{
    device_answers answers;
    *out = NULL;
    odeon_status status = device_auto_ask(r, false, &answers);
    if (status == ODEON_OK) {
        status = choose(&answers, out);
    }
    device_answers_fini(&answers);
    return status;
}
