/* The layer formula: what it refuses, in which words, and that no text can harm it. */
#include "layer_harness.h"

#include <string.h>

#include "base/diag.h"
#include "base/location.h"
#include "base/mem.h"
#include "option/schema.h"
#include "plugin/component.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

static registry *plugins;
static support_device device;

static int open_device(void **state)
{
    (void)state;
    plugins = support_registry();
    device = support_device_open(plugins, "reference", ODEON_DTYPE_F64);
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    support_device_close(&device);
    registry_destroy(plugins);
    return 0;
}

/* ---- what is refused ---- */

static odeon_status try_options(size_t n, schema_pair *pairs, int64_t columns)
{
    location where = {.file = "test"};
    odeon_config *chosen = NULL;
    instance *layer = NULL;
    diag_clear();
    odeon_status status = component_read(plugins, ODEON_KIND_LAYER, "formula", where, "model",
                                         ODEON_SOURCE, n, pairs, &chosen);
    if (status == ODEON_OK) {
        status = instance_create(chosen, "block", &layer);
    }
    if (status == ODEON_OK && columns > 0) {
        const odeon_layer_ops *ops = layer->component->ops;
        odeon_layer_plan plan = {.struct_size = sizeof plan,
                                 .device = device.device,
                                 .in = {.ndim = 2, .dtype = ODEON_DTYPE_F64, .dim = {3, columns}}};
        status = ops->plan(layer->self, &plan);
    }
    instance_destroy(layer);
    schema_destroy(chosen);
    return status;
}

/* equations, and up to two more options. */
static odeon_status try_equations(const char *equations, const char *key, const char *value,
                                  const char *key2, const char *value2)
{
    schema_pair pairs[] = {{.key = "equations", .value = equations},
                           {.key = key, .value = value},
                           {.key = key2, .value = value2}};
    return try_options(key == NULL ? 1 : key2 == NULL ? 2 : 3, pairs, 0);
}

