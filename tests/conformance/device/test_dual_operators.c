/* What operators of the device `dual` do to tangents where no layer calls them: those that move
 * states of a solve, and what begins anew. */
#include "support.h"

#include <string.h>

#include "base/diag.h"
#include "odeon/device_dual.h"
#include "odeon/device_move.h"
#include "odeon/device_optimizer.h"
#include "odeon/device_solver.h"

enum { N = 3 };

static registry *plugins;
static support_device d;
static const odeon_device_dual *dual;
static odeon_tensor slots;

static void require(odeon_status status)
{
    if (status != ODEON_OK) {
        fail_msg("%s: %s", status_text(status), diag_message());
    }
}

static odeon_tensor make(int64_t n, const double *values, const double *tangents)
{
    odeon_tensor x = support_upload(&d, values, 1, &n);
    require(dual->tangent_set(d.queue, odeon_write(&x), tangents, (uint64_t)n * sizeof(double)));
    return x;
}

static void expect(const odeon_tensor *x, const double *values, const double *tangents)
{
    double got[2 * N];
    uint64_t bytes = (uint64_t)odeon_bytes(&x->view.shape);
    assert_true(bytes <= sizeof got);
    require(d.device->ops->download(d.queue, got, odeon_read(&x->view), bytes));
    assert_memory_equal(got, values, bytes);
    require(dual->tangent_get(d.queue, got, odeon_read(&x->view), bytes));
    assert_memory_equal(got, tangents, bytes);
}

static int open_device(void **state)
{
    int64_t n = ODEON_SLOTS;
    (void)state;
    plugins = support_registry();
    d = support_device_open(plugins, "dual(base=reference)", ODEON_DTYPE_F64);
    dual = d.device->get_table(d.device, ODEON_DEVICE_DUAL);
    slots = support_upload_as(&d, ODEON_DTYPE_F64, NULL, 1, &n);
    require(ODEON_DO(d.device, move, fill, d.queue, .y = &slots, .value = odeon_imm(0.0)));
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    support_release(&d, &slots);
    support_device_close(&d);
    registry_destroy(plugins);
    return 0;
}

static void write_slot(int32_t slot, double value)
{
    require(ODEON_DO(d.device, solver, slots_write, d.queue, .slots = odeon_write(&slots),
                     .first = slot, .n = 1, .values = &value));
}

static const double a[N] = {1.0, -2.0, 3.0}, a_dot[N] = {0.5, 4.0, -8.0};
static const double b[N] = {7.0, 0.25, 2.0}, b_dot[N] = {-1.0, 3.0, 16.0};

static void test_select(void **state)
{
    odeon_tensor x = make(N, a, a_dot), y = make(N, b, b_dot);
    const odeon_view *from[] = {&x.view};
    const odeon_tensor *to[] = {&y};
    (void)state;
    for (int accept = 0; accept < 2; accept++) {
        write_slot(ODEON_SLOT_ACCEPT, accept);
        require(ODEON_DO(d.device, solver, select, d.queue, .n = 1, .x = from, .y = to,
                         .slots = odeon_write(&slots), .slot = ODEON_SLOT_ACCEPT));
        expect(&y, accept ? a : b, accept ? a_dot : b_dot);
    }
    support_release(&d, &x);
    support_release(&d, &y);
}

static void test_rows(void **state)
{
    static const double stored[2 * N] = {7.0, 0.25, 2.0, 1.0, -2.0, 3.0},
                                   stored_dot[2 * N] = {-1.0, 3.0, 16.0, 0.5, 4.0, -8.0};
    odeon_tensor x = make(N, a, a_dot), back = make(N, b, b_dot),
                 rows = make(2 * N, stored, stored);
    rows.view.shape = (odeon_shape){.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {2, N}};
    (void)state;
    for (int32_t r = 0; r < 2; r++) {
        const odeon_view *from[] = {r == 0 ? &back.view : &x.view};
        write_slot(ODEON_SLOT_ROW, r);
        require(ODEON_DO(d.device, solver, row_store, d.queue, .n = 1, .x = from,
                         .y = (const odeon_tensor *const[]){&rows}, .slots = odeon_write(&slots),
                         .slot = ODEON_SLOT_ROW));
    }
    expect(&rows, stored, stored_dot);
    require(ODEON_DO(d.device, solver, row_load, d.queue, .n = 1,
                     .y = (const odeon_view *const[]){&rows.view},
                     .x = (const odeon_tensor *const[]){&back}, .slots = odeon_write(&slots),
                     .slot = ODEON_SLOT_ROW));
    expect(&back, a, a_dot);
    support_release(&d, &x);
    support_release(&d, &back);
    support_release(&d, &rows);
}

