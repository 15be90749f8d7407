/* What a block offers to its gradient method. */
#include "ode/services.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device_solver.h"
#include "plugin/calling.h"
#include "small_net.h"

static const int64_t two[] = {2};

/* y' = W y with W = diag(1, 1). */
static small_net *open_growth(void)
{
    static const double w[] = {1.0, 0.0, 0.0, 1.0};
    small_net *s = small_net_open("[model.o]\nlayer = ode(span=0 1, steps=40)\nintegrator = rk4\n"
                                  "gradient = direct\n[model.o.f]\n"
                                  "layer = dense(units=2, bias=no)\n",
                                  1, two);
    double x[] = {1.0, 2.0}, y[2];
    memcpy(small_net_values(s, "o.f.weight"), w, sizeof w);
    small_net_forward(s, 1, x, y); /* fits the block to a batch of one */
    return s;
}

/* As a method calls it. */
static odeon_status solve(odeon_ode *ode, const odeon_field *field, int32_t n_times,
                          const double *times, uint32_t keep, const odeon_tensor *y)
{
    const odeon_gradient_solve call = {.struct_size = sizeof call,
                                       .keep = keep,
                                       .field = field,
                                       .times = times,
                                       .n_times = n_times,
                                       .y = y};
    return ode->services.solve(ode, &call);
}

static odeon_tensor vector(double *data, int64_t n)
{
    return odeon_tensor_at(data, (odeon_shape){.ndim = 1, .dtype = ODEON_DTYPE_F64, .dim = {n}});
}

static void test_solve_and_reverse_are_the_blocks(void **state)
{
    (void)state;
    small_net *s = open_growth();
    odeon_ode *ode = s->site.odes[0];
    const odeon_solve_services *v = &ode->services;
    double times[] = {0.0, 1.0}, a[] = {1.0, 2.0}, b[2], c[] = {1.0, 0.0}, d[2];
    odeon_tensor y[] = {vector(a, 2), vector(b, 2)}, d_y0 = vector(d, 2);
    const odeon_view d_y[] = {{.shape.ndim = 1}, vector(c, 2).view};
    ode->forward_stats = solve_stats_none();
    ode->field.call.flags |= ODEON_CALL_UPDATE_STATE;
    assert_int_equal(solve(ode, &ode->field.host.abi, 2, times, ODEON_KEEP_FRAMES, y), ODEON_OK);
    assert_true(fabs(b[0] - exp(1.0)) < 1e-6 && fabs(b[1] - 2.0 * exp(1.0)) < 1e-6);
    assert_int_equal(ode->forward_stats.accepted, 40);
    assert_int_equal(solve(ode, &ode->field.host.abi, 2, times, ODEON_KEEP_FRAMES, y), ODEON_OK);
    assert_int_equal(ode->forward_stats.accepted, 80); /* of the pass */
    assert_true(fabs(ode->forward_stats.h_min - 0.025) < 1e-15);
    const odeon_gradient_reverse all = {
        .struct_size = sizeof all, .tape = &ode->tape, .last = 40, .d_y = d_y, .d_start = &d_y0};
    assert_int_equal(v->reverse(ode, &all), ODEON_OK);
    assert_true(fabs(d[0] - exp(1.0)) < 1e-6 && d[1] == 0.0);
    assert_int_equal(ode->field.call.flags & ODEON_CALL_UPDATE_STATE, 0);
    small_net_close(s);
}

static void test_times_of_a_solve_must_be_monotone(void **state)
{
    (void)state;
    small_net *s = open_growth();
    odeon_ode *ode = s->site.odes[0];
    double times[] = {0.0, 1.0, 0.5}, a[2] = {0.0};
    odeon_tensor y[] = {vector(a, 2), vector(a, 2), vector(a, 2)};
    diag_clear();
    assert_int_equal(solve(ode, &ode->field.host.abi, 3, times, ODEON_KEEP_NONE, y),
                     ODEON_ERR_PLUGIN);
    assert_string_equal(diag_message(), "o: gradient direct solves through times that do not rise "
                                        "or fall throughout");
    diag_clear();
    assert_int_equal(solve(ode, &ode->field.host.abi, 1, times, ODEON_KEEP_NONE, y),
                     ODEON_ERR_PLUGIN); /* a start alone */
    small_net_close(s);
}

