#include "run/notes.h"

#include <stdlib.h>
#include <string.h>

#include "support_session.h"

#include "base/diag.h"
#include "base/mem.h"
#include "captured.h"
#include "folder.h"

enum { N = 4 };

/* Windows that count their times from their own start, and a field that may read them. */
#define WINDOWS(field)                                                                             \
    "[run]\nworkers = 1\n"                                                                         \
    "[data]\ndataset = measured(shape=2, label=2, times=3)\n"                                      \
    "[model.ode]\nlayer = ode(steps=2)\ntimes = batch\nintegrator = euler\ngradient = direct\n"    \
    "[model.ode.f]\nlayer = " field "dense(units=state)\n"                                         \
    "[model.head]\nlayer = flatten\nthen = dense(units=2)\n"                                       \
    "[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n"

#define CLASSES                                                                                    \
    "[run]\nworkers = 1\nepochs = 3\n"                                                             \
    "[data]\ndataset = drawn(shape=2, classes=2, length=8)\nbatch = 4\n"                           \
    "[model.head]\nlayer = dense(units=classes)\n"                                                 \
    "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.1)\n"

/* What is noted on a file; the caller frees it. */
static char *notes_of(const support_session *s, notes_use use, size_t expected)
{
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    assert_int_equal(notes_give(out, s->config, s->session, use), expected);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void assert_noted(const support_session *s, notes_use use, size_t n, const char *part)
{
    char *text = notes_of(s, use, n);
    if (n == 0) {
        assert_string_equal(text, "");
    } else if (strstr(text, part) == NULL) {
        fail_msg("'%s' does not say '%s'", text, part);
    }
    free(text);
}

static void test_a_plain_configuration_has_no_notes(void **state)
{
    (void)state;
    support_session s = support_session_open(CLASSES, N, NULL);
    assert_noted(&s, (notes_use){.data = true, .samples = 8, .trains = true}, 0, "");
    support_session_close(&s);
}

static void test_a_schedule_that_is_cut_short_is_noted(void **state)
{
    (void)state;
    const char *overrides[] = {"train.schedule=cosine(warmup=20)", NULL};
    support_session s = support_session_open(CLASSES, N, overrides);
    static const char part[] = "train.schedule = cosine: ";
    assert_noted(&s, (notes_use){.data = true, .samples = 8, .trains = true}, 1, part);
    assert_noted(&s, (notes_use){.data = true, .samples = 8}, 0, ""); /* nothing is trained */
    assert_noted(&s, (notes_use){.data = true, .samples = 80000, .trains = true}, 1, part);
    support_session_close(&s);
}

/* Of a run of so many steps nothing is known before the samples are counted. */
static void test_a_run_of_iterations_waits_for_its_samples(void **state)
{
    (void)state;
    const char *overrides[] = {"train.schedule=cosine(warmup=20)", "run.iterations=3", NULL};
    support_session s = support_session_open(CLASSES, N, overrides);
    assert_noted(&s, (notes_use){.data = true, .trains = true}, 0, "");
    assert_noted(&s, (notes_use){.data = true, .samples = 8, .trains = true}, 1, "cosine");
    support_session_close(&s);
}

static void test_keys_that_change_nothing_are_noted_as_warnings_too(void **state)
{
    (void)state;
    const char *overrides[] = {"model.ode.rtol=1e-5", NULL};
    support_session s = support_session_open(WINDOWS(""), N, overrides);
    captured said;
    assert_noted(&s, (notes_use){.data = false}, 1, "rtol");
    captured_start(&said);
    size_t n = notes_give(NULL, s.config, s.session, (notes_use){.data = false});
    captured_stop(&said);
    assert_int_equal(n, 1);
    assert_memory_equal(said.text, "odeon: warning: ", 16);
    assert_non_null(strstr(said.text, "rtol"));
    support_session_close(&s);
}

/* A field that reads t, over windows of a series that begins at t = 5: what it sees is not that. */
static void test_times_that_count_from_a_windows_start_are_noted(void **state)
{
    (void)state;
    static const char ini[] =
        "[run]\nworkers = 1\n"
        "[data]\ndataset = trajectories(source=csv(path=%s), values=a, window=10)\n"
        "[model.ode]\nlayer = ode(times=batch, initial=first)\nintegrator = rk4\nsteps = 1\n"
        "gradient = direct\n[model.ode.f]\nlayer = formula(equations=a' = -a*t)\n"
        "[train]\nloss = mse\noptimizer = sgd(lr=0.1)\n";
    folder f = folder_create();
    char *table = mem_printf("t,a\n");
    for (int i = 0; i < 30; i++) {
        char *longer = mem_printf("%s%g,%g\n", table, 5.0 + 0.1 * i, 0.5 * i);
        mem_free(table);
        table = longer;
    }
    folder_write(&f, "series.csv", table, strlen(table));
    mem_free(table);
    char *text = mem_printf(ini, folder_file(&f, "series.csv"));
    support_session s = support_session_open(text, N, NULL);
    assert_noted(&s, (notes_use){.data = true, .samples = 3}, 1,
                 "ode.f: layer formula reads t, and windows start at t = 0: data set trajectories "
                 "counts the times of a sample from its first row");
    assert_noted(&s, (notes_use){.data = true, .samples = 1}, 0, ""); /* there is no other */
    assert_noted(&s, (notes_use){.data = false, .samples = 3}, 0, "");
    support_session_close(&s);
    mem_free(text);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_configuration_has_no_notes),
        cmocka_unit_test(test_a_schedule_that_is_cut_short_is_noted),
        cmocka_unit_test(test_a_run_of_iterations_waits_for_its_samples),
        cmocka_unit_test(test_times_that_count_from_a_windows_start_are_noted),
        cmocka_unit_test(test_keys_that_change_nothing_are_noted_as_warnings_too),
    };
    return cmocka_run_group_tests_name("notes", tests, NULL, NULL);
}
