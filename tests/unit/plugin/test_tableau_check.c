/* What a plugin's tableau must be, and what is said of one that is not. */
#include "plugin/tableau_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "known_tableaus.h"
#include "odeon/tableau.h"
#include "plugin/registry.h"
#include "plugin/tableau.h"
#include "plugin/tableau_order.h"
#include "plugin/tableau_trees.h"
#include "support.h"

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

static const odeon_tableau *shipped(const char *id)
{
    const odeon_component *component = NULL;
    assert_int_equal(registry_find(plugins, ODEON_KIND_INTEGRATOR, id, &component), ODEON_OK);
    return component->ops;
}

enum { N_TABLES = 18 };

static void list_tables(const odeon_tableau *out[N_TABLES])
{
    static const char *const ids[] = {"euler", "midpoint", "modified_euler", "heun3",
                                      "rk4",   "rk4_38",   "adaptive_heun",  "fehlberg2",
                                      "bosh3", "dopri5",   "tsit5",          "dopri8"};
    static const odeon_tableau *const known[] = {&known_trbdf2,   &known_kvaerno5, &known_kencarp3,
                                                 &known_kencarp4, &known_kencarp5, &known_dop853};
    for (size_t i = 0; i < N_TABLES; i++) {
        out[i] = i < 12 ? shipped(ids[i]) : known[i - 12];
    }
}

static void assert_refused(const odeon_tableau *t, const char *line)
{
    diag_clear();
    odeon_status status = tableau_check(t, "x");
    char expected[512];
    (void)snprintf(expected, sizeof expected, "x: tableau: %s", line);
    if (status != ODEON_ERR_PLUGIN || strcmp(diag_message(), expected) != 0) {
        fail_msg("%d, '%s', expected '%s'", status, diag_message(), expected);
    }
}

static void assert_passes(const odeon_tableau *t)
{
    diag_clear();
    if (tableau_check(t, "x") != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
}

/* ---- what is right ---- */

static void test_methods_have_the_orders_that_they_claim_and_no_more(void **state)
{
    (void)state;
    const odeon_tableau *tables[N_TABLES];
    list_tables(tables);
    for (size_t i = 0; i < N_TABLES; i++) {
        const odeon_tableau *t = tables[i];
        tableau_orders orders;
        assert_passes(t);
        assert_int_equal(tableau_orders_find(t, &orders), ODEON_OK);
        assert_int_equal(orders.b, t->order);
        assert_int_equal(orders.embedded[0], t->embedded_order);
        assert_int_equal(orders.embedded[1], t->n_more_estimates > 0 ? t->more_orders[0] : 0);
        assert_int_equal(orders.interp, t->interp_order);
        assert_int_equal(orders.most, t->a_im != NULL ? 6 : 10);
    }
}

static void test_claiming_less_is_no_fault(void **state)
{
    (void)state;
    tableau_copy x;
    tableau_copy_of(shipped("dopri5"), &x);
    x.t.order = 3;
    x.t.embedded_order = 2;
    x.t.interp_order = 1;
    assert_passes(&x.t);
}

/* Of a claim beyond the trees what they reach is proved. */
static void test_claims_beyond_the_trees_are_proved_as_far_as_these_reach(void **state)
{
    (void)state;
    tableau_copy x;
    tableau_copy_of(shipped("rk4"), &x);
    x.t.order = 40;
    assert_refused(&x.t, "b is said to be of order 40, but is of order 4: the tree [.,.,.,.] gives "
                         "0.2083333333, but should give 0.2 (off by 0.00833)");
}

/* Every number to so many digits. */
static void print_and_read(double *list, const double *given, int64_t n, int digits)
{
    for (int64_t i = 0; i < n && given != NULL; i++) {
        char text[40];
        (void)snprintf(text, sizeof text, "%.*e", digits - 1, list[i]);
        list[i] = strtod(text, NULL);
    }
}

static void print_and_read_all(tableau_copy *x, int digits)
{
    const odeon_tableau *t = &x->t;
    int64_t s = t->stages, n = s + t->dense_stages;
    print_and_read(x->a, t->a, s * s, digits);
    print_and_read(x->b, t->b, s, digits);
    print_and_read(x->c, t->c, s, digits);
    print_and_read(x->b_hat, t->b_hat, s, digits);
    print_and_read(x->more_b_hat, t->more_b_hat, s * t->n_more_estimates, digits);
    print_and_read(x->interp, t->interp, n * t->interp_degree, digits);
    print_and_read(x->dense_a, t->dense_a, n * t->dense_stages, digits);
    print_and_read(x->dense_c, t->dense_c, t->dense_stages, digits);
    print_and_read(x->a_im, t->a_im, s * s, digits);
    x->t.filter_gamma = 0.0;
}

static void test_tables_of_fourteen_digits_pass_and_of_ten_do_not(void **state)
{
    (void)state;
    const odeon_tableau *tables[] = {shipped("dopri5"), shipped("tsit5"), shipped("dopri8"),
                                     &known_dop853,     &known_kencarp5,  &known_kvaerno5};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        tableau_copy x;
        tableau_copy_of(tables[i], &x);
        print_and_read_all(&x, 14);
        assert_passes(&x.t);
        print_and_read_all(&x, 10);
        assert_int_equal(tableau_check(&x.t, "x"), ODEON_ERR_PLUGIN);
    }
}

