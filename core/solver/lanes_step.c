#include "solver/lanes_step.h"

#include <string.h>

#include "odeon/device_move.h"
#include "solver/outputs.h"
#include "solver/verb_scalar.h"

/* ---- the field ---- */

odeon_status lanes_fit_field(lanes *l)
{
    const int32_t *row = l->n_live < l->task.rows ? l->live : NULL;
    return l->task.field.fit(l->task.field.self, l->n_live, row, &l->field);
}

/* Memory and devices fail for all; anything else is one row's, which its own solve will name. */
static odeon_status failed(lanes *l, odeon_status status)
{
    return status == ODEON_ERR_NOMEM || status == ODEON_ERR_DEVICE ? status : lanes_give_up(l);
}

odeon_status lanes_eval(lanes *l, int64_t n, int32_t eval, int32_t terms, char *y, char *k,
                        char *frame)
{
    odeon_view t = lanes_time_view(l, eval, n);
    odeon_tensor in = lanes_flat_tensor(l, y, n), out = lanes_flat_tensor(l, k, n);
    l->frame = (odeon_frame){.memory = frame};
    l->calls++;
    l->evaluated += n;
    odeon_status status = field_eval_terms(&l->field->abi, terms, &t, &in.view, &out,
                                           frame != NULL ? &l->frame : NULL);
    return status == ODEON_OK ? ODEON_OK : failed(l, status);
}

odeon_status lanes_stage_times(lanes *l, int64_t n, int32_t count, const double *c)
{
    odeon_lanes entries = lanes_entries(l, n);
    return l->ops->times(l->lane->queue,
                         &(odeon_lanes_times){.struct_size = sizeof(odeon_lanes_times),
                                              .lanes = &entries,
                                              .c = c,
                                              .t = (double *)(void *)l->times.data,
                                              .count = count});
}

/* ---- verbs ---- */

/* Values that a frame keeps are computed right there, as step.c has it. */
static void bind_to_frames(lanes *l, const program *p, char *frames, int64_t frame_bytes)
{
    for (int32_t v = 0; v < p->n_verbs; v++) {
        const verb *w = &p->verbs[v];
        if (w->kind != VERB_EVAL) {
            continue;
        }
        char *memory = frames + w->eval * frame_bytes;
        if (l->field->frame_in >= 0 && l->value[w->in] == NULL) {
            l->value[w->in] = memory + l->field->frame_in;
        }
        if (l->field->frame_out >= 0) {
            l->value[w->out] = memory + l->field->frame_out;
        }
    }
}

/* Where a register is written: what is bound to it, or its own vector. */
static char *target_of(lanes *l, int32_t reg)
{
    l->value[reg] = l->value[reg] != NULL ? l->value[reg] : l->own[reg];
    return l->value[reg];
}

