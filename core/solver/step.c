/* One step forward: a program's verbs on a field. */
#include "solver/solver.h"

#include <math.h>

#include "base/diag.h"

/* Where each value of the step goes. A value that a frame keeps is computed right there; the rest
 * gets vectors as the verbs are reached. */
static void place_in_frames(solver *s, const program *p)
{
    for (int32_t v = 0; v < p->n_verbs; v++) {
        const verb *w = &p->verbs[v];
        if (w->kind != VERB_EVAL) {
            continue;
        }
        char *memory = s->frames[w->eval]->memory;
        if (s->field->frame_in >= 0 && s->at[w->in].data == NULL) {
            s->at[w->in].data = memory + s->field->frame_in;
        }
        if (s->field->frame_out >= 0) {
            s->at[w->out].data = memory + s->field->frame_out;
        }
    }
}

static void take_frames(solver *s, const program *p)
{
    for (int32_t i = 0; i < p->n_evals; i++) {
        odeon_frame *frame = NULL;
        if (s->keep != ODEON_KEEP_NONE) {
            frame = s->free_frames;
            s->free_frames = frame->next;
            s->n_free_frames--;
        }
        s->frames[i] = frame;
    }
    int64_t used = s->n_frames - s->n_free_frames;
    s->use.frames = used > s->use.frames ? used : s->use.frames;
}

static odeon_status ready(solver *s, held *x)
{
    if (x->data == NULL) {
        *x = solver_take(s);
    }
    return x->data != NULL ? ODEON_OK
                           : diag_fail(ODEON_ERR_INTERNAL, "%s: out of vectors", s->path);
}

static odeon_status eval(solver *s, const verb *w)
{
    ODEON_TRY(ready(s, &s->at[w->out]));
    odeon_tensor t = solver_stage_time(s, w->eval), y = solver_vector(s, s->at[w->in]);
    odeon_tensor dy = solver_vector(s, s->at[w->out]);
    s->evals++;
    return s->field->abi.eval(s->field->abi.self, &t, &y, &dy, s->frames[w->eval]);
}

static bool is_alias(const odeon_term *terms, int32_t n)
{
    return n == 1 && terms[0].alpha == 1.0 && terms[0].beta == 0.0;
}

static odeon_scalar coefficient(const odeon_term *term)
{
    return (odeon_scalar){.imm = term->alpha, .scale = term->beta, .slot = ODEON_SLOT_H};
}

/* Elements to combine: not the trailing parts that f does not depend on where the result is only
 * evaluated at. */
static int64_t active_length(const solver *s, bool eval_only)
{
    const odeon_field *f = &s->field->abi;
    int64_t n = f->n;
    for (int32_t i = f->n_parts; eval_only && i-- > 0;) {
        if ((f->parts[i].flags & ODEON_PART_QUADRATURE) == 0) {
            break;
        }
        n = f->parts[i].offset;
    }
    return n;
}