/* ---- wrong tables that nobody noticed before there was a proof ---- */

static void test_one_wrong_coefficient_with_its_row_sum_kept_is_found(void **state)
{
    (void)state;
    tableau_copy x;
    tableau_copy_of(shipped("rk4_38"), &x);
    x.a[3 * 4 + 0] += 2e-4;
    x.a[3 * 4 + 1] -= 2e-4;
    assert_refused(&x.t, "b is said to be of order 4, but is of order 2: the tree [[.]] gives "
                         "0.1666583333, but should give 0.1666666667 (off by -8.33e-06)");
}

static void test_orders_that_are_claimed_in_vain_are_found(void **state)
{
    (void)state;
    tableau_copy x;
    tableau_copy_of(shipped("bosh3"), &x);
    x.t.order = 4;
    assert_refused(&x.t, "b is said to be of order 4, but is of order 3: the tree [.,.,.] gives "
                         "0.2291666667, but should give 0.25 (off by -0.0208)");
    tableau_copy_of(shipped("bosh3"), &x);
    x.t.embedded_order = 3;
    assert_refused(&x.t, "b_hat is said to be of order 3, but is of order 2: the tree [.,.] gives "
                         "0.375, but should give 0.3333333333 (off by 0.0417)");
    tableau_copy_of(shipped("bosh3"), &x);
    x.t.interp_order = 4;
    assert_refused(&x.t, "interp is said to be of order 4, but is of order 3: the tree [.,.,.] "
                         "gives x^2 the factor -0.3125, but should give 0 (off by -0.312)");
    tableau_copy_of(&known_dop853, &x);
    x.more_orders[0] = 4;
    assert_refused(&x.t,
                   "row 0 of more_b_hat is said to be of order 4, but is of order 3: the tree "
                   "[.,.,.] gives 0.2247863248, but should give 0.25 (off by -0.0252)");
}

static void test_a_wrong_abscissa_is_found(void **state)
{
    (void)state;
    tableau_copy x;
    tableau_copy_of(shipped("rk4"), &x);
    x.c[2] = 0.5078125;
    assert_refused(&x.t,
                   "c[2] is 0.5078125, but row 2 of a sums to 0.5 (off by -0.00781): a number "
                   "is wrong");
    tableau_copy_of(&known_dop853, &x);
    x.dense_c[1] = 0.25;
    assert_refused(&x.t, "dense_c[1] is 0.25, but row 1 of dense_a sums to 0.2 (off by -0.05): a "
                         "number is wrong");
}

static void test_wrong_weights_are_found(void **state)
{
    (void)state;
    tableau_copy x;
    tableau_copy_of(shipped("adaptive_heun"), &x);
    x.b_hat[0] = 1.03;
    assert_refused(&x.t,
                   "b_hat is said to be of order 1, but is of order 0: the tree . gives 1.03, "
                   "but should give 1 (off by 0.03)");
    tableau_copy_of(shipped("rk4"), &x);
    x.b[1] = 1.0 / 3.0 + 5e-5;
    assert_refused(&x.t, "at the end of the step interp gives stage 1 the weight 0.3333333333, but "
                         "b[1] is 0.3333833333");
    x.t.interp = NULL;
    x.t.interp_degree = x.t.interp_order = 0;
    assert_refused(&x.t, "b is said to be of order 4, but is of order 0: the tree . gives "
                         "1.00005, but should give 1 (off by 5e-05)");
}

