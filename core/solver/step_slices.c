#include "solver/step_slices.h"

#include "base/diag.h"
#include "odeon/device_ext.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"
#include "solver/outputs.h"
#include "solver/part_error.h"
#include "solver/verb_scalar.h"

/* ---- which steps ---- */

static bool has_sums(const host_field *f)
{
    return f->abi.n_parts > f->n_local;
}

static bool leaves_step(const solver *s, int32_t reg)
{
    int32_t n_carry = s->stepper->info.n_carry;
    return reg == REG_Y1 || (reg >= REG_CARRY + n_carry && reg < REG_CARRY + 2 * n_carry);
}

/* Sums are complete behind the last slice alone: a verb that combines them must write what leaves
 * the step, or what is only evaluated at. */
static bool sums_can_wait(const solver *s, const program *p)
{
    bool can = true;
    for (int32_t v = 0; v < p->n_verbs; v++) {
        const verb *w = &p->verbs[v];
        can = can && (w->kind != VERB_COMBINE || w->out == REG_ERROR || p->eval_only[w->out] ||
                      leaves_step(s, w->out));
    }
    return can;
}

bool step_slices_suit(const solver *s, const program *p)
{
    const host_field *f = s->task.field;
    bool keeps = (s->task.keep & (ODEON_KEEP_FRAMES | ODEON_KEEP_DENSE)) != 0;
    return f->slice > 0 && !s->slices.off && !keeps && !s->stepper->needs_host &&
           (!has_sums(f) || sums_can_wait(s, p));
}

/* ---- memory ---- */

static int64_t dtype_bytes(const solver *s)
{
    return odeon_dtype_bytes(s->task.field->abi.dtype);
}

/* Elements that a part has of each sample. */
static int64_t features(const host_field *f, int32_t part)
{
    return f->abi.parts[part].n / f->samples;
}

/* The sums, gaps between them included, are what lies behind the local parts. */
static int64_t n_sums(const host_field *f)
{
    return has_sums(f) ? f->abi.n - f->abi.parts[f->n_local].offset : 0;
}

/* Where a part begins in a vector of one slice; of n_local: the sums. */
static int64_t part_offset(const solver *s, int32_t part)
{
    const host_field *f = s->task.field;
    int64_t bytes = 0;
    for (int32_t i = 0; i < part; i++) {
        bytes += workspace_aligned(f->slice * features(f, i) * dtype_bytes(s));
    }
    return bytes;
}

static int64_t vector_bytes(const solver *s)
{
    const host_field *f = s->task.field;
    return part_offset(s, f->n_local) + workspace_aligned(n_sums(f) * dtype_bytes(s));
}

/* What f writes into keeps its sums until all slices have added to them. */
static bool stays(const solver *s, const program *p, int32_t reg)
{
    bool out = false;
    for (int32_t v = 0; v < p->n_verbs && has_sums(s->task.field); v++) {
        out = out || (p->verbs[v].kind == VERB_EVAL && p->verbs[v].out == reg);
    }
    return out;
}

/* Registers that are vectors of one slice, counted verb by verb: of those that stay all. */
static int64_t vectors_needed(const solver *s, const program *p)
{
    int64_t staying = 0, live = 0, most = 0;
    for (int32_t v = 0; v < p->n_verbs; v++) {
        int32_t out = p->verbs[v].out;
        bool own = out != REG_ERROR && !leaves_step(s, out);
        staying += own && stays(s, p, out);
        live += own && !stays(s, p, out);
        most = live > most ? live : most;
        for (int32_t i = REG_CARRY; i < p->n_registers; i++) {
            bool freed = p->last_use[i] == v && !leaves_step(s, i) && !stays(s, p, i);
            live -= freed && i >= REG_CARRY + s->stepper->info.n_carry;
        }
    }
    return staying + most;
}

/* Y0, Y1, carry on both sides and what may be read of the step; before the first step, its start,
 * its slope and a probe's. */
