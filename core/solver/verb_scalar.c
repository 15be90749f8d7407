#include "solver/verb_scalar.h"

/* Only programs that are not captured have scalars: what they are worth is known to the host. */
void verb_scalars(solver *s, const program *p)
{
    double *scalar = s->step.scalar;
    scalar[ODEON_ONE] = 1.0;
    scalar[ODEON_H] = s->step.h;
    scalar[ODEON_H_PREV] = s->step.h_prev;
    for (int32_t i = 0; i < p->n_scalars; i++) {
        const program_scalar *x = &p->scalars[i];
        scalar[x->out] = scalar_text_run(p->ops + x->first, x->n, scalar);
    }
}

odeon_scalar term_coefficient(const solver *s, const program_term *term)
{
    return term->scalar != ODEON_ONE
               ? odeon_imm(term->alpha * s->step.scalar[term->scalar])
               : (odeon_scalar){.imm = term->alpha, .scale = term->beta, .slot = ODEON_SLOT_H};
}

double term_value(const solver *s, const program_term *term, double h)
{
    return term->scalar != ODEON_ONE ? term->alpha * s->step.scalar[term->scalar]
                                     : term->alpha + term->beta * h;
}

bool term_is_plain(const program_term *term)
{
    return term->alpha == 1.0 && term->beta == 0.0 && term->scalar == ODEON_ONE;
}

/* gamma h and g may differ in the last place, which only where the search for k ends can tell. */
verb verb_in_h(const solver *s, const verb *w, double h)
{
    verb out = *w;
    if (w->scalar != ODEON_H) {
        out.gamma = w->gamma * s->step.scalar[w->scalar] / h;
    }
    return out;
}
