/* Integrals along the path of a block, against closed forms. */
#include "ode/quadrature.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "ode/integrals.h"
#include "ode/ode.h"
#include "small_net.h"

static const int64_t two[] = {2};

/* y' = -y, of which the integral of |y'|^2 from 0 to T is (1 - exp(-2 T)) / 2 |y0|^2. */
#define DECAY(options)                                                                             \
    "[model.o]\nlayer = ode\nintegrator = dopri5\ngradient = direct\nrtol = 1e-10\n"               \
    "atol = 1e-10\n" options "[model.o.f]\nlayer = scale(factor=-1)\n"
#define FIXED(method)                                                                              \
    "[model.o]\nlayer = ode(steps=3)\nintegrator = " method "\ngradient = direct\n"                \
    "[model.o.f]\nlayer = scale(factor=-1)\n" KINETIC
#define KINETIC "[model.o.e]\nlayer = kinetic\n"

static const double start[] = {1.0, -2.0, 0.5, 3.0};

/* Of sample i, by the block's own vector at the last time. */
static double integral(const small_net *s, int32_t k, int64_t i)
{
    odeon_view x = ode_integral(s->site.odes[0], k);
    assert_int_equal(x.shape.dim[0], 2);
    return ((const double *)odeon_read(&x))[i];
}

static double expected(int64_t i, double end)
{
    const double *y = start + 2 * i;
    return (1.0 - exp(-2.0 * end)) / 2.0 * (y[0] * y[0] + y[1] * y[1]);
}

static void assert_near(double value, double wanted, double relative)
{
    if (!(fabs(value - wanted) <= relative * fabs(wanted))) {
        fail_msg("%.17g, expected %.17g", value, wanted);
    }
}

static void test_closed_form(void **state)
{
    (void)state;
    double y[4];
    small_net *s = small_net_open(DECAY("span = 0 1.5\n") KINETIC, 1, two);
    small_net_forward(s, 2, start, y);
    for (int64_t i = 0; i < 2; i++) {
        assert_near(integral(s, 0, i), expected(i, 1.5), 2e-9);
    }
    assert_near(y[1], -2.0 * exp(-1.5), 1e-9);
    small_net_close(s);
}

/* Time that falls: |dt| counts, so that the integral stays positive. */
static void test_falling_time(void **state)
{
    (void)state;
    double y[4];
    small_net *s = small_net_open(DECAY("span = 1.5 0\n") KINETIC, 1, two);
    small_net_forward(s, 2, start, y);
    assert_near(integral(s, 0, 1), -expected(1, -1.5), 2e-9);
    small_net_close(s);
}

/* Wherever the start comes from and whatever is given out. */
static void test_ways_of_starting_and_giving_out(void **state)
{
    (void)state;
    static const char *const blocks[] = {DECAY("times = 0 0.25 1 1.5\n") KINETIC,
                                         DECAY("span = 0 1.5\ninitial = 1 -2\n") KINETIC,
                                         DECAY("times = 0 1.5\ninitial = 1 -2\n") KINETIC,
                                         DECAY("span = 0 1.5\nend = interpolate\n") KINETIC};
    double y[16];
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        small_net *s = small_net_open(blocks[i], 1, two);
        small_net_forward(s, 2, start, y);
        assert_near(integral(s, 0, 0), expected(0, 1.5), 2e-8);
        small_net_close(s);
    }
}

/* Two layers of one name, one of them within a container: their integrands add up. */
static void test_layers_of_one_name_add_up(void **state)
{
    (void)state;
    double y[4];
    small_net *s = small_net_open(
        DECAY("span = 0 1.5\n") "[model.o.n]\nlayer = chain\n[model.o.n.id]\nlayer = identity\n"
                                "[model.o.n.e]\nlayer = kinetic\n" KINETIC,
        1, two);
    small_net_forward(s, 2, start, y);
    assert_int_equal(s->site.odes[0]->integrals.n, 1);
    assert_int_equal(s->site.odes[0]->integrals.n_terms, 2);
    assert_near(integral(s, 0, 1), 2.0 * expected(1, 1.5), 2e-9);
    small_net_close(s);
}

typedef struct outcome {
    double y[4];
    ode_counters counters;
} outcome;

static outcome solve(const char *ini)
{
    outcome out;
    small_net *s = small_net_open(ini, 1, two);
    small_net_forward(s, 2, start, out.y);
    out.counters = s->site.odes[0]->counters;
    small_net_close(s);
    return out;
}

