#include "plugin/instance.h"

#include <assert.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "option/kinds.h"
#include "plugin/calling.h"

/* The table of services is a part of the instance, and self leads from it back there: a plugin
 * passes the table to each service, and so the host knows who calls without a global. Getters of
 * options are the exception: they see a configuration alone (misuse_note). */

/* With minor 0 the lower of the host's and any plugin's is the host's. */
static_assert(ODEON_ABI_MINOR == 0, "abi_minor of a host table is the lower of the two minors");
static_assert(sizeof(size_t) >= sizeof(uint64_t), "sizes of the ABI are sizes of host memory");

/* Getters see a configuration and not whose it is, so the instance under creation on this thread
 * takes note of what goes wrong in them. The option that was asked for first is named. */
typedef struct misuse_note {
    instance *owner;
    char *text;
} misuse_note;

static _Thread_local misuse_note *noting;

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

/* ---- options ---- */

/* Getters have no status to return, so the failure waits until create has returned. */
static void note_misuse(const odeon_config *config, const char *name, const char *what)
{
    const odeon_component *c = config->component;
    if (noting == NULL) {
        diag_log(ODEON_LOG_WARNING, "%s %s reads its option '%s', which is %s: a bug in the plugin",
                 kind_name(c->kind), c->id, name, what);
        return;
    }
    noting->owner->misuse++;
    if (noting->text == NULL) {
        noting->text = mem_printf("%s %s reads its option '%s', which is %s", kind_name(c->kind),
                                  c->id, name, what);
    }
}

/* Is type one of the n types that a getter reads? */
static bool one_of(int32_t type, int n, const int32_t *types)
{
    for (int i = 0; i < n; i++) {
        if (type == types[i]) {
            return true;
        }
    }
    return false;
}

/* The value behind name if it has one of the types that the getter reads and is set, else NULL. */
static const option_value *read_value(const odeon_config *config, const char *name, int n,
                                      const int32_t *types)
{
    const odeon_option *option = schema_option(config, name);
    if (option == NULL) {
        note_misuse(config, name, "not in its table");
        return NULL;
    }
    if (!one_of(option->type, n, types)) {
        note_misuse(config, name, "of another type");
        return NULL;
    }
    const option_value *value = schema_value(config, name);
    return value != NULL && value->set ? value : NULL;
}

static int64_t option_i64(const odeon_config *config, const char *name)
{
    static const int32_t types[] = {ODEON_OPTION_I64, ODEON_OPTION_FLAG, ODEON_OPTION_CHOICE,
                                    ODEON_OPTION_SIZE};
    const option_value *value = read_value(config, name, 4, types);
    return value != NULL ? value->i : 0;
}

static double option_f64(const odeon_config *config, const char *name)
{
    static const int32_t types[] = {ODEON_OPTION_F64};
    const option_value *value = read_value(config, name, 1, types);
    return value != NULL ? value->f : 0.0;
}

/* Two types read as text have more than a word: a choice with a path after it, whose path is
 * meant, and a list, which has none. */
static const char *option_text(const odeon_config *config, const char *name)
{
    static const int32_t types[] = {ODEON_OPTION_STRING, ODEON_OPTION_CHOICE, ODEON_OPTION_PATH,
                                    ODEON_OPTION_F64_LIST};
    const option_value *value = read_value(config, name, 4, types);
    if (value == NULL || value->n > 0) { /* a list is no word */
        return NULL;
    }
    return value->argument != NULL ? value->argument : value->text;
}

static const int64_t *option_list_i64(const odeon_config *config, const char *name, int32_t *n)
{
    static const int32_t types[] = {ODEON_OPTION_I64_LIST};
    const option_value *value = read_value(config, name, 1, types);
    *n = value != NULL ? value->n : 0;
    return value != NULL ? value->list_i : NULL;
}

static const double *option_list_f64(const odeon_config *config, const char *name, int32_t *n)
{
    static const int32_t types[] = {ODEON_OPTION_F64_LIST};
    const option_value *value = read_value(config, name, 1, types);
    *n = value != NULL ? value->n : 0;
    return value != NULL ? value->list_f : NULL;
}

static const odeon_config *option_component(const odeon_config *config, const char *name)
{
    static const int32_t types[] = {ODEON_OPTION_COMPONENT};
    const option_value *value = read_value(config, name, 1, types);
    return value != NULL ? value->component : NULL;
}

