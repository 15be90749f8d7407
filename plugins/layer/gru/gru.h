/* gru.h: a gated recurrent unit over sequences from within: sizes, memory and its parts. */
#ifndef ODEON_LAYER_GRU_H
#define ODEON_LAYER_GRU_H
#include "odeon/device_move.h"
#include "odeon/host.h"
#include "odeon/layer.h"

typedef struct gru {
    ODEON_INSTANCE;
    int64_t units, output, direction;
} gru;

enum { GRU_LAST = 0, GRU_ALL = 1 };         /* output */
enum { GRU_FORWARD = 0, GRU_BACKWARD = 1 }; /* direction */
enum { RESET = 0, UPDATE, NEW, N_GATES };   /* rows of the weights, as PyTorch has them */
enum { W_IH = 0, W_HH, B_IH, B_HH };        /* parameters */

/* One call. In memory a sequence is [T,B,...], so that a time is one block; step 0 is the first
 * that is read, whatever the direction. */
typedef struct gru_call {
    const gru *layer;
    const odeon_layer_call *call;
    int64_t samples, steps, features, units; /* B, T, D, H */
    uint32_t dtype, reserved0;
    odeon_tensor x;             /* [T,B,D] */
    odeon_tensor part[N_GATES]; /* [T,B,H]: W x + b of every gate; in the vjp its cotangent */
    odeon_tensor recurrent;     /* [T,B,H]: cotangent of U h + c of the new gate */
    odeon_tensor a, b;          /* [B,H] */
    odeon_tensor h;             /* [T + 1,B,H]: states, the first being 0 */
    odeon_tensor gate[N_GATES]; /* [T,B,H]: r, z, n */
    odeon_tensor product;       /* [T,B,H]: U h + c of the new gate */
} gru_call;

uint64_t gru_tape_bytes(const gru *layer, const odeon_shape *in);
uint64_t gru_scratch_bytes(const gru *layer, const odeon_shape *in);
/* in: shape of the input. */
gru_call gru_begin(const gru *layer, const odeon_layer_call *call, const odeon_shape *in);

/* Block i of x [n,...], a part of x that has one dimension less. */
odeon_tensor gru_block(const odeon_tensor *x, int64_t i);
/* The rows of a gate in a parameter [3 H,...]. */
odeon_view gru_rows(const gru_call *g, const odeon_view *parameter, int32_t gate);
/* x [T,B,C] as rows [T B,C]. */
odeon_tensor gru_flat(const odeon_tensor *x);
/* Copies step i, in the order of reading, of a sequence [B,T,C] from or to a block [B,C]. */
odeon_status gru_take(const gru_call *g, const odeon_view *sequence, int64_t i,
                      const odeon_tensor *block);
odeon_status gru_put(const gru_call *g, const odeon_view *block, const odeon_tensor *sequence,
                     int64_t i);
/* x of the call's input. */
odeon_status gru_read(const gru_call *g);

odeon_status gru_vjp(void *self, const odeon_layer_call *call);

#endif
