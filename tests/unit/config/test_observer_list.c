/* run.observers: given or not, none, and what is refused. */
#include "config/observer_list.h"

#include "config_files.h"

#include "base/diag.h"

#define RUN(line) "[run]\nname = x\n" line MODEL

static odeon_status read(loading *l, host_section *h)
{
    const document_section *run = document_find(l->document, "run");
    assert_int_equal(host_section_read(l, run, "run", NULL, h), ODEON_OK);
    return observer_list_read(l, h);
}

static void check(const char *text, bool given, size_t n, const char *normal)
{
    loading l = config_files_begin(text);
    host_section h;
    assert_int_equal(read(&l, &h), ODEON_OK);
    assert_int_equal(l.c->has_observers, given);
    assert_int_equal(l.c->n_observers, n);
    if (given) {
        assert_string_equal(host_value(&h, "observers")->text, normal);
    }
    host_section_fini(&h);
    config_files_end(&l);
}

static void test_list_is_read_in_its_order(void **state)
{
    (void)state;
    check(RUN("observers = jsonl,csv\n"), true, 2, "jsonl, csv");
    check(RUN("observers = csv\n"), true, 1, "csv");
}

/* Without the key a run has its usual ones; with none it has none. */
static void test_no_list_and_none_differ(void **state)
{
    (void)state;
    check(RUN(""), false, 0, "");
    check(RUN("observers = none\n"), true, 0, "none");
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

static void test_wrong_lists_are_refused(void **state)
{
    (void)state;
    refuse(RUN("observers = csv, jsonl, csv\n"), "t.ini:3: [run] observers: csv is in it twice");
    refuse(RUN("observers = csv,, jsonl\n"), "t.ini:3: ");
    refuse(RUN("observers = cvs\n"),
           "t.ini:3: [run] no observer is named 'cvs': did you mean 'csv'?");
    refuse(RUN("observers = none, csv\n"), "t.ini:3: [run] no observer is named 'none'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_is_read_in_its_order),
        cmocka_unit_test(test_no_list_and_none_differ),
        cmocka_unit_test(test_wrong_lists_are_refused),
    };
    return cmocka_run_group_tests(tests, config_files_open, config_files_close);
}
