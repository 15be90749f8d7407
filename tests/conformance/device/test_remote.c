/* The device whose memory the host cannot touch: that it cannot, and that misuse shows. */
#include "support.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "odeon/device.h"
#include "odeon/device_ext.h"
#include "odeon/device_move.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_solver.h"
#include "plugin/registry.h"

static registry *plugins;

static int open_plugins(void **state)
{
    (void)state;
    plugins = support_registry();
    return 0;
}

static int close_plugins(void **state)
{
    (void)state;
    registry_destroy(plugins);
    return 0;
}

static const int64_t four[] = {4};

static void test_host_is_killed_when_it_reads_device_memory(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "remote", ODEON_DTYPE_F32);
    odeon_tensor x = support_upload(&d, (double[]){1, 2, 3, 4}, 1, four);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGSEGV, SIG_DFL); /* the test library would catch it and go on */
        (void)close(STDERR_FILENO);     /* a sanitizer reports the expected fault there */
        volatile float value = *(volatile float *)odeon_write(&x);
        (void)value;
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    /* A sanitizer catches the signal and exits with a code of its own. */
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGSEGV : WEXITSTATUS(status) != 0);
    support_release(&d, &x);
    support_device_close(&d);
}

static void test_numbers_come_back_as_they_went(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "remote", ODEON_DTYPE_F64);
    const double values[] = {1.5, -2.25, 0.0, 1e300};
    odeon_tensor x = support_upload(&d, values, 1, four);
    double *back = support_download(&d, &x.view);
    assert_memory_equal(back, values, sizeof values);
    mem_free(back);
    support_release(&d, &x);
    support_device_close(&d);
}

static int all_nan(support_device *d, const odeon_view *x)
{
    int count = 0;
    double *values = support_download(d, x);
    for (int64_t i = 0; i < odeon_count(&x->shape); i++) {
        count += isnan(values[i]) ? 1 : 0;
    }
    mem_free(values);
    return count == odeon_count(&x->shape);
}

static void test_fresh_memory_is_nan(void **state)
{
    (void)state;
    static const uint32_t dtypes[] = {ODEON_DTYPE_F32, ODEON_DTYPE_F64};
    for (size_t k = 0; k < 2; k++) {
        uint32_t dtype = dtypes[k];
        support_device d = support_device_open(plugins, "remote", dtype);
        odeon_tensor x = support_upload(&d, NULL, 1, (int64_t[]){1000});
        assert_true(all_nan(&d, &x.view));
        support_release(&d, &x);
        support_device_close(&d);
    }
}

static void test_freed_memory_is_reused_and_nan_again(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "remote", ODEON_DTYPE_F32);
    odeon_tensor x = support_upload(&d, (double[]){1, 2, 3, 4}, 1, four);
    const void *before = x.view.data;
    support_release(&d, &x);
    x = support_upload(&d, NULL, 1, four);
    assert_ptr_equal(x.view.data, before);
    assert_true(all_nan(&d, &x.view));
    support_release(&d, &x);
    support_device_close(&d);
}

static void test_poison_makes_memory_nan(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "remote", ODEON_DTYPE_F32);
    odeon_tensor x = support_upload(&d, (double[]){1, 2, 3, 4}, 1, four);
    const odeon_device_poison *extension = d.device->get_table(d.device, ODEON_DEVICE_POISON);
    assert_int_equal(extension->poison(d.queue, odeon_write(&x), 16), ODEON_OK);
    assert_true(all_nan(&d, &x.view));
    support_release(&d, &x);
    support_device_close(&d);
}

static void test_operator_refuses_host_memory_by_name(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "remote", ODEON_DTYPE_F32);
    static const float host[4] = {0};
    odeon_tensor x = support_upload(&d, (double[]){1, 2, 3, 4}, 1, four);
    const odeon_view y = odeon_view_at(host, x.view.shape);
    diag_clear();
    assert_int_equal(ODEON_DO(d.device, pointwise, binary, d.queue, .id = ODEON_BINARY_ADD,
                              .a = &x.view, .b = &y, .y = &x),
                     ODEON_ERR_INTERNAL);
    assert_non_null(strstr(diag_message(), "binary"));
    support_release(&d, &x);
    support_device_close(&d);
}

static void test_operator_refuses_slots_of_the_host(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "remote", ODEON_DTYPE_F32);
    double slots[ODEON_SLOTS] = {0}, one = 1.0;
    diag_clear();
    assert_int_equal(
        ODEON_DO(d.device, solver, slots_write, d.queue, .slots = slots, .n = 1, .values = &one),
        ODEON_ERR_INTERNAL);
    assert_non_null(strstr(diag_message(), "slots_write"));
    support_device_close(&d);
}