static void test_formula_says_what_is_wrong_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *equations, *key, *value, *key2, *value2, *message;
    } cases[] = {
        {"x' = min(x)", NULL, NULL, NULL, NULL, "column 11, ')': expected a ',' before the next"},
        {"x' = max x", NULL, NULL, NULL, NULL, "column 10, 'x': expected a '('"},
        {"x' = if(x, 1, 2)", NULL, NULL, NULL, NULL, "', 1, 2)': expected a comparison"},
        {"x' = if(x > 1, 2", NULL, NULL, NULL, NULL, "expected a ',' before the next argument"},
        {"min' = 1", NULL, NULL, NULL, NULL, "'min' has a meaning already"},
        {"x' = x", "bounds", "x=0:1", NULL, NULL, "'x' is none of the learned constants"},
        {"x' = a*x", NULL, NULL, NULL, NULL,
         "block: formula: equations, column 6, 'a*x': 'a' is not known here; names are t x"},
        {"x' = (x + 1", NULL, NULL, NULL, NULL,
         "column 12, at its end: expected a ')' to the '(' at 6"},
        {"x' = x + 1)", NULL, NULL, NULL, NULL, "column 11, ')': expected an operator"},
        {"x' = x y", NULL, NULL, NULL, NULL, "column 8, 'y': expected an operator"},
        {"x' = x ; y' = 2", NULL, NULL, NULL, NULL, "expected an operator, or '|'"},
        {"x' = x | ; y' = 2", NULL, NULL, NULL, NULL, "equations stand apart by '|'"},
        {"x' = ", NULL, NULL, NULL, NULL, "column 6, at its end: expected a name"},
        {"x' x", NULL, NULL, NULL, NULL, "column 4, 'x': expected a '=' after 'x'"},
        {"x' = 2x", NULL, NULL, NULL, NULL, "is a '*' missing?"},
        {"x' = x**2", NULL, NULL, NULL, NULL, "a power is written x^2"},
        {"x' = x^x", NULL, NULL, NULL, NULL, "column 7, '^x': the exponent is no constant"},
        {"x' = x/(1 - 1)", NULL, NULL, NULL, NULL, "column 7, '/(1 - 1)': division by 0"},
        {"x' = log(0)", NULL, NULL, NULL, NULL, "a constant that is not finite"},
        {"x' = 1e999", NULL, NULL, NULL, NULL, "a number that is too large"},
        {"x' = x*1.5.2", NULL, NULL, NULL, NULL, "column 11, '.2': expected an operator"},
        {"x' = sin x", NULL, NULL, NULL, NULL, "column 10, 'x': expected a '('"},
        {"sin' = 1", NULL, NULL, NULL, NULL, "'sin' has a meaning already"},
        {"x' = 1 | t = 2", NULL, NULL, NULL, NULL, "'t' has a meaning already"},
        {"x' = 1 | x' = 2", NULL, NULL, NULL, NULL,
         "column 10, 'x' = 2': 'x' stands for something"},
        {"x' = u | u = 2", NULL, NULL, NULL, NULL, "'u' is not known here"},
        {"u = 2", NULL, NULL, NULL, NULL, "none of them is that of a component"},
        {"x' = a", "constants", "a", NULL, NULL, "constants, column 2, at its end: constants are"},
        {"x' = a", "constants", "a=1, b=2", NULL, NULL,
         "constants, column 4, ', b=2': expected a name"},
        {"x' = a", "constants", "a=inf", NULL, NULL, "expected a number"},
        {"x' = a", "constants", "a=0x10", NULL, NULL, "is a '*' missing?"},
        {"x' = a", "constants", "a=1 a=2", NULL, NULL, "'a' stands for something already"},
        {"x' = a*x", "constants", "a=1", "learn", "b",
         "learn, column 1, 'b': 'b' is none of the constants"},
        {"x' = a*x", "constants", "a=1", "learn", "a a", "'a' stands twice"},
        {"x' = x", "constants", "a=1", "learn", "a", "nothing that comes out depends on 'a'"},
        {"x' = x^a", "constants", "a=1", "learn", "a", "the exponent is no constant"},
        {"x' = x", "inputs", "x", NULL, NULL, "inputs and outputs come together"},
        {"u' = x", "inputs", "x", "outputs", "u", "no prime where inputs or outputs are given"},
        {"u = x", "inputs", "x", "outputs", "v", "outputs, column 1, 'v': 'v' is not known here"},
        {"x[2]' = A @ x", "constants", "A[2 3]=1", NULL, NULL,
         "column 11, '@ x': a matrix of 2 by 3 @ a vector of 2: the columns of the left are"},
        {"x[2]' = 2 @ x", NULL, NULL, NULL, NULL, "a number is multiplied by *"},
        {"x[2]' = x + c", "constants", "c[3]=1", NULL, NULL,
         "column 11, '+ c': a vector of 2 and a vector of 3 do not go together"},
        {"x[2]' = A*x", "constants", "A[2 2]=1", NULL, NULL,
         "the product of a matrix and a vector is A @ x"},
        {"x[2]' = A", "constants", "A[2 2]=1", NULL, NULL,
         "column 1, 'x[2]' = A': it is a vector of 2, but what stands behind its '=' is a matrix "
         "of 2 by 2"},
        {"x[2]' = x | y' = x", NULL, NULL, NULL, NULL,
         "it is a number, but what stands behind its '=' is a vector of 2"},
        {"x[2]' = x[2]", NULL, NULL, NULL, NULL,
         "column 11, '2]': an index from 0 of this name is a whole number up to 1"},
        {"x[2]' = x[0.5]", NULL, NULL, NULL, NULL, "a whole number up to 1"},
        {"x[2]' = x[0", NULL, NULL, NULL, NULL, "expected a ']' behind the index"},
        {"x[2]' = x[a]", NULL, NULL, NULL, NULL, "expected a number"},
        {"x' = A[1]", "constants", "A[2 2]=1", NULL, NULL,
         "'A' is a matrix of 2 by 2: an element is A[i, j]"},
        {"x' = x[0]", NULL, NULL, NULL, NULL, "'x' is a number and has no elements"},
        {"x[0]' = 1", NULL, NULL, NULL, NULL, "a size of 0"},
        {"x[1000]' = 1", NULL, NULL, NULL, NULL, "a size is a whole number up to 256"},
        {"u[2] = 1 | x' = u", NULL, NULL, NULL, NULL,
         "only a component has its size here, as in x[3]' = ...; 'u' has"},
        {"x' = c[0]", "constants", "c[3]=1 2", NULL, NULL,
         "constants, column 1, 'c[3]=1 2': 'c' has 3 elements, but 2 numbers are given"},
        {"x' = dot(x)", NULL, NULL, NULL, NULL, "expected a ',' before the next argument"},
        {"x[2]' = 2^x", NULL, NULL, NULL, NULL, "the exponent is no constant"},
        {"x' = c[0]*c_0", "constants", "c[2]=1 c_0=2", "learn", "c_0 c",
         "two learned constants are called 'c_0'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        odeon_status status = try_equations(cases[i].equations, cases[i].key, cases[i].value,
                                            cases[i].key2, cases[i].value2);
        if (status != ODEON_ERR_CONFIG || strstr(diag_message(), cases[i].message) == NULL) {
            fail_msg("'%s': %d, '%s', expected '%s'", cases[i].equations, (int)status,
                     diag_message(), cases[i].message);
        }
    }
}

