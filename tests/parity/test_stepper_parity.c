/* BDF2, semi-implicit BDF2 and leapfrog against NumPy: states, loss and gradients over equal steps,
 * a shorter last one, steps of a list and times within them (tests/parity/README.md). The ODEs are
 * formulas. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "support_session.h"

enum { SAMPLES = 2, MOST = 4, TIMES = 4, MOST_OVERRIDES = 7 };

#define INI(width, constant, equations)                                                            \
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"                       \
    "[data]\ndataset = measured(shape=" #width ", label=" #width ")\n"                             \
    "[model.ode]\nlayer = ode\ngradient = direct\n"                                                \
    "[model.ode.f]\nlayer = formula\nconstants = a=" #constant                                     \
    "\nlearn = a\nequations = " equations "\n[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n"

/* A field of two terms, of which the stiff one has the parameter. */
#define INI_OF_TWO(width, constant, other, stiff)                                                  \
    "[run]\nname = test\ndevice = reference\ndtype = float64\nworkers = 1\n"                       \
    "[data]\ndataset = measured(shape=" #width ", label=" #width ")\n"                             \
    "[model.ode]\nlayer = ode\ngradient = direct\n"                                                \
    "[model.ode.f]\nlayer = formula\nequations = " other "\n"                                      \
    "[model.ode.stiff]\nlayer = formula\nconstants = a=" #constant                                 \
    "\nlearn = a\nequations = " stiff "\n[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n"

typedef struct problem {
    const char *method, *name, *ini;
    int64_t width;
} problem;

static const problem oscillator = {"bdf2", "oscillator",
                                   INI(2, 5, "x' = y | y' = a*(1 - x^2)*y - x"), 2};
static const problem chase = {
    "bdf2", "chase", INI(3, 20, "x' = -a*(x - sin(t)) + y*z | y' = cos(t) - y^2 | z' = x - t*z"),
    3};
static const problem relax = {
    "sbdf2", "relax",
    INI_OF_TWO(2, 15, "x' = y*cos(t) | y' = -x*y", "x' = -a*(x - sin(t)) | y' = -a*(y - x^2)"), 2};
static const problem kepler = {"leapfrog", "kepler",
                               INI(4, 1,
                                   "q1' = p1 | q2' = p2 | p1' = -a*q1/sqrt(q1^2 + q2^2)^3 | "
                                   "p2' = -a*q2/sqrt(q1^2 + q2^2)^3"),
                               4};
static const problem pendulum = {"leapfrog", "pendulum",
                                 INI(2, 1.5, "q' = p*(1 + t/4) | p' = -a*sin(q) + cos(t)"), 2};

typedef struct way {
    const char *name, *steps, *span;
    bool times; /* the state at all of TIMES */
} way;

static const way ways[] = {
    {"equal", "model.ode.steps=40", "model.ode.span=0 2", false},
    {"back", "model.ode.steps=25", "model.ode.span=0.5 0.25", false},
    {"short", "model.ode.step_size=0.06", "model.ode.span=0 1.25", false},
    {"listed", NULL, "model.ode.span=0 1.25", false},
    {"inside", NULL, "model.ode.times=0 0.31 0.77 1.25", true},
};
enum { WAYS = sizeof ways / sizeof *ways, WAYS_TO_THE_END = WAYS - 1 };

static safetensors *fixture;

static int open_fixture(void **state)
{
    (void)state;
    fixture = support_fixture("steppers.safetensors");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    safetensors_destroy(fixture);
    return 0;
}

/* way may be NULL: what all ways of a problem share. */
static double *values_of(const problem *p, const way *w, const char *what, int64_t *n)
{
    char name[96];
    (void)snprintf(name, sizeof name, "%s/%s%s%s/%s", p->method, p->name, w != NULL ? "/" : "",
                   w != NULL ? w->name : "", what);
    return support_tensor(fixture, name, n);
}

static void write_steps(const problem *p, const way *w, char *path)
{
    int64_t n;
    double *steps = values_of(p, w, "steps", &n);
    int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    assert_non_null(file);
    (void)fprintf(file, "t,h\n");
    for (int64_t i = 0; i < n; i += 2) {
        (void)fprintf(file, "%.17g,%.17g\n", steps[i], steps[i + 1]);
    }
    assert_int_equal(fclose(file), 0);
    mem_free(steps);
}

