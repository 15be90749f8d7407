/* layer.h: a layer: a shape rule, parameters, a forward function and its vector-Jacobian product.
 *
 * A layer is written against the operators of device.h, so one source serves every device and both
 * dtypes. Each worker has an instance of its own, which holds options and nothing else: parameters,
 * gradients, running state, what is kept for the vjp and scratch belong to the host. A layer inside
 * an ODE block is called many times a step, at times t in any order: calls must not depend on
 * earlier calls. Unless flagged BATCH_COUPLED a layer treats samples independently.
 *
 * KERNELS. What a layer does by several operators one kernel can often do in one launch.
 * Such code for one device is a component of its own, of kind layer, whose id is ID@DEVICE:
 * "swish@cuda" takes the place of "swish" where run.device is cuda. It stands in the plugin of ID,
 * in a file layer/ID@DEVICE.so, or in one that [plugins] load names; of several (plugin.h) the
 * first is used, with a warning. An INI names ID alone, and run.kernels = no leaves all kernels
 * out. The host makes an instance of each of the two and uses the kernel's table, so that a kernel
 * - has no options of its own (options is NULL): its create reads those of ID, or they are written
 * into its instance, which then begins as that of ID;
 * - is a leaf, as ID has to be;
 * - says in plan the same out, needs and integrals as ID for every input, and the same flags but
 * for NEEDS_IN, NEEDS_OUT, POINTWISE, ROUNDS_T and those of what neighbours carry out for one
 * another (EPILOGUE and all behind it but RANDOM and QUANTITIES); lists in param what ID lists,
 * initial values included. The host compares the two and refuses a kernel that differs
 * (ODEON_ERR_PLUGIN);
 * - keeps in tape, scratch and derived what it likes, and has prepare and finish or not;
 * - may launch work of its own on the queue beside calling operators, by the extension of its
 * device (cuda.h) and the rule of REPLAYABLE operators (device.h): it is captured as they are.
 *
 * Draft. To be seen before it is frozen: lengths that differ by sample, in a layer that reads
 * them; and what container.h waits for. */
#ifndef ODEON_LAYER_H
#define ODEON_LAYER_H
#include "odeon/abi.h"
#include "odeon/device.h"
#include "odeon/group.h"
#include "odeon/param.h"
#include "odeon/status.h"
#include "odeon/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of a call and of a plan. The three that say what is not wanted come with NULL at what they leave
 * out, so that a layer which overlooks them fails at once and adds nothing where nothing may be. */
enum {
    ODEON_CALL_TRAIN = 1 << 0,         /* training, not evaluation */
    ODEON_CALL_UPDATE_STATE = 1 << 1,  /* running state may move; clear whenever an evaluation is
                                          repeated or belongs to a backward pass */
    ODEON_CALL_NO_PARAM_GRAD = 1 << 2, /* vjp: grad is NULL */
    ODEON_CALL_NO_INPUT_GRAD = 1 << 3, /* vjp: d_in is NULL */
    ODEON_CALL_NO_T_GRAD = 1 << 4      /* vjp: d_t is NULL */
};

/* What a layer is to apply to its input as it reads it: act((x - mean) rstd w + b) of each channel,
 * as batch_norm of device_norm.h does it. */
typedef struct odeon_prologue {
    odeon_view stats;        /* F64 [2,C]: the means, then rstd */
    const odeon_view *w, *b; /* [C] of in's dtype; NULL: 1, 0 */
    int32_t act, reserved0;  /* a unary id up to ODEON_UNARY_LAST_EPILOGUE */
} odeon_prologue;

/* Growing. One call of a layer for a slice of a batch, of B samples, maybe 0; all of it borrowed
 * for the call. Tensors that a call has no use for are NULL. */
