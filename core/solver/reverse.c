/* The exact reverse of recorded steps, their sizes held fixed.
 *
 * For a step's verbs in reverse order, with a bar for dL/d(value):
 *   combine  out = sum a_i x_i   gives   x_i_bar += a_i out_bar
 *   eval     k = f(t, y)         gives   y_bar += (df/dy)^T k_bar, theta_bar += (df/dtheta)^T k_bar
 * The contributions of combinations to one value are gathered in a single pass where that value was
 * made: every verb that reads it has been walked by then. */
#include "base/diag.h"
#include "solver/captured_adaptive.h"

/* One pass over the combinations that read a place. */
typedef struct gathering {
    int32_t n;
    odeon_tensor x[ODEON_MAX_STAGES];
    odeon_scalar coefficients[ODEON_MAX_STAGES];
} gathering;

static odeon_status ready(solver *s, held *x)
{
    if (x->data == NULL) {
        *x = solver_take(s);
    }
    return x->data != NULL ? ODEON_OK
                           : diag_fail(ODEON_ERR_INTERNAL, "%s: out of vectors", s->path);
}

/* bar[place] += what has been gathered. */
static odeon_status add_gathered(solver *s, int32_t place, gathering *g)
{
    if (g->n == 0) {
        return ODEON_OK;
    }
    bool fresh = s->bar[place].data == NULL;
    ODEON_TRY(ready(s, &s->bar[place]));
    odeon_tensor out = solver_vector(s, s->bar[place]);
    const odeon_tensor *pointers[ODEON_MAX_STAGES];
    for (int32_t i = 0; i < g->n; i++) {
        pointers[i] = &g->x[i];
    }
    int32_t n = g->n;
    g->n = 0;
    return s->lane->device->ops->lincomb(s->lane->queue, &out, fresh ? NULL : &out, n, pointers,
                                         g->coefficients, s->slots);
}

/* Adds to bar[place] what combinations behind verb v make of it. */
static odeon_status gather(solver *s, const program *p, int32_t v, int32_t place)
{
    gathering g = {.n = 0};
    for (int32_t later = v + 1; later < p->n_verbs; later++) {
        const verb *w = &p->verbs[later];
        if (w->kind != VERB_COMBINE || w->out == PLACE_ERROR || s->bar[w->out].data == NULL) {
            continue;
        }
        for (int32_t i = 0; i < w->n; i++) {
            const odeon_term *term = &p->terms[w->first + i];
            if (term->x != place) {
                continue;
            }
            if (g.n == ODEON_MAX_STAGES) {
                ODEON_TRY(add_gathered(s, place, &g));
            }
            g.x[g.n] = solver_vector(s, s->bar[w->out]);
            g.coefficients[g.n++] =
                (odeon_scalar){.imm = term->alpha, .scale = term->beta, .slot = ODEON_SLOT_H};
        }
    }
    return add_gathered(s, place, &g);
}

/* What stands at a place counts so much in the value at t + x h of a step's dense output. */
static double dense_weight(const solver *s, double h, double x, int32_t place)
{
    int32_t places[ODEON_MAX_STAGES];
    double weights[ODEON_MAX_STAGES], weight = place == PLACE_Y0 ? 1.0 : 0.0;
    int32_t n = stepper_dense(s->stepper, x, places, weights);
    for (int32_t i = 0; i < n; i++) {
        weight += places[i] == place ? h * weights[i] : 0.0;
    }
    return weight;
}

static int32_t output_places(const solver *s, int32_t *places)
{
    double weights[ODEON_MAX_STAGES];
    places[0] = PLACE_Y0;
    return 1 + stepper_dense(s->stepper, 1.0, places + 1, weights);
}

int32_t solver_output_weights(const solver *s, double h, double x, double *weights)
{
    int32_t places[1 + ODEON_MAX_STAGES], n = output_places(s, places);
    for (int32_t i = 0; i < n; i++) {
        weights[i] = x < 1.0 ? dense_weight(s, h, x, places[i]) : 0.0;
    }
    return n;
}

static odeon_status gather_by_slots(solver *s, int32_t place)
{
    int32_t places[1 + ODEON_MAX_STAGES], n = output_places(s, places);
    gathering g = {.n = 0};
    for (int32_t i = 0; i < n && s->d_y[1].data != NULL; i++) {
        if (places[i] == place) {
            g.x[g.n] = s->d_y[1];
            g.coefficients[g.n++] = odeon_slot(1.0, ODEON_SLOT_ERROR_SUM + i);
        }
    }
    return add_gathered(s, place, &g);
}

