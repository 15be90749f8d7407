/* What one component says of itself, loaded in a child process like all plugins that are only
 * looked at. Text and JSON are made from the same structs of the plugin; JSON has every member,
 * null where there is nothing. */
#include "command/inspect_component.h"

#include <string.h>

#include "base/diag.h"
#include "command/inspect_tableau.h"
#include "odeon/layer.h"
#include "option/kinds.h"
#include "option/schema.h"
#include "option/schema_print.h"
#include "plugin/child.h"
#include "plugin/registry.h"
#include "solver/control_hints.h"

static const double seconds_at_most = 2.0;

/* What a child is to look at. */
typedef struct inspection {
    registry *r;
    int32_t kind;
    const char *id;
    bool json;
} inspection;

/* ---- as text ---- */

/* What other systems have for this method beside their rule for all. */
static void write_hints(FILE *out, const odeon_tableau *tableau)
{
    const odeon_control_hint *const *hints = control_hints(tableau);
    for (size_t i = 0; hints[i] != NULL; i++) {
        const odeon_control_hint *h = hints[i];
        (void)fprintf(out,
                      "  control    of %s: exponents %.4g %.4g %.4g, factors %.4g to %.4g (%s)\n",
                      h->system, h->beta[0], h->beta[1], h->beta[2], h->factor_min, h->factor_max,
                      h->source != NULL ? h->source : "no source");
    }
}

/* A method without a tableau is one that steps by calls of its own. A plugin may claim what it
 * cannot keep, so hints are checked before they are shown. */
static odeon_status write_integrator(FILE *out, const odeon_component *c)
{
    if (c->interface != ODEON_INTERFACE_TABLEAU) {
        (void)fprintf(out,
                      "  tier       step: a sequence of verbs, as evaluations and combinations\n");
        return ODEON_OK;
    }
    ODEON_TRY(control_hints_check(c->ops, c->id));
    ODEON_TRY(inspect_tableau_text(out, c->ops));
    write_hints(out, c->ops);
    return ODEON_OK;
}

static void write_bodies(FILE *out, const odeon_layer_ops *ops)
{
    static const char *const what[] = {NULL, "are the right-hand side f(t, y), a chain",
                                       "are a chain", "are a branch each"};
    if (ops->bodies == ODEON_BODIES_NONE) {
        return;
    }
    (void)fprintf(out, "  sections   nested below it %s", what[ops->bodies]);
    for (size_t i = 0; ops->body_names != NULL && ops->body_names[i] != NULL; i++) {
        (void)fprintf(out, "%s %s", i == 0 ? "; by itself, if there is one:" : ",",
                      ops->body_names[i]);
    }
    (void)fprintf(out, "\n");
}

/* What write_kernel needs to know. */
typedef struct kernel_rows {
    const char *layer;
    FILE *out;         /* as text, or */
    text_buffer *json; /* as JSON */
    size_t n;
} kernel_rows;

/* A plugin_visitor, for all files of the search path: those whose id is LAYER@DEVICE are kernels of
 * the layer. */
static void write_kernel(int32_t kind, const char *id, const char *file, void *context)
{
    kernel_rows *list = context;
    const char *device = kind == ODEON_KIND_LAYER ? registry_kernel_device(id, list->layer) : NULL;
    if (device == NULL) {
        return;
    }
    if (list->out != NULL) {
        (void)fprintf(list->out, "  kernel     for %s: %s\n", device, file);
    } else {
        text_printf(list->json, "%s{\"device\": \"%s\", \"file\": ", list->n > 0 ? ", " : "",
                    device);
        text_json_string(list->json, file);
        text_add(list->json, "}");
    }
    list->n++;
}

/* Of a kernel. */
static void write_place(FILE *out, const odeon_component *c)
{
    const char *at = strchr(c->id, '@');
    if (at != NULL) {
        (void)fprintf(out, "  stands in  for layer %.*s where run.device is %s\n",
                      (int)(at - c->id), c->id, at + 1);
    }
}

