/* loss_optim.h: losses, and parameter updates of optimizers. */
#ifndef ODEON_CPU_LOSS_OPTIM_H
#define ODEON_CPU_LOSS_OPTIM_H

/* Index of the first largest element, cols >= 1. NaN counts as largest, so that it reaches the
 * loss. */
static int64_t first_largest(int64_t cols, const real *x)
{
    int64_t best = 0;
    for (int64_t i = 1; i < cols; i++) {
        if (x[i] > x[best] || (isnan(x[i]) && !isnan(x[best]))) {
            best = i;
        }
    }
    return best;
}

/* exp(x - shift) of at most LANES numbers. Whole vectors are computed: behind the numbers stands
 * -infinity. */
ALWAYS_INLINE void exp_block(int64_t count, const real *x, double shift, double *out)
{
    double t[LANES];
    int64_t whole = (count + 3) / 4 * 4;
    for (int64_t i = 0; i < whole; i++) {
        t[i] = i < count ? (double)x[i] - shift : -HUGE_VAL;
    }
#pragma omp simd
    for (int64_t i = 0; i < whole; i++) {
        out[i] = sizeof(real) == sizeof(float) ? exp_short(t[i]) : exp_full(t[i]);
    }
}

/* log sum exp(x) of a row, shifted by its largest element so that exp cannot overflow. */
static double log_sum_exp(int64_t cols, const real *x, double largest)
{
    double sum = 0.0, powers[LANES];
    for (int64_t first = 0; first < cols; first += LANES) {
        int64_t now = cols - first < LANES ? cols - first : LANES;
        exp_block(now, x + first, largest, powers);
        for (int64_t i = 0; i < now; i++) {
            sum += powers[i];
        }
    }
    return largest + log(sum);
}

/* dx [cols] = weight (softmax(x) - [i = label]), softmax = exp(x - log sum exp). */
ALWAYS_INLINE void softmax_slope(int64_t cols, const real *x, double normal, int64_t label,
                                 double weight, real *dx)
{
    double p[LANES];
    for (int64_t first = 0; first < cols; first += LANES) {
        int64_t now = cols - first < LANES ? cols - first : LANES;
        exp_block(now, x + first, normal, p);
        for (int64_t i = 0; i < now; i++) {
            dx[first + i] = (real)(weight * (first + i == label ? p[i] - 1.0 : p[i]));
        }
    }
}

/* x [rows,cols], labels [rows] -> sums [2], dx [rows,cols] or NULL. */
static void softmax_cross_entropy(int64_t rows, int64_t cols, const void *x, const int64_t *labels,
                                  double weight, double *sums, void *dx)
{
    double total = 0.0, right = 0.0;
    for (int64_t r = 0; cols > 0 && r < rows; r++) {
        const real *row = (const real *)x + r * cols;
        int64_t label = labels[r], best = first_largest(cols, row);
        double normal = log_sum_exp(cols, row, (double)row[best]);
        double loss = label >= 0 && label < cols ? normal - (double)row[label] : (double)NAN;
        total += loss;
        right += best == label && !isnan(loss) ? 1.0 : 0.0;
        if (dx != NULL) {
            softmax_slope(cols, row, normal, label, weight, (real *)dx + r * cols);
        }
    }
    sums[0] = weight * total;
    sums[1] = right;
}

/* What class k of cols counts in the loss of a row of this label. */
ALWAYS_INLINE double class_share(const odeon_softmax_cross_entropy *c, int64_t cols, int64_t label,
                                 int64_t k)
{
    double weight = c->class_weight != NULL ? c->class_weight[k] : 1.0;
    return weight * (c->smoothing / (double)cols + (k == label ? 1.0 - c->smoothing : 0.0));
}

/* x [cols], label a class -> its loss; dx [cols] or NULL = scale times its gradient. Classes that
 * count nothing add nothing, however unlikely they are. */
