/* inspect_tableau.h: what `odeon inspect` says of a Runge-Kutta method. */
#ifndef ODEON_CORE_COMMAND_INSPECT_TABLEAU_H
#define ODEON_CORE_COMMAND_INSPECT_TABLEAU_H
#include <stdio.h>

#include "base/text.h"
#include "odeon/status.h"
#include "odeon/tableau.h"

/* As lines: stages and orders, and warnings of what it has but does not claim. ODEON_ERR_NOMEM. */
odeon_status inspect_tableau_text(FILE *out, const odeon_tableau *tableau);
/* As members of a JSON object that has some already. ODEON_ERR_NOMEM. */
odeon_status inspect_tableau_json(text_buffer *out, const odeon_tableau *tableau);

#endif
