#include "session/flow.h"

#include <string.h>

#include "small_session.h"

#include "base/diag.h"

enum { N = 3, TIMES = 3, SIZE = 2 };

/* A rule dy/dt = 1 by hand: with the weights of the field zero and its bias one, y(t) = y0 + t. */
static const char field[] = "[run]\nworkers = 2\ndtype = float64\n"
                            "[data]\ndataset = drawn(shape=2, classes=2)\n"
                            "[model.ode]\nlayer = ode(steps=4)\n"
                            "integrator = euler\ngradient = direct\n"
                            "[model.ode.f]\nlayer = dense(units=state)\n"
                            "[model.head]\nlayer = flatten\nthen = dense(units=classes)\n"
                            "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

static session *flow_of(support_session *s)
{
    session *flow = NULL;
    support_require(session_create_flow(s->registry, s->config, &s->fields, N, &flow), "flow");
    return flow;
}

static odeon_status solve(support_session *s, session *flow, double *output, double *times)
{
    session_result result;
    session_samples samples = {.n = N};
    samples.given[ODEON_ROLE_INPUT] = s->x;
    static const double zeros[SIZE * SIZE], ones[SIZE] = {1.0, 1.0};
    for (size_t i = 0; i < session_parameters(flow); i++) {
        bool bias = session_parameter_at(flow, i).count == SIZE;
        support_require(session_parameter_set(flow, i, bias ? ones : zeros), "set");
    }
    odeon_status status = session_solve(flow, &samples, output, times, &result);
    if (status == ODEON_OK) {
        assert_int_equal(result.n_blocks, 1);
        assert_true(result.blocks[0].accepted > 0);
    }
    return status;
}

static void test_all_times_come_out_with_their_states(void **state)
{
    (void)state;
    const char *overrides[] = {"model.ode.times=0 0.5 2", NULL};
    support_session s = support_session_open(field, N, overrides);
    session *flow = flow_of(&s);
    session_flow shape;
    double output[N * TIMES * SIZE], times[N * TIMES];
    static const double expected[TIMES] = {0.0, 0.5, 2.0};
    support_require(session_flow_of(flow, &shape), "flow");
    assert_int_equal(shape.n_times, TIMES);
    assert_int_equal(shape.size, SIZE);
    support_require(solve(&s, flow, output, times), "solve");
    for (int i = 0; i < N; i++) {
        assert_memory_equal(times + i * TIMES, expected, sizeof expected);
    }
    double due[N * TIMES * SIZE];
    for (int i = 0; i < N * TIMES * SIZE; i++) {
        due[i] = s.x[i / (TIMES * SIZE) * SIZE + i % SIZE] + expected[i / SIZE % TIMES];
    }
    support_assert_close("states", N * TIMES * SIZE, output, due, 1e-15); /* eight sums */
    session_destroy(flow);
    support_session_close(&s);
}

static void test_an_output_of_the_end_has_the_last_time(void **state)
{
    (void)state;
    const char *overrides[] = {"model.ode.span=0 2", NULL};
    support_session s = support_session_open(field, N, overrides);
    session *flow = flow_of(&s);
    session_flow shape;
    double output[N * SIZE], time[N] = {-1.0};
    support_require(session_flow_of(flow, &shape), "flow");
    assert_int_equal(shape.n_times, 1);
    assert_int_equal(shape.size, SIZE);
    support_require(solve(&s, flow, output, time), "solve");
    assert_true(time[0] == 2.0 && time[1] == 2.0 && time[2] == 2.0);
    double due[N * SIZE];
    for (int i = 0; i < N * SIZE; i++) {
        due[i] = s.x[i] + 2.0;
    }
    support_assert_close("end", N * SIZE, output, due, 1e-15);
    session_destroy(flow);
    support_session_close(&s);
}

static void test_a_model_without_a_block_is_refused(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    session_flow shape = {.n_times = 7, .size = 7};
    double nothing[1];
    session_samples samples = {.n = N};
    session_result result;
    diag_clear();
    assert_int_equal(session_flow_of(s.session, &shape), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), "the model has no ODE block: there is nothing to solve");
    assert_true(shape.n_times == 0 && shape.size == 0);
    assert_int_equal(session_solve(s.session, &samples, nothing, nothing, &result),
                     ODEON_ERR_CONFIG);
    support_session_close(&s);
}

static void test_a_block_within_another_layer_is_refused(void **state)
{
    (void)state;
    static const char nested[] = "[run]\nworkers = 1\n"
                                 "[data]\ndataset = drawn(shape=2, classes=2)\n"
                                 "[model.r]\nlayer = residual\n"
                                 "[model.r.ode]\nlayer = ode(steps=4)\nintegrator = euler\n"
                                 "gradient = direct\n"
                                 "[model.r.ode.f]\nlayer = dense(units=state)\n"
                                 "[model.head]\nlayer = dense(units=classes)\n"
                                 "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";
    support_session s = support_session_open(nested, N, NULL);
    session *flow = flow_of(&s);
    session_flow shape;
    diag_clear();
    assert_int_equal(session_flow_of(flow, &shape), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(),
                        "r.ode: the first ODE block stands within another layer; only one in the "
                        "model's own row can be solved alone");
    session_destroy(flow);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_times_come_out_with_their_states),
        cmocka_unit_test(test_an_output_of_the_end_has_the_last_time),
        cmocka_unit_test(test_a_model_without_a_block_is_refused),
        cmocka_unit_test(test_a_block_within_another_layer_is_refused),
    };
    return cmocka_run_group_tests_name("flow", tests, NULL, NULL);
}
