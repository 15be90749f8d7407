#include "run/bench_operator.h"

#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "device/buffer.h"
#include "device/open.h"
#include "odeon/device_conv.h"
#include "odeon/device_norm.h"
#include "odeon/device_product.h"
#include "odeon/device_solver.h"
#include "run/bench_shapes.h"

enum { MOST_VECTORS = OPERATOR_FIELDS + 2 * ODEON_MAX_STAGES, ROUNDS_OF_BEST = 5 };
static const double sample_seconds = 2e-3;

/* A call with all that it points to, on one device. */
typedef struct made_call {
    const odeon_device *device;
    odeon_queue *queue;
    const operator_info *op;
    union {
        odeon_fill fill;
        odeon_gemm gemm;
        odeon_conv2d conv2d;
        odeon_conv2d_vjp_x conv2d_vjp_x;
        odeon_conv2d_vjp_w conv2d_vjp_w;
        odeon_group_norm group_norm;
        odeon_lincomb lincomb;
        odeon_dot dot;
        char bytes[512];
    } call;
    size_t n;
    odeon_tensor tensors[MOST_VECTORS];
    const odeon_tensor *lists[2 * ODEON_MAX_STAGES];
    size_t n_listed;
    odeon_scalar coefficients[ODEON_MAX_STAGES];
    device_buffer memory[MOST_VECTORS], scratch, slots;
    size_t n_samples;
    double *samples;
} made_call;

static odeon_status no_memory(void)
{
    return diag_fail(ODEON_ERR_NOMEM, "bench: no memory");
}

/* ---- a call ---- */

/* Numbers in [0,1), none of them slow. */
static odeon_status add_tensor(made_call *m, const odeon_shape *shape, odeon_tensor **out)
{
    int64_t count = odeon_count(shape), bytes = odeon_bytes(shape);
    device_buffer *memory = &m->memory[m->n];
    ODEON_TRY(buffer_fit(m->device, memory, bytes));
    char *values = mem_alloc((size_t)bytes);
    if (values == NULL) {
        return no_memory();
    }
    for (int64_t i = 0; i < count; i++) {
        double x = (double)((uint32_t)((uint64_t)i * 2654435761u + m->n) >> 8) * 0x1p-24;
        if (shape->dtype == ODEON_DTYPE_F64) {
            ((double *)(void *)values)[i] = x;
        } else {
            ((float *)(void *)values)[i] = (float)x;
        }
    }
    odeon_status status = m->device->ops->upload(m->queue, memory->data, values, (uint64_t)bytes);
    if (status == ODEON_OK) { /* the source may be reused only then, on any device */
        status = m->device->ops->wait(m->queue);
    }
    mem_free(values);
    m->tensors[m->n] = odeon_tensor_at(memory->data, *shape);
    *out = &m->tensors[m->n++];
    return status;
}

/* A tensor's address is that of its view, so that both kinds of field are set alike. */
static odeon_status set_field(made_call *m, const bench_shapes *s, int i)
{
    const operator_field *f = &s->op->fields[i];
    char *at = m->call.bytes + f->at;
    odeon_tensor *x;
    if (f->kind == OPERATOR_VIEW) {
        ODEON_TRY(add_tensor(m, &s->shape[i], &x));
        memcpy(at, &x, sizeof x);
    } else if (f->kind == OPERATOR_VIEWS) {
        const odeon_tensor *const *list = &m->lists[m->n_listed];
        for (int32_t k = 0; k < s->n; k++) {
            ODEON_TRY(add_tensor(m, &s->shape[i], &x));
            m->lists[m->n_listed++] = x;
        }
        memcpy(at, &list, sizeof list);
        memcpy(m->call.bytes + s->op->n_at, &s->n, sizeof s->n);
    }
    return ODEON_OK;
}

static void set_number(made_call *m, const bench_shapes *s, int i)
{
    int32_t narrow = (int32_t)s->number[i];
    if (s->op->fields[i].kind >= OPERATOR_INT && s->op->fields[i].kind < OPERATOR_LONG) {
        memcpy(m->call.bytes + s->op->fields[i].at, &narrow, sizeof narrow);
    }
}

static odeon_status add_scratch(made_call *m, const odeon_conv_geometry *geometry,
                                const odeon_view *x, const odeon_view *w, void **scratch)
{
    uint64_t bytes = m->device->conv->conv2d_scratch(m->device, geometry, &x->shape, &w->shape);
    ODEON_TRY(buffer_fit(m->device, &m->scratch, (int64_t)bytes + 64));
    *scratch = m->scratch.data;
    return ODEON_OK;
}

