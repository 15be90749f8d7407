#include "config/config.h"

#include "base/mem.h"
#include "config/document.h"
#include "option/expression.h"

/* The model's tree alone: sections [data.NAME] do not nest, and nobody asks for them by path. */
const config_node *config_find_node(const config *c, const char *path)
{
    return model_find(c->n_nodes, c->nodes, path);
}

/* Names of a dropped entry's section and key belong to the document; only the id was copied, since
 * the text that it was cut from may be replaced again. */
static void destroy_dropped(config *c)
{
    for (size_t i = 0; i < c->n_dropped; i++) {
        mem_free(c->dropped[i].id);
    }
    mem_free(c->dropped);
}

static void destroy_curves(config *c)
{
    for (size_t i = 0; i < c->n_curves; i++) {
        schema_destroy(c->curves[i].schedule);
        mem_free(c->curves[i].key);
    }
    mem_free(c->curves);
}

/* Also of a configuration that was given up half-way: everything starts as zero, and every
 * destructor here takes NULL or an empty list. The document goes last, because locations and
 * folders of all components point into it. */
void config_destroy(config *c)
{
    if (c == NULL) {
        return;
    }
    schema_destroy(c->device);
    schema_destroy(c->dataset);
    for (size_t i = 0; i < c->n_losses; i++) {
        schema_destroy(c->losses[i]);
    }
    mem_free(c->losses);
    for (size_t i = 0; i < c->n_observers; i++) {
        schema_destroy(c->observers[i]);
    }
    mem_free(c->observers);
    schema_destroy(c->optimizer);
    schema_destroy(c->schedule);
    for (size_t i = 0; i < c->n_phases; i++) {
        schema_destroy(c->phases[i].optimizer);
        schema_destroy(c->phases[i].schedule);
        schema_split_free(c->phases[i].n_set, c->phases[i].set);
    }
    mem_free(c->phases);
    destroy_curves(c);
    nodes_destroy(c->n_data_nodes, c->data_nodes);
    nodes_destroy(c->n_nodes, c->nodes);
    destroy_dropped(c);
    mem_free(c->name);
    mem_free(c->out);
    mem_free(c->order);
    mem_free(c->weights);
    mem_free(c->ini);
    mem_free(c->effective);
    document_destroy(c->document);
    mem_free(c);
}
