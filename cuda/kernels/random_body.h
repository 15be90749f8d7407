/* The kernels of random.h. */
KERNEL_FN void REAL(dropout)(int32_t phase, const dropout_args *a, kernel_thread w, void *shared)
{
    const real *x = (const real *)a->x;
    real kept = (real)(1.0 / (1.0 - a->p));
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->count) {
        double u = odeon_kit_uniform(odeon_kit_philox(a->key, (uint64_t)(a->first + i)));
        ((real *)a->y)[i] = x[i] * (u >= a->p ? kept : (real)0);
    }
}

KERNEL_FN void REAL(noise)(int32_t phase, const noise_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->count) {
        odeon_kit_words words = odeon_kit_philox(a->key, (uint64_t)(a->first + i));
        ((real *)a->y)[i] = (real)odeon_kit_noise(a->id, words);
    }
}

KERNEL_FN void REAL(window2d)(int32_t phase, const window_args *a, kernel_thread w, void *shared)
{
    const real *x = (const real *)a->from;
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->B * a->C * a->P * a->Q) {
        int64_t p, q, c, image = kernel_divide(kernel_divide(i, a->Q, &q), a->P, &p);
        odeon_kit_window_place at = window_place_of(a, kernel_divide(image, a->C, &c));
        int64_t row = at.top + p, column = at.left + (at.mirrored ? a->Q - 1 - q : q);
        int32_t inside = row >= 0 && row < a->H && column >= 0 && column < a->W;
        ((real *)a->to)[i] = inside ? x[(image * a->H + row) * a->W + column] : (real)0;
    }
}

/* What the window leaves out has no gradient. */
KERNEL_FN void REAL(window2d_vjp)(int32_t phase, const window_args *a, kernel_thread w,
                                  void *shared)
{
    const real *dy = (const real *)a->from;
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->B * a->C * a->H * a->W) {
        int64_t row, column, c, image = kernel_divide(kernel_divide(i, a->W, &column), a->H, &row);
        odeon_kit_window_place at = window_place_of(a, kernel_divide(image, a->C, &c));
        int64_t p = row - at.top, q = column - at.left;
        int32_t inside = p >= 0 && p < a->P && q >= 0 && q < a->Q;
        q = at.mirrored ? a->Q - 1 - q : q;
        ((real *)a->to)[i] = inside ? dy[(image * a->P + p) * a->Q + q] : (real)0;
    }
}