static double weighed_row(const odeon_softmax_cross_entropy *c, int64_t cols, const real *x,
                          double normal, int64_t label, double scale, real *dx)
{
    double loss = 0.0, all = 0.0;
    for (int64_t k = 0; k < cols; k++) {
        double share = class_share(c, cols, label, k);
        loss += share != 0.0 ? share * (normal - (double)x[k]) : 0.0;
        all += share;
    }
    for (int64_t k = 0; dx != NULL && k < cols; k++) {
        double p = exp((double)x[k] - normal);
        dx[k] = (real)(scale * (all * p - class_share(c, cols, label, k)));
    }
    return loss;
}

/* x [rows,cols], labels [rows], mask [rows] or NULL -> sums [2], dx [rows,cols] or NULL. */
static void weighed_cross_entropy(const odeon_softmax_cross_entropy *c, const void *x,
                                  const int64_t *labels, const void *mask, double *sums, void *dx)
{
    int64_t rows = c->x->shape.dim[0], cols = c->x->shape.dim[1];
    double total = 0.0, right = 0.0;
    for (int64_t r = 0; cols > 0 && r < rows; r++) {
        const real *row = (const real *)x + r * cols;
        real *slope = dx != NULL ? (real *)dx + r * cols : NULL;
        double part = mask != NULL ? (double)((const real *)mask)[r] : 1.0;
        int64_t label = labels[r], best = first_largest(cols, row);
        double normal = log_sum_exp(cols, row, (double)row[best]);
        if (part == 0.0 || label < 0 || label >= cols) {
            total += part == 0.0 ? 0.0 : (double)NAN;
            for (int64_t k = 0; slope != NULL && k < cols; k++) {
                slope[k] = (real)0;
            }
            continue;
        }
        double loss = part * weighed_row(c, cols, row, normal, label, c->weight * part, slope);
        total += loss;
        right += best == label && !isnan(loss) ? part : 0.0;
    }
    sums[0] = c->weight * total;
    sums[1] = right;
}

/* The loss e(d) and its derivative *slope; NaN gives NaN. */
ALWAYS_INLINE double difference_value(int32_t kind, double beta, double d, double *slope)
{
    double size = fabs(d), sign = d > 0.0 ? 1.0 : d < 0.0 ? -1.0 : d;
    if (kind == ODEON_DIFFERENCE_SQUARE) {
        *slope = 2.0 * d;
        return d * d;
    }
    if (kind == ODEON_DIFFERENCE_ABS) {
        *slope = sign;
        return size;
    }
    *slope = size < beta ? d / beta : sign;
    return size < beta ? d * d / (2.0 * beta) : size - beta / 2.0;
}

/* kind is a constant wherever this is inlined, so each loop has one formula; sums go through lanes,
 * so that all instruction sets give the same bits. */
ALWAYS_INLINE void add_differences(int32_t kind, const odeon_difference_loss *c, int64_t count,
                                   const real *x, const real *target, const real *mask,
                                   lanes *total, lanes *distance, real *dx)
{
    for (int64_t i = 0; i < count; i++) {
        double d = (double)x[i] - (double)target[i], slope;
        double e = difference_value(kind, c->beta, d, &slope);
        double part = mask != NULL ? (double)mask[i] : 1.0;
        int counts = part != 0.0;
        total->at[i % LANES] += counts ? part * e : 0.0;
        distance->at[i % LANES] += counts ? part * fabs(d) : 0.0;
        if (dx != NULL) {
            dx[i] = counts ? (real)(c->weight * part * slope) : (real)0;
        }
    }
}

/* x, target, mask or NULL [count] -> sums [2], dx [count] or NULL. */
static void difference(int64_t count, const odeon_difference_loss *c, const void *x,
                       const void *target, const void *mask, double *sums, void *dx)
{
    lanes total = {{0}}, distance = {{0}};
    switch (c->kind) {
    case ODEON_DIFFERENCE_SQUARE:
        add_differences(ODEON_DIFFERENCE_SQUARE, c, count, x, target, mask, &total, &distance, dx);
        break;
    case ODEON_DIFFERENCE_ABS:
        add_differences(ODEON_DIFFERENCE_ABS, c, count, x, target, mask, &total, &distance, dx);
        break;
    default:
        add_differences(ODEON_DIFFERENCE_SMOOTH, c, count, x, target, mask, &total, &distance, dx);
        break;
    }
    sums[0] = c->weight * lanes_total(&total);
    sums[1] = lanes_total(&distance);
}

