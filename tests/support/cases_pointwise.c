#include <math.h>

#include "device_cases.h"
#include "odeon/device_pointwise.h"

static const int64_t sizes[] = {0, 1, 3, 17, 64, 1031};
enum { N_SIZES = sizeof sizes / sizeof *sizes };

/* What unary_vjp keeps, y or x, lies in this range for numbers that the function can have met. */
typedef struct range {
    double low, high;
} range;

static const range domain[ODEON_UNARY_COUNT] = {
    [ODEON_UNARY_IDENTITY] = {-3, 3}, [ODEON_UNARY_RELU] = {-3, 3},
    [ODEON_UNARY_TANH] = {-4, 4},     [ODEON_UNARY_SOFTPLUS] = {-30, 30},
    [ODEON_UNARY_SIGMOID] = {-9, 9},  [ODEON_UNARY_EXP] = {-3, 3},
    [ODEON_UNARY_SQRT] = {0, 9},      [ODEON_UNARY_RECIPROCAL] = {0.2, 5},
    [ODEON_UNARY_LOG] = {0.2, 9},     [ODEON_UNARY_SQUARE] = {-3, 3},
    [ODEON_UNARY_SIN] = {-9, 9},      [ODEON_UNARY_COS] = {-9, 9},
    [ODEON_UNARY_ABS] = {-3, 3},      [ODEON_UNARY_ERF] = {-4, 4},
};

static const range keeps[ODEON_UNARY_COUNT] = {
    [ODEON_UNARY_IDENTITY] = {-3, 3}, [ODEON_UNARY_RELU] = {-3, 3},
    [ODEON_UNARY_TANH] = {-1, 1},     [ODEON_UNARY_SOFTPLUS] = {0.001, 30},
    [ODEON_UNARY_SIGMOID] = {0, 1},   [ODEON_UNARY_EXP] = {0.1, 9},
    [ODEON_UNARY_SQRT] = {0.2, 3},    [ODEON_UNARY_RECIPROCAL] = {-3, 3},
    [ODEON_UNARY_LOG] = {0.2, 9},     [ODEON_UNARY_SQUARE] = {-3, 3},
    [ODEON_UNARY_SIN] = {-9, 9},      [ODEON_UNARY_COS] = {-9, 9},
    [ODEON_UNARY_ABS] = {-3, 3},      [ODEON_UNARY_ERF] = {-4, 4},
};

static void run_unary(case_run *run)
{
    for (int32_t id = 0; id < ODEON_UNARY_COUNT; id++) {
        for (int32_t i = 0; i < N_SIZES; i++) {
            case_variant(run, "id %d of %d", (int)id, (int)sizes[i]);
            odeon_tensor x = case_between(run, shape1(sizes[i]), domain[id].low, domain[id].high);
            odeon_tensor y = case_output(run, shape1(sizes[i]));
            case_do(run, pointwise, unary, .id = id, .x = &x.view, .y = &y);
            case_keep(run, "y", &y.view);
            case_do(run, pointwise, unary, .id = id, .x = &x.view, .y = &x);
            case_keep(run, "x in place", &x.view);
        }
    }
}

/* Points where formulas break: far tails, the ends of branches, what is not finite. */
static void run_unary_specials(case_run *run)
{
    const double values[] = {(double)NAN, HUGE_VAL, -HUGE_VAL, 0.0,   -0.0, 1.0,  -1.0,
                             20.0,        21.0,     19.0,      -25.0, 25.0, 40.0, -40.0};
    for (int32_t id = 0; id < ODEON_UNARY_COUNT; id++) {
        case_variant(run, "id %d", (int)id);
        case_expect_nonfinite(run);
        odeon_tensor x = case_values(run, shape1(14), values), y = case_output(run, shape1(14));
        case_do(run, pointwise, unary, .id = id, .x = &x.view, .y = &y);
        case_keep_each(run, "y", &y.view);
    }
}

static void run_unary_vjp(case_run *run)
{
    for (int32_t id = 0; id < ODEON_UNARY_COUNT; id++) {
        for (int32_t i = 0; i < N_SIZES; i++) {
            case_variant(run, "id %d of %d", (int)id, (int)sizes[i]);
            case_shape shape = shape1(sizes[i]);
            odeon_tensor kept = case_between(run, shape, keeps[id].low, keeps[id].high);
            odeon_tensor dy = case_random(run, shape), dx = case_output(run, shape);
            case_do(run, pointwise, unary_vjp, .id = id, .kept = &kept.view, .dy = &dy.view,
                    .dx = &dx);
            case_keep(run, "dx", &dx.view);
        }
    }
}

static void run_unary_vjp_in_place(case_run *run)
{
    for (int32_t id = 0; id < ODEON_UNARY_COUNT; id++) {
        for (int32_t i = 0; i < 2; i++) {
            case_variant(run, "id %d, dx is %s", (int)id, i == 0 ? "dy" : "kept");
            odeon_tensor kept = case_between(run, shape1(37), keeps[id].low, keeps[id].high);
            odeon_tensor dy = case_random(run, shape1(37)), *dx = i == 0 ? &dy : &kept;
            case_do(run, pointwise, unary_vjp, .id = id, .kept = &kept.view, .dy = &dy.view,
                    .dx = dx);
            case_keep(run, "dx", &dx->view);
        }
    }
}