/* Unless they are to count in the norm, integrals leave steps and state as they are, to the bit. */
static void test_steps_stay_as_they_are(void **state)
{
    (void)state;
    outcome without = solve(DECAY("span = 0 1.5\n")), with = solve(DECAY("span = 0 1.5\n") KINETIC);
    outcome counted = solve(DECAY("span = 0 1.5\ncount_integrals = yes\n") KINETIC);
    assert_memory_equal(with.y, without.y, sizeof with.y);
    assert_int_equal(with.counters.accepted, without.counters.accepted);
    assert_int_equal(with.counters.evals_forward, without.counters.evals_forward);
    assert_true(with.counters.h_min == without.counters.h_min);
    assert_true(counted.counters.h_min != without.counters.h_min);
}

static void assert_refused(const char *ini, const char *message)
{
    odeon_status status;
    small_net *s = small_net_try(ini, 1, two, &status);
    assert_int_equal(status, ODEON_ERR_CONFIG);
    assert_string_equal(diag_message(), message);
    small_net_close(s);
}

static void test_what_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_refused(
        "[model.e]\nlayer = kinetic\n",
        "e: layer kinetic integrates along the path of an ODE block: it belongs into the "
        "body of one");
    static const char *const ways[][2] = {
        {DECAY("step = sample\n") KINETIC,
         "o: step = sample takes no integrals along the path, such as kinetic (integrator dopri5)"},
        {FIXED("rk4") "[model.o.stiff]\nlayer = scale(factor=-2)\n",
         "o: a field with a stiff term takes no integrals along the path, such as kinetic "
         "(integrator rk4)"},
        {FIXED("kvaerno3"), "o: an integrator that solves equations takes no integrals along the "
                            "path, such as kinetic (integrator kvaerno3)"},
        {FIXED("bdf2"), "o: an integrator that solves equations takes no integrals along the path, "
                        "such as kinetic (integrator bdf2)"},
        {FIXED("leapfrog"), "o: an integrator of parts of the state takes no integrals along the "
                            "path, such as kinetic (integrator leapfrog)"}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        assert_refused(ways[i][0], ways[i][1]);
    }
}

static void test_integrals_are_found_by_name(void **state)
{
    (void)state;
    small_net *s = small_net_open(DECAY("span = 0 1.5\n") KINETIC, 1, two);
    const odeon_ode *ode = s->site.odes[0];
    assert_int_equal(ode_find_integral(ode, "o.kinetic"), 0);
    assert_int_equal(ode_find_integral(ode, "kinetic"), -1);
    assert_int_equal(ode_find_integral(ode, "o.kinetics"), -1);
    assert_int_equal(ode_find_integral(ode, "o2.kinetic"), -1);
    small_net_close(s);
}

/* y, then the integral at the next multiple of 64 bytes. */
static void test_parts_of_the_state(void **state)
{
    (void)state;
    double y[4];
    small_net *s = small_net_open(DECAY("span = 0 1.5\n") KINETIC, 1, two);
    small_net_forward(s, 2, start, y);
    const odeon_field *f = &s->site.odes[0]->field.host.abi;
    assert_int_equal(f->n_parts, 2);
    assert_string_equal(f->parts[1].name, "kinetic");
    assert_int_equal(f->parts[1].offset, 8);
    assert_int_equal(f->parts[1].n, 2);
    assert_int_equal(f->parts[1].rows, 2);
    assert_int_equal(f->parts[1].n_global, 2);
    assert_int_equal(f->parts[1].flags, ODEON_PART_QUADRATURE | ODEON_PART_NO_NORM);
    assert_int_equal(f->n, 10);
    assert_int_equal(f->flags & ODEON_FIELD_LINEAR, 0);
    small_net_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_form),
        cmocka_unit_test(test_falling_time),
        cmocka_unit_test(test_ways_of_starting_and_giving_out),
        cmocka_unit_test(test_layers_of_one_name_add_up),
        cmocka_unit_test(test_steps_stay_as_they_are),
        cmocka_unit_test(test_what_cannot_be_is_refused),
        cmocka_unit_test(test_integrals_are_found_by_name),
        cmocka_unit_test(test_parts_of_the_state),
    };
    return cmocka_run_group_tests_name("quadrature", tests, NULL, NULL);
}
