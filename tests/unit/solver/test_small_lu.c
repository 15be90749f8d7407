/* LU factors of small matrices. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "solver/small_lu.h"

#include <cmocka.h>

enum { LARGEST = 64 };

/* Numbers between -1 and 1 that follow from their index. */
static double number(int64_t i)
{
    return sin(1.0 + 12.9898 * (double)i) * cos(3.0 + 78.233 * (double)(i * i));
}

/* How far A x, or A^T x, is from b at most. */
static double residual(int64_t n, const double *a, bool transposed, const double *x,
                       const double *b)
{
    double largest = 0.0;
    for (int64_t i = 0; i < n; i++) {
        double sum = -b[i];
        for (int64_t j = 0; j < n; j++) {
            sum += (transposed ? a[j * n + i] : a[i * n + j]) * x[j];
        }
        largest = fmax(largest, fabs(sum));
    }
    return largest;
}

static void test_solutions_solve(void **state)
{
    (void)state;
    static double a[LARGEST * LARGEST], factors[LARGEST * LARGEST];
    double b[LARGEST], x[LARGEST];
    int32_t swaps[LARGEST];
    for (int64_t n = 1; n <= LARGEST; n = n < 8 ? n + 1 : 2 * n) {
        for (int64_t i = 0; i < n * n; i++) {
            factors[i] = a[i] = number(i + n);
        }
        assert_true(small_lu(n, factors, swaps));
        for (int transposed = 0; transposed < 2; transposed++) {
            for (int64_t i = 0; i < n; i++) {
                x[i] = b[i] = number(-i);
            }
            if (transposed != 0) {
                small_lu_solve_transposed(n, factors, swaps, x);
            } else {
                small_lu_solve(n, factors, swaps, x);
            }
            assert_true(residual(n, a, transposed != 0, x, b) < 1e-11);
        }
    }
}

/* Without an exchange of rows the first pivot would be 0, or would lose all digits. */
static void test_rows_are_exchanged(void **state)
{
    (void)state;
    const double firsts[2] = {0.0, 1e-20};
    for (int k = 0; k < 2; k++) {
        double a[4] = {firsts[k], 1.0, 1.0, 1.0}, x[2] = {1.0, 2.0}, y[2] = {1.0, 2.0};
        int32_t swaps[2];
        assert_true(small_lu(2, a, swaps));
        small_lu_solve(2, a, swaps, x);
        small_lu_solve_transposed(2, a, swaps, y);
        assert_true(fabs(x[0] - 1.0) < 1e-15 && fabs(x[1] - 1.0) < 1e-15);
        assert_true(fabs(y[0] - 1.0) < 1e-15 && fabs(y[1] - 1.0) < 1e-15);
    }
}

static void test_what_has_no_factors(void **state)
{
    (void)state;
    double zero[1] = {0.0}, singular[4] = {1.0, 2.0, 2.0, 4.0};
    double nan[4] = {1.0, 2.0, (double)NAN, 4.0}, infinite[4] = {1.0, 2.0, HUGE_VAL, 4.0};
    int32_t swaps[2];
    assert_false(small_lu(1, zero, swaps));
    assert_false(small_lu(2, singular, swaps));
    assert_false(small_lu(2, nan, swaps));
    assert_false(small_lu(2, infinite, swaps));
    assert_true(small_lu(0, zero, swaps));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_solutions_solve),
        cmocka_unit_test(test_rows_are_exchanged),
        cmocka_unit_test(test_what_has_no_factors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
