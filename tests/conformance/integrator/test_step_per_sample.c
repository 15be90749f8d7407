/* step = sample: each sample is solved as if it were the only one of its batch, to the bit, at
 * times of its own, whatever its company and however many workers there are. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support_session.h"

enum { SAMPLES = 4, TIMES = 4, SIZE = 3, EACH = TIMES * SIZE, MAX_OVERRIDES = 12 };

#define START                                                                                      \
    "[run]\nname = test\ndevice = cpu\ndtype = float64\nworkers = 1\n"                             \
    "[data]\ndataset = measured(shape=4 3, label=4 3, times=4)\n"                                  \
    "[model.ode]\nlayer = ode\nintegrator = tsit5\ngradient = direct\n"                            \
    "initial = first\ntimes = batch\nrtol = 1e-6\natol = 1e-6\n"
#define END "[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n"

/* Oscillators of van der Pol, each with a stiffness of its own, m, as a part of its state. */
static const char oscillators[] = START "[model.ode.f]\nlayer = formula\n"
                                        "equations = x' = a*v | v' = b*m*(1-x^2)*v - x | m' = 0*m\n"
                                        "constants = a=1 b=1\nlearn = a b\n" END;
/* A field of products, which devices carry out on whole batches. */
static const char products[] = START "[model.ode.t]\nlayer = concat_time\n"
                                     "[model.ode.a]\nlayer = dense(units=17)\nthen = tanh\n"
                                     "[model.ode.b]\nlayer = dense(units=state)\n" END;
/* The same oscillators with the damping as a stiff term. */
static const char two_terms[] = START "[model.ode.f]\nlayer = formula\n"
                                      "equations = x' = a*v | v' = -x | m' = 0*m\n"
                                      "constants = a=1\nlearn = a\n"
                                      "[model.ode.stiff]\nlayer = formula\n"
                                      "equations = x' = 0*x | v' = b*m*(1-x^2)*v | m' = 0*m\n"
                                      "constants = b=1\nlearn = b\n" END;

/* Of sample i: how stiff, where it starts, when it is looked at. */
static const double stiffness[SAMPLES] = {0.5, 25.0, 4.0, 0.1};

static void give_sample(support_session *s, int64_t to, int64_t from, double shift)
{
    double *x = s->given[ODEON_ROLE_INPUT] + to * EACH, *t = s->given[ODEON_ROLE_TIME] + to * TIMES;
    x[0] = 1.5 - 0.5 * (double)from + shift;
    x[1] = 0.3 * (double)from;
    x[2] = stiffness[from] + shift;
    for (int k = 0; k < TIMES; k++) {
        t[k] = 0.25 * (double)from + (0.5 + 0.1 * (double)from) * (double)(k * k + k) / 2.0;
    }
    for (int k = 0; k < EACH; k++) {
        s->given[ODEON_ROLE_LABEL][to * EACH + k] = 0.1 * (double)k - 0.2 * (double)from;
    }
}

/* Options of the test and, behind them, up to two more. */
typedef struct choice {
    const char *at[MAX_OVERRIDES];
} choice;

static choice with(const choice *base, const char *a, const char *b)
{
    choice out = *base;
    int n = 0;
    while (out.at[n] != NULL) {
        n++;
    }
    out.at[n] = a;
    out.at[n + 1] = a != NULL ? b : NULL;
    return out;
}

static support_session open_all(const char *ini, const choice *c, const char *workers)
{
    choice mine = with(c, "model.ode.step=sample", workers);
    support_session s = support_session_open(ini, SAMPLES, mine.at);
    for (int64_t i = 0; i < SAMPLES; i++) {
        give_sample(&s, i, i, 0.0);
    }
    return s;
}

/* What one pass over a batch gives. */
typedef struct answer {
    double output[SAMPLES * EACH], d_x[SAMPLES * EACH];
    double *gradient; /* of n parameters */
    int64_t n;
    session_result result;
} answer;

static answer differentiate(support_session *s)
{
    answer out = {.n = 0};
    out.result = support_differentiate(s, out.output, out.d_x);
    out.gradient = support_gradients(s, &out.n);
    return out;
}

/* Sample i in a batch of its own, by the steps of the batch. The loss is a mean, so that cotangents
 * of a batch of 4 are exactly a quarter of these, and with fixed steps so are all that follow. */
