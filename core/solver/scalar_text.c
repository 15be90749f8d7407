/* A parser by recursive descent, one function for each level of the grammar:
 *
 *   sum     = product { (+ | -) product }
 *   product = signed { (* | /) signed }
 *   signed  = - signed | raised
 *   raised  = atom [ ^ digit ]
 *   atom    = number | name | (sum) | sqrt(sum) | abs(sum)
 */
#include "solver/scalar_text.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SCALAR_NUMBER = 1,
    SCALAR_VALUE,
    SCALAR_ADD,
    SCALAR_SUBTRACT,
    SCALAR_MULTIPLY,
    SCALAR_DIVIDE,
    SCALAR_NEGATE,
    SCALAR_POWER,
    SCALAR_SQRT,
    SCALAR_ABS
};
enum { MAX_DEPTH = 24, STACK = 64, MAX_POWER = 8, NAME_BYTES = 16 };

typedef struct parser {
    const char *text, *at;
    const scalar_names *names;
    scalar_op *code;
    int32_t n, room, height, depth; /* height: of the stack behind the code so far */
    char *fault;                    /* "": none yet */
} parser;

static bool fail(parser *p, const char *what)
{
    if (p->fault[0] == '\0') {
        (void)snprintf(p->fault, SCALAR_FAULT_BYTES, "%s at character %d", what,
                       (int)(p->at - p->text) + 1);
    }
    return false;
}

/* rise: by how much the operation makes the stack higher. */
static bool emit(parser *p, scalar_op op, int32_t rise)
{
    p->height += rise;
    if (p->n == p->room || p->height > STACK) {
        return fail(p, "too many operations");
    }
    p->code[p->n++] = op;
    return true;
}

static bool emit_value(parser *p, int32_t scalar)
{
    return emit(p, (scalar_op){.code = SCALAR_VALUE, .arg = scalar}, 1);
}

static void skip_blanks(parser *p)
{
    p->at += strspn(p->at, " ");
}

static bool take(parser *p, char c)
{
    skip_blanks(p);
    bool found = *p->at == c;
    p->at += found;
    return found;
}

static bool sum(parser *p);

static bool in_parentheses(parser *p)
{
    if (!take(p, '(')) {
        return fail(p, "expected (");
    }
    return sum(p) && (take(p, ')') || fail(p, "expected )"));
}

/* Digits with a point and an exponent, in the C locale's spelling alone: what strtod takes beside
 * them, as hexadecimal and inf, is no number here. */
static bool number(parser *p)
{
    char digits[64], *end;
    size_t n = strspn(p->at, "0123456789.");
    if ((p->at[n] == 'e' || p->at[n] == 'E') && n > 0) {
        size_t sign = p->at[n + 1] == '-' || p->at[n + 1] == '+';
        n += 1 + sign + strspn(p->at + n + 1 + sign, "0123456789");
    }
    if (n == 0 || n >= sizeof digits) {
        return fail(p, "expected a number, a name or (");
    }
    memcpy(digits, p->at, n);
    digits[n] = '\0';
    double value = strtod(digits, &end);
    if (*end != '\0' || !isfinite(value)) {
        return fail(p, "no number");
    }
    p->at += n;
    return emit(p, (scalar_op){.code = SCALAR_NUMBER, .number = value}, 1);
}

/* s0, s1, ... */
static bool work_scalar(parser *p, const char *digits)
{
    char *end;
    unsigned long i = strtoul(digits, &end, 10);
    if (*end != '\0' || i >= 64 || (p->names->written >> i & 1) == 0) {
        return fail(p, "a scalar that is not written yet");
    }
    return emit_value(p, p->names->work + (int32_t)i);
}

/* The step before has a size but in the first of all. */
static bool last_size(parser *p, bool ratio)
{
    if (p->names->h_prev < 0) {
        return fail(p, "there is no step before, of which h_prev or w could tell,");
    }
    if (!ratio) {
        return emit_value(p, p->names->h_prev);
    }
    return emit_value(p, p->names->h) && emit_value(p, p->names->h_prev) &&
           emit(p, (scalar_op){.code = SCALAR_DIVIDE}, -1);
}

static bool call(parser *p, int32_t code)
{
    return in_parentheses(p) && emit(p, (scalar_op){.code = code}, 0);
}

static bool name(parser *p)
{
    char word[NAME_BYTES] = "";
    size_t n = 0;
    while (isalnum((unsigned char)p->at[n]) != 0 || p->at[n] == '_') {
        n++;
    }
    memcpy(word, p->at, n < sizeof word ? n : 0);
    p->at += n;
    if (strcmp(word, "h") == 0) {
        return emit_value(p, p->names->h);
    }
    if (strcmp(word, "x") == 0 && p->names->x >= 0) {
        return emit_value(p, p->names->x);
    }
    if (strcmp(word, "h_prev") == 0 || strcmp(word, "w") == 0) {
        return last_size(p, word[0] == 'w');
    }
    if (strcmp(word, "sqrt") == 0 || strcmp(word, "abs") == 0) {
        return call(p, word[0] == 's' ? SCALAR_SQRT : SCALAR_ABS);
    }
    if (word[0] == 's' && isdigit((unsigned char)word[1]) != 0) {
        return work_scalar(p, word + 1);
    }
    return fail(p, "an unknown name ends");
}

