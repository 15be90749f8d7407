#include "expression.h"

#include "odeon/device.h"
#include "odeon/device_pointwise.h"

static const struct {
    const char *name;
    int32_t id;
} functions[] = {
    {"exp", ODEON_UNARY_EXP},         {"log", ODEON_UNARY_LOG},
    {"sin", ODEON_UNARY_SIN},         {"cos", ODEON_UNARY_COS},
    {"tanh", ODEON_UNARY_TANH},       {"sqrt", ODEON_UNARY_SQRT},
    {"abs", ODEON_UNARY_ABS},         {"relu", ODEON_UNARY_RELU},
    {"sigmoid", ODEON_UNARY_SIGMOID}, {"softplus", ODEON_UNARY_SOFTPLUS},
    {"erf", ODEON_UNARY_ERF},
};
enum { N_FUNCTIONS = sizeof functions / sizeof functions[0] };
static const char function_names[] =
    "exp log sin cos tanh sqrt abs relu sigmoid softplus erf min max if sum dot norm";

int32_t parse_function(const scan_name *name)
{
    for (int32_t i = 0; i < N_FUNCTIONS; i++) {
        if (scan_is(name, functions[i].name)) {
            return functions[i].id;
        }
    }
    return -1;
}

operand_site parse_site(parsing *x)
{
    return (operand_site){.in = &x->in, .program = x->program, .pool = &x->pool};
}

static odeon_status parse_signed(parsing *x, operand *out);

/* Bounds the recursion: every cycle of the grammar passes through parse_signed, which calls
 * this. */
static odeon_status enter(parsing *x)
{
    return x->depth++ < PARSE_MAX_DEPTH
               ? ODEON_OK
               : scan_fail(&x->in, x->in.at,
                           "more than %d brackets, signs and powers in one another",
                           PARSE_MAX_DEPTH);
}

/* Consumes "(" sum ")"; the message for a missing ")" names its "(". */
static odeon_status parse_bracket(parsing *x, operand *out)
{
    (void)scan_next(&x->in);
    const char *open = x->in.at;
    if (!scan_take(&x->in, '(')) {
        return scan_fail(&x->in, open, "expected a '('");
    }
    ODEON_TRY(parse_sum(x, out));
    return scan_take(&x->in, ')') ? ODEON_OK
                                  : scan_fail(&x->in, x->in.at, "expected a ')' to the '(' at %d",
                                              scan_column(&x->in, open));
}

/* The list of known names is cut to fit the message. */
odeon_status parse_refuse_name(const parsing *x, const scan_name *name)
{
    char known[240];
    names_list(&x->names, known, sizeof known);
    return scan_fail(&x->in, name->start,
                     "'%.*s' is not known here; names are t%s, functions %s; an intermediate "
                     "stands before it is used",
                     name->length, name->start, known, function_names);
}

bool parse_is_choice(const scan_name *name)
{
    return scan_is(name, "min") || scan_is(name, "max") || scan_is(name, "if");
}

static odeon_status take(parsing *x, char c, const char *what)
{
    (void)scan_next(&x->in);
    return scan_take(&x->in, c) ? ODEON_OK
                                : scan_fail(&x->in, x->in.at, "expected a '%c' %s", c, what);
}

/* a > b is the step of a - b, a >= b what b > a is not. */
static odeon_status parse_condition(parsing *x, operand *out)
{
    operand left, right;
    operand_site site = parse_site(x);
    ODEON_TRY(parse_sum(x, &left));
    char c = scan_next(&x->in);
    const char *at = x->in.at;
    if (c != '<' && c != '>') {
        return scan_fail(&x->in, at, "expected a comparison: < <= > or >=");
    }
    (void)scan_take(&x->in, c);
    bool equal = *x->in.at == '=' && scan_take(&x->in, '=');
    ODEON_TRY(parse_sum(x, &right));
    bool swap = (c == '<') != equal;
    ODEON_TRY(operand_step(&site, at, swap ? &right : &left, swap ? &left : &right, out));
    operand step = *out;
    return equal ? operand_affine(&site, at, &step, -1.0, 1.0, out) : ODEON_OK;
}

