#include "session/jobs.h"

#include <pthread.h>
#include <stdatomic.h>

#include "small_session.h"

#include "base/diag.h"

enum { N = 4, WORKERS = 3 };

static support_session open_three(void)
{
    const char *overrides[] = {"run.workers=3", NULL};
    return support_session_open(SMALL_CLASSES, N, overrides);
}

typedef struct visits {
    atomic_int times[WORKERS];
    pthread_t thread[WORKERS];
} visits;

static odeon_status visit(worker *w, void *context)
{
    visits *v = context;
    v->times[w->rank]++;
    v->thread[w->rank] = pthread_self();
    return ODEON_OK;
}

static void test_every_worker_works_once_on_a_thread_of_its_own(void **state)
{
    (void)state;
    support_session s = open_three();
    visits v = {.times = {0}};
    support_require(small_run(s.session, visit, &v), "visit");
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(v.times[i], 1);
        assert_int_equal(pthread_equal(v.thread[i], pthread_self()) != 0, i == 0);
    }
    assert_false(pthread_equal(v.thread[1], v.thread[2]));
    support_session_close(&s);
}

/* What each worker answers, with a message that names it unless it has none. */
typedef struct answers {
    session *session;
    odeon_status status[WORKERS];
    bool silent;
} answers;

static void answer(void *context, int32_t rank)
{
    const answers *a = context;
    worker *w = &a->session->workers[rank];
    w->status = a->status[rank];
    w->message[0] = '\0';
    if (!a->silent) {
        (void)snprintf(w->message, sizeof w->message, "of worker %d", (int)rank);
    }
}

static odeon_status ask(support_session *s, odeon_status a, odeon_status b, odeon_status c,
                        bool silent)
{
    answers all = {.session = s->session, .status = {a, b, c}, .silent = silent};
    (void)diag_fail(ODEON_ERR_IO, "of before");
    return session_run_job(s->session, answer, &all);
}

static void test_the_worst_status_comes_with_its_message(void **state)
{
    (void)state;
    support_session s = open_three();
    assert_int_equal(ask(&s, 0, 0, 0, false), ODEON_OK);
    assert_string_equal(diag_message(), ""); /* that of before the job is forgotten */
    assert_int_equal(ask(&s, 0, ODEON_ERR_DATA, ODEON_ERR_IO, false), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "of worker 1"); /* of equals the first */
    assert_int_equal(ask(&s, ODEON_VOID_STEP, 0, ODEON_ERR_IO, false), ODEON_ERR_IO);
    assert_string_equal(diag_message(), "of worker 2"); /* a failure before a void step */
    support_session_close(&s);
}

/* Outside a solve nobody can make a step that is void once more. */
static void test_a_void_step_is_a_numerical_failure(void **state)
{
    (void)state;
    support_session s = open_three();
    assert_int_equal(ask(&s, 0, ODEON_VOID_STEP, 0, false), ODEON_ERR_NUMERIC);
    assert_string_equal(diag_message(), "of worker 1");
    assert_int_equal(ask(&s, 0, ODEON_VOID_STEP, 0, true), ODEON_ERR_NUMERIC);
    assert_string_equal(diag_message(), "a layer cannot be evaluated");
    support_session_close(&s);
}

static void test_layers_are_prepared_after_parameters_were_set(void **state)
{
    (void)state;
    support_session s = open_three();
    static const double zeros[16];
    assert_false(s.session->unprepared);
    support_require(session_parameter_set(s.session, 0, zeros), "set");
    assert_true(s.session->unprepared);
    support_require(session_prepare(s.session), "prepare");
    assert_false(s.session->unprepared);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_worker_works_once_on_a_thread_of_its_own),
        cmocka_unit_test(test_the_worst_status_comes_with_its_message),
        cmocka_unit_test(test_a_void_step_is_a_numerical_failure),
        cmocka_unit_test(test_layers_are_prepared_after_parameters_were_set),
    };
    return cmocka_run_group_tests_name("jobs", tests, NULL, NULL);
}