static void check_alone(const char *ini, const choice *c, const answer *all, int64_t i, answer *sum)
{
    support_session s = support_session_open(ini, 1, c->at);
    give_sample(&s, 0, i, 0.0);
    answer one = differentiate(&s);
    assert_memory_equal(one.output, all->output + i * EACH, EACH * sizeof(double));
    for (int k = 0; k < EACH; k++) {
        double d_x = one.d_x[k] / SAMPLES;
        if (d_x != all->d_x[i * EACH + k]) {
            fail_msg("sample %d, input %d: %.17g alone, %.17g in its batch", (int)i, k, d_x,
                     all->d_x[i * EACH + k]);
        }
    }
    const ode_counters *b = &one.result.blocks[0], *a = &all->result.blocks[0];
    assert_true(b->accepted >= a->steps_min && b->accepted <= a->steps_max);
    sum->result.loss += one.result.loss / SAMPLES;
    sum->n += b->evals_forward + b->evals_backward;
    for (int64_t k = 0; k < one.n; k++) {
        sum->gradient[k] += one.gradient[k] / SAMPLES;
    }
    mem_free(one.gradient);
    support_session_close(&s);
}

/* Evaluations and gradients are the sums of those of single samples. */
static void check_sums(const char *ini, const choice *c, const answer *all)
{
    answer sum = {.gradient = mem_zalloc((size_t)all->n, sizeof(double))};
    for (int64_t i = 0; i < SAMPLES; i++) {
        check_alone(ini, c, all, i, &sum);
    }
    const ode_counters *a = &all->result.blocks[0];
    assert_int_equal(sum.n, a->evals_forward + a->evals_backward);
    assert_int_equal(a->samples, SAMPLES);
    assert_true(fabs(sum.result.loss - all->result.loss) <= 1e-14 * fabs(sum.result.loss));
    support_assert_close("gradients", all->n, all->gradient, sum.gradient, 1e-13);
    mem_free(sum.gradient);
}

/* One worker to more than there are samples: rows have the same bits, gradients are summed in
 * another order. */
static void check_workers(const char *ini, const choice *c, const answer *all, double within)
{
    static const char *const workers[] = {"run.workers=2", "run.workers=3", "run.workers=7"};
    for (int k = 0; k < 3; k++) {
        support_session s = open_all(ini, c, workers[k]);
        answer again = differentiate(&s);
        assert_memory_equal(again.output, all->output, sizeof all->output);
        assert_memory_equal(again.d_x, all->d_x, sizeof all->d_x);
        support_assert_close("gradients", all->n, again.gradient, all->gradient, within);
        const ode_counters *a = &all->result.blocks[0], *b = &again.result.blocks[0];
        assert_int_equal(b->evals_forward, a->evals_forward);
        assert_int_equal(b->evals_backward, a->evals_backward);
        assert_int_equal(b->accepted, a->accepted);
        assert_int_equal(b->steps_min, a->steps_min);
        assert_int_equal(b->steps_max, a->steps_max);
        assert_int_equal(b->samples, SAMPLES);
        assert_true(b->h_min == a->h_min && b->h_max == a->h_max);
        mem_free(again.gradient);
        support_session_close(&s);
    }
}

/* Sample 2 among three others. */
static void check_company(const char *ini, const choice *c, const answer *all)
{
    support_session s = open_all(ini, c, NULL);
    for (int64_t i = 0; i < SAMPLES; i++) {
        give_sample(&s, i, i == 2 ? 2 : (i + 1) % SAMPLES, i == 2 ? 0.0 : 0.01);
    }
    answer other = differentiate(&s);
    assert_memory_equal(other.output + 2 * EACH, all->output + 2 * EACH, EACH * sizeof(double));
    assert_memory_equal(other.d_x + 2 * EACH, all->d_x + 2 * EACH, EACH * sizeof(double));
    mem_free(other.gradient);
    support_session_close(&s);
}

static void check(const char *ini, const char *a, const char *b, const char *c, bool sums)
{
    const choice how = {.at = {a, b, c}};
    bool narrow = b != NULL && strstr(b, "float32") != NULL;
    support_session s = open_all(ini, &how, NULL);
    answer all = differentiate(&s);
    const ode_counters *x = &all.result.blocks[0];
    print_message("%s %s: evaluations %lld + %lld, accepted of a sample %lld to %lld\n", a, b,
                  (long long)x->evals_forward, (long long)x->evals_backward,
                  (long long)x->steps_min, (long long)x->steps_max);
    if (sums) {
        check_sums(ini, &how, &all);
    }
    check_workers(ini, &how, &all, narrow ? 1e-6 : 1e-13);
    check_company(ini, &how, &all);
    mem_free(all.gradient);
    support_session_close(&s);
}

