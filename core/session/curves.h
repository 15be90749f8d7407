/* curves.h: keys of losses, optimizers and layers that follow a schedule (config/curves.h), in the
 * instances of a session that trains. */
#ifndef ODEON_CORE_SESSION_CURVES_H
#define ODEON_CORE_SESSION_CURVES_H
#include <stdbool.h>
#include <stddef.h>

#include "odeon/schedule.h"
#include "odeon/status.h"
#include "session/handle.h"

/* One key; config->curves has its name. */
typedef struct curve {
    const char *key;                   /* the configuration's */
    const struct odeon_option *option; /* of the component */
    double base, factor;               /* its own value; of the last step */
    bool under_way;                    /* of the phase of the last step */
    size_t n_fields;                   /* instances of all workers, kernels' among them */
    double **fields;
    struct instance *schedule;
} curve;

/* Finds the keys and makes their schedules. ODEON_ERR_CONFIG, with file and line, where there is no
 * such key, where it may not follow a schedule (scheduled of loss.h), and where its own value is 0,
 * of which a multiple is 0. What is open already stays. */
odeon_status session_curves_open(session *s);
/* NULL where nothing is open; else as many as the configuration has. */
const curve *session_curves(const session *s);

/* Brings the keys of the session's phase to their values at position, of its phase, and all others
 * to their own. ODEON_ERR_CONFIG where a value is none that the option may have. Between batches.
 */
odeon_status session_curves_set(session *s, const odeon_position *position);
/* The same with factors given, one for each. */
odeon_status session_curves_set_factors(session *s, const double *factors);
/* All have their own values again, as tests have them. */
void session_curves_rest(session *s);

void curves_free(session *s);

#endif
