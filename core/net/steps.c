#include "net/steps.h"

#include <string.h>

#include "odeon/device_pointwise.h"

/* ---- what a neighbour carries out ---- */

/* A pointwise layer right behind a product that can apply it while its result is in registers: one
 * pass over memory less. The vjp then works from the output, which all ids up to the last one
 * allow; a second activation in a row finds the place taken. */
static bool is_epilogue(const net_plan *plan, const odeon_layer_plan *next)
{
    if ((next->flags & ODEON_LAYER_POINTWISE) == 0 || plan->n == 0 ||
        next->act > ODEON_UNARY_LAST_EPILOGUE) {
        return false;
    }
    const net_step *before = &plan->steps[plan->n - 1];
    return step_needs(before, ODEON_LAYER_EPILOGUE) && before->act == ODEON_UNARY_IDENTITY;
}

static bool same_shape(const odeon_shape *a, const odeon_shape *b)
{
    return a->ndim == b->ndim && a->dtype == b->dtype &&
           memcmp(a->dim, b->dim, (size_t)a->ndim * sizeof *a->dim) == 0;
}

/* The last step's layer can do without the channel of the time that the step before it appends:
 * that step is dropped, and nothing is copied. Views between the two would show in the shapes. */
static odeon_status take_time_channel(net_plan *plan)
{
    net_step *last = &plan->steps[plan->n - 1], *before = last - 1;
    if (plan->n < 2 || !step_needs(last, ODEON_LAYER_TAKES_TIME_CHANNEL) ||
        !step_needs(before, ODEON_LAYER_TIME_CHANNEL) || !same_shape(&before->out, &last->in)) {
        return ODEON_OK;
    }
    odeon_layer_plan again;
    int32_t where = before->plan.time_channel;
    ODEON_TRY(net_layer_plan_timed(plan->net->site, last->layer, &before->in, where, plan->flags,
                                   &again));
    before->layer = last->layer;
    before->plan = again;
    before->out = last->out;
    before->time_channel = where;
    plan->n--;
    return ODEON_OK;
}

/* The last step's layer can apply what the one before it does to its input, which is then written
 * nowhere. */
static void take_prologue(net_plan *plan)
{
    net_step *last = &plan->steps[plan->n - 1], *before = last - 1;
    bool takes = plan->n >= 2 && step_needs(last, ODEON_LAYER_PROLOGUE) &&
                 step_needs(before, ODEON_LAYER_DEFERS) && same_shape(&before->out, &last->in);
    if (takes) {
        before->is_deferred = true;
        last->has_prologue = true;
    }
}

/* ---- what a chain is ---- */

/* What the chain is as a whole, from what its layers are; before the first it is linear. A property
 * that any layer brings is the chain's, but a chain is linear only where every layer is. */
static uint32_t join_flags(uint32_t chain, uint32_t layer)
{
    uint32_t any = ODEON_LAYER_BATCH_COUPLED | ODEON_LAYER_USES_T | ODEON_LAYER_ROUNDS_T |
                   ODEON_LAYER_STATEFUL | ODEON_LAYER_RANDOM;
    return ((chain | layer) & any) | (chain & layer & ODEON_LAYER_LINEAR);
}

/* Are random numbers drawn in a layer's bodies? Asked of the layers themselves: a container may not
 * pass the flag on, and a recording that replays old random numbers would be silently wrong. */
static uint32_t flags_of_bodies(const net_layer *layer, uint32_t flags)
{
    uint32_t random = 0;
    for (size_t b = 0; b < layer->n_bodies; b++) {
        const odeon_net *body = layer->bodies[b];
        for (size_t i = 0; body != NULL && i < body->n; i++) {
            const net_layer *inner = &body->layers[i];
            bool absent = (inner->plan.flags & ODEON_LAYER_TRAIN_ONLY) != 0 &&
                          (flags & ODEON_CALL_TRAIN) == 0;
            random |= absent ? 0 : inner->plan.flags & ODEON_LAYER_RANDOM;
            random |= flags_of_bodies(inner, flags);
        }
    }
    return random;
}

/* Layers of training alone are absent from an evaluation, and views only change the shape of what
 * is there; an activation that was fused is no step, but its flags count. */
static odeon_status add_layer(net_plan *plan, net_layer *layer, odeon_shape *shape)
{
    odeon_layer_plan next;
    ODEON_TRY(net_layer_plan(plan->net->site, layer, shape, plan->flags, &next));
    if ((next.flags & ODEON_LAYER_TRAIN_ONLY) != 0 && (plan->flags & ODEON_CALL_TRAIN) == 0) {
        return ODEON_OK;
    }
    if (is_epilogue(plan, &next)) {
        plan->steps[plan->n - 1].act = next.act;
    } else if ((next.flags & ODEON_LAYER_VIEW) == 0) {
        plan->steps[plan->n++] =
            (net_step){.layer = layer, .plan = next, .in = *shape, .out = next.out};
        ODEON_TRY(take_time_channel(plan));
        take_prologue(plan);
    }
    *shape = next.out;
    plan->layer_flags =
        join_flags(plan->layer_flags, next.flags) | flags_of_bodies(layer, plan->flags);
    return ODEON_OK;
}

/* ---- what is kept ---- */

/* The vjp of a step reads its output: the layer's own, or that of an activation that was fused. */
static bool reads_out(const net_step *step)
{
    return step_needs(step, ODEON_LAYER_NEEDS_OUT) ||
           (step->act != ODEON_UNARY_IDENTITY && !step_needs(step, ODEON_LAYER_EPILOGUE_FROM_IN));
}

