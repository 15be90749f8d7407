/* layouts.h: a number for every interface, which the host compares with that of its own headers. Of
 * a draft it stands for the layout and is made by tests/abi/layouts.sh: another field, offset,
 * size, enumerator or constant is another number, a comment or the name of a parameter is not. Of
 * a frozen interface it is the version of that, which stays; what is appended to it does not
 * change the number. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

#define ODEON_LAYOUT_BASE      0x00000001u
#define ODEON_LAYOUT_DEVICE    0xfe6bfcacu
#define ODEON_LAYOUT_DATASET   0x00000001u
#define ODEON_LAYOUT_LAYER     0x508a202fu
#define ODEON_LAYOUT_TABLEAU   0x00000001u
#define ODEON_LAYOUT_GRADIENT  0x976ccdd1u
#define ODEON_LAYOUT_OPTIMIZER 0x2c87758cu
#define ODEON_LAYOUT_LOSS      0xc2edc7ecu
#define ODEON_LAYOUT_SCHEDULE  0x00000001u
#define ODEON_LAYOUT_STEPPER   0x3c875a8eu
#define ODEON_LAYOUT_OBSERVER  0x75477323u
#define ODEON_LAYOUT_VIEW      0x73b30db9u

/* All of them: BASE, then the interfaces by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "00000001"                                                                                     \
    ".fe6bfcac"                                                                                    \
    ".00000001"                                                                                    \
    ".508a202f"                                                                                    \
    ".00000001"                                                                                    \
    ".976ccdd1"                                                                                    \
    ".2c87758c"                                                                                    \
    ".c2edc7ec"                                                                                    \
    ".00000001"                                                                                    \
    ".3c875a8e"                                                                                    \
    ".75477323"                                                                                    \
    ".73b30db9"

#endif
