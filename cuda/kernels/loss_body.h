/* The kernels of loss.h. */

/* ---- softmax ---- */

/* The largest of this lane's share of a row and where it stands first; K where there is none, as in
 * rows of NaN and -infinity alone, whose loss is NaN. */
KERNEL_FN void REAL(softmax_largest)(const softmax_args *a, int64_t b, int32_t lane, double *most,
                                     double *where)
{
    const real *x = (const real *)a->x + b * a->K;
    *most = -HUGE_VAL;
    *where = (double)a->K;
    for (int64_t k = lane; b < a->B && k < a->K; k += a->lanes) {
        if ((double)x[k] > *most) {
            *most = (double)x[k];
            *where = (double)k;
        }
    }
}

/* This lane's share of the sum of exp(x[b] - most). */
KERNEL_FN double REAL(softmax_sum)(const softmax_args *a, int64_t b, int32_t lane, double most)
{
    const real *x = (const real *)a->x + b * a->K;
    double sum = 0.0;
    for (int64_t k = lane; b < a->B && k < a->K; k += a->lanes) {
        sum += (double)MATH(exp)(x[k] - (real)most);
    }
    return sum;
}

/* dx[b] = weight * (softmax(x[b]) - onehot) */
KERNEL_FN void REAL(softmax_slope)(const softmax_args *a, int64_t b, int32_t lane, double most,
                                   double sum)
{
    const real *x = (const real *)a->x + b * a->K;
    real *dx = (real *)a->dx + b * a->K, weight = (real)a->to.weight, part = (real)(1.0 / sum);
    for (int64_t k = lane; k < a->K; k += a->lanes) {
        real softmax = MATH(exp)(x[k] - (real)most) * part;
        dx[k] = weight * (softmax - (k == a->labels[b] ? (real)1 : (real)0));
    }
}

/* -log softmax(x[b])[label], NaN for no label of this row. */
KERNEL_FN double REAL(softmax_loss)(const softmax_args *a, int64_t b, double most, double sum)
{
    int64_t label = a->labels[b];
    if (label < 0 || label >= a->K) {
        return (double)NAN;
    }
    return most - (double)((const real *)a->x)[b * a->K + label] + log(sum);
}

/* All phases but SOFTMAX_STORE, which leaves two numbers a thread to be added up in `one`, which
 * lies behind the sums of exp, and in where[]. */
KERNEL_FN void REAL(softmax_common)(int32_t phase, const softmax_args *a, kernel_thread w,
                                    double *most)
{
    double *where = most + w.threads, *sums = where + w.threads, *one = sums + w.threads;
    int32_t t = w.thread, lane = t % a->lanes;
    int64_t b = w.block * (w.threads / a->lanes) + t / a->lanes;
    if (phase == 0) {
        REAL(softmax_largest)(a, b, lane, &most[t], &where[t]);
    } else if (phase < SOFTMAX_SUM) {
        softmax_tree(phase, a->lanes, w, most, where);
    } else if (phase == SOFTMAX_SUM) {
        sums[t] = REAL(softmax_sum)(a, b, lane, most[t - lane]);
    } else if (phase < SOFTMAX_STORE) {
        int32_t half = a->lanes >> (phase - SOFTMAX_SUM);
        sums[t] += lane < half ? sums[t + half] : 0.0;
    } else if (phase < SOFTMAX_END) {
        kernel_tree_sum(phase - SOFTMAX_STORE, w, one);
        kernel_tree_sum(phase - SOFTMAX_STORE, w, where);
    } else {
        loss_store(&a->to, w, one[0], where[0]);
    }
}

KERNEL_FN void REAL(softmax)(int32_t phase, const softmax_args *a, kernel_thread w, void *shared)
{
    double *most = (double *)shared, *where = most + w.threads, *sums = where + w.threads;
    double *losses = sums + w.threads;
    int32_t t = w.thread, lane = t % a->lanes, row = t - lane; /* row: its first thread */
    int64_t b = w.block * (w.threads / a->lanes) + t / a->lanes;
    if (phase != SOFTMAX_STORE) {
        REAL(softmax_common)(phase, a, w, most);
        return;
    }
    int32_t first = lane == 0 && b < a->B;
    if (a->dx != NULL && b < a->B) {
        REAL(softmax_slope)(a, b, lane, most[row], sums[row]);
    }
    losses[t] = first ? REAL(softmax_loss)(a, b, most[t], sums[t]) : 0.0;
    /* Nobody else reads where[t] any more. */
    where[t] = first && !isnan(losses[t]) && where[t] == (double)a->labels[b] ? 1.0 : 0.0;
}

/* ---- softmax with weights ---- */

/* part: 1 / sum of exponentials. This lane's share of dx[b] = scale * (all * softmax(x[b]) -
 * shares), all what they add up to; of 0 where scale is. */
