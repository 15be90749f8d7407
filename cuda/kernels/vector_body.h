/* Vector i of x and back. aligned is a constant wherever these are expanded. */
KERNEL_FN REAL(vector) REAL(load)(const real *x, int64_t i, int32_t aligned)
{
    if (aligned) {
        return ((const REAL(vector) *)x)[i];
    }
    REAL(vector) v;
    VECTOR_UNROLL
    for (int32_t l = 0; l < VECTOR_WIDTH; l++) {
        v.at[l] = x[i * VECTOR_WIDTH + l];
    }
    return v;
}

KERNEL_FN void REAL(store)(real *y, int64_t i, REAL(vector) v, int32_t aligned)
{
    if (aligned) {
        ((REAL(vector) *)y)[i] = v;
        return;
    }
    VECTOR_UNROLL
    for (int32_t l = 0; l < VECTOR_WIDTH; l++) {
        y[i * VECTOR_WIDTH + l] = v.at[l];
    }
}
