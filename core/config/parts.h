/* parts.h: what the sources of config.h share: one section's keys as the host reads them. */
#ifndef ODEON_CORE_CONFIG_PARTS_H
#define ODEON_CORE_CONFIG_PARTS_H
#include "config/config.h"
#include "config/document.h"
#include "plugin/registry.h"

enum { HOST_MAX_KEYS = 32 }; /* of any section */

/* A configuration under way. */
typedef struct loading {
    registry *r;
    document *document; /* the configuration's */
    config *c;
    text_buffer effective;
    bool untrained; /* [data] does without [train] */
} loading;

/* The values of the host's keys of one section. */
typedef struct host_section {
    const document_section *source;
    const odeon_option *const *options;
    const char *own; /* the key whose component's options are keys of the section; NULL: none */
    option_value values[HOST_MAX_KEYS];
} host_section;

/* Reads source by the host's table for it ("run", "model", "data.NAME"). A key that is neither the
 * host's nor an option of own's component is an error; without such a component every key that is
 * not the host's is. Fini it even on failure. */
odeon_status host_section_read(loading *l, const document_section *source, const char *table,
                               const char *own, host_section *out);
void host_section_fini(host_section *h);

option_value *host_value(host_section *h, const char *name);
odeon_config *host_take(host_section *h, const char *name); /* a component; the caller's then */

/* "[name]" and every key that has a value. */
odeon_status host_section_print(text_buffer *out, const host_section *h);

/* Is the key one that a component had which a later source has replaced by own's value, and which
 * the present one has not? Then it is dropped: c->dropped lists it. */
odeon_status replaced_drop_key(loading *l, const document_section *section, const document_key *own,
                               int32_t kind, const document_key *key, bool *dropped);
/* The same of a section nested below a layer that holds none. */
odeon_status replaced_drop_section(loading *l, const document_section *section,
                                   const document_section *parent, bool *dropped);
void replaced_fini(config *c);

/* train.loss: fills c->losses and puts the normal form in the place of what was typed. */
odeon_status losses_read(loading *l, host_section *h);

/* run.eval_every: sets c->eval_unit and what goes with it, and puts the normal form in the place of
 * what was typed. */
odeon_status evaluation_read(config *c, option_value *value);

enum { MODEL_PREFIX = 6, TRANSFORM_PREFIX = 5 }; /* bytes of "model.", "data." */

/* The [model.*] sections: fills c->nodes and checks what they say about one another. */
odeon_status model_read(loading *l);
odeon_status model_check(const loading *l);
odeon_status model_print(const loading *l, text_buffer *out);

/* The [data.*] sections: fills c->data_nodes. */
odeon_status transforms_read(loading *l);
odeon_status transforms_print(const loading *l, text_buffer *out);

/* A section of layers, its root "model" or "data". Paths are without root and dot. */
odeon_status node_create(loading *l, const document_section *source, const char *root,
                         config_node **out);
odeon_status node_append(size_t *n, config_node ***list, config_node *node);
odeon_status node_is_enabled(loading *l, const document_section *source, bool *out);
bool node_has_body(const odeon_config *layer); /* is it made of nested sections? */
odeon_status node_print(text_buffer *out, const config_node *node);
/* ODEON_ERR_CONFIG where they make more than CONFIG_MAX_LAYERS. What shares has been checked. */
odeon_status node_count_layers(const loading *l, size_t n, config_node *const *nodes);
config_node *model_find(size_t n, config_node *const *nodes, const char *path); /* NULL: none */
bool model_is_below(const char *path, const char *above);
void nodes_destroy(size_t n, config_node **nodes);
void node_destroy(config_node *node);

#endif
