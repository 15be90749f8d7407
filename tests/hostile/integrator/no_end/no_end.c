/* Its summary has no end within any reasonable length. */
#define HOSTILE_ID      "no_end"
#define HOSTILE_SUMMARY letters
#define A16             "aaaaaaaaaaaaaaaa"
#define A256            A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16
static const char letters[2048] = A256 A256 A256 A256 A256 A256 A256 A256;
#include "../common/hostile.h"