/* Adds to bar[place] what the outputs read off this step's dense output make of it. */
static odeon_status gather_outputs(solver *s, const solve_record *record, int32_t place)
{
    gathering g = {.n = 0};
    if (record->by_slots) {
        return gather_by_slots(s, place);
    }
    for (int32_t k = 0; k < record->n_outputs; k++) {
        int32_t i = record->first_output + k;
        bool dense = s->read_at[i] < 1.0 && s->d_y[i].data != NULL;
        double weight = dense ? dense_weight(s, record->h, s->read_at[i], place) : 0.0;
        if (weight == 0.0) {
            continue;
        }
        if (g.n == ODEON_MAX_STAGES) {
            ODEON_TRY(add_gathered(s, place, &g));
        }
        g.x[g.n] = s->d_y[i];
        g.coefficients[g.n++] = odeon_imm(weight);
    }
    return add_gathered(s, place, &g);
}

/* target += source */
static odeon_status add(solver *s, held target, held source)
{
    odeon_tensor out = solver_vector(s, target), x = solver_vector(s, source);
    const odeon_tensor *pointers[1] = {&x};
    odeon_scalar one[1] = {odeon_imm(1.0)};
    return s->lane->device->ops->lincomb(s->lane->queue, &out, &out, 1, pointers, one, NULL);
}

/* Adds to bar[Y1] what the output at the step's own end owes: the last one read off it, if any. */
static odeon_status inject_end(solver *s, const solve_record *record)
{
    int32_t i = record->first_output + record->n_outputs - 1;
    held *end = &s->bar[PLACE_Y1];
    if (record->n_outputs == 0 || s->read_at[i] < 1.0 || s->d_y[i].data == NULL) {
        return ODEON_OK;
    }
    odeon_tensor owed = s->d_y[i];
    if (end->data != NULL) {
        return add(s, *end, (held){.data = owed.data});
    }
    *end = (held){.data = s->spare_bar};
    s->spare_bar = NULL;
    ODEON_TRY(ready(s, end));
    odeon_tensor start = solver_vector(s, *end);
    return s->lane->device->ops->copy(s->lane->queue, &owed, &start);
}

static odeon_status eval_vjp(solver *s, const solve_record *record, const verb *w)
{
    const odeon_field *f = &s->field->abi;
    held target = s->bar[w->in];
    bool fresh = target.data == NULL;
    if (!fresh) {
        target = (held){0};
    }
    ODEON_TRY(ready(s, &target));
    odeon_tensor t = solver_stage_time(s, w->eval), y = solver_vector(s, (held){0});
    odeon_tensor k_bar = solver_vector(s, s->bar[w->out]), y_bar = solver_vector(s, target);
    odeon_status status = f->vjp(f->self, &t, &y, s->kept[record->first_frame + (size_t)w->eval],
                                 &k_bar, &y_bar, NULL);
    solver_release(s, &s->bar[w->out]);
    if (fresh) {
        s->bar[w->in] = target;
        return status;
    }
    status = status == ODEON_OK ? add(s, s->bar[w->in], target) : status;
    solver_release(s, &target);
    return status;
}

static odeon_status walk_verbs(solver *s, const solve_record *record)
{
    const program *p = record->program;
    for (int32_t v = p->n_verbs; v-- > 0;) {
        const verb *w = &p->verbs[v];
        if (w->out == PLACE_ERROR) {
            continue;
        }
        ODEON_TRY(gather(s, p, v, w->out));
        ODEON_TRY(gather_outputs(s, record, w->out));
        if (w->kind == VERB_EVAL && s->bar[w->out].data != NULL) {
            ODEON_TRY(eval_vjp(s, record, w));
        }
    }
    ODEON_TRY(gather(s, p, -1, PLACE_Y0));
    ODEON_TRY(gather_outputs(s, record, PLACE_Y0));
    for (int32_t i = 0; i < s->stepper->info.n_carry; i++) {
        ODEON_TRY(gather(s, p, -1, place_carry_in(s->stepper, i)));
        ODEON_TRY(gather_outputs(s, record, place_carry_in(s->stepper, i)));
    }
    return ODEON_OK;
}

