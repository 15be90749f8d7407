/* The last lines of a run say what it took and what came of it: evaluations at the first and at the
 * last step show whether the dynamics have become harder to solve, the share how far a block moves
 * its state at all. */
#include "run/train_summary.h"

#include <inttypes.h>
#include <math.h>

#include "run/evaluate.h"
#include "run/summary.h"
#include "run/train_best.h"
#include "run/train_rows.h"

/* first without a path is not known. */
static void print_block(const ode_counters *first, const ode_counters *last, double share,
                        FILE *out)
{
    fprintf(out, "%s: evaluations ", last->path);
    if (first->path != NULL) { /* another process made the first step of a run that goes on */
        fprintf(out, "at the first step %" PRId64 " forward %" PRId64 " backward, ",
                first->evals_forward, first->evals_backward);
    }
    char spread[COUNTERS_TEXT_BYTES];
    fprintf(out, "at the last %" PRId64 " forward %" PRId64 " backward%s\n", last->evals_forward,
            last->evals_backward, counters_spread_text(last, spread, sizeof spread));
    if (!isnan(share)) {
        fprintf(out, "%s: ||y(t1) - y(t0)|| / ||y(t0)|| = %.4f\n", last->path, share);
    }
}

/* Counts below 0 are those of a device that does not count, or that is the host itself
 * (train_shown_device). */
static void print_device(const device_counters *last, FILE *out)
{
    if (last->launches >= 0) {
        fprintf(out,
                "device: at the last step waits %" PRId64 ", launches %" PRId64
                ", allocations %" PRId64 "\n",
                last->waits, last->launches, last->allocs);
    }
}

/* What this process has not evaluated it does not know: a run that goes on may find that it has
 * ended, by a limit that was lowered, before a step. The share is the test's where it was measured
 * there, over all samples, else that of the last batch. */
void train_print_summary(const trainer *t, FILE *out)
{
    device_counters device = train_shown_device(t, &t->last);
    print_device(&device, out);
    for (size_t i = 0; i < t->last.n_blocks; i++) {
        static const ode_counters unknown = {.path = NULL};
        double share = t->tested.blocks[i].share;
        print_block(t->first.n_blocks > 0 ? &t->first.blocks[i] : &unknown, &t->last.blocks[i],
                    isnan(share) ? t->last.blocks[i].share : share, out);
    }
    summary_figures(out, t->session); /* of the last test */
    train_best_print(t, out);
    if (t->validation_step >= 0) {
        evaluate_print(out, t->session, "validation", &t->validated);
    }
    if (t->test_step >= 0) {
        evaluate_print(out, t->session, "test", &t->tested);
    }
}
