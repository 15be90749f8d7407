/* Vectors come to the host and go back: a stage waits for the device in every iteration. */
#include "solver/implicit.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "odeon/device_solver.h"
#include "odeon/layer.h"
#include "solver/host_side.h"
#include "solver/matrix_free.h"

/* ---- which fields ---- */

static odeon_status refuse(const solver *s, const char *why)
{
    return diag_fail(ODEON_ERR_UNSUPPORTED, "%s: integrator %s solves equations in its stages: %s",
                     s->path, s->stepper->instance->component->id, why);
}

odeon_status implicit_fit(solver *s, const host_field *field)
{
    bool divides = field->samples > 0 && field->abi.n % field->samples == 0;
    int64_t samples = divides ? field->samples : 1, n = field->abi.n / samples;
    if (field->abi.vjp == NULL || field->frame_bytes == 0 || field->abi.n_parts != 1) {
        return refuse(s, "this field has no vector-Jacobian product to do so by");
    }
    if (!field->is_alone) {
        return refuse(s, "the samples of a batch must not depend on one another, as they do by a "
                         "layer of the field");
    }
    if (field->moves_state) {
        return refuse(s, "the field has a layer that changes with every evaluation");
    }
    s->newton.is_wide = field->abi.dtype == ODEON_DTYPE_F64;
    s->newton.is_tight = s->spec->mode != ODEON_STEPS_ADAPTIVE;
    s->newton.has_jacobian = false;
    s->newton.is_matrix_free = n > NEWTON_MAX_DENSE;
    bool fits = newton_fit(&s->newton, samples, n) &&
                (!s->newton.is_matrix_free || krylov_fit(&s->krylov, samples, n));
    return fits ? ODEON_OK : diag_fail(ODEON_ERR_NOMEM, "%s: no memory for the solver", s->path);
}

/* ---- the Jacobian ---- */

/* J of every sample at the evaluation that the frame keeps: row i is the vjp with unit vector i, of
 * all samples in one call. */
static odeon_status make_jacobian(solver *s, const odeon_tensor *t, odeon_frame *frame,
                                  bound_vector seed, bound_vector row)
{
    newton *x = &s->newton;
    int64_t n = x->n;
    for (int64_t i = 0; i < n; i++) {
        memset(x->slope, 0, (size_t)host_length(s) * sizeof *x->slope);
        for (int64_t b = 0; b < x->samples; b++) {
            x->slope[b * n + i] = 1.0;
        }
        ODEON_TRY(host_put(s, x->slope, seed));
        ODEON_TRY(host_vjp(s, t, frame, ODEON_CALL_NO_PARAM_GRAD, seed, row));
        ODEON_TRY(host_fetch(s, row, x->slope));
        for (int64_t b = 0; b < x->samples; b++) {
            memcpy(x->jacobian + (b * n + i) * n, x->slope + b * n, (size_t)n * sizeof(double));
        }
    }
    x->factors_gh = (double)NAN;
    return ODEON_OK;
}

/* Two vectors and what is done with them. */
static odeon_status take_pair(solver *s, bound_vector pair[IMPLICIT_VECTORS])
{
    for (int i = 0; i < IMPLICIT_VECTORS; i++) {
        pair[i] = (bound_vector){0};
        ODEON_TRY(workspace_bind(&s->memory, &pair[i]));
    }
    return ODEON_OK;
}

static void release_pair(solver *s, bound_vector pair[IMPLICIT_VECTORS])
{
    for (int i = 0; i < IMPLICIT_VECTORS; i++) {
        workspace_release(&s->memory, &pair[i]);
    }
}

/* ---- a step ---- */

void implicit_begin_step(solver *s)
{
    s->newton.has_jacobian = false;
}