/* With a default it would tell a normal form, which writes all of them out, from the INI that it
 * stands for. */
static int32_t option_given(const odeon_config *config, const char *name)
{
    const odeon_option *option = schema_option(config, name);
    if (option == NULL) {
        note_misuse(config, name, "not in its table");
        return 0;
    }
    if (option->default_text != NULL) {
        note_misuse(config, name, "always given: it has a default");
        return 1;
    }
    return schema_value(config, name)->given ? 1 : 0;
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
                           .option_i64 = option_i64,
                           .option_f64 = option_f64,
                           .option_text = option_text,
                           .option_list_i64 = option_list_i64,
                           .option_list_f64 = option_list_f64,
                           .option_component = option_component,
                           .option_given = option_given,
                           .get_extension = host_get_extension,
                           .config = x->config};
}

/* ---- calls that make an instance ---- */

/* Judges a create or an init that has returned: options that it read wrongly are its fault, too. */
static odeon_status judge(instance *x, const misuse_note *note, odeon_status status)
{
    if (status != ODEON_OK) {
        if (note->text != NULL) { /* perhaps the cause, but the message kept is the plugin's own */
            diag_log(ODEON_LOG_WARNING, "%s: %s: a bug in the plugin", x->path, note->text);
        }
        return status > 0 ? ODEON_ERR_PLUGIN : status; /* no trial step is under way */
    }
    return x->misuse == 0
               ? ODEON_OK
               : diag_fail(ODEON_ERR_PLUGIN, "%s: %s: a bug in the plugin", x->path,
                           note->text != NULL ? note->text : "an option was read wrongly");
}

/* What a failed create leaves in self is not to be destroyed. */
static odeon_status create_self(instance *x)
{
    odeon_status status = x->component->create(&x->host, x->config, &x->self);
    x->self = status == ODEON_OK ? x->self : NULL;
    return status;
}

static odeon_status init_self(instance *x)
{
    return x->component->init(x->self);
}

/* A create or an init may make further instances, which take notes of their own. */
static odeon_status call_noting(instance *x, const char *slot, odeon_status (*make)(instance *))
{
    misuse_note note = {.owner = x}, *outer = noting;
    noting = &note;
    calling before = calling_begin(x, slot);
    odeon_status status = calling_end(before, make(x));
    noting = outer;
    status = judge(x, &note, status);
    mem_free(note.text);
    return status;
}

/* ---- instances in the host's memory ---- */

/* The value as the C type that its option is written into; what has no value leaves the field 0. */
static void write_field(const odeon_option *option, const option_value *value, char *field)
{
    const odeon_i64_list whole = {value->list_i, value->n};
    const odeon_f64_list real = {value->list_f, value->n};
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
    return x->component->init == NULL ? ODEON_OK : call_noting(x, "init", init_self);
}

/* What create has made is the plugin's to destroy, and what make_self has the host's to free. */
static void unmake_self(instance *x)
{
    const odeon_component *c = x->component;
    void (*end)(void *) = c->instance_bytes > 0 ? c->fini : c->destroy;
    if (x->self != NULL && end != NULL) {
        calling outer = calling_begin(x, c->instance_bytes > 0 ? "fini" : "destroy");
        end(x->self);
        calling_leave(outer);
    }
    if (c->instance_bytes > 0) {
        mem_free(x->self);
    }
}

/* ---- life ---- */

odeon_status instance_create(const odeon_config *config, const char *path, instance **out)
{
    return instance_create_as(config->component, config->file, config, path, out);
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

/* The instance is complete but for self when create is called, so that create may fail with words
 * of its own. */
odeon_status instance_create_as(const odeon_component *component, const char *file,
                                const odeon_config *config, const char *path, instance **out)
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
    odeon_status status = ODEON_OK;
    if (x->component->instance_bytes > 0) {
        status = make_self(x);
    } else if (x->component->create != NULL) {
        status = call_noting(x, "create", create_self);
    }
    if (status != ODEON_OK) {
        instance_destroy(x);
        return status;
    }
    *out = x;
    return ODEON_OK;
}

/* The configuration, if it is the instance's own, goes last: destroy may still read it. */
void instance_destroy(instance *x)
{
    if (x == NULL) {
        return;
    }
    unmake_self(x);
    schema_destroy(x->owned);
    mem_free(x->path);
    mem_free(x);
}
