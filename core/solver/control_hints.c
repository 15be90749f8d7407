#include "solver/control_hints.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/diag.h"
#include "odeon/device_solver.h"
#include "plugin/words.h"

/* A plugin of an older ABI has a shorter table without this member, which is as if it had none. */
const odeon_control_hint *const *control_hints(const odeon_tableau *tableau)
{
    static const odeon_control_hint *const none[] = {NULL};
    return tableau != NULL && ODEON_HAS(tableau, odeon_tableau, hints) ? tableau->hints : none;
}

/* What is wrong with a hint, in words; NULL: nothing. Written so that NaN fails. */
static const char *wrong_with(const odeon_control_hint *hint)
{
    if (hint->struct_size < sizeof *hint || hint->system == NULL || hint->system[0] == '\0') {
        return "no system is named";
    }
    bool finite = isfinite(hint->beta_reject);
    for (int i = 0; i < 3; i++) {
        finite = finite && isfinite(hint->beta[i]);
    }
    if (!finite) {
        return "an exponent is not finite";
    }
    bool limits = hint->factor_min > 0.0 && hint->factor_min < 1.0 && hint->factor_max > 1.0 &&
                  isfinite(hint->factor_max);
    return limits ? NULL : "factor_min must lie between 0 and 1, factor_max above 1";
}

/* When the integrator is made, so that a hint which nobody uses is checked as well. */
odeon_status control_hints_check(const odeon_tableau *tableau, const char *path)
{
    const odeon_control_hint *const *hints = control_hints(tableau);
    for (int32_t i = 0; hints[i] != NULL; i++) {
        char text[WORDS_TEXT_BYTES];
        const char *wrong = wrong_with(hints[i]);
        if (wrong == NULL && words_fault(hints[i], words_of_hint, text)) {
            wrong = text;
        }
        if (wrong != NULL) {
            return diag_fail(ODEON_ERR_PLUGIN, "%s: control hint %d: %s", path, (int)i + 1, wrong);
        }
    }
    return ODEON_OK;
}

/* A hint gives exponents for the method's own order, so the spec's rule per order ends here; the
 * first hint of the system counts. */
void control_hints_apply(const odeon_tableau *tableau, int32_t order, odeon_ode_spec *spec,
                         odeon_control *control)
{
    const odeon_control_hint *const *hints = control_hints(tableau);
    odeon_control *c = control;
    for (int32_t i = 0; hints[i] != NULL && spec->control_hints != NULL; i++) {
        const odeon_control_hint *hint = hints[i];
        if (strcmp(hint->system, spec->control_hints) != 0) {
            continue;
        }
        memcpy(c->beta, hint->beta, sizeof c->beta);
        c->beta_reject = hint->beta_reject;
        c->factor_min = c->factor_min_accept = hint->factor_min;
        c->factor_max = hint->factor_max;
        c->start_exponent /= spec->exponents_per_order != 0 ? order : 1.0;
        spec->exponents_per_order = 0;
        return;
    }
}
