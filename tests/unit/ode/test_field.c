/* The fields of a block: its body, and the continuous adjoint of that. */
#include "ode/field.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "ode/adjoint_field.h"
#include "ode/block.h"
#include "odeon/device_solver.h"
#include "small_net.h"

static const int64_t two[] = {2};

/* f(t, y) = W y + b t, whose derivatives are known. */
static small_net *open_linear(void)
{
    static const double w[] = {1.0, 2.0, 3.0, -1.0};
    small_net *s = small_net_open("[model.o]\nlayer = ode(steps=1)\nintegrator = euler\n"
                                  "gradient = direct\n[model.o.f]\n"
                                  "layer = dense(units=2, bias=no)\n",
                                  1, two);
    memcpy(small_net_values(s, "o.f.weight"), w, sizeof w);
    s->call.n_global = 3;
    return s;
}

static odeon_net *body_of(const small_net *s)
{
    return s->site.odes[0]->body;
}

static void fit(small_net *s, block_field *f, int64_t samples)
{
    odeon_shape y = body_of(s)->in;
    y.dim[0] = samples;
    assert_int_equal(block_field_fit(f, body_of(s), &s->call, &y, NULL), ODEON_OK);
}

static odeon_tensor vector(double *data, int64_t n)
{
    return odeon_tensor_at(data, (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {n}});
}

static void test_field_is_fitted_to_body_and_call(void **state)
{
    (void)state;
    small_net *s = open_linear();
    block_field f = {.evals = 5};
    fit(s, &f, 2);
    assert_int_equal(f.host.abi.n, 4);
    assert_int_equal(f.host.abi.n_parts, 1);
    assert_int_equal(f.host.abi.dtype, ODEON_DTYPE_F64);
    assert_ptr_equal(f.host.abi.self, &f);
    assert_string_equal(f.parts[0].name, "y");
    assert_int_equal(f.parts[0].n_global, 3 * 2); /* samples of all workers */
    assert_int_equal(f.host.samples, 2);
    assert_true(f.host.is_alone && f.host.is_recordable && !f.host.moves_state);
    assert_int_equal(f.host.frame_in, f.plan->in_at); /* dense reads its input */
    assert_int_equal(f.host.frame_out, -1);
    assert_true(f.host.frame_bytes >= 32);
    assert_ptr_equal(f.host.evals, &f.evals);
    block_field_fini(&f, s->site.lane.device);
    assert_null(f.work_buffer.data);
    small_net_close(s);
}

static void test_eval_and_vjp_are_those_of_the_body(void **state)
{
    (void)state;
    small_net *s = open_linear();
    block_field f = {.evals = 0};
    double t0 = 0.5, y[] = {1.0, -2.0}, dy[2], k_bar[] = {1.0, 1.0}, y_bar[2];
    odeon_tensor t = vector(&t0, 1), in = vector(y, 2), out = vector(dy, 2), kb = vector(k_bar, 2),
                 yb = vector(y_bar, 2);
    odeon_field_vjp back = {
        .struct_size = sizeof back, .t = &t.view, .y = &in.view, .dy_bar = &kb.view, .y_bar = &yb};
    fit(s, &f, 1);
    const odeon_field *abi = &f.host.abi;
    assert_int_equal(field_eval(abi, &t.view, &in.view, &out, NULL), ODEON_OK);
    assert_true(dy[0] == -3.0 && dy[1] == 5.0);
    assert_int_equal(f.evals, 1);
    /* nothing was kept: it evaluates again, which counts */
    assert_int_equal(abi->vjp(&f, &back), ODEON_OK);
    assert_true(y_bar[0] == 4.0 && y_bar[1] == 1.0);
    assert_int_equal(f.evals, 2);
    const double *g = small_net_grads(s, "o.f.weight");
    assert_true(g[0] == 1.0 && g[1] == -2.0 && g[2] == 1.0 && g[3] == -2.0);
    odeon_frame frame = {.memory = f.work.memory}; /* kept: no further evaluation */
    assert_int_equal(field_eval(abi, &t.view, &in.view, &out, &frame), ODEON_OK);
    back.kept = &frame;
    assert_int_equal(abi->vjp(&f, &back), ODEON_OK);
    assert_int_equal(f.evals, 3);
    assert_true(g[0] == 2.0 && y_bar[0] == 4.0);
    back.y_bar = NULL; /* not wanted: the parameters' share is added all the same */
    assert_int_equal(abi->vjp(&f, &back), ODEON_OK);
    assert_true(g[0] == 3.0);
    back.kept = NULL;
    assert_int_equal(abi->vjp(&f, &back), ODEON_OK);
    assert_true(g[0] == 4.0);
    back.flags = ODEON_CALL_NO_PARAM_GRAD;
    back.y_bar = &yb;
    assert_int_equal(abi->vjp(&f, &back), ODEON_OK);
    assert_true(g[0] == 4.0 && y_bar[0] == 4.0);
    block_field_fini(&f, s->site.lane.device);
    small_net_close(s);
}

