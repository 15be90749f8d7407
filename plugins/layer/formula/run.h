/* run.h: a program carried out on a device, forward and backward.
 *
 * Every value is a column of the batch's length. The columns that the vjp reads are the tape, the
 * others lie in scratch. Going backward, each value has a column for its cotangent. */
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
