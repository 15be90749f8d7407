/* `odeon audit`: how wrong gradients are, by method, integrator and tolerance. Everything is a
 * variant of one INI: the same parameters and the same batch under other keys. */
#include "command/command.h"

#include <inttypes.h>

#include "base/diag.h"
#include "base/mem.h"
#include "command/table_options.h"
#include "command/variants.h"
#include "run/audit.h"
#include "run/audit_table.h"
#include "run/interrupt.h"

enum { MOST_DIRECTIONS = 1000, DIRECTIONS = 2 };

/* The lists of the command line, behind an audit_plan. */
typedef struct lists {
    axis gradients, integrators;
    double *tolerances;
} lists;

static odeon_status read_plan(const command_line *a, lists *l, audit_plan *plan)
{
    *l = (lists){.tolerances = NULL};
    *plan = (audit_plan){.batch = a->value[ARGUMENT_BATCH]};
    ODEON_TRY(variants_count(a, ARGUMENT_DIRECTIONS, "--directions", DIRECTIONS, 0, MOST_DIRECTIONS,
                             &plan->directions));
    ODEON_TRY(variants_list(a, ARGUMENT_METHODS, "--methods", &l->gradients));
    ODEON_TRY(variants_list(a, ARGUMENT_INTEGRATORS, "--integrators", &l->integrators));
    ODEON_TRY(variants_numbers(a, ARGUMENT_TOLERANCES, "--tolerances", &plan->n_tolerances,
                               &l->tolerances));
    plan->n_gradients = l->gradients.n;
    plan->gradients = (const char *const *)l->gradients.values;
    plan->n_integrators = l->integrators.n;
    plan->integrators = (const char *const *)l->integrators.values;
    plan->tolerances = l->tolerances;
    return ODEON_OK;
}

static void lists_fini(lists *l)
{
    axis_fini(&l->gradients);
    axis_fini(&l->integrators);
    mem_free(l->tolerances);
}

static odeon_status print_one(void (*make)(const audit *, table *), const audit *x, table_form form,
                              FILE *out)
{
    table t = {0};
    make(x, &t);
    odeon_status status = table_print(&t, form, out);
    table_fini(&t);
    return status;
}

static odeon_status print(const command_line *a, const audit *x)
{
    table_form form = table_form_of(a);
    if (form != TABLE_TEXT) {
        return print_one(audit_whole_table, x, form, a->out);
    }
    (void)fprintf(a->out,
                  "%" PRId64 " samples; reference: the exact gradient in float64 of %s, loss %.9g\n"
                  "\n",
                  x->samples, x->reference, x->loss);
    ODEON_TRY(print_one(audit_table, x, form, a->out));
    (void)fputs("\n", a->out);
    return print_one(audit_group_table, x, form, a->out);
}

/* Rows that could not be measured are part of the answer; none at all is not. */
static odeon_status judge(const audit *x)
{
    for (size_t i = 0; i < x->n; i++) {
        if (x->rows[i].groups != NULL) {
            return ODEON_OK;
        }
    }
    return diag_fail(ODEON_ERR_CONFIG, "audit: no combination could be measured; the first: %s",
                     x->n > 0 && x->rows[0].reason != NULL ? x->rows[0].reason : "none");
}

static odeon_status audit_setup(const command_line *a, const setup *s, const audit_plan *plan)
{
    variants v;
    audit x = {.n = 0};
    odeon_status status = variants_open(a, s->registry, &v);
    if (status == ODEON_OK) {
        status = interrupt_catch();
    }
    if (status == ODEON_OK) {
        status = audit_run(&v.base, s->config, plan, &x);
    }
    if (status == ODEON_OK) {
        status = print(a, &x);
    }
    if (status == ODEON_OK) {
        status = judge(&x);
    }
    audit_fini(&x);
    variants_close(&v);
    return status;
}

static odeon_status run_audit(const command_line *a)
{
    setup s = {.registry = NULL};
    lists l;
    audit_plan plan;
    odeon_status status = read_plan(a, &l, &plan);
    if (status == ODEON_OK) {
        status = table_options_check(a);
    }
    if (status == ODEON_OK) {
        status = setup_open(a, &s);
    }
    if (status == ODEON_OK) {
        status = audit_setup(a, &s, &plan);
    }
    setup_close(&s);
    lists_fini(&l);
    return status;
}

const command command_audit = {
    .name = "audit",
    .operands = "INI|RUN [path.key=value ...]",
    .summary = "hold gradients against the exact one",
    .help =
        "Computes one batch's gradient by every gradient method, at several tolerances, and holds\n"
        "it against a reference: the exact gradient, in float64, of steps at a hundredth of the\n"
        "least tolerance. For all parameters and each layer: error |g - r| / |r|, and cos, of the "
        "angle.\n"
        "Along random directions dual numbers give the exact derivative of the loss that was\n"
        "computed, steps held, beside what the gradient says of it, and gap, the largest\n"
        "difference over the largest derivative: rounding for a gradient of the steps, else the\n"
        "method's error. Then evaluations, steps and bytes of all ODE blocks, and milliseconds, "
        "the\n"
        "least of up to three passes. Nothing is learnt or written.\n\n"
        "  --weights FILE      the same as train.weights=FILE; else initial weights, or a run's\n"
        "  --batch FILE        a batch as of grad; else the first batch of training\n"
        "  --methods A|B       gradient methods; if not given the INI's and all that are "
        "installed\n"
        "  --integrators A|B   integrators; if not given the INI's\n"
        "  --tolerances A|B    of rtol and atol; if not given the INI's, a tenth and a hundredth\n"
        "  --directions N      of dual numbers: 2, 0 for none\n"
        "  --dtype DTYPE       the same as run.dtype=DTYPE\n"
        "  --csv, --json       as CSV or JSON, a row for each layer of each combination\n",
    .options = UINT64_C(1) << ARGUMENT_WEIGHTS | UINT64_C(1) << ARGUMENT_BATCH |
               UINT64_C(1) << ARGUMENT_METHODS | UINT64_C(1) << ARGUMENT_INTEGRATORS |
               UINT64_C(1) << ARGUMENT_TOLERANCES | UINT64_C(1) << ARGUMENT_DIRECTIONS |
               UINT64_C(1) << ARGUMENT_DTYPE | UINT64_C(1) << ARGUMENT_CSV |
               UINT64_C(1) << ARGUMENT_JSON,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_audit,
};