/* The arguments of min, max and if: behind the condition two values. */
static odeon_status parse_choice(parsing *x, const scan_name *name, operand *out)
{
    operand step, a, b;
    operand_site site = parse_site(x);
    bool condition = scan_is(name, "if");
    ODEON_TRY(take(x, '(', "with the arguments"));
    if (condition) {
        ODEON_TRY(parse_condition(x, &step));
        ODEON_TRY(take(x, ',', "before what holds where the condition does"));
    }
    ODEON_TRY(parse_sum(x, &a));
    ODEON_TRY(take(x, ',', "before the next argument"));
    ODEON_TRY(parse_sum(x, &b));
    ODEON_TRY(take(x, ')', "behind the arguments"));
    if (!condition) {
        bool most = scan_is(name, "max");
        ODEON_TRY(operand_step(&site, name->start, most ? &a : &b, most ? &b : &a, &step));
    }
    return operand_choose(&site, name->start, &step, &a, &b, out);
}

/* sum, dot and norm are functions before a bracket alone: they may be names. */
static bool is_reduction(parsing *x, const scan_name *name)
{
    bool known = scan_is(name, "sum") || scan_is(name, "dot") || scan_is(name, "norm");
    return known && scan_next(&x->in) == '(';
}

static odeon_status parse_dot(parsing *x, const scan_name *name, operand *out)
{
    operand a, b, products;
    operand_site site = parse_site(x);
    ODEON_TRY(take(x, '(', "with the arguments"));
    ODEON_TRY(parse_sum(x, &a));
    ODEON_TRY(take(x, ',', "before the next argument"));
    ODEON_TRY(parse_sum(x, &b));
    ODEON_TRY(take(x, ')', "behind the arguments"));
    ODEON_TRY(operand_binary(&site, name->start, ODEON_BINARY_MUL, &a, &b, &products));
    return operand_sum(&site, name->start, &products, out);
}

static odeon_status parse_reduction(parsing *x, const scan_name *name, operand *out)
{
    operand a;
    operand_site site = parse_site(x);
    if (scan_is(name, "dot")) {
        return parse_dot(x, name, out);
    }
    ODEON_TRY(parse_bracket(x, &a));
    return scan_is(name, "sum") ? operand_sum(&site, name->start, &a, out)
                                : operand_norm(&site, name->start, &a, out);
}

/* ---- names, and elements of what they stand for ---- */

static odeon_status read_index(parsing *x, int32_t limit, const char *what, int32_t *out)
{
    double value;
    (void)scan_next(&x->in);
    const char *at = x->in.at;
    ODEON_TRY(scan_read_number(&x->in, &value));
    *out = value >= 0.0 && value <= (double)limit ? (int32_t)value : -1;
    return *out == value ? ODEON_OK
                         : scan_fail(&x->in, at, "%s is a whole number up to %d", what, limit);
}

static odeon_status close_index(parsing *x)
{
    (void)scan_next(&x->in);
    return scan_take(&x->in, ']') ? ODEON_OK
                                  : scan_fail(&x->in, x->in.at, "expected a ']' behind the index");
}

odeon_status parse_shape(parsing *x, int32_t *rows, int32_t *cols)
{
    *rows = *cols = 0;
    if (!scan_take(&x->in, '[')) {
        return ODEON_OK;
    }
    const char *at = x->in.at;
    ODEON_TRY(read_index(x, OPERAND_MAX_SIZE, "a size", rows));
    char next = scan_next(&x->in);
    if (next != ']') {
        (void)scan_take(&x->in, ',');
        ODEON_TRY(read_index(x, OPERAND_MAX_SIZE, "a size", cols));
    }
    return *rows < 1 || (next != ']' && *cols < 1) ? scan_fail(&x->in, at, "a size of 0")
                                                   : close_index(x);
}

/* x[i] of a vector, A[i, j] or A[i j] of a matrix, from 0; without brackets all of it. */
static odeon_status parse_element(parsing *x, const scan_name *name, const operand *whole,
                                  operand *out)
{
    char text[64];
    int32_t row, col = 0;
    operand_site site = parse_site(x);
    *out = *whole;
    if (!scan_take(&x->in, '[')) {
        return ODEON_OK;
    }
    if (operand_is_number(whole)) {
        return scan_fail(&x->in, name->start, "'%.*s' is a number and has no elements",
                         name->length, name->start);
    }
    ODEON_TRY(read_index(x, whole->rows - 1, "an index from 0 of this name", &row));
    if (whole->cols > 0) {
        (void)scan_take(&x->in, ',');
        if (scan_next(&x->in) == ']') {
            return scan_fail(&x->in, name->start, "'%.*s' is %s: an element is %.*s[i, j]",
                             name->length, name->start, operand_text(whole, text, sizeof text),
                             name->length, name->start);
        }
        ODEON_TRY(read_index(x, whole->cols - 1, "the second index from 0 of this name", &col));
    }
    ODEON_TRY(close_index(x));
    int32_t i = whole->cols > 0 ? row * whole->cols + col : row;
    return operand_number(&site, name->start, operand_value(&site, whole, i), out);
}