static void test_wrong_dense_output_is_found(void **state)
{
    (void)state;
    tableau_copy x;
    tableau_copy_of(shipped("rk4"), &x);
    x.interp[0 * 3 + 1] += 1e-3;
    assert_refused(&x.t, "at the end of the step interp gives stage 0 the weight 0.1676666667, but "
                         "b[0] is 0.1666666667");
    x.interp[0 * 3 + 2] -= 1e-3; /* right at its end, and wrong within */
    assert_refused(&x.t, "interp is said to be of order 3, but is of order 0: the tree . gives x^2 "
                         "the factor 0.001, but should give 0 (off by 0.001)");
    tableau_copy_of(&known_dop853, &x);
    x.dense_a[0 * 16 + 6] += 1e-4; /* a dense stage, its place kept */
    x.dense_a[0 * 16 + 5] -= 1e-4;
    assert_refused(&x.t, "interp is said to be of order 7, but is of order 2: the tree [[.]] gives "
                         "x^2 the factor -0.000151237546, but should give 0 (off by -0.000151)");
}

static void test_numbers_that_are_none_are_found(void **state)
{
    (void)state;
    tableau_copy x;
    tableau_copy_of(shipped("bosh3"), &x);
    x.b_hat[2] = (double)NAN;
    assert_refused(&x.t, "a number of b_hat is not finite");
    tableau_copy_of(&known_dop853, &x);
    x.dense_a[15] = (double)INFINITY;
    assert_refused(&x.t, "a number of dense_a is not finite");
    x.dense_a[15] = 0.0;
    x.t.filter_gamma = (double)NAN;
    assert_refused(&x.t, "a number of filter_gamma is not finite");
}

static void test_fsal_is_held_against_the_numbers(void **state)
{
    (void)state;
    tableau_copy x;
    tableau_copy_of(shipped("rk4"), &x);
    x.t.flags = ODEON_TABLEAU_FSAL;
    assert_refused(&x.t, "flagged FSAL, but the last row of a is not b");
    tableau_copy_of(shipped("heun3"), &x);
    x.t.flags = ODEON_TABLEAU_FSAL;
    assert_refused(&x.t, "flagged FSAL, but the last stage is not at the end of the step");
    tableau_copy_of(&known_trbdf2, &x);
    x.a[0] = 0.25;
    assert_refused(&x.t, "flagged FSAL, but the first stage is not at the start of the step");
    tableau_copy_of(&known_kencarp3, &x);
    x.t.flags = ODEON_TABLEAU_FSAL; /* the implicit table alone is */
    assert_refused(&x.t, "flagged FSAL, but the last row of a is not b");
}

static void test_stages_do_not_read_later_ones(void **state)
{
    (void)state;
    static const char later[] =
        "must be 0: a stage cannot read a later one (fully implicit methods "
        "are none of this interface)";
    char line[200];
    tableau_copy x;
    tableau_copy_of(shipped("rk4"), &x);
    x.a[1 * 4 + 3] = 0.5;
    (void)snprintf(line, sizeof line, "a[1][3] is 0.5, but %s", later);
    assert_refused(&x.t, line);
    tableau_copy_of(&known_kencarp3, &x);
    x.a_im[0 * 4 + 1] = 0.5;
    (void)snprintf(line, sizeof line, "a_im[0][1] is 0.5, but %s", later);
    assert_refused(&x.t, line);
    x.a[2 * 4 + 2] = 0.5;
    assert_refused(&x.t, "a[2][2] is 0.5, but must be 0: the first table of a pair with a_im is "
                         "explicit");
    tableau_copy_of(&known_dop853, &x);
    x.dense_a[1 * 16 + 14] = 0.5;
    assert_refused(&x.t, "dense_a[1][14] is 0.5, but must be 0: dense stages are explicit");
}

