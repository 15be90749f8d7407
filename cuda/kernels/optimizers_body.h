/* The kernels of optimizers.h. */
KERNEL_FN void REAL(sgd)(int32_t phase, const sgd_args *a, kernel_thread w, void *shared)
{
    const real lr = (real)a->lr, momentum = (real)a->momentum, decay = (real)a->decay;
    const real *g = (const real *)a->g;
    real *p = (real *)a->p, *v = (real *)a->v;
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->count) {
        real slope = g[i] + decay * p[i], direction = slope;
        if (v != NULL) {
            real velocity = a->first ? slope : momentum * v[i] + slope;
            v[i] = velocity;
            direction = a->nesterov ? slope + momentum * velocity : velocity;
        }
        p[i] -= lr * direction;
    }
}

KERNEL_FN void REAL(adam)(int32_t phase, const adam_args *a, kernel_thread w, void *shared)
{
    const real beta1 = (real)a->beta1, rest1 = (real)a->rest1, rate = (real)a->rate;
    const real beta2 = (real)a->beta2, rest2 = (real)a->rest2, root = (real)a->root;
    const real keep = (real)a->keep, decay = (real)a->decay, epsilon = (real)a->epsilon;
    const real *g = (const real *)a->g;
    real *p = (real *)a->p, *m = (real *)a->m, *v = (real *)a->v;
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->count) {
        real value = keep * p[i], slope = g[i] + decay * value;
        real mean = beta1 * m[i] + rest1 * slope, square = beta2 * v[i] + rest2 * slope * slope;
        m[i] = mean;
        v[i] = square;
        p[i] = value - rate * mean / (MATH(sqrt)(square) / root + epsilon);
    }
}

KERNEL_FN void REAL(rmsprop)(int32_t phase, const rmsprop_args *a, kernel_thread w, void *shared)
{
    const real lr = (real)a->lr, alpha = (real)a->alpha, rest = (real)a->rest;
    const real decay = (real)a->decay, epsilon = (real)a->epsilon, momentum = (real)a->momentum;
    const real *g = (const real *)a->g;
    real *p = (real *)a->p, *v = (real *)a->v, *mean = (real *)a->mean;
    real *buffer = (real *)a->buffer;
    (void)phase;
    (void)shared;
    KERNEL_EACH (i, a->count) {
        real slope = g[i] + decay * p[i];
        real square = alpha * v[i] + rest * slope * slope, spread = square;
        v[i] = square;
        if (mean != NULL) {
            real average = alpha * mean[i] + rest * slope;
            mean[i] = average;
            spread = square - average * average;
            spread = spread < (real)0 ? (real)0 : spread; /* by rounding; NaN stays */
        }
        real step = slope / (MATH(sqrt)(spread) + epsilon);
        if (buffer != NULL) {
            step += momentum * buffer[i];
            buffer[i] = step;
        }
        p[i] -= lr * step;
    }
}