/* Whatever a recording depends on changes the identity, and nothing else does. */
static void test_identity_tells_calls_apart(void **state)
{
    (void)state;
    small_net *s = open_linear();
    block_field f = {.evals = 0};
    double given = 0.0;
    fit(s, &f, 2);
    field_identity first = f.host.identity;
    fit(s, &f, 2);
    assert_memory_equal(&f.host.identity, &first, sizeof first);
    s->call.first_sample = 1;
    fit(s, &f, 2);
    assert_memory_not_equal(&f.host.identity, &first, sizeof first);
    s->call.first_sample = 0;
    s->call.n_global = 4;
    fit(s, &f, 2);
    assert_memory_not_equal(&f.host.identity, &first, sizeof first);
    s->call.n_global = 3;
    fit(s, &f, 1); /* another plan */
    assert_memory_not_equal(&f.host.identity, &first, sizeof first);
    s->fields.of[ODEON_ROLE_MASK].view.data = &given;
    fit(s, &f, 2);
    assert_memory_not_equal(&f.host.identity, &first, sizeof first);
    s->fields.of[ODEON_ROLE_MASK].view.data = NULL;
    s->call.flags |= ODEON_CALL_UPDATE_STATE;
    fit(s, &f, 2);
    assert_memory_not_equal(&f.host.identity, &first, sizeof first);
    s->call.flags &= ~(uint32_t)ODEON_CALL_UPDATE_STATE;
    fit(s, &f, 2);
    assert_memory_equal(&f.host.identity, &first, sizeof first);
    block_field_fini(&f, s->site.lane.device);
    small_net_close(s);
}

static const odeon_view *no_field(const odeon_layer_call *call, int32_t role)
{
    (void)call;
    (void)role;
    return NULL;
}

static void test_calls_that_are_not_known_cannot_be_recorded(void **state)
{
    (void)state;
    small_net *s = open_linear();
    block_field f = {.evals = 0};
    s->call.batch_field = no_field;
    fit(s, &f, 1);
    assert_false(f.host.is_recordable);
    block_field_fini(&f, s->site.lane.device);
    small_net_close(s);
    s = small_net_open("[model.o]\nlayer = ode(steps=1)\nintegrator = euler\ngradient = direct\n"
                       "[model.o.f]\nlayer = dropout\n",
                       1, two);
    f = (block_field){.evals = 0};
    fit(s, &f, 1);
    assert_false(f.host.is_recordable); /* random numbers differ from batch to batch */
    block_field_fini(&f, s->site.lane.device);
    small_net_close(s);
}

