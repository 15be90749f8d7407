#include "program.h"

#include <math.h>

#include "odeon/device.h"
#include "odeon/device_pointwise.h"

static int same(const program_value *x, const program_value *y)
{
    return x->kind == y->kind && x->id == y->id && x->a == y->a && x->b == y->b &&
           x->scale == y->scale && x->shift == y->shift;
}

/* Appends a value unless an equal one exists (common subexpressions). The quadratic search is fine
 * for PROGRAM_MAX_VALUES. */
static int32_t put(program *p, program_value value)
{
    for (int32_t i = 0; i < p->n; i++) {
        if (same(&p->values[i], &value)) {
            return i;
        }
    }
    if (p->n == PROGRAM_MAX_VALUES) {
        return PROGRAM_FULL;
    }
    p->values[p->n] = value;
    return p->n++;
}

static int is_constant(const program *p, int32_t a)
{
    return p->values[a].kind == VALUE_CONSTANT;
}

static double constant(const program *p, int32_t a)
{
    return p->values[a].shift;
}

int32_t program_constant(program *p, double value)
{
    return isfinite(value) ? put(p, (program_value){.kind = VALUE_CONSTANT, .shift = value})
                           : PROGRAM_NOT_FINITE;
}

int32_t program_input(program *p, int32_t component)
{
    return put(p, (program_value){.kind = VALUE_INPUT, .id = component});
}

int32_t program_time(program *p)
{
    return put(p, (program_value){.kind = VALUE_TIME});
}

int32_t program_param(program *p, int32_t index)
{
    return put(p, (program_value){.kind = VALUE_PARAM, .id = index});
}

/* Merges nested affine values and drops the identity, which saves operators. */
int32_t program_affine(program *p, int32_t a, double scale, double shift)
{
    const program_value *x = &p->values[a];
    if (x->kind == VALUE_CONSTANT) {
        return program_constant(p, scale * x->shift + shift);
    }
    if (x->kind == VALUE_AFFINE) { /* affine of affine is affine */
        shift = scale * x->shift + shift;
        scale = scale * x->scale;
        a = x->a;
    }
    if (!isfinite(scale) || !isfinite(shift)) {
        return PROGRAM_NOT_FINITE;
    }
    if (scale == 1.0 && shift == 0.0) {
        return a;
    }
    return put(p, (program_value){.kind = VALUE_AFFINE, .a = a, .scale = scale, .shift = shift});
}

/* Division with a constant operand: a multiplication by its inverse, or a multiple of a
 * reciprocal. */
static int32_t divide(program *p, int32_t a, int32_t b)
{
    if (is_constant(p, b)) {
        return constant(p, b) == 0.0 ? PROGRAM_ZERO
                                     : program_affine(p, a, 1.0 / constant(p, b), 0.0);
    }
    int32_t inverse = program_unary(p, ODEON_UNARY_RECIPROCAL, b);
    return inverse < 0 ? inverse : program_affine(p, inverse, constant(p, a), 0.0);
}

/* Turns an operation with a constant operand into an affine one. */
static int32_t fold(program *p, int32_t id, int32_t a, int32_t b)
{
    switch (id) {
    case ODEON_BINARY_ADD:
        return is_constant(p, a) ? program_affine(p, b, 1.0, constant(p, a))
                                 : program_affine(p, a, 1.0, constant(p, b));
    case ODEON_BINARY_SUB:
        return is_constant(p, b) ? program_affine(p, a, 1.0, -constant(p, b))
                                 : program_affine(p, b, -1.0, constant(p, a));
    case ODEON_BINARY_MUL:
        return is_constant(p, a) ? program_affine(p, b, constant(p, a), 0.0)
                                 : program_affine(p, a, constant(p, b), 0.0);
    default:
        return divide(p, a, b);
    }
}

int32_t program_binary(program *p, int32_t id, int32_t a, int32_t b)
{
    if (is_constant(p, a) || is_constant(p, b)) {
        return fold(p, id, a, b);
    }
    return put(p, (program_value){.kind = VALUE_BINARY, .id = id, .a = a, .b = b});
}

/* Evaluates a function of a constant, with the same formulas as the devices. */
static double apply(int32_t id, double x)
{
    switch (id) {
    case ODEON_UNARY_RELU:
        return x > 0.0 ? x : 0.0;
    case ODEON_UNARY_TANH:
        return tanh(x);
    case ODEON_UNARY_SOFTPLUS:
        return x > 20.0 ? x : log1p(exp(x));
    case ODEON_UNARY_SIGMOID:
        return 1.0 / (1.0 + exp(-x));
    case ODEON_UNARY_EXP:
        return exp(x);
    case ODEON_UNARY_SQRT:
        return sqrt(x);
    case ODEON_UNARY_RECIPROCAL:
        return 1.0 / x;
    case ODEON_UNARY_LOG:
        return log(x);
    case ODEON_UNARY_SQUARE:
        return x * x;
    case ODEON_UNARY_SIN:
        return sin(x);
    case ODEON_UNARY_COS:
        return cos(x);
    case ODEON_UNARY_ERF:
        return erf(x);
    default:
        return fabs(x);
    }
}

int32_t program_unary(program *p, int32_t id, int32_t a)
{
    if (is_constant(p, a)) {
        return program_constant(p, apply(id, constant(p, a)));
    }
    return put(p, (program_value){.kind = VALUE_UNARY, .id = id, .a = a});
}

int32_t program_step(program *p, int32_t a)
{
    if (is_constant(p, a)) {
        return program_constant(p, constant(p, a) > 0.0 ? 1.0 : 0.0);
    }
    return put(p, (program_value){.kind = VALUE_STEP, .a = a});
}

