/* bench.h: a solver on a device's plugin and an equation to solve, made of the engine alone. For
 * the programs that link nothing above core/solver. */
#ifndef ODEON_TESTS_ENGINE_BENCH_H
#define ODEON_TESTS_ENGINE_BENCH_H
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/open.h"
#include "solver/solver.h"
#include "solver/workspace.h"

enum { SAMPLES = 3, MAX_TIMES = 8, MAX_STEPS = 512 };

/* y' = theta A y, with A = [-1] or [0 1; -1 0], for a few samples. */
typedef struct equation {
    host_field host;
    odeon_part part;
    const device_lane *lane;
    int32_t size; /* 1: decay, 2: oscillator, whose state is SAMPLES positions, then velocities */
    double theta;
    double *grad;                 /* device, F64 [2]: dL/dtheta, and what is added to it */
    double wall;                  /* beyond this time there is no value; NAN: none */
    int64_t evals, calls, copies; /* copies: arguments that were not in their frame already */
    odeon_frame work;
} equation;

/* All that a solve stands on. */
typedef struct bench {
    odeon_config *device_config, *method_config;
    open_device opened;
    const odeon_device *device; /* opened's */
    collective *workers;
    worker_group group;
    device_lane lane;
    stepper *method;
    odeon_ode_spec spec;
    odeon_control control; /* spec.control */
    double rtol, atol;
    solver *solve;
    equation f;
    double *memory;                  /* device: y, d_y, d_y0, grad */
    int64_t live_blocks, live_bytes; /* before stepper and solver were made */
    odeon_tensor y[MAX_TIMES], d_y[MAX_TIMES], d_y0;
    odeon_view cotangents[MAX_TIMES]; /* d_y to be read; data NULL: zero */
} bench;

/* n numbers at data. */
odeon_tensor bench_vector(void *data, int64_t n);

extern const double bench_start[2 * SAMPLES], bench_cotangents[2 * SAMPLES];
extern const odeon_ode_spec bench_ten_steps, bench_adaptive, bench_passing;

/* Of a group of tests: the plugins of the build. */
int bench_open_plugins(void **state);
int bench_close_plugins(void **state);

/* spec: how steps are chosen; tolerances are the bench's, 1e-8 and 1e-10. size: of the equation. */
bench *bench_open(const char *device, bool capture, const char *method, int32_t dense,
                  odeon_ode_spec spec, int32_t size, double theta);
/* Whatever stepper and solver allocated must be gone with them. */
void bench_close(bench *b);
void bench_set_tolerance(bench *b, double tolerance);

void bench_require(odeon_status status);
void bench_put(bench *b, const odeon_tensor *x, const double *values);
void bench_get(bench *b, const odeon_view *x, double *values);

/* From bench_start, a pass of its own. */
odeon_status bench_solve(bench *b, int32_t n_times, const double *times, int32_t keep);
/* dL/dy0 and dL/dtheta of L = cotangents . y at the times that are marked; all others count 0. */
void bench_reverse(bench *b, int32_t n_times, const bool *counts, double *d_y0, double *d_theta);

void bench_assert_close(double value, double expected, double relative);

#endif