/* What the step's start owes becomes what the step before it, or the start, has to answer for. */
static void pass_on(solver *s, const solve_record *record)
{
    const stepper *method = s->stepper;
    bool severed = record->is_start || (record->is_first && method->start == NULL);
    for (int32_t i = PLACE_Y1; i < method->n_places; i++) {
        bool carry_in = i >= PLACE_CARRY && i < PLACE_CARRY + method->info.n_carry;
        if (!carry_in || severed) {
            solver_release(s, &s->bar[i]);
        }
    }
    s->bar[PLACE_Y1] = s->bar[PLACE_Y0];
    s->bar[PLACE_Y0] = (held){0};
    for (int32_t i = 0; i < method->info.n_carry; i++) {
        s->bar[place_carry_out(method, i)] = s->bar[place_carry_in(method, i)];
        s->bar[place_carry_in(method, i)] = (held){0};
    }
}

static odeon_status walk_record(solver *s, const solve_record *record)
{
    if (record->is_start) { /* no time passes: y1 is y0 */
        s->bar[PLACE_Y0] = s->bar[PLACE_Y1];
        s->bar[PLACE_Y1] = (held){0};
    }
    ODEON_TRY(inject_end(s, record));
    ODEON_TRY(walk_verbs(s, record));
    pass_on(s, record);
    return ODEON_OK;
}

static odeon_status reverse_record(solver *s, const solve_record *record)
{
    const odeon_device_ops *ops = s->lane->device->ops;
    double values[2] = {record->t, record->h};
    const program *p = record->program;
    ODEON_TRY(ops->slots_write(s->lane->queue, s->slots, ODEON_SLOT_T, 2, values));
    ODEON_TRY(ops->stage_times(s->lane->queue, p->n_evals, p->c, s->slots));
    return walk_record(s, record);
}

/* Gives the last record's frames back. */
static void drop_last(solver *s)
{
    size_t first = s->records[s->n_records - 1].first_frame;
    while (s->n_kept > first) {
        odeon_frame *frame = s->kept[--s->n_kept];
        frame->next = s->free_frames;
        s->free_frames = frame;
        s->n_free_frames++;
    }
    s->n_records--;
}

/* The record that a step just run would leave. */
odeon_status solver_walk_run(solver *s, const solve_record *record)
{
    s->records[s->n_records] = *record;
    s->records[s->n_records++].first_frame = s->n_kept;
    for (int32_t i = 0; i < record->program->n_evals; i++) {
        s->kept[s->n_kept++] = s->frames[i];
        s->frames[i] = NULL;
    }
    for (int32_t i = 0; i < s->stepper->n_places; i++) {
        solver_release(s, &s->at[i]);
    }
    odeon_status status = walk_record(s, &s->records[s->n_records - 1]);
    drop_last(s);
    return status;
}

/* What has been gathered at the start, and what is owed for the first output, which it is. */
odeon_status solver_give_start(solver *s, const odeon_tensor *d_y, const odeon_tensor *d_y0)
{
    const odeon_device_ops *ops = s->lane->device->ops;
    held start = s->bar[PLACE_Y1];
    odeon_tensor x[2] = {solver_vector(s, start), d_y[0]};
    const odeon_tensor *pointers[2] = {&x[0], &x[1]};
    const odeon_scalar ones[2] = {odeon_imm(1.0), odeon_imm(1.0)};
    int32_t first = start.data == NULL, n = 1 + (d_y[0].data != NULL);
    if (first == n) {
        return ops->fill(s->lane->queue, d_y0, odeon_imm(0.0), NULL);
    }
    if (n - first == 1) {
        const odeon_tensor *only = pointers[first];
        return only->data == d_y0->data ? ODEON_OK : ops->copy(s->lane->queue, only, d_y0);
    }
    return ops->lincomb(s->lane->queue, d_y0, NULL, 2, pointers, ones, NULL);
}

odeon_status solver_walk_back(solver *s, const odeon_tensor *d_y, const odeon_tensor *d_y0)
{
    odeon_status status = ODEON_OK;
    s->d_y = d_y;
    s->spare_bar = d_y0->data;
    while (s->n_records > 0 && status == ODEON_OK) {
        status = reverse_record(s, &s->records[s->n_records - 1]);
        drop_last(s);
    }
    if (status == ODEON_OK) {
        status = solver_give_start(s, d_y, d_y0);
    }
    for (int32_t i = 0; i < s->stepper->n_places; i++) {
        solver_release(s, &s->bar[i]);
    }
    return status;
}

odeon_status solver_reverse(solver *s, const odeon_tensor *d_y, const odeon_tensor *d_y0)
{
    if (s->piece.kept > 0) {
        return solver_walk_rows(s, d_y, d_y0);
    }
    return s->spec->mode == ODEON_STEPS_ADAPTIVE ? solver_walk_back(s, d_y, d_y0)
                                                 : solver_walk_back_recorded(s, d_y, d_y0);
}
