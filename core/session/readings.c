/* The layout of w->readings, in float64:
 *
 *   [blocks][ODEON_SLOTS]   what each ODE block measured; the transforms' blocks first
 *   [ODEON_SLOTS]           the worker's own; the last is the sum of the gradient's squares
 *   [n_sums]                the losses' sums
 *
 * Without measures only the last slot and what follows it is read. */
#include "session/readings.h"

#include <math.h>

#include "base/diag.h"
#include "base/mem.h"
#include "ode/ode.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"

/* Blocks of the transforms and of the model are numbered through, in the order of the layout above.
 */
static size_t n_blocks(const worker *w)
{
    return w->data_site.n_odes + w->site.n_odes;
}

static odeon_ode *block_at(const worker *w, size_t i)
{
    size_t n = w->data_site.n_odes;
    return i < n ? w->data_site.odes[i] : w->site.odes[i - n];
}

/* Where the sum of the gradient's squares stands: in the last of the worker's own slots, side by
 * side with the losses' sums, so that one range holds what every batch reads. */
static size_t squares_at(const worker *w)
{
    return (n_blocks(w) + 1) * ODEON_SLOTS - 1;
}

static size_t n_readings(const worker *w)
{
    return squares_at(w) + 1 + (size_t)w->n_sums;
}

static double *device_readings(const worker *w)
{
    return (double *)(void *)w->readings.data;
}

/* Blocks write what they measured straight to where it is read from. */
odeon_status readings_init(worker *w)
{
    const model *m = w->model;
    size_t n = n_readings(w);
    ODEON_TRY(buffer_fit(m->device, &w->readings, (int64_t)(n * sizeof(double)) + 64));
    w->read = mem_zalloc(n, sizeof *w->read);
    if (w->read == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "workers: no memory for %zu numbers", n);
    }
    for (size_t i = 0; i < n_blocks(w); i++) {
        block_at(w, i)->measured = device_readings(w) + i * ODEON_SLOTS;
    }
    odeon_tensor all = {.view.data = w->readings.data,
                        .view.shape.dim = {(int64_t)n},
                        .view.shape.ndim = 1,
                        .view.shape.dtype = ODEON_DTYPE_F64};
    return ODEON_DO(m->device, move, fill, w->site.lane.queue, .y = &all, .value = odeon_imm(0.0));
}

void readings_fini(worker *w)
{
    buffer_release(w->model->device, &w->readings);
    mem_free(w->read);
}

odeon_tensor readings_sums(const worker *w)
{
    return (odeon_tensor){.view.data = device_readings(w) + squares_at(w) + 1,
                          .view.shape.dim = {w->n_sums},
                          .view.shape.ndim = 1,
                          .view.shape.dtype = ODEON_DTYPE_F64};
}

/* After the gradient was summed over the workers: each of them computes the same sum, in the same
 * order, and comes to the same judgement without another collective. */
odeon_status readings_square_gradient(const worker *w)
{
    const model *m = w->model;
    odeon_tensor grads = model_flat(m, w->grads.data, 0, m->params.trainable);
    double *slots = device_readings(w) + n_blocks(w) * ODEON_SLOTS;
    return ODEON_DO(m->device, solver, dot, w->site.lane.queue, .a = &grads.view, .b = &grads.view,
                    .slots = slots, .slot = ODEON_SLOTS - 1);
}

/* A block measures the share of its state that a solve moves where it is asked to, and drift where
 * its gradient solves backward. */
static bool has_measures(const worker *w)
{
    bool found = false;
    for (size_t i = 0; i < n_blocks(w); i++) {
        found |= ode_is_measured(block_at(w, i));
    }
    return found;
}

/* Numbers first .. end - 1 of the layout. download waits for all that the queue was given before.
 */
static odeon_status read_range(worker *w, size_t first, size_t end)
{
    const odeon_device_ops *ops = w->model->device->ops;
    ODEON_TRY(ops->download(w->site.lane.queue, w->read + first, device_readings(w) + first,
                            (end - first) * sizeof *w->read));
    for (size_t i = 0; i < n_blocks(w); i++) {
        ode_take_measures(block_at(w, i), w->read + i * ODEON_SLOTS);
    }
    return ODEON_OK;
}

odeon_status readings_read(worker *w)
{
    return read_range(w, has_measures(w) ? 0 : squares_at(w), n_readings(w));
}

odeon_status readings_read_measures(worker *w)
{
    return has_measures(w) ? read_range(w, 0, squares_at(w)) : ODEON_OK;
}

const double *readings_read_sums(const worker *w)
{
    return w->read + squares_at(w) + 1;
}

/* NaN and infinity are passed on: batch.c judges them. */
double readings_gradient_norm(const worker *w)
{
    return sqrt(w->read[squares_at(w)]);
}