/* J at the start of the step, and what Newton's corrections are measured by. */
static odeon_status start_jacobian(solver *s, bound_vector pair[IMPLICIT_VECTORS])
{
    odeon_tensor t = host_start_time(s);
    const odeon_ode_spec *spec = s->spec;
    bound_vector y0 = s->step.value[REG_Y0];
    double times[2];
    ODEON_TRY(s->lane->device->ops->slots_read(s->lane->queue, s->slots, ODEON_SLOT_T, 2, times));
    s->newton.h = times[1];
    ODEON_TRY(host_fetch(s, y0, s->newton.base));
    newton_begin_step(&s->newton, s->newton.base, spec->n_rtol, spec->rtol, spec->n_atol,
                      spec->atol);
    if (s->newton.is_matrix_free) {
        odeon_status begun = matrix_free_begin_step(s, pair[1]);
        s->newton.has_jacobian = begun == ODEON_OK; /* by its products alone */
        return begun;
    }
    odeon_frame *frame = workspace_take_frame(&s->memory);
    workspace_note_frames(&s->memory);
    odeon_status status = host_evaluate(s, &t, y0, pair[1], frame);
    if (status == ODEON_OK) {
        status = make_jacobian(s, &t, frame, pair[0], pair[1]);
    }
    workspace_give_frame(&s->memory, frame);
    s->newton.has_jacobian = status == ODEON_OK;
    return status;
}

/* Before the first stage of a step that solves. */
static odeon_status need_jacobian(solver *s)
{
    bound_vector pair[IMPLICIT_VECTORS];
    if (s->newton.has_jacobian) {
        return ODEON_OK;
    }
    odeon_status status = take_pair(s, pair);
    if (status == ODEON_OK) {
        status = start_jacobian(s, pair);
    }
    release_pair(s, pair);
    return status;
}

/* ---- a stage ---- */

/* z = gamma h k of the k that the verb's terms guess. */
static odeon_status guess(solver *s, const program *p, const verb *w, double gh)
{
    const program_term *terms = &p->terms[w->first];
    odeon_tensor out = vector_tensor(s, s->step.value[w->out]), x[2];
    const odeon_view *pointers[2] = {&x[0].view, &x[1].view};
    odeon_scalar coefficients[2];
    double *z = s->newton.z;
    if (w->n == 0) {
        memset(z, 0, (size_t)host_length(s) * sizeof *z);
        return ODEON_OK;
    }
    for (int32_t i = 0; i < w->n; i++) {
        x[i] = vector_tensor(s, s->step.value[terms[i].x]);
        coefficients[i] = odeon_imm(terms[i].alpha);
    }
    ODEON_TRY(ODEON_DO(s->lane->device, solver, lincomb, s->lane->queue, .y = &out, .n = w->n,
                       .x = pointers, .coefficient = coefficients));
    ODEON_TRY(host_fetch(s, s->step.value[w->out], z));
    for (int64_t i = 0; i < host_length(s); i++) {
        z[i] *= gh;
    }
    return ODEON_OK;
}

/* y = base + z, as f is to see it. */
static odeon_status put_state(solver *s, const verb *w)
{
    newton *x = &s->newton;
    for (int64_t i = 0; i < host_length(s); i++) {
        x->slope[i] = x->base[i] + x->z[i];
    }
    return host_put(s, x->slope, s->step.value[w->state]);
}

/* Newton's iteration; k's vector serves for f's values until k is known. A step without a solution
 * is void: in a smaller one there may be one. */
static odeon_status iterate(solver *s, const odeon_tensor *t, const verb *w)
{
    int32_t answer = NEWTON_GOES_ON;
    newton_begin_stage(&s->newton);
    while (answer == NEWTON_GOES_ON) {
        ODEON_TRY(put_state(s, w));
        ODEON_TRY(host_evaluate(s, t, s->step.value[w->state], s->step.value[w->out], NULL));
        ODEON_TRY(host_fetch(s, s->step.value[w->out], s->newton.slope));
        if (s->newton.is_matrix_free) {
            ODEON_TRY(matrix_free_correct(s, s->step.value[w->state], s->step.value[w->out]));
        }
        answer = newton_iterate(&s->newton);
    }
    return answer == NEWTON_CONVERGED
               ? ODEON_OK
               : diag_fail(ODEON_VOID_STEP, "Newton's iteration does not converge");
}

/* k = z / (gamma h) */
static odeon_status put_slope(solver *s, const verb *w, double gh)
{
    newton *x = &s->newton;
    for (int64_t i = 0; i < host_length(s); i++) {
        x->slope[i] = x->z[i] / gh;
    }
    return host_put(s, x->slope, s->step.value[w->out]);
}