static void test_formula_wants_one_column_a_component(void **state)
{
    (void)state;
    schema_pair pair = {.key = "equations", .value = "x' = y | y' = -x"};
    assert_int_equal(try_options(1, &pair, 3), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "formula: the input is [3, 3]; these equations take "
                                           "[B,2], one column a component"));
    assert_int_equal(try_options(1, &pair, 2), ODEON_OK);
}

/* sum, dot and norm are functions before a bracket alone. */
static void test_formula_may_call_a_name_as_a_new_function(void **state)
{
    (void)state;
    assert_int_equal(try_equations("sum = x + y | norm = sum*dot | x' = norm | y' = sum(y)",
                                   "constants", "dot=2", NULL, NULL),
                     ODEON_OK);
}

static void test_formula_needs_a_time_where_it_reads_one(void **state)
{
    (void)state;
    static const int64_t dim[] = {1, 1};
    layer_harness h =
        layer_harness_open(plugins, &device, "formula(equations=x' = t*x)", 2, dim, LAYER_NO_TIME);
    diag_clear();
    assert_int_equal(layer_harness_forward(&h, 0, 0), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "where there is no time t"));
    layer_harness_close(&h);
}

/* ---- texts made to harm ---- */

static char *repeated(const char *before, const char *piece, size_t n, const char *after)
{
    size_t length = strlen(piece);
    char *text = mem_zalloc(strlen(before) + n * length + strlen(after) + 1, 1);
    assert_non_null(text);
    (void)strcpy(text, before);
    for (size_t i = 0; i < n; i++) {
        memcpy(text + strlen(before) + i * length, piece, length);
    }
    (void)strcpy(text + strlen(before) + n * length, after);
    return text;
}

static odeon_status try_bounds(const char *bounds)
{
    schema_pair pairs[] = {{.key = "equations", .value = "x' = a*x"},
                           {.key = "constants", .value = "a=1"},
                           {.key = "learn", .value = "a"},
                           {.key = "bounds", .value = bounds}};
    return try_options(4, pairs, 0);
}

static void test_formula_says_what_is_wrong_with_bounds(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a=2:3", "column 1, 'a=2:3': it starts at 1, which is not between 2 and 3"},
        {"a=1:inf", "it starts at 1"},
        {"a=-inf:inf", "neither bound is a number"},
        {"a=0", "expected a ':'"},
        {"a 0:2", "bounds are written name=low:high"},
        {"a=0:many", "expected a number or inf"},
        {"a=0:2 a=0:3", "'a' stands twice"},
        {"b=0:2", "'b' is none of the learned constants"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(try_bounds(cases[i][0]), ODEON_ERR_CONFIG);
        if (strstr(diag_message(), cases[i][1]) == NULL) {
            fail_msg("'%s' does not say '%s'", diag_message(), cases[i][1]);
        }
    }
    assert_int_equal(try_bounds("a=0:inf"), ODEON_OK);
    assert_int_equal(try_bounds("a=-.5:1.5"), ODEON_OK);
}