static void test_estimates_that_are_always_zero_are_found(void **state)
{
    (void)state;
    tableau_copy x;
    tableau_copy_of(shipped("bosh3"), &x);
    memcpy(x.b_hat, x.b, 4 * sizeof *x.b);
    assert_refused(&x.t, "b_hat is b itself, so that its error estimate is always 0");
    tableau_copy_of(&known_dop853, &x);
    memcpy(x.more_b_hat, x.b, 13 * sizeof *x.b);
    assert_refused(&x.t, "row 0 of more_b_hat is b itself, so that its error estimate is always 0");
}

/* Heun's method with the implicit midpoint rule: both are of order 2, but not together. */
static void test_the_coupling_of_a_pair_is_proved(void **state)
{
    (void)state;
    static const double a[] = {0.0, 0.0, 1.0, 0.0}, b[] = {0.5, 0.5}, c[] = {0.0, 1.0};
    static const double a_im[] = {0.5, 0.0, 0.0, 0.5}, b_im[] = {1.0, 0.0}, c_im[] = {0.5, 0.5};
    odeon_tableau t = {.struct_size = sizeof t, .stages = 2, .order = 2, .a = a, .b = b, .c = c};
    assert_passes(&t);
    t.a = a_im;
    t.b = b_im;
    t.c = c_im;
    assert_passes(&t);
    t = (odeon_tableau){.struct_size = sizeof t,
                        .stages = 2,
                        .order = 2,
                        .a = a,
                        .b = b,
                        .c = c,
                        .a_im = a_im,
                        .b_im = b_im,
                        .c_im = c_im};
    assert_refused(&t, "b is said to be of order 2, but is of order 1: the tree {.} gives 0, but "
                       "should give 0.5 (off by -0.5)");
    tableau_copy x;
    tableau_copy_of(&known_kencarp4, &x);
    x.a_im[4 * 6 + 1] += 1e-6;
    x.a_im[4 * 6 + 2] -= 1e-6;
    assert_refused(&x.t, "b is said to be of order 4, but is of order 2: the tree [{.}] gives "
                         "0.1666666204, but should give 0.1666666667 (off by -4.62e-08)");
}

/* The seventh digit of any number; a wrong one in a or dense_a alone is a wrong row sum. */
static void check_digits(const odeon_tableau *t, size_t list, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        tableau_copy x;
        tableau_copy_of(t, &x);
        double *lists[] = {x.a,      x.b,       x.c,       x.b_hat, x.more_b_hat,
                           x.interp, x.dense_a, x.dense_c, x.a_im};
        double *number = &lists[list][i];
        if (*number != 0.0) {
            *number *= 1.0 + 1e-6;
            x.t.flags = 0; /* which compares bits */
            x.t.filter_gamma = 0.0;
            assert_int_equal(tableau_check(&x.t, "x"), ODEON_ERR_PLUGIN);
        }
    }
}

static void test_a_wrong_digit_anywhere_is_found(void **state)
{
    (void)state;
    const odeon_tableau *tables[N_TABLES];
    list_tables(tables);
    for (size_t i = 0; i < N_TABLES; i++) {
        const odeon_tableau *t = tables[i];
        int64_t s = t->stages, n = s + t->dense_stages;
        const int64_t sizes[] = {s * s,
                                 s,
                                 s,
                                 t->b_hat != NULL ? s : 0,
                                 s * t->n_more_estimates,
                                 n * t->interp_degree,
                                 n * t->dense_stages,
                                 t->dense_stages,
                                 t->a_im != NULL ? s * s : 0};
        for (size_t list = 0; list < sizeof sizes / sizeof *sizes; list++) {
            check_digits(t, list, sizes[list]);
        }
    }
}

/* ---- sizes and flags ---- */

/* A field of a copy of dop853 set to something, and what is said. */
typedef struct field_case {
    size_t offset;
    int32_t value;
    const char *line;
} field_case;

#define ESTIMATES    "n_more_estimates, at most 3, more_b_hat and more_orders must come together"
#define INTERP       "interp_degree, at most 32, and interp must come together"
#define INTERP_ORDER "interp_order, at least 1, and interp must come together"
#define STAGES       "stages must be at least 1 and, with dense_stages, at most 64"

