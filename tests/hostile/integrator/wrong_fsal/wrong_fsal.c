/* Says that its last stage is the next step's first. */
#define HOSTILE_ID            "wrong_fsal"
#define HOSTILE_TABLEAU_FLAGS ODEON_TABLEAU_FSAL

#include "../common/hostile_tableau.h"
