/* `odeon lr-find`: a learning rate to begin with. Nothing of it is kept. */
#include "command/command.h"

#include <math.h>

#include "base/diag.h"
#include "base/number.h"
#include "command/setup.h"
#include "command/table_options.h"
#include "command/variants.h"
#include "run/interrupt.h"
#include "run/lr_find.h"
#include "run/train_length.h"
#include "session/placement.h"

enum { BATCHES = 100, LEAST_BATCHES = 10, MOST_BATCHES = 1000000, SHOWN = 20 };
static const double from_preset = 1e-6, to_preset = 10.0;

static odeon_status read_rate(const command_line *a, int option, const char *name, double preset,
                              double *out)
{
    const char *text = a->value[option];
    *out = preset;
    if (text != NULL &&
        (number_parse_f64(text, out) != NUMBER_OK || !(*out > 0.0) || !isfinite(*out))) {
        return diag_fail(ODEON_ERR_CONFIG, "%s %s: must be a number above 0", name, text);
    }
    return ODEON_OK;
}

static odeon_status read_plan(const command_line *a, lr_find_plan *plan)
{
    ODEON_TRY(table_options_check(a));
    ODEON_TRY(read_rate(a, ARGUMENT_FROM, "--from", from_preset, &plan->from));
    ODEON_TRY(read_rate(a, ARGUMENT_TO, "--to", to_preset, &plan->to));
    ODEON_TRY(variants_count(a, ARGUMENT_BATCHES, "--batches", BATCHES, LEAST_BATCHES, MOST_BATCHES,
                             &plan->batches));
    return plan->from < plan->to
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG, "lr-find: --from %g is not below --to %g", plan->from,
                           plan->to);
}

static void print_words(FILE *out, const lr_find *x)
{
    if (x->exploded) {
        (void)fprintf(out, "the loss explodes after %.2e\n", x->n > 0 ? x->rows[x->n - 1].lr : 0.0);
    }
    if (isnan(x->steepest)) {
        (void)fprintf(out, "the loss does not fall: try another range, or more batches\n");
    } else {
        (void)fprintf(out, "steepest fall at %.2e, a tenth of where it is least: %.2e\n",
                      x->steepest, x->tenth);
    }
}

/* For people some rows are enough; programs get all. */
static odeon_status print(const command_line *a, const lr_find *x)
{
    table_form form = table_form_of(a);
    table t = {0};
    int64_t step = form == TABLE_TEXT && x->n > SHOWN ? x->n / SHOWN : 1;
    lr_find_table(x, step, &t);
    odeon_status status = table_print(&t, form, a->out);
    table_fini(&t);
    if (status == ODEON_OK) {
        print_words(form == TABLE_TEXT ? a->out : a->err, x);
    }
    return status;
}

static odeon_status find(const command_line *a, setup *s, const data_source *source,
                         const lr_find_plan *plan)
{
    lr_find x;
    ODEON_TRY(setup_session(s));
    ODEON_TRY(train_check_batches(s->session, s->config, data_epoch_length(source)));
    ODEON_TRY(session_place(s->session, source));
    ODEON_TRY(interrupt_catch());
    odeon_status status = lr_find_run(s->session, s->config, source, plan, &x);
    if (status == ODEON_OK) {
        status = print(a, &x);
    }
    lr_find_fini(&x);
    return status;
}

static odeon_status run_lr_find(const command_line *a)
{
    setup s = {.registry = NULL};
    lr_find_plan plan;
    data_source *source = NULL;
    odeon_status status = read_plan(a, &plan);
    if (status == ODEON_OK) {
        status = setup_open(a, &s);
    }
    if (status == ODEON_OK) {
        status = data_open(s.config, ODEON_SPLIT_TRAIN, &source);
    }
    if (status == ODEON_OK) {
        status = find(a, &s, source, &plan);
    }
    data_close(source);
    setup_close(&s);
    return status;
}

const command command_lr_find = {
    .name = "lr-find",
    .operands = "INI|RUN [path.key=value ...]",
    .summary = "try a range of learning rates",
    .help = "Trains on one batch after the other with learning rates that grow by equal factors, "
            "until\n"
            "the loss explodes (four times its least), and shows the loss of each, and smoothed.\n"
            "Good to begin with is the rate of the steepest fall, or a tenth of that of the least\n"
            "loss. No schedule is applied, and nothing is written.\n\n"
            "  --from LR, --to LR  the range: 1e-6 to 10\n"
            "  --batches N         how many rates: 100\n"
            "  --weights FILE      the same as train.weights=FILE\n"
            "  --csv, --json       all rows as CSV or JSON; for people about twenty are shown\n",
    .options = UINT64_C(1) << ARGUMENT_FROM | UINT64_C(1) << ARGUMENT_TO |
               UINT64_C(1) << ARGUMENT_BATCHES | UINT64_C(1) << ARGUMENT_WEIGHTS |
               UINT64_C(1) << ARGUMENT_CSV | UINT64_C(1) << ARGUMENT_JSON,
    .min_operands = 1,
    .max_operands = (size_t)-1,
    .run = run_lr_find,
};
