#include "idle_keys.h"

#include <string.h>

#include "schema.h"

static const char *const fixed[] = {"steps", "step_size"};
static const char *const adaptive[] = {"rtol",    "atol",       "norm",     "end",
                                       "control", "first_step", "max_steps"};
enum { N_FIXED = sizeof fixed / sizeof *fixed, N_ADAPTIVE = sizeof adaptive / sizeof *adaptive };

static const option_value *given(const odeon_config *component, const char *name)
{
    const option_value *value = schema_value(component, name);
    return value != NULL && value->given ? value : NULL;
}

static void print_place(FILE *out, config_where where)
{
    if (where.file != NULL && where.line > 0) {
        fprintf(out, "%s:%d: ", where.file, where.line);
    } else if (where.file != NULL) {
        fprintf(out, "%s: ", where.file);
    }
}

/* The option that lets others rest, or NULL: fixed steps, or a recorded list of them, which is a
 * control with a file. */
static const char *cause_of(const odeon_config *component)
{
    for (size_t i = 0; i < N_FIXED; i++) {
        if (given(component, fixed[i]) != NULL) {
            return fixed[i];
        }
    }
    const option_value *control = given(component, "control");
    return control != NULL && control->argument != NULL ? "control" : NULL;
}

size_t idle_keys_component(FILE *out, const char *path, const odeon_config *component)
{
    const char *cause = cause_of(component);
    size_t n = 0;
    for (size_t i = 0; i < N_ADAPTIVE && cause != NULL; i++) {
        const option_value *value = given(component, adaptive[i]);
        if (value != NULL && strcmp(adaptive[i], cause) != 0) {
            print_place(out, value->where);
            fprintf(out, "model.%s.%s has no effect: %s says which steps to take\n", path,
                    adaptive[i], cause);
            n++;
        }
    }
    return n;
}

static size_t print_node(FILE *out, const config_node *node)
{
    size_t n = 0;
    for (size_t i = 0; i < node->n_items; i++) {
        n += node->items[i] != NULL ? idle_keys_component(out, node->path, node->items[i]) : 0;
    }
    for (size_t i = 0; i < node->n_children; i++) {
        n += print_node(out, node->children[i]);
    }
    return n;
}

static void print_dropped(FILE *out, const config_dropped *d)
{
    print_place(out, d->where);
    fprintf(out, "%s%s%s has no effect: it belongs to %s, which is replaced (", d->section,
            d->key != NULL ? "." : "", d->key != NULL ? d->key : "", d->id);
    fprintf(out, d->by.line > 0 ? "%s:%d)\n" : "%s)\n", d->by.file, d->by.line);
}

size_t idle_keys_print(FILE *out, const config *c)
{
    size_t n = c->n_dropped;
    for (size_t i = 0; i < c->n_dropped; i++) {
        print_dropped(out, &c->dropped[i]);
    }
    for (size_t i = 0; i < c->n_nodes; i++) {
        n += print_node(out, c->nodes[i]);
    }
    return n;
}
