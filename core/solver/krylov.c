#include "solver/krylov.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

/* Of a vector's norm: what is rounding. */
static const double negligible = 1e-14;
/* A cycle that leaves this part of the residual or more is the last. */
static const double stalled = 0.9;

/* ---- memory ---- */

bool krylov_fit(krylov *k, int64_t samples, int64_t n)
{
    int64_t w = n < KRYLOV_CYCLE ? n : KRYLOV_CYCLE, vector = samples * n;
    int64_t sizes[] = {vector * (w + 1), samples * w * (w + 1),
                       samples * w * 2,  samples * (w + 1),
                       samples,          samples,
                       samples,          samples,
                       samples,          w + 1,
                       vector,           vector,
                       vector,           vector,
                       vector,           vector,
                       vector,           samples};
    double **arrays[] = {&k->basis, &k->upper, &k->turn, &k->right, &k->size,  &k->wanted,
                         &k->left,  &k->cycle, &k->used, &k->work,  &k->b,     &k->scale,
                         &k->x,     &k->v,     &k->at,   &k->value, &k->moved, &k->reach};
    int64_t total = 1;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        total += sizes[i];
    }
    double *block = k->basis;
    if (total > k->capacity) {
        block = mem_zalloc((size_t)total, sizeof *block);
        if (block == NULL) {
            return false;
        }
        mem_free(k->basis);
        k->capacity = total;
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        *arrays[i] = block;
        block += sizes[i];
    }
    k->samples = samples;
    k->n = n;
    k->width = (int32_t)w;
    return true;
}

void krylov_fini(krylov *k)
{
    mem_free(k->basis);
    *k = (krylov){0};
}

/* ---- places ---- */

static double *basis_of(const krylov *k, int64_t sample, int32_t column)
{
    return k->basis + (sample * (k->width + 1) + column) * k->n;
}

static double *upper_of(const krylov *k, int64_t sample, int32_t column)
{
    return k->upper + (sample * k->width + column) * (k->width + 1);
}

static double *right_of(const krylov *k, int64_t sample)
{
    return k->right + sample * (k->width + 1);
}

/* What is no number ends here, and so does a sample that failed. */
static bool is_open(const krylov *k, int64_t sample)
{
    return k->left[sample] > k->wanted[sample] && k->cycle[sample] > 0.0;
}

