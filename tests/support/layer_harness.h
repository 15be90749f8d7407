/* layer_harness.h: one layer on one device, with the buffers that a host would give it.
 *
 * The group has one worker unless a test sets another. States start at the constants of their
 * description.
 *
 * Memory that a layer must write before reading (outputs, tape, scratch) is NaN before every
 * forward; in and out are given to vjp only where the plan asks for them. Everything fails the test
 * on error unless it returns a status. */
#ifndef ODEON_TESTS_LAYER_HARNESS_H
#define ODEON_TESTS_LAYER_HARNESS_H
#include "support.h"

#include "odeon/layer.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

enum { LAYER_HARNESS_PARAMS = 16, LAYER_HARNESS_ROLES = 6, LAYER_NO_TIME = -1 };

typedef struct layer_harness {
    support_device *device; /* borrowed */
    instance *layer;
    const odeon_layer_ops *ops;
    odeon_layer_plan plan;
    uint32_t flags;           /* ODEON_CALL_*: training; a test may change it between calls */
    int64_t n_global;         /* samples of all workers; in's unless a test sets it */
    const odeon_group *group; /* NULL: one worker */
    uint64_t rng_key;         /* and the number of in's first sample: 0 unless a test sets them */
    int64_t first_sample;
    int32_t n_params; /* without states, which follow in info, param and grad */
    int32_t n_states;
    odeon_param info[LAYER_HARNESS_PARAMS];
    odeon_tensor param[LAYER_HARNESS_PARAMS], grad[LAYER_HARNESS_PARAMS];
    odeon_view values[LAYER_HARNESS_PARAMS]; /* param, to be read */
    odeon_tensor in, out, d_out, d_in;
    odeon_tensor t, d_t; /* F64; data NULL: outside of an ODE block */
    void *tape, *scratch;
    const odeon_view *fields[LAYER_HARNESS_ROLES]; /* of the batch, by ODEON_ROLE_*; NULL: none */
} layer_harness;

/* What a forward or a vjp is asked for; see odeon_layer_call. */
enum {
    LAYER_KEEP = 1 << 0, /* forward: a vjp will follow */
    LAYER_D_IN = 1 << 1,
    LAYER_GRAD = 1 << 2,
    LAYER_D_T = 1 << 3,
    LAYER_ALL = LAYER_D_IN | LAYER_GRAD | LAYER_D_T
};

/* The layer of an expression ("dense(units=3)") for inputs of a shape; n_t: LAYER_NO_TIME, else the
 * elements of t (1, or the batch). Gradients are 0, all values NaN until set. */
layer_harness layer_harness_open(registry *r, support_device *device, const char *expression,
                                 int32_t ndim, const int64_t *dim, int64_t n_t);
void layer_harness_close(layer_harness *h);

/* Copies values, rounded to the tensor's dtype, into a tensor of the harness; NULL: NaN. */
void layer_harness_set(layer_harness *h, const odeon_tensor *x, const double *values);
/* Fills a tensor with support_random(seed, 0, 1, ...) * scale. */
void layer_harness_randomize(layer_harness *h, const odeon_tensor *x, uint64_t seed, double scale);

odeon_status layer_harness_forward(layer_harness *h, int32_t what, int32_t act);
odeon_status layer_harness_vjp(layer_harness *h, int32_t what);

#endif