static void test_formula_refuses_endless_nesting_and_length(void **state)
{
    (void)state;
    static const struct {
        const char *piece, *after, *message;
    } cases[] = {
        {"(", "x", "in one another"},
        {"-", "x", "in one another"},
        {"sin(", "x", "in one another"},
        {"x^", "1", "in one another"},
        {"x^-(", "1", "in one another"},
        {"x*t+sin(", "x", "in one another"},
        {"1", "1", "expected a number of at most"},
        {"x", "x", "expected a name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = repeated("x' = ", cases[i].piece, 100000, cases[i].after);
        assert_int_equal(try_equations(text, NULL, NULL, NULL, NULL), ODEON_ERR_CONFIG);
        assert_non_null(strstr(diag_message(), cases[i].message));
        mem_free(text);
    }
    char *text = repeated("x' = x", "*(x + sin(x))*x", 10000, "");
    assert_int_equal(try_equations(text, NULL, NULL, NULL, NULL), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "more than 1024 operations"));
    mem_free(text);
}

static void test_formula_refuses_too_many_names(void **state)
{
    (void)state;
    char *equations = mem_printf("u0' = 1"), *constants = mem_printf("c0=1");
    for (int i = 1; i <= 600; i++) {
        char *longer = mem_printf("%s | u%d' = 1", equations, i);
        char *more = mem_printf("%s c%d=1", constants, i);
        mem_free(equations);
        mem_free(constants);
        equations = longer;
        constants = more;
    }
    assert_int_equal(try_equations(equations, NULL, NULL, NULL, NULL), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "more than"));
    assert_int_equal(try_equations("x' = x", "constants", constants, NULL, NULL), ODEON_ERR_CONFIG);
    assert_non_null(strstr(diag_message(), "more than 512 names"));
    mem_free(equations);
    mem_free(constants);
}

/* Pieces put together at random: an answer either way, and words where it is no. */
static void test_formula_survives_random_texts(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "x",   "y",     "x' = ", "y' = ", " | ",  "u = ", "u", "t",   "a",  "(",        ")",
        "+",   "-",     "*",     "/",     "^",    "2",    "0", "1.5", "3",  "e9",       ".",
        "sin", "sqrt(", "log(",  "'",     "abs(", "exp(", "=", ";",   "\t", "\xc3\xbc", "%s%n",
    };
    enum { N_PIECES = sizeof pieces / sizeof pieces[0], N_TEXTS = 4000 };
    int64_t live = mem_live_blocks();
    size_t taken = 0;
    for (uint64_t i = 0; i < N_TEXTS; i++) {
        char text[400] = "x' = ";
        size_t n = 1 + (size_t)(i % 24);
        for (size_t k = 0; k < n; k++) {
            double r = 0.5 * (support_random(i, k) + 1.0);
            (void)strcat(text, pieces[(size_t)(r * N_PIECES)]);
        }
        odeon_status status = try_equations(text, "constants", "a=2.5", NULL, NULL);
        if (status != ODEON_OK && (status != ODEON_ERR_CONFIG || diag_message()[0] == '\0')) {
            fail_msg("'%s': %d, '%s'", text, (int)status, diag_message());
        }
        taken += status == ODEON_OK;
    }
    assert_in_range(taken, 20, N_TEXTS / 2); /* both kinds were met */
    assert_int_equal(mem_live_blocks(), live);
}

static void test_formula_survives_failing_allocations(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    odeon_status status = ODEON_ERR_NOMEM;
    for (int64_t k = 1; status != ODEON_OK; k++) {
        assert_int_equal(status, ODEON_ERR_NOMEM);
        mem_fail_at(k);
        status = try_equations("x' = a*x", "constants", "a=1", "learn", "a");
        mem_fail_at(0);
        assert_int_equal(mem_live_blocks(), live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formula_says_what_is_wrong_and_where),
        cmocka_unit_test(test_formula_wants_one_column_a_component),
        cmocka_unit_test(test_formula_may_call_a_name_as_a_new_function),
        cmocka_unit_test(test_formula_needs_a_time_where_it_reads_one),
        cmocka_unit_test(test_formula_says_what_is_wrong_with_bounds),
        cmocka_unit_test(test_formula_refuses_endless_nesting_and_length),
        cmocka_unit_test(test_formula_refuses_too_many_names),
        cmocka_unit_test(test_formula_survives_random_texts),
        cmocka_unit_test(test_formula_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
