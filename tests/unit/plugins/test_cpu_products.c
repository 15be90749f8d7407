/* The CPU device's own products against double loops: shapes, transposes, alpha, beta, bias and
 * ReLU, both dtypes, every instruction set of this machine and the widest text on a narrower one.
 * No row depends on the rows beside it, nothing is written beside c. */
#include "cpu_levels.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/cpu/kernels/kernels.h"

typedef struct way {
    const char *name;
    cpu_gemm_function *f32, *f64;
} way;

static const way ways[] = {
    {"baseline", cpu_gemm_f32_baseline, cpu_gemm_f64_baseline},
#if defined(__x86_64__)
    {"avx2_half", cpu_gemm_f32_avx2_half, cpu_gemm_f64_avx2_half},
    {"avx2", cpu_gemm_f32_avx2, cpu_gemm_f64_avx2},
    {"wide", cpu_gemm_f32_wide, cpu_gemm_f64_wide},
    {"avx512", cpu_gemm_f32_avx512, cpu_gemm_f64_avx512},
#endif
};

static int n_ways(void)
{
    static const int ways_of_levels[CPU_LEVELS] = {1, 4, 5};
    const char *names[CPU_LEVELS];
    return ways_of_levels[cpu_levels(names) - 1];
}

/* A product with its operands, as numbers of the dtype and as doubles of equal value. */
enum { GUARD = 64, GUARD_BYTE = 0x5a };

typedef struct matrix {
    int64_t n;
    size_t bytes; /* of one number */
    char *data;   /* between two guards */
    double *value;
} matrix;

typedef struct problem {
    cpu_gemm_shape p;
    cpu_gemm_function *gemm;
    int32_t relu, has_bias;
    size_t bytes;
    matrix a, b, c, bias;
    void *workspace;
} problem;

static void *here(const matrix *m)
{
    return m->data + GUARD;
}

static double element(const matrix *m, int64_t i)
{
    float single;
    double number;
    if (m->bytes == sizeof number) {
        memcpy(&number, m->data + GUARD + (size_t)i * sizeof number, sizeof number);
        return number;
    }
    memcpy(&single, m->data + GUARD + (size_t)i * sizeof single, sizeof single);
    return (double)single;
}

static void set_element(const matrix *m, int64_t i, double number)
{
    float single = (float)number;
    const void *from = m->bytes == sizeof number ? (const void *)&number : &single;
    memcpy(m->data + GUARD + (size_t)i * m->bytes, from, m->bytes);
    m->value[i] = element(m, i);
}

static matrix make(uint64_t seed, int64_t n, size_t bytes)
{
    size_t size = (size_t)n * bytes + 2 * GUARD;
    matrix m = {n, bytes, malloc(size), malloc((size_t)(n + 1) * sizeof(double))};
    assert_non_null(m.data);
    assert_non_null(m.value);
    memset(m.data, GUARD_BYTE, size);
    for (int64_t i = 0; i < n; i++) {
        set_element(&m, i, support_random(seed, (uint64_t)i));
    }
    return m;
}

static void check_guards(const matrix *m)
{
    const char *end = m->data + GUARD + (size_t)m->n * m->bytes;
    for (int i = 0; i < GUARD; i++) {
        assert_int_equal(m->data[i], GUARD_BYTE);
        assert_int_equal(end[i], GUARD_BYTE);
    }
}

static void destroy(matrix *m)
{
    free(m->data);
    free(m->value);
}

static double expected(const problem *q, int64_t i, int64_t j)
{
    const cpu_gemm_shape *p = &q->p;
    double sum = 0.0;
    for (int64_t k = 0; k < p->k; k++) {
        sum += q->a.value[p->trans_a ? k * p->m + i : i * p->k + k] *
               q->b.value[p->trans_b ? j * p->k + k : k * p->n + j];
    }
    sum = p->alpha * sum + (p->beta != 0.0 ? p->beta * q->c.value[i * p->n + j] : 0.0);
    sum += q->has_bias ? q->bias.value[j] : 0.0;
    return q->relu && sum <= 0.0 ? 0.0 : sum;
}

