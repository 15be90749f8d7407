/* gru_unit.h: what layers around a gated recurrent unit have in common: options, parameters,
 * memory, and the way over a sequence, forward and back. From the state h = 0 on, at every row x
 *
 *   r = sigmoid(W_r x + b_r + U_r h + c_r)     z = sigmoid(W_z x + b_z + U_z h + c_z)
 *   n = tanh(W_n x + b_n + r (U_n h + c_n))    h = n + z (h - n)
 *
 * as torch.nn.GRU: weight_ih [3H,D] holds W_r, W_z, W_n, weight_hh [3H,H] U, the biases [3H] b and
 * c. A row that does not count leaves h as it is, to the bit. What moves h between two rows, if
 * anything does, is a gru_between.
 *
 * For plugins that name these sources in their plugin.cmake. */
#ifndef ODEON_LAYER_GRU_UNIT_H
#define ODEON_LAYER_GRU_UNIT_H
#include <stdbool.h>

#include "odeon/device_move.h"
#include "odeon/host.h"
#include "odeon/layer.h"

/* In the order of the choices. */
enum { GRU_LAST = 0, GRU_ALL = 1, GRU_BEFORE = 2 };          /* output */
enum { GRU_FORWARD = 0, GRU_BACKWARD = 1 };                  /* direction */
enum { ROWS_OBSERVED = 0, ROWS_EVERY = 1, ROWS_MARKED = 2 }; /* rows */
enum { RESET = 0, UPDATE, NEW, N_GATES };                    /* rows of the weights */
enum { W_IH = 0, W_HH, B_IH, B_HH, N_GRU_PARAMS };           /* parameters */

/* Entries of an option table, of an instance that has these four numbers. */
#define GRU_OPTIONS(type)                                                                          \
    ODEON_OPTION(type, units, SIZE, .flags = ODEON_OPTION_REQUIRED,                                \
                 .aliases = "hiddensize|hidden|features", .help = "numbers in the state"),         \
        ODEON_OPTION(type, output, CHOICE, .default_text = "last", .choices = "last|all|before",   \
                     .help = "the state after the whole sequence, or after every row, or before "  \
                             "every row, when it has not been read yet, as a forecast needs it"),  \
        ODEON_OPTION(type, direction, CHOICE, .aliases = "order", .default_text = "forward",       \
                     .choices = "forward|backward",                                                \
                     .help = "backward reads the sequence from its end; of many states each "      \
                             "stays at its time"),                                                 \
        ODEON_OPTION(                                                                              \
            type, rows, CHOICE, .aliases = "masked|mask|skip", .default_text = "observed",         \
            .choices = "observed|all|marked",                                                      \
            .help =                                                                                \
                "which rows count, of those that are a series' own and not what it is filled up "  \
                "with; others leave the state as it is: observed, those of which the "             \
                "data set's mask, if it has one of rows, counts a number; marked, those "          \
                "whose last feature is not 0")

typedef struct gru_call gru_call;

/* Moves the state from row to row. step is that which the state is moved to, from 1 on. Every slot:
 * [worker; evaluation]. */
typedef struct gru_between {
    /* before[step] from h[step]. */
    odeon_status (*forward)(const gru_call *g, int64_t step);
    /* The cotangent of before[step], in bar, becomes that of h[step]. */
    odeon_status (*vjp)(const gru_call *g, int64_t step, const odeon_tensor *bar);
} gru_between;

typedef struct gru_unit {
    const odeon_host *host;
    const char *id; /* of the layer, for messages */
    int64_t units, output, direction, rows;
    const gru_between *between; /* NULL: the state stays as it is */
} gru_unit;

/* One call. In memory a sequence is [T,B,...], so that a row is one block; step 0 is the first that
 * is read, whatever the direction. */
