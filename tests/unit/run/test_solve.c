#include "run/solve.h"

#include <math.h>
#include <string.h>

#include "support_session.h"

#include "base/diag.h"
#include "base/mem.h"
#include "base/read_file.h"
#include "format/npy.h"
#include "run_fixture.h"

/* y' = 1 once the weights are 0 and the bias is 1: states are y0 + t. */
static const char ini[] = "[run]\nworkers = 1\ndtype = float64\n"
                          "[data]\ndataset = drawn(shape=2, classes=2, length=5)\n"
                          "[model.ode]\nlayer = ode(steps=4)\ntimes = 0 0.5 2\n"
                          "integrator = euler\ngradient = direct\n"
                          "[model.ode.f]\nlayer = dense(units=state)\n"
                          "[model.head]\nlayer = flatten\nthen = dense(units=classes)\n"
                          "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";

enum { N = 5, BATCH = 2, TIMES = 3, SIZE = 2 };

static const double zeros[SIZE * SIZE], ones[SIZE] = {1.0, 1.0};

static session *open_flow(support_session *s, const double *bias)
{
    session *flow = NULL;
    *s = support_session_open(ini, BATCH, NULL);
    support_require(session_create_flow(s->registry, s->config, &s->fields, BATCH, &flow), "flow");
    for (size_t i = 0; i < session_parameters(flow); i++) {
        bool is_bias = session_parameter_at(flow, i).count == SIZE;
        support_require(session_parameter_set(flow, i, is_bias ? bias : zeros), "set");
    }
    return flow;
}

static void assert_moves_by_time(const solution *x, const double *start)
{
    static const double times[TIMES] = {0.0, 0.5, 2.0};
    for (int64_t i = 0; i < x->n; i++) {
        assert_memory_equal(x->times + i * TIMES, times, sizeof times);
        for (int64_t k = 0; k < TIMES * SIZE; k++) {
            double due = start[i * SIZE + k % SIZE] + times[k / SIZE];
            assert_true(fabs(x->states[i * TIMES * SIZE + k] - due) <= 1e-14);
        }
    }
}

static void test_samples_of_a_file_are_solved_in_batches(void **state)
{
    (void)state;
    support_session s;
    session *flow = open_flow(&s, ones);
    double start[N * SIZE];
    for (int i = 0; i < N * SIZE; i++) {
        start[i] = support_random(5, (uint64_t)i);
    }
    predict_input in = {.n = N, .field = {[ODEON_ROLE_INPUT] = start}};
    solution x;
    support_require(solve_run(flow, &in, NULL, BATCH, &x), "solve");
    assert_true(x.n == N && x.n_times == TIMES && x.size == SIZE);
    assert_moves_by_time(&x, start);
    assert_string_equal(x.sum.path, "ode");
    assert_int_equal(x.sum.accepted, 3 * 2 * 4); /* three batches, two intervals, four steps */
    assert_int_equal(x.sum.rejected, 0);
    solution_fini(&x);
    assert_null(x.states);
    session_destroy(flow);
    support_session_close(&s);
}

static void test_samples_of_a_split_are_solved_in_its_order(void **state)
{
    (void)state;
    support_session s;
    session *flow = open_flow(&s, ones);
    data_source *source = NULL;
    static const int64_t indices[N] = {0, 1, 2, 3, 4};
    float stored[N * SIZE];
    int64_t labels[N];
    double start[N * SIZE];
    void *fields[DATA_ROLES] = {[ODEON_ROLE_INPUT] = stored, [ODEON_ROLE_LABEL] = labels};
    support_require(data_open(s.config, ODEON_SPLIT_TEST, &source), "data");
    support_require(data_batch(source, N, indices, fields), "read");
    for (int i = 0; i < N * SIZE; i++) {
        start[i] = (double)stored[i];
    }
    solution x;
    support_require(solve_run(flow, NULL, source, BATCH, &x), "solve");
    assert_moves_by_time(&x, start);
    solution_fini(&x);
    data_close(source);
    session_destroy(flow);
    support_session_close(&s);
}

static void test_without_samples_one_of_zeros_is_solved(void **state)
{
    (void)state;
    support_session s;
    session *flow = open_flow(&s, ones);
    solution x;
    support_require(solve_run(flow, NULL, NULL, BATCH, &x), "solve");
    assert_int_equal(x.n, 1);
    assert_moves_by_time(&x, zeros);
    solution_fini(&x);
    session_destroy(flow);
    support_session_close(&s);
}

