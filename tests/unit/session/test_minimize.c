/* Optimizers that search, and phases, in a session: the loss falls, all workers agree, and what has
 * no meaning is refused. */
#include "small_session.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "session/phase.h"

enum { N = 8 };
static const int64_t all[N] = {0, 1, 2, 3, 4, 5, 6, 7};
static const char lbfgs[] = "train.optimizer=lbfgs(iterations=3)";

/* The loss that step began with. */
static double train(support_session *s, int64_t step)
{
    session_result result;
    data_source *source = support_batch_source(s);
    support_require(session_train(s->session, source, N, all, 1, step, 1.0, &result), "train");
    data_close(source);
    return result.loss;
}

static double *after_steps(const char *ini, const char *const *overrides, int64_t steps, int64_t *n)
{
    support_session s = support_session_open(ini, N, overrides);
    double before = (double)INFINITY;
    for (int64_t step = 1; step <= steps; step++) {
        double loss = train(&s, step);
        assert_true(loss < before);
        before = loss;
    }
    double *values = support_parameters(&s, n);
    support_session_close(&s);
    return values;
}

static void assert_same(const char *const *a, const char *const *b, double tolerance)
{
    int64_t n, m;
    double *x = after_steps(SMALL_CLASSES, a, 5, &n), *y = after_steps(SMALL_CLASSES, b, 5, &m);
    assert_int_equal(n, m);
    support_assert_close("parameters", n, x, y, tolerance);
    mem_free(x);
    mem_free(y);
}

static void test_workers_search_as_one(void **state)
{
    (void)state;
    const char *one[] = {lbfgs, "run.workers=1", NULL}, *three[] = {lbfgs, "run.workers=3", NULL};
    assert_same(one, three, 1e-9);
    assert_same(three, three, 0.0);
}

static void test_parts_of_a_step_are_one_loss(void **state)
{
    (void)state;
    const char *whole[] = {lbfgs, NULL},
               *parts[] = {lbfgs, "data.batch=3", "train.accumulate=3", NULL};
    assert_same(whole, parts, 1e-9);
}

static void test_frozen_parameters_stay(void **state)
{
    (void)state;
    const char *overrides[] = {lbfgs, "model.a.freeze=yes", NULL};
    support_session s = support_session_open(SMALL_CLASSES, N, overrides);
    int64_t n;
    double *before = support_parameters(&s, &n);
    (void)train(&s, 1);
    double *after = support_parameters(&s, &n);
    assert_memory_equal(after, before, 12 * sizeof *after); /* those of a: 9 and 3 */
    assert_true(after[12] != before[12]);
    mem_free(before);
    mem_free(after);
    support_session_close(&s);
}

#define PHASES SMALL_CLASSES "ema = 0.5\n[train.b]\nafter = 2 steps\noptimizer = lbfgs\n"

/* The second optimizer begins as if there had been no first one. */
static void test_a_phase_begins_with_moments_of_its_own(void **state)
{
    (void)state;
    support_session s = support_session_open(PHASES, N, NULL);
    assert_int_equal(session_phase(s.session), 0);
    assert_true(session_learning_rate(s.session) == 0.1);
    assert_null(session_wants_whole(s.session, 0));
    assert_string_equal(session_wants_whole(s.session, 1), "lbfgs");
    (void)train(&s, 1);
    (void)train(&s, 2);
    support_require(session_enter_phase(s.session, 1, 2), "phase");
    assert_int_equal(session_phase(s.session), 1);
    assert_true(session_learning_rate(s.session) == 1.0);
    double first = train(&s, 3), second = train(&s, 4);
    assert_true(second < first);
    support_require(session_enter_phase(s.session, 0, 0), "phase");
    assert_true(session_learning_rate(s.session) == 0.1);
    assert_true(train(&s, 5) < second);
    support_session_close(&s);
}

static void test_what_has_no_meaning_is_refused(void **state)
{
    (void)state;
    static const char *const refused[][2] = {
        {"train.clip_norm=1", "train.clip_norm: lbfgs searches by loss and gradient"},
        {"model.a.lr_factor=2", "lr_factor = 2 of a.weight: lbfgs moves all parameters"}};
    for (int i = 0; i < 2; i++) {
        support_session s;
        const char *overrides[] = {lbfgs, refused[i][0], NULL};
        odeon_status status = support_session_try(SMALL_CLASSES, N, overrides, &s);
        if (status != ODEON_ERR_CONFIG || strstr(diag_message(), refused[i][1]) == NULL) {
            fail_msg("expected '%s', got %d '%s'", refused[i][1], (int)status, diag_message());
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_search_as_one),
        cmocka_unit_test(test_parts_of_a_step_are_one_loss),
        cmocka_unit_test(test_frozen_parameters_stay),
        cmocka_unit_test(test_a_phase_begins_with_moments_of_its_own),
        cmocka_unit_test(test_what_has_no_meaning_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
