/* verb_join.h: methods that treat parts of the state apart. A part of every sample, its features
 * from i n / parts on, lies in a vector of the whole state's shape, in whose other elements
 * anything may stand; its cotangent is 0 there. A join puts such vectors together. */
#ifndef ODEON_CORE_SOLVER_VERB_JOIN_H
#define ODEON_CORE_SOLVER_VERB_JOIN_H
#include "solver/state.h"

/* Does this field's state divide into the method's parts? Before a solve. */
odeon_status join_fit(const solver *s, const host_field *field);

odeon_status join_parts(solver *s, const program *p, const verb *w);
/* Cotangents of the parts, of that of the whole, which is then released. */
odeon_status join_reverse(solver *s, const program *p, const verb *w);

/* w has just evaluated a part of f at a state of which the method has written some parts: does that
 * part really not depend on the others? It is evaluated again with another value there, and must
 * have the same bits. ODEON_ERR_CONFIG. Waits for the device. */
odeon_status join_check(solver *s, const program *p, const verb *w);

#endif
