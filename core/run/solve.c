/* `odeon solve` without its command line: samples in, trajectories out. All states are kept in
 * memory as doubles until they are written, [n, n_times, size], whatever the dtype of the run. */
#include "run/solve.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/output_file.h"
#include "base/path.h"
#include "base/text.h"
#include "format/npy.h"
#include "format/safetensors.h"
#include "format/safetensors_write.h"
#include "session/describe.h"
#include "session/flow.h"
#include "session/placement.h"
#include "session/result.h"
#include "session/run_batch.h"

/* Of trajectories, which are the only large memory here. */
static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "solve: no memory");
}

/* Takes {0} and leaves it. */
void solution_fini(solution *x)
{
    mem_free(x->times);
    mem_free(x->states);
    mem_free(x->events);
    *x = (solution){.n = 0};
}

/* ---- solving ---- */

/* A solve alone has no backward pass to count. */
static void add_counters(ode_counters *sum, const ode_counters *batch)
{
    sum->path = batch->path;
    sum->evals_forward += batch->evals_forward;
    sum->accepted += batch->accepted;
    sum->rejected += batch->rejected;
    counters_add_spread(sum, batch);
}

/* Samples from first on. */
static odeon_status check_states(const solution *x, int64_t first, int64_t n)
{
    int64_t each = x->n_times * x->size;
    for (int64_t i = first * each; i < (first + n) * each; i++) {
        if (!isfinite(x->states[i])) {
            return diag_fail(ODEON_ERR_NUMERIC,
                             "solve: y%" PRId64 " of sample %" PRId64
                             " is %g at t = %g: smaller steps may help",
                             i % x->size, i / each, x->states[i], x->times[i / x->size]);
        }
    }
    return ODEON_OK;
}

/* Of samples from first on, which are the batch of n just solved. */
static odeon_status add_events(const session *s, int64_t first, int64_t n, solution *x)
{
    int64_t more = session_events(s, n, 0, NULL), had = x->n_events;
    if (more == 0) {
        return ODEON_OK;
    }
    session_event *longer = mem_resize(x->events, (size_t)(had + more), sizeof *longer);
    if (longer == NULL) {
        return no_memory();
    }
    x->events = longer;
    x->n_events += session_events(s, n, more, longer + had);
    for (int64_t i = had; i < x->n_events; i++) {
        longer[i].sample += first;
    }
    return ODEON_OK;
}

static odeon_status solve_batch(session *s, const session_samples *samples, int64_t first,
                                solution *x)
{
    session_result result;
    double *times = x->times + first * x->n_times;
    ODEON_TRY(session_solve(s, samples, x->states + first * x->n_times * x->size, times, &result));
    add_counters(&x->sum, &result.blocks[0]);
    ODEON_TRY(add_events(s, first, samples->n, x));
    return check_states(x, first, samples->n);
}

/* The order is that of the split, never shuffled; the batch to come is announced so that it can be
 * read while this one is solved. */
static odeon_status solve_all(session *s, const predict_input *in, const data_source *source,
                              int64_t batch, int64_t *order, solution *x)
{
    if (source != NULL) {
        ODEON_TRY(data_order(source, 0, 0, order));
    }
    for (int64_t first = 0; first < x->n; first += batch) {
        int64_t count = x->n - first < batch ? x->n - first : batch;
        int64_t left = x->n - first - count;
        session_samples samples = {.n = count, .source = source, .indices = order + first};
        if (source != NULL && left > 0) {
            session_expect(s, source, left < batch ? left : batch, order + first + count);
        }
        if (in != NULL) {
            samples = predict_input_part(s, in, first, count);
        }
        ODEON_TRY(solve_batch(s, &samples, first, x));
    }
    return ODEON_OK;
}

/* One sample of zeros: for models that start from numbers of their own. */
static odeon_status make_zeros(const session *s, predict_input *out)
{
    odeon_shape input = session_input(s);
    *out = (predict_input){.n = 1};
    out->field[ODEON_ROLE_INPUT] = mem_zalloc((size_t)odeon_count(&input), sizeof(double));
    return out->field[ODEON_ROLE_INPUT] != NULL ? ODEON_OK : no_memory();
}

/* Whole trajectories are held in memory, so their size is checked before anything is solved. */
static odeon_status solve_some(session *s, const predict_input *in, const data_source *source,
                               int64_t batch, solution *x)
{
    session_flow flow;
    int64_t times, values;
    ODEON_TRY(session_flow_of(s, &flow));
    x->n = in != NULL ? in->n : data_length(source);
    x->n_times = flow.n_times;
    x->size = flow.size;
    if (!checked_mul(x->n, x->n_times, &times) || !checked_mul(times, x->size, &values)) {
        return no_memory();
    }
    x->states = mem_zalloc((size_t)values, sizeof *x->states);
    x->times = mem_zalloc((size_t)times, sizeof *x->times);
    int64_t *order = mem_zalloc((size_t)x->n, sizeof *order);
    odeon_status status = x->states != NULL && x->times != NULL && order != NULL
                              ? solve_all(s, in, source, batch, order, x)
                              : no_memory();
    mem_free(order);
    return status;
}

