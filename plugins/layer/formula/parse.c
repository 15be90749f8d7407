#include "parse.h"

#include <string.h>

#include "bounds.h"
#include "expression.h"

/* ---- names ---- */

/* Adds a new name; it must not be defined already or equal a reserved word. */
static odeon_status define(parsing *x, const scan_name *name, names_entry **out)
{
    if (scan_is(name, "t") || parse_function(name) >= 0 || parse_is_choice(name)) {
        return scan_fail(&x->in, name->start, "'%.*s' has a meaning already", name->length,
                         name->start);
    }
    if (names_find(&x->names, name) != NULL) {
        return scan_fail(&x->in, name->start, "'%.*s' stands for something already", name->length,
                         name->start);
    }
    *out = names_add(&x->names, name);
    return *out != NULL ? ODEON_OK
                        : scan_fail(&x->in, name->start, "more than %d names", NAMES_MAX);
}

static odeon_status read_signed(parsing *x, double *out)
{
    double sign = scan_take(&x->in, '-') ? -1.0 : 1.0;
    ODEON_TRY(scan_read_number(&x->in, out));
    *out *= sign;
    return ODEON_OK;
}

static bool is_number_next(parsing *x)
{
    char c = scan_next(&x->in);
    return c == '-' || scan_starts_number(c);
}

/* A number each, or one for all of them. */
static odeon_status read_values(parsing *x, const scan_name *name, const operand *out)
{
    int32_t n = operand_count(out), given = 0;
    operand_site site = parse_site(x);
    do {
        double value;
        int32_t made;
        ODEON_TRY(read_signed(x, &value));
        ODEON_TRY(operand_answer(&site, name->start, program_constant(x->program, value), &made));
        if (given < n) {
            operand_set(&site, out, given, made);
        }
        given++;
    } while (!operand_is_number(out) && is_number_next(x));
    for (int32_t i = 1; given == 1 && i < n; i++) {
        operand_set(&site, out, i, operand_value(&site, out, 0));
    }
    return given == 1 || given == n
               ? ODEON_OK
               : scan_fail(&x->in, name->start, "'%.*s' has %d elements, but %d numbers are given",
                           name->length, name->start, (int)n, (int)given);
}

/* Constants become values of the program that are folded into others. */
static odeon_status read_constants(parsing *x, const char *text)
{
    operand_site site = parse_site(x);
    x->in = scan_begin(x->host, "constants", text);
    while (scan_next(&x->in) != '\0') {
        scan_name name;
        names_entry *entry;
        int32_t rows, cols;
        ODEON_TRY(scan_read_name(&x->in, &name));
        ODEON_TRY(define(x, &name, &entry));
        ODEON_TRY(parse_shape(x, &rows, &cols));
        if (!scan_take(&x->in, '=')) {
            return scan_fail(&x->in, x->in.at,
                             "constants are written name=number, with blanks between");
        }
        operand value;
        ODEON_TRY(operand_new(&site, name.start, rows, cols, &value));
        ODEON_TRY(read_values(x, &name, &value));
        entry->value = value;
    }
    return ODEON_OK;
}

/* "a", or of element i of a vector or matrix "a_1", "a_0_1". */
static void name_param(const scan_name *name, const operand *whole, int32_t i, formula_param *out)
{
    if (operand_is_number(whole)) {
        (void)snprintf(out->name, sizeof out->name, "%.*s", name->length, name->start);
    } else if (whole->cols == 0) {
        (void)snprintf(out->name, sizeof out->name, "%.*s_%d", name->length, name->start, (int)i);
    } else {
        (void)snprintf(out->name, sizeof out->name, "%.*s_%d_%d", name->length, name->start,
                       (int)(i / whole->cols), (int)(i % whole->cols));
    }
}

/* An element of A may be called what another constant is. */
static odeon_status check_name(const parsing *x, const scan_name *name, int32_t index)
{
    for (int32_t i = 0; i < index; i++) {
        if (strcmp(x->params[i].name, x->params[index].name) == 0) {
            return scan_fail(&x->in, name->start, "two learned constants are called '%s'",
                             x->params[i].name);
        }
    }
    return ODEON_OK;
}

/* A learnable constant is no longer folded: its name now denotes parameters of the program. */
static odeon_status learn(parsing *x, const scan_name *name, names_entry *entry)
{
    operand_site site = parse_site(x);
    entry->param = x->program->n_params;
    for (int32_t i = 0; i < operand_count(&entry->value); i++) {
        int32_t index = x->program->n_params, value = operand_value(&site, &entry->value, i);
        if (index == PROGRAM_MAX_PARAMS) {
            return scan_fail(&x->in, name->start, "more than %d names", PROGRAM_MAX_PARAMS);
        }
        name_param(name, &entry->value, i, &x->params[index]);
        x->params[index].value = x->program->values[value].shift;
        ODEON_TRY(check_name(x, name, index));
        x->program->n_params++;
        ODEON_TRY(operand_answer(&site, name->start, program_param(x->program, index), &value));
        operand_set(&site, &entry->value, i, value);
    }
    return ODEON_OK;
}

