/* variant.h: one model under changed keys: several sessions of one INI, one after the other, with
 * the same parameters and the same batch. */
#ifndef ODEON_CORE_RUN_VARIANT_H
#define ODEON_CORE_RUN_VARIANT_H
#include "config/config.h"
#include "data/data.h"
#include "plugin/registry.h"
#include "run/grad.h"
#include "session/handle.h"
#include "session/result.h"

/* Where variants come from: an INI with the overrides that all of them have. All is borrowed. */
typedef struct variant_base {
    registry *registry;
    const char *ini;
    size_t n;
    const char *const *overrides;
} variant_base;

/* Further overrides, those of ODE blocks among them, growing. Starts as {0}. */
typedef struct variant_keys {
    size_t n, room;
    char **list; /* [n], owned */
    bool failed; /* memory has run out */
} variant_keys;
void variant_add(variant_keys *keys, const char *format, ...) __attribute__((format(printf, 2, 3)));
void variant_keys_fini(variant_keys *keys);

typedef struct variant {
    config *config;
    data_fields fields;
    session *session;
} variant;

/* over: the id of a device that is to compute by the configured one, or NULL. flow: the model as
 * far as its first ODE block. shapes: no memory for numbers (session_create_shapes). Errors as
 * config_load's and session_create's; out can be given to variant_close whatever the answer. */
typedef struct variant_ways {
    const char *over;
    bool flow, shapes;
} variant_ways;
odeon_status variant_open(const variant_base *base, const variant_keys *keys, variant_ways ways,
                          variant *out);
void variant_close(variant *v);

/* ---- ODE blocks ---- */

/* The sections of all layers that have an integrator and, unless flow, a gradient method: blocks in
 * the order of the file. *list, [*n], is the caller's; what it points to is the configuration's.
 * ODEON_ERR_CONFIG if there is none. */
odeon_status variant_blocks(const config *c, size_t *n, const config_node ***list);
/* The options of a block's layer. */
const odeon_config *variant_options(const config_node *block);
bool variant_is_fixed(const config_node *block); /* it takes steps of a given size or number */
/* Sets rtol and atol: to tolerance, or, where that is 0, to scale times what the block has. Of a
 * block of fixed steps, makes these smaller by scale instead. */
void variant_add_tolerance(variant_keys *keys, const config_node *block, double tolerance,
                           double scale);

/* ---- parameters ---- */

/* Numbers of all parameters, running state included. */
typedef struct variant_values {
    size_t n;
    double **of; /* [n], by index; NULL: there is none */
} variant_values;
odeon_status variant_take_values(session *s, variant_values *out);
odeon_status variant_take_gradients(session *s, variant_values *out); /* without running state's */
odeon_status variant_set_values(session *s, const variant_values *values);
void variant_values_fini(variant_values *values);

/* ---- the batch ---- */

/* A batch from a file, or the first samples to train on. */
typedef struct variant_batch {
    bool given;
    grad_batch file;     /* given */
    data_source *source; /* else; owned */
    int64_t n;
    int64_t *indices; /* [n] */
} variant_batch;

/* Reads the batch file, or, with file NULL, takes the first batch of the first epoch, of at most
 * most samples (0: data.batch). s: a session of the model. out can be given to variant_batch_fini
 * whatever the answer. */
odeon_status variant_batch_open(const config *c, const session *s, const char *file, int64_t most,
                                variant_batch *out);
odeon_status variant_differentiate(session *s, const variant_batch *batch, session_result *result);
void variant_batch_fini(variant_batch *batch);

#endif
