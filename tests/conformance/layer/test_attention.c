/* Attention over samples of which some rows do not count: as if the sequence were shorter. */
#include "layer_harness.h"

#include <math.h>

#include "base/mem.h"
#include "odeon/dataset.h"
#include "odeon/device_pointwise.h"
#include "plugin/registry.h"

enum { STEPS = 5, OWN = 3, FEATURES = 4, SAMPLES = 2 };

static registry *plugins;
static const char *const device_ids[] = {"reference", "cpu"};
enum { N_DEVICES = sizeof device_ids / sizeof device_ids[0] };
static support_device devices[N_DEVICES];

static int open_devices(void **state)
{
    (void)state;
    plugins = support_registry();
    for (size_t d = 0; d < N_DEVICES; d++) {
        devices[d] = support_device_open(plugins, device_ids[d], ODEON_DTYPE_F64);
    }
    return 0;
}

static int close_devices(void **state)
{
    (void)state;
    for (size_t d = 0; d < N_DEVICES; d++) {
        support_device_close(&devices[d]);
    }
    registry_destroy(plugins);
    return 0;
}

static double number(uint64_t seed, int64_t sample, int64_t row, int64_t feature)
{
    return support_random(seed, (uint64_t)((sample * STEPS + row) * FEATURES + feature));
}

/* Samples first, first + 1, ... with so many rows; cotangents of rows from `counted` on are 0. */
static layer_harness open_case(support_device *d, const char *expression, int64_t first, int64_t n,
                               int64_t rows, int64_t counted)
{
    double in[SAMPLES * STEPS * FEATURES], d_out[SAMPLES * STEPS * FEATURES];
    layer_harness h = layer_harness_open(plugins, d, expression, 3, (int64_t[]){n, rows, FEATURES},
                                         LAYER_NO_TIME);
    for (int64_t i = 0; i < n * rows * FEATURES; i++) {
        int64_t sample = first + i / (rows * FEATURES), row = i / FEATURES % rows;
        in[i] = number(1, sample, row, i % FEATURES);
        d_out[i] = row < counted || sample == 0 ? number(2, sample, row, i % FEATURES) : 0.0;
    }
    layer_harness_set(&h, &h.in, in);
    layer_harness_set(&h, &h.d_out, d_out);
    for (int32_t i = 0; i < h.n_params; i++) {
        layer_harness_randomize(&h, &h.param[i], 3 + (uint64_t)i, 1.0);
    }
    return h;
}

static void run(layer_harness *h)
{
    assert_int_equal(layer_harness_forward(h, LAYER_KEEP, ODEON_UNARY_IDENTITY), ODEON_OK);
    assert_int_equal(layer_harness_vjp(h, LAYER_ALL), ODEON_OK);
}

/* Rows 0 to OWN - 1 of sample 1 of the padded batch are those of the short sequence. */
static void assert_rows(layer_harness *padded, const odeon_view *ours, layer_harness *cut,
                        const odeon_view *theirs)
{
    double *all = support_download(padded->device, ours);
    double *part = support_download(cut->device, theirs);
    support_assert_close("rows", OWN * FEATURES, all + STEPS * FEATURES, part, 1e-13);
    mem_free(all);
    mem_free(part);
}

/* Sample 0 has all of its rows, sample 1 the first OWN: it is as if it were cut off there, and no
 * cotangent reaches what does not count. */
static void assert_cut(support_device *d, const char *masked, const char *plain, bool by_length)
{
    double mask[SAMPLES * STEPS * 2], lengths[SAMPLES] = {STEPS, OWN};
    for (int64_t i = 0; i < SAMPLES * STEPS * 2; i++) {
        mask[i] = i % 2 == 0 && (i / 2 < STEPS || i / 2 % STEPS < OWN) ? 1.0 : 0.0;
    }
    odeon_tensor field = by_length ? support_upload(d, lengths, 1, (int64_t[]){SAMPLES})
                                   : support_upload(d, mask, 3, (int64_t[]){SAMPLES, STEPS, 2});
    layer_harness padded = open_case(d, masked, 0, SAMPLES, STEPS, OWN);
    layer_harness cut = open_case(d, plain, 1, 1, OWN, OWN);
    int32_t role = by_length ? ODEON_ROLE_LENGTH : ODEON_ROLE_MASK;
    assert_int_equal(padded.plan.needs, 1u << role);
    padded.fields[role] = &field.view;
    run(&padded);
    run(&cut);
    assert_rows(&padded, &padded.out.view, &cut, &cut.out.view);
    assert_rows(&padded, &padded.d_in.view, &cut, &cut.d_in.view);
    double *d_in = support_download(d, &padded.d_in.view);
    for (int64_t i = (STEPS + OWN) * FEATURES; i < SAMPLES * STEPS * FEATURES; i++) {
        assert_true(d_in[i] == 0.0);
    }
    mem_free(d_in);
    layer_harness_close(&padded);
    layer_harness_close(&cut);
    support_release(d, &field);
}

static void test_rows_that_do_not_count_are_as_if_not_there(void **state)
{
    (void)state;
    for (size_t d = 0; d < N_DEVICES; d++) {
        for (int by_length = 0; by_length < 2; by_length++) {
            const char *mask = by_length != 0 ? "length" : "data";
            char text[64];
            (void)snprintf(text, sizeof text, "attention(heads=2, mask=%s)", mask);
            assert_cut(&devices[d], text, "attention(heads=2)", by_length != 0);
            (void)snprintf(text, sizeof text, "attention(causal=yes, mask=%s)", mask);
            assert_cut(&devices[d], text, "attention(causal=yes)", by_length != 0);
        }
    }
}

/* With causal a row is made of itself and those before it: later ones may be anything. */
static void test_causal_rows_do_not_see_later_ones(void **state)
{
    (void)state;
    for (size_t d = 0; d < N_DEVICES; d++) {
        layer_harness whole =
            open_case(&devices[d], "attention(heads=4, causal=yes)", 0, SAMPLES, STEPS, OWN);
        layer_harness cut =
            open_case(&devices[d], "attention(heads=4, causal=yes)", 1, 1, OWN, OWN);
        run(&whole);
        run(&cut);
        assert_rows(&whole, &whole.out.view, &cut, &cut.out.view);
        layer_harness_close(&whole);
        layer_harness_close(&cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_that_do_not_count_are_as_if_not_there),
        cmocka_unit_test(test_causal_rows_do_not_see_later_ones),
    };
    return cmocka_run_group_tests(tests, open_devices, close_devices);
}
