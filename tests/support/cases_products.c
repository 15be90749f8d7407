#include <math.h>

#include "device_cases.h"
#include "odeon/device_product.h"

/* M, N, K: odd sizes, vectors, sizes 1 and 0, and one above the blocks of a usual kernel. */
static const int64_t gemm_sizes[][3] = {
    {1, 1, 1},    {3, 5, 7},   {17, 33, 9},  {64, 10, 19}, {1, 7, 31}, {33, 1, 5},
    {4, 4, 1},    {0, 3, 4},   {3, 0, 4},    {3, 4, 0},    {0, 0, 0},  {70, 67, 130},
    {16, 10, 15}, {97, 16, 8}, {13, 8, 257}, /* one panel, of one and of two vectors */
};
enum { N_GEMM = sizeof gemm_sizes / sizeof *gemm_sizes };

static odeon_tensor operand(case_run *run, int32_t trans, int64_t rows, int64_t cols)
{
    return case_random(run, trans ? shape2(cols, rows) : shape2(rows, cols));
}

/* With beta 0, c is NaN before. */
static void run_gemm(case_run *run)
{
    static const double factors[][2] = {{1.0, 0.0}, {-1.5, 0.0}, {1.0, 1.0}, {0.5, -0.75}};
    for (int32_t i = 0; i < N_GEMM * 16; i++) {
        const int64_t *size = gemm_sizes[i / 16];
        int32_t trans_a = i & 1, trans_b = i >> 1 & 1;
        double alpha = factors[i / 4 % 4][0], beta = factors[i / 4 % 4][1];
        case_variant(run, "%dx%dx%d, trans %d %d, alpha %g, beta %g", (int)size[0], (int)size[1],
                     (int)size[2], (int)trans_a, (int)trans_b, alpha, beta);
        odeon_tensor a = operand(run, trans_a, size[0], size[2]);
        odeon_tensor b = operand(run, trans_b, size[2], size[1]);
        case_shape shape = shape2(size[0], size[1]);
        odeon_tensor c = beta == 0.0 ? case_output(run, shape) : case_random(run, shape);
        case_do(run, product, gemm, .trans_a = trans_a, .trans_b = trans_b, .alpha = alpha,
                .a = &a.view, .b = &b.view, .beta = beta, .c = &c);
        case_keep(run, "c", &c.view);
    }
}

static void run_gemm_epilogue(case_run *run)
{
    for (int32_t i = 0; i < N_GEMM * 2 * (ODEON_UNARY_LAST_EPILOGUE + 1); i++) {
        const int64_t *size = gemm_sizes[i % N_GEMM];
        int32_t with_bias = i / N_GEMM % 2, act = i / (2 * N_GEMM);
        case_variant(run, "%dx%dx%d, %s bias, act %d", (int)size[0], (int)size[1], (int)size[2],
                     with_bias ? "with" : "no", (int)act);
        odeon_tensor a = operand(run, 0, size[0], size[2]), b = operand(run, 1, size[2], size[1]);
        odeon_tensor bias = case_random(run, shape1(size[1]));
        odeon_tensor c = case_output(run, shape2(size[0], size[1]));
        case_do(run, product, gemm, .trans_b = 1, .alpha = 1.0, .a = &a.view, .b = &b.view, .c = &c,
                .bias = with_bias ? &bias.view : NULL, .act = act);
        case_keep(run, "c", &c.view);
    }
}

static void run_gemm_passes_on(case_run *run)
{
    const double specials[] = {(double)NAN, HUGE_VAL};
    for (int32_t i = 0; i < 4; i++) {
        double values[35];
        case_variant(run, "%g, act %d", specials[i % 2], i / 2);
        case_expect_nonfinite(run);
        for (int32_t k = 0; k < 35; k++) {
            values[k] = 0.5 + 0.5 * case_number(run);
        }
        values[17] = specials[i % 2];
        odeon_tensor a = case_values(run, shape2(5, 7), values);
        odeon_tensor b = case_between(run, shape2(7, 3), 0.5, 1.0);
        odeon_tensor c = case_output(run, shape2(5, 3));
        case_do(run, product, gemm, .alpha = 1.0, .a = &a.view, .b = &b.view, .c = &c,
                .act = i / 2 == 0 ? ODEON_UNARY_IDENTITY : ODEON_UNARY_RELU);
        case_keep(run, "c", &c.view);
    }
}

static void run_gemm_of_itself(case_run *run)
{
    case_variant(run, "a is b");
    odeon_tensor a = case_random(run, shape2(9, 5)), c = case_output(run, shape2(5, 5));
    case_do(run, product, gemm, .trans_a = 1, .alpha = 1.0, .a = &a.view, .b = &a.view, .c = &c);
    case_keep(run, "c", &c.view);
}

