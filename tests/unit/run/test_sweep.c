#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "base/mem.h"
#include "run/sweep.h"

static sweep make_plan(size_t n, const char *const *arguments, size_t draw)
{
    sweep s;
    diag_clear();
    if (sweep_plan("conf/x.ini", n, arguments, draw, NULL, &s) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return s;
}

static void test_folders_are_named_after_values(void **state)
{
    (void)state;
    sweep s = make_plan(3, (const char *const[]){"m.rtol=1e-3|1e-4", "a.b=c", "run.seed=1..2"}, 0);
    static const char *const names[] = {"rtol=1e-3,seed=1", "rtol=1e-3,seed=2", "rtol=1e-4,seed=1",
                                        "rtol=1e-4,seed=2"};
    assert_string_equal(s.folder, "sweeps/x");
    assert_int_equal(s.n, 4);
    for (size_t i = 0; i < s.n; i++) {
        assert_string_equal(s.runs[i].name, names[i]);
    }
    assert_string_equal(s.runs[3].path, "sweeps/x/rtol=1e-4,seed=2");
    assert_string_equal(s.runs[3].overrides[0], "m.rtol=1e-4");
    assert_string_equal(s.runs[3].overrides[1], "a.b=c");
    assert_string_equal(s.runs[3].overrides[2], "run.seed=2");
    assert_string_equal(s.runs[3].overrides[3], "run.out=sweeps/x/rtol=1e-4,seed=2");
    sweep_fini(&s);
    s = make_plan(0, NULL, 0);
    assert_int_equal(s.n, 1);
    assert_string_equal(s.runs[0].name, "run");
    sweep_fini(&s);
}

/* Values that a file's name cannot have, and those that are too long, still have folders of their
 * own; keys that end alike are written out. */
static void test_names_never_meet(void **state)
{
    (void)state;
    sweep s = make_plan(1, (const char *const[]){"a=x/y|x:y|x_y"}, 0);
    assert_int_equal(s.n, 3);
    assert_int_equal(strncmp(s.runs[0].name, "a=x_y~", 6), 0);
    assert_int_equal(strncmp(s.runs[1].name, "a=x_y~", 6), 0);
    assert_string_not_equal(s.runs[0].name, s.runs[1].name);
    assert_string_equal(s.runs[2].name, "a=x_y");
    sweep_fini(&s);
    s = make_plan(2, (const char *const[]){"m.a.units=1|2", "m.b.units=1|2"}, 0);
    assert_string_equal(s.runs[1].name, "m.a.units=1,m.b.units=2");
    sweep_fini(&s);
    char text[400] = "a=1|";
    memset(text + 4, 'x', 300);
    s = make_plan(1, (const char *const[]){text}, 0);
    assert_true(strlen(s.runs[1].name) < 200);
    sweep_fini(&s);
}

/* With all their seeds, and those of a smaller number among those of a larger. */
static void test_drawn_combinations_grow(void **state)
{
    (void)state;
    static const char *const arguments[] = {"a=1..6", "run.seed=1..3", "b=1..2"};
    for (size_t draw = 1; draw <= 12; draw++) {
        sweep few = make_plan(3, arguments, draw), more = make_plan(3, arguments, draw + 1);
        assert_int_equal(few.n, 3 * draw);
        assert_int_equal(more.n, draw < 12 ? 3 * (draw + 1) : 36);
        for (size_t i = 0; i < few.n; i++) {
            bool found = false;
            for (size_t k = 0; k < more.n; k++) {
                found |= strcmp(few.runs[i].name, more.runs[k].name) == 0;
            }
            assert_true(found);
        }
        sweep_fini(&few);
        sweep_fini(&more);
    }
}

static void add_figure(sweep_run *run, const char *name, double value)
{
    run->record.figures[run->record.n_figures++] =
        (run_figure){.name = mem_strdup(name), .value = value};
}

static void finish(sweep_run *run, double accuracy)
{
    run->has_record = true;
    run->record = (run_status){.state = RUN_FINISHED, .seconds = 2.0};
    run->record.figures = mem_zalloc(2, sizeof *run->record.figures);
    add_figure(run, "test_loss", 1.0 - accuracy);
    add_figure(run, "accuracy", accuracy);
}

static void test_the_table_has_means_best_first_and_reasons_last(void **state)
{
    (void)state;
    sweep s = make_plan(2, (const char *const[]){"a=x|y|z", "run.seed=1..2"}, 0);
    const double accuracy[] = {0.5, 0.75, 0.75, 1.0};
    char text[1024] = "";
    table t = {0};
    for (size_t i = 0; i < 4; i++) {
        finish(&s.runs[i], accuracy[i]);
    }
    s.runs[4].status = ODEON_ERR_NUMERIC;
    s.runs[4].reason = mem_strdup("it broke");
    assert_int_equal(sweep_finished(&s), 4);
    assert_int_equal(sweep_table(&s, &t), ODEON_OK);
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_int_equal(table_print(&t, TABLE_CSV, out), ODEON_OK);
    (void)fclose(out);
    assert_string_equal(text,
                        "a,runs,test_loss,test_loss_deviation,accuracy,accuracy_deviation,seconds,"
                        "seconds_deviation,state,folder,reason\n"
                        "y,2,0.125,0.1767766952966369,0.875,0.1767766952966369,2,0,finished,a=y,\n"
                        "x,2,0.375,0.1767766952966369,0.625,0.1767766952966369,2,0,finished,a=x,\n"
                        "z,1,,,,,,,failed,\"a=z,seed=1\",it broke\n"
                        "z,1,,,,,,,waiting,\"a=z,seed=2\",\n");
    table_fini(&t);
    sweep_fini(&s);
}

static void test_what_cannot_be_swept_is_refused(void **state)
{
    (void)state;
    sweep s;
    const char *own[] = {"run.out=a|b"};
    assert_int_equal(sweep_plan("x.ini", 1, own, 0, NULL, &s), ODEON_ERR_CONFIG);
    sweep_fini(&s);
    diag_clear();
}

static void test_failed_allocations_leave_nothing(void **state)
{
    (void)state;
    static const char *const arguments[] = {"a=1|2", "run.seed=7..9"};
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t n = 0, before = mem_live_blocks();
    while (status != ODEON_OK) {
        sweep s;
        diag_clear();
        mem_fail_at(++n);
        status = sweep_plan("x.ini", 2, arguments, 1, NULL, &s);
        mem_fail_at(0);
        sweep_fini(&s);
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        assert_int_equal(mem_live_blocks(), before);
    }
    assert_true(n > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folders_are_named_after_values),
        cmocka_unit_test(test_names_never_meet),
        cmocka_unit_test(test_drawn_combinations_grow),
        cmocka_unit_test(test_the_table_has_means_best_first_and_reasons_last),
        cmocka_unit_test(test_what_cannot_be_swept_is_refused),
        cmocka_unit_test(test_failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