static void test_a_sample_is_solved_as_alone(void **state)
{
    static const char *const devices[] = {"run.device=reference", "run.device=cpu"};
    (void)state;
    for (int d = 0; d < 2; d++) {
        check(oscillators, devices[d], NULL, NULL, true);
        check(products, devices[d], NULL, NULL, true);
        check(products, devices[d], "run.dtype=float32", NULL, false);
        check(oscillators, devices[d], "model.ode.integrator=kvaerno3", "model.ode.rtol=1e-3",
              true);
        check(two_terms, devices[d], NULL, NULL, true);
        check(two_terms, devices[d], "model.ode.integrator=ark324", "model.ode.rtol=1e-3", true);
        check(products, devices[d], "model.ode.integrator=rk4", "model.ode.step_size=0.1", true);
        check(oscillators, devices[d], "model.ode.gradient=checkpoint", NULL, true);
        check(products, devices[d], "model.ode.integrator=adams_bashforth",
              "model.ode.step_size=0.1", true);
        check(products, devices[d], "model.ode.integrator=dopri5", "model.ode.end=interpolate",
              true);
    }
}

/* The way back is solved adaptively too, by the size of its cotangents. */
static void test_adjoint_of_a_sample_is_solved_as_alone(void **state)
{
    (void)state;
    check(products, "model.ode.gradient=adjoint", NULL, NULL, false);
    check(products, "model.ode.gradient=adjoint(norm=full, count_time=yes)", NULL, NULL, false);
    check(products, "model.ode.gradient=adjoint(y=dense)", NULL, NULL, false);
    check(products, "model.ode.gradient=adjoint(integrator=dopri5, rtol=1e-5)", NULL, NULL, false);
}

/* One start and one end. */
static void test_an_end_alone_is_solved_in_place(void **state)
{
    static const char ends[] =
        "[run]\nname = test\ndtype = float64\nworkers = 1\n"
        "[data]\ndataset = drawn(shape=3, classes=3)\n"
        "[model.ode]\nlayer = ode\nintegrator = tsit5\ngradient = direct\nrtol = 1e-6\n"
        "[model.ode.f]\nlayer = formula\n"
        "equations = x' = v | v' = m*(1-x^2)*v - x | m' = 0*m\n"
        "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";
    (void)state;
    static const char *const gradients[] = {"model.ode.gradient=direct",
                                            "model.ode.gradient=adjoint"};
    for (int g = 0; g < 2; g++) {
        double all[SAMPLES * SIZE], one[SIZE], d_x[SAMPLES * SIZE];
        const char *each[] = {"model.ode.step=sample", "run.workers=3", gradients[g], NULL};
        support_session s = support_session_open(ends, SAMPLES, each);
        support_session single =
            support_session_open(ends, 1, (const char *[]){gradients[g], NULL});
        support_differentiate(&s, all, d_x);
        for (int i = 0; i < SAMPLES; i++) {
            memcpy(single.given[ODEON_ROLE_INPUT], s.x + i * SIZE, sizeof one);
            support_differentiate(&single, one, NULL);
            assert_memory_equal(one, all + i * SIZE, sizeof one);
        }
        support_session_close(&s);
        support_session_close(&single);
    }
}

/* ---- values ---- */

static void slope(const double y[2], double m, double dy[2])
{
    dy[0] = y[1];
    dy[1] = m * (1.0 - y[0] * y[0]) * y[1] - y[0];
}

/* The classical method by so many steps that its error is of rounding. */
static void reference(double m, double t0, double t1, double y[2])
{
    enum { STEPS = 40000 };
    double h = (t1 - t0) / STEPS, k[4][2], z[2];
    for (int i = 0; i < STEPS; i++) {
        slope(y, m, k[0]);
        for (int s = 1; s < 4; s++) {
            double c = s < 3 ? 0.5 * h : h;
            z[0] = y[0] + c * k[s - 1][0];
            z[1] = y[1] + c * k[s - 1][1];
            slope(z, m, k[s]);
        }
        for (int j = 0; j < 2; j++) {
            y[j] += h / 6.0 * (k[0][j] + 2.0 * k[1][j] + 2.0 * k[2][j] + k[3][j]);
        }
    }
}

/* Every sample is as good as its tolerance asks for, at its own times, and takes the steps that its
 * own stiffness asks for. */