KERNEL_FN void REAL(weighed_slope)(const weighed_args *a, int64_t b, int32_t lane, double most,
                                   double part, double scale)
{
    const real *x = (const real *)a->of.x + b * a->of.K;
    real *dx = (real *)a->of.dx + b * a->of.K;
    int64_t label = a->of.labels[b];
    double all = a->smoothing * a->sum;
    all += scale != 0.0 ? a->rest * weighed_class(a, label) : 0.0;
    for (int64_t k = lane; k < a->of.K; k += a->of.lanes) {
        double softmax = (double)MATH(exp)(x[k] - (real)most) * part;
        double slope = scale != 0.0 ? scale * (all * softmax - weighed_share(a, k, label)) : 0.0;
        dx[k] = (real)slope;
    }
}

/* Classes that count nothing add nothing, however unlikely they are. */
KERNEL_FN double REAL(weighed_loss)(const weighed_args *a, int64_t b, int32_t lane, double normal)
{
    const real *x = (const real *)a->of.x + b * a->of.K;
    double loss = 0.0;
    for (int64_t k = lane; k < a->of.K; k += a->of.lanes) {
        double share = weighed_share(a, k, a->of.labels[b]);
        loss += share != 0.0 ? share * (normal - (double)x[k]) : 0.0;
    }
    return loss;
}

/* Of a row b: *one this lane's share of the loss, *right what the row counts among those that are
 * right, for its first lane. A row that counts nothing adds nothing, whatever is in it. */
KERNEL_FN void REAL(weighed_row)(const weighed_args *a, int64_t b, int32_t lane, double most,
                                 double sum, double largest, double *one, double *right)
{
    double inverse = 1.0 / sum, part = a->mask != NULL ? (double)((const real *)a->mask)[b] : 1.0;
    int64_t label = a->of.labels[b];
    int32_t counts = part != 0.0, is_class = label >= 0 && label < a->of.K;
    double normal = most + log(sum);
    *one = counts ? (double)NAN : 0.0;
    if (counts && is_class) {
        *one = part * REAL(weighed_loss)(a, b, lane, normal);
    }
    *right = lane == 0 && counts && !isnan(normal) && largest == (double)label ? part : 0.0;
    if (a->of.dx != NULL) {
        double scale = counts && is_class ? a->of.to.weight * part : 0.0;
        REAL(weighed_slope)(a, b, lane, most, inverse, scale);
    }
}

KERNEL_FN void REAL(weighed_softmax)(int32_t phase, const weighed_args *a, kernel_thread w,
                                     void *shared)
{
    double *most = (double *)shared, *where = most + w.threads, *sums = where + w.threads;
    int32_t t = w.thread, lane = t % a->of.lanes, row = t - lane;
    int64_t b = w.block * (w.threads / a->of.lanes) + t / a->of.lanes;
    if (phase != SOFTMAX_STORE) {
        REAL(softmax_common)(phase, &a->of, w, most);
        return;
    }
    double one = 0.0, right = 0.0;
    if (b < a->of.B) {
        REAL(weighed_row)(a, b, lane, most[row], sums[row], where[t], &one, &right);
    }
    sums[w.threads + t] = one;
    where[t] = right;
}

/* ---- differences ---- */

/* Adds element i to the two sums: mask * e, mask * |x - target|. */
KERNEL_FN void REAL(difference_at)(const difference_args *a, int64_t i, double *sums)
{
    double d = (double)((const real *)a->x)[i] - (double)((const real *)a->target)[i], slope;
    double part = a->mask != NULL ? (double)((const real *)a->mask)[i] : 1.0;
    double e = difference(a->kind, a->beta, d, &slope);
    int32_t counts = part != 0.0;
    sums[0] += counts ? part * e : 0.0;
    sums[1] += counts ? part * fabs(d) : 0.0;
    if (a->dx != NULL) {
        ((real *)a->dx)[i] = counts ? (real)(a->to.weight * part * slope) : (real)0;
    }
}

KERNEL_FN void REAL(difference_loss)(int32_t phase, const difference_args *a, kernel_thread w,
                                     void *shared)
{
    double *one = (double *)shared, *two = one + w.threads;
    if (phase == 0) {
        double sums[2] = {0.0, 0.0};
        KERNEL_EACH (i, a->count) {
            REAL(difference_at)(a, i, sums);
        }
        one[w.thread] = sums[0];
        two[w.thread] = sums[1];
    } else if (phase <= KERNEL_TREE_PHASES) {
        kernel_tree_sum(phase, w, one);
        kernel_tree_sum(phase, w, two);
    } else {
        loss_store(&a->to, w, one[0], two[0]);
    }
}
