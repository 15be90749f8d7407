/* A block's field on the device `dual`: its jvp, and its vjp on duals, against JAX in float64
 * (tests/parity/make_dual_field.py): products along directions; the exact divergence by unit
 * vectors; and a continuous normalizing flow, integrated with its gradient by one vjp on duals a
 * step. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "ode/block.h"
#include "odeon/device_dual.h"
#include "odeon/device_move.h"
#include "session/members.h"
#include "support_session.h"

enum { B = 3, D = 4, N = B * D, STEPS = 5 };

static const double of_jax = 1e-10; /* the bound; what is measured is rounding */
static const double start_time = 0.3, end_time = 1.0;

#define HEAD                                                                                       \
    "[run]\nname = test\ndevice = cpu\ndtype = float64\nworkers = 1\n"                             \
    "[data]\ndataset = measured(shape=4, label=4)\n"                                               \
    "[model.o]\nlayer = ode(steps=1)\nintegrator = euler\ngradient = direct\n"
#define LAYERS(at)                                                                                 \
    "[model.o." at "one]\nlayer = dense(units=8, time=first)\nthen = tanh\n"                       \
    "[model.o." at "two]\nlayer = dense(units=state)\n"
#define END "[train]\nloss = mse\noptimizer = sgd(lr=0.01)\n"
static const char one_term[] = HEAD LAYERS("") END;
/* The second term is the first once more: vectors are twice those of the file, gradients are not.
 */
static const char two_terms[] =
    HEAD LAYERS("") "[model.o.stiff]\nlayer = chain\n" LAYERS("stiff.") END;
static const char *ini = one_term;

static support_session s;
static safetensors *file;
static worker *w;
static block_field *field;
static const odeon_field *f;
static const odeon_device *device;
static odeon_queue *queue;

/* ---- vectors on the device ---- */

static odeon_tensor vector(int64_t n, const double *values)
{
    void *memory = NULL;
    uint64_t bytes = (uint64_t)n * sizeof *values;
    odeon_shape shape = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {n}};
    support_require(device->ops->alloc(device->handle, bytes, &memory), "alloc");
    if (values != NULL) {
        support_require(device->ops->upload(queue, memory, values, bytes), "upload");
    }
    return odeon_tensor_at(memory, shape);
}

static odeon_tensor zeros(int64_t n)
{
    odeon_tensor x = vector(n, NULL);
    support_require(ODEON_DO(device, move, fill, queue, .y = &x, .value = odeon_imm(0.0)), "fill");
    return x;
}

static odeon_tensor of_file(const char *name)
{
    int64_t n;
    double *values = support_tensor(file, name, &n);
    odeon_tensor x = vector(n, values);
    mem_free(values);
    return x;
}

static void read(const odeon_tensor *x, double *out)
{
    support_require(device->ops->download(queue, out, odeon_read(&x->view),
                                          (uint64_t)odeon_bytes(&x->view.shape)),
                    "download");
}

static void release(odeon_tensor *x)
{
    device->ops->free(device->handle, odeon_write(x));
}

static void compare(const char *name, const double *values)
{
    int64_t n;
    double *expected = support_tensor(file, name, &n);
    double gap = support_distance(n, values, expected);
    print_message("%-24s %.1e\n", name, gap);
    assert_true(gap <= of_jax);
    mem_free(expected);
}

static void compare_vector(const char *name, const odeon_tensor *x)
{
    double values[N] = {0.0};
    read(x, values);
    for (int i = 0; i < N && ini == two_terms; i++) {
        values[i] /= 2.0;
    }
    compare(name, values);
}

/* Of a parameter as the file has it, whichever term it is of. */
static const char *name_in_file(const char *path)
{
    const char *name = strchr(path, '.') + 1;
    return strncmp(name, "stiff.", 6) == 0 ? name + 6 : name;
}