/* The same combination as step.c's, row by row with the row's own h. */
static odeon_status combine(lanes *l, const program *p, const verb *w)
{
    const program_term *terms = &p->terms[w->first];
    int64_t n = l->n_live;
    int32_t skip = term_is_plain(&terms[0]) ? 1 : 0;
    if (w->n == 1 && skip == 1 && l->value[w->out] == NULL) {
        l->value[w->out] = l->value[terms[0].x];
        return ODEON_OK;
    }
    odeon_lanes entries = lanes_entries(l, n);
    odeon_tensor y = lanes_rows_tensor(l, target_of(l, w->out), n), x[ODEON_MAX_STAGES];
    const odeon_view *pointers[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
    for (int32_t i = 0; i < w->n; i++) {
        x[i] = lanes_rows_tensor(l, l->value[terms[i].x], n);
        pointers[i] = &x[i].view;
        coefficients[i] = term_coefficient(l->one, &terms[i]);
    }
    return l->ops->lincomb(l->lane->queue,
                           &(odeon_lanes_lincomb){.struct_size = sizeof(odeon_lanes_lincomb),
                                                  .lanes = &entries,
                                                  .y = &y,
                                                  .base = skip ? pointers[0] : NULL,
                                                  .x = pointers + skip,
                                                  .coefficient = coefficients + skip,
                                                  .n = w->n - skip});
}

odeon_status lanes_run(lanes *l, const program *p, char *frames, int64_t frame_bytes)
{
    const stepper *method = l->stepper;
    for (int32_t i = 0; i < method->n_registers; i++) {
        bool start = i == REG_Y0 || (i >= REG_CARRY && i < REG_CARRY + method->info.n_carry);
        l->value[i] = start ? l->own[i] : NULL;
    }
    if (frames != NULL) {
        bind_to_frames(l, p, frames, frame_bytes);
    }
    ODEON_TRY(lanes_stage_times(l, l->n_live, p->n_evals, p->c));
    for (int32_t v = 0; v < p->n_verbs; v++) {
        const verb *w = &p->verbs[v];
        if (w->kind == VERB_EVAL) {
            char *frame = frames != NULL ? frames + w->eval * frame_bytes : NULL;
            char *k = target_of(l, w->out);
            ODEON_TRY(lanes_eval(l, l->n_live, w->eval, w->terms, l->value[w->in], k, frame));
        } else if (w->out != REG_ERROR) {
            ODEON_TRY(combine(l, p, w));
        }
    }
    return ODEON_OK;
}

/* ---- the error ---- */

odeon_status lanes_scaled_sum(lanes *l, int32_t slot, char *y0, char *y1, int32_t n, char *const *x,
                              const odeon_scalar *coefficients)
{
    odeon_lanes entries = lanes_entries(l, l->n_live);
    odeon_tensor start = lanes_rows_tensor(l, y0, l->n_live);
    odeon_tensor end = lanes_rows_tensor(l, y1, l->n_live), vectors[ODEON_MAX_STAGES];
    const odeon_view *pointers[ODEON_MAX_STAGES];
    for (int32_t i = 0; i < n; i++) {
        vectors[i] = lanes_rows_tensor(l, x[i], l->n_live);
        pointers[i] = &vectors[i].view;
    }
    return l->ops->error_sum(l->lane->queue,
                             &(odeon_lanes_error_sum){.struct_size = sizeof(odeon_lanes_error_sum),
                                                      .lanes = &entries,
                                                      .control = &l->control,
                                                      .y0 = &start.view,
                                                      .y1 = &end.view,
                                                      .x = pointers,
                                                      .coefficient = coefficients,
                                                      .n = n,
                                                      .slot = ODEON_SLOT_ERROR_SUM + slot});
}

odeon_status lanes_error_sums(lanes *l, const program *p)
{
    int32_t n = l->control.n_estimates > 1 ? l->control.n_estimates : 1;
    for (int32_t i = 0; i < n; i++) {
        const verb *w = program_error_verb(p, i);
        char *x[ODEON_MAX_STAGES];
        odeon_scalar coefficients[ODEON_MAX_STAGES];
        for (int32_t k = 0; k < w->n; k++) {
            x[k] = l->value[p->terms[w->first + k].x];
            coefficients[k] = term_coefficient(l->one, &p->terms[w->first + k]);
        }
        ODEON_TRY(
            lanes_scaled_sum(l, i, l->value[REG_Y0], l->value[REG_Y1], w->n, x, coefficients));
    }
    return ODEON_OK;
}

/* ---- outputs ---- */

/* Lists the entries whose output number `pass` of this step was read at its end, or within it, and
 * where it goes. How many. */
static int64_t list_outputs(const lanes *l, int32_t pass, bool at_end)
{
    int32_t *row = lanes_list(l, LIST_ROW), *to = lanes_list(l, LIST_TO);
    int64_t n = 0;
    for (int64_t i = 0; i < l->n_live; i++) {
        const lane_step *x = &l->now[i];
        int32_t output = x->first_output + pass;
        if (pass >= x->n_outputs ||
            (l->read_at[(int64_t)x->row * l->task.n_times + output] >= 1.0) != at_end) {
            continue;
        }
        row[n] = (int32_t)i;
        to[n++] = (int32_t)(output * l->task.rows) + x->row;
    }
    return n;
}

/* Weights of the slopes for the n entries listed, to numbers; how many slopes, and which. */
static int32_t dense_weights(const lanes *l, int32_t pass, int64_t n, int32_t *registers)
{
    const int32_t *row = lanes_list(l, LIST_ROW);
    double weights[ODEON_MAX_STAGES];
    int32_t n_slopes = 0;
    for (int64_t i = 0; i < n; i++) {
        const lane_step *x = &l->now[row[i]];
        double at = l->read_at[(int64_t)x->row * l->task.n_times + x->first_output + pass];
        n_slopes = stepper_dense(l->stepper, x->h, at, registers, weights);
        for (int32_t k = 0; k < n_slopes; k++) {
            l->numbers[k * n + i] = x->h * weights[k];
        }
    }
    return n_slopes;
}

/* y0 + h sum b_i(x) k_i of n entries. */
static odeon_status read_within(lanes *l, int32_t pass, int64_t n)
{
    int32_t registers[ODEON_MAX_STAGES];
    int32_t count = dense_weights(l, pass, n, registers);
    odeon_lanes entries = lanes_entries(l, n);
    odeon_tensor y = lanes_rows_tensor(l, l->outputs.data, l->task.n_times * l->task.rows);
    odeon_tensor base = lanes_rows_tensor(l, l->value[REG_Y0], l->n_live), x[ODEON_MAX_STAGES];
    const odeon_view *pointers[ODEON_MAX_STAGES];
    for (int32_t k = 0; k < count; k++) {
        x[k] = lanes_rows_tensor(l, l->value[registers[k]], l->n_live);
        pointers[k] = &x[k].view;
    }
    entries.row = lanes_on_device(l, LIST_ROW);
    ODEON_TRY(lanes_upload(l, LIST_ROW, n));
    ODEON_TRY(lanes_upload(l, LIST_TO, n));
    ODEON_TRY(lanes_upload_weights(l, count, n));
    return l->ops->lincomb(l->lane->queue,
                           &(odeon_lanes_lincomb){.struct_size = sizeof(odeon_lanes_lincomb),
                                                  .lanes = &entries,
                                                  .y = &y,
                                                  .base = &base.view,
                                                  .x = pointers,
                                                  .weight = (double *)(void *)l->weights.data,
                                                  .y_row = lanes_on_device(l, LIST_TO),
                                                  .n = count});
}

/* Several outputs may lie within one step: the first ones of all rows, then the second ones. */
odeon_status lanes_read_outputs(lanes *l)
{
    int32_t most = 0;
    for (int64_t i = 0; i < l->n_live; i++) {
        most = l->now[i].n_outputs > most ? l->now[i].n_outputs : most;
    }
    for (int32_t pass = 0; pass < most; pass++) {
        int64_t n = list_outputs(l, pass, true);
        ODEON_TRY(lanes_move(l, l->value[REG_Y1], l->n_live, l->outputs.data,
                             l->task.n_times * l->task.rows, n));
        n = list_outputs(l, pass, false);
        ODEON_TRY(n > 0 ? read_within(l, pass, n) : ODEON_OK);
    }
    return ODEON_OK;
}

/* ---- the next round ---- */

/* Entries that go on and whose step was accepted, or not, and their places in the next round. */
static int64_t list_next(const lanes *l, bool accepted)
{
    int32_t *row = lanes_list(l, LIST_ROW), *to = lanes_list(l, LIST_TO);
    int64_t n = 0;
    int32_t place = 0;
    for (int64_t i = 0; i < l->n_live; i++) {
        if (l->rows[l->live[i]].finished) {
            continue;
        }
        if (l->now[i].accepted == accepted) {
            row[n] = (int32_t)i;
            to[n++] = place;
        }
        place++;
    }
    return n;
}

/* One of the vectors that a step begins with, from that of the last step's end or start. */
static odeon_status carry_on(lanes *l, int32_t which, char *end, char *start)
{
    char *next = l->next_value[which];
    ODEON_TRY(lanes_move(l, end, l->n_live, next, l->task.rows, list_next(l, true)));
    return lanes_move(l, start, l->n_live, next, l->task.rows, list_next(l, false));
}

static void exchange(char **a, char **b)
{
    char *kept = *a;
    *a = *b;
    *b = kept;
}

static void drop_finished(lanes *l)
{
    int64_t n = 0;
    for (int64_t i = 0; i < l->n_live; i++) {
        if (!l->rows[l->live[i]].finished) {
            l->live[n++] = l->live[i];
        }
    }
    l->n_live = n;
}

/* The field is fitted again where rows have dropped out. */
odeon_status lanes_advance(lanes *l)
{
    int64_t before = l->n_live;
    ODEON_TRY(carry_on(l, 0, l->value[REG_Y1], l->own[REG_Y0]));
    for (int32_t c = 0; c < l->stepper->info.n_carry; c++) {
        ODEON_TRY(carry_on(l, 1 + c, l->value[reg_carry_out(l->stepper, c)],
                           l->own[reg_carry_in(l->stepper, c)]));
    }
    exchange(&l->own[REG_Y0], &l->next_value[0]);
    for (int32_t c = 0; c < l->stepper->info.n_carry; c++) {
        exchange(&l->own[reg_carry_in(l->stepper, c)], &l->next_value[1 + c]);
    }
    drop_finished(l);
    if (l->n_live == before || l->n_live == 0) {
        return ODEON_OK;
    }
    ODEON_TRY(lanes_upload_live(l));
    return lanes_fit_field(l);
}
