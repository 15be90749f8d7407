/* scripted: the trapezoidal rule of Heun with an error of order 1, said in verbs, with one of the
 * rules of registers broken on demand. For tests. */
#include <math.h>
#include <stdbool.h>

#include "odeon/plugin.h"
#include "odeon/stepper.h"

enum { /* in the order of the option's choices */
       RULE_NONE,
       RULE_NO_Y1,
       RULE_NO_ERROR,
       RULE_NO_CARRY,
       RULE_TWICE,
       RULE_UNWRITTEN,
       RULE_READS_ERROR,
       RULE_EVALUATES_INTO_ERROR,
       RULE_WRITES_Y0,
       RULE_WRITES_CARRY_IN,
       RULE_UNKNOWN,
       RULE_NO_TERMS,
       RULE_MANY_TERMS,
       RULE_MANY_EVALS,
       RULE_MANY_COMBINATIONS,
       RULE_START_WRITES_Y1,
       RULE_START_READS_CARRY,
       RULE_ORDER,
       RULE_CARRIES,
       RULE_START_BY_WORK,
       RULE_LATE,
       RULE_VARIES,
       RULE_NO_WORK,
       RULE_MUCH_WORK,
       RULE_REMEMBERS,
       RULE_PART,
       RULE_LINSOLVE,
       RULE_NOISE,
       RULE_TEXT,
       RULE_RATIO,
       RULE_SCALAR_TWICE,
       RULE_SCALAR_UNWRITTEN,
       RULE_SCALAR_UNKNOWN,
       RULE_FACTOR,
       RULE_NO_GAMMA,
       RULE_SHORT_VERB,
       RULE_START_BY_H,
       RULE_TERMS,
       RULE_UNKNOWN_TERMS,
       RULE_RESERVED,
       RULE_TERMS_OF_COMBINE,
       RULE_MOST,   /* none is broken, but there is no room for more */
       RULE_READERS /* none is broken, and more combinations read Y0 than one can have addends */
};
#define RULES                                                                                      \
    "none|no_y1|no_error|no_carry|twice|unwritten|reads_error|evaluates_into_error|writes_y0|"     \
    "writes_carry_in|unknown|no_terms|many_terms|many_evals|many_combinations|start_writes_y1|"    \
    "start_reads_carry|order|carries|start_by_work|late|varies|no_work|much_work|"                 \
    "remembers|part|linsolve|noise|text|ratio|scalar_twice|scalar_unwritten|scalar_unknown|"       \
    "factor|no_gamma|short_verb|start_by_h|terms|unknown_terms|reserved|"                          \
    "terms_of_combine|most|readers"

enum {
    K1 = ODEON_WORK,
    END,
    K2,
    MORE,
    N_WORK = 100,
    LATE_INDEX = 20, /* behind what a host looks at before the first step */
    LATE_EVALS = 12,
    N_READERS = ODEON_MAX_ADDENDS + 3
};

typedef struct scripted {
    ODEON_INSTANCE;
    int64_t rule;
    int64_t asked; /* steps so far, which no method may go by */
} scripted;

static const odeon_option *const options[] = {ODEON_OPTION(scripted, rule, CHOICE,
                                                           .default_text = "none", .choices = RULES,
                                                           .help = "what is broken"),
                                              NULL};

static odeon_status describe(void *self, odeon_stepper_info *out)
{
    const scripted *method = self;
    *out =
        (odeon_stepper_info){.struct_size = sizeof *out,
                             .flags = method->rule == RULE_UNKNOWN_TERMS ? ODEON_STEPPER_SPLIT : 0,
                             .n_startup = method->rule != RULE_LATE ? 0 : -1,
                             .order = method->rule == RULE_ORDER ? 0 : 2,
                             .embedded_order = 1,
                             .n_scalars = method->rule == RULE_MOST ? ODEON_MAX_SCALARS : 2,
                             .n_carry = method->rule == RULE_CARRIES ? ODEON_MAX_CARRY + 1
                                        : method->rule == RULE_MOST  ? ODEON_MAX_CARRY
                                                                     : 1,
                             .n_work = method->rule == RULE_NO_WORK     ? 0
                                       : method->rule == RULE_MOST      ? ODEON_MAX_WORK
                                       : method->rule == RULE_MUCH_WORK ? ODEON_MAX_WORK + 1
                                                                        : N_WORK};
    return ODEON_OK;
}

static odeon_addend as_it_is(int32_t x)
{
    return (odeon_addend){1.0, ODEON_ONE, x};
}

static odeon_addend times_h(double factor, int32_t x)
{
    return (odeon_addend){factor, ODEON_H, x};
}

/* All carry behind the first, of register x. */
static odeon_status fill_carry(const odeon_step *s, int32_t x)
{
    const odeon_addend one = as_it_is(x);
    for (int32_t i = 1; i < ODEON_MAX_CARRY; i++) {
        ODEON_TRY(odeon_step_combine(s, ODEON_CARRY_OUT + i, 1, &one));
    }
    return ODEON_OK;
}

