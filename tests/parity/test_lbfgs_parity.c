/* L-BFGS against torch.optim.LBFGS in float64: where each step ends, the loss where it begins, and
 * how often it evaluates. The problems are functions of this file, on the reference device. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_solver.h"
#include "odeon/layer.h"
#include "odeon/optimizer.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

enum { MOST = 5, ROWS = 9, CALLS = 20 };

static registry *plugins;
static support_device device;
static safetensors *file;

static int open_fixture(void **state)
{
    (void)state;
    plugins = support_registry();
    device = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    file = support_fixture("lbfgs.safetensors");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    safetensors_destroy(file);
    support_device_close(&device);
    registry_destroy(plugins);
    return 0;
}

/* ---- the problems ---- */

/* A loss of n numbers with its gradient; beyond `wall` in the first number it is not a number. */
typedef struct problem {
    int64_t n, evaluations;
    double wall;
    const double *a, *y; /* of fit; NULL: valley */
    odeon_tensor x, g;
} problem;

static double fit(const problem *p, const double *x, double *g)
{
    double loss = 0.0;
    for (int row = 0; row < ROWS; row++) {
        double z = 0.0;
        for (int64_t i = 0; i < p->n; i++) {
            z += p->a[row * p->n + i] * x[i];
        }
        double value = tanh(z), residue = value - p->y[row];
        loss += residue * residue / ROWS;
        for (int64_t i = 0; i < p->n; i++) {
            g[i] += 2.0 * residue * (1.0 - value * value) * p->a[row * p->n + i] / ROWS;
        }
    }
    return loss;
}

static double valley(const problem *p, const double *x, double *g)
{
    double loss = 0.0;
    for (int64_t i = 0; i + 1 < p->n; i++) {
        double rise = x[i + 1] - x[i] * x[i], rest = 1.0 - x[i];
        loss += 100.0 * rise * rise + rest * rest;
        g[i] += -400.0 * rise * x[i] - 2.0 * rest;
        g[i + 1] += 200.0 * rise;
    }
    return loss;
}

static odeon_status eval(void *host, double *loss)
{
    problem *p = host;
    double g[MOST] = {0.0};
    double *x = support_download(&device, &p->x.view);
    p->evaluations++;
    *loss = x[0] > p->wall ? (double)NAN : p->a != NULL ? fit(p, x, g) : valley(p, x, g);
    mem_free(x);
    return device.device->ops->upload(device.queue, odeon_write(&p->g), g,
                                      (uint64_t)p->n * sizeof *g);
}

/* ---- steps ---- */

/* What a run of the optimizer has: an instance and the tensors that are the host's. */
typedef struct run {
    problem p;
    instance *optimizer;
    int32_t n_moments, n_work;
    odeon_tensor moment[ODEON_MAX_MOMENTS], work[ODEON_MAX_VECTORS], slots;
    int64_t step;
} run;

static void open_run(const char *name, const char *expression, run *r)
{
    const double zeros[ODEON_SLOTS] = {0.0};
    const int64_t n_slots = ODEON_SLOTS;
    char key[32];
    *r = (run){.p = {.n = strcmp(name, "fit") == 0 ? 4 : 5, .wall = (double)INFINITY}};
    bool is_fit = r->p.n == 4;
    r->p.a = is_fit ? support_tensor(file, "fit/A", NULL) : NULL;
    r->p.y = is_fit ? support_tensor(file, "fit/y", NULL) : NULL;
    (void)snprintf(key, sizeof key, "%s/x0", name);
    double *start = support_tensor(file, key, NULL);
    r->p.x = support_upload(&device, start, 1, &r->p.n);
    r->p.g = support_upload(&device, zeros, 1, &r->p.n);
    mem_free(start);
    r->optimizer = support_instance(plugins, ODEON_KIND_OPTIMIZER, expression, 0, 0);
    const odeon_optimizer_ops *ops = r->optimizer->component->ops;
    r->n_moments = ops->moment_count(r->optimizer->self);
    r->n_work = ops->work_count(r->optimizer->self);
    for (int32_t i = 0; i < r->n_moments; i++) {
        r->moment[i] = support_upload(&device, zeros, 1, &r->p.n);
    }
    for (int32_t i = 0; i < r->n_work; i++) {
        r->work[i] = support_upload(&device, zeros, 1, &r->p.n);
    }
    r->slots = support_upload_as(&device, ODEON_DTYPE_F64, zeros, 1, &n_slots);
}

static void close_run(run *r)
{
    for (int32_t i = 0; i < r->n_moments; i++) {
        support_release(&device, &r->moment[i]);
    }
    for (int32_t i = 0; i < r->n_work; i++) {
        support_release(&device, &r->work[i]);
    }
    support_release(&device, &r->slots);
    support_release(&device, &r->p.x);
    support_release(&device, &r->p.g);
    instance_destroy(r->optimizer);
    mem_free((void *)(uintptr_t)r->p.a);
    mem_free((void *)(uintptr_t)r->p.y);
}

