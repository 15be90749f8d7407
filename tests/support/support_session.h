/* support_session.h: a whole network on a small batch, for tests of gradients and of workers. */
#ifndef ODEON_TESTS_SUPPORT_SESSION_H
#define ODEON_TESTS_SUPPORT_SESSION_H
#include "plugin/registry.h"
#include "session/describe.h"
#include "session/failure.h"
#include "session/flow.h"
#include "session/parameters.h"
#include "session/placement.h"
#include "session/run_batch.h"
#include "session/session.h"
#include "session/weights.h"
#include "support.h"

/* A session of an INI given as text, and one batch for it. The input's shape is that of the INI's
 * data set; no data is opened. */
typedef struct support_session {
    registry *registry; /* the program's: of all sessions */
    config *config;
    data_fields fields;
    session *session;
    int64_t n, input_size; /* samples; elements of one */
    double *x;             /* [n, ...], deterministic */
    int64_t *labels;       /* [n]: classes, where the data set has them */
    /* By ODEON_ROLE_*, [n, ...], deterministic: x, numbers as labels, times 0, 1, ..., a mask of 0
     * and 1; NULL where the data set has no such field. */
    double *given[DATA_ROLES];
} support_session;

/* Fails the test on error. Overrides end with NULL. */
support_session support_session_open(const char *ini, int64_t n, const char *const *overrides);
/* Answers the error instead (and *out is then closed); its words are in diag_message. */
odeon_status support_session_try(const char *ini, int64_t n, const char *const *overrides,
                                 support_session *out);
/* The same of an INI of the source tree, path counting from its root. */
support_session support_session_file(const char *path, int64_t n, const char *const *overrides);
void support_session_close(support_session *s);

/* The batch as session_differentiate takes it: given, with labels in it where they are classes. */
const double *const *support_given(support_session *s);
/* Loss and result of the batch, differentiated; fails the test on error. */
session_result support_differentiate(support_session *s, double *output, double *d_x);
odeon_status support_differentiate_try(support_session *s, session_result *out);
/* Makes the blocks of a result, at most 4, outlive the next batch and the session: 256 results are
 * kept. support_differentiate has done so. */
void support_keep(session_result *result);
/* All gradients one after the other; mem_free them. */
double *support_gradients(support_session *s, int64_t *n);
/* All parameters, running state included, likewise. */
double *support_parameters(support_session *s, int64_t *n);

/* The largest distance, over all parameters and the input, between the gradient and central
 * differences of the loss. */
double support_gradient_gap(support_session *s);

/* The training split, where the data set can be opened; data_close it. */
data_source *support_batch_source(support_session *s);
/* Fails the test with what and the message unless status is 0. */
void support_require(odeon_status status, const char *what);

#endif
