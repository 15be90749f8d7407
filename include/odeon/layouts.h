/* layouts.h: a number for every interface, which the host compares with that of its own headers. Of
 * a draft it stands for the layout and is made by tests/abi/layouts.sh: another field, offset,
 * size, enumerator or constant is another number, a comment or the name of a parameter is not. Of
 * a frozen interface it is the version of that, which stays; what is appended to it does not
 * change the number. */
#ifndef ODEON_LAYOUTS_H
#define ODEON_LAYOUTS_H
#include <stdint.h>

#define ODEON_LAYOUT_BASE      0x00000001u
#define ODEON_LAYOUT_DEVICE    0x67a4b82eu
#define ODEON_LAYOUT_DATASET   0x00000001u
#define ODEON_LAYOUT_LAYER     0x428e5541u
#define ODEON_LAYOUT_TABLEAU   0x00000001u
#define ODEON_LAYOUT_GRADIENT  0x976ccdd1u
#define ODEON_LAYOUT_OPTIMIZER 0x07e4910du
#define ODEON_LAYOUT_LOSS      0xb784ea73u
#define ODEON_LAYOUT_SCHEDULE  0x00000001u
#define ODEON_LAYOUT_STEPPER   0x3c875a8eu
#define ODEON_LAYOUT_OBSERVER  0xa0441bf7u
#define ODEON_LAYOUT_VIEW      0xdeb9e963u

/* All of them: BASE, then the interfaces by their numbers. */
#define ODEON_LAYOUTS                                                                              \
    "00000001"                                                                                     \
    ".67a4b82e"                                                                                    \
    ".00000001"                                                                                    \
    ".428e5541"                                                                                    \
    ".00000001"                                                                                    \
    ".976ccdd1"                                                                                    \
    ".07e4910d"                                                                                    \
    ".b784ea73"                                                                                    \
    ".00000001"                                                                                    \
    ".3c875a8e"                                                                                    \
    ".a0441bf7"                                                                                    \
    ".deb9e963"

#endif
