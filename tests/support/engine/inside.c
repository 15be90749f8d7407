#include "engine/inside.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_solver.h"
#include "solver/outputs.h"
#include "solver/step.h"

#include <cmocka.h> /* its macro fail is the name of a service of odeon/host.h */

/* ---- between two calls of the engine ---- */

void inside_prepare(bench *b, int32_t n_times, const double *times, int32_t keep)
{
    solver *s = b->solve;
    const program *p;
    diag_clear();
    bench_put(b, &b->y[0], bench_start);
    s->task.keep = keep;
    solver_restart(s);
    step_fit(s, &b->f.host);
    bench_require(stepper_program(s->stepper, 0, &p));
    bench_require(step_reserve(s, p));
    bench_require(outputs_reserve(s, n_times));
    s->task.n_times = n_times;
    s->task.times = times;
    s->task.y = b->y;
    s->task.d_y = b->cotangents;
    s->outputs.next = 1;
    s->step.value[REG_Y0] = (bound_vector){.data = odeon_write(&s->task.y[0])};
}

void inside_finish(bench *b)
{
    step_reject(b->solve);
    release_registers(b->solve);
    diag_clear();
}

double inside_slot(bench *b, int32_t slot)
{
    double value = 0.0;
    bench_require(b->device->ops->slots_read(b->lane.queue, b->solve->slots, slot, 1, &value));
    return value;
}

void inside_set_slot(bench *b, int32_t slot, double value)
{
    bench_require(ODEON_DO(b->device, solver, slots_write, b->lane.queue, .slots = b->solve->slots,
                           .first = slot, .n = 1, .values = &value));
}

/* ---- eager and captured ---- */

enum { PASSES = 5 };

typedef struct trace {
    double y[PASSES][MAX_TIMES][2 * SAMPLES], d_y0[PASSES][2 * SAMPLES], d_theta[PASSES];
    int64_t evals[PASSES], accepted[PASSES], rejected[PASSES];
    double attempts[PASSES][MAX_STEPS][4]; /* t, h, error, accepted */
    size_t n_attempts[PASSES];
    int64_t calls;
} trace;

/* The times differ from pass to pass where shifts is set, so that what is replayed are other steps
 * than those recorded. */
static void take_trace(bench *b, bool shifts, int32_t n_times, trace *t)
{
    static const bool counts[] = {false, true, true};
    for (int pass = 0; pass < PASSES; pass++) {
        double times[] = {0.0, 1.0, 2.5};
        times[n_times - 1] += shifts ? 0.3 * pass : 0.0;
        b->f.evals = 0;
        bench_require(bench_solve(b, n_times, times, ODEON_KEEP_FRAMES));
        bench_reverse(b, n_times, counts, t->d_y0[pass], &t->d_theta[pass]);
        for (int32_t i = 0; i < n_times; i++) {
            bench_get(b, &b->y[i].view, t->y[pass][i]);
        }
        solve_stats stats = solver_stats(b->solve);
        const solve_attempt *attempts = solver_attempts(b->solve, &t->n_attempts[pass]);
        assert_true(t->n_attempts[pass] <= MAX_STEPS);
        for (size_t i = 0; i < t->n_attempts[pass]; i++) {
            const solve_attempt *a = &attempts[i];
            const double row[] = {a->t, a->h, a->error, a->accepted};
            memcpy(t->attempts[pass][i], row, sizeof row);
        }
        t->evals[pass] = b->f.evals;
        t->accepted[pass] = stats.accepted;
        t->rejected[pass] = stats.rejected;
    }
    t->calls = b->f.calls;
}