/* The caller's in and source stay his; only the sample of zeros is made and released here. */
odeon_status solve_run(session *s, const predict_input *in, const data_source *source,
                       int64_t batch, solution *out)
{
    *out = (solution){.n = 0};
    if (in != NULL || source != NULL) {
        return solve_some(s, in, source, batch, out);
    }
    predict_input zeros;
    odeon_status status = make_zeros(s, &zeros);
    if (status == ODEON_OK) {
        status = solve_some(s, &zeros, NULL, 1, out);
    }
    predict_input_fini(&zeros);
    return status;
}

/* ---- writing ---- */

/* One line a sample and time, ordered by sample; the times of a sample are repeated in it, so that
 * a line stands for itself. */
static odeon_status write_csv(const char *path, const solution *x)
{
    text_buffer text = {0};
    text_add(&text, "sample,t");
    for (int64_t k = 0; k < x->size; k++) {
        text_printf(&text, ",y%" PRId64, k);
    }
    text_add(&text, "\n");
    for (int64_t i = 0; i < x->n * x->n_times; i++) {
        text_printf(&text, "%" PRId64 ",", i / x->n_times);
        text_number(&text, x->times[i]);
        for (int64_t k = 0; k < x->size; k++) {
            text_add(&text, ",");
            text_number(&text, x->states[i * x->size + k]);
        }
        text_add(&text, "\n");
    }
    odeon_status status = text.failed ? no_memory() : output_file_put(path, text.data, text.length);
    text_fini(&text);
    return status;
}

/* Tensors are lists of one kind each: the samples, then the times of the events. */
static odeon_status write_entries(const char *path, safetensors_entry *entries, const solution *x)
{
    size_t n = (size_t)x->n_events;
    if (n == 0) {
        return safetensors_write_output(path, 2, entries, 0, NULL);
    }
    int64_t *samples = mem_zalloc(n, sizeof *samples);
    double *times = mem_zalloc(n, sizeof *times);
    for (size_t i = 0; samples != NULL && times != NULL && i < n; i++) {
        samples[i] = x->events[i].sample;
        times[i] = x->events[i].t;
    }
    entries[2] = (safetensors_entry){.name = "event.sample",
                                     .dtype = ODEON_DTYPE_I64,
                                     .ndim = 1,
                                     .dim = {x->n_events},
                                     .data = samples,
                                     .bytes = n * sizeof *samples};
    entries[3] = (safetensors_entry){.name = "event.t",
                                     .dtype = ODEON_DTYPE_F64,
                                     .ndim = 1,
                                     .dim = {x->n_events},
                                     .data = times,
                                     .bytes = n * sizeof *times};
    odeon_status status = samples != NULL && times != NULL
                              ? safetensors_write_output(path, 4, entries, 0, NULL)
                              : no_memory();
    mem_free(samples);
    mem_free(times);
    return status;
}

/* times as F64, as they were asked for; states in the dtype in which they were computed. */
static odeon_status write_safetensors(const char *path, uint32_t dtype, const solution *x,
                                      const void *states)
{
    int64_t times = x->n * x->n_times;
    safetensors_entry entries[4] = {
        {.name = "y",
         .dtype = dtype,
         .ndim = 3,
         .dim = {x->n, x->n_times, x->size},
         .data = states,
         .bytes = (uint64_t)(times * x->size * odeon_dtype_bytes(dtype))},
        {.name = "t",
         .dtype = ODEON_DTYPE_F64,
         .ndim = 2,
         .dim = {x->n, x->n_times},
         .data = x->times,
         .bytes = (uint64_t)times * sizeof *x->times},
    };
    return write_entries(path, entries, x);
}

/* states are x's in dtype; times are always float64, as the solver counts them. */
static odeon_status write_array(const char *path, uint32_t dtype, const solution *x,
                                const void *states)
{
    const int64_t dim[3] = {x->n, x->n_times, x->size};
    return path_ends_with(path, ".npy") ? npy_write_output(path, dtype, 3, dim, states)
                                        : write_safetensors(path, dtype, x, states);
}

/* Arrays are written in the run's dtype, in which the states were computed; text has all digits
 * of it. */
odeon_status solve_write(const char *path, uint32_t dtype, const solution *x)
{
    if (!path_ends_with(path, ".npy") && !path_ends_with(path, ".safetensors")) {
        return write_csv(path, x);
    }
    if (dtype == ODEON_DTYPE_F64) {
        return write_array(path, dtype, x, x->states);
    }
    size_t values = (size_t)(x->n * x->n_times * x->size);
    float *narrow = mem_zalloc(values, sizeof *narrow);
    if (narrow == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < values; i++) {
        narrow[i] = (float)x->states[i];
    }
    odeon_status status = write_array(path, dtype, x, narrow);
    mem_free(narrow);
    return status;
}