static void test_step_control_refuses_a_log_of_the_host(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "remote", ODEON_DTYPE_F32);
    odeon_tensor slots = support_upload_as(&d, ODEON_DTYPE_F64, NULL, 1, (int64_t[]){ODEON_SLOTS});
    double log[ODEON_LOG_COLUMNS];
    odeon_control control = {.struct_size = sizeof control, .log_rows = 1, .log = log};
    diag_clear();
    assert_int_equal(ODEON_DO(d.device, solver, step_control, d.queue, .control = &control,
                              .slots = odeon_write(&slots)),
                     ODEON_ERR_INTERNAL);
    assert_non_null(strstr(diag_message(), "step_control"));
    support_release(&d, &slots);
    support_device_close(&d);
}

static void test_empty_tensor_may_stand_anywhere(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "remote", ODEON_DTYPE_F32);
    odeon_tensor none = {
        .view.shape.ndim = 2, .view.shape.dtype = ODEON_DTYPE_F32, .view.shape.dim = {0, 3}};
    assert_int_equal(ODEON_DO(d.device, pointwise, unary, d.queue, .id = ODEON_UNARY_RELU,
                              .x = &none.view, .y = &none),
                     ODEON_OK);
    support_device_close(&d);
}

/* The tensor claims one element more than was asked for: the block has room, the device looks. */
static void test_writing_behind_a_block_fails_what_follows(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "remote", ODEON_DTYPE_F32);
    odeon_tensor x = support_upload(&d, (double[]){1, 2, 3, 4}, 1, four);
    odeon_tensor other = support_upload(&d, (double[]){1, 2, 3, 4}, 1, four), long_x = x;
    long_x.view.shape.dim[0] = 5;
    assert_int_equal(ODEON_DO(d.device, move, fill, d.queue, .y = &long_x, .value = odeon_imm(1.0)),
                     ODEON_OK);
    support_release(&d, &x);
    diag_clear();
    assert_int_equal(ODEON_DO(d.device, move, fill, d.queue, .y = &other, .value = odeon_imm(1.0)),
                     ODEON_ERR_INTERNAL);
    assert_non_null(strstr(diag_message(), "behind the end of a block"));
    support_release(&d, &other);
    support_device_close(&d);
}

static void test_counters_follow_calls(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "remote", ODEON_DTYPE_F32);
    const odeon_device_counters *extension = d.device->get_table(d.device, ODEON_DEVICE_COUNTERS);
    int64_t launches, waits, allocs, live;
    odeon_tensor x = support_upload(&d, (double[]){1, 2, 3, 4}, 1, four);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ODEON_DO(d.device, pointwise, unary, d.queue, .id = ODEON_UNARY_RELU,
                                  .x = &x.view, .y = &x),
                         ODEON_OK);
    }
    assert_int_equal(d.device->ops->wait(d.queue), ODEON_OK);
    extension->read(d.device->handle, &launches, &waits, &allocs, &live);
    assert_int_equal(launches, 3);
    assert_int_equal(waits, 1);
    assert_int_equal(allocs, 1);
    assert_int_equal(live, 16);
    support_release(&d, &x);
    extension->read(d.device->handle, &launches, &waits, &allocs, &live);
    assert_int_equal(live, 0);
    support_device_close(&d);
}

static void test_more_than_there_is_says_how_much(void **state)
{
    (void)state;
    support_device d = support_device_open(plugins, "remote", ODEON_DTYPE_F32);
    void *memory = &d;
    diag_clear();
    assert_int_equal(d.device->ops->alloc(d.device->handle, UINT64_MAX, &memory), ODEON_ERR_NOMEM);
    assert_null(memory);
    assert_non_null(strstr(diag_message(), "18446744073709551615"));
    support_device_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_is_killed_when_it_reads_device_memory),
        cmocka_unit_test(test_numbers_come_back_as_they_went),
        cmocka_unit_test(test_fresh_memory_is_nan),
        cmocka_unit_test(test_freed_memory_is_reused_and_nan_again),
        cmocka_unit_test(test_poison_makes_memory_nan),
        cmocka_unit_test(test_operator_refuses_host_memory_by_name),
        cmocka_unit_test(test_operator_refuses_slots_of_the_host),
        cmocka_unit_test(test_step_control_refuses_a_log_of_the_host),
        cmocka_unit_test(test_empty_tensor_may_stand_anywhere),
        cmocka_unit_test(test_writing_behind_a_block_fails_what_follows),
        cmocka_unit_test(test_counters_follow_calls),
        cmocka_unit_test(test_more_than_there_is_says_how_much),
    };
    return cmocka_run_group_tests(tests, open_plugins, close_plugins);
}
