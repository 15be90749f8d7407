/* A shape as text. */
#include "net/net.h"

#include <string.h>

#include "support.h"

static const odeon_shape image = {.ndim = 4, .dim = {7, 3, 26, 26}};

static void test_shape_is_written_without_its_batch(void **state)
{
    (void)state;
    static const odeon_shape one = {.ndim = 2, .dim = {7, 5}},
                             batch_alone = {.ndim = 1, .dim = {7}},
                             huge = {.ndim = 2, .dim = {1, INT64_MAX}}, scalar = {.ndim = 0};
    char text[64];
    assert_ptr_equal(net_shape_text(&image, text, sizeof text), text);
    assert_string_equal(text, "[3, 26, 26]");
    assert_string_equal(net_shape_text(&one, text, sizeof text), "[5]");
    assert_string_equal(net_shape_text(&batch_alone, text, sizeof text), "[]");
    assert_string_equal(net_shape_text(&scalar, text, sizeof text), "[]");
    assert_string_equal(net_shape_text(&huge, text, sizeof text), "[9223372036854775807]");
}

/* Cut where the room ends, with nothing written behind it. */
static void test_short_room_cuts_the_text(void **state)
{
    (void)state;
    static const char whole[] = "[3, 26, 26]";
    for (size_t room = 1; room <= sizeof whole; room++) {
        char text[16];
        memset(text, 'x', sizeof text);
        (void)net_shape_text(&image, text, room);
        assert_int_equal(strlen(text), room - 1);
        assert_int_equal(strncmp(text, whole, room - 1), 0);
        assert_int_equal(text[room], 'x');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape_is_written_without_its_batch),
        cmocka_unit_test(test_short_room_cuts_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
