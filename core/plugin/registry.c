#include "plugin/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/label.h"
#include "base/location.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "option/kinds.h"
#include "option/schema_parse.h"
#include "plugin/claims.h"
#include "plugin/files.h"
#include "plugin/module.h"
#include "plugin/search_path.h"
#include "plugin/unknown_id.h"

/* A module is loaded once and stays until the registry ends; components are pointers into modules'
 * checked copies, and are therefore compared by address. Modules are few, some dozens, so that all
 * searches are linear. */

struct registry {
    search_path *folders;
    size_t n_modules;
    module **modules; /* in the order of loading */
    claim_list replaced;
    bool distrusts; /* what an INI names is not loaded */
    const host_service *services;
    figures *figures;
};

/* A file that stands for a component, and the search path's folder that has it. */
typedef struct found_file {
    int32_t kind;       /* what it is to hold; 0: whatever it does */
    const char *id;     /* borrowed */
    char *file;         /* NULL: none */
    const char *folder; /* borrowed from the search path */
    bool own;           /* the program's own folder */
} found_file;

/* Only folders are named here: a program that asks for nothing loads nothing. */
odeon_status registry_create(size_t n_paths, const char *const *paths, registry **out)
{
    *out = NULL;
    registry *r = mem_zalloc(1, sizeof *r);
    if (r == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "no memory for the registry of plugins");
    }
    odeon_status status = figures_create(&r->figures);
    if (status == ODEON_OK) {
        status = search_path_create(n_paths, paths, &r->folders);
    }
    if (status != ODEON_OK) {
        registry_destroy(r);
        return status;
    }
    *out = r;
    return ODEON_OK;
}

void registry_destroy(registry *r)
{
    if (r == NULL) {
        return;
    }
    for (size_t i = r->n_modules; i > 0; i--) {
        module_destroy(r->modules[i - 1]);
    }
    mem_free(r->modules);
    claim_list_fini(&r->replaced);
    search_path_destroy(r->folders);
    figures_destroy(r->figures);
    mem_free(r);
}

/* ---- what is loaded ---- */

/* By the host's copies, whose ids have been checked. */
static const odeon_component *component_in(const module *m, int32_t kind, const char *id)
{
    for (const odeon_component *const *c = m->tables->root.components; *c != NULL; c++) {
        if ((*c)->kind == kind && strcmp((*c)->id, id) == 0) {
            return *c;
        }
    }
    return NULL;
}

/* Of two plugins that hold the same component the one loaded first counts. */
static const odeon_component *known_component(const registry *r, int32_t kind, const char *id)
{
    for (size_t i = 0; i < r->n_modules; i++) {
        const odeon_component *c = component_in(r->modules[i], kind, id);
        if (c != NULL) {
            return c;
        }
    }
    return NULL;
}

size_t registry_plugin_count(const registry *r)
{
    return r->n_modules;
}

registry_plugin registry_plugin_at(const registry *r, size_t index)
{
    return r->modules[index]->plugin;
}

static module *module_of(const registry *r, const odeon_component *component)
{
    for (size_t i = 0; i < r->n_modules; i++) {
        if (component_in(r->modules[i], component->kind, component->id) == component) {
            return r->modules[i];
        }
    }
    return NULL;
}

const registry_plugin *registry_plugin_of(const registry *r, const odeon_component *component)
{
    const module *m = module_of(r, component);
    return m != NULL ? &m->plugin : NULL;
}

/* ---- loading ---- */

/* Of two in one folder nobody can say which is meant; of others the first loaded is used. */
static odeon_status check_shadowed(const registry *r, const module *m)
{
    for (const odeon_component *const *c = m->tables->root.components; *c != NULL; c++) {
        const odeon_component *first = known_component(r, (*c)->kind, (*c)->id);
        if (first == NULL) {
            continue;
        }
        const module *other = module_of(r, first);
        if (m->folder != NULL && m->folder == other->folder) {
            return diag_fail(
                ODEON_ERR_PLUGIN,
                "%s: %s %s is claimed by %s, too, of the same folder: keep one of them", m->file,
                kind_name((*c)->kind), (*c)->id, other->file);
        }
        diag_log(ODEON_LOG_WARNING, "%s: its %s %s is not used: %s holds one of that name", m->file,
                 kind_name((*c)->kind), (*c)->id, other->file);
    }
    return ODEON_OK;
}