static const field_case cases[] = {
    {offsetof(odeon_tableau, stages), 0, STAGES},
    {offsetof(odeon_tableau, stages), 62, STAGES},
    {offsetof(odeon_tableau, dense_stages), -1, STAGES},
    {offsetof(odeon_tableau, dense_stages), INT32_MAX, STAGES},
    {offsetof(odeon_tableau, dense_stages), 0,
     "dense_stages, dense_a and dense_c must come together"},
    {offsetof(odeon_tableau, order), 0, "order must be at least 1"},
    {offsetof(odeon_tableau, embedded_order), 0,
     "embedded_order, at least 1, and b_hat must come together"},
    {offsetof(odeon_tableau, embedded_order), -1,
     "embedded_order, at least 1, and b_hat must come together"},
    {offsetof(odeon_tableau, n_more_estimates), 0, ESTIMATES},
    {offsetof(odeon_tableau, n_more_estimates), 4, ESTIMATES},
    {offsetof(odeon_tableau, n_more_estimates), -1, ESTIMATES},
    {offsetof(odeon_tableau, n_more_estimates), 2,
     "estimate_rule ODEON_ESTIMATES_DOP853 joins two estimates, no other number"},
    {offsetof(odeon_tableau, estimate_rule), 3, "estimate_rule is none that this host knows"},
    {offsetof(odeon_tableau, estimate_rule), -1, "estimate_rule is none that this host knows"},
    {offsetof(odeon_tableau, interp_degree), 0, INTERP},
    {offsetof(odeon_tableau, interp_degree), 33, INTERP},
    {offsetof(odeon_tableau, interp_degree), -7, INTERP},
    {offsetof(odeon_tableau, interp_order), 0, INTERP_ORDER},
    {offsetof(odeon_tableau, interp_order), -1, INTERP_ORDER},
    {offsetof(odeon_tableau, flags), 1 << 20,
     "flag bits that this host does not know, but must understand"},
};

static void test_fields_fit_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        odeon_tableau t = known_dop853;
        static const int32_t two_orders[] = {3, 3};
        t.more_orders = two_orders;
        memcpy((char *)&t + cases[i].offset, &cases[i].value, sizeof cases[i].value);
        assert_refused(&t, cases[i].line);
    }
}

static void test_lists_come_together(void **state)
{
    (void)state;
    static const int32_t none[] = {0};
    odeon_tableau t = known_dop853;
    t.more_orders = none;
    assert_refused(&t, "more_orders must be at least 1 each");
    t = known_dop853;
    t.b_hat = NULL;
    t.embedded_order = 0;
    assert_refused(&t, "more_b_hat without b_hat");
    t = known_dop853;
    t.interp = NULL;
    t.interp_degree = t.interp_order = 0;
    assert_refused(&t, "dense_stages without interp");
    t = known_trbdf2;
    t.estimate_rule = ODEON_ESTIMATES_LARGEST;
    assert_refused(&t, "estimate_rule without more_b_hat");
    t = known_trbdf2;
    t.b_im = t.b;
    assert_refused(&t, "b_im, c_im, b_hat_im, more_b_hat_im or interp_im without a_im");
    t = known_kencarp3;
    t.interp_im = t.interp;
    assert_passes(&t);
    t.interp = NULL;
    t.interp_degree = t.interp_order = 0;
    assert_refused(&t, "a list of the implicit table without that of the explicit one");
    t = known_trbdf2;
    t.c = NULL;
    assert_refused(&t, "a, b or c is missing");
}

static void test_the_filter_is_of_the_diagonal(void **state)
{
    (void)state;
    static const char line[] =
        "filter_gamma must be a diagonal entry of the implicit table, greater "
        "than 0";
    odeon_tableau t = known_trbdf2;
    t.filter_gamma = 0.5;
    assert_refused(&t, line);
    t = *shipped("dopri5");
    t.filter_gamma = 0.2;
    assert_refused(&t, line);
    t = known_trbdf2;
    t.b_hat = NULL;
    t.embedded_order = 0;
    assert_refused(&t, "filter_gamma without b_hat");
}

/* Bits 0 to 15 may be ignored. */
static void test_flags_that_may_be_ignored_are(void **state)
{
    (void)state;
    odeon_tableau t = known_dop853;
    t.flags |= 1u << 1 | 1u << 15;
    assert_passes(&t);
    t.flags |= 1u << 16;
    assert_refused(&t, "flag bits that this host does not know, but must understand");
}

