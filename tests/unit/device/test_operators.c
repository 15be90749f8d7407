/* Calls of operators as text, and what they have to do. */
#include "device/operators.h"

#include "odeon/device_conv.h"
#include "odeon/device_loss.h"
#include "odeon/device_move.h"
#include "odeon/device_norm.h"
#include "odeon/device_optimizer.h"
#include "odeon/device_pointwise.h"
#include "odeon/device_pool.h"
#include "odeon/device_product.h"
#include "odeon/device_random.h"
#include "odeon/device_solver.h"
#include "support.h"

static odeon_tensor shaped(uint32_t dtype, int32_t ndim, int64_t a, int64_t b, int64_t c, int64_t d)
{
    return odeon_tensor_at(NULL, (odeon_shape){.ndim = ndim, .dtype = dtype, .dim = {a, b, c, d}});
}

static void assert_text(const char *name, const void *call, const char *expected)
{
    text_buffer text = {.failed = false};
    operator_text(&text, operator_find(name), call);
    assert_string_equal(text.data, expected);
    text_fini(&text);
}

static void test_a_product_is_known_by_its_shapes(void **state)
{
    (void)state;
    odeon_tensor a = shaped(ODEON_DTYPE_F32, 2, 128, 2028, 0, 0),
                 b = shaped(ODEON_DTYPE_F32, 2, 16, 2028, 0, 0),
                 c = shaped(ODEON_DTYPE_F32, 2, 128, 16, 0, 0);
    odeon_gemm gemm = {.a = &a.view, .b = &b.view, .c = &c, .trans_b = 1, .act = ODEON_UNARY_RELU};
    const operator_info *op = operator_find("gemm");
    assert_text("gemm", &gemm, "gemm a=128x2028 b=16x2028 c=128x16 trans_b=1 act=relu");
    assert_float_equal(operator_operations(op, &gemm), 2.0 * 128 * 2028 * 16, 0.0);
    assert_float_equal(operator_bytes(op, &gemm), 4.0 * (128 * 2028 + 16 * 2028 + 128 * 16), 0.0);
    gemm.trans_a = 1;
    assert_float_equal(operator_operations(op, &gemm), 2.0 * 128 * 16 * 128, 0.0);
}

static void test_a_convolution_names_both_directions_once_where_they_are_equal(void **state)
{
    (void)state;
    odeon_tensor x = shaped(ODEON_DTYPE_F64, 4, 2, 3, 8, 8),
                 w = shaped(ODEON_DTYPE_F64, 4, 5, 3, 3, 3),
                 y = shaped(ODEON_DTYPE_F64, 4, 2, 5, 4, 8);
    odeon_conv2d conv = {.geometry = {1, 1, 1, 1}, .x = &x.view, .w = &w.view, .y = &y};
    assert_text("conv2d", &conv, "conv2d x=2x3x8x8 w=5x3x3x3 y=2x5x4x8 stride=1 padding=1 float64");
    conv.geometry.stride_h = 2;
    assert_text("conv2d", &conv,
                "conv2d x=2x3x8x8 w=5x3x3x3 y=2x5x4x8 stride_h=2 stride_w=1 padding=1 float64");
    assert_float_equal(operator_operations(operator_find("conv2d"), &conv),
                       2.0 * (2 * 5 * 4 * 8) * (3 * 3 * 3), 0.0);
}

static void test_lists_count_all_their_vectors(void **state)
{
    (void)state;
    odeon_tensor y = shaped(ODEON_DTYPE_F32, 1, 100, 0, 0, 0);
    const odeon_view *x[3] = {&y.view, &y.view, &y.view};
    odeon_lincomb sum = {.y = &y, .base = &y.view, .x = x, .n = 3};
    assert_text("lincomb", &sum, "lincomb x=100*3 base=100 y=100");
    assert_float_equal(operator_bytes(operator_find("lincomb"), &sum), 5.0 * 400, 0.0);
    assert_float_equal(operator_operations(operator_find("lincomb"), &sum), 0.0, 0.0);
}

static void test_parts_of_tensors_count_in_part(void **state)
{
    (void)state;
    odeon_tensor x = shaped(ODEON_DTYPE_F32, 2, 10, 7, 0, 0),
                 y = shaped(ODEON_DTYPE_F32, 2, 10, 9, 0, 0);
    odeon_copy2d copy = {.x = &x.view, .y = &y, .rows = 10, .cols = 7, .x_pitch = 7, .y_pitch = 9};
    assert_float_equal(operator_bytes(operator_find("copy2d"), &copy), 2.0 * 70 * 4, 0.0);
}

static void test_functions_have_names(void **state)
{
    (void)state;
    odeon_tensor x = shaped(ODEON_DTYPE_F32, 1, 4, 0, 0, 0);
    odeon_unary unary = {.x = &x.view, .y = &x, .id = ODEON_UNARY_ABS};
    odeon_binary binary = {.a = &x.view, .b = &x.view, .y = &x, .id = ODEON_BINARY_DIV};
    assert_text("unary", &unary, "unary x=4 y=4 id=abs");
    assert_text("binary", &binary, "binary a=4 b=4 y=4 id=div");
    assert_null(operator_find("nothing"));
}

/* An operator that is new has to be added to OPERATOR_LIST and to the table, or no one sees it. */
static void test_every_slot_of_every_family_is_listed(void **state)
{
    (void)state;
    size_t slots = 0;
#define FAMILY(name, header) slots += (sizeof(odeon_##name##_family) - 8) / sizeof(void (*)(void));
    ODEON_FAMILY_LIST(FAMILY)
#undef FAMILY
    /* Apart from conv2d_scratch, conv2d_fused_scratch and dense_vjp_scratch, which are asked, and
     * pool2d_jvp, which only duals call. */
    assert_int_equal(slots, OPERATORS + 4);
    for (size_t i = 0; i < OPERATORS; i++) {
        assert_ptr_equal(operator_find(operator_infos[i].name), &operator_infos[i]);
        assert_true(operator_infos[i].bytes >= 8 && operator_infos[i].bytes <= 512);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_product_is_known_by_its_shapes),
        cmocka_unit_test(test_a_convolution_names_both_directions_once_where_they_are_equal),
        cmocka_unit_test(test_lists_count_all_their_vectors),
        cmocka_unit_test(test_parts_of_tensors_count_in_part),
        cmocka_unit_test(test_functions_have_names),
        cmocka_unit_test(test_every_slot_of_every_family_is_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
