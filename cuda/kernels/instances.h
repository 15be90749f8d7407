/* instances.h: makes a __global__ function run_NAME of every kernel of a family, and the function
 * FAMILY_kernels, which enters them into the device's table. For .cu files alone. */
#ifndef ODEON_CUDA_KERNELS_INSTANCES_H
#define ODEON_CUDA_KERNELS_INSTANCES_H

/* How many blocks a multiprocessor is to hold at least; 0: as many as the compiler likes. Around
 * calls of pow and of divisions it may then spill registers in order to have fewer, which 1
 * forbids. */
template <typename arguments> struct kernel_blocks {
    enum { least = 0 };
};
#define KERNEL_OF_ANY_SIZE(arguments)                                                              \
    template <> struct kernel_blocks<arguments> {                                                  \
        enum { least = 1 };                                                                        \
    };

#define KERNEL_GLOBAL(name, arguments, phases)                                                     \
    extern "C" __global__ void __launch_bounds__(KERNEL_THREADS, kernel_blocks<arguments>::least)  \
        run_##name(const __grid_constant__ arguments a)                                            \
    {                                                                                              \
        extern __shared__ __align__(16) double shared[];                                           \
        const kernel_thread w = {(int64_t)blockIdx.x, (int64_t)gridDim.x, (int32_t)threadIdx.x,    \
                                 (int32_t)blockDim.x};                                             \
        _Pragma("unroll") for (int32_t phase = 0; phase < (phases); phase++)                       \
        {                                                                                          \
            if (phase > 0) {                                                                       \
                __syncthreads();                                                                   \
            }                                                                                      \
            name(phase, &a, w, shared);                                                            \
        }                                                                                          \
    }

#define KERNEL_ENTER(name, arguments, phases) functions[KERNEL_##name] = (const void *)run_##name;

#define KERNEL_FAMILY(family, list)                                                                \
    list(KERNEL_GLOBAL) extern "C" void family##_kernels(const void **functions)                   \
    {                                                                                              \
        list(KERNEL_ENTER)                                                                         \
    }

#endif
