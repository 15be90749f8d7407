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

void session_result_fini(session_result *copy)
{
    mem_free(copy->blocks);
    *copy = (session_result){.loss = 0.0};
}
