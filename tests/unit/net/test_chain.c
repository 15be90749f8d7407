/* The services by which a container calls its bodies. */

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "plugin/calling.h"
#include "small_net.h"

static const int64_t two[] = {2};

/* y = W x + b of the model itself, called as if it were a body. */
static small_net *open_dense(void)
{
    static const double w[] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0};
    small_net *s = small_net_open("[model.a]\nlayer = dense(units=3)\n", 1, two);
    memcpy(small_net_values(s, "a.weight"), w, sizeof w);
    s->call.n_global = 1;
    return s;
}

static odeon_body_plan plan_for(small_net *s, int64_t batch)
{
    odeon_body_plan plan = {
        .struct_size = sizeof plan, .call_flags = ODEON_CALL_TRAIN, .batch = batch};
    assert_int_equal(net_body_services.plan(s->net, &plan), ODEON_OK);
    return plan;
}

/* One sample of n numbers. */
static odeon_tensor sample(double *data, int64_t n)
{
    return odeon_tensor_at(data, (odeon_shape){.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {1, n}});
}

static odeon_status forward(small_net *s, const odeon_view *t, const odeon_view *in,
                            const odeon_tensor *out, void *frame)
{
    const odeon_body_call call = {.struct_size = sizeof call,
                                  .around = &s->call,
                                  .t = t,
                                  .in = in,
                                  .out = out,
                                  .frame = frame};
    return net_body_services.forward(s->net, &call);
}

static odeon_status vjp(small_net *s, uint32_t flags, void *frame, const odeon_view *d_out,
                        const odeon_tensor *d_in)
{
    const odeon_body_call call = {.struct_size = sizeof call,
                                  .flags = flags,
                                  .around = &s->call,
                                  .d_out = d_out,
                                  .d_in = d_in,
                                  .frame = frame};
    return net_body_services.vjp(s->net, &call);
}

static void test_plan_says_what_the_body_is(void **state)
{
    (void)state;
    small_net *s = open_dense();
    odeon_body_plan plan = plan_for(s, 5);
    assert_int_equal(plan.struct_size, sizeof plan);
    assert_int_equal(plan.flags, ODEON_LAYER_LINEAR);
    assert_int_equal(plan.in.dim[0], 5);
    assert_int_equal(plan.in.dim[1], 2);
    assert_int_equal(plan.out.dim[0], 5);
    assert_int_equal(plan.out.dim[1], 3);
    assert_int_equal(plan.out.dtype, ODEON_DTYPE_F64);
    assert_true(plan.frame_bytes >= 5 * 2 * sizeof(double)); /* its input is kept */
    assert_int_equal(plan.frame_bytes % 64, 0);
    small_net_close(s);
}

static void test_forward_and_vjp_are_those_of_the_chain(void **state)
{
    (void)state;
    small_net *s = open_dense();
    double x[] = {1.0, -1.0}, y[3], d_y[] = {1.0, 0.0, 2.0}, d_x[2];
    const odeon_tensor in = sample(x, 2), out = sample(y, 3), d_out = sample(d_y, 3),
                       d_in = sample(d_x, 2);
    odeon_body_plan plan = plan_for(s, 1);
    assert_int_equal(buffer_fit(s->call.device, &s->frame, (int64_t)plan.frame_bytes), ODEON_OK);
    assert_int_equal(forward(s, NULL, &in.view, &out, s->frame.data), ODEON_OK);
    assert_true(y[0] == -1.0 && y[1] == -1.0 && y[2] == -1.0);
    assert_int_equal(vjp(s, 0, s->frame.data, &d_out.view, &d_in), ODEON_OK);
    assert_true(d_x[0] == 11.0 && d_x[1] == 14.0);
    const double *g = small_net_grads(s, "a.weight");
    assert_true(g[0] == 1.0 && g[1] == -1.0 && g[2] == 0.0 && g[4] == 2.0 && g[5] == -2.0);
    /* d_in is not wanted; gradients are added again */
    assert_int_equal(vjp(s, 0, s->frame.data, &d_out.view, NULL), ODEON_OK);
    assert_true(g[0] == 2.0);
    /* flags of the call stand beside those of the container's own */
    assert_int_equal(vjp(s, ODEON_CALL_NO_PARAM_GRAD, s->frame.data, &d_out.view, &d_in), ODEON_OK);
    assert_true(g[0] == 2.0 && d_x[0] == 11.0);
    assert_int_equal(s->call.flags, ODEON_CALL_TRAIN);
    small_net_close(s);
}