static void compare_gradients(const char *prefix)
{
    char name[64];
    for (size_t i = 0; i < session_parameters(s.session); i++) {
        session_parameter p = session_parameter_at(s.session, i);
        double values[8 * 5];
        support_require(session_gradient_get(s.session, i, values), p.path);
        (void)snprintf(name, sizeof name, "%s/%s", prefix, name_in_file(p.path));
        compare(name, values);
    }
}

static void clear_gradients(void)
{
    odeon_tensor g =
        odeon_tensor_at(w->site.grads, (odeon_shape){.ndim = 1,
                                                     .dtype = ODEON_DTYPE_F64,
                                                     .dim = {s.session->model.params.trainable}});
    support_require(ODEON_DO(device, move, fill, queue, .y = &g, .value = odeon_imm(0.0)), "fill");
}

/* ---- the field ---- */

static void open_field(const char *device_name)
{
    char name[96], override[128];
    (void)snprintf(override, sizeof override, "run.device=%s", device_name);
    const char *overrides[] = {override, NULL};
    s = support_session_open(ini, B, overrides);
    file = support_fixture("dual_field.safetensors");
    for (size_t i = 0; i < session_parameters(s.session); i++) {
        session_parameter p = session_parameter_at(s.session, i);
        (void)snprintf(name, sizeof name, "param/%s", name_in_file(p.path));
        double *values = support_tensor(file, name, NULL);
        support_require(session_parameter_set(s.session, i, values), name);
        mem_free(values);
    }
    w = &s.session->workers[0];
    device = s.session->model.device;
    queue = w->site.lane.queue;
    odeon_ode *block = w->site.odes[0];
    odeon_layer_call call = worker_call(w, ODEON_CALL_TRAIN);
    odeon_shape y = block->body->in;
    y.dim[0] = B;
    call.n_global = B;
    field = &block->field;
    support_require(block_field_fit(field, block->body, &call, &y, NULL), "fit");
    f = &field->host.abi;
}

static void close_field(void)
{
    safetensors_destroy(file);
    support_session_close(&s);
}

static void test_products_on(const char *name)
{
    open_field(name);
    odeon_tensor t = of_file("t"), y = of_file("y"), t_dot = of_file("t_dot"),
                 y_dot = of_file("y_dot"), dy_bar = of_file("dy_bar"),
                 dy_bar_dot = of_file("dy_bar_dot"), dy = vector(N, NULL), dy_dot = vector(N, NULL),
                 y_bar = vector(N, NULL), y_bar_dot = vector(N, NULL), t_bar = zeros(1),
                 t_bar_dot = zeros(1);
    odeon_field_jvp jvp = {.struct_size = sizeof jvp,
                           .t = &t.view,
                           .y = &y.view,
                           .t_dot = &t_dot.view,
                           .y_dot = &y_dot.view,
                           .dy = &dy,
                           .dy_dot = &dy_dot};
    support_require(f->jvp(f->self, &jvp), "jvp");
    compare_vector("dy", &dy);
    compare_vector("dy_dot", &dy_dot);

    odeon_field_vjp vjp = {.struct_size = sizeof vjp,
                           .t = &t.view,
                           .y = &y.view,
                           .dy_bar = &dy_bar.view,
                           .y_bar = &y_bar,
                           .t_bar = &t_bar};
    clear_gradients();
    support_require(f->vjp(f->self, &vjp), "vjp");
    compare_gradients("bar");
    vjp.t_dot = &t_dot.view;
    vjp.y_dot = &y_dot.view;
    vjp.dy_bar_dot = &dy_bar_dot.view;
    vjp.y_bar_dot = &y_bar_dot;
    vjp.t_bar_dot = &t_bar_dot;
    clear_gradients();
    t_bar = zeros(1);
    support_require(f->vjp(f->self, &vjp), "vjp on duals");
    compare_vector("y_bar", &y_bar);
    compare_vector("t_bar", &t_bar);
    compare_vector("y_bar_dot", &y_bar_dot);
    compare_vector("t_bar_dot", &t_bar_dot);
    compare_gradients("bar_dot");
    odeon_tensor *all[] = {&t,  &y,      &t_dot, &y_dot,     &dy_bar, &dy_bar_dot,
                           &dy, &dy_dot, &y_bar, &y_bar_dot, &t_bar,  &t_bar_dot};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        release(all[i]);
    }
    close_field();
}

