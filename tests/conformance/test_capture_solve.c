/* ODEON_DEVICE_CAPTURE: an adaptive solve is one launch, with the slots of a loop on the host; so
 * is the walk back through what it kept. */
#include <math.h>
#include <string.h>

#include "capture_fixture.h"
#include "mem.h"

enum { N = 5, STAGES = 3, MANY_STEPS = 1000 };
static const double end = 3.0;

/* y' = t - y^2, y >= 0, by Bogacki and Shampine's pair of orders 3 and 2, the last stage left out
 * of the next step. All that steers it lies in slots; ACCEPT selects which state goes on. */
typedef struct solve {
    odeon_control control;
    odeon_tensor y, y1, stage, k[STAGES + 1];
    odeon_tensor states, times, log; /* rows of y, of T and H; where control.rows is not 0 */
} solve;

static solve open_solve(capture_fixture *f)
{
    static const int64_t dim[] = {N};
    solve s = {.control = {.struct_size = sizeof s.control,
                           .n_parts = 1,
                           .count = {N},
                           .rtol = 1e-5,
                           .atol = 1e-7,
                           .safety = 0.9,
                           .factor_min = 0.2,
                           .factor_max = 5.0,
                           .factor_max_first = 5.0,
                           .factor_min_accept = 0.2,
                           .beta = {1.0 / 3.0, 0.0, 0.0},
                           .beta_reject = 1.0 / 3.0,
                           .history_start = 1e-4,
                           .history_floor = 1e-4,
                           .steady_low = 1.0,
                           .steady_high = 1.0,
                           .h_max = HUGE_VAL,
                           .start_exponent = 1.0 / 3.0},
               .y = capture_tensor(f, 11, 1, dim),
               .y1 = capture_tensor(f, 12, 1, dim),
               .stage = capture_tensor(f, 13, 1, dim)};
    for (int i = 0; i <= STAGES; i++) {
        s.k[i] = capture_tensor(f, 14, 1, dim);
    }
    capture_check(f->ops->unary(f->queue, ODEON_UNARY_ABS, &s.y, &s.y));
    return s;
}

/* Keeps what up to rows steps begin with, and logs up to as many. */
static solve open_kept_solve(capture_fixture *f, int64_t rows)
{
    solve s = open_solve(f);
    s.states = support_upload(&f->d, NULL, 2, (int64_t[]){rows, N});
    s.times = support_upload_as(&f->d, ODEON_DTYPE_F64, NULL, 2, (int64_t[]){rows, 2});
    s.log =
        support_upload_as(&f->d, ODEON_DTYPE_F64, NULL, 2, (int64_t[]){rows, ODEON_LOG_COLUMNS});
    s.control.rows = s.control.log_rows = rows;
    s.control.log = s.log.data;
    return s;
}

static void close_solve(capture_fixture *f, solve *s)
{
    if (s->control.rows > 0) {
        support_release(&f->d, &s->states);
        support_release(&f->d, &s->times);
        support_release(&f->d, &s->log);
    }
    support_release(&f->d, &s->y);
    support_release(&f->d, &s->y1);
    support_release(&f->d, &s->stage);
    for (int i = 0; i <= STAGES; i++) {
        support_release(&f->d, &s->k[i]);
    }
}

/* k[i] = slots[STAGE_T + i] - y^2 */
static void evaluate(capture_fixture *f, const solve *s, int32_t i, const odeon_tensor *y)
{
    const odeon_tensor time = {
        .data = f->slots + ODEON_SLOT_STAGE_T + i, .dtype = ODEON_DTYPE_F64, .ndim = 1, .dim = {1}};
    capture_check(f->ops->rows_fill(f->queue, &s->k[i], 1, N, N, 0, &time));
    capture_check(f->ops->unary(f->queue, ODEON_UNARY_SQUARE, y, &s->stage));
    capture_check(f->ops->binary(f->queue, ODEON_BINARY_SUB, &s->k[i], &s->stage, &s->k[i]));
}