static bool atom(parser *p)
{
    skip_blanks(p);
    if (*p->at == '(') {
        return in_parentheses(p);
    }
    return isalpha((unsigned char)*p->at) != 0 ? name(p) : number(p);
}

static bool exponent(parser *p)
{
    if (!atom(p)) {
        return false;
    }
    if (!take(p, '^')) {
        return true;
    }
    skip_blanks(p);
    int32_t n = *p->at - '0';
    if (n < 0 || n > MAX_POWER || isalnum((unsigned char)p->at[1]) != 0 || p->at[1] == '.') {
        return fail(p, "an exponent is a digit from 0 to 8:");
    }
    p->at++;
    return emit(p, (scalar_op){.code = SCALAR_POWER, .arg = n}, 0);
}

/* Depth is counted where all recursion passes. */
static bool signed_power(parser *p)
{
    if (++p->depth > MAX_DEPTH) {
        return fail(p, "nested too deep");
    }
    bool minus = take(p, '-');
    bool good =
        minus ? signed_power(p) && emit(p, (scalar_op){.code = SCALAR_NEGATE}, 0) : exponent(p);
    p->depth--;
    return good;
}

static bool product(parser *p)
{
    bool good = signed_power(p);
    while (good) {
        int32_t code = take(p, '*') ? SCALAR_MULTIPLY : take(p, '/') ? SCALAR_DIVIDE : 0;
        if (code == 0) {
            break;
        }
        good = signed_power(p) && emit(p, (scalar_op){.code = code}, -1);
    }
    return good;
}

static bool sum(parser *p)
{
    bool good = product(p);
    while (good) {
        int32_t code = take(p, '+') ? SCALAR_ADD : take(p, '-') ? SCALAR_SUBTRACT : 0;
        if (code == 0) {
            break;
        }
        good = product(p) && emit(p, (scalar_op){.code = code}, -1);
    }
    return good;
}

int32_t scalar_text_compile(const char *text, const scalar_names *names, scalar_op *code,
                            int32_t room, char fault[SCALAR_FAULT_BYTES])
{
    fault[0] = '\0';
    if (text == NULL || strnlen(text, SCALAR_TEXT_MAX_BYTES + 1) > SCALAR_TEXT_MAX_BYTES) {
        (void)snprintf(fault, SCALAR_FAULT_BYTES, "no text, or one of more than %d characters",
                       SCALAR_TEXT_MAX_BYTES);
        return 0;
    }
    parser p = {
        .text = text, .at = text, .names = names, .code = code, .room = room, .fault = fault};
    bool good = sum(&p);
    skip_blanks(&p);
    if (good && *p.at != '\0') {
        good = fail(&p, "nothing may follow");
    }
    return good ? p.n : 0;
}

/* x^n as written: ((x x) x) ... */
static double raised(double x, int32_t n)
{
    double product_so_far = 1.0;
    for (int32_t i = 0; i < n; i++) {
        product_so_far = i == 0 ? x : product_so_far * x;
    }
    return product_so_far;
}

static double of_two(int32_t code, double x, double y)
{
    switch (code) {
    case SCALAR_ADD:
        return x + y;
    case SCALAR_SUBTRACT:
        return x - y;
    case SCALAR_MULTIPLY:
        return x * y;
    default:
        return x / y;
    }
}

static double of_one(const scalar_op *op, double x)
{
    switch (op->code) {
    case SCALAR_NEGATE:
        return -x;
    case SCALAR_POWER:
        return raised(x, op->arg);
    case SCALAR_SQRT:
        return sqrt(x);
    default:
        return fabs(x);
    }
}

double scalar_text_run(const scalar_op *code, int32_t n, const double *scalars)
{
    double stack[STACK] = {0.0};
    int32_t height = 0;
    for (int32_t i = 0; i < n; i++) {
        const scalar_op *op = &code[i];
        if (op->code == SCALAR_NUMBER || op->code == SCALAR_VALUE) {
            stack[height++] = op->code == SCALAR_NUMBER ? op->number : scalars[op->arg];
        } else if (op->code >= SCALAR_ADD && op->code <= SCALAR_DIVIDE) {
            height--;
            stack[height - 1] = of_two(op->code, stack[height - 1], stack[height]);
        } else {
            stack[height - 1] = of_one(op, stack[height - 1]);
        }
    }
    return stack[0];
}
