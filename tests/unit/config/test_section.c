/* The keys of one section as the host reads them. */
#include "config/section.h"

#include "config_files.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

static void test_override_of_an_option_beats_parentheses(void **state)
{
    (void)state;
    static const char *const overrides[] = {"model.n.rtol=1e-6", "train.optimizer=sgd(lr=3)",
                                            "train.lr=4"};
    config *c = config_files_load_with(NEST REST, 3, overrides);
    assert_true(schema_value(c->nodes[0]->items[0], "rtol")->f == 1e-6);
    assert_true(schema_value(c->optimizer, "lr")->f == 4.0);
    config_destroy(c);
}

static void test_parentheses_of_an_override_beat_the_files_keys(void **state)
{
    (void)state;
    static const char *const overrides[] = {"model.n.x.layer=every_option(real=9)"};
    config *c = config_files_load_with(NEST REST, 1, overrides);
    assert_true(schema_value(c->nodes[0]->children[0]->items[0], "real")->f == 9.0);
    config_destroy(c);
}

static odeon_status read(loading *l, const char *name, const char *table, const char *own,
                         host_section *h)
{
    return host_section_read(l, document_find(l->document, name), table, own, h);
}

static void test_values_are_given_or_default(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    loading l = config_files_begin("[run]\nseed = 7\ndtype = float64\n" MODEL);
    host_section h;
    assert_int_equal(read(&l, "run", "run", NULL, &h), ODEON_OK);
    const option_value *seed = host_value(&h, "seed"), *epochs = host_value(&h, "epochs");
    assert_true(seed->set && seed->given && seed->i == 7);
    assert_int_equal(seed->where.line, 2);
    assert_true(epochs->set && !epochs->given && epochs->i == 1);
    assert_null(epochs->where.file);
    assert_int_equal(host_value(&h, "dtype")->i, CONFIG_F64);
    assert_false(host_value(&h, "out")->set); /* optional, and not given */
    host_section_fini(&h);
    config_files_end(&l);
    assert_int_equal(mem_live_blocks(), live);
}

/* A component that was taken is the caller's, and no longer printed. */
static void test_taken_component_is_the_callers(void **state)
{
    (void)state;
    int64_t live;
    loading l = config_files_begin(MODEL REST);
    host_section h;
    assert_int_equal(read(&l, "train", "train", "optimizer", &h), ODEON_OK);
    live = mem_live_blocks();
    odeon_config *optimizer = host_take(&h, "optimizer");
    assert_string_equal(optimizer->component->id, "sgd");
    assert_null(host_value(&h, "optimizer")->component);
    assert_false(host_value(&h, "optimizer")->set);
    assert_null(host_take(&h, "optimizer"));
    host_section_fini(&h);
    assert_true(schema_value(optimizer, "lr")->f == 0.5); /* it has survived */
    schema_destroy(optimizer);
    assert_true(mem_live_blocks() < live);
    config_files_end(&l);
}

static void refuse(const char *text, const char *name, const char *table, const char *own,
                   odeon_status status, const char *words)
{
    loading l = config_files_begin(text);
    host_section h;
    config_files_expect(read(&l, name, table, own, &h), status, words);
    host_section_fini(&h); /* also after a failure */
    config_files_end(&l);
}

static void test_required_key_must_be_given(void **state)
{
    (void)state;
    refuse("[train]\noptimizer = sgd(lr=1)\n", "train", "train", "optimizer", ODEON_ERR_CONFIG,
           "t.ini:1: [train] 'loss' must be given: what training makes small");
}

static void test_second_layer_belongs_into_then(void **state)
{
    (void)state;
    refuse("[model.a]\nlayer = relu, tanh\n", "model.a", "model", "layer", ODEON_ERR_CONFIG,
           "t.ini:2: [model.a] layer = relu, tanh: give one layer here; those that follow it go "
           "into a key of their own: then = tanh");
}

