/* f(x) of the unary ids that may stand in an epilogue. NaN is passed on. */
KERNEL_FN real REAL(activation)(int32_t id, real x)
{
    switch (id) {
    case ODEON_UNARY_RELU:
        return x < (real)0 ? (real)0 : x;
    case ODEON_UNARY_TANH:
        return MATH(tanh)(x);
    case ODEON_UNARY_SOFTPLUS:
        return x > (real)20 ? x : MATH(log1p)(MATH(exp)(x));
    case ODEON_UNARY_SIGMOID:
        return (real)1 / ((real)1 + MATH(exp)(-x));
    default:
        return x;
    }
}
