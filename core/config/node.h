/* node.h: a section of layers, its root "model" or "data". */
#ifndef ODEON_CORE_CONFIG_NODE_H
#define ODEON_CORE_CONFIG_NODE_H
#include "config/loading.h"

/* The most layers of a model, repetitions and shared bodies counted as often as they stand in it,
 * and the most of [data.*]: each takes some kilobytes a worker, so that the limit is met before the
 * memory, and the deepest networks that anybody trains have a tenth of it. */
enum { CONFIG_MAX_LAYERS = 65536 };

enum { MODEL_PREFIX = 6, TRANSFORM_PREFIX = 5 }; /* bytes of "model.", "data." */

odeon_status node_create(loading *l, const document_section *source, const char *root,
                         config_node **out);
odeon_status node_is_enabled(loading *l, const document_section *source, bool *out);
odeon_status node_print(text_buffer *out, const config_node *node);
/* ODEON_ERR_CONFIG where they make more than CONFIG_MAX_LAYERS. What shares has been checked. */
odeon_status node_count_layers(const loading *l, size_t n, config_node *const *nodes);

#endif
