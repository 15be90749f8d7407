/* INI files to configurations: the language's rules, its errors, and the normal form. */
#include "support.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "config/config_load.h"
#include "config/options.h"
#include "plugin/registry.h"

static registry *plugins;
static char folder[] = "/tmp/odeon-config-XXXXXX";

/* Files that tests write, all in folder. */
static const char *const files[] = {"t.ini", "base.ini", "more.ini", "sub/inner.ini"};

static int open_all(void **state)
{
    (void)state;
    plugins = support_registry();
    char sub[64];
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(sub, sizeof sub, "%s/sub", folder);
    return mkdir(sub, 0700);
}

static int close_all(void **state)
{
    (void)state;
    registry_destroy(plugins);
    char name[64];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(name, sizeof name, "%s/%s", folder, files[i]);
        (void)unlink(name);
    }
    (void)snprintf(name, sizeof name, "%s/sub", folder);
    (void)rmdir(name);
    return rmdir(folder);
}

static void write_file(const char *name, const char *text)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* What every configuration needs, at the end so that lines before it keep their numbers. */
#define REST                                                                                       \
    "[data]\ndataset = idx(path=data)\n[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.5)\n"
#define MODEL "[model.a]\nlayer = relu\n"

static odeon_status load_with(size_t n, const char *const *overrides, config **out)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/t.ini", folder);
    diag_clear();
    return config_load(plugins, path, n, overrides, out);
}

static config *load_overridden(const char *text, size_t n, const char *const *overrides)
{
    config *c = NULL;
    write_file("t.ini", text);
    if (load_with(n, overrides, &c) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return c;
}

static config *load(const char *text)
{
    return load_overridden(text, 0, NULL);
}

static void assert_message(odeon_status status, odeon_status expected, const char *message)
{
    if (status != expected || strstr(diag_message(), message) == NULL) {
        fail_msg("expected %d '%s', got %d '%s'", (int)expected, message, (int)status,
                 diag_message());
    }
}

/* override NULL: none. */
static void assert_refused(const char *text, const char *override, const char *message)
{
    config *c = NULL;
    write_file("t.ini", text);
    assert_message(load_with(override != NULL, &override, &c), ODEON_ERR_CONFIG, message);
    assert_null(c);
}

static const char *own_text(const config_node *node, const char *option)
{
    return schema_value(node->items[0], option)->text;
}

/* ---- values ---- */

static void test_defaults_fill_what_is_not_given(void **state)
{
    (void)state;
    config *c = load(MODEL REST);
    assert_string_equal(c->name, "t");
    assert_int_equal(c->seed, 1);
    assert_int_equal(c->epochs, 1);
    assert_int_equal(c->iterations, 0);
    assert_string_equal(c->device->component->id, "cpu");
    assert_int_equal(c->workers, 0);
    assert_int_equal(c->dtype, ODEON_DTYPE_F32);
    assert_null(c->out);
    assert_int_equal(c->log_every, 1);
    assert_int_equal(c->batch, 128);
    assert_int_equal(c->test_batch, 128);
    assert_int_equal(c->limit, 0);
    assert_null(c->order);
    assert_true(c->shuffle);
    assert_null(c->weights);
    assert_true(c->clip_norm == 0.0);
    assert_int_equal(c->n_nodes, 1);
    config_destroy(c);
}

/* The later source holds: a file over those that it includes, an override over all. */
static void test_either_epochs_or_iterations_say_the_length(void **state)
{
    (void)state;
    static const char *const by_steps[] = {"run.iterations=5"}, *const by_epochs[] = {
                                                                    "run.epochs=4"};
    config *c = load_overridden("[run]\nepochs = 3\n" MODEL REST, 1, by_steps);
    assert_true(c->iterations == 5 && c->epochs == 0);
    config_destroy(c);
    c = load_overridden("[run]\niterations = 7\n" MODEL REST, 1, by_epochs);
    assert_true(c->iterations == 0 && c->epochs == 4);
    config_destroy(c);
}

static void test_given_values_arrive(void **state)
{
    (void)state;
    config *c = load("[run]\nname = n\nseed = 7\niterations = 9\ndevice = reference\n"
                     "workers = 2\ndtype = float64\nout = o\nlog_every = 5\n" MODEL
                     "[data]\ndataset = idx\npath = data\nbatch = 4\nlimit = 12\ntest_limit = 6\n"
                     "order = list.txt\nshuffle = no\n"
                     "[train]\nloss = cross_entropy\noptimizer = sgd\nlr = 0.5\nweights = w\n"
                     "clip_norm = 2.5\n");
    char path[64];
    assert_string_equal(c->name, "n");
    assert_int_equal(c->seed, 7);
    assert_int_equal(c->iterations, 9);
    assert_string_equal(c->device->component->id, "reference");
    assert_int_equal(c->workers, 2);
    assert_int_equal(c->dtype, ODEON_DTYPE_F64);
    (void)snprintf(path, sizeof path, "%s/o", folder);
    assert_string_equal(c->out, path);
    assert_int_equal(c->test_batch, 4);
    assert_int_equal(c->limit, 12);
    assert_int_equal(c->test_limit, 6);
    (void)snprintf(path, sizeof path, "%s/list.txt", folder);
    assert_string_equal(c->order, path);
    assert_false(c->shuffle);
    (void)snprintf(path, sizeof path, "%s/data", folder);
    assert_string_equal(schema_value(c->dataset, "path")->text, path);
    assert_true(schema_value(c->optimizer, "lr")->f == 0.5);
    assert_true(c->clip_norm == 2.5);
    config_destroy(c);
}

static void test_host_options_are_declared_for_every_section(void **state)
{
    (void)state;
    static const char *const sections[] = {"run", "data", "train", "model", "plugins", "data.NAME"};
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        const odeon_option *const *option = config_host_options(sections[i]);
        assert_non_null(option);
        for (; *option != NULL; option++) {
            assert_true(((*option)->default_text != NULL) != ((*option)->flags & 3u));
            assert_non_null((*option)->help);
        }
    }
    assert_null(config_host_options("let"));
}