int64_t step_slices_whole_vectors(const solver *s)
{
    int64_t carry = s->stepper->info.n_carry, start = 3 + carry;
    int64_t step = 2 + 2 * carry + (s->stepper->dense ? 1 : 0);
    return step > start ? step : start;
}

int64_t step_slices_bytes(const solver *s, const program *p)
{
    return vectors_needed(s, p) * vector_bytes(s);
}

/* Sums of errors in lanes, of each part and estimate. */
static int64_t lanes_bytes(void)
{
    return ODEON_MAX_PARTS * ODEON_ERROR_LANES * (int64_t)sizeof(double);
}

odeon_status step_slices_reserve(solver *s, const program *p)
{
    workspace *w = &s->slices.memory;
    workspace_fit_vectors(w, vector_bytes(s));
    ODEON_TRY(workspace_reserve_vectors(w, vectors_needed(s, p)));
    return buffer_fit(s->lane->device, &s->slices.lanes, lanes_bytes());
}

void step_slices_fini(solver *s)
{
    workspace_fini(&s->slices.memory);
    buffer_release(s->lane->device, &s->slices.lanes);
}

/* ---- registers ---- */

/* Written or read as a vector of all samples. */
static bool is_whole(const solver *s, int32_t reg)
{
    return s->slices.value[reg].data == NULL && s->step.value[reg].data != NULL;
}

/* A part of a register, of the slice under way. */
static odeon_tensor part_of(const solver *s, int32_t reg, int32_t part)
{
    const host_field *f = s->task.field;
    int64_t each = features(f, part);
    char *data = is_whole(s, reg)
                     ? s->step.value[reg].data +
                           (f->abi.parts[part].offset + s->slices.first * each) * dtype_bytes(s)
                     : s->slices.value[reg].data + part_offset(s, part);
    return odeon_tensor_at(
        data, (odeon_shape){.ndim = 1, .dtype = f->abi.dtype, .dim = {s->slices.n * each}});
}

/* One part of the sums, or from the first on all of them. */
static odeon_tensor sums_from(const solver *s, int32_t reg, int32_t part, int64_t n)
{
    const host_field *f = s->task.field;
    int64_t at = f->abi.parts[part].offset, first = f->abi.parts[f->n_local].offset;
    char *data = is_whole(s, reg) ? s->step.value[reg].data + at * dtype_bytes(s)
                                  : s->slices.value[reg].data + part_offset(s, f->n_local) +
                                        (at - first) * dtype_bytes(s);
    return odeon_tensor_at(data, (odeon_shape){.ndim = 1, .dtype = f->abi.dtype, .dim = {n}});
}

static odeon_tensor sums_of(const solver *s, int32_t reg)
{
    return sums_from(s, reg, s->task.field->n_local, n_sums(s->task.field));
}

/* A part of a register, of the slice under way or of the sums. */
static odeon_tensor piece_of(const solver *s, int32_t reg, int32_t part)
{
    const host_field *f = s->task.field;
    return part < f->n_local ? part_of(s, reg, part)
                             : sums_from(s, reg, part, f->abi.parts[part].n);
}

static odeon_status bind_out(solver *s, int32_t reg)
{
    return is_whole(s, reg) ? ODEON_OK : workspace_bind(&s->slices.memory, &s->slices.value[reg]);
}

/* Registers that are not read behind verb v. */
static void release_behind(solver *s, const program *p, int32_t v)
{
    for (int32_t i = 0; i < s->stepper->n_registers; i++) {
        bool bound = s->slices.value[i].data != NULL;
        if (bound && p->last_use[i] == v && !stays(s, p, i)) {
            workspace_release(&s->slices.memory, &s->slices.value[i]);
        }
    }
}

static void release_all(solver *s)
{
    for (int32_t i = 0; i < s->stepper->n_registers; i++) {
        workspace_release(&s->slices.memory, &s->slices.value[i]);
    }
}

/* ---- verbs ---- */

typedef odeon_tensor (*tensor_of)(const solver *s, int32_t reg, int32_t part);

static odeon_tensor all_sums(const solver *s, int32_t reg, int32_t part)
{
    (void)part;
    return sums_of(s, reg);
}

