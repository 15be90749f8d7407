/* gaussian: draws from normal distributions: of x [B,2L,...], means and logarithms of variances, it
 * makes z [B,L,...], z = mean + exp(log_variance / 2) e with e normal, in training; in evaluation z
 * is the mean. e depends on seed, layer, epoch, batch and a sample's place in the batch.
 *
 * The quantity `kl` of a sample is the divergence of its distribution from the normal one,
 *   sum of (mean^2 + variance - 1 - log_variance) / 2,
 * which the loss `penalty` adds: of an autoencoder both are the negative lower bound of the
 * likelihood. Source: Kingma, Welling, Auto-encoding variational Bayes, 2014, section 2.4 and
 * appendix B. */
#include "../common/shape.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_random.h"
#include "odeon/device_solver.h"
#include "odeon/host.h"
#include "odeon/layer.h"
#include "odeon/plugin.h"

typedef struct gaussian {
    ODEON_INSTANCE;
} gaussian;

static const char *const names[] = {"kl"};

/* Scratch: three of the output's shape. */
static odeon_status plan(void *self, odeon_layer_plan *plan)
{
    const gaussian *layer = self;
    if (plan->in.ndim < 2 || plan->in.dim[1] % 2 != 0) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "gaussian: the input is %s; it takes [B,2L,...], means and as many "
                          "logarithms of variances",
                          shape_print(&plan->in).text);
    }
    if (!ODEON_HAS(plan->device->random, odeon_random_family, noise)) {
        return odeon_fail(layer->host, ODEON_ERR_CONFIG,
                          "gaussian: run.device: %s draws no normal numbers (operator noise)",
                          plan->device->id);
    }
    plan->out = plan->in;
    plan->out.dim[1] /= 2;
    plan->flags = ODEON_LAYER_NEEDS_IN | ODEON_LAYER_RANDOM | ODEON_LAYER_QUANTITIES;
    plan->scratch_bytes = 3 * shape_aligned(odeon_bytes(&plan->out));
    plan->integral_names = names;
    plan->n_integrals = 1;
    return ODEON_OK;
}

/* One call: n numbers a sample of the output. */
typedef struct drawing {
    const odeon_layer_call *call;
    int64_t rows, n;
    odeon_tensor a, b, c; /* scratch */
} drawing;

static drawing begin(const odeon_layer_call *call)
{
    odeon_shape half = call->in->shape;
    half.dim[1] /= 2;
    char *at = call->scratch;
    uint64_t bytes = shape_aligned(odeon_bytes(&half));
    return (drawing){.call = call,
                     .rows = half.dim[0],
                     .n = half.dim[0] > 0 ? odeon_count(&half) / half.dim[0] : 0,
                     .a = odeon_tensor_at(at, half),
                     .b = odeon_tensor_at(at + bytes, half),
                     .c = odeon_tensor_at(at + 2 * bytes, half)};
}

/* Half 0 or 1 of x [B,2L,...] to y, and the other way. */
static odeon_status take(const drawing *d, int64_t half, const odeon_tensor *y)
{
    return ODEON_DO(d->call->device, move, copy2d, d->call->queue, .x = d->call->in, .y = y,
                    .rows = d->rows, .cols = d->n, .x_pitch = 2 * d->n, .x_at = half * d->n,
                    .y_pitch = d->n);
}

static odeon_status put(const drawing *d, const odeon_tensor *x, int64_t half)
{
    return ODEON_DO(d->call->device, move, copy2d, d->call->queue, .x = &x->view,
                    .y = d->call->d_in, .rows = d->rows, .cols = d->n, .x_pitch = d->n,
                    .y_pitch = 2 * d->n, .y_at = half * d->n);
}

static odeon_status multiply(const drawing *d, const odeon_view *a, const odeon_view *b,
                             const odeon_tensor *y)
{
    return ODEON_DO(d->call->device, pointwise, binary, d->call->queue, .id = ODEON_BINARY_MUL,
                    .a = a, .b = b, .y = y);
}

static odeon_status unary(const drawing *d, int32_t id, const odeon_tensor *x)
{
    return ODEON_DO(d->call->device, pointwise, unary, d->call->queue, .id = id, .x = &x->view,
                    .y = x);
}

/* y += factor x */
static odeon_status add(const drawing *d, double factor, const odeon_view *x, const odeon_tensor *y)
{
    const odeon_scalar coefficient = odeon_imm(factor);
    return ODEON_DO(d->call->device, solver, lincomb, d->call->queue, .y = y, .base = &y->view,
                    .n = 1, .x = &x, .coefficient = &coefficient);
}

/* x = scale x + shift */
static odeon_status affine(const drawing *d, double scale, double shift, const odeon_tensor *x)
{
    return ODEON_DO(d->call->device, move, cast, d->call->queue, .x = &x->view, .y = x,
                    .scale = scale, .shift = shift);
}

