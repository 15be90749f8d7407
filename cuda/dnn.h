/* dnn.h: convolutions by cuDNN. */
#ifndef ODEON_CUDA_DNN_H
#define ODEON_CUDA_DNN_H
#include "cuda.h"

void cuda_dnn_close(const cuda_device *d, cuda_dnn *dnn); /* NULL is allowed */
uint64_t cuda_conv2d_scratch(void *device, const odeon_conv2d *geometry, const odeon_tensor *x,
                             const odeon_tensor *w);
odeon_status cuda_conv2d(odeon_queue *queue, const odeon_conv2d *geometry, const odeon_tensor *x,
                         const odeon_tensor *w, const odeon_epilogue *epilogue,
                         const odeon_tensor *y, void *scratch);
odeon_status cuda_conv2d_vjp_x(odeon_queue *queue, const odeon_conv2d *geometry,
                               const odeon_tensor *w, const odeon_tensor *dy,
                               const odeon_tensor *dx, void *scratch);
odeon_status cuda_conv2d_vjp_w(odeon_queue *queue, const odeon_conv2d *geometry,
                               const odeon_tensor *x, const odeon_tensor *dy,
                               const odeon_tensor *dw, void *scratch);

#endif
