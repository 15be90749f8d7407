#include "session/slope.h"

#include <math.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/rng.h"
#include "odeon/device_dual.h"
#include "session/members.h"
#include "session/parameters.h"
#include "session/readings.h"
#include "session/transfer.h"

/* Number i of p's part of the direction; the parts of all parameters have length 1 together, on
 * average over seeds. */
static double direction(const session *s, uint64_t key, int64_t i)
{
    return rng_normal(key, (uint64_t)i) / sqrt((double)s->model.params.count);
}

static uint64_t key_of(const session *s, const param *p, uint64_t number)
{
    return rng_key(s->model.config->seed, p->path, 2, number);
}

static odeon_status find_dual(const session *s, const odeon_device_dual **out)
{
    const odeon_device *device = s->model.device;
    *out = device->get_table(device, ODEON_DEVICE_DUAL);
    return *out != NULL ? ODEON_OK
                        : diag_fail(ODEON_ERR_UNSUPPORTED,
                                    "run.device = %s has no derivatives along a direction: choose "
                                    "dual(base=%s)",
                                    device->id, device->id);
}

/* In chunks, through values [TRANSFER_CHUNK]. */
static odeon_status seed(const session *s, const odeon_device_dual *dual, const param *p,
                         uint64_t number, double *values)
{
    int64_t width = odeon_dtype_bytes(s->model.config->dtype);
    char *base = s->model.values.data + p->offset * width;
    uint64_t key = key_of(s, p, number);
    for (int64_t first = 0, n; first < p->count; first += n) {
        n = transfer_chunk(p, first);
        for (int64_t i = 0; i < n; i++) {
            values[i] = direction(s, key, first + i);
        }
        transfer_narrow(s, values, n, values);
        ODEON_TRY(dual->tangent_set(s->workers[0].site.lane.queue, base + first * width, values,
                                    (uint64_t)(n * width)));
    }
    return ODEON_OK;
}

/* Layers prepare again: what they derive from parameters has tangents, too. */
odeon_status session_seed_slope(session *s, uint64_t number)
{
    const odeon_device_dual *dual;
    ODEON_TRY(find_dual(s, &dual));
    double *values = mem_alloc(TRANSFER_CHUNK * sizeof *values);
    odeon_status status =
        values != NULL ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "slope: no memory");
    for (size_t i = 0; i < s->model.params.n && status == ODEON_OK; i++) {
        const param *p = &s->model.params.list[i];
        status = p->role == ODEON_PARAM_STATE ? ODEON_OK : seed(s, dual, p, number, values);
    }
    mem_free(values);
    s->unprepared = true;
    return status == ODEON_OK ? s->model.device->ops->wait(s->workers[0].site.lane.queue) : status;
}

/* <g, v> over one parameter. */
static odeon_status add_gradient(session *s, size_t index, uint64_t number, double *sum)
{
    const param *p = &s->model.params.list[index];
    uint64_t key = key_of(s, p, number);
    double *g = mem_zalloc((size_t)p->count, sizeof *g);
    odeon_status status = g != NULL ? session_gradient_get(s, index, g)
                                    : diag_fail(ODEON_ERR_NOMEM, "%s: no memory", p->path);
    for (int64_t i = 0; i < p->count && status == ODEON_OK; i++) {
        *sum += g[i] * direction(s, key, i);
    }
    mem_free(g);
    return status;
}

/* The losses' sums begin with their values, over all workers. */
odeon_status session_read_slope(session *s, uint64_t number, session_slope *out)
{
    const odeon_device_dual *dual;
    const worker *w = &s->workers[0];
    odeon_tensor sums = readings_sums(w);
    *out = (session_slope){.of_loss = 0.0};
    ODEON_TRY(find_dual(s, &dual));
    for (size_t i = 0; i < w->n_losses; i++) {
        double dot = 0.0;
        const double *at = (const double *)odeon_read(&sums.view) + w->sums_at[i];
        ODEON_TRY(dual->tangent_get(w->site.lane.queue, &dot, at, sizeof dot));
        out->of_loss += dot;
    }
    for (size_t i = 0; i < s->model.params.n; i++) {
        if (s->model.params.list[i].role != ODEON_PARAM_STATE) {
            ODEON_TRY(add_gradient(s, i, number, &out->of_gradient));
        }
    }
    return ODEON_OK;
}
