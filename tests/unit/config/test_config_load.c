/* INI files to configurations: values, errors, and the normal form. */
#include "config/config_load.h"

#include "config_files.h"
#include <glob.h>
#include <unistd.h>

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

static void test_defaults_fill_what_is_not_given(void **state)
{
    (void)state;
    config *c = config_files_load(MODEL REST);
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
    config *c = config_files_load_with("[run]\nepochs = 3\n" MODEL REST, 1, by_steps);
    assert_true(c->iterations == 5 && c->epochs == 0);
    config_destroy(c);
    c = config_files_load_with("[run]\niterations = 7\n" MODEL REST, 1, by_epochs);
    assert_true(c->iterations == 0 && c->epochs == 4);
    config_destroy(c);
}

static void test_given_values_arrive(void **state)
{
    (void)state;
    config *c = config_files_load(
        "[run]\nname = n\nseed = 7\niterations = 9\ndevice = reference\n"
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
    (void)snprintf(path, sizeof path, "%s/o", config_files_folder);
    assert_string_equal(c->out, path);
    assert_int_equal(c->test_batch, 4);
    assert_int_equal(c->limit, 12);
    assert_int_equal(c->test_limit, 6);
    (void)snprintf(path, sizeof path, "%s/list.txt", config_files_folder);
    assert_string_equal(c->order, path);
    assert_false(c->shuffle);
    (void)snprintf(path, sizeof path, "%s/data", config_files_folder);
    assert_string_equal(schema_value(c->dataset, "path")->text, path);
    assert_true(schema_value(c->optimizer, "lr")->f == 0.5);
    assert_true(c->clip_norm == 2.5);
    config_destroy(c);
}

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
         "t.ini:1: [train.crop] 'after' must be given: "},
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
         "then, repeat, share, freeze, lr_factor, enabled"},
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
        config_files_write("t.ini", cases[i].text);
        odeon_status status = config_files_try(0, NULL, &c);
        bool plugin = strstr(cases[i].text, "clash") != NULL;
        config_files_expect(status, plugin ? ODEON_ERR_PLUGIN : ODEON_ERR_CONFIG, cases[i].message);
        assert_null(c);
    }
}

