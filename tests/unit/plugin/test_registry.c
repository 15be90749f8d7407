#include <fenv.h>
#include <float.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

#include "base/diag.h"
#include "base/hints.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "captured.h"
#include "folder.h"
#include "option/kinds.h"
#include "plugin/registry.h"

static const char euler_file[] = ODEON_BUILD "/plugins/integrator/euler.so";

static const char harmless_file[] = ODEON_HOSTILE_PLUGINS "/integrator/harmless.so";

static registry *open_registry(const char *path)
{
    registry *r = NULL;
    diag_clear();
    if (registry_create(1, &path, &r) != ODEON_OK) {
        fail_msg("%s", diag_message());
    }
    return r;
}

static void assert_message_has(const char *text)
{
    if (strstr(diag_message(), text) == NULL) {
        fail_msg("'%s' does not stand in '%s'", text, diag_message());
    }
}

static odeon_status find(registry *r, int32_t kind, const char *id)
{
    const odeon_component *c = NULL;
    diag_clear();
    odeon_status status = registry_find(r, kind, id, &c);
    assert_int_equal(c != NULL, status == ODEON_OK);
    return status;
}

/* ---- plugins ---- */

typedef struct visited {
    registry *r;
    int n;
} visited;

static void load_and_count(int32_t kind, const char *id, const char *file, void *context)
{
    visited *v = context;
    if (find(v->r, kind, id) != ODEON_OK) {
        fail_msg("%s: %s", file, diag_message());
    }
    v->n++;
}

static void test_every_plugin_of_the_build_loads(void **state)
{
    (void)state;
    visited v = {.r = open_registry(ODEON_BUILD "/plugins")};
    assert_int_equal(registry_scan(v.r, load_and_count, &v), ODEON_OK);
    assert_true(v.n >= 20);
    assert_int_equal(registry_plugin_count(v.r), v.n);
    registry_destroy(v.r);
}

typedef struct hostile {
    int32_t kind;
    const char *id;
    odeon_status status;
    const char *reason;
} hostile;

