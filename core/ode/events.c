#include "ode/events.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "ode/events_map.h"
#include "ode/events_state.h"
#include "ode/outputs.h"
#include "odeon/device_dual.h"
#include "odeon/device_move.h"
#include "solver/workspace.h"

static odeon_status no_memory(const odeon_ode *ode)
{
    return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its events", ode->path);
}

/* ---- set-up ---- */

static odeon_status check_shapes(const odeon_ode *ode)
{
    char in[128], out[128];
    const odeon_net *event = ode->spec.event, *reset = ode->spec.reset;
    if (odeon_count(&event->out) != 1) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: its section event must make one number of a sample, but it makes %s",
                         ode->path, net_shape_text(&event->out, out, sizeof out));
    }
    if (reset != NULL && (reset->in.ndim != reset->out.ndim ||
                          memcmp(reset->in.dim, reset->out.dim, sizeof reset->in.dim) != 0)) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: its section reset must map a state to another, but it makes %s of "
                         "%s",
                         ode->path, net_shape_text(&reset->out, out, sizeof out),
                         net_shape_text(&reset->in, in, sizeof in));
    }
    return ODEON_OK;
}

static odeon_status check_net(const odeon_ode *ode, const odeon_net *net)
{
    const net_layer *coupled = net_layer_with(net, ODEON_LAYER_BATCH_COUPLED);
    const net_layer *other = coupled != NULL ? coupled : net_layer_with(net, ODEON_LAYER_STATEFUL);
    other = other != NULL ? other : net_layer_with(net, ODEON_LAYER_RANDOM);
    return other == NULL && !net->holds_ode
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "%s: an event and its reset are functions of one state: they can have "
                           "no ODE block, no batch norm and no random layer%s%s",
                           ode->path, other != NULL ? ", as " : "",
                           other != NULL ? other->path : "");
}

odeon_status events_init(odeon_ode *ode)
{
    const odeon_ode_spec *spec = &ode->spec;
    if (spec->event == NULL) {
        return spec->reset == NULL
                   ? ODEON_OK
                   : diag_fail(ODEON_ERR_CONFIG,
                               "%s: a section reset needs a section event that says when",
                               ode->path);
    }
    ODEON_TRY(check_shapes(ode));
    ODEON_TRY(check_net(ode, spec->event));
    ODEON_TRY(spec->reset != NULL ? check_net(ode, spec->reset) : ODEON_OK);
    if (spec->mode == ODEON_STEPS_REPLAY) {
        return diag_fail(ODEON_ERR_CONFIG,
                         "%s: with events the steps follow from where these are found: control = "
                         "replay cannot give them",
                         ode->path);
    }
    if (ode->lane.device->get_table(ode->lane.device, ODEON_DEVICE_DUAL) != NULL) {
        return diag_fail(ODEON_ERR_UNSUPPORTED,
                         "%s: times of events have no tangents: with a section event there are no "
                         "forward derivatives, on the device dual or by --slope",
                         ode->path);
    }
    ode->samples->events = mem_zalloc(1, sizeof *ode->samples->events);
    return ode->samples->events != NULL ? ODEON_OK : no_memory(ode);
}

odeon_status events_check_method(const odeon_ode *ode)
{
    bool equal_only = (ode->stepper->info.flags & ODEON_STEPPER_FIXED_H) != 0;
    return ode->spec.event == NULL || !equal_only
               ? ODEON_OK
               : diag_fail(ODEON_ERR_CONFIG,
                           "%s: integrator %s is for equal steps, but the step that ends at an "
                           "event is shorter: give another integrator",
                           ode->path, ode->stepper->instance->component->id);
}

void events_fini(odeon_ode *ode)
{
    ode_events *x = ode->samples->events;
    if (x == NULL) {
        return;
    }
    for (size_t i = 0; i < x->n_made; i++) {
        ode_leg *leg = x->legs[i];
        solver_destroy(leg->own);
        buffer_release(ode->lane.device, &leg->vectors);
        mem_free(leg->times);
        mem_free(leg->y);
        mem_free(leg->d_y);
        mem_free(leg->attempts);
        mem_free(leg);
    }
    events_map_fini(ode);
    mem_free(x->legs);
    mem_free(x);
    ode->samples->events = NULL;
}

void events_forget(odeon_ode *ode)
{
    ode_events *x = ode->samples->events;
    for (size_t i = 0; x != NULL && i < x->n_made; i++) {
        if (x->legs[i]->own != NULL) {
            solver_forget(x->legs[i]->own);
            solver_reset_peak(x->legs[i]->own);
        }
    }
    if (x != NULL) {
        x->n = 0;
    }
}

