/* The contributions of combinations to one value are gathered in a single pass where that value was
 * made: every verb that reads it has been reversed by then. Nothing is stored for combinations,
 * whose reverse needs no values; frames are those of evaluations alone. */
#include "solver/reverse.h"

#include "odeon/device_move.h"
#include "odeon/device_solver.h"
#include "solver/implicit.h"
#include "solver/outputs.h"
#include "solver/step.h"
#include "solver/verb_join.h"
#include "solver/verb_scalar.h"

/* The terms of one cotangent, for one pass over memory. Invariant: n is at most ODEON_MAX_STAGES,
 * which is what one lincomb takes; more are added in several passes. Only the first n terms are
 * set: clearing the arrays would cost a small step more than its combinations. */
typedef struct gathering {
    int32_t n;
    odeon_view x[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
} gathering;

/* cotangent[reg] += what has been gathered. The first time it is written and not added to, which
 * saves clearing it. */
static odeon_status add_gathered(solver *s, int32_t reg, gathering *g)
{
    if (g->n == 0) {
        return ODEON_OK;
    }
    bool fresh = s->step.cotangent[reg].data == NULL;
    ODEON_TRY(workspace_bind(&s->memory, &s->step.cotangent[reg]));
    odeon_tensor out = vector_tensor(s, s->step.cotangent[reg]);
    const odeon_view *pointers[ODEON_MAX_STAGES];
    for (int32_t i = 0; i < g->n; i++) {
        pointers[i] = &g->x[i];
    }
    int32_t n = g->n;
    g->n = 0;
    return ODEON_DO(s->lane->device, solver, lincomb, s->lane->queue, .y = &out,
                    .base = fresh ? NULL : &out.view, .n = n, .x = pointers,
                    .coefficient = g->coefficients, .slots = s->slots);
}

/* Adds to cotangent[reg] what the combinations that read it pass back to it, all of which have been
 * reversed: for out = (alpha + beta h) x, x_bar += (alpha + beta h) out_bar, with h in its slot,
 * and likewise for scalars. The error estimate has no cotangent, since step sizes are held fixed.
 */
static odeon_status gather(solver *s, const program *p, int32_t reg)
{
    gathering g;
    g.n = 0;
    for (int32_t i = p->use_begin[reg]; i < p->use_begin[reg + 1]; i++) {
        bound_vector out_bar = s->step.cotangent[p->verbs[p->uses[i].verb].out];
        if (out_bar.data == NULL) {
            continue;
        }
        if (g.n == ODEON_MAX_STAGES) {
            ODEON_TRY(add_gathered(s, reg, &g));
        }
        g.x[g.n] = vector_tensor(s, out_bar).view;
        g.coefficients[g.n++] = term_coefficient(s, &p->terms[p->uses[i].term]);
    }
    return add_gathered(s, reg, &g);
}

/* At the step's own end the cotangent goes to Y1 as a whole, which no weight of these says. */
int32_t reverse_output_weights(const solver *s, double h, double x, double *weights)
{
    int32_t registers[1 + ODEON_MAX_STAGES], n = dense_registers(s, registers);
    for (int32_t i = 0; i < n; i++) {
        weights[i] = x < 1.0 ? dense_weight(s, h, x, registers[i]) : 0.0;
    }
    return n;
}

/* The same of output 1 alone, with weights that a replay finds in slots: they differ from solve to
 * solve, while the recording stays. */
static odeon_status gather_by_slots(solver *s, int32_t reg)
{
    int32_t registers[1 + ODEON_MAX_STAGES], n = dense_registers(s, registers);
    gathering g;
    g.n = 0;
    for (int32_t i = 0; i < n && s->task.d_y[1].data != NULL; i++) {
        if (registers[i] == reg) {
            g.x[g.n] = s->task.d_y[1];
            g.coefficients[g.n++] = odeon_slot(1.0, ODEON_SLOT_ERROR_SUM + i);
        }
    }
    return add_gathered(s, reg, &g);
}

/* Adds to cotangent[reg] what the outputs read off this step's dense output pass back to it: y(x) =
 * sum w_i(x) v_i gives v_i_bar += w_i(x) y_bar. */
static odeon_status gather_outputs(solver *s, const solve_record *record, int32_t reg)
{
    gathering g;
    g.n = 0;
    if (record->by_slots) {
        return gather_by_slots(s, reg);
    }
    for (int32_t k = 0; k < record->n_outputs; k++) {
        int32_t i = record->first_output + k;
        bool dense = s->outputs.read_at[i] < 1.0 && s->task.d_y[i].data != NULL;
        double weight = dense ? dense_weight(s, record->h, s->outputs.read_at[i], reg) : 0.0;
        if (weight == 0.0) {
            continue;
        }
        if (g.n == ODEON_MAX_STAGES) {
            ODEON_TRY(add_gathered(s, reg, &g));
        }
        g.x[g.n] = s->task.d_y[i];
        g.coefficients[g.n++] = odeon_imm(weight);
    }
    return add_gathered(s, reg, &g);
}

/* Adds to cotangent[Y1] that of the output at the step's own end: the last one read off it, if any.
 * The first cotangent of a pass is bound to the answer's own memory, where it often stays. */
static odeon_status inject_end(solver *s, const solve_record *record)
{
    int32_t i = record->first_output + record->n_outputs - 1;
    bound_vector *end = &s->step.cotangent[REG_Y1];
    if (record->n_outputs == 0 || s->outputs.read_at[i] < 1.0 || s->task.d_y[i].data == NULL) {
        return ODEON_OK;
    }
    const odeon_view *d_end = &s->task.d_y[i];
    if (end->data != NULL) {
        return vector_add(s, *end, d_end);
    }
    *end = (bound_vector){.data = s->step.spare_cotangent};
    s->step.spare_cotangent = NULL;
    ODEON_TRY(workspace_bind(&s->memory, end));
    odeon_tensor out = vector_tensor(s, *end);
    return ODEON_DO(s->lane->device, move, copy, s->lane->queue, .x = d_end, .y = &out);
}

/* y_bar += (df/dy)^T k_bar. A vjp writes its result, so that a second contribution goes through a
 * vector of its own. y itself is in the frame. k_bar is not needed any more, and is given back
 * whatever became of the call. */
static odeon_status eval_vjp(solver *s, const solve_record *record, const verb *w)
{
    const odeon_field *f = &s->task.field->abi;
    bound_vector *cotangent = s->step.cotangent, target = {0};
    bool fresh = cotangent[w->in].data == NULL;
    odeon_frame *frame = s->tape.frames[record->first_frame + (size_t)w->eval];
    ODEON_TRY(workspace_bind(&s->memory, &target));
    odeon_tensor t = stage_time_tensor(s, w->eval), y = vector_tensor(s, (bound_vector){0});
    odeon_tensor k_bar = vector_tensor(s, cotangent[w->out]), y_bar = vector_tensor(s, target);
    odeon_status status = f->vjp(f->self, &(odeon_field_vjp){.struct_size = sizeof(odeon_field_vjp),
                                                             .t = &t.view,
                                                             .y = &y.view,
                                                             .dy_bar = &k_bar.view,
                                                             .y_bar = &y_bar,
                                                             .kept = frame,
                                                             .term = field_term(f, w->terms)});
    workspace_release(&s->memory, &cotangent[w->out]);
    if (fresh) {
        cotangent[w->in] = target;
        return status;
    }
    status = status == ODEON_OK ? vector_add(s, cotangent[w->in], &y_bar.view) : status;
    workspace_release(&s->memory, &target);
    return status;
}

/* y is a value of the stage as well as k, so that cotangents may come to both. */
static odeon_status stage_vjp(solver *s, const solve_record *record, int32_t v)
{
    const verb *w = &record->program->verbs[v];
    const bound_vector *cotangent = s->step.cotangent;
    ODEON_TRY(gather(s, record->program, w->state));
    ODEON_TRY(gather_outputs(s, record, w->state));
    if (cotangent[w->out].data == NULL && cotangent[w->state].data == NULL) {
        return ODEON_OK;
    }
    verb solved = verb_in_h(s, w, record->h);
    return implicit_reverse(s, &solved, record->h,
                            s->tape.frames[record->first_frame + (size_t)w->eval]);
}

/* From the last verb to the first. A slope that nothing reads has no cotangent and costs no vjp.
 * What the step began with is gathered behind the first verb (-1). */
static odeon_status reverse_verbs(solver *s, const solve_record *record)
{
    const program *p = record->program;
    for (int32_t v = p->n_verbs; v-- > 0;) {
        const verb *w = &p->verbs[v];
        if (w->out == REG_ERROR) {
            continue;
        }
        ODEON_TRY(gather(s, p, w->out));
        ODEON_TRY(gather_outputs(s, record, w->out));
        if (w->kind == VERB_EVAL && s->step.cotangent[w->out].data != NULL) {
            ODEON_TRY(eval_vjp(s, record, w));
        }
        if (w->kind == VERB_IMPLICIT) {
            ODEON_TRY(stage_vjp(s, record, v));
        }
        if (w->kind == VERB_JOIN) {
            ODEON_TRY(join_reverse(s, p, w));
        }
    }
    ODEON_TRY(gather(s, p, REG_Y0));
    ODEON_TRY(gather_outputs(s, record, REG_Y0));
    for (int32_t i = 0; i < s->stepper->info.n_carry; i++) {
        ODEON_TRY(gather(s, p, reg_carry_in(s->stepper, i)));
        ODEON_TRY(gather_outputs(s, record, reg_carry_in(s->stepper, i)));
    }
    return ODEON_OK;
}

/* The cotangent at this step's start is the cotangent at the previous step's end. Carry passes on
 * as well, unless the step began with a carry of zero, or this was the start, which made the carry.
 */
static void pass_on(solver *s, const solve_record *record)
{
    const stepper *method = s->stepper;
    bound_vector *cotangent = s->step.cotangent;
    bool severed = record->is_start || (record->is_first && method->start == NULL);
    for (int32_t i = REG_Y1; i < method->n_registers; i++) {
        bool carry_in = i >= REG_CARRY && i < REG_CARRY + method->info.n_carry;
        if (!carry_in || severed) {
            workspace_release(&s->memory, &cotangent[i]);
        }
    }
    cotangent[REG_Y1] = cotangent[REG_Y0];
    cotangent[REG_Y0] = (bound_vector){0};
    for (int32_t i = 0; i < method->info.n_carry; i++) {
        cotangent[reg_carry_out(method, i)] = cotangent[reg_carry_in(method, i)];
        cotangent[reg_carry_in(method, i)] = (bound_vector){0};
    }
}

/* Of the start no time passes: y1 is y0, and the cotangent of the first step's start belongs to it.
 */
static odeon_status reverse_record(solver *s, const solve_record *record)
{
    if (record->is_start) { /* no time passes: y1 is y0 */
        s->step.cotangent[REG_Y0] = s->step.cotangent[REG_Y1];
        s->step.cotangent[REG_Y1] = (bound_vector){0};
    }
    ODEON_TRY(inject_end(s, record));
    ODEON_TRY(reverse_verbs(s, record));
    pass_on(s, record);
    return ODEON_OK;
}

/* The step is put on the tape for the moment, so that its frames are found where those of a kept
 * solve are; values are not needed any more, since frames hold what vjps read. */
odeon_status reverse_run(solver *s, const solve_record *record)
{
    solve_tape_push(&s->tape, record, record->program->n_evals, s->step.frames);
    release_values(s);
    odeon_status status = reverse_record(s, &s->tape.records[s->tape.n_records - 1]);
    solve_tape_pop(&s->tape, &s->memory);
    return status;
}

/* ---- a whole tape ---- */

/* T, H and stage times are those of the recorded step: layers that read the time see it again. */
static odeon_status reverse_last(solver *s)
{
    const solve_record *record = &s->tape.records[s->tape.n_records - 1];
    const program *p = record->program;
    s->step.h_prev = record->h_prev;
    ODEON_TRY(step_set_time(s, record->t, record->h));
    verb_scalars(s, p);
    ODEON_TRY(step_set_stage_times(s, p));
    return reverse_record(s, record);
}

/* The sum of up to two cotangents, written with as few passes as it takes: none of both is 0, a
 * single one is a copy or lies in place already. */
odeon_status reverse_finish(solver *s, const odeon_tensor *d_y0)
{
    const odeon_view *d_y = s->task.d_y;
    bound_vector start = s->step.cotangent[REG_Y1];
    odeon_view x[2] = {vector_tensor(s, start).view, d_y[0]};
    const odeon_view *pointers[2] = {&x[0], &x[1]};
    const odeon_scalar ones[2] = {odeon_imm(1.0), odeon_imm(1.0)};
    int32_t first = start.data == NULL, n = 1 + (d_y[0].data != NULL);
    if (first == n) {
        return ODEON_DO(s->lane->device, move, fill, s->lane->queue, .y = d_y0,
                        .value = odeon_imm(0.0));
    }
    if (n - first == 1) {
        const odeon_view *only = pointers[first];
        return odeon_read(only) == odeon_read(&d_y0->view)
                   ? ODEON_OK
                   : ODEON_DO(s->lane->device, move, copy, s->lane->queue, .x = only, .y = d_y0);
    }
    return ODEON_DO(s->lane->device, solver, lincomb, s->lane->queue, .y = d_y0, .n = 2,
                    .x = pointers, .coefficient = ones);
}

/* How many records belong to the steps before step `first`; the start before a step is its own. */
static size_t records_before(const solve_tape *tape, int64_t first)
{
    int64_t step = tape->first_step;
    size_t i = 0;
    while (i < tape->n_records && step < first) {
        step += !tape->records[i++].is_start;
    }
    return i;
}

/* Records are used up also after a failure of one, so that nothing of them is left. */
odeon_status reverse_back_to(solver *s, int64_t first)
{
    odeon_status status = ODEON_OK;
    size_t left = records_before(&s->tape, first);
    while (s->tape.n_records > left && status == ODEON_OK) {
        status = reverse_last(s);
        solve_tape_pop(&s->tape, &s->memory);
    }
    return status;
}

/* The first cotangent that is bound takes the memory of the answer, where with luck the last one
 * ends up. */
odeon_status reverse_tape(solver *s, const odeon_tensor *d_y0)
{
    s->step.spare_cotangent = odeon_write(d_y0);
    odeon_status status = reverse_back_to(s, 0);
    status = status == ODEON_OK ? reverse_finish(s, d_y0) : status;
    release_cotangents(s);
    return status;
}
