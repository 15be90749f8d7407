/* Derivatives that the device `dual` gives of layers that do not know it. For each layer:
 *   jvp       J v of forward against central differences of forward
 *   pairing   <w, J v> against <J^T w, v> of the layer's own vjp
 *   second    the derivative of vjp (of d_in, gradients and d_t) along input, parameters, time and
 *             cotangent against central differences of vjp
 *   bilinear  the gradient of w^T J v by input, parameters and time, as tangents of one vjp,
 * against central differences of w^T J v; of a square layer w = v = e: Hutchinson's e^T J e plain
 * the base, called on the same memory, makes the same and touches no tangent constant  saying that
 * parameters without tangents have none changes nothing All memory that a layer has to write is NaN
 * beforehand, values and tangents. float64. */
#include "layer_harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_dual.h"
#include "odeon/device_move.h"
#include "odeon/device_product.h"
#include "plugin/registry.h"

typedef struct layer_case {
    const char *expression;
    int32_t ndim;
    int64_t dim[ODEON_MAX_DIMS];
    int64_t n_t;
} layer_case;

static const layer_case cases[] = {
    {"dense(units=3)", 2, {4, 5}, LAYER_NO_TIME},
    {"dense(units=5)", 2, {4, 5}, LAYER_NO_TIME},
    {"dense(units=2, time=first)", 3, {4, 3, 5}, 4},
    {"conv2d(filters=3, kernel=3, padding=1)", 4, {2, 2, 5, 4}, LAYER_NO_TIME},
    {"conv2d(filters=2, kernel=3 2, stride=2 1, padding=1 0, bias=no)",
     4,
     {2, 3, 5, 4},
     LAYER_NO_TIME},
    {"conv2d(filters=3, kernel=3, padding=1, time=first)", 4, {2, 2, 5, 4}, 1},
    {"relu", 2, {3, 5}, LAYER_NO_TIME},
    {"tanh", 4, {2, 3, 2, 2}, LAYER_NO_TIME},
    {"softplus", 2, {3, 5}, LAYER_NO_TIME},
    {"sigmoid", 2, {3, 5}, LAYER_NO_TIME},
    {"groupnorm(groups=2)", 4, {2, 4, 3, 2}, LAYER_NO_TIME},
    {"groupnorm(groups=3, affine=no)", 3, {2, 6, 3}, LAYER_NO_TIME},
    {"groupnorm(groups=1, epsilon=0.1)", 2, {3, 5}, LAYER_NO_TIME},
    {"batchnorm", 4, {3, 4, 3, 2}, LAYER_NO_TIME},
    {"batchnorm(affine=no, epsilon=0.1)", 2, {5, 3}, LAYER_NO_TIME},
    {"avgpool(kernel=2)", 4, {2, 3, 5, 4}, LAYER_NO_TIME},
    {"avgpool(kernel=3 2, stride=2 1, padding=1)", 4, {2, 2, 5, 4}, LAYER_NO_TIME},
    {"maxpool(kernel=2)", 4, {2, 3, 5, 4}, LAYER_NO_TIME},
    {"maxpool(kernel=3 2, stride=2 1, padding=1)", 4, {2, 2, 5, 4}, LAYER_NO_TIME},
    {"globalavgpool", 4, {2, 3, 5, 4}, LAYER_NO_TIME},
    {"concat_time", 4, {3, 2, 3, 2}, 3},
    {"concat_time(at=first)", 4, {2, 2, 3, 2}, 1},
    {"augment(channels=2)", 4, {2, 3, 2, 2}, LAYER_NO_TIME},
    {"power(exponent=3, scale=-0.5)", 3, {2, 3, 2}, LAYER_NO_TIME},
    {"power(exponent=0)", 2, {2, 3}, LAYER_NO_TIME},
    {"scale(factor=-0.5, shift=3)", 3, {2, 3, 2}, LAYER_NO_TIME},
    {"normalize(mean=0.5 -1 2, std=0.25 2 3)", 4, {2, 3, 2, 2}, LAYER_NO_TIME},
    {"formula(equations=x' = a*x - b*x*y | y' = d*x*y - c*y, constants=a=1.5 b=1 c=3 d=0.5, "
     "learn=a c)",
     2,
     {4, 2},
     LAYER_NO_TIME},
    {"formula(equations=u = x - 2*y/(3 + x^2) | x' = u*sin(t) + exp(-z)*t | y' = 1/(2 + cos(u)) | "
     "z' = u/(4 - y^3) - 2 + -y^2/7)",
     2,
     {3, 3},
     1},
    {"formula(equations=x' = sqrt(4 + x)*tanh(y) + q | y' = log(5 - x)^-2*abs(y) + sigmoid(t*q), "
     "constants=q=0.3, learn=q)",
     2,
     {3, 2},
     3},
    {"formula(equations=v = (5 + x)^0.3 + softplus(y) | w = 2 - 1.5, inputs=x y z, outputs=v w x "
     "v)",
     2,
     {3, 3},
     LAYER_NO_TIME},
    {"dropout(p=0.25)", 2, {4, 5}, LAYER_NO_TIME},
    {"random_crop(padding=2)", 4, {3, 2, 4, 5}, LAYER_NO_TIME},
    {"horizontal_flip", 4, {5, 2, 3, 4}, LAYER_NO_TIME},
    {"identity", 3, {2, 3, 2}, LAYER_NO_TIME},
    {"flatten", 4, {2, 3, 2, 2}, LAYER_NO_TIME},
    {"formula(equations=x' = a*max(x, y) - min(x*y, 0.3)*t | y' = if(x > y + 0.1, b*x^2, erf(y)) + "
     "if(t <= 0.2, a, x), constants=a=1.5 b=-0.4, learn=a b, bounds=a=0:inf b=-1:1)",
     3,
     {3, 2, 2},
     3},
    {"formula(equations=x' = c*if(x >= 0, x, -2*x) + sin(c*t), constants=c=-2, learn=c, "
     "bounds=c=-inf:0)",
     3,
     {2, 3, 1},
     1},
    {"formula(equations=v[3]' = A @ v + c*tanh(v) - v*norm(v) + max(v, 0.1)/(2 + t) | w' = dot(v, "
     "v @ A) + "
     "sum(v)*w + v[1]*A[0 2], constants=A[3 3]=0.5 c[3]=1 2 3, learn=A c)",
     2,
     {4, 4},
     1},
    {"formula(inputs=X[2 3] k, outputs=Y u, equations=Y = X*k + (B @ X)^2 | u = if(k > 0, sum(X), "
     "norm(B)) | z = Y[1 2], "
     "constants=B[2 2]=1 2 3 4, learn=B, bounds=B=-6:inf)",
     3,
     {2, 2, 7},
     LAYER_NO_TIME},
    {"gelu", 2, {3, 5}, LAYER_NO_TIME},
    {"gelu(approximate=tanh)", 3, {2, 3, 2}, LAYER_NO_TIME},
    {"silu", 4, {2, 3, 2, 2}, LAYER_NO_TIME},
    {"elu(alpha=0.7)", 2, {3, 5}, LAYER_NO_TIME},
    {"leaky_relu(slope=0.2)", 2, {3, 5}, LAYER_NO_TIME},
    {"sin(frequency=3)", 2, {3, 5}, LAYER_NO_TIME},
    {"layernorm", 3, {2, 3, 5}, LAYER_NO_TIME},
    {"layernorm(affine=no, epsilon=0.1)", 2, {3, 4}, LAYER_NO_TIME},
    {"conv1d(filters=3, kernel=3, padding=1)", 3, {2, 2, 5}, LAYER_NO_TIME},
    {"conv1d(filters=2, kernel=4, stride=3, padding=2, bias=no)", 3, {3, 2, 7}, LAYER_NO_TIME},
    {"conv_transpose2d(filters=3, kernel=3, stride=2, padding=1, output_padding=1)",
     4,
     {2, 2, 3, 4},
     LAYER_NO_TIME},
    {"conv_transpose2d(filters=2, kernel=2 3, stride=2 1, bias=no)",
     4,
     {2, 3, 3, 2},
     LAYER_NO_TIME},
    {"upsample", 4, {2, 3, 2, 3}, LAYER_NO_TIME},
    {"upsample(factor=3)", 4, {2, 1, 3, 2}, LAYER_NO_TIME},
    {"select(channels=2 0)", 3, {2, 4, 3}, LAYER_NO_TIME},
    {"gru(units=4)", 3, {3, 2, 3}, LAYER_NO_TIME},
    {"gru(units=2, output=all, direction=backward)", 3, {2, 4, 3}, LAYER_NO_TIME},
    {"attention", 3, {3, 4, 3}, LAYER_NO_TIME},
    {"attention(heads=2, causal=yes)", 3, {2, 5, 4}, LAYER_NO_TIME},
    {"gru(units=2, output=before, rows=marked)", 3, {2, 4, 3}, LAYER_NO_TIME},
    {"observations", 3, {2, 3, 2}, LAYER_NO_TIME},
    {"embedding(classes=4, units=3)", 2, {2, 3}, LAYER_NO_TIME},
    {"embedding(classes=4, units=3, values=1 -2 0.5, deviation=0.1)", 1, {5}, LAYER_NO_TIME},
    {"learned(values=1 -2 0.5)", 3, {2, 3, 2}, LAYER_NO_TIME},
    {"hypernet(units=3, hidden=4)", 2, {3, 2}, 1},
    {"hypernet(units=2, hidden=3)", 3, {3, 2, 4}, 3},
    /* layers that the program does not ship */
    {"doubled", 2, {4, 5}, LAYER_NO_TIME},
    {"swish", 2, {4, 5}, LAYER_NO_TIME},
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

/* Bounds of what is measured; differences have errors of their own. */
static const double of_differences = 2e-9, of_pairing = 1e-12, of_constant = 1e-14;

static registry *plugins;
static support_device device;
static const odeon_device_dual *dual;

static void require(odeon_status status)
{
    if (status != ODEON_OK) {
        fail_msg("%s: %s", status_text(status), diag_message());
    }
}

/* ---- vectors: the tensors of a call, one after the other ---- */

enum { IN = 1, PARAMS = 2, TIME = 4, OUT = 8, D_OUT = 16, D_IN = 32, GRADS = 64, D_TIME = 128 };

typedef struct list {
    int32_t n;
    const odeon_tensor *x[2 * LAYER_HARNESS_PARAMS + 6];
} list;

static void add(list *l, const odeon_tensor *x)
{
    if (x->view.data != NULL) {
        l->x[l->n++] = x;
    }
}

static list list_of(layer_harness *h, int32_t which)
{
    list l = {0};
    const struct {
        int32_t bit;
        const odeon_tensor *x;
        int32_t n;
    } all[] = {{IN, &h->in, 1},
               {PARAMS, h->param, h->n_params},
               {TIME, &h->t, 1},
               {OUT, &h->out, 1},
               {D_OUT, &h->d_out, 1},
               {D_IN, &h->d_in, 1},
               {GRADS, h->grad, h->n_params},
               {D_TIME, &h->d_t, 1}};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        for (int32_t i = 0; (which & all[k].bit) != 0 && i < all[k].n; i++) {
            add(&l, &all[k].x[i]);
        }
    }
    return l;
}

