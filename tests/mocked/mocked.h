/* mocked.h: the host side of the device `cuda` on a runtime and libraries made for tests.
 *
 * The plugin device/mocked is the sources of device/cuda with functions of CUDA, cuBLAS and cuDNN
 * that compute on the host at once: kernels as `emulated` runs them, products along columns as
 * cuBLAS counts, convolutions from cuDNN's descriptors. They refuse what the real ones refuse, and
 * spoil all scratch that they are given. Where ODEON_MOCKED_FAILS is n, call n of the process
 * fails; the calls so far are what counts. */
#ifndef ODEON_MOCKED_H
#define ODEON_MOCKED_H
#include <stddef.h>
#include <stdint.h>

/* Counts a call; true if it is the one to fail. */
int32_t mocked_fails(void);

/* A function of cuBLAS or cuDNN by its name, into *address; false if there is none. */
int32_t mocked_blas(const char *name, void *address);
int32_t mocked_dnn(const char *name, void *address);

#endif
