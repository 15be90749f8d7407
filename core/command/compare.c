/* `odeon compare --work-precision`: integrators on one problem, or on the field that a run has
 * learned. */
#include "command/command.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "command/table_options.h"
#include "command/variants.h"
#include "run/interrupt.h"
#include "run/work_precision.h"

typedef struct lists {
    axis integrators;
    double *tolerances;
} lists;

static odeon_status read_plan(const command_line *a, lists *l, work_precision_plan *plan)
{
    *l = (lists){.tolerances = NULL};
    *plan = (work_precision_plan){.in = a->value[ARGUMENT_IN],
                                  .transformed = a->value[ARGUMENT_TRANSFORMED] != NULL};
    ODEON_TRY(table_options_check(a));
    if (a->value[ARGUMENT_WORK_PRECISION] == NULL) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "compare: --work-precision must be given (odeon help compare)");
    }
    ODEON_TRY(variants_list(a, ARGUMENT_INTEGRATORS, "--integrators", &l->integrators));
    ODEON_TRY(variants_numbers(a, ARGUMENT_TOLERANCES, "--tolerances", &plan->n_tolerances,
                               &l->tolerances));
    plan->n_integrators = l->integrators.n;
    plan->integrators = (const char *const *)l->integrators.values;
    plan->tolerances = l->tolerances;
    return ODEON_OK;
}

static odeon_status print(const command_line *a, const work_precision *x)
{
    table t = {0};
    if (table_form_of(a) == TABLE_TEXT) {
        (void)fprintf(a->out, "reference: the configuration's integrator in float64, %s\n\n",
                      x->reference);
    }
    work_precision_table(x, &t);
    odeon_status status = table_print(&t, table_form_of(a), a->out);
    table_fini(&t);
    return status;
}

static odeon_status compare(const command_line *a, const setup *s, const work_precision_plan *plan)
{
    variants v;
    work_precision x = {.n = 0};
    odeon_status status = variants_open(a, s->registry, &v);
    if (status == ODEON_OK) {
        status = interrupt_catch();
    }
    if (status == ODEON_OK) {
        status = work_precision_run(&v.base, s->config, plan, &x);
    }
    if (status == ODEON_OK) {
        status = print(a, &x);
    }
    work_precision_fini(&x);
    variants_close(&v);
    return status;
}

/* One batch of the test split, or of what --split names, unless a file or nothing is solved for. */
static odeon_status open_samples(const command_line *a, setup *s, data_source **out)
{
    config *c = s->config;
    const char *split = a->value[ARGUMENT_SPLIT];
    *out = NULL;
    if (split != NULL && strcmp(split, "train") != 0 && strcmp(split, "test") != 0) {
        return diag_fail(ODEON_ERR_CONFIG, "--split %s: must be train or test", split);
    }
    if (a->value[ARGUMENT_IN] != NULL || c->dataset == NULL) {
        return split == NULL ? ODEON_OK
                             : diag_fail(ODEON_ERR_CONFIG, "--split %s: %s", split,
                                         c->dataset == NULL ? "the INI has no [data]"
                                                            : "one of --in and --split");
    }
    int64_t most = c->test_batch;
    c->shuffle = false;
    c->test_limit = c->test_limit == 0 || c->test_limit > most ? most : c->test_limit;
    c->limit = c->limit == 0 || c->limit > most ? most : c->limit;
    bool train = split != NULL && strcmp(split, "train") == 0;
    return data_open(c, train ? ODEON_SPLIT_TRAIN : ODEON_SPLIT_TEST, out);
}

static odeon_status run_compare(const command_line *a)
{
    setup s = {.registry = NULL};
    lists l;
    work_precision_plan plan;
    data_source *source = NULL;
    odeon_status status = read_plan(a, &l, &plan);
    if (status == ODEON_OK) {
        status = setup_open_model(a, &s);
    }
    if (status == ODEON_OK) {
        status = open_samples(a, &s, &source);
    }
    if (status == ODEON_OK) {
        plan.source = source;
        plan.batch = s.config->test_batch;
        status = compare(a, &s, &plan);
    }
    data_close(source);
    setup_close(&s);
    axis_fini(&l.integrators);
    mem_free(l.tolerances);
    return status;
}

const command command_compare = {
    .name = "compare",
    .operands = "INI|RUN --work-precision [...]",
    .summary = "compare integrators on a model's ODE",
    .help =
        "Solves the model's first ODE block by every integrator that is installed, at tolerances\n"
        "1e-2 to 1e-8 (those that cannot choose steps with 8 to 512 equal ones), and shows error,\n"
        "evaluations, steps and milliseconds of each. The error is the root mean square over all\n"
        "states that come out, relative to a reference by the INI's own integrator in float64 at\n"
        "a hundredth of the least tolerance. A run's folder, or --weights, is a trained field;\n"
        "an INI without [data] a problem. Solved for: a batch of the test split, samples of a\n"
        "file, or, without [data], one sample of zeros. An integrator that cannot solve it is a\n"
        "row with the reason.\n\n"
        "  --work-precision    error against work, the one comparison there is\n"
        "  --integrators A|B   these alone\n"
        "  --tolerances A|B    these, of rtol and atol\n"
        "  --split NAME        samples of the train or the test split\n"
        "  --in FILE           samples of a file, as of solve; --transformed likewise\n"
        "  --weights FILE      the same as train.weights=FILE\n"
        "  --csv, --json       as CSV or JSON\n",
    .options = UINT64_C(1) << ARGUMENT_WORK_PRECISION | UINT64_C(1) << ARGUMENT_INTEGRATORS |
               UINT64_C(1) << ARGUMENT_TOLERANCES | UINT64_C(1) << ARGUMENT_SPLIT |
               UINT64_C(1) << ARGUMENT_IN | UINT64_C(1) << ARGUMENT_TRANSFORMED |
               UINT64_C(1) << ARGUMENT_WEIGHTS | UINT64_C(1) << ARGUMENT_CSV |
               UINT64_C(1) << ARGUMENT_JSON,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_compare,
};
