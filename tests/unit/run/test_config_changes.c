#include "run/config_changes.h"

#include <stdio.h>
#include <string.h>

#include "support.h"

static const char then[] = "[run]\nname = a\nseed = 1\nepochs = 2\n\n[data]\nbatch = 4\n\n"
                           "[model.ode]\nlayer = ode\nspan = 0 1\n\n[train]\nlr = 0.01\n";

/* So many bytes; a character that follows is in the way of a cut at 40. */
#define THIRTY_NINE "0123456789 0123456789 0123456789 012345"

static void assert_changes(const char *now, const char *expected)
{
    text_buffer out = {0};
    config_changes(then, now, &out);
    assert_false(out.failed);
    assert_string_equal(out.data != NULL ? out.data : "", expected);
    text_fini(&out);
}

static void test_the_same_has_none(void **state)
{
    (void)state;
    assert_changes(then, "");
}

static void test_how_long_a_run_is_may_change(void **state)
{
    (void)state;
    assert_changes("[run]\nname = b\nseed = 1\niterations = 20\nlog_every = 3\n\n[data]\n"
                   "batch = 4\n\n[model.ode]\nlayer = ode\nspan = 0 1\n\n[train]\nlr = 0.01\n",
                   "");
    assert_true(config_may_change("run.epochs", strlen("run.epochs")));
    assert_false(config_may_change("run.epoch", strlen("run.epoch")));
    assert_false(config_may_change("run.epochs2", strlen("run.epochs2")));
    assert_false(config_may_change("run.seed", strlen("run.seed")));
}

static void test_others_are_named_with_both_values(void **state)
{
    (void)state;
    assert_changes("[run]\nname = a\nseed = 1\nepochs = 2\n\n[data]\nbatch = 2\n\n"
                   "[model.ode]\nlayer = ode\ntimes = 0 1\n\n[train]\nlr = 0.5\n",
                   "data.batch: 4, now 2; model.ode.span: 0 1, now not given; train.lr: 0.01, now "
                   "0.5; model.ode.times: not given, now 0 1");
    assert_changes("[run]\nname = a\nseed = 1\nepochs = 2\n\n[data]\nbatch = 4\n\n[train]\n"
                   "lr = 0.01\n",
                   "model.ode.layer: ode, now not given; model.ode.span: 0 1, now not given");
    assert_changes("[run]\nname = a\nseed = 1\nepochs = 2\n\n[data]\nbatch = 4\n\n"
                   "[model.ode]\nlayer = ode\nspan = " THIRTY_NINE
                   "\xc3\xa9\n\n[train]\nlr = 0.01\n",
                   "model.ode.span: 0 1, now " THIRTY_NINE "...");
}

/* A key of another section is not taken for that of its own. */
static void test_sections_keep_keys_apart(void **state)
{
    (void)state;
    assert_changes("[run]\nname = a\nseed = 1\nepochs = 2\nbatch = 4\n\n[data]\n\n"
                   "[model.ode]\nlayer = ode\nspan = 0 1\n\n[train]\nlr = 0.01\n",
                   "data.batch: 4, now not given; run.batch: not given, now 4");
}

static void test_many_are_counted(void **state)
{
    (void)state;
    text_buffer now = {0}, out = {0};
    text_add(&now, then);
    for (int i = 0; i < 11; i++) {
        text_printf(&now, "key%d = 1\n", i);
    }
    config_changes(then, now.data, &out);
    assert_non_null(strstr(out.data, "train.key0: not given, now 1; "));
    assert_non_null(strstr(out.data, "train.key7: not given, now 1; and 3 more"));
    assert_null(strstr(out.data, "key8"));
    text_fini(&now);
    text_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_has_none),
        cmocka_unit_test(test_how_long_a_run_is_may_change),
        cmocka_unit_test(test_others_are_named_with_both_values),
        cmocka_unit_test(test_sections_keep_keys_apart),
        cmocka_unit_test(test_many_are_counted),
    };
    return cmocka_run_group_tests_name("config_changes", tests, NULL, NULL);
}
