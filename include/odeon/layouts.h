/* layouts.h: a number for every interface, which the host compares with that of its own headers. Of
 * a draft it stands for the layout and is made by tests/abi/layouts.sh: another field, offset,
 * size, enumerator or constant is another number, a comment or the name of a parameter is not. Of
 * a frozen interface it is the version of that, which stays; what is appended to it does not
 * change the number. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

#define ODEON_LAYOUT_BASE      0x00000001u
#define ODEON_LAYOUT_DEVICE    0x0ab6fdc1u
#define ODEON_LAYOUT_DATASET   0x00000001u
#define ODEON_LAYOUT_LAYER     0x23f36c67u
#define ODEON_LAYOUT_TABLEAU   0x00000001u
#define ODEON_LAYOUT_GRADIENT  0x976ccdd1u
#define ODEON_LAYOUT_OPTIMIZER 0x60208a04u
#define ODEON_LAYOUT_LOSS      0xb400dad7u
#define ODEON_LAYOUT_SCHEDULE  0x00000001u
#define ODEON_LAYOUT_STEPPER   0x3c875a8eu
#define ODEON_LAYOUT_OBSERVER  0x11c27753u
#define ODEON_LAYOUT_VIEW      0xdeb9e963u

/* All of them: BASE, then the interfaces by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "00000001"                                                                                     \
    ".0ab6fdc1"                                                                                    \
    ".00000001"                                                                                    \
    ".23f36c67"                                                                                    \
    ".00000001"                                                                                    \
    ".976ccdd1"                                                                                    \
    ".60208a04"                                                                                    \
    ".b400dad7"                                                                                    \
    ".00000001"                                                                                    \
    ".3c875a8e"                                                                                    \
    ".11c27753"                                                                                    \
    ".deb9e963"

#endif
