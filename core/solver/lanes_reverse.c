/* Entries whose step was rejected have cotangents of 0 throughout, since their frames lie between
 * those of the others. Their rows are read by nobody. In sums over rows zeros leave no trace where
 * all that their layers have kept is finite; else the sums are NaN, which the caller looks for. */
#include "solver/lanes_reverse.h"

#include <string.h>

#include "odeon/device_move.h"
#include "solver/lanes_step.h"
#include "solver/outputs.h"
#include "solver/verb_scalar.h"

/* A reverse pass. Vectors are [rows, width]: those of entries packed, those of rows by number. */
typedef struct pass {
    lanes *l;
    const odeon_view *d_y;
    const lane_round *round;
    const lane_step *steps; /* [round->n] */
    const program *program;
    char *own[PROGRAM_MAX_REGISTERS];   /* of entries: a vector for each register's cotangent */
    char *bar[PROGRAM_MAX_REGISTERS];   /* the same where there is one; NULL: it is 0 */
    char *target;                       /* of entries: what a product is written to */
    char *row_bar[1 + ODEON_MAX_CARRY]; /* of rows: of the state and carry where their steps end */
    bool is_bound[1 + ODEON_MAX_CARRY]; /* some row has one; else all are 0 */
} pass;

/* ---- sums ---- */

/* bar[reg] += n vectors with what coefficient, or weights and lists on the device, say. */
static odeon_status add_to(pass *p, int32_t reg, odeon_lanes_lincomb *call)
{
    lanes *l = p->l;
    odeon_lanes entries = lanes_entries(l, p->round->n);
    odeon_tensor y = lanes_rows_tensor(l, p->own[reg], p->round->n);
    call->struct_size = sizeof *call;
    call->lanes = &entries;
    call->y = &y;
    call->base = p->bar[reg] != NULL ? &y.view : NULL;
    p->bar[reg] = p->own[reg];
    return call->n == 0 && call->base != NULL ? ODEON_OK : l->ops->lincomb(l->lane->queue, call);
}

