/* init.h: weight and bias of layers with a weight matrix or kernel, and their initialization.
 *
 * fan_in is the number of inputs summed in one output; fan_out is the number of outputs that one
 * input contributes to (for a convolution with stride 1). All values are multiplied by a gain.
 *   pytorch_default  weight and bias uniform on +-1/sqrt(fan_in), as torch.nn.Linear and Conv2d
 *   glorot_uniform   uniform on +-sqrt(6 / (fan_in + fan_out)); Glorot, Bengio, 2010, eq. 16
 *   glorot_normal    normal, standard deviation sqrt(2 / (fan_in + fan_out))
 *   he_uniform       uniform on +-sqrt(6 / fan_in); He et al., 2015, eq. 10
 *   he_normal        normal, standard deviation sqrt(2 / fan_in)
 *   normal           normal, standard deviation init_std, or 1 for a bias
 *   uniform          on +-1
 *   zeros, ones      constant */
#ifndef ODEON_LAYER_INIT_H
#define ODEON_LAYER_INIT_H
#include "odeon/host.h"
#include "odeon/layer.h"

/* The options, each under its own name. */
typedef struct init_choice {
    int64_t bias;            /* 1: the layer has a bias */
    int64_t init, bias_init; /* indices of the choices */
    double gain, init_std, bias_gain;
} init_choice;

/* They are written into the field `init_choice init` of the instance. */
#define INIT_OPTION(type, name, KIND, ...)                                                         \
    ODEON_OPTION_AS(type, init.name, KIND, #name, __VA_ARGS__)
#define INIT_OPTIONS(type)                                                                         \
    INIT_OPTION(type, bias, FLAG, .aliases = "usebias", .default_text = "yes",                     \
                .help = "add a bias to every output"),                                             \
        INIT_OPTION(type, init, CHOICE, .aliases = "initializer|weightinit|kernelinitializer",     \
                    .default_text = "pytorch_default",                                             \
                    .choices = "pytorch_default|normal|uniform|zeros|ones|glorot_uniform|"         \
                               "glorot_normal|he_uniform|he_normal",                               \
                    .help = "distribution from which the weight starts; uniform: on -1 to 1"),     \
        INIT_OPTION(type, gain, F64, .default_text = "1",                                          \
                    .help = "factor of the weight's first values"),                                \
        INIT_OPTION(type, init_std, F64, .aliases = "std|stddev", .default_text = "1",             \
                    .min_text = "0",                                                               \
                    .help = "standard deviation of init = normal, whose mean is 0"),               \
        INIT_OPTION(type, bias_init, CHOICE, .aliases = "biasinitializer",                         \
                    .default_text = "pytorch_default",                                             \
                    .choices = "pytorch_default|normal|uniform|zeros|ones",                        \
                    .help = "distribution from which the bias starts"),                            \
        INIT_OPTION(type, bias_gain, F64, .default_text = "1",                                     \
                    .help = "factor of the bias's first values")

/* Implements the slot param for a layer with a weight of the given shape [out,in,...] (index 0) and
 * a bias [out] (index 1). */
void init_param(const init_choice *choice, const odeon_shape *weight, int32_t index,
                odeon_param *out);

#endif
