/* inside.h: a bench's solver between the calls of its files, and what several of their tests hold
 * it against. */
#ifndef ODEON_TESTS_ENGINE_INSIDE_H
#define ODEON_TESTS_ENGINE_INSIDE_H
#include "engine/bench.h"
#include "solver/state.h"

/* Everything that solver_solve does before the first step, from bench_start: memory is reserved and
 * Y0 bound. */
void inside_prepare(bench *b, int32_t n_times, const double *times, int32_t keep);
/* Releases all that a step holds. */
void inside_finish(bench *b);

double inside_slot(bench *b, int32_t slot);
void inside_set_slot(bench *b, int32_t slot, double value);

/* Solves and their reverses, five times eagerly and five times as the device captures them, must
 * agree in every bit and count. shifts: with other times in every pass. */
void inside_compare_captured(const char *device, const char *method, odeon_ode_spec spec,
                             int32_t dense, bool shifts, int32_t n_times);

/* The reverse of adaptive steps must be the exact derivative of these steps. */
void inside_check_reverse(odeon_ode_spec spec, int32_t dense, const char *device, bool capture);

#endif
