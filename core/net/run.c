/* Plans of a network for one batch size, and its two passes. A plan says once which layers are
 * executed on which shapes and where every value lies; a pass then neither allocates nor decides
 * anything.
 *
 * Values between layers go through two cells of scratch (steps.h), but for those that a vjp will
 * read: they are computed right where the frame keeps them. */
#include "net/net.h"

#include "base/diag.h"
#include "base/mem.h"
#include "net/steps.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "plugin/calling.h"

/* All that is laid out begins at a multiple of 64 bytes, which kernels may rely on. */
static int64_t aligned(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Value s lies between steps s - 1 and s. */
static bool is_kept(const net_plan *plan, size_t s)
{
    bool remade = s > 0 && plan->steps[s - 1].is_remade;
    return !remade && steps_reads_value(plan, s);
}

static int64_t value_bytes(const net_plan *plan, size_t s)
{
    return odeon_bytes(s > 0 ? &plan->steps[s - 1].out : &plan->in);
}

/* Gives value s its place at an offset, from where the next one begins. */
static void place_value(net_plan *plan, size_t s, int64_t *at)
{
    int64_t place = is_kept(plan, s) ? *at : -1;
    *(s > 0 ? &plan->steps[s - 1].out_at : &plan->in_at) = place;
    *(s < plan->n ? &plan->steps[s].in_at : &plan->out_at) = place;
    *at += is_kept(plan, s) ? aligned(value_bytes(plan, s)) : 0;
}

/* Offsets of what a frame keeps: values that a neighbour's vjp reads, and tapes; both ends of the
 * chain last, since they may lie elsewhere. */
static void lay_out_frame(net_plan *plan)
{
    int64_t at = 0;
    for (size_t s = 1; s < plan->n; s++) {
        place_value(plan, s, &at);
    }
    for (size_t s = 0; s < plan->n; s++) {
        plan->steps[s].tape_at = at;
        at += aligned((int64_t)plan->steps[s].plan.tape_bytes);
    }
    plan->inner_bytes = at;
    place_value(plan, 0, &at);
    if (plan->n > 0) {
        place_value(plan, plan->n, &at);
    }
    plan->frame_bytes = at > 0 ? at : 64; /* a multiple of 64 in any case */
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The scratch of layers is shared, since only one of them runs at a time. */
static void lay_out_scratch(net_plan *plan)
{
    steps_lay_out_cells(plan);
    for (size_t s = 0; s < plan->n; s++) {
        const net_step *step = &plan->steps[s];
        int64_t scratch = aligned((int64_t)step->plan.scratch_bytes);
        int64_t tape = step->is_deferred ? aligned((int64_t)step->plan.tape_bytes) : 0;
        plan->layer_scratch_bytes = larger(plan->layer_scratch_bytes, scratch);
        int64_t remade = step->is_remade ? aligned(odeon_bytes(&step->out)) : 0;
        plan->deferred_bytes = larger(plan->deferred_bytes, tape);
        plan->remade_bytes = larger(plan->remade_bytes, remade);
    }
    plan->scratch_bytes =
        plan->cells_bytes + plan->deferred_bytes + plan->remade_bytes + plan->layer_scratch_bytes;
}

/* The scratch is the network's. */
static void plan_destroy(net_plan *plan)
{
    mem_free(plan->steps);
    mem_free(plan);
}

void net_plans_destroy(odeon_net *net)
{
    const odeon_device *device = net->site->lane.device;
    if (net->scratch != NULL) {
        device->ops->free(device->handle, net->scratch);
    }
    net->scratch = NULL;
    net->scratch_bytes = 0;
    while (net->plans != NULL) {
        net_plan *next = net->plans->next;
        plan_destroy(net->plans);
        net->plans = next;
    }
}

/* Larger scratch takes the place of what there is. Nothing in it outlives a call of a plan. */
static odeon_status grow_scratch(odeon_net *net, int64_t bytes)
{
    const odeon_device *device = net->site->lane.device;
    void *scratch = NULL;
    ODEON_TRY(device->ops->alloc(device->handle, (uint64_t)bytes, &scratch));
    if (net->scratch != NULL) {
        device->ops->free(device->handle, net->scratch);
    }
    net->scratch = scratch;
    net->scratch_bytes = bytes;
    for (net_plan *p = net->plans; p != NULL; p = p->next) {
        p->scratch = p->scratch != NULL ? net->scratch : NULL;
    }
    return ODEON_OK;
}

/* One memory for all plans of a network, of which only one is run at a time. An empty chain needs
 * none. */
static odeon_status add_scratch(net_plan *plan)
{
    odeon_net *net = plan->net;
    int64_t bytes = plan->scratch_bytes;
    if (net->site->shapes_only || plan->scratch != NULL || plan->n == 0) {
        return ODEON_OK;
    }
    if (net->scratch == NULL || bytes > net->scratch_bytes) {
        ODEON_TRY(grow_scratch(net, bytes));
    }
    plan->scratch = net->scratch;
    return ODEON_OK;
}

static odeon_status make_plan(odeon_net *net, int64_t batch, uint32_t flags, net_plan **out)
{
    net_plan *plan = mem_zalloc(1, sizeof *plan);
    net_step *steps = mem_zalloc(net->n + 1, sizeof *steps);
    if (plan == NULL || steps == NULL) {
        mem_free(plan);
        mem_free(steps);
        return diag_fail(ODEON_ERR_NOMEM, "no memory to plan a batch of %lld", (long long)batch);
    }
    *plan = (net_plan){.net = net, .flags = flags, .in = net->in, .steps = steps};
    plan->in.dim[0] = batch;
    odeon_status status = steps_lay_out(plan);
    if (status != ODEON_OK) {
        plan_destroy(plan);
        return status;
    }
    lay_out_frame(plan);
    lay_out_scratch(plan);
    plan->next = net->plans;
    net->plans = plan;
    *out = plan;
    return ODEON_OK;
}

/* Only the mode of the flags makes a difference to a plan. A list is enough: a run has its batch,
 * the smaller last one, those of tests, and slices of each. The newest is looked at first. */
static odeon_status find_plan(odeon_net *net, int64_t batch, uint32_t flags, net_plan **out)
{
    flags &= ODEON_CALL_TRAIN;
    for (net_plan *p = net->plans; p != NULL; p = p->next) {
        if (p->in.dim[0] == batch && p->flags == flags) {
            *out = p;
            return ODEON_OK;
        }
    }
    return make_plan(net, batch, flags, out);
}

odeon_status net_plan_shapes(odeon_net *net, int64_t batch, uint32_t flags, const net_plan **out)
{
    net_plan *plan = NULL;
    odeon_status status = find_plan(net, batch, flags, &plan);
    *out = plan;
    return status;
}

/* A plan that was made for this call goes with it if there is no memory to run it in. */
odeon_status net_plan_for(odeon_net *net, int64_t batch, uint32_t flags, const net_plan **out)
{
    net_plan *plan = NULL, *newest = net->plans;
    *out = NULL;
    ODEON_TRY(find_plan(net, batch, flags, &plan));
    odeon_status status = add_scratch(plan);
    if (status != ODEON_OK && net->plans != newest) {
        net->plans = plan->next;
        plan_destroy(plan);
    }
    *out = status == ODEON_OK ? plan : NULL;
    return status;
}

/* From the memory at from to that at to, of one shape; a copy onto itself is none. */
static odeon_status copy_bytes(const odeon_layer_call *around, const odeon_shape *shape,
                               const void *from, void *to)
{
    odeon_view x = odeon_view_at(from, *shape);
    odeon_tensor y = odeon_tensor_at(to, *shape);
    return from == to ? ODEON_OK
                      : ODEON_DO(around->device, move, copy, around->queue, .x = &x, .y = &y);
}

/* What a layer's calls have in common: its parameters and states, and what is derived from them. */
static void call_of(const odeon_layer_call *around, const net_layer *layer, odeon_layer_call *call)
{
    *call = *around;
    call->param = layer->values;
    call->grad = (around->flags & ODEON_CALL_NO_PARAM_GRAD) != 0 ? NULL : layer->grads;
    call->state = layer->grads + layer->n_params;
    call->derived = layer->derived;
}

/* Integrands lie in the order of the layers, of which some have none: those of the container that
 * the chain is a body of begin where around's do. Containers pass them on to their bodies, but for
 * an ODE block, whose path has its own. */
static void call_integrals(const net_plan *plan, const net_layer *layer, odeon_layer_call *call)
{
    const net_layer *container = plan->net->scope.container;
    if (call->integrand == NULL && call->d_integrand == NULL) {
        return;
    }
    bool none = (layer->plan.n_integrals == 0 && layer->n_bodies == 0) ||
                layer->ops->bodies == ODEON_BODIES_FIELD;
    int32_t at = layer->first_integral - (container != NULL ? container->first_integral : 0);
    call->integrand = none || call->integrand == NULL ? NULL : call->integrand + at;
    call->d_integrand = none || call->d_integrand == NULL ? NULL : call->d_integrand + at;
}

static char *cell_at(const net_plan *plan, int32_t cell)
{
    return plan->scratch + plan->cell_at[cell];
}

/* Where a value lies that is made again, as long as the two vjps that read it. */
static char *remade_at(const net_plan *plan)
{
    return plan->scratch + plan->cells_bytes + plan->deferred_bytes;
}

static char *layer_scratch(const net_plan *plan)
{
    return remade_at(plan) + plan->remade_bytes;
}

/* Where a step keeps what its vjp will read; NULL: none will follow. That of a deferred step is
 * read by the next step in any case. */
static char *tape_of(const net_plan *plan, const net_step *step, char *frame)
{
    char *elsewhere = step->is_deferred ? plan->scratch + plan->cells_bytes : NULL;
    return frame != NULL ? frame + step->tape_at : elsewhere;
}

/* The call of one step; frame NULL: no tape. The key of random numbers is that of the batch, mixed
 * with the layer's own: layers draw independently of one another. */
static void call_step(const net_plan *plan, const odeon_layer_call *around, const net_step *step,
                      char *frame, odeon_layer_call *call)
{
    call_of(around, step->layer, call);
    call->tape = tape_of(plan, step, frame);
    call->scratch = layer_scratch(plan);
    call->rng_key ^= step->layer->key;
    call->act = step->act;
    call->time_channel = step->time_channel;
    call_integrals(plan, step->layer, call);
}

/* On devices made for tests: what may be overwritten is, so that nobody gets away with reading it.
 * Everywhere else it costs a comparison. A call on another device than the site's, over the same
 * memory, has no such extension. */
static odeon_status poison(const net_plan *plan, const odeon_layer_call *around,
                           const odeon_tensor *target)
{
    const net_site *site = plan->net->site;
    if (site->lane.poison == NULL || around->device != site->lane.device) {
        return ODEON_OK;
    }
    if (target != NULL) {
        ODEON_TRY(site->lane.poison->poison(around->queue, odeon_write(target),
                                            (uint64_t)odeon_bytes(&target->view.shape)));
    }
    return site->lane.poison->poison(around->queue, layer_scratch(plan),
                                     (uint64_t)plan->layer_scratch_bytes);
}

/* Where the output of a step goes: into the frame where it is kept, else into a cell. */
static char *place_of(const net_plan *plan, const net_step *step, char *frame)
{
    return frame != NULL && step->out_at >= 0 ? frame + step->out_at : cell_at(plan, step->cell);
}

/* What the step applies of the one before it: that one's tape begins with the statistics. */
static odeon_prologue prologue_of(const net_plan *plan, const net_step *step, char *frame)
{
    const net_step *before = step - 1;
    const net_layer *layer = before->layer;
    odeon_shape pair = {.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {2, before->in.dim[1]}};
    return (odeon_prologue){.stats = odeon_view_at(tape_of(plan, before, frame), pair),
                            .w = layer->n_params > 0 ? &layer->values[0] : NULL,
                            .b = layer->n_params > 1 ? &layer->values[1] : NULL,
                            .act = before->act};
}

/* x [in] -> y [out] of one step; out NULL: it is deferred. */
static odeon_status step_forward(const net_plan *plan, const odeon_layer_call *around,
                                 const net_step *step, char *frame, const void *in, void *out)
{
    odeon_layer_call call;
    odeon_prologue prologue;
    odeon_view x = odeon_view_at(in, step->in);
    odeon_tensor y = odeon_tensor_at(out, step->out);
    call_step(plan, around, step, frame, &call);
    call.in = &x;
    call.out = step->is_deferred ? NULL : &y;
    if (step->has_prologue) {
        prologue = prologue_of(plan, step, frame);
        call.prologue = &prologue;
    }
    ODEON_TRY(poison(plan, around, call.out));
    const instance *layer = step->layer->instance;
    calling outer = calling_begin(layer, "forward");
    return calling_end(outer, step->layer->ops->forward(layer->self, &call));
}

/* The last value goes straight to the caller's out where it is wanted and the frame does not need
 * it, or need not have it (out_stays). An empty chain, of views alone, is a copy. */
static odeon_status run_steps(const net_plan *plan, const odeon_layer_call *around, const void *in,
                              void *out, char *frame, bool out_stays)
{
    for (size_t s = 0; s < plan->n; s++) {
        const net_step *step = &plan->steps[s];
        bool last = s + 1 == plan->n, kept = frame != NULL && step->out_at >= 0 && !out_stays;
        bool straight = last && !kept && out != NULL;
        void *to = straight ? out : place_of(plan, step, frame);
        ODEON_TRY(step_forward(plan, around, step, frame, in, to));
        in = step->is_deferred ? in : to;
    }
    return out == NULL ? ODEON_OK : copy_bytes(around, &plan->out, in, out);
}

/* The input is copied into the frame first where it is kept, unless the caller has computed it
 * there. */
odeon_status net_forward(const net_plan *plan, const odeon_layer_call *around, const void *in,
                         void *out, char *frame)
{
    if (frame != NULL && plan->in_at >= 0) {
        ODEON_TRY(copy_bytes(around, &plan->in, in, frame + plan->in_at));
        in = frame + plan->in_at;
    }
    return run_steps(plan, around, in, out, frame, false);
}

odeon_status net_forward_at(const net_plan *plan, const odeon_layer_call *around, const void *in,
                            void *out, char *frame)
{
    return run_steps(plan, around, in, out, frame, out != NULL);
}

/* Where the values at both ends of a chain lie; NULL: in the frame, if they are kept at all. */
typedef struct chain_ends {
    const char *in, *out;
} chain_ends;

/* With a prologue it is what that is to be applied to. */
static const char *input_of(const net_plan *plan, size_t s, const char *frame,
                            const chain_ends *ends)
{
    s -= plan->steps[s].has_prologue;
    if (s > 0 && plan->steps[s - 1].is_remade) {
        return remade_at(plan);
    }
    int64_t at = plan->steps[s].in_at;
    bool end = s == 0 && ends->in != NULL;
    return at < 0 ? NULL : end ? ends->in : frame + at;
}

static const char *output_of(const net_plan *plan, size_t s, const char *frame,
                             const chain_ends *ends)
{
    if (plan->steps[s].is_remade) {
        return remade_at(plan);
    }
    int64_t at = plan->steps[s].out_at;
    bool end = s + 1 == plan->n && ends->out != NULL;
    return at < 0 ? NULL : end ? ends->out : frame + at;
}

/* The gradient before a step's activation, from the one after it, unless its layer does that. It
 * works in place where dy lies in a cell, and moves it to one where dy is the caller's, which must
 * not be written. */
static odeon_status undo_epilogue(const net_plan *plan, const odeon_layer_call *around, size_t s,
                                  const char *out, odeon_view *dy)
{
    const net_step *step = &plan->steps[s];
    if (step->act == ODEON_UNARY_IDENTITY || step_undoes(step)) {
        return ODEON_OK;
    }
    int32_t cell = s + 1 < plan->n ? plan->steps[s + 1].d_cell : plan->first_cell;
    odeon_view y = odeon_view_at(out, step->out);
    odeon_tensor dx = odeon_tensor_at(cell_at(plan, cell), step->out);
    ODEON_TRY(ODEON_DO(around->device, pointwise, unary_vjp, around->queue, .id = step->act,
                       .kept = &y, .dy = dy, .dx = &dx));
    *dy = dx.view;
    return ODEON_OK;
}

/* A layer gets its input and output only if it has said that it needs them, or undoes its epilogue:
 * elsewhere they are not kept, and it must not come to depend on them by chance. */
static odeon_status step_vjp(const net_plan *plan, const odeon_layer_call *around, size_t s,
                             char *frame, const chain_ends *ends, const odeon_view *dy, void *d_in,
                             const odeon_tensor *d_t)
{
    const net_step *step = &plan->steps[s];
    odeon_layer_call call;
    odeon_prologue prologue;
    call_step(plan, around, step, frame, &call);
    if (step->has_prologue) {
        prologue = prologue_of(plan, step, frame);
        call.prologue = &prologue;
    }
    odeon_view x = odeon_view_at(input_of(plan, s, frame, ends), step->in);
    odeon_tensor y = {odeon_view_at(output_of(plan, s, frame, ends), step->out)};
    odeon_tensor dx = odeon_tensor_at(d_in, step->in);
    call.in = step_needs(step, ODEON_LAYER_NEEDS_IN) ? &x : NULL;
    bool undoes = step->act != ODEON_UNARY_IDENTITY && step_needs(step, ODEON_LAYER_EPILOGUE_VJP);
    call.out = step_needs(step, ODEON_LAYER_NEEDS_OUT) || undoes ? &y : NULL;
    call.d_out = dy;
    call.d_in = d_in == NULL ? NULL : &dx;
    call.d_t = d_t;
    call.flags |=
        (d_in == NULL ? ODEON_CALL_NO_INPUT_GRAD : 0u) | (d_t == NULL ? ODEON_CALL_NO_T_GRAD : 0u);
    ODEON_TRY(poison(plan, around, step->is_in_place ? NULL : call.d_in));
    const instance *layer = step->layer->instance;
    calling outer = calling_begin(layer, "vjp");
    return calling_end(outer, step->layer->ops->vjp(layer->self, &call));
}

/* From the last step to the first; cotangents lie in the two cells, and the last one goes straight
 * to the caller's d_in. A step's dy has the shape of its output, whatever views lie
 * between. An empty chain passes its cotangent on. */
odeon_status net_vjp_at(const net_plan *plan, const odeon_layer_call *around, char *frame,
                        const void *in, const void *out, const void *d_out, void *d_in,
                        const odeon_tensor *d_t)
{
    const chain_ends ends = {.in = in, .out = out};
    const void *data = d_out;
    for (size_t s = plan->n; s-- > 0;) {
        const net_step *step = &plan->steps[s];
        if (s > 0 && step[-1].is_remade) {
            ODEON_TRY(step_forward(plan, around, step - 1, frame,
                                   input_of(plan, s - 1, frame, &ends), remade_at(plan)));
        }
        odeon_view dy = odeon_view_at(data, step->out);
        const char *y = output_of(plan, s, frame, &ends);
        ODEON_TRY(undo_epilogue(plan, around, s, y, &dy));
        void *target = s == 0 ? d_in : cell_at(plan, step->d_cell);
        ODEON_TRY(step_vjp(plan, around, s, frame, &ends, &dy, target, d_t));
        data = target;
    }
    return plan->n > 0 || d_in == NULL ? ODEON_OK : copy_bytes(around, &plan->in, d_out, d_in);
}

odeon_status net_vjp(const net_plan *plan, const odeon_layer_call *around, char *frame,
                     const void *d_out, void *d_in, const odeon_tensor *d_t)
{
    return net_vjp_at(plan, around, frame, NULL, NULL, d_out, d_in, d_t);
}

/* Calls one of the optional slots around a change of parameters on all layers that have it, bodies
 * after their container. There is no frame: both slots work on parameters and gradients. */
static odeon_status around_layer(const net_layer *layer, const odeon_layer_call *around,
                                 bool prepare)
{
    const odeon_layer_ops *ops = layer->ops;
    odeon_layer_call call;
    call_of(around, layer, &call);
    void *self = layer->instance->self;
    if (prepare && ODEON_HAS(ops, odeon_layer_ops, prepare)) {
        calling outer = calling_begin(layer->instance, "prepare");
        return calling_end(outer, ops->prepare(self, &call));
    }
    if (!prepare && ODEON_HAS(ops, odeon_layer_ops, finish)) {
        calling outer = calling_begin(layer->instance, "finish");
        return calling_end(outer, ops->finish(self, &call));
    }
    return ODEON_OK;
}

static odeon_status around_all(odeon_net *net, const odeon_layer_call *around, bool prepare)
{
    for (size_t i = 0; net != NULL && i < net->n; i++) {
        const net_layer *layer = &net->layers[i];
        ODEON_TRY(around_layer(layer, around, prepare));
        for (size_t b = 0; b < layer->n_bodies; b++) {
            ODEON_TRY(around_all(layer->bodies[b], around, prepare));
        }
    }
    return ODEON_OK;
}

/* After parameters changed, before the first forward. */
odeon_status net_prepare(odeon_net *net, const odeon_layer_call *around)
{
    return around_all(net, around, true);
}

/* After the last vjp: layers that gather gradients in memory of their own add them to the
 * parameters' then. */
odeon_status net_finish(odeon_net *net, const odeon_layer_call *around)
{
    return around_all(net, around, false);
}
