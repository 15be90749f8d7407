/* step_judge and last_step_back of device_fused.h: the bits of the operators that they stand for,
 * in two launches. */
#include "support.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "odeon/device_ext.h"
#include "odeon/device_fused.h"
#include "plugin/registry.h"

enum { COUNT = 9000, TERMS = 3, TIMES = 7, EACH = 5 };

/* How a state is judged. */
typedef struct judged {
    int32_t norm, n_errors, n_parts;
    odeon_judged_part parts[ODEON_MAX_PARTS];
    bool each, has_nan;
} judged;

typedef struct fixture {
    support_device d;
    const odeon_device_fused *fused;
    const odeon_device_counters *counters;
    odeon_tensor y0, y1, x[TERMS], rtol, atol;
    odeon_tensor slots[2]; /* of the operators one by one, and of step_judge */
    odeon_control control;
} fixture;

static const odeon_scalar coefficients[2][TERMS] = {
    {{.imm = 0.5, .slot = -1}, {.scale = 0.25, .slot = ODEON_SLOT_H}, {.imm = -0.125, .slot = -1}},
    {{.imm = 0.1, .slot = -1}, {.imm = 0.2, .slot = -1}, {.scale = 0.75, .slot = ODEON_SLOT_H}}};
static const double c[TIMES] = {0.0, 0.2, 0.3, 0.8, 8.0 / 9.0, 1.0, 1.0};

static odeon_tensor state_of(fixture *f, uint64_t seed, double size, bool has_nan)
{
    static const int64_t count = COUNT;
    static double values[COUNT];
    for (int64_t i = 0; i < COUNT; i++) {
        values[i] = size * support_random(seed, (uint64_t)i);
    }
    values[COUNT - 2] = has_nan ? (double)NAN : values[COUNT - 2];
    return support_upload(&f->d, values, 1, &count);
}

static odeon_tensor slots_of(fixture *f)
{
    static const int64_t n = ODEON_SLOTS;
    double slots[ODEON_SLOTS];
    for (int i = 0; i < ODEON_SLOTS; i++) {
        slots[i] = 0.25 * support_random(9, (uint64_t)i);
    }
    slots[ODEON_SLOT_T] = 0.25;
    slots[ODEON_SLOT_H] = 0.0625;
    slots[ODEON_SLOT_STOP] = slots[ODEON_SLOT_LAST] = slots[ODEON_SLOT_TRIALS] = 0.0;
    slots[ODEON_SLOT_STEPS] = slots[ODEON_SLOT_REJECTS] = slots[ODEON_SLOT_LIMIT] = 0.0;
    slots[ODEON_SLOT_HISTORY] = slots[ODEON_SLOT_HISTORY + 1] = 1e-4;
    slots[ODEON_SLOT_END] = slots[ODEON_SLOT_REACH] = 1.0;
    slots[ODEON_SLOT_LEAST] = 1e-14;
    return support_upload_as(&f->d, ODEON_DTYPE_F64, slots, 1, &n);
}

static odeon_control control_of(const fixture *f, const judged *j)
{
    odeon_control control = {.struct_size = sizeof control,
                             .norm = j->norm,
                             .n_parts = j->n_parts,
                             .rtol = 1e-3,
                             .atol = 1e-4,
                             .n_each = j->each ? EACH : 0,
                             .rtol_each = odeon_read(&f->rtol.view),
                             .atol_each = odeon_read(&f->atol.view),
                             .safety = 0.9,
                             .factor_min = 0.2,
                             .factor_max = 10.0,
                             .factor_max_first = 10.0,
                             .factor_min_accept = 0.2,
                             .beta = {0.14, 0.08, 0.0},
                             .beta_reject = 0.2,
                             .history_start = 1e-4,
                             .history_floor = 1e-4,
                             .steady_low = 1.0,
                             .steady_high = 1.0,
                             .h_max = (double)INFINITY,
                             .start_exponent = 0.2,
                             .n_estimates = j->n_errors,
                             .estimate_rule = ODEON_JOIN_LARGEST};
    for (int32_t i = 0; i < j->n_parts; i++) {
        control.count[j->parts[i].part] = j->parts[i].count;
    }
    return control;
}

