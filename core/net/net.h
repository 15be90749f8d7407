/* net.h: a chain of layers on one worker: built once from the configuration, planned per batch
 * size, run forward and backward. */
#ifndef ODEON_CORE_NET_NET_H
#define ODEON_CORE_NET_NET_H
#include <stdbool.h>

#include "config/config.h"
#include "data/fields.h"
#include "device/collective.h"
#include "device/lane.h"
#include "net/params.h"
#include "odeon/container.h"
#include "odeon/layer.h"
#include "plugin/instance.h"
#include "plugin/kernels.h"

/* What the networks of one worker have in common. */
typedef struct net_site {
    device_lane lane;
    params *params;       /* of the model: filled by the first worker's networks */
    bool first;           /* this is that worker */
    kernel_list *kernels; /* of its device; NULL: layers do without */
    bool until_ode;       /* the model ends with its first layer that holds an ODE block */
    bool shapes_only;     /* nothing will be run: layers and plans get no memory */
    bool has_losses;      /* that can read the quantities of layers (ODEON_LAYER_QUANTITIES) */
    int64_t classes;      /* what the size `classes` stands for */
    int64_t n_times;      /* of a sample, by the data set's field of times; 0: it has none */
    /* What layers may ask of a batch, by ODEON_ROLE_*, with batch 1; dtype 0: nothing. */
    odeon_shape given[DATA_ROLES];
    uint64_t seed;
    char *values, *grads, *states; /* device addresses of the flat vectors; see net_bind */
    struct odeon_ode **odes;       /* ODE blocks in file order */
    size_t n_odes;
    struct net_layer **layers; /* all, containers before their bodies */
    size_t n_layers;
    name_index layers_by_path;
    const char *differentiated_twice; /* a body whose vjp is differentiated again; NULL: none */
} net_site;

/* One layer as it stands in a network. Invariants: it never moves, since others point to it;
 * values[i] and grads[i] have the shape of parameter index[i], as does grads[i] of a state;
 * plan.out is the input shape of the layer behind it. */
typedef struct net_layer {
    instance *instance; /* who computes: the layer, or its kernel for the device */
    instance *original; /* the layer itself where a kernel computes, else NULL */
    odeon_config
        *bound; /* the options with sizes for `state` and `classes`; NULL: they have none */
    const odeon_layer_ops *ops;
    char *path;
    char *shared;                      /* path of the layer whose parameters it uses, or NULL */
    const struct net_layer *container; /* in whose body it stands, or NULL */
    const config_node *node;           /* its section, or that of the layer it shares with */
    size_t n_bodies;
    struct odeon_net **bodies; /* NULL: one that may be missing and is */
    odeon_shape in;            /* with batch 1 */
    odeon_layer_plan plan;     /* for that shape, in training */
    uint64_t key;              /* of its random numbers */
    /* Where its integrands begin among those of the ODE block that it stands in; what is nested in
     * it counts from there on. */
    int32_t first_integral;
    size_t n_params, n_states;
    size_t *index;       /* [n_params + n_states] into site->params */
    odeon_view *values;  /* [n_params] */
    odeon_tensor *grads; /* [n_params], then the states [n_states] */
    void *derived;       /* device memory, or NULL */
} net_layer;

/* One executed step of a plan: a layer, perhaps with the activation after it as its epilogue. Views
 * and layers that are left out have none. */
typedef struct net_step {
    net_layer *layer;
    odeon_layer_plan plan;
    odeon_shape in, out;
    int32_t act;           /* epilogue; IDENTITY: none */
    int32_t time_channel;  /* ODEON_TIME_* */
    bool is_deferred;      /* the step behind applies it: forward writes the tape alone */
    bool has_prologue;     /* it applies the step before, whose input it reads */
    bool is_in_place;      /* vjp writes d_in where d_out lies */
    bool is_remade;        /* its output is not kept: vjps get it from a second forward */
    int32_t cell, d_cell;  /* which of the two cells out, d_in go to, unless they go elsewhere */
    int64_t in_at, out_at; /* offsets in a frame where its input, output is kept; -1: not kept */
    int64_t tape_at;
} net_step;

/* A network for one batch size and mode. Invariants: steps[s].out and steps[s + 1].in differ at
 * most by views; all offsets are multiples of 64 below frame_bytes; but for its scratch, which an
 * allocation for a larger plan may move, it never changes once it is made, so that its address may
 * stand for it. */
typedef struct net_plan {
    struct odeon_net *net;
    uint32_t flags;       /* ODEON_CALL_TRAIN */
    uint32_t layer_flags; /* odeon_body_plan.flags */
    odeon_shape in, out;
    size_t n;
    net_step *steps;
    int64_t frame_bytes;   /* what one evaluation keeps for its vjp */
    int64_t inner_bytes;   /* the same without the chain's input and output, which come last */
    int64_t in_at, out_at; /* where a frame keeps the chain's input and output; -1: it does not */
    int64_t cell_at[2];    /* in the scratch: two cells for values between layers */
    int64_t cells_bytes;
    int32_t first_cell;     /* of the cotangent before the last step's function */
    int64_t deferred_bytes; /* of the largest tape of a deferred step: where no frame has it */
    int64_t remade_bytes;   /* of the largest value that is made again */
    int64_t layer_scratch_bytes;
    int64_t scratch_bytes; /* of all that */
    char *scratch; /* device, the network's: cells, such a tape, such a value, then the layers'
                      scratch; NULL: shapes alone, or an empty chain */
    struct net_plan *next;
} net_plan;