/* By four partial sums, which do not wait for one another. */
static double dot(int64_t n, const double *a, const double *b)
{
    double sum[4] = {0.0};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        for (int j = 0; j < 4; j++) {
            sum[j] += a[i + j] * b[i + j];
        }
    }
    for (; i < n; i++) {
        sum[0] += a[i] * b[i];
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* ---- a cycle ---- */

/* Of one sample, from its residual, which lies scaled in the first vector. */
static void begin_cycle(krylov *k, int64_t sample)
{
    double *v = basis_of(k, sample, 0), norm = sqrt(dot(k->n, v, v));
    k->left[sample] = norm;
    k->used[sample] = 0.0;
    right_of(k, sample)[0] = norm;
    for (int64_t i = 0; i < k->n && norm > 0.0; i++) {
        v[i] /= norm;
    }
}

void krylov_begin(krylov *k, const double *b, const double *scale, double relative, double absolute)
{
    k->column = k->cycles = 0;
    k->is_residual = false;
    for (int64_t i = 0; i < k->samples * k->n; i++) {
        k->b[i] = b[i];
        k->scale[i] = scale != NULL ? scale[i] : 1.0;
    }
    memset(k->x, 0, (size_t)(k->samples * k->n) * sizeof *k->x);
    for (int64_t s = 0; s < k->samples; s++) {
        double *v = basis_of(k, s, 0);
        for (int64_t i = 0; i < k->n; i++) {
            v[i] = k->scale[s * k->n + i] * k->b[s * k->n + i];
        }
        begin_cycle(k, s);
        k->size[s] = k->left[s];
        k->cycle[s] = k->left[s];
        k->wanted[s] = fmax(relative * k->left[s], absolute);
    }
}

/* One pass of Gram-Schmidt over w; its norm then. */
static double subtract(const krylov *k, int64_t sample, double *column, double *w)
{
    for (int32_t j = 0; j <= k->column; j++) {
        const double *v = basis_of(k, sample, j);
        double share = dot(k->n, v, w);
        column[j] += share;
        for (int64_t i = 0; i < k->n; i++) {
            w[i] -= share * v[i];
        }
    }
    return sqrt(dot(k->n, w, w));
}

/* Of the vector behind the last column: a second pass where most of it went in the first. What is
 * left may be rounding alone: then it counts as 0. Its norm before. */
static double orthogonalise(krylov *k, int64_t sample, double *column)
{
    double *w = basis_of(k, sample, k->column + 1), before = sqrt(dot(k->n, w, w));
    memset(column, 0, (size_t)(k->column + 1) * sizeof *column);
    double norm = subtract(k, sample, column, w);
    if (!(norm > 0.1 * before)) {
        norm = subtract(k, sample, column, w);
    }
    column[k->column + 1] = norm > negligible * before ? norm : 0.0;
    for (int64_t i = 0; i < k->n && norm > 0.0; i++) {
        w[i] /= norm;
    }
    return before;
}

/* The new column of R, by the rotations so far and one more. Where the space is exhausted and the
 * pivot is 0 the matrix is singular: no sample is solved by that. */
static void rotate(krylov *k, int64_t sample, double *column, double before)
{
    double *turn = k->turn + sample * k->width * 2, *right = right_of(k, sample);
    int32_t j = k->column;
    for (int32_t i = 0; i < j; i++) {
        double a = column[i], b = column[i + 1];
        column[i] = turn[2 * i] * a + turn[2 * i + 1] * b;
        column[i + 1] = turn[2 * i] * b - turn[2 * i + 1] * a;
    }
    double size = hypot(column[j], column[j + 1]);
    if (size <= negligible * before) {
        k->left[sample] = (double)NAN;
        return;
    }
    double cosine = column[j] / size, sine = column[j + 1] / size;
    turn[2 * j] = cosine;
    turn[2 * j + 1] = sine;
    column[j] = size;
    right[j + 1] = -sine * right[j];
    right[j] = cosine * right[j];
    k->left[sample] = fabs(right[j + 1]);
    k->used[sample] = j + 1;
}

/* w = scale (v - gh J v), v the direction that was multiplied. */
static void take_product(krylov *k, int64_t sample, double gh)
{
    const double *v = basis_of(k, sample, k->column), *scale = k->scale + sample * k->n;
    double *w = basis_of(k, sample, k->column + 1);
    for (int64_t i = 0; i < k->n; i++) {
        w[i] = v[i] - gh * scale[i] * k->v[sample * k->n + i];
    }
    double *column = upper_of(k, sample, k->column);
    double before = orthogonalise(k, sample, column);
    rotate(k, sample, column, before);
}

/* x += the least-squares solution of the cycle, by back substitution. */
static void add_solution(krylov *k, int64_t sample)
{
    int32_t n = (int32_t)k->used[sample];
    double *y = k->work, *x = k->x + sample * k->n;
    for (int32_t i = n; i-- > 0;) {
        double sum = right_of(k, sample)[i];
        for (int32_t j = i + 1; j < n; j++) {
            sum -= upper_of(k, sample, j)[i] * y[j];
        }
        y[i] = sum / upper_of(k, sample, i)[i];
    }
    for (int32_t j = 0; j < n; j++) {
        const double *v = basis_of(k, sample, j);
        for (int64_t i = 0; i < k->n; i++) {
            x[i] += y[j] * v[i] / k->scale[sample * k->n + i];
        }
    }
    k->used[sample] = 0.0;
}

/* The residual of x, of samples that are not done. One that a cycle has hardly made smaller is not
 * tried further: its residual is what stays, by the rounding of products or for good. */
static void take_residual(krylov *k, int64_t sample, double gh)
{
    double *r = basis_of(k, sample, 0);
    for (int64_t i = 0; i < k->n; i++) {
        int64_t at = sample * k->n + i;
        r[i] = k->scale[at] * (k->b[at] - (k->x[at] - gh * k->v[at]));
    }
    begin_cycle(k, sample);
    k->cycle[sample] = k->left[sample] < stalled * k->cycle[sample] ? k->left[sample] : 0.0;
}

/* ---- what the caller sees ---- */

static bool any_open(const krylov *k)
{
    bool any = false;
    for (int64_t s = 0; s < k->samples; s++) {
        any = any || is_open(k, s);
    }
    return any;
}

/* What is multiplied of one sample: x for its residual, else the newest vector of the basis. */
static void write_direction(krylov *k, int64_t sample)
{
    int64_t first = sample * k->n;
    const double *basis = basis_of(k, sample, k->column);
    bool open = is_open(k, sample);
    for (int64_t i = 0; i < k->n; i++) {
        double value = k->is_residual ? k->x[first + i] : basis[i] / k->scale[first + i];
        k->v[first + i] = open ? value : 0.0;
    }
}

bool krylov_direction(krylov *k)
{
    bool full = k->column == k->width;
    if (!any_open(k) || full) {
        for (int64_t s = 0; s < k->samples; s++) {
            add_solution(k, s);
        }
        if (!any_open(k) || ++k->cycles == KRYLOV_MOST_CYCLES) {
            return false;
        }
        k->is_residual = true;
    }
    for (int64_t s = 0; s < k->samples; s++) {
        write_direction(k, s);
    }
    return true;
}

void krylov_advance(krylov *k, double gh)
{
    for (int64_t s = 0; s < k->samples; s++) {
        if (!is_open(k, s)) {
            continue;
        }
        if (k->is_residual) {
            take_residual(k, s, gh);
        } else {
            take_product(k, s, gh);
        }
    }
    k->column = k->is_residual ? 0 : k->column + 1;
    k->is_residual = false;
}

int64_t krylov_finish(const krylov *k, double part)
{
    for (int64_t s = 0; s < k->samples; s++) {
        if (!(k->left[s] <= fmax(k->wanted[s], part * k->size[s]))) {
            return s;
        }
    }
    return -1;
}