static fixture open_fixture(registry *plugins, const char *device, uint32_t dtype, const judged *j,
                            double error)
{
    static const int64_t each = EACH;
    const double rtol[EACH] = {1e-3, 2e-3, 5e-4, 1e-2, 3e-3};
    const double atol[EACH] = {1e-4, 1e-5, 2e-4, 1e-3, 1e-4};
    fixture f = {.d = support_device_open(plugins, device, dtype)};
    f.fused = f.d.device->get_table(f.d.device, ODEON_DEVICE_FUSED);
    f.counters = f.d.device->get_table(f.d.device, ODEON_DEVICE_COUNTERS);
    assert_non_null(f.fused);
    assert_ptr_equal(f.fused->solver, f.d.device->solver);
    f.y0 = state_of(&f, 1, 1.0, false);
    f.y1 = state_of(&f, 2, 1.0, false);
    for (int i = 0; i < TERMS; i++) {
        f.x[i] = state_of(&f, 3 + (uint64_t)i, error, i == 1 && j->has_nan);
    }
    f.rtol = support_upload_as(&f.d, ODEON_DTYPE_F64, rtol, 1, &each);
    f.atol = support_upload_as(&f.d, ODEON_DTYPE_F64, atol, 1, &each);
    f.slots[0] = slots_of(&f);
    f.slots[1] = slots_of(&f);
    f.control = control_of(&f, j);
    return f;
}

