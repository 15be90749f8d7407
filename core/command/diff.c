#include "command/command.h"

#include "run/diff.h"

/* Needs neither plugins nor a session: a run is compared by its files. */
static odeon_status run_diff(const command_line *a)
{
    bool differ = false;
    ODEON_TRY(diff_runs(a->operands[0], a->operands[1], a->out, &differ));
    if (differ) {
        return COMMAND_DIFFERENT;
    }
    fprintf(a->out, "equal but for times\n");
    return ODEON_OK;
}

/* Its help lists the topics in the order of diff_runs, and the keys that changes_nothing leaves
 * out: the three belong together. */
const command command_diff = {
    .name = "diff",
    .operands = "RUN RUN",
    .summary = "say what differs between two runs",
    .help =
        "Prints, in this order, the first difference in each of: options, plugins (build-ids),\n"
        "machine, data (samples and their order), metrics (the first step, of those both runs\n"
        "have a row of, whose loss or other figure differs), weights. Times, run.name,\n"
        "run.checkpoint_every, run.checkpoint_seconds and run.patience do not count. Exit code 0\n"
        "if the runs are equal, 1 if they differ.\n",
    .min_operands = 2,
    .max_operands = 2,
    .run = run_diff,
};
