#include "operand.h"

int32_t operand_count(const operand *x)
{
    return (x->rows > 0 ? x->rows : 1) * (x->cols > 0 ? x->cols : 1);
}

bool operand_is_number(const operand *x)
{
    return x->rows == 0;
}

bool operand_same_shape(const operand *a, const operand *b)
{
    return a->rows == b->rows && a->cols == b->cols;
}

int32_t operand_value(const operand_site *s, const operand *x, int32_t i)
{
    return s->pool->elements[x->at + (operand_is_number(x) ? 0 : i)];
}

void operand_set(const operand_site *s, const operand *x, int32_t i, int32_t value)
{
    s->pool->elements[x->at + i] = value;
}

const char *operand_text(const operand *x, char *text, size_t bytes)
{
    if (operand_is_number(x)) {
        (void)snprintf(text, bytes, "a number");
    } else if (x->cols == 0) {
        (void)snprintf(text, bytes, "a vector of %d", (int)x->rows);
    } else {
        (void)snprintf(text, bytes, "a matrix of %d by %d", (int)x->rows, (int)x->cols);
    }
    return text;
}

odeon_status operand_answer(const operand_site *s, const char *at, int32_t value, int32_t *out)
{
    *out = value;
    switch (value) {
    case PROGRAM_FULL:
        return scan_fail(s->in, at, "more than %d operations: too long", PROGRAM_MAX_VALUES);
    case PROGRAM_NOT_FINITE:
        return scan_fail(s->in, at, "a constant that is not finite");
    case PROGRAM_NOT_CONSTANT:
        return scan_fail(s->in, at,
                         "the exponent is no constant; a power with another one is exp(b*log(a))");
    case PROGRAM_ZERO:
        return scan_fail(s->in, at, "division by 0");
    default:
        return ODEON_OK;
    }
}

odeon_status operand_new(const operand_site *s, const char *at, int32_t rows, int32_t cols,
                         operand *out)
{
    *out = (operand){.rows = rows, .cols = cols, .at = s->pool->n};
    int32_t n = operand_count(out);
    if (n > OPERAND_MAX_ELEMENTS - s->pool->n) {
        return scan_fail(s->in, at, "more than %d elements of vectors and matrices: too long",
                         OPERAND_MAX_ELEMENTS);
    }
    s->pool->n += n;
    return ODEON_OK;
}

odeon_status operand_number(const operand_site *s, const char *at, int32_t value, operand *out)
{
    ODEON_TRY(operand_answer(s, at, value, &value));
    ODEON_TRY(operand_new(s, at, 0, 0, out));
    operand_set(s, out, 0, value);
    return ODEON_OK;
}

/* ---- element by element ---- */

/* An operation on values a, b, c of the program, of which it may not use all. */
typedef struct operation {
    int32_t (*make)(program *p, const struct operation *how, int32_t a, int32_t b, int32_t c);
    int32_t id;
    double scale, shift;
} operation;

static odeon_status not_alike(const operand_site *s, const char *at, const operand *a,
                              const operand *b)
{
    char one[64], two[64];
    return scan_fail(s->in, at,
                     "%s and %s do not go together element by element; the product of a matrix "
                     "and a vector is A @ x",
                     operand_text(a, one, sizeof one), operand_text(b, two, sizeof two));
}

/* The first that is no number gives the shape. */
static odeon_status each(const operand_site *s, const char *at, const operation *how,
                         const operand *const x[3], operand *out)
{
    const operand *shape = x[0];
    for (int32_t i = 1; i < 3; i++) {
        shape = operand_is_number(shape) ? x[i] : shape;
        if (!operand_is_number(x[i]) && !operand_same_shape(shape, x[i])) {
            return not_alike(s, at, shape, x[i]);
        }
    }
    ODEON_TRY(operand_new(s, at, shape->rows, shape->cols, out));
    for (int32_t i = 0; i < operand_count(out); i++) {
        int32_t value = how->make(s->program, how, operand_value(s, x[0], i),
                                  operand_value(s, x[1], i), operand_value(s, x[2], i));
        ODEON_TRY(operand_answer(s, at, value, &value));
        operand_set(s, out, i, value);
    }
    return ODEON_OK;
}

static int32_t make_affine(program *p, const operation *how, int32_t a, int32_t b, int32_t c)
{
    (void)b;
    (void)c;
    return program_affine(p, a, how->scale, how->shift);
}

odeon_status operand_affine(const operand_site *s, const char *at, const operand *a, double scale,
                            double shift, operand *out)
{
    const operation how = {.make = make_affine, .scale = scale, .shift = shift};
    const operand *const x[3] = {a, a, a};
    return each(s, at, &how, x, out);
}

static int32_t make_unary(program *p, const operation *how, int32_t a, int32_t b, int32_t c)
{
    (void)b;
    (void)c;
    return program_unary(p, how->id, a);
}

