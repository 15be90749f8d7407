/* A checkpoint is a file of the format wing, which knows nothing of sessions; a session lists its
 * tensors and gives their data when it is asked. This file joins the two. */
#include "run/run_checkpoint.h"

#include "session/snapshot.h"
#include "session/start.h"
#include "session/weights.h"

/* The data of each tensor is asked for twice, once for the checksum in the header and once to be
 * written: source must answer the same both times, so no batch may be between. */
static odeon_status write_tensors(const char *folder, const session *s, session_tensors *x,
                                  safetensors_source source, const checkpoint *c)
{
    checkpoint_tensors tensors = {.n = x->n, .entries = x->entries, .source = source, .context = x};
    checkpoint all = *c;
    all.fitted = session_fitted(s);
    return checkpoint_write(folder, &tensors, &all);
}

/* A list that failed half way is released as a whole one is. */
odeon_status run_checkpoint_write(const char *folder, session *s, const checkpoint *c)
{
    session_tensors x;
    odeon_status status = session_tensors_list(s, true, &x);
    if (status == ODEON_OK) {
        status = write_tensors(folder, s, &x, session_tensors_read, c);
    }
    session_tensors_fini(&x);
    return status;
}

odeon_status run_checkpoint_write_start(const char *folder, session *s, const checkpoint *c)
{
    session_tensors x;
    odeon_status status = session_start_list(s, &x);
    if (status == ODEON_OK) {
        status = write_tensors(folder, s, &x, session_start_read, c);
    }
    session_tensors_fini(&x);
    return status;
}
