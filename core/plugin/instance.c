#include "plugin/instance.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "option/kinds.h"
#include "plugin/calling.h"
#include "plugin/figures.h"

/* The table of services is a part of the instance, and self leads from it back there: a plugin
 * passes the table to each service, and so the host knows who calls without a global. */

static_assert(sizeof(size_t) >= sizeof(uint64_t), "sizes of the ABI are sizes of host memory");

/* ---- services ---- */

/* The instance is not noted: memory goes back by itself only where the plugin frees it. */
static void *host_alloc(const odeon_host *host, uint64_t bytes)
{
    (void)host;
    return mem_alloc(bytes);
}

static void host_free(const odeon_host *host, void *memory)
{
    (void)host;
    mem_free(memory);
}

/* Messages start with the place of the configuration that the component stands in, unless the
 * plugin has put it there itself. */
static odeon_status host_fail(const odeon_host *host, odeon_status status, const char *text)
{
    const instance *x = host->self;
    size_t n = strlen(x->path);
    bool named = n > 0 && strncmp(text, x->path, n) == 0 && strncmp(text + n, ": ", 2) == 0;
    if (calling_refused(x, status, text)) {
        return status;
    }
    if (n == 0 || named) { /* a section that is called as its layer is */
        return diag_fail(status, "%s", text);
    }
    return diag_fail(status, "%s: %s", x->path, text);
}

static void host_log(const odeon_host *host, int32_t level, const char *text)
{
    const instance *x = host->self;
    if (x->path[0] == '\0') {
        diag_log(level, "%s", text);
    } else {
        diag_log(level, "%s: %s", x->path, text);
    }
}

/* By the list that came with the configuration, not by a global one: what a component may ask for
 * depends on who runs it. */
static const void *host_get_extension(const odeon_host *host, const char *id)
{
    const instance *x = host->self;
    const host_service *service = x->config != NULL ? x->config->services : NULL;
    while (service != NULL && service->id != NULL && strcmp(service->id, id) != 0) {
        service++;
    }
    return service != NULL && service->id != NULL ? service->table : NULL;
}

/* The answer has no status, so the failure waits until init has returned. The option that was asked
 * for first is named. */
static void note_misuse(instance *x, const char *name, const char *what)
{
    const odeon_component *c = x->config->component;
    char *text = mem_printf("%s %s asks for its option '%s', which is %s", kind_name(c->kind),
                            c->id, name, what);
    if (!x->in_init) {
        diag_log(ODEON_LOG_WARNING, "%s: a bug in the plugin",
                 text != NULL ? text : "an option was asked for wrongly");
    } else {
        x->misused = true;
        if (x->misuse == NULL) {
            x->misuse = text;
            return;
        }
    }
    mem_free(text);
}

/* With a default it would tell a normal form, which writes all of them out, from the INI that it
 * stands for. A plugin as a whole has no options. */
static int32_t host_option_given(const odeon_host *host, const char *name)
{
    instance *x = host->self;
    if (x->config == NULL) {
        return 0;
    }
    const odeon_option *option = schema_option(x->config, name);
    if (option == NULL || option->default_text != NULL) {
        note_misuse(x, name,
                    option == NULL ? "not in its table" : "always given: it has a default");
        return 0;
    }
    return schema_value(x->config, name)->given ? 1 : 0;
}

/* ---- the host table ---- */

void instance_host(instance *x)
{
    x->host = (odeon_host){.struct_size = sizeof x->host,
                           .abi_minor = ODEON_ABI_MINOR,
                           .self = x,
                           .alloc = host_alloc,
                           .free = host_free,
                           .fail = host_fail,
                           .log = host_log,
                           .option_given = host_option_given,
                           .get_extension = host_get_extension};
}

/* ---- init ---- */

/* Judges an init that has returned: options that it asked for wrongly are its fault, too. */
static odeon_status judge(const instance *x, odeon_status status)
{
    if (status != ODEON_OK) {
        if (x->misuse != NULL) { /* perhaps the cause, but the message kept is the plugin's own */
            diag_log(ODEON_LOG_WARNING, "%s: %s: a bug in the plugin", x->path, x->misuse);
        }
        return status > 0 ? ODEON_ERR_PLUGIN : status; /* no trial step is under way */
    }
    return !x->misused
               ? ODEON_OK
               : diag_fail(ODEON_ERR_PLUGIN, "%s: %s: a bug in the plugin", x->path,
                           x->misuse != NULL ? x->misuse : "an option was asked for wrongly");
}

static odeon_status call_init(instance *x)
{
    x->in_init = true;
    calling before = calling_begin(x, "init");
    odeon_status status = calling_end(before, x->component->init(x->self));
    x->in_init = false;
    return judge(x, status);
}

