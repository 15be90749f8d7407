/* A complete INI in comments, made of what the host and the plugins say of their options. A copy of
 * it is shipped (conf/reference.ini), which a test compares with what is made here. */
#include "command/inspect_reference.h"

#include <string.h>

#include "base/diag.h"
#include "base/label.h"
#include "command/inspect_list.h"
#include "config/config_load.h"
#include "config/options.h"
#include "option/kinds.h"
#include "option/schema_print.h"
#include "plugin/registry.h"

static const char introduction[] =
    "; All sections and keys, and all components with their options; `odeon inspect --reference`\n"
    "; writes this file. A key is shown with its default, or with nothing if it has none; without\n"
    "; its first semicolon a line is what an INI may hold.\n"
    ";\n"
    "; KIND = ID chooses a component; its options are keys of the same section or stand in\n"
    "; parentheses: layer = dense(units=16). Anywhere: include = FILE, and ${name} for a text of\n"
    "; [let]. Sections [model.NAME] stand in the order of the network, [model.NAME.INNER] in the\n"
    "; body of [model.NAME]. On the command line path.key=value wins over the file.\n";

/* "key = default", padded, then need, type, meaning and unit as a comment. */
static void write_key(FILE *out, const odeon_option *o)
{
    char assigned[LABEL_MAX_ID_BYTES + LABEL_MAX_BYTES + 4], described[SCHEMA_DESCRIBE_BYTES];
    schema_describe(described, sizeof described, o);
    (void)snprintf(assigned, sizeof assigned, "%s = %s", o->name,
                   o->default_text != NULL ? o->default_text : "");
    const char *need = (o->flags & ODEON_OPTION_REQUIRED) != 0   ? "required; "
                       : (o->flags & ODEON_OPTION_OPTIONAL) != 0 ? "may be left out; "
                                                                 : "";
    (void)fprintf(out, ";%-24s ; %s%s: %s%s%s%s\n", assigned, need, described, o->help,
                  o->unit != NULL ? " [" : "", o->unit != NULL ? o->unit : "",
                  o->unit != NULL ? "]" : "");
}

/* [model.NAME] stands for the sections of all layers. */
static void write_section(FILE *out, const char *name)
{
    const odeon_option *const *options = config_host_options(name);
    (void)fprintf(out, "\n;[%s%s]\n", name, strcmp(name, "model") == 0 ? ".NAME" : "");
    for (size_t i = 0; options[i] != NULL; i++) {
        write_key(out, options[i]);
    }
}

/* In a child: x->r is its copy of the registry, into which the plugin is loaded. */
static odeon_status write_component(FILE *out, void *context)
{
    const inspect_item *x = context;
    const odeon_component *c = NULL;
    if (label_is_kernel(x->id) || x->kind == ODEON_KIND_VIEW) { /* no INI names it */
        return ODEON_OK;
    }
    ODEON_TRY(registry_find(x->r, x->kind, x->id, &c));
    (void)fprintf(out, "\n;%s = %s ; %s\n", kind_name(c->kind), c->id, c->summary);
    for (size_t i = 0; c->options != NULL && c->options[i] != NULL; i++) {
        write_key(out, c->options[i]);
    }
    return ODEON_OK;
}

/* Sections in the order of an INI, then components as the scan finds them: by kind and name. */
static odeon_status write_all(const inspect_list *list, FILE *out)
{
    (void)fputs(introduction, out);
    const char *section;
    for (size_t i = 0; (section = config_host_section(i)) != NULL; i++) {
        write_section(out, section);
    }
    for (size_t i = 0; i < list->n; i++) {
        if (list->jobs[i].status == ODEON_OK) {
            (void)fputs(list->jobs[i].out.data, out);
        } else {
            diag_log(ODEON_LOG_WARNING, "%s", list->jobs[i].message.data);
        }
    }
    return fflush(out) == 0 && ferror(out) == 0
               ? ODEON_OK
               : diag_fail(ODEON_ERR_IO, "the reference could not be written");
}

odeon_status inspect_reference(registry *r, FILE *out)
{
    inspect_list list;
    odeon_status status = inspect_list_run(r, write_component, &list);
    if (status == ODEON_OK) {
        status = write_all(&list, out);
    }
    inspect_list_fini(&list);
    return status;
}
