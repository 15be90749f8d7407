/* terms.h: the terms of a block's field, f(t, y) = body(t, y) + stiff(t, y), where the block has a
 * section `stiff`; of others the body is all of f. */
#ifndef ODEON_CORE_ODE_TERMS_H
#define ODEON_CORE_ODE_TERMS_H
#include "device/buffer.h"
#include "net/net.h"
#include "odeon/field.h"

enum { TERM_BODY = 1, TERM_STIFF = 2, N_TERMS = 2 }; /* as calls name them: 1 + the index */

/* Invariants, after a fit: plan is of the same samples and flags as the body's; a frame holds what
 * the body keeps and, from frame_at on, what stiff keeps. */
typedef struct field_terms {
    odeon_net *stiff; /* NULL: one term */
    const net_plan *body_plan, *plan;
    int64_t frame_at, frame_bytes; /* frame_bytes: of both */
    device_buffer summand;         /* what stiff makes, until it is added */
    int64_t summand_bytes;         /* by the last fit; 0: one term */
} field_terms;

/* All that calls need for so many samples of a state of so many bytes. May allocate. */
odeon_status field_terms_fit(field_terms *x, const net_plan *body_plan,
                             const odeon_layer_call *call, int64_t samples, int64_t state_bytes);
void field_terms_fini(field_terms *x, const odeon_device *device);

/* The properties of the layers of both (ODEON_LAYER_*), as odeon_body_plan.flags has them. */
uint32_t field_terms_flags(const field_terms *x);
/* Those of the field, [N_TERMS]. */
extern const odeon_field_term field_terms_list[N_TERMS];

/* out = the terms that are named, at in; frame NULL: no vjp will follow; out NULL: only the frame
 * is wanted. */
odeon_status field_terms_forward(const field_terms *x, const odeon_layer_call *call, int32_t term,
                                 const void *in, const odeon_tensor *out, char *frame);
/* y_bar (NULL: not wanted) is written; call->flags as of net_vjp. */
odeon_status field_terms_vjp(const field_terms *x, const odeon_layer_call *call, int32_t term,
                             char *frame, const odeon_field_vjp *vjp);

/* net_bind_grads, net_finish and net_param_range of the body and of stiff. */
void field_terms_bind_grads(const field_terms *x, odeon_net *body, char *grads);
odeon_status field_terms_finish(const field_terms *x, odeon_net *body,
                                const odeon_layer_call *call);
void field_terms_param_range(const field_terms *x, const odeon_net *body, int64_t *begin,
                             int64_t *end);

#endif