static void call(const problem *q, const cpu_gemm_shape *p, const void *a, void *c)
{
    const cpu_epilogue e = {q->has_bias ? here(&q->bias) : NULL, q->relu, 0};
    q->gemm(p, &e, a, here(&q->b), c, q->workspace);
}

/* Every row alone, and the last two together, give what all at once give. */
static void check_rows(const problem *q)
{
    const cpu_gemm_shape *p = &q->p;
    size_t row = (size_t)p->n * q->bytes;
    for (int64_t i = 0; i < p->m && !p->trans_a; i++) {
        cpu_gemm_shape alone = *p;
        matrix c = make(3, p->m * p->n, q->bytes);
        alone.m = i == p->m - 2 ? 2 : 1;
        call(q, &alone, (char *)here(&q->a) + (size_t)(i * p->k) * q->bytes,
             (char *)here(&c) + (size_t)i * row);
        assert_memory_equal((char *)here(&c) + (size_t)i * row,
                            (char *)here(&q->c) + (size_t)i * row, (size_t)alone.m * row);
        destroy(&c);
    }
}

/* Sums of k products of numbers in [-1, 1): k^0.5 roundings of the sum's size, four times that. */
static void check_values(const char *name, const problem *q)
{
    const cpu_gemm_shape *p = &q->p;
    double unit = q->bytes == 8 ? 2.3e-16 : 1.2e-7;
    double most = 4.0 * unit * (1.0 + (double)p->k);
    for (int64_t i = 0; i < p->m * p->n; i++) {
        double right = expected(q, i / p->n, i % p->n), got = element(&q->c, i);
        if (!(fabs(got - right) <= most)) {
            fail_msg("%s %d bytes [%lld,%lld,%lld] trans %d %d alpha %g beta %g bias %d relu %d: "
                     "element %lld is %.17g, not %.17g",
                     name, (int)q->bytes, (long long)p->m, (long long)p->n, (long long)p->k,
                     p->trans_a, p->trans_b, p->alpha, p->beta, q->has_bias, q->relu, (long long)i,
                     got, right);
        }
    }
}

/* With beta 0 c is NaN before, as it must not be read. */
static void check_product(const way *w, size_t bytes, cpu_gemm_shape p, int32_t has_bias,
                          int32_t relu)
{
    problem q = {.p = p, .gemm = bytes == 8 ? w->f64 : w->f32, .relu = relu};
    q.has_bias = has_bias;
    q.bytes = bytes;
    q.a = make(1, p.m * p.k, bytes);
    q.b = make(2, p.k * p.n, bytes);
    q.c = make(3, p.m * p.n, bytes);
    q.bias = make(4, p.n, bytes);
    q.workspace = aligned_alloc(64, CPU_GEMM_WORKSPACE);
    assert_non_null(q.workspace);
    if (p.beta == 0.0 && p.m * p.n > 0) {
        memset(here(&q.c), 0xff, (size_t)(p.m * p.n) * bytes);
    }
    call(&q, &p, here(&q.a), here(&q.c));
    check_guards(&q.c);
    check_values(w->name, &q);
    check_rows(&q);
    destroy(&q.a);
    destroy(&q.b);
    destroy(&q.c);
    destroy(&q.bias);
    free(q.workspace);
}

/* What follows the sum, in turn with the shapes. */
typedef struct ending {
    double alpha, beta;
    int32_t has_bias, relu;
} ending;

static const ending endings[] = {{1.0, 0.0, 0, 0}, {1.0, 1.0, 0, 0},  {1.0, 0.0, 1, 0},
                                 {1.0, 0.0, 1, 1}, {0.7, 0.3, 0, 0},  {1.0, 0.0, 0, 1},
                                 {0.5, 0.0, 1, 1}, {1.0, -2.0, 0, 0}, {-1.5, 1.0, 0, 0}};
enum { N_ENDINGS = sizeof endings / sizeof *endings };

