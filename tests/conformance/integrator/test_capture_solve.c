/* ODEON_DEVICE_CAPTURE: an adaptive solve is one launch, with the slots of a loop on the host, or
 * chunks of steps where loops cannot be recorded. */
#include "odeon/device_ext.h"
#include "odeon/device_solver.h"
#include "steered_solve.h"

static void check_loop(const char *device, uint32_t dtype, double h)
{
    capture_fixture *f = capture_open(device, dtype), *g = capture_open(device, dtype);
    steered host = steered_open(f), loop = steered_open(g);
    double of_host[ODEON_SLOTS], of_loop[ODEON_SLOTS];
    steered_start(f, &host, h);
    steered_by_host(f, &host);
    odeon_recording *recording = steered_record(g, &loop, STEERED_MOST_STEPS);
    steered_start(g, &loop, h);
    capture_counts before = capture_count(g);
    capture_check(g->capture->replay(g->queue, recording));
    capture_counts after = capture_count(g);
    capture_check(f->ops->slots_read(f->queue, f->slots, 0, ODEON_SLOTS, of_host));
    capture_check(g->ops->slots_read(g->queue, g->slots, 0, ODEON_SLOTS, of_loop));
    assert_memory_equal(of_loop, of_host, sizeof of_host);
    assert_true(of_loop[ODEON_SLOT_DONE] == 1.0 && of_loop[ODEON_SLOT_T] == STEERED_END);
    assert_true(of_loop[ODEON_SLOT_STEPS] > 10.0);
    capture_assert_same_bits(f, &host.y.view, g, &loop.y.view);
    assert_int_equal(after.launches - before.launches, 1);
    assert_int_equal(after.waits - before.waits, 0);
    assert_int_equal(after.allocs - before.allocs, 0);
    g->capture->destroy(recording);
    steered_close(f, &host);
    steered_close(g, &loop);
    capture_close(f);
    capture_close(g);
}

static void test_looped_solve_gives_the_slots_of_the_host_loop(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        check_loop(capture_devices[i], ODEON_DTYPE_F32, 0.01);
        check_loop(capture_devices[i], ODEON_DTYPE_F64, 0.01);
    }
}

/* A first step of 2.5 is far too long for the tolerance. */
static void test_looped_solve_rejects_as_the_host_loop(void **state)
{
    (void)state;
    capture_fixture *f = capture_open(capture_devices[0], ODEON_DTYPE_F64);
    steered s = steered_open(f);
    odeon_recording *recording = steered_record(f, &s, STEERED_MOST_STEPS);
    double rejects;
    steered_start(f, &s, 2.5);
    capture_check(f->capture->replay(f->queue, recording));
    capture_check(f->ops->slots_read(f->queue, f->slots, ODEON_SLOT_REJECTS, 1, &rejects));
    assert_true(rejects >= 1.0);
    f->capture->destroy(recording);
    steered_close(f, &s);
    capture_close(f);
    for (int i = 0; i < capture_n_devices(); i++) {
        check_loop(capture_devices[i], ODEON_DTYPE_F64, 2.5);
    }
}

/* Chunks of three steps, with a look after each. */
static void test_limited_loop_goes_on_where_it_stopped(void **state)
{
    (void)state;
    capture_fixture *f = capture_open(capture_devices[1], ODEON_DTYPE_F64),
                    *g = capture_open(capture_devices[1], ODEON_DTYPE_F64);
    steered host = steered_open(f), loop = steered_open(g);
    odeon_recording *recording = steered_record(g, &loop, 3);
    steered_start(f, &host, 0.01);
    steered_by_host(f, &host);
    steered_start(g, &loop, 0.01);
    double values[ODEON_SLOTS] = {0}, expected[ODEON_SLOTS];
    int64_t chunks = 0;
    for (; values[ODEON_SLOT_STOP] == 0.0 && chunks < STEERED_MOST_STEPS; chunks++) {
        capture_check(g->capture->replay(g->queue, recording));
        capture_check(g->ops->slots_read(g->queue, g->slots, 0, ODEON_SLOTS, values));
    }
    capture_check(f->ops->slots_read(f->queue, f->slots, 0, ODEON_SLOTS, expected));
    int64_t trials = (int64_t)(expected[ODEON_SLOT_STEPS] + expected[ODEON_SLOT_REJECTS]);
    assert_int_equal(chunks, (trials + 2) / 3);
    assert_memory_equal(values, expected, sizeof values);
    g->capture->destroy(recording);
    steered_close(f, &host);
    steered_close(g, &loop);
    capture_close(f);
    capture_close(g);
}