static void close_fixture(fixture *f)
{
    odeon_tensor *all[] = {&f->y0, &f->y1, &f->rtol, &f->atol, &f->slots[0], &f->slots[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        support_release(&f->d, all[i]);
    }
    for (int i = 0; i < TERMS; i++) {
        support_release(&f->d, &f->x[i]);
    }
    support_device_close(&f->d);
}

static odeon_view slice(const fixture *f, const odeon_tensor *x, const odeon_judged_part *part)
{
    const char *data = odeon_read(&x->view);
    return odeon_view_at(data + part->first * odeon_dtype_bytes(f->d.dtype),
                         (odeon_shape){.ndim = 1, .dtype = f->d.dtype, .dim = {part->count}});
}

static void sum_one(fixture *f, const odeon_judged_part *part, int32_t error)
{
    odeon_view y0 = slice(f, &f->y0, part), y1 = slice(f, &f->y1, part), x[TERMS];
    const odeon_view *pointers[TERMS];
    odeon_control own = f->control;
    own.n_each = part->each != 0 ? own.n_each : 0;
    for (int i = 0; i < TERMS; i++) {
        x[i] = slice(f, &f->x[i], part);
        pointers[i] = &x[i];
    }
    assert_int_equal(
        ODEON_DO(f->d.device, solver, error_sum, f->d.queue, .control = &own, .y0 = &y0, .y1 = &y1,
                 .n = TERMS, .x = pointers, .coefficient = coefficients[error],
                 .slots = odeon_write(&f->slots[0]),
                 .slot = ODEON_SLOT_ERROR_SUM + error * f->control.n_parts + part->part),
        ODEON_OK);
}

static void judge_one_by_one(fixture *f, const judged *j)
{
    double *slots = odeon_write(&f->slots[0]);
    for (int32_t e = 0; e < j->n_errors; e++) {
        for (int32_t i = 0; i < j->n_parts; i++) {
            sum_one(f, &j->parts[i], e);
        }
    }
    assert_int_equal(ODEON_DO(f->d.device, solver, step_control, f->d.queue, .control = &f->control,
                              .slots = slots),
                     ODEON_OK);
    assert_int_equal(
        ODEON_DO(f->d.device, solver, stage_times, f->d.queue, .slots = slots, .n = TIMES, .c = c),
        ODEON_OK);
}

static odeon_status judge_at_once(fixture *f, const judged *j, uint32_t flags)
{
    const odeon_view *x[TERMS] = {&f->x[0].view, &f->x[1].view, &f->x[2].view};
    const odeon_judged_error errors[2] = {{x, coefficients[0], TERMS, 0},
                                          {x, coefficients[1], TERMS, 0}};
    const odeon_step_judge call = {.struct_size = sizeof call,
                                   .flags = flags,
                                   .control = &f->control,
                                   .slots = odeon_write(&f->slots[1]),
                                   .y0 = &f->y0.view,
                                   .y1 = &f->y1.view,
                                   .errors = errors,
                                   .parts = j->parts,
                                   .c = c,
                                   .n_errors = j->n_errors,
                                   .n_parts = j->n_parts,
                                   .n_times = TIMES};
    return f->fused->step_judge(f->d.queue, &call);
}

static int64_t launches_of(const fixture *f)
{
    int64_t launches, waits, allocs, live;
    f->counters->read(f->d.device->handle, &launches, &waits, &allocs, &live);
    return launches;
}

/* error: the size of what is combined; some steps are accepted and some are not. */
static void check_one(registry *plugins, const char *device, uint32_t dtype, const judged *j,
                      double error, int64_t launches)
{
    fixture f = open_fixture(plugins, device, dtype, j, error);
    judge_one_by_one(&f, j);
    int64_t before = launches_of(&f);
    assert_int_equal(judge_at_once(&f, j, 0), ODEON_OK);
    assert_int_equal(launches_of(&f), before + launches);
    double *a = support_download(&f.d, &f.slots[0].view);
    double *b = support_download(&f.d, &f.slots[1].view);
    assert_memory_equal(a, b, ODEON_SLOTS * sizeof *a);
    assert_true(a[ODEON_SLOT_TRIALS] == 1.0);
    assert_true(j->has_nan ? a[ODEON_SLOT_STATUS] == ODEON_STEP_NONFINITE
                           : a[ODEON_SLOT_ACCEPT] == (error < 1e-3 ? 1.0 : 0.0));
    mem_free(a);
    mem_free(b);
    close_fixture(&f);
}

static void check(const judged *j, int64_t launches)
{
    static const char *const devices[] = {"emulated", "mocked"};
    registry *plugins = support_registry();
    for (uint32_t i = 0; i < 8; i++) {
        const char *device = devices[i % 2];
        if (i % 2 == 1 && access(ODEON_TEST_PLUGINS "/device/mocked.so", F_OK) != 0) {
            continue; /* built with CUDA's headers alone */
        }
        check_one(plugins, device, i & 2 ? ODEON_DTYPE_F64 : ODEON_DTYPE_F32, j, i & 4 ? 1e-6 : 1.0,
                  launches);
    }
    registry_destroy(plugins);
}

/* One block, several blocks, nothing, and parts at addresses where vectors may not lie. */
static const odeon_judged_part of_adjoint[] = {
    {0, 300, 0, 1}, {300, 300, 1, 1}, {601, 8001, 2, 0}, {8602, 0, 3, 0}, {8602, 398, 4, 1}};

static judged parts_of_adjoint(void)
{
    judged j = {.n_errors = 1, .n_parts = sizeof of_adjoint / sizeof *of_adjoint};
    memcpy(j.parts, of_adjoint, sizeof of_adjoint);
    return j;
}

static void test_one_part_is_judged_in_two_launches(void **state)
{
    (void)state;
    judged j = {.n_errors = 1, .n_parts = 1, .parts = {{0, COUNT, 0, 0}}};
    check(&j, 2);
    j.norm = ODEON_NORM_MAX;
    check(&j, 2);
    j.parts[0].count = 100;
    check(&j, 2);
}

static void test_parts_are_judged_in_two_launches(void **state)
{
    (void)state;
    judged j = parts_of_adjoint();
    for (int i = 0; i < 4; i++) {
        j.norm = i & 1 ? ODEON_NORM_MAX : ODEON_NORM_RMS;
        j.each = (i & 2) != 0;
        check(&j, 2);
    }
}

static void test_two_estimates_take_three(void **state)
{
    (void)state;
    judged j = parts_of_adjoint();
    j.n_errors = 2;
    check(&j, 3);
}

/* Sums beyond those that a block has room for are joined before it. */
static void test_many_parts_take_a_launch_each(void **state)
{
    (void)state;
    judged j = {.n_errors = 1, .n_parts = 20};
    for (int32_t i = 0; i < j.n_parts; i++) {
        j.parts[i] = (odeon_judged_part){449 * i, 448, i, 0};
    }
    check(&j, 2 + 4);
}

static void test_nan_is_not_lost(void **state)
{
    (void)state;
    for (int32_t norm = 0; norm < 2; norm++) {
        judged j = parts_of_adjoint();
        j.has_nan = true;
        j.norm = norm;
        check(&j, 2);
    }
}

static void test_what_it_cannot_judge_is_refused(void **state)
{
    (void)state;
    registry *plugins = support_registry();
    judged j = parts_of_adjoint();
    fixture f = open_fixture(plugins, "emulated", ODEON_DTYPE_F32, &j, 1.0);
    assert_int_equal(judge_at_once(&f, &j, UINT32_C(1) << 31), ODEON_ERR_UNSUPPORTED);
    j.parts[1].count = COUNT;
    assert_int_equal(judge_at_once(&f, &j, 0), ODEON_ERR_INTERNAL);
    j = parts_of_adjoint();
    j.parts[1].part = j.n_parts;
    assert_int_equal(judge_at_once(&f, &j, 0), ODEON_ERR_INTERNAL);
    j.n_parts = ODEON_MAX_PARTS + 1;
    assert_int_equal(judge_at_once(&f, &j, 0), ODEON_ERR_INTERNAL);
    close_fixture(&f);
    registry_destroy(plugins);
}

/* ---- loops ---- */

enum { PASSES = 100 };

static void assert_slots_alike(fixture *f)
{
    double *a = support_download(&f->d, &f->slots[0].view);
    double *b = support_download(&f->d, &f->slots[1].view);
    assert_memory_equal(a, b, ODEON_SLOTS * sizeof *a);
    mem_free(a);
    mem_free(b);
}

/* A loop whose passes a kernel of its own ends does what one does in which step_judge has told: the
 * same trials, and no more passes than are allowed. */
static void loop_as_long_as_it_is_told(int64_t passes, int64_t trials)
{
    registry *plugins = support_registry();
    const judged j = {.n_errors = 1, .n_parts = 1, .parts = {{0, 500, 0, 0}}};
    fixture f = open_fixture(plugins, "mocked", ODEON_DTYPE_F64, &j, 1e-6);
    const odeon_device_capture *capture = f.d.device->get_table(f.d.device, ODEON_DEVICE_CAPTURE);
    odeon_recording *recording[2];
    for (int i = 0; i < 2; i++) {
        const double *slots = odeon_read(&f.slots[i].view);
        assert_int_equal(capture->begin(f.d.queue), ODEON_OK);
        assert_int_equal(capture->loop_begin(f.d.queue, slots, ODEON_SLOT_STOP, passes), ODEON_OK);
        if (i == 0) {
            judge_one_by_one(&f, &j);
        } else {
            assert_int_equal(judge_at_once(&f, &j, ODEON_JUDGE_ENDS_PASS), ODEON_OK);
        }
        assert_int_equal(capture->loop_end(f.d.queue), ODEON_OK);
        assert_int_equal(capture->end(f.d.queue, &recording[i]), ODEON_OK);
        assert_int_equal(capture->replay(f.d.queue, recording[i]), ODEON_OK);
    }
    double *slots = support_download(&f.d, &f.slots[1].view);
    assert_true(slots[ODEON_SLOT_TRIALS] == (double)trials);
    mem_free(slots);
    assert_slots_alike(&f);
    capture->destroy(recording[0]);
    capture->destroy(recording[1]);
    close_fixture(&f);
    registry_destroy(plugins);
}

static void skip_where_not_built(void)
{
    if (access(ODEON_TEST_PLUGINS "/device/mocked.so", F_OK) != 0) {
        support_not_covered("loops whose end a step's judge decides (no nvcc)");
    }
}

static void test_judge_ends_a_loop(void **state)
{
    (void)state;
    skip_where_not_built();
    loop_as_long_as_it_is_told(2, 2); /* as many as are allowed */
    loop_as_long_as_it_is_told(PASSES, 3);
}

/* Rows 3 to 0, by either way. */
static void test_step_back_ends_a_loop(void **state)
{
    (void)state;
    skip_where_not_built();
    registry *plugins = support_registry();
    const judged j = {.n_errors = 1, .n_parts = 1, .parts = {{0, 500, 0, 0}}};
    fixture f = open_fixture(plugins, "mocked", ODEON_DTYPE_F64, &j, 1.0);
    const odeon_device_capture *capture = f.d.device->get_table(f.d.device, ODEON_DEVICE_CAPTURE);
    const double row = 3.0;
    for (int i = 0; i < 2; i++) {
        double *slots = odeon_write(&f.slots[i]);
        odeon_recording *recording = NULL;
        const odeon_step_back call = {.struct_size = sizeof call, .slots = slots};
        assert_int_equal(ODEON_DO(f.d.device, solver, slots_write, f.d.queue, .slots = slots,
                                  .first = ODEON_SLOT_ROW, .n = 1, .values = &row),
                         ODEON_OK);
        assert_int_equal(capture->begin(f.d.queue), ODEON_OK);
        assert_int_equal(capture->loop_begin(f.d.queue, slots, ODEON_SLOT_STOP, PASSES), ODEON_OK);
        assert_int_equal(i == 0 ? f.d.device->solver->step_back(f.d.queue, &call)
                                : f.fused->last_step_back(f.d.queue, &call),
                         ODEON_OK);
        assert_int_equal(capture->loop_end(f.d.queue), ODEON_OK);
        assert_int_equal(capture->end(f.d.queue, &recording), ODEON_OK);
        assert_int_equal(capture->replay(f.d.queue, recording), ODEON_OK);
        capture->destroy(recording);
    }
    double *slots = support_download(&f.d, &f.slots[1].view);
    assert_true(slots[ODEON_SLOT_ROW] == -1.0 && slots[ODEON_SLOT_STOP] == 1.0);
    mem_free(slots);
    assert_slots_alike(&f);
    close_fixture(&f);
    registry_destroy(plugins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_part_is_judged_in_two_launches),
        cmocka_unit_test(test_parts_are_judged_in_two_launches),
        cmocka_unit_test(test_two_estimates_take_three),
        cmocka_unit_test(test_many_parts_take_a_launch_each),
        cmocka_unit_test(test_nan_is_not_lost),
        cmocka_unit_test(test_what_it_cannot_judge_is_refused),
        cmocka_unit_test(test_judge_ends_a_loop),
        cmocka_unit_test(test_step_back_ends_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
