/* What is learned of a solve beside its field: the state that it starts from, one for all samples
 * or one for each, and the times between which it goes. y' = k y cos t from y0 at s has y(e) = y0
 * exp(k (sin e - sin s)), of which all derivatives are known; and differences of the loss. */
#include "support_session.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "session/phase.h"

enum { N = 5 };

/* A start, a span and the constant k. */
#define MODEL(gradient, learn)                                                                     \
    "[run]\nworkers = 2\ndtype = float64\ndevice = reference\n"                                    \
    "[data]\ndataset = measured(shape=2, label=1, length=8)\n"                                     \
    "[model.start]\nlayer = learned(values=0.7)\n"                                                 \
    "[model.ode]\nlayer = ode(rtol=1e-11, atol=1e-12)\nintegrator = dopri8\n"                      \
    "gradient = " gradient "\n"                                                                    \
    "[model.ode.span]\nlayer = time_span(start=0.3, end=1.4, learn=" learn ")\n"                   \
    "[model.ode.span.f]\nlayer = chain\n"                                                          \
    "[model.ode.span.f.field]\nlayer = formula\n"                                                  \
    "equations = y' = k*y*cos(t)\nconstants = k=-0.8\nlearn = k\n"                                 \
    "[train]\nloss = mse\noptimizer = adam\n"

static double gradient_of(const support_session *s, const char *path)
{
    double value = (double)NAN;
    for (size_t i = 0; i < session_parameters(s->session); i++) {
        if (strcmp(session_parameter_at(s->session, i).path, path) == 0) {
            support_require(session_gradient_get(s->session, i, &value), path);
        }
    }
    return value;
}

static void assert_near(const char *what, double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance * fabs(expected))) {
        fail_msg("%s: %.15g, expected %.15g", what, value, expected);
    }
}

/* Loss: mean of (y - label)^2, so that its derivative by y is 2 mean (y - label). */
static void compare(const char *ini, double tolerance)
{
    const double y0 = 0.7, k = -0.8, start = 0.3, end = 1.4;
    double y = y0 * exp(k * (sin(end) - sin(start))), cot = 0.0, out[N];
    support_session s = support_session_open(ini, N, NULL);
    (void)support_differentiate(&s, out, NULL);
    for (int i = 0; i < N; i++) {
        assert_near("y", out[i], y, 1e-10);
        cot += 2.0 / N * (y - s.given[ODEON_ROLE_LABEL][i]);
    }
    assert_near("start", gradient_of(&s, "start.value0"), cot * y / y0, tolerance);
    assert_near("k", gradient_of(&s, "ode.span.f.field.k"), cot * y * (sin(end) - sin(start)),
                tolerance);
    assert_near("s", gradient_of(&s, "ode.span.start"), -cot * y * k * cos(start), tolerance);
    assert_near("e", gradient_of(&s, "ode.span.end"), cot * y * k * cos(end), tolerance);
    support_session_close(&s);
}

static void test_start_and_span_have_the_gradients_of_the_solution(void **state)
{
    (void)state;
    compare(MODEL("direct", "both"), 1e-9);
    compare(MODEL("adjoint", "both"), 1e-8);
}

/* One of the two alone, steps that are fixed, and float64 differences. */
static void test_gradients_are_those_of_differences(void **state)
{
    (void)state;
    static const char *const models[] = {MODEL("direct", "end"), MODEL("direct", "start"),
                                         MODEL("direct", "none"), MODEL("adjoint", "both")};
    const char *fixed[] = {"model.ode.layer=ode(steps=3)", "model.ode.integrator=rk4", NULL};
    const char *fine[] = {"run.workers=1", NULL};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        bool exact = i < 3; /* the continuous adjoint is not that of its steps */
        support_session s = support_session_open(models[i], N, exact ? fixed : fine);
        double gap = support_gradient_gap(&s);
        if (!(gap < 1e-7)) {
            fail_msg("model %zu: gap %g", i, gap);
        }
        support_session_close(&s);
    }
}

