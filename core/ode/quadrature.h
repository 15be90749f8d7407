/* quadrature.h: the integrals along the path that layers of a block's body declare: parts of the
 * state behind y, one for each name, which f does not depend on.
 *
 * The state of a block with integrals is [y | q_1 | q_2 | ...], each part at a multiple of 64 bytes
 * and q_k [samples]; what lies between is 0. The derivative of q_k is |dt|/dt times the integrand,
 * so that an integral along falling time has the sign of one along rising time. dL/dq does not
 * change along the path, since nothing depends on q: it is the losses' cotangent throughout. */
#ifndef ODEON_CORE_ODE_QUADRATURE_H
#define ODEON_CORE_ODE_QUADRATURE_H
#include "device/buffer.h"
#include "net/net.h"
#include "odeon/field.h"

enum { QUADRATURE_MAX_TERMS = 64 }; /* declarations in a block */

/* Invariants, after a fit: terms of one name have one address; parts[i] is that of names[i];
 * values, bars and d_q have room for n rows of samples. */
typedef struct quadrature {
    const device_lane *lane;
    int32_t n, n_terms; /* names; declarations of layers, in the order of their calls' integrands */
    const char *names[ODEON_MAX_INTEGRALS];
    int32_t name_of[QUADRATURE_MAX_TERMS];

    int64_t length;   /* elements of the state */
    double direction; /* of time: 1 or -1 */
    odeon_part parts[ODEON_MAX_INTEGRALS];
    device_buffer values, bars; /* F64 [n, samples]: integrands, and their cotangents */
    device_buffer d_q;          /* [n, samples] in the run's dtype, each row at 64 bytes */
    odeon_tensor integrand[QUADRATURE_MAX_TERMS];
    odeon_view d_integrand[QUADRATURE_MAX_TERMS];
} quadrature;

/* Finds what the layers of a body declare. ODEON_ERR_CONFIG for too much. */
odeon_status quadrature_init(quadrature *q, odeon_net *body);
void quadrature_fini(quadrature *q);

/* Parts and memory for a state whose part y is given; counts: they count in error norms. d_q is 0
 * where it grows. */
odeon_status quadrature_fit(quadrature *q, const odeon_part *y, uint32_t dtype, bool counts);

/* Sets a whole state or its derivative to 0, before y is written into it, so that nothing else is
 * left undefined. Does nothing where there are no integrals, as all below. */
odeon_status quadrature_clear(const quadrature *q, const odeon_tensor *state);
/* Around a call of the body: integrands to 0; then from there into the derivative of the state. */
odeon_status quadrature_begin(const quadrature *q);
odeon_status quadrature_store(const quadrature *q, const odeon_tensor *dy);
/* Makes d_integrand of the cotangent of the derivative of the state. */
odeon_status quadrature_take(const quadrature *q, const odeon_view *dy_bar);

/* Part i of a state, [samples], and the losses' cotangent of it. */
odeon_view quadrature_part(const quadrature *q, const odeon_view *state, int32_t i);
odeon_tensor quadrature_cotangent(const quadrature *q, int32_t i);
odeon_status quadrature_clear_cotangents(const quadrature *q);
/* Writes scale times these cotangents into the parts of a state. */
odeon_status quadrature_give(const quadrature *q, double scale, const odeon_tensor *state);

#endif
