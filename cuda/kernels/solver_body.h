/* The kernels of solver.h that know their dtype. Phase 0 of a combination reads its coefficients
 * from slots, once a block; vector_body.h comes before. */
#include "odeon/device_solver.h"

/* Terms at once: all their loads are under way together. */
#define TERMS_AT_ONCE 8

KERNEL_FN void REAL(coefficients)(const kernel_terms *t, kernel_thread w, real *c)
{
    for (int32_t k = w.thread; k < t->n; k += w.threads) {
        c[k] = (real)kernel_scalar(t->coefficient[k], t->slots);
    }
}

/* first: the element of all terms that is counted as the first. */
KERNEL_FN real REAL(combine)(const kernel_terms *t, const real *c, int64_t first, int64_t i)
{
    real sum = 0;
    for (int32_t k = 0; k < t->n; k++) {
        sum += c[k] * ((const real *)t->x[k])[first + i];
    }
    return sum;
}

KERNEL_FN REAL(vector) REAL(combine_vector)(const kernel_terms *t, const real *c, int64_t first,
                                            int64_t i, int32_t aligned)
{
    REAL(vector) sum = {{0}}, x[TERMS_AT_ONCE];
    for (int32_t done = 0; done < t->n; done += TERMS_AT_ONCE) {
        VECTOR_UNROLL
        for (int32_t k = 0; k < TERMS_AT_ONCE; k++) {
            if (done + k < t->n) {
                x[k] = REAL(load)((const real *)t->x[done + k] + first, i, aligned);
            }
        }
        VECTOR_UNROLL
        for (int32_t k = 0; k < TERMS_AT_ONCE; k++) {
            VECTOR_UNROLL
            for (int32_t l = 0; l < VECTOR_WIDTH && done + k < t->n; l++) {
                sum.at[l] += c[done + k] * x[k].at[l];
            }
        }
    }
    return sum;
}

KERNEL_FN void REAL(lincomb_vectors)(const lincomb_args *a, kernel_thread w, const real *c,
                                     int32_t aligned)
{
    const real *base = (const real *)a->base;
    int64_t vectors = a->count / VECTOR_WIDTH;
    KERNEL_EACH (i, vectors) {
        REAL(vector) from = {{0}};
        if (base != NULL) {
            from = REAL(load)(base, i, aligned);
        }
        REAL(vector) sum = REAL(combine_vector)(&a->terms, c, 0, i, aligned);
        VECTOR_UNROLL
        for (int32_t l = 0; l < VECTOR_WIDTH; l++) {
            sum.at[l] = base != NULL ? from.at[l] + sum.at[l] : sum.at[l];
        }
        REAL(store)((real *)a->y, i, sum, aligned);
    }
}

KERNEL_FN void REAL(lincomb)(int32_t phase, const lincomb_args *a, kernel_thread w, void *shared)
{
    real *c = (real *)shared, *y = (real *)a->y;
    const real *base = (const real *)a->base;
    if (phase == 0) {
        REAL(coefficients)(&a->terms, w, c);
        return;
    }
    if (a->aligned) {
        REAL(lincomb_vectors)(a, w, c, 1);
    } else {
        REAL(lincomb_vectors)(a, w, c, 0);
    }
    int64_t i = a->count / VECTOR_WIDTH * VECTOR_WIDTH + kernel_first(w);
    if (i < a->count) {
        real sum = REAL(combine)(&a->terms, c, 0, i);
        y[i] = base != NULL ? base[i] + sum : sum;
    }
}

/* sum, with the error e of element i of a part joined to it. */
KERNEL_FN double REAL(add_error)(const error_sum_args *a, int64_t n_each, double sum, int64_t i,
                                 real e, real y0, real y1)
{
    real before = MATH(fabs)(y0), after = MATH(fabs)(y1);
    real size = before > after || before != before ? before : after;
    real rtol = (real)a->rtol, atol = (real)a->atol;
    if (n_each > 0) {
        int64_t k;
        (void)kernel_divide(i, n_each, &k);
        rtol = (real)a->rtol_each[k];
        atol = (real)a->atol_each[k];
    }
    double ratio = (double)MATH(fabs)(e / (atol + rtol * size));
    return kernel_join(a->norm, sum, a->norm == ODEON_NORM_MAX ? ratio : ratio * ratio);
}