/* One step; what it works with is poisoned, since nothing in it passes from step to step. */
static double step(run *r)
{
    double loss, poison[MOST] = {(double)NAN, (double)NAN, (double)NAN, (double)NAN, (double)NAN};
    const odeon_optimizer_ops *ops = r->optimizer->component->ops;
    for (int32_t i = 0; i < r->n_work; i++) {
        assert_int_equal(device.device->ops->upload(device.queue, odeon_write(&r->work[i]), poison,
                                                    (uint64_t)r->p.n * sizeof *poison),
                         ODEON_OK);
    }
    r->p.evaluations = 0;
    assert_int_equal(eval(&r->p, &loss), ODEON_OK);
    odeon_update update = {.struct_size = sizeof update,
                           .role = ODEON_PARAM_WEIGHT,
                           .queue = device.queue,
                           .device = device.device,
                           .step = ++r->step,
                           .lr_factor = 1.0,
                           .param = &r->p.x,
                           .grad = &r->p.g,
                           .moment = r->moment};
    odeon_minimize call = {.struct_size = sizeof call,
                           .update = &update,
                           .loss = loss,
                           .work = r->work,
                           .slots = odeon_write(&r->slots),
                           .eval = eval,
                           .host = &r->p};
    assert_int_equal(ops->minimize(r->optimizer->self, &call), ODEON_OK);
    return loss;
}

static void read_x(run *r, double *x)
{
    double *values = support_download(&device, &r->p.x.view);
    memcpy(x, values, (size_t)r->p.n * sizeof *x);
    mem_free(values);
}

#define EXACT "tolerance_grad=1e-14, tolerance_change=1e-18, "

typedef struct lbfgs_case {
    const char *name, *expression;
    int calls;
} lbfgs_case;

static const lbfgs_case cases[] = {
    {"calls", "lbfgs(" EXACT "iterations=1, evaluations=30, history=5)", 20},
    {"inner", "lbfgs(" EXACT "iterations=20, evaluations=600, history=5)", 1},
    {"short", "lbfgs(" EXACT "iterations=1, evaluations=30, history=2)", 20},
    {"default", "lbfgs(history=100)", 1},
    {"few", "lbfgs(iterations=4, lr=0.7)", 6},
    {"plain", "lbfgs(" EXACT "iterations=1, evaluations=30, history=5, lr=0.5, search=none)", 20},
    {"plain_inner", "lbfgs(iterations=6, history=3, lr=0.5, search=none)", 3}};
enum { N_CASES = sizeof cases / sizeof *cases };

/* Differences grow from step to step, as rounding does in a method that learns from differences of
 * gradients; over 20 steps they stay below 1e-10. */
static void compare(const char *name, const lbfgs_case *c)
{
    char key[64];
    run r;
    double path[(CALLS + 1) * MOST], losses[CALLS], evaluations[CALLS];
    open_run(name, c->expression, &r);
    read_x(&r, path);
    for (int i = 0; i < c->calls; i++) {
        losses[i] = step(&r);
        evaluations[i] = (double)r.p.evaluations;
        read_x(&r, path + (i + 1) * r.p.n);
    }
    (void)snprintf(key, sizeof key, "%s/%s", name, c->name);
    double *theirs = support_tensor(file, key, NULL);
    support_assert_close(key, (c->calls + 1) * r.p.n, path, theirs, 1e-10);
    mem_free(theirs);
    (void)snprintf(key, sizeof key, "%s/%s/loss", name, c->name);
    theirs = support_tensor(file, key, NULL);
    support_assert_close(key, c->calls, losses, theirs, 1e-10);
    mem_free(theirs);
    (void)snprintf(key, sizeof key, "%s/%s/evals", name, c->name);
    theirs = support_tensor(file, key, NULL);
    support_assert_close(key, c->calls, evaluations, theirs, 0.0);
    mem_free(theirs);
    close_run(&r);
}

static void test_steps_of_a_fit_are_torchs(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        compare("fit", &cases[i]);
    }
}

static void test_steps_in_a_valley_are_torchs(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        if (strncmp(cases[i].name, "plain", 5) != 0) {
            compare("valley", &cases[i]);
        }
    }
}

/* The minimum is at 1 in all numbers; a trial beyond the wall is taken back. */
static void test_a_trial_without_a_loss_is_taken_back(void **state)
{
    (void)state;
    static const char *const searches[] = {"lbfgs(tolerance_grad=1e-11, tolerance_change=0)",
                                           "lbfgs(search=none, lr=0.1)"};
    for (int k = 0; k < 2; k++) {
        run r;
        double x[MOST], loss = 0.0;
        open_run("valley", searches[k], &r);
        r.p.wall = k == 0 ? 1.0 + 1e-9 : -1.0;
        for (int i = 0; i < 12; i++) {
            loss = step(&r);
            assert_true(isfinite(loss));
        }
        read_x(&r, x);
        assert_true(x[0] <= r.p.wall);
        for (int i = 0; i < MOST && k == 0; i++) {
            assert_true(fabs(x[i] - 1.0) < 1e-6);
        }
        close_run(&r);
    }
}

/* All that passes from step to step is in the moments: another instance goes on to the bit. */
static void test_another_instance_goes_on(void **state)
{
    (void)state;
    run whole, cut;
    double a[MOST], b[MOST];
    open_run("valley", "lbfgs(iterations=3, history=2)", &whole);
    open_run("valley", "lbfgs(iterations=3, history=2)", &cut);
    for (int i = 0; i < 8; i++) {
        (void)step(&whole);
        instance_destroy(cut.optimizer);
        cut.optimizer =
            support_instance(plugins, ODEON_KIND_OPTIMIZER, "lbfgs(iterations=3, history=2)", 0, 0);
        (void)step(&cut);
        read_x(&whole, a);
        read_x(&cut, b);
        assert_memory_equal(a, b, sizeof a);
    }
    close_run(&whole);
    close_run(&cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_of_a_fit_are_torchs),
        cmocka_unit_test(test_steps_in_a_valley_are_torchs),
        cmocka_unit_test(test_a_trial_without_a_loss_is_taken_back),
        cmocka_unit_test(test_another_instance_goes_on),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