/* ---- the model ---- */

static void test_sections_nest_by_path_in_file_order(void **state)
{
    (void)state;
    config *c = load("[model.z]\nlayer = relu\n[model.n.two]\nlayer = relu\n"
                     "[model.n]\nlayer = nest(word=w)\n[model.n.one]\nlayer = conv2d(filters=2, "
                     "kernel=3)\nthen = relu, every_option(whole=2)\nrepeat = 3\n" REST);
    assert_int_equal(c->n_nodes, 2);
    assert_string_equal(c->nodes[0]->path, "z");
    assert_int_equal(c->nodes[0]->repeat, 0);
    const config_node *nest = c->nodes[1];
    assert_int_equal(nest->n_children, 2);
    assert_string_equal(nest->children[0]->path, "n.two");
    const config_node *one = nest->children[1];
    assert_string_equal(one->path, "n.one");
    assert_int_equal(one->repeat, 3);
    assert_int_equal(one->n_items, 3);
    assert_string_equal(one->items[1]->component->id, "relu");
    assert_int_equal(schema_value(one->items[2], "whole")->i, 2);
    assert_int_equal(one->where.line, 7);
    config_destroy(c);
}

static void test_disabled_section_goes_with_what_is_below(void **state)
{
    (void)state;
    config *c = load(MODEL "[model.n]\nlayer = nest(word=w)\nenabled = no\n[model.n.x]\n"
                           "layer = no_such_layer\n[model.n.x.y]\nlayer = relu\n" REST);
    assert_int_equal(c->n_nodes, 1);
    config_destroy(c);
}

static void test_share_names_its_lender(void **state)
{
    (void)state;
    config *c = load("[model.n]\nlayer = nest(word=w)\n[model.n.x]\nlayer = relu\n"
                     "[model.b]\nshare = model.n.x\nrepeat = 2\n" REST);
    assert_string_equal(c->nodes[1]->share, "n.x");
    assert_int_equal(c->nodes[1]->n_items, 1);
    assert_null(c->nodes[1]->items[0]);
    assert_int_equal(c->nodes[1]->repeat, 2);
    config_destroy(c);
}

/* ---- let, include ---- */

static void test_let_is_replaced_everywhere(void **state)
{
    (void)state;
    config *c = load("[let]\nw = 6\nlayer = conv2d(filters=${w}, kernel=3)\n"
                     "[model.a]\nlayer = ${layer}\n[run]\nname = a${w}b${w}\n" REST);
    assert_string_equal(c->name, "a6b6");
    assert_string_equal(own_text(c->nodes[0], "filters"), "6");
    config_destroy(c);
}

static void test_override_of_let_reaches_its_uses(void **state)
{
    (void)state;
    static const char *const overrides[] = {"let.w=9", "run.name=n${w}"};
    config *c = load_overridden(
        "[let]\nw = 6\nv = ${w}\n[model.a]\nlayer = every_option(whole=${v})\n" REST, 2, overrides);
    assert_string_equal(own_text(c->nodes[0], "whole"), "9");
    assert_string_equal(c->name, "n9");
    config_destroy(c);
}

static void test_includer_wins_key_by_key(void **state)
{
    (void)state;
    write_file("base.ini",
               "[run]\nseed = 1\nepochs = 2\n[model.b]\nlayer = every_option(whole=2)\n" REST);
    config *c = load("include = base.ini\n[model.a]\nlayer = relu\n[run]\nseed = 3\n"
                     "[model.b]\nreal = 7\nwhole = 5\n");
    assert_int_equal(c->seed, 3);
    assert_int_equal(c->epochs, 2);
    assert_string_equal(c->nodes[0]->path, "b");
    assert_string_equal(own_text(c->nodes[0], "real"), "7");
    assert_string_equal(own_text(c->nodes[0], "whole"), "5");
    config_destroy(c);
}

