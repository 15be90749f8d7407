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

/* Constants become values of the program that are folded into others. */
static odeon_status read_constants(parsing *x, const char *text)
{
    x->in = scan_begin(x->host, "constants", text);
    while (scan_next(&x->in) != '\0') {
        scan_name name;
        names_entry *entry;
        double value, sign;
        ODEON_TRY(scan_read_name(&x->in, &name));
        ODEON_TRY(define(x, &name, &entry));
        if (!scan_take(&x->in, '=')) {
            return scan_fail(&x->in, x->in.at,
                             "constants are written name=number, with blanks between");
        }
        sign = scan_take(&x->in, '-') ? -1.0 : 1.0;
        ODEON_TRY(scan_read_number(&x->in, &value));
        ODEON_TRY(
            parse_answer(x, name.start, program_constant(x->program, sign * value), &entry->value));
    }
    return ODEON_OK;
}

/* A learnable constant is no longer folded: its name now denotes a parameter of the program. */
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
        if (x->program->n_params == PROGRAM_MAX_PARAMS) {
            return scan_fail(&x->in, name.start, "more than %d names", PROGRAM_MAX_PARAMS);
        }
        formula_param *param = &x->params[x->program->n_params];
        memcpy(param->name, name.start, (size_t)name.length);
        param->value = x->program->values[entry->value].shift;
        entry->param = x->program->n_params++;
        ODEON_TRY(
            parse_answer(x, name.start, program_param(x->program, entry->param), &entry->value));
    }
    return ODEON_OK;
}

static odeon_status add_input(parsing *x, const scan_name *name)
{
    names_entry *entry;
    ODEON_TRY(define(x, name, &entry));
    entry->component = x->program->n_inputs++;
    return parse_answer(x, name->start, program_input(x->program, entry->component), &entry->value);
}

static odeon_status read_inputs(parsing *x, const char *text)
{
    x->in = scan_begin(x->host, "inputs", text);
    while (scan_next(&x->in) != '\0') {
        scan_name name;
        ODEON_TRY(scan_read_name(&x->in, &name));
        ODEON_TRY(add_input(x, &name));
    }
    return ODEON_OK;
}

/* A first pass collects the components, the names with a prime, since every equation may use all of
 * them. */
static odeon_status find_components(parsing *x, const char *text)
{
    x->in = scan_begin(x->host, "equations", text);
    for (bool more = true; more; more = scan_skip_past(&x->in, '|')) {
        scan_name name;
        (void)scan_next(&x->in);
        if (scan_name_here(&x->in, &name) && scan_take(&x->in, '\'')) {
            ODEON_TRY(add_input(x, &name));
        }
    }
    return ODEON_OK;
}

/* ---- equations ---- */

static odeon_status add_output(parsing *x, const char *at, int32_t value)
{
    program *p = x->program;
    if (p->n_outputs == PROGRAM_MAX_OUTPUTS) {
        return scan_fail(&x->in, at, "more than %d components", PROGRAM_MAX_OUTPUTS);
    }
    p->outputs[p->n_outputs++] = value;
    return ODEON_OK;
}

/* Parses the left-hand side. primes: derivatives are allowed; *derivative: this is one. */
static odeon_status read_left(parsing *x, bool primes, scan_name *name, bool *derivative)
{
    ODEON_TRY(scan_read_name(&x->in, name));
    *derivative = scan_take(&x->in, '\'');
    if (*derivative && !primes) {
        return scan_fail(&x->in, name->start,
                         "no prime where inputs or outputs are given: equations are name = ...");
    }
    return scan_take(&x->in, '=') ? ODEON_OK
                                  : scan_fail(&x->in, x->in.at, "expected a '=' after '%.*s'",
                                              name->length, name->start);
}

/* Intermediates are defined after their right-hand side, so they cannot refer to themselves. */
static odeon_status read_equation(parsing *x, bool primes)
{
    scan_name name;
    bool derivative;
    int32_t value;
    ODEON_TRY(read_left(x, primes, &name, &derivative));
    ODEON_TRY(parse_sum(x, &value));
    if (derivative) {
        return add_output(x, name.start, value);
    }
    names_entry *entry;
    ODEON_TRY(define(x, &name, &entry));
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
        ODEON_TRY(add_output(x, name.start, entry->value));
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