static int64_t size_of(const list *l)
{
    int64_t n = 0;
    for (int32_t i = 0; i < l->n; i++) {
        n += odeon_count(&l->x[i]->view.shape);
    }
    return n;
}

enum { VALUES = 0, TANGENTS = 1 };

static double *get(const list *l, int32_t side)
{
    double *all = mem_zalloc((size_t)size_of(l) + 1, sizeof *all), *at = all;
    for (int32_t i = 0; i < l->n; i++) {
        const odeon_view *x = &l->x[i]->view;
        uint64_t bytes = (uint64_t)odeon_bytes(&x->shape);
        require(side == VALUES
                    ? device.device->ops->download(device.queue, at, odeon_read(x), bytes)
                    : dual->tangent_get(device.queue, at, odeon_read(x), bytes));
        at += odeon_count(&x->shape);
    }
    return all;
}

static void put(const list *l, int32_t side, const double *all)
{
    for (int32_t i = 0; i < l->n; i++) {
        const odeon_tensor *x = l->x[i];
        uint64_t bytes = (uint64_t)odeon_bytes(&x->view.shape);
        require(side == VALUES
                    ? device.device->ops->upload(device.queue, odeon_write(x), all, bytes)
                    : dual->tangent_set(device.queue, odeon_write(x), all, bytes));
        all += odeon_count(&x->view.shape);
    }
}

