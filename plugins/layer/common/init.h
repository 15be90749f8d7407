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

/* The options bias, init, gain, init_std, bias_init and bias_gain for a layer's option table; a
 * layer has all of them or none. */
extern const odeon_option init_option_bias, init_option_weight, init_option_gain, init_option_std,
    init_option_bias_values, init_option_bias_gain;

/* The options as read. */
typedef struct init_choice {
    int32_t bias;                /* 1: the layer has a bias */
    int32_t weight, bias_values; /* indices of the choices */
    double gain, std, bias_gain;
} init_choice;

init_choice init_read(const odeon_host *host, const odeon_config *config);

/* Implements the slot param for a layer with a weight of the given shape [out,in,...] (index 0) and
 * a bias [out] (index 1). */
void init_param(const init_choice *choice, const odeon_tensor *weight, int32_t index,
                odeon_param *out);

#endif
