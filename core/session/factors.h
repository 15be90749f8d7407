/* factors.h: learning rates of sections: freeze and lr_factor of [model.*]. */
#ifndef ODEON_CORE_SESSION_FACTORS_H
#define ODEON_CORE_SESSION_FACTORS_H
#include "session/model.h"

/* Sets m->lr_factors of the parameters that there are. ODEON_ERR_CONFIG where a model is to be
 * trained and all of its parameters are frozen. */
odeon_status factors_find(model *m);

/* Elements of the flat vector whose parameters have one factor. */
typedef struct factor_run {
    int64_t first, end;
    double factor;
} factor_run;
/* The run that begins with parameter *next, which becomes the first of the one after it; false
 * where there is none. Elements between parameters belong to the run before them. */
bool factors_next(const model *m, size_t *next, factor_run *out);

#endif