static void test_includers_parentheses_beat_included_keys(void **state)
{
    (void)state;
    write_file("base.ini", "[model.b]\nlayer = every_option\nwhole = 2\n" REST);
    config *c = load("include = base.ini\n[model.b]\nlayer = every_option(whole=5)\n");
    assert_string_equal(own_text(c->nodes[0], "whole"), "5");
    config_destroy(c);
}

static void test_paths_count_from_the_file_they_stand_in(void **state)
{
    (void)state;
    write_file("sub/inner.ini", REST);
    config *c = load("include = sub/inner.ini\n" MODEL "[train]\nweights = w\n");
    char path[64];
    (void)snprintf(path, sizeof path, "%s/sub/data", folder);
    assert_string_equal(schema_value(c->dataset, "path")->text, path);
    (void)snprintf(path, sizeof path, "%s/w", folder);
    assert_string_equal(c->weights, path);
    config_destroy(c);
}

static void test_file_that_two_include_is_read_once(void **state)
{
    (void)state;
    write_file("sub/inner.ini", "[run]\nseed = 1\n" REST);
    write_file("base.ini", "include = sub/inner.ini\n[run]\nseed = 2\n");
    write_file("more.ini", "include = sub/inner.ini\n" MODEL);
    config *c = load("include = base.ini, more.ini\n");
    assert_int_equal(c->seed, 2);
    config_destroy(c);
}

static void test_bad_include_is_refused(void **state)
{
    (void)state;
    write_file("base.ini", "include = t.ini\n");
    assert_refused("include = base.ini\n" MODEL REST, NULL, "t.ini: included by itself, by way of");
    assert_refused("include = t.ini\n" MODEL REST, NULL, "t.ini: included by itself");
    write_file("base.ini", "[run]\nsed = 1\n");
    assert_refused("include = base.ini\n" MODEL REST, NULL,
                   "base.ini:2: [run] 'sed' is no key of the section: did you mean 'seed'?");
    config *c = NULL;
    write_file("t.ini", "include = sub\n");
    assert_message(load_with(0, NULL, &c), ODEON_ERR_IO, "/t.ini:1: /tmp/");
    write_file("t.ini", "include = none.ini\n");
    assert_message(load_with(0, NULL, &c), ODEON_ERR_IO,
                   "none.ini: cannot be opened: No such file");
}

static void test_deep_includes_are_refused(void **state)
{
    (void)state;
    char name[32], text[64], path[64];
    for (int i = 0; i < 18; i++) {
        (void)snprintf(name, sizeof name, "sub/deep%d.ini", i);
        (void)snprintf(text, sizeof text, i < 17 ? "include = deep%d.ini\n" : "[run]\nseed = %d\n",
                       i + 1);
        write_file(name, text);
    }
    assert_refused("include = sub/deep1.ini\n", NULL,
                   "files include one another more than 16 deep");
    config *c = load("include = sub/deep2.ini\n" MODEL REST);
    assert_int_equal(c->seed, 18);
    config_destroy(c);
    for (int i = 0; i < 18; i++) {
        (void)snprintf(path, sizeof path, "%s/sub/deep%d.ini", folder, i);
        (void)unlink(path);
    }
}

/* ---- overrides ---- */

#define NEST                                                                                       \
    "[model.n]\nlayer = nest(word=w, rtol=1e-2)\npart = every_option(whole=2)\n"                   \
    "[model.n.x]\nlayer = every_option\nreal = 3\n"

static void test_overrides_apply_in_order(void **state)
{
    (void)state;
    static const char *const overrides[] = {"data.batch=4", "data.batch=8", "run.seed = 5 "};
    config *c = load_overridden(NEST REST, 3, overrides);
    assert_int_equal(c->batch, 8);
    assert_int_equal(c->seed, 5);
    config_destroy(c);
}

static void test_override_replaces_a_whole_component(void **state)
{
    (void)state;
    static const char *const overrides[] = {"model.n.part=relu", "model.n.x.layer=nest(word=q)",
                                            "model.n.x.enabled=no", "train.optimizer=adam(lr=2)"};
    config *c = load_overridden(MODEL NEST "[model.n.y]\nlayer = relu\n" REST, 4, overrides);
    const config_node *nest = c->nodes[1];
    assert_string_equal(schema_value(nest->items[0], "part")->component->component->id, "relu");
    assert_int_equal(nest->n_children, 1);
    assert_string_equal(c->optimizer->component->id, "adam");
    config_destroy(c);
}

static void test_override_of_an_option_beats_parentheses(void **state)
{
    (void)state;
    static const char *const overrides[] = {"model.n.rtol=1e-6", "train.optimizer=sgd(lr=3)",
                                            "train.lr=4"};
    config *c = load_overridden(NEST REST, 3, overrides);
    assert_true(schema_value(c->nodes[0]->items[0], "rtol")->f == 1e-6);
    assert_true(schema_value(c->optimizer, "lr")->f == 4.0);
    config_destroy(c);
}