/* Carry is the derivative at the start of a step. */
static odeon_status start(void *self, const odeon_step *s)
{
    const scripted *method = self;
    const odeon_addend slope =
        as_it_is(method->rule == RULE_START_READS_CARRY ? ODEON_CARRY_IN : K1);
    const odeon_addend by_h = times_h(1.0, ODEON_Y0);
    switch (method->rule) {
    case RULE_START_BY_H:
        return odeon_step_combine(s, ODEON_CARRY_OUT, 1, &by_h);
    case RULE_START_BY_WORK:
    case RULE_START_READS_CARRY:
        ODEON_TRY(odeon_step_eval(s, K1, 0.0, ODEON_Y0));
        return odeon_step_combine(s, ODEON_CARRY_OUT, 1, &slope);
    case RULE_START_WRITES_Y1:
        return odeon_step_eval(s, ODEON_Y1, 0.0, ODEON_Y0);
    case RULE_MOST:
        ODEON_TRY(fill_carry(s, ODEON_Y0));
        return odeon_step_eval(s, ODEON_CARRY_OUT, 0.0, ODEON_Y0);
    default:
        return odeon_step_eval(s, ODEON_CARRY_OUT, 0.0, ODEON_Y0);
    }
}

/* A combination of so many terms. */
static odeon_status combine_many(const odeon_step *s, int32_t out, int32_t n)
{
    odeon_addend terms[ODEON_MAX_ADDENDS + 1];
    for (int32_t i = 0; i < n; i++) {
        terms[i] = as_it_is(ODEON_Y0);
    }
    return odeon_step_combine(s, out, n, terms);
}

/* Writes all work registers that are left. */
static odeon_status write_all(const odeon_step *s, bool evals)
{
    for (int32_t i = MORE; i < ODEON_WORK + N_WORK; i++) {
        ODEON_TRY(evals ? odeon_step_eval(s, i, 0.0, ODEON_Y0)
                        : combine_many(s, i, ODEON_MAX_ADDENDS));
    }
    return ODEON_OK;
}

/* Y1 = c Y0 + h (k1 + k2) / 2 by way of a register for each small share of Y0; c is their sum. */
static odeon_status share_y0(const odeon_step *s)
{
    odeon_addend part[N_READERS];
    for (int32_t i = 0; i < N_READERS; i++) {
        const odeon_addend share = {(i + 1.0) / 1024.0, ODEON_ONE, ODEON_Y0};
        part[i] = as_it_is(MORE + 1 + i);
        ODEON_TRY(odeon_step_combine(s, MORE + 1 + i, 1, &share));
    }
    int32_t half = N_READERS / 2, rest = MORE + 1 + N_READERS;
    ODEON_TRY(odeon_step_combine(s, MORE, half, part));
    ODEON_TRY(odeon_step_combine(s, rest, N_READERS - half, part + half));
    const odeon_addend y1[] = {as_it_is(MORE), as_it_is(rest), times_h(0.5, K1), times_h(0.5, K2)};
    return odeon_step_combine(s, ODEON_Y1, 4, y1);
}

/* The same of scalars, and of verbs that are not carried out. */
static odeon_status break_more(const scripted *method, const odeon_step *s)
{
    const int32_t scalar = ODEON_SCALAR_WORK;
    const odeon_addend by_scalar = {1.0, scalar, ODEON_Y0},
                       endless = {HUGE_VAL, ODEON_ONE, ODEON_Y0};
    odeon_verb other = {.struct_size = sizeof other, .out = MORE, .x = ODEON_Y0};
    switch (method->rule) {
    case RULE_PART:
        return odeon_step_copy(s, ODEON_PART_OF(0, MORE), ODEON_Y0);
    case RULE_LINSOLVE:
    case RULE_NOISE:
        other.verb = method->rule == RULE_NOISE ? ODEON_VERB_NOISE : ODEON_VERB_LINSOLVE;
        return s->verb(s->self, &other);
    case RULE_SHORT_VERB:
        other.struct_size = 8;
        return s->verb(s->self, &other);
    case RULE_TERMS:
        return odeon_step_eval_terms(s, MORE, ODEON_TERMS_OTHER, 0.0, ODEON_Y0);
    case RULE_UNKNOWN_TERMS:
        return odeon_step_eval_terms(s, MORE, ODEON_TERMS_STIFF + 1, 0.0, ODEON_Y0);
    case RULE_RESERVED:
        other.verb = ODEON_VERB_EVAL;
        other.reserved0 = 1;
        return s->verb(s->self, &other);
    case RULE_TERMS_OF_COMBINE:
        other.verb = ODEON_VERB_COMBINE;
        other.terms = ODEON_TERMS_OTHER;
        return s->verb(s->self, &other);
    case RULE_TEXT:
        return odeon_step_scalar(s, scalar, "h * (1 + ");
    case RULE_RATIO:
        return odeon_step_scalar(s, scalar, "1 + w");
    case RULE_SCALAR_TWICE:
        ODEON_TRY(odeon_step_scalar(s, scalar, "h"));
        return odeon_step_scalar(s, scalar, "h");
    case RULE_SCALAR_UNKNOWN:
        return odeon_step_scalar(s, scalar + 2, "h");
    case RULE_SCALAR_UNWRITTEN:
        return odeon_step_combine(s, MORE, 1, &by_scalar);
    case RULE_FACTOR:
        return odeon_step_combine(s, MORE, 1, &endless);
    case RULE_NO_GAMMA:
        return odeon_step_implicit(s, MORE, ODEON_NONE, 1.0, 0.0, ODEON_H, ODEON_Y0, ODEON_NONE);
    default:
        return ODEON_OK;
    }
}

