/* pointwise.h: element-wise functions of one or two numbers. */
#ifndef ODEON_CPU_POINTWISE_H
#define ODEON_CPU_POINTWISE_H

/* In all comparisons NaN takes the branch that passes it on. */
ALWAYS_INLINE real unary_value(int32_t id, real x)
{
    const real one = 1, softplus_linear = 20, zero = 0;
    switch (id) {
    case ODEON_UNARY_RELU:
        return x <= zero ? zero : x;
    case ODEON_UNARY_TANH:
        return tanh(x);
    case ODEON_UNARY_SOFTPLUS:
        return x > softplus_linear ? x : log1p(exp(x));
    case ODEON_UNARY_SIGMOID:
        return one / (one + exp(-x));
    case ODEON_UNARY_EXP:
        return exp(x);
    case ODEON_UNARY_SQRT:
        return sqrt(x);
    case ODEON_UNARY_RECIPROCAL:
        return one / x;
    case ODEON_UNARY_LOG:
        return log(x);
    case ODEON_UNARY_SQUARE:
        return x * x;
    case ODEON_UNARY_SIN:
        return sin(x);
    case ODEON_UNARY_COS:
        return cos(x);
    case ODEON_UNARY_ABS:
        return fabs(x);
    default:
        return x;
    }
}

/* The derivative, from y or x as device_pointwise.h lists. */
ALWAYS_INLINE real unary_slope(int32_t id, real kept)
{
    const real one = 1, two = 2, half = (real)0.5, zero = 0;
    const real softplus_linear = (real)20.0000000020611536; /* softplus(20) */
    switch (id) {
    case ODEON_UNARY_RELU:
        return kept <= zero ? zero : one;
    case ODEON_UNARY_TANH:
        return one - kept * kept;
    case ODEON_UNARY_SOFTPLUS:
        return kept > softplus_linear ? one : -expm1(-kept);
    case ODEON_UNARY_SIGMOID:
        return kept * (one - kept);
    case ODEON_UNARY_EXP:
        return kept;
    case ODEON_UNARY_SQRT:
        return half / kept;
    case ODEON_UNARY_RECIPROCAL:
        return -kept * kept;
    case ODEON_UNARY_LOG:
        return one / kept;
    case ODEON_UNARY_SQUARE:
        return two * kept;
    case ODEON_UNARY_SIN:
        return cos(kept);
    case ODEON_UNARY_COS:
        return -sin(kept);
    case ODEON_UNARY_ABS:
        return kept > zero ? one : kept < zero ? -one : kept; /* 0, NaN */
    default:
        return one;
    }
}

/* id is a constant wherever these are inlined, so each loop holds one function and vectorizes. */
ALWAYS_INLINE void unary_loop(int32_t id, int64_t count, const real *x, real *y)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        y[i] = unary_value(id, x[i]);
    }
}

ALWAYS_INLINE void unary_vjp_loop(int32_t id, int64_t count, const real *kept, const real *dy,
                                  real *dx)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        dx[i] = dy[i] * unary_slope(id, kept[i]);
    }
}

/* x [count] -> y [count]. */
static void unary(int32_t id, int64_t count, const void *x, void *y)
{
    switch (id) {
    case ODEON_UNARY_RELU:
        unary_loop(ODEON_UNARY_RELU, count, x, y);
        break;
    case ODEON_UNARY_SQRT:
        unary_loop(ODEON_UNARY_SQRT, count, x, y);
        break;
    case ODEON_UNARY_RECIPROCAL:
        unary_loop(ODEON_UNARY_RECIPROCAL, count, x, y);
        break;
    case ODEON_UNARY_SQUARE:
        unary_loop(ODEON_UNARY_SQUARE, count, x, y);
        break;
    case ODEON_UNARY_ABS:
        unary_loop(ODEON_UNARY_ABS, count, x, y);
        break;
    default: /* the time goes into the math library, so a loop of its own gains nothing */
        for (int64_t i = 0; i < count; i++) {
            ((real *)y)[i] = unary_value(id, ((const real *)x)[i]);
        }
        break;
    }
}

/* kept, dy [count] -> dx [count]. */
static void unary_vjp(int32_t id, int64_t count, const void *kept, const void *dy, void *dx)
{
    switch (id) {
    case ODEON_UNARY_IDENTITY:
        unary_vjp_loop(ODEON_UNARY_IDENTITY, count, kept, dy, dx);
        break;
    case ODEON_UNARY_RELU:
        unary_vjp_loop(ODEON_UNARY_RELU, count, kept, dy, dx);
        break;
    case ODEON_UNARY_TANH:
        unary_vjp_loop(ODEON_UNARY_TANH, count, kept, dy, dx);
        break;
    case ODEON_UNARY_SIGMOID:
        unary_vjp_loop(ODEON_UNARY_SIGMOID, count, kept, dy, dx);
        break;
    case ODEON_UNARY_EXP:
        unary_vjp_loop(ODEON_UNARY_EXP, count, kept, dy, dx);
        break;
    case ODEON_UNARY_SQUARE:
        unary_vjp_loop(ODEON_UNARY_SQUARE, count, kept, dy, dx);
        break;
    default:
        for (int64_t i = 0; i < count; i++) {
            ((real *)dx)[i] = ((const real *)dy)[i] * unary_slope(id, ((const real *)kept)[i]);
        }
        break;
    }
}