/* Those in the layer's own plugin, then those in files of their own. */
static odeon_status visit_kernels(registry *r, const odeon_component *c, kernel_rows *list)
{
    const registry_plugin *p = registry_plugin_of(r, c);
    for (size_t i = 0; p->root->components[i] != NULL; i++) {
        const odeon_component *k = p->root->components[i];
        write_kernel(k->kind, k->id, p->file, list);
    }
    return registry_scan(r, write_kernel, list);
}

/* Who made it and which file was loaded: the build-id tells builds of one version apart. */
static void write_origin(FILE *out, const odeon_component *c, const registry_plugin *p)
{
    (void)fprintf(out, "  version    %s\n  licence    %s\n", c->version, c->license);
    if (c->source != NULL) {
        (void)fprintf(out, "  source     %s\n", c->source);
    }
    if (c->aliases != NULL) {
        (void)fprintf(out, "  aliases    ");
        schema_print_aliases(out, c->aliases);
    }
    (void)fprintf(out, "  plugin     %s %s by %s\n", p->root->name, p->root->version,
                  p->root->vendor);
    (void)fprintf(out, "  file       %s\n  build-id   %s\n  ABI        %u.%u\n", p->file,
                  p->build_id[0] != '\0' ? p->build_id : "(none)", (unsigned)p->root->abi_major,
                  (unsigned)p->root->abi_minor);
}

static odeon_status write_text(FILE *out, registry *r, const odeon_component *c)
{
    kernel_rows kernels = {.layer = c->id, .out = out};
    (void)fprintf(out, "%s = %s: %s\n\n", kind_name(c->kind), c->id, c->summary);
    write_origin(out, c, registry_plugin_of(r, c));
    if (c->kind == ODEON_KIND_INTEGRATOR) {
        ODEON_TRY(write_integrator(out, c));
    }
    if (c->kind == ODEON_KIND_LAYER) {
        write_bodies(out, c->ops);
        write_place(out, c);
        ODEON_TRY(visit_kernels(r, c, &kernels));
    }
    (void)fprintf(out, "\n%s\n",
                  c->options != NULL && c->options[0] != NULL ? "options:" : "no options");
    for (size_t i = 0; c->options != NULL && c->options[i] != NULL; i++) {
        schema_print_option(out, c->options[i]);
    }
    return ODEON_OK;
}

/* ---- as JSON ---- */

/* NULL becomes null, so that every object has the same members. */
static void add_member(text_buffer *out, const char *name, const char *text)
{
    text_printf(out, ",\n  \"%s\": ", name);
    if (text != NULL) {
        text_json_string(out, text);
    } else {
        text_add(out, "null");
    }
}

/* With all digits: whoever reads JSON computes with them. */
static void add_hints(text_buffer *out, const odeon_tableau *tableau)
{
    const odeon_control_hint *const *hints = control_hints(tableau);
    text_add(out, ",\n  \"control_hints\": [");
    for (size_t i = 0; hints[i] != NULL; i++) {
        const odeon_control_hint *h = hints[i];
        text_add(out, i > 0 ? ", {\"system\": " : "{\"system\": ");
        text_json_string(out, h->system);
        text_printf(out,
                    ", \"beta\": [%.17g, %.17g, %.17g], \"beta_reject\": %.17g, \"factor_min\": "
                    "%.17g, \"factor_max\": %.17g}",
                    h->beta[0], h->beta[1], h->beta[2], h->beta_reject, h->factor_min,
                    h->factor_max);
    }
    text_add(out, "]");
}

static odeon_status add_method(text_buffer *out, const odeon_component *c)
{
    const odeon_tableau *tableau = c->interface == ODEON_INTERFACE_TABLEAU ? c->ops : NULL;
    ODEON_TRY(tableau != NULL ? control_hints_check(tableau, c->id) : ODEON_OK);
    if (tableau != NULL) {
        ODEON_TRY(inspect_tableau_json(out, tableau));
    } else {
        text_add(out, ",\n  \"tier\": \"step\"");
    }
    add_hints(out, tableau);
    return ODEON_OK;
}

