/* container.h: services for layers that hold bodies: chains to be called, and the ODE block.
 *
 * The layer `ode` is a thin plugin over these: it says from its options what is to be solved and
 * how; the host builds the field from the body, runs the integrator and the gradient method, and
 * keeps records and counters. Other containers call their bodies themselves.
 *
 * Draft. To be seen before it is frozen: a second container of somebody else that asks for all
 * of its services, and the blocks of several rates. */
#ifndef ODEON_CONTAINER_H
#define ODEON_CONTAINER_H
#include "odeon/abi.h"
#include "odeon/device_solver.h"
#include "odeon/host.h"
#include "odeon/layer.h"
#include "odeon/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ODEON_HOST_BODY "odeon.host.body/1"

/* Growing. A question about a body, and the answer, which is 0 before. */
typedef struct odeon_body_plan {
    uint32_t struct_size;
    uint32_t call_flags; /* of a plan or a call of the container */
    int64_t batch;

    /* Of odeon_layer_plan, as a whole: BATCH_COUPLED, USES_T, ROUNDS_T, STATEFUL, RANDOM where a
     * layer has them, LINEAR where all have it. */
    uint32_t flags, reserved0;
    odeon_shape in, out;
    uint64_t frame_bytes; /* what one evaluation keeps for its vjp: a multiple of 64 */
} odeon_body_plan;

/* Growing. A call of a body; what it has no use for is NULL. */
typedef struct odeon_body_call {
    uint32_t struct_size, flags;    /* NO_PARAM_GRAD of ODEON_CALL_*, beside the container's own */
    const odeon_layer_call *around; /* the container's own call: device, queue, group, batch */
    const odeon_view *t;            /* F64 [1] or [B], in place of around's; NULL leaves that */
    const odeon_view *in;           /* forward */
    const odeon_tensor *out;        /* forward writes it; does not overlap in */
    const odeon_view *d_out;        /* vjp */
    const odeon_tensor *d_in;       /* vjp writes it; NULL: not wanted; does not overlap d_out */
    const odeon_tensor *d_t;        /* vjp adds to it; NULL: not wanted */
    void *frame; /* a part of the container's tape, at a multiple of 64 bytes; forward: NULL when no
                    vjp will follow */
} odeon_body_call;

typedef struct odeon_body_services {
    uint32_t struct_size, reserved0;
    /* Allocates when it is first asked, which is to be in the container's plan: the other two then
     * need not. [worker; build] */
    odeon_status (*plan)(odeon_net *body, odeon_body_plan *plan);
    /* out = body(in). [worker; evaluation] */
    odeon_status (*forward)(odeon_net *body, const odeon_body_call *call);
    /* Writes d_in, adds to the gradients of the body's parameters and to d_t. [worker; evaluation]
     */
    odeon_status (*vjp)(odeon_net *body, const odeon_body_call *call);
} odeon_body_services;

/* The gradient of what a body's Jacobian makes of a direction: a second derivative, for layers
 * whose result depends on a Jacobian. Extension; of the device `dual` (device_dual.h). */
#define ODEON_HOST_BODY_DUALS "odeon.host.body_duals/1"

/* Growing. With f the body and J its Jacobian by in: s = <d_out, J in_dot>. Samples are independent
 * of one another; integrals that layers of the body declare have no part in it. */
typedef struct odeon_body_dual_call {
    uint32_t struct_size, flags;    /* NO_PARAM_GRAD of ODEON_CALL_*, beside the container's own */
    const odeon_layer_call *around; /* the container's own call */
    const odeon_view *in, *in_dot;  /* [B, ...] of the body's input */
    const odeon_view *d_out;        /* of its output */
    const odeon_tensor *d_in;       /* ds/din, written; NULL: not wanted; overlaps none of these */
    const odeon_tensor *d_t;        /* ds/dt is added to it; NULL: not wanted */
    void *scratch; /* free to overwrite: of scratch_bytes, at a multiple of 64 bytes */
} odeon_body_dual_call;

typedef struct odeon_body_duals {
    uint32_t struct_size, reserved0;
    /* For a batch of plan->batch, after it has been planned: what vjp needs. [worker; build] */
    odeon_status (*scratch_bytes)(odeon_net *body, const odeon_body_plan *plan, uint64_t *out);
    /* Writes d_in, adds to d_t and, for the parameters, ds/dtheta to their gradients.
     * ODEON_ERR_CONFIG where the run's device is not `dual`. [worker; evaluation] */
    odeon_status (*vjp)(odeon_net *body, const odeon_body_dual_call *call);
} odeon_body_duals;

#define ODEON_HOST_ODE "odeon.host.ode/1"

enum {
    ODEON_STEPS_ADAPTIVE = 0, /* by control */
    ODEON_STEPS_COUNT = 1,    /* so many between two times, of equal size */
    ODEON_STEPS_SIZE = 2,     /* a grid of step_size from the first time, shorter before a time */
    ODEON_STEPS_REPLAY = 3    /* the list of replay_path */
};

/* What a block gives out. */
enum {
    ODEON_OUTPUT_END = 0, /* y at the second of two times: [B, ...] */
    ODEON_OUTPUT_ALL = 1  /* y at all times, the start among them: [B, T, ...] */
};

/* Where a block's y at the first time comes from. */
enum {
    ODEON_INITIAL_INPUT = 0, /* the input [B, ...] */
    ODEON_INITIAL_FIRST = 1, /* the input [B, S, ...]: its first entry in S */
    ODEON_INITIAL_LIST = 2   /* [B, n]: n given numbers for every sample, whatever the input */
};

/* Where an adaptive solve ends. Times before the last are read off the method's dense output, or,
 * if it has none, steps are cut short there. */