static void test_only_the_blocks_own_field_is_served(void **state)
{
    (void)state;
    small_net *s = open_growth();
    odeon_ode *ode = s->site.odes[0];
    const odeon_solve_services *v = &ode->services;
    odeon_field other = ode->field.host.abi;
    const odeon_field *out;
    odeon_tensor state_of;
    other.self = s;
    diag_clear();
    double times[] = {0.0, 1.0};
    assert_int_equal(solve(ode, &other, 2, times, ODEON_KEEP_NONE, NULL), ODEON_ERR_UNSUPPORTED);
    assert_string_equal(diag_message(),
                        "o: only the block's own field and its adjoint can be solved");
    diag_clear();
    assert_int_equal(v->augment(ode, &other, 0, NULL, &out, &state_of), ODEON_ERR_UNSUPPORTED);
    assert_string_equal(diag_message(), "o: this augmented field cannot be made yet");
    diag_clear();
    calling outer = calling_begin(ode->gradient, "backward");
    odeon_status status = v->augment(ode, &ode->field.host.abi, 1 << 9, NULL, &out, &state_of);
    calling_leave(outer);
    assert_int_equal(status, ODEON_ERR_PLUGIN);
    assert_non_null(strstr(diag_message(), "backward: it sets flag bits that this host does not "
                                           "know: 0x200 in flags"));
    diag_clear();
    assert_int_equal(v->add_theta(ode, &other, &state_of.view), ODEON_ERR_UNSUPPORTED);
    assert_string_equal(diag_message(), "o: not the augmented field of this block");
    small_net_close(s);
}

/* The augmented state starts at 0, and what it has gathered is added to the gradients. */
static void test_augmented_state_gives_its_gradients_back(void **state)
{
    (void)state;
    small_net *s = open_growth();
    odeon_ode *ode = s->site.odes[0];
    const odeon_field *field;
    odeon_tensor z;
    assert_int_equal(ode->services.augment(ode, &ode->field.host.abi, 0, NULL, &field, &z),
                     ODEON_OK);
    assert_ptr_equal(field, &ode->adjoint.host.abi);
    assert_int_equal(z.view.shape.dim[0], field->n);
    double *values = odeon_write(&z), *g = small_net_grads(s, "o.f.weight");
    for (int64_t i = 0; i < field->n; i++) {
        assert_true(values[i] == 0.0);
    }
    values[ode->adjoint.theta_offset] = 3.0;
    values[ode->adjoint.theta_offset + 3] = 4.0;
    g[0] = 10.0;
    assert_int_equal(ode->services.add_theta(ode, field, &z.view), ODEON_OK);
    assert_true(g[0] == 13.0 && g[1] == 0.0 && g[3] == 4.0);
    assert_int_equal(ode->services.augment(ode, &ode->field.host.abi, 0, NULL, &field, &z),
                     ODEON_OK);
    assert_true(values[ode->adjoint.theta_offset] == 0.0);
    /* where all workers hold the same sum, it counts once */
    assert_int_equal(
        ode->services.augment(ode, &ode->field.host.abi, ODEON_AUGMENT_FULL, NULL, &field, &z),
        ODEON_OK);
    ((double *)odeon_write(&z))[ode->adjoint.theta_offset] = 1.0;
    s->group.abi.rank = 1;
    assert_int_equal(ode->services.add_theta(ode, field, &z.view), ODEON_OK);
    assert_true(g[0] == 13.0);
    s->group.abi.rank = 0;
    assert_int_equal(ode->services.add_theta(ode, field, &z.view), ODEON_OK);
    assert_true(g[0] == 14.0);
    small_net_close(s);
}

static void test_solves_of_the_adjoint_are_counted_apart(void **state)
{
    (void)state;
    small_net *s = open_growth();
    odeon_ode *ode = s->site.odes[0];
    const odeon_field *field;
    double times[] = {1.0, 0.0};
    odeon_tensor z;
    ode->forward_stats = ode->backward_stats = solve_stats_none();
    assert_int_equal(ode->services.augment(ode, &ode->field.host.abi, 0, NULL, &field, &z),
                     ODEON_OK);
    odeon_tensor y[] = {z, z};
    double *a = (double *)odeon_write(&z) + ode->adjoint.parts[1].offset;
    a[0] = 1.0;
    assert_int_equal(solve(ode, field, 2, times, ODEON_KEEP_NONE, y), ODEON_OK);
    assert_int_equal(ode->backward_stats.accepted, 40);
    assert_int_equal(ode->forward_stats.accepted, 0);
    assert_int_equal(solver_stats(ode->backward).accepted, 40);
    assert_true(fabs(a[0] - exp(1.0)) < 1e-6); /* a' = -a, backward */
    small_net_close(s);
}