static void test_parentheses_of_an_override_beat_the_files_keys(void **state)
{
    (void)state;
    static const char *const overrides[] = {"model.n.x.layer=every_option(real=9)"};
    config *c = load_overridden(NEST REST, 1, overrides);
    assert_true(schema_value(c->nodes[0]->children[0]->items[0], "real")->f == 9.0);
    config_destroy(c);
}

/* ---- another component in place of an earlier one ---- */

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
    config *c = load_overridden(MODEL DENSE REST, 1, overrides);
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
    config *c = load_overridden(MODEL "[data]\ndataset = idx(path=data)\n[train]\n"
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
    write_file("base.ini", DENSE);
    config *c = load_overridden("include = base.ini\n[model.b]\n"
                                "layer = conv2d(filters=2, kernel=1)\nstride = 2\n" REST,
                                1, overrides);
    assert_int_equal(c->n_dropped, 3);
    assert_dropped(&c->dropped[0], "model.b", "init", "conv2d"); /* which has it too */
    assert_dropped(&c->dropped[1], "model.b", "bias", "conv2d");
    assert_dropped(&c->dropped[2], "model.b", "stride", "conv2d");
    config_destroy(c);
    c = load("include = base.ini\n[model.b]\nlayer = relu\n" REST);
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
    config *c = load_overridden(whole, 1, overrides);
    assert_int_equal(c->nodes[1]->n_children, 0);
    assert_int_equal(c->n_dropped, 2);
    assert_string_equal(c->dropped[0].section, "model.c.x");
    assert_null(c->dropped[0].key);
    assert_string_equal(c->dropped[0].id, "chain");
    assert_string_equal(c->dropped[1].section, "model.c.z");
    assert_null(strstr(c->effective, "model.c."));
    config_destroy(c);
    assert_refused(whole, "model.c.z.layer=chain", "[model.c.z] chain is made of nested sections");
    write_file("base.ini", text);
    assert_refused("include = base.ini\n[model.c]\nlayer = relu\n[model.c.z]\nlayer = relu\n" REST,
                   NULL, "nothing can be nested in [model.c]: relu is a single layer");
}

/* Only what an earlier source says about a component that had such a key. */
static void test_other_keys_beside_a_replaced_component_are_refused(void **state)
{
    (void)state;
    assert_refused(MODEL "[model.b]\nlayer = dense(units=4)\nintt = zeros\n" REST,
                   "model.b.layer=relu",
                   "t.ini:5: [model.b] 'intt' is no key of the section or of "
                   "layer relu (which stands in override");
    write_file("base.ini", DENSE);
    assert_refused("include = base.ini\n[model.b]\nlayer = relu\nbias = no\n" REST, NULL,
                   "t.ini:4: [model.b] 'bias' is no key of the section or of layer relu");
    assert_refused(MODEL DENSE REST, "model.a.units=3",
                   "[model.a] 'units' is no key of the section or of layer relu");
}

/* A plugin that only was to be asked about its options is none of the run's. */
static void test_replaced_component_is_not_in_use(void **state)
{
    (void)state;
    static const char *const overrides[] = {"model.b.layer=relu"};
    write_file("t.ini", MODEL DENSE REST);
    registry *r = support_registry();
    char path[64];
    config *c = NULL;
    (void)snprintf(path, sizeof path, "%s/t.ini", folder);
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
    config *c = load_overridden(MODEL "[model.b]\nlayer = nowhere_to_be_found\nsize = 3\n" REST, 1,
                                overrides);
    assert_int_equal(c->n_dropped, 1);
    assert_dropped(&c->dropped[0], "model.b", "size", "nowhere_to_be_found");
    config_destroy(c);
}

static void test_path_in_an_override_counts_from_the_working_directory(void **state)
{
    (void)state;
    static const char *const overrides[] = {"data.path=here", "train.weights=w"};
    config *c = load_overridden(MODEL "[data]\ndataset = idx\n[train]\nloss = cross_entropy\n"
                                      "optimizer = sgd(lr=1)\n",
                                2, overrides);
    char working[512], path[600];
    assert_non_null(getcwd(working, sizeof working));
    (void)snprintf(path, sizeof path, "%s/here", working);
    assert_string_equal(schema_value(c->dataset, "path")->text, path);
    config_destroy(c);
}