static void test_a_state_that_is_not_finite_is_reported(void **state)
{
    (void)state;
    static const double bias[SIZE] = {1.0, (double)INFINITY};
    support_session s;
    session *flow = open_flow(&s, bias);
    solution x;
    diag_clear();
    assert_int_equal(solve_run(flow, NULL, NULL, BATCH, &x), ODEON_ERR_NUMERIC);
    assert_string_equal(diag_message(),
                        "solve: y0 of sample 0 is nan at t = 0.5: smaller steps may help");
    solution_fini(&x);
    session_destroy(flow);
    support_session_close(&s);
}

static void test_a_model_without_a_block_cannot_be_solved(void **state)
{
    (void)state;
    static const char plain[] = "[run]\nworkers = 1\n"
                                "[data]\ndataset = drawn(shape=2, classes=2)\n"
                                "[model.head]\nlayer = dense(units=classes)\n"
                                "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n";
    support_session s = support_session_open(plain, BATCH, NULL);
    solution x;
    diag_clear();
    assert_int_equal(solve_run(s.session, NULL, NULL, BATCH, &x), ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), "the model has no ODE block: there is nothing to solve");
    assert_null(x.states);
    solution_fini(&x);
    support_session_close(&s);
}

/* ---- files ---- */

static double file_times[4] = {0.0, 0.5, 0.0, 0.5};
static double file_states[4] = {1.0, 2.0, -1.0, 0.1};

static solution small(void)
{
    return (solution){.n = 2, .n_times = 2, .size = 1, .times = file_times, .states = file_states};
}

static void test_lines_have_sample_time_and_state(void **state)
{
    (void)state;
    solution x = small();
    support_require(solve_write("a.csv", ODEON_DTYPE_F64, &x), "write");
    run_fixture_assert_contents("a.csv", "sample,t,y0\n0,0,1\n0,0.5,2\n1,0,-1\n1,0.5,0.1\n");
    support_require(solve_write("anything", ODEON_DTYPE_F64, &x), "write");
    run_fixture_assert_contents("anything", "sample,t,y0\n0,0,1\n0,0.5,2\n1,0,-1\n1,0.5,0.1\n");
}

static void test_arrays_are_in_the_runs_dtype(void **state)
{
    (void)state;
    solution x = small();
    safetensors *file = NULL;
    double found[4];
    support_require(solve_write("a.safetensors", ODEON_DTYPE_F32, &x), "write");
    support_require(safetensors_read("a.safetensors", &file), "read");
    const safetensors_entry *y = safetensors_find(file, "y"), *t = safetensors_find(file, "t");
    assert_true(y->dtype == ODEON_DTYPE_F32 && y->ndim == 3 && y->dim[0] == 2 && y->dim[1] == 2);
    assert_int_equal(y->dim[2], 1);
    support_require(safetensors_as_f64(y, found), "f64");
    assert_true(found[2] == -1.0 && found[3] == (double)0.1f);
    assert_true(t->dtype == ODEON_DTYPE_F64 && t->ndim == 2);
    assert_memory_equal(t->data, file_times, sizeof file_times);
    safetensors_destroy(file);

    size_t bytes = 0;
    safetensors_entry array;
    support_require(solve_write("a.npy", ODEON_DTYPE_F64, &x), "write");
    char *data = NULL;
    support_require(read_file("a.npy", &data, &bytes), "read");
    support_require(npy_parse("a.npy", data, bytes, &array), "npy");
    assert_true(array.dtype == ODEON_DTYPE_F64 && array.ndim == 3 && array.dim[0] == 2);
    assert_memory_equal(array.data, file_states, sizeof file_states);
    mem_free(data);
}

static void test_what_cannot_be_written_is_reported(void **state)
{
    (void)state;
    solution x = small();
    static const char *const names[] = {"none/a.csv", "none/a.npy", "none/a.safetensors"};
    for (int i = 0; i < 3; i++) {
        diag_clear();
        assert_int_equal(solve_write(names[i], ODEON_DTYPE_F32, &x), ODEON_ERR_IO);
        assert_non_null(strstr(diag_message(), names[i]));
    }
    diag_clear();
    mem_fail_at(1);
    assert_int_equal(solve_write("a.npy", ODEON_DTYPE_F32, &x), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_string_equal(diag_message(), "solve: no memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_of_a_file_are_solved_in_batches),
        cmocka_unit_test(test_samples_of_a_split_are_solved_in_its_order),
        cmocka_unit_test(test_without_samples_one_of_zeros_is_solved),
        cmocka_unit_test(test_a_state_that_is_not_finite_is_reported),
        cmocka_unit_test(test_a_model_without_a_block_cannot_be_solved),
        WITH_FOLDER(test_lines_have_sample_time_and_state),
        WITH_FOLDER(test_arrays_are_in_the_runs_dtype),
        WITH_FOLDER(test_what_cannot_be_written_is_reported),
    };
    return cmocka_run_group_tests_name("solve", tests, NULL, NULL);
}
