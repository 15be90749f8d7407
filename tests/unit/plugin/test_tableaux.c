/* Every integrator that is a tableau is what its figures claim. */
#include "support.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "odeon/tableau.h"
#include "plugin/instance.h"
#include "plugin/registry.h"
#include "rooted_trees.h"
#include "small_ode.h"

/* dense_order: of the dense output; steps: so many that the order shows and rounding does not. */
static const struct {
    const char *id;
    int32_t dense_order;
    int64_t steps;
} methods[] = {
    {"euler", 1, 64}, {"midpoint", 2, 64}, {"modified_euler", 2, 64}, {"heun3", 2, 64},
    {"rk4", 3, 64},   {"rk4_38", 3, 64},   {"adaptive_heun", 2, 64},  {"fehlberg2", 2, 64},
    {"bosh3", 3, 64}, {"dopri5", 4, 64},   {"tsit5", 4, 64},          {"dopri8", 5, 8},
};
enum { N_METHODS = sizeof methods / sizeof methods[0] };
static const char *const fsal[] = {"bosh3", "dopri5", "tsit5", "dopri8"};
enum { N_FSAL = sizeof fsal / sizeof fsal[0] };
static const struct {
    const char *id, *fixture;
} pairs[] = {{"dopri5", "solvers.safetensors"},
             {"tsit5", "solvers.safetensors"},
             {"bosh3", "torchdiffeq_methods.safetensors"},
             {"dopri8", "torchdiffeq_methods.safetensors"},
             {"fehlberg2", "torchdiffeq_methods.safetensors"},
             {"adaptive_heun", "torchdiffeq_methods.safetensors"}};
enum { N_PAIRS = sizeof pairs / sizeof pairs[0] };

static registry *plugins;

static int open_registry(void **state)
{
    (void)state;
    plugins = support_registry();
    return 0;
}

static int close_registry(void **state)
{
    (void)state;
    registry_destroy(plugins);
    return 0;
}

static const odeon_tableau *find(const char *id)
{
    const odeon_component *component = NULL;
    assert_int_equal(registry_find(plugins, ODEON_KIND_INTEGRATOR, id, &component), ODEON_OK);
    assert_int_equal(component->interface, ODEON_INTERFACE_TABLEAU);
    return component->ops;
}

/* The worst misfit of the order conditions of the orders first to last, in units of rounding. */
static double worst(const odeon_tableau *tableau, const double *weight, int32_t first, int32_t last)
{
    rooted_trees trees;
    rooted_trees_fill(tableau, &trees);
    double result = 0.0;
    for (int32_t i = 0; i < trees.n; i++) {
        const rooted_tree *tree = &trees.tree[i];
        if (tree->order >= first && tree->order <= last) {
            result = fmax(result,
                          rooted_tree_misfit(tree, tableau->stages, weight, 1.0 / tree->density));
        }
    }
    return result;
}

static void test_trees_are_as_many_as_cayley_counted(void **state)
{
    (void)state;
    static const int32_t expected[] = {1, 1, 2, 4, 9, 20, 48, 115, 286};
    rooted_trees trees;
    rooted_trees_fill(find("euler"), &trees);
    int32_t counted[TREES_MAX_ORDER] = {0};
    for (int32_t i = 0; i < trees.n; i++) {
        counted[trees.tree[i].order - 1]++;
    }
    assert_memory_equal(counted, expected, sizeof expected);
}

static void test_tableau_rows_sum_to_c(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_METHODS; m++) {
        const odeon_tableau *tableau = find(methods[m].id);
        int32_t s = tableau->stages;
        for (int32_t i = 0; i < s; i++) {
            double sum = 0.0, magnitude = 0.0;
            for (int32_t j = 0; j < s; j++) {
                assert_true(j < i || tableau->a[i * s + j] == 0.0); /* explicit */
                sum += tableau->a[i * s + j];
                magnitude += fabs(tableau->a[i * s + j]);
            }
            /* one rounding a coefficient and one an addition */
            assert_true(fabs(sum - tableau->c[i]) <= (s + 1) * DBL_EPSILON * (magnitude + 1.0));
        }
    }
}

static void test_tableau_order_is_as_claimed_and_no_more(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_METHODS; m++) {
        const odeon_tableau *tableau = find(methods[m].id);
        int32_t p = tableau->order;
        assert_true(worst(tableau, tableau->b, 1, p) <= 1.0);
        /* A condition missed in the fifth digit is more than 1e6 roundings away. */
        assert_true(worst(tableau, tableau->b, p + 1, p + 1) > 1e6);
    }
}

static void test_tableau_embedded_order_is_as_claimed_and_no_more(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_METHODS; m++) {
        const odeon_tableau *tableau = find(methods[m].id);
        int32_t p = tableau->embedded_order;
        assert_true((p > 0) == (tableau->b_hat != NULL));
        if (p > 0) {
            assert_true(worst(tableau, tableau->b_hat, 1, p) <= 1.0);
            assert_true(worst(tableau, tableau->b_hat, p + 1, p + 1) > 1e6);
        }
    }
}

