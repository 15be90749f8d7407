/* window.h: the geometry of a window that slides over images: kernel, stride and zero padding. An
 * edge of n pixels gives (n + 2 padding - kernel) / stride + 1 outputs, rounded down. */
#ifndef ODEON_LAYER_WINDOW_H
#define ODEON_LAYER_WINDOW_H
#include "odeon/host.h"
#include "odeon/tensor.h"

/* The options kernel, stride and padding, each one number (both edges) or two (height, width), and
 * what they say. */
typedef struct window {
    odeon_i64_list kernel, stride, padding;
    int32_t kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w;
} window;

/* Fills in the numbers from the options. A stride that is not given equals the kernel. id names the
 * layer in messages. */
odeon_status window_init(const odeon_host *host, const char *id, window *w);

/* Computes the output height and width for x [B,C,H,W]. ODEON_ERR_CONFIG if x is not 4-d or the
 * window is larger than the padded image. */
odeon_status window_outputs(const odeon_host *host, const char *id, const window *w,
                            const odeon_shape *x, int64_t *height, int64_t *width);

#endif