static double *random_vector(int64_t n, uint64_t seed)
{
    double *x = mem_zalloc((size_t)n + 1, sizeof *x);
    for (int64_t i = 0; i < n; i++) {
        x[i] = support_random(seed, (uint64_t)i);
    }
    return x;
}

static double inner(int64_t n, const double *a, const double *b)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* ---- calls ---- */

/* NaN, values and tangents; an upload makes tangents 0. */
static void spoil(void *memory, uint64_t bytes)
{
    char *nan = mem_alloc((size_t)bytes + 1);
    memset(nan, 0xff, (size_t)bytes);
    require(device.device->ops->upload(device.queue, memory, nan, bytes));
    require(dual->tangent_set(device.queue, memory, nan, bytes));
    mem_free(nan);
}

static void spoil_tensor(const odeon_tensor *x)
{
    spoil(odeon_write(x), (uint64_t)odeon_bytes(&x->view.shape));
}

static odeon_status sum_alone(void *self, odeon_queue *queue, const odeon_tensor *x,
                              odeon_status mine)
{
    (void)self;
    (void)queue;
    (void)x;
    return mine;
}

static const odeon_group alone = {.struct_size = sizeof alone, .size = 1, .sum = sum_alone};

static odeon_layer_call call_of(const layer_harness *h)
{
    return (odeon_layer_call){.struct_size = sizeof(odeon_layer_call),
                              .flags = h->flags,
                              .device = device.device,
                              .queue = device.queue,
                              .group = &alone,
                              .t = h->t.view.data != NULL ? &h->t.view : NULL,
                              .param = h->values,
                              .state = h->param + h->n_params,
                              .tape = h->tape,
                              .scratch = h->scratch,
                              .rng_key = 77,
                              .n_global = h->n_global};
}

