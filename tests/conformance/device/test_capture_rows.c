/* ODEON_DEVICE_CAPTURE: a loop of steps keeps what they began with and logs how they went, and
 * another walks back through it. */
#include <string.h>

#include "base/mem.h"
#include "odeon/device_ext.h"
#include "odeon/device_move.h"
#include "odeon/device_solver.h"
#include "steered_solve.h"

enum { ROWS = 60 };

/* What a solve by the host began its steps with and how they went; steps: those accepted. */
typedef struct history {
    double y[ROWS][STEERED_N], times[ROWS][2], log[ROWS][ODEON_LOG_COLUMNS];
    int64_t steps, trials;
} history;

static void remember(capture_fixture *f, const steered *s, history *out)
{
    double slots[ODEON_SLOTS] = {0};
    *out = (history){.steps = 0};
    while (slots[ODEON_SLOT_STOP] == 0.0 && out->trials < ROWS) {
        double *y = support_download(&f->d, &s->y.view), *row = out->log[out->trials];
        capture_check(f->ops->slots_read(f->queue, f->slots, ODEON_SLOT_T, 2, row));
        memcpy(out->y[out->steps], y, sizeof out->y[0]);
        memcpy(out->times[out->steps], row, sizeof out->times[0]);
        mem_free(y);
        steered_step(f, s);
        capture_check(f->ops->slots_read(f->queue, f->slots, 0, ODEON_SLOTS, slots));
        row[ODEON_LOG_ERROR] = slots[ODEON_SLOT_ERROR];
        row[ODEON_LOG_ACCEPT] = slots[ODEON_SLOT_ACCEPT];
        out->steps += slots[ODEON_SLOT_ACCEPT] != 0.0;
        out->trials++;
    }
}

static void assert_rows(capture_fixture *f, const odeon_view *x, int64_t rows, int64_t width,
                        const double *expected)
{
    double *values = support_download(&f->d, x);
    assert_memory_equal(values, expected, (size_t)(rows * width) * sizeof *values);
    mem_free(values);
}

static void check_rows(const char *device, double h)
{
    capture_fixture *f = capture_open(device, ODEON_DTYPE_F32),
                    *g = capture_open(device, ODEON_DTYPE_F32);
    steered host = steered_open(f), loop = steered_open_kept(g, ROWS);
    odeon_recording *recording = steered_record(g, &loop, STEERED_MOST_STEPS);
    history h_of_host;
    double done;
    steered_start(f, &host, h);
    remember(f, &host, &h_of_host);
    steered_start(g, &loop, h);
    capture_check(g->capture->replay(g->queue, recording));
    capture_check(g->ops->slots_read(g->queue, g->slots, ODEON_SLOT_DONE, 1, &done));
    assert_true(done == 1.0 && h_of_host.steps > 10 && h_of_host.trials < ROWS);
    assert_rows(g, &loop.states.view, h_of_host.steps, STEERED_N, h_of_host.y[0]);
    assert_rows(g, &loop.times.view, h_of_host.steps, 2, h_of_host.times[0]);
    assert_rows(g, &loop.log.view, h_of_host.trials, ODEON_LOG_COLUMNS, h_of_host.log[0]);
    g->capture->destroy(recording);
    steered_close(f, &host);
    steered_close(g, &loop);
    capture_close(f);
    capture_close(g);
}

/* From 2.5 with rejections. */
static void test_rows_hold_the_starts_of_accepted_steps(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        check_rows(capture_devices[i], 0.01);
        check_rows(capture_devices[i], 2.5);
    }
}

static void test_loop_stops_where_rows_are_full(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        capture_fixture *f = capture_open(capture_devices[i], ODEON_DTYPE_F64);
        steered s = steered_open_kept(f, 5);
        double slots[ODEON_SLOTS];
        s.control.log = NULL; /* which would be full as well */
        odeon_recording *recording = steered_record(f, &s, STEERED_MOST_STEPS);
        steered_start(f, &s, 0.01);
        capture_check(f->capture->replay(f->queue, recording));
        capture_check(f->ops->slots_read(f->queue, f->slots, 0, ODEON_SLOTS, slots));
        assert_true(slots[ODEON_SLOT_STEPS] == 5.0 && slots[ODEON_SLOT_DONE] == 0.0);
        f->capture->destroy(recording);
        steered_close(f, &s);
        capture_close(f);
    }
}

/* stage = H stage + the state of row ROW */
static void go_back(capture_fixture *f, const steered *s)
{
    const odeon_view *stage = &s->stage.view;
    const odeon_scalar by[] = {odeon_slot(1.0, ODEON_SLOT_H)};
    steered_move_row(f, s, &s->y1, true);
    capture_check(ODEON_DO(f->d.device, solver, lincomb, f->queue, .y = &s->stage,
                           .base = &s->y1.view, .n = 1, .x = &stage, .coefficient = by,
                           .slots = f->slots));
}

static void check_walk(const char *device)
{
    capture_fixture *f = capture_open(device, ODEON_DTYPE_F64);
    steered s = steered_open_kept(f, ROWS);
    odeon_recording *recording;
    double slots[ODEON_SLOTS], stop = 0.0;
    steered_start(f, &s, 2.5);
    steered_by_host(f, &s);
    capture_check(f->ops->slots_read(f->queue, f->slots, 0, ODEON_SLOTS, slots));
    assert_true(slots[ODEON_SLOT_DONE] == 1.0);
    capture_check(
        ODEON_DO(f->d.device, move, fill, f->queue, .y = &s.stage, .value = odeon_imm(0.5)));
    for (double row = slots[ODEON_SLOT_STEPS] - 1.0; row >= 0.0; row -= 1.0) {
        capture_check(ODEON_DO(f->d.device, solver, slots_write, f->queue, .slots = f->slots,
                               .first = ODEON_SLOT_ROW, .n = 1, .values = &row));
        go_back(f, &s);
    }
    double *expected = support_download(&f->d, &s.stage.view);
    capture_check(
        ODEON_DO(f->d.device, move, fill, f->queue, .y = &s.stage, .value = odeon_imm(0.5)));
    capture_check(f->capture->begin(f->queue));
    capture_check(f->capture->loop_begin(f->queue, f->slots, ODEON_SLOT_STOP, STEERED_MOST_STEPS));
    go_back(f, &s);
    capture_check(ODEON_DO(f->d.device, solver, step_back, f->queue, .slots = f->slots));
    capture_check(f->capture->loop_end(f->queue));
    capture_check(f->capture->end(f->queue, &recording));
    slots[ODEON_SLOT_STEPS] -= 1.0;
    capture_check(ODEON_DO(f->d.device, solver, slots_write, f->queue, .slots = f->slots,
                           .first = ODEON_SLOT_ROW, .n = 1, .values = slots + ODEON_SLOT_STEPS));
    capture_check(ODEON_DO(f->d.device, solver, slots_write, f->queue, .slots = f->slots,
                           .first = ODEON_SLOT_STOP, .n = 1, .values = &stop));
    capture_check(f->capture->replay(f->queue, recording));
    assert_rows(f, &s.stage.view, 1, STEERED_N, expected);
    mem_free(expected);
    f->capture->destroy(recording);
    steered_close(f, &s);
    capture_close(f);
}

static void test_looped_walk_back_visits_every_row(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        check_walk(capture_devices[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_hold_the_starts_of_accepted_steps),
        cmocka_unit_test(test_loop_stops_where_rows_are_full),
        cmocka_unit_test(test_looped_walk_back_visits_every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
