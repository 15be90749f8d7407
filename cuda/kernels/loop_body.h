/* What stands in front of each pass of a loop within a recording, a thread alone. Not part of
 * solver.h, which hosts include too. */

/* The condition of a WHILE node; on the host, where nodes are made for tests, its address. */
KERNEL_FN void loop_set(uint64_t condition, uint32_t value)
{
#ifdef __CUDACC__
    cudaGraphSetConditional((cudaGraphConditionalHandle)condition, value);
#else
    *(uint32_t *)(uintptr_t)condition = value;
#endif
}

KERNEL_FN void loop_pass(int32_t phase, const loop_args *a, kernel_thread w, void *shared)
{
    const int64_t left = a->first ? a->passes : *a->left;
    (void)phase;
    (void)w;
    (void)shared;
    *a->left = left - 1;
    loop_set(a->condition, left > 0 && a->slots[a->slot] == 0.0 ? 1u : 0u); /* NaN ends it too */
}
