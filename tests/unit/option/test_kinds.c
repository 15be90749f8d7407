/* What the host knows of each kind: names, numbers, and the rows of their tables. */
#include "option/kinds.h"

#include <stdbool.h>
#include <string.h>

#include "odeon/odeon.h"
#include "support.h"

/* ---- names ---- */

static void test_names_and_numbers_are_those_of_the_interface(void **state)
{
    (void)state;
    static const struct {
        int32_t kind;
        const char *name;
    } all[] = {
#define ROW(NAME, value, text) {value, text},
        ODEON_KIND_LIST(ROW)
#undef ROW
    };
    assert_int_equal(sizeof all / sizeof all[0], KIND_COUNT);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        assert_string_equal(kind_name(all[i].kind), all[i].name);
        assert_int_equal(kind_by_name(all[i].name), all[i].kind);
    }
}

static void test_rows_are_those_of_the_list_of_interfaces(void **state)
{
    (void)state;
    static const struct {
        uint32_t number;
        int32_t kind;
        const char *name;
        size_t bytes;
        uint32_t layout;
    } all[] = {
#define ROW(NAME, value, kind, text, type, header)                                                 \
    {value, ODEON_KIND_##kind, text, sizeof(type), ODEON_LAYOUT_##NAME},
        ODEON_INTERFACE_LIST(ROW)
#undef ROW
    };
    assert_int_equal(sizeof all / sizeof all[0], INTERFACE_COUNT);
    for (size_t i = 0; i < INTERFACE_COUNT; i++) {
        const interface_info *info = interface_of(all[i].number);
        assert_non_null(info);
        assert_int_equal(info->kind, all[i].kind);
        assert_string_equal(info->name, all[i].name);
        assert_int_equal(info->ops_bytes, all[i].bytes);
        assert_int_equal(info->version, all[i].layout);
        assert_int_equal(interface_by_name(all[i].name), all[i].number);
    }
    assert_null(interface_of(0));
    assert_null(interface_of(INTERFACE_COUNT + 1));
    assert_int_equal(interface_by_name("integrator"), 0);
}

static void test_what_is_no_kind(void **state)
{
    (void)state;
    static const int32_t numbers[] = {0, -1, KIND_COUNT + 1, INT32_MIN, INT32_MAX};
    static const char *const names[] = {"", "laye", "layers", "Layer", "stepper", "tableau"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_null(kind_name(numbers[i]));
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(kind_by_name(names[i]), 0);
    }
}

/* ---- rows ---- */

static bool names_slot(const kind_slot *slots, const char *name)
{
    for (; slots->name != NULL; slots++) {
        if (strcmp(slots->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Slots are looked at in every table that is large enough for the first version, so they lie within
 * it, each once and where a pointer may stand. */
static void check_slots(const interface_info *info)
{
    for (const kind_slot *slot = info->needed; slot->name != NULL; slot++) {
        assert_true(slot->offset >= sizeof(uint32_t)); /* behind struct_size */
        assert_int_equal(slot->offset % sizeof(void *), 0);
        assert_true(slot->offset + sizeof(void *) <= info->ops_bytes_first);
        assert_false(names_slot(slot + 1, slot->name));
    }
}

static void check_row(const interface_info *info)
{
    assert_true(info->ops_bytes_first > 0 && info->ops_bytes_first <= info->ops_bytes);
    assert_true(info->reserved_at >= 0 && (size_t)info->reserved_at < info->ops_bytes_first);
    assert_true(info->flags_at < info->ops_bytes_first);
    assert_true(info->flags_at != 0 || info->flags_known == 0);
    check_slots(info);
}

static void test_rows_fit_their_tables(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= INTERFACE_COUNT; i++) {
        check_row(interface_of(i));
    }
}

typedef struct expectation {
    const char *name;
    size_t offset;
} expectation;

static void assert_slots(const kind_slot *slots, size_t n, const expectation *expected)
{
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(slots[i].name, expected[i].name);
        assert_int_equal(slots[i].offset, expected[i].offset);
    }
    assert_null(slots[n].name);
}

#define SLOT(type, field)                                                                          \
    {                                                                                              \
#field, offsetof(type, field)                                                              \
    }
#define ASSERT_SLOTS(slots, ...)                                                                   \
    do {                                                                                           \
        const expectation expected[] = {__VA_ARGS__};                                              \
        assert_slots(slots, sizeof expected / sizeof expected[0], expected);                       \
    } while (0)

static void test_these_slots_are_needed(void **state)
{
    (void)state;
    /* memory and queues may be those of a device's base */
    ASSERT_SLOTS(interface_of(ODEON_INTERFACE_DEVICE)->needed, SLOT(odeon_device_ops, probe),
                 SLOT(odeon_device_ops, describe), SLOT(odeon_device_ops, get_table));
    ASSERT_SLOTS(interface_of(ODEON_INTERFACE_DATASET)->needed,
                 SLOT(odeon_dataset_ops, field_count), SLOT(odeon_dataset_ops, field),
                 SLOT(odeon_dataset_ops, open), SLOT(odeon_dataset_ops, get_batch));
    ASSERT_SLOTS(interface_of(ODEON_INTERFACE_LAYER)->needed, SLOT(odeon_layer_ops, plan),
                 SLOT(odeon_layer_ops, forward), SLOT(odeon_layer_ops, vjp));
    ASSERT_SLOTS(interface_of(ODEON_INTERFACE_GRADIENT)->needed, SLOT(odeon_gradient_ops, forward),
                 SLOT(odeon_gradient_ops, backward));
    ASSERT_SLOTS(interface_of(ODEON_INTERFACE_OPTIMIZER)->needed,
                 SLOT(odeon_optimizer_ops, moment_count), SLOT(odeon_optimizer_ops, moment_name),
                 SLOT(odeon_optimizer_ops, learning_rate));
    ASSERT_SLOTS(interface_of(ODEON_INTERFACE_LOSS)->needed, SLOT(odeon_loss_ops, metric_count),
                 SLOT(odeon_loss_ops, metric_name), SLOT(odeon_loss_ops, check),
                 SLOT(odeon_loss_ops, eval));
    ASSERT_SLOTS(interface_of(ODEON_INTERFACE_SCHEDULE)->needed, SLOT(odeon_schedule_ops, factor));
    ASSERT_SLOTS(interface_of(ODEON_INTERFACE_OBSERVER)->needed, SLOT(odeon_observer_ops, see));
    ASSERT_SLOTS(interface_of(ODEON_INTERFACE_VIEW)->needed, SLOT(odeon_view_ops, drawings),
                 SLOT(odeon_view_ops, draw));
    ASSERT_SLOTS(interface_of(ODEON_INTERFACE_STEPPER)->needed, SLOT(odeon_stepper_ops, describe),
                 SLOT(odeon_stepper_ops, step));
    ASSERT_SLOTS(interface_of(ODEON_INTERFACE_TABLEAU)->needed, SLOT(odeon_tableau, a),
                 SLOT(odeon_tableau, b), SLOT(odeon_tableau, c));
}

static void test_reserved_words_and_flags_are_known(void **state)
{
    (void)state;
    assert_int_equal(interface_of(ODEON_INTERFACE_DATASET)->reserved_at,
                     offsetof(odeon_dataset_ops, reserved0));
    assert_int_equal(interface_of(ODEON_INTERFACE_LOSS)->flags_at, offsetof(odeon_loss_ops, flags));
    assert_int_equal(interface_of(ODEON_INTERFACE_SCHEDULE)->reserved_at,
                     offsetof(odeon_schedule_ops, reserved0));
    assert_int_equal(interface_of(ODEON_INTERFACE_STEPPER)->reserved_at,
                     offsetof(odeon_stepper_ops, reserved0));
    assert_int_equal(interface_of(ODEON_INTERFACE_LAYER)->reserved_at, 0);
    assert_int_equal(interface_of(ODEON_INTERFACE_OBSERVER)->flags_at,
                     offsetof(odeon_observer_ops, flags));
    assert_int_equal(interface_of(ODEON_INTERFACE_OBSERVER)->flags_known, ODEON_OBSERVER_RECORDS);
    assert_int_equal(interface_of(ODEON_INTERFACE_VIEW)->flags_at, offsetof(odeon_view_ops, flags));
    assert_int_equal(interface_of(ODEON_INTERFACE_VIEW)->flags_known, 0);
    assert_int_equal(interface_of(ODEON_INTERFACE_GRADIENT)->flags_at,
                     offsetof(odeon_gradient_ops, flags));
    assert_int_equal(interface_of(ODEON_INTERFACE_GRADIENT)->flags_known,
                     ODEON_GRADIENT_DISCRETE | ODEON_GRADIENT_NEEDS_Y | ODEON_GRADIENT_NEEDS_DENSE);
    assert_int_equal(interface_of(ODEON_INTERFACE_OPTIMIZER)->flags_at,
                     offsetof(odeon_optimizer_ops, flags));
    assert_int_equal(interface_of(ODEON_INTERFACE_OPTIMIZER)->flags_known,
                     ODEON_OPTIMIZER_ELEMENTWISE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_numbers_are_those_of_the_interface),
        cmocka_unit_test(test_rows_are_those_of_the_list_of_interfaces),
        cmocka_unit_test(test_what_is_no_kind),
        cmocka_unit_test(test_rows_fit_their_tables),
        cmocka_unit_test(test_these_slots_are_needed),
        cmocka_unit_test(test_reserved_words_and_flags_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