static void test_unusable_plugins_are_refused_with_the_reason(void **state)
{
    (void)state;
    static const hostile refused[] = {
        {ODEON_KIND_INTEGRATOR, "wrong_magic", ODEON_ERR_PLUGIN, "ODEON_MAGIC"},
        {ODEON_KIND_INTEGRATOR, "other_major", ODEON_ERR_PLUGIN, "ABI 2.1, this host has 1.1"},
        {ODEON_KIND_INTEGRATOR, "lying_note", ODEON_ERR_PLUGIN, "ABI 2.0, this host has 1.1"},
        {ODEON_KIND_INTEGRATOR, "needs_newer_host", ODEON_ERR_PLUGIN, "needs ABI 1.7"},
        {ODEON_KIND_INTEGRATOR, "small_struct", ODEON_ERR_PLUGIN, "struct_size 8"},
        {ODEON_KIND_INTEGRATOR, "garbage_size", ODEON_ERR_PLUGIN, "struct_size 2147483644"},
        {ODEON_KIND_INTEGRATOR, "draft_kind", ODEON_ERR_PLUGIN,
         "other draft headers of tableau (00000002"},
        {ODEON_KIND_INTEGRATOR, "other_layout", ODEON_ERR_PLUGIN, "other draft headers of all"},
        {ODEON_KIND_INTEGRATOR, "no_layouts", ODEON_ERR_PLUGIN, "has no layouts"},
        {ODEON_KIND_INTEGRATOR, "lying_layouts", ODEON_ERR_PLUGIN, "not those of its note"},
        {ODEON_KIND_INTEGRATOR, "reserved_set", ODEON_ERR_PLUGIN, "reserved field"},
        {ODEON_KIND_INTEGRATOR, "duplicate_id", ODEON_ERR_PLUGIN, "twice"},
        {ODEON_KIND_INTEGRATOR, "escape_codes", ODEON_ERR_PLUGIN, "summary"},
        {ODEON_KIND_INTEGRATOR, "bad_id_inside", ODEON_ERR_PLUGIN,
         "id of its integrator is not of letters"},
        {ODEON_KIND_INTEGRATOR, "no_step", ODEON_ERR_PLUGIN, "stepper table lacks step"},
        {ODEON_KIND_INTEGRATOR, "no_interface", ODEON_ERR_PLUGIN, "its interface is 10, which is"},
        {ODEON_KIND_INTEGRATOR, "implicit", ODEON_ERR_PLUGIN,
         "integrator implicit: tableau: a[0][1] is"},
        {ODEON_KIND_INTEGRATOR, "bad_default", ODEON_ERR_PLUGIN, "theta = 2"},
        {ODEON_KIND_INTEGRATOR, "bad_aliases", ODEON_ERR_PLUGIN, "its aliases are no words"},
        {ODEON_KIND_INTEGRATOR, "bad_option_aliases", ODEON_ERR_PLUGIN,
         "it has aliases that are no words"},
        {ODEON_KIND_INTEGRATOR, "no_default", ODEON_ERR_PLUGIN, "option theta: it has no default"},
        {ODEON_KIND_INTEGRATOR, "required_default", ODEON_ERR_PLUGIN, "has a default although"},
        {ODEON_KIND_INTEGRATOR, "init_fails", ODEON_ERR_DEVICE, "so: no such hardware here"},
        {ODEON_KIND_INTEGRATOR, "init_void", ODEON_ERR_PLUGIN, "so, init: "},
        {ODEON_KIND_LAYER, "wrong_kind", ODEON_ERR_PLUGIN, "but integrator wrong_kind"},
        {ODEON_KIND_LAYER, "no_vjp", ODEON_ERR_PLUGIN, "layer table lacks vjp"},
        {ODEON_KIND_LAYER, "odd_bodies", ODEON_ERR_PLUGIN, "bodies is 7, expected 0 to 3"},
        {ODEON_KIND_LAYER, "no_attach", ODEON_ERR_PLUGIN, "lacks attach"},
        {ODEON_KIND_LAYER, "body_names_of_branches", ODEON_ERR_PLUGIN, "has body_names, which"},
        {ODEON_KIND_LAYER, "bad_body_name", ODEON_ERR_PLUGIN, "one of its body_names is not"},
        {ODEON_KIND_LAYER, "kernel_options@cpu", ODEON_ERR_PLUGIN, "options must be NULL"},
        {ODEON_KIND_LAYER, "kernel_bodies@cpu", ODEON_ERR_PLUGIN, "which a kernel cannot"},
        {ODEON_KIND_LAYER, "kernel_id@cpu", ODEON_ERR_PLUGIN, "id of its layer is not of letters"},
        {ODEON_KIND_LAYER, "orphan", ODEON_ERR_CONFIG, "there is only orphan@cpu, which takes its"},
        {ODEON_KIND_INTEGRATOR, "euler@cpu", ODEON_ERR_CONFIG, "cannot name a integrator"},
        {ODEON_KIND_LAYER, "dense@", ODEON_ERR_CONFIG, "cannot name a layer"},
        {ODEON_KIND_LAYER, "@cpu", ODEON_ERR_CONFIG, "cannot name a layer"},
        {ODEON_KIND_LAYER, "dense@cpu@cpu", ODEON_ERR_CONFIG, "cannot name a layer"},
    };
    registry *r = open_registry(ODEON_HOSTILE_PLUGINS);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        odeon_status status = find(r, refused[i].kind, refused[i].id);
        if (status != refused[i].status) {
            fail_msg("%s: %d, %s", refused[i].id, status, diag_message());
        }
        assert_message_has(refused[i].reason);
        assert_message_has(refused[i].id);
    }
    registry_destroy(r);
}