static void test_tableau_last_stage_is_first_of_next_step_where_flagged(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_METHODS; m++) {
        const odeon_tableau *tableau = find(methods[m].id);
        int32_t s = tableau->stages, same = tableau->c[s - 1] == 1.0;
        for (int32_t j = 0; j < s; j++) {
            same = same && tableau->a[(s - 1) * s + j] == tableau->b[j];
        }
        assert_int_equal((tableau->flags & ODEON_TABLEAU_FSAL) != 0, same);
    }
}

static void test_dense_output_ends_in_b(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_METHODS; m++) {
        const odeon_tableau *tableau = find(methods[m].id);
        for (int32_t i = 0; i < tableau->stages; i++) {
            double sum = 0.0, magnitude = 1.0;
            for (int32_t j = 0; j < tableau->interp_degree; j++) {
                sum += tableau->interp[i * tableau->interp_degree + j];
                magnitude += fabs(tableau->interp[i * tableau->interp_degree + j]);
            }
            /* one rounding a coefficient and one an addition, at most 5 of them */
            assert_true(fabs(sum - tableau->b[i]) <= 5.0 * DBL_EPSILON * magnitude);
        }
    }
}

/* Coefficient of x^power, for every stage. */
static void interp_column(const odeon_tableau *tableau, int32_t power, double *column)
{
    for (int32_t i = 0; i < tableau->stages; i++) {
        column[i] = tableau->interp[i * tableau->interp_degree + power - 1];
    }
}

static void test_dense_output_has_its_order(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_METHODS; m++) {
        const odeon_tableau *tableau = find(methods[m].id);
        rooted_trees trees;
        rooted_trees_fill(tableau, &trees);
        for (int32_t i = 0; i < trees.n && trees.tree[i].order <= methods[m].dense_order; i++) {
            /* sum_i b_i(x) phi_i = x^order / density, as polynomials in x */
            for (int32_t power = 1; power <= tableau->interp_degree; power++) {
                double column[32];
                interp_column(tableau, power, column);
                double target = power == trees.tree[i].order ? 1.0 / trees.tree[i].density : 0.0;
                assert_true(rooted_tree_misfit(&trees.tree[i], tableau->stages, column, target) <=
                            1.0);
            }
        }
    }
}

static void test_dense_output_has_slopes_of_the_solution_at_both_ends(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_FSAL; m++) {
        const odeon_tableau *tableau = find(fsal[m]);
        int32_t degree = tableau->interp_degree;
        for (int32_t i = 0; i < tableau->stages; i++) {
            double end = 0.0, magnitude = 1.0;
            for (int32_t j = 0; j < degree; j++) {
                end += (j + 1) * tableau->interp[i * degree + j];
                magnitude += (j + 1) * fabs(tableau->interp[i * degree + j]);
            }
            assert_true(tableau->interp[i * degree] == (i == 0 ? 1.0 : 0.0));
            assert_true(fabs(end - (i == tableau->stages - 1 ? 1.0 : 0.0)) <=
                        5.0 * DBL_EPSILON * magnitude); /* as above */
        }
    }
}

static void assert_same(const safetensors *file, const char *id, const char *what, int64_t n,
                        const double *ours)
{
    char *name = mem_printf("tableau/%s/%s", id, what);
    int64_t count = 0;
    double *theirs = support_tensor(file, name, &count);
    assert_int_equal(count, n);
    for (int64_t i = 0; i < n; i++) {
        /* Both are the same number, given there with 16 or 17 digits: 1e-15 of its size, or of 1
         * where differences of weights are compared. */
        assert_true(fabs(ours[i] - theirs[i]) <= 1e-15 * fmax(1.0, fabs(theirs[i])));
    }
    mem_free(theirs);
    mem_free(name);
}

/* Heun's pair is the same with Euler's method or with the last slope embedded: but for the sign of
 * the error, which nobody reads. */
static double sign_of_error(const char *id)
{
    return strcmp(id, "adaptive_heun") == 0 ? -1.0 : 1.0;
}

static void test_pairs_have_the_coefficients_of_another_implementation(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_PAIRS; m++) {
        const char *id = pairs[m].id;
        safetensors *file = support_fixture(pairs[m].fixture);
        const odeon_tableau *tableau = find(id);
        int32_t s = tableau->stages;
        double difference[32];
        for (int32_t i = 0; i < s; i++) {
            difference[i] = sign_of_error(id) * (tableau->b[i] - tableau->b_hat[i]);
        }
        assert_same(file, id, "A", s * s, tableau->a);
        assert_same(file, id, "b", s, tableau->b);
        assert_same(file, id, "c", s, tableau->c);
        assert_same(file, id, "b_minus_bhat", s, difference);
        safetensors_destroy(file);
    }
}

