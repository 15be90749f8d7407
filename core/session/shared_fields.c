/* Two facts of the whole batch that no worker can see in its own slice: how many elements of the
 * label count, by which every loss divides, and the times of the batch's first sample, at which an
 * ODE block of times = batch is solved by all.
 *
 * Both travel in one small vector shared [1 + T]: the masks' sum, then the times. A batch with
 * neither masks nor times needs no collective at all. */
#include "session/shared_fields.h"

#include "base/diag.h"
#include "base/mem.h"

odeon_status shared_fields_init(worker *w)
{
    int64_t n = 1 + w->site.n_times;
    ODEON_TRY(buffer_fit(w->model->device, &w->shared_buffer, n * (int64_t)sizeof(double)));
    w->shared = mem_zalloc((size_t)n, sizeof *w->shared);
    return w->shared != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "workers: no memory");
}

void shared_fields_fini(worker *w)
{
    buffer_release(w->model->device, &w->shared_buffer);
    mem_free(w->shared);
}

/* A field of this slice as the host's numbers; for an empty slice the address means nothing. */
static const double *numbers_of(const worker *w, const batch *b, int32_t role, int64_t first)
{
    odeon_shape one = data_field_shape(&w->model->fields, role, 1, ODEON_DTYPE_F64);
    return b->source != NULL ? w->numbers[role] : b->given[role] + first * odeon_count(&one);
}

static double sum_of(const double *x, int64_t n)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sum += x[i];
    }
    return sum;
}

/* Sums shared [1 + T] over the workers, on the device, since that is where collectives are. */
static odeon_status sum_shared(worker *w, int64_t count)
{
    const odeon_device_ops *ops = w->model->device->ops;
    const odeon_group *group = &w->group.abi;
    if (group->size == 1) {
        return ODEON_OK;
    }
    uint64_t bytes = (uint64_t)count * sizeof *w->shared;
    void *sum = w->shared_buffer.data;
    odeon_tensor x =
        odeon_tensor_at(sum, (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {count}});
    ODEON_TRY(ops->upload(w->site.lane.queue, sum, w->shared, bytes));
    ODEON_TRY(group->sum(group->self, w->site.lane.queue, &x, ODEON_OK));
    return ops->download(w->site.lane.queue, w->shared, sum, bytes);
}

/* Notes the first sample whose times are not those of the batch's first. That is no failure yet:
 * only an ODE block that solves all samples by the same steps cannot do with it (batch_times). */
static void compare_times(worker *w, const double *times, int64_t first, int64_t n)
{
    batch_fields *fields = &w->fields;
    int64_t length = w->site.n_times;
    fields->times = &w->shared[1];
    fields->own_times = times;
    for (int64_t i = 0; i < n * length && fields->deviant < 0; i++) {
        if (!(times[i] == fields->times[i % length])) {
            fields->deviant = first + i / length;
        }
    }
}

/* The first sample's times reach all workers as a sum to which only the worker that has the sample
 * contributes; the masks' sum travels with it, so that one collective does for both. */
odeon_status shared_fields_set(worker *w, const batch *b, int64_t first, int64_t n)
{
    batch_fields *fields = &w->fields;
    bool masked = fields->of[ODEON_ROLE_MASK].view.data != NULL;
    bool timed = fields->of[ODEON_ROLE_TIME].view.data != NULL;
    odeon_shape one = data_field_shape(&w->model->fields, ODEON_ROLE_LABEL, 1, ODEON_DTYPE_F64);
    int64_t length = w->site.n_times, size = odeon_count(&one);
    fields->counted = (double)(b->n * size);
    fields->samples = b->n;
    fields->times = fields->own_times = NULL;
    fields->deviant = -1;
    if (!masked && !timed) {
        return ODEON_OK;
    }
    const double *mask = masked ? numbers_of(w, b, ODEON_ROLE_MASK, first) : NULL;
    const double *times = timed ? numbers_of(w, b, ODEON_ROLE_TIME, first) : NULL;
    w->shared[0] = masked ? sum_of(mask, n * size) : 0.0;
    for (int64_t i = 0; i < length; i++) {
        w->shared[1 + i] = timed && first == 0 && n > 0 ? times[i] : 0.0;
    }
    ODEON_TRY(sum_shared(w, 1 + length));
    fields->counted = masked ? w->shared[0] : fields->counted;
    if (timed) {
        compare_times(w, times, first, n);
    }
    return ODEON_OK;
}