static void test_unknown_keys_are_refused_with_what_was_meant(void **state)
{
    (void)state;
    refuse("[run]\nsed = 1\n", "run", "run", NULL, ODEON_ERR_CONFIG,
           "t.ini:2: [run] 'sed' is no key of the section: did you mean 'seed'?");
    refuse("[run]\nmanual_seed = 1\n", "run", "run", NULL, ODEON_ERR_CONFIG,
           "did you mean 'seed'?");
    refuse("[run]\nlr = 1\n" REST, "run", "run", NULL, ODEON_ERR_CONFIG,
           "'lr' is no key of the section: did you mean 'lr' of [train], an option of optimizer = "
           "sgd?");
    refuse("[run]\nqqqqqqqq = 1\n" MODEL, "run", "run", NULL, ODEON_ERR_CONFIG,
           "'qqqqqqqq' is no key of the section: allowed: name, seed");
    /* an option of what an option of the layer is given as */
    refuse("[model.n]\nlayer = nest(word=w)\npart = every_option\nwhole = 3\n", "model.n", "model",
           "layer", ODEON_ERR_CONFIG,
           "'whole' is no key of the section or of layer nest: did you mean part = "
           "every_option(whole=...)?");
}

static void test_option_that_is_a_hosts_key_is_the_plugins_fault(void **state)
{
    (void)state;
    refuse("[model.a]\nlayer = clash\n", "model.a", "model", "layer", ODEON_ERR_PLUGIN,
           "t.ini:2: [model.a] layer clash has an option 'repeat', which is a key of the host");
}

/* The same key on two levels: a file's beats that of a file which it includes, whole or in part. */
static void test_level_decides_between_key_and_parentheses(void **state)
{
    (void)state;
    static const char text[] = "include = base.ini\n[model.b]\nwhole = 5\n";
    config_files_write("base.ini", "[model.b]\nlayer = every_option(whole=2, real=3)\n");
    loading l = config_files_begin(text);
    host_section h;
    assert_int_equal(read(&l, "model.b", "model", "layer", &h), ODEON_OK);
    const odeon_config *own = host_value(&h, "layer")->component;
    assert_int_equal(schema_value(own, "whole")->i, 5);
    assert_true(schema_value(own, "real")->f == 3.0);
    host_section_fini(&h);
    config_files_end(&l);
}

static void test_section_is_printed_with_what_is_set(void **state)
{
    (void)state;
    loading l = config_files_begin("[model.a]\nlayer = dense(units=4)\nbias = no\nrepeat = 2\n");
    host_section h;
    text_buffer text = {0};
    assert_int_equal(read(&l, "model.a", "model", "layer", &h), ODEON_OK);
    assert_int_equal(host_section_print(&text, &h), ODEON_OK);
    assert_int_equal(strncmp(text.data, "[model.a]\nlayer = dense\nunits = 4\n", 33), 0);
    assert_non_null(strstr(text.data, "\nbias = no\n"));
    assert_non_null(strstr(text.data, "\nrepeat = 2\nenabled = yes\n"));
    assert_null(strstr(text.data, "share"));
    assert_int_equal(host_section_print(&text, &h), ODEON_OK);
    assert_non_null(strstr(text.data, "yes\n\n[model.a]\n")); /* a blank line between two */
    text_fini(&text);
    host_section_fini(&h);
    config_files_end(&l);
}

static void test_text_that_would_not_read_back_is_not_printed(void **state)
{
    (void)state;
    loading l = config_files_begin(MODEL);
    host_section h;
    text_buffer text = {0};
    assert_int_equal(read(&l, "run", "run", NULL, &h), ODEON_OK);
    host_value(&h, "name")->text = mem_strdup("a ;b");
    host_value(&h, "name")->set = true;
    config_files_expect(host_section_print(&text, &h), ODEON_ERR_CONFIG, "';' or '#'");
    text_fini(&text);
    host_section_fini(&h);
    config_files_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_override_of_an_option_beats_parentheses),
        cmocka_unit_test(test_parentheses_of_an_override_beat_the_files_keys),
        cmocka_unit_test(test_values_are_given_or_default),
        cmocka_unit_test(test_taken_component_is_the_callers),
        cmocka_unit_test(test_required_key_must_be_given),
        cmocka_unit_test(test_second_layer_belongs_into_then),
        cmocka_unit_test(test_unknown_keys_are_refused_with_what_was_meant),
        cmocka_unit_test(test_option_that_is_a_hosts_key_is_the_plugins_fault),
        cmocka_unit_test(test_level_decides_between_key_and_parentheses),
        cmocka_unit_test(test_section_is_printed_with_what_is_set),
        cmocka_unit_test(test_text_that_would_not_read_back_is_not_printed),
    };
    return cmocka_run_group_tests(tests, config_files_open, config_files_close);
}
