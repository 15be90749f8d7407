/* program.h: one step of a method as data: verbs over registers without gaps. */
#ifndef ODEON_CORE_SOLVER_PROGRAM_H
#define ODEON_CORE_SOLVER_PROGRAM_H
#include <assert.h>
#include <stdbool.h>

#include "odeon/device_solver.h"
#include "odeon/stepper.h"
#include "odeon/tableau.h"
#include "solver/scalar_text.h"

enum { VERB_EVAL = 0, VERB_COMBINE = 1, VERB_IMPLICIT = 2, VERB_JOIN = 3 };

/* The registers of odeon/stepper.h renumbered without gaps: Y0, Y1, ERROR, carry in, carry out,
 * work; behind them those of parts and those that only the host has. */
enum { REG_Y0 = 0, REG_Y1 = 1, REG_ERROR = 2, REG_CARRY = 3 };

static_assert(ODEON_MAX_EVALS == ODEON_MAX_STAGES && ODEON_MAX_ADDENDS == ODEON_MAX_STAGES,
              "a step needs the slots and the pointers of a device's calls");

enum {
    PROGRAM_MAX_OWN = 96, /* registers that no method names by themselves */
    PROGRAM_MAX_REGISTERS = REG_CARRY + 2 * ODEON_MAX_CARRY + ODEON_MAX_WORK + PROGRAM_MAX_OWN,
    /* Each writes another register, but for the estimates behind the first. */
    PROGRAM_MAX_VERBS = PROGRAM_MAX_REGISTERS + ODEON_TABLEAU_MAX_MORE_ESTIMATES,
    PROGRAM_MAX_TERMS = 1024,
    PROGRAM_MAX_OPS = 512,
    PROGRAM_SCALARS = ODEON_SCALAR_WORK + ODEON_MAX_SCALARS
};

/* (alpha + beta h) x, or, with a scalar, alpha times it times x. */
typedef struct program_term {
    double alpha, beta;
    int32_t x, scalar; /* ODEON_ONE: none */
} program_term;

/* There are four kinds: k = f(t + c h, y); out = sum of terms; k that solves k = f(t + c h, y)
 * with y = base + g k, g = gamma h or, with a scalar, gamma times it; and a vector made of the
 * parts of others. */
typedef struct verb {
    double c;          /* EVAL, IMPLICIT: at t + c h */
    double gamma;      /* IMPLICIT */
    int32_t kind, out; /* registers */
    int32_t in;        /* EVAL: the state evaluated at; IMPLICIT: base */
    int32_t eval;      /* EVAL, IMPLICIT: its number within the program */
    int32_t first, n;  /* COMBINE, JOIN: its terms; IMPLICIT: those that guess k */
    int32_t state;     /* IMPLICIT: the register of y */
    int32_t scalar;    /* IMPLICIT; ODEON_H: of a tableau */
    /* EVAL: 1 + the part of f that is read, where its state has others that it may not depend on;
     * 0: all of f. */
    int32_t part;
    int32_t terms;     /* EVAL, IMPLICIT: ODEON_TERMS_* */
    int32_t estimate;  /* COMBINE of ERROR: which of several, from 0 */
    int32_t reserved0; /* no gaps: programs are compared byte by byte */
} verb;

/* Where a register is read. */
typedef struct program_use {
    int32_t verb, term;
} program_use;

/* A JOIN has a term for each part, alpha 1; or 0, where the part is filled with whatever may stand
 * there, and no cotangent goes back. */

/* Scalar out = code[first ..]; in the order of the calls. */
typedef struct program_scalar {
    int32_t out, first, n, reserved0;
} program_scalar;

/* One step, the start, or an inverse. Invariants: every register is written at most once, and
 * before it is read; what the method must write is written. Programs are compared byte by byte, so
 * padding is zero. */
typedef struct program {
    int32_t n_verbs, n_terms, n_evals, n_implicit;
    int32_t n_registers, n_scalars, n_ops, n_joins;
    verb verbs[PROGRAM_MAX_VERBS];
    program_term terms[PROGRAM_MAX_TERMS]; /* x is a register */
    program_scalar scalars[ODEON_MAX_SCALARS];
    scalar_op ops[PROGRAM_MAX_OPS];
    double c[ODEON_MAX_STAGES];              /* of each evaluation */
    int32_t last_use[PROGRAM_MAX_REGISTERS]; /* the verb after which a register is free; n_verbs:
                                                none */
    /* Registers in the order in which they become free: those behind verb v are free_order[i] for i
     * in [free_begin[v], free_begin[v + 1]). */
    int32_t free_order[PROGRAM_MAX_REGISTERS], free_begin[PROGRAM_MAX_VERBS + 1];
    /* Terms that combinations, in their order, read register r by: uses[i] for i in
     * [use_begin[r], use_begin[r + 1]). Those of an error estimate are none of them. */
    program_use uses[PROGRAM_MAX_TERMS];
    int32_t use_begin[PROGRAM_MAX_REGISTERS + 1];
    int32_t max_live; /* most vectors in use at once, those of Y0 and carry included, ERROR not */
    int32_t reverse_live; /* most cotangents at once in its reverse (reverse.h) */
    int32_t n_combines;
    /* Registers that are only ever evaluated at: parts that the field does not depend on need not
     * be combined into them. */
    bool eval_only[PROGRAM_MAX_REGISTERS];
} program;

/* Fills in what follows from the verbs: last uses, and what it takes to hold the vectors. n_carry:
 * of the method. The n_kept registers stay until the end of the step. */
void program_finish(program *p, int32_t n_carry, int32_t n_kept, const int32_t *kept);

/* The verb that combines one of the error estimates; NULL: there is none. */
const verb *program_error_verb(const program *p, int32_t estimate);

#endif