/* ---- what is proved, but not carried out ---- */

static void assert_beyond(const odeon_tableau *t, const char *what)
{
    const char *said = tableau_beyond_host(t);
    assert_string_equal(said != NULL ? said : "", what);
}

static void test_what_this_host_cannot_carry_out_is_named(void **state)
{
    (void)state;
    odeon_tableau t = known_dop853;
    assert_beyond(shipped("dopri8"), "");
    assert_beyond(&known_trbdf2, "");
    assert_beyond(&known_kencarp4, "");
    odeon_tableau pair = known_kencarp4;
    pair.dense_stages = 1;
    assert_beyond(&pair, "dense stages of a pair");
    pair.dense_stages = 0;
    pair.stages = 20;
    assert_beyond(&pair, "pairs of more than 19 stages");
    assert_beyond(&t, "");
    t.estimate_rule = ODEON_ESTIMATES_FIRST;
    assert_beyond(&t, "");
    t.filter_gamma = 0.25;
    assert_beyond(&t, "a filter of the error estimate");
    t.dense_stages = 20;
    assert_beyond(&t, "methods of more than 32 stages");
}

/* ---- trees ---- */

static void test_trees_are_as_many_as_counted_and_written_as_usual(void **state)
{
    (void)state;
    static const char *const texts[] = {".",       "[.]",     "[.,.]",   "[[.]]",
                                        "[.,.,.]", "[[.],.]", "[[.,.]]", "[[[.]]]"};
    tableau_trees *trees = tableau_trees_grow(shipped("euler"), 10);
    assert_int_equal(trees->n, 1205);
    for (int32_t i = 0; i < 8; i++) {
        char text[TREES_TEXT_BYTES];
        tableau_trees_text(trees, i, 0, text);
        assert_string_equal(text, texts[i]);
    }
    mem_free(trees);
    trees = tableau_trees_grow(&known_kencarp3, 6);
    assert_int_equal(trees->n, 601);
    mem_free(trees);
}

static void test_without_memory_it_says_so(void **state)
{
    (void)state;
    tableau_orders orders;
    mem_fail_at(1);
    assert_int_equal(tableau_check(&known_trbdf2, "x"), ODEON_ERR_NOMEM);
    mem_fail_at(1);
    assert_int_equal(tableau_orders_find(&known_trbdf2, &orders), ODEON_ERR_NOMEM);
    mem_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods_have_the_orders_that_they_claim_and_no_more),
        cmocka_unit_test(test_claiming_less_is_no_fault),
        cmocka_unit_test(test_claims_beyond_the_trees_are_proved_as_far_as_these_reach),
        cmocka_unit_test(test_tables_of_fourteen_digits_pass_and_of_ten_do_not),
        cmocka_unit_test(test_one_wrong_coefficient_with_its_row_sum_kept_is_found),
        cmocka_unit_test(test_orders_that_are_claimed_in_vain_are_found),
        cmocka_unit_test(test_a_wrong_abscissa_is_found),
        cmocka_unit_test(test_wrong_weights_are_found),
        cmocka_unit_test(test_wrong_dense_output_is_found),
        cmocka_unit_test(test_numbers_that_are_none_are_found),
        cmocka_unit_test(test_fsal_is_held_against_the_numbers),
        cmocka_unit_test(test_stages_do_not_read_later_ones),
        cmocka_unit_test(test_estimates_that_are_always_zero_are_found),
        cmocka_unit_test(test_the_coupling_of_a_pair_is_proved),
        cmocka_unit_test(test_a_wrong_digit_anywhere_is_found),
        cmocka_unit_test(test_fields_fit_together),
        cmocka_unit_test(test_lists_come_together),
        cmocka_unit_test(test_the_filter_is_of_the_diagonal),
        cmocka_unit_test(test_flags_that_may_be_ignored_are),
        cmocka_unit_test(test_what_this_host_cannot_carry_out_is_named),
        cmocka_unit_test(test_trees_are_as_many_as_counted_and_written_as_usual),
        cmocka_unit_test(test_without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, open_registry, close_registry);
}
