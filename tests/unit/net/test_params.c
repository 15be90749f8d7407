/* Parameters by path: where they lie, who may share them, how they start. */
#include "net/params.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "support.h"

static odeon_param weight(int64_t rows, int64_t cols)
{
    return (odeon_param){.struct_size = sizeof(odeon_param),
                         .role = ODEON_PARAM_WEIGHT,
                         .name = "weight",
                         .shape = {.ndim = 2, .dim = {rows, cols}}};
}

static odeon_param state_of(int64_t n)
{
    return (odeon_param){.struct_size = sizeof(odeon_param),
                         .role = ODEON_PARAM_STATE,
                         .name = "mean",
                         .shape = {.ndim = 1, .dim = {n}}};
}

static size_t add(params *p, const char *layer, odeon_param info, int existing)
{
    size_t index;
    assert_int_equal(params_add(p, layer, &info, ODEON_DTYPE_F32, existing, &index), ODEON_OK);
    return index;
}

static void expect_refusal(params *p, const char *layer, odeon_param info, int existing,
                           const char *text)
{
    size_t index, n = p->n;
    int64_t live = mem_live_blocks();
    diag_clear();
    assert_int_equal(params_add(p, layer, &info, ODEON_DTYPE_F32, existing, &index),
                     ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), text));
    assert_int_equal(p->n, n);
    assert_int_equal(mem_live_blocks(), live);
}

/* Weights one after the other at multiples of 64 bytes, states in a vector of their own. */
static void test_params_lie_at_multiples_of_64_bytes(void **state)
{
    (void)state;
    params p = {0};
    size_t a = add(&p, "a", weight(3, 5), 0), mean = add(&p, "a", state_of(2), 0);
    size_t b = add(&p, "b", weight(4, 4), 0), c = add(&p, "c", weight(1, 1), 0);
    size_t other = add(&p, "b", state_of(1), 0);
    assert_int_equal(p.list[a].offset, 0);
    assert_int_equal(p.list[b].offset, 16); /* 15 floats, rounded up to 64 bytes */
    assert_int_equal(p.list[c].offset, 32);
    assert_int_equal(p.list[mean].offset, 0);
    assert_int_equal(p.list[other].offset, 16);
    assert_int_equal(p.trainable, 48);
    assert_int_equal(p.state, 32);
    assert_int_equal(p.count, 15 + 16 + 1);
    assert_string_equal(p.list[b].path, "b.weight");
    assert_int_equal(p.list[b].shape.dtype, ODEON_DTYPE_F32);
    params_fini(&p);
}

static void test_params_are_found_by_path(void **state)
{
    (void)state;
    params p = {0};
    for (int i = 0; i < 100; i++) { /* the list grows */
        char layer[16];
        (void)snprintf(layer, sizeof layer, "l%d", i);
        assert_int_equal(add(&p, layer, weight(1, 2), 0), i);
    }
    assert_int_equal(params_find(&p, "l57.weight"), 57);
    assert_int_equal(params_find(&p, "l57"), p.n);
    assert_int_equal(params_find(&p, "l100.weight"), p.n);
    params_fini(&p);
    assert_int_equal(p.n, 0);
}

static void test_shared_params_are_the_same_entry(void **state)
{
    (void)state;
    params p = {0};
    size_t a = add(&p, "a", weight(2, 3), 0);
    assert_int_equal(add(&p, "a", weight(2, 3), 1), a);
    assert_int_equal(p.n, 1);
    assert_int_equal(p.count, 6);
    params_fini(&p);
}

static void test_params_refuse_what_does_not_fit(void **state)
{
    (void)state;
    params p = {0};
    (void)add(&p, "a", weight(2, 3), 0);
    expect_refusal(&p, "a", weight(2, 3), 0, "a.weight: two layers have this path");
    expect_refusal(&p, "a", weight(3, 2), 1, "a.weight: shared by layers that need different");
    expect_refusal(&p, "b", weight(2, 3), 1, "b.weight: there is no such parameter to share");
    params_fini(&p);
}

static void test_params_refuse_sizes_that_overflow(void **state)
{
    (void)state;
    params p = {0};
    (void)add(&p, "first", weight(1, 1), 0);
    expect_refusal(&p, "a", weight(INT64_MAX / 2, 3), 0, "a.weight: its size overflows");
    expect_refusal(&p, "a", weight(-1, 3), 0, "its size overflows");
    expect_refusal(&p, "a", weight(INT64_MAX / 8, 3), 0, "overflows"); /* in bytes */
    (void)add(&p, "a", weight(INT64_MAX / 16, 1), 0);
    (void)add(&p, "b", weight(INT64_MAX / 16, 2), 0);
    expect_refusal(&p, "c", weight(INT64_MAX / 8, 1), 0, "the model's size overflows");
    params_fini(&p);
}

