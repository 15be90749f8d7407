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
#define ODEON_LAYOUT_LAYER      0x4371570du
#define ODEON_LAYOUT_TABLEAU    0x9c23d45du
#define ODEON_LAYOUT_GRADIENT   0x3e1741afu
#define ODEON_LAYOUT_OPTIMIZER  0x01903ed0u
#define ODEON_LAYOUT_LOSS       0x77bbe2c0u
#define ODEON_LAYOUT_SCHEDULE   0x60eb21c3u
#define ODEON_LAYOUT_STEPPER    0x7a18aa0fu
#define ODEON_LAYOUT_OBSERVER   0x1b355e6cu

/* All of them: BASE, then the interfaces by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "b3c00f24.38acf68a.30600f73.4371570d.9c23d45d.3e1741af.01903ed0.77bbe2c0.60eb21c3.7a18aa0f.1b355e6c"

#endif
