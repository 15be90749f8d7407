#include "session/worker.h"

#include "odeon/device_pointwise.h"
#include "small_session.h"

enum { N = 4 };

static void test_a_call_is_the_workers_own(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    for (int i = 0; i < 2; i++) {
        worker *w = &s.session->workers[i];
        odeon_layer_call c = worker_call(w, ODEON_CALL_TRAIN);
        assert_int_equal(c.struct_size, sizeof c);
        assert_int_equal(c.flags, ODEON_CALL_TRAIN);
        assert_ptr_equal(c.queue, w->site.lane.queue);
        assert_ptr_equal(c.device, s.session->model.device);
        assert_ptr_equal(c.group, &w->group.abi);
        assert_int_equal(c.group->rank, i);
        assert_int_equal(c.group->size, 2);
        assert_int_equal(worker_call(w, 0).flags, 0);
    }
    support_session_close(&s);
}

/* The layer's own tensors are net_forward's to set. */
static void test_a_call_has_no_tensors_yet(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    odeon_layer_call c = worker_call(&s.session->workers[1], 0);
    assert_true(c.slots == NULL && c.t == NULL && c.in == NULL && c.out == NULL);
    assert_true(c.d_out == NULL && c.d_in == NULL && c.d_t == NULL);
    assert_true(c.param == NULL && c.grad == NULL && c.state == NULL);
    assert_true(c.tape == NULL && c.scratch == NULL && c.derived == NULL);
    assert_int_equal(c.act, ODEON_UNARY_IDENTITY);
    support_session_close(&s);
}

/* Of no batch in particular: neither a key of random numbers nor a place in a batch. */
static void test_a_call_finds_the_batchs_fields(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_FLOW, N, NULL);
    (void)support_differentiate(&s, NULL, NULL);
    worker *w = &s.session->workers[0];
    odeon_layer_call c = worker_call(w, 0);
    assert_ptr_equal(c.batch_field(&c, ODEON_ROLE_MASK), &w->fields.of[ODEON_ROLE_MASK].view);
    assert_ptr_equal(c.batch_field(&c, ODEON_ROLE_TIME), &w->fields.of[ODEON_ROLE_TIME].view);
    assert_null(c.batch_field(&c, ODEON_ROLE_CONTROL)); /* the data set has none */
    assert_null(c.batch_field(&c, -1));
    assert_true(c.rng_key == 0 && c.first_sample == 0 && c.n_global == 0);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_is_the_workers_own),
        cmocka_unit_test(test_a_call_has_no_tensors_yet),
        cmocka_unit_test(test_a_call_finds_the_batchs_fields),
    };
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
