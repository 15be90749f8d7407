#include "session/worker.h"

#include "small_session.h"

enum { N = 4 };

static void test_a_context_is_the_workers_own(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    for (int i = 0; i < 2; i++) {
        worker *w = &s.session->workers[i];
        odeon_context c = worker_context(w, ODEON_CALL_TRAIN);
        assert_int_equal(c.struct_size, sizeof c);
        assert_int_equal(c.flags, ODEON_CALL_TRAIN);
        assert_ptr_equal(c.queue, w->site.lane.queue);
        assert_ptr_equal(c.device, &s.session->model.device);
        assert_ptr_equal(c.group, &w->group.abi);
        assert_int_equal(c.group->rank, i);
        assert_int_equal(c.group->size, 2);
        assert_int_equal(worker_context(w, 0).flags, 0);
    }
    support_session_close(&s);
}

/* Of no batch in particular: neither a key of random numbers nor a place in a batch. */
static void test_a_context_finds_the_batchs_fields(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_FLOW, N, NULL);
    (void)support_differentiate(&s, NULL, NULL);
    worker *w = &s.session->workers[0];
    odeon_context c = worker_context(w, 0);
    assert_ptr_equal(c.batch_field(&c, "mask"), &w->fields.of[ODEON_ROLE_MASK]);
    assert_ptr_equal(c.batch_field(&c, "time"), &w->fields.of[ODEON_ROLE_TIME]);
    assert_null(c.batch_field(&c, "control")); /* the data set has none */
    assert_true(c.rng_key == 0 && c.first_sample == 0 && c.n_global == 0);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_context_is_the_workers_own),
        cmocka_unit_test(test_a_context_finds_the_batchs_fields),
    };
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
