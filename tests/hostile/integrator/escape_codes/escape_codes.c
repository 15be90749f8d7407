/* Its summary would colour the terminal. */
#define HOSTILE_ID      "escape_codes"
#define HOSTILE_SUMMARY "\033[31mred"
#include "../common/hostile.h"
