#include "session/readings.h"

#include <math.h>

#include "small_session.h"

#include "base/diag.h"
#include "ode/ode.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"

enum { N = 4 };

static odeon_status set_gradient(worker *w, void *context)
{
    odeon_tensor all = model_flat(w->model, w->grads.data, 0, w->model->params.trainable);
    ODEON_TRY(ODEON_DO(w->model->device, move, fill, w->site.lane.queue, .y = &all,
                       .value = odeon_imm(*(const double *)context)));
    ODEON_TRY(readings_square_gradient(w));
    return readings_read(w);
}

/* Of a vector of equal elements, gaps between the parameters included. */
static void test_the_norm_is_that_of_the_gradient(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    double each = -2.0, expected = 2.0 * sqrt((double)s.session->model.params.trainable);
    support_require(small_run(s.session, set_gradient, &each), "read");
    for (int i = 0; i < 2; i++) {
        double norm = readings_gradient_norm(&s.session->workers[i]);
        assert_true(fabs(norm - expected) <= 1e-14 * expected);
    }
    support_session_close(&s);
}

static odeon_status set_sums(worker *w, void *context)
{
    odeon_tensor sums = readings_sums(w);
    ODEON_TRY(w->model->device->ops->upload(w->site.lane.queue, odeon_write(&sums), context,
                                            (uint64_t)odeon_bytes(&sums.view.shape)));
    return readings_read(w);
}

static void test_sums_are_read_where_losses_write_them(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_CLASSES, N, NULL);
    double given[] = {0.5, 3.0};
    odeon_tensor sums = readings_sums(&s.session->workers[0]);
    assert_true(sums.view.shape.ndim == 1 && sums.view.shape.dim[0] == 2 &&
                sums.view.shape.dtype == ODEON_DTYPE_F64);
    support_require(small_run(s.session, set_sums, given), "read");
    assert_memory_equal(readings_read_sums(&s.session->workers[1]), given, sizeof given);
    support_session_close(&s);
}

static odeon_status read_measures(worker *w, void *context)
{
    (void)context;
    return readings_read_measures(w);
}

/* Without a measured block there is nothing to read, and the gradient's norm stays. */
static void test_measures_alone_leave_the_rest(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_FLOW, N, NULL);
    double each = 1.0;
    support_require(small_run(s.session, set_gradient, &each), "read");
    double norm = readings_gradient_norm(&s.session->workers[0]);
    assert_true(norm > 0.0);
    support_require(small_run(s.session, read_measures, NULL), "read");
    assert_true(readings_gradient_norm(&s.session->workers[0]) == norm);
    support_session_close(&s);
}

/* Blocks write to slots of their own, in front of the worker's. */
static void test_blocks_write_straight_to_where_they_are_read(void **state)
{
    (void)state;
    support_session s = support_session_open(SMALL_FLOW, N, NULL);
    const worker *w = &s.session->workers[0];
    assert_int_equal(w->site.n_odes, 1);
    assert_ptr_equal(w->site.odes[0]->measured, (double *)(void *)w->readings.data);
    assert_ptr_equal(readings_sums(w).view.data,
                     (double *)(void *)w->readings.data + 2 * (size_t)ODEON_SLOTS);
    session_result result = support_differentiate(&s, NULL, NULL);
    assert_true(isfinite(result.blocks[0].share) && result.blocks[0].share > 0.0);
    support_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_norm_is_that_of_the_gradient),
        cmocka_unit_test(test_sums_are_read_where_losses_write_them),
        cmocka_unit_test(test_measures_alone_leave_the_rest),
        cmocka_unit_test(test_blocks_write_straight_to_where_they_are_read),
    };
    return cmocka_run_group_tests_name("readings", tests, NULL, NULL);
}