static void test_plugin_of_a_later_minor_version_loads(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_HOSTILE_PLUGINS);
    const odeon_component *c = NULL;
    assert_int_equal(registry_find(r, ODEON_KIND_INTEGRATOR, "newer_minor", &c), ODEON_OK);
    assert_int_equal(c->struct_size, sizeof *c);
    assert_int_equal(registry_plugin_of(r, c)->root->abi_minor, 7);
    registry_destroy(r);
}

static void test_plugin_is_described(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_BUILD "/plugins");
    assert_int_equal(find(r, ODEON_KIND_INTEGRATOR, "euler"), ODEON_OK);
    assert_int_equal(registry_plugin_count(r), 1);
    registry_plugin p = registry_plugin_at(r, 0);
    struct stat s;
    assert_int_equal(stat(euler_file, &s), 0);
    assert_int_equal(p.bytes, s.st_size);
    assert_true(strlen(p.build_id) >= 16); /* 8 bytes by lld's default, 20 by others' */
    assert_string_equal(p.root->name, "euler");
    char *real = realpath(euler_file, NULL);
    assert_string_equal(p.file, real);
    free(real);
    registry_destroy(r);
}

/* ---- floating point ---- */

static bool subnormals_exist(void)
{
    volatile double smallest = DBL_MIN;
    volatile double half = smallest / 2.0;
    return half > 0.0;
}

static void load_and_expect_warning(const char *id, const char *warning)
{
    registry *r = open_registry(ODEON_HOSTILE_PLUGINS);
    captured c;
    captured_start(&c);
    odeon_status status = find(r, ODEON_KIND_INTEGRATOR, id);
    captured_stop(&c);
    assert_int_equal(status, ODEON_OK);
    assert_non_null(strstr(c.text, warning));
    registry_destroy(r);
}

static void test_flush_to_zero_by_a_plugin_is_undone(void **state)
{
    (void)state;
    load_and_expect_warning("fast_math", "changed how floating point works");
    assert_true(subnormals_exist());
}

static void test_rounding_mode_set_by_a_plugin_is_undone(void **state)
{
    (void)state;
    load_and_expect_warning("rounding", "changed how floating point works");
    assert_int_equal(fegetround(), FE_TONEAREST);
}

static void test_plugin_that_leaves_floating_point_alone_is_not_warned_about(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_HOSTILE_PLUGINS);
    captured c;
    captured_start(&c);
    odeon_status status = find(r, ODEON_KIND_INTEGRATOR, "harmless");
    captured_stop(&c);
    assert_int_equal(status, ODEON_OK);
    assert_string_equal(c.text, "");
    registry_destroy(r);
}

/* ---- the process ---- */

