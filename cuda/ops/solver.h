/* solver.h: what the operators of family solver have in common with those that stand for several of
 * them. */
#ifndef ODEON_CUDA_OPS_SOLVER_H
#define ODEON_CUDA_OPS_SOLVER_H
#include "ops.h"

/* Checks n terms against model and enters them; *aligned becomes 0 where one is not. */
odeon_status ops_take_terms(odeon_queue *queue, const odeon_shape *model, int32_t n,
                            const odeon_view *const *x, const odeon_scalar *coefficient,
                            const double *slots, kernel_terms *out, int32_t *aligned);
/* All of an error's sum but its terms and where it goes to. */
error_sum_args ops_error_args(const odeon_control *control, const odeon_view *y0,
                              const odeon_view *y1);
/* The blocks that share a sum over so many vectors, with one double a thread. */
kernel_shape ops_shape_parts(int64_t vectors);
/* Joins the results of blocks into *to. */
odeon_status ops_join_parts(odeon_queue *queue, const double *parts, int64_t count, int32_t norm,
                            double *to);
odeon_status ops_step_back(odeon_queue *queue, const odeon_step_back *call);

odeon_status ops_step_judge(odeon_queue *queue, const odeon_step_judge *call);
odeon_status ops_last_step_back(odeon_queue *queue, const odeon_step_back *call);

#endif