odeon_status operand_unary(const operand_site *s, const char *at, int32_t id, const operand *a,
                           operand *out)
{
    const operation how = {.make = make_unary, .id = id};
    const operand *const x[3] = {a, a, a};
    return each(s, at, &how, x, out);
}

static int32_t make_binary(program *p, const operation *how, int32_t a, int32_t b, int32_t c)
{
    (void)c;
    return program_binary(p, how->id, a, b);
}

odeon_status operand_binary(const operand_site *s, const char *at, int32_t id, const operand *a,
                            const operand *b, operand *out)
{
    const operation how = {.make = make_binary, .id = id};
    const operand *const x[3] = {a, b, b};
    return each(s, at, &how, x, out);
}

static int32_t make_power(program *p, const operation *how, int32_t a, int32_t b, int32_t c)
{
    (void)how;
    (void)c;
    return program_power(p, a, b);
}

odeon_status operand_power(const operand_site *s, const char *at, const operand *a,
                           const operand *exponent, operand *out)
{
    const operation how = {.make = make_power};
    const operand *const x[3] = {a, exponent, exponent};
    return each(s, at, &how, x, out);
}

static int32_t make_step(program *p, const operation *how, int32_t a, int32_t b, int32_t c)
{
    (void)how;
    (void)c;
    int32_t difference = program_binary(p, ODEON_BINARY_SUB, a, b);
    return difference < 0 ? difference : program_step(p, difference);
}

odeon_status operand_step(const operand_site *s, const char *at, const operand *a, const operand *b,
                          operand *out)
{
    const operation how = {.make = make_step};
    const operand *const x[3] = {a, b, b};
    return each(s, at, &how, x, out);
}

static int32_t make_choice(program *p, const operation *how, int32_t a, int32_t b, int32_t c)
{
    (void)how;
    return program_choose(p, a, b, c);
}

odeon_status operand_choose(const operand_site *s, const char *at, const operand *step,
                            const operand *a, const operand *b, operand *out)
{
    const operation how = {.make = make_choice};
    const operand *const x[3] = {step, a, b};
    return each(s, at, &how, x, out);
}

/* ---- sums ---- */

/* sum = sum + a b of the program, the first of them the product itself. */
static odeon_status add_product(const operand_site *s, const char *at, bool first, int32_t a,
                                int32_t b, int32_t *sum)
{
    int32_t product = program_binary(s->program, ODEON_BINARY_MUL, a, b);
    ODEON_TRY(operand_answer(s, at, product, &product));
    return operand_answer(
        s, at, first ? product : program_binary(s->program, ODEON_BINARY_ADD, *sum, product), sum);
}

odeon_status operand_sum(const operand_site *s, const char *at, const operand *a, operand *out)
{
    int32_t sum = operand_value(s, a, 0);
    for (int32_t i = 1; i < operand_count(a); i++) {
        ODEON_TRY(operand_answer(
            s, at, program_binary(s->program, ODEON_BINARY_ADD, sum, operand_value(s, a, i)),
            &sum));
    }
    return operand_number(s, at, sum, out);
}

odeon_status operand_norm(const operand_site *s, const char *at, const operand *a, operand *out)
{
    operand squares, sum;
    ODEON_TRY(operand_unary(s, at, ODEON_UNARY_SQUARE, a, &squares));
    ODEON_TRY(operand_sum(s, at, &squares, &sum));
    return operand_unary(s, at, ODEON_UNARY_SQRT, &sum, out);
}

/* A vector is a row on the left and a column on the right. */
odeon_status operand_product(const operand_site *s, const char *at, const operand *a,
                             const operand *b, operand *out)
{
    char one[64], two[64];
    int32_t inner = a->cols > 0 ? a->cols : a->rows, rows = a->cols > 0 ? a->rows : 0;
    if (operand_is_number(a) || operand_is_number(b) || inner != b->rows) {
        return scan_fail(s->in, at,
                         "%s @ %s: the columns of the left are as many as the rows of the right; a "
                         "number is multiplied by *",
                         operand_text(a, one, sizeof one), operand_text(b, two, sizeof two));
    }
    int32_t cols = b->cols, m = rows > 0 ? rows : 1, n = cols > 0 ? cols : 1;
    ODEON_TRY(operand_new(s, at, rows > 0 ? rows : cols, rows > 0 ? cols : 0, out));
    for (int32_t i = 0; i < m * n; i++) {
        int32_t sum = 0;
        for (int32_t k = 0; k < inner; k++) {
            ODEON_TRY(add_product(s, at, k == 0, operand_value(s, a, i / n * inner + k),
                                  operand_value(s, b, k * n + i % n), &sum));
        }
        operand_set(s, out, i, sum);
    }
    return ODEON_OK;
}
