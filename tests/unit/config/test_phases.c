/* Sections [train.NAME]: later parts of a run. */
#include "support_session.h"

#include <string.h>

#include "base/diag.h"

#define MODEL                                                                                      \
    "[run]\ndtype = float64\ndevice = reference\nworkers = 1\n"                                    \
    "[data]\ndataset = drawn(shape=3, classes=2, length=8)\n"                                      \
    "[model.head]\nlayer = dense(units=classes)\n"                                                 \
    "[train]\nloss = cross_entropy\noptimizer = adam(lr=0.1)\n"

static void test_phases_are_read_in_order(void **state)
{
    (void)state;
    support_session s =
        support_session_open(MODEL "[train.slow]\nafter = 3 epochs\noptimizer = sgd\nlr = 0.5\n"
                                   "schedule = cosine\n"
                                   "[train.last]\nafter = 40 steps\noptimizer = rmsprop(lr=2)\n",
                             4, NULL);
    const config *c = s.config;
    assert_int_equal(c->n_phases, 2);
    assert_string_equal(c->phases[0].name, "slow");
    assert_int_equal(c->phases[0].after.unit, CONFIG_EPOCHS);
    assert_int_equal(c->phases[0].after.every, 3);
    assert_string_equal(c->phases[0].optimizer->component->id, "sgd");
    assert_string_equal(c->phases[0].schedule->component->id, "cosine");
    assert_int_equal(c->phases[1].after.unit, CONFIG_STEPS);
    assert_null(c->phases[1].schedule);
    assert_non_null(strstr(c->effective, "[train.slow]\nafter = 3 epochs\noptimizer = sgd\n"));
    assert_non_null(strstr(c->effective, "[train.last]\nafter = 40 steps\noptimizer = rmsprop\n"));
    support_session_close(&s);
}

static void test_what_cannot_be_meant_is_refused(void **state)
{
    (void)state;
    static const char *const refused[][2] = {
        {MODEL "[train.a]\noptimizer = adam\n", "'after' must be given"},
        {MODEL "[train.a]\nafter = 3 steps\n", "'optimizer' must be given"},
        {MODEL "[train.a]\nafter = 3 weeks\noptimizer = adam\n",
         "after = 3 weeks: give a number of epochs or steps"},
        {MODEL "[train.a]\nafter = 3 steps\noptimizer = adam\nloss = mse\n",
         "'loss' is no key of the section"},
        {MODEL "[train.a.b]\nafter = 3 steps\noptimizer = adam\n",
         "sections [train.NAME] stand in a row and do not nest"},
        {MODEL "[train.a]\nafter = 9 steps\noptimizer = adam\n"
               "[train.b]\nafter = 9 steps\noptimizer = adam\n",
         "[train.b] begins no later than [train.a]"},
        {MODEL "[trian.a]\nafter = 9 steps\noptimizer = adam\n", "did you mean 'train.a'?"}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        support_session s;
        odeon_status status = support_session_try(refused[i][0], 4, NULL, &s);
        if (status != ODEON_ERR_CONFIG || strstr(diag_message(), refused[i][1]) == NULL) {
            fail_msg("expected '%s', got %d '%s'", refused[i][1], (int)status, diag_message());
        }
    }
}

/* A model without [train] whose author has forgotten the loss is not one to be solved alone. */
static void test_a_phase_needs_a_train_section(void **state)
{
    (void)state;
    support_session s;
    odeon_status status = support_session_try(
        "[model.head]\nlayer = dense(units=2)\n[train.a]\nafter = 2 steps\noptimizer = adam\n", 4,
        NULL, &s);
    assert_int_equal(status, ODEON_ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phases_are_read_in_order),
        cmocka_unit_test(test_what_cannot_be_meant_is_refused),
        cmocka_unit_test(test_a_phase_needs_a_train_section),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