KERNEL_FN double REAL(error_vectors)(const error_sum_args *a, const error_part *p, kernel_thread w,
                                     const real *c, int32_t aligned)
{
    const real *before = (const real *)a->y0 + p->first, *after = (const real *)a->y1 + p->first;
    double sum = 0.0;
    int64_t vectors = p->count / VECTOR_WIDTH;
    KERNEL_EACH (i, vectors) {
        REAL(vector) y0 = REAL(load)(before, i, aligned);
        REAL(vector) y1 = REAL(load)(after, i, aligned);
        REAL(vector) e = REAL(combine_vector)(&a->terms, c, p->first, i, aligned);
        VECTOR_UNROLL
        for (int32_t l = 0; l < VECTOR_WIDTH; l++) {
            sum = REAL(add_error)(a, p->n_each, sum, i * VECTOR_WIDTH + l, e.at[l], y0.at[l],
                                  y1.at[l]);
        }
    }
    return sum;
}

/* What the elements of this thread come to. */
KERNEL_FN double REAL(errors)(const error_sum_args *a, const error_part *p, kernel_thread w,
                              const real *c)
{
    double sum =
        p->aligned ? REAL(error_vectors)(a, p, w, c, 1) : REAL(error_vectors)(a, p, w, c, 0);
    int64_t i = p->count / VECTOR_WIDTH * VECTOR_WIDTH + kernel_first(w);
    if (i < p->count) {
        sum = REAL(add_error)(a, p->n_each, sum, i, REAL(combine)(&a->terms, c, p->first, i),
                              ((const real *)a->y0)[p->first + i],
                              ((const real *)a->y1)[p->first + i]);
    }
    return sum;
}

KERNEL_FN void REAL(error_sum)(int32_t phase, const error_sum_args *a, kernel_thread w,
                               void *shared)
{
    double *sums = (double *)shared;
    real *c = (real *)(sums + w.threads);
    if (phase == 0) {
        REAL(coefficients)(&a->terms, w, c);
    } else if (phase == 1) {
        const error_part all = {0, a->count, a->n_each, 0, 0, 0, a->aligned};
        sums[w.thread] = REAL(errors)(a, &all, w, c);
    } else {
        kernel_tree_join(phase - 1, w, sums, a->norm);
    }
    if (phase == 1 + KERNEL_TREE_PHASES && w.thread == 0) {
        a->to[w.block] = sums[0];
    }
}

/* The part that a block belongs to. */
KERNEL_FN const error_part *REAL(part_of)(const error_parts_args *a, kernel_thread w)
{
    const error_part *p = a->part;
    KERNEL_ROLLED while (w.block >= p->block + p->blocks)
    {
        p++;
    }
    return p;
}

/* Threads beyond those that the block's part has only read coefficients. */
KERNEL_FN void REAL(error_parts)(int32_t phase, const error_parts_args *a, kernel_thread w,
                                 void *shared)
{
    double *sums = (double *)shared;
    real *c = (real *)(sums + w.threads);
    const error_part *p = REAL(part_of)(a, w);
    const kernel_thread of_part = {w.block - p->block, p->blocks, w.thread, p->threads};
    if (phase == 0) {
        REAL(coefficients)(&a->of.terms, w, c);
    } else if (phase == 1 && w.thread < p->threads) {
        sums[w.thread] = REAL(errors)(&a->of, p, of_part, c);
    } else if (phase > 1) {
        kernel_tree_join(phase - 1, of_part, sums, a->of.norm);
    }
    if (phase == 1 + KERNEL_TREE_PHASES && w.thread == 0) {
        a->of.to[w.block] = sums[0];
    }
}

KERNEL_FN double REAL(product_vectors)(const dot_args *d, kernel_thread w, int32_t aligned)
{
    double sum = 0.0;
    int64_t vectors = d->count / VECTOR_WIDTH;
    KERNEL_EACH (i, vectors) {
        REAL(vector) a = REAL(load)((const real *)d->a, i, aligned);
        REAL(vector) b = REAL(load)((const real *)d->b, i, aligned);
        VECTOR_UNROLL
        for (int32_t l = 0; l < VECTOR_WIDTH; l++) {
            sum += (double)a.at[l] * (double)b.at[l];
        }
    }
    return sum;
}

/* What the products of this thread come to. */
KERNEL_FN double REAL(products)(const dot_args *d, kernel_thread w)
{
    double sum = d->aligned ? REAL(product_vectors)(d, w, 1) : REAL(product_vectors)(d, w, 0);
    int64_t i = d->count / VECTOR_WIDTH * VECTOR_WIDTH + kernel_first(w);
    if (i < d->count) {
        sum += (double)((const real *)d->a)[i] * (double)((const real *)d->b)[i];
    }
    return sum;
}

KERNEL_FN void REAL(dot)(int32_t phase, const dot_args *a, kernel_thread w, void *shared)
{
    double *sums = (double *)shared;
    if (phase == 0) {
        sums[w.thread] = REAL(products)(a, w);
        return;
    }
    kernel_tree_sum(phase, w, sums);
    if (phase == KERNEL_TREE_PHASES && w.thread == 0) {
        a->to[w.block] = sums[0];
    }
}

#undef TERMS_AT_ONCE
