#include "session/model.h"

#include <string.h>

#include "small_session.h"

#include "base/diag.h"
#include "base/mem.h"

enum { N = 4 };

static void test_a_flat_part_has_the_runs_dtype(void **state)
{
    (void)state;
    char memory[64];
    config c = {.dtype = ODEON_DTYPE_F64};
    model m = {.config = &c};
    odeon_tensor x = model_flat(&m, memory, 3, 2);
    assert_ptr_equal(x.view.data, memory + 3 * sizeof(double));
    assert_true(x.view.shape.ndim == 1 && x.view.shape.dim[0] == 2 &&
                x.view.shape.dtype == ODEON_DTYPE_F64);
    c.dtype = ODEON_DTYPE_F32;
    x = model_flat(&m, memory, 3, 2);
    assert_ptr_equal(x.view.data, memory + 3 * sizeof(float));
}

static void test_opening_makes_device_kernels_and_schedule(void **state)
{
    (void)state;
    const char *overrides[] = {"train.schedule=cosine", NULL};
    support_session s = support_session_open(SMALL_CLASSES, N, overrides);
    int64_t before = mem_live_blocks();
    model m = {0};
    support_require(model_open(&m, s.registry, s.config, &s.fields), "open");
    assert_ptr_equal(m.config, s.config);
    assert_non_null(m.schedule);
    assert_ptr_equal(m.device, &m.opened.device);
    assert_int_equal(m.kernels != NULL, s.config->kernels);
    assert_null(m.device_text); /* not before the workers have their queues */
    support_require(model_describe_device(&m), "describe");
    assert_memory_equal(m.device_text, "cpu: ", 5);
    assert_true(strlen(m.device_text) > 5);
    model_fini(&m);
    assert_int_equal(mem_live_blocks(), before);
    support_session_close(&s);
}

static void test_kernels_are_left_alone_where_they_are_not_wanted(void **state)
{
    (void)state;
    const char *overrides[] = {"run.kernels=no", NULL};
    support_session s = support_session_open(SMALL_CLASSES, N, overrides);
    assert_null(s.session->model.kernels);
    assert_null(s.session->model.schedule);
    support_session_close(&s);
}

static void test_every_failing_allocation_leaves_a_model_for_fini(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    int64_t before = mem_live_blocks();
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t n = 0;
    while (status != ODEON_OK) {
        model m = {0};
        diag_clear();
        mem_fail_at(++n);
        status = model_open(&m, s.registry, s.config, &s.fields);
        mem_fail_at(0);
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        assert_int_equal(status == ODEON_OK, diag_message()[0] == '\0');
        model_fini(&m);
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_true(n > 1);
    support_session_close(&s);
}

/* Values before initialization, and moments of both kinds that adam has. */
static void test_values_and_moments_start_at_0(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    model *m = &s.session->model;
    odeon_queue *queue = s.session->workers[0].site.lane.queue;
    assert_int_equal(m->n_moments, 2);
    support_require(model_allocate(m, queue), "allocate");
    const device_buffer *buffers[] = {&m->values, &m->moments[0], &m->moments[1]};
    double *numbers = mem_alloc((size_t)m->params.trainable * sizeof *numbers);
    for (int i = 0; i < 3; i++) {
        support_require(m->device->ops->download(queue, numbers, buffers[i]->data,
                                                 (uint64_t)m->params.trainable * sizeof *numbers),
                        "download");
        for (int64_t k = 0; k < m->params.trainable; k++) {
            assert_true(numbers[k] == 0.0);
        }
    }
    mem_free(numbers);
    support_session_close(&s);
}

static void test_an_empty_vector_has_an_address(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    const model *m = &s.session->model;
    device_buffer vector = {.data = NULL};
    support_require(model_fit_zero(m, s.session->workers[0].site.lane.queue, &vector, 0), "fit");
    assert_non_null(vector.data);
    assert_true(vector.bytes >= (int64_t)sizeof(double)); /* whatever a device makes of none */
    support_require(m->device->ops->wait(s.session->workers[0].site.lane.queue), "wait");
    buffer_release(m->device, &vector);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_flat_part_has_the_runs_dtype),
        cmocka_unit_test(test_opening_makes_device_kernels_and_schedule),
        cmocka_unit_test(test_kernels_are_left_alone_where_they_are_not_wanted),
        cmocka_unit_test(test_every_failing_allocation_leaves_a_model_for_fini),
        cmocka_unit_test(test_values_and_moments_start_at_0),
        cmocka_unit_test(test_an_empty_vector_has_an_address),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
