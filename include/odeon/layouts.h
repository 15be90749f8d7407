/* layouts.h: a number for the layout of every interface that is still a draft, made from its
 * headers by tests/abi/layouts.sh: another field, offset, size, enumerator or constant is another
 * number, a comment or the name of a parameter is not. The host refuses plugins built with other
 * numbers. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

#define ODEON_LAYOUT_BASE       0x66e843fbu
#define ODEON_LAYOUT_DEVICE     0xce912e33u
#define ODEON_LAYOUT_DATASET    0x30600f73u
#define ODEON_LAYOUT_LAYER      0xf0faf88eu
#define ODEON_LAYOUT_INTEGRATOR 0xad073c10u
#define ODEON_LAYOUT_GRADIENT   0x1c421b5du
#define ODEON_LAYOUT_OPTIMIZER  0x13d7e717u
#define ODEON_LAYOUT_LOSS       0xf546ef8bu
#define ODEON_LAYOUT_SCHEDULE   0x60eb21c3u

/* All of them: BASE, then the kinds by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "66e843fb.ce912e33.30600f73.f0faf88e.ad073c10.1c421b5d.13d7e717.f546ef8b.60eb21c3"

#endif