static void test_bad_override_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *override, *message;
    } cases[] = {
        {"data.batch", "override data.batch: expected path.key=value"},
        {"batch=3", "override batch=3: expected path.key=value, the path that of a section"},
        {".batch=3", "expected path.key=value"},
        {"data.=3", "expected path.key=value"},
        {"data.batch=", "override data.batch=: no value is given"},
        {"data.batch=0", "override data.batch=0: [data] batch = 0: allowed: batch >= 1"},
        {"data.btch=3",
         "override data.btch=3: [data] 'btch' is no key of the section or of dataset "
         "idx (which stands in "},
        {"model.m.rtol=3", "override model.m.rtol=3: there is no section [model.m]: did you mean "
                           "'model.n'?"},
        {"rum.seed=3", "there is no section [rum]: did you mean 'run'?"},
        {"model.n.part.whole=3", "'part' is a key of [model.n]: its component's options are set "
                                 "with it, model.n.part=NAME(whole=3)"},
        {"let.width=3", "override let.width=3: [let] there is no 'width'"},
        {"run.name=a\nb", "control characters and line ends are not allowed here"},
        {"run.name=\xff", "not UTF-8"},
        {"run.name=${x}", "override run.name=${x}: [run] name: [let] has no 'x'"},
        {"plugins.load=no.so", "override plugins.load=no.so: [plugins] "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strncmp(cases[i].override, "plugins", 7) == 0) {
            config *c = NULL;
            assert_int_not_equal(load_with(1, &cases[i].override, &c), ODEON_OK);
            assert_non_null(strstr(diag_message(), cases[i].message));
            continue;
        }
        assert_refused(NEST REST, cases[i].override, cases[i].message);
    }
}

/* ---- errors in the file ---- */

static void test_bad_configuration_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"[rum]\nseed = 1\n" MODEL REST, "t.ini:1: [rum] there is no such section: did you mean "
                                         "'run'?"},
        {"[model]\nlayer = relu\n" REST, "t.ini:1: [model] a layer's section has a name"},
        {"[train.crop]\nlayer = relu\n" MODEL REST,
         "t.ini:1: [train.crop] there is no such section"},
        {"[model.a-b]\nlayer = relu\n" REST, "t.ini:1: [model.a-b] names between the dots"},
        {"[model.a..b]\nlayer = relu\n" REST, "names between the dots"},
        {"[model.layer]\nlayer = relu\n" REST, "t.ini:1: [model.layer] a kind's name"},
        {MODEL "[model.a.loss.b]\nlayer = relu\n" REST, "a kind's name"},
        {"[run]\nsed = 1\n" MODEL REST, "t.ini:2: [run] 'sed' is no key of the section: did you "
                                        "mean 'seed'?"},
        {"[run]\nseed = 1x\n" MODEL REST, "t.ini:2: [run] seed = 1x: not a whole number"},
        {"[run]\nseed = -1\n" MODEL REST, "t.ini:2: [run] seed = -1: allowed: seed >= 0"},
        {"[run]\nepochs = 3\niterations = 9\n" MODEL REST, "epochs is given too"},
        {"[run]\nepochs = 0\n" MODEL REST, "epochs = 0: allowed: epochs >= 1"},
        {"[run]\ndtype = float16\n" MODEL REST, "dtype = float16: allowed: float32, float64"},
        {"[run]\nworkers = many\n" MODEL REST, "t.ini:2: [run] workers = many: "},
        {"[run]\nworkers = 0\n" MODEL REST, "workers = 0: allowed: 1 <= workers <= 256"},
        {"[run]\nname = a/b\n" MODEL REST, "t.ini:2: [run] name = a/b: names a folder"},
        {"[run]\nname = ..\n" MODEL REST, "names a folder"},
        {"[run]\ndevice = cpo\n" MODEL REST, "t.ini:2: [run] "},
        {"[model.a]\nlayer = rleu\n" REST, "did you mean 'relu'?"},
        {"[model.a]\nlayer = relu\nwidth = 3\n" REST,
         "t.ini:3: [model.a] 'width' is no key of the section or of layer relu: allowed: layer, "
         "then, repeat, share, enabled"},
        {"[model.a]\nlayer = every_option\nrepaet = 3\n" REST, "did you mean 'repeat'?"},
        {"[model.a]\nlayer = every_option\nwhloe = 3\n" REST, "did you mean 'whole'?"},
        {"[model.a]\nlayer = every_option(whole=3)\nwhole = 4\n" REST,
         "t.ini:3: [model.a] 'whole' is a key of the section and stands in the parentheses"},
        {"[model.a]\nlayer = nest\n[model.a.b]\nlayer = relu\n" REST,
         "t.ini:2: [model.a] nest: the option 'word' must be given"},
        {"[model.a]\nlayer = nest\nwrod = x\n" REST,
         "t.ini:3: [model.a] nest has no option 'wrod': did you mean 'word'?"},
        {"[model.a]\nthen = relu\n" REST, "t.ini:1: [model.a] 'layer' must be given"},
        {"[model.a]\nlayer = relu\nthen = relu,\n" REST, "t.ini:3: 'relu,': nothing is"},
        {"[model.a]\nlayer = relu\nthen = relu(a=1)\n" REST,
         "t.ini:3: [model.a] relu has no option"},
        {"[model.a]\nlayer = relu\nrepeat = 0\n" REST, "allowed: 1 <= repeat <= 4096"},
        {"[model.a]\nlayer = relu\nenabled = perhaps\n" REST,
         "t.ini:3: [model.a] enabled = perhaps"},
        {MODEL "[model.b.c]\nlayer = relu\n" REST, "t.ini:3: [model.b.c] there is no section "
                                                   "[model.b] that this one could be nested in"},
        {MODEL "[model.a.b]\nlayer = relu\n" REST, "t.ini:3: [model.a.b] nothing can be nested in "
                                                   "[model.a]: relu is a single layer"},
        {"[model.a]\nlayer = nest(word=w)\n" REST, "t.ini:2: [model.a] nest is made of nested "
                                                   "sections"},
        {"[model.a]\nlayer = relu\nthen = nest(word=w)\n" REST, "it needs a section of its own"},
        {"[model.a]\nlayer = clash\n" REST, "layer clash has an option 'repeat', which is a key of "
                                            "the host"},
        {REST, "there is no layer"},
        {MODEL "[train]\nloss = cross_entropy\noptimizer = sgd(lr=1)\n",
         "[data] 'dataset' must be given: the samples"},
        {MODEL "[data]\nbatch = 3\n[train]\nloss = cross_entropy\noptimizer = sgd(lr=1)\n",
         "t.ini:3: [data] 'dataset' must be given"},
        {MODEL "[data]\ndataset = idx(path=x)\n[train]\noptimizer = sgd(lr=1)\n",
         "[train] 'loss' must be given"},
        {MODEL "[data]\ndataset = idx(path=x)\n[train]\nloss = cross_entropy\n",
         "[train] 'optimizer' must be given"},
        {"[let]\na = ${b}\nb = 1\n" MODEL REST, "t.ini:2: [let] a: [let] has no 'b' before this "
                                                "line"},
        {"[let]\nwidth = 1\n[run]\nseed = ${widht}\n" MODEL REST,
         "t.ini:4: [run] seed: [let] has no 'widht': did you mean 'width'?"},
        {"[run]\nname = ${x\n" MODEL REST,
         "t.ini:2: [run] name = ${x: '${' without a name and '}'"},
        {"[run]\nseed = 1\nseed = 2\n" MODEL REST, "t.ini:3: 'seed' is already in line 2"},
        {"seed = 1\n" MODEL REST, "t.ini:1: 'seed' comes before the first [section]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        config *c = NULL;
        write_file("t.ini", cases[i].text);
        odeon_status status = load_with(0, NULL, &c);
        bool plugin = strstr(cases[i].text, "clash") != NULL;
        assert_message(status, plugin ? ODEON_ERR_PLUGIN : ODEON_ERR_CONFIG, cases[i].message);
        assert_null(c);
    }
}

