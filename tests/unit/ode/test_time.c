/* Is time fine enough for layers that round it. */
#include "ode/time.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "captured.h"
#include "small_net.h"

static const int64_t two[] = {2};

#define BLOCK(steps, span)                                                                         \
    "[model.o]\nlayer = ode(span=" span ", " steps ")\nintegrator = rk4\ngradient = direct\n"

/* What is written while the block is made. */
static char *open_and_close(const char *text)
{
    captured c;
    captured_start(&c);
    small_net *s = small_net_open(text, 1, two);
    captured_stop(&c);
    small_net_close(s);
    return mem_strdup(c.text);
}

static odeon_ode *block_of(const small_net *s)
{
    return s->site.odes[0];
}

static void test_innermost_layer_that_rounds_is_found(void **state)
{
    (void)state;
    small_net *s =
        small_net_open(BLOCK("steps=2", "0 1") "[model.o.r]\nlayer = residual\n"
                                               "[model.o.r.x]\nlayer = dense(units=2, time=last)\n",
                       1, two);
    assert_string_equal(block_of(s)->rounds_t->path, "o.r.x");
    block_of(s)->rounds_t = NULL;
    ode_time_init(block_of(s));
    assert_string_equal(block_of(s)->rounds_t->path, "o.r.x");
    small_net_close(s);
    s = small_net_open(BLOCK("steps=2", "0 1") "[model.o.x]\nlayer = dense(units=2)\n", 1, two);
    assert_null(block_of(s)->rounds_t);
    small_net_close(s);
}

/* Doubles near 1e14 lie up to 1e14 * 2^-52 = 0.022 apart. */
static void test_times_far_from_zero_are_warned_of_once(void **state)
{
    (void)state;
    captured c;
    small_net *s = small_net_open(
        BLOCK("steps=1", "0 1") "[model.o.x]\nlayer = dense(units=2, time=last)\n", 1, two);
    captured_start(&c);
    ode_time_check(block_of(s), 1e14, 1e14 + 1.0, 0.0);
    captured_stop(&c);
    assert_non_null(strstr(c.text, "o: layer o.x takes the time as float64, whose numbers near t = "
                                   "1e+14 lie up to 2.2e-02 apart: more than a thousandth of the "
                                   "span (1); count time from the start or in larger units"));
    assert_null(strstr(c.text, "run.dtype"));
    assert_null(block_of(s)->rounds_t);
    captured_start(&c);
    ode_time_check(block_of(s), 1e14, 1e14 + 1.0, 0.0);
    captured_stop(&c);
    assert_string_equal(c.text, "");
    small_net_close(s);
}

/* Exactly a thousandth is fine; of span and step the smaller counts, whatever its sign. */
static void test_a_thousandth_of_the_step_is_the_limit(void **state)
{
    (void)state;
    captured c;
    small_net *s = small_net_open(
        BLOCK("steps=1", "0 1") "[model.o.x]\nlayer = dense(units=2, time=last)\n", 1, two);
    captured_start(&c);
    ode_time_check(block_of(s), -1e9, 0.0, 0.0);
    ode_time_check(block_of(s), 0.0, 1e9, 1.0);
    ode_time_check(block_of(s), 0.0, 1e9, -1.0);
    ode_time_check(block_of(s), 0.0, 1e9, 1e-3); /* 2.2e-7 apart */
    captured_stop(&c);
    assert_string_equal(c.text, "");
    captured_start(&c);
    ode_time_check(block_of(s), 0.0, -1e9, -1e-4);
    captured_stop(&c);
    assert_non_null(strstr(c.text, "more than a thousandth of a step (0.0001)"));
    small_net_close(s);
}

static void test_workers_but_the_first_are_silent(void **state)
{
    (void)state;
    captured c;
    small_net *s = small_net_open(
        BLOCK("steps=1", "0 1") "[model.o.x]\nlayer = dense(units=2, time=last)\n", 1, two);
    s->group.abi.rank = 1;
    captured_start(&c);
    ode_time_check(block_of(s), 1e14, 1e14 + 1.0, 0.0);
    captured_stop(&c);
    s->group.abi.rank = 0;
    assert_string_equal(c.text, "");
    small_net_close(s);
}

/* Steps that are known beforehand are checked when the block is made. */
static void test_known_steps_are_checked_beforehand(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {BLOCK("steps=4", "0 1"), ""},
        {BLOCK("steps=100000000", "1e6 1000001"), "a step (1e-08)"},
        {BLOCK("step_size=1e-8", "1e6 1000001"), "a step (1e-08)"},
        {BLOCK("steps=1", "1e14 100000000000001"), "the span (1)"},
        {"[model.o]\nlayer = ode(span=1e6 1000001)\nintegrator = tsit5\ngradient = direct\n", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text =
            mem_printf("%s[model.o.x]\nlayer = dense(units=2, time=last)\n", cases[i].text);
        char *said = open_and_close(text);
        if (cases[i].words[0] == '\0' ? said[0] != '\0' : strstr(said, cases[i].words) == NULL) {
            fail_msg("%zu: '%s'", i, said);
        }
        mem_free(said);
        mem_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_innermost_layer_that_rounds_is_found),
        cmocka_unit_test(test_times_far_from_zero_are_warned_of_once),
        cmocka_unit_test(test_a_thousandth_of_the_step_is_the_limit),
        cmocka_unit_test(test_workers_but_the_first_are_silent),
        cmocka_unit_test(test_known_steps_are_checked_beforehand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
