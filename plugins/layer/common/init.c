#include "init.h"

#include <math.h>

/* Indices into the list of choices below. */
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

const odeon_option init_option_bias = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .name = "bias",
    .aliases = "usebias",
    .default_text = "yes",
    .help = "add a bias to every output",
};
const odeon_option init_option_weight = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "init",
    .aliases = "initializer|weightinit|kernelinitializer",
    .default_text = "pytorch_default",
    .choices = "pytorch_default|normal|uniform|zeros|ones|glorot_uniform|glorot_normal|he_uniform|"
               "he_normal",
    .help = "distribution from which the weight starts; uniform: on -1 to 1",
};
const odeon_option init_option_gain = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "gain",
    .default_text = "1",
    .help = "factor of the weight's first values",
};
const odeon_option init_option_std = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "init_std",
    .aliases = "std|stddev",
    .default_text = "1",
    .min_text = "0",
    .help = "standard deviation of init = normal, whose mean is 0",
};
const odeon_option init_option_bias_values = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "bias_init",
    .aliases = "biasinitializer",
    .default_text = "pytorch_default",
    .choices = "pytorch_default|normal|uniform|zeros|ones",
    .help = "distribution from which the bias starts",
};
const odeon_option init_option_bias_gain = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_F64,
    .name = "bias_gain",
    .default_text = "1",
    .help = "factor of the bias's first values",
};

init_choice init_read(const odeon_host *host, const odeon_config *config)
{
    return (init_choice){
        .bias = (int32_t)host->option_i64(config, "bias"),
        .weight = (int32_t)host->option_i64(config, "init"),
        .bias_values = (int32_t)host->option_i64(config, "bias_init"),
        .gain = host->option_f64(config, "gain"),
        .std = host->option_f64(config, "init_std"),
        .bias_gain = host->option_f64(config, "bias_gain"),
    };
}

static void start_uniform(odeon_param *out, double bound)
{
    bound = fabs(bound);
    *out = (odeon_param){.init = ODEON_INIT_UNIFORM, .init_a = -bound, .init_b = bound};
}

static void start_normal(odeon_param *out, double deviation)
{
    *out = (odeon_param){.init = ODEON_INIT_NORMAL, .init_b = fabs(deviation)};
}

/* sqrt(numerator / fan); 0 for an empty fan, which has no weights to scale. */
static double root(double numerator, double fan)
{
    return fan > 0.0 ? sqrt(numerator / fan) : 0.0;
}

/* Fills in the initial distribution of a parameter; other fields of out are zeroed. */
static void start(int32_t choice, double gain, double std, double fan_in, double fan_out,
                  odeon_param *out)
{
    *out = (odeon_param){.init = ODEON_INIT_CONSTANT};
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
void init_param(const init_choice *choice, const odeon_tensor *weight, int32_t index,
                odeon_param *out)
{
    if (index > choice->bias) {
        out->struct_size = 0;
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
        start(choice->weight, choice->gain, choice->std, fan_in, fan_out, out);
        out->name = "weight";
        out->role = ODEON_PARAM_WEIGHT;
        out->shape = *weight;
    } else {
        start(choice->bias_values, choice->bias_gain, 1.0, fan_in, fan_out, out);
        out->name = "bias";
        out->role = ODEON_PARAM_BIAS;
        out->shape = (odeon_tensor){.ndim = 1, .dim = {weight->dim[0]}};
    }
    out->struct_size = sizeof *out;
}