/* to = y + H sum of a[j] k[j] */
static void combine(capture_fixture *f, const solve *s, int32_t n, const double *a,
                    const odeon_tensor *to)
{
    const odeon_tensor *terms[STAGES + 1];
    odeon_scalar coefficients[STAGES + 1];
    for (int32_t j = 0; j < n; j++) {
        terms[j] = &s->k[j];
        coefficients[j] = odeon_slot(a[j], ODEON_SLOT_H);
    }
    capture_check(f->ops->lincomb(f->queue, to, &s->y, n, terms, coefficients, f->slots));
}

/* T and H as a tensor. */
static odeon_tensor t_and_h(const capture_fixture *f)
{
    return (odeon_tensor){
        .data = f->slots + ODEON_SLOT_T, .dtype = ODEON_DTYPE_F64, .ndim = 1, .dim = {2}};
}

/* The state and T and H, to a row or back. */
static void move_row(capture_fixture *f, const solve *s, const odeon_tensor *y, bool load)
{
    const odeon_tensor times = t_and_h(f);
    const odeon_tensor *now[] = {y, &times}, *rows[] = {&s->states, &s->times};
    capture_check(load ? f->ops->row_load(f->queue, 2, rows, now, f->slots, ODEON_SLOT_ROW)
                       : f->ops->row_store(f->queue, 2, now, rows, f->slots, ODEON_SLOT_STEPS));
}

enum { STEP_CALLS = 1 + 3 + 3 * 4 + 3 };

/* One trial step, without a look at its outcome. */
static void try_step(capture_fixture *f, const solve *s)
{
    static const double c[] = {0.0, 0.5, 0.75, 1.0}, a2[] = {0.5}, a3[] = {0.0, 0.75},
                        b[] = {2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0},
                        e[] = {-5.0 / 72.0, 1.0 / 12.0, 1.0 / 9.0, -1.0 / 8.0};
    const odeon_tensor *terms[STAGES + 1], *from[] = {&s->y1}, *to[] = {&s->y};
    odeon_scalar error[STAGES + 1];
    for (int i = 0; i <= STAGES; i++) {
        terms[i] = &s->k[i];
        error[i] = odeon_slot(e[i], ODEON_SLOT_H);
    }
    capture_check(f->ops->stage_times(f->queue, STAGES + 1, c, f->slots));
    evaluate(f, s, 0, &s->y);
    combine(f, s, 1, a2, &s->y1);
    evaluate(f, s, 1, &s->y1);
    combine(f, s, 2, a3, &s->y1);
    evaluate(f, s, 2, &s->y1);
    combine(f, s, 3, b, &s->y1);
    evaluate(f, s, 3, &s->y1);
    capture_check(f->ops->error_sum(f->queue, &s->control, &s->y, &s->y1, STAGES + 1, terms, error,
                                    f->slots, ODEON_SLOT_ERROR_SUM));
    if (s->control.rows > 0) {
        move_row(f, s, &s->y, false);
    }
    capture_check(f->ops->step_control(f->queue, &s->control, f->slots));
    capture_check(f->ops->select(f->queue, 1, from, to, f->slots, ODEON_SLOT_ACCEPT));
}

static void start(capture_fixture *f, const solve *s, double h)
{
    const double first[] = {0.0, h}, end_and_reach[] = {end, end};
    capture_check(f->ops->slots_write(f->queue, f->slots, ODEON_SLOT_T, 2, first));
    capture_check(f->ops->slots_write(f->queue, f->slots, ODEON_SLOT_END, 2, end_and_reach));
    capture_check(f->ops->step_start(f->queue, &s->control, 3, f->slots));
}

static void solve_by_host(capture_fixture *f, const solve *s)
{
    double stop = 0.0;
    for (int i = 0; i < MANY_STEPS && stop == 0.0; i++) {
        try_step(f, s);
        capture_check(f->ops->slots_read(f->queue, f->slots, ODEON_SLOT_STOP, 1, &stop));
    }
}

