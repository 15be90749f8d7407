/* train.loss: one loss or several, and their normal form. */
#include "config/losses.h"

#include "config_files.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

#define TRAIN(loss) MODEL "[train]\nloss = " loss "\noptimizer = sgd(lr=1)\n"

static odeon_status read(loading *l, host_section *h)
{
    const document_section *train = document_find(l->document, "train");
    assert_int_equal(host_section_read(l, train, "train", "optimizer", h), ODEON_OK);
    return losses_read(l, h);
}

static void check(const char *text, size_t n, const char *normal)
{
    loading l = config_files_begin(text);
    host_section h;
    assert_int_equal(read(&l, &h), ODEON_OK);
    assert_int_equal(l.c->n_losses, n);
    assert_string_equal(host_value(&h, "loss")->text, normal);
    host_section_fini(&h);
    config_files_end(&l);
}

static void test_one_loss_and_several_are_read_with_all_options(void **state)
{
    (void)state;
    check(TRAIN("cross_entropy"), 1, "cross_entropy(weight=1)");
    check(TRAIN("cross_entropy(weight=0.50),mse"), 2, "cross_entropy(weight=0.5), mse(weight=1)");
}

static void refuse(const char *text, const char *words)
{
    loading l = config_files_begin(text);
    host_section h;
    config_files_expect(read(&l, &h), ODEON_ERR_CONFIG, words);
    host_section_fini(&h);
    config_files_end(&l);
    diag_clear();
}

static void test_same_loss_twice_is_refused(void **state)
{
    (void)state;
    refuse(TRAIN("mse, cross_entropy, mse(weight=2)"),
           "t.ini:4: [train] loss: mse is in it twice: give it once, with both weights together");
}

static void test_same_loss_in_a_row_is_refused(void **state)
{
    (void)state;
    refuse(TRAIN("mse, mse"), "loss: mse is in it twice");
}

static void test_list_with_a_gap_or_an_unknown_loss_is_refused(void **state)
{
    (void)state;
    refuse(TRAIN("mse,, cross_entropy"), "t.ini:4: ");
    refuse(TRAIN("mse(weigt=1)"), "t.ini:4: [train] mse has no option 'weigt': did you mean "
                                  "'weight'?");
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    int64_t n = 1, live = mem_live_blocks();
    odeon_status status = ODEON_ERR_NOMEM;
    check(TRAIN("cross_entropy, mse"), 2, "cross_entropy(weight=1), mse(weight=1)");
    live = mem_live_blocks();
    for (; status == ODEON_ERR_NOMEM && n < 200; n++) {
        loading l = config_files_begin(TRAIN("cross_entropy, mse"));
        host_section h;
        const document_section *train = document_find(l.document, "train");
        assert_int_equal(host_section_read(&l, train, "train", "optimizer", &h), ODEON_OK);
        mem_fail_at(n);
        status = losses_read(&l, &h);
        mem_fail_at(0);
        host_section_fini(&h);
        config_files_end(&l);
        assert_int_equal(mem_live_blocks(), live);
    }
    assert_int_equal(status, ODEON_OK);
    assert_true(n > 6);
    diag_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_loss_and_several_are_read_with_all_options),
        cmocka_unit_test(test_same_loss_twice_is_refused),
        cmocka_unit_test(test_same_loss_in_a_row_is_refused),
        cmocka_unit_test(test_list_with_a_gap_or_an_unknown_loss_is_refused),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, config_files_open, config_files_close);
}
