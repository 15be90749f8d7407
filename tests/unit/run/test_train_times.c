/* Where the time of a run goes, and that a run that goes on adds to it. */
#include "run/train_times.h"

#include <stdio.h>

#include "base/mem.h"
#include "run_fixture.h"
#include "support.h"

static void test_times_are_written_and_read_again(void **state)
{
    run_fixture *f = *state;
    run_dir *dir = run_fixture_create(&f->config);
    train_times times = {{0.0}}, read;
    for (int i = 0; i < TRAIN_PARTS; i++) {
        times.seconds[i] = 0.5 + i;
    }
    train_times_write(dir, &times);
    run_fixture_assert_contents("runs/trial/1/times.csv",
                                "part,seconds\ndata,0.500000\nforward,1.500000\n"
                                "backward,2.500000\nupdate,3.500000\ntest,4.500000\n"
                                "save,5.500000\naudit,6.500000\n");
    train_times_read(dir, &read);
    assert_memory_equal(&read, &times, sizeof times);
    assert_int_equal(run_dir_close(dir), ODEON_OK);
}

static void test_what_is_no_time_counts_as_none(void **state)
{
    run_fixture *f = *state;
    run_dir *dir = run_fixture_create(&f->config);
    train_times read = {{1.0}};
    train_times_read(dir, &read); /* there is no file yet */
    for (int i = 0; i < TRAIN_PARTS; i++) {
        assert_true(read.seconds[i] == 0.0);
    }
    FILE *file = fopen("runs/trial/1/times.csv", "w");
    assert_non_null(file);
    (void)fputs("part,seconds\nforward,-1\nbackward\nupdate,soon\nsleep,3\n,4\ntest,2", file);
    assert_int_equal(fclose(file), 0);
    train_times_read(dir, &read);
    for (int i = 0; i < TRAIN_PARTS; i++) {
        assert_true(read.seconds[i] == (i == TRAIN_TEST ? 2.0 : 0.0));
    }
    assert_int_equal(run_dir_close(dir), ODEON_OK);
}

/* Of a device that carries out its calls later, the parts of a step cannot be timed apart. */
static void test_a_step_of_a_device_apart_is_one_part(void **state)
{
    (void)state;
    const session_seconds step = {.data = 1.0, .forward = 2.0, .backward = 4.0, .update = 8.0};
    train_times here = {{0.0}}, apart = {{0.0}};
    train_times_add_step(&here, &step, false);
    train_times_add_step(&apart, &step, true);
    assert_true(here.seconds[TRAIN_DATA] == 1.0 && here.seconds[TRAIN_FORWARD] == 2.0);
    assert_true(here.seconds[TRAIN_BACKWARD] == 4.0 && here.seconds[TRAIN_UPDATE] == 8.0);
    assert_true(apart.seconds[TRAIN_DATA] == 1.0 && apart.seconds[TRAIN_FORWARD] == 14.0);
    assert_true(apart.seconds[TRAIN_BACKWARD] == 0.0 && apart.seconds[TRAIN_UPDATE] == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_times_are_written_and_read_again),
        WITH_FOLDER(test_what_is_no_time_counts_as_none),
        cmocka_unit_test(test_a_step_of_a_device_apart_is_one_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
