#include "session/parameters.h"

#include <string.h>

#include "small_session.h"

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/layer.h"

enum { N = 4, MOST = 16 };

static size_t find(const session *s, const char *path)
{
    for (size_t i = 0; i < session_parameters(s); i++) {
        if (strcmp(session_parameter_at(s, i).path, path) == 0) {
            return i;
        }
    }
    fail_msg("%s: no such parameter", path);
    return 0;
}

static void test_parameters_have_path_shape_and_role(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_STATE, N, NULL);
    assert_int_equal(session_parameters(s.session), 8);
    session_parameter p = session_parameter_at(s.session, find(s.session, "head.weight"));
    assert_true(p.ndim == 2 && p.dim[0] * p.dim[1] == 6 && p.count == 6);
    assert_int_equal(p.role, ODEON_PARAM_WEIGHT);
    p = session_parameter_at(s.session, find(s.session, "head.bias"));
    assert_true(p.ndim == 1 && p.dim[0] == 2 && p.count == 2);
    assert_int_equal(p.role, ODEON_PARAM_BIAS);
    size_t states = 0;
    for (size_t i = 0; i < session_parameters(s.session); i++) {
        states += session_parameter_at(s.session, i).role == ODEON_PARAM_STATE;
    }
    assert_int_equal(states, 2);
    support_session_close(&s);
}

static void round_trip(const char *dtype, bool exact)
{
    const char *overrides[] = {dtype, NULL};
    support_session s = support_session_open(SMALL_STATE, N, overrides);
    for (size_t i = 0; i < session_parameters(s.session); i++) {
        int64_t count = session_parameter_at(s.session, i).count;
        double given[MOST], found[MOST];
        assert_in_range(count, 1, MOST);
        for (int64_t k = 0; k < count; k++) {
            given[k] = (double)(k + 1) + 0x1p-40; /* which a float does not hold */
        }
        support_require(session_parameter_set(s.session, i, given), "set");
        support_require(session_parameter_get(s.session, i, found), "get");
        for (int64_t k = 0; k < count; k++) {
            assert_true(found[k] == (exact ? given[k] : (double)(float)given[k]));
        }
    }
    support_session_close(&s);
}

static void test_what_is_set_can_be_read_in_the_runs_dtype(void **state)
{
    (void)state;
    round_trip("run.dtype=float64", true);
    round_trip("run.dtype=float32", false);
}

/* Running state is every worker's own: all of them get it. */
static void test_running_state_is_set_on_all_workers(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_STATE, N, NULL);
    static const double numbers[MOST] = {3.0, 4.0, 5.0};
    for (size_t i = 0; i < session_parameters(s.session); i++) {
        const param *p = &s.session->model.params.list[i];
        if (p->role == ODEON_PARAM_STATE) {
            support_require(session_parameter_set(s.session, i, numbers), "set");
            const worker *w = &s.session->workers[1];
            double found[MOST];
            support_require(s.session->model.device->ops->download(
                                w->site.lane.queue, found,
                                w->states.data + p->offset * (int64_t)sizeof(double),
                                (uint64_t)p->count * sizeof(double)),
                            "download");
            assert_memory_equal(found, numbers, (size_t)p->count * sizeof(double));
        }
    }
    support_session_close(&s);
}

static void test_running_state_has_no_gradient(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_STATE, N, NULL);
    double out[MOST];
    for (size_t i = 0; i < session_parameters(s.session); i++) {
        session_parameter p = session_parameter_at(s.session, i);
        diag_clear();
        odeon_status status = session_gradient_get(s.session, i, out);
        assert_int_equal(status, p.role == ODEON_PARAM_STATE ? ODEON_ERR_INTERNAL : ODEON_OK);
        if (status != ODEON_OK) {
            assert_memory_equal(diag_message(), p.path, strlen(p.path));
            assert_non_null(strstr(diag_message(), ": running state has no gradient"));
        }
    }
    support_session_close(&s);
}

static void test_without_memory_nothing_is_read_or_set(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    double before[MOST], after[MOST];
    static const double zeros[MOST];
    int64_t blocks = mem_live_blocks();
    support_require(session_parameter_get(s.session, 0, before), "get");
    for (int n = 1; n <= 2; n++) {
        diag_clear();
        mem_fail_at(n);
        assert_int_equal(session_parameter_set(s.session, 0, zeros), ODEON_ERR_NOMEM);
        mem_fail_at(0);
        assert_string_equal(diag_message(), "a.weight: no memory");
    }
    diag_clear();
    mem_fail_at(1);
    assert_int_equal(session_parameter_get(s.session, 0, after), ODEON_ERR_NOMEM);
    mem_fail_at(0);
    assert_string_equal(diag_message(), "a.weight: no memory");
    support_require(session_parameter_get(s.session, 0, after), "get");
    assert_memory_equal(before, after, 9 * sizeof *after);
    assert_int_equal(mem_live_blocks(), blocks);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_have_path_shape_and_role),
        cmocka_unit_test(test_what_is_set_can_be_read_in_the_runs_dtype),
        cmocka_unit_test(test_running_state_is_set_on_all_workers),
        cmocka_unit_test(test_running_state_has_no_gradient),
        cmocka_unit_test(test_without_memory_nothing_is_read_or_set),
    };
    return cmocka_run_group_tests_name("parameters", tests, NULL, NULL);
}
