/* Calls that break the contract of an operator are refused on every device that checks, and write
 * nothing. */
#include "support.h"

#include <math.h>

#include "base/mem.h"
#include "odeon/device_loss.h"
#include "odeon/device_optimizer.h"
#include "odeon/device_pool.h"
#include "odeon/device_random.h"
#include "plugin/registry.h"

static const char *const devices[] = {"reference", "cpu", "remote", "emulated"};
enum { N_DEVICES = sizeof devices / sizeof *devices };

typedef struct bench {
    registry *plugins;
    support_device d[N_DEVICES];
} bench;

static int open_bench(void **state)
{
    bench *b = mem_zalloc(1, sizeof *b);
    assert_non_null(b);
    b->plugins = support_registry();
    for (size_t i = 0; i < N_DEVICES; i++) {
        b->d[i] = support_device_open(b->plugins, devices[i], ODEON_DTYPE_F64);
    }
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    for (size_t i = 0; i < N_DEVICES; i++) {
        support_device_close(&b->d[i]);
    }
    registry_destroy(b->plugins);
    mem_free(b);
    return 0;
}

/* Tensors of one device: images and a part of them, vectors of two lengths, two sums. */
typedef struct tensors {
    support_device *d;
    const odeon_device *device;
    odeon_queue *queue;
    odeon_tensor image, part, x, y, longer, sums;
} tensors;

static tensors open_tensors(support_device *d)
{
    static const double values[64] = {0.0};
    tensors t = {.d = d, .device = d->device, .queue = d->queue};
    t.image = support_upload(d, values, 4, (int64_t[]){1, 2, 4, 4});
    t.part = support_upload(d, values, 4, (int64_t[]){1, 2, 2, 2});
    t.x = support_upload(d, values, 1, (int64_t[]){3});
    t.y = support_upload(d, values, 1, (int64_t[]){3});
    t.longer = support_upload(d, values, 1, (int64_t[]){4});
    t.sums = support_upload_as(d, ODEON_DTYPE_F64, values, 1, (int64_t[]){2});
    return t;
}

static void close_tensors(tensors *t)
{
    odeon_tensor *all[] = {&t->image, &t->part, &t->x, &t->y, &t->longer, &t->sums};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        double *values = support_download(t->d, &all[i]->view);
        for (int64_t k = 0; k < odeon_count(&all[i]->view.shape); k++) {
            assert_true(values[k] == 0.0);
        }
        mem_free(values);
        support_release(t->d, all[i]);
    }
}

static void test_pool_of_another_kind_or_without_its_input_is_refused(void **state)
{
    bench *b = *state;
    odeon_pool_geometry unknown = {7, 2, 2, 2, 2, 0, 0, 0},
                        largest = {ODEON_POOL_MAX, 2, 2, 2, 2, 0, 0, 0};
    for (size_t i = 0; i < N_DEVICES; i++) {
        tensors t = open_tensors(&b->d[i]);
        assert_int_equal(ODEON_DO(t.device, pool, pool2d, t.queue, .geometry = unknown,
                                  .x = &t.image.view, .y = &t.part),
                         ODEON_ERR_INTERNAL);
        assert_int_equal(ODEON_DO(t.device, pool, pool2d, t.queue, .geometry = largest,
                                  .x = &t.x.view, .y = &t.part),
                         ODEON_ERR_INTERNAL);
        assert_int_equal(ODEON_DO(t.device, pool, pool2d_vjp, t.queue, .geometry = unknown,
                                  .x = &t.image.view, .dy = &t.part.view, .dx = &t.image),
                         ODEON_ERR_INTERNAL);
        assert_int_equal(ODEON_DO(t.device, pool, pool2d_vjp, t.queue, .geometry = largest,
                                  .dy = &t.part.view, .dx = &t.image),
                         ODEON_ERR_INTERNAL);
        close_tensors(&t);
    }
}

static void test_dropout_of_everything_or_to_elsewhere_is_refused(void **state)
{
    bench *b = *state;
    static const double rates[] = {1.0, -0.1, (double)NAN};
    for (size_t i = 0; i < N_DEVICES; i++) {
        tensors t = open_tensors(&b->d[i]);
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(ODEON_DO(t.device, random, dropout, t.queue, .key = 1, .p = rates[k],
                                      .x = &t.x.view, .y = &t.y),
                             ODEON_ERR_INTERNAL);
        }
        assert_int_equal(ODEON_DO(t.device, random, dropout, t.queue, .key = 1, .p = 0.5,
                                  .x = &t.x.view, .y = &t.longer),
                         ODEON_ERR_INTERNAL);
        close_tensors(&t);
    }
}

