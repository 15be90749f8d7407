/* Where a block starts and what it leaves: vectors of a solve against input and output. */
#include "ode/outputs.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "small_net.h"

static void test_times_must_rise_or_fall_throughout(void **state)
{
    (void)state;
    static const double up[] = {0.0, 1.0, 3.0}, down[] = {3.0, 1.0, -1.0}, turn[] = {0.0, 2.0, 1.0},
                        back[] = {2.0, 0.0, 1.0}, twice[] = {0.0, 0.0}, late[] = {0.0, 1.0, 1.0},
                        none[] = {0.0, (double)NAN, 1.0};
    int32_t bad = 7;
    assert_true(times_are_monotone(3, up, &bad));
    assert_int_equal(bad, -1);
    assert_true(times_are_monotone(3, down, &bad));
    assert_true(times_are_monotone(1, up, &bad));
    assert_true(times_are_monotone(0, NULL, &bad));
    assert_false(times_are_monotone(3, turn, &bad));
    assert_int_equal(bad, 2);
    assert_false(times_are_monotone(3, back, &bad));
    assert_int_equal(bad, 2);
    assert_false(times_are_monotone(2, twice, &bad));
    assert_int_equal(bad, 1);
    assert_false(times_are_monotone(3, late, &bad));
    assert_int_equal(bad, 2);
    assert_false(times_are_monotone(3, none, &bad));
    assert_int_equal(bad, 1);
}

/* y' = y by a body that passes its argument on. */
#define BLOCK(options)                                                                             \
    "[model.o]\nlayer = ode(steps=60, " options ")\nintegrator = rk4\ngradient = direct\n"         \
    "[model.o.f]\nlayer = identity\n"

static const int64_t two[] = {2};

static const odeon_ode *block_of(const small_net *s)
{
    return s->site.odes[0];
}

static void test_end_alone_is_solved_in_place(void **state)
{
    (void)state;
    double x[] = {1.0, 2.0, 3.0, 4.0}, y[4], d_y[] = {1.0, 0.0, 0.0, 2.0}, d_x[4];
    small_net *s = small_net_open(BLOCK("span=0 1"), 1, two);
    const odeon_ode *ode = block_of(s);
    assert_int_equal(ode_time_count(ode), 2);
    small_net_forward(s, 2, x, y);
    for (int i = 0; i < 4; i++) {
        assert_true(fabs(y[i] - exp(1.0) * x[i]) < 1e-7 * x[i]);
    }
    assert_null(ode->outputs.rows.data); /* no vectors of its own */
    assert_int_equal(ode->outputs.used_bytes, 0);
    small_net_vjp(s, 2, d_y, d_x);
    assert_true(fabs(d_x[0] - exp(1.0)) < 1e-7 && fabs(d_x[3] - 2.0 * exp(1.0)) < 1e-7);
    assert_true(d_x[1] == 0.0 && d_x[2] == 0.0);
    small_net_close(s);
}

/* [B, T, ...] from one vector a time; samples interleave. */
static void test_all_times_are_rows_of_every_sample(void **state)
{
    (void)state;
    static const double times[] = {0.0, 0.5, 2.0};
    double x[] = {1.0, 2.0, 3.0, 4.0}, y[12], d_y[12] = {0.0}, d_x[4];
    small_net *s = small_net_open(BLOCK("times=0 0.5 2"), 1, two);
    assert_int_equal(s->net->out.ndim, 3);
    assert_int_equal(s->net->out.dim[1], 3);
    assert_int_equal(s->net->out.dim[2], 2);
    assert_int_equal(ode_time_count(block_of(s)), 3);
    small_net_forward(s, 2, x, y);
    for (int b = 0; b < 2; b++) {
        for (int t = 0; t < 3; t++) {
            for (int k = 0; k < 2; k++) {
                double expected = x[2 * b + k] * exp(times[t]);
                assert_true(fabs(y[(b * 3 + t) * 2 + k] - expected) < 1e-6 * expected);
            }
        }
    }
    d_y[(1 * 3 + 1) * 2 + 0] = 1.0; /* sample 1, t = 0.5, component 0 */
    d_y[(1 * 3 + 0) * 2 + 0] = 1.0; /* and the start itself */
    d_y[(0 * 3 + 2) * 2 + 1] = 1.0; /* sample 0, t = 2, component 1 */
    small_net_vjp(s, 2, d_y, d_x);
    assert_true(d_x[0] == 0.0 && d_x[3] == 0.0);
    assert_true(fabs(d_x[2] - 1.0 - exp(0.5)) < 1e-6 && fabs(d_x[1] - exp(2.0)) < 1e-5);
    small_net_close(s);
}