static void test_products(void **state)
{
    static const char *const names[] = {"dual(base=reference)", "dual(base=cpu)",
                                        "dual(base=remote(late=yes), arena=16)",
                                        "dual(base=emulated, arena=16)"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        test_products_on(names[i]);
    }
}

static void test_products_of_two_terms(void **state)
{
    (void)state;
    ini = two_terms;
    test_products_on("dual(base=reference)");
    test_products_on("dual(base=cpu)");
    ini = one_term;
}

/* e^T J e of each sample; e and result on the host. */
static void quadratic(const odeon_tensor *t, const odeon_tensor *y, const double *e,
                      const odeon_tensor *dy, double *out)
{
    double dots[N];
    odeon_tensor y_dot = vector(N, e), dy_dot = vector(N, NULL);
    odeon_field_jvp jvp = {.struct_size = sizeof jvp,
                           .t = &t->view,
                           .y = &y->view,
                           .y_dot = &y_dot.view,
                           .dy = dy,
                           .dy_dot = &dy_dot};
    support_require(f->jvp(f->self, &jvp), "jvp");
    read(&dy_dot, dots);
    for (int i = 0; i < N; i++) {
        out[i / D] += e[i] * dots[i];
    }
    release(&y_dot);
    release(&dy_dot);
}

static void test_divergence(void **state)
{
    (void)state;
    open_field("dual(base=cpu)");
    odeon_tensor t = of_file("t"), y = of_file("y");
    double exact[B] = {0}, mean[B] = {0};
    for (int k = 0; k < D; k++) {
        double e[N];
        for (int i = 0; i < N; i++) {
            e[i] = i % D == k ? 1.0 : 0.0;
        }
        quadratic(&t, &y, e, NULL, exact);
    }
    compare("trace", exact);
    for (int signs = 0; signs < 16; signs++) { /* Hutchinson's mean over all e of +-1 is exact */
        double e[N];
        for (int i = 0; i < N; i++) {
            e[i] = (signs >> (i % D) & 1) != 0 ? 1.0 : -1.0;
        }
        quadratic(&t, &y, e, NULL, mean);
    }
    for (int b = 0; b < B; b++) {
        mean[b] /= 16.0;
    }
    support_assert_close("mean over all e", B, mean, exact, 1e-14);
    release(&t);
    release(&y);
    close_field();
}

/* ---- a flow: y' = f, l' = e^T J e, by Euler's method ---- */

typedef struct flow {
    double h, e[N], y[STEPS + 1][N], l[B];
} flow;

static odeon_tensor time_of(const flow *g, int step)
{
    double t = start_time + step * g->h;
    return vector(1, &t);
}

static void flow_forward(flow *g)
{
    for (int k = 0; k < STEPS; k++) {
        double slope[N], trace[B] = {0};
        odeon_tensor t = time_of(g, k), y = vector(N, g->y[k]), dy = vector(N, NULL);
        quadratic(&t, &y, g->e, &dy, trace);
        read(&dy, slope);
        for (int i = 0; i < N; i++) {
            g->y[k + 1][i] = g->y[k][i] + g->h * slope[i];
        }
        for (int b = 0; b < B; b++) {
            g->l[b] += g->h * trace[b];
        }
        release(&t);
        release(&y);
        release(&dy);
    }
}