int32_t program_choose(program *p, int32_t step, int32_t a, int32_t b)
{
    int32_t rest = program_affine(p, step, -1.0, 1.0);
    int32_t left = program_binary(p, ODEON_BINARY_MUL, step, a);
    int32_t right = rest < 0 ? rest : program_binary(p, ODEON_BINARY_MUL, rest, b);
    if (left < 0 || right < 0) {
        return left < 0 ? left : right;
    }
    return program_binary(p, ODEON_BINARY_ADD, left, right);
}

/* Squares and reciprocals have operators of their own, which are faster than a general power. */
int32_t program_power(program *p, int32_t a, int32_t exponent)
{
    if (!is_constant(p, exponent)) {
        return PROGRAM_NOT_CONSTANT;
    }
    double e = constant(p, exponent);
    if (is_constant(p, a)) {
        return program_constant(p, pow(constant(p, a), e));
    }
    if (e == 0.0) {
        return program_constant(p, 1.0);
    }
    if (e == 1.0) {
        return a;
    }
    if (e == 2.0 || e == -1.0) {
        return program_unary(p, e == 2.0 ? ODEON_UNARY_SQUARE : ODEON_UNARY_RECIPROCAL, a);
    }
    return put(p, (program_value){.kind = VALUE_POWER, .a = a, .scale = e});
}

/* ---- liveness ---- */

int program_reads_operand(int32_t id)
{
    return id >= ODEON_UNARY_LOG;
}

static void keep(program *p, int32_t a)
{
    if (p->values[a].kept < 0) {
        p->values[a].kept = p->n_kept++;
    }
}

/* Marks the values that the vjp of value i reads, so that the forward pass keeps them. */
static void keep_for(program *p, int32_t i)
{
    const program_value *x = &p->values[i];
    if (x->kind == VALUE_POWER) {
        keep(p, x->a);
    } else if (x->kind == VALUE_UNARY) {
        keep(p, program_reads_operand(x->id) ? x->a : i);
    } else if (x->kind == VALUE_BINARY && x->id == ODEON_BINARY_MUL) {
        keep(p, x->a);
        keep(p, x->b);
    } else if (x->kind == VALUE_BINARY && x->id == ODEON_BINARY_DIV) {
        keep(p, x->b);
        keep(p, i);
    }
}

static int has_operand(const program_value *x)
{
    return x->kind >= VALUE_AFFINE;
}

/* What a value depends on, as a union over its operands. */
enum { MADE_OF_TIME = 1, MADE_OF_INPUT = 2 };

static int made_of(const program_value *x, const int *made)
{
    if (!has_operand(x)) {
        return x->kind == VALUE_TIME ? MADE_OF_TIME : x->kind == VALUE_INPUT ? MADE_OF_INPUT : 0;
    }
    return made[x->a] | (x->kind == VALUE_BINARY ? made[x->b] : 0);
}

/* Marks the timed values, their operands and their edges. made is computed upwards, operands are
 * marked downwards. */
static void mark_timed(program *p)
{
    int made[PROGRAM_MAX_VALUES];
    for (int32_t i = 0; i < p->n; i++) {
        program_value *x = &p->values[i];
        made[i] = made_of(x, made);
        x->timed = x->live && made[i] == MADE_OF_TIME ? 0 : -1;
        x->edge = 0;
    }
    for (int32_t i = p->n; i-- > 0;) {
        const program_value *x = &p->values[i];
        if (x->timed >= 0 && has_operand(x)) {
            p->values[x->a].timed = 0;
            p->values[x->b].timed = x->kind == VALUE_BINARY ? 0 : p->values[x->b].timed;
        }
    }
    for (int32_t i = 0; i < p->n_outputs; i++) {
        p->values[p->outputs[i]].edge = 1;
    }
    for (int32_t i = 0; i < p->n; i++) {
        program_value *x = &p->values[i];
        if (x->live && x->timed < 0 && has_operand(x)) {
            p->values[x->a].edge = 1;
            p->values[x->b].edge |= x->kind == VALUE_BINARY;
        }
        x->timed = x->timed >= 0 ? p->n_timed++ : -1;
    }
    for (int32_t i = 0; i < p->n; i++) {
        p->values[i].edge = p->values[i].edge && p->values[i].timed >= 0;
    }
}

int program_rounds_time(const program *p)
{
    for (int32_t i = 0; i < p->n; i++) {
        const program_value *x = &p->values[i];
        int is_time = x->kind == VALUE_TIME ||
                      (x->kind == VALUE_AFFINE && p->values[x->a].kind == VALUE_TIME);
        if (x->edge && is_time) {
            return 1;
        }
    }
    return 0;
}

/* Liveness is propagated from the outputs down; indices are then assigned in order. */
void program_finish(program *p)
{
    for (int32_t i = 0; i < p->n_outputs; i++) {
        p->values[p->outputs[i]].live = 1;
    }
    for (int32_t i = p->n; i-- > 0;) {
        program_value *x = &p->values[i];
        x->place = x->kept = -1;
        if (x->live && x->kind >= VALUE_AFFINE) {
            p->values[x->a].live = 1;
        }
        if (x->live && x->kind == VALUE_BINARY) {
            p->values[x->b].live = 1;
        }
    }
    for (int32_t i = 0; i < p->n; i++) {
        program_value *x = &p->values[i];
        if (x->live && x->kind != VALUE_CONSTANT) {
            x->place = p->n_live++;
            p->uses_t |= x->kind == VALUE_TIME;
            keep_for(p, i);
        }
    }
    mark_timed(p);
}
