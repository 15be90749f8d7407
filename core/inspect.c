#include "inspect.h"

#include "child.h"
#include "diag.h"
#include "odeon/integrator.h"
#include "schema.h"
#include "text.h"

static const double seconds_per_plugin = 2.0;

/* What a child is to look at. */
typedef struct inspection {
    registry *r;
    int32_t kind;
    const char *id;
} inspection;

/* ---- the list ---- */

typedef struct listing {
    registry *r;
    FILE *out;
    text_buffer refused; /* shown after the others */
    odeon_status status; /* of the listing itself */
} listing;

static odeon_status write_row(FILE *out, void *context)
{
    const inspection *x = context;
    const odeon_component *c = NULL;
    ODEON_TRY(registry_find(x->r, x->kind, x->id, &c));
    (void)fprintf(out, "%-10s %-18s %-6s %s\n", kind_name(c->kind), c->id, c->version, c->summary);
    return ODEON_OK;
}

static void list_plugin(int32_t kind, const char *id, const char *file, void *context)
{
    listing *l = context;
    if (l->status != ODEON_OK) {
        return;
    }
    inspection x = {.r = l->r, .kind = kind, .id = id};
    text_buffer row = {0};
    diag_clear();
    odeon_status status = child_run(write_row, &x, seconds_per_plugin, file, &row);
    if (status == ODEON_OK) {
        (void)fprintf(l->out, "%s%35s  %s\n", row.data, "", file);
    } else if (status == ODEON_ERR_NOMEM) {
        l->status = status;
    } else {
        text_printf(&l->refused, "%-10s %-18s %s\n", kind_name(kind), id, diag_message());
        diag_clear();
    }
    text_fini(&row);
}

odeon_status inspect_plugins(registry *r, FILE *out)
{
    listing l = {.r = r, .out = out};
    odeon_status status = registry_scan(r, list_plugin, &l);
    status = status == ODEON_OK ? l.status : status;
    if (status == ODEON_OK && l.refused.failed) {
        status = diag_fail(ODEON_ERR_NOMEM, "no memory to list refused plugins");
    }
    if (status == ODEON_OK && l.refused.length > 0) {
        (void)fprintf(out, "\nrefused:\n%s", l.refused.data);
    }
    text_fini(&l.refused);
    if (status == ODEON_OK && (fflush(out) != 0 || ferror(out) != 0)) {
        status = diag_fail(ODEON_ERR_IO, "the list of plugins could not be written");
    }
    return status;
}

/* ---- one component ---- */

static void write_tableau(FILE *out, const odeon_tableau *t)
{
    (void)fprintf(out, "  tier       tableau of %d stages, order %d\n", (int)t->stages,
                  (int)t->order);
    if (t->embedded_order > 0) {
        (void)fprintf(out, "  embedded   order %d: adaptive steps\n", (int)t->embedded_order);
    } else {
        (void)fprintf(out, "  embedded   none: fixed steps only\n");
    }
    (void)fprintf(out, "  FSAL       %s\n", (t->flags & ODEON_TABLEAU_FSAL) != 0 ? "yes" : "no");
    if (t->interp_degree > 0) {
        (void)fprintf(out, "  output     between steps, by polynomials of degree %d\n",
                      (int)t->interp_degree);
    }
}

static void write_integrator(FILE *out, const odeon_integrator *method)
{
    if (method->tableau != NULL) {
        write_tableau(out, method->tableau);
    } else {
        (void)fprintf(out, "  tier       step: a sequence of evaluations and combinations\n");
    }
}

static void write_origin(FILE *out, const odeon_component *c, const registry_plugin *p)
{
    (void)fprintf(out, "  version    %s\n  licence    %s\n", c->version, c->license);
    if (c->source != NULL) {
        (void)fprintf(out, "  source     %s\n", c->source);
    }
    (void)fprintf(out, "  plugin     %s %s by %s\n", p->root->name, p->root->version,
                  p->root->vendor);
    (void)fprintf(out, "  file       %s\n  build-id   %s\n  ABI        %u.%u\n", p->file,
                  p->build_id[0] != '\0' ? p->build_id : "(none)", (unsigned)p->root->abi_major,
                  (unsigned)p->root->abi_minor);
}

static odeon_status write_component(FILE *out, void *context)
{
    const inspection *x = context;
    const odeon_component *c = NULL;
    ODEON_TRY(registry_find(x->r, x->kind, x->id, &c));
    (void)fprintf(out, "%s = %s: %s\n\n", kind_name(c->kind), c->id, c->summary);
    write_origin(out, c, registry_plugin_of(x->r, c));
    if (c->kind == ODEON_KIND_INTEGRATOR) {
        write_integrator(out, c->ops);
    }
    (void)fprintf(out, "\n%s\n",
                  c->options != NULL && c->options[0] != NULL ? "options:" : "no options");
    for (size_t i = 0; c->options != NULL && c->options[i] != NULL; i++) {
        schema_print_option(out, c->options[i]);
    }
    return ODEON_OK;
}

odeon_status inspect_component(registry *r, int32_t kind, const char *id, FILE *out)
{
    inspection x = {.r = r, .kind = kind, .id = id};
    text_buffer text = {0};
    odeon_status status = child_run(write_component, &x, seconds_per_plugin, id, &text);
    if (status == ODEON_OK && (fputs(text.data, out) < 0 || fflush(out) != 0)) {
        status = diag_fail(ODEON_ERR_IO, "what %s says could not be written", id);
    }
    text_fini(&text);
    return status;
}