static void test_working_directory_set_by_a_plugin_is_undone(void **state)
{
    (void)state;
    char *before = getcwd(NULL, 0);
    load_and_expect_warning("changes_folder", "changed the working directory; that was undone");
    char *after = getcwd(NULL, 0);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

static void test_locale_set_by_a_plugin_is_undone(void **state)
{
    (void)state;
    load_and_expect_warning("sets_locale", "changed the locale; that was undone");
    assert_string_equal(setlocale(LC_ALL, NULL), "C");
}

static void test_signals_ignored_by_a_plugin_are_heard_again(void **state)
{
    (void)state;
    (void)signal(SIGINT, SIG_DFL); /* a shell may have had it ignored */
    (void)signal(SIGTERM, SIG_DFL);
    load_and_expect_warning("sets_signals", "changed what signals do; that was undone");
    struct sigaction now;
    assert_int_equal(sigaction(SIGINT, NULL, &now), 0);
    assert_true(now.sa_handler == SIG_DFL);
    assert_int_equal(sigaction(SIGTERM, NULL, &now), 0);
    assert_true(now.sa_handler == SIG_DFL);
}

/* ---- files ---- */

static void assert_file_refused(const folder *f, odeon_status expected, const char *reason)
{
    registry *r = open_registry(f->path);
    assert_int_equal(find(r, ODEON_KIND_INTEGRATOR, "x"), expected);
    assert_message_has(reason);
    assert_message_has("/integrator");
    registry_destroy(r);
}

static void test_files_that_are_no_plugins_are_refused(void **state)
{
    (void)state;
    folder f = folder_create();
    folder_write(&f, "integrator/x.so", "[run]\nname = x\n", 15);
    assert_file_refused(&f, ODEON_ERR_PLUGIN, "no ELF file");
    folder_write(&f, "integrator/x.so", "", 0);
    assert_file_refused(&f, ODEON_ERR_PLUGIN, "empty");
    folder_copy_part(&f, "integrator/x.so", euler_file, 4096);
    assert_file_refused(&f, ODEON_ERR_PLUGIN, "cut off");
    folder_copy(&f, "integrator/x.so", ODEON_BUILD "/tests/test_registry");
    assert_file_refused(&f, ODEON_ERR_PLUGIN, "no Odeon plugin");
    folder_remove(&f);
}

static void test_things_that_are_no_plain_files_are_refused(void **state)
{
    (void)state;
    folder f = folder_create();
    const char *x = folder_file(&f, "integrator/x.so");
    assert_int_equal(mkdir(x, 0755), 0);
    assert_file_refused(&f, ODEON_ERR_PLUGIN, "no plain file");
    assert_int_equal(rmdir(x), 0);
    assert_int_equal(mkfifo(x, 0644), 0);
    assert_file_refused(&f, ODEON_ERR_PLUGIN, "no plain file");
    assert_int_equal(unlink(x), 0);
    assert_int_equal(symlink("nowhere", x), 0);
    assert_file_refused(&f, ODEON_ERR_IO, "No such file");
    folder_remove(&f);
}

static void test_file_that_others_may_write_is_refused(void **state)
{
    (void)state;
    folder f = folder_create();
    folder_copy(&f, "integrator/x.so", euler_file);
    assert_int_equal(chmod(folder_file(&f, "integrator/x.so"), 0666), 0);
    assert_file_refused(&f, ODEON_ERR_PLUGIN, "mode 0666");
    folder_remove(&f);
}

static void test_folder_that_others_may_write_is_refused(void **state)
{
    (void)state;
    folder f = folder_create();
    folder_copy(&f, "integrator/x.so", euler_file);
    assert_int_equal(chmod(folder_file(&f, "integrator"), 0777), 0);
    assert_file_refused(&f, ODEON_ERR_PLUGIN, "its folder (mode 0777)");
    folder_remove(&f);
}

static void test_link_in_a_folder_that_others_may_write_is_refused(void **state)
{
    (void)state;
    folder f = folder_create();
    assert_int_equal(symlink(euler_file, folder_file(&f, "integrator/x.so")), 0);
    assert_int_equal(chmod(folder_file(&f, "integrator"), 0777), 0);
    assert_file_refused(&f, ODEON_ERR_PLUGIN, "its folder (mode 0777)");
    folder_remove(&f);
}

/* ---- searching ---- */

static void test_first_folder_wins(void **state)
{
    (void)state;
    folder first = folder_create(), second = folder_create();
    folder_copy(&first, "integrator/harmless.so", harmless_file);
    folder_copy(&second, "integrator/harmless.so", harmless_file);
    const char *const paths[] = {first.path, second.path};
    registry *r = NULL;
    assert_int_equal(registry_create(2, paths, &r), ODEON_OK);
    assert_int_equal(find(r, ODEON_KIND_INTEGRATOR, "harmless"), ODEON_OK);
    assert_string_equal(registry_plugin_at(r, 0).file,
                        folder_file(&first, "integrator/harmless.so"));
    registry_destroy(r);
    folder_remove(&first);
    folder_remove(&second);
}

/* A file that offers what ships with the program, for a folder of a user's. */
static folder made_rival(void)
{
    folder f = folder_create();
    folder_copy(&f, "integrator/euler.so", euler_file);
    FILE *file = fopen(folder_file(&f, "integrator/euler.so"), "ab"); /* else it is a copy */
    assert_non_null(file);
    assert_int_equal(fputc(0, file), 0);
    assert_int_equal(fclose(file), 0);
    return f;
}

static void test_what_ships_with_the_program_is_not_taken_over(void **state)
{
    (void)state;
    folder f = made_rival();
    registry *r = open_registry(f.path);
    assert_int_equal(find(r, ODEON_KIND_INTEGRATOR, "euler"), ODEON_ERR_PLUGIN);
    assert_message_has("/integrator/euler.so: it would take the place of integrator euler, which "
                       "ships with the program (" ODEON_BUILD "/plugins/integrator/euler.so)");
    assert_message_has("allow it by replace = integrator/euler in [plugins]");
    diag_clear();
    assert_int_equal(registry_load(r, folder_file(&f, "integrator/euler.so")), ODEON_ERR_PLUGIN);
    assert_message_has("it would take the place of integrator euler");
    assert_int_equal(registry_plugin_count(r), 0);
    registry_destroy(r);
    folder_remove(&f);
}

static void test_what_may_be_replaced_is_and_that_is_told_once(void **state)
{
    (void)state;
    folder f = made_rival();
    registry *r = open_registry(f.path);
    captured c;
    captured_start(&c);
    assert_int_equal(registry_replace(r, "layer/dense"), ODEON_OK);
    assert_int_equal(registry_replace(r, "integrator/euler"), ODEON_OK);
    assert_int_equal(find(r, ODEON_KIND_INTEGRATOR, "euler"), ODEON_OK);
    assert_int_equal(find(r, ODEON_KIND_INTEGRATOR, "euler"), ODEON_OK);
    captured_stop(&c);
    const char *told = strstr(c.text, "its integrator euler takes the place of the one that ships");
    assert_non_null(told);
    assert_null(strstr(strchr(told, '\n'), "takes the place"));
    assert_string_equal(registry_plugin_at(r, 0).file, folder_file(&f, "integrator/euler.so"));
    assert_string_equal(registry_plugin_at(r, 0).replaces, "integrator/euler");
    registry_destroy(r);
    folder_remove(&f);
}

static void test_bad_file_in_the_first_folder_is_not_passed_over(void **state)
{
    (void)state;
    folder f = folder_create();
    folder_write(&f, "integrator/euler.so", "bad", 3);
    const char *const paths[] = {f.path, ODEON_BUILD "/plugins"};
    registry *r = NULL;
    assert_int_equal(registry_create(2, paths, &r), ODEON_OK);
    assert_int_equal(find(r, ODEON_KIND_INTEGRATOR, "euler"), ODEON_ERR_PLUGIN);
    registry_destroy(r);
    folder_remove(&f);
}

static void expect_first_euler(int32_t kind, const char *id, const char *file, void *context)
{
    if (kind == ODEON_KIND_INTEGRATOR && strcmp(id, "euler") == 0) {
        assert_string_equal(file, folder_file(context, "integrator/euler.so"));
    }
}

static void test_scan_leaves_shadowed_files_and_odd_names_out(void **state)
{
    (void)state;
    folder f = folder_create();
    folder_copy(&f, "integrator/euler.so", euler_file);
    folder_copy(&f, "integrator/no-id.so", euler_file);
    folder_write(&f, "integrator/readme.txt", "x", 1);
    const char *const paths[] = {f.path, ODEON_BUILD "/plugins"};
    registry *r = NULL;
    assert_int_equal(registry_create(2, paths, &r), ODEON_OK);
    assert_int_equal(registry_scan(r, expect_first_euler, &f), ODEON_OK);
    registry_destroy(r);
    folder_remove(&f);
}

static void test_environment_names_folders(void **state)
{
    (void)state;
    folder f = folder_create();
    folder_copy(&f, "integrator/from_environment.so",
                ODEON_HOSTILE_PLUGINS "/integrator/harmless.so");
    assert_int_equal(setenv("ODEON_PLUGIN_PATH", folder_file(&f, ""), 1), 0);
    registry *r = NULL;
    assert_int_equal(registry_create(0, NULL, &r), ODEON_OK);
    assert_int_equal(find(r, ODEON_KIND_INTEGRATOR, "from_environment"), ODEON_ERR_PLUGIN);
    assert_message_has("it holds no integrator from_environment, but integrator harmless");
    registry_destroy(r);
    assert_int_equal(unsetenv("ODEON_PLUGIN_PATH"), 0);
    folder_remove(&f);
}

static void test_working_directory_is_never_searched(void **state)
{
    (void)state;
    folder f = folder_create();
    folder_copy(&f, "integrator/harmless.so", ODEON_HOSTILE_PLUGINS "/integrator/harmless.so");
    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(f.path), 0);
    assert_int_equal(setenv("ODEON_PLUGIN_PATH", ".::integrator/..", 1), 0);
    registry *r = NULL;
    assert_int_equal(registry_create(0, NULL, &r), ODEON_OK);
    assert_int_equal(find(r, ODEON_KIND_INTEGRATOR, "harmless"), ODEON_ERR_CONFIG);
    registry_destroy(r);
    assert_int_equal(unsetenv("ODEON_PLUGIN_PATH"), 0);
    assert_int_equal(chdir(before), 0);
    free(before);
    folder_remove(&f);
}

