/* Layers that chance rules, within a session: dropout, random_crop, horizontal_flip. */
#include "support_session.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

enum { SAMPLES = 12 };

static const int64_t all[SAMPLES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

#define HEAD                                                                                       \
    "[run]\nname = test\ndtype = float64\ndevice = remote\nworkers = 1\n"                          \
    "[data]\ndataset = drawn(shape=1 6 5, classes=3, length=12)\n"
#define TAIL                                                                                       \
    "[model.flat]\nlayer = flatten\nthen = dense(units=classes)\n"                                 \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"

static support_session open_session(const char *ini)
{
    return support_session_open(ini, SAMPLES, NULL);
}

static double evaluated_loss(support_session *s)
{
    session_result result;
    data_source *source = support_batch_source(s);
    support_require(session_evaluate(s->session, source, SAMPLES, all, &result), "evaluate");
    data_close(source);
    return result.loss;
}

/* Of the batch at one step of one epoch, whose numbers are its own. */
static double trained_loss(support_session *s, int64_t epoch, int64_t step)
{
    session_result result;
    data_source *source = support_batch_source(s);
    support_require(session_train(s->session, source, SAMPLES, all, epoch, step, 1.0, &result),
                    "train");
    data_close(source);
    return result.loss;
}

static double first_loss(const char *ini, const char *const *overrides, int64_t epoch, int64_t step)
{
    support_session s = support_session_open(ini, SAMPLES, overrides);
    double loss = trained_loss(&s, epoch, step);
    support_session_close(&s);
    return loss;
}

static const char *const random_inis[] = {
    HEAD "[model.drop]\nlayer = dropout\n" TAIL,
    HEAD "[data.crop]\nlayer = random_crop(padding=2)\n" TAIL,
    HEAD "[data.crop]\nlayer = random_crop(size=4 3)\n" TAIL,
    HEAD "[data.flip]\nlayer = horizontal_flip\n" TAIL,
    HEAD "[data.both]\nlayer = random_crop(padding=1)\nthen = horizontal_flip\n" TAIL,
};
enum { N_RANDOM = sizeof random_inis / sizeof random_inis[0] };

static void test_random_layer_draws_the_same_for_any_number_of_workers(void **state)
{
    (void)state;
    static const char *const five[] = {"run.workers=5", NULL};
    for (size_t i = 0; i < N_RANDOM; i++) {
        double one = first_loss(random_inis[i], NULL, 3, 7);
        double many = first_loss(random_inis[i], five, 3, 7);
        assert_true(fabs(one - many) <= 1e-14 * one); /* order of a sum */
    }
}

static void test_random_layer_draws_anew_for_every_batch(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_RANDOM; i++) {
        double first = first_loss(random_inis[i], NULL, 1, 1);
        assert_true(first == first_loss(random_inis[i], NULL, 1, 1));
        assert_true(first != first_loss(random_inis[i], NULL, 1, 2));
        assert_true(first != first_loss(random_inis[i], NULL, 2, 1));
        assert_true(first !=
                    first_loss(random_inis[i], (const char *[]){"run.seed=2", NULL}, 1, 1));
    }
}

/* random_crop of a smaller size aside, evaluation sees the whole image. */
static void test_random_layer_rests_in_evaluation(void **state)
{
    (void)state;
    support_session plain = open_session(HEAD TAIL);
    double expected = evaluated_loss(&plain);
    for (size_t i = 0; i < N_RANDOM; i++) {
        if (strstr(random_inis[i], "size") == NULL) {
            support_session s = open_session(random_inis[i]);
            assert_true(evaluated_loss(&s) == expected);
            support_session_close(&s);
        }
    }
    support_session_close(&plain);
}

/* 6 x 5 and a border of 1 are 8 x 7; the 4 x 3 in their middle are rows 1 to 4, columns 1 to 3 of
 * the image. */
