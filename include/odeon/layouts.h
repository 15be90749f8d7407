/* layouts.h: a number for the layout of every interface that is still a draft, made from its
 * headers by tests/abi/layouts.sh: another field, offset, size, enumerator or constant is another
 * number, a comment or the name of a parameter is not. The host refuses plugins built with other
 * numbers. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

#define ODEON_LAYOUT_BASE       0x1e1ab59au
#define ODEON_LAYOUT_DEVICE     0x38acf68au
#define ODEON_LAYOUT_DATASET    0x30600f73u
#define ODEON_LAYOUT_LAYER      0x88a3ff9fu
#define ODEON_LAYOUT_TABLEAU    0x9c23d45du
#define ODEON_LAYOUT_GRADIENT   0xcd2c8007u
#define ODEON_LAYOUT_OPTIMIZER  0x13d7e717u
#define ODEON_LAYOUT_LOSS       0xf546ef8bu
#define ODEON_LAYOUT_SCHEDULE   0x60eb21c3u
#define ODEON_LAYOUT_STEPPER    0x0fae4e7du

/* All of them: BASE, then the interfaces by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "1e1ab59a.38acf68a.30600f73.88a3ff9f.9c23d45d.cd2c8007.13d7e717.f546ef8b.60eb21c3.0fae4e7d"

#endif
