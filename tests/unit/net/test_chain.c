/* The services by which a container calls its bodies. */

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "small_net.h"

static const int64_t two[] = {2};

/* y = W x + b of the model itself, called as if it were a body. */
static small_net *open_dense(void)
{
    static const double w[] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0};
    small_net *s = small_net_open("[model.a]\nlayer = dense(units=3)\n", 1, two);
    memcpy(small_net_values(s, "a.weight"), w, sizeof w);
    s->context.n_global = 1;
    return s;
}

static void test_plan_says_what_the_body_is(void **state)
{
    (void)state;
    small_net *s = open_dense();
    odeon_chain_info info;
    assert_int_equal(net_chain_services.plan(s->net, 5, ODEON_CALL_TRAIN, &info), ODEON_OK);
    assert_int_equal(info.struct_size, sizeof info);
    assert_int_equal(info.flags, ODEON_LAYER_LINEAR);
    assert_int_equal(info.in.dim[0], 5);
    assert_int_equal(info.in.dim[1], 2);
    assert_int_equal(info.out.dim[0], 5);
    assert_int_equal(info.out.dim[1], 3);
    assert_int_equal(info.out.dtype, ODEON_DTYPE_F64);
    assert_true(info.frame_bytes >= 5 * 2 * sizeof(double)); /* its input is kept */
    assert_int_equal(info.frame_bytes % 64, 0);
    small_net_close(s);
}

static void test_forward_and_vjp_are_those_of_the_chain(void **state)
{
    (void)state;
    small_net *s = open_dense();
    double x[] = {1.0, -1.0}, y[3], d_y[] = {1.0, 0.0, 2.0}, d_x[2];
    odeon_tensor in = {.data = x, .ndim = 2, .dim = {1, 2}, .dtype = ODEON_DTYPE_F64};
    odeon_tensor out = {.data = y, .ndim = 2, .dim = {1, 3}, .dtype = ODEON_DTYPE_F64};
    odeon_tensor d_out = out, d_in = in;
    odeon_chain_info info;
    d_out.data = d_y;
    d_in.data = d_x;
    assert_int_equal(net_chain_services.plan(s->net, 1, ODEON_CALL_TRAIN, &info), ODEON_OK);
    assert_int_equal(buffer_fit(&s->device, &s->frame, (int64_t)info.frame_bytes), ODEON_OK);
    assert_int_equal(
        net_chain_services.forward(s->net, &s->context, NULL, &in, &out, s->frame.data), ODEON_OK);
    assert_true(y[0] == -1.0 && y[1] == -1.0 && y[2] == -1.0);
    assert_int_equal(
        net_chain_services.vjp(s->net, &s->context, NULL, s->frame.data, &d_out, &d_in, NULL),
        ODEON_OK);
    assert_true(d_x[0] == 11.0 && d_x[1] == 14.0);
    const double *g = small_net_grads(s, "a.weight");
    assert_true(g[0] == 1.0 && g[1] == -1.0 && g[2] == 0.0 && g[4] == 2.0 && g[5] == -2.0);
    assert_int_equal(
        net_chain_services.vjp(s->net, &s->context, NULL, s->frame.data, &d_out, NULL, NULL),
        ODEON_OK); /* d_in is not wanted; gradients are added again */
    assert_true(g[0] == 2.0);
    small_net_close(s);
}

/* The time given stands in place of the context's; NULL leaves that. */
static void test_time_of_the_call_or_of_the_context_holds(void **state)
{
    (void)state;
    small_net *s = small_net_open("[model.t]\nlayer = concat_time\n", 1, two);
    double x[] = {1.0, -1.0}, y[3], seven = 7.0, eight = 8.0;
    odeon_tensor in = {.data = x, .ndim = 2, .dim = {1, 2}, .dtype = ODEON_DTYPE_F64};
    odeon_tensor out = {.data = y, .ndim = 2, .dim = {1, 3}, .dtype = ODEON_DTYPE_F64};
    odeon_tensor outer = {.data = &seven, .ndim = 1, .dim = {1}, .dtype = ODEON_DTYPE_F64};
    odeon_tensor own = outer;
    own.data = &eight;
    s->context.t = &outer;
    assert_int_equal(net_chain_services.forward(s->net, &s->context, NULL, &in, &out, NULL),
                     ODEON_OK);
    assert_true(y[0] == 7.0 || y[2] == 7.0);
    assert_int_equal(net_chain_services.forward(s->net, &s->context, &own, &in, &out, NULL),
                     ODEON_OK);
    assert_true(y[0] == 8.0 || y[2] == 8.0);
    assert_ptr_equal(s->context.t, &outer);
    small_net_close(s);
}

static void test_other_shapes_than_planned_are_refused(void **state)
{
    (void)state;
    small_net *s = open_dense();
    double x[6] = {0.0}, y[3];
    odeon_tensor in = {.data = x, .ndim = 2, .dim = {1, 3}, .dtype = ODEON_DTYPE_F64};
    odeon_tensor out = {.data = y, .ndim = 2, .dim = {1, 3}, .dtype = ODEON_DTYPE_F64};
    mem_free(s->net->path);
    s->net->path = mem_strdup("r"); /* a body is named by its container */
    assert_int_equal(net_chain_services.forward(s->net, &s->context, NULL, &in, &out, NULL),
                     ODEON_ERR_PLUGIN);
    assert_string_equal(diag_message(), "r: calls its body with [3], which is planned for [2]");
    diag_clear();
    in = (odeon_tensor){.data = x, .ndim = 3, .dim = {1, 2, 0}, .dtype = ODEON_DTYPE_F64};
    assert_int_equal(net_chain_services.forward(s->net, &s->context, NULL, &in, &out, NULL),
                     ODEON_ERR_PLUGIN);
    diag_clear();
    out.dim[1] = 2; /* of a vjp the output's shape counts */
    assert_int_equal(net_chain_services.vjp(s->net, &s->context, NULL, x, &out, NULL, NULL),
                     ODEON_ERR_PLUGIN);
    assert_string_equal(diag_message(), "r: calls its body with [2], which is planned for [3]");
    small_net_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_says_what_the_body_is),
        cmocka_unit_test(test_forward_and_vjp_are_those_of_the_chain),
        cmocka_unit_test(test_time_of_the_call_or_of_the_context_holds),
        cmocka_unit_test(test_other_shapes_than_planned_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