static void test_smaller_crop_is_the_middle_in_evaluation(void **state)
{
    (void)state;
    enum { OUTPUTS = SAMPLES * 3 };
    support_session cropped =
        open_session(HEAD "[data.crop]\nlayer = random_crop(size=4 3, padding=1)\n"
                          "[model.same]\nlayer = identity\n" TAIL);
    float stored[SAMPLES * 30];
    double by_crop[OUTPUTS], by_hand[OUTPUTS];
    data_source *source = support_batch_source(&cropped);
    support_require(data_batch(source, SAMPLES, all, (void *[DATA_ROLES]){stored, cropped.labels}),
                    "batch");
    data_close(source);
    for (size_t i = 0; i < SAMPLES * 12; i++) {
        size_t sample = i / 12, row = i / 3 % 4, column = i % 3;
        cropped.x[i] = (double)stored[sample * 30 + (row + 1) * 5 + column + 1];
    }
    session_samples samples = {.n = SAMPLES, .stored = stored};
    support_require(session_predict(cropped.session, &samples, by_crop, NULL), "predict");
    samples = (session_samples){.n = SAMPLES, .given = {cropped.x}};
    support_require(session_predict(cropped.session, &samples, by_hand, NULL), "predict");
    assert_memory_equal(by_crop, by_hand, sizeof by_crop);
    support_session_close(&cropped);
}

/* ---- dropout in a field ---- */

#define FIELD(ODE)                                                                                 \
    "[run]\nname = test\ndtype = float64\ndevice = remote\nworkers = 2\n"                          \
    "[data]\ndataset = drawn(shape=3, classes=3, length=12)\n[model.ode]\nlayer = ode(" ODE ")\n"  \
    "[model.ode.drop]\nlayer = dropout\n"                                                          \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"

/* y' = m y with m 0 or 2: two steps of Euler multiply by 1 or by 4, by 2 only if a mask changed. */
static void test_dropout_keeps_its_mask_during_a_solve(void **state)
{
    (void)state;
    double output[SAMPLES * 3];
    int kept = 0;
    support_session s = open_session(FIELD("integrator=euler, steps=2, gradient=direct"));
    (void)support_differentiate(&s, output, NULL);
    for (int i = 0; i < SAMPLES * 3; i++) {
        bool same = output[i] == s.x[i], grown = output[i] == 4.0 * s.x[i];
        assert_true(same || grown);
        kept += grown;
    }
    assert_in_range(kept, 1, SAMPLES * 3 - 1);
    support_session_close(&s);
}

static void test_dropout_in_a_field_has_the_derivative(void **state)
{
    (void)state;
    support_session s = open_session(FIELD("integrator=rk4, steps=2, gradient=direct"));
    assert_true(support_gradient_gap(&s) <= 1e-8); /* of central differences, as there */
    support_session_close(&s);
}

/* The adjoint solves backward through the same mask: both gradients are those of e^m y. */
static void test_dropout_keeps_its_mask_on_the_way_back(void **state)
{
    (void)state;
    enum { N = SAMPLES * 3 };
    double direct[N], adjoint[N];
    support_session s = open_session(FIELD("integrator=rk4, steps=40, gradient=direct"));
    (void)support_differentiate(&s, NULL, direct);
    support_session_close(&s);
    s = open_session(FIELD("integrator=rk4, steps=40, gradient=adjoint"));
    (void)support_differentiate(&s, NULL, adjoint);
    support_session_close(&s);
    support_assert_close("d_x", N, adjoint, direct, 1e-6); /* h^4 = 4e-7 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_layer_draws_the_same_for_any_number_of_workers),
        cmocka_unit_test(test_random_layer_draws_anew_for_every_batch),
        cmocka_unit_test(test_random_layer_rests_in_evaluation),
        cmocka_unit_test(test_smaller_crop_is_the_middle_in_evaluation),
        cmocka_unit_test(test_dropout_keeps_its_mask_during_a_solve),
        cmocka_unit_test(test_dropout_in_a_field_has_the_derivative),
        cmocka_unit_test(test_dropout_keeps_its_mask_on_the_way_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