typedef struct odeon_layer_call {
    uint32_t struct_size, flags; /* ODEON_CALL_* */
    const odeon_device *device;
    odeon_queue *queue;
    const odeon_group *group; /* leaf layers that are not BATCH_COUPLED do not use it */
    /* Of the solve around this call; NULL without one, or with a step size for each sample. */
    double *slots;
    /* Time, F64 [1] or [B], on the device; NULL outside of an ODE block. */
    const odeon_view *t;
    const odeon_view *in; /* [B, ...]; vjp: NULL unless the plan has NEEDS_IN */
    const odeon_tensor
        *out; /* forward writes it; vjp reads it, NULL unless the plan has NEEDS_OUT */
    const odeon_view *d_out;   /* vjp: dL/dout */
    const odeon_tensor *d_in;  /* vjp writes it; NULL: not wanted. Does not overlap d_out */
    const odeon_tensor *d_t;   /* vjp adds to it: F64, of t's shape; NULL: not wanted */
    const odeon_view *param;   /* [weights and biases], in the order of the slot param */
    const odeon_tensor *grad;  /* of the same shapes; vjp adds to them; NULL: not wanted */
    const odeon_tensor *state; /* [states], in the order of the slot param */
    /* On the device, of the plan's sizes; tape is NULL when no vjp will follow. */
    void *tape, *scratch, *derived;
    uint64_t rng_key; /* of (seed, layer, epoch, batch): the same during a whole solve; of RANDOM
                         layers alone */
    int64_t first_sample; /* index in the global batch of this slice's first sample */
    int64_t n_global;     /* samples of the global batch */
    /* What else the batch has of the samples of in, by ODEON_ROLE_* of dataset.h: times F64 [B, T],
     * masks and controls [B, ...] in in's dtype. NULL: it has none, and always for inputs and
     * labels. Of a role that the plan needs never NULL. [worker; evaluation] */
    const odeon_view *(*batch_field)(const struct odeon_layer_call *call, int32_t role);
    const void *host; /* the host's; containers pass it on with the call */
    int32_t act;      /* forward of a layer that plans EPILOGUE: apply this unary id to out; vjp:
                         EPILOGUE_VJP, EPILOGUE_FROM_IN */
    int32_t reserved0;
    /* Of a layer that plans integrals, [n_integrals], each F64 [B]: forward adds its integrands at
     * t; vjp reads dL/dintegrand. NULL: not wanted. */
    const odeon_tensor *integrand;
    const odeon_view *d_integrand;
    const odeon_prologue *prologue; /* of a layer that plans PROLOGUE; NULL: none */
    int32_t time_channel;           /* of the plan */
    int32_t reserved1;
} odeon_layer_call;

/* Where the time is a channel (odeon_layer_plan.time_channel). */
enum { ODEON_TIME_NONE = 0, ODEON_TIME_FIRST = 1, ODEON_TIME_LAST = 2 };