static void run_channel_sum(case_run *run)
{
    static const int64_t sizes[][3] = {
        {1, 1, 1}, {2, 3, 5},    {5, 7, 1},  {3, 1, 29},   {0, 3, 4},    {2, 0, 4},
        {2, 3, 0}, {16, 65, 49}, {1, 4, 64}, {128, 10, 1}, {4099, 3, 1}, {6, 2, 700},
        {9, 4, 1}, {8, 14, 1},   {3, 16, 1}, {5, 17, 1},   {7, 37, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        case_variant(run, "%dx%dx%d", (int)sizes[i][0], (int)sizes[i][1], (int)sizes[i][2]);
        odeon_tensor x = case_random(run, shape3(sizes[i][0], sizes[i][1], sizes[i][2]));
        odeon_tensor bias = case_random(run, shape1(sizes[i][1]));
        case_do(run, product, channel_sum, .x = &x.view, .bias = &bias);
        case_keep(run, "bias", &bias.view);
    }
}

/* ---- dense_vjp, or what it stands for where a device does without it ---- */

/* B, K, N: one block of units and rows, several of each, sizes 1 and 0, and large blocks. */
static const int64_t dense_sizes[][3] = {{1, 1, 1},    {5, 3, 7},    {16, 10, 15}, {16, 10, 10},
                                         {33, 2, 50},  {20, 50, 2},  {70, 300, 5}, {70, 5, 300},
                                         {1, 130, 3},  {0, 4, 3},    {3, 0, 4},    {3, 4, 0},
                                         {65, 17, 16}, {6, 129, 65}, {3, 520, 66}, {259, 65, 70}};
enum { N_DENSE = sizeof dense_sizes / sizeof *dense_sizes, N_ACTS = ODEON_UNARY_LAST_EPILOGUE + 1 };

typedef struct dense_case {
    int32_t act;
    odeon_tensor x, w, y, dy;
    const odeon_tensor *dx, *dw, *dbias;
} dense_case;

static void vjp_at_once(case_run *run, const dense_case *c)
{
    const odeon_device *device = case_device(run);
    uint64_t bytes = device->product->dense_vjp_scratch(device, &c->x.view.shape, &c->w.view.shape);
    void *scratch = case_scratch(run, bytes);
    case_do(run, product, dense_vjp, .x = &c->x.view, .w = &c->w.view,
            .y = c->act == ODEON_UNARY_IDENTITY ? NULL : &c->y.view, .dy = &c->dy.view, .dx = c->dx,
            .dw = c->dw, .dbias = c->dbias, .act = c->act, .scratch = scratch);
}

static void vjp_of_parts(case_run *run, const dense_case *c)
{
    const odeon_shape *shape = &c->dy.view.shape;
    odeon_tensor u = odeon_tensor_at(case_scratch(run, (uint64_t)odeon_bytes(shape)), *shape);
    odeon_view columns = u.view;
    columns.shape.ndim = 3;
    columns.shape.dim[2] = 1;
    case_do(run, pointwise, unary_vjp, .id = c->act, .kept = &c->y.view, .dy = &c->dy.view,
            .dx = &u);
    if (c->dx != NULL) {
        case_do(run, product, gemm, .alpha = 1.0, .a = &u.view, .b = &c->w.view, .c = c->dx);
    }
    if (c->dw != NULL) {
        case_do(run, product, gemm, .alpha = 1.0, .a = &u.view, .trans_a = 1, .b = &c->x.view,
                .beta = 1.0, .c = c->dw);
    }
    if (c->dbias != NULL) {
        case_do(run, product, channel_sum, .x = &columns, .bias = c->dbias);
    }
}

static void run_dense_vjp(case_run *run)
{
    bool at_once = ODEON_HAS(case_device(run)->product, odeon_product_family, dense_vjp);
    for (int32_t i = 0; i < N_DENSE * N_ACTS; i++) {
        const int64_t *size = dense_sizes[i % N_DENSE];
        int64_t B = size[0], K = size[1], N = size[2];
        case_variant(run, "B %d K %d N %d, act %d", (int)B, (int)K, (int)N, (int)(i / N_DENSE));
        dense_case c = {.act = i / N_DENSE};
        odeon_tensor dx = case_output(run, shape2(B, N)), dw = case_random(run, shape2(K, N));
        odeon_tensor dbias = case_random(run, shape1(K));
        c.x = case_random(run, shape2(B, N));
        c.w = case_random(run, shape2(K, N));
        c.y = case_between(run, shape2(B, K), -0.9, 0.9);
        c.dy = case_random(run, shape2(B, K));
        c.dx = i % 5 == 3 ? NULL : &dx;
        c.dw = i % 7 == 3 ? NULL : &dw;
        c.dbias = i % 7 == 3 || i % 3 == 1 ? NULL : &dbias;
        if (at_once) {
            vjp_at_once(run, &c);
        } else {
            vjp_of_parts(run, &c);
        }
        const odeon_tensor *all[] = {c.dx, c.dw, c.dbias};
        static const char *const names[] = {"dx", "dw", "dbias"};
        for (int k = 0; k < 3; k++) {
            if (all[k] != NULL) {
                case_keep(run, names[k], &all[k]->view);
            }
        }
    }
}

const device_case product_cases[] = {
    {"gemm", run_gemm},
    {"gemm with an epilogue", run_gemm_epilogue},
    {"gemm of what is not finite", run_gemm_passes_on},
    {"gemm of a tensor with itself", run_gemm_of_itself},
    {"channel_sum", run_channel_sum},
    {"dense_vjp", run_dense_vjp},
    {NULL, NULL},
};