/* That of a deferred step is nowhere. */
bool steps_reads_value(const net_plan *plan, size_t s)
{
    const net_step *before = s > 0 ? &plan->steps[s - 1] : NULL;
    const net_step *after = s < plan->n ? &plan->steps[s] : NULL;
    return (before == NULL || !before->is_deferred) &&
           ((before != NULL && reads_out(before)) ||
            (after != NULL && step_needs(after, ODEON_LAYER_NEEDS_IN)));
}

/* Multiply-adds of a forward call, by the sizes of weights; a pass over the output counts, too. */
static double cost_of(const net_plan *plan, const net_step *step)
{
    enum { PASS = 8 };
    const net_layer *layer = step->layer;
    double each = PASS;
    for (size_t i = 0; i < layer->n_params; i++) {
        const odeon_shape *w = &plan->net->site->params->list[layer->index[i]].shape;
        each += w->ndim >= 2 && w->dim[0] > 0 ? (double)odeon_count(w) / (double)w->dim[0] : 0.0;
    }
    return each * (double)odeon_count(&step->out);
}

/* A second forward gives the same from the same input, and the vjp keeps that input in any case. */
static bool can_remake(const net_plan *plan, size_t s)
{
    const net_step *step = &plan->steps[s];
    uint32_t not_alone = ODEON_LAYER_BATCH_COUPLED | ODEON_LAYER_STATEFUL | ODEON_LAYER_RANDOM |
                         ODEON_LAYER_QUANTITIES;
    return !step_needs(step, not_alone) && step->layer->n_bodies == 0 &&
           step->plan.tape_bytes == 0 && step->plan.n_integrals == 0 && !step->has_prologue &&
           step_needs(step, ODEON_LAYER_NEEDS_IN) && (s == 0 || !plan->steps[s - 1].is_remade) &&
           !plan->steps[s + 1].is_deferred && steps_reads_value(plan, s + 1);
}

/* Of a chain with many frames: a value is made again by its vjp rather than kept where that costs
 * few of the operations of an evaluation with its vjp, which are three times those of the
 * evaluation, and saves enough. Slice by slice it then never leaves the cache. */
static void choose_remade(net_plan *plan)
{
    enum { PARTS = 33, LEAST_BYTES = 1 << 16 };
    double all = 0.0;
    for (size_t s = 0; s < plan->n; s++) {
        all += 3.0 * cost_of(plan, &plan->steps[s]);
    }
    for (size_t s = 0; s + 1 < plan->n && plan->net->has_many_frames; s++) {
        net_step *step = &plan->steps[s];
        step->is_remade = can_remake(plan, s) && odeon_bytes(&step->out) >= LEAST_BYTES &&
                          cost_of(plan, step) * PARTS <= all;
    }
}

odeon_status steps_lay_out(net_plan *plan)
{
    odeon_shape shape = plan->in;
    plan->layer_flags = ODEON_LAYER_LINEAR;
    for (size_t i = 0; i < plan->net->n; i++) {
        ODEON_TRY(add_layer(plan, &plan->net->layers[i], &shape));
    }
    plan->out = shape;
    choose_remade(plan);
    return ODEON_OK;
}

/* ---- cells ---- */

static int64_t aligned(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static void grow(int64_t cells[2], int32_t cell, const odeon_shape *x)
{
    int64_t bytes = aligned(odeon_bytes(x));
    cells[cell] = bytes > cells[cell] ? bytes : cells[cell];
}

/* Values of a forward pass take turns, so that no step reads and writes the same cell; what is
 * kept in a frame leaves its cell alone. */
static void lay_out_values(net_plan *plan, int64_t cells[2])
{
    int32_t cell = 1;
    for (size_t s = 0; s < plan->n; s++) {
        net_step *step = &plan->steps[s];
        if (!step->is_deferred) {
            cell = 1 - cell;
            grow(cells, cell, &step->out);
        }
        step->cell = cell;
    }
}

/* Cotangents of a backward pass: that behind the last step lies elsewhere, unless the host has to
 * undo a function before it, and that before the first one is written elsewhere. */
static void lay_out_cotangents(net_plan *plan, int32_t first, int64_t cells[2])
{
    int32_t cell = -1;
    plan->first_cell = first;
    for (size_t s = plan->n; s-- > 0;) {
        net_step *step = &plan->steps[s];
        if (cell < 0 && step->act != ODEON_UNARY_IDENTITY && !step_undoes(step)) {
            cell = first;
            grow(cells, cell, &step->out);
        }
        bool in_place = cell >= 0 && step_needs(step, ODEON_LAYER_VJP_IN_PLACE);
        cell = in_place ? cell : cell < 0 ? first : 1 - cell;
        step->d_cell = cell;
        step->is_in_place = in_place && s > 0;
        if (s > 0) {
            grow(cells, cell, &step->in);
        }
    }
}

/* The larger values of the two passes go to the same cell: of two ways the one that takes less. */
void steps_lay_out_cells(net_plan *plan)
{
    int64_t cells[2][2] = {{0}};
    for (int32_t first = 0; first < 2; first++) {
        lay_out_values(plan, cells[first]);
        lay_out_cotangents(plan, first, cells[first]);
    }
    bool second = cells[1][0] + cells[1][1] < cells[0][0] + cells[0][1];
    const int64_t *best = cells[second];
    int64_t again[2] = {0, 0};
    lay_out_cotangents(plan, second, again);
    plan->cell_at[1] = best[0];
    plan->cells_bytes = best[0] + best[1];
}