/* Of several states the first is where the solve starts; only it gets a cotangent. */
static void test_first_of_several_states_starts_the_solve(void **state)
{
    (void)state;
    static const int64_t states[] = {3, 2};
    double x[12], y[4], d_y[] = {1.0, 1.0, 1.0, 1.0}, d_x[12];
    small_net *s = small_net_open(BLOCK("span=0 1, initial=first"), 2, states);
    for (int i = 0; i < 12; i++) {
        x[i] = i + 1.0;
    }
    small_net_forward(s, 2, x, y);
    assert_non_null(block_of(s)->outputs.rows.data);
    assert_true(fabs(y[0] - exp(1.0)) < 1e-7 && fabs(y[1] - 2.0 * exp(1.0)) < 1e-6);
    assert_true(fabs(y[2] - 7.0 * exp(1.0)) < 1e-5 && fabs(y[3] - 8.0 * exp(1.0)) < 1e-5);
    small_net_vjp(s, 2, d_y, d_x);
    for (int i = 0; i < 12; i++) {
        bool is_first = i % 6 < 2;
        assert_true(is_first ? fabs(d_x[i] - exp(1.0)) < 1e-6 : d_x[i] == 0.0);
    }
    small_net_close(s);
}

/* A given start is that of every sample, and takes no cotangent. */
static void test_given_start_needs_no_input(void **state)
{
    (void)state;
    double x[] = {9.0, 9.0, 9.0, 9.0}, y[6], d_y[6] = {1.0, 1.0, 1.0, 1.0, 1.0, 1.0};
    double d_x[] = {5.0, 5.0, 5.0, 5.0};
    small_net *s = small_net_open(BLOCK("span=0 1, initial=1 2 3"), 1, two);
    assert_int_equal(s->net->out.dim[1], 3);
    small_net_forward(s, 2, x, y);
    for (int i = 0; i < 6; i++) {
        assert_true(fabs(y[i] - (i % 3 + 1) * exp(1.0)) < 1e-6);
    }
    small_net_vjp(s, 2, d_y, d_x);
    for (int i = 0; i < 4; i++) {
        assert_true(d_x[i] == 0.0);
    }
    small_net_forward(s, 2, x, y); /* a backward uses it up */
    small_net_vjp(s, 2, d_y, NULL);
    small_net_close(s);
}

static void test_start_is_the_input_or_the_first_vector(void **state)
{
    (void)state;
    double x[] = {1.0, 2.0}, y[4];
    const odeon_view in =
        odeon_view_at(x, (odeon_shape){.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {1, 2}});
    small_net *s = small_net_open(BLOCK("span=0 1"), 1, two);
    small_net_forward(s, 1, x, y);
    odeon_view start = ode_start(block_of(s), &in);
    assert_ptr_equal(start.data, x);
    assert_int_equal(start.shape.ndim, 1);
    assert_int_equal(start.shape.dim[0], 2);
    small_net_close(s);
    s = small_net_open(BLOCK("times=0 1"), 1, two);
    small_net_forward(s, 1, x, y);
    start = ode_start(block_of(s), &in);
    assert_ptr_equal(start.data, block_of(s)->outputs.y[0].view.data);
    assert_memory_equal(start.data, x, sizeof x);
    small_net_close(s);
}

/* Vectors begin at multiples of 64 bytes; memory grows with the batch and stays. */
static void test_vectors_are_fitted_to_the_batch(void **state)
{
    (void)state;
    double x[10] = {0.0}, y[30];
    int64_t live = mem_live_blocks();
    small_net *s = small_net_open(BLOCK("times=0 1 2"), 1, two);
    const ode_outputs *o = &block_of(s)->outputs;
    small_net_forward(s, 5, x, y);
    assert_int_equal((const char *)o->y[1].view.data - (const char *)o->y[0].view.data,
                     128); /* 80 bytes, rounded up */
    assert_int_equal(o->y[2].view.shape.dim[0], 10);
    assert_int_equal(o->used_bytes, 3 * 128 + 64);
    const char *data = o->rows.data;
    small_net_forward(s, 1, x, y);
    assert_ptr_equal(o->rows.data, data);
    assert_int_equal((const char *)o->y[1].view.data - (const char *)o->y[0].view.data, 64);
    small_net_close(s);
    assert_int_equal(mem_live_blocks(), live);
}

