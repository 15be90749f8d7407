/* stepper.h: an integrator's steps as programs of verbs. A tableau is turned into the same verbs
 * that a stepper calls itself; from here on there is one kind of method. */
#ifndef ODEON_CORE_SOLVER_STEPPER_H
#define ODEON_CORE_SOLVER_STEPPER_H
#include "odeon/tableau.h"
#include "plugin/instance.h"
#include "solver/program.h"

enum { DENSE_UNUSED = 0, DENSE_IF_OFFERED = 1, DENSE_REQUIRED = 2 };

/* An integrator in use. Invariant: programs differ pairwise and are never freed before the stepper,
 * so that their addresses may stand for them. */
typedef struct stepper {
    instance *instance;
    const odeon_tableau *tableau; /* or NULL */
    const odeon_stepper_ops *ops; /* ours for a tableau */
    void *self;
    odeon_stepper_info info;
    int32_t n_parts;     /* of info.parts */
    int32_t n_registers; /* the most of a program */
    bool dense;          /* dense output is at hand */
    bool implicit;       /* there are stages that solve equations */
    /* Programs of it need the host in every step: for numbers of their own, for equations, or for
     * parts; they are not captured. */
    bool needs_host;
    program *start;   /* NULL: carry starts at zero */
    program *inverse; /* NULL: not recorded yet, or there is none */
    program *output;  /* dense output of a stepper: one combination; NULL: there is none */
    size_t n_programs;
    program **programs;                            /* all different ones so far */
    const program *settled[ODEON_MAX_STARTUP + 1]; /* by index, up to info.n_startup */
    program *scratch, *again;                      /* being recorded, and once more */
} stepper;

/* Makes the integrator that config chose. A method whose description contradicts itself is
 * ODEON_ERR_PLUGIN.
 * dense: its dense output will be asked for, so slopes stay until the end of a step. Where it is
 * REQUIRED a method without is ODEON_ERR_CONFIG. */
odeon_status stepper_create(const odeon_config *config, const char *path, int32_t dense,
                            stepper **out);
void stepper_destroy(stepper *s); /* NULL is allowed */

/* Is it for fields of two terms, of which it treats the stiff one apart? */
bool stepper_splits(const stepper *s);

/* The verbs of step index; valid as long as the stepper. A method that breaks the rules of
 * registers is ODEON_ERR_PLUGIN. Not to be called within a step: may allocate. */
odeon_status stepper_program(stepper *s, int64_t index, const program **out);
/* The verbs of a step backward: from its end, bound to Y0 and carry in, they write its start to Y1
 * and carry out. ODEON_ERR_UNSUPPORTED: the method has none. Not to be called within a step. */
odeon_status stepper_inverse(stepper *s, const program **out);

/* Vectors that a step holds at once, of samples that go through it by themselves; 0: all samples go
 * through a step together. */
int64_t stepper_slice_vectors(const stepper *s);

/* A multistep method may bear less growth from step to step than control allows. */
void stepper_limit_growth(const stepper *s, odeon_control *control);

/* Dense output of a step by h: y(t + x h) = y0 + h sum over i < n of weights[i] * (what is bound to
 * registers[i]); n is returned. Which registers depends neither on h nor on x. */
int32_t stepper_dense(const stepper *s, double h, double x, int32_t *registers, double *weights);

int32_t reg_carry_in(const stepper *s, int32_t i);
int32_t reg_carry_out(const stepper *s, int32_t i);

#endif