static odeon_status combine(solver *s, const program *p, const verb *w)
{
    const odeon_term *terms = &p->terms[w->first];
    if (is_alias(terms, w->n) && s->at[w->out].data == NULL) {
        s->at[w->out] = solver_share(s->at[terms[0].x]);
        return ODEON_OK;
    }
    ODEON_TRY(ready(s, &s->at[w->out]));
    int64_t n = active_length(s, p->eval_only[w->out]);
    odeon_tensor out = solver_vector(s, s->at[w->out]), x[ODEON_MAX_STAGES];
    const odeon_tensor *pointers[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
    bool based = terms[0].alpha == 1.0 && terms[0].beta == 0.0;
    for (int32_t i = 0; i < w->n; i++) {
        x[i] = solver_vector(s, s->at[terms[i].x]);
        x[i].dim[0] = n;
        pointers[i] = &x[i];
        coefficients[i] = coefficient(&terms[i]);
    }
    out.dim[0] = n;
    return s->lane->device->ops->lincomb(s->lane->queue, &out, based ? &x[0] : NULL,
                                         w->n - (based ? 1 : 0), pointers + (based ? 1 : 0),
                                         coefficients + (based ? 1 : 0), s->slots);
}

/* Lets go of what no later verb reads. */
static void release_after(solver *s, const program *p, int32_t v)
{
    for (int32_t i = 0; i < s->stepper->n_places; i++) {
        if (p->last_use[i] == v) {
            solver_release(s, &s->at[i]);
        }
    }
}

odeon_status solver_run(solver *s, const program *p)
{
    const odeon_device_ops *ops = s->lane->device->ops;
    take_frames(s, p);
    if (s->keep != ODEON_KEEP_NONE) {
        place_in_frames(s, p);
    }
    ODEON_TRY(ops->stage_times(s->lane->queue, p->n_evals, p->c, s->slots));
    for (int32_t v = 0; v < p->n_verbs; v++) {
        const verb *w = &p->verbs[v];
        if (w->kind == VERB_EVAL) {
            ODEON_TRY(eval(s, w));
        } else if (w->out != PLACE_ERROR) {
            ODEON_TRY(combine(s, p, w));
        }
        release_after(s, p, v);
    }
    return ODEON_OK;
}

/* The terms of a program's error estimate. */
static const verb *error_verb(const program *p)
{
    for (int32_t v = 0; v < p->n_verbs; v++) {
        if (p->verbs[v].kind == VERB_COMBINE && p->verbs[v].out == PLACE_ERROR) {
            return &p->verbs[v];
        }
    }
    return NULL;
}

/* What a part is judged by: one that is integrated along has no components of y. */
static const odeon_control *control_of(const solver *s, int32_t flags, odeon_control *own)
{
    if (s->control.n_each == 0 || (flags & ODEON_PART_QUADRATURE) == 0) {
        return &s->control;
    }
    *own = s->control;
    own->n_each = 0;
    return own;
}

odeon_status solver_scaled_sums(solver *s, held y0, held y1, int32_t n, const held *x,
                                const odeon_scalar *coefficients)
{
    const odeon_device_ops *ops = s->lane->device->ops;
    odeon_control own;
    for (int32_t part = 0; part < s->field->abi.n_parts; part++) {
        odeon_tensor start = solver_part(s, y0, part), end = solver_part(s, y1, part);
        odeon_tensor parts[ODEON_MAX_STAGES];
        const odeon_tensor *pointers[ODEON_MAX_STAGES];
        for (int32_t i = 0; i < n; i++) {
            parts[i] = solver_part(s, x[i], part);
            pointers[i] = &parts[i];
        }
        int32_t flags = s->field->abi.parts[part].flags;
        if ((flags & ODEON_PART_SHARED) != 0 && s->lane->group->abi.rank != 0) {
            double none = 0.0; /* rank 0 counts for all */
            ODEON_TRY(
                ops->slots_write(s->lane->queue, s->slots, ODEON_SLOT_ERROR_SUM + part, 1, &none));
        } else if ((flags & ODEON_PART_NO_NORM) == 0) {
            ODEON_TRY(ops->error_sum(s->lane->queue, control_of(s, flags, &own), &start, &end, n,
                                     pointers, coefficients, s->slots,
                                     ODEON_SLOT_ERROR_SUM + part));
        }
    }
    return ODEON_OK;
}

odeon_status solver_error(solver *s, const program *p)
{
    const verb *w = error_verb(p);
    held x[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
    for (int32_t i = 0; i < w->n; i++) {
        x[i] = s->at[p->terms[w->first + i].x];
        coefficients[i] = coefficient(&p->terms[w->first + i]);
    }
    return solver_scaled_sums(s, s->at[PLACE_Y0], s->at[PLACE_Y1], w->n, x, coefficients);
}

odeon_status solver_error_vector(solver *s, const program *p, double h, held out)
{
    const verb *w = error_verb(p);
    odeon_tensor error = solver_vector(s, out), x[ODEON_MAX_STAGES];
    const odeon_tensor *pointers[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
    for (int32_t i = 0; i < w->n; i++) {
        const odeon_term *term = &p->terms[w->first + i];
        x[i] = solver_vector(s, s->at[term->x]);
        pointers[i] = &x[i];
        coefficients[i] = odeon_imm(term->alpha + term->beta * h);
    }
    return s->lane->device->ops->lincomb(s->lane->queue, &error, NULL, w->n, pointers, coefficients,
                                         NULL);
}

static void release_all_but_start(solver *s)
{
    int32_t n_carry = s->stepper->info.n_carry;
    for (int32_t i = 0; i < s->stepper->n_places; i++) {
        bool start = i == PLACE_Y0 || (i >= PLACE_CARRY && i < PLACE_CARRY + n_carry);
        if (!start) {
            solver_release(s, &s->at[i]);
        }
    }
}

/* Puts the frames of the step under way into a record. */
static void keep_record(solver *s, const program *p, double t, double h, int32_t first_output,
                        bool is_start)
{
    if (s->keep == ODEON_KEEP_NONE) {
        return;
    }
    s->records[s->n_records++] = (solve_record){.t = t,
                                                .h = h,
                                                .program = p,
                                                .first_frame = s->n_kept,
                                                .first_output = first_output,
                                                .n_outputs = s->next - first_output,
                                                .is_start = is_start,
                                                .is_first = !is_start && s->index == 0};
    for (int32_t i = 0; i < p->n_evals; i++) {
        s->kept[s->n_kept++] = s->frames[i];
        s->frames[i] = NULL;
    }
}

static void carry_over(solver *s)
{
    for (int32_t i = 0; i < s->stepper->info.n_carry; i++) {
        held *in = &s->at[place_carry_in(s->stepper, i)];
        held *out = &s->at[place_carry_out(s->stepper, i)];
        solver_release(s, in);
        *in = *out;
        *out = (held){0};
    }
}

odeon_status solver_accept(solver *s, const program *p, double t, double h, double t_end)
{
    int32_t first_output = s->next;
    ODEON_TRY(solver_read_outputs(s, t, h, t_end));
    keep_record(s, p, t, h, first_output, false);
    solver_release(s, &s->at[PLACE_Y0]);
    s->at[PLACE_Y0] = s->at[PLACE_Y1];
    s->at[PLACE_Y1] = (held){0};
    carry_over(s);
    release_all_but_start(s);
    solver_count(s, h, true);
    s->index++;
    return ODEON_OK;
}

void solver_count(solver *s, double h, bool accepted)
{
    double size = fabs(h);
    if (!accepted) {
        s->stats.rejected++;
        return;
    }
    s->stats.accepted++;
    s->stats.h_min = !(s->stats.h_min <= size) ? size : s->stats.h_min;
    s->stats.h_max = !(s->stats.h_max >= size) ? size : s->stats.h_max;
}

void solver_note(solver *s, double t, double h, double error, bool accepted)
{
    s->attempts[s->n_attempts++] =
        (solve_attempt){.t = t, .h = h, .error = error, .accepted = accepted};
}

void solver_reject(solver *s)
{
    release_all_but_start(s);
    for (int32_t i = 0; i < ODEON_MAX_STAGES; i++) {
        if (s->frames[i] != NULL) {
            s->frames[i]->next = s->free_frames;
            s->free_frames = s->frames[i];
            s->frames[i] = NULL;
            s->n_free_frames++;
        }
    }
}

static odeon_status zero_carry(solver *s)
{
    for (int32_t i = 0; i < s->stepper->info.n_carry; i++) {
        held *in = &s->at[place_carry_in(s->stepper, i)];
        solver_release(s, in);
        ODEON_TRY(ready(s, in));
        odeon_tensor zero = solver_vector(s, *in);
        ODEON_TRY(s->lane->device->ops->fill(s->lane->queue, &zero, odeon_imm(0.0), NULL));
    }
    return ODEON_OK;
}

odeon_status solver_begin(solver *s, double t0)
{
    const program *start = s->stepper->start;
    s->index = 0;
    if (start == NULL || start->n_verbs == 0) {
        return zero_carry(s);
    }
    ODEON_TRY(solver_reserve(s, start));
    odeon_status status = solver_run(s, start);
    if (status != ODEON_OK) {
        solver_reject(s);
        return status;
    }
    keep_record(s, start, t0, 0.0, s->next, true);
    carry_over(s);
    release_all_but_start(s);
    return ODEON_OK;
}