/* What no shape says. */
static odeon_status set_rest(made_call *m)
{
    odeon_conv2d *forward = &m->call.conv2d;
    odeon_conv2d_vjp_x *to_x = &m->call.conv2d_vjp_x;
    odeon_conv2d_vjp_w *to_w = &m->call.conv2d_vjp_w;
    switch (m->op - operator_infos) {
    case OPERATOR_AT_fill:
        m->call.fill.value = odeon_imm(0.5);
        break;
    case OPERATOR_AT_gemm:
        m->call.gemm.alpha = 1.0;
        break;
    case OPERATOR_AT_group_norm:
        m->call.group_norm.epsilon = 1e-5;
        break;
    case OPERATOR_AT_lincomb:
        m->call.lincomb.coefficient = m->coefficients;
        break;
    case OPERATOR_AT_dot:
        ODEON_TRY(buffer_fit(m->device, &m->slots, ODEON_SLOTS * (int64_t)sizeof(double)));
        m->call.dot.slots = (double *)(void *)m->slots.data;
        m->call.dot.slot = ODEON_SLOT_USER;
        break;
    case OPERATOR_AT_conv2d:
        return add_scratch(m, &forward->geometry, forward->x, forward->w, &forward->scratch);
    case OPERATOR_AT_conv2d_vjp_x:
        return add_scratch(m, &to_x->geometry, &to_x->dx->view, to_x->w, &to_x->scratch);
    case OPERATOR_AT_conv2d_vjp_w:
        return add_scratch(m, &to_w->geometry, to_w->x, &to_w->dw->view, &to_w->scratch);
    default:
        break;
    }
    return ODEON_OK;
}

static odeon_status make_call(made_call *m, const bench_shapes *s)
{
    uint32_t size = (uint32_t)s->op->bytes;
    m->op = s->op;
    memset(m->call.bytes, 0, sizeof m->call.bytes);
    memcpy(m->call.bytes, &size, sizeof size); /* struct_size comes first in all of them */
    for (int32_t k = 0; k < ODEON_MAX_STAGES; k++) {
        m->coefficients[k] = odeon_imm(0.01 * (k + 1));
    }
    for (int i = 0; i < OPERATOR_FIELDS && s->op->fields[i].kind != OPERATOR_END; i++) {
        set_number(m, s, i);
        ODEON_TRY(s->given[i] ? set_field(m, s, i) : ODEON_OK);
    }
    return set_rest(m);
}

static void release_call(made_call *m)
{
    for (size_t i = 0; i < MOST_VECTORS; i++) {
        buffer_release(m->device, &m->memory[i]);
    }
    buffer_release(m->device, &m->scratch);
    buffer_release(m->device, &m->slots);
    mem_free(m->samples);
    m->samples = NULL;
    m->n = m->n_listed = m->n_samples = 0;
}

/* ---- times ---- */

static odeon_status take_sample(made_call *m, double *seconds)
{
    double begin = clock_seconds(), took;
    int64_t calls = 0;
    do {
        ODEON_TRY(m->op->run(m->device, m->queue, &m->call));
        ODEON_TRY(m->device->ops->wait(m->queue));
        calls++;
        took = clock_seconds() - begin;
    } while (took < sample_seconds);
    *seconds = took / (double)calls;
    return ODEON_OK;
}

/* The least time, of so many samples, of a text that is known to be one. */
static odeon_status best_of(made_call *m, const char *text, uint32_t dtype, int rounds,
                            double *seconds, double *operations, double *bytes)
{
    bench_shapes s;
    double took;
    ODEON_TRY(bench_shapes_read(text, dtype, &s));
    odeon_status status = make_call(m, &s);
    for (int i = 0; i < rounds && status == ODEON_OK; i++) {
        status = take_sample(m, &took);
        *seconds = i == 0 || took < *seconds ? took : *seconds;
    }
    if (status == ODEON_OK) {
        *operations = operator_operations(m->op, &m->call);
        *bytes = operator_bytes(m->op, &m->call);
    }
    release_call(m);
    return status;
}