/* Properties of a plan. */
enum {
    ODEON_LAYER_NEEDS_IN = 1 << 0,      /* vjp reads in */
    ODEON_LAYER_NEEDS_OUT = 1 << 1,     /* vjp reads out */
    ODEON_LAYER_BATCH_COUPLED = 1 << 2, /* samples see each other: runs on whole batches and calls
                                          the group's collectives */
    ODEON_LAYER_USES_T = 1 << 3,        /* reads t; vjp adds to d_t */
    ODEON_LAYER_LINEAR = 1 << 4,        /* affine in its input */
    ODEON_LAYER_STATEFUL = 1 << 5,      /* has running state */
    ODEON_LAYER_TRAIN_ONLY = 1 << 6,    /* the host leaves it out of evaluation */
    ODEON_LAYER_VIEW = 1 << 7,          /* out is in under another shape: never called */
    ODEON_LAYER_EPILOGUE = 1 << 8,      /* forward obeys call->act */
    ODEON_LAYER_POINTWISE = 1 << 9,     /* is just the unary id act: may be carried out as the
                                           epilogue of the layer before, then never called */
    ODEON_LAYER_RANDOM = 1 << 10,       /* reads rng_key, so that its operators change from batch to
                                           batch; all other layers ask the device for the same when
                                           they are called with the same */
    ODEON_LAYER_ROUNDS_T = 1 << 11,     /* with USES_T: puts t into a tensor of in's dtype, so that
                                           late times are rounded; the host warns where that matters */
    ODEON_LAYER_QUANTITIES = 1 << 12,   /* what integral_names name is no integral but a number of a
                                           sample, which forward adds once: of a layer that stands
                                           outside of ODE blocks, seen as "PATH.NAME" of its own */
    ODEON_LAYER_EPILOGUE_VJP = 1 << 13, /* with EPILOGUE: vjp obeys call->act, too: d_out is the
                                           cotangent of what act gave, which where it is not the
                                           identity is given as out */
    ODEON_LAYER_EPILOGUE_FROM_IN = 1 << 14, /* the same, but that vjp makes what act gave from in
                                               again: it is not kept for that */
    ODEON_LAYER_VJP_IN_PLACE = 1 << 15,     /* d_in of vjp may be where d_out is */
    ODEON_LAYER_DEFERS = 1 << 16,   /* with EPILOGUE_FROM_IN and NEEDS_IN: what it does to its input
                                       is an odeon_prologue whose w and b are its parameters, if it
                                       has any. A layer of out's shape right behind it that plans
                                       PROLOGUE may be called with that in its place: then out of
                                       forward is NULL, and forward writes its tape, which is there
                                       in any case and begins with the stats */
    ODEON_LAYER_PROLOGUE = 1 << 17, /* forward and vjp obey call->prologue: in is what it is to be
                                       applied to, d_in of vjp the cotangent of what it gives */
    ODEON_LAYER_TIME_CHANNEL = 1 << 18, /* out is in with t as one more channel, by time_channel,
                                           and nothing else */
    ODEON_LAYER_TAKES_TIME_CHANNEL = 1 << 19 /* a layer of such inputs that can do without the
                                                TIME_CHANNEL layer before it: it is planned again,
                                                and called, with that one's input and time_channel,
                                                and adds to d_t */
};

#define ODEON_MAX_INTEGRALS 8 /* names in an ODE block */

/* Growing. A question about one input shape, and below it the answer, which is 0 before. Nothing is
 * allocated by it. */
typedef struct odeon_layer_plan {
    uint32_t struct_size;
    uint32_t call_flags; /* ODEON_CALL_TRAIN or 0 */
    const odeon_device *device;
    odeon_shape in;
    /* The data set's fields by ODEON_ROLE_*, with batch 1, as batch_field gives them; dtype 0 where
     * there is none, and for inputs and labels. */
    const odeon_shape *given;
    int32_t n_given; /* roles that the host knows */

    /* 1 << ODEON_ROLE_*: fields without which it cannot be called. One that the data set lacks is
     * refused by the host, which names layer and role; plan may then answer with any out. */
    uint32_t needs;
    odeon_shape out;        /* dim[0] is the batch */
    uint32_t flags;         /* ODEON_LAYER_* */
    int32_t act;            /* with POINTWISE: the unary id */
    uint64_t tape_bytes;    /* kept from forward to vjp, one block per evaluation */
    uint64_t scratch_bytes; /* free to overwrite, for forward and vjp each */
    uint64_t derived_bytes; /* made by prepare from the parameters (packed weights) */
    /* Of BATCH_COUPLED layers: the least samples of a batch, those of all workers together, that
     * forward takes in the mode that call_flags say; 0 or 1: any. The host then refuses a run that
     * would come to a smaller batch before its first step; forward refuses one all the same. Of two
     * answers, a kernel's and its layer's, the larger counts. */
    int64_t min_batch;
    /* Integrals along the path of the ODE block around it, one number a sample, which losses see as
     * "BLOCK.NAME" (loss.h): from 0 at the first time, over |dt|, so that time may fall. Integrands
     * of one name add up in a block. The names live as long as the instance; at most
     * ODEON_MAX_INTEGRALS. */
    const char *const *integral_names;
    int32_t n_integrals, reserved0;
    /* ODEON_TIME_*. Of a TIME_CHANNEL layer the answer; for others part of the question: not NONE,
     * the input has a channel of the time, there, which in leaves out. */
    int32_t time_channel, reserved1;
} odeon_layer_plan;

