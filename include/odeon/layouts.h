/* layouts.h: a number for the layout of every interface that is still a draft, made from its
 * headers by tests/abi/layouts.sh: another field, offset, size, enumerator or constant is another
 * number, a comment or the name of a parameter is not. The host refuses plugins built with other
 * numbers. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

#define ODEON_LAYOUT_BASE       0xf768bc27u
#define ODEON_LAYOUT_DEVICE     0x38acf68au
#define ODEON_LAYOUT_DATASET    0x30600f73u
#define ODEON_LAYOUT_LAYER      0x2ba502e1u
#define ODEON_LAYOUT_INTEGRATOR 0xad073c10u
#define ODEON_LAYOUT_GRADIENT   0x1c421b5du
#define ODEON_LAYOUT_OPTIMIZER  0x13d7e717u
#define ODEON_LAYOUT_LOSS       0xf546ef8bu
#define ODEON_LAYOUT_SCHEDULE   0x60eb21c3u

/* All of them: BASE, then the kinds by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "f768bc27.38acf68a.30600f73.2ba502e1.ad073c10.1c421b5d.13d7e717.f546ef8b.60eb21c3"

#endif