/* One piece of out = sum (alpha_i + beta_i h) x_i. */
static odeon_status combine_piece(solver *s, const program *p, const verb *w, tensor_of piece,
                                  int32_t part)
{
    const program_term *terms = &p->terms[w->first];
    odeon_tensor out = piece(s, w->out, part), x[ODEON_MAX_STAGES];
    const odeon_view *pointers[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
    for (int32_t i = 0; i < w->n; i++) {
        x[i] = piece(s, terms[i].x, part);
        pointers[i] = &x[i].view;
        coefficients[i] = term_coefficient(s, &terms[i]);
    }
    bool based = term_is_plain(&terms[0]);
    int32_t skip = based ? 1 : 0; /* the first is then the base of the sum */
    return ODEON_DO(s->lane->device, solver, lincomb, s->lane->queue, .y = &out,
                    .base = based ? &x[0].view : NULL, .n = w->n - skip, .x = pointers + skip,
                    .coefficient = coefficients + skip, .slots = s->slots);
}

/* A plain term only renames its vector, unless the result is a vector of all samples. */
static odeon_status combine(solver *s, const program *p, const verb *w)
{
    const program_term *first = &p->terms[w->first];
    bool bound = s->slices.value[w->out].data != NULL || is_whole(s, w->out);
    if (w->n == 1 && term_is_plain(first) && !bound) {
        bound_vector *value = is_whole(s, first->x) ? s->step.value : s->slices.value;
        value[w->out] = workspace_share(value[first->x]);
        return ODEON_OK;
    }
    ODEON_TRY(bind_out(s, w->out));
    for (int32_t part = 0; part < s->task.field->n_local; part++) {
        ODEON_TRY(combine_piece(s, p, w, part_of, part));
    }
    return ODEON_OK;
}

/* k = f(t + c h, y). An evaluation is counted once, with its first slice. */
static odeon_status eval(solver *s, const verb *w)
{
    const host_field *f = s->task.field;
    odeon_tensor t = stage_time_tensor(s, w->eval);
    field_slice x = {.t = &t.view, .first = s->slices.first, .n = s->slices.n};
    ODEON_TRY(bind_out(s, w->out));
    for (int32_t part = 0; part < f->n_local; part++) {
        odeon_tensor y = part_of(s, w->in, part), dy = part_of(s, w->out, part);
        x.y[part] = odeon_read(&y.view);
        x.dy[part] = odeon_write(&dy);
    }
    odeon_tensor sums = has_sums(f) ? sums_of(s, w->out) : (odeon_tensor){.view.data = NULL};
    x.sums = has_sums(f) ? odeon_write(&sums) : NULL;
    s->log.evals += x.first == 0;
    return f->eval_slice(f->abi.self, &x);
}

static odeon_status run_verbs(solver *s, const program *p)
{
    for (int32_t v = 0; v < p->n_verbs; v++) {
        const verb *w = &p->verbs[v];
        if (w->kind == VERB_EVAL) {
            ODEON_TRY(eval(s, w));
        } else if (w->out != REG_ERROR) {
            ODEON_TRY(combine(s, p, w));
        }
        release_behind(s, p, v);
    }
    return ODEON_OK;
}

/* ---- the error ---- */

/* Of a local part continued from the slice before. Positions of components are those within a
 * sample, with which every slice begins. */
static odeon_status slice_error(solver *s, int32_t part, int32_t slot, odeon_error_sum *call)
{
    const odeon_device *device = s->lane->device;
    const odeon_device_slices *slices = device->get_table(device, ODEON_DEVICE_SLICES);
    odeon_control own;
    double *lanes =
        (double *)(void *)s->slices.lanes.data + (slot - ODEON_SLOT_ERROR_SUM) * ODEON_ERROR_LANES;
    call->control = part_control(s, part, &own);
    return slices->error_sum(s->lane->queue, call, lanes,
                             s->slices.first * features(s->task.field, part));
}

static odeon_status part_error(solver *s, const program *p, int32_t estimate, int32_t part)
{
    const host_field *f = s->task.field;
    const verb *w = program_error_verb(p, estimate);
    odeon_tensor y0 = piece_of(s, REG_Y0, part), y1 = piece_of(s, REG_Y1, part);
    odeon_tensor x[ODEON_MAX_STAGES];
    const odeon_view *pointers[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
    int32_t slot = ODEON_SLOT_ERROR_SUM + estimate * f->abi.n_parts + part;
    for (int32_t i = 0; i < w->n; i++) {
        const program_term *term = &p->terms[w->first + i];
        x[i] = piece_of(s, term->x, part);
        pointers[i] = &x[i].view;
        coefficients[i] = term_coefficient(s, term);
    }
    if (part >= f->n_local) {
        return part_error_sum(s, part, slot, &y0.view, &y1.view, w->n, pointers, coefficients);
    }
    odeon_error_sum call = {.struct_size = sizeof call,
                            .y0 = &y0.view,
                            .y1 = &y1.view,
                            .n = w->n,
                            .x = pointers,
                            .coefficient = coefficients,
                            .slots = s->slots,
                            .slot = slot};
    return slice_error(s, part, slot, &call);
}

/* Of parts [from, to), which count. */
static odeon_status add_errors(solver *s, const program *p, int32_t from, int32_t to)
{
    int32_t n = s->control.n_estimates > 1 ? s->control.n_estimates : 1;
    for (int32_t i = 0; i < n; i++) {
        for (int32_t part = from; part < to; part++) {
            if ((s->task.field->abi.parts[part].flags & ODEON_PART_NO_NORM) == 0) {
                ODEON_TRY(part_error(s, p, i, part));
            }
        }
    }
    return ODEON_OK;
}

/* ---- outputs within the step ---- */

/* As a vector of the state's shape; it is bound before slices are. */
static bound_vector output_vector(const solver *s, int32_t i)
{
    char *data = odeon_write(&s->task.y[i]);
    bool is_start = data == odeon_write(&s->task.y[0]);
    return is_start ? s->slices.spare : (bound_vector){.data = data};
}

/* A piece of the dense output (dense_read of outputs.h) at output i. */
static odeon_status read_piece(const solver *s, int32_t i, tensor_of piece, int32_t part)
{
    const step_state *step = &s->step;
    double x = output_place(s, i, step->t, step->h, step->t + step->h), weights[ODEON_MAX_STAGES];
    int32_t registers[ODEON_MAX_STAGES];
    odeon_tensor base = piece(s, REG_Y0, part), slopes[ODEON_MAX_STAGES];
    const odeon_view *pointers[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
    int32_t n = stepper_dense(s->stepper, step->h, x, registers, weights);
    for (int32_t k = 0; k < n; k++) {
        slopes[k] = piece(s, registers[k], part);
        pointers[k] = &slopes[k].view;
        coefficients[k] = odeon_imm(step->h * weights[k]);
    }
    odeon_tensor y = base;
    int64_t at = (char *)odeon_write(&base) - step->value[REG_Y0].data;
    y.view.data = output_vector(s, i).data + at;
    return ODEON_DO(s->lane->device, solver, lincomb, s->lane->queue, .y = &y, .base = &base.view,
                    .n = n, .x = pointers, .coefficient = coefficients);
}

/* Those that the step will have passed if it is accepted: they are read while its slopes are at
 * hand, and read again later if it is not. At its own end Y1 is the value, which needs no reading.
 */
static odeon_status find_reads(solver *s, const program *p)
{
    step_slices *x = &s->slices;
    double t_end = s->step.t + s->step.h;
    x->first_read = s->outputs.next;
    bool reads = s->stepper->dense && p != s->stepper->start;
    int32_t i = x->first_read;
    while (reads && i < s->task.n_times && outputs_reached(s, t_end, i) &&
           s->task.times[i] != t_end) {
        i++;
    }
    x->n_reads = i - x->first_read;
    return x->n_reads > 0 ? workspace_bind(&s->memory, &x->spare) : ODEON_OK;
}

static odeon_status read_pieces(const solver *s, tensor_of piece, int32_t n_parts)
{
    for (int32_t i = 0; i < s->slices.n_reads; i++) {
        for (int32_t part = 0; part < n_parts; part++) {
            ODEON_TRY(read_piece(s, s->slices.first_read + i, piece, part));
        }
    }
    return ODEON_OK;
}

/* An end that rounding has put behind an output which the step was not thought to come to. */
bool step_slices_miss(const solver *s, double t_end)
{
    const step_slices *x = &s->slices;
    int32_t i = x->n_reads > 0 ? x->first_read + x->n_reads : s->outputs.next;
    return i < s->task.n_times && outputs_reached(s, t_end, i) && s->task.times[i] != t_end;
}

/* The last vector may be the one that the solve started from: what was read of it lies in spare. */
odeon_status step_slices_read(solver *s)
{
    step_slices *x = &s->slices;
    for (int32_t i = 0; i < x->n_reads; i++) {
        int32_t output = x->first_read + i;
        odeon_tensor from = vector_tensor(s, output_vector(s, output));
        if (odeon_read(&from.view) == odeon_read(&s->task.y[output].view)) {
            continue;
        }
        ODEON_TRY(ODEON_DO(s->lane->device, move, copy, s->lane->queue, .x = &from.view,
                           .y = &s->task.y[output]));
    }
    workspace_release(&s->memory, &x->spare);
    return ODEON_OK;
}

/* ---- a step ---- */

static odeon_status bind_whole(solver *s)
{
    int32_t n_carry = s->stepper->info.n_carry;
    ODEON_TRY(workspace_bind(&s->memory, &s->step.value[REG_Y1]));
    for (int32_t i = 0; i < n_carry; i++) {
        ODEON_TRY(workspace_bind(&s->memory, &s->step.value[reg_carry_out(s->stepper, i)]));
    }
    return ODEON_OK;
}

/* Behind the last slice: the sums of all evaluations are complete, and what leaves the step is
 * combined of them. */
static odeon_status finish_sums(solver *s, const program *p)
{
    const host_field *f = s->task.field;
    for (int32_t v = 0; v < p->n_verbs; v++) {
        const verb *w = &p->verbs[v];
        if (w->kind == VERB_EVAL && f->finish_sums != NULL) {
            odeon_tensor sums = sums_of(s, w->out);
            ODEON_TRY(f->finish_sums(f->abi.self, odeon_write(&sums)));
        }
        if (w->kind == VERB_COMBINE && leaves_step(s, w->out)) {
            ODEON_TRY(combine_piece(s, p, w, all_sums, 0));
        }
    }
    return ODEON_OK;
}

static odeon_status run_slices(solver *s, const program *p, bool judges)
{
    const host_field *f = s->task.field;
    int64_t samples = f->samples, most = f->slice;
    for (s->slices.first = 0; s->slices.first < samples; s->slices.first += most) {
        int64_t left = samples - s->slices.first;
        s->slices.n = left < most ? left : most;
        ODEON_TRY(run_verbs(s, p));
        ODEON_TRY(judges ? add_errors(s, p, 0, f->n_local) : ODEON_OK);
        ODEON_TRY(read_pieces(s, part_of, f->n_local));
        release_behind(s, p, p->n_verbs);
    }
    if (!has_sums(f)) {
        return ODEON_OK;
    }
    ODEON_TRY(finish_sums(s, p));
    ODEON_TRY(read_pieces(s, all_sums, 1));
    return judges ? add_errors(s, p, f->n_local, f->abi.n_parts) : ODEON_OK;
}

/* The method's start has no estimate. */
odeon_status step_slices_run(solver *s, const program *p)
{
    bool judges = s->spec->mode == ODEON_STEPS_ADAPTIVE && program_error_verb(p, 0) != NULL;
    odeon_status status = bind_whole(s);
    status = status == ODEON_OK ? find_reads(s, p) : status;
    status = status == ODEON_OK ? run_slices(s, p, judges) : status;
    release_all(s);
    s->slices.judged = judges && status == ODEON_OK;
    return status;
}
