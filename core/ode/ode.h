/* ode.h: the ODE block as layers and the session see it. Implements odeon_ode_services
 * (odeon/container.h). */
#ifndef ODEON_CORE_ODE_ODE_H
#define ODEON_CORE_ODE_ODE_H
#include "ode/block.h"
#include "ode/services.h"
#include "ode/steps_file.h"
#include "odeon/container.h"

/* The table that plugins get as ODEON_HOST_ODE. */
extern const odeon_ode_services ode_services;

/* A batch begins: attempts and failures of the last one's solves are forgotten. */
void ode_forget(odeon_ode *ode);
/* Where each sample is solved by itself: the one that has failed, counted in the slice, from which
 * the solvers count theirs. Else 0. */
int64_t ode_sample_under_way(const odeon_ode *ode);
/* There, what the last forward that a backward follows has tried for a sample of the slice. */
odeon_status ode_sample_attempts(odeon_ode *ode, int64_t sample, attempt_list *out);
/* The times of the last forward [n_times], for a sample of the slice. */
const double *ode_sample_times(const odeon_ode *ode, int64_t sample);

#endif
