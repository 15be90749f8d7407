/* fixture_session.h: a session held against a fixture of tests/parity, which names the parameters
 * of the same network in its own way. */
#ifndef ODEON_TESTS_FIXTURE_SESSION_H
#define ODEON_TESTS_FIXTURE_SESSION_H
#include "support_session.h"

/* Paths that begin with ours are theirs from there on; the first that fits holds. A list ends with
 * ours NULL. */
typedef struct fixture_name {
    const char *ours, *theirs;
} fixture_name;

/* Everything below fails the test on error. */

/* Sets all parameters from the tensors "param/...". */
void fixture_set_parameters(support_session *s, const safetensors *file, const fixture_name *names);
/* The batch's inputs from tensor x, and its labels from tensor labels; NULL: 0, 1, ... */
void fixture_set_batch(support_session *s, const safetensors *file, const char *x,
                       const char *labels);

/* With ODEON_PARITY set slow setups are tried on everything, else on what others do not show. */
bool fixture_is_whole(void);

/* "train.loss=cotangent(values=...)" with all numbers of the tensor cot, whose rows are the labels
 * 0, 1, ...: what is differentiated is then the sum of output * cot. mem_free it. */
char *fixture_cotangent(const safetensors *file);

/* support_distance of n values from a tensor of the file, which must have as many. */
double fixture_distance(const safetensors *file, const char *name, int64_t n, const double *values);

typedef struct fixture_gaps {
    double worst; /* the largest distance of one tensor; NAN if one is */
    double whole; /* the distance of all tensors put together */
} fixture_gaps;

/* Gradients of the last differentiation against the tensors that begin with prefix, and d_x, unless
 * it is NULL, against the tensor x. Distances are relative to the tensor; where it vanishes against
 * all of them (a bias in front of a norm that takes it away), to all of them. */
fixture_gaps fixture_gradients(support_session *s, const safetensors *file,
                               const fixture_name *names, const char *prefix, const double *d_x,
                               const char *x);

/* Values of the running state likewise; a network without any has no gap. */
fixture_gaps fixture_states(support_session *s, const safetensors *file, const fixture_name *names,
                            const char *prefix);
/* Values of all parameters and running state that the fixture has. */
fixture_gaps fixture_values(support_session *s, const safetensors *file, const fixture_name *names,
                            const char *prefix);

#endif