/* a = dL/dy, dL/dl = 1: the cotangent of dy is h a, that of dy_dot is h e. */
static void flow_backward(const flow *g, double *a)
{
    for (int k = STEPS - 1; k >= 0; k--) {
        double of_dy[N], of_dot[N], more[N];
        for (int i = 0; i < N; i++) {
            of_dy[i] = g->h * a[i];
            of_dot[i] = g->h * g->e[i];
        }
        odeon_tensor t = time_of(g, k), y = vector(N, g->y[k]), y_dot = vector(N, g->e),
                     dy_bar = vector(N, of_dot), dy_bar_dot = vector(N, of_dy),
                     y_bar_dot = vector(N, NULL);
        odeon_field_vjp vjp = {.struct_size = sizeof vjp,
                               .t = &t.view,
                               .y = &y.view,
                               .y_dot = &y_dot.view,
                               .dy_bar = &dy_bar.view,
                               .dy_bar_dot = &dy_bar_dot.view,
                               .y_bar_dot = &y_bar_dot};
        support_require(f->vjp(f->self, &vjp), "vjp on duals");
        read(&y_bar_dot, more);
        for (int i = 0; i < N; i++) {
            a[i] += more[i];
        }
        odeon_tensor *all[] = {&t, &y, &y_dot, &dy_bar, &dy_bar_dot, &y_bar_dot};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            release(all[i]);
        }
    }
}

static void test_flow(void **state)
{
    flow g = {.h = (end_time - start_time) / STEPS};
    double a[N];
    (void)state;
    open_field("dual(base=cpu)");
    odeon_tensor y = of_file("y"), e = of_file("e");
    read(&y, g.y[0]);
    read(&e, g.e);
    flow_forward(&g);
    compare("flow/y", g.y[STEPS]);
    compare("flow/l", g.l);
    memcpy(a, g.y[STEPS], sizeof a); /* the loss is sum(l) + sum(y^2) / 2 */
    clear_gradients();
    flow_backward(&g, a);
    compare("flow/y0", a);
    compare_gradients("flow/grad");
    release(&y);
    release(&e);
    close_field();
}

/* ---- what is refused ---- */

static void test_another_device_has_no_jvp(void **state)
{
    (void)state;
    open_field("cpu");
    odeon_tensor y = of_file("y"), t = of_file("t"), y_bar = vector(N, NULL);
    odeon_field_vjp vjp = {.struct_size = sizeof vjp,
                           .t = &t.view,
                           .y = &y.view,
                           .dy_bar = &y.view,
                           .y_bar = &y_bar,
                           .y_dot = &y.view};
    assert_null(f->jvp);
    diag_clear();
    assert_int_equal(f->vjp(f->self, &vjp), ODEON_ERR_UNSUPPORTED);
    assert_non_null(strstr(diag_message(), "device dual"));
    odeon_tensor *all[] = {&y, &t, &y_bar};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        release(all[i]);
    }
    close_field();
}

static void test_unknown_words_are_refused(void **state)
{
    (void)state;
    open_field("dual(base=cpu)");
    odeon_tensor y = of_file("y"), t = of_file("t"), dy = vector(N, NULL);
    odeon_field_jvp jvp = {
        .struct_size = sizeof jvp, .flags = 2, .t = &t.view, .y = &y.view, .dy_dot = &dy};
    diag_clear();
    assert_int_equal(f->jvp(f->self, &jvp), ODEON_ERR_UNSUPPORTED);
    diag_clear();
    assert_int_equal(ODEON_DO(device, move, copy, queue, .flags = 4, .x = &y.view, .y = &dy),
                     ODEON_ERR_UNSUPPORTED);
    assert_non_null(strstr(diag_message(), "dual: copy"));
    release(&y);
    release(&t);
    release(&dy);
    close_field();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_products),
                                       cmocka_unit_test(test_products_of_two_terms),
                                       cmocka_unit_test(test_divergence),
                                       cmocka_unit_test(test_flow),
                                       cmocka_unit_test(test_another_device_has_no_jvp),
                                       cmocka_unit_test(test_unknown_words_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