/* ---- legs ---- */

enum { START = 0, END = 1, START_BAR = 2, END_BAR = 3, N_VECTORS = 4 };

static int64_t vector_bytes(const odeon_ode *ode)
{
    return workspace_aligned(odeon_count(&ode->body->in) * odeon_dtype_bytes(ode->lane.dtype));
}

static odeon_tensor leg_vector(const odeon_ode *ode, const ode_leg *leg, int32_t i)
{
    odeon_shape shape = {.ndim = 1, .dtype = ode->lane.dtype, .dim = {odeon_count(&ode->body->in)}};
    return odeon_tensor_at(leg->vectors.data + i * vector_bytes(ode), shape);
}

static odeon_status add_leg(const odeon_ode *ode, ode_events *x)
{
    ode_leg **list = mem_grow(x->legs, x->n_made, sizeof(ode_leg *));
    x->legs = list != NULL ? list : x->legs;
    ode_leg *leg = list != NULL ? mem_zalloc(1, sizeof *leg) : NULL;
    if (leg == NULL) {
        return no_memory(ode);
    }
    list[x->n_made++] = leg;
    return ODEON_OK;
}

/* Room for the times of a leg: those of the sample, and an event. */
static odeon_status fit_leg(const odeon_ode *ode, ode_leg *leg, int32_t n_times)
{
    int32_t had = leg->capacity;
    ODEON_TRY(ode_lists_fit(ode, n_times, &leg->y, &leg->d_y, &leg->capacity));
    if (leg->capacity > had) {
        double *longer = mem_resize(leg->times, (size_t)leg->capacity, sizeof *longer);
        leg->times = longer != NULL ? longer : leg->times;
        leg->capacity = longer != NULL ? leg->capacity : had;
        ODEON_TRY(longer != NULL ? ODEON_OK : no_memory(ode));
    }
    return buffer_fit(ode->lane.device, &leg->vectors, N_VECTORS * vector_bytes(ode));
}

/* The next leg, with a solver: a sample's first has the sample's, and so have all of a pass that
 * leaves nothing for a backward. */
static odeon_status take_leg(odeon_ode *ode, bool own, ode_leg **out)
{
    ode_events *x = ode->samples->events;
    *out = NULL;
    ODEON_TRY(x->n < x->n_made ? ODEON_OK : add_leg(ode, x));
    ode_leg *leg = x->legs[x->n];
    ODEON_TRY(fit_leg(ode, leg, ode->outputs.n_times + 1));
    if (own && leg->own == NULL) {
        ODEON_TRY(solver_create(&ode->lane, ode->stepper, &ode->spec, ode->path, &leg->own));
    }
    leg->solver = own ? leg->own : ode->forward;
    leg->sample = ode->samples->now;
    leg->event = false;
    leg->at = 0;
    x->n++;
    *out = leg;
    return ODEON_OK;
}

/* What of the block is the leg's while its pass runs. */
typedef struct outer {
    ode_outputs outputs;
    solver *forward;
} outer;

static outer begin_leg(odeon_ode *ode, ode_leg *leg)
{
    outer all = {.outputs = ode->outputs, .forward = ode->forward};
    ode->outputs.n_times = leg->n;
    ode->outputs.times = leg->times;
    ode->outputs.y = leg->y;
    ode->outputs.d_y = leg->d_y;
    ode->forward = leg->solver;
    ode->tape.solver = leg->solver;
    return all;
}

/* After a failure the leg's solver stays the block's: the report of the failure reads it. */
static void end_leg(odeon_ode *ode, const outer *all, odeon_status status)
{
    ode->outputs = all->outputs;
    ode->forward = status == ODEON_OK ? all->forward : ode->forward;
}

/* ---- forward ---- */

static odeon_status watch_value(void *self, double t, const odeon_view *y, double *g)
{
    return events_value(self, t, y, g);
}

/* dg/dt along the solution. */
static odeon_status slope_at(odeon_ode *ode, double t, const odeon_view *y, double *slope)
{
    double t_bar, along;
    odeon_tensor dy = events_map_vector(ode, 0), g_y = events_map_vector(ode, 1);
    ODEON_TRY(events_field(ode, t, y, &dy));
    ODEON_TRY(events_value_vjp(ode, t, y, 1.0, false, &g_y, &t_bar));
    ODEON_TRY(events_dot(ode, &g_y.view, &dy.view, &along));
    *slope = along + t_bar;
    return ODEON_OK;
}

