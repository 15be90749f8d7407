/* GMRES on the host: what it solves, when it ends, what is left alone. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "solver/krylov.h"

#include <cmocka.h>

enum { N = 130, SAMPLES = 2 };

static double matrix[SAMPLES][N][N], b[SAMPLES * N];

/* J of two samples, not symmetric, with entries of any sign; what `spread` adds on the diagonal
 * makes I + J / 2 well enough posed for cycles that are shorter than the matrix. */
static void fill(double size, double spread)
{
    for (int s = 0; s < SAMPLES; s++) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                matrix[s][i][j] = size * sin(1.0 + s + 3.0 * i * i + 7.0 * j) / (1.0 + abs(i - j));
            }
            matrix[s][i][i] += spread * (1.0 + 0.2 * i * i);
            b[s * N + i] = cos(i + 1.0 + s);
        }
    }
}

static void multiply(double *v)
{
    double product[N];
    for (int s = 0; s < SAMPLES; s++, v += N) {
        for (int i = 0; i < N; i++) {
            product[i] = 0.0;
            for (int j = 0; j < N; j++) {
                product[i] += matrix[s][i][j] * v[j];
            }
        }
        memcpy(v, product, sizeof product);
    }
}

static int solve(krylov *k, const double *scale, double relative, double gh)
{
    int products = 0;
    krylov_begin(k, b, scale, relative, 0.0);
    while (krylov_direction(k)) {
        multiply(k->v);
        krylov_advance(k, gh);
        products++;
    }
    return products;
}

/* |b - (I - gh J) x| / |b| of a sample. */
static double residual(const krylov *k, int s, double gh)
{
    static double v[SAMPLES * N];
    double sum = 0.0, size = 0.0;
    memcpy(v, k->x, sizeof v);
    multiply(v);
    for (int i = s * N; i < (s + 1) * N; i++) {
        double r = b[i] - (k->x[i] - gh * v[i]);
        sum += r * r;
        size += b[i] * b[i];
    }
    return sqrt(sum / size);
}

static void test_it_solves_to_what_is_wanted(void **state)
{
    (void)state;
    static const double sizes[] = {0.0, 0.3, 3.0}, spreads[] = {0.0, 0.0, 20.0};
    static double scale[SAMPLES * N];
    for (int i = 0; i < SAMPLES * N; i++) {
        scale[i] = 1.0 + i % 7;
    }
    krylov k = {0};
    assert_true(krylov_fit(&k, SAMPLES, N));
    for (int i = 0; i < 6; i++) {
        fill(sizes[i / 2], spreads[i / 2]);
        int loose = solve(&k, i % 2 == 0 ? NULL : scale, 1e-3, -0.5);
        assert_int_equal(krylov_finish(&k, 0.0), -1);
        assert_true(residual(&k, 0, -0.5) < 7e-3 && residual(&k, 1, -0.5) < 7e-3);
        int tight = solve(&k, i % 2 == 0 ? NULL : scale, 1e-11, -0.5);
        assert_int_equal(krylov_finish(&k, 0.0), -1);
        assert_true(residual(&k, 0, -0.5) < 7e-11 && residual(&k, 1, -0.5) < 7e-11);
        assert_true(i < 2 ? tight <= 2 : tight > loose); /* J = 0: one product tells */
        assert_true(i < 4 || tight > KRYLOV_CYCLE);
    }
    krylov_fini(&k);
}

static void test_a_sample_keeps_its_bits_in_any_company(void **state)
{
    (void)state;
    static double x[N];
    krylov k = {0};
    assert_true(krylov_fit(&k, SAMPLES, N));
    for (int i = 0; i < 2; i++) {
        fill(2.0, 1.0);
        for (int j = 0; j < N && i == 1; j++) {
            b[j] = 0.0; /* needs nothing */
        }
        (void)solve(&k, NULL, 1e-8, -0.5);
        if (i == 0) {
            memcpy(x, k.x + N, sizeof x);
        }
        assert_memory_equal(x, k.x + N, sizeof x);
    }
    for (int j = 0; j < N; j++) {
        assert_true(k.x[j] == 0.0);
    }
    krylov_fini(&k);
}

/* I - gh J = 0, and what is no number. */
static void test_what_has_no_solution_is_named(void **state)
{
    (void)state;
    krylov k = {0};
    assert_true(krylov_fit(&k, SAMPLES, N));
    for (int i = 0; i < 2; i++) {
        fill(0.0, 0.0);
        for (int j = 0; j < N; j++) {
            matrix[1][j][j] = i == 0 ? 1.0 : (double)NAN;
        }
        (void)solve(&k, NULL, 1e-8, 1.0);
        assert_int_equal(krylov_finish(&k, 0.1), 1);
    }
    krylov_fini(&k);
}

static void test_without_memory_nothing_is_lost(void **state)
{
    (void)state;
    krylov k = {0};
    int64_t blocks = mem_live_blocks();
    assert_true(krylov_fit(&k, 2, 2));
    mem_fail_at(1);
    assert_false(krylov_fit(&k, 20, 200));
    mem_fail_at(0);
    assert_true(krylov_fit(&k, 0, 0));
    krylov_fini(&k);
    assert_int_equal(mem_live_blocks(), blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_solves_to_what_is_wanted),
        cmocka_unit_test(test_a_sample_keeps_its_bits_in_any_company),
        cmocka_unit_test(test_what_has_no_solution_is_named),
        cmocka_unit_test(test_without_memory_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
