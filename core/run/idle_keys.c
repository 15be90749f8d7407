/* An INI that is accepted may still say less than its author thinks: a key can belong to a
 * component that a later line replaces, or to an option that another option switches off. Each such
 * key is named once, with where it stands and why it rests. */
#include "run/idle_keys.h"

#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "config/document.h"
#include "option/schema.h"
#include "option/schema_parse.h"
#include "run/note.h"

static const char *const fixed[] = {"steps", "step_size"};
static const char *const adaptive[] = {"rtol",       "atol",      "tolerance_factor",
                                       "norm",       "end",       "control",
                                       "first_step", "max_steps", "h_max",
                                       "h_min",      "pid",       "stops"};
enum { N_FIXED = sizeof fixed / sizeof *fixed, N_ADAPTIVE = sizeof adaptive / sizeof *adaptive };

/* "a.ini:7: ", "override run.seed=1: " or nothing. */
typedef struct place_text {
    char text[300];
} place_text;

static place_text place_of(location where)
{
    place_text out = {""};
    if (where.file != NULL && where.line > 0) {
        (void)snprintf(out.text, sizeof out.text, "%.250s:%d: ", where.file, where.line);
    } else if (where.file != NULL) {
        (void)snprintf(out.text, sizeof out.text, "%.250s: ", where.file);
    }
    return out;
}

static bool is_override(location where)
{
    return where.file != NULL && where.line == 0;
}

/* Of an option that the component does not have: NULL, too. */
static const option_value *given(const odeon_config *component, const char *name)
{
    const option_value *value = schema_value(component, name);
    return value != NULL && value->given ? value : NULL;
}

/* Is it what the option would be if it were not given? So are most keys of a normal form. */
static bool is_default(const odeon_option *option, const option_value *value)
{
    option_value standard;
    if (option->default_text == NULL || option->type == ODEON_OPTION_COMPONENT ||
        value->text == NULL) {
        return false;
    }
    if (schema_parse(NULL, option, option->default_text, value->where, NULL, "/", &standard) !=
        ODEON_OK) {
        diag_clear();
        return false;
    }
    bool same = strcmp(standard.text, value->text) == 0;
    schema_value_clear(&standard);
    return same;
}

/* Warnings are about what somebody meant. */
static bool is_worth_a_line(FILE *out, const odeon_config *component, const char *name,
                            const option_value *value)
{
    return out != NULL || is_override(value->where) ||
           !is_default(schema_option(component, name), value);
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

/* Stops cut the grid of step_size, too. */
static bool rests(const char *name, const char *cause)
{
    return strcmp(name, cause) != 0 &&
           (strcmp(name, "stops") != 0 || strcmp(cause, "step_size") != 0);
}

/* By the names of options alone, whichever component has them: these are what all layers with an
 * ODE solve call them. */
size_t idle_keys_component(FILE *out, const char *path, const odeon_config *component)
{
    const char *cause = cause_of(component);
    size_t n = 0;
    for (size_t i = 0; i < N_ADAPTIVE && cause != NULL; i++) {
        const option_value *value = given(component, adaptive[i]);
        if (value != NULL && rests(adaptive[i], cause) &&
            is_worth_a_line(out, component, adaptive[i], value)) {
            note(out, "%smodel.%s.%s has no effect: %s says which steps to take",
                 place_of(value->where).text, path, adaptive[i], cause);
            n++;
        }
    }
    return n;
}

/* Layers of the row, then what is nested below each. */
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

/* What belonged to a component that a later line, or the command line, has replaced by another. */
static void print_dropped(FILE *out, const config_dropped *d)
{
    char by[300];
    (void)snprintf(by, sizeof by, d->by.line > 0 ? "%.250s:%d" : "%.250s", d->by.file, d->by.line);
    note(out, "%s%s%s%s has no effect: it belongs to %s, which is replaced (%s)",
         place_of(d->where).text, d->section, d->key != NULL ? "." : "",
         d->key != NULL ? d->key : "", d->id, by);
}

/* ---- keys that a section's or another key's absence leaves without effect ---- */

/* Its sections have been named already as those of a replaced component. */
static bool is_dropped(const config *c, const char *section)
{
    for (size_t i = 0; i < c->n_dropped; i++) {
        if (c->dropped[i].key == NULL && strcmp(c->dropped[i].section, section) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_transform(const config *c, const char *path)
{
    for (size_t i = 0; i < c->n_data_nodes; i++) {
        if (strcmp(c->data_nodes[i]->path, path) == 0) {
            return true;
        }
    }
    return false;
}

/* Is it the section of a layer or transform that is not there, because enabled = no or for a
 * reason above it? */
static bool is_left_out(const config *c, const char *section)
{
    if (strncmp(section, "model.", 6) == 0) {
        return config_find_node(c, section + 6) == NULL && !is_dropped(c, section);
    }
    return strncmp(section, "data.", 5) == 0 && !has_transform(c, section + 5);
}

/* In a file such keys wait for the section to be enabled; on the command line nobody waits. */
static size_t print_left_out(FILE *out, const config *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->document->n_sections; i++) {
        const document_section *section = &c->document->sections[i];
        bool left_out = is_left_out(c, section->name);
        for (size_t k = 0; k < section->n_keys && left_out; k++) {
            const document_key *key = &section->keys[k];
            if (key->level == DOCUMENT_OVERRIDE && strcmp(key->name, "enabled") != 0) {
                note(out, "%s%s.%s has no effect: its section is left out",
                     place_of(key->where).text, section->name, key->name);
                n++;
            }
        }
    }
    return n;
}

/* Texts of [let] that were set on the command line and stand in no value. */
static size_t print_let(FILE *out, const config *c)
{
    const document_section *let = document_find(c->document, "let");
    size_t n = 0;
    for (size_t k = 0; k < let->n_keys; k++) {
        const document_key *key = &let->keys[k];
        if (key->level == DOCUMENT_OVERRIDE && !key->used) {
            note(out, "%slet.%s has no effect: no value has ${%s} in it", place_of(key->where).text,
                 key->name, key->name);
            n++;
        }
    }
    return n;
}

/* An order that is given holds for every epoch, so there is nothing to shuffle. */
static size_t print_shuffle(FILE *out, const config *c)
{
    const document_key *key = document_find_key(document_find(c->document, "data"), "shuffle");
    if (c->order == NULL || key == NULL || !c->shuffle) {
        return 0;
    }
    if (out == NULL && key->level != DOCUMENT_OVERRIDE) {
        return 0; /* yes is its default */
    }
    note(out, "%sdata.shuffle has no effect: data.order is the order of every epoch",
         place_of(key->where).text);
    return 1;
}

/* In the order in which the configuration came to be: what was replaced, what rests, what is left
 * out. */
size_t idle_keys_print(FILE *out, const config *c)
{
    size_t n = c->n_dropped;
    for (size_t i = 0; i < c->n_dropped; i++) {
        print_dropped(out, &c->dropped[i]);
    }
    for (size_t i = 0; i < c->n_nodes; i++) {
        n += print_node(out, c->nodes[i]);
    }
    return n + print_left_out(out, c) + print_let(out, c) + print_shuffle(out, c);
}