static void test_params_report_allocations_that_fail(void **state)
{
    (void)state;
    params p = {0};
    odeon_param info = weight(2, 2);
    for (int64_t n = 1; n <= 2; n++) { /* the path, the list */
        size_t index;
        mem_fail_at(n);
        assert_int_equal(params_add(&p, "a", &info, ODEON_DTYPE_F32, 0, &index), ODEON_ERR_NOMEM);
        mem_fail_at(0);
        assert_int_equal(p.n, 0);
    }
    params_fini(&p);
}

/* ---- initial values ---- */

enum { MANY = 20000 };

static void test_initial_values_depend_on_seed_and_path_alone(void **state)
{
    (void)state;
    param p = {.path = (char[]){"ode.a.weight"},
               .count = 50,
               .init = ODEON_INIT_UNIFORM,
               .init_a = -1.0,
               .init_b = 1.0};
    double a[50], b[50];
    params_initial(&p, 3, 0, p.count, a);
    p.offset = 400;
    params_initial(&p, 3, 0, p.count, b);
    assert_memory_equal(a, b, sizeof a);
    params_initial(&p, 4, 0, p.count, b);
    assert_true(support_distance(50, a, b) > 0.5);
    p.path = (char[]){"ode.b.weight"};
    params_initial(&p, 3, 0, p.count, b);
    assert_true(support_distance(50, a, b) > 0.5);
    p.count = 20; /* a smaller tensor starts as the larger one does */
    p.path = (char[]){"ode.a.weight"};
    params_initial(&p, 3, 0, p.count, b);
    assert_memory_equal(a, b, 20 * sizeof *a);
}

static void test_initial_values_come_in_any_pieces(void **state)
{
    (void)state;
    static const int32_t inits[] = {ODEON_INIT_UNIFORM, ODEON_INIT_NORMAL, ODEON_INIT_CONSTANT};
    double whole[50], pieces[50];
    for (size_t i = 0; i < sizeof inits / sizeof *inits; i++) {
        param p = {.path = (char[]){"a.weight"}, .count = 50, .init = inits[i], .init_b = 2.0};
        params_initial(&p, 3, 0, 50, whole);
        for (int64_t first = 0; first < 50; first += 7) {
            params_initial(&p, 3, first, first + 7 > 50 ? 50 - first : 7, pieces + first);
        }
        assert_memory_equal(whole, pieces, sizeof whole);
    }
}

static void moments(const double *x, double *mean, double *deviation)
{
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < MANY; i++) {
        sum += x[i];
        squares += x[i] * x[i];
    }
    *mean = sum / MANY;
    *deviation = sqrt(squares / MANY - *mean * *mean);
}

/* Mean and deviation to 5 standard errors of MANY numbers. */
static void test_initial_values_have_their_distribution(void **state)
{
    (void)state;
    static double x[MANY];
    double mean, deviation, slack = 5.0 / sqrt(MANY);
    param p = {.path = (char[]){"w"},
               .count = MANY,
               .init = ODEON_INIT_UNIFORM,
               .init_a = 2.0,
               .init_b = 5.0};
    params_initial(&p, 1, 0, p.count, x);
    moments(x, &mean, &deviation);
    assert_true(fabs(mean - 3.5) <= slack && fabs(deviation - 3.0 / sqrt(12.0)) <= slack);
    for (int i = 0; i < MANY; i++) {
        assert_true(x[i] >= 2.0 && x[i] < 5.0);
    }
    p.init = ODEON_INIT_NORMAL;
    p.init_a = -1.0;
    p.init_b = 0.5;
    params_initial(&p, 1, 0, p.count, x);
    moments(x, &mean, &deviation);
    assert_true(fabs(mean + 1.0) <= 0.5 * slack && fabs(deviation - 0.5) <= 0.5 * slack);
    p.init = ODEON_INIT_CONSTANT;
    params_initial(&p, 1, 0, p.count, x);
    assert_true(x[0] == -1.0 && x[MANY - 1] == -1.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_params_lie_at_multiples_of_64_bytes),
        cmocka_unit_test(test_params_are_found_by_path),
        cmocka_unit_test(test_shared_params_are_the_same_entry),
        cmocka_unit_test(test_params_refuse_what_does_not_fit),
        cmocka_unit_test(test_params_refuse_sizes_that_overflow),
        cmocka_unit_test(test_params_report_allocations_that_fail),
        cmocka_unit_test(test_initial_values_depend_on_seed_and_path_alone),
        cmocka_unit_test(test_initial_values_come_in_any_pieces),
        cmocka_unit_test(test_initial_values_have_their_distribution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