/* The side on which a leg begins. Where it begins on the event, but for what times or states are
 * not told apart, it is the side that it leaves to: a ball that has just been reflected is about to
 * rise, whatever the last digit of its height. */
static odeon_status arm(odeon_ode *ode, const ode_leg *leg, double *before)
{
    double t = leg->times[0], end = ode->outputs.times[ode->outputs.n_times - 1], slope;
    double direction = end > t ? 1.0 : -1.0;
    double epsilon = ode->lane.dtype == ODEON_DTYPE_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
    double slack = 64.0 * epsilon * fmax(fabs(t), fabs(end - ode->outputs.times[0]));
    ODEON_TRY(events_value(ode, t, &leg->y[0].view, before));
    ODEON_TRY(slope_at(ode, t, &leg->y[0].view, &slope));
    *before = fabs(*before) <= slack * fabs(slope) ? direction * slope : *before;
    return ODEON_OK;
}

static odeon_status watch_leg(odeon_ode *ode, ode_leg *leg)
{
    ode_events *x = ode->samples->events;
    x->watch = (solve_watch){.value = watch_value,
                             .self = ode,
                             .direction = ode->spec.event_direction,
                             .times = leg->times,
                             .y = leg->y,
                             .end = leg_vector(ode, leg, END)};
    return arm(ode, leg, &x->watch.before);
}

/* Through the outputs of the sample from `first` on, as far as an event lets it. */
static odeon_status solve_leg(odeon_ode *ode, ode_leg *leg, int32_t keep, ode_pass pass)
{
    ode_events *x = ode->samples->events;
    ODEON_TRY(watch_leg(ode, leg));
    outer all = begin_leg(ode, leg);
    solver_set_watch(ode->forward, &x->watch);
    odeon_status status = pass(ode, keep);
    solver_set_watch(ode->forward, NULL);
    end_leg(ode, &all, status);
    leg->event = x->watch.hit;
    leg->n = leg->event ? x->watch.n_times : leg->n;
    return status;
}

static void begin_times(const odeon_ode *ode, ode_leg *leg, double t, int32_t first)
{
    const ode_outputs *o = &ode->outputs;
    int32_t left = o->n_times - first;
    leg->first = first;
    leg->n = 1 + left;
    leg->times[0] = t;
    leg->y[0] = leg_vector(ode, leg, START);
    memcpy(leg->times + 1, o->times + first, (size_t)left * sizeof *leg->times);
    memcpy(leg->y + 1, o->y + first, (size_t)left * sizeof *leg->y);
}

/* Outputs of the sample that are y at the event: those at its time, but for rounding; all that
 * follow where it ends the solve. */
static odeon_status give_at_event(odeon_ode *ode, ode_leg *leg)
{
    const ode_outputs *o = &ode->outputs;
    double t = leg->times[leg->n - 1], slack = 8.0 * DBL_EPSILON * fabs(t);
    const odeon_tensor y = leg->y[leg->n - 1];
    int32_t next = leg->first + leg->n - 2;
    while (next + leg->at < o->n_times &&
           (ode->spec.reset == NULL || fabs(o->times[next + leg->at] - t) <= slack)) {
        ODEON_TRY(ode->services.copy(ode, &y.view, &o->y[next + leg->at]));
        leg->at++;
    }
    return ODEON_OK;
}

static odeon_status too_many(const odeon_ode *ode, const ode_leg *leg, int64_t events)
{
    return diag_fail(ODEON_ERR_NUMERIC,
                     "%s: more than max_events = %lld events, the last at t = %.9g of a solve to "
                     "%.9g: they may accumulate at a time that the solve never gets beyond; end "
                     "it before, or raise max_events",
                     ode->path, (long long)events, leg->times[leg->n - 1],
                     ode->outputs.times[ode->outputs.n_times - 1]);
}

/* An event at the very time of the one before would be followed by itself for ever. */
static odeon_status check_progress(const odeon_ode *ode, const ode_leg *leg, int64_t events)
{
    double t = leg->times[leg->n - 1];
    if (t == leg->times[0]) {
        return diag_fail(ODEON_ERR_NUMERIC,
                         "%s: no time passes between two events at t = %.9g: the reset must leave "
                         "the state on the side that it does not come from",
                         ode->path, t);
    }
    return events <= ode->spec.max_events ? ODEON_OK : too_many(ode, leg, ode->spec.max_events);
}