/* Where a chain stands. */
typedef struct net_scope {
    const char *path;           /* before its layers' names; "" for the model itself */
    const char *lender;         /* the same of the container that this one shares with; or NULL */
    const net_layer *container; /* whose body it is; NULL: nobody's */
    int64_t state;              /* what the size `state` stands for; 0: for nothing */
    bool in_field;              /* it is the right-hand side of an ODE, or in there */
} net_scope;

/* A chain of layers. Invariants: layers has room for all that its sections make; n of them have
 * been begun. */
struct odeon_net {
    net_site *site;
    char *path;
    net_scope scope;
    size_t n;
    net_layer *layers;
    odeon_shape in, out; /* with batch 1 */
    bool holds_ode;
    bool has_many_frames; /* alive at once, so that what they do not keep is saved many times */
    net_plan *plans;
    char *scratch; /* device: of the largest of its plans */
    int64_t scratch_bytes;
};

void net_site_fini(net_site *site); /* frees the lists; the networks are gone */

/* Builds the chain of nodes for inputs of shape in (dim[0], the batch, is taken as 1), containers'
 * bodies with it. A layer that does not fit the one before is ODEON_ERR_CONFIG naming both and
 * their shapes. */
odeon_status net_create(net_site *site, const net_scope *scope, size_t n_nodes,
                        config_node *const *nodes, const odeon_shape *in, odeon_net **out);
/* Makes the instance of what was chosen for a layer, and that of its kernel if it has one. */
odeon_status net_make_instance(const net_site *site, const odeon_config *chosen, net_layer *layer);
/* What it says to an input, of its parameter number index. ODEON_ERR_PLUGIN where a kernel and its
 * layer differ. */
odeon_status net_layer_plan(const net_site *site, const net_layer *layer, const odeon_shape *in,
                            uint32_t flags, odeon_layer_plan *out);
/* The same of an input whose channel of the time is left out of in; ODEON_TIME_*. */
odeon_status net_layer_plan_timed(const net_site *site, const net_layer *layer,
                                  const odeon_shape *in, int32_t time_channel, uint32_t flags,
                                  odeon_layer_plan *out);
odeon_status net_layer_param(const net_site *site, const net_layer *layer, int32_t index,
                             odeon_param *out);
void net_destroy(odeon_net *net);       /* NULL is allowed */
void net_plans_destroy(odeon_net *net); /* a part of net_destroy */

/* Points all layers, bodies included, to the site's flat vectors, once these exist. */
void net_bind(odeon_net *net); /* NULL is allowed, here and below */
/* Sends gradients elsewhere: to the vector whose element 0 stands for element 0 of the flat one. */
void net_bind_grads(odeon_net *net, char *grads);
/* The range of the flat vector that the parameters of all layers lie in; begin = end = 0: none. */
void net_param_range(const odeon_net *net, int64_t *begin, int64_t *end);
/* Calls prepare (after parameters changed), finish (after the last vjp) where layers have them. */
odeon_status net_prepare(odeon_net *net, const odeon_layer_call *around);
odeon_status net_finish(odeon_net *net, const odeon_layer_call *around);

/* The plan for a batch of this size; made at its first use and kept. */
odeon_status net_plan_for(odeon_net *net, int64_t batch, uint32_t flags, const net_plan **out);

/* The same without memory to run it in, which net_plan_for adds when it is called. */
odeon_status net_plan_shapes(odeon_net *net, int64_t batch, uint32_t flags, const net_plan **out);

/* out = f(in), with around as the surroundings: device, queue, group, time and batch of the call,
 * of which the layers' own tensors are not read. The device and queue are the site's, or others
 * over the same memory that need no more scratch (odeon/device_dual.h has such a pair); layers that
 * solve go by the site's all the same. frame: device memory of frame_bytes that keeps
 * what net_vjp needs; NULL: no vjp will follow. in may be where the frame keeps it, out too; out
 * NULL: only the frame is wanted. */
odeon_status net_forward(const net_plan *plan, const odeon_layer_call *around, const void *in,
                         void *out, char *frame);
/* Writes d_in (NULL: not wanted), adds to d_t (NULL: not wanted) and, unless around says
 * ODEON_CALL_NO_PARAM_GRAD, to the parameters' gradients. */
odeon_status net_vjp(const net_plan *plan, const odeon_layer_call *around, char *frame,
                     const void *d_out, void *d_in, const odeon_tensor *d_t);

/* The same where a vjp follows while in and out (NULL: only the frame is wanted) are still there:
 * the frame then gets no copies of them, and the vjp is given them. With both, inner_bytes are
 * enough of a frame. */
odeon_status net_forward_at(const net_plan *plan, const odeon_layer_call *around, const void *in,
                            void *out, char *frame);
odeon_status net_vjp_at(const net_plan *plan, const odeon_layer_call *around, char *frame,
                        const void *in, const void *out, const void *d_out, void *d_in,
                        const odeon_tensor *d_t);

/* The table that plugins get as ODEON_HOST_BODY. */
extern const odeon_body_services net_body_services;

/* A layer with one of these properties (ODEON_LAYER_*), the innermost; NULL: none has. */
const net_layer *net_layer_with(const odeon_net *net, uint32_t flags);

/* "[3, 26, 26]" of a shape without its batch; returns text. */
const char *net_shape_text(const odeon_shape *x, char *text, size_t bytes);

#endif
