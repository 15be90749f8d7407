/* init.h: weight and bias of the layers that multiply by a weight, and how the two start.
 *
 * fan_in is the number of inputs that one output is a sum of, fan_out the number of outputs that
 * one input goes to (per position of a convolution's kernel). All are multiplied by a gain.
 *   pytorch_default  weight and bias uniform on +-1/sqrt(fan_in), as torch.nn.Linear and Conv2d
 *   glorot_uniform   uniform on +-sqrt(6 / (fan_in + fan_out)); Glorot, Bengio, 2010, eq. 16
 *   glorot_normal    of deviation sqrt(2 / (fan_in + fan_out))
 *   he_uniform       uniform on +-sqrt(6 / fan_in); He et al., 2015, eq. 10
 *   he_normal        of deviation sqrt(2 / fan_in)
 *   normal           of deviation init_std, a bias of deviation 1
 *   uniform          on +-1
 *   zeros, ones      constant */
#ifndef ODEON_LAYER_INIT_H
#define ODEON_LAYER_INIT_H
#include "odeon/host.h"
#include "odeon/layer.h"

/* bias = yes|no, init, gain, init_std, bias_init, bias_gain: rows for a layer's option table, which
 * has either all of them or none. */
extern const odeon_option init_option_bias, init_option_weight, init_option_gain, init_option_std,
    init_option_bias_values, init_option_bias_gain;

typedef struct init_choice {
    int32_t bias;                /* 1: there is one */
    int32_t weight, bias_values; /* indices of the choices */
    double gain, std, bias_gain;
} init_choice;

init_choice init_read(const odeon_host *host, const odeon_config *config);

/* The slot param of a layer whose parameters are weight, of the shape given ([out,in,...]), and
 * bias [out]. */
void init_param(const init_choice *choice, const odeon_tensor *weight, int32_t index,
                odeon_param *out);

#endif
