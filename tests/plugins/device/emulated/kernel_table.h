/* kernel_table.h: the kernels of the device `cuda` as functions of the host, by their KERNEL_ ids.
 */
#ifndef ODEON_EMULATED_KERNEL_TABLE_H
#define ODEON_EMULATED_KERNEL_TABLE_H
#include "kernels/list.h"

/* A kernel of list.h as any other. */
typedef struct emulated_kernel {
    void (*run)(int32_t phase, const void *arguments, kernel_thread w, void *shared);
    int32_t phases, bytes; /* bytes: of its arguments */
} emulated_kernel;
extern const emulated_kernel emulated_kernels[];

#endif
