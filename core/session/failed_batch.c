#include "session/failed_batch.h"

#include "base/mem.h"

/* Leaves {0}, so that a session can call this before every batch, whether or not the one before has
 * failed. */
void session_batch_fini(session_batch *b)
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        mem_free(b->field[role]);
    }
    mem_free(b->indices);
    *b = (session_batch){.n = 0};
}
