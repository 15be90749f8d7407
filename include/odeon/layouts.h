/* layouts.h: a number for the layout of every interface that is still a draft, made from its
 * headers by tests/abi/layouts.sh: another field, offset, size, enumerator or constant is another
 * number, a comment or the name of a parameter is not. The host refuses plugins built with other
 * numbers. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

#define ODEON_LAYOUT_BASE       0xcc177a18u
#define ODEON_LAYOUT_DEVICE     0x960ab298u
#define ODEON_LAYOUT_DATASET    0x49705dafu
#define ODEON_LAYOUT_LAYER      0x02fd93d0u
#define ODEON_LAYOUT_INTEGRATOR 0x6a711032u
#define ODEON_LAYOUT_GRADIENT   0x57c82c70u
#define ODEON_LAYOUT_OPTIMIZER  0x0450da94u
#define ODEON_LAYOUT_LOSS       0xd5f4f057u
#define ODEON_LAYOUT_SCHEDULE   0x60eb21c3u

/* All of them: BASE, then the kinds by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "cc177a18.960ab298.49705daf.02fd93d0.6a711032.57c82c70.0450da94.d5f4f057.60eb21c3"

#endif