static void test_given_path_that_is_no_folder_is_refused(void **state)
{
    (void)state;
    const char *path = "/nowhere/at/all";
    registry *r = NULL;
    diag_clear();
    assert_int_equal(registry_create(1, &path, &r), ODEON_ERR_CONFIG);
    assert_null(r);
    assert_message_has("/nowhere/at/all");
}

static void test_unknown_id_names_the_nearest(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_BUILD "/plugins");
    assert_int_equal(find(r, ODEON_KIND_INTEGRATOR, "mdipoint"), ODEON_ERR_CONFIG);
    assert_message_has("no integrator is named 'mdipoint': did you mean 'midpoint'?");
    registry_destroy(r);
}

static void test_id_that_is_a_path_is_refused(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_BUILD "/plugins");
    assert_int_equal(find(r, ODEON_KIND_LAYER, "../integrator/euler"), ODEON_ERR_CONFIG);
    assert_message_has("cannot name a layer");
    assert_int_equal(find(r, 99, "euler"), ODEON_ERR_INTERNAL);
    registry_destroy(r);
}

static void test_file_is_loaded_once_by_whatever_link(void **state)
{
    (void)state;
    folder f = folder_create();
    assert_int_equal(symlink(euler_file, folder_file(&f, "integrator/euler.so")), 0);
    registry *r = open_registry(f.path);
    assert_int_equal(registry_load(r, euler_file), ODEON_OK);
    assert_int_equal(registry_load(r, folder_file(&f, "integrator/euler.so")), ODEON_OK);
    assert_int_equal(find(r, ODEON_KIND_INTEGRATOR, "euler"), ODEON_OK);
    assert_int_equal(registry_plugin_count(r), 1);
    registry_destroy(r);
    folder_remove(&f);
}

