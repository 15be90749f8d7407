/* dnn.h: convolutions by cuDNN. */
#ifndef ODEON_CUDA_DNN_H
#define ODEON_CUDA_DNN_H
#include "cuda.h"
#include "odeon/device_conv.h"

void cuda_dnn_close(const cuda_device *d, cuda_dnn *dnn); /* NULL is allowed */

extern const odeon_conv_family cuda_conv;

#endif