static void call_forward(layer_harness *h, odeon_layer_call *call)
{
    call->in = &h->in.view;
    call->out = &h->out;
    if ((h->plan.flags & ODEON_LAYER_VIEW) != 0) { /* what a host does in place of a call */
        require(ODEON_DO(call->device, move, copy, call->queue, .x = &h->in.view, .y = &h->out));
        return;
    }
    require(h->ops->forward(h->layer->self, call));
}

static void forward(layer_harness *h)
{
    odeon_layer_call call = call_of(h);
    spoil_tensor(&h->out);
    spoil(h->tape, h->plan.tape_bytes);
    spoil(h->scratch, h->plan.scratch_bytes);
    call_forward(h, &call);
}

static void zero_sums(layer_harness *h)
{
    list sums = list_of(h, GRADS | D_TIME);
    double *zeros = mem_zalloc((size_t)size_of(&sums) + 1, sizeof *zeros);
    put(&sums, VALUES, zeros); /* tangents become 0 as well */
    mem_free(zeros);
}

static void vjp(layer_harness *h)
{
    odeon_layer_call call = call_of(h);
    zero_sums(h);
    spoil_tensor(&h->d_in);
    spoil(h->scratch, h->plan.scratch_bytes);
    if ((h->plan.flags & ODEON_LAYER_VIEW) != 0) {
        require(ODEON_DO(call.device, move, copy, call.queue, .x = &h->d_out.view, .y = &h->d_in));
        return;
    }
    call.in = (h->plan.flags & ODEON_LAYER_NEEDS_IN) != 0 ? &h->in.view : NULL;
    call.out = (h->plan.flags & ODEON_LAYER_NEEDS_OUT) != 0 ? &h->out : NULL;
    call.d_out = &h->d_out.view;
    call.d_in = &h->d_in;
    call.d_t = h->t.view.data != NULL ? &h->d_t : NULL;
    call.grad = h->grad;
    require(h->ops->vjp(h->layer->self, &call));
}

static void forward_and_vjp(layer_harness *h)
{
    forward(h);
    vjp(h);
}

/* ---- what is measured ---- */

typedef struct measured {
    double jvp, pairing, second, bilinear, plain, constant;
} measured;

/* (g(p + step v) - g(p - step v)) / (2 step); tangents are 0 meanwhile. */
static double *difference(layer_harness *h, const list *at, const double *p, const double *v,
                          void (*call)(layer_harness *h), const list *result)
{
    double *moved = mem_zalloc((size_t)size_of(at) + 1, sizeof *moved), *ends[2], step = 1e-5;
    for (int32_t side = 0; side < 2; side++) {
        for (int64_t i = 0; i < size_of(at); i++) {
            moved[i] = p[i] + (side == 0 ? -step : step) * v[i];
        }
        put(at, VALUES, moved);
        call(h);
        ends[side] = get(result, VALUES);
    }
    for (int64_t i = 0; i < size_of(result); i++) {
        ends[1][i] = (ends[1][i] - ends[0][i]) / (2.0 * step);
    }
    put(at, VALUES, p);
    mem_free(moved);
    mem_free(ends[0]);
    return ends[1];
}