static odeon_status read_learn(parsing *x, const char *text)
{
    x->in = scan_begin(x->host, "learn", text);
    while (scan_next(&x->in) != '\0') {
        scan_name name;
        ODEON_TRY(scan_read_name(&x->in, &name));
        names_entry *entry = names_find(&x->names, &name);
        if (entry == NULL || entry->param >= 0) {
            return scan_fail(&x->in, name.start, "'%.*s' %s", name.length, name.start,
                             entry == NULL ? "is none of the constants" : "stands twice");
        }
        ODEON_TRY(learn(x, &name, entry));
    }
    return ODEON_OK;
}

/* The elements of a vector or matrix are components one after the other, row by row. */
static odeon_status add_input(parsing *x, const scan_name *name, int32_t rows, int32_t cols)
{
    names_entry *entry;
    operand value;
    operand_site site = parse_site(x);
    ODEON_TRY(define(x, name, &entry));
    ODEON_TRY(operand_new(&site, name->start, rows, cols, &value));
    entry->component = x->program->n_inputs;
    for (int32_t i = 0; i < operand_count(&value); i++) {
        int32_t made = program_input(x->program, x->program->n_inputs++);
        ODEON_TRY(operand_answer(&site, name->start, made, &made));
        operand_set(&site, &value, i, made);
    }
    entry->value = value;
    return ODEON_OK;
}

static odeon_status read_inputs(parsing *x, const char *text)
{
    x->in = scan_begin(x->host, "inputs", text);
    while (scan_next(&x->in) != '\0') {
        scan_name name;
        int32_t rows, cols;
        ODEON_TRY(scan_read_name(&x->in, &name));
        ODEON_TRY(parse_shape(x, &rows, &cols));
        ODEON_TRY(add_input(x, &name, rows, cols));
    }
    return ODEON_OK;
}

/* A first pass collects the components, the names with a prime, since every equation may use all of
 * them. The text of a shape that is wrong is refused here. */
static odeon_status find_components(parsing *x, const char *text)
{
    x->in = scan_begin(x->host, "equations", text);
    for (bool more = true; more; more = scan_skip_past(&x->in, '|')) {
        scan_name name;
        int32_t rows = 0, cols = 0;
        (void)scan_next(&x->in);
        if (!scan_name_here(&x->in, &name)) {
            continue;
        }
        ODEON_TRY(parse_shape(x, &rows, &cols));
        if (scan_take(&x->in, '\'')) {
            ODEON_TRY(add_input(x, &name, rows, cols));
        }
    }
    return ODEON_OK;
}

/* ---- equations ---- */

static odeon_status add_outputs(parsing *x, const char *at, const operand *value)
{
    program *p = x->program;
    operand_site site = parse_site(x);
    for (int32_t i = 0; i < operand_count(value); i++) {
        if (p->n_outputs == PROGRAM_MAX_OUTPUTS) {
            return scan_fail(&x->in, at, "more than %d components", PROGRAM_MAX_OUTPUTS);
        }
        p->outputs[p->n_outputs++] = operand_value(&site, value, i);
    }
    return ODEON_OK;
}

/* The left-hand side of an equation. */
typedef struct left_side {
    scan_name name;
    int32_t rows, cols;
    bool derivative;
} left_side;

/* primes: derivatives are allowed. The size of an intermediate follows from what it is. */
static odeon_status read_left(parsing *x, bool primes, left_side *out)
{
    ODEON_TRY(scan_read_name(&x->in, &out->name));
    ODEON_TRY(parse_shape(x, &out->rows, &out->cols));
    out->derivative = scan_take(&x->in, '\'');
    const scan_name *name = &out->name;
    if (out->derivative && !primes) {
        return scan_fail(&x->in, name->start,
                         "no prime where inputs or outputs are given: equations are name = ...");
    }
    if (!out->derivative && out->rows > 0) {
        return scan_fail(&x->in, name->start,
                         "only a component has its size here, as in x[3]' = ...; '%.*s' has that "
                         "of what stands behind its '='",
                         name->length, name->start);
    }
    return scan_take(&x->in, '=') ? ODEON_OK
                                  : scan_fail(&x->in, x->in.at, "expected a '=' after '%.*s'",
                                              name->length, name->start);
}

