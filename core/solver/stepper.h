/* stepper.h: an integrator's steps as programs of verbs. A tableau is turned into the same verbs
 * that a step-tier method says itself; from here on there is one kind of method. */
#ifndef ODEON_CORE_SOLVER_STEPPER_H
#define ODEON_CORE_SOLVER_STEPPER_H
#include <stdbool.h>

#include "odeon/device_solver.h"
#include "odeon/integrator.h"
#include "plugin/instance.h"
#include "plugin/tableau.h"

enum { VERB_EVAL = 0, VERB_COMBINE = 1, VERB_IMPLICIT = 2 };

/* Registers: the handles of odeon/integrator.h renumbered without gaps: Y0, Y1, ERROR, carry in,
 * carry out, work. */
enum { REG_Y0 = 0, REG_Y1 = 1, REG_ERROR = 2, REG_CARRY = 3 };

/* A step says three things: k = f(t + c h, y), out = sum (alpha_i + beta_i h) x_i, and, of tableaus
 * with implicit stages, k that solves k = f(t + c h, y) with y = base + gamma h k. Of pairs of
 * tables f is some of the field's terms. */
typedef struct verb {
    double c;          /* EVAL, IMPLICIT: at t + c h */
    double gamma;      /* IMPLICIT */
    int32_t kind, out; /* registers */
    int32_t in;        /* EVAL: the state evaluated at; IMPLICIT: base */
    int32_t eval;      /* EVAL, IMPLICIT: its number within the program */
    int32_t first, n;  /* COMBINE: its terms; IMPLICIT: those that guess k */
    int32_t state;     /* IMPLICIT: the register of y */
    int32_t terms;     /* EVAL, IMPLICIT: TERMS_* */
    int32_t estimate;  /* COMBINE of ERROR: which of several, from 0 */
    int32_t reserved0; /* no gaps: programs are compared byte by byte */
} verb;

/* Each writes another handle, but for the estimates behind the first. */
#define PROGRAM_MAX_VERBS     (2 + ODEON_MAX_CARRY + ODEON_MAX_WORK + ODEON_TABLEAU_MAX_MORE_ESTIMATES)
#define PROGRAM_MAX_TERMS     1024
#define PROGRAM_MAX_REGISTERS (REG_CARRY + 2 * ODEON_MAX_CARRY + ODEON_MAX_WORK)

/* One step, or the start. Invariants: every register is written at most once, and before it is
 * read; Y1 and all of carry out are written (of a start: carry out alone). Programs are compared
 * byte by byte, so padding is zero. */
typedef struct program {
    int32_t n_verbs, n_terms, n_evals, n_implicit;
    verb verbs[PROGRAM_MAX_VERBS];
    odeon_term terms[PROGRAM_MAX_TERMS];     /* x is a register */
    double c[ODEON_MAX_STAGES];              /* of each evaluation */
    int32_t last_use[PROGRAM_MAX_REGISTERS]; /* the verb after which a register is free; n_verbs:
                                                none */
    int32_t max_live; /* most vectors in use at once, those of Y0 and carry included, ERROR not */
    int32_t n_combines;
    /* Registers that are only ever evaluated at: parts that the field does not depend on need not
     * be combined into them. */
    bool eval_only[PROGRAM_MAX_REGISTERS];
} program;

enum { DENSE_UNUSED = 0, DENSE_IF_OFFERED = 1, DENSE_REQUIRED = 2 };

/* An integrator in use. Invariant: programs differ pairwise and are never freed before the stepper,
 * so that their addresses may stand for them. */
typedef struct stepper {
    instance *instance;
    const odeon_tableau *tableau; /* or NULL */
    const odeon_stepper_ops *ops; /* ours for a tableau */
    void *self;
    odeon_stepper_info info;
    int32_t n_registers;
    bool dense;     /* dense output is at hand */
    bool implicit;  /* there are stages that solve equations */
    program *start; /* NULL: carry starts at zero */
    size_t n_programs;
    program **programs; /* all different ones so far */
    program *scratch;   /* the one being recorded */
} stepper;

/* Makes the integrator that config chose. A method whose description contradicts itself is
 * ODEON_ERR_PLUGIN.
 * dense: its dense output will be asked for, so slopes stay until the end of a step. Where it is
 * REQUIRED a method without is ODEON_ERR_CONFIG. */
odeon_status stepper_create(const odeon_config *config, const char *path, int32_t dense,
                            stepper **out);
void stepper_destroy(stepper *s); /* NULL is allowed */

/* The verbs of step index; valid as long as the stepper. A method that breaks the rules of handles
 * is ODEON_ERR_PLUGIN. Not to be called within a step: may allocate. */
odeon_status stepper_program(stepper *s, int64_t index, const program **out);

/* Dense output: y(t + x h) = y0 + h sum over the n stages of weights[i] * (what is bound to
 * registers[i]); n is returned. */
int32_t stepper_dense(const stepper *s, double x, int32_t *registers, double *weights);

int32_t reg_carry_in(const stepper *s, int32_t i);
int32_t reg_carry_out(const stepper *s, int32_t i);

#endif