/* A function with its argument, the time, or a defined name. Functions take precedence, as define
 * reserves their names. */
static odeon_status parse_name(parsing *x, operand *out)
{
    scan_name name;
    operand_site site = parse_site(x);
    ODEON_TRY(scan_read_name(&x->in, &name));
    int32_t id = parse_function(&name);
    if (id >= 0) {
        operand a;
        ODEON_TRY(parse_bracket(x, &a));
        return operand_unary(&site, name.start, id, &a, out);
    }
    if (parse_is_choice(&name)) {
        return parse_choice(x, &name, out);
    }
    if (is_reduction(x, &name)) {
        return parse_reduction(x, &name, out);
    }
    if (scan_is(&name, "t")) {
        return operand_number(&site, name.start, program_time(x->program), out);
    }
    const names_entry *entry = names_find(&x->names, &name);
    if (entry == NULL || entry->value.at < 0) {
        return parse_refuse_name(x, &name);
    }
    return parse_element(x, &name, &entry->value, out);
}

static odeon_status parse_operand(parsing *x, operand *out)
{
    char c = scan_next(&x->in);
    if (scan_starts_number(c)) {
        const char *at = x->in.at;
        double value;
        operand_site site = parse_site(x);
        ODEON_TRY(scan_read_number(&x->in, &value));
        return operand_number(&site, at, program_constant(x->program, value), out);
    }
    return c == '(' ? parse_bracket(x, out) : parse_name(x, out);
}

/* Right-associative: the exponent is a signed operand with its own powers. */
static odeon_status parse_power(parsing *x, operand *out)
{
    operand base, exponent;
    operand_site site = parse_site(x);
    ODEON_TRY(parse_operand(x, &base));
    (void)scan_next(&x->in);
    const char *at = x->in.at;
    *out = base;
    if (!scan_take(&x->in, '^')) {
        return ODEON_OK;
    }
    ODEON_TRY(parse_signed(x, &exponent));
    return operand_power(&site, at, &base, &exponent, out);
}

static odeon_status parse_signed(parsing *x, operand *out)
{
    ODEON_TRY(enter(x));
    char sign = scan_next(&x->in);
    odeon_status status;
    if (sign == '-' || sign == '+') {
        operand inner = {.at = -1};
        operand_site site = parse_site(x);
        const char *at = x->in.at;
        (void)scan_take(&x->in, sign);
        status = parse_signed(x, &inner);
        *out = inner;
        if (status == ODEON_OK && sign == '-') {
            status = operand_affine(&site, at, &inner, -1.0, 0.0, out);
        }
    } else {
        status = parse_power(x, out);
    }
    x->depth--;
    return status;
}

/* Writing a power as ** gets a message of its own, since it would parse as a missing operand. */
static odeon_status parse_product(parsing *x, operand *out)
{
    operand_site site = parse_site(x);
    ODEON_TRY(parse_signed(x, out));
    for (;;) {
        char c = scan_next(&x->in);
        const char *at = x->in.at;
        if (c != '*' && c != '/' && c != '@') {
            return ODEON_OK;
        }
        (void)scan_take(&x->in, c);
        if (c == '*' && scan_next(&x->in) == '*' && x->in.at == at + 1) {
            return scan_fail(&x->in, at, "a power is written x^2");
        }
        int32_t id = c == '*' ? ODEON_BINARY_MUL : ODEON_BINARY_DIV;
        operand left = *out, right;
        ODEON_TRY(parse_signed(x, &right));
        ODEON_TRY(c == '@' ? operand_product(&site, at, &left, &right, out)
                           : operand_binary(&site, at, id, &left, &right, out));
    }
}

odeon_status parse_sum(parsing *x, operand *out)
{
    operand_site site = parse_site(x);
    ODEON_TRY(parse_product(x, out));
    for (;;) {
        char c = scan_next(&x->in);
        const char *at = x->in.at;
        if (c != '+' && c != '-') {
            return ODEON_OK;
        }
        (void)scan_take(&x->in, c);
        int32_t id = c == '+' ? ODEON_BINARY_ADD : ODEON_BINARY_SUB;
        operand left = *out, right;
        ODEON_TRY(parse_product(x, &right));
        ODEON_TRY(operand_binary(&site, at, id, &left, &right, out));
    }
}