static odeon_recording *record_solve(capture_fixture *f, const solve *s, int64_t passes)
{
    odeon_recording *recording;
    capture_check(f->capture->begin(f->queue));
    capture_check(f->capture->loop_begin(f->queue, f->slots, ODEON_SLOT_STOP, passes));
    try_step(f, s);
    capture_check(f->capture->loop_end(f->queue));
    capture_check(f->capture->end(f->queue, &recording));
    return recording;
}

static void check_loop(const char *device, int32_t dtype, double h)
{
    capture_fixture *f = capture_open(device, dtype), *g = capture_open(device, dtype);
    solve host = open_solve(f), loop = open_solve(g);
    double of_host[ODEON_SLOTS], of_loop[ODEON_SLOTS];
    start(f, &host, h);
    solve_by_host(f, &host);
    odeon_recording *recording = record_solve(g, &loop, MANY_STEPS);
    start(g, &loop, h);
    capture_counts before = capture_count(g);
    capture_check(g->capture->replay(g->queue, recording));
    capture_counts after = capture_count(g);
    capture_check(f->ops->slots_read(f->queue, f->slots, 0, ODEON_SLOTS, of_host));
    capture_check(g->ops->slots_read(g->queue, g->slots, 0, ODEON_SLOTS, of_loop));
    assert_memory_equal(of_loop, of_host, sizeof of_host);
    assert_true(of_loop[ODEON_SLOT_DONE] == 1.0 && of_loop[ODEON_SLOT_T] == end);
    assert_true(of_loop[ODEON_SLOT_STEPS] > 10.0);
    capture_assert_same_bits(f, &host.y, g, &loop.y);
    assert_int_equal(after.launches - before.launches, 1);
    assert_int_equal(after.waits - before.waits, 0);
    assert_int_equal(after.allocs - before.allocs, 0);
    g->capture->destroy(recording);
    close_solve(f, &host);
    close_solve(g, &loop);
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
    solve s = open_solve(f);
    odeon_recording *recording = record_solve(f, &s, MANY_STEPS);
    double rejects;
    start(f, &s, 2.5);
    capture_check(f->capture->replay(f->queue, recording));
    capture_check(f->ops->slots_read(f->queue, f->slots, ODEON_SLOT_REJECTS, 1, &rejects));
    assert_true(rejects >= 1.0);
    f->capture->destroy(recording);
    close_solve(f, &s);
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
    solve host = open_solve(f), loop = open_solve(g);
    odeon_recording *recording = record_solve(g, &loop, 3);
    start(f, &host, 0.01);
    solve_by_host(f, &host);
    start(g, &loop, 0.01);
    double values[ODEON_SLOTS] = {0}, expected[ODEON_SLOTS];
    int64_t chunks = 0;
    for (; values[ODEON_SLOT_STOP] == 0.0 && chunks < MANY_STEPS; chunks++) {
        capture_check(g->capture->replay(g->queue, recording));
        capture_check(g->ops->slots_read(g->queue, g->slots, 0, ODEON_SLOTS, values));
    }
    capture_check(f->ops->slots_read(f->queue, f->slots, 0, ODEON_SLOTS, expected));
    int64_t trials = (int64_t)(expected[ODEON_SLOT_STEPS] + expected[ODEON_SLOT_REJECTS]);
    assert_int_equal(chunks, (trials + 2) / 3);
    assert_memory_equal(values, expected, sizeof values);
    g->capture->destroy(recording);
    close_solve(f, &host);
    close_solve(g, &loop);
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
    solve host = open_solve(f), chunks = open_solve(g);
    odeon_recording *recording;
    double values[ODEON_SLOTS] = {0}, expected[ODEON_SLOTS];
    assert_null(g->capture->loop_begin);
    assert_null(g->capture->loop_end);
    capture_check(g->capture->begin(g->queue));
    for (int i = 0; i < CHUNK; i++) {
        try_step(g, &chunks);
    }
    capture_check(g->capture->end(g->queue, &recording));
    start(f, &host, 0.01);
    solve_by_host(f, &host);
    capture_check(f->ops->slots_read(f->queue, f->slots, 0, ODEON_SLOTS, expected));
    start(g, &chunks, 0.01);
    int64_t trials = (int64_t)expected[ODEON_SLOT_TRIALS], passes = 0;
    assert_true(trials % CHUNK != 0); /* so that there are idle steps */
    for (; values[ODEON_SLOT_STOP] == 0.0 && passes < MANY_STEPS; passes++) {
        capture_check(g->capture->replay(g->queue, recording));
        capture_check(g->ops->slots_read(g->queue, g->slots, 0, ODEON_SLOTS, values));
    }
    assert_int_equal(passes, trials / CHUNK + 1);
    assert_true(values[ODEON_SLOT_ACCEPT] == 0.0);
    values[ODEON_SLOT_ACCEPT] = expected[ODEON_SLOT_ACCEPT];
    assert_memory_equal(values, expected, ODEON_SLOT_USER * sizeof *values);
    capture_assert_same_bits(f, &host.y, g, &chunks.y);
    g->capture->destroy(recording);
    close_solve(f, &host);
    close_solve(g, &chunks);
    capture_close(f);
    capture_close(g);
}

