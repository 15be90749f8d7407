/* Keys of recordings: equal bytes for equal calls, and for nothing else. */
#include "solver/capture_key.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "odeon/device_solver.h"
#include "support.h"

static void control_key(capture_key *key, const odeon_control *control)
{
    key_begin(key, KEY_LOOP);
    key_add_control(key, control);
    assert_false(key->failed);
}

static bool are_equal(const capture_key *a, const capture_key *b)
{
    return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

static void test_key_begins_anew_in_the_same_memory(void **state)
{
    (void)state;
    capture_key key = {0};
    key_begin(&key, KEY_TAPE);
    assert_int_equal(key.n, sizeof(int64_t));
    key_add_real(&key, 1.5);
    key_add_address(&key, &key);
    key_add_bytes(&key, "abc", 3);
    key_add_bytes(&key, NULL, 0);
    assert_int_equal(key.n, 2 * sizeof(int64_t) + sizeof(void *) + 3);
    const char *memory = key.bytes;
    key_begin(&key, KEY_TAPE);
    assert_int_equal(key.n, sizeof(int64_t));
    assert_ptr_equal(key.bytes, memory);
    key_fini(&key);
}

static void test_tags_and_numbers_tell_keys_apart(void **state)
{
    (void)state;
    capture_key a = {0}, b = {0};
    key_begin(&a, KEY_STEPS);
    key_begin(&b, KEY_ROWS);
    assert_false(are_equal(&a, &b));
    key_begin(&b, KEY_STEPS);
    assert_true(are_equal(&a, &b));
    key_add_real(&a, 0.0);
    key_add_real(&b, -0.0); /* calls by these may differ */
    assert_false(are_equal(&a, &b));
    key_fini(&a);
    key_fini(&b);
}

/* Every byte of the structure that step_control reads makes another key; padding, reserved fields,
 * unused counts and rows do not. */
static void test_every_field_of_a_control_counts(void **state)
{
    (void)state;
    odeon_control control = {.struct_size = sizeof control, .n_parts = 2};
    capture_key before = {0}, after = {0};
    const size_t count = offsetof(odeon_control, count);
    size_t changed = 0, unused = (ODEON_MAX_PARTS - 2) * sizeof control.count[0];
    control_key(&before, &control);
    for (size_t i = 0; i < sizeof control; i++) {
        odeon_control other = control;
        if (i >= offsetof(odeon_control, n_parts) && i < offsetof(odeon_control, reserved0)) {
            changed++; /* another number of counts */
            continue;
        }
        ((unsigned char *)&other)[i] ^= 1;
        control_key(&after, &other);
        changed += !are_equal(&before, &after);
        bool in_counts = i >= count && i < count + 2 * sizeof control.count[0];
        assert_true(!in_counts || !are_equal(&before, &after));
    }
    size_t ignored = sizeof control.struct_size + sizeof control.reserved0 + sizeof control.rows;
    assert_int_equal(changed, sizeof control - ignored - unused);
    key_fini(&before);
    key_fini(&after);
}

/* It says so, and the next key is whole again. */
static void test_key_without_memory_fails_until_the_next(void **state)
{
    (void)state;
    capture_key key = {0};
    mem_fail_at(1);
    key_begin(&key, KEY_STEPS);
    mem_fail_at(0);
    assert_true(key.failed);
    key_add_int(&key, 7);
    assert_true(key.failed);
    key_begin(&key, KEY_STEPS);
    key_add_int(&key, 7);
    assert_false(key.failed);
    assert_int_equal(key.n, 2 * sizeof(int64_t));
    key_fini(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_begins_anew_in_the_same_memory),
        cmocka_unit_test(test_tags_and_numbers_tell_keys_apart),
        cmocka_unit_test(test_every_field_of_a_control_counts),
        cmocka_unit_test(test_key_without_memory_fails_until_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
