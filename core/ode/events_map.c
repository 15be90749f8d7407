#include "ode/events_map.h"

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"
#include "solver/workspace.h"

/* Of numbers, and of cells, which lie 64 bytes apart. */
enum { TIME = 0, TIME_BAR = 1, DOT = 2 };
enum { G = 0, G_BAR = 1, ONE = 2, N_CELLS = 3 };

static const odeon_shape one_time = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}};

static odeon_tensor number(const events_map *x, int32_t i)
{
    return odeon_tensor_at(x->numbers.data + i * (int64_t)sizeof(double), one_time);
}

static odeon_tensor cell(const odeon_ode *ode, int32_t i)
{
    odeon_shape shape = {.ndim = 1, .dtype = ode->lane.dtype, .dim = {1}};
    return odeon_tensor_at(ode->samples->map->cells.data + i * 64, shape);
}

static int64_t features(const odeon_ode *ode)
{
    return odeon_count(&ode->body->in);
}

odeon_tensor events_map_vector(const odeon_ode *ode, int32_t i)
{
    const events_map *x = ode->samples->map;
    odeon_shape shape = {.ndim = 1, .dtype = ode->lane.dtype, .dim = {features(ode)}};
    return odeon_tensor_at(x->cells.data + N_CELLS * 64 + i * x->vector_bytes, shape);
}

/* A frame of one of the maps, and its plan. */
static odeon_status fit_net(const odeon_ode *ode, odeon_net *net, const net_plan **plan,
                            device_buffer *frame)
{
    *plan = NULL;
    if (net == NULL) {
        return ODEON_OK;
    }
    ODEON_TRY(net_plan_for(net, 1, ode->samples->call.flags, plan));
    return buffer_fit(ode->lane.device, frame, (*plan)->frame_bytes + 64);
}

odeon_status events_map_fit(odeon_ode *ode)
{
    ode_samples *samples = ode->samples;
    const odeon_device *device = ode->lane.device;
    if (samples->map == NULL) {
        samples->map = mem_zalloc(1, sizeof *samples->map);
    }
    events_map *x = samples->map;
    if (x == NULL) {
        return diag_fail(ODEON_ERR_NOMEM, "%s: no memory for its events", ode->path);
    }
    x->vector_bytes = workspace_aligned(features(ode) * odeon_dtype_bytes(ode->lane.dtype));
    ODEON_TRY(buffer_fit(device, &x->numbers, ODEON_SLOTS * (int64_t)sizeof(double)));
    ODEON_TRY(buffer_fit(device, &x->cells, N_CELLS * 64 + EVENTS_VECTORS * x->vector_bytes));
    ODEON_TRY(fit_net(ode, ode->spec.event, &x->event, &x->event_frame));
    return fit_net(ode, ode->spec.reset, &x->reset, &x->reset_frame);
}

void events_map_fini(odeon_ode *ode)
{
    events_map *x = ode->samples->map;
    const odeon_device *device = ode->lane.device;
    if (x == NULL) {
        return;
    }
    buffer_release(device, &x->numbers);
    buffer_release(device, &x->cells);
    buffer_release(device, &x->event_frame);
    buffer_release(device, &x->reset_frame);
    mem_free(x);
    ode->samples->map = NULL;
}

/* ---- numbers ---- */

static odeon_status write_number(const odeon_ode *ode, int32_t i, double value)
{
    double *slots = (double *)(void *)ode->samples->map->numbers.data;
    return ODEON_DO(ode->lane.device, solver, slots_write, ode->lane.queue, .slots = slots,
                    .first = i, .n = 1, .values = &value);
}

static odeon_status read_number(const odeon_ode *ode, int32_t i, double *value)
{
    const double *slots = (const double *)(const void *)ode->samples->map->numbers.data;
    return ode->lane.device->ops->slots_read(ode->lane.queue, slots, i, 1, value);
}

static odeon_status fill(const odeon_ode *ode, const odeon_tensor *y, double value)
{
    return ODEON_DO(ode->lane.device, move, fill, ode->lane.queue, .y = y,
                    .value = odeon_imm(value));
}

