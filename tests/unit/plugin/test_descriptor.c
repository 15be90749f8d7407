#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "odeon/odeon.h"
#include "plugin/descriptor.h"

/* ---- a plugin of one loss, which a test makes wrong ---- */

static int32_t no_metrics(void *self)
{
    (void)self;
    return 0;
}

static const char *no_name(void *self, int32_t index)
{
    (void)self;
    (void)index;
    return "none";
}

static odeon_status fits(void *self, const odeon_loss_shapes *shapes)
{
    (void)self;
    return shapes->classes >= 0 ? ODEON_OK : ODEON_ERR_CONFIG;
}

static odeon_status eval(void *self, const odeon_loss_call *call)
{
    (void)self;
    return call != NULL ? ODEON_OK : ODEON_ERR_INTERNAL;
}

/* As a later minor might have it: with more at its end. */
typedef struct longer_loss {
    odeon_loss_ops known;
    void (*later[40])(void); /* of no other interface's size */
} longer_loss;

typedef struct plugin {
    longer_loss ops;
    odeon_component component;
    const odeon_component *list[3];
    odeon_plugin root;
} plugin;

static void make(plugin *p)
{
    memset(p, 0, sizeof *p);
    p->ops.known = (odeon_loss_ops){.struct_size = sizeof p->ops.known,
                                    .metric_count = no_metrics,
                                    .metric_name = no_name,
                                    .check = fits,
                                    .eval = eval};
    p->component = (odeon_component){.struct_size = sizeof p->component,
                                     .kind = ODEON_KIND_LOSS,
                                     .interface_version = ODEON_LAYOUT_LOSS,
                                     .interface = ODEON_INTERFACE_LOSS,
                                     .id = "mine",
                                     .summary = "a loss",
                                     .version = "1.0",
                                     .license = "MIT",
                                     .ops = &p->ops.known};
    p->list[0] = &p->component;
    p->root = (odeon_plugin){.magic = ODEON_MAGIC,
                             .struct_size = sizeof p->root,
                             .abi_major = ODEON_ABI_MAJOR,
                             .name = "mine",
                             .version = "1.0",
                             .vendor = "me",
                             .components = p->list,
                             .layouts = ODEON_LAYOUTS};
}

static void assert_refused(const plugin *p, const char *reason)
{
    descriptor *d = NULL;
    diag_clear();
    assert_int_equal(descriptor_create(&p->root, "/some/mine.so", &d), ODEON_ERR_PLUGIN);
    assert_null(d);
    assert_ptr_equal(strstr(diag_message(), "/some/mine.so: "), diag_message());
    if (strstr(diag_message(), reason) == NULL) {
        fail_msg("'%s' does not stand in '%s'", reason, diag_message());
    }
}

static const odeon_loss_ops *copied_ops(const descriptor *d)
{
    return d->root.components[0]->ops;
}

static void test_tables_are_copied(void **state)
{
    (void)state;
    plugin p;
    descriptor *d = NULL;
    make(&p);
    assert_int_equal(descriptor_create(&p.root, "f", &d), ODEON_OK);
    assert_ptr_not_equal(d->root.components[0], &p.component);
    assert_ptr_not_equal(copied_ops(d), &p.ops);
    assert_string_equal(d->root.components[0]->id, "mine");
    assert_true(copied_ops(d)->eval == eval);
    assert_null(d->root.components[1]);
    descriptor_destroy(d);
    descriptor_destroy(NULL);
}

static void test_longer_structures_are_cut_and_shorter_ones_refused(void **state)
{
    (void)state;
    plugin p;
    descriptor *d = NULL;
    make(&p);
    p.ops.known.struct_size = sizeof p.ops;
    assert_int_equal(descriptor_create(&p.root, "f", &d), ODEON_OK);
    assert_int_equal(copied_ops(d)->struct_size, sizeof(odeon_loss_ops));
    descriptor_destroy(d);
    p.component.struct_size = offsetof(odeon_component, fini);
    assert_refused(&p, "a component has struct_size 96, expected 104 to 4096");
}

static void test_table_of_another_kind_is_told(void **state)
{
    (void)state;
    static const odeon_layer_ops layer = {.struct_size = sizeof layer};
    plugin p;
    make(&p);
    p.component.ops = &layer;
    assert_refused(&p, "loss mine: its loss table has struct_size ");
    assert_refused(&p, "is the kind right? tables of this size have layer");
}

static void test_words_without_a_meaning_are_refused(void **state)
{
    (void)state;
    plugin p;
    make(&p);
    p.root.reserved0 = 1;
    assert_refused(&p, "a reserved field of odeon_plugin_v1 is not 0: reserved0");
    static const odeon_schedule_ops schedule = {.struct_size = sizeof schedule, .reserved0 = 1};
    make(&p);
    p.component.kind = ODEON_KIND_SCHEDULE;
    p.component.interface = ODEON_INTERFACE_SCHEDULE;
    p.component.interface_version = ODEON_LAYOUT_SCHEDULE;
    p.component.ops = &schedule;
    assert_refused(&p, "its schedule table has a reserved field that is not 0: reserved0");
    make(&p);
    p.ops.known.flags = 1u << 30;
    assert_refused(&p, "its loss table has flag bits that this host does not know: 0x40000000 in "
                       "flags");
}