enum {
    ODEON_END_CLIP = 0,       /* its last step is cut short */
    ODEON_END_INTERPOLATE = 1 /* its last step may reach beyond; the end is read off the method's
                                 dense output */
};

/* Options of a block that are on or off. */
enum {
    /* Integrals that layers of the body declare count in error norms. Without it they leave the
     * steps as they would be without them. */
    ODEON_ODE_COUNT_INTEGRALS = 1 << 0,
    /* Each sample is solved by itself, with steps of its own: its rows are in no other sample's
     * error norm, and what becomes of it depends neither on the batch nor on the workers. times of
     * the batch may then differ by sample, max_steps is of a sample, and the file of a REPLAY may
     * list steps sample by sample. The body may be neither BATCH_COUPLED nor STATEFUL. */
    ODEON_ODE_STEP_PER_SAMPLE = 1 << 1
};

/* One block. Text is borrowed until create has returned, lists as long as the block. */
typedef struct odeon_ode_spec {
    uint32_t struct_size;
    int32_t mode;             /* ODEON_STEPS_* */
    int32_t output;           /* ODEON_OUTPUT_* */
    int32_t initial;          /* ODEON_INITIAL_* */
    int32_t n_times;          /* at least 2, strictly monotone; 0: the times of the batch */
    int32_t n_initial_values; /* LIST */
    const double *times, *initial_values;
    int32_t n_rtol, n_atol;       /* ADAPTIVE: 1, or one for each element of a sample of y */
    const double *rtol, *atol;    /* > 0 */
    const odeon_control *control; /* ADAPTIVE: all but n_parts, count, tolerances, rows and log,
                                  which are the solve's; where beta[i], beta_reject, start_exponent
                                  are given per order they are divided by the method's order if
                                  exponents_per_order is 1, of a method with implicit stages by the
                                  power of h by which its error falls */
    int32_t exponents_per_order;
    int32_t end;                    /* ODEON_END_*: of ADAPTIVE, and of a REPLAY of such steps */
    double first_step;              /* ADAPTIVE: 0 chooses automatically */
    int64_t steps;                  /* COUNT: between two times */
    double step_size;               /* SIZE: > 0 */
    int64_t max_steps;              /* accepted and rejected together, of a pass */
    const char *replay_path;        /* REPLAY: CSV of t,h, or of sample,t,h with
                                       STEP_PER_SAMPLE, as `odeon grad --steps` writes it */
    const odeon_config *integrator; /* an option of the layer */
    const odeon_config *gradient;
    /* The system that control follows, by the name that methods give hints for (odeon_control_hint
     * of tableau.h); NULL: none. A hint takes the place of control's exponents and limits. */
    const char *control_hints;
    /* ADAPTIVE and SIZE: times that steps must end at, on the way forward and back, in any order,
     * none outside of times; without effect in the other modes. */
    int32_t n_stops;
    uint32_t flags; /* ODEON_ODE_* */
    const double *stops;
    /* The second term of the field, f = body + stiff, flagged ODEON_TERM_STIFF (field.h); it lives
     * as long as the body. NULL: f is the body alone. */
    odeon_net *stiff;
    /* ADAPTIVE: in place of control for a method with implicit stages; NULL: control. */
    const odeon_control *control_implicit;
    /* Events: where a number made of a sample's state crosses zero; not of a REPLAY. All samples
     * are then solved by themselves, STEP_PER_SAMPLE or not. event maps the body's input to one
     * number a sample, reset to a state, with which the solve goes on; without reset it ends, and y
     * of all later times is that at the event. NULL: none. They live as long as the body. */
    odeon_net *event, *reset;
    int32_t event_direction; /* 1: from below zero to above, -1: from above, 0: either */
    int32_t reserved0;
    int64_t max_events; /* of a sample; one more is ODEON_ERR_NUMERIC */
    /* > 0, read before each forward: times rtol and atol, so that it may follow a schedule
     * (scheduled of layer.h). It lives as long as the block. NULL: 1. Other tolerances that a
     * gradient method sets for the way back stay as they are. */
    const double *tolerance_factor;
} odeon_ode_spec;

typedef struct odeon_ode odeon_ode; /* one block on one worker; the host's */

typedef struct odeon_ode_services {
    uint32_t struct_size, reserved0;
    /* The shape that the body gets, and so y: body_in of odeon_layer_ops. ODEON_ERR_CONFIG where
     * the input has no first entry to take. [worker; build] */
    odeon_status (*body_in)(const odeon_host *host, const odeon_ode_spec *spec,
                            const odeon_shape *in, odeon_shape *out);
    /* Refuses (ODEON_ERR_CONFIG) times that do not rise or fall throughout, stops outside of them,
     * limits of the step that contradict each other, tolerances that are not
     * one or as many as y's elements, an adaptive solve with a method that estimates no error, an
     * interpolated end with one that has no dense output, a gradient that cannot go with the
     * integrator, a pair of tables without a stiff term, a body that itself holds an ODE block, or
     * one that couples samples where each is to be solved by itself. [worker; build] */
    odeon_status (*create)(const odeon_host *host, const odeon_ode_spec *spec, odeon_net *body,
                           odeon_ode **out);
    void (*destroy)(odeon_ode *ode); /* takes NULL. [worker; build] */
    /* The slots of odeon_layer_ops, to be passed on. Times of the batch that do not rise or fall
     * throughout are ODEON_ERR_DATA. keep: a vjp will follow. [worker; build], [worker; batch] */
    odeon_status (*plan)(odeon_ode *ode, odeon_layer_plan *plan);
    odeon_status (*forward)(odeon_ode *ode, const odeon_layer_call *call, int32_t keep);
    odeon_status (*vjp)(odeon_ode *ode, const odeon_layer_call *call);
} odeon_ode_services;

#ifdef __cplusplus
}
#endif
#endif