/* The larger image as the window of the smaller one, whose border is one too few. */
static void test_window_larger_than_its_image_is_refused(void **state)
{
    bench *b = *state;
    const odeon_window_geometry plain = {0, 1, 0.0};
    for (size_t i = 0; i < N_DEVICES; i++) {
        tensors t = open_tensors(&b->d[i]);
        assert_int_equal(ODEON_DO(t.device, random, window2d, t.queue, .geometry = plain, .key = 1,
                                  .x = &t.part.view, .y = &t.image),
                         ODEON_ERR_INTERNAL);
        assert_int_equal(ODEON_DO(t.device, random, window2d_vjp, t.queue, .geometry = plain,
                                  .key = 1, .dy = &t.image.view, .dx = &t.part),
                         ODEON_ERR_INTERNAL);
        assert_int_equal(ODEON_DO(t.device, random, window2d, t.queue, .geometry = plain, .key = 1,
                                  .x = &t.image.view, .y = &t.x),
                         ODEON_ERR_INTERNAL);
        assert_int_equal(ODEON_DO(t.device, random, window2d_vjp, t.queue, .geometry = plain,
                                  .key = 1, .dy = &t.x.view, .dx = &t.image),
                         ODEON_ERR_INTERNAL);
        close_tensors(&t);
    }
}

static void test_difference_of_unlike_tensors_is_refused(void **state)
{
    bench *b = *state;
    const int32_t square = ODEON_DIFFERENCE_SQUARE;
    for (size_t i = 0; i < N_DEVICES; i++) {
        tensors t = open_tensors(&b->d[i]);
        const odeon_tensor *x = &t.x, *y = &t.y, *l = &t.longer, *sums = &t.sums;
        odeon_status bad[] = {
            ODEON_DO(t.device, loss, difference_loss, t.queue, .kind = 9, .beta = 1.0,
                     .x = &x->view, .target = &y->view, .weight = 1.0, .sums = sums),
            ODEON_DO(t.device, loss, difference_loss, t.queue, .kind = square, .beta = 1.0,
                     .x = &x->view, .target = &l->view, .weight = 1.0, .sums = sums),
            ODEON_DO(t.device, loss, difference_loss, t.queue, .kind = square, .beta = 1.0,
                     .x = &x->view, .target = &y->view, .mask = odeon_as_view(l), .weight = 1.0,
                     .sums = sums),
            ODEON_DO(t.device, loss, difference_loss, t.queue, .kind = square, .beta = 1.0,
                     .x = &x->view, .target = &y->view, .weight = 1.0, .sums = sums, .dx = l),
            ODEON_DO(t.device, loss, difference_loss, t.queue, .kind = square, .beta = 1.0,
                     .x = &x->view, .target = &y->view, .weight = 1.0, .sums = l),
        };
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
            assert_int_equal(bad[k], ODEON_ERR_INTERNAL);
        }
        close_tensors(&t);
    }
}

static void test_update_of_unlike_tensors_is_refused(void **state)
{
    bench *b = *state;
    for (size_t i = 0; i < N_DEVICES; i++) {
        tensors t = open_tensors(&b->d[i]);
        const odeon_tensor *x = &t.x, *y = &t.y, *l = &t.longer;
        odeon_status bad[] = {
            ODEON_DO(t.device, optimizer, rmsprop_step, t.queue, .p = x, .g = &l->view, .v = y,
                     .lr = 0.1, .alpha = 0.9, .epsilon = 1e-8),
            ODEON_DO(t.device, optimizer, rmsprop_step, t.queue, .p = x, .g = &y->view, .v = l,
                     .lr = 0.1, .alpha = 0.9, .epsilon = 1e-8),
            ODEON_DO(t.device, optimizer, rmsprop_step, t.queue, .p = x, .g = &y->view, .v = y,
                     .mean = l, .lr = 0.1, .alpha = 0.9, .epsilon = 1e-8),
            ODEON_DO(t.device, optimizer, rmsprop_step, t.queue, .p = x, .g = &y->view, .v = y,
                     .buffer = l, .lr = 0.1, .alpha = 0.9, .epsilon = 1e-8),
        };
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
            assert_int_equal(bad[k], ODEON_ERR_INTERNAL);
        }
        close_tensors(&t);
    }
}

static void test_integers_are_not_computed_with(void **state)
{
    bench *b = *state;
    for (size_t i = 0; i < N_DEVICES; i++) {
        tensors t = open_tensors(&b->d[i]);
        odeon_tensor x = t.x;
        x.view.shape.dtype = ODEON_DTYPE_I64;
        assert_int_equal(
            ODEON_DO(t.device, random, dropout, t.queue, .key = 1, .p = 0.5, .x = &x.view, .y = &x),
            ODEON_ERR_UNSUPPORTED);
        assert_int_equal(ODEON_DO(t.device, loss, difference_loss, t.queue, .beta = 1.0,
                                  .x = &x.view, .target = &x.view, .weight = 1.0, .sums = &t.sums),
                         ODEON_ERR_UNSUPPORTED);
        assert_int_equal(ODEON_DO(t.device, optimizer, rmsprop_step, t.queue, .p = &x, .g = &x.view,
                                  .v = &x, .lr = 0.1, .alpha = 0.9, .epsilon = 1e-8),
                         ODEON_ERR_UNSUPPORTED);
        close_tensors(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_of_another_kind_or_without_its_input_is_refused),
        cmocka_unit_test(test_dropout_of_everything_or_to_elsewhere_is_refused),
        cmocka_unit_test(test_window_larger_than_its_image_is_refused),
        cmocka_unit_test(test_difference_of_unlike_tensors_is_refused),
        cmocka_unit_test(test_update_of_unlike_tensors_is_refused),
        cmocka_unit_test(test_integers_are_not_computed_with),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
