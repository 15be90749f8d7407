/* verb_record.h: the verbs that a method calls become a program. Everything that a plugin can get
 * wrong is found here, before anything is computed; from then on a program is data that is known to
 * be sound. */
#ifndef ODEON_CORE_SOLVER_VERB_RECORD_H
#define ODEON_CORE_SOLVER_VERB_RECORD_H
#include "plugin/instance.h"
#include "solver/program.h"

/* Which slot of the method is recorded. */
enum { RECORD_START = 0, RECORD_STEP = 1, RECORD_INVERSE = 2, RECORD_DENSE = 3 };

/* The method. */
typedef struct verb_method {
    const instance *instance;
    const odeon_stepper_ops *ops; /* the slot that is recorded is there */
    void *self;
    const odeon_stepper_info *info;
    int32_t n_parts; /* of info->parts */
    /* Registers that are read behind the step. */
    int32_t n_kept;
    const int32_t *kept;
} verb_method;

/* The register of a handle that is no part; -1: there is none. Of an inverse the start is the end,
 * and carry in is carry out; of dense output REG_ERROR stands for YX. */
int32_t verb_register(const odeon_stepper_info *info, int32_t what, int32_t handle);

/* All of *out is written. A method that breaks a rule is ODEON_ERR_PLUGIN, a verb that is reserved
 * ODEON_ERR_UNSUPPORTED. */
odeon_status verb_record(const verb_method *method, int32_t what, int64_t index, program *out);

#endif