static void test_what_is_missing_is_named(void **state)
{
    (void)state;
    plugin p;
    make(&p);
    p.ops.known.eval = NULL;
    assert_refused(&p, "loss mine: its loss table lacks eval");
    make(&p);
    p.component.ops = NULL;
    assert_refused(&p, "loss mine: ops is NULL");
    make(&p);
    p.component.license = NULL;
    assert_refused(&p, "summary, version, license or source is missing");
    make(&p);
    p.root.layouts = NULL;
    assert_refused(&p, "odeon_plugin_v1 has no layouts");
    make(&p);
    p.root.components = NULL;
    assert_refused(&p, "it has no components");
    make(&p);
    p.root.vendor = NULL;
    assert_refused(&p, "its name, version or vendor is missing");
}

static void test_components_are_of_known_kinds_and_there_once(void **state)
{
    (void)state;
    plugin p;
    make(&p);
    p.component.kind = 99;
    assert_refused(&p, "a component is of kind 99, which this host does not know");
    make(&p);
    p.list[1] = &p.component;
    assert_refused(&p, "loss mine: the plugin has it twice");
    make(&p);
    p.component.id = "no/id";
    assert_refused(&p, "the id of its loss is not of letters");
    static const uint32_t interfaces[] = {0, ODEON_INTERFACE_LAYER, 1000};
    for (size_t i = 0; i < 3; i++) {
        make(&p);
        p.component.interface = interfaces[i];
        assert_refused(&p, "which is none of loss that this host knows");
    }
    make(&p);
    p.component.interface_version ^= 1;
    assert_refused(&p, "it was built with other draft headers of loss");
}

/* ---- options that are written into an instance ---- */

typedef struct mine {
    ODEON_INSTANCE;
    int64_t count;
    double rate;
} mine;

static odeon_status nothing_more(void *self)
{
    return self != NULL ? ODEON_OK : ODEON_ERR_INTERNAL;
}

static void test_fields_of_an_instance_are_looked_at(void **state)
{
    (void)state;
    const odeon_option *sound[] = {
        ODEON_OPTION(mine, count, I64, .default_text = "1", .help = "a number"),
        ODEON_OPTION(mine, rate, F64, .default_text = "1", .help = "a number"), NULL};
    const struct {
        uint32_t offset, bytes;
        const char *reason;
    } wrong[] = {
        {offsetof(mine, rate), 4, "its option rate is 4 bytes at 16 of an instance of 24"},
        {0, 8, "its option rate is 8 bytes at 0"},
        {20, 8, "its option rate is 8 bytes at 20"},
        {24, 8, "its option rate is 8 bytes at 24"},
        {UINT32_MAX - 7, 8, "its option rate is 8 bytes at 4294967288"},
        {8, 0, "its option rate is 0 bytes at 8"},
        {offsetof(mine, count), 8, "its options rate and count are written to the same place"},
    };
    plugin p;
    make(&p);
    odeon_option rate = *sound[1];
    const odeon_option *const options[] = {sound[0], &rate, NULL};
    p.component.options = options;
    p.component.instance_bytes = ODEON_INSTANCE_BYTES(mine);
    p.component.init = nothing_more;
    descriptor *d = NULL;
    assert_int_equal(descriptor_create(&p.root, "f", &d), ODEON_OK);
    descriptor_destroy(d);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        rate.offset = wrong[i].offset;
        rate.bytes = wrong[i].bytes;
        assert_refused(&p, wrong[i].reason);
    }
}

/* A path would be lost, or the next field be overwritten. */
static void test_choices_with_a_path_need_room_for_it(void **state)
{
    (void)state;
    typedef struct choosing {
        ODEON_INSTANCE;
        odeon_choice with;
        int64_t without;
    } choosing;
    odeon_option with = *ODEON_OPTION(choosing, with, CHOICE_PATH, .default_text = "a",
                                      .choices = "a|b(path)", .help = "one of two");
    odeon_option without = *ODEON_OPTION(choosing, without, CHOICE, .default_text = "a",
                                         .choices = "a|b", .help = "one of two");
    const odeon_option *const options[] = {&with, &without, NULL};
    plugin p;
    make(&p);
    p.component.options = options;
    p.component.instance_bytes = ODEON_INSTANCE_BYTES(choosing);
    descriptor *d = NULL;
    assert_int_equal(descriptor_create(&p.root, "f", &d), ODEON_OK);
    descriptor_destroy(d);
    with.choices = "a|b";
    assert_refused(&p, "its option with is 16 bytes at 8 of an instance of 32, expected 8 bytes");
    with.choices = "a|b(path)";
    without.choices = "a|b(path)";
    assert_refused(&p, "its option without is 8 bytes at 24 of an instance of 32, expected 16");
}

static void test_sizes_of_instances_are_looked_at(void **state)
{
    (void)state;
    plugin p;
    make(&p);
    p.component.init = nothing_more;
    assert_refused(&p, "it has init or fini, but instance_bytes is 0");
    p.component.instance_bytes = 7;
    assert_refused(&p, "instance_bytes is 7");
    p.component.instance_bytes = UINT64_MAX;
    assert_refused(&p, "instance_bytes is 18446744073709551615");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_are_copied),
        cmocka_unit_test(test_longer_structures_are_cut_and_shorter_ones_refused),
        cmocka_unit_test(test_table_of_another_kind_is_told),
        cmocka_unit_test(test_words_without_a_meaning_are_refused),
        cmocka_unit_test(test_what_is_missing_is_named),
        cmocka_unit_test(test_components_are_of_known_kinds_and_there_once),
        cmocka_unit_test(test_fields_of_an_instance_are_looked_at),
        cmocka_unit_test(test_choices_with_a_path_need_room_for_it),
        cmocka_unit_test(test_sizes_of_instances_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
