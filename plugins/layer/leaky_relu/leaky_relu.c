/* leaky_relu: y = x above 0, slope x elsewhere, element by element, any shape; as
 * torch.nn.LeakyReLU. Source: Maas, Hannun, Ng, Rectifier nonlinearities improve neural network
 * acoustic models, 2013. */
#include "../common/smooth.h"
#include "odeon/plugin.h"

static const odeon_option *const options[] = {
    ODEON_OPTION_AS(smooth, parameter, F64, "slope", .aliases = "negativeslope|alpha",
                    .default_text = "0.01", .help = "derivative below 0"),
    NULL};

/* y = slope x + (1 - slope) relu(x). */
static odeon_status value(const smooth_work *w, double slope)
{
    ODEON_TRY(smooth_unary(w, ODEON_UNARY_RELU, w->x, &w->a));
    ODEON_TRY(smooth_affine(w, 1.0 - slope, 0.0, &w->a.view, &w->b));
    ODEON_TRY(smooth_affine(w, slope, 0.0, w->x, w->y));
    return smooth_add(w, &w->b.view, w->y);
}

static odeon_status slope_of(const smooth_work *w, double slope)
{
    ODEON_TRY(smooth_step(w, &w->a));
    return smooth_affine(w, 1.0 - slope, slope, &w->a.view, w->y);
}

static odeon_status init(void *self)
{
    smooth *layer = self;
    layer->value = value;
    layer->slope = slope_of;
    return ODEON_OK;
}

ODEON_PLUGIN_OPTIONS(LAYER, "leaky_relu", &smooth_ops, "x above 0, a small multiple of x elsewhere",
                     "Maas, Hannun, Ng, Rectifier nonlinearities, 2013", "lrelu", smooth, options,
                     init, NULL);