odeon_status implicit_stage(solver *s, const program *p, const verb *w)
{
    odeon_tensor t = stage_time_tensor(s, w->eval);
    bound_vector *value = s->step.value;
    ODEON_TRY(workspace_bind(&s->memory, &value[w->out]));
    ODEON_TRY(workspace_bind(&s->memory, &value[w->state]));
    ODEON_TRY(need_jacobian(s));
    double gh = w->gamma * s->newton.h;
    if (!newton_factor(&s->newton, gh)) {
        return diag_fail(ODEON_VOID_STEP, "I - gamma h J is singular");
    }
    ODEON_TRY(host_fetch(s, value[w->in], s->newton.base));
    ODEON_TRY(guess(s, p, w, gh));
    if (s->newton.is_matrix_free) {
        matrix_free_guess(s);
    }
    ODEON_TRY(iterate(s, &t, w));
    ODEON_TRY(put_state(s, w));
    if (s->step.frames[w->eval] != NULL) {
        ODEON_TRY(host_evaluate(s, &t, value[w->state], value[w->out], s->step.frames[w->eval]));
    }
    return put_slope(s, w, gh);
}

/* ---- the error estimate ---- */

bool implicit_filters(const solver *s)
{
    return s->stepper->tableau != NULL && s->stepper->tableau->filter_gamma != 0.0;
}

/* The factors are at hand, unless the last stage had another gamma. */
odeon_status implicit_filter(solver *s, bound_vector x)
{
    double *error = s->newton.slope;
    if (!newton_factor(&s->newton, s->stepper->tableau->filter_gamma * s->newton.h)) {
        return diag_fail(ODEON_VOID_STEP, "I - gamma h J is singular");
    }
    if (s->newton.is_matrix_free) {
        return matrix_free_filter(s, x);
    }
    ODEON_TRY(host_fetch(s, x, error));
    newton_apply(&s->newton, error);
    return host_put(s, error, x);
}

/* ---- reverse ---- */

/* k_bar + gamma h y_bar, as far as there are; base is free to hold it. */
static odeon_status gather_cotangents(solver *s, const verb *w, double gh)
{
    const bound_vector *cotangent = s->step.cotangent;
    double *sum = s->newton.base, *one = s->newton.slope;
    memset(sum, 0, (size_t)host_length(s) * sizeof *sum);
    if (cotangent[w->out].data != NULL) {
        ODEON_TRY(host_fetch(s, cotangent[w->out], sum));
    }
    if (cotangent[w->state].data != NULL) {
        ODEON_TRY(host_fetch(s, cotangent[w->state], one));
        for (int64_t i = 0; i < host_length(s); i++) {
            sum[i] += gh * one[i];
        }
    }
    return ODEON_OK;
}

/* Into pair[1] what goes to base by way of k. */
static odeon_status transposed(solver *s, const verb *w, double gh, odeon_frame *frame,
                               bound_vector pair[IMPLICIT_VECTORS])
{
    odeon_tensor t = stage_time_tensor(s, w->eval);
    newton *x = &s->newton;
    ODEON_TRY(gather_cotangents(s, w, gh));
    if (x->is_matrix_free) {
        ODEON_TRY(matrix_free_transposed(s, &t, gh, frame, pair));
        ODEON_TRY(host_put(s, x->base, pair[0]));
        return host_vjp(s, &t, frame, 0, pair[0], pair[1]);
    }
    ODEON_TRY(make_jacobian(s, &t, frame, pair[0], pair[1]));
    if (!newton_factor(x, gh)) {
        return diag_fail(ODEON_ERR_NUMERIC,
                         "%s: a stage has no gradient: I - gamma h J is singular", s->path);
    }
    newton_apply_transposed(x, x->base);
    ODEON_TRY(host_put(s, x->base, pair[0]));
    return host_vjp(s, &t, frame, 0, pair[0], pair[1]);
}

odeon_status implicit_reverse(solver *s, const verb *w, double h, odeon_frame *frame)
{
    bound_vector pair[IMPLICIT_VECTORS], *cotangent = s->step.cotangent;
    odeon_status status = take_pair(s, pair);
    if (status == ODEON_OK) {
        status = transposed(s, w, w->gamma * h, frame, pair);
    }
    if (status == ODEON_OK) {
        status = vector_hand_over(s, &cotangent[w->in], &pair[1]);
    }
    if (status == ODEON_OK) {
        status = vector_hand_over(s, &cotangent[w->in], &cotangent[w->state]);
    }
    release_pair(s, pair);
    workspace_release(&s->memory, &cotangent[w->out]);
    workspace_release(&s->memory, &cotangent[w->state]);
    return status;
}
