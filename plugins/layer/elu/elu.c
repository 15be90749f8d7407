/* elu: y = x above 0, alpha (exp(x) - 1) elsewhere, element by element, any shape; as torch.nn.ELU,
 * the slope at 0 being alpha. Source: Clevert, Unterthiner, Hochreiter, Fast and accurate deep
 * network learning by exponential linear units, 2016, eq. 15. */
#include "../common/smooth.h"
#include "odeon/plugin.h"

static const odeon_option *const options[] = {
    ODEON_OPTION_AS(smooth, parameter, F64, "alpha", .default_text = "1",
                    .help = "minus the value far below 0"),
    NULL};

/* Below the distance of any two numbers near 1, and a normal number in float32. */
static const double tiny = 1e-30;

/* a = exp(min(x, tiny)), which is 1 from 0 on, by way of b. The minimum tiny - relu(tiny - x) has
 * the slope 1 at 0 and is tiny of an infinite x, of which x - relu(x) would be NaN. */
static odeon_status exponential(const smooth_work *w)
{
    ODEON_TRY(smooth_affine(w, -1.0, tiny, w->x, &w->b));
    ODEON_TRY(smooth_unary(w, ODEON_UNARY_RELU, &w->b.view, &w->b));
    ODEON_TRY(smooth_affine(w, -1.0, tiny, &w->b.view, &w->a));
    return smooth_unary(w, ODEON_UNARY_EXP, &w->a.view, &w->a);
}

static odeon_status value(const smooth_work *w, double alpha)
{
    ODEON_TRY(smooth_unary(w, ODEON_UNARY_RELU, w->x, w->y));
    ODEON_TRY(exponential(w));
    ODEON_TRY(smooth_affine(w, alpha, -alpha, &w->a.view, &w->b));
    return smooth_add(w, &w->b.view, w->y);
}

/* f' = step(x) + alpha exp(min(x, 0)) (1 - step(x)). */
static odeon_status slope(const smooth_work *w, double alpha)
{
    ODEON_TRY(smooth_step(w, w->y));
    ODEON_TRY(exponential(w));
    ODEON_TRY(smooth_affine(w, -alpha, alpha, &w->y->view, &w->b));
    ODEON_TRY(smooth_multiply(w, &w->a.view, &w->b));
    return smooth_add(w, &w->b.view, w->y);
}

static odeon_status init(void *self)
{
    smooth *layer = self;
    layer->value = value;
    layer->slope = slope;
    return ODEON_OK;
}

ODEON_PLUGIN_OPTIONS(LAYER, "elu", &smooth_ops, "x above 0, alpha (exp(x) - 1) elsewhere",
                     "Clevert, Unterthiner, Hochreiter, Exponential linear units, 2016, eq. 15",
                     NULL, smooth, options, init, NULL);
