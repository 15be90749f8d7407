/* loss_optim.h: the cross-entropy of logits, updates of parameters. */
#ifndef ODEON_CPU_LOSS_OPTIM_H
#define ODEON_CPU_LOSS_OPTIM_H

/* Index of the first largest element; a NaN counts as largest, so that it shows. cols >= 1. */
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

/* log sum exp of a row, shifted by its largest element so that nothing overflows. */
static double log_sum_exp(int64_t cols, const real *x, double largest)
{
    double sum = 0.0;
    for (int64_t i = 0; i < cols; i++) {
        sum += exp((double)x[i] - largest);
    }
    return largest + log(sum);
}

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
        for (int64_t i = 0; dx != NULL && i < cols; i++) {
            double p = exp((double)row[i] - normal);
            ((real *)dx)[r * cols + i] = (real)(weight * (i == label ? p - 1.0 : p));
        }
    }
    sums[0] = weight * total;
    sums[1] = right;
}

static void sgd(int64_t count, const cpu_sgd *constants, void *p, const void *g, void *v)
{
    const real lr = (real)constants->lr, decay = (real)constants->decay;
    const real momentum = (real)constants->momentum;
    real *param = p, *velocity = v;
    const real *grad = g;
    if (constants->momentum == 0.0) { /* v may be NULL and stays as it is */
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

static void adam(int64_t count, const odeon_adam *constants, void *p, const void *g, void *m,
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

#endif
