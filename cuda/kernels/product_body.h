/* The kernels of product.h; activation_body.h and vector_body.h come before. */
KERNEL_FN void REAL(gemm)(int32_t phase, const gemm_args *g, kernel_thread w, void *shared)
{
    (void)phase;
    (void)shared;
    const real *bias = (const real *)g->bias;
    real *c = (real *)g->c;
    KERNEL_EACH (i, g->count * g->M * g->N) {
        int64_t n, m, row = kernel_divide(i, g->N, &n), which = kernel_divide(row, g->M, &m);
        const real *a = (const real *)g->a + which * g->M * g->K + m * g->a_m;
        const real *b = (const real *)g->b + which * g->K * g->N + n * g->b_n;
        real sum = (real)0;
        for (int64_t k = 0; k < g->K; k++) {
            sum += a[k * g->a_k] * b[k * g->b_k];
        }
        real value = (real)g->alpha * sum;
        if (g->beta != 0.0) { /* c may hold anything when beta is 0 */
            value += (real)g->beta * c[i];
        }
        value += bias != NULL ? bias[n] : (real)0;
        c[i] = REAL(activation)(g->act, value);
    }
}

KERNEL_FN real REAL(finished)(const finish_args *a, int64_t i, real y)
{
    const real *bias = (const real *)a->bias;
    int64_t inside, channel;
    (void)kernel_divide_by(kernel_divide_by(i, &a->inner, &inside), &a->channels, &channel);
    return REAL(activation)(a->act, y + (bias != NULL ? bias[channel] : (real)0));
}

KERNEL_FN void REAL(finish)(int32_t phase, const finish_args *a, kernel_thread w, void *shared)
{
    real *y = (real *)a->y;
    int64_t rest = REAL(vector_rest)(a->count, w);
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->count / VECTOR_WIDTH) {
        REAL(vector) v = REAL(load)(y, i, a->aligned);
        KERNEL_ROLLED for (int32_t l = 0; l < VECTOR_WIDTH; l++)
        {
            v = REAL(rotate)(v, REAL(finished)(a, i * VECTOR_WIDTH + l, v.at[0]));
        }
        REAL(store)(y, i, v, a->aligned);
    }
    if (rest < a->count) {
        y[rest] = REAL(finished)(a, rest, y[rest]);
    }
}

/* The sum of y[b,k,p,q]: one window of x with one filter. */
KERNEL_FN real REAL(window_product)(const conv_args *a, int64_t b, int64_t k, int64_t p, int64_t q)
{
    int64_t top = p * a->stride_h - a->padding_h, left = q * a->stride_w - a->padding_w;
    int64_t r_to = window_to(top, a->R, a->H), s_to = window_to(left, a->S, a->W);
    real sum = (real)0;
    for (int64_t c = 0; c < a->C; c++) {
        const real *x = (const real *)a->x + (b * a->C + c) * a->H * a->W;
        const real *w = (const real *)a->w + (k * a->C + c) * a->R * a->S;
        for (int64_t r = window_from(top); r < r_to; r++) {
            for (int64_t s = window_from(left); s < s_to; s++) {
                sum += x[(top + r) * a->W + left + s] * w[r * a->S + s];
            }
        }
    }
    return sum;
}

KERNEL_FN void REAL(conv)(int32_t phase, const conv_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)shared;
    real *y = (real *)a->out;
    const real *bias = (const real *)a->bias;
    KERNEL_EACH (i, a->B * a->K * a->P * a->Q) {
        int64_t q, p, k, rest = kernel_divide(i, a->Q, &q);
        rest = kernel_divide(rest, a->P, &p);
        int64_t b = kernel_divide(rest, a->K, &k);
        real sum = REAL(window_product)(a, b, k, p, q) + (bias != NULL ? bias[k] : (real)0);
        y[i] = REAL(activation)(a->act, sum);
    }
}

/* The sum of dx[b,c,row,column]: every output that saw this input, times the weight between. */
KERNEL_FN real REAL(gathered)(const conv_args *a, int64_t b, int64_t c, int64_t row, int64_t column)
{
    real sum = (real)0;
    for (int64_t r = 0; r < a->R; r++) {
        int64_t p = window_of(row, a->padding_h, r, a->stride_h, a->P);
        for (int64_t s = 0; p >= 0 && s < a->S; s++) {
            int64_t q = window_of(column, a->padding_w, s, a->stride_w, a->Q);
            if (q < 0) {
                continue;
            }
            const real *dy = (const real *)a->y + (b * a->K * a->P + p) * a->Q + q;
            const real *w = (const real *)a->w + (c * a->R + r) * a->S + s;
            for (int64_t k = 0; k < a->K; k++) {
                sum += dy[k * a->P * a->Q] * w[k * a->C * a->R * a->S];
            }
        }
    }
    return sum;
}

KERNEL_FN void REAL(conv_vjp_x)(int32_t phase, const conv_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)shared;
    real *dx = (real *)a->out;
    KERNEL_EACH (i, a->B * a->C * a->H * a->W) {
        int64_t column, row, c, rest = kernel_divide(i, a->W, &column);
        rest = kernel_divide(rest, a->H, &row);
        int64_t b = kernel_divide(rest, a->C, &c);
        dx[i] = REAL(gathered)(a, b, c, row, column);
    }
}

/* A thread's share of dw[k,c,r,s]: inputs that met this weight, times the gradients of outputs. */
KERNEL_FN double REAL(correlated)(const conv_args *a, kernel_thread w, int64_t k, int64_t c,
                                  int64_t r, int64_t s)
{
    double sum = 0.0;
    for (int64_t i = w.thread; i < a->B * a->P * a->Q; i += w.threads) {
        int64_t q, p, b = kernel_divide(kernel_divide(i, a->Q, &q), a->P, &p);
        int64_t row = p * a->stride_h - a->padding_h + r;
        int64_t column = q * a->stride_w - a->padding_w + s;
        if (row >= 0 && row < a->H && column >= 0 && column < a->W) {
            real x = ((const real *)a->x)[((b * a->C + c) * a->H + row) * a->W + column];
            real dy = ((const real *)a->y)[((b * a->K + k) * a->P + p) * a->Q + q];
            sum += (double)x * (double)dy;
        }
    }
    return sum;
}

/* A block a weight, whose number is the block's. */
KERNEL_FN void REAL(conv_vjp_w)(int32_t phase, const conv_args *a, kernel_thread w, void *shared)
{
    double *sums = (double *)shared;
    if (phase == 0) {
        int64_t s, r, c, rest = kernel_divide(w.block, a->S, &s);
        rest = kernel_divide(rest, a->R, &r);
        int64_t k = kernel_divide(rest, a->C, &c);
        sums[w.thread] = REAL(correlated)(a, w, k, c, r, s);
        return;
    }
    kernel_tree_sum(phase, w, sums);
    if (phase == KERNEL_TREE_PHASES && w.thread == 0) {
        real *dw = (real *)a->out + w.block;
        *dw = (real)((double)*dw + sums[0]);
    }
}