static void check_shape(int64_t m, int64_t n, int64_t k, int64_t turn)
{
    const ending *e = &endings[turn % N_ENDINGS];
    int count = n_ways();
    for (int w = 0; w < count; w++) {
        for (size_t bytes = 4; bytes <= 8; bytes += 4) {
            int32_t trans = (int32_t)((turn / N_ENDINGS + w + (int64_t)bytes / 4) % 4);
            const cpu_gemm_shape p = {trans & 1, trans >> 1, m, n, k, e->alpha, e->beta};
            check_product(&ways[w], bytes, p, e->has_bias, e->relu);
        }
    }
}

static void test_products_of_small_and_odd_shapes(void **state)
{
    (void)state;
    static const int64_t sides[] = {1, 2, 3, 4, 5, 7, 8, 9, 13, 15, 16, 17, 31, 33, 63, 70};
    enum { N = sizeof sides / sizeof *sides };
    int64_t turn = 0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            for (int l = 0; l < N; l += 3, turn += 5) {
                check_shape(sides[i], sides[j], sides[(i + 2 * j + l) % N], turn);
            }
        }
    }
}

/* More rows, columns and terms than a block has; rows that a tile does not divide. */
static void test_products_of_several_blocks(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{101, 16, 300}, {3, 300, 16},  {16, 290, 130},
                                        {2, 10, 777},   {7, 16, 2028}, {97, 70, 261},
                                        {1, 530, 3},    {5, 3, 600},   {13, 257, 257}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (int64_t trans = 0; trans < 4; trans++) {
            check_shape(shapes[i][0], shapes[i][1], shapes[i][2],
                        (int64_t)i % N_ENDINGS + N_ENDINGS * trans);
        }
    }
}

static void test_empty_products(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{0, 3, 4}, {3, 0, 4}, {0, 0, 0}, {3, 4, 0}, {20, 40, 0}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (int64_t turn = 0; turn < 4 * N_ENDINGS; turn++) {
            check_shape(shapes[i][0], shapes[i][1], shapes[i][2], turn);
        }
    }
}

/* NaN and infinity of a row stay in that row, and ReLU passes NaN on. */
static void test_numbers_that_are_not_finite_stay_in_their_row(void **state)
{
    (void)state;
    static const double bad[] = {(double)NAN, (double)INFINITY};
    int count = n_ways();
    for (int w = 0; w < count; w++) {
        for (int32_t i = 0; i < 8; i++) {
            int64_t k = i & 4 ? 70 : 5;
            problem q = {.p = {0, i & 1, 4, i & 2 ? 3 : 17, k, 1.0, 0.0}, .gemm = ways[w].f32};
            q.relu = 1;
            q.bytes = 4;
            q.a = make(1, 4 * k, 4);
            q.b = make(2, q.p.n * k, 4);
            q.c = make(3, 4 * q.p.n, 4);
            q.workspace = aligned_alloc(64, CPU_GEMM_WORKSPACE);
            for (int r = 0; r < 2; r++) {
                set_element(&q.a, (r + 1) * k + k - 1, bad[r]);
            }
            for (int64_t j = 0; j < q.p.n * k; j++) {
                set_element(&q.b, j, 0.5 + 0.25 * support_random(5, (uint64_t)j));
            }
            call(&q, &q.p, here(&q.a), here(&q.c));
            for (int64_t j = 0; j < q.p.n; j++) {
                assert_true(isfinite(element(&q.c, j)));
                assert_true(isnan(element(&q.c, q.p.n + j)));
                assert_true(isinf(element(&q.c, 2 * q.p.n + j)));
                assert_true(isfinite(element(&q.c, 3 * q.p.n + j)));
            }
            destroy(&q.a);
            destroy(&q.b);
            destroy(&q.c);
            free(q.workspace);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products_of_small_and_odd_shapes),
        cmocka_unit_test(test_products_of_several_blocks),
        cmocka_unit_test(test_empty_products),
        cmocka_unit_test(test_numbers_that_are_not_finite_stay_in_their_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
