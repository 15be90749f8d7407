/* layouts.h: a number for the layout of every interface that is still a draft, made from its
 * headers by tests/abi/layouts.sh: another field, offset, size, enumerator or constant is another
 * number, a comment or the name of a parameter is not. The host refuses plugins built with other
 * numbers. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

#define ODEON_LAYOUT_BASE       0x66e843fbu
#define ODEON_LAYOUT_DEVICE     0xf225c703u
#define ODEON_LAYOUT_DATASET    0x30600f73u
#define ODEON_LAYOUT_LAYER      0x8f0d0737u
#define ODEON_LAYOUT_INTEGRATOR 0x4ccfe11fu
#define ODEON_LAYOUT_GRADIENT   0xc6a7d852u
#define ODEON_LAYOUT_OPTIMIZER  0x1983b893u
#define ODEON_LAYOUT_LOSS       0x82ffc731u
#define ODEON_LAYOUT_SCHEDULE   0x60eb21c3u

/* All of them: BASE, then the kinds by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "66e843fb.f225c703.30600f73.8f0d0737.4ccfe11f.c6a7d852.1983b893.82ffc731.60eb21c3"

#endif
