/* run.h: a program carried out on a device, forward and backward.
 *
 * Every value is a column of the batch's length. The columns that the vjp reads are the tape, the
 * others lie in scratch. Going backward, each value has a column for its cotangent.
 *
 * In float32, values that belong to the time alone (program_value.timed) are computed in double,
 * one number for each time: t is a double, and cos t at 1e8 has nothing left of it in float32.
 * Where other values read them they become columns. They are cheap, so the tape does not hold them:
 * going backward they are computed again. In float64 there is nothing to gain, and they are columns
 * like all others. */
#ifndef ODEON_LAYER_FORMULA_RUN_H
#define ODEON_LAYER_FORMULA_RUN_H
#include "odeon/layer.h"
#include "program.h"

/* For batches of in's length and dtype. */
uint64_t run_tape_bytes(const program *p, const odeon_tensor *in);
uint64_t run_scratch_bytes(const program *p, const odeon_tensor *in);

/* The slots of layer.h. */
odeon_status run_forward(const program *p, const odeon_context *context,
                         const odeon_buffers *buffers, const odeon_tensor *in,
                         const odeon_tensor *out);
odeon_status run_vjp(const program *p, const odeon_context *context, const odeon_buffers *buffers,
                     const odeon_tensor *d_out, const odeon_tensor *d_in, const odeon_tensor *d_t);

#endif