static void test_running_state_moves_only_where_it_may(void **state)
{
    (void)state;
    static const int64_t image[] = {2, 2, 2};
    small_net *s = small_net_open("[model.o]\nlayer = ode(steps=1)\nintegrator = euler\n"
                                  "gradient = direct\n[model.o.f]\nlayer = batchnorm\n",
                                  3, image);
    block_field f = {.evals = 0};
    fit(s, &f, 2);
    assert_false(f.host.moves_state);
    assert_false(f.host.is_alone); /* a batch's moments are a collective */
    s->call.flags |= ODEON_CALL_UPDATE_STATE;
    fit(s, &f, 2);
    assert_true(f.host.moves_state);
    assert_ptr_equal(f.host.running.view.data, s->states);
    assert_int_equal(f.host.running.view.shape.dim[0], s->params.state);
    block_field_fini(&f, s->site.lane.device);
    small_net_close(s);
}

/* ---- the adjoint ---- */

/* Of one sample: y [2], a [2], theta [4], each at a multiple of 64 bytes. */
static void test_adjoint_lays_its_parts_out(void **state)
{
    (void)state;
    small_net *s = open_linear();
    block_field f = {.evals = 0};
    adjoint_field a = {.flags = 0};
    fit(s, &f, 1);
    assert_int_equal(adjoint_field_fit(&a, &f, body_of(s), 0, NULL), ODEON_OK);
    assert_int_equal(a.host.abi.n_parts, 3);
    assert_int_equal(a.parts[1].offset, 8);
    assert_string_equal(a.parts[1].name, "a");
    assert_string_equal(a.parts[2].name, "theta");
    assert_int_equal(a.parts[2].offset, 16);
    assert_int_equal(a.parts[2].n, 4);
    assert_int_equal(a.parts[2].flags, ODEON_PART_QUADRATURE | ODEON_PART_NO_NORM);
    assert_int_equal(a.host.abi.n, 20);
    assert_null(a.host.abi.vjp);
    assert_int_equal(a.host.frame_bytes, 0);
    assert_int_equal(a.used_bytes, (20 + 2) * 8);
    field_identity plain = a.host.identity;
    assert_int_equal(
        adjoint_field_fit(&a, &f, body_of(s), ODEON_AUGMENT_TIME | ODEON_AUGMENT_FULL, NULL),
        ODEON_OK);
    assert_int_equal(a.host.abi.n_parts, 4); /* one part a parameter tensor, and t_bar */
    assert_string_equal(a.parts[2].name, "t_bar");
    assert_int_equal(a.parts[2].offset, 16);
    assert_int_equal(a.parts[3].offset, 24);
    assert_int_equal(a.parts[3].flags, ODEON_PART_QUADRATURE | ODEON_PART_SHARED);
    assert_memory_not_equal(&a.host.identity, &plain, sizeof plain);
    adjoint_field_fini(&a, s->site.lane.device);
    assert_true(a.state.data == NULL && a.cotangent.data == NULL && a.time_bar.data == NULL);
    block_field_fini(&f, s->site.lane.device);
    small_net_close(s);
}

/* y' = W y, a' = -W^T a, theta' = -a y^T: gradients of the model are left alone. */
static void test_adjoint_is_that_of_chen(void **state)
{
    (void)state;
    small_net *s = open_linear();
    block_field f = {.evals = 0};
    adjoint_field a = {.flags = 0};
    double t0 = 0.0, z[20] = {0.0}, dz[20];
    odeon_tensor t = vector(&t0, 1), in = vector(z, 20), out = vector(dz, 20);
    fit(s, &f, 1);
    assert_int_equal(adjoint_field_fit(&a, &f, body_of(s), 0, NULL), ODEON_OK);
    z[0] = 1.0;
    z[1] = -2.0;
    z[8] = 3.0;
    z[9] = 5.0;
    assert_int_equal(field_eval(&a.host.abi, &t.view, &in.view, &out, NULL), ODEON_OK);
    assert_true(dz[0] == -3.0 && dz[1] == 5.0);
    assert_true(dz[8] == -(3.0 + 15.0) && dz[9] == -(6.0 - 5.0));
    assert_true(dz[16] == -3.0 && dz[17] == 6.0 && dz[18] == -5.0 && dz[19] == 10.0);
    const double *g = small_net_grads(s, "o.f.weight");
    assert_true(g[0] == 0.0 && g[3] == 0.0);
    assert_ptr_equal(body_of(s)->layers[0].grads[0].view.data, g); /* and bound as before */
    odeon_view theta = adjoint_field_theta(&a, &out.view);
    assert_ptr_equal(odeon_read(&theta), dz + 16);
    assert_int_equal(theta.shape.dim[0], 4);
    assert_int_equal(f.evals, 1);
    adjoint_field_fini(&a, s->site.lane.device);
    block_field_fini(&f, s->site.lane.device);
    small_net_close(s);
}