static void test_chunks_give_the_state_of_the_host_loop(void **state)
{
    (void)state;
    check_chunks("remote(loops=no)");
    check_chunks("remote(late=yes, loops=no)");
}

/* ---- rows ---- */

enum { ROWS = 60 };

/* What a solve by the host began its steps with and how they went; steps: those accepted. */
typedef struct history {
    double y[ROWS][N], times[ROWS][2], log[ROWS][ODEON_LOG_COLUMNS];
    int64_t steps, trials;
} history;

static void remember(capture_fixture *f, const solve *s, history *out)
{
    double slots[ODEON_SLOTS] = {0};
    *out = (history){.steps = 0};
    while (slots[ODEON_SLOT_STOP] == 0.0 && out->trials < ROWS) {
        double *y = support_download(&f->d, &s->y), *row = out->log[out->trials];
        capture_check(f->ops->slots_read(f->queue, f->slots, ODEON_SLOT_T, 2, row));
        memcpy(out->y[out->steps], y, sizeof out->y[0]);
        memcpy(out->times[out->steps], row, sizeof out->times[0]);
        mem_free(y);
        try_step(f, s);
        capture_check(f->ops->slots_read(f->queue, f->slots, 0, ODEON_SLOTS, slots));
        row[ODEON_LOG_ERROR] = slots[ODEON_SLOT_ERROR];
        row[ODEON_LOG_ACCEPT] = slots[ODEON_SLOT_ACCEPT];
        out->steps += slots[ODEON_SLOT_ACCEPT] != 0.0;
        out->trials++;
    }
}

static void assert_rows(capture_fixture *f, const odeon_tensor *x, int64_t rows, int64_t width,
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
    solve host = open_solve(f), loop = open_kept_solve(g, ROWS);
    odeon_recording *recording = record_solve(g, &loop, MANY_STEPS);
    history h_of_host;
    double done;
    start(f, &host, h);
    remember(f, &host, &h_of_host);
    start(g, &loop, h);
    capture_check(g->capture->replay(g->queue, recording));
    capture_check(g->ops->slots_read(g->queue, g->slots, ODEON_SLOT_DONE, 1, &done));
    assert_true(done == 1.0 && h_of_host.steps > 10 && h_of_host.trials < ROWS);
    assert_rows(g, &loop.states, h_of_host.steps, N, h_of_host.y[0]);
    assert_rows(g, &loop.times, h_of_host.steps, 2, h_of_host.times[0]);
    assert_rows(g, &loop.log, h_of_host.trials, ODEON_LOG_COLUMNS, h_of_host.log[0]);
    g->capture->destroy(recording);
    close_solve(f, &host);
    close_solve(g, &loop);
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
        solve s = open_kept_solve(f, 5);
        odeon_recording *recording = record_solve(f, &s, MANY_STEPS);
        double slots[ODEON_SLOTS];
        s.control.log = NULL;
        start(f, &s, 0.01);
        capture_check(f->capture->replay(f->queue, recording));
        capture_check(f->ops->slots_read(f->queue, f->slots, 0, ODEON_SLOTS, slots));
        assert_true(slots[ODEON_SLOT_STEPS] == 5.0 && slots[ODEON_SLOT_DONE] == 0.0);
        f->capture->destroy(recording);
        close_solve(f, &s);
        capture_close(f);
    }
}

