/* The kernels of moving.h that know their dtype. */
KERNEL_FN void REAL(fill)(int32_t phase, const fill_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)shared;
    real *y = (real *)a->y;
    real value = (real)kernel_scalar(a->value, a->slots);
    KERNEL_EACH (i, a->count) {
        y[i] = value;
    }
}

KERNEL_FN void REAL(rows_fill)(int32_t phase, const rows_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)shared;
    real *y = (real *)a->y;
    KERNEL_EACH (i, a->rows * a->cols) {
        int64_t c, r = kernel_divide(i, a->cols, &c);
        y[r * a->pitch + c] = (real)((const double *)a->x)[r * a->step];
    }
}

KERNEL_FN void REAL(join_rows)(int32_t phase, const join_rows_args *a, kernel_thread w,
                               void *shared)
{
    const real *x = (const real *)a->x;
    real *y = (real *)a->y;
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->count) {
        int64_t c, s, r = kernel_divide_by(i, &a->pitch, &c);
        int64_t k = c - a->x_at;
        y[i] = k >= 0 && k < a->x_cols ? x[r * a->x_cols + k]
                                       : (real)a->v[kernel_divide_by(r, &a->each, &s)];
    }
}

/* A block a row: v[r] += the sum of row r. */
KERNEL_FN void REAL(rows_sum)(int32_t phase, const rows_args *a, kernel_thread w, void *shared)
{
    double *sums = (double *)shared;
    if (phase == 0) {
        const real *x = (const real *)a->x + w.block * a->pitch;
        double sum = 0.0;
        for (int64_t c = w.thread; c < a->cols; c += w.threads) {
            sum += (double)x[c];
        }
        sums[w.thread] = sum;
        return;
    }
    kernel_tree_sum(phase, w, sums);
    if (phase == KERNEL_TREE_PHASES && w.thread == 0) {
        a->v[w.block] += sums[0];
    }
}

/* v[block] = the sum of a share of all elements. */
KERNEL_FN void REAL(rows_share)(int32_t phase, const rows_args *a, kernel_thread w, void *shared)
{
    double *sums = (double *)shared;
    if (phase == 0) {
        const real *x = (const real *)a->x;
        double sum = 0.0;
        KERNEL_EACH (i, a->rows * a->cols) {
            int64_t c, r = kernel_divide(i, a->cols, &c);
            sum += (double)x[r * a->pitch + c];
        }
        sums[w.thread] = sum;
        return;
    }
    kernel_tree_sum(phase, w, sums);
    if (phase == KERNEL_TREE_PHASES && w.thread == 0) {
        a->v[w.block] = sums[0];
    }
}