/* f = W y + c t with c the last column: t_bar' = -a . c. */
static void test_adjoint_of_time_is_a_part_of_its_own(void **state)
{
    (void)state;
    small_net *s = small_net_open("[model.o]\nlayer = ode(steps=1)\nintegrator = euler\n"
                                  "gradient = direct\n[model.o.f]\n"
                                  "layer = dense(units=2, bias=no, time=last)\n",
                                  1, two);
    static const double w[] = {1.0, 2.0, 10.0, 3.0, -1.0, 20.0};
    block_field f = {.evals = 0};
    adjoint_field a = {.flags = 0};
    double t0 = 0.0, z[32] = {0.0}, dz[32];
    memcpy(small_net_values(s, "o.f.weight"), w, sizeof w);
    fit(s, &f, 1);
    assert_int_equal(adjoint_field_fit(&a, &f, body_of(s), ODEON_AUGMENT_TIME, NULL), ODEON_OK);
    int64_t n = a.host.abi.n;
    odeon_tensor t = vector(&t0, 1), in = vector(z, n), out = vector(dz, n);
    assert_true(n <= 32);
    z[8] = 3.0;
    z[9] = 5.0;
    assert_int_equal(field_eval(&a.host.abi, &t.view, &in.view, &out, NULL), ODEON_OK);
    assert_true(dz[a.parts[2].offset] == -130.0);
    adjoint_field_fini(&a, s->site.lane.device);
    block_field_fini(&f, s->site.lane.device);
    small_net_close(s);
}

static void test_full_norm_has_room_for_so_many_tensors(void **state)
{
    (void)state;
    char *text = mem_printf("[model.o]\nlayer = ode(steps=1)\nintegrator = euler\n"
                            "gradient = direct\n[model.o.f]\n"
                            "layer = dense(units=2, bias=no)\nrepeat = %d\n",
                            ODEON_MAX_PARTS - 1);
    small_net *s = small_net_open(text, 1, two);
    block_field f = {.evals = 0};
    adjoint_field a = {.flags = 0};
    fit(s, &f, 1);
    diag_clear();
    assert_int_equal(adjoint_field_fit(&a, &f, body_of(s), ODEON_AUGMENT_FULL, NULL),
                     ODEON_ERR_UNSUPPORTED);
    assert_non_null(strstr(diag_message(), "too many for the full norm: use the seminorm"));
    diag_clear();
    assert_int_equal(adjoint_field_fit(&a, &f, body_of(s), 0, NULL), ODEON_OK);
    adjoint_field_fini(&a, s->site.lane.device);
    block_field_fini(&f, s->site.lane.device);
    small_net_close(s);
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_field_is_fitted_to_body_and_call),
        cmocka_unit_test(test_eval_and_vjp_are_those_of_the_body),
        cmocka_unit_test(test_identity_tells_calls_apart),
        cmocka_unit_test(test_calls_that_are_not_known_cannot_be_recorded),
        cmocka_unit_test(test_running_state_moves_only_where_it_may),
        cmocka_unit_test(test_adjoint_lays_its_parts_out),
        cmocka_unit_test(test_adjoint_is_that_of_chen),
        cmocka_unit_test(test_adjoint_of_time_is_a_part_of_its_own),
        cmocka_unit_test(test_full_norm_has_room_for_so_many_tensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
