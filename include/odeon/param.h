/* param.h: what a parameter of a layer is to it, for layers that list them and optimizers that
 * update them. */
#ifndef ODEON_PARAM_H
#define ODEON_PARAM_H

enum {
    ODEON_PARAM_WEIGHT = 0,
    ODEON_PARAM_BIAS = 1,
    ODEON_PARAM_STATE = 2 /* a running statistic: no gradient, never given to an optimizer */
};

#endif