static void test_values_follow_the_tolerance(void **state)
{
    (void)state;
    static const char *const rtol[] = {"model.ode.rtol=1e-6", "model.ode.rtol=1e-9"};
    static const char *const atol[] = {"model.ode.atol=1e-6", "model.ode.atol=1e-9"};
    for (int k = 0; k < 2; k++) {
        const choice how = {.at = {rtol[k], atol[k]}};
        support_session s = open_all(oscillators, &how, "run.workers=2");
        answer all = differentiate(&s);
        double worst = 0.0;
        for (int i = 0; i < SAMPLES; i++) {
            const double *t = s.given[ODEON_ROLE_TIME] + i * TIMES, *x = s.x + i * EACH;
            double y[2] = {x[0], x[1]};
            for (int j = 1; j < TIMES; j++) {
                const double *got = all.output + i * EACH + j * SIZE;
                reference(x[2], t[j - 1], t[j], y);
                worst = fmax(worst, fmax(fabs(got[0] - y[0]), fabs(got[1] - y[1])));
            }
        }
        const ode_counters *b = &all.result.blocks[0];
        print_message("%s: worst error %.2e, accepted of a sample %lld to %lld\n", rtol[k], worst,
                      (long long)b->steps_min, (long long)b->steps_max);
        assert_true(worst <= (k == 0 ? 1e-4 : 1e-7));
        assert_true(b->steps_max > 3 * b->steps_min);
        mem_free(all.gradient);
        support_session_close(&s);
    }
}

/* ---- gradients ---- */

