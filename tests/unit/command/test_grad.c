#include "small_command.h"

#include "format/safetensors_write.h"

/* "batch.safetensors": two samples with their classes. */
static void write_batch(void)
{
    static const double x[4] = {0.5, -0.5, 0.25, 1.0};
    static const int64_t y[2] = {0, 2};
    const safetensors_entry entries[] = {
        {.name = "x", .dtype = ODEON_DTYPE_F64, .ndim = 2, .dim = {2, 2}, .data = x, .bytes = 32},
        {.name = "y", .dtype = ODEON_DTYPE_I64, .ndim = 1, .dim = {2}, .data = y, .bytes = 16}};
    support_require(safetensors_write("batch.safetensors", 2, entries, 0, NULL), "write");
    small_command_put("small.ini", SMALL_INI);
}

#define WORDS "grad small.ini --batch batch.safetensors "

static void test_gradients_go_to_the_file_and_figures_to_people(void **state)
{
    (void)state;
    small_command x;
    safetensors *file = NULL;
    small_command_check(&command_grad, "grad");
    write_batch();
    support_require(small_command_run(&command_grad, WORDS "--out g.safetensors", &x), "grad");
    assert_memory_equal(x.out, "loss ", 5);
    assert_non_null(strstr(x.out, "\node: evaluations "));
    assert_string_equal(x.err, "");
    small_command_close(&x);
    support_require(safetensors_read("g.safetensors", &file), "read");
    assert_non_null(safetensors_find(file, "output"));
    assert_non_null(safetensors_find(file, "grad.x"));
    assert_non_null(safetensors_find(file, "grad.head.weight"));
    safetensors_destroy(file);
}

static void test_steps_go_to_a_file_of_their_own(void **state)
{
    (void)state;
    small_command x;
    write_batch();
    support_require(small_command_run(&command_grad, WORDS "--out g.safetensors --steps s.csv", &x),
                    "grad");
    small_command_close(&x);
    run_fixture_assert_contents("s.csv", "t,h\n0,0.5\n0.5,0.5\n");
    small_command_expect(&command_grad, WORDS "--out g.safetensors --steps g.safetensors",
                         ODEON_ERR_CONFIG, "--steps g.safetensors");
    small_command_expect(&command_grad, WORDS "--out - --steps -", ODEON_ERR_CONFIG,
                         "--out - and --steps -: name two files, neither can be in the other");
}

static void test_both_files_must_be_named_and_no_input_is_lost(void **state)
{
    (void)state;
    write_batch();
    small_command_expect(&command_grad, "grad small.ini --out g.safetensors", ODEON_ERR_CONFIG,
                         "grad: --batch FILE and --out FILE must be given");
    small_command_expect(&command_grad, WORDS, ODEON_ERR_CONFIG, "must be given");
    small_command_expect(&command_grad, WORDS "--out batch.safetensors", ODEON_ERR_CONFIG,
                         "--out batch.safetensors");
    small_command_expect(&command_grad, WORDS "--out small.ini", ODEON_ERR_CONFIG, "small.ini");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_gradients_go_to_the_file_and_figures_to_people),
        WITH_FOLDER(test_steps_go_to_a_file_of_their_own),
        WITH_FOLDER(test_both_files_must_be_named_and_no_input_is_lost),
    };
    return cmocka_run_group_tests_name("command grad", tests, NULL, NULL);
}
