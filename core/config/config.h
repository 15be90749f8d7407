/* config.h: what an INI says, resolved and checked. config_load.h has the language. */
#ifndef ODEON_CORE_CONFIG_CONFIG_H
#define ODEON_CORE_CONFIG_CONFIG_H
#include "base/location.h"
#include "config/tree.h"
#include "option/schema.h"

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
/* Of run.best_by. */
enum { CONFIG_BEST_AUTO = 0, CONFIG_BEST_LOSS = 1 };

/* A number of epochs or steps; every 0: none. */
typedef struct config_count {
    int32_t unit, reserved0; /* CONFIG_EPOCHS or CONFIG_STEPS */
    int64_t every;
} config_count;

/* A later part of a run: [train.NAME]. */
typedef struct config_phase {
    const char *name; /* the document's */
    location where;
    config_count after; /* how long the run is when it begins; every >= 1 */
    odeon_config *optimizer;
    odeon_config *schedule; /* of the phase; NULL: none */
    location set_where;     /* of `set` */
    size_t n_set;           /* keys of data and model that change with it: "data.window=21", ...; */
    char **set;             /* after then counts steps */
} config_phase;
/* A key that follows a schedule while a phase lasts (curves.h). */
typedef struct config_curve {
    size_t phase; /* 0: [train], else 1 + the place of [train.NAME] in the list */
    char *key;    /* "loss.penalty.weight" */
    location where;
    odeon_config *schedule;
} config_curve;
enum { CONFIG_MAX_CURVES = 16 };
enum { CONFIG_MAX_PHASES = 16 }; /* beside the first, which is [train] */

/* A configuration. It owns all that it points to. Invariants: exactly one of epochs and iterations
 * is 0; n_losses is 0 exactly where optimizer is NULL; no location or folder in it outlives
 * document. */
typedef struct config {
    /* [run] */
    char *name; /* the INI's stem unless given */
    uint64_t seed;
    int64_t epochs;     /* 0: iterations says how long the run is */
    int64_t iterations; /* optimizer steps; 0: epochs says it */
    odeon_config *device;
    bool auto_device;           /* chosen by device = auto */
    int64_t workers;            /* 0: choose */
    double patience;            /* seconds to wait for a stuck worker; 0: for ever */
    bool capture;               /* solves may be recorded and replayed */
    uint32_t dtype;             /* ODEON_DTYPE_F32 or F64 */
    char *out;                  /* run directory, absolute; NULL: runs/NAME/N */
    int64_t log_every;          /* steps between rows of the metrics */
    int64_t checkpoint_every;   /* steps between checkpoints; 0: by time alone */
    double checkpoint_seconds;  /* from one to the next at the end of an epoch or after a test */
    int32_t eval_unit;          /* CONFIG_EPOCHS, CONFIG_STEPS or CONFIG_SECONDS */
    int64_t eval_every;         /* epochs or steps between tests */
    double eval_seconds;        /* seconds, likewise */
    bool eval_test;             /* the test split, too, as often as the validation split */
    int32_t best_by;            /* CONFIG_BEST_AUTO or CONFIG_BEST_LOSS */
    config_count stop_patience; /* age of the best evaluation at which the run ends; 0: none */
    double max_time;            /* seconds after which it ends; 0: none */
    int32_t on_failure;         /* CONFIG_STOP or CONFIG_SKIP */
    bool kernels;               /* are those for the device used */
    bool has_observers;         /* are they given; if not, a run has those of every run */
    size_t n_observers;
    odeon_config **observers;
    /* [data] */
    odeon_config *dataset;     /* NULL: neither [data] nor [train] is there, for solving alone */
    int64_t batch, test_batch; /* test_batch: batch unless given */
    int64_t limit, test_limit; /* first samples to use; 0: all */
    double validation;         /* share of the training split that chooses weights; 0: none */
    char *order;               /* file of sample indices, NULL: none */
    bool shuffle;
    int64_t epoch_samples; /* drawn anew for every epoch; 0: all in use */
    bool drop_last;        /* no batch of an epoch is smaller than batch */
    int32_t on_device;     /* CONFIG_AUTO, CONFIG_YES or CONFIG_NO */
    /* [data.…]: what the data goes through before the model */
    size_t n_data_nodes;
    config_node **data_nodes;
    /* [train] */
    size_t n_losses; /* that add up; 0 without [train] */
    odeon_config **losses;
    odeon_config *optimizer; /* likewise NULL */
    int64_t accumulate;      /* batches of one update, 1 unless given; 0 without [train] */
    double ema;              /* decay of a mean of the weights; 0: none */
    odeon_config *schedule;  /* NULL: none */
    char *weights;           /* safetensors to start from; NULL: none */
    double clip_norm;        /* 0: none */
    /* [train.…]: what takes the optimizer's place later */
    size_t n_phases;
    config_phase *phases;
    size_t n_curves;
    config_curve *curves;
    size_t
        stage; /* 0, or 1 + the last of the phases whose keys have been set: of config_load_stage */
    /* [audit] */
    int64_t audit_every;             /* steps; 0: none */
    double audit_error, audit_drift; /* above which a warning is given */
    /* [model.…] */
    size_t n_nodes;
    config_node **nodes;
    size_t n_dropped;
    config_dropped *dropped;
    char *ini;                 /* absolute path of the INI */
    char *effective;           /* the normal form, as text: nothing left to expand, and it reruns */
    struct document *document; /* what every location and folder points into */
} config;

void config_destroy(config *c); /* NULL is allowed */

/* The node of [model.PATH]; NULL: none, or it is left out. */
const config_node *config_find_node(const config *c, const char *path);

#endif