static void test_second_component_of_one_name_is_warned_about(void **state)
{
    (void)state;
    folder f = folder_create();
    folder_copy(&f, "copy.so", harmless_file);
    registry *r = open_registry(ODEON_BUILD "/plugins");
    assert_int_equal(registry_load(r, harmless_file), ODEON_OK);
    captured c;
    captured_start(&c);
    odeon_status status = registry_load(r, folder_file(&f, "copy.so"));
    captured_stop(&c);
    assert_int_equal(status, ODEON_OK);
    assert_non_null(strstr(c.text, "its integrator harmless is not used"));
    const odeon_component *used = NULL;
    assert_int_equal(registry_find(r, ODEON_KIND_INTEGRATOR, "harmless", &used), ODEON_OK);
    assert_string_equal(registry_plugin_of(r, used)->file, registry_plugin_at(r, 0).file);
    registry_destroy(r);
    folder_remove(&f);
}

static void test_plugins_are_shut_down_in_reverse_order(void **state)
{
    (void)state;
    registry *r = open_registry(ODEON_HOSTILE_PLUGINS);
    assert_int_equal(find(r, ODEON_KIND_INTEGRATOR, "farewell_1"), ODEON_OK);
    assert_int_equal(find(r, ODEON_KIND_INTEGRATOR, "farewell_2"), ODEON_OK);
    captured c;
    captured_start(&c);
    registry_destroy(r);
    captured_stop(&c);
    const char *first = strstr(c.text, "farewell 1"), *second = strstr(c.text, "farewell 2");
    assert_non_null(first);
    assert_non_null(second);
    assert_true(second < first);
}

