/* What decides on the passes of a loop within a recording. Not part of solver.h, which hosts
 * include too; control_body.h comes before. */

/* The condition of a WHILE node; on the host, where nodes are made for tests, its address. */
KERNEL_FN void loop_set(uint64_t condition, uint32_t value)
{
#ifdef __CUDACC__
    cudaGraphSetConditional((cudaGraphConditionalHandle)condition, value);
#else
    *(uint32_t *)(uintptr_t)condition = value;
#endif
}

KERNEL_FN void loop_decide(const loop_args *a)
{
    const int64_t left = a->first ? a->passes : *a->left;
    *a->left = left - 1;
    loop_set(a->condition, left > 0 && a->slots[a->slot] == 0.0 ? 1u : 0u); /* NaN ends it too */
}

/* In front of a pass, a thread alone. */
KERNEL_FN void loop_pass(int32_t phase, const loop_args *a, kernel_thread w, void *shared)
{
    (void)phase;
    (void)w;
    (void)shared;
    loop_decide(a);
}

/* judge, which is all that decides on the next pass. */
KERNEL_FN void judge_pass(int32_t phase, const judge_args *a, kernel_thread w, void *shared)
{
    judge(phase, a, w, shared);
    if (phase == KERNEL_TREE_PHASES && w.thread == 0) {
        loop_decide(&a->pass);
    }
}

/* control_back, likewise. */
KERNEL_FN void back_pass(int32_t phase, const back_pass_args *a, kernel_thread w, void *shared)
{
    control_back(phase, &a->of, w, shared);
    loop_decide(&a->pass);
}