static void take_times_of_batch(net_site *site)
{
    site->n_times = 3;
}

static void test_times_of_the_batch_must_be_there_and_monotone(void **state)
{
    (void)state;
    double good[] = {0.0, 0.5, 1.0}, bad[] = {0.0, 0.5, 0.5}, x[] = {1.0, 2.0}, y[6];
    odeon_status status;
    small_net *s = small_net_try_with(BLOCK("times=batch"), 1, two, take_times_of_batch, &status);
    odeon_ode *ode = s->site.odes[0];
    assert_int_equal(status, ODEON_OK);
    small_net_bind(s);
    assert_int_equal(ode_times_fit(ode, &s->call, 1), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "o: the batch has no times"));
    diag_clear();
    s->fields.times = bad;
    assert_int_equal(ode_times_fit(ode, &s->call, 1), ODEON_ERR_DATA);
    assert_string_equal(diag_message(), "o: the batch's times must rise or fall throughout, but "
                                        "number 2 is 0.5 and number 3 is 0.5");
    diag_clear();
    s->fields.times = good;
    small_net_forward(s, 1, x, y);
    assert_true(fabs(y[2] - exp(0.5)) < 1e-8 && fabs(y[5] - 2.0 * exp(1.0)) < 1e-7);
    small_net_close(s);
}

static void test_no_dimension_may_be_left_for_times(void **state)
{
    (void)state;
    small_net *s = small_net_open(BLOCK("times=0 1 2"), 1, two);
    odeon_ode *ode = s->site.odes[0];
    odeon_shape in = ode->body->in, out;
    int32_t ndim = ode->body->in.ndim;
    in.dim[0] = 4;
    assert_int_equal(ode_output_shape(ode, &in, &out), ODEON_OK);
    assert_int_equal(out.ndim, 3);
    assert_int_equal(out.dim[0], 4);
    assert_int_equal(out.dim[1], 3);
    assert_int_equal(out.dim[2], 2);
    ode->body->in.ndim = ODEON_MAX_DIMS;
    diag_clear();
    assert_int_equal(ode_output_shape(ode, &in, &out), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "and so none is left for the times of the output"));
    ode->body->in.ndim = ndim;
    small_net_close(s);
}

static void test_lists_report_allocations_that_fail(void **state)
{
    (void)state;
    small_net *s = small_net_open(BLOCK("times=0 1 2"), 1, two);
    odeon_ode *ode = s->site.odes[0];
    for (int64_t n = 1; n <= 2; n++) { /* y, d_y */
        diag_clear();
        mem_fail_at(n);
        assert_int_equal(ode_times_fit(ode, &s->call, 1), ODEON_ERR_NOMEM);
        mem_fail_at(0);
        assert_string_equal(diag_message(), "o: no memory for its outputs");
        assert_int_equal(ode->outputs.capacity, 0);
    }
    diag_clear();
    assert_int_equal(ode_times_fit(ode, &s->call, 1), ODEON_OK);
    assert_int_equal(ode->outputs.capacity, 3);
    small_net_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_must_rise_or_fall_throughout),
        cmocka_unit_test(test_end_alone_is_solved_in_place),
        cmocka_unit_test(test_all_times_are_rows_of_every_sample),
        cmocka_unit_test(test_first_of_several_states_starts_the_solve),
        cmocka_unit_test(test_given_start_needs_no_input),
        cmocka_unit_test(test_start_is_the_input_or_the_first_vector),
        cmocka_unit_test(test_vectors_are_fitted_to_the_batch),
        cmocka_unit_test(test_times_of_the_batch_must_be_there_and_monotone),
        cmocka_unit_test(test_no_dimension_may_be_left_for_times),
        cmocka_unit_test(test_lists_report_allocations_that_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
