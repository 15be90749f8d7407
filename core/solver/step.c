#include "solver/step.h"

#include "odeon/device_move.h"
#include "odeon/device_solver.h"
#include "solver/implicit.h"
#include "solver/keep.h"
#include "solver/outputs.h"
#include "solver/part_error.h"
#include "solver/step_slices.h"
#include "solver/verb_join.h"
#include "solver/verb_scalar.h"

/* ---- memory ---- */

/* Of one vector, rounded up: vectors of a chunk lie one after the other. */
static int64_t vector_bytes(const host_field *field)
{
    return workspace_aligned(field->abi.n * odeon_dtype_bytes(field->abi.dtype));
}

/* Frames that are too small are given up together with the tape that holds some of them. */
void step_fit(solver *s, const host_field *field)
{
    workspace *w = &s->memory;
    workspace_fit_vectors(w, vector_bytes(field));
    if (!workspace_frames_fit(w, field->frame_bytes)) {
        solve_tape_clear(&s->tape, w);
        workspace_resize_frames(w, field->frame_bytes);
    }
    w->peak.frame_bytes = workspace_aligned(field->frame_bytes);
    s->task.field = field;
}

static bool keeps_frames(const solver *s)
{
    return (s->task.keep & ODEON_KEEP_FRAMES) != 0;
}

/* Vectors that a step, and its reverse if it is kept, can have in use at once, and before them the
 * choice of the first step: the start, two slopes and a state. One more than the step's own is
 * there for a diagnosis, which forms the error. Stages that solve equations, and joins, work with
 * more than their registers. */
static int64_t vectors_needed(const solver *s, const program *p)
{
    enum { FIRST_STEP = 4, SPARE = 3 };
    if (step_slices_suit(s, p)) {
        return step_slices_whole_vectors(s);
    }
    int64_t carry = s->stepper->info.n_carry;
    int64_t forward = p->max_live + (carry > 1 ? carry : 1), first = FIRST_STEP + carry;
    int64_t n = keeps_frames(s) && p->reverse_live > forward ? p->reverse_live : forward;
    if (p->n_implicit > 0 || p->n_joins > 0) {
        return n + IMPLICIT_VECTORS + SPARE;
    }
    return n > first ? n : first;
}

/* Room on the tape for one more record of so many frames. */
static odeon_status reserve_record(solver *s, size_t n_frames)
{
    const solve_tape *tape = &s->tape;
    size_t records = tape->n_records + 1, frames = tape->n_frames + n_frames;
    workspace_note_records(&s->memory, solve_tape_bytes(records, frames));
    return reserve_host(s, records, frames, 0);
}

/* What earlier steps hold comes on top. It grows from step to step, so that more is reserved than
 * this step needs. Between solves, while no vector is in use, as many are reserved as any program
 * known so far needs: a multistep method's later steps then find them there. */
odeon_status step_reserve(solver *s, const program *p)
{
    workspace *w = &s->memory;
    int64_t n = vectors_needed(s, p), held = keep_vectors(s);
    bool slices = step_slices_suit(s, p);
    workspace_note_vectors(w, (n + held) * vector_bytes(s->task.field) +
                                  (slices ? step_slices_bytes(s, p) : 0));
    ODEON_TRY(slices ? step_slices_reserve(s, p) : ODEON_OK);
    for (size_t i = 0; i < s->stepper->n_programs && workspace_is_idle(w); i++) {
        int64_t other = vectors_needed(s, s->stepper->programs[i]);
        n = other > n ? other : n;
    }
    ODEON_TRY(
        workspace_reserve_vectors(w, n + held > workspace_n_vectors(w) ? n + held + held / 2 : n));
    ODEON_TRY(reserve_host(s, 0, 0, s->log.n_attempts + 1));
    ODEON_TRY(keep_reserve(s));
    int32_t jacobian = p->n_implicit > 0 ? 1 : 0; /* its evaluation is kept for a moment */
    if (!keeps_frames(s)) {
        return workspace_reserve_frames(w, jacobian);
    }
    ODEON_TRY(workspace_reserve_frames(w, p->n_evals + jacobian));
    return reserve_record(s, (size_t)p->n_evals);
}