/* A container may hand a part of a tensor on by its offset. */
static void test_offsets_of_views_are_honoured(void **state)
{
    (void)state;
    small_net *s = open_dense();
    double x[] = {9.0, 1.0, -1.0}, y[4] = {5.0}, d_y[] = {9.0, 1.0, 0.0, 2.0}, d_x[3] = {5.0};
    odeon_tensor in = sample(x, 2), out = sample(y, 3), d_out = sample(d_y, 3),
                 d_in = sample(d_x, 2);
    odeon_body_plan plan = plan_for(s, 1);
    assert_int_equal(buffer_fit(s->call.device, &s->frame, (int64_t)plan.frame_bytes), ODEON_OK);
    in.view.byte_offset = out.view.byte_offset = sizeof(double);
    d_in.view.byte_offset = d_out.view.byte_offset = sizeof(double);
    assert_int_equal(forward(s, NULL, &in.view, &out, s->frame.data), ODEON_OK);
    assert_true(y[0] == 5.0 && y[1] == -1.0 && y[3] == -1.0);
    assert_int_equal(vjp(s, 0, s->frame.data, &d_out.view, &d_in), ODEON_OK);
    assert_true(d_x[0] == 5.0 && d_x[1] == 11.0 && d_x[2] == 14.0);
    small_net_close(s);
}

/* The time given stands in place of the surroundings'; NULL leaves that. */
static void test_time_of_the_call_or_of_its_surroundings_holds(void **state)
{
    (void)state;
    small_net *s = small_net_open("[model.t]\nlayer = concat_time\n", 1, two);
    double x[] = {1.0, -1.0}, y[3], seven = 7.0, eight = 8.0;
    const odeon_shape one = {.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {1}};
    const odeon_view outer = odeon_view_at(&seven, one), own = odeon_view_at(&eight, one);
    const odeon_tensor in = sample(x, 2), out = sample(y, 3);
    s->call.t = &outer;
    assert_int_equal(forward(s, NULL, &in.view, &out, NULL), ODEON_OK);
    assert_true(y[0] == 7.0 || y[2] == 7.0);
    assert_int_equal(forward(s, &own, &in.view, &out, NULL), ODEON_OK);
    assert_true(y[0] == 8.0 || y[2] == 8.0);
    assert_ptr_equal(s->call.t, &outer);
    small_net_close(s);
}

static void test_other_shapes_than_planned_are_refused(void **state)
{
    (void)state;
    small_net *s = open_dense();
    double x[6] = {0.0}, y[3];
    odeon_tensor in = sample(x, 3), out = sample(y, 3);
    mem_free(s->net->path);
    s->net->path = mem_strdup("r"); /* a body is named by its container */
    assert_int_equal(forward(s, NULL, &in.view, &out, NULL), ODEON_ERR_PLUGIN);
    assert_string_equal(diag_message(), "r: calls its body with [3], which is planned for [2]");
    diag_clear();
    in.view.shape = (odeon_shape){.ndim = 3, .dtype = ODEON_DTYPE_F64, .dim = {1, 2, 0}};
    assert_int_equal(forward(s, NULL, &in.view, &out, NULL), ODEON_ERR_PLUGIN);
    diag_clear();
    out.view.shape.dim[1] = 2; /* of a vjp the output's shape counts */
    assert_int_equal(vjp(s, 0, x, &out.view, NULL), ODEON_ERR_PLUGIN);
    assert_string_equal(diag_message(), "r: calls its body with [2], which is planned for [3]");
    small_net_close(s);
}

/* As a container gives it; what the host calls by itself is its own affair. */
static void test_unknown_flags_of_a_container_are_refused(void **state)
{
    (void)state;
    small_net *s = open_dense();
    double d_y[3] = {0.0};
    const odeon_tensor d_out = sample(d_y, 3);
    calling outer = calling_begin(s->net->layers[0].instance, "vjp");
    odeon_status status = vjp(s, 1u << 9, d_y, &d_out.view, NULL);
    calling_leave(outer);
    assert_int_equal(status, ODEON_ERR_PLUGIN);
    assert_non_null(strstr(diag_message(), "vjp: it sets flag bits that this host does not know: "
                                           "0x200 in flags"));
    small_net_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_says_what_the_body_is),
        cmocka_unit_test(test_forward_and_vjp_are_those_of_the_chain),
        cmocka_unit_test(test_offsets_of_views_are_honoured),
        cmocka_unit_test(test_time_of_the_call_or_of_its_surroundings_holds),
        cmocka_unit_test(test_other_shapes_than_planned_are_refused),
        cmocka_unit_test(test_unknown_flags_of_a_container_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