static void test_bad_share_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {MODEL "[model.b]\nshare = model.c\n", "t.ini:4: [model.b] share = model.c: there is no "
                                               "such section"},
        {MODEL "[model.b]\nshare = a\n", "t.ini:4: [model.b] share = a: expected model.PATH"},
        {MODEL "[model.b]\nshare = model.b\n", "only a section above this one"},
        {"[model.b]\nshare = model.a\n" MODEL, "t.ini:2: [model.b] share = model.a: only a section "
                                               "above this one"},
        {MODEL "[model.b]\nshare = model.a\nlayer = relu\n", "'layer' cannot stand beside share"},
        {MODEL "[model.b]\nshare = model.a\nthen = relu\n", "'then' cannot stand beside share"},
        {MODEL "[model.b]\nshare = model.a\nwhole = 1\n", "t.ini:5: [model.b] 'whole' is no key"},
        {MODEL "[model.b]\nshare = model.a\n[model.c]\nshare = model.b\n",
         "t.ini:6: [model.c] share = model.b: that section has no parameters of its own"},
        {MODEL "enabled = no\n[model.b]\nshare = model.a\n", "left out"},
        {"[model.n]\nlayer = nest(word=w)\n[model.n.x]\nshare = model.n\n",
         "this section is nested in that one"},
        {MODEL "[model.b]\nshare = model.a\n[model.b.c]\nlayer = relu\n", "nothing can be nested "
                                                                          "here"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = mem_printf("%s" REST, cases[i].text);
        assert_refused(text, NULL, cases[i].message);
        mem_free(text);
    }
}

static void test_doubling_in_let_is_refused(void **state)
{
    (void)state;
    text_buffer text = {0};
    text_add(&text, "[let]\na0 = xxxxxxxxxxxxxxxx\n");
    for (int i = 1; i < 64; i++) {
        text_printf(&text, "a%d = ${a%d}${a%d}\n", i, i - 1, i - 1);
    }
    text_add(&text, MODEL REST);
    assert_refused(text.data, NULL, "bytes once ${} is replaced");
    text_fini(&text);
}

/* ---- the normal form ---- */

