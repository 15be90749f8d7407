/* The kernels of moving.h that know their dtype. */
KERNEL_FN void REAL(fill)(int32_t phase, const fill_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)shared;
    real *y = (real *)a->y;
    real value = (real)kernel_scalar(a->value, a->slots);
    for (int64_t i = kernel_first(w); i < a->count; i += kernel_stride(w)) {
        y[i] = value;
    }
}