/* An empty list where there are none. */
static odeon_status add_kernels(text_buffer *out, registry *r, const odeon_component *c)
{
    kernel_rows kernels = {.layer = c->id, .json = out};
    text_add(out, ",\n  \"kernels\": [");
    ODEON_TRY(visit_kernels(r, c, &kernels));
    text_add(out, "]");
    return ODEON_OK;
}

/* Also called in the children of inspect_plugins.c, for every component of every file. Texts come
 * from the plugin and are escaped; kind and id have been checked by the loader. */
odeon_status inspect_write_json(text_buffer *out, registry *r, const odeon_component *c)
{
    const registry_plugin *p = registry_plugin_of(r, c);
    text_printf(out, "{\"kind\": \"%s\",\n  \"id\": \"%s\"", kind_name(c->kind), c->id);
    add_member(out, "summary", c->summary);
    add_member(out, "version", c->version);
    add_member(out, "license", c->license);
    add_member(out, "source", c->source);
    add_member(out, "aliases", c->aliases);
    add_member(out, "plugin", p->root->name);
    add_member(out, "plugin_version", p->root->version);
    add_member(out, "vendor", p->root->vendor);
    add_member(out, "file", p->file);
    add_member(out, "build_id", p->build_id[0] != '\0' ? p->build_id : NULL);
    text_printf(out, ",\n  \"abi\": \"%u.%u\"", (unsigned)p->root->abi_major,
                (unsigned)p->root->abi_minor);
    if (c->kind == ODEON_KIND_INTEGRATOR) {
        ODEON_TRY(add_method(out, c));
    }
    if (c->kind == ODEON_KIND_LAYER) {
        ODEON_TRY(add_kernels(out, r, c));
    }
    text_add(out, ",\n  ");
    schema_json_options(out, c->options);
    text_add(out, "}");
    return out->failed ? diag_fail(ODEON_ERR_NOMEM, "%s: no memory", c->id) : ODEON_OK;
}

/* ---- in the child, and in the parent ---- */

/* In the child. */
static odeon_status write_component(FILE *out, void *context)
{
    const inspection *x = context;
    const odeon_component *c = NULL;
    ODEON_TRY(registry_find(x->r, x->kind, x->id, &c));
    if (!x->json) {
        return write_text(out, x->r, c);
    }
    text_buffer text = {0};
    odeon_status status = inspect_write_json(&text, x->r, c);
    (void)fprintf(out, "%s\n", status == ODEON_OK ? text.data : "");
    text_fini(&text);
    return status;
}

/* In the parent. flush tells whether all of it could be written. */
odeon_status inspect_component(registry *r, int32_t kind, const char *id, bool json, FILE *out)
{
    inspection x = {.r = r, .kind = kind, .id = id, .json = json};
    text_buffer text = {0};
    odeon_status status = child_run(write_component, &x, seconds_at_most, id, &text);
    if (status == ODEON_OK && (fputs(text.data, out) < 0 || fflush(out) != 0)) {
        status = diag_fail(ODEON_ERR_IO, "what %s says could not be written", id);
    }
    text_fini(&text);
    return status;
}

/* The text is thrown away; a component that cannot be loaded, is not there or crashes is equally of
 * no use. */
odeon_status inspect_exists(registry *r, int32_t kind, const char *id)
{
    inspection x = {.r = r, .kind = kind, .id = id};
    text_buffer text = {0};
    odeon_status status = child_run(write_component, &x, seconds_at_most, id, &text);
    text_fini(&text);
    return status == ODEON_OK || status == ODEON_ERR_NOMEM ? status : ODEON_ERR_PLUGIN;
}
