/* silu: y = x sigmoid(x), element by element, any shape; as torch.nn.SiLU. Source: Elfwing, Uchibe,
 * Doya, Sigmoid-weighted linear units, 2018, eq. 1. */
#include "../common/smooth.h"
#include "odeon/plugin.h"

static odeon_status value(const smooth_work *w, double parameter)
{
    (void)parameter;
    ODEON_TRY(smooth_unary(w, ODEON_UNARY_SIGMOID, w->x, w->y));
    return smooth_multiply(w, w->x, w->y);
}

/* f' = s (1 + x (1 - s)) with s = sigmoid(x). */
static odeon_status slope(const smooth_work *w, double parameter)
{
    (void)parameter;
    ODEON_TRY(smooth_unary(w, ODEON_UNARY_SIGMOID, w->x, &w->a));
    ODEON_TRY(smooth_affine(w, -1.0, 1.0, &w->a.view, &w->b));
    ODEON_TRY(smooth_multiply(w, w->x, &w->b));
    ODEON_TRY(smooth_affine(w, 1.0, 1.0, &w->b.view, w->y));
    return smooth_multiply(w, &w->a.view, w->y);
}

static odeon_status init(void *self)
{
    smooth *layer = self;
    layer->value = value;
    layer->slope = slope;
    return ODEON_OK;
}

ODEON_PLUGIN_OPTIONS(LAYER, "silu", &smooth_ops, "x times its sigmoid",
                     "Elfwing, Uchibe, Doya, Sigmoid-weighted linear units, 2018, eq. 1", NULL,
                     smooth, NULL, init, NULL);