/* Defaults must be what may be typed, or the component could not be used as documented. */
static odeon_status check_defaults(const module *m, const odeon_component *c)
{
    for (size_t i = 0; c->options != NULL && c->options[i] != NULL; i++) {
        const odeon_option *o = c->options[i];
        if (o->default_text == NULL || o->type == ODEON_OPTION_COMPONENT) {
            continue; /* a component as a default is looked for when it is used */
        }
        char section[LABEL_MAX_ID_BYTES + 32];
        (void)snprintf(section, sizeof section, "default of %s %s", kind_name(c->kind), c->id);
        location where = {.file = m->file};
        option_value value = {0};
        odeon_status status = schema_parse(NULL, o, o->default_text, where, section, "/", &value);
        schema_value_clear(&value);
        if (status != ODEON_OK) {
            return status == ODEON_ERR_CONFIG ? ODEON_ERR_PLUGIN : status;
        }
    }
    return ODEON_OK;
}

static odeon_status check_all_defaults(const module *m)
{
    for (const odeon_component *const *c = m->tables->root.components; *c != NULL; c++) {
        ODEON_TRY(check_defaults(m, *c));
    }
    return ODEON_OK;
}

/* The list has grown before anything is checked, so that what has passed cannot be lost for want
 * of memory. */
static odeon_status add_module(registry *r, module *m)
{
    module **modules = mem_grow(r->modules, r->n_modules, sizeof *modules);
    if (modules == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory to load it", m->file);
    }
    r->modules = modules;
    ODEON_TRY(check_all_defaults(m));
    ODEON_TRY(check_shadowed(r, m));
    ODEON_TRY(claims_tell(r->folders, m->file, m->elf.components, &m->replaces));
    m->plugin.replaces = m->replaces.length > 0 ? m->replaces.data : "";
    r->modules[r->n_modules++] = m;
    return ODEON_OK;
}

/* The module of a file that is loaded already, by whatever link; NULL if it is not. */
static module *loaded_module(const registry *r, const char *file)
{
    char *resolved = realpath(file, NULL);
    module *found = NULL;
    for (size_t i = 0; i < r->n_modules && resolved != NULL; i++) {
        if (strcmp(r->modules[i]->file, resolved) == 0) {
            found = r->modules[i];
        }
    }
    free(resolved);
    return found;
}

/* What it is to hold is known from its name, what it does hold from its note. */
static odeon_status check_promise(const found_file *found, const char *components)
{
    claim first;
    if (found->kind == 0 || claim_is_in(components, found->kind, found->id)) {
        return ODEON_OK;
    }
    if (!claim_next(&components, &first) || first.kind == 0) {
        return diag_fail(ODEON_ERR_PLUGIN, "%s: its note names no %s %s", found->file,
                         kind_name(found->kind), found->id);
    }
    if (!first.valid) {
        return diag_fail(ODEON_ERR_PLUGIN,
                         "%s: the id of its %s is not of letters, digits and _, a letter first",
                         found->file, kind_name(first.kind));
    }
    return diag_fail(ODEON_ERR_PLUGIN, "%s: it holds no %s %s, but %s %s", found->file,
                     kind_name(found->kind), found->id, kind_name(first.kind), first.id);
}

/* Everything that can be said against a file without running anything of it. */
static odeon_status open_file(const registry *r, const found_file *found, module **out)
{
    module *m = NULL;
    ODEON_TRY(module_open(found->file, found->folder, found->own, &m));
    odeon_status status = check_promise(found, m->elf.components);
    if (status == ODEON_OK) {
        status = claims_check(&r->replaced, r->folders, m->file, m->folder, m->elf.components);
    }
    if (status != ODEON_OK) {
        module_destroy(m);
        return status;
    }
    *out = m;
    return ODEON_OK;
}

/* A file that several components of a configuration come from is loaded once; so is one that links
 * lead to. */
static odeon_status load(registry *r, const found_file *found, module **out)
{
    *out = loaded_module(r, found->file);
    if (*out != NULL) {
        return ODEON_OK;
    }
    module *m = NULL;
    ODEON_TRY(open_file(r, found, &m));
    odeon_status status = module_start(m);
    status = status == ODEON_OK ? add_module(r, m) : status;
    if (status != ODEON_OK) {
        module_destroy(m);
        return status;
    }
    *out = m;
    return ODEON_OK;
}

