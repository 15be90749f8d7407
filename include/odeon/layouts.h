/* layouts.h: a number for the layout of every interface that is still a draft, made from its
 * headers by tests/abi/layouts.sh: another field, offset, size, enumerator or constant is another
 * number, a comment or the name of a parameter is not. The host refuses plugins built with other
 * numbers. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

#define ODEON_LAYOUT_BASE       0x66e843fbu
#define ODEON_LAYOUT_DEVICE     0x157d260du
#define ODEON_LAYOUT_DATASET    0x30600f73u
#define ODEON_LAYOUT_LAYER      0x6161dd91u
#define ODEON_LAYOUT_INTEGRATOR 0xdb90624bu
#define ODEON_LAYOUT_GRADIENT   0xc8386792u
#define ODEON_LAYOUT_OPTIMIZER  0x936b07aeu
#define ODEON_LAYOUT_LOSS       0xc29ed200u
#define ODEON_LAYOUT_SCHEDULE   0x60eb21c3u

/* All of them: BASE, then the kinds by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "66e843fb.157d260d.30600f73.6161dd91.db90624b.c8386792.936b07ae.c29ed200.60eb21c3"

#endif