/* How a parameter starts. */
enum { ODEON_INIT_CONSTANT = 0, ODEON_INIT_UNIFORM = 1, ODEON_INIT_NORMAL = 2 };

/* Growing. The host zeroes it and sets struct_size. */
typedef struct odeon_param {
    uint32_t struct_size;
    int32_t role; /* ODEON_PARAM_* of param.h; STATE has no gradient and moves under UPDATE_STATE */
    odeon_shape
        shape;        /* conv [out,in,kh,kw], dense [out,in], as PyTorch's; dtype set by the host */
    const char *name; /* "weight"; lives as long as the instance; NULL after the last parameter */
    int32_t init, reserved0;
    double init_a, init_b; /* CONSTANT a; UNIFORM on [a, b); NORMAL of mean a, deviation b */
} odeon_param;

/* A body of a container: a chain of layers that the host has built from sections nested under the
 * container's own. Opaque; see container.h for what can be done with it. */
typedef struct odeon_net odeon_net;

/* What the sections below a layer's own are. The size `state` stands, in the body of a FIELD and
 * all that is nested in it, for dim[1] of that body's input; in bodies outside of any FIELD for
 * dim[1] of theirs. */
enum {
    ODEON_BODIES_NONE = 0,    /* a leaf: there are none */
    ODEON_BODIES_FIELD = 1,   /* as CHAIN: the right-hand side of an ODE, or terms of one */
    ODEON_BODIES_CHAIN = 2,   /* body 0, a chain, but for the sections that body_names names */
    ODEON_BODIES_BRANCHES = 3 /* each a body: 0, 1, ... in the order of the file */
};

/* Growing. The ops of kind layer. */
typedef struct odeon_layer_ops {
    uint32_t struct_size;
    int32_t bodies; /* ODEON_BODIES_*; all but NONE: a container */

    /* What the layer is for an input; the answer depends on nothing but options, in and call_flags.
     * A shape that does not fit is ODEON_ERR_CONFIG with a message that says which is wanted.
     * [worker; build] */
    odeon_status (*plan)(void *self, odeon_layer_plan *plan);
    /* (optional) Parameter index for input in; out->name NULL after the last. [worker; build] */
    odeon_status (*param)(void *self, const odeon_shape *in, int32_t index, odeon_param *out);
    /* out = f(in; parameters, t). [worker; evaluation] */
    odeon_status (*forward)(void *self, const odeon_layer_call *call);
    /* The vector-Jacobian product of forward at the same in, parameters and t. [worker; evaluation]
     */
    odeon_status (*vjp)(void *self, const odeon_layer_call *call);
    /* (optional) After the parameters changed and before the next forward: fills derived.
     * [worker; update] */
    odeon_status (*prepare)(void *self, const odeon_layer_call *call);
    /* (optional) Folds what derived has gathered since the last time into grad and empties it:
     * after the last vjp of a batch, in a continuous adjoint after that of every evaluation.
     * [worker; batch] */
    odeon_status (*finish)(void *self, const odeon_layer_call *call);
    /* (optional) Containers: takes a body, which lives as long as the instance; NULL: body_names
     * has it, the INI does not. Called for each, 0 first, before the first plan. [worker; build] */
    odeon_status (*attach)(void *self, int32_t body, odeon_net *net);
    /* (optional) The input of a body where it is not the container's. Before attach. Such bodies,
     * but for FIELD's, may be called many times in one pass, each time with a frame of its own:
     * the host refuses in them ODE blocks and layers that make quantities. [worker; build] */
    odeon_status (*body_in)(void *self, const odeon_shape *in, int32_t body, odeon_shape *out);
    /* (optional) With CHAIN or FIELD: names of sections, ends with NULL. The section of the first
     * name, as in [model.NAME.shortcut], is body 1, of the second body 2, ... */
    const char *const *body_names;
    /* (optional) "p|sigma": options of type F64 that may follow a schedule, as in loss.h. No answer
     * of plan or param depends on them. */
    const char *scheduled;
} odeon_layer_ops;

#ifdef __cplusplus
}
#endif
#endif
