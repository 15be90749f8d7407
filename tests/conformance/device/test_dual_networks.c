/* Whole networks on the device `dual`, losses and ODE blocks included: with tangents v in the
 * parameters one session_differentiate gives
 *   slope    |the loss's tangent - <gradient, v>|, the larger of two directions
 *   hessian  H v, as tangents of the gradients, against central differences of gradients
 *   symmetry |<u, H v> - <v, H u>|
 *   values   the distance of loss and gradients from those of the base by itself: none
 * Of a continuous adjoint, whose gradient is not that of the steps, slope and symmetry are as far
 * off as it is. Steps of an adaptive solve are held, so that there are no differences. float64. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_dual.h"
#include "session/members.h"
#include "session/slope.h"
#include "support_session.h"

#define RUN                                                                                        \
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"                       \
    "[data]\ndataset = idx(path=/nowhere, shape=1 5 4, classes=3)\n"
#define HEAD        RUN "[model.stem]\nlayer = conv2d(filters=2, kernel=3, padding=1)\nthen = softplus\n"
#define TRAIN(loss) "[train]\nloss = " loss "\noptimizer = adam(lr=0.01)\n"
#define TAIL                                                                                       \
    "[model.flat]\nlayer = flatten\n[model.head]\nlayer = dense(units=classes)\n" TRAIN(           \
        "cross_entropy")
#define FIXED "layer = ode(steps=2)\nintegrator = rk4\ngradient = "
#define FIELD                                                                                      \
    "[model.ode.r]\nlayer = residual\n"                                                            \
    "[model.ode.r.time]\nlayer = concat_time\n"                                                    \
    "then = conv2d(filters=3, kernel=3, padding=1), tanh, conv2d(filters=2, kernel=1)\n"           \
    "[model.ode.norm]\nlayer = groupnorm(groups=1)\n" TAIL

static const char nested[] =
    HEAD "[model.block]\nlayer = residual\nrepeat = 2\n"
         "[model.block.inner]\nlayer = chain\n"
         "[model.block.inner.both]\nlayer = sum\n"
         "[model.block.inner.both.a]\nlayer = conv2d(filters=state, kernel=1)\nthen = tanh\n"
         "[model.block.inner.both.b]\nlayer = conv2d(filters=state, kernel=3, padding=1)\n"
         "[model.block.inner.both.c]\nlayer = identity\n"
         "[model.block.inner.norm]\nlayer = groupnorm(groups=1)\n"
         "[model.down]\nlayer = residual\nthen = tanh\n"
         "[model.down.shortcut]\nlayer = conv2d(filters=3, kernel=1, stride=2, bias=no)\n"
         "[model.down.a]\nlayer = conv2d(filters=3, kernel=3, stride=2, padding=1)\n"
         "then = softplus, conv2d(filters=3, kernel=1)\n" TAIL;
static const char ode_direct[] = HEAD "[model.ode]\n" FIXED "direct\n" FIELD;
static const char ode_adjoint[] = HEAD "[model.ode]\n" FIXED "adjoint\n" FIELD;
static const char adaptive[] = HEAD "[model.ode]\nlayer = ode(rtol=1e-3, atol=1e-3)\nintegrator = "
                                    "dopri5\ngradient = direct\n" FIELD;
static const char coupled[] =
    HEAD "[model.r]\nlayer = residual\n"
         "[model.r.a]\nlayer = conv2d(filters=state, kernel=3, padding=1, bias=no)\n"
         "then = batchnorm, tanh, dropout(p=0.3)\n" TAIL;
/* A stranger's layer that works from what prepare makes of its weights, and another's. */
static const char strangers[] =
    HEAD "[model.flat]\nlayer = flatten\n[model.a]\nlayer = dense(units=4)\nthen = swish, packed, "
         "tanh\n[model.head]\nlayer = dense(units=classes)\n" TRAIN("cross_entropy");
static const char pools[] = HEAD "[model.p]\nlayer = maxpool(kernel=3 2, stride=1, padding=1)\n"
                                 "then = tanh, avgpool(kernel=2)\n" TAIL;
#define NUMBERS(loss)                                                                              \
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"                       \
    "[data]\ndataset = measured(shape=3, label=2, mask=some)\n"                                    \
    "[model.a]\nlayer = dense(units=5)\nthen = tanh\n[model.b]\nlayer = dense(units=2)\n" TRAIN(   \
        loss)

/* What is asked of a network beside that values are the base's. */
enum { EXACT = 1, DIFFERENCES = 2 };