struct gru_call {
    const gru_unit *unit;
    const odeon_layer_call *call;
    int64_t samples, steps, features, units; /* B, T, D, H */
    uint32_t dtype;
    bool is_gated;                /* there may be rows that do not count */
    const odeon_view *mask;       /* with ROWS_OBSERVED: the batch's [B,T,...], or NULL */
    const odeon_view *length;     /* [B]: how many rows are a sample's own, the first; NULL: all */
    odeon_tensor x;               /* [T,B,D] */
    odeon_tensor part[N_GATES];   /* [T,B,H]: W x + b of every gate; in the vjp its cotangent */
    odeon_tensor recurrent;       /* [T,B,H]: cotangent of U h + c of the new gate */
    odeon_tensor a, b;            /* [B,H] */
    odeon_tensor counted, held;   /* [B,H]: the part of a cotangent that goes through the unit, and
                                     the part that goes by it */
    odeon_tensor sums, own, mark; /* F64 [T,B]; own: 1 where a row is the sample's own, mark: where
                                     it counts, else 0 */
    odeon_tensor h;               /* [T + 1,B,H]: states, the first being 0 */
    odeon_tensor before;          /* [T,B,H]: those that rows are read with: of h, or moved */
    odeon_tensor gate[N_GATES];   /* [T,B,H]: r, z, n */
    odeon_tensor product;         /* [T,B,H]: U h + c of the new gate */
    void *moving;                 /* what the between works with */
    char *scratch_rest, *tape_rest; /* behind the unit's own; tape_rest NULL without a tape */
};

/* Refuses inputs that are no sequences; fills in out, flags, needs, tape_bytes and scratch_bytes,
 * behind which a between may ask for more. */
odeon_status gru_plan(const gru_unit *unit, odeon_layer_plan *plan);
/* All uniform on +-1/sqrt(H), as PyTorch's. name is NULL after the last. */
void gru_param(const gru_unit *unit, const odeon_shape *in, int32_t index, odeon_param *out);

uint64_t gru_tape_bytes(const gru_unit *unit, const odeon_shape *in);
uint64_t gru_scratch_bytes(const gru_unit *unit, const odeon_shape *in);
/* Finds memory and the rows that count. in: shape of the input. */
odeon_status gru_begin(const gru_unit *unit, const odeon_layer_call *call, const odeon_shape *in,
                       gru_call *out);

/* ---- parts of memory ---- */

/* Block i of x [n,...], a part of x that has one dimension less. */
odeon_tensor gru_block(const odeon_tensor *x, int64_t i);
/* The rows of a gate in a parameter [3 H,...]. */
odeon_view gru_rows(const gru_call *g, const odeon_view *parameter, int32_t gate);
/* x [T,B,C] as rows [T B,C]. */
odeon_tensor gru_flat(const odeon_tensor *x);
/* Where step i of the reading order is in a sequence [B,T]. */
int64_t gru_position(const gru_call *g, int64_t i);
/* Copies step i of a sequence [B,T,C] from or to a block [B,C]. */
odeon_status gru_take(const gru_call *g, const odeon_view *sequence, int64_t i,
                      const odeon_tensor *block);
odeon_status gru_put(const gru_call *g, const odeon_view *block, const odeon_tensor *sequence,
                     int64_t i);
/* x of the call's input. */
odeon_status gru_read(const gru_call *g);

/* ---- rows that count ---- */

/* The batch's mask as the plan sees it, of rows of in; NULL: there is none. */
const odeon_shape *gru_planned_mask(const odeon_layer_plan *plan);
/* mark, where is_gated; of gru_begin. */
odeon_status gru_find_marks(const gru_call *g);
/* y [B,H] = mark of a step in every column. */
odeon_status gru_spread_mark(const gru_call *g, int64_t step, const odeon_tensor *y);
/* x = 1 where x > 0, else 0, of F64; by way of other, of x's shape. */
odeon_status gru_unit_step(const gru_call *g, const odeon_tensor *x, const odeon_tensor *other);

/* ---- the way over the sequence ---- */

/* in [B,T,D] -> out [B,H] or [B,T,H]. */
odeon_status gru_forward(const gru_call *g);
/* d_out -> d_in [B,T,D]; adds to the gradients. */
odeon_status gru_vjp(const gru_call *g);

#endif