static void test_effective_says_everything(void **state)
{
    (void)state;
    config *c = load("[let]\nw = 2\n[run]\nout = elsewhere\niterations = 5\n"
                     "[model.n]\nlayer = nest(word=x y)\n[model.n.x]\nlayer = relu\nthen = relu\n"
                     "repeat = ${w}\n[model.off]\nlayer = relu\nenabled = no\n"
                     "[model.s]\nshare = model.n.x\n"
                     "[data]\ndataset = idx(path=/d)\nbatch = 4\n"
                     "[train]\nloss = cross_entropy\noptimizer = sgd(lr=0.50)\n");
    static const char *const lines[] = {
        "[run]\nname = t\nseed = 1\niterations = 5\ndevice = cpu",
        "\nworkers = auto\ncapture = yes\nkernels = yes\ndtype = float32\nlog_every = "
        "1\ncheckpoint_every = "
        "0\ncheckpoint_seconds = 30\neval_every = 1 epoch\non_failure = "
        "stop\npatience = 60\n"
        "\n[data]\ndataset = idx\npath = /d\n",
        "\nbatch = 4\ntest_batch = 4\nshuffle = yes\ndrop_last = no\non_device = "
        "auto\n\n[model.n]\nlayer = "
        "nest\npart = "
        "every_option(",
        ")\nrtol = 0.001\nword = x y\n\n[model.n.x]\nlayer = relu\nthen = relu\nrepeat = 2\n\n"
        "[model.s]\nshare = model.n.x\n\n[train]\nloss = cross_entropy(weight=1)\noptimizer = "
        "sgd\nlr = "
        "0.5\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (strstr(c->effective, lines[i]) == NULL) {
            fail_msg("'%s' is not in\n%s", lines[i], c->effective);
        }
    }
    assert_null(strstr(c->effective, "elsewhere"));
    assert_null(strstr(c->effective, "${"));
    assert_null(strstr(c->effective, "model.off"));
    config_destroy(c);
}

static void assert_effective_reloads(const char *text)
{
    config *c = load(text);
    config *again = load(c->effective);
    assert_string_equal(again->effective, c->effective);
    config_destroy(again);
    config_destroy(c);
}

static void test_effective_reloads_to_itself(void **state)
{
    (void)state;
    write_file("base.ini", "[model.s]\nlayer = every_option(file=f, part=every_option(file=g), "
                           "reals=1e-3 2)\nrepeat = 2\nthen = conv2d(filters=3, kernel=3), relu, "
                           "dense(units=classes), conv2d(filters=3, kernel=5), relu\n");
    assert_effective_reloads(MODEL REST);
    assert_effective_reloads("include = base.ini\n[run]\nworkers = 3\nname = q\nout = o\n" NEST
                             "[model.n.y]\nshare = model.s\n[model.late.x]\nlayer = relu\n"
                             "[model.b]\nshare = model.s\n[model.late]\nlayer = nest(word=w)\n"
                             "[data]\ndataset = idx(path=data)\norder = list\nlimit = 3\n"
                             "[train]\nloss = cross_entropy\noptimizer = adam(lr=0.10)\n"
                             "weights = w.safetensors\nclip_norm = 1e0\n");
}

static void test_effective_holds_lines_longer_than_inih_takes(void **state)
{
    (void)state;
    config *c = load("[model.a]\nlayer = relu\nthen = every_option(part=every_option), "
                     "every_option, every_option\n" REST);
    size_t longest = 0;
    for (const char *line = c->effective; *line != '\0'; line += strspn(line, "\n")) {
        size_t n = strcspn(line, "\n");
        longest = n > longest ? n : longest;
        line += n;
    }
    assert_in_range(longest, 300, 1000);
    config *again = load(c->effective);
    assert_string_equal(again->effective, c->effective);
    config_destroy(again);
    config_destroy(c);
}

