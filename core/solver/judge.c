#include "solver/judge.h"

#include "odeon/device_fused.h"
#include "odeon/device_solver.h"
#include "solver/implicit.h"
#include "solver/part_error.h"
#include "solver/step.h"
#include "solver/verb_scalar.h"

enum { MOST_ERRORS = 2 }; /* estimates of a step that are judged at once */

/* NULL: the device has only the single calls, or others than those that a fused one stands for. */
static const odeon_device_fused *fused_of(const solver *s)
{
    const odeon_device *device = s->lane->device;
    const odeon_device_fused *fused = device->get_table(device, ODEON_DEVICE_FUSED);
    bool has_all = fused != NULL && ODEON_HAS(fused, odeon_device_fused, last_step_back) &&
                   fused->step_judge != NULL;
    return has_all && fused->solver == device->solver ? fused : NULL;
}

bool judge_is_at_once(const solver *s)
{
    return s->control.n_estimates <= MOST_ERRORS && !implicit_filters(s) && fused_of(s) != NULL;
}

/* The terms of an estimate, and room for them. */
typedef struct estimate_terms {
    odeon_tensor x[ODEON_MAX_STAGES];
    const odeon_view *pointers[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
} estimate_terms;

static odeon_judged_error list_terms(const solver *s, const program *p, int32_t estimate,
                                     estimate_terms *out)
{
    const verb *w =
        program_error_verb(p, estimate); /* the recorder has checked that there is one */
    for (int32_t i = 0; i < w->n; i++) {
        const program_term *term = &p->terms[w->first + i];
        out->x[i] = vector_tensor(s, s->step.value[term->x]);
        out->pointers[i] = &out->x[i].view;
        out->coefficients[i] = term_coefficient(s, term);
    }
    return (odeon_judged_error){out->pointers, out->coefficients, w->n, 0};
}

/* Parts that count, as part_error_sum takes them of a worker alone. */
static int32_t list_parts(const solver *s, odeon_judged_part *out)
{
    const odeon_field *f = &s->task.field->abi;
    int32_t n = 0;
    for (int32_t i = 0; i < f->n_parts; i++) {
        const odeon_part *part = &f->parts[i];
        odeon_control own;
        if ((part->flags & ODEON_PART_NO_NORM) == 0) {
            int32_t each = part_control(s, i, &own) == &s->control;
            out[n++] = (odeon_judged_part){part->offset, part->n, i, each};
        }
    }
    return n;
}

static odeon_status judge_at_once(const solver *s, const program *p, const odeon_control *control)
{
    estimate_terms terms[MOST_ERRORS];
    odeon_judged_error errors[MOST_ERRORS];
    odeon_judged_part parts[ODEON_MAX_PARTS];
    odeon_tensor y0 = vector_tensor(s, s->step.value[REG_Y0]);
    odeon_tensor y1 = vector_tensor(s, s->step.value[REG_Y1]);
    int32_t n_errors = control->n_estimates > 1 ? control->n_estimates : 1;
    for (int32_t i = 0; i < n_errors; i++) {
        errors[i] = list_terms(s, p, i, &terms[i]);
    }
    const odeon_step_judge call = {.struct_size = sizeof call,
                                   .flags = ODEON_JUDGE_ENDS_PASS,
                                   .control = control,
                                   .slots = s->slots,
                                   .y0 = &y0.view,
                                   .y1 = &y1.view,
                                   .errors = errors,
                                   .parts = parts,
                                   .c = p->c,
                                   .n_errors = n_errors,
                                   .n_parts = list_parts(s, parts),
                                   .n_times = p->n_evals};
    return fused_of(s)->step_judge(s->lane->queue, &call);
}

odeon_status judge_step(solver *s, const program *p, const odeon_control *control)
{
    if (judge_is_at_once(s)) {
        return judge_at_once(s, p, control);
    }
    ODEON_TRY(step_error_sums(s, p));
    return ODEON_DO(s->lane->device, solver, step_control, s->lane->queue, .control = control,
                    .slots = s->slots);
}

odeon_status judge_step_back(const solver *s)
{
    const odeon_device_fused *fused = fused_of(s);
    const odeon_step_back call = {.struct_size = sizeof call, .slots = s->slots};
    return fused != NULL ? fused->last_step_back(s->lane->queue, &call)
                         : s->lane->device->solver->step_back(s->lane->queue, &call);
}
