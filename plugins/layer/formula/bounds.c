#include "bounds.h"

#include <math.h>

#include "odeon/device.h"
#include "odeon/device_pointwise.h"

/* A number, or inf, with a sign. */
static odeon_status read_bound(parsing *x, double *out)
{
    scan_name name;
    double sign = scan_take(&x->in, '-') ? -1.0 : 1.0;
    const char *at = x->in.at;
    if (scan_name_here(&x->in, &name)) {
        *out = sign * (double)INFINITY;
        return scan_is(&name, "inf") ? ODEON_OK : scan_fail(&x->in, at, "expected a number or inf");
    }
    ODEON_TRY(scan_read_number(&x->in, out));
    *out *= sign;
    return ODEON_OK;
}

/* w with softplus(w) = y > 0, which is y itself above 20. */
static double softplus_inverse(double y)
{
    return y > 20.0 ? y : log(expm1(y));
}

/* The weight that makes value between low and high, one of which is finite. */
static double weight_of(double value, double low, double high)
{
    if (isinf(high)) {
        return softplus_inverse(value - low);
    }
    if (isinf(low)) {
        return softplus_inverse(high - value);
    }
    return log((value - low) / (high - value));
}

/* The value of the weight in the program. */
static int32_t bounded(program *p, int32_t weight, double low, double high)
{
    int32_t both = !isinf(low) && !isinf(high);
    int32_t curve = program_unary(p, both ? ODEON_UNARY_SIGMOID : ODEON_UNARY_SOFTPLUS, weight);
    if (curve < 0) {
        return curve;
    }
    return both         ? program_affine(p, curve, high - low, low)
           : isinf(low) ? program_affine(p, curve, -1.0, high)
                        : program_affine(p, curve, 1.0, low);
}

static odeon_status check(const parsing *x, const scan_name *name, double value, double low,
                          double high)
{
    return value > low && value < high
               ? ODEON_OK
               : scan_fail(&x->in, name->start, "it starts at %g, which is not between %g and %g",
                           value, low, high);
}

/* All elements of a name lie between the same bounds. */
static odeon_status bound_all(parsing *x, const scan_name *name, const names_entry *entry,
                              double low, double high)
{
    operand_site site = parse_site(x);
    for (int32_t i = 0; i < operand_count(&entry->value); i++) {
        formula_param *param = &x->params[entry->param + i];
        int32_t value;
        ODEON_TRY(check(x, name, param->value, low, high));
        param->value = weight_of(param->value, low, high);
        value = bounded(x->program, operand_value(&site, &entry->value, i), low, high);
        ODEON_TRY(operand_answer(&site, name->start, value, &value));
        operand_set(&site, &entry->value, i, value);
    }
    return ODEON_OK;
}

odeon_status formula_read_bounds(parsing *x, const char *text)
{
    operand_site site = parse_site(x);
    x->in = scan_begin(x->host, "bounds", text);
    while (scan_next(&x->in) != '\0') {
        scan_name name;
        double low, high;
        ODEON_TRY(scan_read_name(&x->in, &name));
        const names_entry *entry = names_find(&x->names, &name);
        if (entry == NULL || entry->param < 0) {
            return scan_fail(&x->in, name.start, "'%.*s' is none of the learned constants",
                             name.length, name.start);
        }
        if (x->program->values[operand_value(&site, &entry->value, 0)].kind != VALUE_PARAM) {
            return scan_fail(&x->in, name.start, "'%.*s' stands twice", name.length, name.start);
        }
        if (!scan_take(&x->in, '=')) {
            return scan_fail(&x->in, x->in.at, "bounds are written name=low:high, as in a=0:inf");
        }
        ODEON_TRY(read_bound(x, &low));
        if (!scan_take(&x->in, ':')) {
            return scan_fail(&x->in, x->in.at, "expected a ':' between the two bounds");
        }
        ODEON_TRY(read_bound(x, &high));
        if (isinf(low) && isinf(high)) {
            return scan_fail(&x->in, name.start, "neither bound is a number");
        }
        ODEON_TRY(bound_all(x, &name, entry, low, high));
    }
    return ODEON_OK;
}
