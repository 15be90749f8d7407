#include "init.h"

#include <math.h>

/* Indices of the choices below; what is left, zeros, is a constant 0. */
enum { PYTORCH_DEFAULT = 0, GLOROT_UNIFORM = 1 };
enum { BIAS_PYTORCH_DEFAULT = 0 };

const odeon_option init_option_bias = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_FLAG,
    .name = "bias",
    .default_text = "yes",
    .help = "add a bias to every output",
};
const odeon_option init_option_weight = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "init",
    .default_text = "pytorch_default",
    .choices = "pytorch_default|glorot_uniform|zeros",
    .help = "distribution from which the weight starts",
};
const odeon_option init_option_bias_values = {
    .struct_size = sizeof(odeon_option),
    .type = ODEON_OPTION_CHOICE,
    .name = "bias_init",
    .default_text = "pytorch_default",
    .choices = "pytorch_default|zeros",
    .help = "distribution from which the bias starts",
};

init_choice init_read(const odeon_host *host, const odeon_config *config)
{
    return (init_choice){
        .bias = (int32_t)host->option_i64(config, "bias"),
        .weight = (int32_t)host->option_i64(config, "init"),
        .bias_values = (int32_t)host->option_i64(config, "bias_init"),
    };
}

static void start_uniform(odeon_param *out, double bound)
{
    out->init = ODEON_INIT_UNIFORM;
    out->init_a = -bound;
    out->init_b = bound;
}

void init_param(const init_choice *choice, const odeon_tensor *weight, int32_t index,
                odeon_param *out)
{
    if (index > choice->bias) {
        out->struct_size = 0;
        return;
    }
    double positions = 1.0; /* of the kernel; in double, as a product of sizes may overflow */
    for (int32_t i = 2; i < weight->ndim; i++) {
        positions *= (double)weight->dim[i];
    }
    double fan_in = (double)weight->dim[1] * positions;
    double fan_out = (double)weight->dim[0] * positions;
    double pytorch_bound = fan_in > 0.0 ? 1.0 / sqrt(fan_in) : 0.0;

    *out = (odeon_param){.struct_size = sizeof *out, .init = ODEON_INIT_CONSTANT};
    if (index == 0) {
        out->name = "weight";
        out->role = ODEON_PARAM_WEIGHT;
        out->shape = *weight;
        if (choice->weight == PYTORCH_DEFAULT) {
            start_uniform(out, pytorch_bound);
        } else if (choice->weight == GLOROT_UNIFORM && fan_in + fan_out > 0.0) {
            start_uniform(out, sqrt(6.0 / (fan_in + fan_out)));
        }
    } else {
        out->name = "bias";
        out->role = ODEON_PARAM_BIAS;
        out->shape = (odeon_tensor){.ndim = 1, .dim = {weight->dim[0]}};
        if (choice->bias_values == BIAS_PYTORCH_DEFAULT) {
            start_uniform(out, pytorch_bound);
        }
    }
}
