/* weights.h: all tensors of a session, without the optimizer's, to and from files. */
#ifndef ODEON_CORE_SESSION_WEIGHTS_H
#define ODEON_CORE_SESSION_WEIGHTS_H
#include "session/snapshot.h"

/* What the data set of the samples that were placed had fitted, which the files of weights have in
 * their metadata; NULL: nothing. */
const char *session_fitted(const session *s);
/* In the run's dtype, by path. Loading demands every one of them, in shape, and no other
 * (ODEON_ERR_DATA with the first that differs); of a model that ends with its first ODE block the
 * file may have more. path may also be a checkpoint, whose optimizer is left alone, or a run's
 * folder (run_folder_find_weights). */
odeon_status session_save(session *s, const char *path);
odeon_status session_load(session *s, const char *path);
/* What session_load would refuse or warn of, without memory for what it would load. */
odeon_status session_check_weights(const session *s, const char *path);

/* A copy on the host of parameters and running state, for a file that is to be written later. */
typedef struct session_copy {
    session_tensors list;
    char **data; /* [list.n]; NULL: there is none */
} session_copy;
odeon_status session_copy_take(session *s, session_copy *out);
void session_copy_fini(session_copy *x); /* takes one that is {0}, or of which the taking failed */
/* Writes it as weights, with step in the metadata if it is not 0; x {0}: of the session itself. */
odeon_status session_copy_write(session_copy *x, session *s, int64_t step, const char *path);

#endif