static const struct network {
    const char *name, *ini;
    int32_t asked;
} networks[] = {
    {"residual, sum, chain, shortcut, groupnorm", nested, EXACT | DIFFERENCES},
    {"ode(rk4, direct) of residual, concat_time, groupnorm", ode_direct, EXACT | DIFFERENCES},
    {"the same with gradient = adjoint", ode_adjoint, DIFFERENCES},
    {"the same with dopri5, adaptive, direct", adaptive, EXACT},
    {"batchnorm in training, dropout", coupled, EXACT | DIFFERENCES},
    {"swish, packed", strangers, EXACT | DIFFERENCES},
    {"maxpool with windows that overlap, avgpool", pools, EXACT | DIFFERENCES},
};

static const double of_slope = 1e-12, of_hessian = 1e-7, of_symmetry = 1e-11;
static const double step = 1e-5;

static const odeon_device_dual *dual_of(const support_session *s)
{
    const odeon_device *device = s->session->model.device;
    return device->get_table(device, ODEON_DEVICE_DUAL);
}

/* Parameters become at + factor v; at has running state in it, v has not. */
static void along(support_session *s, const double *at, const double *v, double factor)
{
    for (size_t i = 0; i < session_parameters(s->session); i++) {
        session_parameter p = session_parameter_at(s->session, i);
        if (p.role != ODEON_PARAM_STATE) {
            double *moved = mem_zalloc((size_t)p.count, sizeof *moved);
            for (int64_t k = 0; k < p.count; k++) {
                moved[k] = at[k] + factor * *v++;
            }
            support_require(session_parameter_set(s->session, i, moved), p.path);
            mem_free(moved);
        }
        at += p.count;
    }
}

enum { SEED, READ };

/* Tangents v of all weights and biases; or those of their gradients. */
static void move_tangents(support_session *s, int32_t what, double *v)
{
    const odeon_device_dual *dual = dual_of(s);
    const worker *w = &s->session->workers[0];
    for (size_t i = 0; i < s->session->model.params.n; i++) {
        const param *p = &s->session->model.params.list[i];
        uint64_t bytes = (uint64_t)p->count * sizeof(double);
        int64_t at = p->offset * (int64_t)sizeof(double);
        if (p->role == ODEON_PARAM_STATE) {
            continue;
        }
        support_require(what == SEED
                            ? dual->tangent_set(w->site.lane.queue, w->site.values + at, v, bytes)
                            : dual->tangent_get(w->site.lane.queue, v, w->site.grads + at, bytes),
                        p->path);
        v += p->count;
    }
    /* other workers' queues see them then */
    support_require(s->session->model.device->ops->wait(w->site.lane.queue), "wait");
}

static double inner(int64_t n, const double *a, const double *b)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* One direction: H v, the slopes, and how far values are from the base's. */
typedef struct pass {
    double *v, *product;
    double loss, of_loss;
} pass;

static pass make_pass(support_session *s, int64_t n, uint64_t seed)
{
    session_slope slope;
    pass p = {.v = mem_zalloc((size_t)n, sizeof(double)),
              .product = mem_zalloc((size_t)n, sizeof(double))};
    for (int64_t i = 0; i < n; i++) {
        p.v[i] = support_random(seed, (uint64_t)i);
    }
    move_tangents(s, SEED, p.v);
    s->session->unprepared = true;
    p.loss = support_differentiate(s, NULL, NULL).loss;
    move_tangents(s, READ, p.product);
    support_require(session_read_slope(s->session, 0, &slope), "slope");
    p.of_loss = slope.of_loss;
    return p;
}

static void free_pass(pass *p)
{
    mem_free(p->v);
    mem_free(p->product);
}

static double hessian_gap(support_session *plain, const pass *p, int64_t n)
{
    int64_t all;
    double *values = support_parameters(plain, &all), *ends[2];
    for (int32_t side = 0; side < 2; side++) {
        along(plain, values, p->v, side == 0 ? -step : step);
        (void)support_differentiate(plain, NULL, NULL);
        ends[side] = support_gradients(plain, &n);
    }
    for (int64_t i = 0; i < n; i++) {
        ends[1][i] = (ends[1][i] - ends[0][i]) / (2.0 * step);
    }
    double gap = support_distance(n, p->product, ends[1]);
    mem_free(values);
    mem_free(ends[0]);
    mem_free(ends[1]);
    return gap;
}