/* A file of its own; unlink and mem_free it. */
static char *make_file(const char *text)
{
    char *path = mem_strdup("/tmp/odeon_samples_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    return path;
}

/* Steps that were chosen sample by sample, written and made again: the same numbers, and a gradient
 * that is exact where steps do not move. */
static void check_replayed(const char *ini, const char *workers)
{
    const choice free_run = {.at = {"model.ode.rtol=1e-4", "model.ode.atol=1e-4"}};
    char *path = make_file("");
    support_session s = open_all(ini, &free_run, workers);
    answer first = differentiate(&s);
    support_require(session_write_steps(s.session, 0, path), "steps");
    support_session_close(&s);
    char *control = mem_printf("model.ode.control=replay(path=%s)", path);
    const choice listed = {.at = {control}};
    s = open_all(ini, &listed, workers);
    answer again = differentiate(&s);
    assert_int_equal(again.result.blocks[0].accepted, first.result.blocks[0].accepted);
    support_assert_close("outputs", SAMPLES * EACH, again.output, first.output, 1e-13);
    support_assert_close("gradients", first.n, again.gradient, first.gradient, 1e-12);
    double gap = support_gradient_gap(&s);
    print_message("distance to central differences of replayed steps %.2e\n", gap);
    assert_true(gap <= 1e-7);
    support_session_close(&s);
    mem_free(first.gradient);
    mem_free(again.gradient);
    mem_free(control);
    (void)unlink(path);
    mem_free(path);
}

static void test_gradients_are_exact_for_replayed_steps(void **state)
{
    (void)state;
    check_replayed(oscillators, "run.workers=1");
    check_replayed(products, "run.workers=3");
}

/* Both gradients tend to the same. */
static void test_adjoint_is_near_direct(void **state)
{
    (void)state;
    const choice direct = {.at = {"model.ode.rtol=1e-9", "model.ode.atol=1e-9"}};
    const choice adjoint = with(&direct, "model.ode.gradient=adjoint", NULL);
    support_session s = open_all(products, &direct, NULL);
    support_session t = open_all(products, &adjoint, "run.workers=2");
    answer a = differentiate(&s), b = differentiate(&t);
    double gap = fmax(support_distance(a.n, b.gradient, a.gradient),
                      support_distance(SAMPLES * EACH, b.d_x, a.d_x));
    print_message("adjoint against direct %.2e, drift %.1e\n", gap, b.result.blocks[0].drift);
    assert_true(gap <= 1e-6);
    assert_true(b.result.blocks[0].drift > 0.0 && b.result.blocks[0].drift < 1e-5);
    mem_free(a.gradient);
    mem_free(b.gradient);
    support_session_close(&s);
    support_session_close(&t);
}

/* ---- what is refused, and what fails ---- */

static void require_message(const char *text)
{
    if (strstr(diag_message(), text) == NULL) {
        fail_msg("'%s' does not say '%s'", diag_message(), text);
    }
    diag_clear();
}

/* Sample `bad` alone cannot be solved, and is named whoever has it. */
static void check_failure(const choice *c, int bad, int64_t at, double value, odeon_status status,
                          const char *what, const char *whose)
{
    static const char *const workers[] = {"run.workers=1", "run.workers=2", "run.workers=7"};
    for (int k = 0; k < 3; k++) {
        session_result result;
        support_session s = open_all(oscillators, c, workers[k]);
        if (at >= 0) {
            s.given[ODEON_ROLE_INPUT][bad * EACH + at] = value;
        } else {
            s.given[ODEON_ROLE_TIME][bad * TIMES + 2] = value;
        }
        diag_clear();
        assert_int_equal(support_differentiate_try(&s, &result), status);
        print_message("%s\n", k == 0 ? diag_message() : "the same");
        assert_non_null(strstr(diag_message(), what));
        require_message(whose);
        support_session_close(&s);
    }
}

static void test_failures_name_their_sample(void **state)
{
    (void)state;
    const choice none = {.at = {NULL}}, few = {.at = {"model.ode.max_steps=500"}},
                 coarse = {.at = {"model.ode.h_min=0.001", "model.ode.rtol=1e-9"}};
    check_failure(&none, 2, 0, (double)NAN, ODEON_ERR_NUMERIC, "not finite",
                  "sample: 2 of the batch");
    check_failure(&none, 3, 2, 1e300, ODEON_ERR_NUMERIC, "ode", "sample: 3 of the batch");
    check_failure(&few, 3, 2, 1000.0, ODEON_ERR_NUMERIC, "max_steps", "sample: 3 of the batch");
    check_failure(&coarse, 1, 2, 1000.0, ODEON_ERR_NUMERIC, "h_min", "sample: 1 of the batch");
    check_failure(&none, 3, -1, 0.0, ODEON_ERR_DATA, "must rise or fall throughout",
                  "the times of sample 3 of the batch");
}

static void test_a_list_of_fewer_samples_is_refused(void **state)
{
    (void)state;
    char *path = make_file("sample,t,h\n0,0,3\n1,0.25,3.6\n");
    char *control = mem_printf("model.ode.control=replay(path=%s)", path);
    const choice listed = {.at = {control}};
    session_result result;
    support_session s = open_all(oscillators, &listed, NULL);
    assert_int_equal(support_differentiate_try(&s, &result), ODEON_ERR_DATA);
    require_message("lists the steps of 2 samples, but there is a sample 2 in the batch (sample 2 "
                    "of the batch)");
    support_session_close(&s);
    assert_int_equal(support_session_try(oscillators, SAMPLES, listed.at, &s), ODEON_ERR_DATA);
    require_message("lists the steps of each sample, which are made again with step = sample");
    mem_free(control);
    (void)unlink(path);
    mem_free(path);
}

static void test_bodies_that_couple_samples_are_refused(void **state)
{
    (void)state;
    static const char coupled[] =
        "[run]\nname = test\nworkers = 1\n[data]\ndataset = drawn(shape=3 4 4, classes=3)\n"
        "[model.ode]\nlayer = ode(step=sample, steps=2)\nintegrator = rk4\ngradient = direct\n"
        "[model.ode.r]\nlayer = residual\n[model.ode.r.n]\nlayer = batchnorm\n"
        "[model.flat]\nlayer = flatten\nthen = dense(units=classes)\n"
        "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";
    static const char second[] =
        "[run]\nname = test\nworkers = 1\n[data]\ndataset = drawn(shape=3 4 4, classes=3)\n"
        "[model.ode]\nlayer = ode(step=sample, steps=2)\nintegrator = rk4\ngradient = direct\n"
        "[model.ode.f]\nlayer = tanh\n[model.ode.stiff]\nlayer = batchnorm\n"
        "[model.flat]\nlayer = flatten\nthen = dense(units=classes)\n"
        "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";
    support_session s;
    assert_int_equal(support_session_try(second, SAMPLES, (const char *[]){NULL}, &s),
                     ODEON_ERR_CONFIG);
    require_message("by itself, but layer ode.stiff (batchnorm) computes over the whole batch");
    assert_int_equal(support_session_try(coupled, SAMPLES, (const char *[]){NULL}, &s),
                     ODEON_ERR_CONFIG);
    print_message("%s\n", diag_message());
    require_message(
        "ode: step = sample solves each sample by itself, but layer ode.r.n (batchnorm) "
        "computes over the whole batch");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sample_is_solved_as_alone),
        cmocka_unit_test(test_adjoint_of_a_sample_is_solved_as_alone),
        cmocka_unit_test(test_an_end_alone_is_solved_in_place),
        cmocka_unit_test(test_values_follow_the_tolerance),
        cmocka_unit_test(test_gradients_are_exact_for_replayed_steps),
        cmocka_unit_test(test_adjoint_is_near_direct),
        cmocka_unit_test(test_failures_name_their_sample),
        cmocka_unit_test(test_a_list_of_fewer_samples_is_refused),
        cmocka_unit_test(test_bodies_that_couple_samples_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