/* One step of a pair from t = 0.1 against the fixture's. */
static void check_step(const safetensors *file, const char *id, const char *name,
                       const small_ode *ode, const double *y0)
{
    double y1[2], error[2];
    small_ode_tableau_step(ode, find(id), 0.1, 0.2, y0, y1, error, NULL);
    char *names[2] = {mem_printf("onestep/%s/%s/y1", id, name),
                      mem_printf("onestep/%s/%s/err", id, name)};
    double *their_y1 = support_tensor(file, names[0], NULL);
    double *their_error = support_tensor(file, names[1], NULL);
    for (int32_t d = 0; d < 2; d++) {
        /* values of size 1, products with coefficients up to 43, some 100 roundings */
        assert_true(fabs(y1[d] - their_y1[d]) <= 1e-14);
        assert_true(fabs(fabs(error[d]) - fabs(their_error[d])) <= 1e-14);
    }
    mem_free(their_y1);
    mem_free(their_error);
    mem_free(names[0]);
    mem_free(names[1]);
}

/* For fehlberg2 and adaptive_heun this is all that can be compared: torchdiffeq starts their next
 * step with the slope of the last stage, which is not that of y1. */
static void test_pairs_make_the_step_of_another_implementation(void **state)
{
    (void)state;
    static const double vanderpol[2] = {2.0, 0.0}, forced[2] = {0.5, -0.3};
    for (size_t m = 0; m < N_PAIRS; m++) {
        safetensors *file = support_fixture(pairs[m].fixture);
        check_step(file, pairs[m].id, "vanderpol", &small_ode_vanderpol, vanderpol);
        check_step(file, pairs[m].id, "forced", &small_ode_driven, forced);
        safetensors_destroy(file);
    }
}

/* Ten steps of 0.2 from t = 0 against the fixture's. */
static void check_fixed(const safetensors *file, const char *id, const char *theirs,
                        const char *name, const small_ode *ode, const double *y0)
{
    double y[2] = {y0[0], y0[1]}, y1[2];
    for (int32_t i = 0; i < 10; i++) {
        small_ode_tableau_step(ode, find(id), 0.2 * i, 0.2, y, y1, NULL, NULL);
        memcpy(y, y1, sizeof y);
    }
    char *path = mem_printf("fixed/%s/%s", theirs, name);
    double *expected = support_tensor(file, path, NULL);
    for (int32_t d = 0; d < 2; d++) {
        assert_true(fabs(y[d] - expected[d]) <= 1e-13); /* values of size 1, ten steps */
    }
    mem_free(expected);
    mem_free(path);
}

static void test_fixed_steps_are_those_of_another_implementation(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"euler", "euler"},
                                           {"midpoint", "midpoint"},
                                           {"modified_euler", "heun2"},
                                           {"heun3", "heun3"},
                                           {"rk4_38", "rk4"}};
    static const double vanderpol[2] = {2.0, 0.0}, forced[2] = {0.5, -0.3};
    safetensors *file = support_fixture("torchdiffeq_methods.safetensors");
    for (size_t m = 0; m < sizeof names / sizeof names[0]; m++) {
        check_fixed(file, names[m][0], names[m][1], "vanderpol", &small_ode_vanderpol, vanderpol);
        check_fixed(file, names[m][0], names[m][1], "forced", &small_ode_driven, forced);
    }
    safetensors_destroy(file);
}

static odeon_status solve(const small_ode *ode, void *method, int64_t steps, double *y1)
{
    const odeon_tableau *const *tableau = method;
    small_ode_tableau_solve(ode, *tableau, steps, y1);
    return ODEON_OK;
}

static void test_measured_order_is_the_claimed_order(void **state)
{
    (void)state;
    static const small_ode *const odes[] = {&small_ode_rotation, &small_ode_growth};
    for (size_t m = 0; m < N_METHODS; m++) {
        const odeon_tableau *tableau = find(methods[m].id);
        for (size_t o = 0; o < 2; o++) {
            double order = small_ode_order(odes[o], solve, &tableau, methods[m].steps);
            /* h = 1/32 (1/4 with dopri8): the next term of the error still counts, most where the
             * pairs make the first one small, so that they come to their order from above. */
            assert_true(order > tableau->order - 0.2 && order < tableau->order + 0.4);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees_are_as_many_as_cayley_counted),
        cmocka_unit_test(test_tableau_rows_sum_to_c),
        cmocka_unit_test(test_tableau_order_is_as_claimed_and_no_more),
        cmocka_unit_test(test_tableau_embedded_order_is_as_claimed_and_no_more),
        cmocka_unit_test(test_tableau_last_stage_is_first_of_next_step_where_flagged),
        cmocka_unit_test(test_dense_output_ends_in_b),
        cmocka_unit_test(test_dense_output_has_its_order),
        cmocka_unit_test(test_dense_output_has_slopes_of_the_solution_at_both_ends),
        cmocka_unit_test(test_pairs_have_the_coefficients_of_another_implementation),
        cmocka_unit_test(test_pairs_make_the_step_of_another_implementation),
        cmocka_unit_test(test_fixed_steps_are_those_of_another_implementation),
        cmocka_unit_test(test_measured_order_is_the_claimed_order),
    };
    return cmocka_run_group_tests(tests, open_registry, close_registry);
}
