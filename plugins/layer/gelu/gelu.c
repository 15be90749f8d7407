/* gelu: y = x (1 + erf(x / sqrt(2))) / 2, or with approximate = tanh
 * y = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, element by element, any shape; as
 * torch.nn.GELU. Source: Hendrycks, Gimpel, Gaussian error linear units, 2016, section 2. */
#include "../common/smooth.h"
#include "odeon/plugin.h"

static const double root_half = 0.70710678118654752440;   /* 1 / sqrt(2) */
static const double density = 0.39894228040143267794;     /* 1 / sqrt(2 pi) */
static const double root_two_pi = 0.79788456080286535588; /* sqrt(2 / pi) */
static const double cubic = 0.044715;

static const odeon_option *const options[] = {
    ODEON_OPTION_AS(smooth, choice, CHOICE, "approximate", .default_text = "none",
                    .choices = "none|tanh",
                    .help = "none: by the error function; tanh: the approximation by tanh"),
    NULL};

/* y = (1 + what is in a) / 2. */
static odeon_status half(const smooth_work *w)
{
    return smooth_affine(w, 0.5, 0.5, &w->a.view, w->y);
}

/* a = erf(x / sqrt(2)). */
static odeon_status error_function(const smooth_work *w)
{
    ODEON_TRY(smooth_affine(w, root_half, 0.0, w->x, &w->a));
    return smooth_unary(w, ODEON_UNARY_ERF, &w->a.view, &w->a);
}

/* y = scale x^3. */
static odeon_status cube(const smooth_work *w, double scale, const odeon_tensor *y)
{
    return ODEON_DO(w->call->device, pointwise, power, w->call->queue, .x = w->x, .y = y,
                    .scale = scale, .exponent = 3.0);
}

/* a = tanh(sqrt(2 / pi) (x + 0.044715 x^3)). */
static odeon_status approximation(const smooth_work *w)
{
    ODEON_TRY(cube(w, root_two_pi * cubic, &w->a));
    ODEON_TRY(smooth_affine(w, root_two_pi, 0.0, w->x, &w->b));
    ODEON_TRY(smooth_add(w, &w->b.view, &w->a));
    return smooth_unary(w, ODEON_UNARY_TANH, &w->a.view, &w->a);
}

static odeon_status value(const smooth_work *w, double parameter)
{
    (void)parameter;
    ODEON_TRY(error_function(w));
    ODEON_TRY(half(w));
    return smooth_multiply(w, w->x, w->y);
}

/* f' = (1 + erf(x / sqrt(2))) / 2 + x exp(-x^2 / 2) / sqrt(2 pi). */
static odeon_status slope(const smooth_work *w, double parameter)
{
    (void)parameter;
    ODEON_TRY(error_function(w));
    ODEON_TRY(half(w));
    ODEON_TRY(smooth_unary(w, ODEON_UNARY_SQUARE, w->x, &w->a));
    ODEON_TRY(smooth_affine(w, -0.5, 0.0, &w->a.view, &w->b));
    ODEON_TRY(smooth_unary(w, ODEON_UNARY_EXP, &w->b.view, &w->b));
    ODEON_TRY(smooth_affine(w, density, 0.0, &w->b.view, &w->a));
    ODEON_TRY(smooth_multiply(w, w->x, &w->a));
    return smooth_add(w, &w->a.view, w->y);
}

static odeon_status value_by_tanh(const smooth_work *w, double parameter)
{
    (void)parameter;
    ODEON_TRY(approximation(w));
    ODEON_TRY(half(w));
    return smooth_multiply(w, w->x, w->y);
}

/* With T the tanh and c its factor of x: f' = (1 + T) / 2 + (1 - T^2) (c x + 3 c 0.044715 x^3) / 2.
 */
static odeon_status slope_by_tanh(const smooth_work *w, double parameter)
{
    (void)parameter;
    ODEON_TRY(approximation(w));
    ODEON_TRY(half(w));
    ODEON_TRY(smooth_unary(w, ODEON_UNARY_SQUARE, &w->a.view, &w->a));
    ODEON_TRY(smooth_affine(w, -1.0, 1.0, &w->a.view, &w->b));
    ODEON_TRY(smooth_affine(w, 0.5 * root_two_pi, 0.0, w->x, &w->a));
    ODEON_TRY(smooth_multiply(w, &w->b.view, &w->a));
    ODEON_TRY(smooth_add(w, &w->a.view, w->y));
    ODEON_TRY(cube(w, 1.5 * root_two_pi * cubic, &w->a));
    ODEON_TRY(smooth_multiply(w, &w->b.view, &w->a));
    return smooth_add(w, &w->a.view, w->y);
}

static odeon_status init(void *self)
{
    smooth *layer = self;
    layer->value = layer->choice == 0 ? value : value_by_tanh;
    layer->slope = layer->choice == 0 ? slope : slope_by_tanh;
    return ODEON_OK;
}

ODEON_PLUGIN_OPTIONS(LAYER, "gelu", &smooth_ops, "x times the normal distribution function of x",
                     "Hendrycks, Gimpel, Gaussian error linear units, 2016, section 2", NULL,
                     smooth, options, init, NULL);
