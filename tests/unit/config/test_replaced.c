/* What is dropped where a later source gives a section another component. */
#include "config/replaced.h"

#include "config_files.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "config/config_load.h"

#define DENSE "[model.b]\nlayer = dense(units=4)\ninit = zeros\nbias = no\n"

static void assert_dropped(const config_dropped *d, const char *section, const char *key,
                           const char *id)
{
    assert_string_equal(d->section, section);
    assert_string_equal(d->key, key);
    assert_string_equal(d->id, id);
}

static void test_keys_of_a_replaced_component_are_dropped(void **state)
{
    (void)state;
    static const char *const overrides[] = {"model.b.layer=relu"};
    config *c = config_files_load_with(MODEL DENSE REST, 1, overrides);
    assert_string_equal(c->nodes[1]->items[0]->component->id, "relu");
    assert_int_equal(c->n_dropped, 2);
    assert_dropped(&c->dropped[0], "model.b", "init", "dense");
    assert_dropped(&c->dropped[1], "model.b", "bias", "dense");
    assert_int_equal(c->dropped[0].where.line, 5);
    assert_string_equal(c->dropped[0].by.file, "override model.b.layer=relu");
    assert_null(strstr(c->effective, "init"));
    config_destroy(c);
}

static void test_keys_that_both_components_have_stay(void **state)
{
    (void)state;
    static const char *const overrides[] = {"train.optimizer=sgd"};
    config *c = config_files_load_with(MODEL "[data]\ndataset = idx(path=data)\n[train]\n"
                                             "loss = cross_entropy\noptimizer = adam\nlr = 0.25\n"
                                             "beta1 = 0.5\n",
                                       1, overrides);
    assert_string_equal(c->optimizer->component->id, "sgd");
    assert_true(schema_value(c->optimizer, "lr")->f == 0.25);
    assert_int_equal(c->n_dropped, 1);
    assert_dropped(&c->dropped[0], "train", "beta1", "adam");
    config_destroy(c);
}

/* The includer replaces what the included file has, an override both. */
static void test_keys_are_dropped_through_several_sources(void **state)
{
    (void)state;
    static const char *const overrides[] = {"model.b.layer=relu"};
    config_files_write("base.ini", DENSE);
    config *c = config_files_load_with("include = base.ini\n[model.b]\n"
                                       "layer = conv2d(filters=2, kernel=1)\nstride = 2\n" REST,
                                       1, overrides);
    assert_int_equal(c->n_dropped, 3);
    assert_dropped(&c->dropped[0], "model.b", "init", "conv2d"); /* which has it too */
    assert_dropped(&c->dropped[1], "model.b", "bias", "conv2d");
    assert_dropped(&c->dropped[2], "model.b", "stride", "conv2d");
    config_destroy(c);
    c = config_files_load("include = base.ini\n[model.b]\nlayer = relu\n" REST);
    assert_int_equal(c->n_dropped, 2);
    config_destroy(c);
}

static void test_sections_of_a_replaced_container_are_dropped(void **state)
{
    (void)state;
    static const char *const overrides[] = {"model.c.layer=relu"};
    static const char text[] = MODEL "[model.c]\nlayer = chain\n[model.c.x]\nlayer = chain\n"
                                     "[model.c.x.y]\nlayer = tanh\n[model.c.z]\nlayer = tanh\n";
    char whole[1024];
    (void)snprintf(whole, sizeof whole, "%s%s", text, REST);
    config *c = config_files_load_with(whole, 1, overrides);
    assert_int_equal(c->nodes[1]->n_children, 0);
    assert_int_equal(c->n_dropped, 2);
    assert_string_equal(c->dropped[0].section, "model.c.x");
    assert_null(c->dropped[0].key);
    assert_string_equal(c->dropped[0].id, "chain");
    assert_string_equal(c->dropped[1].section, "model.c.z");
    assert_null(strstr(c->effective, "model.c."));
    config_destroy(c);
    config_files_refuse(whole, "model.c.z.layer=chain",
                        "[model.c.z] chain is made of nested sections");
    config_files_write("base.ini", text);
    config_files_refuse(
        "include = base.ini\n[model.c]\nlayer = relu\n[model.c.z]\nlayer = relu\n" REST, NULL,
        "nothing can be nested in [model.c]: relu is a single layer");
}

/* Only what an earlier source says about a component that had such a key. */
static void test_other_keys_beside_a_replaced_component_are_refused(void **state)
{
    (void)state;
    config_files_refuse(MODEL "[model.b]\nlayer = dense(units=4)\nintt = zeros\n" REST,
                        "model.b.layer=relu",
                        "t.ini:5: [model.b] 'intt' is no key of the section or of "
                        "layer relu (which stands in override");
    config_files_write("base.ini", DENSE);
    config_files_refuse("include = base.ini\n[model.b]\nlayer = relu\nbias = no\n" REST, NULL,
                        "t.ini:4: [model.b] 'bias' is no key of the section or of layer relu");
    config_files_refuse(MODEL DENSE REST, "model.a.units=3",
                        "[model.a] 'units' is no key of the section or of layer relu");
}

/* A plugin that only was to be asked about its options is none of the run's. */
static void test_replaced_component_is_not_in_use(void **state)
{
    (void)state;
    static const char *const overrides[] = {"model.b.layer=relu"};
    config_files_write("t.ini", MODEL DENSE REST);
    registry *r = support_registry();
    char path[64];
    config *c = NULL;
    (void)snprintf(path, sizeof path, "%s/t.ini", config_files_folder);
    assert_int_equal(config_load(r, path, 1, overrides, &c), ODEON_OK);
    int used = 0;
    for (size_t i = 0; i < registry_plugin_count(r); i++) {
        registry_plugin p = registry_plugin_at(r, i);
        assert_true(p.in_use == (strcmp(p.root->name, "dense") != 0));
        used += p.in_use;
    }
    assert_int_equal(used + 1, registry_plugin_count(r));
    config_destroy(c);
    registry_destroy(r);
}

/* It may be replaced because it cannot be found. */
static void test_component_that_is_missing_can_be_replaced(void **state)
{
    (void)state;
    static const char *const overrides[] = {"model.b.layer=relu"};
    config *c = config_files_load_with(
        MODEL "[model.b]\nlayer = nowhere_to_be_found\nsize = 3\n" REST, 1, overrides);
    assert_int_equal(c->n_dropped, 1);
    assert_dropped(&c->dropped[0], "model.b", "size", "nowhere_to_be_found");
    config_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_a_replaced_component_are_dropped),
        cmocka_unit_test(test_keys_that_both_components_have_stay),
        cmocka_unit_test(test_keys_are_dropped_through_several_sources),
        cmocka_unit_test(test_sections_of_a_replaced_container_are_dropped),
        cmocka_unit_test(test_other_keys_beside_a_replaced_component_are_refused),
        cmocka_unit_test(test_replaced_component_is_not_in_use),
        cmocka_unit_test(test_component_that_is_missing_can_be_replaced),
    };
    return cmocka_run_group_tests(tests, config_files_open, config_files_close);
}