/* stage = H stage + the state of row ROW */
static void go_back(capture_fixture *f, const solve *s)
{
    const odeon_tensor *stage = &s->stage;
    const odeon_scalar by[] = {odeon_slot(1.0, ODEON_SLOT_H)};
    move_row(f, s, &s->y1, true);
    capture_check(f->ops->lincomb(f->queue, &s->stage, &s->y1, 1, &stage, by, f->slots));
}

static void check_walk(const char *device)
{
    capture_fixture *f = capture_open(device, ODEON_DTYPE_F64);
    solve s = open_kept_solve(f, ROWS);
    odeon_recording *recording;
    double slots[ODEON_SLOTS], stop = 0.0;
    start(f, &s, 2.5);
    solve_by_host(f, &s);
    capture_check(f->ops->slots_read(f->queue, f->slots, 0, ODEON_SLOTS, slots));
    assert_true(slots[ODEON_SLOT_DONE] == 1.0);
    capture_check(f->ops->fill(f->queue, &s.stage, odeon_imm(0.5), NULL));
    for (double row = slots[ODEON_SLOT_STEPS] - 1.0; row >= 0.0; row -= 1.0) {
        capture_check(f->ops->slots_write(f->queue, f->slots, ODEON_SLOT_ROW, 1, &row));
        go_back(f, &s);
    }
    double *expected = support_download(&f->d, &s.stage);
    capture_check(f->ops->fill(f->queue, &s.stage, odeon_imm(0.5), NULL));
    capture_check(f->capture->begin(f->queue));
    capture_check(f->capture->loop_begin(f->queue, f->slots, ODEON_SLOT_STOP, MANY_STEPS));
    go_back(f, &s);
    capture_check(f->ops->step_back(f->queue, f->slots));
    capture_check(f->capture->loop_end(f->queue));
    capture_check(f->capture->end(f->queue, &recording));
    slots[ODEON_SLOT_STEPS] -= 1.0;
    capture_check(
        f->ops->slots_write(f->queue, f->slots, ODEON_SLOT_ROW, 1, slots + ODEON_SLOT_STEPS));
    capture_check(f->ops->slots_write(f->queue, f->slots, ODEON_SLOT_STOP, 1, &stop));
    capture_check(f->capture->replay(f->queue, recording));
    assert_rows(f, &s.stage, 1, N, expected);
    mem_free(expected);
    f->capture->destroy(recording);
    close_solve(f, &s);
    capture_close(f);
}

static void test_looped_walk_back_visits_every_row(void **state)
{
    (void)state;
    for (int i = 0; i < capture_n_devices(); i++) {
        check_walk(capture_devices[i]);
    }
}

static void test_counters_of_a_step_are_these(void **state)
{
    (void)state;
    capture_fixture *f = capture_open(capture_devices[0], ODEON_DTYPE_F32);
    solve s = open_solve(f);
    start(f, &s, 0.01);
    capture_counts before = capture_count(f);
    try_step(f, &s);
    capture_counts after = capture_count(f);
    assert_int_equal(after.launches - before.launches, STEP_CALLS);
    assert_int_equal(after.waits - before.waits, 0);
    assert_int_equal(after.allocs - before.allocs, 0);
    close_solve(f, &s);
    capture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_looped_solve_gives_the_slots_of_the_host_loop),
        cmocka_unit_test(test_looped_solve_rejects_as_the_host_loop),
        cmocka_unit_test(test_limited_loop_goes_on_where_it_stopped),
        cmocka_unit_test(test_chunks_give_the_state_of_the_host_loop),
        cmocka_unit_test(test_rows_hold_the_starts_of_accepted_steps),
        cmocka_unit_test(test_loop_stops_where_rows_are_full),
        cmocka_unit_test(test_looped_walk_back_visits_every_row),
        cmocka_unit_test(test_counters_of_a_step_are_these),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
