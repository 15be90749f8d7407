/* pointwise.h: element-wise functions of one or two numbers. */
#ifndef ODEON_CPU_POINTWISE_H
#define ODEON_CPU_POINTWISE_H

/* The elementary function NAME in the form that the dtype needs. */
#define ELEMENTARY(name, ...)                                                                      \
    ((real)(sizeof(real) == sizeof(float) ? name##_short(__VA_ARGS__) : name##_full(__VA_ARGS__)))

/* Without branches, so that loops over it vectorize; the logarithm of float64 is the library's. In
 * all comparisons NaN takes the branch that passes it on. SIN and COS: |x| <= TURN_LIMIT. */
ALWAYS_INLINE real unary_value(int32_t id, real x)
{
    const real one = 1, zero = 0;
    switch (id) {
    case ODEON_UNARY_RELU:
        return x <= zero ? zero : x;
    case ODEON_UNARY_TANH:
        return ELEMENTARY(tanh, (double)x);
    case ODEON_UNARY_SOFTPLUS:
        return ELEMENTARY(softplus, (double)x);
    case ODEON_UNARY_SIGMOID:
        return ELEMENTARY(sigmoid, (double)x);
    case ODEON_UNARY_EXP:
        return ELEMENTARY(exp, (double)x);
    case ODEON_UNARY_SQRT:
        return sqrt(x);
    case ODEON_UNARY_RECIPROCAL:
        return one / x;
    case ODEON_UNARY_LOG:
        return sizeof(real) == sizeof(float) ? (real)log_short((double)x) : log(x);
    case ODEON_UNARY_SQUARE:
        return x * x;
    case ODEON_UNARY_SIN:
        return ELEMENTARY(sin, (double)x, 0.0);
    case ODEON_UNARY_COS:
        return ELEMENTARY(sin, (double)x, 1.0);
    case ODEON_UNARY_ABS:
        return fabs(x);
    case ODEON_UNARY_ERF:
        return (real)erf((double)x);
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
        if (sizeof(real) == sizeof(float)) {
            return kept > softplus_linear ? one : -(real)expm1_short(-(double)kept);
        }
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
        return unary_value(ODEON_UNARY_COS, kept);
    case ODEON_UNARY_COS:
        return -unary_value(ODEON_UNARY_SIN, kept);
    case ODEON_UNARY_ABS:
        return kept > zero ? one : kept < zero ? -one : kept; /* 0, NaN */
    case ODEON_UNARY_ERF:                                     /* 2 / sqrt(pi) exp(-x^2) */
        return (real)1.1283791670955126 * unary_value(ODEON_UNARY_EXP, -kept * kept);
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

/* Are all numbers finite and small enough for the sine's own formula? */
static int32_t turns_fit(int64_t count, const real *x)
{
    int32_t outside = 0;
#pragma omp simd reduction(| : outside)
    for (int64_t i = 0; i < count; i++) {
        outside |= !(fabs(x[i]) <= (real)TURN_LIMIT);
    }
    return !outside;
}

/* Sine, or cosine, of any x: a single large number goes to the library, whatever stands beside it.
 */
static real turn_value(int32_t id, real x)
{
    if (!(fabs(x) <= (real)TURN_LIMIT)) {
        return id == ODEON_UNARY_SIN ? sin(x) : cos(x);
    }
    return id == ODEON_UNARY_SIN ? unary_value(ODEON_UNARY_SIN, x)
                                 : unary_value(ODEON_UNARY_COS, x);
}

/* Sine or cosine; y may be x. */
static void unary_turns(int32_t id, int64_t count, const real *x, real *y)
{
    if (turns_fit(count, x)) {
        if (id == ODEON_UNARY_SIN) {
            unary_loop(ODEON_UNARY_SIN, count, x, y);
        } else {
            unary_loop(ODEON_UNARY_COS, count, x, y);
        }
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        y[i] = turn_value(id, x[i]);
    }
}

/* The vjp of sine or cosine. */
static void unary_turns_vjp(int32_t id, int64_t count, const real *x, const real *dy, real *dx)
{
    if (turns_fit(count, x)) {
        if (id == ODEON_UNARY_SIN) {
            unary_vjp_loop(ODEON_UNARY_SIN, count, x, dy, dx);
        } else {
            unary_vjp_loop(ODEON_UNARY_COS, count, x, dy, dx);
        }
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        dx[i] = dy[i] * (id == ODEON_UNARY_SIN ? turn_value(ODEON_UNARY_COS, x[i])
                                               : -turn_value(ODEON_UNARY_SIN, x[i]));
    }
}

/* x [count] -> y [count], of functions that are no epilogue. */
static void unary_rest(int32_t id, int64_t count, const real *x, real *y)
{
    switch (id) {
    case ODEON_UNARY_EXP:
        unary_loop(ODEON_UNARY_EXP, count, x, y);
        break;
    case ODEON_UNARY_SQRT:
        unary_loop(ODEON_UNARY_SQRT, count, x, y);
        break;
    case ODEON_UNARY_RECIPROCAL:
        unary_loop(ODEON_UNARY_RECIPROCAL, count, x, y);
        break;
    case ODEON_UNARY_LOG:
        unary_loop(ODEON_UNARY_LOG, count, x, y);
        break;
    case ODEON_UNARY_SQUARE:
        unary_loop(ODEON_UNARY_SQUARE, count, x, y);
        break;
    case ODEON_UNARY_ABS:
        unary_loop(ODEON_UNARY_ABS, count, x, y);
        break;
    case ODEON_UNARY_ERF:
        unary_loop(ODEON_UNARY_ERF, count, x, y);
        break;
    case ODEON_UNARY_SIN:
    case ODEON_UNARY_COS:
        unary_turns(id, count, x, y);
        break;
    default:
        unary_loop(ODEON_UNARY_IDENTITY, count, x, y);
        break;
    }
}

/* x [count] -> y [count]. */
static void unary(int32_t id, int64_t count, const void *x, void *y)
{
    switch (id) {
    case ODEON_UNARY_RELU:
        unary_loop(ODEON_UNARY_RELU, count, x, y);
        break;
    case ODEON_UNARY_TANH:
        unary_loop(ODEON_UNARY_TANH, count, x, y);
        break;
    case ODEON_UNARY_SOFTPLUS:
        unary_loop(ODEON_UNARY_SOFTPLUS, count, x, y);
        break;
    case ODEON_UNARY_SIGMOID:
        unary_loop(ODEON_UNARY_SIGMOID, count, x, y);
        break;
    default:
        unary_rest(id, count, x, y);
        break;
    }
}

/* kept, dy [count] -> dx [count], of functions that are no epilogue. */
static void unary_vjp_rest(int32_t id, int64_t count, const real *kept, const real *dy, real *dx)
{
    switch (id) {
    case ODEON_UNARY_EXP:
        unary_vjp_loop(ODEON_UNARY_EXP, count, kept, dy, dx);
        break;
    case ODEON_UNARY_SQRT:
        unary_vjp_loop(ODEON_UNARY_SQRT, count, kept, dy, dx);
        break;
    case ODEON_UNARY_RECIPROCAL:
        unary_vjp_loop(ODEON_UNARY_RECIPROCAL, count, kept, dy, dx);
        break;
    case ODEON_UNARY_LOG:
        unary_vjp_loop(ODEON_UNARY_LOG, count, kept, dy, dx);
        break;
    case ODEON_UNARY_SQUARE:
        unary_vjp_loop(ODEON_UNARY_SQUARE, count, kept, dy, dx);
        break;
    case ODEON_UNARY_ABS:
        unary_vjp_loop(ODEON_UNARY_ABS, count, kept, dy, dx);
        break;
    case ODEON_UNARY_ERF:
        unary_vjp_loop(ODEON_UNARY_ERF, count, kept, dy, dx);
        break;
    case ODEON_UNARY_SIN:
    case ODEON_UNARY_COS:
        unary_turns_vjp(id, count, kept, dy, dx);
        break;
    default:
        unary_vjp_loop(ODEON_UNARY_IDENTITY, count, kept, dy, dx);
        break;
    }
}

/* kept, dy [count] -> dx [count]. */
static void unary_vjp(int32_t id, int64_t count, const void *kept, const void *dy, void *dx)
{
    switch (id) {
    case ODEON_UNARY_RELU:
        unary_vjp_loop(ODEON_UNARY_RELU, count, kept, dy, dx);
        break;
    case ODEON_UNARY_TANH:
        unary_vjp_loop(ODEON_UNARY_TANH, count, kept, dy, dx);
        break;
    case ODEON_UNARY_SOFTPLUS:
        unary_vjp_loop(ODEON_UNARY_SOFTPLUS, count, kept, dy, dx);
        break;
    case ODEON_UNARY_SIGMOID:
        unary_vjp_loop(ODEON_UNARY_SIGMOID, count, kept, dy, dx);
        break;
    default:
        unary_vjp_rest(id, count, kept, dy, dx);
        break;
    }
}

/* id is a constant wherever this is inlined. */
ALWAYS_INLINE void vjp_columns_loop(int32_t id, int64_t rows, int64_t cols, int64_t pitch,
                                    const real *kept, const real *dy, real *dx, real *sums)
{
    for (int64_t r = 0; r < rows; r++, kept += pitch, dy += pitch, dx += cols) {
#pragma omp simd
        for (int64_t i = 0; i < cols; i++) {
            real value = dy[i] * unary_slope(id, kept[i]);
            dx[i] = value;
            sums[i] += value;
        }
    }
}

/* Sums are of so few rows that they need no more digits than the dtype's. */
static void unary_vjp_columns(int32_t id, int64_t rows, int64_t cols, int64_t pitch,
                              const void *kept, const void *dy, void *dx, void *sums, void *bias)
{
    real *sum = sums, *out = bias;
    for (int64_t i = 0; i < cols; i++) {
        sum[i] = 0;
    }
    switch (id) {
    case ODEON_UNARY_RELU:
        vjp_columns_loop(ODEON_UNARY_RELU, rows, cols, pitch, kept, dy, dx, sum);
        break;
    case ODEON_UNARY_TANH:
        vjp_columns_loop(ODEON_UNARY_TANH, rows, cols, pitch, kept, dy, dx, sum);
        break;
    case ODEON_UNARY_SOFTPLUS:
        vjp_columns_loop(ODEON_UNARY_SOFTPLUS, rows, cols, pitch, kept, dy, dx, sum);
        break;
    case ODEON_UNARY_SIGMOID:
        vjp_columns_loop(ODEON_UNARY_SIGMOID, rows, cols, pitch, kept, dy, dx, sum);
        break;
    default:
        vjp_columns_loop(ODEON_UNARY_IDENTITY, rows, cols, pitch, dy, dy, dx, sum);
        break;
    }
    for (int64_t i = 0; i < cols; i++) {
        out[i] += sum[i];
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

/* x [count] -> y [count]; pow in double for both dtypes, but for usual exponents of float32. */
static void power(int64_t count, double scale, double exponent, const void *x, void *y)
{
    const real *from = x;
    real *to = y;
    if (fabs(exponent) <= ODEON_POWER_PRODUCTS && exponent == floor(exponent)) {
        whole_power(count, (real)scale, (int32_t)fabs(exponent), exponent < 0.0, from, to);
    } else if (sizeof(real) == sizeof(float) && fabs(exponent) <= POWER_LIMIT) {
#pragma omp simd
        for (int64_t i = 0; i < count; i++) {
            to[i] = (real)power_short((double)from[i], scale, exponent);
        }
    } else {
        for (int64_t i = 0; i < count; i++) {
            to[i] = (real)(scale * pow((double)from[i], exponent));
        }
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

/* y [rows,cols], bias [cols]. */
static void bias_columns(int32_t act, int64_t rows, int64_t cols, const void *bias, void *y)
{
    switch (act) {
    case ODEON_UNARY_RELU:
        bias_columns_loop(ODEON_UNARY_RELU, rows, cols, bias, y);
        break;
    case ODEON_UNARY_TANH:
        bias_columns_loop(ODEON_UNARY_TANH, rows, cols, bias, y);
        break;
    case ODEON_UNARY_SOFTPLUS:
        bias_columns_loop(ODEON_UNARY_SOFTPLUS, rows, cols, bias, y);
        break;
    case ODEON_UNARY_SIGMOID:
        bias_columns_loop(ODEON_UNARY_SIGMOID, rows, cols, bias, y);
        break;
    default:
        bias_columns_loop(ODEON_UNARY_IDENTITY, rows, cols, bias, y);
        break;
    }
}

ALWAYS_INLINE void bias_row_loop(int32_t act, int64_t cols, real bias, real *y)
{
#pragma omp simd
    for (int64_t i = 0; i < cols; i++) {
        y[i] = unary_value(act, y[i] + bias);
    }
}

/* y [rows,cols], bias [rows]. */
static void bias_rows(int32_t act, int64_t rows, int64_t cols, const void *bias, void *y)
{
    for (int64_t r = 0; r < rows; r++) {
        real *row = (real *)y + r * cols, b = ((const real *)bias)[r];
        switch (act) {
        case ODEON_UNARY_RELU:
            bias_row_loop(ODEON_UNARY_RELU, cols, b, row);
            break;
        case ODEON_UNARY_TANH:
            bias_row_loop(ODEON_UNARY_TANH, cols, b, row);
            break;
        case ODEON_UNARY_SOFTPLUS:
            bias_row_loop(ODEON_UNARY_SOFTPLUS, cols, b, row);
            break;
        case ODEON_UNARY_SIGMOID:
            bias_row_loop(ODEON_UNARY_SIGMOID, cols, b, row);
            break;
        default:
            bias_row_loop(ODEON_UNARY_IDENTITY, cols, b, row);
            break;
        }
    }
}

#endif
