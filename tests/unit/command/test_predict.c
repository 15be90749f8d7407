#include "small_command.h"

#include "format/npy.h"

static void test_a_split_is_predicted_to_lines(void **state)
{
    (void)state;
    small_command x;
    small_command_check(&command_predict, "predict");
    small_command_train();
    support_require(small_command_run(&command_predict, "predict run --split test --out p.csv", &x),
                    "predict");
    assert_memory_equal(x.out, "8 predictions in p.csv\naccuracy ", 32);
    small_command_close(&x);
    char *text = run_fixture_read("p.csv");
    assert_memory_equal(text, "row,true,label,p0,p1,p2\n0,", 26);
    mem_free(text);
}

static void test_samples_of_a_file_have_no_accuracy(void **state)
{
    (void)state;
    small_command x;
    static const double samples[4] = {0.5, -0.5, 0.25, 1.0};
    static const int64_t dim[2] = {2, 2};
    small_command_train();
    support_require(npy_write_output("in.npy", ODEON_DTYPE_F64, 2, dim, samples), "write");
    support_require(small_command_run(&command_predict, "predict run --in in.npy --out p.csv", &x),
                    "predict");
    assert_string_equal(x.out, "2 predictions in p.csv\n");
    small_command_close(&x);
    small_command_expect(&command_predict, "predict run --in in.npy --out in.npy", ODEON_ERR_CONFIG,
                         "must end in");
}

static void test_options_must_fit_each_other(void **state)
{
    (void)state;
    static const char both[] = "predict: --out FILE and one of --in FILE and --split NAME must be "
                               "given";
    small_command_put("small.ini", SMALL_INI);
    small_command_expect(&command_predict, "predict small.ini --split test", ODEON_ERR_CONFIG,
                         both);
    small_command_expect(&command_predict, "predict small.ini --out p.csv", ODEON_ERR_CONFIG, both);
    small_command_expect(&command_predict, "predict small.ini --out p.csv --split test --in x.npy",
                         ODEON_ERR_CONFIG, both);
    small_command_expect(&command_predict, "predict small.ini --out p.csv --split all",
                         ODEON_ERR_CONFIG, "--split all: must be train, validation or test");
    small_command_expect(&command_predict,
                         "predict small.ini --out p.csv --split test --transformed",
                         ODEON_ERR_CONFIG, "--transformed: belongs to --in FILE");
    small_command_expect(&command_predict, "predict small.ini --out p.csv --split test",
                         ODEON_ERR_CONFIG,
                         "predict: no weights given; use --weights FILE or set train.weights");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_split_is_predicted_to_lines),
        WITH_FOLDER(test_samples_of_a_file_have_no_accuracy),
        WITH_FOLDER(test_options_must_fit_each_other),
    };
    return cmocka_run_group_tests_name("command predict", tests, NULL, NULL);
}
