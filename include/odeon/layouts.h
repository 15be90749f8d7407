/* layouts.h: a number for the layout of every interface that is still a draft, made from its
 * headers by tests/abi/layouts.sh: another field, offset, size, enumerator or constant is another
 * number, a comment or the name of a parameter is not. The host refuses plugins built with other
 * numbers. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

#define ODEON_LAYOUT_BASE       0x1e1ab59au
#define ODEON_LAYOUT_DEVICE     0xf225c703u
#define ODEON_LAYOUT_DATASET    0x30600f73u
#define ODEON_LAYOUT_LAYER      0xb59bd6c4u
#define ODEON_LAYOUT_TABLEAU    0x9c23d45du
#define ODEON_LAYOUT_GRADIENT   0x1e2ef6b4u
#define ODEON_LAYOUT_OPTIMIZER  0x1983b893u
#define ODEON_LAYOUT_LOSS       0x82ffc731u
#define ODEON_LAYOUT_SCHEDULE   0x60eb21c3u
#define ODEON_LAYOUT_STEPPER    0x9bf201fdu

/* All of them: BASE, then the interfaces by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "1e1ab59a.f225c703.30600f73.b59bd6c4.9c23d45d.1e2ef6b4.1983b893.82ffc731.60eb21c3.9bf201fd"

#endif