static void test_shipped_files_load_and_their_effective_reloads(void **state)
{
    (void)state;
    glob_t found;
    assert_int_equal(glob(ODEON_SOURCE "/conf/*.ini", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        if (strstr(found.gl_pathv[i], "/reference.ini") != NULL) {
            continue; /* a list of keys, not an experiment */
        }
        config *c = NULL;
        diag_clear();
        if (config_load(plugins, found.gl_pathv[i], 0, NULL, &c) != ODEON_OK) {
            fail_msg("%s", diag_message());
        }
        config *again = load(c->effective);
        assert_string_equal(again->effective, c->effective);
        config_destroy(again);
        config_destroy(c);
    }
    globfree(&found);
}

static void test_name_that_effective_could_not_hold_is_refused(void **state)
{
    (void)state;
    assert_refused(MODEL REST, "run.name=a ;b", "override run.name=a ;b: name = a ;b: ';' or '#'");
    assert_refused("[model.a]\nlayer = every_option\npart = every_option(file=a)\n" REST,
                   "model.a.part=every_option(file=/x ;y)", "';' or '#' after a blank");
}

static void test_load_names_plugins_by_file(void **state)
{
    (void)state;
    char *text = mem_printf("[plugins]\nload = %s/layer/every_option.so, %s/layer/nest.so\n%s",
                            ODEON_TEST_PLUGINS, ODEON_TEST_PLUGINS, MODEL REST);
    assert_effective_reloads(text);
    mem_free(text);
    config *c = NULL;
    write_file("t.ini", "[plugins]\nload = none.so\n" MODEL REST);
    assert_int_not_equal(load_with(0, NULL, &c), ODEON_OK);
    assert_non_null(strstr(diag_message(), "t.ini:2: [plugins] "));
    assert_non_null(strstr(diag_message(), "/none.so"));
}

/* ---- memory ---- */

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    static const char *const overrides[] = {"let.w=3", "model.n.rtol=1e-4",
                                            "train.optimizer=adam(lr=1)"};
    write_file("base.ini", "[run]\nseed = 4\n[train]\nweights = w\nmomentum = 0.9\n");
    static const char text[] =
        "include = base.ini\n[let]\nw = 2\n[run]\nworkers = 2\n"
        "[data.d]\nlayer = relu\nthen = relu\n" NEST "then = relu, every_option(whole=${w})\n"
        "[model.s]\nshare = model.n.x\n" REST;
    config_destroy(load_overridden(text, 3, overrides)); /* plugins are loaded now */
    int64_t before = mem_live_blocks(), k = 1;
    odeon_status status = ODEON_ERR_NOMEM;
    for (; status == ODEON_ERR_NOMEM && k < 2000; k++) {
        config *c = NULL;
        mem_fail_at(k);
        status = load_with(3, overrides, &c);
        mem_fail_at(0);
        config_destroy(c);
        assert_int_equal(mem_live_blocks(), before);
    }
    if (status != ODEON_OK) {
        fail_msg("allocation %lld: %d '%s'", (long long)k, (int)status, diag_message());
    }
    assert_in_range(k, 100, 1999);
}

/* The same for configurations that are refused: nothing stays behind. */
static void test_refused_configurations_leak_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[run]\nseed = x\n" MODEL REST, MODEL "[train]\nloss = none\n",
        "[model.a]\nlayer = relu\nthen = relu, none\n" REST,
        MODEL "[model.b]\nshare = model.c\n" REST, NEST "[model.n.q]\nlayer = none\n" REST};
    int64_t before = mem_live_blocks();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        config *c = NULL;
        write_file("t.ini", texts[i]);
        assert_int_not_equal(load_with(0, NULL, &c), ODEON_OK);
        assert_int_equal(mem_live_blocks(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_fill_what_is_not_given),
        cmocka_unit_test(test_either_epochs_or_iterations_say_the_length),
        cmocka_unit_test(test_given_values_arrive),
        cmocka_unit_test(test_host_options_are_declared_for_every_section),
        cmocka_unit_test(test_sections_nest_by_path_in_file_order),
        cmocka_unit_test(test_disabled_section_goes_with_what_is_below),
        cmocka_unit_test(test_share_names_its_lender),
        cmocka_unit_test(test_let_is_replaced_everywhere),
        cmocka_unit_test(test_override_of_let_reaches_its_uses),
        cmocka_unit_test(test_includer_wins_key_by_key),
        cmocka_unit_test(test_includers_parentheses_beat_included_keys),
        cmocka_unit_test(test_paths_count_from_the_file_they_stand_in),
        cmocka_unit_test(test_file_that_two_include_is_read_once),
        cmocka_unit_test(test_bad_include_is_refused),
        cmocka_unit_test(test_deep_includes_are_refused),
        cmocka_unit_test(test_overrides_apply_in_order),
        cmocka_unit_test(test_override_replaces_a_whole_component),
        cmocka_unit_test(test_override_of_an_option_beats_parentheses),
        cmocka_unit_test(test_parentheses_of_an_override_beat_the_files_keys),
        cmocka_unit_test(test_keys_of_a_replaced_component_are_dropped),
        cmocka_unit_test(test_keys_that_both_components_have_stay),
        cmocka_unit_test(test_keys_are_dropped_through_several_sources),
        cmocka_unit_test(test_sections_of_a_replaced_container_are_dropped),
        cmocka_unit_test(test_other_keys_beside_a_replaced_component_are_refused),
        cmocka_unit_test(test_replaced_component_is_not_in_use),
        cmocka_unit_test(test_component_that_is_missing_can_be_replaced),
        cmocka_unit_test(test_path_in_an_override_counts_from_the_working_directory),
        cmocka_unit_test(test_bad_override_is_refused),
        cmocka_unit_test(test_bad_configuration_is_refused_with_its_line),
        cmocka_unit_test(test_bad_share_is_refused),
        cmocka_unit_test(test_doubling_in_let_is_refused),
        cmocka_unit_test(test_effective_says_everything),
        cmocka_unit_test(test_effective_reloads_to_itself),
        cmocka_unit_test(test_effective_holds_lines_longer_than_inih_takes),
        cmocka_unit_test(test_shipped_files_load_and_their_effective_reloads),
        cmocka_unit_test(test_name_that_effective_could_not_hold_is_refused),
        cmocka_unit_test(test_load_names_plugins_by_file),
        cmocka_unit_test(test_each_allocation_may_fail),
        cmocka_unit_test(test_refused_configurations_leak_nothing),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
