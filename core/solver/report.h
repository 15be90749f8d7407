/* report.h: what a failed solve tells of where and why it failed, as far as this worker's slice of
 * the batch shows. */
#ifndef ODEON_CORE_SOLVER_REPORT_H
#define ODEON_CORE_SOLVER_REPORT_H
#include <stdbool.h>
#include <stdint.h>

/* The part of the state and the sample where things went wrong. */
typedef struct solve_worst {
    const char *part; /* NULL: nothing was found */
    int64_t sample;   /* of the slice */
    double error;     /* its own scaled error; NAN: a value of it is not finite; or: */
} solve_worst;
#define WORST_UNSOLVED (-1.0) /* an equation of a stage of it has not been solved */

/* What keeps an adaptive solve from going on. Of several workers' findings the largest holds. */
enum {
    CAUSE_NONE = 0,      /* all is finite: errors do not fall with the step */
    CAUSE_TOLERANCE = 1, /* errors are too large, against the tolerances, to be judged */
    CAUSE_PROBE = 2,     /* the field is not finite where the first step is measured */
    CAUSE_FIELD = 3,     /* nor where any step goes */
    CAUSE_STATE = 4      /* the state at the start is not finite */
};

/* As numbers without pointers, since workers exchange them. */
typedef struct solve_cause {
    int32_t kind;            /* CAUSE_* */
    int32_t by_atol;         /* TOLERANCE: it is atol alone that scales the worst value */
    double size, start_size; /* largest value of the state now, and at the start */
} solve_cause;

/* worst and cause are zero unless a solve has failed. */
typedef struct solve_diagnosis {
    bool failed;
    solve_worst worst;
    solve_cause cause;
} solve_diagnosis;

#endif