/* Of a solve that keeps states: sizes, states, a stretch made again, and the same gradient. */
static void test_tape_is_that_of_the_last_solve(void **state)
{
    (void)state;
    small_net *s = open_growth();
    odeon_ode *ode = s->site.odes[0];
    const odeon_solve_services *v = &ode->services;
    double times[] = {0.0, 1.0}, a[] = {1.0, 2.0}, b[2], c[] = {1.0, 0.0}, d[2];
    odeon_tensor y[] = {vector(a, 2), vector(b, 2)}, d_y0 = vector(d, 2);
    const odeon_view d_y[] = {{.shape.ndim = 1}, vector(c, 2).view};
    odeon_tape_info info = {.struct_size = sizeof info};
    odeon_tape_step step = {.struct_size = sizeof step};
    const odeon_gradient_solve kept = {.struct_size = sizeof kept,
                                       .keep = ODEON_KEEP_STATES,
                                       .field = &ode->field.host.abi,
                                       .times = times,
                                       .n_times = 2,
                                       .y = y,
                                       .keep_every = 25};
    assert_int_equal(v->solve(ode, &kept), ODEON_OK);
    assert_int_equal(v->tape_info(ode, &ode->tape, &info), ODEON_OK);
    assert_true(info.n_steps == 40 && info.keep == ODEON_KEEP_STATES && info.keep_every == 25);
    assert_int_equal(v->tape_step(ode, &ode->tape, 25, &step), ODEON_OK);
    assert_true(fabs(step.t - 0.625) < 1e-15 && fabs(step.h - 0.025) < 1e-15);
    assert_true(fabs(((const double *)odeon_read(&step.y))[0] - exp(0.625)) < 1e-6);
    assert_int_equal(v->tape_step(ode, &ode->tape, 26, &step), ODEON_OK);
    assert_null(step.y.data);
    odeon_gradient_reverse r = {.struct_size = sizeof r, .tape = &ode->tape, .d_y = d_y};
    r.first = 25;
    r.last = 40;
    ode->field.call.flags |= ODEON_CALL_UPDATE_STATE;
    assert_int_equal(v->replay(ode, &ode->tape, 25, 40), ODEON_OK);
    assert_int_equal(ode->field.call.flags & ODEON_CALL_UPDATE_STATE, 0);
    assert_int_equal(v->reverse(ode, &r), ODEON_OK);
    r.first = 0;
    r.last = 25;
    r.d_start = &d_y0;
    assert_int_equal(v->replay(ode, &ode->tape, 0, 25), ODEON_OK);
    assert_int_equal(v->reverse(ode, &r), ODEON_OK);
    assert_true(fabs(d[0] - exp(1.0)) < 1e-6 && d[1] == 0.0);
    diag_clear();
    assert_int_equal(v->dense(ode, &ode->tape, 0.5, &d_y0), ODEON_ERR_UNSUPPORTED);
    assert_string_equal(diag_message(), "o: no dense output of the solve is kept");
    small_net_close(s);
}

static void test_copy_and_add(void **state)
{
    (void)state;
    small_net *s = open_growth();
    odeon_ode *ode = s->site.odes[0];
    double a[] = {1.0, 2.0}, b[] = {10.0, 20.0};
    odeon_tensor x = vector(a, 2), y = vector(b, 2);
    assert_int_equal(ode->services.add(ode, &x.view, &y), ODEON_OK);
    assert_true(b[0] == 11.0 && b[1] == 22.0 && a[0] == 1.0);
    assert_int_equal(ode->services.copy(ode, &x.view, &y), ODEON_OK);
    assert_true(b[0] == 1.0 && b[1] == 2.0);
    assert_int_equal(ode->services.copy(ode, &x.view, &x), ODEON_OK); /* they may be the same */
    assert_true(a[1] == 2.0);
    small_net_close(s);
}

/* ---- measures ---- */