/* Distance of what the base makes on the same memory; 1 where it touches tangents. */
static double plain_distance(layer_harness *h)
{
    list out = list_of(h, OUT);
    odeon_layer_call call = call_of(h);
    double *expected = get(&out, VALUES);
    call.device = dual->plain(device.device);
    call.queue = dual->plain_queue(device.queue);
    spoil_tensor(&h->out);
    call_forward(h, &call);
    double *made = get(&out, VALUES), *dot = get(&out, TANGENTS);
    double distance = support_distance(size_of(&out), made, expected);
    for (int64_t i = 0; i < size_of(&out); i++) {
        distance = isnan(dot[i]) ? distance : 1.0; /* as they were spoilt */
    }
    mem_free(expected);
    mem_free(made);
    mem_free(dot);
    return distance;
}

static void first_order(layer_harness *h, measured *m)
{
    list at = list_of(h, IN | PARAMS | TIME), out = list_of(h, OUT), d_out = list_of(h, D_OUT);
    list back = list_of(h, D_IN | GRADS | D_TIME);
    double *p = get(&at, VALUES), *w = get(&d_out, VALUES), *v = random_vector(size_of(&at), 31);
    double *expected = difference(h, &at, p, v, forward, &out);
    put(&at, TANGENTS, v);
    forward(h);
    double *dot = get(&out, TANGENTS);
    m->jvp = support_distance(size_of(&out), dot, expected);
    vjp(h);
    double *bar = get(&back, VALUES), one = inner(size_of(&out), w, dot),
           other = inner(size_of(&back), bar, v);
    m->pairing = fabs(one - other) / fmax(1.0, fabs(other));
    m->plain = plain_distance(h);
    put(&at, VALUES, p);
    mem_free(p);
    mem_free(w);
    mem_free(v);
    mem_free(expected);
    mem_free(dot);
    mem_free(bar);
}

static void second_order(layer_harness *h, measured *m)
{
    list at = list_of(h, IN | PARAMS | TIME | D_OUT), back = list_of(h, D_IN | GRADS | D_TIME);
    double *p = get(&at, VALUES), *v = random_vector(size_of(&at), 41);
    double *expected = difference(h, &at, p, v, forward_and_vjp, &back);
    put(&at, TANGENTS, v);
    forward_and_vjp(h);
    double *dot = get(&back, TANGENTS);
    m->second = support_distance(size_of(&back), dot, expected);
    put(&at, VALUES, p);
    mem_free(p);
    mem_free(v);
    mem_free(expected);
    mem_free(dot);
}

/* w^T J v, v along the input alone, with exact tangents. */
static double bilinear(layer_harness *h, const double *v, const double *w)
{
    list in = list_of(h, IN), out = list_of(h, OUT);
    put(&in, TANGENTS, v);
    forward(h);
    double *dot = get(&out, TANGENTS), value = inner(size_of(&out), w, dot);
    mem_free(dot);
    return value;
}

/* d(w^T J v)/dp by differences. */
static double *bilinear_differences(layer_harness *h, const list *at, double *p, const double *v,
                                    const double *w)
{
    int64_t n = size_of(at);
    double *out = mem_zalloc((size_t)n + 1, sizeof *out), step = 1e-5;
    for (int64_t i = 0; i < n; i++) {
        double kept = p[i], ends[2];
        for (int32_t side = 0; side < 2; side++) {
            p[i] = kept + (side == 0 ? -step : step);
            put(at, VALUES, p);
            ends[side] = bilinear(h, v, w);
        }
        p[i] = kept;
        out[i] = (ends[1] - ends[0]) / (2.0 * step);
    }
    put(at, VALUES, p);
    return out;
}

static double constant_distance(layer_harness *h, const list *back, const double *dot)
{
    const odeon_view *w = &h->param[0].view;
    if (h->n_params == 0) {
        return 0.0;
    }
    require(dual->constant(device.queue, odeon_read(w), (uint64_t)odeon_bytes(&w->shape)));
    forward_and_vjp(h);
    double *same = get(back, TANGENTS), distance = support_distance(size_of(back), same, dot);
    require(dual->constant(device.queue, NULL, 0));
    mem_free(same);
    return distance;
}

