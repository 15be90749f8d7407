/* Are there tiles, and may this process use them? Where the compiler has no instructions for them,
 * tiles.cmake does not define ODEON_CPU_TILES: their emulation is for tests. */
#include "tiles.h"

#if defined(ODEON_CPU_TILES) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel saves the tiles' registers only of processes that have asked for it (Linux 5.16,
 * arch_prctl(2)); feature 18 of XSAVE is their contents. */
enum { REQUEST_PERMISSION = 0x1023, TILE_CONTENTS = 18 };

/* CPUID, leaf 7: AMX-TILE and AMX-BF16. */
static int32_t processor_has_tiles(void)
{
    unsigned a, b, c, d;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) {
        return 0;
    }
    return (d >> 24 & 1) != 0 && (d >> 22 & 1) != 0 && __builtin_cpu_supports("avx512bw");
}

int32_t tiles_usable(void)
{
    return processor_has_tiles() && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_CONTENTS) == 0;
}

#else

int32_t tiles_usable(void)
{
    return 0;
}

#endif