static support_session open_way(const problem *p, const way *w, const char *gradient)
{
    char method[64], how[64], control[96], labels[96], path[] = "/tmp/odeon_steps_XXXXXX";
    const char *overrides[MOST_OVERRIDES + 1] = {method, how, w->span, w->steps};
    (void)snprintf(method, sizeof method, "model.ode.integrator=%s", p->method);
    (void)snprintf(how, sizeof how, "model.ode.gradient=%s", gradient);
    if (w->steps == NULL) {
        write_steps(p, w, path);
        (void)snprintf(control, sizeof control, "model.ode.control=replay(path=%s)", path);
        overrides[3] = control;
    }
    if (w->times) {
        (void)snprintf(labels, sizeof labels, "data.dataset=measured(shape=%d, label=%d %d)",
                       (int)p->width, TIMES, (int)p->width);
        overrides[4] = labels;
        overrides[5] = "model.ode.end=interpolate";
    }
    support_session s = support_session_open(p->ini, SAMPLES, overrides);
    if (w->steps == NULL) {
        (void)unlink(path);
    }
    return s;
}

/* The states to start from, and what the loss compares with: the same at all times. */
static void fill(const support_session *s, const problem *p, const way *w)
{
    int64_t n;
    double *y0 = values_of(p, NULL, "y0", &n), *target = values_of(p, NULL, "target", NULL);
    assert_int_equal(n, SAMPLES * p->width);
    memcpy(s->x, y0, (size_t)n * sizeof *y0);
    int64_t repeats = w->times ? TIMES : 1, row = p->width;
    for (int64_t i = 0; i < SAMPLES * repeats; i++) {
        memcpy(s->given[ODEON_ROLE_LABEL] + i * row, target + i / repeats * row,
               (size_t)row * sizeof *target);
    }
    mem_free(y0);
    mem_free(target);
}

static void compare(const problem *p, const way *w, const char *what, const double *values,
                    double relative)
{
    int64_t n;
    char name[96];
    double *expected = values_of(p, w, what, &n);
    (void)snprintf(name, sizeof name, "%s/%s/%s/%s", p->method, p->name, w->name, what);
    support_assert_close(name, n, values, expected, relative);
    mem_free(expected);
}

static void check(const problem *p, const way *w, const char *gradient)
{
    double y[SAMPLES * TIMES * MOST], d_y0[SAMPLES * MOST];
    int64_t n;
    support_session s = open_way(p, w, gradient);
    fill(&s, p, w);
    session_result result = support_differentiate(&s, y, d_y0);
    double *d_a = support_gradients(&s, &n);
    assert_int_equal(n, 1);
    compare(p, w, "y", y, 1e-12);
    compare(p, w, "loss", &result.loss, 1e-12);
    compare(p, w, "grad_y0", d_y0, 1e-10);
    compare(p, w, "grad_a", d_a, 1e-10);
    mem_free(d_a);
    support_session_close(&s);
}

static void check_ways(const problem *p, size_t n_ways)
{
    for (size_t i = 0; i < n_ways; i++) {
        check(p, &ways[i], "direct");
        check(p, &ways[i], "checkpoint");
    }
}

static void test_bdf2_takes_the_steps_of_numpy(void **state)
{
    (void)state;
    check_ways(&oscillator, WAYS);
    check_ways(&chase, WAYS);
}

static void test_sbdf2_takes_the_steps_of_numpy(void **state)
{
    (void)state;
    check_ways(&relax, WAYS_TO_THE_END);
}

static void test_leapfrog_takes_the_steps_of_numpy(void **state)
{
    (void)state;
    check_ways(&kepler, WAYS_TO_THE_END);
    check_ways(&pendulum, WAYS_TO_THE_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bdf2_takes_the_steps_of_numpy),
        cmocka_unit_test(test_sbdf2_takes_the_steps_of_numpy),
        cmocka_unit_test(test_leapfrog_takes_the_steps_of_numpy),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