static void bilinear_gradient(layer_harness *h, measured *m)
{
    list at = list_of(h, IN | PARAMS | TIME), in = list_of(h, IN), d_out = list_of(h, D_OUT);
    list back = list_of(h, D_IN | GRADS | D_TIME);
    int64_t n_in = size_of(&in), n_out = size_of(&d_out);
    double *p = get(&at, VALUES), *v = random_vector(n_in, 51);
    double *w = random_vector(n_out, n_in == n_out ? 51 : 52);
    double *expected = bilinear_differences(h, &at, p, v, w);
    put(&d_out, VALUES, w); /* constant */
    put(&in, TANGENTS, v);
    forward_and_vjp(h);
    double *dot = get(&back, TANGENTS);
    m->bilinear = support_distance(size_of(&back), dot, expected);
    m->constant = constant_distance(h, &back, dot);
    mem_free(p);
    mem_free(v);
    mem_free(w);
    mem_free(expected);
    mem_free(dot);
}

/* How far values on duals may be from those without: on cpu a batch norm measures its batch by an
 * operator that duals do without, which leaves rounding of values of size 1. */
static bool on_cpu;
static double of_plain(const layer_case *c)
{
    bool measures = on_cpu && strncmp(c->expression, "batchnorm", 9) == 0;
    return measures ? 1e-14 : 0.0;
}

static int32_t measure(const layer_case *c)
{
    layer_harness h = layer_harness_open(plugins, &device, c->expression, c->ndim, c->dim, c->n_t);
    measured m = {0};
    layer_harness_randomize(&h, &h.in, 1, 2.0);
    layer_harness_randomize(&h, &h.d_out, 2, 1.0);
    for (int32_t k = 0; k < h.n_params; k++) {
        layer_harness_randomize(&h, &h.param[k], 3 + (uint64_t)k, 1.0);
    }
    if (h.t.view.data != NULL) {
        layer_harness_randomize(&h, &h.t, 9, 1.0);
    }
    first_order(&h, &m);
    second_order(&h, &m);
    bilinear_gradient(&h, &m);
    int32_t good = m.jvp <= of_differences && m.pairing <= of_pairing &&
                   m.second <= of_differences && m.bilinear <= of_differences &&
                   m.constant <= of_constant && m.plain <= of_plain(c);
    print_message("%-64.64s %8.1e %8.1e %8.1e %8.1e%s\n", c->expression, m.jvp, m.pairing, m.second,
                  m.bilinear, good ? "" : "  WRONG");
    layer_harness_close(&h);
    return good;
}

/* Attention is refused where the base has not the operators that it takes. */
static bool is_refused(const layer_case *c)
{
    return strncmp(c->expression, "attention", 9) == 0 &&
           !ODEON_HAS(device.device->product, odeon_product_family, gemm_batch);
}

static void test_on(const char *name)
{
    on_cpu = strstr(name, "base=cpu") != NULL;
    plugins = support_registry();
    device = support_device_open(plugins, name, ODEON_DTYPE_F64);
    dual = device.device->get_table(device.device, ODEON_DEVICE_DUAL);
    assert_non_null(dual);
    int32_t wrong = 0;
    print_message("%-64s %8s %8s %8s %8s\n", name, "jvp", "pairing", "second", "bilinear");
    for (int32_t i = 0; i < N_CASES; i++) {
        wrong += !is_refused(&cases[i]) && !measure(&cases[i]);
    }
    support_device_close(&device);
    registry_destroy(plugins);
    assert_int_equal(wrong, 0);
}

static void test_reference(void **state)
{
    (void)state;
    test_on("dual(base=reference)");
}

static void test_cpu(void **state)
{
    (void)state;
    test_on("dual(base=cpu)");
}

static void test_remote(void **state)
{
    (void)state;
    test_on("dual(base=remote, arena=16)");
}

static void test_late(void **state)
{
    (void)state;
    test_on("dual(base=remote(late=yes), arena=16)");
}

static void test_emulated(void **state)
{
    (void)state;
    test_on("dual(base=emulated, arena=16)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference), cmocka_unit_test(test_cpu),
                                       cmocka_unit_test(test_remote), cmocka_unit_test(test_late),
                                       cmocka_unit_test(test_emulated)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