odeon_status events_forward(odeon_ode *ode, int32_t keep, ode_pass pass)
{
    ode_events *x = ode->samples->events;
    ode_outputs *o = &ode->outputs;
    if (x == NULL) {
        return pass(ode, keep);
    }
    double t = o->times[0];
    odeon_view y = o->y[0].view; /* what the next leg starts from, as reset makes it */
    int64_t events = 0;
    ODEON_TRY(events_map_fit(ode));
    for (int32_t next = 1; next < o->n_times;) {
        ode_leg *leg;
        ODEON_TRY(take_leg(ode, keep != 0 && events > 0, &leg));
        begin_times(ode, leg, t, next);
        ODEON_TRY(events == 0 ? ode->services.copy(ode, &y, &leg->y[0])
                              : events_reset(ode, t, &y, &leg->y[0]));
        ODEON_TRY(solve_leg(ode, leg, keep, pass));
        if (!leg->event) {
            break;
        }
        t = leg->times[leg->n - 1];
        y = leg->y[leg->n - 1].view;
        ODEON_TRY(check_progress(ode, leg, ++events));
        ODEON_TRY(slope_at(ode, t, &y, &leg->slope));
        ODEON_TRY(give_at_event(ode, leg));
        next = leg->first + leg->n - 2 + leg->at;
    }
    return ODEON_OK;
}

/* ---- backward ---- */

static odeon_status clear(const odeon_ode *ode, const odeon_tensor *y)
{
    return ODEON_DO(ode->lane.device, move, fill, ode->lane.queue, .y = y, .value = odeon_imm(0.0));
}

/* Adds the cotangents of the outputs that are y at the leg's event. */
static odeon_status add_at_event(odeon_ode *ode, const ode_leg *leg, const odeon_tensor *bar)
{
    const odeon_view *d_y = ode->outputs.d_y + leg->first + leg->n - 2;
    for (int32_t i = 0; i < leg->at; i++) {
        ODEON_TRY(d_y[i].data != NULL ? events_add(ode, 1.0, &d_y[i], bar) : ODEON_OK);
    }
    return ODEON_OK;
}

/* What the start of the leg behind means for y at the event, and for its time. */
static odeon_status through_reset(odeon_ode *ode, const ode_leg *leg, const ode_leg *behind,
                                  const odeon_tensor *bar, double *t_bar)
{
    double t = behind->times[0], along;
    const odeon_tensor start_bar = leg_vector(ode, behind, START_BAR);
    const odeon_tensor dy = events_map_vector(ode, 0);
    ODEON_TRY(events_field(ode, t, &behind->y[0].view, &dy));
    ODEON_TRY(events_dot(ode, &start_bar.view, &dy.view, &along));
    ODEON_TRY(events_reset_vjp(ode, t, &leg->y[leg->n - 1].view, &start_bar.view, bar, t_bar));
    *t_bar -= along;
    return ODEON_OK;
}

/* Where the solution touches zero the time of the event has no derivative. */
static odeon_status check_slope(const odeon_ode *ode, const ode_leg *leg)
{
    return leg->slope != 0.0 && isfinite(leg->slope)
               ? ODEON_OK
               : diag_fail(ODEON_ERR_NUMERIC,
                           "%s: the event function has the slope %g along the solution at t = "
                           "%.9g: the time of this event cannot be differentiated",
                           ode->path, leg->slope, leg->times[leg->n - 1]);
}

/* The cotangent of y at the leg's event, the time of which moves with the state and the parameters.
 * A time that outputs are fixed at does not move with it. */
static odeon_status event_vjp(odeon_ode *ode, const ode_leg *leg, const ode_leg *behind)
{
    double t = leg->times[leg->n - 1], t_bar = 0.0, along, unused;
    const odeon_view y = leg->y[leg->n - 1].view;
    const odeon_tensor bar = leg_vector(ode, leg, END_BAR);
    const odeon_tensor dy = events_map_vector(ode, 0), g_y = events_map_vector(ode, 1);
    bool ends = ode->spec.reset == NULL;
    ODEON_TRY(check_slope(ode, leg));
    ODEON_TRY(ends ? clear(ode, &bar) : through_reset(ode, leg, behind, &bar, &t_bar));
    ODEON_TRY(ends ? add_at_event(ode, leg, &bar) : ODEON_OK);
    ODEON_TRY(events_field(ode, t, &y, &dy));
    ODEON_TRY(events_dot(ode, &bar.view, &dy.view, &along));
    ODEON_TRY(events_value_vjp(ode, t, &y, -(t_bar + along) / leg->slope, true, &g_y, &unused));
    ODEON_TRY(events_add(ode, 1.0, &g_y.view, &bar));
    return ends ? ODEON_OK : add_at_event(ode, leg, &bar);
}

