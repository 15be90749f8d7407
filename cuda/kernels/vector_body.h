/* Vector i of x and back. */
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

/* Where a vector's elements go through a function with many branches, its first element is taken
 * and the result put behind the last, as often as it has elements: so the function's code stands
 * there once, and nothing is indexed by a variable, which registers cannot be. */
KERNEL_FN REAL(vector) REAL(rotate)(REAL(vector) v, real last)
{
    VECTOR_UNROLL
    for (int32_t l = 0; l + 1 < VECTOR_WIDTH; l++) {
        v.at[l] = v.at[l + 1];
    }
    v.at[VECTOR_WIDTH - 1] = last;
    return v;
}

/* The element behind whole vectors that is this thread's, or count. */
KERNEL_FN int64_t REAL(vector_rest)(int64_t count, kernel_thread w)
{
    int64_t i = count / VECTOR_WIDTH * VECTOR_WIDTH + kernel_first(w);
    return i < count ? i : count;
}
