/* steered_solve.h: a solve that slots steer, by operators alone, for the tests of
 * ODEON_DEVICE_CAPTURE.
 *
 * y' = t - y^2, y >= 0, from 0 to STEERED_END by Bogacki and Shampine's pair of orders 3 and 2, the
 * last stage left out of the next step. ACCEPT selects which state goes on, STOP ends a loop. */
#ifndef ODEON_TESTS_STEERED_SOLVE_H
#define ODEON_TESTS_STEERED_SOLVE_H
#include <stdbool.h>

#include "capture_fixture.h"
#include "odeon/device_ext.h"
#include "odeon/device_solver.h"

enum { STEERED_N = 5, STEERED_STAGES = 3, STEERED_MOST_STEPS = 1000 };
#define STEERED_END 3.0

typedef struct steered {
    odeon_control control;
    odeon_tensor y, y1, stage, k[STEERED_STAGES + 1];
    odeon_tensor states, times, log; /* rows of y, of T and H; where control.rows is not 0 */
} steered;

steered steered_open(capture_fixture *f);
/* Keeps what up to rows steps begin with, and logs up to as many. */
steered steered_open_kept(capture_fixture *f, int64_t rows);
void steered_close(capture_fixture *f, steered *s);

/* From 0 on, with a first step of h. */
void steered_start(capture_fixture *f, const steered *s, double h);
/* One trial step, without a look at its outcome: STEERED_STEP_CALLS launches where none is kept. */
enum { STEERED_STEP_CALLS = 1 + 3 + 3 * 4 + 3 };
void steered_step(capture_fixture *f, const steered *s);
/* Steps until STOP, which is looked at after each. */
void steered_by_host(capture_fixture *f, const steered *s);
/* A loop of steps until STOP, at most passes. */
odeon_recording *steered_record(capture_fixture *f, const steered *s, int64_t passes);

/* T, H and the state y go to row STEPS, or come from row ROW. */
void steered_move_row(capture_fixture *f, const steered *s, const odeon_tensor *y, bool load);

#endif