static void test_dot_has_a_tangent_and_slots_written_have_none(void **state)
{
    odeon_tensor x = make(N, a, a_dot), y = make(N, b, b_dot);
    odeon_tensor slot =
        odeon_tensor_at((double *)odeon_write(&slots) + ODEON_SLOT_USER, x.view.shape);
    (void)state;
    slot.view.shape.dim[0] = 1;
    require(ODEON_DO(d.device, solver, dot, d.queue, .a = &x.view, .b = &y.view,
                     .slots = odeon_write(&slots), .slot = ODEON_SLOT_USER));
    /* 7 - 0.5 + 6; (3.5 + 1 - 16) + (-1 - 6 + 48) */
    expect(&slot, (const double[]){12.5}, (const double[]){29.5});
    write_slot(ODEON_SLOT_USER, 2.0);
    expect(&slot, (const double[]){2.0}, (const double[]){0.0});
    support_release(&d, &x);
    support_release(&d, &y);
}

static void test_gather(void **state)
{
    static const double picked[2] = {2.0 * 3.0 + 1.0, 2.0 * 1.0 + 1.0},
                        picked_dot[2] = {2.0 * -8.0, 2.0 * 0.5};
    odeon_tensor x = make(N, a, a_dot), y = make(2, b, b_dot);
    odeon_tensor index =
        support_upload_as(&d, ODEON_DTYPE_I64, (const double[]){2.0, 0.0}, 1, (int64_t[]){2});
    (void)state;
    require(ODEON_DO(d.device, move, gather, d.queue, .x = &x.view, .index = &index.view, .y = &y,
                     .scale = 2.0, .shift = 1.0));
    expect(&y, picked, picked_dot);
    support_release(&d, &x);
    support_release(&d, &y);
    support_release(&d, &index);
}

/* An upload, a fill and an update of parameters begin anew. */
static void test_what_begins_anew_is_constant(void **state)
{
    static const double zeros[N] = {0.0}, nines[N] = {9.0, 9.0, 9.0};
    static const double moved[N] = {1.0 - 7.0, -2.0 - 0.25, 3.0 - 2.0};
    odeon_tensor x = make(N, a, a_dot), g = make(N, b, b_dot);
    (void)state;
    require(ODEON_DO(d.device, optimizer, sgd_step, d.queue, .p = &x, .g = &g.view, .lr = 1.0,
                     .first = 1));
    expect(&x, moved, zeros);
    require(ODEON_DO(d.device, move, fill, d.queue, .y = &g, .value = odeon_imm(9.0)));
    expect(&g, nines, zeros);
    require(dual->tangent_set(d.queue, odeon_write(&g), a_dot, sizeof a_dot));
    require(d.device->ops->upload(d.queue, odeon_write(&g), b, sizeof b));
    expect(&g, b, zeros);
    support_release(&d, &x);
    support_release(&d, &g);
}

/* Memory is given out again without the tangents that it had; so is the workspace kept. */
static void test_new_memory_has_no_tangents(void **state)
{
    static const double zeros[N] = {0.0};
    uint64_t bytes = 0, again = 0;
    double got[N];
    odeon_tensor x = make(N, a, a_dot);
    (void)state;
    support_release(&d, &x);
    x = support_upload(&d, NULL, 1, (int64_t[]){N});
    require(dual->tangent_get(d.queue, got, odeon_read(&x.view), sizeof got));
    assert_memory_equal(got, zeros, sizeof got);
    require(dual->workspace(d.queue, 1 << 20, &bytes));
    assert_true(bytes >= 1 << 20);
    odeon_tensor y = make(N, b, b_dot);
    require(ODEON_DO(d.device, solver, dot, d.queue, .a = &y.view, .b = &y.view,
                     .slots = odeon_write(&slots), .slot = ODEON_SLOT_USER));
    require(dual->workspace(d.queue, 0, &again));
    assert_true(again == bytes);
    support_release(&d, &x);
    support_release(&d, &y);
}

/* Of the largest sizes rounding up would come to 0 bytes. */
static void test_too_small_an_arena_says_so(void **state)
{
    static const uint64_t sizes[] = {2 << 20, UINT64_MAX - 63, UINT64_MAX};
    void *memory = NULL;
    support_device small =
        support_device_open(plugins, "dual(base=reference, arena=1)", ODEON_DTYPE_F64);
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        diag_clear();
        assert_int_equal(small.device->ops->alloc(small.device->handle, sizes[i], &memory),
                         ODEON_ERR_NOMEM);
        assert_non_null(strstr(diag_message(), "arena"));
        assert_null(memory);
    }
    support_device_close(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_dot_has_a_tangent_and_slots_written_have_none),
        cmocka_unit_test(test_gather),
        cmocka_unit_test(test_what_begins_anew_is_constant),
        cmocka_unit_test(test_new_memory_has_no_tangents),
        cmocka_unit_test(test_too_small_an_arena_says_so)};
    return cmocka_run_group_tests(tests, open_device, close_device);
}
