#include "init.h"

#include <math.h>

/* In the order of the choices. */
enum {
    PYTORCH_DEFAULT = 0,
    NORMAL,
    UNIFORM,
    ZEROS,
    ONES,
    GLOROT_UNIFORM,
    GLOROT_NORMAL,
    HE_UNIFORM,
    HE_NORMAL
};

static void start_uniform(odeon_param *out, double bound)
{
    out->init = ODEON_INIT_UNIFORM;
    out->init_a = -fabs(bound);
    out->init_b = fabs(bound);
}

static void start_normal(odeon_param *out, double deviation)
{
    out->init = ODEON_INIT_NORMAL;
    out->init_b = fabs(deviation);
}

/* sqrt(numerator / fan); 0 for an empty fan, which has no weights to scale. */
static double root(double numerator, double fan)
{
    return fan > 0.0 ? sqrt(numerator / fan) : 0.0;
}

/* Fills in the initial distribution of a parameter that is 0 so far. */
static void start(int64_t choice, double gain, double std, double fan_in, double fan_out,
                  odeon_param *out)
{
    switch (choice) {
    case NORMAL:
        start_normal(out, gain * std);
        break;
    case UNIFORM:
        start_uniform(out, gain);
        break;
    case ZEROS:
        break;
    case ONES:
        out->init_a = gain;
        break;
    case GLOROT_UNIFORM:
        start_uniform(out, gain * root(6.0, fan_in + fan_out));
        break;
    case GLOROT_NORMAL:
        start_normal(out, gain * root(2.0, fan_in + fan_out));
        break;
    case HE_UNIFORM:
        start_uniform(out, gain * root(6.0, fan_in));
        break;
    case HE_NORMAL:
        start_normal(out, gain * root(2.0, fan_in));
        break;
    default:
        start_uniform(out, gain * root(1.0, fan_in));
        break;
    }
}

/* The fans follow from the shape [out,in,kernel...] as in torch.nn.init. */
void init_param(const init_choice *choice, const odeon_shape *weight, int32_t index,
                odeon_param *out)
{
    if (index > choice->bias) {
        return;
    }
    /* elements of the kernel, in double because the product of sizes may overflow an integer */
    double positions = 1.0;
    for (int32_t i = 2; i < weight->ndim; i++) {
        positions *= (double)weight->dim[i];
    }
    double fan_in = (double)weight->dim[1] * positions;
    double fan_out = (double)weight->dim[0] * positions;
    if (index == 0) {
        start(choice->init, choice->gain, choice->init_std, fan_in, fan_out, out);
        out->name = "weight";
        out->role = ODEON_PARAM_WEIGHT;
        out->shape = *weight;
    } else {
        start(choice->bias_init, choice->bias_gain, 1.0, fan_in, fan_out, out);
        out->name = "bias";
        out->role = ODEON_PARAM_BIAS;
        out->shape = (odeon_shape){.ndim = 1, .dim = {weight->dim[0]}};
    }
}
