/* The kernels of pointwise.h; activation_body.h and vector_body.h come before. Comparisons stand so
 * that NaN goes the way that passes it on. */
KERNEL_FN real REAL(unary_value)(int32_t id, real x)
{
    switch (id) {
    case ODEON_UNARY_EXP:
        return MATH(exp)(x);
    case ODEON_UNARY_SQRT:
        return MATH(sqrt)(x);
    case ODEON_UNARY_RECIPROCAL:
        return (real)1 / x;
    case ODEON_UNARY_LOG:
        return MATH(log)(x);
    case ODEON_UNARY_SQUARE:
        return x * x;
    case ODEON_UNARY_SIN:
        return MATH(sin)(x);
    case ODEON_UNARY_COS:
        return MATH(cos)(x);
    case ODEON_UNARY_ABS:
        return MATH(fabs)(x);
    case ODEON_UNARY_ERF:
        return MATH(erf)(x);
    default:
        return REAL(activation)(id, x);
    }
}

/* f', from y or x as the id's line in device_pointwise.h says. */
KERNEL_FN real REAL(unary_slope)(int32_t id, real kept)
{
    const real one = (real)1, zero = (real)0;
    switch (id) {
    case ODEON_UNARY_RELU:
        return kept <= zero ? zero : one;
    case ODEON_UNARY_TANH:
        return one - kept * kept;
    case ODEON_UNARY_SOFTPLUS: /* sigmoid(x) = 1 - exp(-y); above f(20), x was above 20 */
        return kept > (real)20.0000000020611536 ? one : -MATH(expm1)(-kept);
    case ODEON_UNARY_SIGMOID:
        return kept * (one - kept);
    case ODEON_UNARY_EXP:
        return kept;
    case ODEON_UNARY_SQRT:
        return (real)0.5 / kept;
    case ODEON_UNARY_RECIPROCAL:
        return -kept * kept;
    case ODEON_UNARY_LOG:
        return one / kept;
    case ODEON_UNARY_SQUARE:
        return (real)2 * kept;
    case ODEON_UNARY_SIN:
        return MATH(cos)(kept);
    case ODEON_UNARY_COS:
        return -MATH(sin)(kept);
    case ODEON_UNARY_ABS:
        return kept > zero ? one : kept < zero ? -one : kept; /* 0 at 0, NaN at NaN */
    case ODEON_UNARY_ERF:                                     /* 2 / sqrt(pi) exp(-x^2) */
        return (real)1.1283791670955126 * MATH(exp)(-kept * kept);
    default:
        return one;
    }
}

KERNEL_FN void REAL(unary)(int32_t phase, const unary_args *a, kernel_thread w, void *shared)
{
    const real *x = (const real *)a->x;
    real *y = (real *)a->y;
    int64_t rest = REAL(vector_rest)(a->count, w);
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->count / VECTOR_WIDTH) {
        REAL(vector) v = REAL(load)(x, i, a->aligned);
        KERNEL_ROLLED for (int32_t l = 0; l < VECTOR_WIDTH; l++)
        {
            v = REAL(rotate)(v, REAL(unary_value)(a->id, v.at[0]));
        }
        REAL(store)(y, i, v, a->aligned);
    }
    if (rest < a->count) {
        y[rest] = REAL(unary_value)(a->id, x[rest]);
    }
}

KERNEL_FN void REAL(unary_vjp)(int32_t phase, const unary_args *a, kernel_thread w, void *shared)
{
    const real *kept = (const real *)a->x, *dy = (const real *)a->dy;
    real *dx = (real *)a->y;
    int64_t rest = REAL(vector_rest)(a->count, w);
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->count / VECTOR_WIDTH) {
        REAL(vector) v = REAL(load)(kept, i, a->aligned), d = REAL(load)(dy, i, a->aligned);
        KERNEL_ROLLED for (int32_t l = 0; l < VECTOR_WIDTH; l++)
        {
            v = REAL(rotate)(v, d.at[0] * REAL(unary_slope)(a->id, v.at[0]));
            d = REAL(rotate)(d, d.at[0]);
        }
        REAL(store)(dx, i, v, a->aligned);
    }
    if (rest < a->count) {
        dx[rest] = dy[rest] * REAL(unary_slope)(a->id, kept[rest]);
    }
}

KERNEL_FN real REAL(binary_value)(int32_t id, real a, real b)
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

KERNEL_FN void REAL(binary)(int32_t phase, const binary_args *a, kernel_thread w, void *shared)
{
    const real *left = (const real *)a->a, *right = (const real *)a->b;
    real *y = (real *)a->y;
    int64_t rest = REAL(vector_rest)(a->count, w);
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->count / VECTOR_WIDTH) {
        REAL(vector) v = REAL(load)(left, i, a->aligned), u = REAL(load)(right, i, a->aligned);
        KERNEL_ROLLED for (int32_t l = 0; l < VECTOR_WIDTH; l++)
        {
            v = REAL(rotate)(v, REAL(binary_value)(a->id, v.at[0], u.at[0]));
            u = REAL(rotate)(u, u.at[0]);
        }
        REAL(store)(y, i, v, a->aligned);
    }
    if (rest < a->count) {
        y[rest] = REAL(binary_value)(a->id, left[rest], right[rest]);
    }
}

/* x^n by squaring, n >= 0. */
KERNEL_FN real REAL(whole_power)(real x, int32_t n)
{
    real y = (real)1;
    for (; n > 0; n /= 2, x *= x) {
        y = n % 2 == 1 ? y * x : y;
    }
    return y;
}

KERNEL_FN void REAL(power)(int32_t phase, const power_args *a, kernel_thread w, void *shared)
{
    const real *x = (const real *)a->x, scale = (real)a->scale;
    real *y = (real *)a->y;
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->count) {
        if (a->whole) {
            real value = REAL(whole_power)(x[i], a->products);
            y[i] = a->inverse ? scale / value : scale * value;
        } else { /* of double: the exponent may not be one of float */
            y[i] = (real)(a->scale * pow((double)x[i], a->exponent));
        }
    }
}