/* A number is the derivative of each element. */
static odeon_status add_derivative(parsing *x, const left_side *left, const operand *value)
{
    char one[64], two[64];
    operand_site site = parse_site(x);
    operand shape = {.rows = left->rows, .cols = left->cols}, all = *value;
    if (operand_is_number(value) && left->rows > 0) {
        ODEON_TRY(operand_new(&site, left->name.start, left->rows, left->cols, &all));
        for (int32_t i = 0; i < operand_count(&all); i++) {
            operand_set(&site, &all, i, operand_value(&site, value, 0));
        }
    } else if (!operand_same_shape(&shape, value)) {
        return scan_fail(&x->in, left->name.start, "it is %s, but what stands behind its '=' is %s",
                         operand_text(&shape, one, sizeof one),
                         operand_text(value, two, sizeof two));
    }
    return add_outputs(x, left->name.start, &all);
}

/* Intermediates are defined after their right-hand side, so they cannot refer to themselves. */
static odeon_status read_equation(parsing *x, bool primes)
{
    left_side left;
    operand value;
    ODEON_TRY(read_left(x, primes, &left));
    ODEON_TRY(parse_sum(x, &value));
    if (left.derivative) {
        return add_derivative(x, &left, &value);
    }
    names_entry *entry;
    ODEON_TRY(define(x, &left.name, &entry));
    entry->value = value;
    return ODEON_OK;
}

static odeon_status read_equations(parsing *x, const char *text, bool primes)
{
    x->in = scan_begin(x->host, "equations", text);
    do {
        ODEON_TRY(read_equation(x, primes));
    } while (scan_take(&x->in, '|'));
    if (scan_next(&x->in) != '\0') {
        return scan_fail(&x->in, x->in.at, "expected an operator, or '|' before the next equation");
    }
    return ODEON_OK;
}

static odeon_status read_outputs(parsing *x, const char *text)
{
    x->in = scan_begin(x->host, "outputs", text);
    while (scan_next(&x->in) != '\0') {
        scan_name name;
        ODEON_TRY(scan_read_name(&x->in, &name));
        const names_entry *entry = names_find(&x->names, &name);
        if (entry == NULL) {
            return parse_refuse_name(x, &name);
        }
        ODEON_TRY(add_outputs(x, name.start, &entry->value));
    }
    return ODEON_OK;
}

/* Constants and inputs are defined first, as equations refer to them. */
static odeon_status parse_all(parsing *x, const formula_text *text)
{
    bool primes = text->outputs == NULL;
    if ((text->inputs == NULL) != primes) {
        return odeon_fail(x->host, ODEON_ERR_CONFIG,
                          "formula: inputs and outputs come together, or neither of them");
    }
    if (text->constants != NULL) {
        ODEON_TRY(read_constants(x, text->constants));
    }
    if (text->learn != NULL) {
        ODEON_TRY(read_learn(x, text->learn));
    }
    if (text->bounds != NULL) {
        ODEON_TRY(formula_read_bounds(x, text->bounds));
    }
    ODEON_TRY(primes ? find_components(x, text->equations) : read_inputs(x, text->inputs));
    ODEON_TRY(read_equations(x, text->equations, primes));
    if (!primes) {
        ODEON_TRY(read_outputs(x, text->outputs));
    }
    if (x->program->n_outputs == 0) {
        return odeon_fail(x->host, ODEON_ERR_CONFIG,
                          "formula: equations: none of them is that of a component, name' = ...");
    }
    program_finish(x->program);
    return ODEON_OK;
}

/* Refuses learnable constants that no output depends on, as their gradient would always be 0. */
static odeon_status check_params(const parsing *x)
{
    const program *p = x->program;
    for (int32_t i = 0; i < p->n_params; i++) {
        int32_t found = 0;
        for (int32_t v = 0; v < p->n; v++) {
            const program_value *value = &p->values[v];
            found |= value->live && value->kind == VALUE_PARAM && value->id == i;
        }
        if (!found) {
            return odeon_fail(x->host, ODEON_ERR_CONFIG,
                              "formula: learn: nothing that comes out depends on '%s'",
                              x->params[i].name);
        }
    }
    return ODEON_OK;
}

/* The state is allocated because its name table is too large for the stack. */
odeon_status formula_parse(const odeon_host *host, const formula_text *text, program *p,
                           formula_param *params)
{
    parsing *x = host->alloc(host, sizeof *x);
    if (x == NULL) {
        return odeon_fail(host, ODEON_ERR_NOMEM, "formula: no memory for %zu bytes", sizeof *x);
    }
    *x = (parsing){.host = host, .program = p, .params = params};
    odeon_status status = parse_all(x, text);
    if (status == ODEON_OK) {
        status = check_params(x);
    }
    host->free(host, x);
    return status;
}