/* Both sessions run on as many workers. */
static int32_t measure(const struct network *n, const char *base, const char *over,
                       const char *workers)
{
    char device[128], alone[64];
    (void)snprintf(device, sizeof device, "run.device=dual(base=%s%s)", base, over);
    (void)snprintf(alone, sizeof alone, "run.device=%s", base);
    const char *overrides[] = {device, workers, NULL},
               *plain_overrides[] = {alone, "run.kernels=no", workers, NULL};
    support_session plain = support_session_open(n->ini, 4, plain_overrides);
    support_session s = support_session_open(n->ini, 4, overrides);
    int64_t count = 0;
    double loss = support_differentiate(&plain, NULL, NULL).loss;
    double *g = support_gradients(&plain, &count);
    pass u = make_pass(&s, count, 62), v = make_pass(&s, count, 61);
    double *same = support_gradients(&s, &count);
    double values = fmax(support_distance(count, same, g), fabs(v.loss - loss));
    double slope =
        fmax(fabs(inner(count, g, v.v) - v.of_loss), fabs(inner(count, g, u.v) - u.of_loss));
    double symmetry = fabs(inner(count, u.v, v.product) - inner(count, v.v, u.product));
    double hessian = (n->asked & DIFFERENCES) != 0 ? hessian_gap(&plain, &v, count) : 0.0;
    /* The device cpu, and others that compute alike, have convolutions with their epilogue and the
     * time inside, whose sums are in another order; dual computes them by their parts. */
    double of_values = strcmp(base, "reference") != 0 ? 1e-15 : 0.0;
    int32_t good = values <= of_values && hessian <= of_hessian &&
                   ((n->asked & EXACT) == 0 || (slope <= of_slope && symmetry <= of_symmetry));
    print_message("%-54s slope %.1e  hessian %.1e  symmetry %.1e  values %.1e%s\n", n->name, slope,
                  hessian, symmetry, values, good ? "" : "  WRONG");
    free_pass(&u);
    free_pass(&v);
    mem_free(g);
    mem_free(same);
    support_session_close(&s);
    support_session_close(&plain);
    return good;
}

static void test_all(const char *base, const char *over, const char *workers)
{
    int32_t wrong = 0;
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        wrong += !measure(&networks[i], base, over, workers);
    }
    assert_int_equal(wrong, 0);
}

static void test_reference(void **state)
{
    (void)state;
    test_all("reference", "", NULL);
}

static void test_two_workers(void **state)
{
    (void)state;
    test_all("cpu", "", "run.workers=2");
}

static void test_compositions(void **state)
{
    const struct network disjoint = {"maxpool with windows apart",
                                     HEAD "[model.p]\nlayer = maxpool(kernel=2)\n" TAIL,
                                     EXACT | DIFFERENCES};
    (void)state;
    assert_true(measure(&disjoint, "cpu", ", optional=no", NULL));
}

/* Without pool2d_jvp there is no derivative of maxima whose windows overlap, and it is said so. */
static void test_overlapping_maxima_are_refused(void **state)
{
    const char *overrides[] = {"run.device=dual(base=cpu, optional=no)", NULL};
    support_session s = support_session_open(pools, 4, overrides);
    session_result result;
    (void)state;
    assert_int_equal(support_differentiate_try(&s, &result), ODEON_ERR_UNSUPPORTED);
    assert_non_null(strstr(diag_message(), "pool2d_jvp"));
    support_session_close(&s);
}

static void test_remote(void **state)
{
    (void)state;
    test_all("remote(late=yes)", ", arena=32", "run.workers=2");
}

static void test_emulated(void **state)
{
    (void)state;
    test_all("emulated", ", arena=32", NULL);
}

/* Each loss of differences, whose second derivatives have bends. */
static void test_losses(void **state)
{
    static const struct network of_numbers[] = {
        {"mse", NUMBERS("mse"), EXACT | DIFFERENCES},
        {"l1", NUMBERS("l1"), EXACT | DIFFERENCES},
        {"smooth_l1", NUMBERS("smooth_l1(beta=0.4)"), EXACT | DIFFERENCES},
    };
    int32_t wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof of_numbers / sizeof of_numbers[0]; i++) {
        wrong += !measure(&of_numbers[i], "cpu", "", NULL);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),    cmocka_unit_test(test_two_workers),
        cmocka_unit_test(test_compositions), cmocka_unit_test(test_overlapping_maxima_are_refused),
        cmocka_unit_test(test_remote),       cmocka_unit_test(test_emulated),
        cmocka_unit_test(test_losses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