/* Its outputs' cotangents are the sample's, but for the last, which is the event's. y of these is
 * where the block has it now. */
static void take_cotangents(const odeon_ode *ode, ode_leg *leg, bool first)
{
    const ode_outputs *o = &ode->outputs;
    int32_t last = leg->n - 1, inner = leg->event ? last : leg->n;
    leg->d_y[0] = first ? o->d_y[0] : (odeon_view){.shape.ndim = 1};
    for (int32_t i = 1; i < inner; i++) {
        leg->d_y[i] = o->d_y[leg->first + i - 1];
        leg->y[i] = o->y[leg->first + i - 1];
    }
    if (leg->event) {
        leg->d_y[last] = leg_vector(ode, leg, END_BAR).view;
    }
}

static odeon_status reverse_leg(odeon_ode *ode, ode_leg *leg, bool first, ode_pass pass)
{
    take_cotangents(ode, leg, first);
    outer all = begin_leg(ode, leg);
    if (!first) {
        ode->outputs.d_y0 = leg_vector(ode, leg, START_BAR);
    }
    odeon_status status = pass(ode, 1);
    end_leg(ode, &all, status);
    return status;
}

/* Legs of a sample follow one another. */
static void find_legs(const odeon_ode *ode, int64_t sample, size_t *begin, size_t *end)
{
    const ode_events *x = ode->samples->events;
    *begin = 0;
    while (*begin < x->n && x->legs[*begin]->sample != sample) {
        (*begin)++;
    }
    *end = *begin;
    while (*end < x->n && x->legs[*end]->sample == sample) {
        (*end)++;
    }
}

odeon_status events_backward(odeon_ode *ode, ode_pass pass)
{
    ode_events *x = ode->samples->events;
    size_t begin, end;
    if (x == NULL) {
        return pass(ode, 1);
    }
    ODEON_TRY(events_map_fit(ode));
    find_legs(ode, ode->samples->now, &begin, &end);
    for (size_t i = end; i-- > begin;) {
        ode_leg *leg = x->legs[i], *behind = i + 1 < end ? x->legs[i + 1] : NULL;
        ODEON_TRY(leg->event ? event_vjp(ode, leg, behind) : ODEON_OK);
        ODEON_TRY(reverse_leg(ode, leg, i == begin, pass));
    }
    return ODEON_OK;
}

/* ---- results ---- */

/* Every leg but a sample's last ends with one. */
int64_t events_count(const odeon_ode *ode, int64_t sample)
{
    size_t begin, end;
    if (ode->samples == NULL || ode->samples->events == NULL) {
        return 0;
    }
    find_legs(ode, sample, &begin, &end);
    return (int64_t)(end - begin) - (begin < end && !ode->samples->events->legs[end - 1]->event);
}

double events_time(const odeon_ode *ode, int64_t sample, int64_t event)
{
    size_t begin, end;
    find_legs(ode, sample, &begin, &end);
    const ode_leg *leg = ode->samples->events->legs[begin + (size_t)event];
    return leg->times[leg->n - 1];
}

odeon_status events_attempts(odeon_ode *ode, int64_t sample, attempt_list *out)
{
    ode_events *x = ode->samples->events;
    size_t begin, end, n, all = 0;
    find_legs(ode, sample, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        (void)solver_attempts(x->legs[i]->solver, &n);
        all += n;
    }
    ode_leg *home = begin < end ? x->legs[begin] : NULL;
    *out = (attempt_list){.n = 0};
    if (home == NULL) {
        return ODEON_OK;
    }
    solve_attempt *list = mem_resize(home->attempts, all + 1, sizeof *list);
    if (list == NULL) {
        return no_memory(ode);
    }
    home->attempts = list;
    *out = (attempt_list){.attempts = list};
    for (size_t i = begin; i < end; i++) {
        const solve_attempt *some = solver_attempts(x->legs[i]->solver, &n);
        memcpy(list + out->n, some, n * sizeof *list);
        out->n += n;
    }
    return ODEON_OK;
}

int64_t events_peak_bytes(const odeon_ode *ode)
{
    const ode_events *x = ode->samples->events;
    int64_t bytes = 0;
    for (size_t i = 0; x != NULL && i < x->n_made; i++) {
        bytes += x->legs[i]->own != NULL ? solver_peak_bytes(x->legs[i]->own) : 0;
        bytes += x->legs[i]->vectors.bytes;
    }
    return bytes;
}
