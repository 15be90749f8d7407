/* run.h: evaluate a program on a device, and its reverse-mode derivative.
 *
 * Every value is a column of one number per row of x [B,...,N]. Columns that the vjp reads are in
 * the tape, the others in scratch. The reverse pass has one more column per value for its
 * cotangent.
 *
 * In float32, values that depend on the time alone (program_value.timed) are computed in double,
 * one number per time: t is a double, and in float32 cos t at t = 1e8 would have no correct digit.
 * They are converted to columns where other values read them. Being cheap, they are not taped but
 * computed again by the reverse pass. In float64 they are ordinary columns. */
#ifndef ODEON_LAYER_FORMULA_RUN_H
#define ODEON_LAYER_FORMULA_RUN_H
#include "odeon/layer.h"
#include "program.h"

/* Bytes for batches of in's length and dtype. */
uint64_t run_tape_bytes(const program *p, const odeon_shape *in);
uint64_t run_scratch_bytes(const program *p, const odeon_shape *in);

/* The slots of layer.h. */
odeon_status run_forward(const program *p, const odeon_layer_call *call);
odeon_status run_vjp(const program *p, const odeon_layer_call *call);

#endif
