#include "session/result.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

/* A copy is made after every step of a run, so it reuses its blocks: their number is the same in
 * all results of a session, and memory is asked for once. */
odeon_status session_result_copy(const session_result *from, session_result *to)
{
    ode_counters *blocks = to->blocks;
    if (from->n_blocks > to->n_blocks) {
        blocks = mem_resize(to->blocks, from->n_blocks, sizeof *blocks);
        if (blocks == NULL) {
            return diag_fail(ODEON_ERR_NOMEM, "no memory for the counters of %zu ODE blocks",
                             from->n_blocks);
        }
    }
    *to = *from;
    to->blocks = blocks;
    if (from->n_blocks > 0) {
        memcpy(blocks, from->blocks, from->n_blocks * sizeof *blocks);
    }
    return ODEON_OK;
}

static void add_to_mean(double *mean, double before, double value, double weight)
{
    if (weight > 0.0) {
        *mean = ((before > 0.0 ? before * *mean : 0.0) + weight * value) / (before + weight);
    }
}

void session_result_add_means(session_result *out, const session_result *part, size_t n_metrics)
{
    add_to_mean(&out->loss, out->loss_counted, part->loss, part->loss_counted);
    for (size_t i = 0; i < n_metrics; i++) {
        add_to_mean(&out->metrics[i], out->counted, part->metrics[i], part->counted);
    }
    out->counted += part->counted;
    out->loss_counted += part->loss_counted;
}

void session_result_fini(session_result *copy)
{
    mem_free(copy->blocks);
    *copy = (session_result){.loss = 0.0};
}
