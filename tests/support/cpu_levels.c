#include "cpu_levels.h"

int cpu_levels(const char *names[CPU_LEVELS])
{
    int n = 0;
    names[n++] = "baseline";
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        names[n++] = "avx2";
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
            names[n++] = "avx512";
        }
    }
#endif
    return n;
}