static void test_effective_says_everything(void **state)
{
    (void)state;
    config *c = config_files_load(
        "[let]\nw = 2\n[run]\nout = elsewhere\niterations = 5\n"
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
    config *c = config_files_load(text);
    config *again = config_files_load(c->effective);
    assert_string_equal(again->effective, c->effective);
    config_destroy(again);
    config_destroy(c);
}

static void test_effective_reloads_to_itself(void **state)
{
    (void)state;
    config_files_write("base.ini",
                       "[model.s]\nlayer = every_option(file=f, part=every_option(file=g), "
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
    config *c =
        config_files_load("[model.a]\nlayer = relu\nthen = every_option(part=every_option), "
                          "every_option, every_option\n" REST);
    size_t longest = 0;
    for (const char *line = c->effective; *line != '\0'; line += strspn(line, "\n")) {
        size_t n = strcspn(line, "\n");
        longest = n > longest ? n : longest;
        line += n;
    }
    assert_in_range(longest, 300, 1000);
    config *again = config_files_load(c->effective);
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
        if (config_load(config_files_plugins, found.gl_pathv[i], 0, NULL, &c) != ODEON_OK) {
            fail_msg("%s", diag_message());
        }
        config *again = config_files_load(c->effective);
        assert_string_equal(again->effective, c->effective);
        config_destroy(again);
        config_destroy(c);
    }
    globfree(&found);
}

static void test_name_that_effective_could_not_hold_is_refused(void **state)
{
    (void)state;
    config_files_refuse(MODEL REST, "run.name=a ;b",
                        "override run.name=a ;b: name = a ;b: ';' or '#'");
    config_files_refuse("[model.a]\nlayer = every_option\npart = every_option(file=a)\n" REST,
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
    config_files_write("t.ini", "[plugins]\nload = none.so\n" MODEL REST);
    assert_int_not_equal(config_files_try(0, NULL, &c), ODEON_OK);
    assert_non_null(strstr(diag_message(), "t.ini:2: [plugins] "));
    assert_non_null(strstr(diag_message(), "/none.so"));
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    static const char *const overrides[] = {"let.w=3", "model.n.rtol=1e-4",
                                            "train.optimizer=adam(lr=1)"};
    config_files_write("base.ini", "[run]\nseed = 4\n[train]\nweights = w\nmomentum = 0.9\n");
    static const char text[] =
        "include = base.ini\n[let]\nw = 2\n[run]\nworkers = 2\n"
        "[data.d]\nlayer = relu\nthen = relu\n" NEST "then = relu, every_option(whole=${w})\n"
        "[model.s]\nshare = model.n.x\n" REST;
    config_destroy(config_files_load_with(text, 3, overrides)); /* plugins are loaded now */
    int64_t before = mem_live_blocks(), k = 1;
    odeon_status status = ODEON_ERR_NOMEM;
    for (; status == ODEON_ERR_NOMEM && k < 2000; k++) {
        config *c = NULL;
        mem_fail_at(k);
        status = config_files_try(3, overrides, &c);
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
        config_files_write("t.ini", texts[i]);
        assert_int_not_equal(config_files_try(0, NULL, &c), ODEON_OK);
        assert_int_equal(mem_live_blocks(), before);
    }
}

static odeon_status load_untrained(const char *text, config **out)
{
    char path[64];
    config_files_write("t.ini", text);
    (void)snprintf(path, sizeof path, "%s/t.ini", config_files_folder);
    diag_clear();
    return config_load_untrained(config_files_plugins, path, 0, NULL, out);
}

/* A model alone needs neither [data] nor [train]; its weights may be named. */
static void test_model_to_be_solved_needs_no_data(void **state)
{
    (void)state;
    char path[64], line[128];
    config *c = config_files_load(MODEL "[train]\nweights = w\n");
    assert_null(c->dataset);
    assert_null(c->optimizer);
    assert_int_equal(c->n_losses, 0);
    assert_true(c->batch == 1 && c->test_batch == 1);
    (void)snprintf(path, sizeof path, "%s/w", config_files_folder);
    assert_string_equal(c->weights, path);
    (void)snprintf(line, sizeof line, "\n[train]\nweights = %s\n", path);
    assert_non_null(strstr(c->effective, line));
    config_destroy(c);
    config_files_refuse("[data.p]\nlayer = relu\n" MODEL, NULL,
                        "[data.p] needs a [data] whose samples it transforms");
}

static void test_untrained_model_with_data_needs_no_train(void **state)
{
    (void)state;
    static const char text[] = MODEL "[data]\ndataset = idx(path=data)\nbatch = 3\n";
    config *c = NULL;
    config_files_refuse(text, NULL, "[train] 'loss' must be given");
    assert_int_equal(load_untrained(text, &c), ODEON_OK);
    assert_non_null(c->dataset);
    assert_int_equal(c->batch, 3);
    assert_int_equal(c->n_losses, 0);
    assert_null(c->optimizer);
    config_destroy(c);
    c = NULL;
    assert_int_equal(load_untrained(MODEL REST, &c), ODEON_OK); /* with [train] it is read */
    assert_int_equal(c->n_losses, 1);
    config_destroy(c);
    assert_int_equal(load_untrained(MODEL "[train]\nloss = mse\n", &c), ODEON_ERR_CONFIG);
    assert_null(c);
}

/* The normal form names the device that auto has chosen. */
static void test_auto_becomes_a_device(void **state)
{
    (void)state;
    config *c = config_files_load("[run]\ndevice = auto\n" MODEL REST);
    assert_true(c->auto_device);
    assert_string_not_equal(c->device->component->id, "auto");
    assert_null(strstr(c->effective, "\ndevice = auto"));
    config_destroy(c);
    c = config_files_load(MODEL REST);
    assert_false(c->auto_device);
    config_destroy(c);
    config_files_refuse("[run]\ndevice = auto(x=1)\n" MODEL REST, NULL,
                        "t.ini:2: [run] device = auto(x=1): auto takes no options: name the device "
                        "that has them");
}

/* The refusal of an override without a section says where it may belong. */
static void test_override_without_a_section_is_shown_its_place(void **state)
{
    (void)state;
    config_files_refuse(MODEL REST, "epochs=3", "did you mean run.epochs=3?");
    config_files_refuse(MODEL REST, "lr=3", "did you mean train.lr=3?");
}

static void test_flags_and_choices_arrive(void **state)
{
    (void)state;
    config *c = config_files_load(
        "[run]\ncapture = no\nkernels = no\non_failure = skip\npatience = 2.5\n"
        "checkpoint_every = 7\ncheckpoint_seconds = 1.5\neval_every = 3 steps\n" MODEL
        "[data]\ndataset = idx(path=d)\ntest_batch = 9\ndrop_last = yes\non_device = no\n"
        "[train]\nloss = mse\noptimizer = sgd(lr=1)\n");
    assert_false(c->capture);
    assert_false(c->kernels);
    assert_int_equal(c->on_failure, CONFIG_SKIP);
    assert_true(c->patience == 2.5 && c->checkpoint_seconds == 1.5);
    assert_int_equal(c->checkpoint_every, 7);
    assert_true(c->eval_unit == CONFIG_STEPS && c->eval_every == 3);
    assert_true(c->batch == 128 && c->test_batch == 9);
    assert_true(c->drop_last);
    assert_int_equal(c->on_device, CONFIG_NO);
    config_destroy(c);
}

/* A file by a name that an INI cannot hold may be given on the command line; its run could not be
 * repeated. */
static void test_plugin_that_the_normal_form_cannot_name_is_refused(void **state)
{
    (void)state;
    char *path = mem_printf("%s/a ;b.so", config_files_folder);
    char *override = mem_printf("plugins.load=%s", path);
    assert_int_equal(symlink(ODEON_TEST_PLUGINS "/layer/nest.so", path), 0);
    config_files_refuse(MODEL REST, override, "';' or '#' after a blank");
    (void)unlink(path);
    mem_free(override);
    mem_free(path);
}

/* What the normal form would hold in one line must be readable as one. */
static void test_normal_form_with_too_long_a_line_is_refused(void **state)
{
    (void)state;
    text_buffer text = {0};
    text_add(&text, "[model.a]\nlayer = relu\nthen = every_option");
    for (int i = 0; i < 400; i++) {
        text_add(&text, ", every_option");
    }
    text_add(&text, "\n" REST);
    config_files_refuse(text.data, NULL, "bytes with all options written out, at most ");
    text_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_fill_what_is_not_given),
        cmocka_unit_test(test_either_epochs_or_iterations_say_the_length),
        cmocka_unit_test(test_given_values_arrive),
        cmocka_unit_test(test_bad_configuration_is_refused_with_its_line),
        cmocka_unit_test(test_effective_says_everything),
        cmocka_unit_test(test_effective_reloads_to_itself),
        cmocka_unit_test(test_effective_holds_lines_longer_than_inih_takes),
        cmocka_unit_test(test_shipped_files_load_and_their_effective_reloads),
        cmocka_unit_test(test_name_that_effective_could_not_hold_is_refused),
        cmocka_unit_test(test_load_names_plugins_by_file),
        cmocka_unit_test(test_each_allocation_may_fail),
        cmocka_unit_test(test_refused_configurations_leak_nothing),
        cmocka_unit_test(test_model_to_be_solved_needs_no_data),
        cmocka_unit_test(test_untrained_model_with_data_needs_no_train),
        cmocka_unit_test(test_auto_becomes_a_device),
        cmocka_unit_test(test_override_without_a_section_is_shown_its_place),
        cmocka_unit_test(test_flags_and_choices_arrive),
        cmocka_unit_test(test_plugin_that_the_normal_form_cannot_name_is_refused),
        cmocka_unit_test(test_normal_form_with_too_long_a_line_is_refused),
    };
    return cmocka_run_group_tests(tests, config_files_open, config_files_close);
}
