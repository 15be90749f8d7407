/* layouts.h: a number for the layout of every interface that is still a draft, made from its
 * headers by tests/abi/layouts.sh: another field, offset, size, enumerator or constant is another
 * number, a comment or the name of a parameter is not. The host refuses plugins built with other
 * numbers. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

#define ODEON_LAYOUT_BASE       0x66e843fbu
#define ODEON_LAYOUT_DEVICE     0x0aaaa99cu
#define ODEON_LAYOUT_DATASET    0x30600f73u
#define ODEON_LAYOUT_LAYER      0xfca5da8du
#define ODEON_LAYOUT_INTEGRATOR 0xf211acefu
#define ODEON_LAYOUT_GRADIENT   0x8a30479cu
#define ODEON_LAYOUT_OPTIMIZER  0xc95ca047u
#define ODEON_LAYOUT_LOSS       0x8aa1e8feu
#define ODEON_LAYOUT_SCHEDULE   0x60eb21c3u

/* All of them: BASE, then the kinds by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "66e843fb.0aaaa99c.30600f73.fca5da8d.f211acef.8a30479c.c95ca047.8aa1e8fe.60eb21c3"

#endif