static odeon_status measure_best(made_call *m, uint32_t dtype, int rounds, session_peak *out)
{
    double seconds, operations, bytes;
    ODEON_TRY(best_of(m, "gemm a=512x512 b=512x512", dtype, rounds, &seconds, &operations, &bytes));
    out->gemm = operations / seconds;
    out->edge = 512;
    ODEON_TRY(best_of(m, "lincomb x=4194304*1 base=4194304", dtype, rounds, &seconds, &operations,
                      &bytes));
    out->lincomb = bytes / seconds;
    out->length = 4194304;
    return ODEON_OK;
}

/* ---- devices ---- */

typedef struct place {
    open_device opened;
    odeon_queue *queue;
    made_call made;
} place;

/* Where no time is given, one sample of each of the best calls is enough. */
static odeon_status open_place(place *p, const bench_plan *plan, const bench_variant *v,
                               bench_side *side)
{
    char text[256] = "";
    int rounds = plan->seconds > 0.0 ? ROUNDS_OF_BEST : 1;
    const odeon_device *device = &p->opened.device;
    ODEON_TRY(device_open(v->registry, v->config->device, "run.device", &p->opened));
    ODEON_TRY(device->ops->probe(device->self));
    ODEON_TRY(device_queue_create(device, 0, &p->queue));
    p->made = (made_call){.device = device, .queue = p->queue};
    if (device->ops->describe(device->self, text, sizeof text) != ODEON_OK) {
        text[0] = '\0';
    }
    side->device = mem_printf("%s: %s", device->id, text);
    side->workers = 1;
    return side->device != NULL ? measure_best(&p->made, v->config->dtype, rounds, &side->peak)
                                : no_memory();
}

static void close_place(place *p)
{
    if (p->queue != NULL) {
        release_call(&p->made);
        device_queue_destroy(&p->opened.device, p->queue);
    }
    device_close(&p->opened);
}

static odeon_status open_all(const bench_plan *plan, const char *text, place *places,
                             bench_result *out)
{
    for (size_t i = 0; i < plan->n_variants; i++) {
        bench_shapes s;
        made_call *m = &places[i].made;
        ODEON_TRY(bench_shapes_read(text, plan->variants[i].config->dtype, &s));
        ODEON_TRY(open_place(&places[i], plan, &plan->variants[i], &out->sides[i]));
        ODEON_TRY(make_call(m, &s));
        m->samples = mem_zalloc(BENCH_MOST_SAMPLES, sizeof *m->samples);
        ODEON_TRY(m->samples != NULL ? take_sample(m, m->samples) : no_memory());
    }
    return ODEON_OK;
}

static odeon_status take_turns(const bench_plan *plan, place *places)
{
    double begin = clock_seconds(), budget = plan->seconds * (double)plan->n_variants;
    for (int32_t round = 0;
         round < BENCH_MOST_SAMPLES && (round < plan->least || clock_seconds() - begin < budget);
         round++) {
        for (size_t i = 0; i < plan->n_variants; i++) {
            made_call *m = &places[i].made;
            ODEON_TRY(take_sample(m, &m->samples[m->n_samples++]));
        }
    }
    return ODEON_OK;
}

static odeon_status add_row(const made_call *m, size_t variant, bench_result *out)
{
    text_buffer text = {.failed = false};
    operator_text(&text, m->op, &m->call);
    bench_row row = {.what = BENCH_OPERATORS,
                     .variant = variant,
                     .name = text.data,
                     .calls = 1,
                     .operations = operator_operations(m->op, &m->call),
                     .bytes = operator_bytes(m->op, &m->call)};
    odeon_status status =
        text.failed ? no_memory() : bench_add(out, &row, m->n_samples, m->samples);
    text_fini(&text);
    return status;
}

odeon_status bench_operator_run(const bench_plan *plan, const char *text, bench_result *out)
{
    ODEON_TRY(bench_result_init(out, plan->n_variants));
    place *places = mem_zalloc(plan->n_variants, sizeof *places);
    odeon_status status = places != NULL ? open_all(plan, text, places, out) : no_memory();
    if (status == ODEON_OK) {
        status = take_turns(plan, places);
    }
    for (size_t i = 0; i < plan->n_variants && status == ODEON_OK; i++) {
        status = add_row(&places[i].made, i, out);
    }
    for (size_t i = 0; places != NULL && i < plan->n_variants; i++) {
        close_place(&places[i]);
    }
    mem_free(places);
    bench_order(out);
    return status;
}