/* ---- without loops ---- */

enum { CHUNK = 4 };

/* Steps behind the end are idle: the state stays, and of the slots all that tell of the solve. */
static void check_chunks(const char *device)
{
    capture_fixture *f = capture_open(device, ODEON_DTYPE_F64),
                    *g = capture_open(device, ODEON_DTYPE_F64);
    steered host = steered_open(f), chunks = steered_open(g);
    odeon_recording *recording;
    double values[ODEON_SLOTS] = {0}, expected[ODEON_SLOTS];
    assert_null(g->capture->loop_begin);
    assert_null(g->capture->loop_end);
    capture_check(g->capture->begin(g->queue));
    for (int i = 0; i < CHUNK; i++) {
        steered_step(g, &chunks);
    }
    capture_check(g->capture->end(g->queue, &recording));
    steered_start(f, &host, 0.01);
    steered_by_host(f, &host);
    capture_check(f->ops->slots_read(f->queue, f->slots, 0, ODEON_SLOTS, expected));
    steered_start(g, &chunks, 0.01);
    int64_t trials = (int64_t)expected[ODEON_SLOT_TRIALS], passes = 0;
    assert_true(trials % CHUNK != 0); /* so that there are idle steps */
    for (; values[ODEON_SLOT_STOP] == 0.0 && passes < STEERED_MOST_STEPS; passes++) {
        capture_check(g->capture->replay(g->queue, recording));
        capture_check(g->ops->slots_read(g->queue, g->slots, 0, ODEON_SLOTS, values));
    }
    assert_int_equal(passes, trials / CHUNK + 1);
    assert_true(values[ODEON_SLOT_ACCEPT] == 0.0);
    values[ODEON_SLOT_ACCEPT] = expected[ODEON_SLOT_ACCEPT];
    assert_memory_equal(values, expected, ODEON_SLOT_USER * sizeof *values);
    capture_assert_same_bits(f, &host.y.view, g, &chunks.y.view);
    g->capture->destroy(recording);
    steered_close(f, &host);
    steered_close(g, &chunks);
    capture_close(f);
    capture_close(g);
}

static void test_chunks_give_the_state_of_the_host_loop(void **state)
{
    (void)state;
    check_chunks("remote(loops=no)");
    check_chunks("remote(late=yes, loops=no)");
}

static void test_counters_of_a_step_are_these(void **state)
{
    (void)state;
    capture_fixture *f = capture_open(capture_devices[0], ODEON_DTYPE_F32);
    steered s = steered_open(f);
    steered_start(f, &s, 0.01);
    capture_counts before = capture_count(f);
    steered_step(f, &s);
    capture_counts after = capture_count(f);
    assert_int_equal(after.launches - before.launches, STEERED_STEP_CALLS);
    assert_int_equal(after.waits - before.waits, 0);
    assert_int_equal(after.allocs - before.allocs, 0);
    steered_close(f, &s);
    capture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_looped_solve_gives_the_slots_of_the_host_loop),
        cmocka_unit_test(test_looped_solve_rejects_as_the_host_loop),
        cmocka_unit_test(test_limited_loop_goes_on_where_it_stopped),
        cmocka_unit_test(test_chunks_give_the_state_of_the_host_loop),
        cmocka_unit_test(test_counters_of_a_step_are_these),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
