/* Facts of the whole batch that no worker can see in its own slice: how many elements of the label
 * count, by which every loss divides, the same weighed by what their classes count, and the times
 * of the batch's first sample, at which an ODE block of times = batch is solved by all.
 *
 * They travel in one small vector shared [2 + T]: both sums, then the times. A batch without any of
 * them needs no collective at all. */
#include "session/shared_fields.h"

#include "base/diag.h"
#include "base/mem.h"

enum { MASKS = 0, LABELS = 1, N_SUMS = 2 };

odeon_status shared_fields_init(worker *w)
{
    int64_t n = N_SUMS + w->site.n_times;
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
    fields->times = &w->shared[N_SUMS];
    fields->own_times = times;
    for (int64_t i = 0; i < n * length && fields->deviant < 0; i++) {
        if (!(times[i] == fields->times[i % length])) {
            fields->deviant = first + i / length;
        }
    }
}

/* What the slice's labels count, each as often as its mask says. Labels that are no class are the
 * loss's to refuse. */
static double sum_of_labels(const worker *w, const double *label, const double *mask, int64_t n)
{
    int64_t classes = w->model->fields.of[ODEON_ROLE_LABEL].classes;
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        bool known = label[i] >= 0.0 && label[i] < (double)classes;
        double counts = known ? w->label_weights[(int64_t)label[i]] : 0.0;
        sum += counts * (mask != NULL ? mask[i] : 1.0);
    }
    return sum;
}

/* The slice's own part of what is summed: n samples of size elements of the label. */
static void fill_shared(worker *w, const batch *b, int64_t first, int64_t n, int64_t size)
{
    const batch_fields *fields = &w->fields;
    bool timed = fields->of[ODEON_ROLE_TIME].view.data != NULL;
    const double *mask = fields->of[ODEON_ROLE_MASK].view.data != NULL
                             ? numbers_of(w, b, ODEON_ROLE_MASK, first)
                             : NULL;
    const double *times = timed ? numbers_of(w, b, ODEON_ROLE_TIME, first) : NULL;
    w->shared[MASKS] = mask != NULL ? sum_of(mask, n * size) : 0.0;
    w->shared[LABELS] = 0.0;
    if (w->label_weights != NULL && fields->of[ODEON_ROLE_LABEL].view.data != NULL) {
        w->shared[LABELS] =
            sum_of_labels(w, numbers_of(w, b, ODEON_ROLE_LABEL, first), mask, n * size);
    }
    for (int64_t i = 0; i < w->site.n_times; i++) {
        w->shared[N_SUMS + i] = timed && first == 0 && n > 0 ? times[i] : 0.0;
    }
}

/* The first sample's times reach all workers as a sum to which only the worker that has the sample
 * contributes; the other sums travel with it, so that one collective does for all. */
odeon_status shared_fields_set(worker *w, const batch *b, int64_t first, int64_t n)
{
    batch_fields *fields = &w->fields;
    bool masked = fields->of[ODEON_ROLE_MASK].view.data != NULL;
    bool timed = fields->of[ODEON_ROLE_TIME].view.data != NULL;
    odeon_shape one = data_field_shape(&w->model->fields, ODEON_ROLE_LABEL, 1, ODEON_DTYPE_F64);
    int64_t size = odeon_count(&one);
    fields->counted = fields->labels_counted = (double)(b->n * size);
    fields->samples = b->n;
    fields->times = fields->own_times = NULL;
    fields->deviant = -1;
    if (!masked && !timed && w->label_weights == NULL) {
        return ODEON_OK;
    }
    fill_shared(w, b, first, n, size);
    ODEON_TRY(sum_shared(w, N_SUMS + w->site.n_times));
    fields->counted = masked ? w->shared[MASKS] : fields->counted;
    fields->labels_counted = w->label_weights != NULL ? w->shared[LABELS] : fields->counted;
    if (timed) {
        compare_times(w, numbers_of(w, b, ODEON_ROLE_TIME, first), first, n);
    }
    return ODEON_OK;
}
