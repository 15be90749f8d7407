/* sin: y = sin(frequency x), element by element, any shape. Source: Sitzmann and others, Implicit
 * neural representations with periodic activation functions, 2020, section 3. */
#include "../common/smooth.h"
#include "odeon/plugin.h"

static const odeon_option *const options[] = {
    ODEON_OPTION_AS(smooth, parameter, F64, "frequency", .aliases = "omega|w0", .default_text = "1",
                    .help = "factor of x"),
    NULL};

static odeon_status value(const smooth_work *w, double frequency)
{
    ODEON_TRY(smooth_affine(w, frequency, 0.0, w->x, &w->a));
    return smooth_unary(w, ODEON_UNARY_SIN, &w->a.view, w->y);
}

static odeon_status slope(const smooth_work *w, double frequency)
{
    ODEON_TRY(smooth_affine(w, frequency, 0.0, w->x, &w->a));
    ODEON_TRY(smooth_unary(w, ODEON_UNARY_COS, &w->a.view, &w->b));
    return smooth_affine(w, frequency, 0.0, &w->b.view, w->y);
}

static odeon_status init(void *self)
{
    smooth *layer = self;
    layer->value = value;
    layer->slope = slope;
    return ODEON_OK;
}

ODEON_PLUGIN_OPTIONS(LAYER, "sin", &smooth_ops, "sine, as of networks for signals and waves",
                     "Sitzmann and others, Implicit neural representations, 2020", "sine|siren",
                     smooth, options, init, NULL);
