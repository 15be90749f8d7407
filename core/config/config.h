/* config.h: an INI with its includes, overrides and substitutions, resolved and checked.
 *
 * THE LANGUAGE, on top of what ini_file.h says about lines
 *
 * include = FILE, ...   Before the first section. The files are read first, each once, and merged
 *                       key by key: the includer's value holds, of several files the later one's.
 * [let] name = text     ${name} becomes text in every value, in [let] below the line that sets it.
 * [run] [data] [train] [plugins], [data.NAME] and [model.NAME...]; the host's keys:
 * config_host_options.
 *
 * A component is NAME or NAME(key=value, ...): lists have blanks between their items, a component
 * may be a value. The options of a section's own component - layer of [model.*], dataset of
 * [data], optimizer of [train] - may stand as keys of the section instead. Both is an error within
 * a file; between files, and between a file and an override, the later holds. Where the later gives
 * the section another component, keys of the earlier that only the earlier component has are
 * dropped, and sections of the earlier nested in it where the later component holds none.
 *
 * Model sections stand in order and nest by path: [model.ode.block] is in the body of [model.ode].
 *   then = NAME, ...      layers that follow the section's own
 *   repeat = N            the section N times, each with parameters of its own
 *   enabled = no          leaves the section out, and what is nested below it
 *   share = model.PATH    in place of layer: the section above that lends its parameters and
 * options
 *
 * Sections [data.NAME] are layers as well, in order, through which the data goes on its way into
 * the model: then, repeat and enabled as above. They do not nest, and have no parameters.
 *
 * A model that is to be solved and no more needs neither [data] nor [train], of which weights may
 * be left.
 *
 * An override is path.key=value, path that of a section; [let] takes only names that it has.
 * Relative paths count from the folder of the INI that they stand in, in overrides from the working
 * directory. [plugins] load = FILE, ... loads plugins before anything is looked up. */
#ifndef ODEON_CORE_CONFIG_CONFIG_H
#define ODEON_CORE_CONFIG_CONFIG_H
#include "base/location.h"
#include "odeon/layer.h"
#include "option/schema.h"
#include "plugin/registry.h"

/* One [model.…] or [data.…] section: a layer, the layers of its `then`, and, for a container, the
 * sections nested below it, which are its body. */
typedef struct config_node {
    const char *root;     /* "model", "data" */
    char *path;           /* "ode.block", without the root and its dot */
    size_t n_items;       /* 1 + layers of then */
    odeon_config **items; /* items[0] is NULL when share is set */
    int64_t repeat;       /* 0: the key is not given */
    char *share;          /* path, as above, of the section whose parameters are shared, or NULL */
    size_t n_children;
    struct config_node **children; /* in file order */
    location where;
} config_node;

/* The most layers of a model, repetitions and shared bodies counted as often as they stand in it,
 * and the most of [data.*]: each takes some kilobytes a worker, so that the limit is met before the
 * memory, and the deepest networks that anybody trains have a tenth of it. */
enum { CONFIG_MAX_LAYERS = 65536 };

/* A key that is given, or a section that is nested, but to a component that a later source has
 * replaced. */
typedef struct config_dropped {
    const char *section, *key; /* key NULL: the section */
    char *id;                  /* of the component that had it */
    location where, by;
} config_dropped;

/* Units of run.eval_every. */
enum { CONFIG_EPOCHS = 0, CONFIG_STEPS = 1, CONFIG_SECONDS = 2 };
/* Indices of choices: of run.dtype, run.on_failure, data.on_device. */
enum { CONFIG_F32 = 0, CONFIG_F64 = 1 };
enum { CONFIG_STOP = 0, CONFIG_SKIP = 1 };
enum { CONFIG_AUTO = 0, CONFIG_YES = 1, CONFIG_NO = 2 };

typedef struct config {
    /* [run] */
    char *name; /* the INI's stem unless given */
    uint64_t seed;
    int64_t epochs;     /* 0: iterations says how long the run is */
    int64_t iterations; /* optimizer steps; 0: epochs says it */
    odeon_config *device;
    bool auto_device;          /* chosen by device = auto */
    int64_t workers;           /* 0: choose */
    double patience;           /* seconds to wait for a stuck worker; 0: for ever */
    bool capture;              /* solves may be recorded and replayed */
    int32_t dtype;             /* ODEON_DTYPE_F32 or F64 */
    char *out;                 /* run directory, absolute; NULL: runs/NAME/N */
    int64_t log_every;         /* steps between rows of the metrics */
    int64_t checkpoint_every;  /* steps between checkpoints; 0: by time alone */
    double checkpoint_seconds; /* from one to the next at the end of an epoch or after a test */
    int32_t eval_unit;         /* CONFIG_EPOCHS, CONFIG_STEPS or CONFIG_SECONDS */
    int64_t eval_every;        /* epochs or steps between tests */
    double eval_seconds;       /* seconds, likewise */
    int32_t on_failure;        /* CONFIG_STOP or CONFIG_SKIP */
    bool kernels;              /* are those for the device used */
    /* [data] */
    odeon_config *dataset;     /* NULL: neither [data] nor [train] is there, for solving alone */
    int64_t batch, test_batch; /* test_batch: batch unless given */
    int64_t limit, test_limit; /* first samples to use; 0: all */
    char *order;               /* file of sample indices, NULL: none */
    bool shuffle;
    bool drop_last;    /* no batch of an epoch is smaller than batch */
    int32_t on_device; /* CONFIG_AUTO, CONFIG_YES or CONFIG_NO */
    /* [data.…]: what the data goes through before the model */
    size_t n_data_nodes;
    config_node **data_nodes;
    /* [train] */
    size_t n_losses; /* that add up; 0 without [train] */
    odeon_config **losses;
    odeon_config *optimizer; /* likewise NULL */
    odeon_config *schedule;  /* NULL: none */
    char *weights;           /* safetensors to start from; NULL: none */
    double clip_norm;        /* 0: none */
    /* [model.…] */
    size_t n_nodes;
    config_node **nodes;
    size_t n_dropped;
    config_dropped *dropped;
    char *ini;                 /* absolute path of the INI */
    char *effective;           /* the normal form, as text: nothing left to expand, and it reruns */
    struct document *document; /* what every location and folder points into */
} config;

/* Reads ini and applies the overrides ("path.key=value") in order. Every error names file and
 * line (or the override) and says what is allowed; ODEON_ERR_CONFIG, ODEON_ERR_IO,
 * ODEON_ERR_PLUGIN, ODEON_ERR_NOMEM. Loads the plugins that are named and no others. */
odeon_status config_load(registry *r, const char *ini, size_t n_overrides,
                         const char *const *overrides, config **out);
/* The same for a model that is to be asked or solved and not trained: an INI with [data] needs no
 * [train] then, and without one n_losses is 0 and optimizer NULL. */
odeon_status config_load_untrained(registry *r, const char *ini, size_t n_overrides,
                                   const char *const *overrides, config **out);
void config_destroy(config *c); /* NULL is allowed */

/* The node of [model.PATH]; NULL: none, or it is left out. */
const config_node *config_find_node(const config *c, const char *path);

/* Which body of a container, of these ops, the child of its node is or belongs to. */
size_t node_body_of(const odeon_layer_ops *ops, const config_node *node, size_t child);

#endif
