/* train_audit.h: [audit] every = N: how wrong the gradient of the run's method is, while it trains.
 */
#ifndef ODEON_CORE_RUN_TRAIN_AUDIT_H
#define ODEON_CORE_RUN_TRAIN_AUDIT_H
#include "config/config.h"
#include "plugin/registry.h"
#include "session/handle.h"
#include "session/result.h"

typedef struct train_audit train_audit;

/* ODEON_ERR_CONFIG where [audit] is given and no gradient of the model has an error to be found:
 * it has no ODE block. */
odeon_status train_audit_check(const config *c);

/* *out is NULL without [audit]. folder: of the run, from whose normal form the models to compare
 * are built when they are first needed. r and c are borrowed. ODEON_ERR_NOMEM. */
odeon_status train_audit_create(registry *r, const config *c, const char *folder,
                                train_audit **out);
void train_audit_destroy(train_audit *x); /* NULL is allowed */

/* Is an audit due after a step? x may be NULL. */
bool train_audit_due(const train_audit *x, int64_t step);
/* |g - r| / |r| of all parameters as s has them, over the first samples of training: g of the run's
 * method, r the exact gradient, in float64, of steps at a hundredth of the tolerances, or of
 * sixteen times as many. Warns, once, where it is above audit.error. NaN, and one warning, where it
 * cannot be found; nothing of s changes. */
double train_audit_measure(train_audit *x, session *s, int64_t step);
/* Warns, once, where a block has come back to another state than it began with. x may be NULL. */
void train_audit_drift(train_audit *x, const session_result *step, int64_t number);

#endif
