/* device.h: a GPU as it is made, asked and let go. */
#ifndef ODEON_CUDA_DEVICE_H
#define ODEON_CUDA_DEVICE_H
#include "cuda.h"

extern const odeon_option *const cuda_options[];

odeon_status cuda_init(void *self);
void cuda_fini(void *self);
odeon_status cuda_probe(void *device);
odeon_status cuda_describe(void *device, char *text, uint64_t bytes);
const void *cuda_table(void *self, const char *id);

#endif
