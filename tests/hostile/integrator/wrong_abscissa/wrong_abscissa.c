/* The second stage is not where its row of a puts it. */
#define HOSTILE_ID "wrong_abscissa"
#define HOSTILE_C  0.99

#include "../common/hostile_tableau.h"
