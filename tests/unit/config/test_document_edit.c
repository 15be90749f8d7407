/* Overrides and [let]: where they reach, and what is refused. */
#include "config/document_edit.h"

#include "config_files.h"

#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/config_load.h"
#include "format/ini_file.h"
#include <unistd.h>

static void test_let_is_replaced_everywhere(void **state)
{
    (void)state;
    config *c = config_files_load("[let]\nw = 6\nlayer = conv2d(filters=${w}, kernel=3)\n"
                                  "[model.a]\nlayer = ${layer}\n[run]\nname = a${w}b${w}\n" REST);
    assert_string_equal(c->name, "a6b6");
    assert_string_equal(config_files_own_text(c->nodes[0], "filters"), "6");
    config_destroy(c);
}

static void test_override_of_let_reaches_its_uses(void **state)
{
    (void)state;
    static const char *const overrides[] = {"let.w=9", "run.name=n${w}"};
    config *c = config_files_load_with(
        "[let]\nw = 6\nv = ${w}\n[model.a]\nlayer = every_option(whole=${v})\n" REST, 2, overrides);
    assert_string_equal(config_files_own_text(c->nodes[0], "whole"), "9");
    assert_string_equal(c->name, "n9");
    config_destroy(c);
}

static void test_overrides_apply_in_order(void **state)
{
    (void)state;
    static const char *const overrides[] = {"data.batch=4", "data.batch=8", "run.seed = 5 "};
    config *c = config_files_load_with(NEST REST, 3, overrides);
    assert_int_equal(c->batch, 8);
    assert_int_equal(c->seed, 5);
    config_destroy(c);
}

static void test_override_replaces_a_whole_component(void **state)
{
    (void)state;
    static const char *const overrides[] = {"model.n.part=relu", "model.n.x.layer=nest(word=q)",
                                            "model.n.x.enabled=no", "train.optimizer=adam(lr=2)"};
    config *c = config_files_load_with(MODEL NEST "[model.n.y]\nlayer = relu\n" REST, 4, overrides);
    const config_node *nest = c->nodes[1];
    assert_string_equal(schema_value(nest->items[0], "part")->component->component->id, "relu");
    assert_int_equal(nest->n_children, 1);
    assert_string_equal(c->optimizer->component->id, "adam");
    config_destroy(c);
}

static void test_path_in_an_override_counts_from_the_working_directory(void **state)
{
    (void)state;
    static const char *const overrides[] = {"data.path=here", "train.weights=w"};
    config *c =
        config_files_load_with(MODEL "[data]\ndataset = idx\n[train]\nloss = cross_entropy\n"
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
            assert_int_not_equal(config_files_try(1, &cases[i].override, &c), ODEON_OK);
            assert_non_null(strstr(diag_message(), cases[i].message));
            continue;
        }
        config_files_refuse(NEST REST, cases[i].override, cases[i].message);
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
    config_files_refuse(text.data, NULL, "bytes once ${} is replaced");
    text_fini(&text);
}

/* What a helper was asked, and what it says. */
static struct {
    char key[32], value[32];
    odeon_status status;
} asked;

static odeon_status place(void *self, const document *d, const char *key, const char *value,
                          char *hint, size_t bytes)
{
    assert_ptr_equal(self, &asked);
    assert_non_null(document_find(d, "run"));
    (void)snprintf(asked.key, sizeof asked.key, "%s", key);
    (void)snprintf(asked.value, sizeof asked.value, "%s", value);
    (void)snprintf(hint, bytes, ": did you mean x.%s=%s?", key, value);
    return asked.status;
}

static void test_helper_is_asked_where_a_name_stands_alone(void **state)
{
    (void)state;
    const document_helper helper = {.self = &asked, .place = place};
    loading l = config_files_begin(MODEL REST);
    asked.status = ODEON_OK;
    config_files_expect(document_override(l.document, " epochs = 3 ", &helper), ODEON_ERR_CONFIG,
                        "override  epochs = 3 : expected path.key=value, the path that of a "
                        "section: did you mean x.epochs=3?");
    assert_string_equal(asked.key, "epochs");
    assert_string_equal(asked.value, "3");
    diag_clear();
    config_files_expect(document_override(l.document, "epochs=3", NULL), ODEON_ERR_CONFIG,
                        "the path that of a section, as train.loss=NAME");
    asked.status = ODEON_ERR_NOMEM;
    assert_int_equal(document_override(l.document, "epochs=3", &helper), ODEON_ERR_NOMEM);
    config_files_end(&l);
}

static void test_override_sets_the_highest_level(void **state)
{
    (void)state;
    loading l = config_files_begin("[run]\nseed = 1\n" MODEL);
    assert_int_equal(document_override(l.document, "run.seed= 5", NULL), ODEON_OK);
    assert_int_equal(document_override(l.document, "model.a.then=tanh=x", NULL), ODEON_OK);
    const document_key *seed = document_find_key(document_find(l.document, "run"), "seed");
    assert_string_equal(seed->value, "5");
    assert_int_equal(seed->level, DOCUMENT_OVERRIDE);
    assert_string_equal(seed->where.file, "override run.seed= 5");
    assert_int_equal(seed->where.line, 0);
    assert_null(seed->folder);
    const document_key *then = document_find_key(document_find(l.document, "model.a"), "then");
    assert_string_equal(then->value, "tanh=x"); /* cut at the first '=' */
    config_files_end(&l);
}

static void refuse(document *d, const char *override, const char *words)
{
    diag_clear();
    config_files_expect(document_override(d, override, NULL), ODEON_ERR_CONFIG, words);
}