/* p, g, v [count]; updates p and v. */
static void sgd(int64_t count, const odeon_sgd_step *constants, void *p, const void *g, void *v)
{
    const real lr = (real)constants->lr, decay = (real)constants->decay;
    const real momentum = (real)constants->momentum;
    real *param = p, *velocity = v;
    const real *grad = g;
    if (constants->momentum == 0.0) { /* v may be NULL and is not touched */
#pragma omp simd
        for (int64_t i = 0; i < count; i++) {
            param[i] -= lr * (grad[i] + decay * param[i]);
        }
        return;
    }
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        real step = grad[i] + decay * param[i];
        real moving = constants->first ? step : momentum * velocity[i] + step;
        velocity[i] = moving;
        param[i] -= lr * (constants->nesterov ? step + momentum * moving : moving);
    }
}

/* p, g, m, v [count]; updates p, m and v. Bias corrections are computed once, in double. Source:
 * Kingma, Ba, Adam, 2015, alg. 1. */
static void adam(int64_t count, const odeon_adam_step *constants, void *p, const void *g, void *m,
                 void *v)
{
    const double steps = (double)constants->step;
    const real keep = (real)(1.0 - constants->lr * constants->decay_decoupled);
    const real decay = (real)constants->decay_l2, epsilon = (real)constants->epsilon;
    const real beta1 = (real)constants->beta1, rest1 = (real)(1.0 - constants->beta1);
    const real beta2 = (real)constants->beta2, rest2 = (real)(1.0 - constants->beta2);
    const real lr = (real)(constants->lr / (1.0 - pow(constants->beta1, steps)));
    const real root = (real)sqrt(1.0 - pow(constants->beta2, steps));
    real *param = p, *first = m, *second = v;
    const real *grad = g;
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        real value = keep * param[i], step = grad[i] + decay * value;
        first[i] = beta1 * first[i] + rest1 * step;
        second[i] = beta2 * second[i] + rest2 * step * step;
        param[i] = value - lr * first[i] / (sqrt(second[i]) / root + epsilon);
    }
}

/* mean and buffer are known to be NULL or not where this is inlined, so the loop has no
 * branches. */
ALWAYS_INLINE void rmsprop_loop(int64_t count, const odeon_rmsprop_step *constants, real *p,
                                const real *g, real *v, real *mean, real *buffer)
{
    const real lr = (real)constants->lr, epsilon = (real)constants->epsilon, zero = 0;
    const real keep = (real)constants->alpha, rest = (real)(1.0 - constants->alpha);
    const real decay = (real)constants->decay, momentum = (real)constants->momentum;
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        real slope = g[i] + decay * p[i];
        real square = keep * v[i] + rest * slope * slope, spread = square;
        v[i] = square;
        if (mean != NULL) {
            real average = keep * mean[i] + rest * slope;
            mean[i] = average;
            spread = square - average * average;
            spread = spread < zero ? zero : spread;
        }
        real step = slope / (sqrt(spread) + epsilon);
        if (buffer != NULL) {
            step += momentum * buffer[i];
            buffer[i] = step;
        }
        p[i] -= lr * step;
    }
}

/* p, g, v, mean or NULL, buffer or NULL [count]; updates all but g. */
static void rmsprop(int64_t count, const odeon_rmsprop_step *constants, void *p, const void *g,
                    void *v, void *mean, void *buffer)
{
    if (mean == NULL && buffer == NULL) {
        rmsprop_loop(count, constants, p, g, v, NULL, NULL);
    } else if (mean == NULL) {
        rmsprop_loop(count, constants, p, g, v, NULL, buffer);
    } else if (buffer == NULL) {
        rmsprop_loop(count, constants, p, g, v, mean, NULL);
    } else {
        rmsprop_loop(count, constants, p, g, v, mean, buffer);
    }
}

#endif