/* What the combinations behind verb v pass back to a register: gather of reverse.c. */
static odeon_status gather(pass *p, int32_t v, int32_t reg)
{
    const program *run = p->program;
    odeon_tensor x[ODEON_MAX_STAGES];
    const odeon_view *pointers[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
    odeon_lanes_lincomb call = {.x = pointers, .coefficient = coefficients};
    for (int32_t later = v + 1; later < run->n_verbs; later++) {
        const verb *w = &run->verbs[later];
        if (w->kind != VERB_COMBINE || w->out == REG_ERROR || p->bar[w->out] == NULL) {
            continue;
        }
        for (int32_t i = 0; i < w->n; i++) {
            const program_term *term = &run->terms[w->first + i];
            if (term->x != reg) {
                continue;
            }
            if (call.n == ODEON_MAX_STAGES) {
                ODEON_TRY(add_to(p, reg, &call));
                call.n = 0;
            }
            x[call.n] = lanes_rows_tensor(p->l, p->bar[w->out], p->round->n);
            pointers[call.n] = &x[call.n].view;
            coefficients[call.n++] = term_coefficient(p->l->one, term);
        }
    }
    return call.n > 0 ? add_to(p, reg, &call) : ODEON_OK;
}

/* ---- outputs ---- */

/* Where the cotangent of an entry's output number `pass` lies among those of all, and how much the
 * register counts in it; false: there is none, or it does not. */
static bool output_of(const pass *p, int64_t i, int32_t nth, int32_t reg, int32_t *at,
                      double *weight)
{
    const lanes *l = p->l;
    const lane_step *x = &p->steps[i];
    int32_t output = x->first_output + nth;
    if (nth >= x->n_outputs || p->d_y[output].data == NULL) {
        return false;
    }
    double place = l->read_at[(int64_t)x->row * l->task.n_times + output];
    *at = (int32_t)(output * l->task.rows) + x->row;
    *weight = place < 1.0 ? dense_weight(l->one, x->h, place, reg) : reg == REG_Y1 ? 1.0 : 0.0;
    return *weight != 0.0;
}

/* Lists one term of every entry, output number first + term; false: no entry has it. */
static bool list_term(const pass *p, int32_t first, int32_t term, int32_t reg)
{
    const lanes *l = p->l;
    int64_t n = p->round->n;
    int32_t *from = l->list + LIST_FROM * l->task.rows + term * n;
    double *weight = l->numbers + term * n;
    bool any = false;
    for (int64_t i = 0; i < n; i++) {
        weight[i] = 0.0;
        from[i] = -1;
        any = output_of(p, i, first + term, reg, &from[i], &weight[i]) || any;
        from[i] = weight[i] != 0.0 ? from[i] : -1;
    }
    return any;
}

static odeon_status add_outputs(pass *p, int32_t reg, int32_t count)
{
    lanes *l = p->l;
    odeon_tensor all = lanes_rows_tensor(l, l->outputs.data, l->task.n_times * l->task.rows);
    const odeon_view *pointers[ODEON_MAX_STAGES];
    for (int32_t i = 0; i < count; i++) {
        pointers[i] = &all.view;
    }
    const int32_t *lists = lanes_on_device(l, LIST_FROM);
    odeon_lanes_lincomb call = {
        .x = pointers, .weight = (double *)(void *)l->weights.data, .x_row = lists, .n = count};
    ODEON_TRY(lanes_upload(l, LIST_FROM, count * p->round->n));
    ODEON_TRY(lanes_upload_weights(l, count, p->round->n));
    return add_to(p, reg, &call);
}

/* Adds to bar[reg] what the outputs read within the steps, or to Y1's what those at their ends,
 * pass back: gather_outputs and inject_end of reverse.c. */
static odeon_status gather_outputs(pass *p, int32_t reg)
{
    int32_t most = 0;
    for (int64_t i = 0; i < p->round->n; i++) {
        most = p->steps[i].n_outputs > most ? p->steps[i].n_outputs : most;
    }
    for (int32_t first = 0; first < most; first += ODEON_MAX_STAGES) {
        int32_t count = most - first < ODEON_MAX_STAGES ? most - first : ODEON_MAX_STAGES;
        bool any = false;
        for (int32_t term = 0; term < count; term++) {
            any = list_term(p, first, term, reg) || any;
        }
        ODEON_TRY(any ? add_outputs(p, reg, count) : ODEON_OK);
    }
    return ODEON_OK;
}

/* ---- verbs ---- */

/* y_bar += (df/dy)^T k_bar, as eval_vjp of reverse.c. */
static odeon_status eval_vjp(pass *p, const verb *w)
{
    lanes *l = p->l;
    const odeon_field *f = &l->field->abi;
    int64_t n = p->round->n;
    bool fresh = p->bar[w->in] == NULL;
    odeon_view t = lanes_time_view(l, w->eval, n);
    odeon_tensor y = lanes_flat_tensor(l, NULL, n), k_bar = lanes_flat_tensor(l, p->bar[w->out], n);
    odeon_tensor y_bar = lanes_flat_tensor(l, fresh ? p->own[w->in] : p->target, n);
    l->frame = (odeon_frame){.memory = p->round->frames + w->eval * p->round->frame_bytes};
    ODEON_TRY(f->vjp(f->self, &(odeon_field_vjp){.struct_size = sizeof(odeon_field_vjp),
                                                 .t = &t,
                                                 .y = &y.view,
                                                 .dy_bar = &k_bar.view,
                                                 .y_bar = &y_bar,
                                                 .kept = &l->frame,
                                                 .term = field_term(f, w->terms)}));
    p->bar[w->in] = p->own[w->in];
    if (fresh) {
        return ODEON_OK;
    }
    odeon_tensor sum = lanes_flat_tensor(l, p->own[w->in], n);
    const odeon_view *x[1] = {&y_bar.view};
    const odeon_scalar one[1] = {odeon_imm(1.0)};
    return ODEON_DO(l->lane->device, solver, lincomb, l->lane->queue, .y = &sum, .base = &sum.view,
                    .n = 1, .x = x, .coefficient = one);
}

static odeon_status reverse_verbs(pass *p)
{
    const stepper *method = p->l->stepper;
    for (int32_t v = p->program->n_verbs; v-- > 0;) {
        const verb *w = &p->program->verbs[v];
        if (w->out == REG_ERROR) {
            continue;
        }
        ODEON_TRY(gather(p, v, w->out));
        ODEON_TRY(w->out != REG_Y1 ? gather_outputs(p, w->out) : ODEON_OK); /* it has them */
        if (w->kind == VERB_EVAL && p->bar[w->out] != NULL) {
            ODEON_TRY(eval_vjp(p, w));
        }
    }
    ODEON_TRY(gather(p, -1, REG_Y0));
    ODEON_TRY(gather_outputs(p, REG_Y0));
    for (int32_t i = 0; i < method->info.n_carry; i++) {
        ODEON_TRY(gather(p, -1, reg_carry_in(method, i)));
        ODEON_TRY(gather_outputs(p, reg_carry_in(method, i)));
    }
    return ODEON_OK;
}

/* ---- from round to round ---- */

/* The register that a row's vector number i belongs to at the end of a step, and at its start. */
static int32_t end_register(const pass *p, int32_t i)
{
    return i == 0 ? REG_Y1 : reg_carry_out(p->l->stepper, i - 1);
}

static int32_t start_register(const pass *p, int32_t i)
{
    return i == 0 ? REG_Y0 : reg_carry_in(p->l->stepper, i - 1);
}

/* Entries whose step was accepted, and their rows; how many. by_row: of rows to entries. */
static int64_t list_accepted(const pass *p, bool by_row)
{
    int32_t *from = lanes_list(p->l, LIST_ROW), *to = lanes_list(p->l, LIST_TO);
    int64_t n = 0;
    for (int64_t i = 0; i < p->round->n; i++) {
        if (p->steps[i].accepted) {
            from[n] = by_row ? p->steps[i].row : (int32_t)i;
            to[n++] = by_row ? (int32_t)i : p->steps[i].row;
        }
    }
    return n;
}

static odeon_status clear(const pass *p, char *x, int64_t n)
{
    odeon_tensor y = lanes_flat_tensor(p->l, x, n);
    return ODEON_DO(p->l->lane->device, move, fill, p->l->lane->queue, .y = &y,
                    .value = odeon_imm(0.0));
}

/* Cotangents of the ends of the round's steps, which the rounds behind have left. */
static odeon_status take_ends(pass *p)
{
    lanes *l = p->l;
    for (int32_t i = 0; i < 1 + l->stepper->info.n_carry; i++) {
        int32_t reg = end_register(p, i);
        if (!p->is_bound[i]) {
            continue;
        }
        int64_t n = list_accepted(p, true);
        ODEON_TRY(n < p->round->n ? clear(p, p->own[reg], p->round->n) : ODEON_OK);
        ODEON_TRY(lanes_move(l, p->row_bar[i], l->task.rows, p->own[reg], p->round->n, n));
        p->bar[reg] = p->own[reg];
    }
    return ODEON_OK;
}

/* And of their starts, to those of the rounds before. */
static odeon_status leave_starts(pass *p)
{
    lanes *l = p->l;
    for (int32_t i = 0; i < 1 + l->stepper->info.n_carry; i++) {
        int32_t reg = start_register(p, i);
        bool has = p->bar[reg] != NULL;
        if (!has && !p->is_bound[i]) {
            continue;
        }
        ODEON_TRY(has ? ODEON_OK : clear(p, p->own[reg], p->round->n));
        ODEON_TRY(lanes_move(l, p->own[reg], p->round->n, p->row_bar[i], l->task.rows,
                             list_accepted(p, false)));
        p->is_bound[i] = true;
    }
    return ODEON_OK;
}

/* T and H are those of the steps: layers that read the time see it again. */
static odeon_status set_times(const pass *p)
{
    lanes *l = p->l;
    int64_t n = p->round->n;
    odeon_lanes entries = lanes_entries(l, n);
    for (int64_t i = 0; i < n; i++) {
        l->numbers[2 * i] = p->steps[i].t;
        l->numbers[2 * i + 1] = p->steps[i].h;
    }
    ODEON_TRY(
        l->ops->write(l->lane->queue, &(odeon_lanes_write){.struct_size = sizeof(odeon_lanes_write),
                                                           .lanes = &entries,
                                                           .values = l->numbers,
                                                           .first = ODEON_SLOT_T,
                                                           .count = 2}));
    return lanes_stage_times(l, n, p->program->n_evals, p->program->c);
}

/* The field and the entries are those of the round again. */
static odeon_status begin_round(pass *p, const lane_round *round)
{
    lanes *l = p->l;
    p->round = round;
    p->steps = l->steps + round->first;
    ODEON_TRY(stepper_program(l->stepper, 0, &p->program));
    p->program = round->is_start ? l->stepper->start : p->program;
    bool alike = l->n_live == round->n;
    l->n_live = round->n;
    for (int64_t i = 0; i < round->n; i++) {
        alike = alike && l->live[i] == p->steps[i].row;
        l->live[i] = p->steps[i].row;
    }
    memset(p->bar, 0, sizeof p->bar);
    return alike ? ODEON_OK : lanes_fit_field(l);
}

/* Of the start no time passes: y1 is y0. */
static odeon_status reverse_round(pass *p, const lane_round *round)
{
    ODEON_TRY(begin_round(p, round));
    ODEON_TRY(lanes_upload_live(p->l));
    ODEON_TRY(set_times(p));
    ODEON_TRY(take_ends(p));
    if (round->is_start) {
        char *end = p->own[REG_Y1];
        p->own[REG_Y1] = p->own[REG_Y0];
        p->own[REG_Y0] = end;
        p->bar[REG_Y0] = p->bar[REG_Y1];
        p->bar[REG_Y1] = NULL;
    }
    ODEON_TRY(round->is_start ? ODEON_OK : gather_outputs(p, REG_Y1));
    ODEON_TRY(reverse_verbs(p));
    return leave_starts(p);
}

/* ---- a pass ---- */

/* Behind the vectors of registers and the target. */
static char *row_bar(const lanes *l, int32_t i)
{
    return l->vectors.data + (l->stepper->n_registers + 1 + i) * l->vector_bytes;
}

/* Vectors of the forward are not needed any more. */
static odeon_status begin(pass *p)
{
    lanes *l = p->l;
    int32_t n = l->stepper->n_registers;
    char *at = l->vectors.data;
    for (int32_t i = 0; i < n; i++, at += l->vector_bytes) {
        p->own[i] = at;
    }
    p->target = at;
    for (int32_t i = 0; i < 1 + l->stepper->info.n_carry; i++) {
        p->row_bar[i] = row_bar(l, i);
        ODEON_TRY(clear(p, p->row_bar[i], l->task.rows));
    }
    l->n_live = 0; /* the field is fitted anew */
    return ODEON_OK;
}

/* Cotangents of all outputs in one list, where outputs were. */
static odeon_status take_outputs(pass *p)
{
    lanes *l = p->l;
    int64_t bytes = l->task.rows * l->task.width * odeon_dtype_bytes(l->lane->dtype);
    for (int32_t i = 1; i < l->task.n_times; i++) {
        odeon_tensor y = lanes_flat_tensor(l, l->outputs.data + i * bytes, l->task.rows);
        ODEON_TRY(p->d_y[i].data == NULL ? ODEON_OK
                                         : ODEON_DO(l->lane->device, move, copy, l->lane->queue,
                                                    .x = &p->d_y[i], .y = &y));
    }
    return ODEON_OK;
}

/* And the cotangent of the first output, which is the start. */
odeon_status lanes_reverse_start(lanes *l, const odeon_view *d_y, const odeon_tensor *d_y0)
{
    odeon_tensor start = lanes_flat_tensor(l, row_bar(l, 0), l->task.rows);
    const odeon_view *x[2] = {&start.view, &d_y[0]};
    const odeon_scalar ones[2] = {odeon_imm(1.0), odeon_imm(1.0)};
    return d_y[0].data == NULL
               ? ODEON_DO(l->lane->device, move, copy, l->lane->queue, .x = &start.view, .y = d_y0)
               : ODEON_DO(l->lane->device, solver, lincomb, l->lane->queue, .y = d_y0, .n = 2,
                          .x = x, .coefficient = ones);
}

int64_t lanes_most_steps(const lanes *l)
{
    int64_t most = 0;
    for (int64_t i = 0; i < l->task.rows; i++) {
        int64_t n = l->rows[i].log.stats.accepted;
        most = n > most ? n : most;
    }
    return most;
}

bool lanes_has_rejected(const lanes *l)
{
    bool any = false;
    for (size_t i = 0; i < l->n_steps && !any; i++) {
        any = !l->steps[i].accepted;
    }
    return any;
}

odeon_status lanes_reverse_steps(lanes *l, const odeon_view *d_y)
{
    pass p = {.l = l, .d_y = d_y};
    ODEON_TRY(begin(&p));
    ODEON_TRY(take_outputs(&p));
    odeon_status status = ODEON_OK;
    while (l->n_tape > 0 && status == ODEON_OK) {
        lane_round round = l->tape[--l->n_tape];
        status = reverse_round(&p, &round);
        frame_stack_return(&l->frames, &round.before);
        l->n_steps = round.first;
    }
    return status;
}
