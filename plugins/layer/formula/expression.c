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
    "exp log sin cos tanh sqrt abs relu sigmoid softplus erf min max if";

int32_t parse_function(const scan_name *name)
{
    for (int32_t i = 0; i < N_FUNCTIONS; i++) {
        if (scan_is(name, functions[i].name)) {
            return functions[i].id;
        }
    }
    return -1;
}

odeon_status parse_answer(const parsing *x, const char *at, int32_t value, int32_t *out)
{
    *out = value;
    switch (value) {
    case PROGRAM_FULL:
        return scan_fail(&x->in, at, "more than %d operations: too long", PROGRAM_MAX_VALUES);
    case PROGRAM_NOT_FINITE:
        return scan_fail(&x->in, at, "a constant that is not finite");
    case PROGRAM_NOT_CONSTANT:
        return scan_fail(&x->in, at,
                         "the exponent is no constant; a power with another one is exp(b*log(a))");
    case PROGRAM_ZERO:
        return scan_fail(&x->in, at, "division by 0");
    default:
        return ODEON_OK;
    }
}

static odeon_status parse_signed(parsing *x, int32_t *out);

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
static odeon_status parse_bracket(parsing *x, int32_t *out)
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

/* The step of left - right. */
static odeon_status step_of(parsing *x, const char *at, int32_t left, int32_t right, int32_t *out)
{
    int32_t difference;
    ODEON_TRY(parse_answer(x, at, program_binary(x->program, ODEON_BINARY_SUB, left, right),
                           &difference));
    return parse_answer(x, at, program_step(x->program, difference), out);
}

/* a > b is the step of a - b, a >= b what b > a is not. */
static odeon_status parse_condition(parsing *x, int32_t *out)
{
    int32_t left, right;
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
    ODEON_TRY(step_of(x, at, swap ? right : left, swap ? left : right, out));
    return equal ? parse_answer(x, at, program_affine(x->program, *out, -1.0, 1.0), out) : ODEON_OK;
}

/* The arguments of min, max and if: behind the condition two values. */
static odeon_status parse_choice(parsing *x, const scan_name *name, int32_t *out)
{
    int32_t step = 0, a, b;
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
        ODEON_TRY(step_of(x, name->start, most ? a : b, most ? b : a, &step));
    }
    return parse_answer(x, name->start, program_choose(x->program, step, a, b), out);
}

/* A function with its argument, the time, or a defined name. Functions take precedence, as define
 * reserves their names. */
static odeon_status parse_name(parsing *x, int32_t *out)
{
    scan_name name;
    ODEON_TRY(scan_read_name(&x->in, &name));
    int32_t id = parse_function(&name);
    if (id >= 0) {
        int32_t a;
        ODEON_TRY(parse_bracket(x, &a));
        return parse_answer(x, name.start, program_unary(x->program, id, a), out);
    }
    if (parse_is_choice(&name)) {
        return parse_choice(x, &name, out);
    }
    if (scan_is(&name, "t")) {
        return parse_answer(x, name.start, program_time(x->program), out);
    }
    const names_entry *entry = names_find(&x->names, &name);
    if (entry == NULL || entry->value < 0) {
        return parse_refuse_name(x, &name);
    }
    *out = entry->value;
    return ODEON_OK;
}

static odeon_status parse_operand(parsing *x, int32_t *out)
{
    char c = scan_next(&x->in);
    if (scan_starts_number(c)) {
        const char *at = x->in.at;
        double value;
        ODEON_TRY(scan_read_number(&x->in, &value));
        return parse_answer(x, at, program_constant(x->program, value), out);
    }
    return c == '(' ? parse_bracket(x, out) : parse_name(x, out);
}

/* Right-associative: the exponent is a signed operand with its own powers. */
static odeon_status parse_power(parsing *x, int32_t *out)
{
    ODEON_TRY(parse_operand(x, out));
    (void)scan_next(&x->in);
    const char *at = x->in.at;
    if (!scan_take(&x->in, '^')) {
        return ODEON_OK;
    }
    int32_t exponent;
    ODEON_TRY(parse_signed(x, &exponent));
    return parse_answer(x, at, program_power(x->program, *out, exponent), out);
}

static odeon_status parse_signed(parsing *x, int32_t *out)
{
    ODEON_TRY(enter(x));
    char sign = scan_next(&x->in);
    odeon_status status;
    if (sign == '-' || sign == '+') {
        const char *at = x->in.at;
        (void)scan_take(&x->in, sign);
        status = parse_signed(x, out);
        if (status == ODEON_OK && sign == '-') {
            status = parse_answer(x, at, program_affine(x->program, *out, -1.0, 0.0), out);
        }
    } else {
        status = parse_power(x, out);
    }
    x->depth--;
    return status;
}

/* Writing a power as ** gets a message of its own, since it would parse as a missing operand. */
static odeon_status parse_product(parsing *x, int32_t *out)
{
    ODEON_TRY(parse_signed(x, out));
    for (;;) {
        char c = scan_next(&x->in);
        const char *at = x->in.at;
        if (c != '*' && c != '/') {
            return ODEON_OK;
        }
        (void)scan_take(&x->in, c);
        if (c == '*' && scan_next(&x->in) == '*' && x->in.at == at + 1) {
            return scan_fail(&x->in, at, "a power is written x^2");
        }
        int32_t right, id = c == '*' ? ODEON_BINARY_MUL : ODEON_BINARY_DIV;
        ODEON_TRY(parse_signed(x, &right));
        ODEON_TRY(parse_answer(x, at, program_binary(x->program, id, *out, right), out));
    }
}

odeon_status parse_sum(parsing *x, int32_t *out)
{
    ODEON_TRY(parse_product(x, out));
    for (;;) {
        char c = scan_next(&x->in);
        const char *at = x->in.at;
        if (c != '+' && c != '-') {
            return ODEON_OK;
        }
        (void)scan_take(&x->in, c);
        int32_t right, id = c == '+' ? ODEON_BINARY_ADD : ODEON_BINARY_SUB;
        ODEON_TRY(parse_product(x, &right));
        ODEON_TRY(parse_answer(x, at, program_binary(x->program, id, *out, right), out));
    }
}