static void run_unary_vjp_specials(case_run *run)
{
    /* Where there is a kink: relu and abs at 0, softplus at and above f(20). */
    static const double kept_values[] = {0.0, 1.0, 0.5, 20.0, 25.0, 0.0};
    static const int32_t ids[] = {ODEON_UNARY_RELU, ODEON_UNARY_ABS, ODEON_UNARY_SOFTPLUS};
    static const double dy_values[] = {2.0, -3.0, 4.0, 5.0, -6.0, 7.0};
    for (int32_t i = 0; i < 3; i++) {
        case_variant(run, "id %d", (int)ids[i]);
        odeon_tensor kept = case_values(run, shape1(6), kept_values);
        odeon_tensor dy = case_values(run, shape1(6), dy_values), dx = case_output(run, shape1(6));
        case_do(run, pointwise, unary_vjp, .id = ids[i], .kept = &kept.view, .dy = &dy.view,
                .dx = &dx);
        case_keep_each(run, "dx", &dx.view);
    }
    const double hurt[] = {1.0, (double)NAN, HUGE_VAL};
    for (int32_t id = 0; id < ODEON_UNARY_COUNT; id++) {
        case_variant(run, "id %d, dy not finite", (int)id);
        case_expect_nonfinite(run);
        odeon_tensor kept = case_between(run, shape1(3), 0.3, 0.6);
        odeon_tensor dy = case_values(run, shape1(3), hurt), dx = case_output(run, shape1(3));
        case_do(run, pointwise, unary_vjp, .id = id, .kept = &kept.view, .dy = &dy.view, .dx = &dx);
        case_keep_each(run, "dx", &dx.view);
    }
}

/* Slopes are steep near 0: b keeps away from it, as float32 rounds a / b to 6e-8 of itself. */
static void run_binary(case_run *run)
{
    for (int32_t id = 0; id < ODEON_BINARY_COUNT; id++) {
        for (int32_t i = 0; i < 3 * N_SIZES; i++) {
            case_shape shape = shape1(sizes[i / 3]);
            case_variant(run, "id %d of %d, y is %c", (int)id, (int)sizes[i / 3], "yab"[i % 3]);
            odeon_tensor a = case_random(run, shape), b = case_between(run, shape, -2.0, -0.5);
            odeon_tensor other = case_output(run, shape);
            odeon_tensor *y = i % 3 == 0 ? &other : i % 3 == 1 ? &a : &b;
            case_do(run, pointwise, binary, .id = id, .a = &a.view, .b = &b.view, .y = y);
            case_keep(run, "y", &y->view);
        }
    }
}

static void run_binary_specials(case_run *run)
{
    const double a_values[] = {(double)NAN, 1.0, HUGE_VAL, 1.0, -1.0, 0.0, HUGE_VAL, 0.0};
    const double b_values[] = {1.0, (double)NAN, 2.0, HUGE_VAL, 0.0, 0.0, HUGE_VAL, HUGE_VAL};
    for (int32_t id = 0; id < ODEON_BINARY_COUNT; id++) {
        case_variant(run, "id %d", (int)id);
        case_expect_nonfinite(run);
        odeon_tensor a = case_values(run, shape1(8), a_values);
        odeon_tensor b = case_values(run, shape1(8), b_values), y = case_output(run, shape1(8));
        case_do(run, pointwise, binary, .id = id, .a = &a.view, .b = &b.view, .y = &y);
        case_keep_each(run, "y", &y.view);
    }
}

static void run_binary_of_itself(case_run *run)
{
    case_variant(run, "a is b");
    odeon_tensor a = case_random(run, shape1(33)), y = case_output(run, shape1(33));
    case_do(run, pointwise, binary, .id = ODEON_BINARY_MUL, .a = &a.view, .b = &a.view, .y = &y);
    case_keep(run, "y", &y.view);
}

static const double exponents[] = {0, 1, 2, 3, 7, -1, -2, 0.5, 1.7, -0.3, 65};
enum { N_EXPONENTS = sizeof exponents / sizeof *exponents };

/* Whole exponents take negative numbers, too. */
static void run_power(case_run *run)
{
    for (int32_t i = 0; i < N_EXPONENTS * N_SIZES; i++) {
        double exponent = exponents[i / N_SIZES];
        case_shape shape = shape1(sizes[i % N_SIZES]);
        double low = exponent == floor(exponent) && exponent >= 0.0 ? -1.5 : 0.25;
        case_variant(run, "exponent %g of %d", exponent, (int)sizes[i % N_SIZES]);
        odeon_tensor x = case_between(run, shape, low, 1.5), y = case_output(run, shape);
        case_do(run, pointwise, power, .scale = -1.25, .exponent = exponent, .x = &x.view, .y = &y);
        case_keep(run, "y", &y.view);
        case_do(run, pointwise, power, .scale = -1.25, .exponent = exponent, .x = &x.view, .y = &x);
        case_keep(run, "x in place", &x.view);
    }
}

static void run_power_specials(case_run *run)
{
    const double values[] = {(double)NAN, HUGE_VAL, -HUGE_VAL, 0.0, -0.0, 1.0, -1.0, -2.0};
    for (int32_t i = 0; i < N_EXPONENTS; i++) {
        case_variant(run, "exponent %g", exponents[i]);
        case_expect_nonfinite(run);
        odeon_tensor x = case_values(run, shape1(8), values), y = case_output(run, shape1(8));
        case_do(run, pointwise, power, .scale = 2.0, .exponent = exponents[i], .x = &x.view,
                .y = &y);
        case_keep_each(run, "y", &y.view);
    }
}

const device_case pointwise_cases[] = {
    {"power", run_power},
    {"power at special points", run_power_specials},
    {"unary", run_unary},
    {"unary at special points", run_unary_specials},
    {"unary_vjp", run_unary_vjp},
    {"unary_vjp in place", run_unary_vjp_in_place},
    {"unary_vjp at special points", run_unary_vjp_specials},
    {"binary", run_binary},
    {"binary at special points", run_binary_specials},
    {"binary of a tensor with itself", run_binary_of_itself},
    {NULL, NULL},
};
