/* config.h: an INI with its includes, overrides and substitutions, resolved and checked. */
#ifndef ODEON_CORE_CONFIG_H
#define ODEON_CORE_CONFIG_H
#include "schema.h"

/* One [model.…] section: a layer, the layers of its `then`, and, for a container, the sections
 * nested below it, which are its body. */
typedef struct config_node {
    char *path;           /* "ode.block", without "model." */
    size_t n_items;       /* 1 + layers of then */
    odeon_config **items; /* items[0] is NULL when share is set */
    int64_t repeat;       /* 0: the key is not given */
    char *share;          /* path of the section whose parameters are shared; NULL: none */
    size_t n_children;
    struct config_node **children; /* in file order */
    config_where where;
} config_node;

enum { CONFIG_F32 = 0, CONFIG_F64 = 1 }; /* indices of run.dtype's choices */

typedef struct config {
    /* [run] */
    char *name; /* the INI's stem unless given */
    uint64_t seed;
    int64_t epochs;
    int64_t max_steps; /* optimizer steps; 0: no limit */
    odeon_config *device;
    int64_t workers;   /* 0: choose */
    int32_t dtype;     /* ODEON_DTYPE_F32 or F64 */
    char *out;         /* run directory, absolute; NULL: runs/NAME/N */
    int64_t log_every; /* steps between rows of the metrics */
    /* [data] */
    odeon_config *dataset;
    int64_t batch, test_batch; /* test_batch: batch unless given */
    int64_t limit, test_limit; /* first samples to use; 0: all */
    char *order;               /* file of sample indices, NULL: none */
    bool shuffle;
    /* [train] */
    odeon_config *loss, *optimizer;
    char *weights;    /* safetensors to start from; NULL: none */
    double clip_norm; /* 0: none */
    /* [model.…] */
    size_t n_nodes;
    config_node **nodes;
    char *ini;       /* absolute path of the INI */
    char *effective; /* the normal form, as text: nothing left to expand, and it reruns */
} config;

/* Reads ini and applies the overrides ("path.key=value") in order. Every error names file and
 * line (or the override) and says what is allowed; ODEON_ERR_CONFIG, ODEON_ERR_IO,
 * ODEON_ERR_PLUGIN, ODEON_ERR_NOMEM. Loads the plugins that are named and no others. */
odeon_status config_load(registry *r, const char *ini, size_t n_overrides,
                         const char *const *overrides, config **out);
void config_destroy(config *c); /* NULL is allowed */

/* The host's own keys by section ("run", "data", "train", "model", "plugins"), for inspect and the
 * reference file; ends with NULL. */
const odeon_option *const *config_host_options(const char *section);

#endif
