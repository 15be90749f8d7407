#include "session/start.h"

#include <string.h>

#include "small_session.h"

#include "base/diag.h"
#include "base/mem.h"
#include "folder.h"

enum { N = 4, MOST = 16 };

static void test_the_initial_numbers_are_those_of_the_seed(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    const param *p = &s.session->model.params.list[0];
    double expected[MOST], whole[MOST], part[2];
    params_initial(p, s.config->seed, 0, p->count, expected);
    support_require(start_numbers(s.session, p, 0, p->count, whole), "numbers");
    support_require(start_numbers(s.session, p, 3, 2, part), "numbers");
    assert_memory_equal(whole, expected, (size_t)p->count * sizeof *whole);
    assert_memory_equal(part, expected + 3, sizeof part);
    support_session_close(&s);
}

/* The session may have become anything since; moments are 0 whatever they are now. */
static void test_what_was_trained_since_does_not_show(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    const double ones[MOST] = {1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0};
    double expected[MOST], found[MOST];
    const param *p = &s.session->model.params.list[0];
    params_initial(p, s.config->seed, 0, p->count, expected);
    support_require(session_parameter_set(s.session, 0, ones), "set");
    session_tensors x;
    support_require(session_start_list(s.session, &x), "list");
    assert_null(x.weights);
    size_t bytes = (size_t)p->count * sizeof(double);
    support_require(session_start_read(&x, 0, 0, bytes, found), "read");
    assert_memory_equal(found, expected, bytes);
    support_require(session_start_read(&x, 0, 2 * sizeof(double), sizeof(double), found), "read");
    assert_memory_equal(found, expected + 2, sizeof(double));
    assert_int_equal(x.sources[1].moment, 0);
    memset(found, 1, sizeof found);
    support_require(session_start_read(&x, 1, 0, bytes, found), "read");
    for (int64_t i = 0; i < p->count; i++) {
        assert_true(found[i] == 0.0);
    }
    session_tensors_fini(&x);
    support_session_close(&s);
}

/* Of more numbers than the array on the stack has, in a run of float32. */
static void test_long_tensors_are_read_in_pieces(void **state)
{
    (void)state;
    enum { LONG = 3 * 1000 };
    const char *overrides[] = {"run.dtype=float32", "model.a.units=1000", NULL};
    support_session s = support_session_open(SMALL_CLASSES, N, overrides);
    const param *p = &s.session->model.params.list[0];
    assert_int_equal(p->count, LONG);
    static double expected[LONG];
    static float found[LONG];
    params_initial(p, s.config->seed, 0, LONG, expected);
    session_tensors x;
    support_require(session_start_list(s.session, &x), "list");
    support_require(session_start_read(&x, 0, 0, sizeof found, found), "read");
    for (int i = 0; i < LONG; i++) {
        assert_true(found[i] == (float)expected[i]);
    }
    session_tensors_fini(&x);
    support_session_close(&s);
}

static void test_a_run_that_began_with_weights_has_those(void **state)
{
    (void)state;
    folder f = folder_create();
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    double given[MOST] = {1.0, -2.0, 3.0}, found[MOST];
    support_require(session_parameter_set(s.session, 0, given), "set");
    support_require(session_save(s.session, folder_file(&f, "w.safetensors")), "save");
    s.config->weights = mem_strdup(folder_file(&f, "w.safetensors"));
    session_tensors x;
    support_require(session_start_list(s.session, &x), "list");
    assert_non_null(x.weights);
    support_require(session_start_read(&x, 0, 0, 9 * sizeof(double), found), "read");
    assert_memory_equal(found, given, 9 * sizeof(double));
    session_tensors_fini(&x);
    folder_discard(&f, "w.safetensors");
    diag_clear();
    assert_int_equal(session_start_list(s.session, &x), ODEON_ERR_IO);
    assert_non_null(strstr(diag_message(), "w.safetensors"));
    session_tensors_fini(&x);
    support_session_close(&s);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_initial_numbers_are_those_of_the_seed),
        cmocka_unit_test(test_what_was_trained_since_does_not_show),
        cmocka_unit_test(test_long_tensors_are_read_in_pieces),
        cmocka_unit_test(test_a_run_that_began_with_weights_has_those),
    };
    return cmocka_run_group_tests_name("start", tests, NULL, NULL);
}