/* ---- verbs ---- */

/* T and H stand next to each other. */
odeon_status step_set_time(solver *s, double t, double h)
{
    double values[2] = {t, h};
    s->step.t = t;
    s->step.h = h;
    return ODEON_DO(s->lane->device, solver, slots_write, s->lane->queue, .slots = s->slots,
                    .first = ODEON_SLOT_T, .n = 2, .values = values);
}

odeon_status step_set_stage_times(const solver *s, const program *p)
{
    return ODEON_DO(s->lane->device, solver, stage_times, s->lane->queue, .n = p->n_evals,
                    .c = p->c, .slots = s->slots);
}

/* A value that a frame keeps is computed right there, which saves a copy; the others get vectors as
 * their verbs are reached. */
static void bind_to_frames(solver *s, const program *p)
{
    const host_field *field = s->task.field;
    for (int32_t v = 0; v < p->n_verbs; v++) {
        const verb *w = &p->verbs[v];
        if (w->kind != VERB_EVAL) {
            continue;
        }
        char *memory = s->step.frames[w->eval]->memory;
        if (field->frame_in >= 0 && s->step.value[w->in].data == NULL) {
            s->step.value[w->in].data = memory + field->frame_in;
        }
        if (field->frame_out >= 0) {
            s->step.value[w->out].data = memory + field->frame_out;
        }
    }
}

/* Without frames evaluations keep nothing (NULL). The peak is noted when they are in use. */
static void take_frames(solver *s, const program *p)
{
    bool keep = keeps_frames(s);
    for (int32_t i = 0; i < p->n_evals; i++) {
        s->step.frames[i] = keep ? workspace_take_frame(&s->memory) : NULL;
    }
    workspace_note_frames(&s->memory);
}

/* k = f(t + c h, y), at the time that stage_times has written for this evaluation. */
static odeon_status eval(solver *s, const verb *w)
{
    const odeon_field *f = &s->task.field->abi;
    ODEON_TRY(workspace_bind(&s->memory, &s->step.value[w->out]));
    odeon_tensor t = stage_time_tensor(s, w->eval), y = vector_tensor(s, s->step.value[w->in]);
    odeon_tensor dy = vector_tensor(s, s->step.value[w->out]);
    s->log.evals++;
    return field_eval_terms(f, w->terms, &t.view, &y.view, &dy, s->step.frames[w->eval]);
}

/* Elements to combine: where the result is only evaluated at, not the trailing parts that f does
 * not depend on. Of an adjoint these are the parameters' gradients, the larger part of its state.
 */
static int64_t active_length(const solver *s, bool eval_only)
{
    const odeon_field *f = &s->task.field->abi;
    int64_t n = f->n;
    for (int32_t i = f->n_parts; eval_only && i-- > 0;) {
        if ((f->parts[i].flags & ODEON_PART_QUADRATURE) == 0) {
            break;
        }
        n = f->parts[i].offset;
    }
    return n;
}

/* out = sum (alpha_i + beta_i h) x_i. One plain term only renames its vector, unless the result has
 * its place in a frame already. A first plain term is the base of the sum and saves a product. */
