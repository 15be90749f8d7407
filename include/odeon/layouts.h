/* layouts.h: a number for the layout of every interface that is still a draft, made from its
 * headers by tests/abi/layouts.sh: another field, offset, size, enumerator or constant is another
 * number, a comment or the name of a parameter is not. The host refuses plugins built with other
 * numbers. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

#define ODEON_LAYOUT_BASE       0xb3c00f24u
#define ODEON_LAYOUT_DEVICE     0x38acf68au
#define ODEON_LAYOUT_DATASET    0x30600f73u
#define ODEON_LAYOUT_LAYER      0x7a641215u
#define ODEON_LAYOUT_TABLEAU    0x9c23d45du
#define ODEON_LAYOUT_GRADIENT   0x85f362f0u
#define ODEON_LAYOUT_OPTIMIZER  0xa4947a53u
#define ODEON_LAYOUT_LOSS       0xee48a5e2u
#define ODEON_LAYOUT_SCHEDULE   0x60eb21c3u
#define ODEON_LAYOUT_STEPPER    0x26230000u
#define ODEON_LAYOUT_OBSERVER   0x25ca95d5u

/* All of them: BASE, then the interfaces by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "b3c00f24.38acf68a.30600f73.7a641215.9c23d45d.85f362f0.a4947a53.ee48a5e2.60eb21c3.26230000.25ca95d5"

#endif
