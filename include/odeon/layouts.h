/* layouts.h: a number for the layout of every interface that is still a draft, made from its
 * headers by tests/abi/layouts.sh: another field, offset, size, enumerator or constant is another
 * number, a comment or the name of a parameter is not. The host refuses plugins built with other
 * numbers. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

#define ODEON_LAYOUT_BASE       0x51fc25b8u
#define ODEON_LAYOUT_DEVICE     0xce912e33u
#define ODEON_LAYOUT_DATASET    0x30600f73u
#define ODEON_LAYOUT_LAYER      0x2ecb3fa1u
#define ODEON_LAYOUT_TABLEAU    0x9c23d45du
#define ODEON_LAYOUT_GRADIENT   0x1c421b5du
#define ODEON_LAYOUT_OPTIMIZER  0x13d7e717u
#define ODEON_LAYOUT_LOSS       0xf546ef8bu
#define ODEON_LAYOUT_SCHEDULE   0x60eb21c3u
#define ODEON_LAYOUT_STEPPER    0xae129e6eu

/* All of them: BASE, then the interfaces by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "51fc25b8.ce912e33.30600f73.2ecb3fa1.9c23d45d.1c421b5d.13d7e717.f546ef8b.60eb21c3.ae129e6e"

#endif
