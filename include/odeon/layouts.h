/* layouts.h: a number for every interface, which the host compares with that of its own headers. Of
 * a draft it stands for the layout and is made by tests/abi/layouts.sh: another field, offset,
 * size, enumerator or constant is another number, a comment or the name of a parameter is not. Of
 * a frozen interface it is the version of that, which stays; what is appended to it does not
 * change the number. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

#define ODEON_LAYOUT_BASE      0x00000001u
#define ODEON_LAYOUT_DEVICE    0x055f1490u
#define ODEON_LAYOUT_DATASET   0x00000001u
#define ODEON_LAYOUT_LAYER     0xe5095d9cu
#define ODEON_LAYOUT_TABLEAU   0x00000001u
#define ODEON_LAYOUT_GRADIENT  0x976ccdd1u
#define ODEON_LAYOUT_OPTIMIZER 0x69d8bdd2u
#define ODEON_LAYOUT_LOSS      0xdeec551fu
#define ODEON_LAYOUT_SCHEDULE  0x00000001u
#define ODEON_LAYOUT_STEPPER   0x3c875a8eu
#define ODEON_LAYOUT_OBSERVER  0x75477323u
#define ODEON_LAYOUT_VIEW      0x73b30db9u

/* All of them: BASE, then the interfaces by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "00000001"                                                                                     \
    ".055f1490"                                                                                    \
    ".00000001"                                                                                    \
    ".e5095d9c"                                                                                    \
    ".00000001"                                                                                    \
    ".976ccdd1"                                                                                    \
    ".69d8bdd2"                                                                                    \
    ".deec551f"                                                                                    \
    ".00000001"                                                                                    \
    ".3c875a8e"                                                                                    \
    ".75477323"                                                                                    \
    ".73b30db9"

#endif