/* Gives the block's slots a place, as the session does. */
static void put_slots(small_net *s, odeon_ode *ode, double *slots)
{
    (void)s;
    memset(slots, 0, ODEON_SLOTS * sizeof *slots);
    ode->measured = slots;
}

static void test_share_is_a_ratio_of_norms(void **state)
{
    (void)state;
    small_net *s = open_growth();
    odeon_ode *ode = s->site.odes[0];
    double slots[ODEON_SLOTS], a[] = {3.0, 4.0}, b[] = {3.0, 14.0};
    odeon_tensor y0 = vector(a, 2), y = vector(b, 2);
    put_slots(s, ode, slots);
    ode->has_share = false;
    ode->n_drifts = 0;
    assert_false(ode_is_measured(ode));
    assert_int_equal(ode_measure_share(ode, &y.view, &y0.view), ODEON_OK);
    assert_true(ode_is_measured(ode));
    assert_true(slots[0] == 100.0 && slots[1] == 25.0);
    ode_take_measures(ode, slots);
    assert_true(ode->counters.share == 2.0);
    assert_false(ode_is_measured(ode)); /* taken once */
    small_net_close(s);
}

static void test_largest_drift_counts_and_nan_wins(void **state)
{
    (void)state;
    small_net *s = open_growth();
    odeon_ode *ode = s->site.odes[0];
    double slots[ODEON_SLOTS], a[] = {3.0, 4.0}, b[] = {3.0, 5.0}, c[] = {3.0, 9.0};
    odeon_tensor y0 = vector(a, 2), near = vector(b, 2), far = vector(c, 2);
    put_slots(s, ode, slots);
    ode->drift = 0.0;
    ode->has_share = false;
    ode->n_drifts = 0;
    ode->counters.share = -1.0;
    assert_int_equal(ode->services.drift(ode, &far.view, &y0.view), ODEON_OK);
    assert_int_equal(ode->services.drift(ode, &near.view, &y0.view), ODEON_OK);
    assert_int_equal(ode->n_drifts, 2);
    ode_take_measures(ode, slots);
    assert_true(ode->counters.drift == 1.0 && ode->counters.share == -1.0);
    c[0] = (double)NAN;
    assert_int_equal(ode->services.drift(ode, &far.view, &y0.view), ODEON_OK);
    assert_int_equal(ode->services.drift(ode, &near.view, &y0.view), ODEON_OK);
    ode_take_measures(ode, slots);
    assert_true(isnan(ode->counters.drift));
    small_net_close(s);
}

/* More drifts than there are slots: those so far are read on the way. */
static void test_drifts_beyond_the_slots_are_not_lost(void **state)
{
    (void)state;
    small_net *s = open_growth();
    odeon_ode *ode = s->site.odes[0];
    double slots[ODEON_SLOTS], a[] = {3.0, 4.0}, b[] = {3.0, 9.0}, c[] = {3.0, 5.0};
    odeon_tensor y0 = vector(a, 2), far = vector(b, 2), near = vector(c, 2);
    put_slots(s, ode, slots);
    ode->drift = 0.0;
    ode->has_share = false;
    ode->n_drifts = 0;
    assert_int_equal(ode->services.drift(ode, &far.view, &y0.view), ODEON_OK);
    for (int i = 1; i < ODEON_SLOTS; i++) {
        assert_int_equal(ode->services.drift(ode, &near.view, &y0.view), ODEON_OK);
    }
    assert_true(ode->n_drifts < ODEON_SLOTS / 2);
    ode_take_measures(ode, slots);
    assert_true(ode->counters.drift == 1.0);
    small_net_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_solve_and_reverse_are_the_blocks),
        cmocka_unit_test(test_times_of_a_solve_must_be_monotone),
        cmocka_unit_test(test_only_the_blocks_own_field_is_served),
        cmocka_unit_test(test_augmented_state_gives_its_gradients_back),
        cmocka_unit_test(test_solves_of_the_adjoint_are_counted_apart),
        cmocka_unit_test(test_tape_is_that_of_the_last_solve),
        cmocka_unit_test(test_copy_and_add),
        cmocka_unit_test(test_share_is_a_ratio_of_norms),
        cmocka_unit_test(test_largest_drift_counts_and_nan_wins),
        cmocka_unit_test(test_drifts_beyond_the_slots_are_not_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
