/* A watched session computes what it would without, and its calls are counted. */
#include "session/watch.h"

#include <string.h>

#include "small_session.h"

#include "base/diag.h"
#include "base/mem.h"

enum { N = 4 };

static double evaluate(support_session *s)
{
    int64_t indices[N] = {0, 1, 2, 3};
    session_result result;
    data_source *source;
    support_require(data_open(s->config, ODEON_SPLIT_TEST, &source), "data");
    support_require(session_evaluate(s->session, source, N, indices, &result), "evaluate");
    data_close(source);
    return result.loss;
}

/* Calls of an operator by a worker since its log was cleared. */
static int64_t calls_of(const watch_log *log, const char *name, double *operations)
{
    int64_t calls = 0;
    for (size_t i = 0; i < log->n; i++) {
        if (strcmp(log->calls[i].op->name, name) == 0) {
            calls += log->calls[i].calls;
            *operations += log->calls[i].operations;
        }
    }
    return calls;
}

static void test_every_worker_counts_its_own_calls(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    session_watch *w;
    double loss = evaluate(&s);
    support_require(session_watch_create(s.session, &w), "watch");
    support_require(session_watch_on(w, false), "on");
    assert_float_equal(evaluate(&s), loss, 0.0);
    support_require(session_watch_off(w), "off");
    for (int32_t rank = 0; rank < 2; rank++) {
        double operations = 0.0;
        assert_int_equal(calls_of(session_watch_log(w, rank), "gemm", &operations), 2);
        /* Two samples through 3 x 3 and 3 x 2 weights. */
        assert_float_equal(operations, 2.0 * 2 * (9 + 6), 0.0);
    }
    session_watch_destroy(w);
    support_session_close(&s);
}

static void test_calls_add_up_until_the_log_is_cleared(void **state)
{
    (void)state;
    const char *overrides[] = {"run.workers=1", NULL};
    support_session s = support_session_open(SMALL_CLASSES, N, overrides);
    session_watch *w;
    double operations = 0.0;
    support_require(session_watch_create(s.session, &w), "watch");
    watch_log *log = session_watch_log(w, 0);
    for (int i = 0; i < 2; i++) {
        support_require(session_watch_on(w, true), "on");
        (void)evaluate(&s);
        support_require(session_watch_off(w), "off");
        (void)evaluate(&s); /* which is not watched */
    }
    size_t listed = log->n;
    assert_int_equal(calls_of(log, "gemm", &operations), 4);
    for (size_t i = 0; i < log->n; i++) {
        assert_true(log->calls[i].seconds > 0.0);
    }
    watch_log_clear(log);
    assert_int_equal(calls_of(log, "gemm", &operations), 0);
    assert_int_equal(log->n, listed);
    session_watch_destroy(w);
    support_session_close(&s);
}

static void test_a_thread_without_a_log_is_refused(void **state)
{
    (void)state;
    const char *overrides[] = {"run.workers=1", NULL};
    support_session s = support_session_open(SMALL_CLASSES, N, overrides);
    session_watch *w;
    support_require(session_watch_create(s.session, &w), "watch");
    support_require(session_watch_on(w, false), "on");
    device_watch_thread(NULL, NULL);
    const odeon_device *device = s.session->model.device;
    odeon_tensor none = odeon_tensor_at(NULL, (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64});
    diag_clear();
    assert_int_equal(
        ODEON_DO(device, move, fill, s.session->workers[0].site.lane.queue, .y = &none),
        ODEON_ERR_INTERNAL);
    assert_string_equal(diag_message(), "fill: called on a thread that is not watched");
    support_require(session_watch_off(w), "off");
    session_watch_destroy(w);
    support_session_close(&s);
}

static void test_no_memory_leaves_nothing_watched(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    odeon_status status = ODEON_ERR_NOMEM;
    session_watch *w = NULL;
    for (int64_t k = 1, live = mem_live_blocks(); status == ODEON_ERR_NOMEM; k++) {
        assert_null(w);
        assert_int_equal(mem_live_blocks(), live);
        mem_fail_at(k);
        status = session_watch_create(s.session, &w);
        mem_fail_at(0);
    }
    support_require(status, "watch");
    session_watch_destroy(w);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_worker_counts_its_own_calls),
        cmocka_unit_test(test_calls_add_up_until_the_log_is_cleared),
        cmocka_unit_test(test_a_thread_without_a_log_is_refused),
        cmocka_unit_test(test_no_memory_leaves_nothing_watched),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