odeon_status registry_load(registry *r, const char *file)
{
    module *m = NULL;
    char *absolute = path_absolute(file, NULL);
    odeon_status status = absolute != NULL
                              ? load(r, &(found_file){.file = absolute}, &m)
                              : diag_fail(ODEON_ERR_NOMEM, "%s: no memory to load it", file);
    mem_free(absolute);
    if (status == ODEON_OK) {
        m->plugin.in_use = true;
    }
    return status;
}

odeon_status registry_replace(registry *r, const char *name)
{
    return claim_list_add(&r->replaced, name);
}

void registry_offer(registry *r, const host_service *services)
{
    r->services = services;
}

const host_service *registry_services(const registry *r)
{
    return r->services;
}

figures *registry_figures(const registry *r)
{
    return r->figures;
}

void registry_distrust(registry *r)
{
    r->distrusts = true;
}

/* A file that cannot be loaded in any case is refused for that reason, not for want of --trust. */
odeon_status registry_may_load(const registry *r, const char *file)
{
    if (!r->distrusts || loaded_module(r, file) != NULL) {
        return ODEON_OK;
    }
    module *m = NULL;
    ODEON_TRY(module_open(file, NULL, false, &m));
    module_destroy(m);
    return diag_fail(ODEON_ERR_CONFIG,
                     "load = %s: code that an INI brings along is run by this command only where "
                     "you say --trust",
                     file);
}

/* ---- finding ---- */

/* Of files that can be found, by their names: nothing is loaded to be hinted at. */
static void collect_id(int32_t kind, const char *id, const char *file, void *context)
{
    (void)file;
    id_list_add(context, kind, id);
}

static void collect_loaded(const registry *r, id_list *list)
{
    for (size_t i = 0; i < r->n_modules; i++) {
        const odeon_component *const *c = r->modules[i]->tables->root.components;
        for (; *c != NULL; c++) {
            id_list_add(list, (*c)->kind, (*c)->id);
        }
    }
}

/* Plugins tell their aliases only once they are loaded. */
static odeon_status write_aliases(void *self, int32_t kind, const char *id, FILE *out)
{
    const odeon_component *c = NULL;
    ODEON_TRY(registry_look_at(self, kind, id, &c));
    (void)fputs(c->aliases != NULL ? c->aliases : "", out);
    return ODEON_OK;
}

static odeon_status refuse_unknown(registry *r, int32_t kind, const char *id)
{
    id_list list = {.kind = kind};
    const alias_source aliases = {.self = r, .write = write_aliases};
    collect_loaded(r, &list);
    odeon_status status = registry_scan(r, collect_id, &list);
    status = status == ODEON_OK ? unknown_id_refuse(&list, id, &aliases) : status;
    id_list_fini(&list);
    return status;
}

/* Loads file, which is there for this component, and takes it out. */
static odeon_status find_in(registry *r, const found_file *found, int32_t kind, const char *id,
                            const odeon_component **out)
{
    module *m = NULL;
    ODEON_TRY(load(r, found, &m));
    *out = component_in(m, kind, id);
    if (*out == NULL) {
        const odeon_component *first = m->tables->root.components[0];
        return diag_fail(ODEON_ERR_PLUGIN, "%s: it holds no %s %s, but %s %s", found->file,
                         kind_name(kind), id, kind_name(first->kind), first->id);
    }
    return ODEON_OK;
}

/* The first file of that name; mem_free out->file, which is NULL if there is none. */
static odeon_status first_file(const registry *r, int32_t kind, const char *id, found_file *out)
{
    *out = (found_file){.file = NULL};
    for (size_t i = 0; i < r->folders->n; i++) {
        const char *folder = r->folders->folders[i];
        char *file = mem_printf("%s/%s/%s.so", folder, kind_name(kind), id);
        if (file == NULL) {
            return diag_fail(ODEON_ERR_NOMEM, "no memory to look for %s %s", kind_name(kind), id);
        }
        struct stat s;
        if (lstat(file, &s) == 0) { /* what stands there first is meant, be it good or bad */
            *out = (found_file){kind, id, file, folder, i == r->folders->own};
            return ODEON_OK;
        }
        mem_free(file);
    }
    return ODEON_OK;
}

