#include "ode/slices.h"

#include "odeon/device_ext.h"

/* Fewer are not worth the calls of a layer. Weights, and the sums of their gradients, pass through
 * once a slice: what a slice holds is to be so many times as much, or reading them would show, even
 * where that is more than the cache holds. */
enum { FEWEST_ROWS = 4, TIMES_WEIGHTS = 16 };

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Slices that fit the cache beside the weights, or are large enough for these. */
static int64_t most_rows(const slice_load *load, int64_t bytes, int64_t cache)
{
    int64_t rows = TIMES_WEIGHTS * load->weight_bytes / bytes;
    int64_t fit = (cache - load->weight_bytes) / bytes;
    rows = fit > rows ? fit : rows;
    return rows < FEWEST_ROWS ? FEWEST_ROWS : rows;
}

/* Slices come out alike, and as few as fit. */
int64_t slices_rows(const odeon_device *device, const slice_load *load)
{
    const odeon_device_slices *slices = device->get_table(device, ODEON_DEVICE_SLICES);
    bool suits = slices != NULL && device->solver == slices->solver &&
                 device->get_table(device, ODEON_DEVICE_CAPTURE) == NULL;
    int64_t cache = suits ? (int64_t)slices->bytes(device->handle) : 0;
    int64_t bytes = load->vectors * load->vector_bytes + load->eval_bytes;
    if (!load->alike || load->vectors == 0 || bytes <= 0 || cache <= 0) {
        return 0;
    }
    int64_t rows = most_rows(load, bytes, cache);
    rows = divide_up(load->samples, divide_up(load->samples, rows));
    return rows < load->samples ? rows : 0;
}

bool slices_alike(const odeon_layer_call *call)
{
    return call->n_global % call->group->size == 0;
}

int64_t slices_weight_bytes(const odeon_net *body)
{
    int64_t begin, end;
    net_param_range(body, &begin, &end);
    return (end - begin) * odeon_dtype_bytes(body->site->lane.dtype);
}

/* Samples that see each other are evaluated together; running state moves once an evaluation; and
 * what the batch has beside its input is cut here only where it is the host's own. */
bool slices_suit(const odeon_layer_call *call, const net_plan *whole)
{
    uint32_t together = ODEON_LAYER_BATCH_COUPLED | ODEON_LAYER_STATEFUL;
    return (whole->layer_flags & together) == 0 && call->batch_field == batch_field &&
           call->host != NULL;
}

/* What a frame keeps, and the two cells and the scratch that layers share. */
int64_t slices_eval_bytes(const net_plan *whole)
{
    int64_t samples = whole->in.dim[0];
    int64_t bytes = whole->frame_bytes + whole->cells_bytes;
    return samples > 0 ? bytes / samples : 0;
}

odeon_status slices_fit(field_slices *x, odeon_net *body, const net_plan *whole, int64_t rows)
{
    *x = (field_slices){.rows = rows};
    if (rows == 0) {
        return ODEON_OK;
    }
    int64_t rest = whole->in.dim[0] % rows;
    ODEON_TRY(net_plan_for(body, rows, whole->flags, &x->plan));
    return net_plan_for(body, rest == 0 ? rows : rest, whole->flags, &x->last);
}

/* Kept ends are vectors of the state, which a step may compute in place. */
slices_frame slices_lay_out_frame(const field_slices *x, const net_plan *whole)
{
    slices_frame f = {.in_at = -1, .out_at = -1};
    int64_t n = divide_up(whole->in.dim[0], x->rows);
    int64_t end = (odeon_bytes(&whole->in) + 63) / 64 * 64;
    if (whole->in_at >= 0) {
        f.in_at = f.bytes;
        f.bytes += end;
    }
    if (whole->out_at >= 0) {
        f.out_at = f.bytes;
        f.bytes += end;
    }
    f.slices_at = f.bytes;
    f.bytes += n * x->plan->inner_bytes;
    f.bytes = f.bytes > 0 ? f.bytes : 64;
    return f;
}

const net_plan *slices_plan(const field_slices *x, int64_t n)
{
    return n == x->rows ? x->plan : x->last;
}

static void cut_fields(batch_fields *fields, int64_t first, int64_t n)
{
    for (int32_t role = 0; role < DATA_ROLES; role++) {
        odeon_view *field = &fields->of[role].view;
        if (field->data != NULL && field->shape.dim[0] > 0) {
            uint64_t bytes = (uint64_t)(odeon_bytes(&field->shape) / field->shape.dim[0]);
            field->byte_offset += (uint64_t)first * bytes;
            field->shape.dim[0] = n;
        }
    }
}

odeon_layer_call slices_call(const odeon_layer_call *whole, int64_t first, int64_t n,
                             batch_fields *fields)
{
    odeon_layer_call call = *whole;
    *fields = *(const batch_fields *)whole->host;
    cut_fields(fields, first, n);
    call.host = fields;
    call.first_sample += first;
    return call;
}
