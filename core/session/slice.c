#include "session/slice.h"
#include "odeon/device_move.h"

/* The limits n * rank / size are those of the next rank's slice as well, so that no rounding can
 * leave a gap. */
int64_t worker_slice(const worker *w, int64_t n, int64_t *count)
{
    int64_t size = w->model->n_workers, first = n * w->rank / size;
    *count = n * (w->rank + 1) / size - first;
    return first;
}

/* By way of float64 on the device, whatever the dtype of the run. */
odeon_status worker_give_back(worker *w, const odeon_tensor *x, int64_t first, double *out)
{
    const odeon_device_ops *ops = w->model->device->ops;
    int64_t n = odeon_count(&x->view.shape),
            size = x->view.shape.dim[0] == 0 ? 0 : n / x->view.shape.dim[0];
    if (out == NULL || n == 0) {
        return ODEON_OK;
    }
    odeon_tensor wide = *x;
    wide.view.shape.dtype = ODEON_DTYPE_F64;
    ODEON_TRY(buffer_fit(w->model->device, &w->wide, n * (int64_t)sizeof(double)));
    wide.view.data = w->wide.data;
    ODEON_TRY(ODEON_DO(w->model->device, move, cast, w->site.lane.queue, .x = &x->view,
                       .scale = 1.0, .shift = -0.0, .y = &wide)); /* adding -0 keeps every bit */
    return ops->download(w->site.lane.queue, out + first * size, wide.view.data,
                         (uint64_t)n * sizeof(double));
}
