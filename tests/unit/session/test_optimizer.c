#include <math.h>
#include <string.h>

#include "support_session.h"

#include "base/diag.h"
#include "base/mem.h"
#include "session/average.h"
#include "session/jobs.h"
#include "session/members.h"
#include "session/optimizer.h"

/* Of parameters of 6, 3, 6 and 2 elements. */
static const char ini[] = "[run]\nworkers = 1\ndtype = float64\n"
                          "[data]\ndataset = idx(path=data, shape=1 1 2, classes=2)\n"
                          "[model.flat]\nlayer = flatten\n"
                          "[model.a]\nlayer = dense(units=3)\nthen = tanh, dense(units=classes)\n"
                          "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.5)\n";

enum { N = 3 };

static void clip_job(void *context, int32_t rank)
{
    session *s = context;
    worker *w = &s->workers[rank];
    w->status = optimizer_clip(w, 4.0);
}

/* Whose norm is said to be 4; in the second case there is no limit. */
static void test_a_gradient_is_scaled_to_the_limit(void **state)
{
    (void)state;
    static const char *const limits[] = {"train.clip_norm=1", "run.seed=1", "train.clip_norm=4"};
    static const double factors[] = {0.25, 1.0, 1.0};
    for (int i = 0; i < 3; i++) {
        const char *overrides[] = {limits[i], NULL};
        support_session s = support_session_open(ini, N, overrides);
        int64_t n;
        (void)support_differentiate(&s, NULL, NULL);
        double *before = support_gradients(&s, &n);
        support_require(session_run_job(s.session, clip_job, s.session), "clip");
        double *after = support_gradients(&s, &n);
        for (int64_t k = 0; k < n; k++) {
            assert_true(after[k] == factors[i] * before[k]); /* a power of two rounds nothing */
        }
        mem_free(before);
        mem_free(after);
        support_session_close(&s);
    }
}

static void update_job(void *context, int32_t rank)
{
    session *s = context;
    worker *w = &s->workers[rank];
    batch b = {.mode = BATCH_TRAIN, .step = 1, .lr_factor = 0.5};
    w->status = optimizer_update(w, &b);
}

/* Each by one worker, whichever that is: values - 0.5 * 0.5 * gradient. */
static void test_every_parameter_is_updated_once(void **state)
{
    (void)state;
    static const char *const workers[] = {"run.workers=1", "run.workers=2", "run.workers=3",
                                          "run.workers=16"};
    for (int i = 0; i < 4; i++) {
        const char *overrides[] = {workers[i], NULL};
        support_session s = support_session_open(ini, N, overrides);
        int64_t n;
        (void)support_differentiate(&s, NULL, NULL);
        double *before = support_parameters(&s, &n), *gradient = support_gradients(&s, &n);
        support_require(session_run_job(s.session, update_job, s.session), "update");
        double *after = support_parameters(&s, &n);
        for (int64_t k = 0; k < n; k++) {
            assert_true(fabs(after[k] - (before[k] - 0.25 * gradient[k])) <= 1e-15);
            assert_true(after[k] != before[k] || gradient[k] == 0.0);
        }
        mem_free(before);
        mem_free(gradient);
        mem_free(after);
        support_session_close(&s);
    }
}

static void test_the_learning_rate_and_moments_are_the_plugins(void **state)
{
    (void)state;
    const char *overrides[] = {"train.optimizer=adam(lr=0.125)", NULL};
    support_session s = support_session_open(ini, N, overrides);
    const worker *w = &s.session->workers[0];
    assert_true(optimizer_learning_rate(w) == 0.125);
    assert_int_equal(w->model->n_moments, 2);
    assert_true(strcmp(optimizer_moment_name(w, 0), optimizer_moment_name(w, 1)) != 0);
    support_session_close(&s);
}

/* ---- rates of sections and the mean of the weights ---- */

/* Adam with rate 0.05 by PyTorch 2.15 in float64: gradients, weights before and after each step,
 * and their mean e = 0.9 e + 0.1 p, which begins with start. */
