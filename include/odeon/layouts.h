/* layouts.h: a number for every interface, which the host compares with that of its own headers. Of
 * a draft it stands for the layout and is made by tests/abi/layouts.sh: another field, offset,
 * size, enumerator or constant is another number, a comment or the name of a parameter is not. Of
 * a frozen interface it is the version of that, which stays; what is appended to it does not
 * change the number. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

#define ODEON_LAYOUT_BASE      0x00000001u
#define ODEON_LAYOUT_DEVICE    0x51fa7377u
#define ODEON_LAYOUT_DATASET   0x00000001u
#define ODEON_LAYOUT_LAYER     0x5208f7c6u
#define ODEON_LAYOUT_TABLEAU   0x00000001u
#define ODEON_LAYOUT_GRADIENT  0x43e3f5eeu
#define ODEON_LAYOUT_OPTIMIZER 0x9d791295u
#define ODEON_LAYOUT_LOSS      0xe92882c1u
#define ODEON_LAYOUT_SCHEDULE  0x00000001u
#define ODEON_LAYOUT_STEPPER   0x278500fau

/* All of them: BASE, then the interfaces by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "00000001.51fa7377.00000001.5208f7c6.00000001.43e3f5ee.9d791295.e92882c1.00000001.278500fa"

#endif