static void test_every_failed_allocation_is_reported_and_leaves_nothing(void **state)
{
    (void)state;
    int64_t live = mem_live_blocks();
    const char *path = ODEON_BUILD "/plugins";
    odeon_status status = ODEON_ERR_NOMEM;
    int64_t n = 0;
    while (status != ODEON_OK) {
        mem_fail_at(++n);
        diag_clear();
        registry *r = NULL;
        const odeon_component *c = NULL;
        status = registry_create(1, &path, &r);
        if (status == ODEON_OK) {
            status = registry_find(r, ODEON_KIND_LAYER, "dense", &c);
        }
        registry_destroy(r);
        assert_true(status == ODEON_OK || status == ODEON_ERR_NOMEM);
        assert_int_equal(status == ODEON_OK, diag_message()[0] == '\0');
        assert_int_equal(mem_live_blocks(), live);
    }
    mem_fail_at(0);
    assert_true(n > 10);
}

/* ---- names ---- */

static void test_nearest_name_is_near(void **state)
{
    (void)state;
    static const char *const names[] = {"dense", "conv2d", "relu", "groupnorm"};
    assert_string_equal(nearest_name("desne", 4, names), "dense");
    assert_string_equal(nearest_name("conv2", 4, names), "conv2d");
    assert_string_equal(nearest_name("group_norm", 4, names), "groupnorm");
    assert_string_equal(nearest_name("elu", 4, names), "relu");
}

static void test_nearest_name_looks_past_capitals_and_underscores(void **state)
{
    (void)state;
    static const char *const names[] = {"cpu", "cross_entropy", "rk4"};
    assert_string_equal(nearest_name("CrossEntropy", 3, names), "cross_entropy");
    assert_string_equal(nearest_name("RK_5", 3, names), "rk4");
    assert_null(nearest_name("gpu", 3, names)); /* another word, not a slip */
}

static void test_hint_knows_names_and_aliases(void **state)
{
    (void)state;
    static const hint_name names[] = {{"rtol", "tol|reltol"}, {"atol", "tol"}, {"norm", NULL}};
    char text[64];
    assert_true(hint_is("RelTol", names[0]) && hint_is("rel_tol", names[0]));
    assert_false(hint_is("rel", names[0]) || hint_is("tol|reltol", names[0]) ||
                 hint_is("", names[0]) || hint_is("_", names[0]));
    assert_true(hint_write(text, sizeof text, "tol", 3, names));
    assert_string_equal(text, ": did you mean 'rtol' or 'atol'?");
    assert_true(hint_write(text, sizeof text, "nomr", 3, names));
    assert_string_equal(text, ": did you mean 'norm'?");
    assert_false(hint_write_known(text, sizeof text, "nomr", 3, names));
    assert_false(hint_write(text, sizeof text, "xyzzy", 3, names));
    hint_list(text, sizeof text, 3, names);
    assert_string_equal(text, ": allowed: rtol, atol, norm");
    hint_list(text, 18, 3, names);
    assert_string_equal(text, ": allowed: rto...");
}

