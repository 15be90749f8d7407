/* ode_rnn.h: the layer from within: its options, and what moves the state between two rows. */
#ifndef ODEON_LAYER_ODE_RNN_H
#define ODEON_LAYER_ODE_RNN_H
#include "../common/bodies.h"
#include "../common/gru/gru_unit.h"
#include "odeon/component.h"
#include "odeon/tableau.h"

typedef struct ode_rnn {
    ODEON_INSTANCE;
    int64_t units, output, direction, rows;
    int64_t substeps;
    const odeon_config *integrator;
    const odeon_host_component *components;
    const odeon_other *method;
    const odeon_tableau *tableau; /* of method */
    int32_t stages;               /* of the tableau, those that the step reads */
    int32_t reserved0;
    bodies bodies;
} ode_rnn;

/* A state h [B,H] goes from one row to the next by `substeps` steps of an explicit Runge-Kutta
 * method, whose size is a sample's own: with q_i = size k_i each stage is a sum of q. */
typedef struct flow {
    const ode_rnn *layer;
    uint64_t frame_bytes;       /* of one evaluation of the field */
    odeon_tensor size, reach;   /* F64 [T,B]: of the steps to a row; scratch */
    odeon_tensor start, t;      /* F64 [B] */
    odeon_tensor factor, stage; /* [B,H]: size in every column; a stage's state, or a cotangent */
    odeon_tensor q[ODEON_MAX_STAGES];
} flow;

/* What it asks for behind the unit's own; in: shape of the input. */
uint64_t flow_scratch_bytes(const ode_rnn *layer, const odeon_shape *in);
uint64_t flow_tape_bytes(const ode_rnn *layer, const odeon_shape *in, uint64_t frame_bytes);
/* After gru_begin. Finds the sizes of all steps. */
odeon_status flow_begin(const ode_rnn *layer, gru_call *g, flow *f);

extern const gru_between flow_between;

#endif