enum { STEPS = 12 };
static const double gradients[STEPS][4] = {
    {2.028821954773584, -1.879739076469237, -0.78106323454086424, 1.4670324264599266},
    {-0.19335659735651928, 1.2533181751120894, -0.074643788524241014, -1.1995312070075199},
    {-1.3082500807139392, 1.5704592017658301, 0.36768738229422154, -0.19315505145008863},
    {-1.575416298024549, 1.6219937789665833, -1.2029680641045497, -0.1167796152730303},
    {0.16939432977639077, 0.044858394841789606, -0.87257452560930515, -0.37601512250566482},
    {-0.69014947587645081, -0.3454961674774315, 0.77808431042937676, 0.21898867733783173},
    {-0.90031884082588653, 1.8062602783738426, 0.89399544620282823, 0.44327683467990103},
    {-1.1745776900584275, 0.99267330686947142, 1.4584358918565827, 1.6230551950805185},
    {-0.12996371743447538, 0.31882710849745305, -0.067057718008699863, 0.83598055095621238},
    {-0.57307494616223031, -0.43178774591591496, -0.91468770685534084, 0.41256051803546007},
    {-1.3552296221683813, 1.1410443715516441, -0.042123338444627838, 2.2414963323588863},
    {0.63857597910702313, -0.85624064147985757, -1.0045594823726522, 1.3060929629445912}};
static const double start[4] = {-0.43104813943188064, 1.2251677498684312, -0.24122346215242654,
                                -1.1607830287036824};
static const double adam[STEPS][4] = {
    {-0.48104813918543221, 1.275167749602437, -0.19122346279257957, -1.2107830283628584},
    {-0.51086802838084344, 1.2823908781401581, -0.1543312829268953, -1.2131555017586102},
    {-0.51299392929499898, 1.2687330323674839, -0.14207756874366767, -1.2117385192829071},
    {-0.49859540478818809, 1.2443305350209579, -0.11262858343073774, -1.2087996752754424},
    {-0.4880448481157148, 1.2233233789454239, -0.077338221572256505, -1.2010810708338722},
    {-0.47313430593647171, 1.2081355324755838, -0.060400301665935477, -1.1973976750975781},
    {-0.45332504250714689, 1.1841510060665028, -0.057883489037284408, -1.1998673535198854},
    {-0.42821317616010202, 1.1572782009953733, -0.070271255604652277, -1.2171740045278958},
    {-0.40497993640451269, 1.1314661763028264, -0.08062044712637699, -1.2393328624268132},
    {-0.38042162442815441, 1.111296764234192, -0.081114227744346429, -1.2625338476118264},
    {-0.35099646859419786, 1.0871049555224273, -0.081180823503490152, -1.2938951960155092},
    {-0.32911881381393499, 1.070866422010206, -0.072843773478808577, -1.3286880876571849}};
static const double ema[STEPS][4] = {
    {-0.4360481394072358, 1.230167749841832, -0.23622346221644186, -1.1657830286696},
    {-0.44353012830459659, 1.2353900626716647, -0.2280342442874872, -1.1705202759785009},
    {-0.45047650840363684, 1.2387243596412467, -0.21943857673310524, -1.1746421003089416},
    {-0.45528839804209198, 1.239284977179218, -0.20875757740286849, -1.1780578578055918},
    {-0.45856404304945431, 1.2376888173558387, -0.19561564181980728, -1.1803601791084197},
    {-0.46002106933815606, 1.2347334888678132, -0.18209410780442012, -1.1820639287073356},
    {-0.45935146665505511, 1.2296752405876823, -0.16967304592770657, -1.1838442711885906},
    {-0.4562376376055598, 1.2224355366284514, -0.15973286689540114, -1.1871772445225213},
    {-0.45111186748545506, 1.213338600595889, -0.15182162491849871, -1.1923928063129505},
    {-0.44404284317972503, 1.2031344169597196, -0.14475088520108348, -1.1994069104428382},
    {-0.43473820572117233, 1.1915314708159903, -0.13839387903132416, -1.2088557390001053},
    {-0.4241762665304486, 1.1794649659354119, -0.13183886847607262, -1.2208389738658134}};

