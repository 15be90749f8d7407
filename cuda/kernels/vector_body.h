/* Vector i of x and back. aligned is a constant wherever these are expanded. */
KERNEL_FN REAL(vector) REAL(load)(const real *x, int64_t i, int32_t aligned)
{
#ifdef __CUDACC__
    if (aligned) {
        return ((const REAL(vector) *)x)[i];
    }
#endif
    REAL(vector) v;
    VECTOR_UNROLL
    for (int32_t l = 0; l < VECTOR_WIDTH; l++) {
        v.at[l] = vector_may(x, aligned) ? x[i * VECTOR_WIDTH + l] : (real)NAN;
    }
    return v;
}

KERNEL_FN void REAL(store)(real *y, int64_t i, REAL(vector) v, int32_t aligned)
{
#ifdef __CUDACC__
    if (aligned) {
        ((REAL(vector) *)y)[i] = v;
        return;
    }
#endif
    VECTOR_UNROLL
    for (int32_t l = 0; l < VECTOR_WIDTH; l++) {
        y[i * VECTOR_WIDTH + l] = vector_may(y, aligned) ? v.at[l] : (real)NAN;
    }
}