/* Each sample starts from its own row; rows that no sample has keep a gradient of 0. */
#define ROWS                                                                                       \
    "[run]\nworkers = 2\ndtype = float64\ndevice = cpu\n"                                          \
    "[data]\ndataset = trajectories(source=spiral, points=40, window=10, stride=10, "              \
    "input=window)\n"                                                                              \
    "[model.start]\nlayer = embedding(classes=6, units=2, values=0.5 -1, deviation=0)\n"           \
    "[model.ode]\nlayer = ode(times=batch, steps=2)\nintegrator = rk4\ngradient = direct\n"        \
    "[model.ode.f]\nlayer = dense(units=state)\n"                                                  \
    "[train]\nloss = mse\noptimizer = adam(lr=0.02)\n"

static void test_every_window_learns_a_start_of_its_own(void **state)
{
    (void)state;
    enum { WINDOWS = 4, ALL = WINDOWS };
    static const int64_t all[ALL] = {0, 1, 2, 3};
    support_session s = support_session_open(ROWS, ALL, NULL);
    data_source *source = support_batch_source(&s);
    double output[WINDOWS * 10 * 2], labels[WINDOWS * 10 * 2], rows[12];
    double first = 0.0, last = 0.0;
    session_samples samples = {.n = ALL, .source = source, .indices = all};
    support_require(session_predict(s.session, &samples, output, labels), "predict");
    for (int i = 0; i < WINDOWS; i++) {
        assert_true(output[20 * i] == 0.5 && output[20 * i + 1] == -1.0);
    }
    for (int64_t step = 1; step <= 400; step++) {
        session_result result;
        support_require(session_train(s.session, source, ALL, all, step, step, 1.0, &result),
                        "step");
        first = step == 1 ? result.loss : first;
        last = result.loss;
    }
    assert_true(last < 0.2 * first);
    support_require(session_parameter_get(s.session, 0, rows), "rows");
    for (int i = 2; i < 2 * WINDOWS; i++) {
        assert_true(rows[i] != 0.0 && rows[i] != rows[i - 2]);
    }
    for (int i = 2 * WINDOWS; i < 12; i++) {
        assert_true(rows[i] == 0.0);
    }
    data_close(source);
    support_session_close(&s);
}

/* Multiple shooting: beside its own start each window has that of the next as a state that stays,
 * and three times the gap between its end and that is one more output, whose label is 0. */
#define SHOOTING                                                                                   \
    "[run]\nworkers = 1\ndtype = float64\ndevice = cpu\n"                                          \
    "[data]\ndataset = trajectories(source=spiral, points=31, until=1.5, window=11, stride=10, "   \
    "input=window, continuity=yes)\nbatch = 3\n"                                                   \
    "[model.s]\nlayer = concat\n"                                                                  \
    "[model.s.own]\nlayer = embedding(classes=3, units=2, values=1 0, deviation=0.5)\n"            \
    "[model.s.next]\nlayer = chain\n"                                                              \
    "[model.s.next.number]\nlayer = scale(shift=1)\n"                                              \
    "[model.s.next.row]\nshare = model.s.own\n"                                                    \
    "[model.ode]\nlayer = ode(times=batch, steps=4)\nintegrator = rk4\ngradient = direct\n"        \
    "[model.ode.f]\nlayer = formula\n"                                                             \
    "equations = a' = k*a^3 + l*b^3 | b' = m*a^3 + n*b^3 | p' = 0*a | q' = 0*b\n"                  \
    "constants = k=-0.2 l=-1.5 m=1.5 n=-0.2\nlearn = k l m n\n"                                    \
    "[model.gap]\nlayer = formula\ninputs = a b p q\noutputs = a b g h\n"                          \
    "equations = g = 3*(a - p) | h = 3*(b - q)\n"                                                  \
    "[train]\nloss = mse\noptimizer = adam(lr=0.02)\n"                                             \
    "[train.b]\nafter = 100 steps\noptimizer = lbfgs(tolerance_change=1e-16)\n"