typedef struct given_step {
    session *session;
    int64_t step;
} given_step;

/* The gradient stands in the first elements of the flat vector, whose first parameter has six. */
static void given_job(void *context, int32_t rank)
{
    const given_step *given = context;
    worker *w = &given->session->workers[rank];
    batch b = {.mode = BATCH_TRAIN, .step = given->step, .lr_factor = 1.0};
    memcpy(w->grads.data, gradients[given->step - 1], sizeof gradients[0]);
    w->status = optimizer_freeze(w);
    w->status = w->status == ODEON_OK ? optimizer_update(w, &b) : w->status;
}

static void assert_near(const char *data, const double *expected)
{
    double found[4];
    memcpy(found, data, sizeof found);
    for (int k = 0; k < 4; k++) {
        assert_true(fabs(found[k] - expected[k]) <= 1e-12);
    }
}

/* Half of twice the rate, too; and the mean is where the weights are once they are exchanged. */
static void test_adam_and_the_mean_are_those_of_pytorch(void **state)
{
    (void)state;
    static const char *const rates[] = {"train.optimizer=adam(lr=0.05)",
                                        "train.optimizer=adam(lr=0.1)"};
    for (int i = 0; i < 2; i++) {
        const char *overrides[] = {rates[i], "train.ema=0.9",
                                   i == 0 ? "run.seed=1" : "model.a.lr_factor=0.5", NULL};
        support_session s = support_session_open(ini, N, overrides);
        char *values = s.session->model.values.data;
        memcpy(values, start, sizeof start);
        support_require(session_begin_average(s.session), "begin");
        for (int64_t step = 1; step <= STEPS; step++) {
            given_step given = {s.session, step};
            support_require(session_run_job(s.session, given_job, &given), "update");
            assert_near(values, adam[step - 1]);
            assert_near(s.session->model.moments[2].data, ema[step - 1]);
        }
        assert_string_equal(optimizer_moment_name(&s.session->workers[0], 2), "ema");
        support_require(session_swap_average(s.session), "swap");
        assert_near(values, ema[STEPS - 1]);
        support_require(session_swap_average(s.session), "swap");
        assert_near(values, adam[STEPS - 1]);
        support_session_close(&s);
    }
}

/* Neither the weights nor their mean move, and the gradient counts for nothing. */
static void test_a_frozen_section_stays(void **state)
{
    (void)state;
    static const char two[] = "[run]\nworkers = 1\ndtype = float64\n"
                              "[data]\ndataset = idx(path=data, shape=1 1 2, classes=2)\n"
                              "[model.flat]\nlayer = flatten\n"
                              "[model.a]\nlayer = dense(units=3)\nfreeze = yes\n"
                              "[model.b]\nlayer = dense(units=classes)\n"
                              "[train]\nloss = cross_entropy\noptimizer = sgd(lr=1)\nema = 0.5\n";
    support_session s = support_session_open(two, N, NULL);
    const model *m = &s.session->model;
    given_step given = {s.session, 1};
    memcpy(m->values.data, start, sizeof start);
    support_require(session_begin_average(s.session), "begin");
    support_require(session_run_job(s.session, given_job, &given), "update");
    assert_memory_equal(m->values.data, start, sizeof start);
    assert_memory_equal(m->moments[m->n_own].data, start, sizeof start);
    static const double none[4] = {0.0};
    assert_memory_equal(s.session->workers[0].grads.data, none, sizeof none);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_gradient_is_scaled_to_the_limit),
        cmocka_unit_test(test_every_parameter_is_updated_once),
        cmocka_unit_test(test_adam_and_the_mean_are_those_of_pytorch),
        cmocka_unit_test(test_a_frozen_section_stays),
        cmocka_unit_test(test_the_learning_rate_and_moments_are_the_plugins),
    };
    return cmocka_run_group_tests_name("optimizer", tests, NULL, NULL);
}
