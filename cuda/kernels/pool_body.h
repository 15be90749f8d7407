/* The kernels of pool.h. */

/* Over a window of image x. */
KERNEL_FN double REAL(window_sum)(const real *x, int32_t W, pool_window window)
{
    double sum = 0.0;
    for (int32_t row = window.top; row < window.bottom; row++) {
        for (int32_t column = window.left; column < window.right; column++) {
            sum += (double)x[row * W + column];
        }
    }
    return sum;
}

/* Index in image x of the first largest, of the last NaN if there is one; -1 in an empty window. */
KERNEL_FN int32_t REAL(window_largest)(const real *x, int32_t W, pool_window window)
{
    int32_t best = -1;
    real most = (real)0;
    for (int32_t row = window.top; row < window.bottom; row++) {
        for (int32_t column = window.left; column < window.right; column++) {
            real value = x[row * W + column];
            if (best < 0 || value > most || isnan(value)) {
                best = row * W + column;
                most = value;
            }
        }
    }
    return best;
}

/* A thread a window. */
KERNEL_FN void REAL(pool2d)(int32_t phase, const pool_args *a, kernel_thread w, void *shared)
{
    int64_t count = a->images * (a->P * a->Q);
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, count) {
        int32_t p, q;
        const real *x = (const real *)a->x + pool_place(i, a->P, a->Q, &p, &q) * (a->H * a->W);
        pool_window window = pool_window_at(a, p, q);
        real value;
        if (a->geometry.kind == ODEON_POOL_AVG) {
            value = (real)(REAL(window_sum)(x, a->W, window) / pool_area(a));
        } else {
            int32_t best = REAL(window_largest)(x, a->W, window);
            value = best < 0 ? (real)-HUGE_VAL : x[best];
        }
        ((real *)a->y)[i] = value;
    }
}

/* AVG with a block a window, for large ones. */
KERNEL_FN void REAL(pool2d_mean)(int32_t phase, const pool_args *a, kernel_thread w, void *shared)
{
    double *sums = (double *)shared;
    if (phase == 0) {
        int32_t p, q;
        const real *x =
            (const real *)a->x + pool_place(w.block, a->P, a->Q, &p, &q) * (a->H * a->W);
        pool_window window = pool_window_at(a, p, q);
        int32_t height = window.bottom - window.top, width = window.right - window.left;
        double sum = 0.0;
        for (int32_t i = w.thread; height > 0 && i < height * width; i += w.threads) {
            sum += (double)x[(window.top + i / width) * a->W + window.left + i % width];
        }
        sums[w.thread] = sum;
        return;
    }
    kernel_tree_sum(phase, w, sums);
    if (phase == KERNEL_TREE_PHASES && w.thread == 0) {
        ((real *)a->y)[w.block] = (real)(sums[0] / pool_area(a));
    }
}

/* The sum of dy over the windows of an image that an element of it has a part in. */
KERNEL_FN double REAL(window_slopes)(const pool_args *a, const real *x, const real *dy, int32_t row,
                                     int32_t column)
{
    const odeon_pool_geometry *g = &a->geometry;
    int32_t p_end = pool_end(row, g->padding_h, g->stride_h, a->P);
    int32_t q_end = pool_end(column, g->padding_w, g->stride_w, a->Q);
    int32_t q_first = pool_first(column, g->padding_w, g->kernel_w, g->stride_w);
    double sum = 0.0;
    for (int32_t p = pool_first(row, g->padding_h, g->kernel_h, g->stride_h); p < p_end; p++) {
        for (int32_t q = q_first; q < q_end; q++) {
            if (g->kind == ODEON_POOL_AVG ||
                REAL(window_largest)(x, a->W, pool_window_at(a, p, q)) == row * a->W + column) {
                sum += (double)dy[p * a->Q + q];
            }
        }
    }
    return sum;
}

/* A thread an element of dx. */
KERNEL_FN void REAL(pool2d_vjp)(int32_t phase, const pool_args *a, kernel_thread w, void *shared)
{
    int32_t size = a->H * a->W;
    double area = a->geometry.kind == ODEON_POOL_AVG ? pool_area(a) : 1.0;
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->images * size) {
        int32_t row, column;
        int64_t image = pool_place(i, a->H, a->W, &row, &column);
        const real *x = a->x != NULL ? (const real *)a->x + image * size : NULL;
        const real *dy = (const real *)a->dy + image * (a->P * a->Q);
        ((real *)a->dx)[i] = (real)(REAL(window_slopes)(a, x, dy, row, column) / area);
    }
}

/* MAX, a thread a window: y is the derivative along dy, which here is x_dot. */
KERNEL_FN void REAL(pool2d_jvp)(int32_t phase, const pool_args *a, kernel_thread w, void *shared)
{
    int64_t count = a->images * (a->P * a->Q);
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, count) {
        int32_t p, q;
        int64_t from = pool_place(i, a->P, a->Q, &p, &q) * (a->H * a->W);
        int32_t best =
            REAL(window_largest)((const real *)a->x + from, a->W, pool_window_at(a, p, q));
        ((real *)a->y)[i] = best < 0 ? (real)0 : ((const real *)a->dy)[from + best];
    }
}