/* A known component, or one that can be loaded; *out is NULL if there is none of that name. */
static odeon_status seek(registry *r, int32_t kind, const char *id, const odeon_component **out)
{
    found_file found;
    *out = known_component(r, kind, id);
    if (*out != NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(first_file(r, kind, id, &found));
    odeon_status status = found.file != NULL ? find_in(r, &found, kind, id, out) : ODEON_OK;
    mem_free(found.file);
    return status;
}

static bool is_name(int32_t kind, const char *id)
{
    return label_is_id(id) || (kind == ODEON_KIND_LAYER && label_is_kernel(id));
}

/* The id comes from an INI or a command line and becomes part of a path, so it is judged before it
 * is looked for. */
odeon_status registry_look_at(registry *r, int32_t kind, const char *id,
                              const odeon_component **out)
{
    *out = NULL;
    if (kind_name(kind) == NULL) {
        return diag_fail(ODEON_ERR_INTERNAL, "there is no kind %d", (int)kind);
    }
    if (!is_name(kind, id)) { /* it becomes part of a path */
        return diag_fail(ODEON_ERR_CONFIG,
                         "'%s' cannot name a %s: expected letters, digits and _, a letter first",
                         id, kind_name(kind));
    }
    ODEON_TRY(seek(r, kind, id, out));
    return *out != NULL ? ODEON_OK : refuse_unknown(r, kind, id);
}

/* A component that is loaded already is looked for in its file all the same: what a list says is
 * what a fresh run would find. */
odeon_status registry_examine(const registry *r, int32_t kind, const char *id, module **out)
{
    found_file found;
    *out = NULL;
    ODEON_TRY(first_file(r, kind, id, &found));
    odeon_status status = found.file != NULL ? open_file(r, &found, out)
                                             : diag_fail(ODEON_ERR_CONFIG, "no %s is named '%s'",
                                                         kind_name(kind), id);
    mem_free(found.file);
    return status;
}

/* A manifest lists what has taken part in a run, not all that was looked at for hints or by device
 * = auto. */
void registry_set_use(registry *r, const odeon_component *component, bool in_use)
{
    for (size_t i = 0; i < r->n_modules; i++) {
        if (component_in(r->modules[i], component->kind, component->id) == component) {
            r->modules[i]->plugin.in_use = in_use;
        }
    }
}

odeon_status registry_find(registry *r, int32_t kind, const char *id, const odeon_component **out)
{
    ODEON_TRY(registry_look_at(r, kind, id, out));
    registry_set_use(r, *out, true);
    return ODEON_OK;
}

/* ---- kernels ---- */

const char *registry_kernel_device(const char *kernel, const char *layer)
{
    return kernel_device(kernel, layer);
}

/* A plugin that was loaded for another reason may be in front of a file of the kernel's name. Said
 * once, however often the kernel is looked for. */
static odeon_status warn_of_other_file(const registry *r, const odeon_component *kernel)
{
    found_file found;
    module *m = module_of(r, kernel);
    const char *used = m->plugin.file;
    if (m->has_looked) {
        return ODEON_OK;
    }
    m->has_looked = true;
    ODEON_TRY(first_file(r, kernel->kind, kernel->id, &found));
    char *resolved = found.file != NULL ? realpath(found.file, NULL) : NULL;
    if (resolved != NULL && strcmp(resolved, used) != 0) {
        diag_log(ODEON_LOG_WARNING, "%s: its %s %s is not used: %s holds one of that name",
                 found.file, kind_name(kernel->kind), kernel->id, used);
    }
    free(resolved);
    mem_free(found.file);
    return ODEON_OK;
}

odeon_status registry_find_kernel(registry *r, const char *layer, const char *device,
                                  const odeon_component **out)
{
    *out = NULL;
    char *id = mem_printf("%s@%s", layer, device);
    if (id == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "no memory to look for a kernel of layer %s", layer);
    }
    odeon_status status = seek(r, ODEON_KIND_LAYER, id, out);
    mem_free(id);
    if (status != ODEON_OK || *out == NULL) {
        return status;
    }
    registry_set_use(r, *out, true);
    return warn_of_other_file(r, *out);
}

odeon_status registry_scan(registry *r, plugin_visitor visit, void *context)
{
    return plugin_files_visit(r->folders->n, (const char *const *)r->folders->folders, visit,
                              context);
}
