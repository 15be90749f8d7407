#include <stdio.h>
#include <string.h>

#include "support.h"

#include "base/diag.h"
#include "data/fields.h"
#include "odeon/odeon.h"
#include "plugin/calling.h"
#include "plugin/words.h"

/* Room for any of the structures. */
typedef union any_structure {
    odeon_ode_spec spec;
    odeon_layer_plan plan;
    unsigned char bytes[2048];
} any_structure;

static const struct {
    const char *name;
    const word_rule *rules;
    int n;
} structures[] = {
    {"plan", words_of_plan, 3},           {"param", words_of_param, 1},
    {"field", words_of_field_info, 2},    {"stepper", words_of_stepper_info, 1},
    {"hint", words_of_hint, 1},           {"spec", words_of_ode_spec, 2},
    {"extension", words_of_extension, 1}, {"control", words_of_control, 1},
    {"body call", words_of_body_call, 1}, {"body dual call", words_of_body_dual_call, 1},
    {"augment", words_of_augment, 1},
};

static bool refuses(const word_rule *rules, const word_rule *rule, uint32_t word)
{
    any_structure x;
    char text[WORDS_TEXT_BYTES] = "";
    memset(&x, 0, sizeof x);
    memcpy(x.bytes + rule->offset, &word, sizeof word);
    bool refused = words_fault(&x, rules, text);
    assert_int_equal(refused, strstr(text, rule->name) != NULL);
    return refused;
}

static void test_every_bit_without_a_meaning_is_refused_with_its_word(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof structures / sizeof *structures; s++) {
        int n = 0;
        for (const word_rule *rule = structures[s].rules; rule->name != NULL; rule++, n++) {
            for (int bit = 0; bit < 32; bit++) {
                uint32_t word = UINT32_C(1) << bit;
                if (refuses(structures[s].rules, rule, word) != ((word & rule->known) == 0)) {
                    fail_msg("%s: %s: bit %d", structures[s].name, rule->name, bit);
                }
            }
            assert_false(refuses(structures[s].rules, rule, rule->known));
        }
        assert_int_equal(n, structures[s].n);
    }
}

/* ---- what plugins give ---- */

static uint32_t given_flags, given_reserved;

static int32_t one_field(void *self)
{
    (void)self;
    return 1;
}

static odeon_status describe_field(void *self, int32_t index, odeon_field_info *out)
{
    (void)self;
    (void)index;
    out->dtype = ODEON_DTYPE_F32;
    out->flags = given_flags;
    out->reserved0 = given_reserved;
    return ODEON_OK;
}

static odeon_status read_fields(uint32_t flags, uint32_t reserved)
{
    static const odeon_dataset_ops ops = {
        .struct_size = sizeof ops, .field_count = one_field, .field = describe_field};
    static const odeon_component component = {.kind = ODEON_KIND_DATASET, .id = "odd", .ops = &ops};
    static char path[] = "data";
    const instance set = {.component = &component, .path = path, .file = "/some/odd.so"};
    data_fields fields;
    given_flags = flags;
    given_reserved = reserved;
    diag_clear();
    return data_fields_read(&set, &fields);
}

static void assert_message_has(const char *text)
{
    if (strstr(diag_message(), text) == NULL) {
        fail_msg("'%s' does not stand in '%s'", text, diag_message());
    }
}

static void test_component_file_slot_and_word_are_named(void **state)
{
    (void)state;
    assert_int_equal(read_fields(0x20002, 0), ODEON_ERR_PLUGIN);
    assert_message_has("data: dataset odd (/some/odd.so), field: it sets flag bits that this host "
                       "does not know: 0x20000 in flags: a bug in the plugin");
    assert_int_equal(read_fields(0, 7), ODEON_ERR_PLUGIN);
    assert_message_has("it sets a reserved field, which must stay 0: reserved0 is 0x7");
    /* What is known, and what may be ignored; then there is no label. */
    assert_int_equal(read_fields(ODEON_FIELD_RELATIVE, 0), ODEON_ERR_UNSUPPORTED);
    assert_int_equal(read_fields(0x8002, 0), ODEON_ERR_UNSUPPORTED);
}

/* A container or a gradient method is named where it calls a service of the host; what the host
 * calls by itself is its own affair. */
static void test_caller_of_a_service_is_named(void **state)
{
    (void)state;
    static const odeon_component component = {.kind = ODEON_KIND_GRADIENT, .id = "odd"};
    static char path[] = "ode";
    const instance method = {.component = &component, .path = path};
    const int32_t flags = 64;
    diag_clear();
    assert_int_equal(words_check_call(&flags, words_of_augment), ODEON_OK);
    calling outer = calling_begin(&method, "backward");
    odeon_status status = words_check_call(&flags, words_of_augment);
    calling_leave(outer);
    assert_int_equal(status, ODEON_ERR_PLUGIN);
    assert_message_has("ode: gradient odd, backward: it sets flag bits");
    assert_message_has("0x40 in flags");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bit_without_a_meaning_is_refused_with_its_word),
        cmocka_unit_test(test_component_file_slot_and_word_are_named),
        cmocka_unit_test(test_caller_of_a_service_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