static void test_nearest_name_is_none_when_all_are_far(void **state)
{
    (void)state;
    static const char *const names[] = {"dense", "conv2d", "relu"};
    assert_null(nearest_name("softmax", 3, names));
    assert_null(nearest_name("x", 3, names));
    assert_null(nearest_name("", 3, names));
    assert_null(nearest_name("dense", 0, NULL));
    char longest[200];
    memset(longest, 'd', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_null(nearest_name(longest, 3, names));
}

static void test_kinds_have_names(void **state)
{
    (void)state;
    for (int32_t kind = 1; kind <= KIND_COUNT; kind++) {
        assert_int_equal(kind_by_name(kind_name(kind)), kind);
    }
    assert_null(kind_name(0));
    assert_null(kind_name(KIND_COUNT + 1));
    assert_int_equal(kind_by_name("solver"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_plugin_of_the_build_loads),
        cmocka_unit_test(test_unusable_plugins_are_refused_with_the_reason),
        cmocka_unit_test(test_plugin_of_a_later_minor_version_loads),
        cmocka_unit_test(test_plugin_is_described),
        cmocka_unit_test(test_flush_to_zero_by_a_plugin_is_undone),
        cmocka_unit_test(test_rounding_mode_set_by_a_plugin_is_undone),
        cmocka_unit_test(test_working_directory_set_by_a_plugin_is_undone),
        cmocka_unit_test(test_locale_set_by_a_plugin_is_undone),
        cmocka_unit_test(test_signals_ignored_by_a_plugin_are_heard_again),
        cmocka_unit_test(test_plugin_that_leaves_floating_point_alone_is_not_warned_about),
        cmocka_unit_test(test_files_that_are_no_plugins_are_refused),
        cmocka_unit_test(test_things_that_are_no_plain_files_are_refused),
        cmocka_unit_test(test_file_that_others_may_write_is_refused),
        cmocka_unit_test(test_folder_that_others_may_write_is_refused),
        cmocka_unit_test(test_link_in_a_folder_that_others_may_write_is_refused),
        cmocka_unit_test(test_first_folder_wins),
        cmocka_unit_test(test_what_ships_with_the_program_is_not_taken_over),
        cmocka_unit_test(test_what_may_be_replaced_is_and_that_is_told_once),
        cmocka_unit_test(test_bad_file_in_the_first_folder_is_not_passed_over),
        cmocka_unit_test(test_scan_leaves_shadowed_files_and_odd_names_out),
        cmocka_unit_test(test_environment_names_folders),
        cmocka_unit_test(test_working_directory_is_never_searched),
        cmocka_unit_test(test_given_path_that_is_no_folder_is_refused),
        cmocka_unit_test(test_unknown_id_names_the_nearest),
        cmocka_unit_test(test_id_that_is_a_path_is_refused),
        cmocka_unit_test(test_file_is_loaded_once_by_whatever_link),
        cmocka_unit_test(test_second_component_of_one_name_is_warned_about),
        cmocka_unit_test(test_plugins_are_shut_down_in_reverse_order),
        cmocka_unit_test(test_every_failed_allocation_is_reported_and_leaves_nothing),
        cmocka_unit_test(test_nearest_name_is_near),
        cmocka_unit_test(test_nearest_name_looks_past_capitals_and_underscores),
        cmocka_unit_test(test_hint_knows_names_and_aliases),
        cmocka_unit_test(test_nearest_name_is_none_when_all_are_far),
        cmocka_unit_test(test_kinds_have_names),
    };
    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