void inside_compare_captured(const char *device, const char *method, odeon_ode_spec spec,
                             int32_t dense, bool shifts, int32_t n_times)
{
    trace *traces[2];
    for (int i = 0; i < 2; i++) {
        traces[i] = mem_zalloc(1, sizeof *traces[i]);
        assert_non_null(traces[i]);
        bench *b = bench_open(device, i == 1, method, dense, spec, 2, 1.5);
        take_trace(b, shifts, n_times, traces[i]);
        bench_close(b);
    }
    assert_true(traces[1]->calls < traces[0]->calls); /* a replay does not call the field */
    traces[1]->calls = traces[0]->calls;
    if (spec.mode == ODEON_STEPS_ADAPTIVE) { /* rows are made again in reverse, frames are not */
        memset(traces[0]->evals, 0, sizeof traces[0]->evals);
        memset(traces[1]->evals, 0, sizeof traces[1]->evals);
    }
    assert_memory_equal(traces[0], traces[1], sizeof *traces[0]);
    mem_free(traces[0]);
    mem_free(traces[1]);
}

/* ---- the reverse of adaptive steps ---- */

/* With these steps the solve is linear in its start: y_N = M y_0, where M comes of replaying them
 * from unit vectors. So dL/dy0 = M^T c, which the reverse gives to rounding. */
static void multiply_by_transposed(const bench *b, int32_t n_times, const double *times,
                                   const double *c, double *out)
{
    static const odeon_ode_spec replay = {.mode = ODEON_STEPS_REPLAY, .replay_path = "steps"};
    size_t n, n_steps = 0;
    const solve_attempt *attempts = solver_attempts(b->solve, &n);
    double(*steps)[2] = mem_zalloc(n, sizeof *steps);
    assert_non_null(steps);
    for (size_t i = 0; i < n; i++) {
        steps[n_steps][0] = attempts[i].t;
        steps[n_steps][1] = attempts[i].h;
        n_steps += attempts[i].accepted;
    }
    odeon_ode_spec spec = replay;
    spec.end = b->spec.end;
    int32_t dense = b->method->dense ? DENSE_REQUIRED : DENSE_UNUSED;
    bench *r = bench_open("cpu", false, "tsit5", dense, spec, 2, b->f.theta);
    solver_set_replay(r->solve, n_steps, (const double(*)[2])steps);
    for (int k = 0; k < 2 * SAMPLES; k++) {
        double unit[2 * SAMPLES] = {0.0}, end[2 * SAMPLES];
        unit[k] = 1.0;
        bench_put(r, &r->y[0], unit);
        bench_require(solver_solve(r->solve, &r->f.host, n_times, times, ODEON_KEEP_NONE, r->y));
        out[k] = 0.0;
        bench_get(r, &r->y[n_times - 1].view, end);
        for (int i = 0; i < 2 * SAMPLES; i++) {
            out[k] += end[i] * c[i];
        }
    }
    bench_close(r);
    mem_free(steps);
}

void inside_check_reverse(odeon_ode_spec spec, int32_t dense, const char *device, bool capture)
{
    static const double times[] = {0.0, 4.0};
    static const bool counts[] = {false, true};
    /* plugins that are loaded in between would be taken for what the solver has left behind */
    bench_close(bench_open("cpu", false, "tsit5", DENSE_UNUSED, spec, 2, 1.5));
    bench *b = bench_open(device, capture, "tsit5", dense, spec, 2, 1.5);
    double d_y0[2 * SAMPLES], expected[2 * SAMPLES], d_theta, slope = 0.0;
    for (int pass = 0; pass < 4; pass++) { /* eager, captured, replayed twice */
        bench_require(bench_solve(b, 2, times, ODEON_KEEP_FRAMES));
        bench_reverse(b, 2, counts, d_y0, &d_theta);
        multiply_by_transposed(b, 2, times, bench_cotangents, expected);
        for (int k = 0; k < 2 * SAMPLES; k++) {
            bench_assert_close(d_y0[k], expected[k], 1e-13);
        }
    }
    double y[2 * SAMPLES]; /* dL/dtheta = T c . A y(T), but for the solve's own error */
    bench_get(b, &b->y[1].view, y);
    for (int k = 0; k < SAMPLES; k++) {
        slope +=
            4.0 * (bench_cotangents[k] * y[SAMPLES + k] - bench_cotangents[SAMPLES + k] * y[k]);
    }
    bench_assert_close(d_theta, slope, 1e-5);
    bench_close(b);
}