/* exp(log_variance / 2) */
static odeon_status find_deviation(const drawing *d, const odeon_tensor *y)
{
    ODEON_TRY(take(d, 1, y));
    ODEON_TRY(affine(d, 0.5, 0.0, y));
    return unary(d, ODEON_UNARY_EXP, y);
}

static odeon_status draw(const drawing *d, const odeon_tensor *y)
{
    return ODEON_DO(d->call->device, random, noise, d->call->queue, .y = y, .key = d->call->rng_key,
                    .first = d->call->first_sample * d->n, .id = ODEON_NOISE_NORMAL);
}

/* The deviation is in a. */
static odeon_status add_divergence(const drawing *d)
{
    const odeon_layer_call *call = d->call;
    ODEON_TRY(take(d, 0, &d->b));
    ODEON_TRY(unary(d, ODEON_UNARY_SQUARE, &d->b));
    ODEON_TRY(unary(d, ODEON_UNARY_SQUARE, &d->a));
    ODEON_TRY(add(d, 1.0, &d->a.view, &d->b));
    ODEON_TRY(take(d, 1, &d->c));
    ODEON_TRY(add(d, -1.0, &d->c.view, &d->b));
    ODEON_TRY(affine(d, 0.5, -0.5, &d->b));
    return ODEON_DO(call->device, move, rows_sum, call->queue, .x = &d->b.view, .rows = d->rows,
                    .cols = d->n, .pitch = d->n, .v = &call->integrand[0]);
}

/* in [B,2L,...] -> out [B,L,...], kl [B]. */
static odeon_status forward(void *self, const odeon_layer_call *call)
{
    (void)self;
    drawing d = begin(call);
    if (d.n == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(take(&d, 0, call->out));
    ODEON_TRY(find_deviation(&d, &d.a));
    if ((call->flags & ODEON_CALL_TRAIN) != 0) {
        ODEON_TRY(draw(&d, &d.b));
        ODEON_TRY(multiply(&d, &d.b.view, &d.a.view, &d.b));
        ODEON_TRY(add(&d, 1.0, &d.b.view, call->out));
    }
    return call->integrand != NULL ? add_divergence(&d) : ODEON_OK;
}

/* The cotangent of the divergence, on each number of a sample, to y. */
static odeon_status spread(const drawing *d, const odeon_tensor *y)
{
    return ODEON_DO(d->call->device, move, rows_fill, d->call->queue, .y = y, .rows = d->rows,
                    .cols = d->n, .pitch = d->n, .v = &d->call->d_integrand[0]);
}

/* d_mean = d_out + w mean */
static odeon_status mean_back(const drawing *d)
{
    ODEON_TRY(
        ODEON_DO(d->call->device, move, copy, d->call->queue, .x = d->call->d_out, .y = &d->a));
    if (d->call->d_integrand != NULL) {
        ODEON_TRY(take(d, 0, &d->b));
        ODEON_TRY(spread(d, &d->c));
        ODEON_TRY(multiply(d, &d->b.view, &d->c.view, &d->b));
        ODEON_TRY(add(d, 1.0, &d->b.view, &d->a));
    }
    return put(d, &d->a, 0);
}

/* d_log_variance = d_out deviation e / 2 + w (variance - 1) / 2, the first of training alone. */
static odeon_status variance_back(const drawing *d)
{
    ODEON_TRY(find_deviation(d, &d->a));
    ODEON_TRY(
        ODEON_DO(d->call->device, move, fill, d->call->queue, .y = &d->b, .value = odeon_imm(0.0)));
    if ((d->call->flags & ODEON_CALL_TRAIN) != 0) {
        ODEON_TRY(draw(d, &d->b));
        ODEON_TRY(multiply(d, &d->b.view, &d->a.view, &d->b));
        ODEON_TRY(multiply(d, &d->b.view, d->call->d_out, &d->b));
        ODEON_TRY(affine(d, 0.5, 0.0, &d->b));
    }
    if (d->call->d_integrand != NULL) {
        ODEON_TRY(unary(d, ODEON_UNARY_SQUARE, &d->a));
        ODEON_TRY(affine(d, 0.5, -0.5, &d->a));
        ODEON_TRY(spread(d, &d->c));
        ODEON_TRY(multiply(d, &d->a.view, &d->c.view, &d->a));
        ODEON_TRY(add(d, 1.0, &d->a.view, &d->b));
    }
    return put(d, &d->b, 1);
}

static odeon_status vjp(void *self, const odeon_layer_call *call)
{
    (void)self;
    drawing d = begin(call);
    if (call->d_in == NULL || d.n == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(mean_back(&d));
    return variance_back(&d);
}

static const odeon_layer_ops ops = {
    .struct_size = sizeof ops, .plan = plan, .forward = forward, .vjp = vjp};

ODEON_PLUGIN_OPTIONS(LAYER, "gaussian", &ops,
                     "draws from normal distributions of given means and log-variances, and makes "
                     "the quantity kl",
                     "Kingma, Welling, Auto-encoding variational Bayes, 2014",
                     "sampling|reparameterize|reparametrize|reparameterization|vae|latent",
                     gaussian, NULL, NULL, NULL);
