/* diagnosis.h: after a solve has failed: which part of the state, which sample, and what kind of
 * cause. Vectors come to the host for that, which is slow and makes no collective call. Whatever
 * fails in here is not told: the solve has failed already. */
#ifndef ODEON_CORE_SOLVER_DIAGNOSIS_H
#define ODEON_CORE_SOLVER_DIAGNOSIS_H
#include "solver/state.h"

/* After a step by h that ends the solve without success, while its registers are still bound: finds
 * worst in its error estimate, and cause. */
void diagnose_step(solver *s, const program *p, double h);
/* Where no first step can be chosen: a value of y0 or of f there (f0) or at the probe (f1) that is
 * not finite, else the slope that is largest against the tolerances. */
void diagnose_start(solver *s, bound_vector y0, bound_vector f0, bound_vector f1);
/* Of one vector: worst is the first sample with a value that is not finite. */
void diagnose_value(solver *s, bound_vector x);
/* Of a step that came to no end: the same of its start; where that is finite, the sample whose
 * stage could not be solved. */
void diagnose_void(solver *s);

/* A vector as double; NULL if that is not possible. The caller frees it with mem_free. */
double *vector_download(solver *s, bound_vector x);

#endif