/* The verb that breaks the rule, where one more verb is enough for that. */
static odeon_status break_rule(const scripted *method, const odeon_step *s)
{
    const odeon_addend y0 = as_it_is(ODEON_Y0), error = as_it_is(ODEON_ERROR);
    switch (method->rule) {
    case RULE_TWICE:
        return odeon_step_combine(s, END, 1, &y0);
    case RULE_UNWRITTEN:
        return odeon_step_eval(s, MORE, 0.0, MORE + 1);
    case RULE_READS_ERROR:
        return odeon_step_combine(s, MORE, 1, &error);
    case RULE_EVALUATES_INTO_ERROR:
        return odeon_step_eval(s, ODEON_ERROR, 0.0, ODEON_Y0);
    case RULE_WRITES_Y0:
        return odeon_step_eval(s, ODEON_Y0, 0.0, K1);
    case RULE_WRITES_CARRY_IN:
        return odeon_step_combine(s, ODEON_CARRY_IN, 1, &y0);
    case RULE_UNKNOWN:
        return odeon_step_combine(s, ODEON_WORK + N_WORK, 1, &y0);
    case RULE_NO_TERMS:
        return odeon_step_combine(s, MORE, 0, &y0);
    case RULE_MANY_TERMS:
        return combine_many(s, MORE, ODEON_MAX_ADDENDS + 1);
    case RULE_MANY_EVALS:
    case RULE_MANY_COMBINATIONS:
        return write_all(s, method->rule == RULE_MANY_EVALS);
    case RULE_MOST:
        ODEON_TRY(odeon_step_scalar(s, ODEON_SCALAR_WORK + ODEON_MAX_SCALARS - 1, "h"));
        ODEON_TRY(odeon_step_combine(s, ODEON_WORK + ODEON_MAX_WORK - 1, 1, &y0));
        return fill_carry(s, ODEON_WORK + ODEON_MAX_WORK - 1);
    default:
        return break_more(method, s);
    }
}

/* Evaluations that all wait for one combination: many vectors at once. Their mean is k1. */
static odeon_status widen(const odeon_step *s)
{
    odeon_addend mean[LATE_EVALS];
    for (int32_t i = 0; i < LATE_EVALS; i++) {
        ODEON_TRY(odeon_step_eval(s, MORE + i, 0.0, ODEON_Y0));
        mean[i] = (odeon_addend){1.0 / LATE_EVALS, ODEON_ONE, MORE + i};
    }
    return odeon_step_combine(s, K1, LATE_EVALS, mean);
}

static odeon_status step(void *self, const odeon_step *s)
{
    scripted *method = self;
    const odeon_addend in = as_it_is(ODEON_CARRY_IN);
    method->asked++;
    bool late = (method->rule == RULE_LATE && s->index == LATE_INDEX) ||
                (method->rule == RULE_VARIES && s->index == 2) ||
                (method->rule == RULE_REMEMBERS && method->asked % 2 == 0);
    ODEON_TRY(late ? widen(s) : odeon_step_combine(s, K1, 1, &in));
    const odeon_addend end[] = {as_it_is(ODEON_Y0), times_h(1.0, K1)};
    const odeon_addend y1[] = {as_it_is(ODEON_Y0), times_h(0.5, K1), times_h(0.5, K2)};
    const odeon_addend error[] = {times_h(0.5, K1), times_h(-0.5, K2)};
    ODEON_TRY(odeon_step_combine(s, END, 2, end));
    ODEON_TRY(odeon_step_eval(s, K2, 1.0, END));
    ODEON_TRY(break_rule(method, s));
    if (method->rule != RULE_NO_Y1) {
        ODEON_TRY(method->rule == RULE_READERS ? share_y0(s)
                                               : odeon_step_combine(s, ODEON_Y1, 3, y1));
    }
    if (method->rule != RULE_NO_ERROR) {
        ODEON_TRY(odeon_step_combine(s, ODEON_ERROR, 2, error));
    }
    return method->rule == RULE_NO_CARRY || method->rule == RULE_NO_Y1
               ? ODEON_OK
               : odeon_step_eval(s, ODEON_CARRY_OUT, 1.0, ODEON_Y1);
}

static const odeon_stepper_ops ops = {
    .struct_size = sizeof ops, .describe = describe, .start = start, .step = step};

ODEON_PLUGIN_OPTIONS(STEPPER, "scripted", &ops, "order 2 in verbs, and what no method may say",
                     NULL, NULL, scripted, options, NULL, NULL);