static odeon_status combine(solver *s, const program *p, const verb *w)
{
    const program_term *terms = &p->terms[w->first];
    bound_vector *value = s->step.value;
    bool based = term_is_plain(&terms[0]);
    if (w->n == 1 && based && value[w->out].data == NULL) {
        value[w->out] = workspace_share(value[terms[0].x]);
        return ODEON_OK;
    }
    ODEON_TRY(workspace_bind(&s->memory, &value[w->out]));
    int64_t n = active_length(s, p->eval_only[w->out]);
    odeon_tensor out = vector_tensor(s, value[w->out]), x[ODEON_MAX_STAGES];
    const odeon_view *pointers[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
    for (int32_t i = 0; i < w->n; i++) {
        x[i] = vector_tensor(s, value[terms[i].x]);
        x[i].view.shape.dim[0] = n;
        pointers[i] = &x[i].view;
        coefficients[i] = term_coefficient(s, &terms[i]);
    }
    out.view.shape.dim[0] = n;
    int32_t skip = based ? 1 : 0; /* the first is then the base of the sum */
    return ODEON_DO(s->lane->device, solver, lincomb, s->lane->queue, .y = &out,
                    .base = based ? &x[0].view : NULL, .n = w->n - skip, .x = pointers + skip,
                    .coefficient = coefficients + skip, .slots = s->slots);
}

/* Releases what no later verb reads. */
static void release_after(solver *s, const program *p, int32_t v)
{
    for (int32_t i = p->free_begin[v]; i < p->free_begin[v + 1]; i++) {
        workspace_release(&s->memory, &s->step.value[p->free_order[i]]);
    }
}

/* The error estimate is no value of the step: only its norm is wanted, which step_error_sums makes
 * in one pass. */
static odeon_status run_verb(solver *s, const program *p, const verb *w)
{
    verb solved;
    switch (w->kind) {
    case VERB_EVAL:
        ODEON_TRY(eval(s, w));
        return w->part != 0 && s->step.index == 0 ? join_check(s, p, w) : ODEON_OK;
    case VERB_IMPLICIT:
        solved = verb_in_h(s, w, s->step.h);
        return implicit_stage(s, p, &solved);
    case VERB_JOIN:
        return join_parts(s, p, w);
    default:
        return w->out != REG_ERROR ? combine(s, p, w) : ODEON_OK;
    }
}

odeon_status step_run(solver *s, const program *p)
{
    s->slices.judged = false;
    s->slices.n_reads = 0;
    take_frames(s, p);
    if (keeps_frames(s)) {
        bind_to_frames(s, p);
    }
    ODEON_TRY(s->step.timed ? ODEON_OK : step_set_stage_times(s, p));
    if (step_slices_suit(s, p)) {
        return step_slices_run(s, p);
    }
    implicit_begin_step(s);
    verb_scalars(s, p);
    for (int32_t v = 0; v < p->n_verbs; v++) {
        ODEON_TRY(run_verb(s, p, &p->verbs[v]));
        release_after(s, p, v);
    }
    return ODEON_OK;
}

/* ---- the error estimate ---- */

/* Part by part, since norms may be taken of each by itself. */
static odeon_status estimate_sums(solver *s, int32_t estimate, bound_vector y0, bound_vector y1,
                                  int32_t n, const bound_vector *x,
                                  const odeon_scalar *coefficients)
{
    int32_t n_parts = s->task.field->abi.n_parts;
    for (int32_t part = 0; part < n_parts; part++) {
        int32_t slot = ODEON_SLOT_ERROR_SUM + estimate * n_parts + part;
        odeon_tensor start = part_tensor(s, y0, part), end = part_tensor(s, y1, part);
        odeon_tensor parts[ODEON_MAX_STAGES];
        const odeon_view *pointers[ODEON_MAX_STAGES];
        for (int32_t i = 0; i < n; i++) {
            parts[i] = part_tensor(s, x[i], part);
            pointers[i] = &parts[i].view;
        }
        ODEON_TRY(part_error_sum(s, part, slot, &start.view, &end.view, n, pointers, coefficients));
    }
    return ODEON_OK;
}

odeon_status step_scaled_sums(solver *s, bound_vector y0, bound_vector y1, int32_t n,
                              const bound_vector *x, const odeon_scalar *coefficients)
{
    return estimate_sums(s, 0, y0, y1, n, x, coefficients);
}

/* One of the estimates, with h as a number: slot H may be the next step's already. */
static odeon_status estimate_vector(solver *s, const program *p, int32_t estimate, double h,
                                    bound_vector out)
{
    const verb *w =
        program_error_verb(p, estimate); /* the recorder has checked that there is one */
    odeon_tensor error = vector_tensor(s, out), x[ODEON_MAX_STAGES];
    const odeon_view *pointers[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
    for (int32_t i = 0; i < w->n; i++) {
        const program_term *term = &p->terms[w->first + i];
        x[i] = vector_tensor(s, s->step.value[term->x]);
        pointers[i] = &x[i].view;
        coefficients[i] = odeon_imm(term_value(s, term, h));
    }
    ODEON_TRY(ODEON_DO(s->lane->device, solver, lincomb, s->lane->queue, .y = &error, .n = w->n,
                       .x = pointers, .coefficient = coefficients));
    return implicit_filters(s) ? implicit_filter(s, out) : ODEON_OK;
}

/* A filter works on the estimate itself. */
static odeon_status filtered_sums(solver *s, const program *p, int32_t estimate)
{
    const bound_vector *value = s->step.value;
    const odeon_scalar one = odeon_imm(1.0);
    bound_vector error = {0};
    ODEON_TRY(workspace_bind(&s->memory, &error));
    odeon_status status = estimate_vector(s, p, estimate, s->newton.h, error);
    if (status == ODEON_OK) {
        status = estimate_sums(s, estimate, value[REG_Y0], value[REG_Y1], 1, &error, &one);
    }
    workspace_release(&s->memory, &error);
    return status;
}

/* Without a filter the estimate is never formed: error_sum combines and sums in one pass. */
static odeon_status plain_sums(solver *s, const program *p, int32_t estimate)
{
    const verb *w = program_error_verb(p, estimate);
    const bound_vector *value = s->step.value;
    bound_vector x[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
    for (int32_t i = 0; i < w->n; i++) {
        x[i] = value[p->terms[w->first + i].x];
        coefficients[i] = term_coefficient(s, &p->terms[w->first + i]);
    }
    return estimate_sums(s, estimate, value[REG_Y0], value[REG_Y1], w->n, x, coefficients);
}

odeon_status step_error_sums(solver *s, const program *p)
{
    int32_t n = s->control.n_estimates > 1 ? s->control.n_estimates : 1;
    for (int32_t i = 0; i < n && !s->slices.judged; i++) {
        ODEON_TRY(implicit_filters(s) ? filtered_sums(s, p, i) : plain_sums(s, p, i));
    }
    return ODEON_OK;
}

odeon_status step_make_whole(solver *s, const program *p, double t, double h)
{
    int64_t evals = s->log.evals, field_evals = *s->task.field->evals;
    if (!step_slices_suit(s, p)) {
        return ODEON_OK;
    }
    step_reject(s);
    s->slices.off = true;
    odeon_status status = step_reserve(s, p);
    status = status == ODEON_OK ? step_set_time(s, t, h) : status;
    status = status == ODEON_OK ? step_run(s, p) : status;
    s->slices.off = false;
    s->log.evals = evals;
    *s->task.field->evals = field_evals;
    return status;
}

odeon_status step_error_vector(solver *s, const program *p, double h, bound_vector out)
{
    return estimate_vector(s, p, 0, h, out);
}

/* ---- from step to step ---- */

/* What the next try, or the next step, starts from: Y0 and carry in. */
static void release_all_but_start(solver *s)
{
    int32_t n_carry = s->stepper->info.n_carry;
    for (int32_t i = 0; i < s->stepper->n_registers; i++) {
        bool start = i == REG_Y0 || (i >= REG_CARRY && i < REG_CARRY + n_carry);
        if (!start) {
            workspace_release(&s->memory, &s->step.value[i]);
        }
    }
}

/* Of the step under way, with the outputs from first_output on that were read off it. */
static solve_record record_of(const solver *s, const program *p, double t, double h,
                              int32_t first_output, bool is_start)
{
    return (solve_record){.t = t,
                          .h = h,
                          .h_prev = is_start ? 0.0 : s->step.h_prev,
                          .program = p,
                          .first_output = first_output,
                          .n_outputs = s->outputs.next - first_output,
                          .is_start = is_start,
                          .is_first = !is_start && s->step.index == 0};
}

/* This step's carry out is the next one's carry in. */
static void carry_over(solver *s)
{
    for (int32_t i = 0; i < s->stepper->info.n_carry; i++) {
        bound_vector *in = &s->step.value[reg_carry_in(s->stepper, i)];
        bound_vector *out = &s->step.value[reg_carry_out(s->stepper, i)];
        workspace_release(&s->memory, in);
        *in = *out;
        *out = (bound_vector){0};
    }
}

/* A start makes carry alone: Y0 stays. */
void step_take(solver *s, const solve_record *record)
{
    bound_vector *value = s->step.value;
    if (keeps_frames(s)) {
        solve_tape_push(&s->tape, record, record->program->n_evals, s->step.frames);
    }
    if (!record->is_start) {
        workspace_release(&s->memory, &value[REG_Y0]);
        value[REG_Y0] = value[REG_Y1];
        value[REG_Y1] = (bound_vector){0};
        s->step.index++;
        s->step.h_prev = record->h;
    }
    carry_over(s);
    release_all_but_start(s);
}

/* Outputs are read, and vectors are kept, first: they need the registers of the whole step. */
odeon_status step_accept(solver *s, const program *p, double t, double h, double t_end)
{
    int32_t first_output = s->outputs.next;
    ODEON_TRY(keep_values(s, p));
    if (step_slices_suit(s, p)) {
        ODEON_TRY(step_slices_miss(s, t_end) ? step_make_whole(s, p, t, h) : ODEON_OK);
        ODEON_TRY(step_slices_read(s));
    }
    ODEON_TRY(outputs_read(s, t, h, t_end));
    solve_record record = record_of(s, p, t, h, first_output, false);
    keep_record(s, &record);
    step_take(s, &record);
    return ODEON_OK;
}

/* Frames of a step that did not come to its end, or was not accepted, go back. What the next try
 * starts from stays bound. */
void step_reject(solver *s)
{
    release_all_but_start(s);
    workspace_release(&s->memory, &s->slices.spare);
    for (int32_t i = 0; i < ODEON_MAX_STAGES; i++) {
        if (s->step.frames[i] != NULL) {
            workspace_give_frame(&s->memory, s->step.frames[i]);
            s->step.frames[i] = NULL;
        }
    }
}

/* A method without a start has read nothing yet: its first steps must not depend on what a vector
 * held before. */
static odeon_status zero_carry(solver *s)
{
    for (int32_t i = 0; i < s->stepper->info.n_carry; i++) {
        bound_vector *in = &s->step.value[reg_carry_in(s->stepper, i)];
        workspace_release(&s->memory, in);
        ODEON_TRY(workspace_bind(&s->memory, in));
        odeon_tensor zero = vector_tensor(s, *in);
        ODEON_TRY(ODEON_DO(s->lane->device, move, fill, s->lane->queue, .y = &zero,
                           .value = odeon_imm(0.0)));
    }
    return ODEON_OK;
}

/* A start that evaluates f at t0 (as of a pair with "first same as last") is kept like a step,
 * since the reverse goes through it as well. Its record has size 0 and no outputs. */
odeon_status step_begin(solver *s, double t0)
{
    const program *start = s->stepper->start;
    s->step.index = 0;
    s->step.h_prev = 0.0;
    if (start == NULL || start->n_verbs == 0) {
        return zero_carry(s);
    }
    ODEON_TRY(step_reserve(s, start));
    odeon_status status = step_run(s, start);
    if (status != ODEON_OK) {
        step_reject(s);
        return status;
    }
    solve_record record = record_of(s, start, t0, 0.0, s->outputs.next, true);
    keep_record(s, &record);
    step_take(s, &record);
    return ODEON_OK;
}
