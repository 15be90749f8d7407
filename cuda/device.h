/* device.h: a GPU as it is made, asked and let go. */
#ifndef ODEON_CUDA_DEVICE_H
#define ODEON_CUDA_DEVICE_H
#include "cuda.h"

extern const odeon_option *const cuda_options[];

odeon_status cuda_create(const odeon_host *host, const odeon_config *config, void **out);
void cuda_destroy(void *self);
odeon_status cuda_probe(void *device);
odeon_status cuda_describe(void *device, char *text, uint64_t bytes);
const void *cuda_extension(void *device, const char *id);

#endif