odeon_status events_dot(odeon_ode *ode, const odeon_view *a, const odeon_view *b, double *out)
{
    double *slots = (double *)(void *)ode->samples->map->numbers.data;
    ODEON_TRY(ODEON_DO(ode->lane.device, solver, dot, ode->lane.queue, .a = a, .b = b,
                       .slots = slots, .slot = DOT));
    return read_number(ode, DOT, out);
}

odeon_status events_add(odeon_ode *ode, double factor, const odeon_view *x, const odeon_tensor *y)
{
    const odeon_scalar coefficient = odeon_imm(factor);
    return ODEON_DO(ode->lane.device, solver, lincomb, ode->lane.queue, .y = y, .base = &y->view,
                    .n = 1, .x = &x, .coefficient = &coefficient);
}

/* ---- maps ---- */

/* As a layer of the field is called, at a time of its own; t is the view's memory. */
static odeon_status call_at(const odeon_ode *ode, double t, odeon_view *view,
                            odeon_layer_call *call)
{
    *view = number(ode->samples->map, TIME).view;
    *call = ode->samples->call;
    call->flags &= ~(uint32_t)ODEON_CALL_UPDATE_STATE;
    call->t = view;
    return write_number(ode, TIME, t);
}

odeon_status events_value(odeon_ode *ode, double t, const odeon_view *y, double *g)
{
    odeon_view time;
    odeon_layer_call call;
    odeon_tensor out = cell(ode, G), one = cell(ode, ONE);
    ODEON_TRY(call_at(ode, t, &time, &call));
    ODEON_TRY(fill(ode, &one, 1.0));
    ODEON_TRY(net_forward(ode->samples->map->event, &call, odeon_read(y), odeon_write(&out), NULL));
    return events_dot(ode, &out.view, &one.view, g);
}

odeon_status events_field(odeon_ode *ode, double t, const odeon_view *y, const odeon_tensor *dy)
{
    const odeon_field *f = &ode->field.host.abi;
    const odeon_tensor time = number(ode->samples->map, TIME);
    ODEON_TRY(write_number(ode, TIME, t));
    return field_eval(f, &time.view, y, dy, NULL);
}

/* A forward into the frame, and its vjp. */
static odeon_status vjp(odeon_ode *ode, const net_plan *plan, char *frame, double t,
                        const odeon_view *y, const void *out_bar, uint32_t flags,
                        const odeon_tensor *y_bar, double *t_bar)
{
    odeon_view time;
    odeon_layer_call call;
    const odeon_tensor time_bar = number(ode->samples->map, TIME_BAR);
    ODEON_TRY(call_at(ode, t, &time, &call));
    ODEON_TRY(write_number(ode, TIME_BAR, 0.0));
    ODEON_TRY(net_forward(plan, &call, odeon_read(y), NULL, frame));
    call.flags |= flags;
    ODEON_TRY(net_vjp(plan, &call, frame, out_bar, odeon_write(y_bar), &time_bar));
    return read_number(ode, TIME_BAR, t_bar);
}

odeon_status events_value_vjp(odeon_ode *ode, double t, const odeon_view *y, double g_bar,
                              bool to_params, const odeon_tensor *y_bar, double *t_bar)
{
    events_map *x = ode->samples->map;
    odeon_tensor bar = cell(ode, G_BAR);
    ODEON_TRY(fill(ode, &bar, g_bar));
    return vjp(ode, x->event, x->event_frame.data, t, y, odeon_read(&bar.view),
               to_params ? 0u : (uint32_t)ODEON_CALL_NO_PARAM_GRAD, y_bar, t_bar);
}

odeon_status events_reset(odeon_ode *ode, double t, const odeon_view *y, const odeon_tensor *out)
{
    odeon_view time;
    odeon_layer_call call;
    ODEON_TRY(call_at(ode, t, &time, &call));
    return net_forward(ode->samples->map->reset, &call, odeon_read(y), odeon_write(out), NULL);
}

odeon_status events_reset_vjp(odeon_ode *ode, double t, const odeon_view *y,
                              const odeon_view *out_bar, const odeon_tensor *y_bar, double *t_bar)
{
    events_map *x = ode->samples->map;
    return vjp(ode, x->reset, x->reset_frame.data, t, y, odeon_read(out_bar), 0u, y_bar, t_bar);
}
