/* attention.h: multi-head self-attention: what its forward and its vjp share. Queries, keys and
 * values stand head by head, [heads B,T,size] with B samples within a head, so that products of all
 * heads and samples are one call. */
#ifndef ODEON_LAYER_ATTENTION_H
#define ODEON_LAYER_ATTENTION_H
#include "odeon/host.h"
#include "odeon/layer.h"

enum { MASK_NONE = 0, MASK_DATA = 1, MASK_LENGTH = 2 }; /* in the order of the choices */

/* Parameters; those of the bias are left out without it. */
enum { W_IN = 0, B_IN = 1, W_OUT = 2, B_OUT = 3, N_PARAMS = 4 };

enum { QUERY = 0, KEY = 1, VALUE = 2, N_PARTS = 3 }; /* of the projected input, in this order */

typedef struct attention {
    ODEON_INSTANCE;
    int64_t heads, causal, mask, bias;
} attention;

/* One call: B samples of T rows, heads of so many features. */
typedef struct attention_call {
    const attention *layer;
    const odeon_layer_call *call;
    int64_t samples, steps, features, size;
    uint32_t dtype;
    /* Kept for the vjp: part[QUERY] and so on, weights [heads B,T,T], merged [B T,features]. */
    odeon_tensor part[N_PARTS], weights, merged;
    /* Scratch: rows [B T,3 features], split [heads B,T,size]; of the vjp cotangents as well. */
    odeon_tensor rows, split, bar[N_PARTS], weights_bar;
} attention_call;

uint64_t attention_tape_bytes(const attention *layer, const odeon_shape *in);
uint64_t attention_scratch_bytes(const attention *layer, const odeon_shape *in);
/* Lays out the tape, in scratch where there is none, and scratch. in: the shape of the input. */
attention_call attention_begin(const attention *layer, const odeon_layer_call *call,
                               const odeon_shape *in);

/* Where parameter W_IN to B_OUT stands in the call's list; biases only with bias. */
int32_t attention_at(const attention *layer, int32_t parameter);
/* x [rows,columns] as such a matrix. */
odeon_view attention_matrix(const odeon_view *x, int64_t columns);

/* Columns at, at + 1, ... of rows x [B T,columns], `features` of them, to heads y, and back. */
odeon_status attention_split(const attention_call *a, const odeon_view *x, int64_t columns,
                             int64_t at, const odeon_tensor *y);
odeon_status attention_merge(const attention_call *a, const odeon_view *x, const odeon_tensor *y,
                             int64_t columns, int64_t at);

odeon_status attention_vjp(void *self, const odeon_layer_call *call);

#endif
