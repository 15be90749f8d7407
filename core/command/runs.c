/* `odeon runs`: what there is. Files alone are read, as by `odeon diff`, so that runs of other
 * versions are listed too. */
#include "command/command.h"

#include "base/diag.h"
#include "command/table_options.h"
#include "run/run_list.h"

static odeon_status list_runs(const command_line *a, const run_list *runs)
{
    table t = {0};
    odeon_status status = run_list_table(runs, &t);
    if (status == ODEON_OK) {
        status = table_print(&t, table_form_of(a), a->out);
    }
    table_fini(&t);
    return status;
}

static odeon_status run_runs(const command_line *a)
{
    run_list runs;
    ODEON_TRY(table_options_check(a));
    odeon_status status = run_list_find(a->n_operands > 0 ? a->operands[0] : "runs", &runs);
    if (status == ODEON_OK) {
        status = list_runs(a, &runs);
    }
    run_list_fini(&runs);
    return status;
}

const command command_runs = {
    .name = "runs",
    .operands = "[FOLDER]",
    .summary = "list runs with their state and figures",
    .help =
        "Lists the runs in FOLDER (runs if not given) and in folders of it, the oldest first:\n"
        "name, start (UTC), state, steps done and to be done, loss and accuracy of the last\n"
        "test, evaluations of all ODE blocks in the last row of training, seconds, folder, and\n"
        "the keys in which the run differs from others of its name. A state is begun (no step\n"
        "of it is kept), running, stopped (odeon train FOLDER --resume goes on), failed (a step\n"
        "of it failed numerically) or finished.\n\n"
        "  --csv, --json       the list as CSV or JSON\n",
    .options = UINT64_C(1) << ARGUMENT_CSV | UINT64_C(1) << ARGUMENT_JSON,
    .max_operands = 1,
    .run = run_runs,
};