static void test_options_below_a_key_say_how_they_are_set(void **state)
{
    (void)state;
    loading l = config_files_begin(NEST REST);
    refuse(l.document, "train.optimizer.lr=3",
           "'optimizer' is a key of [train], whose keys are its options too: train.lr=3");
    refuse(l.document, "model.n.part.whole=3", "model.n.part=NAME(whole=3)");
    refuse(l.document, "nowhere.at.all=3", "there is no section [nowhere.at]");
    refuse(l.document, "run..x=3", "there is no section [run.]");
    refuse(l.document, "run.a-b=3", "the path that of a section, as train.loss=NAME");
    refuse(l.document, "run.name=a\x7f", "control characters and line ends are not allowed here");
    assert_int_equal(document_override(l.document, "run.name=a\tb", NULL), ODEON_OK);
    config_files_end(&l);
}

static void test_override_may_be_as_long_as_a_line(void **state)
{
    (void)state;
    loading l = config_files_begin(MODEL);
    char *text = mem_zalloc(INI_FILE_MAX_LINE + 2, 1);
    memset(text, 'x', INI_FILE_MAX_LINE + 1);
    memcpy(text, "run.name=", 9);
    diag_clear(); /* the message shows as much of the override as it can hold */
    assert_int_equal(document_override(l.document, text, NULL), ODEON_ERR_CONFIG);
    text[INI_FILE_MAX_LINE] = '\0';
    diag_clear();
    assert_int_equal(document_override(l.document, text, NULL), ODEON_OK);
    mem_free(text);
    config_files_end(&l);
}

static void test_names_of_let_are_suggested(void **state)
{
    (void)state;
    loading l = config_files_begin("[let]\nwidth = 1\n" MODEL);
    refuse(l.document, "let.widht=3", "[let] there is no 'widht': did you mean 'width'?");
    diag_clear();
    assert_int_equal(document_override(l.document, "let.width=${y}", NULL), ODEON_OK);
    config_files_expect(document_substitute(l.document), ODEON_ERR_CONFIG,
                        "[let] width: [let] has no 'y' before this line");
    config_files_end(&l);
}

/* Used names are marked, so that others can be warned of. */
static void test_names_in_use_are_marked(void **state)
{
    (void)state;
    loading l =
        config_files_begin("[let]\na = 1\nb = ${a}2\nc = 3\n[run]\nname = ${b}-${b}\n" MODEL);
    const document_section *let = document_find(l.document, "let");
    assert_true(let->keys[0].used && let->keys[1].used);
    assert_false(let->keys[2].used);
    assert_string_equal(document_find_key(document_find(l.document, "run"), "name")->value,
                        "12-12");
    assert_int_equal(l.document->expanded, 2 + 5);
    config_files_end(&l);
}

static void test_malformed_names_are_refused(void **state)
{
    (void)state;
    static const char *const values[] = {"run.name=a${}", "run.name=${x", "run.name=${",
                                         "run.name=$${"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        loading l = config_files_begin("[let]\nx = 1\n" MODEL);
        assert_int_equal(document_override(l.document, values[i], NULL), ODEON_OK);
        config_files_expect(document_substitute(l.document), ODEON_ERR_CONFIG,
                            "'${' without a name and '}'");
        config_files_end(&l);
    }
}

/* A name as long as names may be is looked up; a longer one cannot be one. */
static void test_long_names_are_no_names(void **state)
{
    (void)state;
    char name[INI_FILE_MAX_NAME + 2];
    memset(name, 'x', sizeof name);
    for (int extra = 0; extra < 2; extra++) {
        loading l = config_files_begin("[let]\nx = 1\n" MODEL);
        char *override = mem_printf("run.name=${%.*s}", INI_FILE_MAX_NAME + extra, name);
        assert_int_equal(document_override(l.document, override, NULL), ODEON_OK);
        config_files_expect(document_substitute(l.document), ODEON_ERR_CONFIG,
                            extra == 0 ? "[let] has no 'xxx" : "'${' without a name and '}'");
        mem_free(override);
        config_files_end(&l);
    }
}

/* All values together may become no longer than a file. */
static void test_sum_of_what_comes_out_is_bounded(void **state)
{
    (void)state;
    loading l = config_files_begin("[let]\nx = 1\n[run]\nname = a\n" MODEL);
    l.document->expanded = INI_FILE_MAX_BYTES - 1;
    assert_int_equal(document_override(l.document, "run.name=${x}", NULL), ODEON_OK);
    assert_int_equal(document_substitute(l.document), ODEON_OK);
    assert_int_equal(document_override(l.document, "run.name=${x}", NULL), ODEON_OK);
    config_files_expect(document_substitute(l.document), ODEON_ERR_CONFIG, "bytes come out of ${}");
    config_files_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_let_is_replaced_everywhere),
        cmocka_unit_test(test_override_of_let_reaches_its_uses),
        cmocka_unit_test(test_overrides_apply_in_order),
        cmocka_unit_test(test_override_replaces_a_whole_component),
        cmocka_unit_test(test_path_in_an_override_counts_from_the_working_directory),
        cmocka_unit_test(test_bad_override_is_refused),
        cmocka_unit_test(test_doubling_in_let_is_refused),
        cmocka_unit_test(test_helper_is_asked_where_a_name_stands_alone),
        cmocka_unit_test(test_override_sets_the_highest_level),
        cmocka_unit_test(test_options_below_a_key_say_how_they_are_set),
        cmocka_unit_test(test_override_may_be_as_long_as_a_line),
        cmocka_unit_test(test_names_of_let_are_suggested),
        cmocka_unit_test(test_names_in_use_are_marked),
        cmocka_unit_test(test_malformed_names_are_refused),
        cmocka_unit_test(test_long_names_are_no_names),
        cmocka_unit_test(test_sum_of_what_comes_out_is_bounded),
    };
    return cmocka_run_group_tests(tests, config_files_open, config_files_close);
}