/* ---- memory and options ---- */

/* The value as the C type that its option is written into; what has no value leaves the field 0. */
static void write_field(const odeon_option *option, const option_value *value, char *field)
{
    const odeon_i64_list whole = {value->list_i, value->n};
    const odeon_f64_list real = {value->list_f, value->list_f != NULL ? value->n : -1 - value->i};
    const odeon_choice choice = {value->i, value->argument};
    switch (option->type) {
    case ODEON_OPTION_F64:
        memcpy(field, &value->f, sizeof value->f);
        break;
    case ODEON_OPTION_STRING:
    case ODEON_OPTION_PATH:
        memcpy(field, &value->text, sizeof value->text);
        break;
    case ODEON_OPTION_COMPONENT:
        memcpy(field, &value->component, sizeof value->component);
        break;
    case ODEON_OPTION_I64_LIST:
        memcpy(field, &whole, sizeof whole);
        break;
    case ODEON_OPTION_F64_LIST:
        memcpy(field, &real, sizeof real);
        break;
    case ODEON_OPTION_CHOICE:
        memcpy(field, &choice, option->bytes); /* without its path where there can be none */
        break;
    default:
        memcpy(field, &value->i, sizeof value->i);
    }
}

/* The options are those of config's component: a kernel has none of its own and reads its layer's,
 * in an instance of the layer's type. */
static odeon_status make_self(instance *x)
{
    const odeon_component *chosen = x->config->component;
    const odeon_host *host = &x->host;
    if (x->component->instance_bytes != chosen->instance_bytes) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "%s: an instance of %s has %llu bytes, expected the %llu of %s, whose "
                         "options are written into it",
                         x->path, x->component->id,
                         (unsigned long long)x->component->instance_bytes,
                         (unsigned long long)chosen->instance_bytes, chosen->id);
    }
    char *self = mem_zalloc((size_t)x->component->instance_bytes, 1);
    if (self == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for an instance of %s", x->path,
                         x->component->id);
    }
    x->self = self;
    memcpy(self, &host, sizeof host);
    for (size_t i = 0; chosen->options != NULL && chosen->options[i] != NULL; i++) {
        const odeon_option *option = chosen->options[i];
        if (option->bytes != 0 && x->config->values[i].set) {
            write_field(option, &x->config->values[i], self + option->offset);
        }
    }
    return x->component->init == NULL ? ODEON_OK : call_init(x);
}

/* After an init that failed, too: what it has taken is fini's to free. */
static void unmake_self(instance *x)
{
    if (x->self != NULL && x->component->fini != NULL) {
        calling outer = calling_begin(x, "fini");
        x->component->fini(x->self);
        calling_leave(outer);
    }
    mem_free(x->self);
}

/* ---- life ---- */

odeon_status instance_create(const odeon_config *config, const char *path, instance **out)
{
    return instance_create_as(config->component, config->file, config->abi_minor, config, path,
                              out);
}

odeon_status instance_take(odeon_config *config, const char *path, instance **out)
{
    odeon_status status = instance_create(config, path, out);
    if (status != ODEON_OK) {
        schema_destroy(config);
        return status;
    }
    (*out)->owned = config;
    return ODEON_OK;
}

/* The instance is complete when init is called, so that init may fail with words of its own. */
odeon_status instance_create_as(const odeon_component *component, const char *file,
                                uint32_t abi_minor, const odeon_config *config, const char *path,
                                instance **out)
{
    *out = NULL;
    instance *x = mem_zalloc(1, sizeof *x);
    if (x != NULL) {
        x->component = component;
        x->file = file;
        x->config = config;
        x->path = mem_strdup(path);
    }
    if (x == NULL || x->path == NULL) {
        instance_destroy(x);
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for an instance of %s", path,
                         component->id);
    }
    instance_host(x);
    if (abi_minor < x->host.abi_minor) { /* both sides use the lower of their minors */
        x->host.abi_minor = abi_minor;
    }
    odeon_status status = x->component->instance_bytes > 0 ? make_self(x) : ODEON_OK;
    if (status != ODEON_OK) {
        instance_destroy(x);
        return status;
    }
    *out = x;
    return ODEON_OK;
}

/* The configuration, if it is the instance's own, goes last: fini may still read it. */
void instance_destroy(instance *x)
{
    if (x == NULL) {
        return;
    }
    unmake_self(x);
    figures_forget(x);
    schema_destroy(x->owned);
    mem_free(x->misuse);
    mem_free(x->path);
    mem_free(x);
}