static double largest_gap(support_session *s, const data_source *source)
{
    enum { ROW = 4, ROWS_EACH = 11 };
    static const int64_t all[3] = {0, 1, 2};
    double output[3 * ROWS_EACH * ROW], gap = 0.0;
    session_samples samples = {.n = 3, .source = source, .indices = all};
    support_require(session_predict(s->session, &samples, output, NULL), "predict");
    for (int i = 0; i + 1 < 3; i++) {
        const double *end = output + ((i + 1) * ROWS_EACH - 1) * ROW;
        const double *next = output + (i + 1) * ROWS_EACH * ROW;
        for (int k = 0; k < 2; k++) {
            gap = fmax(gap, fabs(end[k] - next[k]));
            assert_true(fabs(end[2 + k] - 3.0 * (end[k] - next[k])) < 1e-12);
        }
    }
    return gap;
}

static void test_shooting_closes_the_gaps(void **state)
{
    (void)state;
    static const int64_t all[3] = {0, 1, 2};
    support_session s = support_session_open(SHOOTING, 3, NULL);
    data_source *source = support_batch_source(&s);
    double before = largest_gap(&s, source);
    double l = (double)NAN;
    session_result result = {.loss = (double)NAN};
    for (int64_t step = 1; step <= 120; step++) {
        support_require(step == 101 ? session_enter_phase(s.session, 1, 100) : ODEON_OK, "phase");
        support_require(session_train(s.session, source, 3, all, step, step, 1.0, &result), "step");
    }
    assert_true(before > 0.1);
    assert_true(result.loss < 1e-9 && largest_gap(&s, source) < 1e-4);
    support_require(session_parameter_get(s.session, 2, &l), "l");
    assert_true(fabs(l + 2.0) < 1e-3); /* the data's, from -1.5 */
    data_close(source);
    support_session_close(&s);
}

/* Training draws ends within the range, the same for both workers and again for the same step;
 * evaluation does not. */
static void test_the_end_of_a_span_is_drawn(void **state)
{
    (void)state;
    const char *overrides[] = {"model.ode.span.steer=0.25", NULL};
    static const int64_t all[N] = {0, 1, 2, 3, 4};
    double least = (double)INFINITY, most = -(double)INFINITY, sum = 0.0;
    support_session s = support_session_open(MODEL("direct", "none"), N, overrides);
    data_source *source = support_batch_source(&s);
    for (int64_t step = 1; step <= 64; step++) {
        session_result a, b;
        support_require(session_differentiate_samples(s.session, source, N, all, &a), "a");
        support_require(session_differentiate_samples(s.session, source, N, all, &b), "b");
        assert_true(a.loss == b.loss);
        support_require(session_train(s.session, source, N, all, 1, step, 0.0, &a), "train");
        least = fmin(least, a.loss);
        most = fmax(most, a.loss);
        sum += a.loss;
    }
    session_result still;
    support_require(session_evaluate(s.session, source, N, all, &still), "evaluate");
    assert_true(least < still.loss && still.loss < most);
    assert_true(fabs(sum / 64 - still.loss) < 0.5 * (most - least));
    data_close(source);
    support_session_close(&s);
}

static void test_what_cannot_be_meant_is_refused(void **state)
{
    (void)state;
    static const char *const refused[][3] = {
        {MODEL("direct", "end"), "model.ode.span.end=0.3", "start and end are both 0.3"},
        {MODEL("direct", "end"), "model.ode.span.steer=-1", "steer = -1: allowed: steer >= 0"},
        {ROWS, "model.start.values=1 2 3", "values has 3 numbers, units is 2"}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        support_session s;
        const char *overrides[] = {refused[i][1], NULL};
        odeon_status status = support_session_try(refused[i][0], N, overrides, &s);
        if (status != ODEON_ERR_CONFIG || strstr(diag_message(), refused[i][2]) == NULL) {
            fail_msg("expected '%s', got %d '%s'", refused[i][2], (int)status, diag_message());
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_and_span_have_the_gradients_of_the_solution),
        cmocka_unit_test(test_gradients_are_those_of_differences),
        cmocka_unit_test(test_every_window_learns_a_start_of_its_own),
        cmocka_unit_test(test_shooting_closes_the_gaps),
        cmocka_unit_test(test_the_end_of_a_span_is_drawn),
        cmocka_unit_test(test_what_cannot_be_meant_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