ALWAYS_INLINE real binary_value(int32_t id, real a, real b)
{
    switch (id) {
    case ODEON_BINARY_ADD:
        return a + b;
    case ODEON_BINARY_SUB:
        return a - b;
    case ODEON_BINARY_MUL:
        return a * b;
    default:
        return a / b;
    }
}

ALWAYS_INLINE void binary_loop(int32_t id, int64_t count, const real *a, const real *b, real *y)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        y[i] = binary_value(id, a[i], b[i]);
    }
}

/* a, b [count] -> y [count]. */
static void binary(int32_t id, int64_t count, const void *a, const void *b, void *y)
{
    switch (id) {
    case ODEON_BINARY_ADD:
        binary_loop(ODEON_BINARY_ADD, count, a, b, y);
        break;
    case ODEON_BINARY_SUB:
        binary_loop(ODEON_BINARY_SUB, count, a, b, y);
        break;
    case ODEON_BINARY_MUL:
        binary_loop(ODEON_BINARY_MUL, count, a, b, y);
        break;
    default:
        binary_loop(ODEON_BINARY_DIV, count, a, b, y);
        break;
    }
}

/* y = scale * x^n, n >= 0, or scale / x^n, by repeated squaring. A block goes through each squaring
 * together, so that the compiler can vectorize it. */
static void whole_power(int64_t count, real scale, int32_t n, int32_t inverse, const real *x,
                        real *y)
{
    for (int64_t first = 0; first < count; first += LANES) {
        int64_t now = count - first < LANES ? count - first : LANES;
        real base[LANES] = {0}, product[LANES];
        memcpy(base, x + first, (size_t)now * sizeof *base);
        for (int l = 0; l < LANES; l++) {
            product[l] = 1;
        }
        for (int32_t left = n; left > 0; left /= 2) {
            for (int l = 0; l < LANES; l++) {
                product[l] = left % 2 == 1 ? product[l] * base[l] : product[l];
                base[l] *= base[l];
            }
        }
        for (int64_t l = 0; l < now; l++) {
            y[first + l] = inverse ? scale / product[l] : scale * product[l];
        }
    }
}

/* x [count] -> y [count]; pow in double for both dtypes. */
static void power(int64_t count, double scale, double exponent, const void *x, void *y)
{
    if (fabs(exponent) <= ODEON_POWER_PRODUCTS && exponent == floor(exponent)) {
        whole_power(count, (real)scale, (int32_t)fabs(exponent), exponent < 0.0, x, y);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        ((real *)y)[i] = (real)(scale * pow((double)((const real *)x)[i], exponent));
    }
}

/* act is a constant wherever this is inlined. */
ALWAYS_INLINE void bias_columns_loop(int32_t act, int64_t rows, int64_t cols, const real *bias,
                                     real *y)
{
    for (int64_t r = 0; r < rows; r++) {
        real *row = y + r * cols;
#pragma omp simd
        for (int64_t i = 0; i < cols; i++) {
            row[i] = unary_value(act, row[i] + bias[i]);
        }
    }
}

/* y [rows,cols], bias [cols]. ReLU is fused; other functions take a second pass. */
static void bias_columns(int32_t act, int64_t rows, int64_t cols, const void *bias, void *y)
{
    if (act == ODEON_UNARY_RELU) {
        bias_columns_loop(ODEON_UNARY_RELU, rows, cols, bias, y);
        return;
    }
    bias_columns_loop(ODEON_UNARY_IDENTITY, rows, cols, bias, y);
    if (act != ODEON_UNARY_IDENTITY) {
        unary(act, rows * cols, y, y);
    }
}

/* y [rows,cols], bias [rows]. */
static void bias_rows(int32_t act, int64_t rows, int64_t cols, const void *bias, void *y)
{
    for (int64_t r = 0; r < rows; r++) {
        real *row = (real *)y + r * cols, b = ((const real *)bias)[r];
#pragma omp simd
        for (int64_t i = 0; i < cols; i++) {
            row[i] += b;
        }
        if (act != ODEON_UNARY_IDENTITY) {
            unary(act, cols, row, row);
        }
    }
}

#endif
